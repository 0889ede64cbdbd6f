/* json_reader.h - reads a JSON text from front to back without building a tree: for large
 * input of a known shape, where what is not expected is skipped.
 *
 *	if (json_open(&r, JSON_OBJECT))
 *		while (json_member(&r, &name))
 *			... json_string(&r) or json_skip(&r) ...
 *
 * Each json_member and json_item is followed by taking exactly one value.
 *
 * Memory:  texts are in the arena given, NUL-ended; the input may go afterwards.
 * Lenient: bytes that are no UTF-8, NUL, and escapes that stand for no character become
 *          U+FFFD, so that one odd value does not cost the rest. A text therefore holds
 *          no NUL. A strict reader takes them for mistakes.
 * Errors:  the first mistake ends all reading: from then on nothing is there any more.
 * Limits:  JSON_DEPTH levels of nesting.
 */
#pragma once
#include "base/arena.h"
#include "base/err.h"

#define JSON_DEPTH 512

enum json_kind {
	JSON_BAD, /* the end, or a mistake */
	JSON_NULL_VALUE,
	JSON_BOOL,
	JSON_NUMBER,
	JSON_TEXT,
	JSON_LIST,
	JSON_MAP,
};

struct json_reader {
	struct arena *mem;
	struct str text;
	size_t at;
	unsigned depth;
	bool is_fresh; /* a list or map was entered and nothing of it taken yet */
	bool is_strict;
	char *room; /* for texts */
	size_t room_left;
	const char *mistake;
	size_t mistake_at;
};

struct json_reader json_reader(struct arena *, struct str text);
struct json_reader json_reader_strict(struct arena *, struct str text);
enum json_kind json_kind(struct json_reader *); /* of the value that comes */
/* Enters the list or map that comes. */
void json_enter(struct json_reader *);
/* The next member's name, or item; false after the last one, which leaves the map or list.
 */
bool json_member(struct json_reader *, struct str *name) MUST_USE;
bool json_item(struct json_reader *) MUST_USE;
/* Takes the text that comes. */
struct str json_read_text(struct json_reader *);
/* Takes true or false; false for anything else. */
bool json_truth(struct json_reader *);
/* Takes a number; false when something else comes, which is taken, too. */
bool json_number(struct json_reader *, double *);
/* Takes whatever comes. */
void json_skip(struct json_reader *);
/* Nothing but blanks may come any more. */
void json_end(struct json_reader *);
/* False and err (line and column in at.line, at.col) when there was a mistake. */
bool json_is_good(const struct json_reader *, struct err *);
