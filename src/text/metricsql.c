#include "base/base.h"
#include "text/metricsql.h"
#include "text/float.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* -- expressions ---------------------------------------------------------------------- */

struct look {
	struct str text;
	size_t at;
	struct {
		char close;
		size_t at;
	} open[METRICSQL_MAX_DEPTH];
	size_t depth;
	bool any;	      /* token was there */
	size_t last_operator; /* the last token is that, here; else SIZE_MAX */
	struct promql_error *err;
};

static bool wrong(struct look *l, size_t at, const char *fmt, ...) PRINTF(3, 4);
static bool wrong(struct look *l, size_t at, const char *fmt, ...)
{
	struct promql_error *e = l->err;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(e->text, sizeof(e->text), fmt, ap);
	va_end(ap);
	e->at = at;
	e->line = e->col = 1;
	for (size_t i = 0; i < at; i++) {
		e->col++;
		if (l->text.p[i] == '\n') {
			e->line++;
			e->col = 1;
		}
	}
	return false;
}

static void pass_comment(struct look *l)
{
	while (l->at < l->text.n && l->text.p[l->at] != '\n')
		l->at++;
}

/* "..." and '...' with escapes; in `...` there are none. */
static bool pass_string(struct look *l)
{
	size_t begin = l->at;
	char quote = l->text.p[l->at++];

	for (; l->at < l->text.n; l->at++) {
		char c = l->text.p[l->at];

		if (c == '\\' && quote != '`')
			l->at++;
		else if (c == quote) {
			l->at++;
			return true;
		}
	}
	l->at = l->text.n;
	return wrong(l, begin, "unterminated string");
}

static bool open_bracket(struct look *l, char close)
{
	if (l->depth == METRICSQL_MAX_DEPTH)
		return wrong(l, l->at, "more than %d brackets in each other",
			     METRICSQL_MAX_DEPTH);
	l->open[l->depth].close = close;
	l->open[l->depth++].at = l->at++;
	return true;
}

/* At the end of the expression or of a bracket. */
static bool has_operands(struct look *l)
{
	return l->last_operator == SIZE_MAX ||
	       wrong(l, l->last_operator, "nothing follows the operator '%c'",
		     l->text.p[l->last_operator]);
}

static bool close_bracket(struct look *l, char c)
{
	if (!has_operands(l))
		return false;
	if (!l->depth)
		return wrong(l, l->at, "unexpected '%c'", c);
	if (l->open[l->depth - 1].close != c)
		return wrong(l, l->at, "expected '%c', found '%c'",
			     l->open[l->depth - 1].close, c);
	l->depth--;
	l->at++;
	return true;
}

static bool pass_token(struct look *l)
{
	char c = l->text.p[l->at];

	l->any = true;
	if (!strchr(")]}", c) || !c)
		l->last_operator = c && strchr("+-*/%^=<>!~", c) ? l->at : SIZE_MAX;
	switch (c) {
	case '"':
	case '\'':
	case '`':
		return pass_string(l);
	case '(':
		return open_bracket(l, ')');
	case '[':
		return open_bracket(l, ']');
	case '{':
		return open_bracket(l, '}');
	case ')':
	case ']':
	case '}':
		return close_bracket(l, c);
	case '\\': /* a character of a name */
		l->at += l->at + 1 < l->text.n ? 2 : 1;
		return true;
	case ';':
	case '?':
	case '&':
	case '|':
		return wrong(l, l->at, "unexpected '%c'", c);
	default:
		l->at++;
		return true;
	}
}

bool metricsql_check(struct str expr, struct promql_error *err)
{
	struct look l = {.text = expr, .last_operator = SIZE_MAX, .err = err};

	if (expr.n > METRICSQL_MAX_BYTES)
		return wrong(&l, 0, "more than %zu bytes", METRICSQL_MAX_BYTES);
	while (l.at < expr.n) {
		char c = expr.p[l.at];

		if (c == '#')
			pass_comment(&l);
		else if (strchr(" \t\n\r\v\f", c) && c)
			l.at++;
		else if (!pass_token(&l))
			return false;
	}
	if (l.depth)
		return wrong(&l, l.open[l.depth - 1].at, "no '%c' closes this",
			     l.open[l.depth - 1].close);
	return has_operands(&l) && (l.any || wrong(&l, 0, "no expression found"));
}

/* -- durations ------------------------------------------------------------------------ */

static const struct {
	const char *name;
	double seconds;
} units[] = {
	{"ms", 1e-3}, {"s", 1},	     {"m", 60},	      {"h", 3600},
	{"d", 86400}, {"w", 604800}, {"y", 31536000}, {"i", 0},
};

/* Digits and points at the start of s. */
static size_t number_length(struct str s)
{
	size_t n = 0;

	while (n < s.n && ((s.p[n] >= '0' && s.p[n] <= '9') || s.p[n] == '.'))
		n++;
	return n;
}

static bool take_sign(struct str *s)
{
	bool is_minus = s->n && s->p[0] == '-';

	*s = is_minus ? str_from(*s, 1) : *s;
	return is_minus;
}

static bool take_part(struct str *s, double *sum)
{
	bool is_minus = take_sign(s);
	size_t n = number_length(*s), letters = 0;
	struct str name;
	double v;

	if (float_parse(str_slice(*s, 0, n), &v) != FLOAT_OK)
		return false;
	*s = str_from(*s, n);
	while (letters < s->n && s->p[letters] >= 'a' && s->p[letters] <= 'z')
		letters++;
	name = str_slice(*s, 0, letters);
	*s = str_from(*s, letters);
	for (size_t i = 0; i < COUNT_OF(units); i++) {
		if (!str_is(name, units[i].name))
			continue;
		*sum += (is_minus ? -v : v) * units[i].seconds;
		return true;
	}
	return false;
}

static bool is_bare(struct str s, double *out)
{
	bool is_minus = take_sign(&s);

	if (!s.n || !((s.p[0] >= '0' && s.p[0] <= '9') || s.p[0] == '.') ||
	    strspn(s.p, "0123456789.eE+-") < s.n || float_parse(s, out) != FLOAT_OK)
		return false;
	*out = is_minus ? -*out : *out;
	return true;
}

bool metricsql_duration(struct str s, double *out)
{
	if (is_bare(s, out))
		return true;
	*out = 0;
	if (!s.n)
		return false;
	while (s.n) {
		if (!take_part(&s, out))
			return false;
	}
	return true;
}
