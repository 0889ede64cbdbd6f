/* float.h - float64 from and to text, by Go's strconv.
 *
 * Shortest: the fewest digits that read back as the same number, and of those the nearest.
 * Limits:   a precision above FLOAT_MAX_PRECISION is the caller's matter (it pads zeros).
 */
#pragma once
#include "base/buf.h"
#include "base/str.h"

enum float_parse { FLOAT_OK, FLOAT_SYNTAX, FLOAT_RANGE };

/* "1e3", "1_000", "0x1p-2", "inf", "NaN"; hexadecimal ones need their exponent. */
enum float_parse float_parse(struct str, double *);

/* verb: e E f g G x X b; precision -1: as many digits as needed. A sign only when
 * negative; Inf has one always. */
void buf_add_float(struct buf *, double, char verb, int precision);
/* As %v prints: shortest, in the e form below 1e-4 and from 1e6 on. */
void buf_add_float_value(struct buf *, double);
/* As encoding/json writes it; v is finite. */
void buf_add_float_json(struct buf *, double);
