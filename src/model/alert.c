#include "base/base.h"
#include "model/alert.h"

#include <string.h>

bool alert_is_resolved(const struct alert *a, struct instant now)
{
	return !instant_is_zero(a->ends_at) && instant_cmp(a->ends_at, now) <= 0;
}

static bool is_within(struct instant t, struct instant from, struct instant to)
{
	return instant_cmp(t, from) > 0 && instant_cmp(t, to) < 0;
}

struct alert alert_merge(const struct alert *stored, const struct alert *posted,
			 struct instant now)
{
	bool posted_is_young = instant_cmp(posted->updated_at, stored->updated_at) >= 0;
	const struct alert *young = posted_is_young ? posted : stored;
	const struct alert *old = posted_is_young ? stored : posted;
	struct alert merged = *young;
	bool old_ends_later = instant_cmp(old->ends_at, young->ends_at) > 0;

	if (!is_within(posted->ends_at, stored->starts_at, stored->ends_at) &&
	    !is_within(posted->starts_at, stored->starts_at, stored->ends_at))
		return *posted;
	if (instant_cmp(old->starts_at, young->starts_at) < 0)
		merged.starts_at = old->starts_at;
	if (alert_is_resolved(young, now)) {
		if (alert_is_resolved(old, now) && old_ends_later)
			merged.ends_at = old->ends_at;
	} else if (old_ends_later && !old->timeout) {
		merged.ends_at = old->ends_at;
	}
	return merged;
}

/* Having the label sorts before lacking it. */
static int by_label(const struct labels *a, const struct labels *b, const char *name)
{
	const char *x = labels_find(a, name), *y = labels_find(b, name);

	if (!x || !y)
		return (x == NULL) - (y == NULL);
	return strcmp(x, y);
}

int alert_cmp(const struct labels *a, const struct labels *b)
{
	int order = by_label(a, b, "job");

	if (!order)
		order = by_label(a, b, "instance");
	return order ? order : labels_cmp(a, b);
}
