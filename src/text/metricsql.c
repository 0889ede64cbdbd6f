#include "base/base.h"
#include "base/buf.h"
#include "base/utf8.h"
#include "text/metricsql.h"
#include "text/metricsql_lex.h"
#include "text/promql_ast.h"

#include <string.h>
#include <strings.h>

/*	expr      = single { operator [ "bool" ] [ matching ] single [ keep ] }
 *	single    = with | operand [ "[" window "]" ] { "offset" length | "@" operand }
 *	with      = "WITH" "(" [ template { "," template } [ "," ] ] ")" expr
 *	template  = name [ names ] "=" expr
 *	operand   = number | length | strings | "(" exprs ")" [ keep ] | sign single
 *	          | aggregate | name "(" exprs ")" [ keep ] | name [ filters ] | filters
 *	aggregate = name [ grouping ] "(" exprs ")" [ grouping ] [ "limit" number ]
 *	strings   = string { "+" ( string | name ) }
 *	filters   = "{" [ filter { ( "," | "or" ) filter } [ "," ] ] "}"
 *	filter    = ( name | string ) [ ( "=" | "!=" | "=~" | "!~" ) strings ]
 *	window    = length [ ":" [ length ] ] | ":" [ length ]
 *	length    = duration | seconds | name
 *	matching  = ( "on" | "ignoring" ) names
 *	            [ ( "group_left" | "group_right" ) [ names ] [ "prefix" strings ] ]
 *
 * A template is looked into where it is used, as VictoriaMetrics does it; one that nobody
 * uses may name what there is not. */
struct mql_template {
	struct mql_template *before; /* what it can see of the others */
	struct mql_template *inside; /* that, and its parameters */
	struct str name;
	size_t n_params, level;
	size_t body;	 /* offset */
	bool is_checked; /* or there is nothing to check, as in a parameter */
};
struct parser {
	struct arena *mem;
	struct mql_lexer lexer;
	struct mql_token tok; /* the next one, not used yet */
	struct promql_error *err;
	struct mql_template *scope;
	bool resolves;	/* names of templates must be known */
	bool is_binary; /* the last expression was, on its outside */
	size_t depth, withs;
};

enum { MAX_TEMPLATES = 256, MAX_WITHS = 32, SHOWN = 60 };

static bool parse_expr(struct parser *p);
static bool parse_single(struct parser *p);

/* -- tokens and errors ---------------------------------------------------------------- */

static struct mql_token take(struct parser *p)
{
	struct mql_token t = p->tok;

	p->tok = mql_next(&p->lexer);
	return t;
}

static bool is_symbol(const struct parser *p, const char *symbol)
{
	return mql_is_symbol(&p->tok, symbol);
}

static bool is_word(const struct parser *p, const char *word)
{
	return mql_is_word(&p->tok, word);
}

static bool is(const struct parser *p, enum mql_kind kind)
{
	return p->tok.kind == kind;
}

static bool take_symbol(struct parser *p, const char *symbol)
{
	if (!is_symbol(p, symbol))
		return false;
	take(p);
	return true;
}

static bool take_word(struct parser *p, const char *word)
{
	if (!is_word(p, word))
		return false;
	take(p);
	return true;
}

static bool is_one_of(const struct mql_token *t, const char *const *all, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (mql_is_word(t, all[i]) || mql_is_symbol(t, all[i]))
			return true;
	}
	return false;
}

static struct str shown(struct str text)
{
	return utf8_first(text, SHOWN);
}

static bool bad_character(struct parser *p)
{
	uint32_t rune;
	size_t n = utf8_decode(p->tok.text, &rune);

	if (p->tok.error)
		return promql_fail(p->err, p->tok.at, "%s", p->tok.error);
	if (rune == UTF8_BAD || rune < ' ')
		return promql_fail(p->err, p->tok.at, "unexpected byte 0x%02x",
				   (unsigned char)p->tok.text.p[0]);
	return promql_fail(p->err, p->tok.at, "unexpected '%.*s'", (int)n, p->tok.text.p);
}

static bool unexpected(struct parser *p, const char *expected)
{
	if (is(p, MQL_BAD))
		return bad_character(p);
	if (is(p, MQL_END))
		return promql_fail(p->err, p->tok.at, "expected %s, found the end",
				   expected);
	return promql_fail(p->err, p->tok.at, "expected %s, found '%.*s'", expected,
			   FMT(shown(p->tok.text)));
}

