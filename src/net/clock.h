/* clock.h - the only file that asks what time it is. */
#pragma once
#include "base/time.h"

wall_ms clock_wall(void);
mono_ms clock_mono(void);
double clock_seconds(void); /* the steady clock to the nanosecond, for measuring */
uint64_t clock_seed(void);  /* from the kernel's random source */
