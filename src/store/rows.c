#include "base/base.h"
#include "store/store.h"
#include "store/journal.h"
#include "store/rows.h"
#include "text/json.h"

#include <stdio.h>
#include <string.h>

/* -- rows ----------------------------------------------------------------------------- */

#define TEXT_CELL(t)  ((struct cell){.kind = CELL_TEXT, .s = str_of(t)})
#define STR_CELL(str) ((struct cell){.kind = CELL_TEXT, .s = (str)})
#define INT_CELL(v)   ((struct cell){.kind = CELL_INT, .i = (int64_t)(v)})

/* Text that exists only while a row is made. */
struct texts {
	struct arena mem;
};

static struct cell labels_cell(struct texts *t, const struct labels *set)
{
	struct buf b = BUF(BUF_NO_LIMIT);
	struct cell c;

	buf_add_labels_json(&b, set ? set : &labels_none);
	c = STR_CELL(buf_keep(&b, &t->mem));
	buf_free(&b);
	return c;
}

static struct cell matchers_cell(struct texts *t, const struct matchers *m)
{
	struct buf b = BUF(BUF_NO_LIMIT);
	struct cell c;

	buf_add_matchers(&b, m);
	c = STR_CELL(buf_keep(&b, &t->mem));
	buf_free(&b);
	return c;
}

static struct cell hashes_cell(const uint64_t *v, size_t n)
{
	return (struct cell){.kind = CELL_BLOB, .s = {(const char *)v, n * sizeof(*v)}};
}

static struct cell pairs_cell(struct texts *t, const struct text_pair *v, size_t n)
{
	struct buf b = BUF(BUF_NO_LIMIT);
	struct cell c;

	buf_add_char(&b, '{');
	for (size_t i = 0; i < n; i++) {
		if (i)
			buf_add_char(&b, ',');
		buf_add_json(&b, str_of(v[i].name));
		buf_add_char(&b, ':');
		buf_add_json(&b, str_of(v[i].text));
	}
	buf_add_char(&b, '}');
	c = STR_CELL(buf_keep(&b, &t->mem));
	buf_free(&b);
	return c;
}

void store_save_silence(struct store *s, const struct silence *i)
{
	struct texts t = {0};
	const struct cell cells[] = {
		TEXT_CELL(i->id),
		matchers_cell(&t, &i->matchers),
		INT_CELL(instant_ms(i->starts_at)),
		INT_CELL(instant_ms(i->ends_at)),
		INT_CELL(instant_ms(i->updated_at)),
		TEXT_CELL(i->created_by),
		TEXT_CELL(i->comment),
		labels_cell(&t, i->annotations),
	};

	store_queue(s, SAVE_SILENCE, cells, COUNT_OF(cells));
	arena_free(&t.mem);
}

static void forget(struct store *s, enum statement what, const char *key)
{
	const struct cell cell = TEXT_CELL(key);

	store_queue(s, what, &cell, 1);
}

void store_forget_silence(struct store *s, const char *id)
{
	forget(s, FORGET_SILENCE, id);
}

void store_save_told(struct store *s, const struct told *i)
{
	struct texts t = {0};
	const struct cell cells[] = {
		INT_CELL(i->number),
		TEXT_CELL(i->group_key),
		TEXT_CELL(i->receiver),
		TEXT_CELL(i->integration),
		INT_CELL(i->index),
		INT_CELL(i->at),
		INT_CELL(i->expires_at),
		hashes_cell(i->firing, i->n_firing),
		hashes_cell(i->resolved, i->n_resolved),
		pairs_cell(&t, i->memory, i->n_memory),
		hashes_cell(i->maybe, i->n_maybe),
	};

	store_queue(s, SAVE_TOLD, cells, COUNT_OF(cells));
	arena_free(&t.mem);
}

void store_forget_told(struct store *s, uint64_t number)
{
	const struct cell cell = INT_CELL(number);

	store_queue(s, FORGET_TOLD, &cell, 1);
}

