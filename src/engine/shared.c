#include "base/base.h"
#include "engine/core.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

/* -- label names ----------------------------------------------------------------------
 * Thousands of alerts have the same few label names. Each is kept once, which saves memory
 * and, more, the way to it: whoever looks for a name in all alerts finds it in the cache.
 * Nobody counts who still uses a name; instead there is an end to how many are shared. */

#define MOST_NAMES    10000
#define LONGEST_NAME  128
#define LONGEST_VALUE 128

static const char *find_or_keep_name(struct engine *e, const char *name)
{
	struct str key = str_of(name);
	char *own = map_find(&e->names, key);

	if (own || e->names.n >= MOST_NAMES || key.n > LONGEST_NAME)
		return own;
	own = mem_text(name);
	map_put(&e->names, str_of(own), own);
	return own;
}

/* At the same place of a set of the same size there often was the same name. */
static const char *share_name(struct engine *e, const struct labels *set, size_t i)
{
	const char **last = &e->last_names[(set->n * 8 + i) % COUNT_OF(e->last_names)];

	if (!*last || strcmp(*last, set->v[i].name))
		*last = find_or_keep_name(e, set->v[i].name);
	return *last;
}

/* -- texts ----------------------------------------------------------------------------
 * All alerts of a rule have the same long URL, and alerts of a cluster the same values for
 * most of their labels. Each text is kept once, while somebody uses it. */

struct shared_text {
	unsigned refs;
	char text[];
};

static struct shared_text *text_new(struct engine *e, struct str text)
{
	struct shared_text *t = mem_new(sizeof(*t) + text.n + 1);

	memcpy(t->text, text.p, text.n);
	map_put(&e->texts, str_of(t->text), t);
	return t;
}

const char *share_text(struct engine *e, const char *text)
{
	struct str key = str_of(text);
	struct shared_text *t = map_find(&e->texts, key);

	if (!t)
		t = text_new(e, key);
	t->refs++;
	return t->text;
}

void unshare_text(struct engine *e, const char *text)
{
	struct shared_text *t = map_find(&e->texts, str_of(text));

	if (!t || t->text != text || --t->refs)
		return;
	map_del(&e->texts, str_of(text));
	bury(e, free, t);
}

/* A value is shared from the second time on that it comes within a while: most that are of
 * one alert alone never are. */
static const char *share_value(struct engine *e, const char *value)
{
	struct str key = str_of(value);
	struct shared_text *t = map_find(&e->texts, key);
	uint64_t hash;
	uint32_t *seen;

	if (!t && key.n <= LONGEST_VALUE) {
		hash = str_hash(key);
		seen = &e->seen_values[hash % COUNT_OF(e->seen_values)];
		if (*seen == (uint32_t)(hash >> 32))
			t = text_new(e, key);
		*seen = (uint32_t)(hash >> 32);
	}
	if (!t)
		return NULL;
	t->refs++;
	return t->text;
}

/* -- label sets ----------------------------------------------------------------------- */

static bool share_names(struct engine *e, const struct labels *from, struct labels *to)
{
	for (size_t i = 0; i < from->n; i++) {
		to->v[i].name = share_name(e, from, i);
		if (!to->v[i].name)
			return false;
	}
	return true;
}

struct kept keep(struct engine *e, const struct labels *set)
{
	struct labels *same = arena_alloc(e->mem,
					  sizeof(*same) + set->n * sizeof(same->v[0]));
	struct kept k = {same, ARENA_ARRAY(e->mem, bool, set->n), false, 0, 0};

	*same = *set;
	if (!share_names(e, set, same))
		return (struct kept){set, NULL, true, labels_memory(set), 0};
	k.set_size = sizeof(*set) + set->n * sizeof(set->v[0]);
	for (size_t i = 0; i < set->n; i++) {
		const char *value = share_value(e, set->v[i].value);

		k.has_own_value[i] = !value;
		same->v[i].value = value ? value : set->v[i].value;
		k.texts_size += value ? 0 : strlen(set->v[i].value) + 1;
	}
	return k;
}

struct labels *kept_copy(void *block, char *texts, const struct kept *k)
{
	struct labels *set = block;

	if (k->has_own_names)
		return labels_copy_to(block, k->set);
	memcpy(set, k->set, k->set_size);
	for (size_t i = 0; i < set->n; i++) {
		if (k->has_own_value[i]) {
			set->v[i].value = texts;
			texts = stpcpy(texts, k->set->v[i].value) + 1;
		}
	}
	return set;
}

struct labels *kept_new(struct engine *e, const struct labels *set)
{
	struct kept k = keep(e, set);
	char *block = mem_new(k.set_size + k.texts_size);

	return kept_copy(block, block + k.set_size, &k);
}

void kept_release(struct engine *e, const struct labels *set)
{
	for (size_t i = 0; i < set->n; i++)
		unshare_text(e, set->v[i].value);
}

size_t shared_memory(const struct engine *e)
{
	size_t sum = map_memory(&e->names) + map_memory(&e->texts);
	struct shared_text *t;
	char *name;

	for (size_t at = 0; (name = map_next(&e->names, &at));)
		sum += malloc_usable_size(name);
	for (size_t at = 0; (t = map_next(&e->texts, &at));)
		sum += malloc_usable_size(t);
	return sum;
}

void shared_free(struct engine *e)
{
	struct shared_text *t;
	char *name;

	for (size_t at = 0; (name = map_next(&e->names, &at));)
		free(name);
	for (size_t at = 0; (t = map_next(&e->texts, &at));)
		free(t);
	map_free(&e->names);
	map_free(&e->texts);
}
