/* place.h - errors of fuzz targets have a place inside what was given. */
#pragma once
#include "base/base.h"
#include "base/err.h"
#include "base/str.h"

#include <time.h>

/* The line is there, and the column in it or right behind it. */
static inline void check_place(const struct err *err, struct str source)
{
	struct str line = {NULL, 0};
	int n = 0;

	while (n < err->at.line && str_cut(&source, '\n', &line))
		n++;
	if (n < err->at.line && err->at.line == n + 1) { /* behind a last line end */
		line.n = 0;
		n++;
	}
	if (err->at.line < 1 || n < err->at.line || err->at.col < 1 ||
	    (size_t)err->at.col > line.n + 1)
		BUG("place %d:%d is not in the input: %s", err->at.line, err->at.col,
		    err->text);
}

/* Processor time, which one input must not take much of even with sanitizers. */
#define INPUT_SECONDS 2.0

static inline double processor_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static inline void check_time(double start)
{
	double took = processor_seconds() - start;

	if (took > INPUT_SECONDS)
		BUG("took %.1f s", took);
}
