#include "base/base.h"
#include "text/float.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define MOST_DIGITS 17 /* tell any two doubles apart */

static bool is_digit(char c, bool hex)
{
	return (c >= '0' && c <= '9') ||
	       (hex && ((c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F')));
}

/* Takes digits and underscores between them; a base prefix counts as a digit. */
static bool take_digits(struct str *s, bool hex, bool after_digit, size_t *n)
{
	bool digit = after_digit;

	for (; s->n; *s = str_from(*s, 1)) {
		if (is_digit(s->p[0], hex)) {
			digit = true;
			++*n;
		} else if (s->p[0] == '_' && digit && s->n > 1 && is_digit(s->p[1], hex)) {
			digit = false;
		} else {
			break;
		}
	}
	return !s->n || s->p[0] != '_';
}

static bool is_float(struct str s)
{
	size_t digits = 0, exponent = 0;
	bool hex;

	if (s.n && (s.p[0] == '+' || s.p[0] == '-'))
		s = str_from(s, 1);
	hex = s.n > 1 && s.p[0] == '0' && (s.p[1] | 0x20) == 'x';
	if (hex)
		s = str_from(s, 2);
	if (!take_digits(&s, hex, hex, &digits))
		return false;
	if (s.n && s.p[0] == '.') {
		s = str_from(s, 1);
		if (!take_digits(&s, hex, false, &digits))
			return false;
	}
	if (!digits)
		return false;
	if (!s.n)
		return !hex;
	if ((s.p[0] | 0x20) != (hex ? 'p' : 'e'))
		return false;
	s = str_from(s, 1);
	if (s.n && (s.p[0] == '+' || s.p[0] == '-'))
		s = str_from(s, 1);
	return take_digits(&s, false, false, &exponent) && exponent && !s.n;
}

static bool parse_special(struct str s, double *out)
{
	double sign = 1;

	if (s.n == 3 && strncasecmp(s.p, "nan", 3) == 0) {
		*out = (double)NAN;
		return true;
	}
	if (s.n && (s.p[0] == '+' || s.p[0] == '-')) {
		sign = s.p[0] == '-' ? -1 : 1;
		s = str_from(s, 1);
	}
	if ((s.n != 3 || strncasecmp(s.p, "inf", 3) != 0) &&
	    (s.n != 8 || strncasecmp(s.p, "infinity", 8) != 0))
		return false;
	*out = sign * (double)INFINITY;
	return true;
}

enum float_parse float_parse(struct str s, double *out)
{
	char small[128], *text = small;
	size_t n = 0;
	double v;

	if (parse_special(s, out))
		return FLOAT_OK;
	if (!is_float(s))
		return FLOAT_SYNTAX;
	if (s.n >= sizeof(small))
		text = mem_resize(NULL, s.n + 1);
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] != '_')
			text[n++] = s.p[i];
	}
	text[n] = 0;
	v = strtod(text, NULL);
	if (text != small)
		free(text);
	if (isinf(v))
		return FLOAT_RANGE;
	*out = v;
	return FLOAT_OK;
}

/* Digits d.ddd times ten to the exponent, without trailing zeros. */
struct decimal {
	char digits[MOST_DIGITS + 8];
	int n, exponent;
};

static void read_decimal(const char *text, struct decimal *d)
{
	const char *e = strchr(text, 'e');

	d->n = 0;
	for (const char *p = text; p < e; p++) {
		if (*p >= '0' && *p <= '9')
			d->digits[d->n++] = *p;
	}
	d->exponent = (int)strtol(e + 1, NULL, 10);
	while (d->n > 1 && d->digits[d->n - 1] == '0')
		d->n--;
}

static bool read_back(const char *digits, int n, int exponent, double want)
{
	char text[64];

	snprintf(text, sizeof(text), "%.*se%d", n, digits, exponent - n + 1);
	return strtod(text, NULL) == want;
}

static bool is_power_of_two(double v)
{
	int e;

	return frexp(v, &e) == 0.5;
}

/* The gap below a power of two is half the gap above it, so a shorter string may read
 * back that is not the nearest of its length: one step up from the truncated digits. */