void store_save_rule_alert(struct store *s, const char *key, const struct rule_alert *i)
{
	struct texts t = {0};
	const struct cell cells[] = {
		TEXT_CELL(key),
		TEXT_CELL(i->file),
		TEXT_CELL(i->group),
		TEXT_CELL(i->rule),
		labels_cell(&t, i->rule_labels),
		labels_cell(&t, i->labels),
		labels_cell(&t, i->annotations),
		TEXT_CELL(alert_state_text(i->state)),
		{.kind = CELL_REAL, .d = i->value},
		INT_CELL(i->active_at),
		INT_CELL(i->fired_at),
		INT_CELL(i->resolved_at),
		INT_CELL(i->last_sent_at),
		INT_CELL(i->valid_until),
		INT_CELL(i->keep_firing_since),
		INT_CELL(i->interval),
	};

	store_queue(s, SAVE_RULE_ALERT, cells, COUNT_OF(cells));
	arena_free(&t.mem);
}

void store_forget_rule_alert(struct store *s, const char *key)
{
	forget(s, FORGET_RULE_ALERT, key);
}

void store_save_rule_file(struct store *s, const char *path, struct str text)
{
	const struct cell cells[] = {TEXT_CELL(path), STR_CELL(text)};

	store_queue(s, SAVE_RULE_FILE, cells, COUNT_OF(cells));
}

void store_forget_rule_file(struct store *s, const char *path)
{
	forget(s, FORGET_RULE_FILE, path);
}

static struct cell text_or_null(const char *text)
{
	return text ? TEXT_CELL(text) : (struct cell){.kind = CELL_NULL};
}

void store_save_open(struct store *s, const struct open_delivery *o)
{
	const struct cell cells[] = {
		TEXT_CELL(o->id),
		INT_CELL(o->at),
		TEXT_CELL(o->group_key),
		TEXT_CELL(o->receiver),
		TEXT_CELL(o->integration),
		INT_CELL(o->index),
		hashes_cell(o->firing, o->n_firing),
		hashes_cell(o->resolved, o->n_resolved),
	};

	store_queue(s, SAVE_OPEN, cells, COUNT_OF(cells));
}

void store_forget_open(struct store *s, const char *id)
{
	forget(s, FORGET_OPEN, id);
}

void store_record(struct store *s, const struct record *r)
{
	struct arena mem = {0};
	struct buf data = BUF(BUF_NO_LIMIT);

	buf_add_record(&data, r);
	{
		const struct cell cells[] = {
			INT_CELL(r->at),
			TEXT_CELL(record_kind_text(r->kind)),
			TEXT_CELL(reason_name(r->reason)),
			text_or_null(r->group_key),
			text_or_null(r->receiver),
			text_or_null(r->integration ? arena_printf(&mem, "%s[%zu]",
								   r->integration, r->index)
						    : NULL),
			text_or_null(r->delivery),
			STR_CELL(buf_str(&data)),
		};

		store_set_now(s, r->at);
		store_queue(s, ADD_RECORD, cells, COUNT_OF(cells));
	}
	buf_free(&data);
	arena_free(&mem);
}

/* -- reading back, before the writer has anything to do ------------------------------- */

struct row {
	sqlite3_stmt *st;
	struct arena *mem;
	const char *why; /* the first thing that could not be read */
};

static struct str column(struct row *r, int i)
{
	const char *p = (const char *)sqlite3_column_blob(r->st, i);

	return (struct str){p ? p : "", (size_t)sqlite3_column_bytes(r->st, i)};
}

static const char *text_column(struct row *r, int i)
{
	return arena_copy(r->mem, column(r, i));
}

static void read_hashes(struct row *r, int i, const uint64_t **v, size_t *n)
{
	struct str s = column(r, i);
	uint64_t *copy = ARENA_ARRAY(r->mem, uint64_t, s.n / sizeof(*copy));

	*n = s.n / sizeof(*copy);
	if (*n)
		memcpy(copy, s.p, *n * sizeof(*copy));
	*v = copy;
}

static struct instant instant_column(struct row *r, int i)
{
	struct instant t = INSTANT_ZERO;

	if (!instant_parse(column(r, i), &t))
		r->why = "a time cannot be read";
	return t;
}

static struct instant ms_column(struct row *r, int i)
{
	return instant_of_ms(sqlite3_column_int64(r->st, i));
}

static const struct labels *labels_column(struct row *r, int i)
{
	struct str text = column(r, i);
	const struct labels *set = str_is(text, "{}") ? &labels_none
						      : labels_of_json(r->mem, text);

	if (!set)
		r->why = "labels cannot be read";
	return set ? set : &labels_none;
}

