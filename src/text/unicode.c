#include "base/base.h"
#include "text/unicode.h"
#include "base/utf8.h"

struct rune_range {
	uint32_t first, last;
};
struct case_range {
	uint32_t first, last, stride;
	int32_t delta;
};
struct case_text {
	uint32_t rune;
	const char *text;
};
#include "text/unicode_table.h"

static bool is_in(const struct rune_range *v, size_t n, uint32_t r)
{
	size_t low = 0, high = n;

	while (low < high) {
		size_t mid = (low + high) / 2;

		if (r > v[mid].last)
			low = mid + 1;
		else if (r < v[mid].first)
			high = mid;
		else
			return true;
	}
	return false;
}

static uint32_t map_case(const struct case_range *v, size_t n, uint32_t r)
{
	size_t low = 0, high = n;

	while (low < high) {
		size_t mid = (low + high) / 2;

		if (r > v[mid].last)
			low = mid + 1;
		else if (r < v[mid].first)
			high = mid;
		else if ((r - v[mid].first) % v[mid].stride)
			return r;
		else
			return (uint32_t)((int32_t)r + v[mid].delta);
	}
	return r;
}

bool rune_is_letter(uint32_t r)
{
	return is_in(letter_table, COUNT_OF(letter_table), r);
}

bool rune_is_digit(uint32_t r)
{
	return is_in(digit_table, COUNT_OF(digit_table), r);
}

static bool is_ascii_small(uint32_t r)
{
	return r >= 'a' && r <= 'z';
}

static bool is_ascii_capital(uint32_t r)
{
	return r >= 'A' && r <= 'Z';
}

bool rune_is_cased(uint32_t r)
{
	if (r < 0x80)
		return is_ascii_small(r) || is_ascii_capital(r);
	return is_in(cased_table, COUNT_OF(cased_table), r);
}

uint32_t rune_upper(uint32_t r)
{
	if (r < 0x80)
		return is_ascii_small(r) ? r - 0x20 : r;
	return map_case(upper_table, COUNT_OF(upper_table), r);
}

uint32_t rune_lower(uint32_t r)
{
	if (r < 0x80)
		return is_ascii_capital(r) ? r + 0x20 : r;
	return map_case(lower_table, COUNT_OF(lower_table), r);
}

static uint32_t rune_title(uint32_t r)
{
	if (r < 0x80)
		return rune_upper(r);
	return map_case(title_table, COUNT_OF(title_table), r);
}

static struct str map_all(struct arena *mem, struct str s, uint32_t (*map)(uint32_t))
{
	struct buf b = BUF(BUF_NO_LIMIT);
	struct str out;
	char piece[128]; /* of ASCII */
	uint32_t r;
	size_t n;

	while (s.n) {
		for (n = 0; n < MIN(s.n, sizeof(piece)) && !(s.p[n] & 0x80); n++)
			piece[n] = (char)map((uint32_t)s.p[n]);
		buf_add(&b, piece, n);
		s = str_from(s, n);
		if (n)
			continue;
		s = str_from(s, utf8_decode(s, &r));
		buf_add_rune(&b, r == UTF8_BAD ? UTF8_REPLACE : map(r));
	}
	out = buf_keep(&b, mem);
	buf_free(&b);
	return out;
}

struct str unicode_upper(struct arena *mem, struct str s)
{
	return map_all(mem, s, rune_upper);
}

struct str unicode_lower(struct arena *mem, struct str s)
{
	return map_all(mem, s, rune_lower);
}

/* Characters that join two parts of a word as long as they stand alone. */
static bool is_mid_word(uint32_t r)
{
	static const uint32_t mids[] = {
		'\'',	',',	'.',	':',	';',	0xB7,	0x387,	0x55F,
		0x589,	0x5F4,	0x60C,	0x60D,	0x66C,	0x7F8,	0x2018, 0x2019,
		0x2024, 0x2027, 0x2044, 0xFE10, 0xFE13, 0xFE14, 0xFE50, 0xFE52,
		0xFE54, 0xFE55, 0xFF07, 0xFF0C, 0xFF0E, 0xFF1A, 0xFF1B,
	};

	for (size_t i = 0; i < COUNT_OF(mids) && mids[i] <= r; i++) {
		if (mids[i] == r)
			return true;
	}
	return false;
}

static void add_title(struct buf *b, uint32_t r)
{
	size_t low = 0, high = r < 0x80 ? 0 : COUNT_OF(full_title_table);

	while (low < high) {
		size_t mid = (low + high) / 2;

		if (full_title_table[mid].rune < r)
			low = mid + 1;
		else
			high = mid;
	}
	if (low < COUNT_OF(full_title_table) && full_title_table[low].rune == r)
		buf_add_text(b, full_title_table[low].text);
	else
		buf_add_rune(b, rune_title(r));
}

static bool is_ignorable(uint32_t r)
{
	return is_in(ignorable_table, COUNT_OF(ignorable_table), r);
}

/* Whether a sigma in front of rest, itself behind a cased letter, ends its word. */
static bool ends_word(struct str rest)
{
	uint32_t r;

	while (rest.n) {
		rest = str_from(rest, utf8_decode(rest, &r));
		if (r == UTF8_BAD)
			return true;
		if (!is_ignorable(r))
			return !rune_is_cased(r);
	}
	return true;
}

#define CAPITAL_SIGMA 0x3A3
#define FINAL_SIGMA   0x3C2

static void add_lower(struct buf *b, uint32_t r, struct str rest)
{
	if (r == CAPITAL_SIGMA && ends_word(rest))
		buf_add_rune(b, FINAL_SIGMA);
	else if (r == 0x130)
		buf_add_text(b, "i\xCC\x87");
	else
		buf_add_rune(b, rune_lower(r));
}

struct str unicode_title(struct arena *mem, struct str s, bool lowers_rest)
{
	struct buf b = BUF(BUF_NO_LIMIT);
	bool in_word = false, was_mid = false, is_mid;
	struct str out;
	uint32_t r;
	size_t step;

	for (; s.n; s = str_from(s, step), was_mid = is_mid) {
		step = utf8_decode(s, &r);
		is_mid = r != UTF8_BAD && is_mid_word(r);
		if (was_mid && is_mid)
			in_word = false;
		if (r == UTF8_BAD) {
			buf_add_rune(&b, UTF8_REPLACE);
			in_word = false;
			continue;
		}
		if (!in_word)
			add_title(&b, r);
		else if (lowers_rest)
			add_lower(&b, r, str_from(s, step));
		else
			buf_add(&b, s.p, step);
		if (rune_is_cased(r))
			in_word = true;
		else if (!is_mid && !is_in(word_table, COUNT_OF(word_table), r))
			in_word = false;
	}
	out = buf_keep(&b, mem);
	buf_free(&b);
	return out;
}

static bool is_separator(uint32_t r)
{
	if (r < 0x80)
		return !((r >= '0' && r <= '9') || (r >= 'a' && r <= 'z') ||
			 (r >= 'A' && r <= 'Z') || r == '_');
	return !rune_is_letter(r) && !rune_is_digit(r) && utf8_is_space(r);
}

struct str unicode_title_simple(struct arena *mem, struct str s)
{
	struct buf b = BUF(BUF_NO_LIMIT);
	uint32_t r, before = ' ';
	struct str out;

	for (; s.n; before = r) {
		s = str_from(s, utf8_decode(s, &r));
		r = r == UTF8_BAD ? UTF8_REPLACE : r;
		buf_add_rune(&b, is_separator(before) ? rune_title(r) : r);
	}
	out = buf_keep(&b, mem);
	buf_free(&b);
	return out;
}
