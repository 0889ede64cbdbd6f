#include "base/base.h"
#include "api/journal.h"
#include "engine/why.h"

#include <stdlib.h>
#include <string.h>

/* GET /api/v1/history: what the journal has of alerts, notifications, silences and changes
 * of the configuration, oldest first; ?filter= ?start= ?end= ?receiver= ?kind= ?limit=.
 *
 * It is read once, newest first, until there is enough. Which alerts a notification is
 * about only the flush before it says: attempts are kept until that is met. */

#define DEFAULT_LIMIT	 200
#define MOST_LIMIT	 5000
#define MOST_ALERTS	 10000	       /* that a filter may find */
#define MOST_NAMED	 100	       /* of them that rows are searched for by name */
#define MOST_OPEN	 20000	       /* attempts whose flush was not met yet */
#define MOST_AT_ONCE	 (1024 * 1024) /* bytes that leave at once, not piece by piece */
#define MOST_ENTRIES	 20000	       /* in one answer: a row may have a thousand alerts */
#define MOST_BYTES	 ((size_t)16 * 1024 * 1024) /* of entries, or one row's */
#define LONGEST_DELIVERY DAY	/* that a flush is looked for before its attempts */
#define LOOK_PATIENCE	 (1200) /* ms, for which alerts the filter means */

static const struct {
	const char *name;
	unsigned kinds;
} words[] = {
	{"alert", JOURNAL_KIND(RECORD_ALERTS) | JOURNAL_KIND(RECORD_RULE)},
	{"notification", JOURNAL_KIND(RECORD_ATTEMPT)},
	{"flush", JOURNAL_KIND(RECORD_FLUSH)},
	{"silence", JOURNAL_KIND(RECORD_SILENCE)},
	{"config", JOURNAL_KIND(RECORD_CONFIG) | JOURNAL_KIND(RECORD_FILE)},
	{"daemon", JOURNAL_KIND(RECORD_START) | JOURNAL_KIND(RECORD_STOP) |
			   JOURNAL_KIND(RECORD_CLOCK)},
};
#define ALL_KINDS                                                                          \
	(JOURNAL_KIND(RECORD_ALERTS) | JOURNAL_KIND(RECORD_RULE) |                         \
	 JOURNAL_KIND(RECORD_ATTEMPT) | JOURNAL_KIND(RECORD_SILENCE) |                     \
	 JOURNAL_KIND(RECORD_CONFIG) | JOURNAL_KIND(RECORD_FILE) |                         \
	 JOURNAL_KIND(RECORD_START) | JOURNAL_KIND(RECORD_STOP) |                          \
	 JOURNAL_KIND(RECORD_CLOCK))
#define OF_ALERTS                                                                          \
	(JOURNAL_KIND(RECORD_ALERTS) | JOURNAL_KIND(RECORD_RULE) |                         \
	 JOURNAL_KIND(RECORD_ATTEMPT) | JOURNAL_KIND(RECORD_FLUSH) |                       \
	 JOURNAL_KIND(RECORD_SILENCE))
#define BY_DEFAULT_OF_ALERTS (OF_ALERTS & ALL_KINDS & ~JOURNAL_KIND(RECORD_SILENCE))

struct past {
	struct matchers filter;
	const struct matcher *exact; /* an equality to search texts by; or NULL */
	const struct labels *wanted; /* what the filter's equalities make */
	const char *receiver;
	unsigned kinds;
	size_t limit;
	struct journal_rows rows;
	/* the alerts that the filter means: const struct labels by fingerprint */
	struct arena *mem;
	struct map alerts;
	bool is_full;
	/* of the reading under way */
	struct map open;       /* attempts whose flush was not met: struct open by id */
	struct map wanted_ids; /* of notifications about such alerts */
	size_t n_wanted;
	bool has_enough;
	size_t n_unmet;
	struct buf page; /* the answer, made on the worker */
	size_t n_entries, sent;
};
struct open {
	const char *id;
	size_t n;
	bool is_met; /* its flush */
};

/* -- which alerts are meant ----------------------------------------------------------- */