static void read_pairs(struct row *r, int i, const struct text_pair **v, size_t *n)
{
	const struct labels *set = labels_column(r, i);
	struct text_pair *pairs = ARENA_ARRAY(r->mem, struct text_pair, set->n);

	for (size_t k = 0; k < set->n; k++)
		pairs[k] = (struct text_pair){.name = set->v[k].name,
					      .text = set->v[k].value};
	*v = pairs;
	*n = set->n;
}

static void give_silence(struct row *r, const struct store_visitor *to)
{
	struct silence s = {
		.starts_at = ms_column(r, 2),
		.ends_at = ms_column(r, 3),
		.updated_at = ms_column(r, 4),
		.created_by = text_column(r, 5),
		.comment = text_column(r, 6),
		.annotations = labels_column(r, 7),
	};
	struct str id = column(r, 0);
	struct err err;

	if (id.n >= sizeof(s.id))
		r->why = "its id is too long";
	else
		memcpy(s.id, id.p, id.n);
	if (!matchers_parse(r->mem, column(r, 1), NOWHERE, MATCHERS_UTF8, &s.matchers, NULL,
			    &err))
		r->why = arena_text(r->mem, err.text);
	if (!r->why)
		to->silence(to->ctx, &s);
}

static void give_told(struct row *r, const struct store_visitor *to)
{
	struct told t = {
		.number = (uint64_t)sqlite3_column_int64(r->st, 0),
		.group_key = text_column(r, 1),
		.receiver = text_column(r, 2),
		.integration = text_column(r, 3),
		.index = (size_t)sqlite3_column_int64(r->st, 4),
		.at = sqlite3_column_int64(r->st, 5),
		.expires_at = sqlite3_column_int64(r->st, 6),
	};

	if (sqlite3_column_int64(r->st, 0) < 1)
		r->why = "its number is not positive";
	read_hashes(r, 7, &t.firing, &t.n_firing);
	read_hashes(r, 8, &t.resolved, &t.n_resolved);
	read_pairs(r, 9, &t.memory, &t.n_memory);
	read_hashes(r, 10, &t.maybe, &t.n_maybe);
	if (!r->why)
		to->told(to->ctx, &t);
}

static void give_alert(struct row *r, const struct store_visitor *to)
{
	struct alert a = {
		.labels = labels_column(r, 1),
		.annotations = labels_column(r, 2),
		.generator_url = text_column(r, 3),
		.starts_at = instant_column(r, 4),
		.ends_at = instant_column(r, 5),
		.updated_at = instant_column(r, 6),
		.timeout = sqlite3_column_int64(r->st, 7),
	};

	if (!a.labels->n)
		r->why = "it has no labels";
	if (!r->why)
		to->alert(to->ctx, &a);
}

static enum alert_state state_column(struct row *r, int i)
{
	for (enum alert_state s = ALERT_INACTIVE; s <= ALERT_FIRING; s++) {
		if (str_is(column(r, i), alert_state_text(s)))
			return s;
	}
	r->why = "its state cannot be read";
	return ALERT_INACTIVE;
}

static void give_rule_alert(struct row *r, const struct store_visitor *to)
{
	struct rule_alert a = {
		.file = text_column(r, 1),
		.group = text_column(r, 2),
		.rule = text_column(r, 3),
		.rule_labels = labels_column(r, 4),
		.labels = labels_column(r, 5),
		.annotations = labels_column(r, 6),
		.state = state_column(r, 7),
		.value = sqlite3_column_double(r->st, 8),
		.active_at = sqlite3_column_int64(r->st, 9),
		.fired_at = sqlite3_column_int64(r->st, 10),
		.resolved_at = sqlite3_column_int64(r->st, 11),
		.last_sent_at = sqlite3_column_int64(r->st, 12),
		.valid_until = sqlite3_column_int64(r->st, 13),
		.keep_firing_since = sqlite3_column_int64(r->st, 14),
		.interval = sqlite3_column_int64(r->st, 15),
	};

	if (!r->why)
		to->rule_alert(to->ctx, &a);
}

static void give_rule_file(struct row *r, const struct store_visitor *to)
{
	to->rule_file(to->ctx, text_column(r, 0), text_column(r, 1));
}

