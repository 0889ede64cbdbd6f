#include "base/base.h"
#include "store/journal.h"
#include "base/vec.h"
#include "store/rows.h"
#include "text/float.h"
#include "text/json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* -- a record as JSON ----------------------------------------------------------------- */

/* Members of an object, with commas between them. */
static void name(struct buf *b, const char *name)
{
	char last = b->n ? b->p[b->n - 1] : '{';

	if (last != '{')
		buf_add_char(b, ',');
	buf_add_char(b, '"');
	buf_add_text(b, name);
	buf_add_text(b, "\":");
}

static void add_text(struct buf *b, const char *key, const char *text)
{
	if (!text)
		return;
	name(b, key);
	buf_add_json(b, str_of(text));
}

static void add_int(struct buf *b, const char *key, int64_t v)
{
	if (!v)
		return;
	name(b, key);
	buf_add_int(b, v);
}

static void add_value(struct buf *b, double v)
{
	name(b, "value");
	if (!isfinite(v))
		buf_add_char(b, '"');
	buf_add_float_value(b, v);
	if (!isfinite(v))
		buf_add_char(b, '"');
}

static void add_fingerprints(struct buf *b, const char *key, const uint64_t *v, size_t n)
{
	if (!n)
		return;
	name(b, key);
	for (size_t i = 0; i < n; i++) {
		buf_add_text(b, i ? ",\"" : "[\"");
		buf_add_fingerprint(b, v[i]);
		buf_add_char(b, '"');
	}
	buf_add_char(b, ']');
}

static void add_alert(struct buf *b, const struct record_alert *a, bool is_rule)
{
	buf_add_text(b, "{\"change\":\"");
	buf_add_text(b, alert_change_text(a->change));
	buf_add_text(b, "\",\"fingerprint\":\"");
	buf_add_fingerprint(b, a->fingerprint);
	buf_add_text(b, "\",\"labels\":");
	buf_add_labels_json(b, a->labels);
	add_int(b, "startsAt", a->starts_at);
	add_int(b, "endsAt", a->ends_at);
	if (is_rule)
		add_value(b, a->value);
	buf_add_char(b, '}');
}

static void add_alerts(struct buf *b, const struct record *r)
{
	if (!r->n_alerts)
		return;
	name(b, "alerts");
	for (size_t i = 0; i < r->n_alerts; i++) {
		buf_add_char(b, i ? ',' : '[');
		add_alert(b, &r->alerts[i], r->kind == RECORD_RULE);
	}
	buf_add_char(b, ']');
}

/* The begin of an object in a list. */
static void add_item(struct buf *b, size_t i, enum reason reason)
{
	buf_add_text(b, i ? ",{\"reason\":\"" : "[{\"reason\":\"");
	buf_add_text(b, reason_name(reason));
	buf_add_char(b, '"');
}

static void add_mutes(struct buf *b, const struct record *r)
{
	if (!r->n_mutes)
		return;
	name(b, "muted");
	for (size_t i = 0; i < r->n_mutes; i++) {
		const struct record_mute *m = &r->mutes[i];

		add_item(b, i, m->reason);
		add_text(b, "by", m->by);
		add_text(b, "rule", m->rule);
		if (m->source) {
			name(b, "source");
			buf_add_labels_json(b, m->source);
		}
		add_fingerprints(b, "alerts", m->alerts, m->n);
		buf_add_char(b, '}');
	}
	buf_add_char(b, ']');
}

static void add_decisions(struct buf *b, const struct record *r)
{
	if (!r->n_decisions)
		return;
	name(b, "decisions");
	for (size_t i = 0; i < r->n_decisions; i++) {
		const struct record_decision *d = &r->decisions[i];

		add_item(b, i, d->reason);
		add_text(b, "receiver", d->receiver);
		add_text(b, "integration", d->integration);
		add_int(b, "index", (int64_t)d->index);
		add_text(b, "delivery", d->delivery);
		add_int(b, "withoutEnded", d->without_ended);
		buf_add_char(b, '}');
	}
	buf_add_char(b, ']');
}

static void add_silence(struct buf *b, const struct silence *s)
{
	struct buf matchers = BUF(BUF_NO_LIMIT);

	if (!s)
		return;
	buf_add_matchers(&matchers, &s->matchers);
	add_text(b, "id", s->id);
	add_text(b, "matchers", buf_text(&matchers));
	add_text(b, "createdBy", s->created_by);
	add_text(b, "comment", s->comment);
	add_int(b, "startsAt", instant_ms(s->starts_at));
	add_int(b, "endsAt", instant_ms(s->ends_at));
	buf_free(&matchers);
}

