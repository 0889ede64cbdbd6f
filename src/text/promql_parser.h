/* promql_parser.h - where the PromQL parser stands in its input, and what the parts of the
 * grammar share.
 *
 *	promql_parse.c		expressions: tokens, selectors, calls, operators
 *	promql_span.c		numbers, lengths of time, and arithmetic on these
 *	promql_modifier.c	what may follow a primary: [5m], offset, @, anchored
 *
 * Failure: false or NULL, and the parser's err is set.
 * Inside text/ only.
 */
#pragma once
#include "text/promql_ast.h"

struct prom_wanted {
	const char *context, *expected;
};
struct prom_parser {
	struct arena *mem;
	struct prom_lexer lexer;
	struct prom_token tok; /* the next one, not used yet */
	struct promql_error *err;
	size_t depth;
	size_t in_aggregates;
	struct prom_wanted span; /* what is said within a length of time */
};

enum { PREC_OR = 1, PREC_AND, PREC_COMPARE, PREC_ADD, PREC_MUL, PREC_POW };
int prom_arithmetic_precedence(enum prom_kind); /* 0: not an operator of it */

struct prom_token prom_take(struct prom_parser *);
bool prom_is(const struct prom_parser *, enum prom_kind);
bool prom_take_if(struct prom_parser *, enum prom_kind);
/* False. context and expected may be NULL. */
bool prom_unexpected_in(struct prom_parser *, const char *context, const char *expected);
bool prom_unexpected(struct prom_parser *);
/* One level deeper; the caller counts depth down, also after false. */
bool prom_enter(struct prom_parser *);
struct prom_node *prom_node_new(struct prom_parser *, enum prom_node_kind, enum prom_type,
				size_t at);

bool prom_is_number(const struct prom_parser *);
bool prom_parse_number(struct prom_parser *, double *out); /* what prom_is_number saw */
/* A positive length of time, up to what must follow it. */
bool prom_parse_range(struct prom_parser *, const char *context, const char *expected,
		      struct prom_span *out);
/* What follows the word; *is_zero: a literal that moves nothing. */
bool prom_parse_offset(struct prom_parser *, struct prom_span *out, bool *is_zero);

bool prom_starts_modifier(enum prom_kind);
/* Around n, or in it. */
struct prom_node *prom_parse_modifier(struct prom_parser *, struct prom_node *n);
