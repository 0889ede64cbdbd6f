#include "base/base.h"
#include "base/utf8.h"

static bool is_tail(struct str s, size_t i)
{
	return i < s.n && ((unsigned char)s.p[i] & 0xC0) == 0x80;
}

static uint32_t tail(struct str s, size_t i)
{
	return (unsigned char)s.p[i] & 0x3F;
}

size_t utf8_decode(struct str s, uint32_t *rune)
{
	unsigned char c = (unsigned char)s.p[0];

	if (c < 0x80) {
		*rune = c;
		return 1;
	}
	if (c >= 0xC2 && c < 0xE0 && is_tail(s, 1)) {
		*rune = (c & 0x1Fu) << 6 | tail(s, 1);
		return 2;
	}
	if (c >= 0xE0 && c < 0xF0 && is_tail(s, 1) && is_tail(s, 2)) {
		*rune = (c & 0x0Fu) << 12 | tail(s, 1) << 6 | tail(s, 2);
		if (*rune >= 0x800 && (*rune < 0xD800 || *rune > 0xDFFF))
			return 3;
	}
	if (c >= 0xF0 && c < 0xF5 && is_tail(s, 1) && is_tail(s, 2) && is_tail(s, 3)) {
		*rune = (c & 0x07u) << 18 | tail(s, 1) << 12 | tail(s, 2) << 6 | tail(s, 3);
		if (*rune >= 0x10000 && *rune <= 0x10FFFF)
			return 4;
	}
	*rune = UTF8_BAD;
	return 1;
}

size_t utf8_encode(char out[4], uint32_t r)
{
	if (r > 0x10FFFF || (r >= 0xD800 && r <= 0xDFFF))
		r = UTF8_REPLACE;
	if (r < 0x80) {
		out[0] = (char)r;
		return 1;
	}
	if (r < 0x800) {
		out[0] = (char)(0xC0 | r >> 6);
		out[1] = (char)(0x80 | (r & 0x3F));
		return 2;
	}
	if (r < 0x10000) {
		out[0] = (char)(0xE0 | r >> 12);
		out[1] = (char)(0x80 | (r >> 6 & 0x3F));
		out[2] = (char)(0x80 | (r & 0x3F));
		return 3;
	}
	out[0] = (char)(0xF0 | r >> 18);
	out[1] = (char)(0x80 | (r >> 12 & 0x3F));
	out[2] = (char)(0x80 | (r >> 6 & 0x3F));
	out[3] = (char)(0x80 | (r & 0x3F));
	return 4;
}

#define HIGH_BITS UINT64_C(0x8080808080808080)

/* How many bytes of ASCII stand at the start: all of them, or some whole words. */
static size_t ascii_words(struct str s)
{
	size_t i = 0;
	uint64_t word;

	for (; i + sizeof(word) <= s.n; i += sizeof(word)) {
		memcpy(&word, s.p + i, sizeof(word));
		if (word & HIGH_BITS)
			return i;
	}
	word = 0;
	if (i < s.n)
		memcpy(&word, s.p + i, s.n - i);
	return word & HIGH_BITS ? i : s.n;
}

bool utf8_valid(struct str s)
{
	uint32_t rune;

	s = str_from(s, ascii_words(s));
	while (s.n) {
		s = str_from(s, utf8_decode(s, &rune));
		if (rune == UTF8_BAD)
			return false;
	}
	return true;
}

size_t utf8_count(struct str s)
{
	size_t n = 0;
	uint32_t rune;

	for (; s.n; n++)
		s = str_from(s, utf8_decode(s, &rune));
	return n;
}

struct str utf8_first(struct str s, size_t n)
{
	struct str rest = s;
	uint32_t rune;

	for (; n && rest.n; n--)
		rest = str_from(rest, utf8_decode(rest, &rune));
	return str_slice(s, 0, s.n - rest.n);
}

struct str utf8_trim_end(struct str s, bool (*is_one)(uint32_t rune))
{
	while (s.n) {
		size_t at = s.n - 1;
		uint32_t r;

		while (at && is_tail(s, at))
			at--;
		if (utf8_decode(str_from(s, at), &r) != s.n - at || r == UTF8_BAD ||
		    !is_one(r))
			break;
		s.n = at;
	}
	return s;
}

bool utf8_is_space(uint32_t r)
{
	return r == ' ' || (r >= 9 && r <= 13) || r == 0x85 || r == 0xA0 || r == 0x1680 ||
	       (r >= 0x2000 && r <= 0x200A) || r == 0x2028 || r == 0x2029 || r == 0x202F ||
	       r == 0x205F || r == 0x3000;
}