static void note_alert(struct past *p, uint64_t fingerprint, const struct labels *labels)
{
	uint64_t *key;

	if (map_find(&p->alerts, map_key_u64(&fingerprint)))
		return;
	p->is_full = p->is_full || p->alerts.n == MOST_ALERTS;
	if (p->is_full)
		return;
	key = ARENA_NEW(p->mem, uint64_t);
	*key = fingerprint;
	map_put(&p->alerts, map_key_u64(key), (void *)(uintptr_t)labels);
}

static bool note_alerts(void *ctx, const struct record *r)
{
	struct past *p = ctx;

	for (size_t i = 0; i < r->n_alerts; i++) {
		const struct record_alert *a = &r->alerts[i];

		if (matchers_hold(&p->filter, a->labels) &&
		    !map_find(&p->alerts, map_key_u64(&a->fingerprint)))
			note_alert(p, a->fingerprint, labels_copy(p->mem, a->labels));
	}
	return false;
}

/* What an alert would have to have that the filter means, as far as it says so. */
static const struct labels *wanted_labels(struct past *p)
{
	struct label *v = ARENA_ARRAY(p->mem, struct label, p->filter.n);
	size_t n = 0;
	struct err err;

	for (size_t i = 0; i < p->filter.n; i++) {
		const struct matcher *m = &p->filter.v[i];

		if (m->op != MATCH_EQUAL || !m->value[0])
			continue;
		v[n++] = (struct label){m->name, m->value};
		if (!p->exact || strlen(m->value) > strlen(p->exact->value))
			p->exact = m; /* the longest one is the rarest */
	}
	return labels_new(p->mem, v, n, &err);
}

/* On the loop, before: those that are there now may have come long ago. */
static void find_now(struct reading *d, struct past *p)
{
	const struct api_host *host = &d->r->api->options.host;
	struct engine *e = host->engine(host->ctx);
	uint64_t *v;
	size_t n;

	if (!p->filter.n)
		return;
	p->mem = &d->mem;
	p->wanted = wanted_labels(p);
	v = view_fingerprints(e, d->now, &p->filter, &d->mem, &n);
	for (size_t i = 0; i < MIN(n, MOST_ALERTS); i++)
		note_alert(p, v[i], labels_copy(p->mem, why_labels(e, v[i], p->mem)));
}

/* On the worker: those that were there. They have a row of their end, at least. */
static bool find_then(struct reading *d, struct past *p, struct journal_rows *seen)
{
	struct buf text = BUF(BUF_NO_LIMIT);
	const char *any;
	struct journal_query q = {
		.to = NEVER,
		.kinds = JOURNAL_KIND(RECORD_ALERTS) | JOURNAL_KIND(RECORD_RULE),
		.any = &any,
		.n_any = p->exact ? 1 : 0,
		.wants = note_alerts,
		.ctx = p,
		.patience = LOOK_PATIENCE,
	};
	bool ok;

	if (p->exact)
		buf_add_json(&text, str_of(p->exact->value));
	any = buf_text(&text);
	ok = reading_rows(d, &q, seen);
	buf_free(&text);
	return ok;
}

/* -- row by row ----------------------------------------------------------------------- */

static bool has_any(const struct past *p, const uint64_t *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (map_find(&p->alerts, map_key_u64(&v[i])))
			return true;
	}
	return false;
}

static bool names_any(const struct past *p, const struct record *r)
{
	return has_any(p, r->firing, r->n_firing) || has_any(p, r->resolved, r->n_resolved);
}

static bool take(struct past *p)
{
	p->n_wanted++;
	p->has_enough = p->n_wanted >= p->limit;
	return true;
}

static void meet(struct past *p, const char *id)
{
	struct open *o = id ? map_find(&p->open, str_of(id)) : NULL;

	if (!o || o->is_met)
		return;
	o->is_met = true;
	p->n_unmet--;
}

static void want_id(struct past *p, const char *id)
{
	struct open *o = id ? map_find(&p->open, str_of(id)) : NULL;

	if (!id || map_find(&p->wanted_ids, str_of(id)))
		return;
	id = arena_text(p->mem, id);
	map_put(&p->wanted_ids, str_of(id), p);
	for (size_t i = 0; o && i < o->n; i++)
		take(p);
}

