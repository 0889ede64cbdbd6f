/* tool.h - what the commands of tocsin share: the command line, requests, tables.
 *
 * A command is one file and one row in main.c. It returns the exit code; errors go to
 * standard error as "tocsin: error: ...".
 * Spec: spec/cli.md.
 */
#pragma once
#include "base/vec.h"
#include "model/matcher.h"
#include "config/http.h"
#include "text/json.h"

/* -- the command line ----------------------------------------------------------------- */

enum option_kind { OPTION_TEXT, OPTION_TEXTS, OPTION_FLAG };
struct option_row {
	const char *name;
	char letter; /* 0: none */
	enum option_kind kind;
	const char *otherwise; /* default of OPTION_TEXT; "true" turns a flag on */
	const char *help;
};
struct option_value {
	const struct option_row *row;
	bool given; /* on the command line */
	const char *text;
	VEC(const char *) texts;
	bool on;
};

struct tool;
struct command {
	const char *words;		  /* "silence add" */
	const char *arguments;		  /* for the usage line: "[matchers...]" */
	const struct option_row *options; /* name NULL ends */
	int (*run)(struct tool *);
	const char *help;
	bool is_offline; /* works without a server */
};

enum output { OUTPUT_SIMPLE, OUTPUT_EXTENDED, OUTPUT_JSON };
struct tool {
	struct arena mem;
	const char *name; /* argv[0]'s last part: tocsin, or amtool */
	bool is_amtool;	  /* behaves as it where tocsin does better */
	const struct command *command;
	VEC(struct option_value) options;
	VEC(const char *) args;

	const char *url; /* without a slash at its end; NULL: amtool was given none */
	enum output output;
	const char *date_format;
	enum matcher_mode matchers;
	int64_t timeout_ns;
	const struct http_config *http;
	struct http_config http_of_url;
	wall_ms now;
};

extern const struct option_row global_options[];
void tool_name(struct tool *, const char *argv0);
bool tool_parse(struct tool *, int argc, char **argv, struct err *) MUST_USE;
/* "amtool: error: text" and two newlines; gives 1 */
int fail(const struct tool *, const char *fmt, ...) PRINTF(2, 3);
/* The same with one newline. */
int fail_short(const struct tool *, const char *text);
void print_help(const struct tool *);
/* False: the command line asks for no completion. */
bool completion_answer(struct tool *, int argc, char **argv) MUST_USE;
extern const struct command commands[];

const struct option_value *option(const struct tool *, const char *name);
const char *option_text(const struct tool *, const char *name);
bool option_on(const struct tool *, const char *name);

/* -- matchers ------------------------------------------------------------------------- */

/* The arguments as matcher texts, the first one as alertname="..." when it is none. */
const char **matcher_args(struct tool *, size_t *n);
/* The same, parsed. False after an error was printed. */
bool parse_matchers(struct tool *, struct matchers *) MUST_USE;
/* key=value texts; false after an error was printed. */
bool parse_pairs(struct tool *, const char *const *texts, size_t n, const char *what,
		 struct label **, size_t *n_pairs) MUST_USE;
/* RFC 3339; "" leaves it alone. False after an error was printed. */
bool parse_instant(struct tool *, const char *option_name, struct instant *) MUST_USE;

/* -- requests ------------------------------------------------------------------------- */

struct reply {
	int status; /* 0: none came */
	const char *error;
	struct str body;
};
/* One request to the server, waited for; path begins with /api. */
struct reply request(struct tool *, const char *method, const char *path, struct str body);
/* The body as JSON; NULL after an error was printed. operation is its name in the API. */
json_t *request_json(struct tool *, const char *method, const char *path,
		     const char *operation, struct str body);
/* 0, or 1 after the error was printed. pattern and operation as the API names them. */
int check_reply(struct tool *, const struct reply *, const char *method,
		const char *pattern, const char *operation);

/* -- output --------------------------------------------------------------------------- */

struct table {
	struct arena *mem;
	size_t columns;
	VEC(const char *) cells; /* row by row, the heading first */
};
void table_row(struct table *, const char *const *cells);
void table_print(const struct table *);
const char *date_text(struct tool *, const char *rfc3339);
void print_json(const json_t *);

/* -- shared by the silence commands --------------------------------------------------- */
void print_silences(struct tool *, json_t *list);
void print_ids(struct tool *, const json_t *silences); /* one a line, or as a list */
struct instant json_time(const json_t *object, const char *name);
const char *json_text(const json_t *object, const char *name); /* "" when absent */