void buf_add_record(struct buf *b, const struct record *r)
{
	size_t start = b->n;

	buf_add_char(b, '{');
	add_text(b, "change", r->change);
	add_silence(b, r->silence);
	add_text(b, "file", r->file);
	add_int(b, "line", r->line);
	add_text(b, "group", r->group);
	add_text(b, "rule", r->rule);
	add_text(b, "expr", r->expr);
	add_int(b, "for", r->hold);
	add_text(b, "hash", r->hash);
	add_text(b, "error", r->error);
	add_text(b, "from", r->from);
	add_text(b, "by", r->by);
	add_int(b, "attempt", r->attempt);
	add_int(b, "status", r->status);
	add_int(b, "took", r->took);
	add_int(b, "inDoubt", r->in_doubt);
	add_int(b, "toldFiring", (int64_t)r->told_firing);
	add_int(b, "toldResolved", (int64_t)r->told_resolved);
	add_int(b, "withoutEnded", r->without_ended);
	add_int(b, "jump", r->jump);
	add_alerts(b, r);
	add_fingerprints(b, "firing", r->firing, r->n_firing);
	add_fingerprints(b, "resolved", r->resolved, r->n_resolved);
	add_mutes(b, r);
	add_decisions(b, r);
	add_int(b, "next", r->next_at);
	add_int(b, "unchanged", (int64_t)r->unchanged);
	add_int(b, "unchangedAt", r->unchanged_at);
	buf_add_char(b, '}');
	ASSERT(b->n > start);
}

/* -- and back ------------------------------------------------------------------------- */

static const char *get_text(struct arena *mem, const json_t *o, const char *key)
{
	return arena_text(mem, json_string_value(json_object_get(o, key)));
}

static int64_t get_int(const json_t *o, const char *key)
{
	return (int64_t)json_integer_value(json_object_get(o, key));
}

static double get_value(const json_t *o)
{
	const json_t *v = json_object_get(o, "value");
	double d = json_number_value(v);

	if (json_is_string(v) && !str_double(str_of(json_string_value(v)), &d))
		d = 0;
	return d;
}

static const uint64_t *get_fingerprints(struct arena *mem, const json_t *o, const char *key,
					size_t *n)
{
	const json_t *list = json_object_get(o, key);
	uint64_t *v = ARENA_ARRAY(mem, uint64_t, json_array_size(list));

	*n = 0;
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *text = json_string_value(json_array_get(list, i));

		*n += fingerprint_parse(str_of(text), &v[*n]);
	}
	return v;
}

static void get_alerts(struct arena *mem, const json_t *o, struct record *r)
{
	const json_t *list = json_object_get(o, "alerts");
	struct record_alert *v = ARENA_ARRAY(mem, struct record_alert,
					     json_array_size(list));

	r->alerts = v;
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *one = json_array_get(list, i);
		struct record_alert a = {
			.labels = json_labels(mem, json_object_get(one, "labels")),
			.starts_at = get_int(one, "startsAt"),
			.ends_at = get_int(one, "endsAt"),
			.value = get_value(one),
		};

		if (!a.labels)
			continue;
		a.labels = labels_copy(mem, a.labels);
		if (fingerprint_parse(str_of(get_text(mem, one, "fingerprint")),
				      &a.fingerprint) &&
		    alert_change_parse(str_of(get_text(mem, one, "change")), &a.change))
			v[r->n_alerts++] = a;
	}
}

static void get_mutes(struct arena *mem, const json_t *o, struct record *r)
{
	const json_t *list = json_object_get(o, "muted");
	struct record_mute *v = ARENA_ARRAY(mem, struct record_mute, json_array_size(list));

	r->mutes = v;
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *one = json_array_get(list, i);
		struct record_mute m = {.by = get_text(mem, one, "by"),
					.rule = get_text(mem, one, "rule")};

		m.source = json_labels(mem, json_object_get(one, "source"));
		m.source = m.source ? labels_copy(mem, m.source) : NULL;
		m.alerts = get_fingerprints(mem, one, "alerts", &m.n);
		if (m.by && reason_parse(str_of(get_text(mem, one, "reason")), &m.reason))
			v[r->n_mutes++] = m;
	}
}

