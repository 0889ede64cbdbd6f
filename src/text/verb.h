/* verb.h - one printf directive applied to one value; the inner half of print.c.
 *
 * print.c reads the format string and fills a struct verb; verb.c prints values by it and
 * verb_number.c, verb_text.c know how numbers and strings look under each verb.
 */
#pragma once
#include "text/value.h"

struct verb {
	struct buf *out;
	struct arena *mem;
	uint32_t letter;
	bool plus, minus, sharp, space, zero;
	bool plus_v, sharp_v; /* %+v, %#v */
	bool has_width, has_precision;
	int width, precision;
	bool in_error; /* within %!d(...): no text methods */
};

/* A top-level operand, as fmt.printArg; v is bare. */
void verb_print(struct verb *, const struct value *v);
/* "%!d(type=value)" */
void verb_bad(struct verb *, const struct value *v);

void verb_pad(struct verb *, struct str);
void verb_pad_char(struct verb *, long n);

/* These return false when the letter does not fit. */
bool verb_bool(struct verb *, bool);
bool verb_integer(struct verb *, uint64_t, bool is_signed);
bool verb_float(struct verb *, double);
bool verb_complex(struct verb *, const double parts[2]);
bool verb_string(struct verb *, struct str);
void verb_hex_0x(struct verb *, uint64_t); /* as %#x, without other flags' effect */