static bool try_above(double v, int n, struct decimal *d)
{
	char text[64], next[MOST_DIGITS + 8];
	struct decimal cut;
	int i = n;

	snprintf(text, sizeof(text), "%.*e", MOST_DIGITS + 2, v);
	read_decimal(text, &cut);
	while (cut.n < n)
		cut.digits[cut.n++] = '0';
	memcpy(next, cut.digits, (size_t)n);
	while (i > 0 && next[i - 1] == '9')
		next[--i] = '0';
	if (i == 0)
		return false;
	next[i - 1]++;
	if (!read_back(next, n, cut.exponent, v))
		return false;
	memcpy(d->digits, next, (size_t)n);
	d->n = n;
	d->exponent = cut.exponent;
	return true;
}

static bool shortest_integer(double v, struct decimal *d)
{
	char text[24];
	int n;

	if (v >= 1e15 || v != floor(v))
		return false;
	n = snprintf(text, sizeof(text), "%llu", (unsigned long long)v);
	memcpy(d->digits, text, (size_t)n);
	d->exponent = n - 1;
	while (n > 1 && text[n - 1] == '0')
		n--;
	d->n = n;
	return true;
}

/* v is positive and finite */
static void shortest(double v, struct decimal *d)
{
	char text[64];
	int low = v < DBL_MIN ? 1 : DBL_DIG;

	if (shortest_integer(v, d))
		return;
	/* DBL_DIG digits survive the way through a normal double, so a number that short is
	 * what remains of that form without its zeros; longer ones have one or two more */
	for (int n = low; n <= MOST_DIGITS; n++) {
		snprintf(text, sizeof(text), "%.*e", n - 1, v);
		if (strtod(text, NULL) == v) {
			read_decimal(text, d);
			return;
		}
		if (is_power_of_two(v) && try_above(v, n, d))
			return;
	}
	read_decimal(text, d);
}

static void add_exponent(struct buf *b, char letter, int exponent)
{
	buf_addf(b, "%c%c%02d", letter, exponent < 0 ? '-' : '+', abs(exponent));
}

static void add_e_form(struct buf *b, const struct decimal *d, char letter)
{
	buf_add_char(b, d->digits[0]);
	if (d->n > 1) {
		buf_add_char(b, '.');
		buf_add(b, d->digits + 1, (size_t)d->n - 1);
	}
	add_exponent(b, letter, d->exponent);
}

static void add_f_form(struct buf *b, const struct decimal *d)
{
	int whole = d->exponent + 1;

	if (whole <= 0) {
		buf_add_text(b, "0.");
		for (; whole < 0; whole++)
			buf_add_char(b, '0');
		buf_add(b, d->digits, (size_t)d->n);
		return;
	}
	for (int i = 0; i < whole; i++)
		buf_add_char(b, i < d->n ? d->digits[i] : '0');
	if (d->n > whole) {
		buf_add_char(b, '.');
		buf_add(b, d->digits + whole, (size_t)(d->n - whole));
	}
}

/* Hexadecimal: C's %a has another first digit for subnormals and another exponent. */
static void add_hex(struct buf *b, double v, char verb, int precision)
{
	static const char *const hex[] = {"0123456789abcdef", "0123456789ABCDEF"};
	uint64_t bits, fraction;
	int exponent, digits = 13;

	memcpy(&bits, &v, sizeof(bits));
	fraction = bits & ((UINT64_C(1) << 52) - 1);
	exponent = (int)(bits >> 52 & 0x7ff);
	if (exponent == 0) {
		exponent = v == 0 ? 0 : -1022;
		for (; fraction && !(fraction >> 52); exponent--)
			fraction <<= 1;
	} else {
		fraction |= UINT64_C(1) << 52;
		exponent -= 1023;
	}
	if (precision >= 0 && precision < 13) {
		int drop = (13 - precision) * 4;
		uint64_t half = UINT64_C(1) << (drop - 1), low = fraction & (half * 2 - 1);

		fraction >>= drop;
		fraction += low > half || (low == half && (fraction & 1));
		fraction <<= drop;
		if (fraction >> 53) {
			fraction >>= 1;
			exponent++;
		}
	}
	buf_addf(b, "0%c%c", verb, fraction ? '1' : '0');
	fraction &= (UINT64_C(1) << 52) - 1;
	if (precision >= 0)
		digits = precision;
	else
		for (; digits && !(fraction >> (52 - digits * 4) & 15); digits--)
			;
	if (digits)
		buf_add_char(b, '.');
	for (int i = 1; i <= digits; i++)
		buf_add_char(b, i > 13 ? '0'
				       : hex[verb == 'X'][fraction >> (52 - i * 4) & 15]);
	add_exponent(b, verb == 'X' ? 'P' : 'p', exponent);
}