static bool nothing_follows(struct parser *p, const struct mql_token *t)
{
	return promql_fail(p->err, t->at, "nothing follows '%.*s'", FMT(shown(t->text)));
}

/* The bracket that was opened at an offset. */
static bool expect_close(struct parser *p, const char *close, size_t open_at,
			 const char *expected)
{
	if (take_symbol(p, close))
		return true;
	if (is(p, MQL_END))
		return promql_fail(p->err, open_at, "no '%s' closes this", close);
	return unexpected(p, expected);
}

static bool enter(struct parser *p)
{
	if (p->depth++ < METRICSQL_MAX_DEPTH)
		return true;
	return promql_fail(p->err, p->tok.at, "expression nested deeper than %d levels",
			   METRICSQL_MAX_DEPTH);
}

/* -- templates ------------------------------------------------------------------------ */

static struct mql_template *find_template(const struct parser *p, struct str name)
{
	struct mql_template *t = p->scope;

	while (t && !str_eq(t->name, name))
		t = t->before;
	return t;
}

static bool check_body(struct parser *p, struct mql_template *t)
{
	struct parser outer = *p;
	bool ok;

	t->is_checked = true;
	p->scope = t->inside;
	p->lexer = (struct mql_lexer){.in = p->lexer.in, .pos = t->body};
	take(p);
	ok = parse_expr(p);
	p->scope = outer.scope;
	p->lexer = outer.lexer;
	p->tok = outer.tok;
	return ok;
}

static bool use_template(struct parser *p, struct mql_template *t, size_t at, size_t n_args)
{
	if (t->n_params != n_args)
		return promql_fail(p->err, at,
				   "the template '%.*s' takes %zu argument(s), not %zu",
				   FMT(shown(t->name)), t->n_params, n_args);
	return t->is_checked || check_body(p, t);
}

/* Where only a template can be meant. */
static bool resolve(struct parser *p, const struct mql_token *name)
{
	struct mql_template *t;

	if (!p->resolves)
		return true;
	t = find_template(p, mql_unescape(p->mem, name->text));
	if (!t)
		return promql_fail(p->err, name->at, "no WITH template '%.*s'",
				   FMT(shown(name->text)));
	return use_template(p, t, name->at, 0);
}

/* Where something else can be meant, too. */
static bool resolve_if_known(struct parser *p, struct str name, size_t at, size_t n_args)
{
	struct mql_template *t = p->resolves ? find_template(p, name) : NULL;

	return !t || use_template(p, t, at, n_args);
}

static bool push_template(struct parser *p, struct mql_template **scope,
			  struct mql_template t)
{
	struct mql_template *new = ARENA_NEW(p->mem, struct mql_template);

	*new = t;
	new->before = *scope;
	new->level = *scope ? (*scope)->level + 1 : 1;
	*scope = new;
	return new->level <= MAX_TEMPLATES ||
	       promql_fail(p->err, p->tok.at, "more than %d WITH templates", MAX_TEMPLATES);
}

static bool is_among(const struct mql_template *t, const struct mql_template *end,
		     struct str name)
{
	for (; t != end; t = t->before) {
		if (str_eq(t->name, name))
			return true;
	}
	return false;
}

static bool parse_parameters(struct parser *p, struct mql_template *t)
{
	size_t open = take(p).at;

	while (!is_symbol(p, ")")) {
		struct mql_template param = {.is_checked = true};

		if (!is(p, MQL_NAME))
			return unexpected(p, "the name of a parameter");
		param.name = mql_unescape(p->mem, p->tok.text);
		if (is_among(t->inside, p->scope, param.name))
			return promql_fail(p->err, p->tok.at,
					   "the parameter '%.*s' is there twice",
					   FMT(shown(param.name)));
		if (!push_template(p, &t->inside, param))
			return false;
		t->n_params++;
		take(p);
		if (!take_symbol(p, ",") && !is_symbol(p, ")"))
			return expect_close(p, ")", open, "',' or ')'");
	}
	take(p);
	return true;
}

