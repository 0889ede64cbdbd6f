#include "base/base.h"
#include "model/histogram.h"

#include <math.h>
#include <string.h>

#define SCHEMA_LEAST (-4)
#define SCHEMA_MOST  8
/* How far a bound may lie beside its place, in buckets: bounds are exact to some 1e-16, and
 * of the finest schema about 2.6e5 buckets are between 1 and the largest. */
#define SLACK 1e-6

size_t histogram_memory(const struct histogram *h)
{
	return sizeof(*h) + h->n * sizeof(h->v[0]);
}

const struct histogram *histogram_copy(struct arena *mem, const struct histogram *h)
{
	struct histogram *copy = arena_alloc(mem, histogram_memory(h));

	memcpy(copy, h, histogram_memory(h));
	return copy;
}

bool histogram_has_counts(const struct histogram *h, const char **why)
{
	bool is_good = h->count >= 0;

	for (size_t i = 0; i < h->n && is_good; i++)
		is_good = h->v[i].count >= 0;
	*why = "a count of it is negative or not a number";
	return is_good;
}

/* -- what it was made of -------------------------------------------------------------- */

static bool is_near(double v)
{
	return fabs(v - nearbyint(v)) < SLACK;
}

static bool is_zero_bucket(const struct histogram_bucket *b)
{
	return b->ends == ENDS_BOTH && isfinite(b->upper) && !(b->lower + b->upper < 0) &&
	       !(b->lower + b->upper > 0);
}

/* The bounds of a bucket on either side, as those of the positive one. */
static bool bounds_of(const struct histogram_bucket *b, double *lower, double *upper)
{
	bool is_negative = b->ends == ENDS_LOWER;

	*lower = is_negative ? -b->upper : b->lower;
	*upper = is_negative ? -b->lower : b->upper;
	return (is_negative || b->ends == ENDS_UPPER) && *lower > 0 && *upper > *lower &&
	       isfinite(*upper);
}

static bool find_schema(double lower, double upper, int *schema)
{
	double fine = -log2(log2(upper) - log2(lower));

	if (!isfinite(fine) || fabs(fine - nearbyint(fine)) > 1e-4)
		return false;
	*schema = (int)nearbyint(fine);
	return *schema >= SCHEMA_LEAST && *schema <= SCHEMA_MOST;
}

static bool find_index(double lower, double upper, int schema, int32_t *index)
{
	double low = ldexp(log2(lower), schema), high = ldexp(log2(upper), schema);

	*index = (int32_t)nearbyint(high);
	return is_near(low) && is_near(high) && nearbyint(high) - nearbyint(low) == 1;
}

static struct histogram_side side_of(struct arena *mem, size_t room)
{
	return (struct histogram_side){ARENA_ARRAY(mem, int32_t, room),
				       ARENA_ARRAY(mem, double, room), 0};
}

/* From the largest down, as negative ones come, to the smallest up. */
static void turn(struct histogram_side *s)
{
	for (size_t i = 0; i < s->n / 2; i++) {
		size_t k = s->n - 1 - i;
		int32_t index = s->index[i];
		double count = s->count[i];

		s->index[i] = s->index[k];
		s->count[i] = s->count[k];
		s->index[k] = index;
		s->count[k] = count;
	}
}

static bool is_ascending(const struct histogram_side *s)
{
	for (size_t i = 1; i < s->n; i++) {
		if (s->index[i] <= s->index[i - 1])
			return false;
	}
	return true;
}

/* The first bucket says the schema, which the others have to keep to. */
static bool take_bucket(const struct histogram_bucket *b, bool *has_schema,
			struct exponential *out)
{
	struct histogram_side *side = b->ends == ENDS_LOWER ? &out->negative
							    : &out->positive;
	double lower, upper;

	if (!bounds_of(b, &lower, &upper))
		return false;
	if (!*has_schema && !find_schema(lower, upper, &out->schema))
		return false;
	*has_schema = true;
	if (!find_index(lower, upper, out->schema, &side->index[side->n]))
		return false;
	side->count[side->n++] = b->count;
	return true;
}

bool histogram_exponential(struct arena *mem, const struct histogram *h,
			   struct exponential *out, const char **why)
{
	bool has_schema = false, has_zero = false;

	*why = "its buckets are not exponential, and an answer does not say what they are";
	*out = (struct exponential){
		.schema = SCHEMA_MOST, /* whatever it is merged with keeps its own */
		.zero_threshold = 0x1p-128,
		.positive = side_of(mem, h->n),
		.negative = side_of(mem, h->n),
	};
	for (size_t i = 0; i < h->n; i++) {
		const struct histogram_bucket *b = &h->v[i];

		if (is_zero_bucket(b) && !has_zero) {
			has_zero = true;
			out->zero_threshold = b->upper;
			out->zero_count = b->count;
		} else if (!take_bucket(b, &has_schema, out)) {
			return false;
		}
	}
	turn(&out->negative);
	return is_ascending(&out->positive) && is_ascending(&out->negative);
}
