#include "base/base.h"
#include "base/time.h"
#include "base/vec.h"
#include "text/float.h"
#include "text/promql_ast.h"

#include <math.h>
#include <string.h>

/*	expr     = unary { operator [ "bool" ] [ matching ] [ fill ] expr }
 *	unary    = { "+" | "-" } postfix
 *	postfix  = primary { "[" span [ ":" [ span ] ] "]" | "offset" span | "@" time
 *	           | "anchored" | "smoothed" }
 *	primary  = number | string | "(" expr ")" | selector | call | aggregate
 *	matching = ( "on" | "ignoring" ) labels [ ( "group_left" | "group_right" ) [ labels
 *] ] span     = number, duration or arithmetic on them			*/
struct wanted {
	const char *context, *expected;
};
struct parser {
	struct arena *mem;
	struct prom_lexer lexer;
	struct prom_token tok; /* the next one, not used yet */
	struct promql_error *err;
	size_t depth;
	size_t in_aggregates;
	struct wanted span; /* what is said within a length of time */
};
/* A length of time: a literal, whose value is known, or a computed one. */
struct span {
	bool literal;
	double seconds;
	size_t at;
};

enum { PREC_OR = 1, PREC_AND, PREC_COMPARE, PREC_ADD, PREC_MUL, PREC_POW };

static struct prom_node *parse_expr(struct parser *p, int least);
static bool parse_span(struct parser *p, int least, struct span *out);

/* -- tokens and errors ---------------------------------------------------------------- */
static struct prom_token take(struct parser *p)
{
	struct prom_token t = p->tok;

	p->tok = prom_next(&p->lexer);
	return t;
}

static bool is(const struct parser *p, enum prom_kind kind)
{
	return p->tok.kind == kind;
}

static bool take_if(struct parser *p, enum prom_kind kind)
{
	if (!is(p, kind))
		return false;
	take(p);
	return true;
}

