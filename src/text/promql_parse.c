#include "base/base.h"
#include "text/promql_parser.h"
#include "base/vec.h"

#include <string.h>

/*	expr     = unary { operator [ "bool" ] [ matching ] [ fill ] expr }
 *	unary    = { "+" | "-" } postfix
 *	postfix  = primary { modifier }
 *	primary  = number | string | "(" expr ")" | selector | call | aggregate
 *	matching = ( "on" | "ignoring" ) labels [ ( "group_left" | "group_right" )
 *	           [ labels ] ]						*/

static struct prom_node *parse_expr(struct prom_parser *p, int least);

/* -- tokens and errors ------------------------------------------------------------- */

struct prom_token prom_take(struct prom_parser *p)
{
	struct prom_token t = p->tok;

	p->tok = prom_next(&p->lexer);
	return t;
}

bool prom_is(const struct prom_parser *p, enum prom_kind kind)
{
	return p->tok.kind == kind;
}

bool prom_take_if(struct prom_parser *p, enum prom_kind kind)
{
	if (!prom_is(p, kind))
		return false;
	prom_take(p);
	return true;
}

bool prom_unexpected_in(struct prom_parser *p, const char *context, const char *expected)
{
	struct buf b = BUF(4096);

	if (prom_is(p, PROM_ERROR))
		return promql_fail(p->err, p->tok.at, "%.*s", FMT(p->tok.text));
	buf_add_text(&b, "unexpected ");
	prom_describe(&b, &p->tok);
	if (context)
		buf_addf(&b, " in %s", context);
	if (expected)
		buf_addf(&b, ", expected %s", expected);
	promql_fail(p->err, p->tok.at, "%s", buf_text(&b));
	buf_free(&b);
	return false;
}

bool prom_unexpected(struct prom_parser *p)
{
	return prom_unexpected_in(p, p->in_aggregates ? "aggregation" : NULL, NULL);
}

static bool expect(struct prom_parser *p, enum prom_kind kind)
{
	return prom_take_if(p, kind) || prom_unexpected(p);
}

bool prom_enter(struct prom_parser *p)
{
	if (p->depth++ < PROMQL_MAX_DEPTH)
		return true;
	return promql_fail(p->err, p->tok.at, "expression nested deeper than %d levels",
			   PROMQL_MAX_DEPTH);
}

struct prom_node *prom_node_new(struct prom_parser *p, enum prom_node_kind kind,
				enum prom_type type, size_t at)
{
	struct prom_node *n = ARENA_NEW(p->mem, struct prom_node);

	n->kind = kind;
	n->type = type;
	n->at = at;
	return n;
}

/* -- labels ------------------------------------------------------------------------ */

static bool parse_label(struct prom_parser *p, struct prom_labels *out)
{
	struct prom_token t = p->tok;
	struct str name = t.text;

	if (t.kind == PROM_STRING)
		name = prom_unquote(p->mem, t.text);
	else if (!prom_is_label_name(t.kind))
		return prom_unexpected_in(p, "grouping opts", "label");
	if (!is_label_name(name, NAMES_UTF8))
		return promql_fail_quoted(p->err, t.at,
					  "invalid label name for grouping: ", name, "");
	prom_take(p);
	vec_push_in(p->mem, out, name);
	return true;
}

/*	labels = "(" [ label { "," label } [ "," ] ] ")"	*/
static bool parse_labels(struct prom_parser *p, struct prom_labels *out)
{
	if (!prom_take_if(p, PROM_LEFT_PAREN))
		return prom_unexpected_in(p, "grouping opts", "\"(\"");
	while (!prom_take_if(p, PROM_RIGHT_PAREN)) {
		if (!parse_label(p, out))
			return false;
		if (!prom_is(p, PROM_RIGHT_PAREN) && !prom_take_if(p, PROM_COMMA))
			return prom_unexpected_in(p, "grouping opts", "\",\" or \")\"");
	}
	return true;
}

/* -- selectors --------------------------------------------------------------------- */

static bool is_match_op(enum prom_kind kind)
{
	return kind == PROM_EQL || kind == PROM_NEQ || kind == PROM_EQL_REGEX ||
	       kind == PROM_NEQ_REGEX;
}

/* A pattern too large for us alone: the backend will match it. */
static bool is_our_limit(const struct err *err)
{
	return strstr(err->text, "expression is too large") ||
	       str_starts(str_of(err->text), STR("regular expression of "));
}

bool promql_regex(struct arena *mem, struct str pattern, const struct regex **out,
		  struct err *err)
{
	*out = regex_new(mem, pattern, REGEX_WHOLE, err);
	return *out || is_our_limit(err);
}

