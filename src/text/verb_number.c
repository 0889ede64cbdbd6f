#include "base/base.h"
#include "text/verb.h"
#include "base/quote.h"
#include "base/utf8.h"
#include "text/float.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void pad_without_zero(struct verb *f, struct str s)
{
	bool zero = f->zero;

	f->zero = false;
	verb_pad(f, s);
	f->zero = zero;
}

bool verb_bool(struct verb *f, bool b)
{
	if (f->letter != 't' && f->letter != 'v')
		return false;
	verb_pad(f, b ? STR("true") : STR("false"));
	return true;
}

/* -- integers ------------------------------------------------------------------------- */

static const char *prefix_of(const struct verb *f, unsigned base, bool starts_with_0)
{
	if (f->letter == 'O')
		return f->sharp && !starts_with_0 ? "0o0" : "0o";
	if (!f->sharp)
		return "";
	if (base == 2)
		return "0b";
	if (base == 8)
		return starts_with_0 ? "" : "0";
	if (base == 16)
		return f->letter == 'X' ? "0X" : "0x";
	return "";
}

/* How many digits to show at least. */
static int least_digits(const struct verb *f, bool negative)
{
	if (f->has_precision)
		return f->precision;
	if (!f->zero || !f->has_width)
		return 0;
	return f->width - (negative || f->plus || f->space);
}

static void add_integer(struct verb *f, uint64_t u, unsigned base, bool is_signed)
{
	static const char *const digits[] = {"0123456789abcdef", "0123456789ABCDEF"};
	bool negative = is_signed && (int64_t)u < 0, zero = f->zero;
	struct buf b = BUF(f->out->limit);
	char text[64];
	size_t at = sizeof(text);

	if (f->has_precision && f->precision == 0 && u == 0) {
		f->zero = false;
		verb_pad_char(f, f->has_width ? f->width : 0);
		f->zero = zero;
		return;
	}
	u = negative ? -u : u;
	do
		text[--at] = digits[f->letter == 'X'][u % base];
	while (u /= base);
	if (negative)
		buf_add_char(&b, '-');
	else if (f->plus)
		buf_add_char(&b, '+');
	else if (f->space)
		buf_add_char(&b, ' ');
	buf_add_text(&b, prefix_of(f, base,
				   text[at] == '0' || least_digits(f, negative) >
							      (int)(sizeof(text) - at)));
	for (int i = least_digits(f, negative); i > (int)(sizeof(text) - at); i--)
		buf_add_char(&b, '0');
	buf_add(&b, text + at, sizeof(text) - at);
	if (b.full)
		f->out->full = true;
	pad_without_zero(f, buf_str(&b));
	buf_free(&b);
}

static uint32_t rune_of(uint64_t u)
{
	return u > 0x10FFFF || (u >= 0xD800 && u <= 0xDFFF) ? UTF8_REPLACE : (uint32_t)u;
}

static void add_unicode(struct verb *f, uint64_t u)
{
	struct buf b = BUF(f->out->limit);
	char digits[24];
	int n = snprintf(digits, sizeof(digits), "%llX", (unsigned long long)u);

	buf_add_text(&b, "U+");
	for (int i = MAX(4, f->has_precision ? f->precision : 0); i > n; i--)
		buf_add_char(&b, '0');
	buf_add(&b, digits, (size_t)n);
	if (f->sharp && u <= 0x10FFFF && rune_is_print((uint32_t)u)) {
		buf_add_text(&b, " '");
		buf_add_rune(&b, (uint32_t)u);
		buf_add_char(&b, '\'');
	}
	if (b.full)
		f->out->full = true;
	pad_without_zero(f, buf_str(&b));
	buf_free(&b);
}

/* A Go character literal: as a quoted string, with the other quote escaped. */
static void add_quoted_rune(struct verb *f, uint32_t r)
{
	struct buf b = BUF(64), inner = BUF(64);
	char bytes[4];
	struct str one = {bytes, utf8_encode(bytes, r)}, s;

	if (f->plus)
		buf_add_quoted_ascii(&inner, one);
	else
		buf_add_quoted(&inner, one);
	s = str_slice(buf_str(&inner), 1, inner.n - 2);
	if (r == '\'')
		s = STR("\\'");
	else if (r == '"')
		s = STR("\"");
	buf_add_char(&b, '\'');
	buf_add_str(&b, s);
	buf_add_char(&b, '\'');
	verb_pad(f, buf_str(&b));
	buf_free(&inner);
	buf_free(&b);
}

static void add_rune(struct verb *f, uint32_t r)
{
	char bytes[4];

	verb_pad(f, (struct str){bytes, utf8_encode(bytes, r)});
}

