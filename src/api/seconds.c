#include "base/base.h"
#include "api/seconds.h"

static const struct {
	double most;
	const char *text;
} bounds[SECONDS_BUCKETS] = {
	{.005, "0.005"}, {.01, "0.01"}, {.025, "0.025"}, {.05, "0.05"},
	{.1, "0.1"},	 {.25, "0.25"}, {.5, "0.5"},	 {1, "1"},
	{2.5, "2.5"},	 {5, "5"},	{10, "10"},	 {0, "+Inf"},
};

void seconds_add(struct seconds *s, double together, uint64_t n)
{
	size_t i = 0;

	if (!n)
		return;
	while (i < SECONDS_BUCKETS - 1 && together / (double)n > bounds[i].most)
		i++;
	s->buckets[i] += n;
	s->n += n;
	s->sum += together;
}

void seconds_merge(struct seconds *s, const struct seconds *more)
{
	for (size_t i = 0; i < SECONDS_BUCKETS; i++)
		s->buckets[i] += more->buckets[i];
	s->n += more->n;
	s->sum += more->sum;
}

void buf_add_histogram(struct buf *b, const char *name, const char *labels,
		       const struct seconds *s)
{
	const char *open = labels[0] ? "{" : "", *close = labels[0] ? "}" : "";
	uint64_t below = 0;

	for (size_t i = 0; i < SECONDS_BUCKETS; i++) {
		below += s->buckets[i];
		buf_addf(b, "%s_bucket{%s%sle=\"%s\"} %llu\n", name, labels,
			 labels[0] ? "," : "", bounds[i].text, (unsigned long long)below);
	}
	buf_addf(b, "%s_sum%s%s%s %.15g\n%s_count%s%s%s %llu\n", name, open, labels, close,
		 s->sum, name, open, labels, close, (unsigned long long)s->n);
}