/* Its body is only read here. */
static bool parse_template(struct parser *p, const struct mql_template *outer)
{
	struct mql_template t = {.inside = p->scope};
	bool resolves = p->resolves, ok;
	struct mql_token equals;

	if (!is(p, MQL_NAME))
		return unexpected(p, "the name of a template");
	t.name = mql_unescape(p->mem, p->tok.text);
	if (is_among(p->scope, outer, t.name))
		return promql_fail(p->err, p->tok.at, "the template '%.*s' is there twice",
				   FMT(shown(t.name)));
	take(p);
	if (is_symbol(p, "(") && !parse_parameters(p, &t))
		return false;
	if (!is_symbol(p, "="))
		return unexpected(p, "'='");
	equals = p->tok;
	t.body = p->lexer.pos;
	take(p);
	if (is(p, MQL_END) || is_symbol(p, ",") || is_symbol(p, ")"))
		return nothing_follows(p, &equals);
	p->resolves = false;
	ok = parse_expr(p);
	p->resolves = resolves;
	return ok && push_template(p, &p->scope, t);
}

static bool parse_with_rest(struct parser *p)
{
	struct mql_template *outer = p->scope;
	struct mql_token open;
	bool ok;

	take(p);
	open = take(p);
	while (!is_symbol(p, ")")) {
		if (is(p, MQL_END))
			return expect_close(p, ")", open.at, "");
		if (!parse_template(p, outer))
			return false;
		if (!take_symbol(p, ",") && !is_symbol(p, ")"))
			return expect_close(p, ")", open.at, "',' or ')'");
	}
	take(p);
	ok = parse_expr(p);
	p->scope = outer;
	return ok;
}

static bool parse_with(struct parser *p)
{
	bool ok;

	if (p->withs == MAX_WITHS)
		return promql_fail(p->err, p->tok.at, "more than %d WITH in each other",
				   MAX_WITHS);
	p->withs++;
	ok = parse_with_rest(p);
	p->withs--;
	return ok;
}

/* -- strings -------------------------------------------------------------------------- */

/* "a" + b, but neither "a" + b(c) nor "a" + b{c="d"}. */
static bool another_follows(const struct parser *p)
{
	struct mql_lexer ahead = p->lexer;
	struct mql_token t;

	if (!is_symbol(p, "+"))
		return false;
	t = mql_next(&ahead);
	if (t.kind != MQL_NAME)
		return t.kind == MQL_STRING;
	t = mql_next(&ahead);
	return !mql_is_symbol(&t, "(") && !mql_is_symbol(&t, "{");
}

static bool add_string(struct parser *p, struct buf *out)
{
	struct str value;

	if (!p->resolves)
		return true;
	if (!mql_unquote(p->mem, p->tok.text, &value))
		return promql_fail(p->err, p->tok.at, "invalid string %.*s",
				   FMT(shown(p->tok.text)));
	buf_add_str(out, value);
	return true;
}

/* What it says, where that is known: it is not, of a template. */
static bool parse_strings(struct parser *p, struct buf *out, bool *is_known)
{
	*is_known = p->resolves;
	for (;;) {
		struct mql_token t = p->tok;

		if (t.kind == MQL_NAME)
			*is_known = false;
		else if (t.kind != MQL_STRING)
			return unexpected(p, "a string");
		if (t.kind == MQL_NAME ? !resolve(p, &t) : !add_string(p, out))
			return false;
		take(p);
		if (!another_follows(p))
			return true;
		take(p);
	}
}

static bool pass_strings(struct parser *p)
{
	struct buf b = BUF(BUF_NO_LIMIT);
	bool is_known, ok = parse_strings(p, &b, &is_known);

	buf_free(&b);
	return ok;
}

static bool pass_pattern(struct parser *p)
{
	struct buf b = BUF(BUF_NO_LIMIT);
	const struct regex *regex;
	size_t at = p->tok.at;
	struct err err;
	bool is_known, ok = parse_strings(p, &b, &is_known);

	if (ok && is_known && !promql_regex(p->mem, buf_str(&b), &regex, &err))
		ok = promql_fail(p->err, at, "%s", err.text);
	buf_free(&b);
	return ok;
}

/* -- selectors ------------------------------------------------------------------------ */

static bool parse_filter(struct parser *p)
{
	struct mql_token label = p->tok;

	if (label.kind != MQL_NAME && label.kind != MQL_STRING)
		return unexpected(p, "a label");
	take(p);
	if (take_symbol(p, "=") || take_symbol(p, "!="))
		return pass_strings(p);
	if (take_symbol(p, "=~") || take_symbol(p, "!~"))
		return pass_pattern(p);
	if (is_symbol(p, ",") || is_symbol(p, "}") || is_word(p, "or"))
		return label.kind == MQL_STRING || resolve(p, &label);
	return unexpected(p, "=, !=, =~ or !~");
}

