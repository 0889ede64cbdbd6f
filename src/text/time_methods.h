/* time_methods.h - the methods of time.Time, time.Duration and their kin. */
#pragma once
#include "text/func.h"

extern const struct func time_methods[], duration_methods[], month_methods[],
	weekday_methods[];
struct str time_text(struct arena *, const struct value *);
struct str duration_text(struct arena *, const struct value *);
struct str month_text(struct arena *, const struct value *);
struct str weekday_text(struct arena *, const struct value *);