static void get_decisions(struct arena *mem, const json_t *o, struct record *r)
{
	const json_t *list = json_object_get(o, "decisions");
	struct record_decision *v = ARENA_ARRAY(mem, struct record_decision,
						json_array_size(list));

	r->decisions = v;
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *one = json_array_get(list, i);
		struct record_decision d = {
			.receiver = get_text(mem, one, "receiver"),
			.integration = get_text(mem, one, "integration"),
			.index = (size_t)get_int(one, "index"),
			.delivery = get_text(mem, one, "delivery"),
			.without_ended = get_int(one, "withoutEnded") != 0,
		};

		if (d.receiver &&
		    reason_parse(str_of(get_text(mem, one, "reason")), &d.reason))
			v[r->n_decisions++] = d;
	}
}

static const struct silence *get_silence(struct arena *mem, const json_t *o)
{
	struct silence *s = ARENA_NEW(mem, struct silence);
	const char *id = get_text(mem, o, "id"), *matchers = get_text(mem, o, "matchers");

	if (!id || strlen(id) >= sizeof(s->id) ||
	    !matchers_parse(mem, str_of(matchers), NOWHERE, MATCHERS_UTF8, &s->matchers,
			    NULL, NULL))
		return NULL;
	strcpy(s->id, id);
	s->created_by = get_text(mem, o, "createdBy");
	s->comment = get_text(mem, o, "comment");
	s->created_by = s->created_by ? s->created_by : "";
	s->comment = s->comment ? s->comment : "";
	s->starts_at = instant_of_ms(get_int(o, "startsAt"));
	s->ends_at = instant_of_ms(get_int(o, "endsAt"));
	s->annotations = &labels_none;
	return s;
}

static void get_data(struct arena *mem, const json_t *o, struct record *r)
{
	r->change = get_text(mem, o, "change");
	r->file = get_text(mem, o, "file");
	r->line = (int)get_int(o, "line");
	r->group = get_text(mem, o, "group");
	r->rule = get_text(mem, o, "rule");
	r->expr = get_text(mem, o, "expr");
	r->hold = get_int(o, "for");
	r->hash = get_text(mem, o, "hash");
	r->error = get_text(mem, o, "error");
	r->from = get_text(mem, o, "from");
	r->by = get_text(mem, o, "by");
	r->attempt = (unsigned)get_int(o, "attempt");
	r->status = (int)get_int(o, "status");
	r->took = get_int(o, "took");
	r->in_doubt = get_int(o, "inDoubt") != 0;
	r->told_firing = (size_t)get_int(o, "toldFiring");
	r->told_resolved = (size_t)get_int(o, "toldResolved");
	r->without_ended = get_int(o, "withoutEnded") != 0;
	r->jump = get_int(o, "jump");
	r->firing = get_fingerprints(mem, o, "firing", &r->n_firing);
	r->resolved = get_fingerprints(mem, o, "resolved", &r->n_resolved);
	get_alerts(mem, o, r);
	get_mutes(mem, o, r);
	get_decisions(mem, o, r);
	r->next_at = get_int(o, "next");
	r->unchanged = (uint64_t)get_int(o, "unchanged");
	r->unchanged_at = get_int(o, "unchangedAt");
	if (r->kind == RECORD_SILENCE)
		r->silence = get_silence(mem, o);
}

/* -- reading -------------------------------------------------------------------------- */

struct journal {
	sqlite3 *db;
	struct timespec until; /* when patience ends */
	bool out_of_time;
};

/* Of the steady clock: nothing that is decided depends on it, only when to stop. */
static int on_progress(void *arg)
{
	struct journal *j = arg;
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	j->out_of_time = now.tv_sec > j->until.tv_sec ||
			 (now.tv_sec == j->until.tv_sec && now.tv_nsec >= j->until.tv_nsec);
	return j->out_of_time;
}

struct journal *journal_open(const char *folder, struct err *err)
{
	struct journal *j = mem_new(sizeof(*j));
	struct arena mem = {0};
	const char *path = arena_printf(&mem, "%s/" DATABASE, folder);
	int code = sqlite3_open_v2(path, &j->db, SQLITE_OPEN_READONLY, NULL);

	arena_free(&mem);
	if (code == SQLITE_OK) {
		sqlite3_busy_timeout(j->db, 1000);
		sqlite3_progress_handler(j->db, 1000, on_progress, j);
		return j;
	}
	err_set(err, NOWHERE, "the journal cannot be read: %s", sqlite3_errstr(code));
	journal_close(j);
	return NULL;
}

