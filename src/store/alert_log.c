#include "base/base.h"
#include "store/alert_log.h"
#include "base/vec.h"
#include "store/entry_pack.h"

#include <string.h>

#define SMALLEST (32 * 1024 * 1024) /* no tidying for less */
#define SLICE	 (1024 * 1024)	    /* bytes read in one go */
#define GOOD_ROW (64 * 1024)	    /* larger rows are not worth joining */

static sqlite3_stmt *prepare(struct alert_log *l, const char *sql)
{
	sqlite3_stmt *st = NULL;

	sqlite3_prepare_v2(l->db, sql, -1, &st, NULL);
	return st;
}

#define COLUMNS "SELECT id, entries, is_packed FROM alert_log"

/* Of the row; unpacked they lie in room. */
static struct str entries_of(sqlite3_stmt *st, struct buf *room)
{
	const char *p = sqlite3_column_blob(st, 1);
	struct str entries = {p ? p : "", (size_t)sqlite3_column_bytes(st, 1)};

	if (!sqlite3_column_int(st, 2))
		return entries;
	buf_reset(room);
	buf_add_unpacked(room, entries);
	return buf_str(room);
}

/* Reads the whole log to learn which entries are the last. */
static bool scan(struct alert_log *l, int64_t *end_id, size_t *bytes)
{
	sqlite3_stmt *st = prepare(l, COLUMNS " ORDER BY id");
	struct buf room = BUF(BUF_NO_LIMIT);
	uint64_t number = 0;
	int code = SQLITE_ERROR;

	last_entries_free(&l->last);
	l->has_broken = false;
	*end_id = 0;
	*bytes = 0;
	while (st && (code = sqlite3_step(st)) == SQLITE_ROW) {
		struct str rest = entries_of(st, &room);
		struct log_entry e;

		*end_id = sqlite3_column_int64(st, 0);
		*bytes += rest.n;
		while (entry_next(&rest, &e))
			last_entries_note(&l->last, e.fingerprint, ++number);
		l->has_broken = l->has_broken || rest.n;
	}
	sqlite3_finalize(st);
	buf_free(&room);
	return code == SQLITE_DONE;
}

/* -- loading -------------------------------------------------------------------------- */

static void give(const struct log_entry *e, int64_t id, struct arena *mem,
		 const struct store_visitor *to)
{
	const char *why;
	const struct alert *a = entry_read(e, mem, &why);

	if (a)
		to->alert(to->ctx, a);
	else
		to->broken(to->ctx, "alert_log",
			   arena_printf(mem, "%lld, alert %016llx", (long long)id,
					(unsigned long long)e->fingerprint),
			   why);
}

bool alert_log_load(struct alert_log *l, const struct store_visitor *to, struct err *err)
{
	struct buf room = BUF(BUF_NO_LIMIT);
	struct arena mem = {0};
	sqlite3_stmt *st;
	uint64_t number = 0;
	int64_t end_id;
	size_t bytes;
	int code = SQLITE_ERROR;

	(void)scan(l, &end_id, &bytes); /* as far as it can be read */
	l->live = 0;
	st = prepare(l, COLUMNS " ORDER BY id");
	while (st && (code = sqlite3_step(st)) == SQLITE_ROW) {
		struct str rest = entries_of(st, &room);
		int64_t id = sqlite3_column_int64(st, 0);
		struct log_entry e;

		while (entry_next(&rest, &e)) {
			if (++number != last_entries_find(&l->last, e.fingerprint) ||
			    !e.content.n)
				continue;
			l->live += e.whole.n;
			give(&e, id, &mem, to);
			arena_reset(&mem);
		}
		if (rest.n)
			to->broken(to->ctx, "alert_log",
				   arena_printf(&mem, "%lld", (long long)id),
				   "the row is cut off");
	}
	l->outlived = bytes - l->live;
	if (code != SQLITE_DONE)
		err_set(err, NOWHERE, "alert_log: %s", sqlite3_errmsg(l->db));
	sqlite3_finalize(st);
	last_entries_free(&l->last);
	arena_free(&mem);
	buf_free(&room);
	return code == SQLITE_DONE;
}

