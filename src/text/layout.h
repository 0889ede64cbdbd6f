/* layout.h - a Go time layout cut into its elements; shared by formatting and parsing. */
#pragma once
#include "base/str.h"

enum element_kind {
	ELEMENT_NONE, /* only text is left */
	ELEMENT_LONG_MONTH,
	ELEMENT_MONTH,
	ELEMENT_NUM_MONTH,
	ELEMENT_ZERO_MONTH,
	ELEMENT_LONG_WEEKDAY,
	ELEMENT_WEEKDAY,
	ELEMENT_DAY,
	ELEMENT_UNDER_DAY,
	ELEMENT_ZERO_DAY,
	ELEMENT_UNDER_YEARDAY,
	ELEMENT_ZERO_YEARDAY,
	ELEMENT_HOUR,
	ELEMENT_HOUR12,
	ELEMENT_ZERO_HOUR12,
	ELEMENT_MINUTE,
	ELEMENT_ZERO_MINUTE,
	ELEMENT_SECOND,
	ELEMENT_ZERO_SECOND,
	ELEMENT_LONG_YEAR,
	ELEMENT_YEAR,
	ELEMENT_PM,
	ELEMENT_SMALL_PM,
	ELEMENT_ZONE_NAME,
	ELEMENT_OFFSET,
	ELEMENT_FRACTION,	/* ".000": all its digits */
	ELEMENT_FRACTION_SHORT, /* ".999": without trailing zeros */
};
struct element {
	enum element_kind kind;
	struct str before, text, rest; /* the literal text in front, itself, what follows */
	bool is_iso, has_colon;	       /* offsets: Z for zero; 07:00 */
	int parts;		       /* hours, minutes, seconds */
};
struct element layout_next(struct str layout);
