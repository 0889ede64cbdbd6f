#include "base/base.h"
#include "base/str.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

bool str_is(struct str a, const char *text)
{
	return str_eq(a, str_of(text));
}

int str_cmp(struct str a, struct str b)
{
	size_t n = MIN(a.n, b.n);
	int order = n ? memcmp(a.p, b.p, n) : 0;

	return order ? order : (a.n > b.n) - (a.n < b.n);
}

bool str_ends(struct str s, struct str suffix)
{
	return s.n >= suffix.n && str_eq(str_from(s, s.n - suffix.n), suffix);
}

size_t str_find(struct str hay, struct str needle)
{
	const char *hit;

	if (needle.n == 0)
		return 0;
	if (hay.n == 0)
		return STR_NONE;
	for (size_t at = 0; at + needle.n <= hay.n; at++) {
		hit = memchr(hay.p + at, needle.p[0], hay.n - needle.n - at + 1);
		if (!hit)
			return STR_NONE;
		at = (size_t)(hit - hay.p);
		if (memcmp(hit, needle.p, needle.n) == 0)
			return at;
	}
	return STR_NONE;
}

size_t str_find_char(struct str s, char c)
{
	const char *hit = s.n ? memchr(s.p, c, s.n) : NULL;

	return hit ? (size_t)(hit - s.p) : STR_NONE;
}

struct str str_slice(struct str s, size_t at, size_t n)
{
	s = str_from(s, at);
	s.n = MIN(s.n, n);
	return s;
}

static bool is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

struct str str_trim(struct str s)
{
	while (s.n && is_blank(s.p[0]))
		s = str_from(s, 1);
	while (s.n && is_blank(s.p[s.n - 1]))
		s.n--;
	return s;
}

bool str_cut(struct str *rest, char sep, struct str *piece)
{
	size_t at;

	if (!rest->p)
		return false;
	at = str_find_char(*rest, sep);
	if (at == STR_NONE) {
		*piece = *rest;
		*rest = (struct str){NULL, 0};
		return true;
	}
	*piece = str_slice(*rest, 0, at);
	*rest = str_from(*rest, at + 1);
	return true;
}

bool str_int(struct str s, int64_t *out)
{
	bool negative = s.n && s.p[0] == '-';
	int64_t sum = 0;

	if (s.n && (s.p[0] == '-' || s.p[0] == '+'))
		s = str_from(s, 1);
	if (s.n == 0)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9' || __builtin_mul_overflow(sum, 10, &sum) ||
		    __builtin_sub_overflow(sum, s.p[i] - '0', &sum))
			return false;
	}
	if (!negative && sum == INT64_MIN)
		return false;
	*out = negative ? sum : -sum;
	return true;
}

bool str_double(struct str s, double *out)
{
	char text[512], *end;

	if (s.n == 0 || s.n >= sizeof(text) || is_blank(s.p[0]))
		return false;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == 'x' || s.p[i] == 'X' || s.p[i] == '(')
			return false;
	}
	memcpy(text, s.p, s.n);
	text[s.n] = 0;
	errno = 0;
	*out = strtod(text, &end);
	return end == text + s.n && !(errno == ERANGE && isinf(*out));
}

int str_distance(struct str a, struct str b)
{
	int row[65], above, here;

	if (a.n > 64 || b.n > 64)
		return 9;
	for (size_t j = 0; j <= b.n; j++)
		row[j] = (int)j;
	for (size_t i = 1; i <= a.n; i++) {
		above = row[0];
		row[0] = (int)i;
		for (size_t j = 1; j <= b.n; j++) {
			here = above + (a.p[i - 1] != b.p[j - 1]);
			above = row[j];
			row[j] = MIN(here, MIN(row[j - 1], above) + 1);
		}
	}
	return MIN(row[b.n], 9);
}

const char *str_nearest(struct str s, const char *const *words)
{
	const char *best = NULL;
	int best_distance = (int)MIN(s.n / 3 + 1, 3) + 1;

	for (; *words; words++) {
		int d = str_distance(s, str_of(*words));

		if (d < best_distance) {
			best = *words;
			best_distance = d;
		}
	}
	return best;
}

/* wyhash's mixing step over eight bytes at a time: label strings are short and many. */
static uint64_t mix(uint64_t a, uint64_t b)
{
	__extension__ unsigned __int128 m = (unsigned __int128)a * b;

	return (uint64_t)m ^ (uint64_t)(m >> 64);
}

static uint64_t word_at(const char *p)
{
	uint64_t word;

	memcpy(&word, p, sizeof(word));
	return word;
}

/* All bytes of fewer than eight, some of them perhaps twice. */
static uint64_t short_word(const char *p, size_t n)
{
	uint32_t first, last;

	if (n < 4)
		return n ? (uint64_t)(unsigned char)p[0] << 16 |
				       (uint64_t)(unsigned char)p[n / 2] << 8 |
				       (unsigned char)p[n - 1]
			 : 0;
	memcpy(&first, p, 4);
	memcpy(&last, p + n - 4, 4);
	return (uint64_t)first << 32 | last;
}

uint64_t str_hash(struct str s)
{
	uint64_t h = mix(UINT64_C(0x9e3779b97f4a7c15) ^ s.n, UINT64_C(0xa0761d6478bd642f));
	size_t i = 0;

	for (; i + 8 < s.n; i += 8)
		h = mix(h ^ word_at(s.p + i), UINT64_C(0xe7037ed1a0b428db));
	h ^= s.n < 8 ? short_word(s.p, s.n) : word_at(s.p + s.n - 8);
	return mix(h, UINT64_C(0x8ebc6af09c88c6e3));
}

uint64_t str_fnv(uint64_t state, struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		state = (state ^ (uint8_t)s.p[i]) * FNV_PRIME;
	return state;
}