/* A flush, or the sending of a fallback, tells what the attempts after it are about. */
static void want_ids(struct past *p, const struct record *r)
{
	if (r->n_firing || r->n_resolved)
		meet(p, r->delivery);
	for (size_t i = 0; i < r->n_decisions; i++)
		meet(p, r->decisions[i].delivery);
	if (!names_any(p, r))
		return;
	want_id(p, r->delivery);
	for (size_t i = 0; i < r->n_decisions; i++)
		want_id(p, r->decisions[i].delivery);
}

static bool keep_open(struct past *p, const char *id)
{
	struct open *o = id ? map_find(&p->open, str_of(id)) : NULL;

	if (!id || (!o && p->open.n >= MOST_OPEN))
		return false;
	if (!o) {
		o = ARENA_NEW(p->mem, struct open);
		o->id = arena_text(p->mem, id);
		map_put(&p->open, str_of(o->id), o);
		p->n_unmet++;
	}
	o->n++;
	return true;
}

static bool mutes_any(const struct past *p, const struct silence *s)
{
	const struct labels *labels;

	if (!s)
		return false;
	if (p->wanted && matchers_hold(&s->matchers, p->wanted))
		return true;
	for (size_t at = 0; (labels = map_next(&p->alerts, &at));) {
		if (matchers_hold(&s->matchers, labels))
			return true;
	}
	return false;
}

static bool has_alert(const struct past *p, const struct record *r)
{
	for (size_t i = 0; i < r->n_alerts; i++) {
		if (matchers_hold(&p->filter, r->alerts[i].labels))
			return true;
	}
	return false;
}

static bool is_wanted(void *ctx, const struct record *r)
{
	struct past *p = ctx;

	if (!p->filter.n)
		return take(p);
	switch ((int)r->kind) {
	case RECORD_ALERTS:
	case RECORD_RULE:
		return has_alert(p, r) && take(p);
	case RECORD_SENDING:
		want_ids(p, r);
		return false;
	case RECORD_FLUSH:
		want_ids(p, r);
		return p->kinds & JOURNAL_KIND(RECORD_FLUSH) && names_any(p, r) && take(p);
	case RECORD_ATTEMPT:
		return names_any(p, r) ? take(p) : keep_open(p, r->delivery);
	case RECORD_SILENCE:
		return mutes_any(p, r->silence) && take(p);
	default:
		return false;
	}
}

/* -- entries, as JSON ----------------------------------------------------------------- */

static void add_alert(struct buf *b, const struct record *r, const struct record_alert *a)
{
	put_str(b, "change", alert_change_text(a->change));
	put_hash(b, "fingerprint", a->fingerprint);
	put_set(b, "labels", a->labels);
	put_at(b, "startsAt", a->starts_at);
	put_at(b, "endsAt", a->ends_at);
	put_str(b, "from", r->from);
	put_str(b, "user", r->by);
	put_str(b, "error", r->error);
	if (r->reason)
		put_str(b, "reason", reason_name(r->reason));
	if (r->kind != RECORD_RULE)
		return;
	put_str(b, "rule", r->rule);
	put_str(b, "file", r->file);
	put_int(b, "line", r->line);
	put_value(b, "value", a->value);
}

static void add_rest(struct buf *b, const struct record *r)
{
	put_integration(b, r->receiver, r->integration, r->index);
	put_str(b, "groupKey", r->group_key);
	put_str(b, "notification", r->delivery);
	if (r->reason)
		put_str(b, "reason", reason_name(r->reason));
	if (r->kind == RECORD_ATTEMPT) {
		put_int(b, "attempt", r->attempt);
		put_int(b, "status", r->status);
		put_int(b, "tookMs", r->took);
		put_int(b, "firing", (int64_t)r->told_firing);
		put_int(b, "resolved", (int64_t)r->told_resolved);
	}
	if (r->kind == RECORD_FLUSH) {
		put_int(b, "firing", (int64_t)r->n_firing);
		put_int(b, "resolved", (int64_t)r->n_resolved);
		put_int(b, "unchangedBefore", (int64_t)r->unchanged);
	}
	put_str(b, "change", r->change);
	if (r->silence) {
		put_str(b, "silence", r->silence->id);
		put_str(b, "createdBy", r->silence->created_by);
		put_str(b, "comment", r->silence->comment);
		put_at(b, "endsAt", instant_ms(r->silence->ends_at));
	}
	put_str(b, "file", r->file);
	put_str(b, "rule", r->rule);
	put_str(b, "hash", r->hash);
	put_str(b, "error", r->error);
	put_str(b, "from", r->from);
	put_str(b, "user", r->by);
	if (r->jump)
		put_int(b, "jumpMs", r->jump);
}

