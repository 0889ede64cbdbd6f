/* regex.h - regular expressions in RE2's dialect (Go's regexp), matched by PCRE2.
 *
 * What RE2 does not know (back references, look-around, possessive repeats, \R, (?x), ...)
 * is refused when compiling; \v and $ mean what they mean in RE2.
 *
 * Memory:  lives as long as the arena.
 * Limits:  a pattern of at most REGEX_MAX_PATTERN bytes; a match that needs more than
 *          REGEX_MAX_STEPS steps ends undecided (regex_gave_up counts them).
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
/* WHOLE, for regex_matches: as ^(?:pattern)$. ANYWHERE, for regex_search. */
enum regex_anchor { REGEX_WHOLE, REGEX_ANYWHERE };

/* NULL and err on a bad pattern; the message speaks in Go's words. */
const struct regex *regex_new(struct arena *, struct str pattern, enum regex_anchor,
			      struct err *) MUST_USE;
/* Of one that has words (regex_words): a copy costs less than reading the pattern again. */
const struct regex *regex_copy(struct arena *, const struct regex *) MUST_USE;
/* Of a WHOLE one. */
enum regex_found { REGEX_NOTHING, REGEX_FOUND, REGEX_TIRED };
enum regex_found regex_match(const struct regex *, struct str);
bool regex_matches(const struct regex *, struct str); /* REGEX_FOUND */
/* All that a WHOLE one accepts, sorted, when that is a short list; else NULL. */
const struct str *regex_words(const struct regex *, size_t *n);

/* A text to search in: to Go a byte that is no UTF-8 is a U+FFFD. */
struct regex_text {
	struct str raw, text;	/* as it came, and as UTF-8 */
	const uint32_t *raw_at; /* of each byte of text, and its end; NULL: the same */
};
struct regex_text regex_text_new(struct arena *, struct str raw);
struct str regex_text_piece(const struct regex_text *, size_t from, size_t to); /* raw */

/* Searches from at, an offset of a character in .text. Fills spans[0..n) with the offsets
 * there of the whole match and its groups (start STR_NONE: the group took no part), n
 * being regex_groups() + 1 at most. *work is how many steps it may take, some 50 ns each,
 * and is counted down; REGEX_TIRED when they, or PCRE2's memory, were not enough. */
struct regex_span {
	size_t start, end;
};
enum regex_found regex_search(const struct regex *, const struct regex_text *, size_t at,
			      struct regex_span *spans, size_t n, size_t *work);
size_t regex_size(const struct regex *);   /* bytes of its compiled form */
size_t regex_groups(const struct regex *); /* without group 0 */
size_t regex_group_named(const struct regex *, struct str name); /* 0: none */
uint64_t regex_gave_up(void);