static bool parse_filters(struct parser *p)
{
	size_t open = take(p).at;

	if (take_symbol(p, "}"))
		return true;
	for (;;) {
		if (is(p, MQL_END))
			return expect_close(p, "}", open, "");
		if (!parse_filter(p))
			return false;
		if (take_symbol(p, ",")) {
			if (take_symbol(p, "}"))
				return true;
		} else if (!take_word(p, "or")) {
			return expect_close(p, "}", open, "',', 'or' or '}'");
		}
	}
}

/* Its own name may be that of a template; one with parameters is not meant. */
static bool parse_metric(struct parser *p, const struct mql_token *name)
{
	struct mql_template *t = NULL;

	if (p->resolves)
		t = find_template(p, mql_unescape(p->mem, name->text));
	if (t && !t->n_params && !use_template(p, t, name->at, 0))
		return false;
	return !is_symbol(p, "{") || parse_filters(p);
}

/* -- calls and aggregates ------------------------------------------------------------- */

/*	names = "(" [ name { "," name } [ "," ] ] ")"	*/
static bool parse_names(struct parser *p, bool may_be_star)
{
	size_t open = p->tok.at;

	if (!take_symbol(p, "("))
		return unexpected(p, "'('");
	if (may_be_star && take_symbol(p, "*"))
		return expect_close(p, ")", open, "')'");
	while (!is_symbol(p, ")")) {
		if (is(p, MQL_END))
			return expect_close(p, ")", open, "");
		if (!is(p, MQL_NAME) && !is(p, MQL_STRING))
			return unexpected(p, "a label");
		take(p);
		if (!take_symbol(p, ",") && !is_symbol(p, ")"))
			return expect_close(p, ")", open, "',' or ')'");
	}
	take(p);
	return true;
}

/*	"(" [ expr { "," expr } [ "," ] ] ")"	*/
static bool parse_exprs(struct parser *p, size_t *n)
{
	size_t open = p->tok.at;

	*n = 0;
	if (!take_symbol(p, "("))
		return unexpected(p, "'('");
	while (!is_symbol(p, ")")) {
		if (is(p, MQL_END))
			return expect_close(p, ")", open, "");
		if (!parse_expr(p))
			return false;
		++*n;
		if (!take_symbol(p, ",") && !is_symbol(p, ")"))
			return expect_close(p, ")", open, "',' or ')'");
	}
	take(p);
	return true;
}

static bool parse_call(struct parser *p, const struct mql_token *name)
{
	size_t n;

	if (!parse_exprs(p, &n) ||
	    !resolve_if_known(p, mql_unescape(p->mem, name->text), name->at, n))
		return false;
	take_word(p, "keep_metric_names");
	return true;
}

static const char aggregates[] =
	"any avg bottomk bottomk_avg bottomk_last bottomk_max bottomk_median "
	"bottomk_min count count_values distinct geomean group histogram limitk mad "
	"max median min mode outliers_iqr outliers_mad outliersk quantile quantiles "
	"share stddev stdvar sum sum2 topk topk_avg topk_last topk_max topk_median "
	"topk_min zscore";

/* Its name there, which is in lower case; empty: it is none. */
static struct str find_aggregate(struct str name)
{
	struct str rest = str_of(aggregates), word;

	while (str_cut(&rest, ' ', &word)) {
		if (word.n == name.n && !strncasecmp(word.p, name.p, name.n))
			return word;
	}
	return STR("");
}

static bool is_grouping(const struct parser *p)
{
	return is_word(p, "by") || is_word(p, "without");
}

static bool parse_grouping(struct parser *p, bool *there)
{
	*there = is_grouping(p);
	if (!*there)
		return true;
	take(p);
	return parse_names(p, false);
}

static bool parse_limit(struct parser *p)
{
	int64_t limit;

	if (!take_word(p, "limit"))
		return true;
	if (!is(p, MQL_NUMBER) || !str_int(p->tok.text, &limit))
		return unexpected(p, "a whole number");
	take(p);
	return true;
}

static bool parse_aggregate(struct parser *p, struct str name, size_t at)
{
	bool is_before, is_behind;
	size_t n;

	if (is(p, MQL_NAME) && !is_grouping(p))
		return unexpected(p, "'(', 'by' or 'without'");
	return parse_grouping(p, &is_before) && parse_exprs(p, &n) &&
	       resolve_if_known(p, name, at, n) &&
	       (is_before || parse_grouping(p, &is_behind)) && parse_limit(p);
}

