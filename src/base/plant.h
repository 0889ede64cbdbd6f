/* plant.h - bugs on purpose: PLANT(name) is false, a constant, in whatever is installed.
 *
 * In the simulator's own objects (-DPLANTED_BUGS, see tests/simulation) it is true while
 * the bug of that name is planted: the simulator has to find each of them, or it would not
 * find its like either.
 */
#pragma once
#ifdef PLANTED_BUGS
#include <string.h>

extern const char *planted; /* NULL: none is */
#define PLANT(name) (planted && !strcmp(planted, #name))
#else
#define PLANT(name) false
#endif
