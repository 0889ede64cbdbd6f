/* literal.h - the numbers, strings and characters that stand in a template.
 *
 * A number is read once for every kind it can serve as; the parameter it is given to, or
 * its looks, decide later (spec/go-template.md 3.5, 8.3).
 */
#pragma once
#include "base/arena.h"
#include "base/str.h"

struct number {
	bool is_int, is_uint, is_float, is_complex;
	bool looks_float; /* without a wanted type it is a float64 */
	int64_t i;
	uint64_t u;
	double f, imaginary;
};

/* These return NULL, or what is wrong; a message may be in the arena. */
const char *literal_number(struct arena *, struct str text, struct number *);
const char *literal_complex(struct str text, struct number *);
const char *literal_char(struct arena *, struct str text, struct number *);
const char *literal_string(struct arena *, struct str text, struct str *out);