bool journal_found_damage(const struct journal *j)
{
	int code = sqlite3_errcode(j->db);

	return code == SQLITE_CORRUPT || code == SQLITE_NOTADB;
}

void journal_close(struct journal *j)
{
	if (!j)
		return;
	sqlite3_close(j->db);
	free(j);
}

static struct str column(sqlite3_stmt *st, int i)
{
	const char *p = (const char *)sqlite3_column_blob(st, i);

	return (struct str){p ? p : "", (size_t)sqlite3_column_bytes(st, i)};
}

static const char *text_or_null(struct arena *mem, sqlite3_stmt *st, int i)
{
	return sqlite3_column_type(st, i) == SQLITE_NULL ? NULL
							 : arena_copy(mem, column(st, i));
}

/* "webhook[0]" */
static void split_integration(struct arena *mem, struct str text, struct record *r)
{
	size_t at = str_find_char(text, '[');
	int64_t index = 0;

	if (!text.n)
		return;
	r->integration = arena_copy(mem, str_slice(text, 0, at));
	if (at != STR_NONE && text.p[text.n - 1] == ']' &&
	    str_int(str_slice(text, at + 1, text.n - at - 2), &index) && index >= 0)
		r->index = (size_t)index;
}

/* What read_row takes. */
#define COLUMNS "id, at, kind, reason, group_key, receiver, integration, data, delivery"

static bool read_row(struct arena *mem, sqlite3_stmt *st, struct journal_row *row)
{
	struct record *r = &row->record;
	json_t *data = json_read(column(st, 7), NULL);

	*row = (struct journal_row){.id = sqlite3_column_int64(st, 0)};
	if (!data || !record_kind_parse(column(st, 2), &r->kind) ||
	    !reason_parse(column(st, 3), &r->reason)) {
		json_decref(data);
		return false;
	}
	r->at = sqlite3_column_int64(st, 1);
	r->group_key = text_or_null(mem, st, 4);
	r->receiver = text_or_null(mem, st, 5);
	split_integration(mem, column(st, 6), r);
	r->delivery = text_or_null(mem, st, 8);
	get_data(mem, data, r);
	json_decref(data);
	return true;
}

/* The daemon's first start makes the first row; a journal that takes the place of a damaged
 * one begins with a row that says so. */
static bool is_first_ever(struct arena *mem, sqlite3_stmt *st)
{
	struct journal_row row;

	return read_row(mem, st, &row) && row.id == 1 && row.record.kind == RECORD_START &&
	       !record_begins_anew(&row.record);
}

bool journal_begins(struct journal *j, wall_ms *at, struct err *err)
{
	struct arena mem = {0};
	sqlite3_stmt *st = NULL;
	int code = sqlite3_prepare_v2(j->db,
				      "SELECT " COLUMNS " FROM journal ORDER BY id LIMIT 1",
				      -1, &st, NULL);

	*at = 0;
	if (code == SQLITE_OK)
		code = sqlite3_step(st);
	if (code == SQLITE_DONE)
		*at = NEVER;
	if (code == SQLITE_ROW && !is_first_ever(&mem, st))
		*at = sqlite3_column_int64(st, 1);
	sqlite3_finalize(st);
	arena_free(&mem);
	return code == SQLITE_ROW || code == SQLITE_DONE ||
	       err_set(err, NOWHERE, "the journal cannot be read: %s",
		       sqlite3_errstr(code));
}

static void add_kinds(struct buf *b, const char *op, unsigned kinds)
{
	const char *comma = "";

	buf_addf(b, "kind%s", op);
	for (int i = 0; i < RECORD_KINDS; i++) {
		if (!(kinds & JOURNAL_KIND(i)))
			continue;
		buf_addf(b, "%s'%s'", comma, record_kind_text((enum record_kind)i));
		comma = ",";
	}
	buf_add_char(b, ')');
}

/* Rows are walked by id from the newest on, so that reading may stop when it has enough:
 * by the index on at, all of them would be sorted first. The index only tells where to
 * begin, also when the clock was set back on the way. */
