/* regex_words.h - the texts that a pattern stands for, when they are few.
 *
 * Most patterns of matchers are lists of words in disguise: a|b, host-(1|2), web[0-9]?.
 * Comparing words is much cheaper than searching, and an index can hold them.
 *
 * Memory: in the arena. Limits: REGEX_MAX_WORDS words of REGEX_MAX_WORD_BYTES together,
 *         and no more than half as many as the pattern has bytes, from REGEX_FEW_WORDS on:
 *         few bytes must not become many.
 */
#pragma once
#include "base/arena.h"

#define REGEX_MAX_WORDS	     1024
#define REGEX_FEW_WORDS	     32
#define REGEX_MAX_WORD_BYTES 65536

/* False when the pattern, which must be UTF-8, has more than words, groups, alternatives,
 * small classes and "?". Else all texts that ^(?:pattern)$ accepts, sorted, each once. */
bool regex_words_of(struct arena *, struct str pattern, struct str **words,
		    size_t *n) MUST_USE;
bool regex_words_have(const struct str *words, size_t n, struct str);