static bool add_matcher(struct prom_parser *p, struct prom_node *n, size_t at,
			struct prom_matcher m)
{
	struct err err;

	if ((m.op == PROM_EQL_REGEX || m.op == PROM_NEQ_REGEX) &&
	    !promql_regex(p->mem, m.value, &m.regex, &err))
		return promql_fail(p->err, at, "%s", err.text);
	if (n->n_matchers == n->cap_matchers)
		n->matchers = vec_grow_in(p->mem, n->matchers, &n->cap_matchers,
					  sizeof(*n->matchers));
	n->matchers[n->n_matchers++] = m;
	return true;
}

/*	matcher = name op string | string [ op string ]	*/
static bool parse_matcher(struct prom_parser *p, struct prom_node *n)
{
	struct prom_token name = p->tok;
	struct prom_matcher m = {.name = name.text, .op = PROM_EQL};

	if (name.kind != PROM_IDENTIFIER && name.kind != PROM_STRING)
		return prom_unexpected_in(p, "label matching", "identifier or \"}\"");
	prom_take(p);
	if (name.kind == PROM_STRING)
		m.name = prom_unquote(p->mem, name.text);
	if (!is_match_op(p->tok.kind)) {
		if (name.kind == PROM_IDENTIFIER)
			return prom_unexpected_in(p, "label matching",
						  "label matching operator");
		m.value = m.name;
		m.name = STR("__name__");
		return add_matcher(p, n, name.at, m);
	}
	m.op = prom_take(p).kind;
	if (!prom_is(p, PROM_STRING))
		return prom_unexpected_in(p, "label matching", "string");
	m.value = prom_unquote(p->mem, p->tok.text);
	return add_matcher(p, n, name.at, m) && (prom_take(p), true);
}

static bool parse_matchers(struct prom_parser *p, struct prom_node *n)
{
	while (!prom_take_if(p, PROM_RIGHT_BRACE)) {
		if (!parse_matcher(p, n))
			return false;
		if (!prom_is(p, PROM_RIGHT_BRACE) && !prom_take_if(p, PROM_COMMA))
			return prom_unexpected_in(p, "label matching", "\",\" or \"}\"");
	}
	return true;
}

static struct prom_node *parse_selector(struct prom_parser *p, struct str name, size_t at)
{
	struct prom_node *n = prom_node_new(p, PROM_NODE_VECTOR, PROM_VECTOR, at);

	n->name = name;
	if (prom_take_if(p, PROM_LEFT_BRACE) && !parse_matchers(p, n))
		return NULL;
	return n;
}

/* -- calls and aggregates ---------------------------------------------------------- */

static bool starts_expr(enum prom_kind kind)
{
	return prom_is_metric_name(kind) || kind == PROM_NUMBER || kind == PROM_DURATION ||
	       kind == PROM_STRING || kind == PROM_LEFT_PAREN || kind == PROM_LEFT_BRACE ||
	       kind == PROM_ADD || kind == PROM_SUB;
}

/*	arguments = "(" [ expr { "," expr } ] ")"	*/
static bool parse_arguments(struct prom_parser *p, struct prom_nodes *out)
{
	struct prom_node *arg;

	if (!expect(p, PROM_LEFT_PAREN))
		return false;
	if (prom_take_if(p, PROM_RIGHT_PAREN))
		return true;
	for (;;) {
		struct prom_token comma;

		arg = parse_expr(p, PREC_OR);
		if (!arg)
			return false;
		vec_push_in(p->mem, out, arg);
		if (!prom_is(p, PROM_COMMA))
			return expect(p, PROM_RIGHT_PAREN);
		comma = prom_take(p);
		if (!starts_expr(p->tok.kind) && !prom_is(p, PROM_ERROR))
			return promql_fail(
				p->err, comma.at,
				"trailing commas not allowed in function call args");
	}
}

static struct prom_node *parse_call(struct prom_parser *p, struct prom_token name)
{
	struct prom_node *n = prom_node_new(p, PROM_NODE_CALL, PROM_NONE, name.at);

	if (!parse_arguments(p, &n->args))
		return NULL;
	n->func = prom_func_find(name.text);
	if (!n->func) {
		promql_fail_quoted(p->err, name.at, "unknown function with name ",
				   name.text, "");
		return NULL;
	}
	n->type = n->func->result;
	return n;
}

static bool has_parameter(enum prom_kind op)
{
	return op == PROM_TOPK || op == PROM_BOTTOMK || op == PROM_COUNT_VALUES ||
	       op == PROM_QUANTILE || op == PROM_LIMITK || op == PROM_LIMIT_RATIO;
}

