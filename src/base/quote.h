/* quote.h - Go's quoted strings: how label sets, matchers and group keys print. */
#pragma once
#include "base/buf.h"
#include "base/str.h"

/* As strconv.Quote: "..." with \n, \", \x and \u escapes for what is not printable. */
void buf_add_quoted(struct buf *, struct str);
void buf_add_quoted_ascii(struct buf *, struct str); /* as strconv.QuoteToASCII */

/* The content of a Go interpreted string literal, quotes included; in the arena.
 * False when it is not one. */
bool unquote(struct arena *, struct str literal, struct str *out) MUST_USE;

/* Whether Go prints the character as itself (unicode.IsPrint). */
bool rune_is_print(uint32_t rune);