static bool parse_named(struct parser *p)
{
	struct mql_token name = take(p);
	struct str aggregate = find_aggregate(name.text);
	bool is_called = is_symbol(p, "(");

	if (mql_is_word(&name, "inf") || mql_is_word(&name, "nan"))
		return true;
	if (aggregate.n && (is_called || (is(p, MQL_NAME) && !is_word(p, "offset"))))
		return parse_aggregate(p, aggregate, name.at);
	return is_called ? parse_call(p, &name) : parse_metric(p, &name);
}

/* -- lengths of time ------------------------------------------------------------------ */

static bool parse_length(struct parser *p)
{
	struct mql_token t = p->tok;

	if (t.kind != MQL_NAME && t.kind != MQL_DURATION &&
	    (t.kind != MQL_NUMBER || !mql_number_is_good(p->mem, t.text)))
		return unexpected(p, "a duration");
	take(p);
	return t.kind != MQL_NAME || resolve(p, &t);
}

static bool parse_window(struct parser *p)
{
	size_t open = p->tok.at;

	p->lexer.in_window = true;
	take(p);
	if (is(p, MQL_END))
		return expect_close(p, "]", open, "");
	if (!is_symbol(p, ":") && !parse_length(p))
		return false;
	if (take_symbol(p, ":") && !is_symbol(p, "]") && !is(p, MQL_END) &&
	    !parse_length(p))
		return false;
	p->lexer.in_window = false;
	return expect_close(p, "]", open, "']'");
}

static bool parse_offset(struct parser *p)
{
	struct mql_token word = take(p);

	take_symbol(p, "-");
	return is(p, MQL_END) ? nothing_follows(p, &word) : parse_length(p);
}

/* -- operands ------------------------------------------------------------------------- */

static bool parse_number(struct parser *p)
{
	if (!mql_number_is_good(p->mem, p->tok.text))
		return promql_fail(p->err, p->tok.at, "invalid number '%.*s'",
				   FMT(shown(p->tok.text)));
	take(p);
	return true;
}

/* One in brackets may keep its names, too. */
static bool parse_parens(struct parser *p)
{
	size_t n;

	if (!parse_exprs(p, &n))
		return false;
	if (n == 1 && p->is_binary)
		take_word(p, "keep_metric_names");
	return true;
}

static bool parse_signed(struct parser *p)
{
	struct mql_token sign = take(p);
	bool ok;

	if (is(p, MQL_END))
		return nothing_follows(p, &sign);
	ok = enter(p) && parse_single(p);
	p->depth--;
	p->is_binary |= mql_is_symbol(&sign, "-");
	return ok;
}

static bool parse_operand(struct parser *p)
{
	bool ok;

	if (is_symbol(p, "+") || is_symbol(p, "-"))
		return parse_signed(p);
	if (is(p, MQL_DURATION)) {
		take(p);
		ok = true;
	} else if (is(p, MQL_NUMBER)) {
		ok = parse_number(p);
	} else if (is(p, MQL_STRING)) {
		ok = pass_strings(p);
	} else if (is(p, MQL_NAME)) {
		ok = parse_named(p);
	} else if (is_symbol(p, "(")) {
		ok = parse_parens(p);
	} else if (is_symbol(p, "{")) {
		ok = parse_filters(p);
	} else {
		ok = unexpected(p, "an expression");
	}
	p->is_binary = false;
	return ok;
}

static bool parse_at(struct parser *p)
{
	struct mql_token at = take(p);

	return is(p, MQL_END) ? nothing_follows(p, &at) : parse_operand(p);
}

static bool parse_single(struct parser *p)
{
	struct mql_lexer ahead = p->lexer;
	struct mql_token next = mql_next(&ahead);
	bool is_pinned, is_binary;

	if (is_word(p, "with") && mql_is_symbol(&next, "("))
		return parse_with(p);
	if (!parse_operand(p) || (is_symbol(p, "[") && !parse_window(p)))
		return false;
	is_binary = p->is_binary;
	is_pinned = is_symbol(p, "@");
	if (is_pinned && !parse_at(p))
		return false;
	if (is_word(p, "offset") && !parse_offset(p))
		return false;
	if (is_symbol(p, "@")) {
		if (is_pinned)
			return promql_fail(p->err, p->tok.at, "a second '@'");
		if (!parse_at(p))
			return false;
	}
	p->is_binary = is_binary;
	return true;
}

/* -- operators ------------------------------------------------------------------------ */

static bool is_comparison(const struct mql_token *t)
{
	static const char *const all[] = {"==", "!=", "<", ">", "<=", ">="};

	return is_one_of(t, all, COUNT_OF(all));
}

