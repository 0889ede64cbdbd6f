#include "base/base.h"
#include "text/metricsql.h"
#include "text/float.h"

#include <string.h>

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
