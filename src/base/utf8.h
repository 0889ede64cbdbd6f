/* utf8.h - UTF-8 in and out, by Go's rules: surrogates and overlong forms are bad bytes,
 * and a bad byte counts as one character. */
#pragma once
#include "base/str.h"

#define UTF8_BAD     UINT32_MAX /* utf8_decode met a byte that starts no character */
#define UTF8_REPLACE 0xFFFDu

/* The first character of a non-empty str and how many bytes it took (1 for a bad one). */
size_t utf8_decode(struct str, uint32_t *rune);
size_t utf8_encode(char out[4], uint32_t rune); /* bytes written; bad runes as U+FFFD */
bool utf8_valid(struct str);
size_t utf8_count(struct str);		     /* characters, a bad byte as one */
struct str utf8_first(struct str, size_t n); /* the first n characters */
/* Without the characters at its end of which is_one says so. */
struct str utf8_trim_end(struct str, bool (*is_one)(uint32_t rune));
bool utf8_is_space(uint32_t rune); /* Unicode White_Space */
