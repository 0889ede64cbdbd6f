/* field.h - a row of a decoding table: one configuration key into one struct member.
 *
 * The loader, the error texts (the nearest known key) and the printed configuration read
 * the same rows.
 */
#pragma once
#include "base/err.h"

enum field_kind {
	FIELD_END, /* {0} ends a table */
	FIELD_TEXT, /* const char * */
};

struct field {
	const char *name;
	enum field_kind kind;
	size_t at; /* offsetof */
};