static bool count_arguments(struct prom_parser *p, const struct prom_node *n)
{
	size_t want = has_parameter(n->op) ? 2 : 1;

	if (!n->args.n)
		return promql_fail(p->err, n->at,
				   "no arguments for aggregate expression provided");
	if (n->args.n != want)
		return promql_fail(p->err, n->at,
				   "wrong number of arguments for aggregate expression "
				   "provided, expected %zu, got %zu",
				   want, n->args.n);
	return true;
}

static bool parse_grouping(struct prom_parser *p, struct prom_node *n, bool *there)
{
	n->is_without = prom_is(p, PROM_WITHOUT);
	*there = prom_is(p, PROM_BY) || n->is_without;
	if (!*there)
		return true;
	prom_take(p);
	return parse_labels(p, &n->grouping);
}

/*	aggregate = name [ grouping ] arguments | name arguments grouping	*/
static bool parse_aggregate_rest(struct prom_parser *p, struct prom_node *n)
{
	bool grouped;

	if (!parse_grouping(p, n, &grouped) || !parse_arguments(p, &n->args))
		return false;
	if (grouped)
		return true;
	if (prom_is(p, PROM_ERROR))
		return prom_unexpected(p);
	return parse_grouping(p, n, &grouped);
}

static struct prom_node *parse_aggregate(struct prom_parser *p, struct prom_token op)
{
	struct prom_node *n = prom_node_new(p, PROM_NODE_AGGREGATE, PROM_VECTOR, op.at);
	bool ok;

	n->op = op.kind;
	p->in_aggregates++;
	ok = parse_aggregate_rest(p, n) && count_arguments(p, n);
	p->in_aggregates--;
	return ok ? n : NULL;
}

/* -- primaries --------------------------------------------------------------------- */

static struct prom_node *parse_literal(struct prom_parser *p)
{
	struct prom_node *n = prom_node_new(p, PROM_NODE_NUMBER, PROM_SCALAR, p->tok.at);

	n->is_duration = prom_is(p, PROM_DURATION);
	return prom_parse_number(p, &n->number) ? n : NULL;
}

static struct prom_node *parse_string(struct prom_parser *p)
{
	struct prom_token t = prom_take(p);
	struct prom_node *n = prom_node_new(p, PROM_NODE_STRING, PROM_TEXT, t.at);

	n->text = prom_unquote(p->mem, t.text);
	return n;
}

static struct prom_node *parse_paren(struct prom_parser *p)
{
	struct prom_node *n = prom_node_new(p, PROM_NODE_PAREN, PROM_NONE, prom_take(p).at);

	n->inner = parse_expr(p, PREC_OR);
	if (!n->inner || !expect(p, PROM_RIGHT_PAREN))
		return NULL;
	n->type = n->inner->type;
	return n;
}

static bool is_function_name(enum prom_kind kind)
{
	return kind == PROM_IDENTIFIER || kind > PROM_PREPROCESSORS;
}

static struct prom_node *parse_named(struct prom_parser *p)
{
	struct prom_token t = p->tok;

	if (!prom_is_metric_name(t.kind)) {
		prom_unexpected(p);
		return NULL;
	}
	prom_take(p);
	if (prom_is_aggregator(t.kind) && (prom_is(p, PROM_LEFT_PAREN) ||
					   prom_is(p, PROM_BY) || prom_is(p, PROM_WITHOUT)))
		return parse_aggregate(p, t);
	if (is_function_name(t.kind) && prom_is(p, PROM_LEFT_PAREN))
		return parse_call(p, t);
	return parse_selector(p, t.text, t.at);
}

static struct prom_node *parse_primary(struct prom_parser *p)
{
	switch ((int)p->tok.kind) {
	case PROM_NUMBER:
	case PROM_DURATION:
		return parse_literal(p);
	case PROM_STRING:
		return parse_string(p);
	case PROM_LEFT_PAREN:
		return parse_paren(p);
	case PROM_LEFT_BRACE:
		return parse_selector(p, STR(""), p->tok.at);
	default:
		return parse_named(p);
	}
}

/* Subqueries of subqueries are levels, too. */
static struct prom_node *parse_postfix(struct prom_parser *p)
{
	struct prom_node *n = parse_primary(p);
	size_t depth = p->depth;

	while (n && prom_starts_modifier(p->tok.kind))
		n = prom_is(p, PROM_LEFT_BRACKET) && !prom_enter(p)
			    ? NULL
			    : prom_parse_modifier(p, n);
	p->depth = depth;
	return n;
}

/* -- operators --------------------------------------------------------------------- */

