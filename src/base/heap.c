#include "base/base.h"
#include "base/heap.h"

static bool is_before(const struct deadline *a, const struct deadline *b)
{
	return a->at != b->at ? a->at < b->at : a->seq < b->seq;
}

static void put_at(struct heap *h, size_t slot, struct deadline *d)
{
	h->list.v[slot - 1] = d;
	d->slot = slot;
}

static void sift_up(struct heap *h, struct deadline *d)
{
	size_t slot = d->slot;

	for (; slot > 1 && is_before(d, h->list.v[slot / 2 - 1]); slot /= 2)
		put_at(h, slot, h->list.v[slot / 2 - 1]);
	put_at(h, slot, d);
}

static void sift_down(struct heap *h, struct deadline *d)
{
	size_t slot = d->slot, kid;

	for (; (kid = slot * 2) <= h->list.n; slot = kid) {
		if (kid < h->list.n && is_before(h->list.v[kid], h->list.v[kid - 1]))
			kid++;
		if (!is_before(h->list.v[kid - 1], d))
			break;
		put_at(h, slot, h->list.v[kid - 1]);
	}
	put_at(h, slot, d);
}

void heap_set(struct heap *h, struct deadline *d, wall_ms at)
{
	d->at = at;
	d->seq = ++h->seq;
	if (!d->slot) {
		vec_push(&h->list, d);
		d->slot = h->list.n;
	}
	sift_up(h, d);
	sift_down(h, d);
}

void heap_drop(struct heap *h, struct deadline *d)
{
	struct deadline *last;
	size_t slot = d->slot;

	if (!slot)
		return;
	last = h->list.v[--h->list.n];
	d->slot = 0;
	if (last == d)
		return;
	put_at(h, slot, last);
	sift_up(h, last);
	sift_down(h, last);
}

struct deadline *heap_first(const struct heap *h)
{
	return h->list.n ? h->list.v[0] : NULL;
}

struct deadline *heap_take_due(struct heap *h, wall_ms now)
{
	struct deadline *d = heap_first(h);

	if (!d || d->at > now)
		return NULL;
	heap_drop(h, d);
	return d;
}

void heap_free(struct heap *h)
{
	vec_free(&h->list);
}
