#include "base/base.h"
#include "engine/core.h"
#include "base/plant.h"

#include <stdlib.h>
#include <string.h>

/* -- the index ------------------------------------------------------------------------
 * A silence that asks for name="value", or for one of a few values, can only match alerts
 * that have such a pair, so it hangs in the buckets of one of its matchers. The few
 * silences without such a matcher hang in a list. */

#define MOST_BUCKETS 64 /* of one silence */

/* The values of which the matcher wants one; NULL when they are many, or when it accepts
 * that the label is missing. */
static const struct str *wanted_values(const struct matcher *m, struct str *one, size_t *n)
{
	const struct str *v = one;

	*one = str_of(m->value);
	*n = 1;
	if (m->op == MATCH_REGEX)
		v = regex_words(m->re, n);
	else if (m->op != MATCH_EQUAL)
		return NULL;
	if (!v || !*n || *n > MOST_BUCKETS)
		return NULL;
	return v[0].n ? v : NULL; /* sorted: the empty one comes first */
}

static uint64_t pair_hash(const char *name, struct str value)
{
	return str_hash(str_of(name)) * 31 + str_hash(value);
}

static struct silence_bucket *find_bucket(const struct engine *e, const char *name,
					  struct str value)
{
	uint64_t hash = pair_hash(name, value);

	return map_find(&e->silence_index, map_key_u64(&hash));
}

/* How many silences share the buckets that the matcher would hang its own in. */
static size_t company(const struct engine *e, const struct matcher *m,
		      const struct str *values, size_t n)
{
	size_t sum = n;

	for (size_t i = 0; i < n; i++) {
		const struct silence_bucket *b = find_bucket(e, m->name, values[i]);

		sum += b ? b->list.n : 0;
	}
	return sum;
}

/* The matcher whose buckets are the emptiest; NULL: none can be used. */
static const struct matcher *choose_handle(const struct engine *e, const struct silence *s)
{
	const struct matcher *best = NULL;
	size_t least = SIZE_MAX;

	for (size_t i = 0; i < s->matchers.n; i++) {
		const struct matcher *m = &s->matchers.v[i];
		struct str one;
		size_t n, sum;
		const struct str *values = wanted_values(m, &one, &n);

		sum = values ? company(e, m, values, n) : SIZE_MAX;
		if (sum < least) {
			least = sum;
			best = m;
		}
	}
	return best;
}

/* Pairs whose hashes collide share a bucket; each silence is asked in full anyway. */
static struct silence_bucket *bucket_of(struct engine *e, const char *name,
					struct str value)
{
	struct silence_bucket *b = find_bucket(e, name, value);

	if (!b) {
		b = mem_new(sizeof(*b));
		b->hash = pair_hash(name, value);
		map_put(&e->silence_index, map_key_u64(&b->hash), b);
	}
	return b;
}

static void link_in(struct engine *e, struct stored_silence *s)
{
	struct str one;
	const struct str *values;
	size_t n;

	s->handle = choose_handle(e, &s->silence);
	if (!s->handle) {
		vec_push(&e->loose_silences, s);
		return;
	}
	values = wanted_values(s->handle, &one, &n);
	for (size_t i = 0; i < n; i++) {
		struct silence_list *list = &bucket_of(e, s->handle->name, values[i])->list;

		if (!list->n || list->v[list->n - 1] != s) /* hashes may collide */
			vec_push(list, s);
	}
}

static void leave(struct silence_list *list, const struct stored_silence *s)
{
	for (size_t i = 0; i < list->n; i++) {
		if (list->v[i] == s) {
			vec_remove(list, i);
			return;
		}
	}
}

static void link_out(struct engine *e, struct stored_silence *s)
{
	struct str one;
	const struct str *values;
	size_t n;

	if (!s->handle) {
		leave(&e->loose_silences, s);
		return;
	}
	values = wanted_values(s->handle, &one, &n);
	for (size_t i = 0; i < n; i++) {
		struct silence_bucket *b = find_bucket(e, s->handle->name, values[i]);

		if (!b)
			continue; /* two of its values share it, and it is gone */
		leave(&b->list, s);
		if (b->list.n)
			continue;
		map_del(&e->silence_index, map_key_u64(&b->hash));
		vec_free(&b->list);
		free(b);
	}
}

struct found {
	const struct stored_silence **v;
	size_t n, cap;
};

static void collect_matching(struct engine *e, const struct silence_list *list,
			     const struct labels *labels, struct instant now,
			     struct arena *mem, struct found *found)
{
	e->counters.silences_scanned += list->n;
	for (size_t i = 0; i < list->n; i++) {
		const struct stored_silence *s = list->v[i];

		if ((silence_state(&s->silence, now) == SILENCE_ACTIVE ||
		     PLANT(expired_silence_mutes)) &&
		    matchers_hold(&s->silence.matchers, labels))
			vec_push_in(mem, found, s);
	}
}