/* -- tidying -------------------------------------------------------------------------- */

bool alert_log_is_untidy(const struct alert_log *l)
{
	return l->end_id || l->outlived > MAX(l->live, SMALLEST);
}

void alert_log_forget(struct alert_log *l)
{
	last_entries_free(&l->last);
	l->end_id = 0;
}

static bool begin(struct alert_log *l)
{
	size_t bytes;

	l->at_id = 0;
	l->number = 0;
	l->kept = 0;
	l->outlived = 0;
	return scan(l, &l->end_id, &bytes);
}

/* Rows in a row, and what lives of them. */
struct slice {
	int64_t first_id, last_id;
	size_t rows, bytes;
	struct buf live;
};

/* False when the row has a tail that cannot be read: it is left alone. */
static bool add_row(struct alert_log *l, struct slice *s, int64_t id, struct str row)
{
	size_t before = s->live.n;
	struct str rest = row;
	struct log_entry e;

	while (entry_next(&rest, &e)) {
		if (++l->number == last_entries_find(&l->last, e.fingerprint) &&
		    (e.content.n || l->has_broken))
			buf_add_str(&s->live, e.whole);
	}
	if (rest.n) {
		buf_cut(&s->live, before);
		return false;
	}
	s->first_id = s->rows ? s->first_id : id;
	s->last_id = id;
	s->rows++;
	s->bytes += row.n;
	return true;
}

/* A farewell goes as well: what it outlived is gone from all rows before, unless one of
 * them had to be left alone. */
static bool read_slice(struct alert_log *l, struct slice *s)
{
	sqlite3_stmt *st = prepare(l, COLUMNS " WHERE id > ? AND id <= ? ORDER BY id");
	struct buf room = BUF(BUF_NO_LIMIT);
	int code = SQLITE_ERROR;

	sqlite3_bind_int64(st, 1, l->at_id);
	sqlite3_bind_int64(st, 2, l->end_id);
	while (s->bytes < SLICE && (code = sqlite3_step(st)) == SQLITE_ROW) {
		l->at_id = sqlite3_column_int64(st, 0);
		if (!add_row(l, s, l->at_id, entries_of(st, &room)))
			break;
	}
	buf_free(&room);
	if (code == SQLITE_DONE)
		l->at_id = l->end_id;
	sqlite3_finalize(st);
	return code == SQLITE_DONE || code == SQLITE_ROW;
}

static bool run(struct alert_log *l, const char *sql, int64_t from, int64_t to,
		struct str entries)
{
	sqlite3_stmt *st = prepare(l, sql);
	struct buf packed = BUF(BUF_NO_LIMIT);
	bool ok;

	buf_add_packed(&packed, entries);
	sqlite3_bind_int64(st, 1, from);
	sqlite3_bind_int64(st, 2, to);
	sqlite3_bind_blob64(st, 3, buf_text(&packed), packed.n, SQLITE_STATIC);
	ok = sqlite3_step(st) == SQLITE_DONE;
	sqlite3_finalize(st);
	buf_free(&packed);
	return ok;
}

/* What lives moves to the last of the rows, so that the order stays. */
static bool write_slice(struct alert_log *l, const struct slice *s)
{
	if (s->live.n == s->bytes && s->bytes >= s->rows * GOOD_ROW)
		return true;
	return run(l, "DELETE FROM alert_log WHERE id BETWEEN ? AND ?", s->first_id,
		   s->last_id, STR("")) &&
	       (!s->live.n ||
		run(l, "INSERT INTO alert_log (id, entries, is_packed) VALUES (?2, ?3, 1)",
		    s->first_id, s->last_id, buf_str(&s->live)));
}

bool alert_log_tidy(struct alert_log *l)
{
	struct slice s = {.live = BUF(BUF_NO_LIMIT)};
	bool ok = l->end_id || begin(l);

	ok = ok && read_slice(l, &s) && (!s.rows || write_slice(l, &s));
	l->kept += s.live.n;
	buf_free(&s.live);
	if (ok && l->at_id >= l->end_id) {
		l->live = l->kept;
		alert_log_forget(l);
	}
	return ok;
}
