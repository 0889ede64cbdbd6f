#include "base/base.h"
#include "text/base64.h"

#include <string.h>

static const char *const alphabets[] = {
	[BASE64_STANDARD] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
	[BASE64_URL] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
};

void buf_add_base64(struct buf *b, struct str s, enum base64 kind)
{
	const char *letters = alphabets[kind];

	for (size_t i = 0; i < s.n; i += 3) {
		uint32_t v = 0;
		size_t n = MIN(s.n - i, 3);

		for (size_t k = 0; k < 3; k++)
			v = v << 8 | (k < n ? (unsigned char)s.p[i + k] : 0);
		for (size_t k = 0; k < 4; k++)
			buf_add_char(b, k <= n ? letters[v >> (18 - 6 * k) & 63] : '=');
	}
}

static void skip_newlines(struct str s, size_t *at)
{
	while (*at < s.n && (s.p[*at] == '\n' || s.p[*at] == '\r'))
		++*at;
}

/* Behind "xx" or "xxx": the rest of the padding, then the end. */
static bool take_padding(struct str s, size_t *at, size_t letters, size_t *bad)
{
	++*at;
	if (letters == 2) {
		skip_newlines(s, at);
		if (*at == s.n) {
			*bad = s.n;
			return false;
		}
		if (s.p[*at] != '=') {
			*bad = *at - 1;
			return false;
		}
		++*at;
	}
	skip_newlines(s, at);
	*bad = *at;
	return *at == s.n;
}

static void add_group(struct buf *b, uint32_t v, size_t letters)
{
	v <<= 6 * (4 - letters);
	for (size_t i = 0; i + 1 < letters; i++)
		buf_add_char(b, (char)(v >> (16 - 8 * i) & 0xFF));
}

bool base64_decode(struct buf *b, struct str s, enum base64 kind, size_t *bad)
{
	uint32_t v = 0;
	size_t letters = 0, at = 0;

	for (;; at++) {
		const char *hit;

		skip_newlines(s, &at);
		if (at == s.n)
			break;
		hit = s.p[at] ? strchr(alphabets[kind], s.p[at]) : NULL;
		if (!hit) {
			*bad = at;
			if (s.p[at] != '=' || letters < 2 ||
			    !take_padding(s, &at, letters, bad))
				return false;
			add_group(b, v, letters);
			return true;
		}
		v = v << 6 | (uint32_t)(hit - alphabets[kind]);
		if (++letters == 4) {
			add_group(b, v, 4);
			letters = 0;
			v = 0;
		}
	}
	*bad = s.n - letters;
	return letters == 0;
}