static int by_number(const void *a, const void *b)
{
	const struct stored_silence *const *x = a, *const *y = b;

	return ((*x)->number > (*y)->number) - ((*x)->number < (*y)->number);
}

size_t silences_matching(struct engine *e, const struct labels *labels, struct instant now,
			 struct arena *mem, const struct stored_silence ***out)
{
	uint64_t before = e->counters.silences_scanned;
	struct found found = {0};

	collect_matching(e, &e->loose_silences, labels, now, mem, &found);
	for (size_t i = 0; e->silence_index.n && i < labels->n; i++) {
		struct silence_bucket *b = find_bucket(e, labels->v[i].name,
						       str_of(labels->v[i].value));

		if (b)
			collect_matching(e, &b->list, labels, now, mem, &found);
	}
	if (found.n > 1)
		qsort(found.v, found.n, sizeof(*found.v), by_number);
	e->counters.silence_queries++;
	e->counters.silences_skipped +=
		e->silences.n - MIN(e->counters.silences_scanned - before, e->silences.n);
	*out = found.v;
	return found.n;
}

/* -- storing -------------------------------------------------------------------------- */

static struct stored_silence *find(const struct engine *e, const char *id)
{
	return map_find(&e->silences, str_of(id));
}

static bool copy_into(struct stored_silence *to, const struct silence *from,
		      struct err *err)
{
	struct silence *s = &to->silence;

	*s = *from;
	s->created_by = arena_text(&to->mem, from->created_by ? from->created_by : "");
	s->comment = arena_text(&to->mem, from->comment ? from->comment : "");
	s->annotations = &labels_none;
	if (from->annotations && from->annotations->n) {
		s->annotations = labels_new_raw(&to->mem, from->annotations->v,
						from->annotations->n, err);
		if (!s->annotations)
			return false;
	}
	s->matchers.v = ARENA_ARRAY(&to->mem, struct matcher, from->matchers.n);
	for (size_t i = 0; i < from->matchers.n; i++) {
		if (!matcher_copy(&to->mem, &from->matchers.v[i], &s->matchers.v[i], err))
			return false;
	}
	return true;
}

static void discard(void *p)
{
	struct stored_silence *s = p;

	arena_free(&s->mem);
	free(s);
}

static struct stored_silence *make(struct engine *e, const struct silence *from,
				   struct err *err)
{
	struct stored_silence *s = mem_new(sizeof(*s));

	if (!copy_into(s, from, err)) {
		discard(s);
		return NULL;
	}
	s->number = ++e->next_number;
	return s;
}

static void put(struct engine *e, struct stored_silence *s)
{
	map_put(&e->silences, str_of(s->silence.id), s);
	link_in(e, s);
}

static void take_out(struct engine *e, struct stored_silence *s)
{
	link_out(e, s);
	map_del(&e->silences, str_of(s->silence.id));
	bury(e, discard, s);
}

static void save(struct engine *e, const struct stored_silence *s, const char *what)
{
	struct record *r;

	if (!PLANT(silence_not_saved))
		act(e, ACTION_SAVE_SILENCE)->silence = &s->silence;
	r = act_record(e, RECORD_SILENCE, REASON_NONE);
	r->silence = &s->silence;
	r->change = what;
	r->from = e->from;
	r->by = e->by;
}

void silences_save_all(struct engine *e)
{
	const struct stored_silence *s;

	for (size_t at = 0; (s = map_next(&e->silences, &at));)
		act(e, ACTION_SAVE_SILENCE)->silence = &s->silence;
}

static void new_id(struct engine *e, char id[SILENCE_ID_SIZE])
{
	uint64_t a = random_next(e), b = random_next(e);
	struct buf text = BUF(SILENCE_ID_SIZE);

	a = (a & ~UINT64_C(0xF000)) | 0x4000;		      /* version 4 */
	b = (b & ~(UINT64_C(3) << 62)) | (UINT64_C(2) << 62); /* variant 1 */
	buf_addf(&text, "%08x-%04x-%04x-%04x-%012llx", (unsigned)(a >> 32),
		 (unsigned)(a >> 16 & 0xFFFF), (unsigned)(a & 0xFFFF), (unsigned)(b >> 48),
		 (unsigned long long)(b & UINT64_C(0xFFFFFFFFFFFF)));
	memcpy(id, buf_text(&text), SILENCE_ID_SIZE);
	buf_free(&text);
}

/* -- set, expire (spec/routing.md 9.5, 9.6) ------------------------------------------- */

static void end_now(struct engine *e, struct stored_silence *s)
{
	struct instant now = instant_of_ms(e->now);
	enum silence_state state = silence_state(&s->silence, now);

	if (state == SILENCE_EXPIRED)
		return;
	if (state == SILENCE_PENDING)
		s->silence.starts_at = now;
	s->silence.ends_at = now;
	s->silence.updated_at = now;
	save(e, s, "expire");
}