void verb_hex_0x(struct verb *f, uint64_t u)
{
	struct verb plain = *f;

	plain.sharp = true;
	plain.letter = 'x';
	add_integer(&plain, u, 16, false);
}

bool verb_integer(struct verb *f, uint64_t u, bool is_signed)
{
	switch (f->letter) {
	case 'v':
		if (f->sharp_v && !is_signed)
			verb_hex_0x(f, u);
		else
			add_integer(f, u, 10, is_signed);
		return true;
	case 'd':
		add_integer(f, u, 10, is_signed);
		return true;
	case 'b':
		add_integer(f, u, 2, is_signed);
		return true;
	case 'o':
	case 'O':
		add_integer(f, u, 8, is_signed);
		return true;
	case 'x':
	case 'X':
		add_integer(f, u, 16, is_signed);
		return true;
	case 'c':
		add_rune(f, rune_of(u));
		return true;
	case 'q':
		add_quoted_rune(f, rune_of(u));
		return true;
	case 'U':
		add_unicode(f, u);
		return true;
	default:
		return false;
	}
}

/* -- floats --------------------------------------------------------------------------- */

/* The sharp flag: always a point, and for g digits up to the precision. num has a sign in
 * front. */
static void force_point(struct buf *num, char letter, int precision)
{
	int digits = 0;
	bool point = false, nonzero = false;
	char tail[8] = "";
	size_t cut = num->n;

	if (letter == 'g' || letter == 'G' || letter == 'v' || letter == 'x')
		digits = precision < 0 ? 6 : precision;
	for (size_t i = 1; i < num->n; i++) {
		char c = num->p[i];

		if (c == '.') {
			point = true;
		} else if (c == 'p' || c == 'P' ||
			   ((c == 'e' || c == 'E') && letter != 'x' && letter != 'X')) {
			cut = i;
			break;
		} else {
			nonzero |= c != '0';
			digits -= nonzero;
		}
	}
	memcpy(tail, num->p + cut, MIN(num->n - cut, sizeof(tail) - 1));
	buf_cut(num, cut);
	if (!point) {
		if (num->n == 2 && num->p[1] == '0')
			digits--;
		buf_add_char(num, '.');
	}
	for (; digits > 0; digits--)
		buf_add_char(num, '0');
	buf_add_text(num, tail);
}

static void add_special(struct verb *f, struct str num)
{
	if (num.p[1] == 'N' && !f->space && !f->plus)
		num = str_from(num, 1);
	pad_without_zero(f, num);
}

/* num has a sign in front; shows it when it must, zeros behind it. */
static void add_signed(struct verb *f, struct str num)
{
	if (!f->plus && num.p[0] == '+') {
		verb_pad(f, str_from(num, 1));
	} else if (f->zero && f->has_width && f->width > (int)num.n) {
		buf_add_char(f->out, num.p[0]);
		verb_pad_char(f, f->width - (long)num.n);
		buf_add_str(f->out, str_from(num, 1));
	} else {
		verb_pad(f, num);
	}
}

static void add_float(struct verb *f, double v, char letter, int precision)
{
	struct buf num = BUF(f->out->limit);

	if (f->has_precision)
		precision = f->precision;
	buf_add_float(&num, v, letter, precision);
	if (num.full) {
		f->out->full = true;
		buf_free(&num);
		return;
	}
	if (num.p[0] != '-' && num.p[0] != '+') {
		buf_add_char(&num, ' ');
		memmove(num.p + 1, num.p, num.n - 1);
		num.p[0] = '+';
	}
	if (f->space && num.p[0] == '+' && !f->plus)
		num.p[0] = ' ';
	if (num.p[1] == 'I' || num.p[1] == 'N') {
		add_special(f, buf_str(&num));
	} else {
		if (f->sharp && letter != 'b')
			force_point(&num, letter, precision);
		add_signed(f, buf_str(&num));
	}
	buf_free(&num);
}

bool verb_float(struct verb *f, double v)
{
	switch (f->letter) {
	case 'v':
		add_float(f, v, 'g', -1);
		return true;
	case 'b':
	case 'g':
	case 'G':
	case 'x':
	case 'X':
		add_float(f, v, (char)f->letter, -1);
		return true;
	case 'e':
	case 'E':
	case 'f':
		add_float(f, v, (char)f->letter, 6);
		return true;
	case 'F':
		add_float(f, v, 'f', 6);
		return true;
	default:
		return false;
	}
}

bool verb_complex(struct verb *f, const double parts[2])
{
	bool plus = f->plus;

	if (f->letter > 0x7f || !strchr("vbgGxXfFeE", (int)f->letter))
		return false;
	buf_add_char(f->out, '(');
	verb_float(f, parts[0]);
	f->plus = true;
	verb_float(f, parts[1]);
	f->plus = plus;
	buf_add_text(f->out, "i)");
	return true;
}
