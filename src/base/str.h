/* str.h - a borrowed run of bytes, passed by value, and what one asks of it.
 *
 * Memory: a str owns nothing; it is valid as long as what it points into.
 *         It need not end in NUL and may hold NUL bytes.
 * Print:  printf("%.*s", FMT(s)).
 */
#pragma once
#include "base/base.h"

#include <string.h>

struct str {
	const char *p;
	size_t n;
};

#define STR(literal) ((struct str){("" literal), sizeof(literal) - 1})
#define FMT(s)	     (int)(s).n, (s).p
#define STR_NONE     SIZE_MAX /* "not found" of the searches below */

/* NULL gives the empty str. */
static inline struct str str_of(const char *text)
{
	return text ? (struct str){text, strlen(text)} : STR("");
}
static inline bool str_eq(struct str a, struct str b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}
bool str_is(struct str, const char *text);
int str_cmp(struct str, struct str); /* bytewise, as strcmp */
static inline bool str_starts(struct str s, struct str prefix)
{
	return s.n >= prefix.n && (!prefix.n || !memcmp(s.p, prefix.p, prefix.n));
}
bool str_ends(struct str, struct str suffix);
size_t str_find(struct str hay, struct str needle); /* offset or STR_NONE */
size_t str_find_char(struct str, char);
/* The tail; empty past the end. */
static inline struct str str_from(struct str s, size_t at)
{
	at = at < s.n ? at : s.n;
	return at ? (struct str){s.p + at, s.n - at} : s; /* NULL + 0 is no pointer */
}
struct str str_slice(struct str, size_t at, size_t n); /* clipped to the str */
struct str str_trim(struct str); /* without ASCII white space around */

/* Takes what stands before the first sep off *rest, and the sep too. False when *rest is
 * used up. "a,b" gives "a", then "b"; "a," gives "a", then "". */
bool str_cut(struct str *rest, char sep, struct str *piece);

/* Whole-string decimal numbers; false on anything else or out of range. */
bool str_int(struct str, int64_t *out) MUST_USE;
bool str_double(struct str, double *out) MUST_USE; /* also NaN, +Inf, -Inf, 1e3 */

/* How many single-character edits lie between two words, counted up to 9. */
int str_distance(struct str, struct str);
/* The word of a NULL-ended list nearest to s, or NULL when none is near. */
const char *str_nearest(struct str s, const char *const *words);

uint64_t str_hash(struct str); /* in-memory tables only: differs between versions */
uint64_t str_fnv(uint64_t state, struct str); /* FNV-1a, 64 bits */
#define FNV_START UINT64_C(14695981039346656037)
#define FNV_PRIME UINT64_C(1099511628211)