static bool no(struct answer *answer, bool not_found, const char *text)
{
	if (!answer)
		return false;
	answer->ok = false;
	answer->not_found = not_found;
	buf_add_text(&answer->text, text);
	return false;
}

static void yes(struct answer *answer, const struct stored_silence *s)
{
	if (!answer)
		return;
	answer->ok = true;
	memcpy(answer->silence_id, s->silence.id, SILENCE_ID_SIZE);
}

static bool has_room(struct engine *e, struct answer *answer)
{
	struct buf text = BUF(200);

	if (!e->options.max_silences || e->silences.n < e->options.max_silences)
		return true;
	buf_addf(&text, "exceeded maximum number of silences: %zu (limit: %zu)",
		 e->silences.n, e->options.max_silences);
	no(answer, false, buf_text(&text));
	buf_free(&text);
	return false;
}

static bool fits(struct engine *e, const struct silence *s, struct answer *answer)
{
	size_t most = e->options.max_silence_bytes, n;
	struct buf text = BUF(BUF_NO_LIMIT);

	buf_add_matchers(&text, &s->matchers);
	buf_add_text(&text, s->created_by);
	buf_add_text(&text, s->comment);
	if (s->annotations)
		buf_add_labels(&text, s->annotations);
	n = text.n;
	buf_reset(&text);
	buf_addf(&text, "silence exceeded maximum size: %zu bytes (limit: %zu bytes)", n,
		 most);
	if (most && n > most)
		no(answer, false, buf_text(&text));
	buf_free(&text);
	return !most || n <= most;
}

static void create(struct engine *e, const struct silence *wanted,
		   struct stored_silence *old, struct answer *answer)
{
	struct instant now = instant_of_ms(e->now);
	struct stored_silence *s;
	struct err err;

	if (!has_room(e, answer))
		return;
	s = make(e, wanted, &err);
	if (!s) {
		no(answer, false, err.text);
		return;
	}
	do
		new_id(e, s->silence.id);
	while (find(e, s->silence.id)); /* a seed that came back would repeat them */
	s->silence.updated_at = now;
	if (instant_cmp(s->silence.starts_at, now) < 0)
		s->silence.starts_at = now;
	if (old)
		end_now(e, old);
	put(e, s);
	save(e, s, "create");
	yes(answer, s);
}

static void update(struct engine *e, const struct silence *wanted,
		   struct stored_silence *old, struct answer *answer)
{
	struct stored_silence *s;
	uint64_t number = old->number;
	struct err err;

	s = make(e, wanted, &err);
	if (!s) {
		no(answer, false, err.text);
		return;
	}
	s->number = number;
	s->silence.updated_at = instant_of_ms(e->now);
	link_out(e, old);
	map_put(&e->silences, str_of(s->silence.id), s); /* keeps its place in the order */
	link_in(e, s);
	bury(e, discard, old);
	save(e, s, "update");
	yes(answer, s);
}

void silence_set(struct engine *e, const struct silence *wanted, struct answer *answer)
{
	struct instant now = instant_of_ms(e->now);
	struct stored_silence *old = wanted->id[0] ? find(e, wanted->id) : NULL;
	struct err err;

	if (wanted->id[0] && !old)
		no(answer, true, "silence not found");
	else if (!silence_check(wanted, matcher_names(e->options.matchers), &err))
		no(answer, false, err.text);
	else if (!fits(e, wanted, answer))
		return;
	else if (old && silence_can_update(&old->silence, wanted, now))
		update(e, wanted, old, answer);
	else
		create(e, wanted, old, answer);
}

void silence_expire(struct engine *e, const char *id, struct answer *answer)
{
	struct stored_silence *s = find(e, id);

	if (!s) {
		no(answer, true, "silence not found");
		return;
	}
	end_now(e, s);
	yes(answer, s);
}

void silence_restore(struct engine *e, const struct silence *from)
{
	struct stored_silence *s;
	struct err err;

	if (find(e, from->id))
		return;
	s = make(e, from, &err);
	if (s) {
		put(e, s);
		return;
	}
	e->counters.silences_unreadable++;
	act_note(e, true, "silences", "a stored silence cannot be read any more", from->id,
		 err.text);
}

void silences_collect(struct engine *e, wall_ms now)
{
	struct stored_silence *s;

	for (size_t at = 0; (s = map_next(&e->silences, &at));) {
		if (instant_ms(s->silence.ends_at) + e->options.retention > now)
			continue;
		act(e, ACTION_FORGET_SILENCE)->key = arena_text(e->mem, s->silence.id);
		take_out(e, s);
	}
}

void silences_free(struct engine *e)
{
	struct stored_silence *s;

	for (size_t at = 0; (s = map_next(&e->silences, &at));)
		take_out(e, s);
	map_free(&e->silences);
	map_free(&e->silence_index);
	vec_free(&e->loose_silences);
}
