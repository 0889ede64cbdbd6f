#include "base/base.h"
#include "text/literal.h"
#include "base/buf.h"
#include "base/quote.h"
#include "base/utf8.h"
#include "text/float.h"

static const char *quoted_message(struct arena *mem, const char *what, struct str text)
{
	struct buf b = BUF(BUF_NO_LIMIT);
	const char *out;

	buf_add_text(&b, what);
	buf_add_quoted(&b, text);
	out = arena_text(mem, buf_text(&b));
	buf_free(&b);
	return out;
}

static unsigned digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0');
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? (unsigned)(c - 'a' + 10) : 99;
}

/* 0x, 0o, 0b or a leading 0 choose the base; *after_prefix: an underscore may follow. */
static unsigned take_base(struct str *s, bool *after_prefix)
{
	static const struct {
		char letter;
		unsigned base;
	} bases[] = {{'x', 16}, {'o', 8}, {'b', 2}};

	*after_prefix = false;
	if (s->n < 2 || s->p[0] != '0')
		return 10;
	*after_prefix = true;
	for (size_t i = 0; i < COUNT_OF(bases); i++) {
		if ((s->p[1] | 0x20) == bases[i].letter) {
			*s = str_from(*s, 2);
			return bases[i].base;
		}
	}
	*s = str_from(*s, 1);
	return 8;
}

static bool parse_magnitude(struct str s, uint64_t *out)
{
	bool digit;
	unsigned base = take_base(&s, &digit);

	*out = 0;
	if (!s.n)
		return false;
	for (; s.n; s = str_from(s, 1)) {
		unsigned d = digit_of(s.p[0]);

		if (s.p[0] == '_' && digit && s.n > 1 && digit_of(s.p[1]) < base) {
			digit = false;
			continue;
		}
		if (d >= base || __builtin_mul_overflow(*out, base, out) ||
		    __builtin_add_overflow(*out, d, out))
			return false;
		digit = true;
	}
	return true;
}

static void parse_integer(struct str s, struct number *n)
{
	bool negative = s.n && s.p[0] == '-',
	     is_signed = negative || (s.n && s.p[0] == '+');
	uint64_t u;

	if (!parse_magnitude(is_signed ? str_from(s, 1) : s, &u))
		return;
	if (!is_signed) {
		n->is_uint = true;
		n->u = u;
	}
	if (u <= (uint64_t)INT64_MAX + negative) {
		n->is_int = true;
		n->i = negative ? (int64_t)-u : (int64_t)u;
		if (u == 0)
			n->is_uint = true;
	}
}

static bool has_any(struct str s, const char *any)
{
	for (; *any; any++) {
		if (str_find_char(s, *any) != STR_NONE)
			return true;
	}
	return false;
}

/* A float without a fraction serves as an integer too. */
static void integer_of_float(struct number *n)
{
	if (n->f >= -9223372036854775808.0 && n->f < 9223372036854775808.0 &&
	    (double)(int64_t)n->f == n->f) {
		n->is_int = true;
		n->i = (int64_t)n->f;
	}
	if (n->f >= 0 && n->f < 18446744073709551616.0 && (double)(uint64_t)n->f == n->f) {
		n->is_uint = true;
		n->u = (uint64_t)n->f;
	}
}

/* A complex number without an imaginary part serves as a float, and so on. */
static void simplify(struct number *n)
{
	n->is_complex = true;
	if (n->imaginary != 0)
		return;
	n->is_float = true;
	integer_of_float(n);
}

const char *literal_complex(struct str text, struct number *n)
{
	size_t cut = text.n - 1;

	/* the sign between the parts is not that of an exponent */
	while (cut > 1 &&
	       !((text.p[cut] == '+' || text.p[cut] == '-') &&
		 (text.p[cut - 1] | 0x20) != 'e' && (text.p[cut - 1] | 0x20) != 'p'))
		cut--;
	if (float_parse(str_slice(text, 0, cut), &n->f) != FLOAT_OK ||
	    float_parse(str_slice(text, cut, text.n - cut - 1), &n->imaginary) != FLOAT_OK)
		return "syntax error scanning complex number";
	simplify(n);
	return NULL;
}

