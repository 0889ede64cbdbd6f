/* regex.h - regular expressions in RE2's dialect (Go's regexp), matched by PCRE2.
 *
 * What RE2 does not know (back references, look-around, possessive repeats, \R, (?x), ...)
 * is refused when compiling; \v and $ mean what they mean in RE2.
 *
 * Memory:  lives as long as the arena.
 * Limits:  a pattern of at most REGEX_MAX_PATTERN bytes; a match that needs more than
 *          REGEX_MAX_STEPS steps ends and counts as "no match" (regex_gave_up counts them).
 * Threads: one thread at a time: a regex keeps its match space.
 * Spec:    spec/config.md 3.5.
 */
#pragma once
#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

#define REGEX_MAX_PATTERN 65536
#define REGEX_MAX_STEPS	  1000000
#define REGEX_MAX_GROUPS  64

struct regex;
enum regex_anchor { REGEX_WHOLE, REGEX_ANYWHERE }; /* WHOLE: as ^(?:pattern)$ */

/* NULL and err on a bad pattern; the message speaks in Go's words. */
const struct regex *regex_new(struct arena *, struct str pattern, enum regex_anchor,
			      struct err *) MUST_USE;
bool regex_matches(const struct regex *, struct str);

/* Searches from at: 0, or, behind an earlier match in the same text, a character of it
 * (whose UTF-8 the search from 0 found valid). Fills spans[0..n) with the byte offsets of
 * the whole match and its groups (start STR_NONE: the group took no part), n being
 * regex_groups() + 1 at most. */
struct regex_span {
	size_t start, end;
};
bool regex_search(const struct regex *, struct str, size_t at, struct regex_span *spans,
		  size_t n);
size_t regex_groups(const struct regex *);			 /* without group 0 */
size_t regex_group_named(const struct regex *, struct str name); /* 0: none */
uint64_t regex_gave_up(void);
