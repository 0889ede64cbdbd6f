#include "base/base.h"
#include "base/map.h"

#include <stdlib.h>
#include <string.h>

/* The index has two places for each slot, so that it is never more than half full.
 * A deleted slot keeps its place in the index until the next rebuild. */

static size_t index_size(size_t cap)
{
	return cap * 2;
}

static size_t place_of(const struct map *m, uint64_t hash)
{
	return (size_t)hash & (index_size(m->cap) - 1);
}

static void rebuild(struct map *m, size_t cap)
{
	struct map_slot *slots = mem_resize(NULL, cap * sizeof(*slots));
	size_t n = 0, at;

	for (size_t i = 0; i < m->used; i++) {
		if (m->slots[i].value)
			slots[n++] = m->slots[i];
	}
	ASSERT(n == m->n);
	free(m->slots);
	free(m->index);
	m->slots = slots;
	m->used = n;
	m->cap = cap;
	m->index = mem_new(index_size(cap) * sizeof(*m->index));
	for (size_t i = 0; i < n; i++) {
		for (at = place_of(m, slots[i].hash); m->index[at];)
			at = (at + 1) & (index_size(cap) - 1);
		m->index[at] = (uint32_t)i + 1;
	}
}

static struct map_slot *find_slot(const struct map *m, struct str key, uint64_t hash)
{
	if (!m->cap)
		return NULL;
	for (size_t at = place_of(m, hash); m->index[at];
	     at = (at + 1) & (index_size(m->cap) - 1)) {
		struct map_slot *s = &m->slots[m->index[at] - 1];

		if (s->value && s->hash == hash && str_eq(s->key, key))
			return s;
	}
	return NULL;
}

void *map_find(const struct map *m, struct str key)
{
	struct map_slot *s = m->n ? find_slot(m, key, str_hash(key)) : NULL;

	return s ? s->value : NULL;
}

void map_put(struct map *m, struct str key, void *value)
{
	uint64_t hash = str_hash(key);
	struct map_slot *s = find_slot(m, key, hash);
	size_t at;

	ASSERT(value);
	if (s) {
		s->key = key;
		s->value = value;
		return;
	}
	if (m->used == m->cap) {
		ASSERT(m->cap < UINT32_MAX / 4);
		rebuild(m, m->n * 2 > m->cap ? m->cap * 2 : MAX(m->cap, 8));
	}
	for (at = place_of(m, hash); m->index[at];)
		at = (at + 1) & (index_size(m->cap) - 1);
	m->index[at] = (uint32_t)m->used + 1;
	m->slots[m->used++] = (struct map_slot){key, value, hash};
	m->n++;
}

void *map_del(struct map *m, struct str key)
{
	struct map_slot *s = m->n ? find_slot(m, key, str_hash(key)) : NULL;
	void *value;

	if (!s)
		return NULL;
	value = s->value;
	s->value = NULL;
	m->n--;
	return value;
}

void *map_next(const struct map *m, size_t *at)
{
	while (*at < m->used) {
		void *value = m->slots[(*at)++].value;

		if (value)
			return value;
	}
	return NULL;
}

void map_free(struct map *m)
{
	free(m->slots);
	free(m->index);
	*m = (struct map){0};
}

size_t map_memory(const struct map *m)
{
	return m->cap * sizeof(*m->slots) + index_size(m->cap) * sizeof(*m->index);
}

struct str map_key_u64(const uint64_t *key)
{
	return (struct str){(const char *)key, sizeof(*key)};
}
