/* promql_lex.h - PromQL as tokens.
 *
 * Memory: token texts point into the expression; the texts of errors lie in the arena.
 * End:    after PROM_EOF or PROM_ERROR there is nothing more to ask for.
 */
#pragma once
#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"

enum prom_kind {
	PROM_EOF,
	PROM_ERROR, /* the text is the message */
	PROM_IDENTIFIER,
	PROM_METRIC_IDENTIFIER, /* with a colon */
	PROM_NUMBER,
	PROM_DURATION,
	PROM_STRING, /* with its quotes */
	PROM_LEFT_PAREN,
	PROM_RIGHT_PAREN,
	PROM_LEFT_BRACE,
	PROM_RIGHT_BRACE,
	PROM_LEFT_BRACKET,
	PROM_RIGHT_BRACKET,
	PROM_COMMA,
	PROM_COLON,
	PROM_EQL, /* a single = */

	PROM_OPERATORS, /* bounds of what follows */
	PROM_ADD,
	PROM_SUB,
	PROM_MUL,
	PROM_DIV,
	PROM_MOD,
	PROM_POW,
	PROM_ATAN2,
	PROM_EQLC,
	PROM_NEQ,
	PROM_LTE,
	PROM_LSS,
	PROM_GTE,
	PROM_GTR,
	PROM_TRIM_UPPER,
	PROM_TRIM_LOWER,
	PROM_AND,
	PROM_OR,
	PROM_UNLESS,
	PROM_EQL_REGEX,
	PROM_NEQ_REGEX,
	PROM_AT,

	PROM_AGGREGATORS,
	PROM_AVG,
	PROM_BOTTOMK,
	PROM_COUNT,
	PROM_COUNT_VALUES,
	PROM_GROUP,
	PROM_LIMITK,
	PROM_LIMIT_RATIO,
	PROM_MAX,
	PROM_MIN,
	PROM_QUANTILE,
	PROM_STDDEV,
	PROM_STDVAR,
	PROM_SUM,
	PROM_TOPK,

	PROM_KEYWORDS,
	PROM_ANCHORED,
	PROM_BOOL,
	PROM_BY,
	PROM_FILL,
	PROM_FILL_LEFT,
	PROM_FILL_RIGHT,
	PROM_GROUP_LEFT,
	PROM_GROUP_RIGHT,
	PROM_IGNORING,
	PROM_OFFSET,
	PROM_ON,
	PROM_SMOOTHED,
	PROM_WITHOUT,

	PROM_PREPROCESSORS,
	PROM_START,
	PROM_END,
	PROM_STEP,
	PROM_RANGE,
	PROM_MAX_OF,
	PROM_MIN_OF,
};

struct prom_token {
	enum prom_kind kind;
	size_t at, end;
	struct str text;
};

struct prom_lexer {
	struct arena *mem;
	struct str in;
	size_t pos, start;
	int parens;
	bool in_braces, in_brackets;
	bool got_colon, got_duration; /* in these brackets */
};

struct prom_token prom_next(struct prom_lexer *);
bool prom_is_aggregator(enum prom_kind);
bool prom_is_metric_name(enum prom_kind);
bool prom_is_label_name(enum prom_kind);

/* "identifier \"x\"", "<op:+>", "end of input": as error texts name it. */
void prom_describe(struct buf *, const struct prom_token *);
/* What a string token stands for. */
struct str prom_unquote(struct arena *, struct str token);