const char *journal_sql(struct arena *mem, const struct journal_query *q)
{
	struct buf b = BUF(BUF_NO_LIMIT);
	const char *sql;

	buf_add_text(&b, "SELECT " COLUMNS " FROM journal WHERE +at BETWEEN ?1 AND ?2");
	if (q->from)
		buf_add_text(&b, " AND id >= (SELECT min(id) FROM journal WHERE at >= ?1)");
	if (q->kinds) {
		buf_add_text(&b, " AND ");
		add_kinds(&b, " IN (", q->kinds);
	}
	buf_addf(&b, "%s%s", q->receiver ? " AND receiver = ?" : "",
		 q->delivery ? " AND delivery = ?" : "");
	if (q->n_any) {
		buf_add_text(&b, " AND (");
		if (q->any_of) {
			add_kinds(&b, " NOT IN (", q->any_of);
			buf_add_text(&b, " OR ");
		}
	}
	for (size_t i = 0; i < q->n_any; i++)
		buf_add_text(&b, i ? " OR instr(data, ?)" : "instr(data, ?)");
	buf_add_text(&b, q->n_any ? ") ORDER BY id DESC" : " ORDER BY id DESC");
	sql = buf_keep(&b, mem).p;
	buf_free(&b);
	return sql;
}

static void bind_all(sqlite3_stmt *st, const struct journal_query *q)
{
	int at = 1;

	sqlite3_bind_int64(st, at++, q->from);
	sqlite3_bind_int64(st, at++, q->to);
	if (q->receiver)
		sqlite3_bind_text(st, at++, q->receiver, -1, SQLITE_STATIC);
	if (q->delivery)
		sqlite3_bind_text(st, at++, q->delivery, -1, SQLITE_STATIC);
	for (size_t i = 0; i < q->n_any; i++)
		sqlite3_bind_text(st, at++, q->any[i], -1, SQLITE_STATIC);
}

static void set_patience(struct journal *j, span_ms patience)
{
	clock_gettime(CLOCK_MONOTONIC, &j->until);
	j->until.tv_sec += patience / 1000;
	j->until.tv_nsec += patience % 1000 * 1000000;
	if (j->until.tv_nsec >= 1000000000) {
		j->until.tv_sec++;
		j->until.tv_nsec -= 1000000000;
	}
	j->out_of_time = false;
}

static void turn_around(struct journal_rows *rows)
{
	for (size_t i = 0; i < rows->n / 2; i++) {
		struct journal_row other = rows->v[i];

		rows->v[i] = rows->v[rows->n - 1 - i];
		rows->v[rows->n - 1 - i] = other;
	}
}

/* Only what is wanted stays in memory. */
static bool is_row_wanted(const struct journal_query *q, sqlite3_stmt *st,
			  struct arena *scratch)
{
	struct journal_row row;

	return !q->wants || (read_row(scratch, st, &row) && q->wants(q->ctx, &row.record));
}

bool journal_read(struct journal *j, const struct journal_query *q, struct arena *mem,
		  struct journal_rows *out, struct err *err)
{
	size_t most = q->most ? q->most : 1000, bytes = 0;
	VEC(struct journal_row) list = {0};
	sqlite3_stmt *st = NULL;
	struct arena scratch = {0};
	struct journal_row row;
	int code;

	*out = (struct journal_rows){.read_to = q->from};
	set_patience(j, q->patience ? q->patience : 2 * SECOND);
	if (sqlite3_prepare_v2(j->db, journal_sql(mem, q), -1, &st, NULL) != SQLITE_OK)
		return err_set(err, NOWHERE, "the journal cannot be read: %s",
			       sqlite3_errmsg(j->db));
	bind_all(st, q);
	while ((code = sqlite3_step(st)) == SQLITE_ROW && list.n < most &&
	       bytes < JOURNAL_MOST_BYTES && !(q->enough && *q->enough)) {
		if (is_row_wanted(q, st, &scratch) && read_row(mem, st, &row)) {
			vec_push_in(mem, &list, row);
			bytes += (size_t)sqlite3_column_bytes(st, 7);
		}
		arena_reset(&scratch);
		out->read_to = sqlite3_column_int64(st, 1);
		if (on_progress(j)) {
			code = SQLITE_INTERRUPT;
			break;
		}
	}
	sqlite3_finalize(st);
	arena_free(&scratch);
	out->is_cut = code == SQLITE_ROW || code == SQLITE_INTERRUPT;
	if (code == SQLITE_DONE)
		out->read_to = q->from;
	out->v = list.v;
	out->n = list.n;
	turn_around(out);
	return code == SQLITE_DONE || out->is_cut ||
	       err_set(err, NOWHERE, "the journal cannot be read: %s",
		       sqlite3_errstr(code));
}