static const char *kind_word(const struct record *r)
{
	for (size_t i = 0; i < COUNT_OF(words); i++) {
		if (words[i].kinds & JOURNAL_KIND(r->kind))
			return words[i].name;
	}
	return record_kind_text(r->kind);
}

/* What it does: who it is its labels say. */
static const char *alert_words(struct reading *d, const struct record *r,
			       const struct record_alert *a)
{
	static const char *const what[CHANGES] = {
		[CHANGE_NEW] = "fires",
		[CHANGE_FIRING] = "fires again",
		[CHANGE_RESOLVED] = "is over",
		[CHANGE_DROPPED] = "is dropped",
		[CHANGE_RULE_PENDING] = "is pending in its rule",
		[CHANGE_RULE_FIRING] = "fires in its rule",
		[CHANGE_RULE_RESOLVED] = "is over in its rule",
		[CHANGE_RULE_DROPPED] = "is no longer pending in its rule",
	};
	const char *text = what[a->change], *cause = "";

	if (r->reason)
		cause = arena_printf(&d->mem, ", because %s", reason_text(r->reason));
	if (r->kind == RECORD_RULE)
		return arena_printf(&d->mem, "%s %s:%d, value %g%s", text, r->file, r->line,
				    a->value, cause);
	if (r->error)
		text = arena_printf(&d->mem, "%s: %s", text, r->error);
	return arena_printf(&d->mem, "%s%s%s%s", text, cause, r->from ? ", posted by " : "",
			    r->from ? r->from : "");
}

static const char *who(struct reading *d, const struct record *r)
{
	return arena_printf(&d->mem, "%s%s%s%s", r->by ? ", by " : "", r->by ? r->by : "",
			    r->from ? ", from " : "", r->from ? r->from : "");
}

/* What was done to a silence, or to a rule file. */
static const char *done(const char *change)
{
	static const char *const text[][2] = {
		{"create", "created"}, {"update", "updated"}, {"expire", "expired"},
		{"load", "loaded"},    {"refuse", "refused"},
	};

	for (size_t i = 0; change && i < COUNT_OF(text); i++) {
		if (!strcmp(change, text[i][0]))
			return text[i][1];
	}
	return change ? change : "changed";
}

/* Rows of older versions do not say of how many. */
static const char *told_words(struct reading *d, const struct record *r)
{
	size_t firing = r->told_firing ? r->told_firing : r->n_firing;
	size_t resolved = r->told_resolved ? r->told_resolved : r->n_resolved;

	if (!firing && !resolved)
		return "";
	return arena_printf(&d->mem, " (%zu firing, %zu resolved)", firing, resolved);
}

