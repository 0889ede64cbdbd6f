#include "base/base.h"
#include "text/metricsql.h"
#include "text/float.h"
#include "text/scan.h"

#include <string.h>

/* -- expressions ---------------------------------------------------------------------- */

struct look {
	struct scan s;
	bool any;	      /* token was there */
	size_t last_operator; /* the last token is that, here; else SIZE_MAX */
};

static void pass_comment(struct look *l)
{
	while (l->s.at < l->s.text.n && l->s.text.p[l->s.at] != '\n')
		l->s.at++;
}

/* At the end of the expression or of a bracket. */
static bool has_operands(struct look *l)
{
	return l->last_operator == SIZE_MAX ||
	       scan_wrong(&l->s, l->last_operator, "nothing follows the operator '%c'",
			  l->s.text.p[l->last_operator]);
}

static bool pass_token(struct look *l)
{
	char c = l->s.text.p[l->s.at];

	l->any = true;
	if (!strchr(")]}", c) || !c)
		l->last_operator = c && strchr("+-*/%^=<>!~", c) ? l->s.at : SIZE_MAX;
	switch (c) {
	case '"':
	case '\'':
	case '`':
		return scan_string(&l->s);
	case '(':
	case '[':
	case '{':
		return scan_open(&l->s);
	case ')':
	case ']':
	case '}':
		return has_operands(l) && scan_close(&l->s);
	case '\\': /* a character of a name */
		l->s.at += l->s.at + 1 < l->s.text.n ? 2 : 1;
		return true;
	case ';':
	case '?':
	case '&':
	case '|':
		return scan_wrong(&l->s, l->s.at, "unexpected '%c'", c);
	default:
		l->s.at++;
		return true;
	}
}

bool metricsql_check(struct str expr, struct promql_error *err)
{
	struct look l = {.s = {.text = expr, .err = err}, .last_operator = SIZE_MAX};

	if (expr.n > METRICSQL_MAX_BYTES)
		return scan_wrong(&l.s, 0, "more than %zu bytes", METRICSQL_MAX_BYTES);
	while (l.s.at < expr.n) {
		char c = expr.p[l.s.at];

		if (c == '#')
			pass_comment(&l);
		else if (strchr(" \t\n\r\v\f", c) && c)
			l.s.at++;
		else if (!pass_token(&l))
			return false;
	}
	return scan_is_closed(&l.s) && has_operands(&l) &&
	       (l.any || scan_wrong(&l.s, 0, "no expression found"));
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
