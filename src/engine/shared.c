#include "base/base.h"
#include "engine/core.h"

#include <stdlib.h>
#include <string.h>

/* -- label names ----------------------------------------------------------------------
 * Thousands of alerts have the same few label names. Each is kept once, which saves memory
 * and, more, the way to it: whoever looks for a name in all alerts finds it in the cache.
 * Nobody counts who still uses a name; instead there is an end to how many are shared. */

#define MOST_NAMES   10000
#define LONGEST_NAME 128

static const char *shared(struct engine *e, const char *name)
{
	struct str key = str_of(name);
	char *own = map_find(&e->names, key);

	if (own || e->names.n >= MOST_NAMES || key.n > LONGEST_NAME)
		return own;
	own = mem_text(name);
	map_put(&e->names, str_of(own), own);
	return own;
}

const struct labels *share_names(struct engine *e, const struct labels *set)
{
	struct labels *same = arena_alloc(e->mem,
					  sizeof(*same) + set->n * sizeof(same->v[0]));

	*same = *set;
	for (size_t i = 0; i < set->n; i++) {
		same->v[i].value = set->v[i].value;
		same->v[i].name = shared(e, set->v[i].name);
		if (!same->v[i].name)
			return NULL;
	}
	return same;
}

void shared_names_free(struct engine *e)
{
	char *name;

	for (size_t at = 0; (name = map_next(&e->names, &at));)
		free(name);
	map_free(&e->names);
}

/* -- generator URLs -------------------------------------------------------------------
 * All alerts of a rule have the same long one. */

struct shared_url {
	unsigned refs;
	char text[];
};

const char *share_url(struct engine *e, const char *text)
{
	struct str key = str_of(text);
	struct shared_url *u = map_find(&e->urls, key);

	if (!u) {
		u = mem_new(sizeof(*u) + key.n + 1);
		memcpy(u->text, text, key.n + 1);
		map_put(&e->urls, str_of(u->text), u);
	}
	u->refs++;
	return u->text;
}

void unshare_url(struct engine *e, const char *text)
{
	struct shared_url *u = map_find(&e->urls, str_of(text));

	ASSERT(u && u->text == text);
	if (--u->refs)
		return;
	map_del(&e->urls, str_of(text));
	bury(e, free, u);
}
