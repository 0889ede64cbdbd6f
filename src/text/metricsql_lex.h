/* metricsql_lex.h - MetricsQL as tokens.
 *
 * Memory: token texts point into the expression.
 * Words:  no word is reserved; what a name means depends on where it stands.
 * End:    after MQL_END or MQL_BAD there is nothing more to ask for.
 */
#pragma once
#include "base/arena.h"
#include "base/str.h"

enum mql_kind {
	MQL_END,
	MQL_BAD,      /* error says why */
	MQL_NAME,     /* letters of any script, digits, _ : . and \escaped characters */
	MQL_STRING,   /* with its quotes */
	MQL_NUMBER,   /* "1e3", "0x1f", "1_000", "5Mi", not checked yet */
	MQL_DURATION, /* "1h30m", "5i", "$__interval" */
	MQL_SYMBOL,   /* an operator, a bracket, a comma, @ */
};

struct mql_token {
	enum mql_kind kind;
	size_t at;
	struct str text;
	const char *error;
};

struct mql_lexer {
	struct str in;
	size_t pos;
	bool in_window; /* between [ and ], where a colon is a symbol */
};

struct mql_token mql_next(struct mql_lexer *);
/* Words of the language are compared so, in lower or upper case. */
bool mql_is_word(const struct mql_token *, const char *word);
bool mql_is_symbol(const struct mql_token *, const char *symbol);

bool mql_number_is_good(struct arena *, struct str token);
/* What a string token stands for. False: an escape that there is not, a line's end. */
bool mql_unquote(struct arena *, struct str token, struct str *out) MUST_USE;
/* A name without the backslashes of its escapes. */
struct str mql_unescape(struct arena *, struct str name);