static int precedence(enum prom_kind kind)
{
	switch ((int)kind) {
	case PROM_OR:
		return PREC_OR;
	case PROM_AND:
	case PROM_UNLESS:
		return PREC_AND;
	case PROM_EQLC:
	case PROM_NEQ:
	case PROM_LTE:
	case PROM_LSS:
	case PROM_GTE:
	case PROM_GTR:
	case PROM_TRIM_UPPER:
	case PROM_TRIM_LOWER:
		return PREC_COMPARE;
	case PROM_ATAN2:
		return PREC_MUL;
	default:
		return prom_arithmetic_precedence(kind);
	}
}

static struct prom_node *parse_unary(struct prom_parser *p)
{
	struct prom_token sign = p->tok;
	struct prom_node *inner, *n;

	if (sign.kind != PROM_ADD && sign.kind != PROM_SUB)
		return parse_postfix(p);
	prom_take(p);
	inner = parse_expr(p, PREC_POW);
	if (!inner)
		return NULL;
	if (inner->kind == PROM_NODE_NUMBER) {
		if (sign.kind == PROM_SUB)
			inner->number = -inner->number;
		inner->at = sign.at;
		return inner;
	}
	n = prom_node_new(p, PROM_NODE_UNARY, inner->type, sign.at);
	n->op = sign.kind;
	n->inner = inner;
	return n;
}

static bool parse_fill_value(struct prom_parser *p)
{
	double value;

	prom_take(p);
	if (!expect(p, PROM_LEFT_PAREN))
		return false;
	if (prom_is(p, PROM_ADD) || prom_is(p, PROM_SUB))
		prom_take(p);
	if (!prom_is_number(p))
		return prom_unexpected(p);
	return prom_parse_number(p, &value) && expect(p, PROM_RIGHT_PAREN);
}

/*	fill = "fill" value | "fill_left" value [ "fill_right" value ] | ...	*/
static bool parse_fill(struct prom_parser *p, struct prom_node *n)
{
	enum prom_kind first = p->tok.kind, other;

	if (first != PROM_FILL && first != PROM_FILL_LEFT && first != PROM_FILL_RIGHT)
		return true;
	n->is_filled = true;
	if (!parse_fill_value(p))
		return false;
	other = first == PROM_FILL_LEFT ? PROM_FILL_RIGHT : PROM_FILL_LEFT;
	return first == PROM_FILL || !prom_is(p, other) || parse_fill_value(p);
}

/* ... rather than a list of labels. */
static bool starts_operand(const struct prom_parser *p)
{
	return !prom_is(p, PROM_LEFT_PAREN) && starts_expr(p->tok.kind);
}

static bool parse_matching(struct prom_parser *p, struct prom_node *n)
{
	n->is_bool = prom_take_if(p, PROM_BOOL);
	if (!prom_is(p, PROM_ON) && !prom_is(p, PROM_IGNORING))
		return true;
	n->is_on = prom_take(p).kind == PROM_ON;
	if (!parse_labels(p, &n->matching))
		return false;
	n->is_grouped = prom_is(p, PROM_GROUP_LEFT) || prom_is(p, PROM_GROUP_RIGHT);
	if (!n->is_grouped)
		return true;
	n->is_right = prom_take(p).kind == PROM_GROUP_RIGHT;
	return starts_operand(p) || parse_labels(p, &n->include);
}

static struct prom_node *parse_binary(struct prom_parser *p, struct prom_node *left,
				      int prec)
{
	struct prom_node *n = prom_node_new(p, PROM_NODE_BINARY, PROM_VECTOR, left->at);
	struct prom_token op = prom_take(p);

	n->op = op.kind;
	n->op_at = op.at;
	n->left = left;
	if (!parse_matching(p, n) || !parse_fill(p, n))
		return NULL;
	n->right = parse_expr(p, prec == PREC_POW ? prec : prec + 1);
	if (!n->right)
		return NULL;
	if (left->type == PROM_SCALAR && n->right->type == PROM_SCALAR)
		n->type = PROM_SCALAR;
	return n;
}

static struct prom_node *parse_expr(struct prom_parser *p, int least)
{
	struct prom_node *n = prom_enter(p) ? parse_unary(p) : NULL;
	int prec;

	while (n && (prec = precedence(p->tok.kind)) && prec >= least)
		n = parse_binary(p, n, prec);
	p->depth--;
	return n;
}

struct prom_node *prom_parse(struct arena *mem, struct str expr, struct promql_error *err)
{
	struct prom_parser p = {.mem = mem, .lexer = {.mem = mem, .in = expr}, .err = err};
	struct prom_node *n;

	prom_take(&p);
	if (prom_is(&p, PROM_EOF)) {
		promql_fail(err, 0, "no expression found in input");
		return NULL;
	}
	n = parse_expr(&p, PREC_OR);
	if (n && !prom_is(&p, PROM_EOF)) {
		prom_unexpected(&p);
		return NULL;
	}
	return n;
}