const char *literal_number(struct arena *mem, struct str text, struct number *n)
{
	bool is_hex_integer = text.n > 2 && text.p[0] == '0' && (text.p[1] | 0x20) == 'x' &&
			      !has_any(text, "pP");

	if (text.n && text.p[text.n - 1] == 'i' &&
	    float_parse(str_slice(text, 0, text.n - 1), &n->imaginary) == FLOAT_OK) {
		simplify(n);
		return NULL;
	}
	n->looks_float = has_any(text, ".eEpP") && !is_hex_integer;
	parse_integer(text, n);
	if (n->is_int || n->is_uint) {
		n->is_float = true;
		n->f = n->is_int ? (double)n->i : (double)n->u;
		return NULL;
	}
	if (float_parse(text, &n->f) != FLOAT_OK)
		return quoted_message(mem, "illegal number syntax: ", text);
	if (!has_any(text, ".eEpP"))
		return quoted_message(mem, "integer overflow: ", text);
	n->is_float = true;
	integer_of_float(n);
	return NULL;
}

/* One escaped byte or character of a '...' literal: read it as a string of one. */
static bool char_of_escape(struct arena *mem, struct str s, uint32_t *rune)
{
	struct buf b = BUF(64);
	struct str out;
	bool ok;

	if (str_is(s, "\\'")) {
		*rune = '\'';
		return true;
	}
	if (str_is(s, "\\\""))
		return false;
	buf_add_char(&b, '"');
	buf_add_str(&b, s);
	buf_add_char(&b, '"');
	ok = unquote(mem, buf_str(&b), &out) && out.n;
	if (ok && (s.p[1] == 'u' || s.p[1] == 'U'))
		utf8_decode(out, rune);
	else if (ok)
		*rune = (unsigned char)out.p[0];
	buf_free(&b);
	return ok;
}

/* Bytes of the escape sequence at the start of s. */
static size_t escape_length(struct str s)
{
	size_t n = 2;

	if (s.n > 1) {
		if (s.p[1] == 'x')
			n = 4;
		else if (s.p[1] == 'u')
			n = 6;
		else if (s.p[1] == 'U')
			n = 10;
		else if (s.p[1] >= '0' && s.p[1] <= '7')
			n = 4;
	}
	return MIN(n, s.n);
}

const char *literal_char(struct arena *mem, struct str text, struct number *n)
{
	struct str s = str_from(text, 1);
	uint32_t rune;
	size_t step;

	if (s.n && s.p[0] == '\\') {
		step = escape_length(s);
		if (!char_of_escape(mem, str_slice(s, 0, step), &rune))
			return "invalid syntax";
	} else {
		if (s.n < 2)
			return "invalid syntax";
		step = utf8_decode(s, &rune);
		rune = rune == UTF8_BAD ? UTF8_REPLACE : rune;
	}
	if (!str_is(str_from(s, step), "'"))
		return arena_printf(mem, "malformed character constant: %.*s", FMT(text));
	*n = (struct number){.is_int = true, .is_uint = true, .is_float = true};
	n->i = (int64_t)rune;
	n->u = rune;
	n->f = (double)rune;
	return NULL;
}

const char *literal_string(struct arena *mem, struct str text, struct str *out)
{
	char *copy;

	if (text.p[0] != '`')
		return unquote(mem, text, out) ? NULL : "invalid syntax";
	copy = arena_alloc(mem, text.n);
	*out = (struct str){copy, 0};
	for (size_t i = 1; i + 1 < text.n; i++) {
		if (text.p[i] != '\r')
			copy[out->n++] = text.p[i];
	}
	return NULL;
}