static const char *rest_words(struct reading *d, const struct record *r)
{
	const char *error = r->error ? arena_printf(&d->mem, ": %s", r->error) : "";

	switch ((int)r->kind) {
	case RECORD_RULE:
		return arena_printf(&d->mem, "%s:%d %s: %s%s", r->file, r->line, r->rule,
				    reason_text(r->reason), error);
	case RECORD_ATTEMPT:
		return arena_printf(&d->mem, "%s/%s[%zu] attempt %u: %s%s%s, group %s",
				    r->receiver, r->integration, r->index, r->attempt,
				    reason_text(r->reason), error, told_words(d, r),
				    r->group_key);
	case RECORD_FLUSH:
		return arena_printf(&d->mem, "%s: %zu firing, %zu resolved, group %s",
				    r->receiver, r->n_firing, r->n_resolved, r->group_key);
	case RECORD_SILENCE:
		if (!r->silence)
			return "";
		return arena_printf(&d->mem, "silence %s %s (\"%s\" of %s)%s",
				    r->silence->id, done(r->change), r->silence->comment,
				    r->silence->created_by, who(d, r));
	case RECORD_CONFIG:
		return arena_printf(&d->mem, "configuration %s%s%s",
				    r->error ? "refused" : "loaded", who(d, r), error);
	case RECORD_FILE:
		return arena_printf(&d->mem, "rule file %s %s%s", r->file, done(r->change),
				    error);
	case RECORD_CLOCK:
		return arena_printf(&d->mem, "the clock was set by %lld ms",
				    (long long)r->jump);
	default:
		if (record_begins_anew(r))
			return arena_printf(&d->mem,
					    "the journal was damaged and begins anew here: "
					    "what was before is not known%s",
					    error);
		return r->kind == RECORD_START ? "the daemon starts" : "the daemon stops";
	}
}

static void add_entry(struct reading *d, const struct journal_row *row,
		      const struct record_alert *a, struct buf *b)
{
	const struct record *r = &row->record;

	if (b->n)
		buf_add_char(b, ',');
	buf_add_char(b, '{');
	put_int(b, "row", row->id);
	put_at(b, "at", r->at);
	put_str(b, "kind", kind_word(r));
	if (a)
		add_alert(b, r, a);
	else
		add_rest(b, r);
	put_str(b, "text", a ? alert_words(d, r, a) : rest_words(d, r));
	buf_add_char(b, '}');
}

/* The number of them. */
static size_t add_entries(struct reading *d, const struct past *p,
			  const struct journal_row *row, struct buf *b)
{
	const struct record *r = &row->record;
	size_t n = 0;

	if (!r->n_alerts) {
		add_entry(d, row, NULL, b);
		return 1;
	}
	for (size_t k = 0; k < r->n_alerts; k++) {
		if (!matchers_hold(&p->filter, r->alerts[k].labels))
			continue;
		add_entry(d, row, &r->alerts[k], b);
		n++;
	}
	return n;
}

/* Rows in their order, of which the last have been made first. */
static void join_backwards(const struct buf *made, const size_t *ends, size_t n,
			   struct buf *out)
{
	while (n--) {
		size_t start = n ? ends[n - 1] : 0;

		if (ends[n] > start)
			put_comma(out);
		buf_add(out, made->p + start, ends[n] - start);
	}
}

/* Whole rows, the newest first, up to a ceiling; one at least. */
static void add_rows(struct reading *d, struct past *p, struct buf *b)
{
	struct buf made = BUF(BUF_NO_LIMIT), row = BUF(BUF_NO_LIMIT);
	size_t *ends = ARENA_ARRAY(&d->mem, size_t, p->rows.n);
	size_t n = 0, added;

	for (size_t i = p->rows.n; i--; n++) {
		row.n = 0;
		added = add_entries(d, p, &p->rows.v[i], &row);
		if (n &&
		    (p->n_entries + added > MOST_ENTRIES || made.n + row.n > MOST_BYTES)) {
			p->rows.is_cut = true;
			p->rows.read_to = p->rows.v[i + 1].record.at;
			break;
		}
		p->n_entries += added;
		buf_add(&made, row.p, row.n);
		ends[n] = made.n;
	}
	join_backwards(&made, ends, n, b);
	buf_free(&row);
	buf_free(&made);
}

static void make_page(struct reading *d, struct past *p)
{
	struct buf *b = &p->page;

	begin_data(b);
	buf_add_text(b, "\"entries\":[");
	add_rows(d, p, b);
	buf_add_char(b, ']');
	put_bool(b, "isCut", p->rows.is_cut || p->is_full);
	if (p->rows.is_cut)
		put_at(b, "readTo", p->rows.read_to);
	buf_add_text(b, "}}\n");
}

/* -- on the worker -------------------------------------------------------------------- */

static const char *quoted(struct past *p, const char *text)
{
	return arena_printf(p->mem, "\"%s\"", text);
}

