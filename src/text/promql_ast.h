/* promql_ast.h - a parsed PromQL expression: what promql_parse.c builds and promql_check.c
 * walks.
 *
 * Memory: in the arena; texts point into the expression or lie in the arena.
 * Shape:  binary operators lean to the left as far as the text does; everything else nests
 *         at most PROMQL_MAX_DEPTH levels.
 */
#pragma once
#include "model/labels.h"
#include "model/regex.h"
#include "text/promql.h"
#include "text/promql_lex.h"

enum prom_type { PROM_NONE, PROM_SCALAR, PROM_VECTOR, PROM_MATRIX, PROM_TEXT };

#define PROM_MAX_PARAMS 5
struct prom_func {
	const char *name;
	enum prom_type result;
	enum prom_type params[PROM_MAX_PARAMS];
	size_t n_params;
	int variadic; /* how often more the last may come, it being optional; -1: any */
};
const struct prom_func *prom_func_find(struct str name); /* NULL: unknown */

enum prom_node_kind {
	PROM_NODE_NUMBER,
	PROM_NODE_STRING,
	PROM_NODE_VECTOR,
	PROM_NODE_MATRIX,
	PROM_NODE_SUBQUERY,
	PROM_NODE_CALL,
	PROM_NODE_AGGREGATE,
	PROM_NODE_BINARY,
	PROM_NODE_UNARY,
	PROM_NODE_PAREN,
};

struct prom_matcher {
	struct str name, value;
	enum prom_kind op;	   /* PROM_EQL, PROM_NEQ, PROM_EQL_REGEX, PROM_NEQ_REGEX */
	const struct regex *regex; /* NULL: none, or too large */
};
struct prom_labels {
	struct str *v;
	size_t n, cap;
};
struct prom_span {
	bool is_known; /* else computed by an expression */
	int64_t ms;
};
struct prom_node;
struct prom_nodes {
	struct prom_node **v;
	size_t n, cap;
};
struct prom_node {
	enum prom_node_kind kind;
	enum prom_type type;
	size_t at;
	enum prom_kind op; /* AGGREGATE, BINARY, UNARY */
	/* modifiers; a MATRIX has those of its vector, too */
	bool has_offset, has_at, has_start_or_end, anchored, smoothed;
	bool is_end;	   /* has_start_or_end: which */
	bool any_matchers; /* VECTOR: may match everything */
	struct prom_span offset;
	double at_time; /* seconds */
	union {
		struct { /* NUMBER */
			double number;
			bool is_duration;
		};
		struct str text; /* STRING */
		struct {	 /* MATRIX, SUBQUERY, UNARY, PAREN */
			struct prom_node *inner;
			struct prom_span range, step;
			bool has_step;
		};
		struct {		 /* VECTOR */
			struct str name; /* before the braces; empty: none */
			struct prom_matcher *matchers;
			size_t n_matchers, cap_matchers;
		};
		struct { /* CALL, AGGREGATE */
			const struct prom_func *func;
			struct prom_nodes args;
			bool is_without; /* AGGREGATE: else by */
			struct prom_labels grouping;
		};
		struct { /* BINARY */
			struct prom_node *left, *right;
			size_t op_at;
			bool is_bool, is_on, is_grouped, is_right, is_filled;
			struct prom_labels matching, include;
		};
	};
};

/* NULL and the error on a mistake of syntax. */
struct prom_node *prom_parse(struct arena *, struct str expr,
			     struct promql_error *) MUST_USE;
/* Whether the types of all parts go together. */
bool prom_types_check(struct arena *, const struct prom_node *, struct promql_error *);

/* Of a matcher. NULL without an error: it is too large for us alone. */
bool promql_regex(struct arena *, struct str pattern, const struct regex **,
		  struct err *) MUST_USE;

bool promql_fail(struct promql_error *, size_t at, const char *fmt, ...) PRINTF(3, 4);
/* before "quoted" after */
bool promql_fail_quoted(struct promql_error *, size_t at, const char *before,
			struct str quoted, const char *after);
/* Line and column of what failed. */
void promql_find_place(struct str expr, struct promql_error *);
