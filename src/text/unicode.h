/* unicode.h - what Unicode says of a character, and title case.
 *
 * The tables are data (contrib/unicode-tables writes them).
 */
#pragma once
#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"

bool rune_is_letter(uint32_t);
bool rune_is_digit(uint32_t); /* decimal digits of any script */
bool rune_is_cased(uint32_t);

/* Simple, one to one mappings. */
uint32_t rune_upper(uint32_t);
uint32_t rune_lower(uint32_t);
struct str unicode_upper(struct arena *, struct str);
struct str unicode_lower(struct arena *, struct str);

/* The first letter of each word in title case, words as Unicode's text segmentation has
 * them; the others in lower case if so asked. */
struct str unicode_title(struct arena *, struct str, bool lowers_rest);
/* The older rule: a letter behind anything but letters, digits and _ starts a word. */
struct str unicode_title_simple(struct arena *, struct str);