static bool is_set_operator(const struct mql_token *t)
{
	static const char *const all[] = {"and", "or", "unless"};

	return is_one_of(t, all, COUNT_OF(all));
}

static bool is_operator(const struct mql_token *t)
{
	static const char *const others[] = {"+", "-",	   "*",	 "/",	  "%",
					     "^", "atan2", "if", "ifnot", "default"};

	return is_comparison(t) || is_set_operator(t) ||
	       is_one_of(t, others, COUNT_OF(others));
}

/* A metric may have that name, too. */
static bool is_prefix(const struct parser *p)
{
	struct mql_lexer ahead = p->lexer;
	struct mql_token t = mql_next(&ahead);

	if (!is_word(p, "prefix"))
		return false;
	return t.kind == MQL_STRING ||
	       (t.kind == MQL_NAME && !is_operator(&t) && !mql_is_word(&t, "offset") &&
		!mql_is_word(&t, "keep_metric_names"));
}

static bool parse_matching(struct parser *p, const struct mql_token *op)
{
	if (!is_word(p, "on") && !is_word(p, "ignoring"))
		return true;
	take(p);
	if (!parse_names(p, false))
		return false;
	if (!is_word(p, "group_left") && !is_word(p, "group_right"))
		return true;
	if (is_set_operator(op))
		return promql_fail(p->err, p->tok.at, "no '%.*s' with '%.*s'",
				   FMT(p->tok.text), FMT(op->text));
	take(p);
	if (is_symbol(p, "(") && !parse_names(p, true))
		return false;
	if (!is_prefix(p))
		return true;
	take(p);
	return pass_strings(p);
}

static bool parse_right(struct parser *p)
{
	struct mql_token op = take(p);

	if (is_word(p, "bool")) {
		if (!is_comparison(&op))
			return promql_fail(p->err, p->tok.at, "no 'bool' with '%.*s'",
					   FMT(op.text));
		take(p);
	}
	if (!parse_matching(p, &op))
		return false;
	if (is(p, MQL_END) || is_symbol(p, ")") || is_symbol(p, ","))
		return nothing_follows(p, &op);
	if (!parse_single(p))
		return false;
	take_word(p, "keep_metric_names");
	return true;
}

static bool parse_expr(struct parser *p)
{
	bool is_binary = false, ok = enter(p) && parse_single(p);

	while (ok && is_operator(&p->tok)) {
		ok = parse_right(p);
		is_binary = true;
	}
	p->is_binary |= is_binary;
	p->depth--;
	return ok;
}

/* -- the whole ------------------------------------------------------------------------ */

/* The templates that every VictoriaMetrics has. */
static void know_own_templates(struct parser *p)
{
	static const struct {
		struct str name;
		size_t n_params;
	} own[] = {
		{STR("ru"), 2},
		{STR("ttf"), 1},
		{STR("range_median"), 1},
		{STR("alias"), 2},
	};

	for (size_t i = 0; i < COUNT_OF(own); i++) {
		struct mql_template *t = ARENA_NEW(p->mem, struct mql_template);

		*t = (struct mql_template){.before = p->scope, .name = own[i].name};
		t->n_params = own[i].n_params;
		t->is_checked = true;
		p->scope = t;
	}
}

static bool parse_whole(struct parser *p)
{
	take(p);
	if (is(p, MQL_END))
		return promql_fail(p->err, 0, "no expression found");
	if (!parse_expr(p))
		return false;
	if (is(p, MQL_END))
		return true;
	if (is(p, MQL_BAD))
		return bad_character(p);
	if (is(p, MQL_SYMBOL))
		return promql_fail(p->err, p->tok.at, "unexpected '%.*s'",
				   FMT(p->tok.text));
	return promql_fail(p->err, p->tok.at, "expected an operator before '%.*s'",
			   FMT(shown(p->tok.text)));
}

bool metricsql_check(struct str expr, struct promql_error *err)
{
	struct arena mem = {0};
	struct parser p = {.mem = &mem, .lexer = {.in = expr}, .err = err};
	bool ok;

	p.resolves = true;
	know_own_templates(&p);
	if (expr.n > METRICSQL_MAX_BYTES)
		ok = promql_fail(err, 0, "more than %zu bytes", METRICSQL_MAX_BYTES);
	else
		ok = parse_whole(&p);
	if (!ok)
		promql_find_place(expr, err);
	arena_free(&mem);
	return ok;
}