static bool unexpected_in(struct parser *p, const char *context, const char *expected)
{
	struct buf b = BUF(4096);

	if (is(p, PROM_ERROR))
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

static bool unexpected(struct parser *p)
{
	return unexpected_in(p, p->in_aggregates ? "aggregation" : NULL, NULL);
}

static bool expect(struct parser *p, enum prom_kind kind)
{
	return take_if(p, kind) || unexpected(p);
}

static bool enter(struct parser *p)
{
	if (p->depth++ < PROMQL_MAX_DEPTH)
		return true;
	return promql_fail(p->err, p->tok.at, "expression nested deeper than %d levels",
			   PROMQL_MAX_DEPTH);
}

static struct prom_node *node_new(struct parser *p, enum prom_node_kind kind,
				  enum prom_type type, size_t at)
{
	struct prom_node *n = ARENA_NEW(p->mem, struct prom_node);

	n->kind = kind;
	n->type = type;
	n->at = at;
	return n;
}

/* -- numbers -------------------------------------------------------------------------- */
static bool hex_value(struct str s, double *out)
{
	uint64_t value = 0;

	for (size_t i = 2; i < s.n; i++) {
		char c = s.p[i];

		if (c == '_' && i + 1 < s.n && s.p[i + 1] != '_')
			continue;
		if (c == '_' || value >> 59)
			return false;
		value = value * 16 + (uint64_t)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
	}
	*out = (double)value;
	return s.n > 2;
}

static bool number_value(struct parser *p, const struct prom_token *t, double *out)
{
	bool hex = t->text.n > 1 && (t->text.p[1] | 0x20) == 'x';
	enum float_parse how;

	if (hex && hex_value(t->text, out))
		return true;
	how = hex ? FLOAT_SYNTAX : float_parse(t->text, out);
	if (how == FLOAT_OK)
		return true;
	return promql_fail_quoted(
		p->err, t->at, "error parsing number: strconv.ParseFloat: parsing ",
		t->text, how == FLOAT_RANGE ? ": value out of range" : ": invalid syntax");
}

static bool duration_value(struct parser *p, const struct prom_token *t, double *out)
{
	struct err err;
	span_ms ms;

	if (!span_parse(t->text, NOWHERE, &ms, &err)) {
		char *advice = strstr(err.text, " (");

		if (advice)
			*advice = 0;
		return promql_fail(p->err, t->at, "%s", err.text);
	}
	*out = (double)ms / 1000;
	return true;
}

static bool is_number(const struct parser *p)
{
	return is(p, PROM_NUMBER) || is(p, PROM_DURATION);
}

static bool parse_number(struct parser *p, double *out)
{
	struct prom_token t = take(p);

	return t.kind == PROM_NUMBER ? number_value(p, &t, out)
				     : duration_value(p, &t, out);
}

/* -- lengths of time ------------------------------------------------------------------ */
static bool span_unexpected(struct parser *p)
{
	return unexpected_in(p, p->span.context, p->span.expected);
}

static bool span_expect(struct parser *p, enum prom_kind kind)
{
	return take_if(p, kind) || span_unexpected(p);
}

static bool span_in_range(struct parser *p, const struct span *s)
{
	const double most = 9223372036.854775807;

	if (!s->literal || (s->seconds <= most && s->seconds >= -most))
		return true;
	return promql_fail(p->err, s->at, "duration out of range");
}

static bool parse_span_call(struct parser *p)
{
	bool two = is(p, PROM_MAX_OF) || is(p, PROM_MIN_OF);
	struct span a, b;

	take(p);
	if (!span_expect(p, PROM_LEFT_PAREN))
		return false;
	if (two && (!parse_span(p, PREC_ADD, &a) || !span_expect(p, PROM_COMMA) ||
		    !parse_span(p, PREC_ADD, &b)))
		return false;
	return span_expect(p, PROM_RIGHT_PAREN);
}

static bool parse_span_primary(struct parser *p, struct span *out)
{
	*out = (struct span){.at = p->tok.at};
	switch ((int)p->tok.kind) {
	case PROM_NUMBER:
	case PROM_DURATION:
		out->literal = true;
		return parse_number(p, &out->seconds) && span_in_range(p, out);
	case PROM_STEP:
	case PROM_RANGE:
	case PROM_MAX_OF:
	case PROM_MIN_OF:
		return parse_span_call(p);
	case PROM_LEFT_PAREN:
		take(p);
		if (!parse_span(p, PREC_ADD, out) || !span_expect(p, PROM_RIGHT_PAREN))
			return false;
		out->literal = false;
		return true;
	default:
		return span_unexpected(p);
	}
}

static bool parse_span_signed(struct parser *p, int least, struct span *out)
{
	struct prom_token sign = p->tok;

	if (sign.kind != PROM_ADD && sign.kind != PROM_SUB)
		return parse_span_primary(p, out);
	take(p);
	if (!parse_span(p, least, out))
		return false;
	if (sign.kind == PROM_SUB)
		out->seconds = -out->seconds;
	out->at = sign.at;
	return true;
}

static int span_precedence(enum prom_kind kind)
{
	switch ((int)kind) {
	case PROM_ADD:
	case PROM_SUB:
		return PREC_ADD;
	case PROM_MUL:
	case PROM_DIV:
	case PROM_MOD:
		return PREC_MUL;
	case PROM_POW:
		return PREC_POW;
	default:
		return 0;
	}
}

static bool parse_span_operators(struct parser *p, int least, struct span *out)
{
	struct span right;
	int prec;

	if (!parse_span_signed(p, PREC_POW, out))
		return false;
	while ((prec = span_precedence(p->tok.kind)) && prec >= least) {
		struct prom_token op = take(p);

		if (!parse_span(p, prec == PREC_POW ? prec : prec + 1, &right))
			return false;
		if (right.literal && right.seconds == 0 &&
		    (op.kind == PROM_DIV || op.kind == PROM_MOD))
			return promql_fail(p->err, op.at, "%s by zero",
					   op.kind == PROM_DIV ? "division" : "modulo");
		out->literal = false;
	}
	return true;
}

static bool parse_span(struct parser *p, int least, struct span *out)
{
	bool ok = enter(p) && parse_span_operators(p, least, out);

	p->depth--;
	return ok;
}

static struct prom_span known_span(const struct span *s)
{
	bool is_known = s->literal && fabs(s->seconds) < 1e12;

	return (struct prom_span){is_known, is_known ? llround(s->seconds * 1000) : 0};
}

/* A positive one, up to what must follow it. */
static bool parse_range(struct parser *p, const char *context, const char *expected,
			struct prom_span *out)
{
	struct span s;

	p->span = (struct wanted){context, expected};
	if (!parse_span(p, PREC_ADD, &s))
		return false;
	if (is(p, PROM_ERROR))
		return unexpected(p);
	if (s.literal && !(s.seconds > 0))
		return promql_fail(p->err, s.at, "duration must be greater than 0");
	*out = known_span(&s);
	return true;
}

/* -- labels --------------------------------------------------------------------------- */
static bool parse_label(struct parser *p, struct prom_labels *out)
{
	struct prom_token t = p->tok;
	struct str name = t.text;

	if (t.kind == PROM_STRING)
		name = prom_unquote(p->mem, t.text);
	else if (!prom_is_label_name(t.kind))
		return unexpected_in(p, "grouping opts", "label");
	if (!is_label_name(name, NAMES_UTF8))
		return promql_fail_quoted(p->err, t.at,
					  "invalid label name for grouping: ", name, "");
	take(p);
	vec_push_in(p->mem, out, name);
	return true;
}

/*	labels = "(" [ label { "," label } [ "," ] ] ")"	*/
static bool parse_labels(struct parser *p, struct prom_labels *out)
{
	if (!take_if(p, PROM_LEFT_PAREN))
		return unexpected_in(p, "grouping opts", "\"(\"");
	while (!take_if(p, PROM_RIGHT_PAREN)) {
		if (!parse_label(p, out))
			return false;
		if (!is(p, PROM_RIGHT_PAREN) && !take_if(p, PROM_COMMA))
			return unexpected_in(p, "grouping opts", "\",\" or \")\"");
	}
	return true;
}

/* -- selectors ------------------------------------------------------------------------ */
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

static bool add_matcher(struct parser *p, struct prom_node *n, size_t at,
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
static bool parse_matcher(struct parser *p, struct prom_node *n)
{
	struct prom_token name = p->tok;
	struct prom_matcher m = {.name = name.text, .op = PROM_EQL};

	if (name.kind != PROM_IDENTIFIER && name.kind != PROM_STRING)
		return unexpected_in(p, "label matching", "identifier or \"}\"");
	take(p);
	if (name.kind == PROM_STRING)
		m.name = prom_unquote(p->mem, name.text);
	if (!is_match_op(p->tok.kind)) {
		if (name.kind == PROM_IDENTIFIER)
			return unexpected_in(p, "label matching",
					     "label matching operator");
		m.value = m.name;
		m.name = STR("__name__");
		return add_matcher(p, n, name.at, m);
	}
	m.op = take(p).kind;
	if (!is(p, PROM_STRING))
		return unexpected_in(p, "label matching", "string");
	m.value = prom_unquote(p->mem, p->tok.text);
	return add_matcher(p, n, name.at, m) && (take(p), true);
}

static bool parse_matchers(struct parser *p, struct prom_node *n)
{
	while (!take_if(p, PROM_RIGHT_BRACE)) {
		if (!parse_matcher(p, n))
			return false;
		if (!is(p, PROM_RIGHT_BRACE) && !take_if(p, PROM_COMMA))
			return unexpected_in(p, "label matching", "\",\" or \"}\"");
	}
	return true;
}

static struct prom_node *parse_selector(struct parser *p, struct str name, size_t at)
{
	struct prom_node *n = node_new(p, PROM_NODE_VECTOR, PROM_VECTOR, at);

	n->name = name;
	if (take_if(p, PROM_LEFT_BRACE) && !parse_matchers(p, n))
		return NULL;
	return n;
}

/* -- calls and aggregates ------------------------------------------------------------- */
static bool starts_expr(enum prom_kind kind)
{
	return prom_is_metric_name(kind) || kind == PROM_NUMBER || kind == PROM_DURATION ||
	       kind == PROM_STRING || kind == PROM_LEFT_PAREN || kind == PROM_LEFT_BRACE ||
	       kind == PROM_ADD || kind == PROM_SUB;
}

/*	arguments = "(" [ expr { "," expr } ] ")"	*/
static bool parse_arguments(struct parser *p, struct prom_nodes *out)
{
	struct prom_node *arg;

	if (!expect(p, PROM_LEFT_PAREN))
		return false;
	if (take_if(p, PROM_RIGHT_PAREN))
		return true;
	for (;;) {
		struct prom_token comma;

		arg = parse_expr(p, PREC_OR);
		if (!arg)
			return false;
		vec_push_in(p->mem, out, arg);
		if (!is(p, PROM_COMMA))
			return expect(p, PROM_RIGHT_PAREN);
		comma = take(p);
		if (!starts_expr(p->tok.kind) && !is(p, PROM_ERROR))
			return promql_fail(
				p->err, comma.at,
				"trailing commas not allowed in function call args");
	}
}

static struct prom_node *parse_call(struct parser *p, struct prom_token name)
{
	struct prom_node *n = node_new(p, PROM_NODE_CALL, PROM_NONE, name.at);

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

static bool count_arguments(struct parser *p, const struct prom_node *n)
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

static bool parse_grouping(struct parser *p, struct prom_node *n, bool *there)
{
	n->is_without = is(p, PROM_WITHOUT);
	*there = is(p, PROM_BY) || n->is_without;
	if (!*there)
		return true;
	take(p);
	return parse_labels(p, &n->grouping);
}

/*	aggregate = name [ grouping ] arguments | name arguments grouping	*/
static bool parse_aggregate_rest(struct parser *p, struct prom_node *n)
{
	bool grouped;

	if (!parse_grouping(p, n, &grouped) || !parse_arguments(p, &n->args))
		return false;
	if (grouped)
		return true;
	if (is(p, PROM_ERROR))
		return unexpected(p);
	return parse_grouping(p, n, &grouped);
}

static struct prom_node *parse_aggregate(struct parser *p, struct prom_token op)
{
	struct prom_node *n = node_new(p, PROM_NODE_AGGREGATE, PROM_VECTOR, op.at);
	bool ok;

	n->op = op.kind;
	p->in_aggregates++;
	ok = parse_aggregate_rest(p, n) && count_arguments(p, n);
	p->in_aggregates--;
	return ok ? n : NULL;
}

/* -- primaries ------------------------------------------------------------------------ */
static struct prom_node *parse_literal(struct parser *p)
{
	struct prom_node *n = node_new(p, PROM_NODE_NUMBER, PROM_SCALAR, p->tok.at);

	n->is_duration = is(p, PROM_DURATION);
	return parse_number(p, &n->number) ? n : NULL;
}

static struct prom_node *parse_string(struct parser *p)
{
	struct prom_token t = take(p);
	struct prom_node *n = node_new(p, PROM_NODE_STRING, PROM_TEXT, t.at);

	n->text = prom_unquote(p->mem, t.text);
	return n;
}

static struct prom_node *parse_paren(struct parser *p)
{
	struct prom_node *n = node_new(p, PROM_NODE_PAREN, PROM_NONE, take(p).at);

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

static struct prom_node *parse_named(struct parser *p)
{
	struct prom_token t = p->tok;

	if (!prom_is_metric_name(t.kind)) {
		unexpected(p);
		return NULL;
	}
	take(p);
	if (prom_is_aggregator(t.kind) &&
	    (is(p, PROM_LEFT_PAREN) || is(p, PROM_BY) || is(p, PROM_WITHOUT)))
		return parse_aggregate(p, t);
	if (is_function_name(t.kind) && is(p, PROM_LEFT_PAREN))
		return parse_call(p, t);
	return parse_selector(p, t.text, t.at);
}

static struct prom_node *parse_primary(struct parser *p)
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

/* -- modifiers ------------------------------------------------------------------------ */
static bool fits_range(struct parser *p, const struct prom_node *n, size_t at)
{
	if (n->kind != PROM_NODE_VECTOR)
		return promql_fail(p->err, at, "ranges only allowed for vector selectors");
	if (n->has_offset)
		return promql_fail(p->err, at, "no offset modifiers allowed before range");
	if (n->has_at)
		return promql_fail(p->err, at, "no @ modifiers allowed before range");
	return true;
}

static struct prom_node *ranged(struct parser *p, struct prom_node *inner,
				enum prom_node_kind kind)
{
	struct prom_node *n = node_new(p, kind, PROM_MATRIX, inner->at);

	n->inner = inner;
	if (kind == PROM_NODE_MATRIX) {
		n->has_start_or_end = inner->has_start_or_end;
		n->anchored = inner->anchored;
		n->smoothed = inner->smoothed;
	}
	return n;
}

static bool parse_resolution(struct parser *p, bool *there, struct prom_span *out)
{
	*there = false;
	if (take_if(p, PROM_RIGHT_BRACKET))
		return true;
	if (!parse_range(p, "subquery selector",
			 "number, duration, step(), range(), or \"]\"", out))
		return false;
	*there = true;
	return take_if(p, PROM_RIGHT_BRACKET) ||
	       unexpected_in(p, "subquery selector", "\"]\"");
}

/*	"[" span "]" | "[" span ":" [ span ] "]"	*/
static struct prom_node *parse_brackets(struct parser *p, struct prom_node *n)
{
	size_t at = take(p).at;
	struct prom_span range, step = {0};
	bool has_step = false, ok;
	enum prom_node_kind kind = PROM_NODE_SUBQUERY;

	if (!parse_range(p, "subquery or range selector",
			 "number, duration, step(), or range()", &range))
		return NULL;
	if (take_if(p, PROM_COLON)) {
		ok = parse_resolution(p, &has_step, &step);
	} else {
		kind = PROM_NODE_MATRIX;
		ok = take_if(p, PROM_RIGHT_BRACKET)
			     ? fits_range(p, n, at)
			     : unexpected_in(p, "subquery or range", "\":\" or \"]\"");
	}
	if (!ok)
		return NULL;
	n = ranged(p, n, kind);
	n->range = range;
	n->has_step = has_step;
	n->step = step;
	return n;
}

static bool is_selector(const struct prom_node *n)
{
	return n->kind == PROM_NODE_VECTOR || n->kind == PROM_NODE_MATRIX ||
	       n->kind == PROM_NODE_SUBQUERY;
}

static bool parse_offset(struct parser *p, struct prom_node *n)
{
	struct span s;

	take(p);
	p->span = (struct wanted){"offset", "number, duration, step(), or range()"};
	if (!parse_span_signed(p, PREC_POW + 1, &s) || !span_in_range(p, &s))
		return false;
	if (!is_selector(n))
		return promql_fail(p->err, n->at,
				   "offset modifier must be preceded by an instant vector "
				   "selector or range vector selector or a subquery");
	if (n->has_offset)
		return promql_fail(p->err, n->at, "offset may not be set multiple times");
	n->has_offset = !s.literal || s.seconds != 0;
	n->offset = known_span(&s);
	return true;
}

static bool at_unexpected(struct parser *p)
{
	return unexpected_in(p, "@", "timestamp");
}

static bool is_start_or_end(const struct parser *p)
{
	return is(p, PROM_START) || is(p, PROM_END);
}

/*	time = [ "+" | "-" ] number	*/
static bool parse_timestamp(struct parser *p, struct prom_node *n)
{
	bool minus = is(p, PROM_SUB);
	double value;

	if (minus || is(p, PROM_ADD))
		take(p);
	if (!is_number(p))
		return at_unexpected(p);
	if (!parse_number(p, &value))
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

static bool parse_start_or_end(struct parser *p)
{
	take(p);
	return (take_if(p, PROM_LEFT_PAREN) && take_if(p, PROM_RIGHT_PAREN)) ||
	       at_unexpected(p);
}

static bool parse_at(struct parser *p, struct prom_node *n)
{
	bool named, is_end;

	take(p);
	named = is_start_or_end(p);
	is_end = is(p, PROM_END);
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

static bool parse_extension(struct parser *p, struct prom_node *n)
{
	bool anchored = take(p).kind == PROM_ANCHORED;
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

static struct prom_node *parse_modifier(struct parser *p, struct prom_node *n)
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

/* Subqueries of subqueries are levels, too. */
static struct prom_node *parse_postfix(struct parser *p)
{
	struct prom_node *n = parse_primary(p);
	size_t depth = p->depth;

	while (n && (is(p, PROM_LEFT_BRACKET) || is(p, PROM_OFFSET) || is(p, PROM_AT) ||
		     is(p, PROM_ANCHORED) || is(p, PROM_SMOOTHED)))
		n = is(p, PROM_LEFT_BRACKET) && !enter(p) ? NULL : parse_modifier(p, n);
	p->depth = depth;
	return n;
}

/* -- operators ------------------------------------------------------------------------ */
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
		return span_precedence(kind);
	}
}

static struct prom_node *parse_unary(struct parser *p)
{
	struct prom_token sign = p->tok;
	struct prom_node *inner, *n;

	if (sign.kind != PROM_ADD && sign.kind != PROM_SUB)
		return parse_postfix(p);
	take(p);
	inner = parse_expr(p, PREC_POW);
	if (!inner)
		return NULL;
	if (inner->kind == PROM_NODE_NUMBER) {
		if (sign.kind == PROM_SUB)
			inner->number = -inner->number;
		inner->at = sign.at;
		return inner;
	}
	n = node_new(p, PROM_NODE_UNARY, inner->type, sign.at);
	n->op = sign.kind;
	n->inner = inner;
	return n;
}

static bool parse_fill_value(struct parser *p)
{
	double value;

	take(p);
	if (!expect(p, PROM_LEFT_PAREN))
		return false;
	if (is(p, PROM_ADD) || is(p, PROM_SUB))
		take(p);
	if (!is_number(p))
		return unexpected(p);
	return parse_number(p, &value) && expect(p, PROM_RIGHT_PAREN);
}

/*	fill = "fill" value | "fill_left" value [ "fill_right" value ] | ...	*/
static bool parse_fill(struct parser *p, struct prom_node *n)
{
	enum prom_kind first = p->tok.kind, other;

	if (first != PROM_FILL && first != PROM_FILL_LEFT && first != PROM_FILL_RIGHT)
		return true;
	n->is_filled = true;
	if (!parse_fill_value(p))
		return false;
	other = first == PROM_FILL_LEFT ? PROM_FILL_RIGHT : PROM_FILL_LEFT;
	return first == PROM_FILL || !is(p, other) || parse_fill_value(p);
}

/* ... rather than a list of labels. */
static bool starts_operand(const struct parser *p)
{
	return !is(p, PROM_LEFT_PAREN) && starts_expr(p->tok.kind);
}

static bool parse_matching(struct parser *p, struct prom_node *n)
{
	n->is_bool = take_if(p, PROM_BOOL);
	if (!is(p, PROM_ON) && !is(p, PROM_IGNORING))
		return true;
	n->is_on = take(p).kind == PROM_ON;
	if (!parse_labels(p, &n->matching))
		return false;
	n->is_grouped = is(p, PROM_GROUP_LEFT) || is(p, PROM_GROUP_RIGHT);
	if (!n->is_grouped)
		return true;
	n->is_right = take(p).kind == PROM_GROUP_RIGHT;
	return starts_operand(p) || parse_labels(p, &n->include);
}

static struct prom_node *parse_binary(struct parser *p, struct prom_node *left, int prec)
{
	struct prom_node *n = node_new(p, PROM_NODE_BINARY, PROM_VECTOR, left->at);
	struct prom_token op = take(p);

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

static struct prom_node *parse_expr(struct parser *p, int least)
{
	struct prom_node *n = enter(p) ? parse_unary(p) : NULL;
	int prec;

	while (n && (prec = precedence(p->tok.kind)) && prec >= least)
		n = parse_binary(p, n, prec);
	p->depth--;
	return n;
}

struct prom_node *prom_parse(struct arena *mem, struct str expr, struct promql_error *err)
{
	struct parser p = {.mem = mem, .lexer = {.mem = mem, .in = expr}, .err = err};
	struct prom_node *n;

	take(&p);
	if (is(&p, PROM_EOF)) {
		promql_fail(err, 0, "no expression found in input");
		return NULL;
	}
	n = parse_expr(&p, PREC_OR);
	if (n && !is(&p, PROM_EOF)) {
		unexpected(&p);
		return NULL;
	}
	return n;
}
