#include "base/base.h"
#include "text/promql_parser.h"

#include <math.h>

/*	modifier = "[" span "]" | "[" span ":" [ span ] "]" | "offset" span | "@" time
 *	           | "anchored" | "smoothed"				*/

/* -- ranges and subqueries --------------------------------------------------------- */

static bool fits_range(struct prom_parser *p, const struct prom_node *n, size_t at)
{
	if (n->kind != PROM_NODE_VECTOR)
		return promql_fail(p->err, at, "ranges only allowed for vector selectors");
	if (n->has_offset)
		return promql_fail(p->err, at, "no offset modifiers allowed before range");
	if (n->has_at)
		return promql_fail(p->err, at, "no @ modifiers allowed before range");
	return true;
}

static struct prom_node *ranged(struct prom_parser *p, struct prom_node *inner,
				enum prom_node_kind kind)
{
	struct prom_node *n = prom_node_new(p, kind, PROM_MATRIX, inner->at);

	n->inner = inner;
	if (kind == PROM_NODE_MATRIX) {
		n->has_start_or_end = inner->has_start_or_end;
		n->anchored = inner->anchored;
		n->smoothed = inner->smoothed;
	}
	return n;
}

static bool parse_resolution(struct prom_parser *p, bool *there, struct prom_span *out)
{
	*there = false;
	if (prom_take_if(p, PROM_RIGHT_BRACKET))
		return true;
	if (!prom_parse_range(p, "subquery selector",
			      "number, duration, step(), range(), or \"]\"", out))
		return false;
	*there = true;
	return prom_take_if(p, PROM_RIGHT_BRACKET) ||
	       prom_unexpected_in(p, "subquery selector", "\"]\"");
}

/*	"[" span "]" | "[" span ":" [ span ] "]"	*/
static struct prom_node *parse_brackets(struct prom_parser *p, struct prom_node *n)
{
	size_t at = prom_take(p).at;
	struct prom_span range, step = {0};
	bool has_step = false, ok;
	enum prom_node_kind kind = PROM_NODE_SUBQUERY;

	if (!prom_parse_range(p, "subquery or range selector",
			      "number, duration, step(), or range()", &range))
		return NULL;
	if (prom_take_if(p, PROM_COLON)) {
		ok = parse_resolution(p, &has_step, &step);
	} else {
		kind = PROM_NODE_MATRIX;
		ok = prom_take_if(p, PROM_RIGHT_BRACKET)
			     ? fits_range(p, n, at)
			     : prom_unexpected_in(p, "subquery or range", "\":\" or \"]\"");
	}
	if (!ok)
		return NULL;
	n = ranged(p, n, kind);
	n->range = range;
	n->has_step = has_step;
	n->step = step;
	return n;
}

/* -- offset ------------------------------------------------------------------------ */

static bool is_selector(const struct prom_node *n)
{
	return n->kind == PROM_NODE_VECTOR || n->kind == PROM_NODE_MATRIX ||
	       n->kind == PROM_NODE_SUBQUERY;
}

static bool parse_offset(struct prom_parser *p, struct prom_node *n)
{
	struct prom_span offset;
	bool is_zero;

	prom_take(p);
	if (!prom_parse_offset(p, &offset, &is_zero))
		return false;
	if (!is_selector(n))
		return promql_fail(p->err, n->at,
				   "offset modifier must be preceded by an instant vector "
				   "selector or range vector selector or a subquery");
	if (n->has_offset)
		return promql_fail(p->err, n->at, "offset may not be set multiple times");
	n->has_offset = !is_zero;
	n->offset = offset;
	return true;
}

/* -- @ ----------------------------------------------------------------------------- */

static bool at_unexpected(struct prom_parser *p)
{
	return prom_unexpected_in(p, "@", "timestamp");
}

static bool is_start_or_end(const struct prom_parser *p)
{
	return prom_is(p, PROM_START) || prom_is(p, PROM_END);
}

/*	time = [ "+" | "-" ] number	*/
static bool parse_timestamp(struct prom_parser *p, struct prom_node *n)
{
	bool minus = prom_is(p, PROM_SUB);
	double value;

	if (minus || prom_is(p, PROM_ADD))
		prom_take(p);
	if (!prom_is_number(p))
		return at_unexpected(p);
	if (!prom_parse_number(p, &value))
		return false;
	value = minus ? -value : value;
	n->at_time = value;
	if (value < 9223372036854775808.0 && value > -9223372036854775808.0)
		return true;
	if (isinf(value))
		return promql_fail(p->err, n->at,
				   "timestamp out of bounds for @ modifier: %cInf",
				   value < 0 ? '-' : '+');
	if (isnan(value))
		return promql_fail(p->err, n->at,
				   "timestamp out of bounds for @ modifier: NaN");
	return promql_fail(p->err, n->at, "timestamp out of bounds for @ modifier: %f",
			   value);
}

static bool parse_start_or_end(struct prom_parser *p)
{
	prom_take(p);
	return (prom_take_if(p, PROM_LEFT_PAREN) && prom_take_if(p, PROM_RIGHT_PAREN)) ||
	       at_unexpected(p);
}

static bool parse_at(struct prom_parser *p, struct prom_node *n)
{
	bool named, is_end;

	prom_take(p);
	named = is_start_or_end(p);
	is_end = prom_is(p, PROM_END);
	if (named ? !parse_start_or_end(p) : !parse_timestamp(p, n))
		return false;
	if (!is_selector(n))
		return promql_fail(p->err, n->at,
				   "@ modifier must be preceded by an instant vector "
				   "selector or range vector selector or a subquery");
	if (n->has_at || n->has_start_or_end)
		return promql_fail(p->err, n->at,
				   "@ <timestamp> may not be set multiple times");
	n->has_at |= !named;
	n->has_start_or_end |= named;
	n->is_end = is_end;
	return true;
}

/* -- all --------------------------------------------------------------------------- */

static bool parse_extension(struct prom_parser *p, struct prom_node *n)
{
	bool anchored = prom_take(p).kind == PROM_ANCHORED;
	const char *word = anchored ? "anchored" : "smoothed";

	if (n->kind == PROM_NODE_SUBQUERY)
		return promql_fail(p->err, n->at,
				   "%s modifier is not supported for subqueries", word);
	if (!is_selector(n))
		return promql_fail(p->err, n->at, "%s modifier not implemented", word);
	n->anchored |= anchored;
	n->smoothed |= !anchored;
	if (n->anchored && n->smoothed)
		return promql_fail(
			p->err, n->at,
			"anchored and smoothed modifiers cannot be used together");
	return true;
}

bool prom_starts_modifier(enum prom_kind kind)
{
	return kind == PROM_LEFT_BRACKET || kind == PROM_OFFSET || kind == PROM_AT ||
	       kind == PROM_ANCHORED || kind == PROM_SMOOTHED;
}

struct prom_node *prom_parse_modifier(struct prom_parser *p, struct prom_node *n)
{
	switch ((int)p->tok.kind) {
	case PROM_LEFT_BRACKET:
		return parse_brackets(p, n);
	case PROM_OFFSET:
		return parse_offset(p, n) ? n : NULL;
	case PROM_AT:
		return parse_at(p, n) ? n : NULL;
	default:
		return parse_extension(p, n) ? n : NULL;
	}
}
