#include "base/base.h"
#include "base/recent.h"

#include <stdlib.h>
#include <string.h>

void recent_add(struct recent *r, double value)
{
	r->last[r->n++ % RECENT_KEPT] = (float)value;
}

static int by_value(const void *a, const void *b)
{
	const float *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

bool recent_quantiles(const struct recent *r, const double *quantiles, size_t n,
		      double *out)
{
	size_t kept = (size_t)MIN(r->n, RECENT_KEPT);
	float sorted[RECENT_KEPT];

	if (!kept)
		return false;
	memcpy(sorted, r->last, kept * sizeof(*sorted));
	qsort(sorted, kept, sizeof(*sorted), by_value);
	for (size_t i = 0; i < n; i++)
		out[i] = (double)sorted[(size_t)(quantiles[i] * (double)(kept - 1))];
	return true;
}