static void give_open(struct row *r, const struct store_visitor *to)
{
	struct open_delivery o = {
		.id = text_column(r, 0),
		.at = sqlite3_column_int64(r->st, 1),
		.group_key = text_column(r, 2),
		.receiver = text_column(r, 3),
		.integration = text_column(r, 4),
		.index = (size_t)sqlite3_column_int64(r->st, 5),
	};

	read_hashes(r, 6, &o.firing, &o.n_firing);
	read_hashes(r, 7, &o.resolved, &o.n_resolved);
	if (to->open)
		to->open(to->ctx, &o);
}

static bool load_table(struct store *s, const char *table, const char *order,
		       void (*give)(struct row *, const struct store_visitor *),
		       const struct store_visitor *to, struct err *err)
{
	struct arena mem = {0};
	sqlite3_stmt *st = NULL;
	char sql[128];
	int code;

	snprintf(sql, sizeof(sql), "SELECT * FROM %s ORDER BY %s", table, order);
	if (sqlite3_prepare_v2(store_db(s), sql, -1, &st, NULL) != SQLITE_OK)
		return err_set(err, NOWHERE, "%s: %s", table, sqlite3_errmsg(store_db(s)));
	while ((code = sqlite3_step(st)) == SQLITE_ROW) {
		struct row r = {st, &mem, NULL};

		give(&r, to);
		if (r.why)
			to->broken(to->ctx, table, text_column(&r, 0), r.why);
		arena_reset(&mem);
	}
	if (code != SQLITE_DONE)
		err_set(err, NOWHERE, "%s: %s", table, sqlite3_errmsg(store_db(s)));
	sqlite3_finalize(st);
	arena_free(&mem);
	return code == SQLITE_DONE;
}

static bool load_silences(struct store *s, const struct store_visitor *to, struct err *err)
{
	return load_table(s, "silences", "updated_at, id", give_silence, to, err);
}

static bool load_told(struct store *s, const struct store_visitor *to, struct err *err)
{
	return load_table(s, "told", "number", give_told, to, err);
}

static bool load_rule_alerts(struct store *s, const struct store_visitor *to,
			     struct err *err)
{
	return load_table(s, "rule_alerts", "key", give_rule_alert, to, err);
}

static bool load_rule_files(struct store *s, const struct store_visitor *to,
			    struct err *err)
{
	return load_table(s, "rule_files", "path", give_rule_file, to, err);
}

/* Alerts that an older version kept row by row go on in the log. */
struct takeover {
	struct store *store;
	const struct store_visitor *to;
	size_t n;
};

static void take_over(void *arg, const struct alert *a)
{
	struct takeover *t = arg;

	t->n++;
	store_save_alert(t->store, a, false);
	t->to->alert(t->to->ctx, a);
}

static void note_broken(void *arg, const char *table, const char *key, const char *why)
{
	struct takeover *t = arg;

	t->to->broken(t->to->ctx, table, key, why);
}

static bool take_over_alerts(struct store *s, const struct store_visitor *to,
			     struct err *err)
{
	struct takeover t = {s, to, 0};
	const struct store_visitor visitor = {
		.ctx = &t, .alert = take_over, .broken = note_broken};
	bool ok = load_table(s, "alerts", "updated_at, fingerprint", give_alert, &visitor,
			     err);

	if (ok && t.n)
		store_queue(s, FORGET_OLD_ALERTS, NULL, 0);
	return ok;
}

static bool load_alerts(struct store *s, const struct store_visitor *to, struct err *err)
{
	return alert_log_load(store_alert_log(s), to, err);
}

static bool load_open(struct store *s, const struct store_visitor *to, struct err *err)
{
	return load_table(s, "open_deliveries", "at, id", give_open, to, err);
}

bool store_load(struct store *s, const struct store_visitor *to, bool *is_damaged,
		struct err *err)
{
	static bool (*const tables[])(struct store *, const struct store_visitor *,
				      struct err *) = {
		load_silences,	  load_told,	   load_alerts, take_over_alerts,
		load_rule_alerts, load_rule_files, load_open,
	};
	bool ok = true;
	int code;

	*is_damaged = false;
	store_lock_db(s);
	for (size_t i = 0; i < COUNT_OF(tables); i++) { /* each as far as it can be read */
		if (tables[i](s, to, ok ? err : NULL))
			continue;
		ok = false;
		code = sqlite3_errcode(store_db(s));
		*is_damaged = *is_damaged || code == SQLITE_CORRUPT ||
			      code == SQLITE_NOTADB;
	}
	store_unlock_db(s);
	return ok;
}
