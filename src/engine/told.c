#include "base/base.h"
#include "engine/core.h"
#include "base/plant.h"

#include <stdlib.h>
#include <string.h>

#define MOST_TOLD      1000000
#define MOST_LOOKED_AT 1000

const char *told_key(struct arena *mem, const struct told *t)
{
	struct buf b = BUF(BUF_NO_LIMIT);
	const char *key;

	buf_add_text(&b, t->group_key);
	buf_add_char(&b, ':');
	buf_add_text(&b, t->receiver);
	buf_add_char(&b, '/');
	buf_add_text(&b, t->integration);
	buf_add_char(&b, '/');
	buf_add_int(&b, (int64_t)t->index);
	key = buf_keep(&b, mem).p;
	buf_free(&b);
	return key;
}

const struct told *told_find(const struct engine *e, const char *key)
{
	struct stored_told *s = map_find(&e->told, str_of(key));

	return s ? &s->told : NULL;
}

static const uint64_t *copy_hashes(struct arena *mem, const uint64_t *from, size_t n)
{
	uint64_t *to = ARENA_ARRAY(mem, uint64_t, n);

	if (n)
		memcpy(to, from, n * sizeof(*to));
	return to;
}

static int by_value(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* In a sorted list. */
static bool has_hash(const uint64_t *v, size_t n, uint64_t hash)
{
	return n && bsearch(&hash, v, n, sizeof(*v), by_value);
}

static const struct text_pair *copy_pairs(struct arena *mem, const struct text_pair *from,
					  size_t n)
{
	struct text_pair *to = ARENA_ARRAY(mem, struct text_pair, n);

	for (size_t i = 0; i < n; i++) {
		to[i].name = arena_text(mem, from[i].name);
		to[i].text = arena_text(mem, from[i].text);
	}
	return to;
}

static void discard(void *p)
{
	struct stored_told *s = p;

	arena_free(&s->mem);
	free(s);
}

/* Most have no memory, which is left out. */
static size_t size_of(const char *key, const struct told *t)
{
	return strlen(key) + strlen(t->group_key) + strlen(t->receiver) +
	       strlen(t->integration) + 4 +
	       (t->n_firing + t->n_resolved + t->n_maybe) * sizeof(*t->firing);
}

static struct stored_told *put(struct engine *e, const char *key, const struct told *t)
{
	struct stored_told *old = map_find(&e->told, str_of(key));
	struct stored_told *s = mem_new(sizeof(*s));

	arena_expect(&s->mem, 7, size_of(key, t));
	s->key = arena_text(&s->mem, key);
	s->told = *t;
	if (!t->number)
		s->told.number = old ? old->told.number : ++e->last_told;
	s->told.group_key = arena_text(&s->mem, t->group_key);
	s->told.receiver = arena_text(&s->mem, t->receiver);
	s->told.integration = arena_text(&s->mem, t->integration);
	s->told.firing = copy_hashes(&s->mem, t->firing, t->n_firing);
	s->told.resolved = copy_hashes(&s->mem, t->resolved, t->n_resolved);
	s->told.memory = copy_pairs(&s->mem, t->memory, t->n_memory);
	s->told.maybe = copy_hashes(&s->mem, t->maybe, t->n_maybe);
	map_put(&e->told, str_of(s->key), s);
	if (old)
		bury(e, discard, old);
	return s;
}

static void forget(struct engine *e, struct stored_told *s)
{
	act(e, ACTION_FORGET_TOLD)->number = s->told.number;
	map_del(&e->told, str_of(s->key));
	bury(e, discard, s);
}

/* An old entry goes, one of which all is resolved before one that would be told again. */
static void make_room(struct engine *e)
{
	struct stored_told *s, *victim = NULL;
	size_t looked = 0;

	for (size_t at = 0; looked++ < MOST_LOOKED_AT && (s = map_next(&e->told, &at));) {
		if (!victim || !s->told.n_firing)
			victim = s;
		if (!s->told.n_firing)
			break;
	}
	if (victim)
		forget(e, victim);
}

static void save(struct engine *e, const struct stored_told *s)
{
	if (!PLANT(told_not_saved))
		act(e, ACTION_SAVE_TOLD)->told = &s->told;
}

void told_save_all(struct engine *e)
{
	const struct stored_told *s;

	for (size_t at = 0; (s = map_next(&e->told, &at));)
		save(e, s);
}

static wall_ms expiry(const struct engine *e, span_ms repeat_interval)
{
	span_ms keep = e->options.retention, twice;

	if (!__builtin_mul_overflow(repeat_interval, 2, &twice) && twice > 0)
		keep = MIN(keep, twice);
	return e->now + keep;
}

static void set(struct engine *e, const char *key, const struct told *t)
{
	if (!map_find(&e->told, str_of(key)) && e->told.n >= MOST_TOLD)
		make_room(e);
	save(e, put(e, key, t));
}

/* The peers keep an entry with a later timestamp. Here only a clock that was set back makes
 * such, and whoever was told would be told at each flush until the clock has caught up. */
void told_set(struct engine *e, const char *key, struct told *t, span_ms repeat_interval)
{
	t->at = e->now;
	t->expires_at = expiry(e, repeat_interval);
	set(e, key, t);
}

/* Those that it shows firing, and those it shows resolved that were in doubt before: all
 * but whom the last notification for sure had firing, whose end is told anyhow. */
static void find_doubts(struct arena *mem, const struct told *sent, struct told *t)
{
	const uint64_t *before = t->maybe;
	size_t n_before = t->n_maybe;
	uint64_t *v = ARENA_ARRAY(mem, uint64_t, sent->n_firing + n_before);

	t->maybe = v;
	t->n_maybe = 0;
	for (size_t i = 0; i < sent->n_firing; i++) {
		if (!has_hash(t->firing, t->n_firing, sent->firing[i]))
			v[t->n_maybe++] = sent->firing[i];
	}
	for (size_t i = 0; i < n_before; i++) {
		if (has_hash(sent->resolved, sent->n_resolved, before[i]))
			v[t->n_maybe++] = before[i];
	}
}

void told_doubt(struct engine *e, const char *key, const struct told *sent,
		span_ms repeat_interval)
{
	const struct told *last = told_find(e, key);
	struct told t = last ? *last
			     : (struct told){.group_key = sent->group_key,
					     .receiver = sent->receiver,
					     .integration = sent->integration,
					     .index = sent->index};

	find_doubts(e->mem, sent, &t);
	if (!t.n_maybe && (!last || !last->n_maybe))
		return;
	t.expires_at = MAX(t.expires_at, expiry(e, repeat_interval));
	set(e, key, &t);
}

void told_doubt_open(struct engine *e, const struct open_delivery *o)
{
	const struct told sent = {.group_key = o->group_key,
				  .receiver = o->receiver,
				  .integration = o->integration,
				  .index = o->index,
				  .firing = o->firing,
				  .n_firing = o->n_firing,
				  .resolved = o->resolved,
				  .n_resolved = o->n_resolved};

	told_doubt(e, told_key(e->mem, &sent), &sent, e->options.retention);
}

/* Told in the future: the clock was set back since, and repeat_interval begins now. Of two
 * rows of one entry the later counts. */
void told_restore(struct engine *e, const struct told *from)
{
	struct told t = *from;
	const char *key = told_key(e->mem, &t);
	const struct told *old = told_find(e, key);

	if (old && old->number != t.number)
		act(e, ACTION_FORGET_TOLD)->number = MIN(old->number, t.number);
	if (old && old->number > t.number)
		return;
	e->last_told = MAX(e->last_told, t.number);
	if (t.at > e->now) {
		t.expires_at -= t.at - e->now;
		t.at = e->now;
	}
	put(e, key, &t);
}

void told_move(struct engine *e, span_ms jump)
{
	struct stored_told *s;

	for (size_t at = 0; (s = map_next(&e->told, &at));) {
		s->told.at += s->told.at ? jump : 0;
		s->told.expires_at += jump;
		save(e, s); /* else a restart would take the old times for new ones */
	}
}

/* Whoever was told that an alert fires hears of its end, also when it was muted in between
 * for longer than entries are kept: those of groups that are there stay. */
void told_collect(struct engine *e, wall_ms now)
{
	struct map live = {0};
	struct stored_told *s;
	struct group *g;

	for (size_t at = 0; (g = map_next(&e->groups, &at));)
		map_put(&live, str_of(g->key), g);
	for (size_t at = 0; (s = map_next(&e->told, &at));) {
		if (s->told.expires_at <= now &&
		    !map_find(&live, str_of(s->told.group_key)))
			forget(e, s);
	}
	map_free(&live);
}

void told_free(struct engine *e)
{
	struct stored_told *s;

	for (size_t at = 0; (s = map_next(&e->told, &at));)
		discard(s);
	map_free(&e->told);
}
