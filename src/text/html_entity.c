#include "base/base.h"
#include "text/html_attr.h"
#include "base/utf8.h"

#include <string.h>

struct entity {
	const char *name; /* with its semicolon, unless it may go without */
	const char *text;
};
#include "text/html_entity_table.h"

#define LONGEST_WITHOUT_SEMICOLON 6

static const char *find_entity(struct str name)
{
	size_t low = 0, high = COUNT_OF(entity_table);

	while (low < high) {
		size_t mid = (low + high) / 2;
		int order = str_cmp(str_of(entity_table[mid].name), name);

		if (order == 0)
			return entity_table[mid].text;
		if (order < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return NULL;
}

/* What HTML makes of the numbers 0x80 to 0x9F: Windows' characters. */
static const uint16_t windows_1252[32] = {
	0x20AC, 0x81,	0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021,
	0x02C6, 0x2030, 0x0160, 0x2039, 0x0152, 0x8D,	0x017D, 0x8F,
	0x90,	0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013, 0x2014,
	0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0x9D,	0x017E, 0x0178,
};

static int digit_of(char c, bool hex)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return hex && c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* "&#38;" at the start of s. Bytes taken, 0 when it is none. */
static size_t decode_number(struct str s, struct buf *out)
{
	bool hex = s.n > 2 && (s.p[2] | 0x20) == 'x';
	size_t first = hex ? 3 : 2, i = first;
	uint32_t rune = 0;

	for (; i < s.n && digit_of(s.p[i], hex) >= 0; i++) {
		if (rune <= 0x10FFFF)
			rune = rune * (hex ? 16 : 10) + (uint32_t)digit_of(s.p[i], hex);
	}
	if (i == first)
		return 0;
	if (rune >= 0x80 && rune <= 0x9F)
		rune = windows_1252[rune - 0x80];
	buf_add_rune(out, rune ? rune : UTF8_REPLACE);
	return i + (i < s.n && s.p[i] == ';');
}

static bool is_alnum(char c)
{
	return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}

static size_t decode_name(struct str s, struct buf *out)
{
	size_t n = 1;
	const char *text;

	while (n < s.n && is_alnum(s.p[n]))
		n++;
	if (n < s.n && s.p[n] == ';')
		n++;
	text = find_entity(str_slice(s, 1, n - 1));
	for (size_t k = MIN(n - 1, LONGEST_WITHOUT_SEMICOLON + 1); !text && k > 2; k--) {
		text = find_entity(str_slice(s, 1, k - 1));
		n = k;
	}
	if (!text)
		return 0;
	buf_add_text(out, text);
	return n;
}

struct str html_decode_entities(struct arena *mem, struct str s)
{
	struct buf out = BUF(BUF_NO_LIMIT);
	struct str decoded;
	size_t amp, used;

	if (str_find_char(s, '&') == STR_NONE)
		return s;
	while ((amp = str_find_char(s, '&')) != STR_NONE) {
		buf_add_str(&out, str_slice(s, 0, amp));
		s = str_from(s, amp);
		used = s.n > 1 && s.p[1] == '#' ? decode_number(s, &out)
						: decode_name(s, &out);
		if (!used)
			buf_add_char(&out, '&');
		s = str_from(s, used ? used : 1);
	}
	buf_add_str(&out, s);
	decoded = buf_keep(&out, mem);
	buf_free(&out);
	return decoded;
}
