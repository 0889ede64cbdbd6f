#include "base/base.h"
#include "store/alert_entry.h"

#include <stdlib.h>
#include <string.h>

#define HEAD 12 /* bytes before the content */

/* -- writing -------------------------------------------------------------------------- */

static void add_number(struct buf *b, uint64_t v, size_t bytes)
{
	char out[8];

	for (size_t i = 0; i < bytes; i++)
		out[i] = (char)(v >> 8 * i);
	buf_add(b, out, bytes);
}

static void add_instant(struct buf *b, struct instant t)
{
	add_number(b, (uint64_t)t.s, 8);
	add_number(b, (uint32_t)t.ns, 4);
	add_number(b, (uint32_t)t.off, 4);
}

static void add_text(struct buf *b, const char *text)
{
	buf_add(b, text, strlen(text) + 1);
}

static void add_pairs(struct buf *b, const struct labels *set)
{
	for (size_t i = 0; i < set->n; i++) {
		add_text(b, set->v[i].name);
		add_text(b, set->v[i].value);
	}
}

void buf_add_head(struct buf *b, uint64_t fingerprint)
{
	add_number(b, 0, 4);
	add_number(b, fingerprint, 8);
}

void entry_end(struct buf *b, size_t start)
{
	uint32_t length = (uint32_t)(b->n - start - HEAD);

	for (size_t i = 0; i < 4; i++)
		b->p[start + i] = (char)(length >> 8 * i);
}

void buf_add_entry(struct buf *b, const struct alert *a)
{
	size_t start = b->n;

	buf_add_head(b, a->labels->fingerprint);
	add_instant(b, a->starts_at);
	add_instant(b, a->ends_at);
	add_instant(b, a->updated_at);
	add_number(b, a->timeout, 1);
	add_number(b, a->labels->n, 4);
	add_number(b, a->annotations->n, 4);
	add_pairs(b, a->labels);
	add_pairs(b, a->annotations);
	add_text(b, a->generator_url);
	add_number(b, (uint64_t)a->came_at, 8);
	entry_end(b, start);
}

void buf_add_farewell(struct buf *b, uint64_t fingerprint)
{
	buf_add_head(b, fingerprint);
}

/* -- reading -------------------------------------------------------------------------- */

static uint64_t take_number(struct str *s, size_t bytes)
{
	uint64_t v = 0;

	for (size_t i = 0; i < MIN(bytes, s->n); i++)
		v |= (uint64_t)(unsigned char)s->p[i] << 8 * i;
	*s = str_from(*s, bytes);
	return v;
}

static struct instant take_instant(struct str *s)
{
	struct instant t = {.s = (int64_t)take_number(s, 8)};

	t.ns = (int32_t)take_number(s, 4);
	t.off = (int32_t)take_number(s, 4);
	return t;
}

bool entry_next(struct str *rest, struct log_entry *e)
{
	struct str s = *rest;
	size_t length;

	if (s.n < HEAD)
		return false;
	length = take_number(&s, 4);
	e->fingerprint = take_number(&s, 8);
	if (length > s.n)
		return false;
	e->content = str_slice(s, 0, length);
	e->whole = str_slice(*rest, 0, HEAD + length);
	*rest = str_from(s, length);
	return true;
}

/* NULL when no NUL comes any more. */
static const char *take_text(struct str *s)
{
	const char *text = s->p;
	size_t n = str_find_char(*s, 0);

	if (n == STR_NONE)
		return NULL;
	*s = str_from(*s, n + 1);
	return text;
}

static struct label *take_pairs(struct str *s, struct arena *mem, size_t n)
{
	struct label *v;

	if (n > s->n / 2) /* each text takes a byte at least */
		return NULL;
	v = ARENA_ARRAY(mem, struct label, n);
	for (size_t i = 0; i < n; i++) {
		v[i].name = take_text(s);
		v[i].value = take_text(s);
		if (!v[i].value)
			return NULL;
	}
	return v;
}

const struct alert *entry_read(const struct log_entry *e, struct arena *mem,
			       const char **why)
{
	struct alert *a = ARENA_NEW(mem, struct alert);
	struct label *labels, *annotations = NULL;
	struct str s = e->content;
	size_t n_labels, n_annotations;

	*why = "its entry is cut off";
	a->starts_at = take_instant(&s);
	a->ends_at = take_instant(&s);
	a->updated_at = take_instant(&s);
	a->timeout = take_number(&s, 1) != 0;
	n_labels = take_number(&s, 4);
	n_annotations = take_number(&s, 4);
	labels = take_pairs(&s, mem, n_labels);
	if (labels)
		annotations = take_pairs(&s, mem, n_annotations);
	a->generator_url = annotations ? take_text(&s) : NULL;
	if (!a->generator_url)
		return NULL;
	a->came_at = s.n >= 8 ? (wall_ms)take_number(&s, 8) : 0;
	*why = "its labels are not as they were";
	a->labels = labels_borrow(mem, labels, n_labels, NULL);
	a->annotations = labels_borrow_raw(mem, annotations, n_annotations, NULL);
	if (!a->labels || !a->annotations || a->labels->fingerprint != e->fingerprint)
		return NULL;
	return a;
}

/* -- which is the last ---------------------------------------------------------------- */

static struct last_entry *place_of(const struct last_entries *l, uint64_t fingerprint)
{
	size_t at = (size_t)(fingerprint ^ fingerprint >> 32) & (l->cap - 1);

	while (l->v[at].number && l->v[at].fingerprint != fingerprint)
		at = (at + 1) & (l->cap - 1);
	return &l->v[at];
}

static void grow(struct last_entries *l)
{
	struct last_entries old = *l;

	l->cap = old.cap ? old.cap * 2 : 1024;
	l->v = mem_new(l->cap * sizeof(*l->v));
	for (size_t i = 0; i < old.cap; i++) {
		if (old.v[i].number)
			*place_of(l, old.v[i].fingerprint) = old.v[i];
	}
	free(old.v);
}

void last_entries_note(struct last_entries *l, uint64_t fingerprint, uint64_t number)
{
	struct last_entry *e;

	if (l->n * 2 >= l->cap)
		grow(l);
	e = place_of(l, fingerprint);
	l->n += !e->number;
	*e = (struct last_entry){fingerprint, number};
}

uint64_t last_entries_find(const struct last_entries *l, uint64_t fingerprint)
{
	return l->cap ? place_of(l, fingerprint)->number : 0;
}

void last_entries_free(struct last_entries *l)
{
	free(l->v);
	*l = (struct last_entries){0};
}
