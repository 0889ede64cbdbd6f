#include "base/base.h"
#include "base/quote.h"
#include "base/utf8.h"

static void add_escape(struct buf *b, uint32_t rune)
{
	static const char *const named = "\a\b\f\n\r\t\v", *const letters = "abfnrtv";

	for (size_t i = 0; named[i]; i++) {
		if ((uint32_t)named[i] == rune) {
			buf_add_char(b, '\\');
			buf_add_char(b, letters[i]);
			return;
		}
	}
	if (rune < ' ' || rune == 0x7f)
		buf_addf(b, "\\x%02x", rune);
	else if (rune < 0x10000)
		buf_addf(b, "\\u%04x", rune);
	else
		buf_addf(b, "\\U%08x", rune);
}

/* What is shown as it is, and most text consists of. */
static size_t plain_run(struct str s)
{
	size_t n = 0;

	while (n < s.n && s.p[n] >= ' ' && s.p[n] < 0x7f && s.p[n] != '"' && s.p[n] != '\\')
		n++;
	return n;
}

static void add_quoted(struct buf *b, struct str s, bool ascii)
{
	size_t step;
	uint32_t rune;

	buf_add_char(b, '"');
	for (; s.n; s = str_from(s, step)) {
		step = plain_run(s);
		if (step) {
			buf_add(b, s.p, step);
			continue;
		}
		step = utf8_decode(s, &rune);
		if (rune == UTF8_BAD) {
			buf_addf(b, "\\x%02x", (unsigned)(unsigned char)s.p[0]);
		} else if (rune == '"' || rune == '\\') {
			buf_add_char(b, '\\');
			buf_add_char(b, (char)rune);
		} else if (rune_is_print(rune) && (rune < 0x80 || !ascii)) {
			buf_add(b, s.p, step);
		} else {
			add_escape(b, rune);
		}
	}
	buf_add_char(b, '"');
}

void buf_add_quoted(struct buf *b, struct str s)
{
	add_quoted(b, s, false);
}

void buf_add_quoted_ascii(struct buf *b, struct str s)
{
	add_quoted(b, s, true);
}

static int digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return 99;
}

static bool take_number(struct str *s, size_t digits, int base, uint32_t *out)
{
	*out = 0;
	if (s->n < digits)
		return false;
	for (size_t i = 0; i < digits; i++) {
		int d = digit_value(s->p[i]);

		if (d >= base)
			return false;
		*out = *out * (uint32_t)base + (uint32_t)d;
	}
	*s = str_from(*s, digits);
	return true;
}

/* s stands behind the backslash */
static bool take_escape(struct buf *b, struct str *s)
{
	static const char letters[] = "abfnrtv\\\"", bytes[] = "\a\b\f\n\r\t\v\\\"";
	uint32_t v;
	char c;
	size_t hit;

	if (!s->n)
		return false;
	c = s->p[0];
	if (c >= '0' && c <= '7') {
		if (!take_number(s, 3, 8, &v) || v > 255)
			return false;
		buf_add_char(b, (char)v);
		return true;
	}
	*s = str_from(*s, 1);
	hit = str_find_char((struct str){letters, sizeof(letters) - 1}, c);
	if (hit != STR_NONE) {
		buf_add_char(b, bytes[hit]);
		return true;
	}
	if (c == 'x') {
		if (!take_number(s, 2, 16, &v))
			return false;
		buf_add_char(b, (char)v);
		return true;
	}
	if (c != 'u' && c != 'U')
		return false;
	if (!take_number(s, c == 'u' ? 4 : 8, 16, &v) || v > 0x10FFFF ||
	    (v >= 0xD800 && v <= 0xDFFF))
		return false;
	buf_add_rune(b, v);
	return true;
}

bool unquote(struct arena *mem, struct str s, struct str *out)
{
	struct buf b = BUF(BUF_NO_LIMIT);
	bool ok;

	if (s.n < 2 || s.p[0] != '"' || s.p[s.n - 1] != '"')
		return false;
	s = str_slice(s, 1, s.n - 2);
	for (ok = true; ok && s.n;) {
		char c = s.p[0];

		s = str_from(s, 1);
		if (c == '\\')
			ok = take_escape(&b, &s);
		else if (c == '"' || c == '\n')
			ok = false;
		else
			buf_add_char(&b, c);
	}
	if (ok)
		*out = buf_keep(&b, mem);
	buf_free(&b);
	return ok;
}

struct rune_range {
	uint32_t first, last;
};
#include "base/print_table.h"

bool rune_is_print(uint32_t r)
{
	size_t low = 0, high = COUNT_OF(print_table);

	if (r < 0x7f)
		return r >= ' ';
	while (low < high) {
		size_t mid = (low + high) / 2;

		if (r > print_table[mid].last)
			low = mid + 1;
		else if (r < print_table[mid].first)
			high = mid;
		else
			return true;
	}
	return false;
}
