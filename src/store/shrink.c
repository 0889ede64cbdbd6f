#include "base/base.h"
#include "store/parts.h"
#include "base/map.h"

#include <string.h>

static bool is_of_row(const struct write *w)
{
	return w->what < ADD_RECORD;
}

static bool is_forget(const struct write *w)
{
	return is_of_row(w) && w->what % 2;
}

static struct str row_key(const struct write *w)
{
	const struct cell *c = &w->cells[0];

	return c->kind == CELL_INT ? (struct str){(const char *)&c->i, sizeof(c->i)} : c->s;
}

/* Of the writes to one row only the last counts. */
static void mark_superseded(struct write *batch)
{
	struct map rows[ADD_RECORD / 2] = {0};

	for (struct write *w = batch; w; w = w->next) {
		struct write *before;

		if (!is_of_row(w))
			continue;
		before = map_find(&rows[w->what / 2], row_key(w));
		if (before)
			before->is_superseded = true;
		map_put(&rows[w->what / 2], row_key(w), w);
	}
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		map_free(&rows[i]);
}

static void note_entries(struct write *batch, struct last_entries *last)
{
	uint64_t number = 0;
	struct log_entry e;

	for (struct write *w = batch; w; w = w->next) {
		struct str rest = w->entries ? w->cells[0].s : STR("");

		while (entry_next(&rest, &e))
			last_entries_note(last, e.fingerprint, ++number);
	}
}

/* Of the entries of one alert only the last counts. */
static void shrink_entries(struct write *batch)
{
	struct last_entries last = {0};
	uint64_t number = 0;
	size_t farewells = 0;
	struct log_entry e;

	note_entries(batch, &last);
	for (struct write *w = batch; w; w = w->next) {
		struct str rest = w->entries ? w->cells[0].s : STR("");
		size_t kept = 0;

		if (!w->entries)
			continue;
		while (entry_next(&rest, &e)) {
			farewells += !e.content.n;
			if (++number != last_entries_find(&last, e.fingerprint) ||
			    (!e.content.n && farewells > STORE_MAX_QUEUE))
				continue;
			memmove(w->entries + kept, e.whole.p, e.whole.n);
			kept += e.whole.n;
		}
		w->cells[0].s.n = kept;
		w->is_superseded = !kept;
	}
	last_entries_free(&last);
}

void batch_shrink(struct batch *b)
{
	struct write **link = &b->first, *w;
	size_t forgets = 0;

	mark_superseded(b->first);
	shrink_entries(b->first);
	b->n = 0;
	while ((w = *link)) {
		forgets += is_forget(w);
		if (w->is_superseded || (is_forget(w) && forgets > STORE_MAX_QUEUE)) {
			*link = w->next;
			write_free(w);
		} else {
			b->n++;
			link = &w->next;
		}
	}
}