static bool seek(void *ctx, const struct record *r)
{
	struct past *p = ctx;

	want_ids(p, r);
	p->has_enough = !p->n_unmet;
	return false;
}

/* Flushes from before what was read, of attempts that were. */
static bool find_open(struct reading *d, struct past *p)
{
	const char *any[MOST_NAMED];
	struct journal_rows none;
	wall_ms to = p->rows.is_cut ? p->rows.read_to : d->from;
	struct journal_query q = {
		.from = MAX(to - LONGEST_DELIVERY, 0),
		.to = to,
		.kinds = JOURNAL_KIND(RECORD_FLUSH) | JOURNAL_KIND(RECORD_SENDING),
		.any = any,
		.any_of = JOURNAL_KIND(RECORD_FLUSH),
		.wants = seek,
		.ctx = p,
		.enough = &p->has_enough,
	};
	struct open *o;

	for (size_t at = 0; q.n_any < MOST_NAMED && (o = map_next(&p->open, &at));) {
		if (!o->is_met)
			any[q.n_any++] = quoted(p, o->id);
	}
	p->has_enough = false;
	return !q.n_any || reading_rows(d, &q, &none);
}

static bool is_about(const struct past *p, const struct record *r)
{
	return r->kind != RECORD_ATTEMPT || names_any(p, r) ||
	       (r->delivery && map_find(&p->wanted_ids, str_of(r->delivery)));
}

/* The newest, without the attempts that turned out to be about others. */
static void leave_out(struct past *p)
{
	size_t n = 0, first;

	for (size_t i = 0; i < p->rows.n; i++) {
		if (is_about(p, &p->rows.v[i].record))
			p->rows.v[n++] = p->rows.v[i];
	}
	first = n > p->limit ? n - p->limit : 0;
	if (first) {
		p->rows.is_cut = true;
		p->rows.read_to = p->rows.v[first].record.at;
	}
	p->rows.v += first;
	p->rows.n = n - first;
}

/* A few alerts are searched for by name, else those that have a text. */
static void add_texts(struct past *p, struct journal_query *q, const char **any)
{
	const struct labels *labels;

	q->any = any;
	q->any_of = JOURNAL_KIND(RECORD_ALERTS) | JOURNAL_KIND(RECORD_RULE) |
		    JOURNAL_KIND(RECORD_FLUSH);
	if (p->is_full || p->alerts.n > MOST_NAMED)
		return;
	for (size_t at = 0; (labels = map_next(&p->alerts, &at));)
		any[q->n_any++] = arena_printf(p->mem, "\"%016llx\"",
					       (unsigned long long)labels->fingerprint);
}

static bool read_filtered(struct reading *d, struct past *p, struct journal_query *q)
{
	const char *any[MOST_NAMED];
	struct journal_rows seen;

	if (!find_then(d, p, &seen))
		return false;
	p->is_full = p->is_full || (seen.is_cut && seen.read_to > d->from);
	if (!p->alerts.n) /* nothing is about none */
		q->kinds &= JOURNAL_KIND(RECORD_SILENCE);
	if (!q->kinds)
		return true;
	add_texts(p, q, any);
	if (q->kinds & (JOURNAL_KIND(RECORD_ATTEMPT) | JOURNAL_KIND(RECORD_FLUSH)))
		q->kinds |= JOURNAL_KIND(RECORD_FLUSH) | JOURNAL_KIND(RECORD_SENDING);
	if (!reading_rows(d, q, &p->rows) || !find_open(d, p))
		return false;
	leave_out(p);
	return true;
}

static void read_past(struct reading *d)
{
	struct past *p = d->state;
	struct journal_query q = {
		.from = d->from,
		.to = reading_until(d),
		.kinds = p->kinds,
		.receiver = p->receiver,
		.wants = is_wanted,
		.ctx = p,
		.most = p->limit + MOST_OPEN,
		.enough = &p->has_enough,
	};

	p->mem = &d->mem;
	if (p->filter.n ? read_filtered(d, p, &q) : reading_rows(d, &q, &p->rows))
		make_page(d, p);
}