static void add_binary(struct buf *b, double v)
{
	uint64_t bits, fraction;
	int exponent;

	memcpy(&bits, &v, sizeof(bits));
	fraction = bits & ((UINT64_C(1) << 52) - 1);
	exponent = (int)(bits >> 52 & 0x7ff);
	if (exponent)
		fraction |= UINT64_C(1) << 52;
	else
		exponent = 1;
	buf_addf(b, "%llup%+d", (unsigned long long)fraction, exponent - 1075);
}

/* %e, %f and %g of C round as Go's do; Go's %g drops zeros as C's does. */
static void add_precise(struct buf *b, double v, char verb, int precision)
{
	if (verb == 'e' || verb == 'E')
		buf_addf(b, verb == 'e' ? "%.*e" : "%.*E", precision, v);
	else if (verb == 'f' || verb == 'F')
		buf_addf(b, "%.*f", precision, v);
	else
		buf_addf(b, verb == 'g' ? "%.*g" : "%.*G", precision, v);
}

static bool add_special(struct buf *b, double *v)
{
	if (isnan(*v)) {
		buf_add_text(b, "NaN");
		return true;
	}
	if (isinf(*v)) {
		buf_add_text(b, *v < 0 ? "-Inf" : "+Inf");
		return true;
	}
	if (signbit(*v)) {
		buf_add_char(b, '-');
		*v = -*v;
	}
	return false;
}

static void add_shortest(struct buf *b, double v, char verb, int e_from)
{
	struct decimal d = {.digits = "0", .n = 1};

	if (v != 0)
		shortest(v, &d);
	if (verb == 'f' || verb == 'F')
		add_f_form(b, &d);
	else if (verb == 'e' || verb == 'E' || d.exponent < -4 || d.exponent >= e_from)
		add_e_form(b, &d, verb == 'E' || verb == 'G' ? 'E' : 'e');
	else
		add_f_form(b, &d);
}

#define G_FROM 6 /* the exponent from which strconv's shortest %g takes the e form */

void buf_add_float(struct buf *b, double v, char verb, int precision)
{
	if (add_special(b, &v))
		return;
	if (verb == 'x' || verb == 'X')
		add_hex(b, v, verb, precision);
	else if (verb == 'b')
		add_binary(b, v);
	else if (precision >= 0)
		add_precise(b, v, verb, precision);
	else
		add_shortest(b, v, verb, G_FROM);
}

void buf_add_float_value(struct buf *b, double v)
{
	if (!add_special(b, &v))
		add_shortest(b, v, 'g', G_FROM);
}

void buf_add_float_json(struct buf *b, double v)
{
	struct decimal d = {.digits = "0", .n = 1};

	if (add_special(b, &v))
		return;
	if (v != 0)
		shortest(v, &d);
	if (v != 0 && (v < 1e-6 || v >= 1e21)) {
		add_e_form(b, &d, 'e');
		/* e-09 becomes e-9 */
		if (b->n > 4 && b->p[b->n - 4] == 'e' && b->p[b->n - 3] == '-' &&
		    b->p[b->n - 2] == '0') {
			char last = b->p[b->n - 1];

			buf_cut(b, b->n - 2);
			buf_add_char(b, last);
		}
	} else {
		add_f_form(b, &d);
	}
}
