/* field.h - tables that say what a configuration object looks like.
 *
 * A row names one key and the struct member that takes it. The loader, the error texts
 * (the nearest known key), the printed configuration and the manual read the same rows,
 * so a new option is one line.
 *
 *	static const struct field fields[] = {
 *		{"channel", FIELD_TEXT, AT(channel), .help = "Overrides the webhook's."},
 *		{0},
 *	};
 *
 * Absent:  a member without its key has the value of .if_absent, read as if it stood in the
 *          file, and is zero without one; a FIELD_TEXT is then "".
 * Null:    `key:` with nothing behind it is the zero value, also where a default exists.
 * Memory:  in the arena of the struct decode; the YAML tree must live as long.
 * Failure: every mistake goes to the errs with its place, and the reading goes on.
 */
#pragma once
#include "base/err.h"
#include "base/time.h"
#include "config/secret.h"
#include "model/matcher.h"
#include "text/url.h"
#include "text/yaml.h"

struct files;

struct text_pair { /* name: text, where the text is often a template */
	const char *name, *text;
	struct pos at;
};
struct text_list {
	const char **v;
	size_t n;
	bool present; /* also when empty */
};
struct pair_list { /* in file order */
	struct text_pair *v;
	size_t n;
	bool present;
};
struct object_list { /* n objects of shape->size bytes */
	void *v;
	size_t n;
	bool present;
};
struct given_span {
	bool given;
	span_ms ms;
};
enum tristate { UNSET, NO, YES };

enum field_kind {
	FIELD_END,	  /* {0} ends a table */
	FIELD_TEXT,	  /* const char *, never NULL: any scalar's source text */
	FIELD_OPTIONAL,	  /* const char *, NULL when absent or empty */
	FIELD_PATH,	  /* the same, a relative one joined to decode.dir */
	FIELD_SECRET,	  /* struct secret */
	FIELD_SECRET_URL, /* struct secret, holding a printed URL */
	FIELD_URL,	  /* const char *, printed; NULL when absent */
	FIELD_HOST_PORT,  /* struct host_port */
	FIELD_BOOL,	  /* bool */
	FIELD_TRISTATE,	  /* enum tristate */
	FIELD_INT,	  /* int64_t, within .min and .max unless both are 0 */
	FIELD_FLOAT,	  /* double */
	FIELD_SPAN,	  /* span_ms: 1h30m */
	FIELD_GIVEN_SPAN, /* struct given_span: the same, and whether it was there */
	FIELD_GO_SPAN,	  /* int64_t nanoseconds: 1.5h; a bare number is nanoseconds */
	FIELD_GO_TEXT,	  /* int64_t nanoseconds: 1.5h; no bare number */
	FIELD_TEXTS,	  /* struct text_list */
	FIELD_PATHS,	  /* struct text_list, joined to decode.dir */
	FIELD_PAIRS,	  /* struct pair_list */
	FIELD_ANY,	  /* const struct yaml *, NULL when absent */
	FIELD_INSIDE,	  /* a struct of .of's shape, inside this one */
	FIELD_OBJECT,	  /* a pointer to one; NULL when absent or null */
	FIELD_LIST,	  /* struct object_list */
	FIELD_EMBED,	  /* the rows of .of, as if they stood here; its name is "*" */
	FIELD_CUSTOM,	  /* what .codec reads */
};
enum null_elements { NULL_REFUSED, NULL_EMPTY, NULL_DROPPED }; /* `- ` in a FIELD_LIST */

struct decode {
	struct arena *mem;
	struct arena *objects; /* of those in lists, when they are not kept; or NULL */
	struct errs *errs, *warnings;
	const struct files *files;
	const char *path; /* of the file being read */
	const char *dir;  /* relative paths are joined to it; NULL: they stay */
	enum matcher_mode matchers;
	bool any_key;	  /* unknown ones are passed over */
	bool loose_spans; /* FIELD_GIVEN_SPAN: durations as MetricsQL has them, too */
};

struct field {
	const char *name;
	enum field_kind kind;
	size_t at; /* offsetof */
	const char *if_absent;
	int64_t min, max;
	const struct shape *of;
	const struct field_codec *codec;
	enum null_elements nulls;
	bool always;  /* printed even when zero */
	bool quiet;   /* not printed while it has its default: older peers do not know it */
	bool is_html; /* rendered with the escapes of HTML */
	bool (*is_html_in)(const void *object); /* the same, when this says so */
	const char *help;
};

struct shape {
	const char *type; /* "route": for messages */
	const struct field *fields;
	size_t size;
	bool placed; /* the struct begins with a struct pos */
	/* Checks what no single row can, after the rows. NULL: nothing. */
	void (*check)(struct decode *, const struct yaml *, void *object);
};

struct field_codec {
	/* The node is never NULL; absent keys leave the member zero. */
	void (*decode)(struct decode *, const struct yaml *, void *member);
	/* NULL: nothing to print. */
	const struct yaml *(*print)(struct arena *, const void *member);
};

/* Reads a map (or null, as an empty one) into a zeroed object. */
void decode_object(struct decode *, const struct yaml *, const struct shape *,
		   void *object);
void decode_fields(struct decode *, const struct yaml *, const char *type,
		   const struct field *, void *object);

/* Any scalar's text; a list or map is a mistake and gives "". */
const char *decode_text(struct decode *, const struct yaml *);
bool decode_bool(struct decode *, const struct yaml *);
span_ms decode_span(struct decode *, const struct yaml *);
/* A duration of MetricsQL; it may be negative. */
bool loose_span_parse(struct str, span_ms *) MUST_USE;
bool is_map(struct decode *, const struct yaml *, const char *type);  /* says so if not */
bool is_list(struct decode *, const struct yaml *, const char *type); /* null: empty list */
const char *path_join(struct arena *, const char *dir, const char *path);

/* Where the key stands, or the map itself when it does not. */
struct pos pos_of_key(const struct yaml *map, const char *key);
struct pos pos_of_value(const struct yaml *map, const char *key);
struct pos pos_of_item(const struct yaml *map, const char *key, size_t index);
void mistake(struct decode *, struct pos, const char *fmt, ...) PRINTF(3, 4);

/* The object as YAML; zero members are left out. */
struct yaml *print_object(struct arena *, const struct field *, const void *object);
void print_fields(struct arena *, struct yaml *map, const struct field *,
		  const void *object);