/* The maps are not in the arena. */
static void forget(void *arg)
{
	struct past *p = arg;

	map_free(&p->alerts);
	map_free(&p->open);
	map_free(&p->wanted_ids);
	buf_free(&p->page);
}

/* -- on the loop ---------------------------------------------------------------------- */

static bool is_receiver(const struct request *r, const char *name)
{
	const struct api_host *host = &r->api->options.host;

	return config_find_receiver(host->config(host->ctx), name);
}

static bool more_of_page(void *arg, struct buf *b)
{
	struct past *p = arg;
	size_t n = MIN(p->page.n - p->sent, STREAM_PIECE);

	buf_add(b, p->page.p + p->sent, n);
	p->sent += n;
	return p->sent < p->page.n;
}

static void page_ended(void *arg)
{
	struct past *p = arg;

	buf_free(&p->page);
}

/* A receiver that went may have rows. */
static void answer_past(struct reading *d)
{
	struct past *p = d->state;

	if (!p->page.n)
		make_page(d, p); /* there is no journal */
	if (!p->n_entries && p->receiver && !is_receiver(d->r, p->receiver))
		answer_bad(d->r, 404,
			   arena_printf(
				   &d->mem,
				   "receiver: nothing is known of \"%s\", and there is no "
				   "such receiver now",
				   p->receiver));
	else if (p->page.n <= MOST_AT_ONCE) /* takes no place from other GET requests */
		answer_json(d->r, 200, &p->page);
	else
		answer_json_stream(d->r, &(struct stream){p, more_of_page, page_ended});
}

/* -- the request ---------------------------------------------------------------------- */

static bool read_kinds(struct request *r, struct past *p)
{
	bool found = false;

	for (size_t i = 0; i < r->params.n; i++) {
		const struct param *param = &r->params.v[i];
		bool known = false;

		if (!str_is(param->name, "kind") || !param->value.n)
			continue;
		for (size_t k = 0; k < COUNT_OF(words); k++) {
			if (!str_is(param->value, words[k].name))
				continue;
			p->kinds |= words[k].kinds;
			known = found = true;
		}
		if (!known) {
			answer_bad(r, 400,
				   arena_printf(r->mem,
						"kind: \"%.*s\" is none of alert, "
						"notification, flush, silence, config, "
						"daemon",
						FMT(param->value)));
			return false;
		}
	}
	if (!found)
		p->kinds = p->filter.n ? BY_DEFAULT_OF_ALERTS : ALL_KINDS;
	if (!p->filter.n || !(p->kinds & ~OF_ALERTS))
		return true;
	answer_bad(r, 400,
		   "kind: config and daemon are about no alerts: ask for them without "
		   "matchers");
	return false;
}

static bool read_times(struct request *r, struct reading *d)
{
	const struct param *end = param_last(r, "end");

	if (!param_time(r, "start", &d->from) || !param_time(r, "end", &d->to))
		return false;
	if (!end || !end->value.n || d->from <= d->to)
		return true;
	answer_bad(r, 400, "start: is after end");
	return false;
}

static bool read_limit(struct request *r, struct past *p)
{
	const struct param *limit = param_last(r, "limit");
	int64_t n = DEFAULT_LIMIT;

	if (limit && (!str_int(limit->value, &n) || n < 1 || n > MOST_LIMIT)) {
		answer_bad(r, 400,
			   arena_printf(r->mem, "limit: must be from 1 to %d", MOST_LIMIT));
		return false;
	}
	p->limit = (size_t)n;
	return true;
}

void get_history(struct request *r)
{
	struct past *p = ARENA_NEW(r->mem, struct past);
	struct reading *d = reading_new(r);
	const struct param *receiver = param_last(r, "receiver");

	if (!read_times(r, d) || !read_limit(r, p) ||
	    !param_matchers(r, "filter", "", &p->filter) || !read_kinds(r, p))
		return;
	if (receiver && receiver->value.n)
		p->receiver = arena_copy(r->mem, receiver->value);
	p->page = BUF(BUF_NO_LIMIT);
	arena_defer(r->mem, forget, p);
	find_now(d, p);
	d->read = read_past;
	d->answer = answer_past;
	d->state = p;
	reading_start(d);
}
