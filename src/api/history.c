#include "base/base.h"
#include "api/journal.h"
#include "engine/why.h"

#include <stdlib.h>
#include <string.h>

/* GET /api/v1/history: what the journal has of alerts, notifications, silences and changes
 * of the configuration, oldest first; ?filter= ?start= ?end= ?receiver= ?kind= ?limit=. */

#define DEFAULT_LIMIT 200
#define MOST_LIMIT    5000
#define MOST_ALERTS   10000 /* that a filter may find */
#define MOST_SCANNED  100000
#define MOST_ENTRIES  20000 /* in one answer: a row may have a thousand alerts */

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
	 JOURNAL_KIND(RECORD_ATTEMPT) | JOURNAL_KIND(RECORD_FLUSH))

struct past {
	struct matchers filter;
	const char *receiver;
	unsigned kinds;
	size_t limit;
	struct journal_rows rows;
	/* what the filter found */
	struct arena *mem;
	struct map alerts;     /* of uint64_t */
	struct map deliveries; /* ids */
	bool is_full;
};

/* -- on the worker -------------------------------------------------------------------- */

static bool note_alerts(void *ctx, const struct record *r)
{
	struct past *p = ctx;

	for (size_t i = 0; i < r->n_alerts; i++) {
		const struct record_alert *a = &r->alerts[i];
		uint64_t *kept;

		if (!matchers_hold(&p->filter, a->labels) ||
		    map_find(&p->alerts, map_key_u64(&a->fingerprint)))
			continue;
		p->is_full = p->is_full || p->alerts.n == MOST_ALERTS;
		if (p->is_full)
			return false;
		kept = ARENA_NEW(p->mem, uint64_t);
		*kept = a->fingerprint;
		map_put(&p->alerts, map_key_u64(kept), kept);
	}
	return false;
}

static bool has_any(const struct past *p, const uint64_t *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (map_find(&p->alerts, map_key_u64(&v[i])))
			return true;
	}
	return false;
}

static void note_id(struct past *p, const char *id)
{
	if (id)
		map_put(&p->deliveries, str_of(arena_text(p->mem, id)), p);
}

static bool note_flushes(void *ctx, const struct record *r)
{
	struct past *p = ctx;

	if (!has_any(p, r->firing, r->n_firing) && !has_any(p, r->resolved, r->n_resolved))
		return false;
	if (r->kind == RECORD_SENDING)
		note_id(p, r->delivery);
	for (size_t i = 0; i < r->n_decisions; i++)
		note_id(p, r->decisions[i].delivery);
	return false;
}

static bool is_wanted(void *ctx, const struct record *r)
{
	const struct past *p = ctx;

	if (!p->filter.n)
		return true;
	switch ((int)r->kind) {
	case RECORD_ALERTS:
	case RECORD_RULE:
		for (size_t i = 0; i < r->n_alerts; i++) {
			if (matchers_hold(&p->filter, r->alerts[i].labels))
				return true;
		}
		return false;
	case RECORD_FLUSH:
		return has_any(p, r->firing, r->n_firing) ||
		       has_any(p, r->resolved, r->n_resolved);
	case RECORD_ATTEMPT:
		return r->delivery && map_find(&p->deliveries, str_of(r->delivery));
	default:
		return false;
	}
}

/* Whose notifications and flushes: the alert may have come long before the time asked. */
static bool read_filter(struct reading *d, struct past *p)
{
	struct journal_rows none;
	struct journal_query q = {
		.to = reading_until(d),
		.kinds = JOURNAL_KIND(RECORD_ALERTS) | JOURNAL_KIND(RECORD_RULE),
		.wants = note_alerts,
		.ctx = p,
		.most = MOST_SCANNED,
	};

	if (!reading_rows(d, &q, &none))
		return false;
	q.from = d->from;
	q.kinds = JOURNAL_KIND(RECORD_FLUSH) | JOURNAL_KIND(RECORD_SENDING);
	q.wants = note_flushes;
	return reading_rows(d, &q, &none);
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
		.most = p->limit,
	};

	p->mem = &d->mem;
	if (!p->filter.n || read_filter(d, p))
		(void)!reading_rows(d, &q, &p->rows);
	map_free(&p->alerts);
	map_free(&p->deliveries);
}

/* -- on the loop ---------------------------------------------------------------------- */

static void add_alert(struct buf *b, const struct record *r, const struct record_alert *a)
{
	put_str(b, "change", alert_change_text(a->change));
	put_hash(b, "fingerprint", a->fingerprint);
	put_set(b, "labels", a->labels);
	put_at(b, "startsAt", a->starts_at);
	put_at(b, "endsAt", a->ends_at);
	put_str(b, "from", r->from);
	put_str(b, "user", r->by);
	if (r->kind != RECORD_RULE)
		return;
	put_str(b, "rule", r->rule);
	put_str(b, "file", r->file);
	put_int(b, "line", r->line);
	put_value(b, "value", a->value);
}

static void add_rest(struct buf *b, const struct record *r)
{
	put_str(b, "receiver", r->receiver);
	put_str(b, "integration", r->integration);
	if (r->integration)
		put_int(b, "index", (int64_t)r->index);
	put_str(b, "groupKey", r->group_key);
	put_str(b, "notification", r->delivery);
	if (r->reason)
		put_str(b, "reason", reason_name(r->reason));
	if (r->kind == RECORD_ATTEMPT) {
		put_int(b, "attempt", r->attempt);
		put_int(b, "status", r->status);
		put_int(b, "tookMs", r->took);
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

static const char *subject_text(struct reading *d, const struct labels *labels)
{
	struct buf b = BUF(BUF_NO_LIMIT);
	const char *text;

	buf_add_labels(&b, labels);
	text = buf_keep(&b, &d->mem).p;
	buf_free(&b);
	return text;
}

static const char *kind_word(const struct record *r)
{
	for (size_t i = 0; i < COUNT_OF(words); i++) {
		if (words[i].kinds & JOURNAL_KIND(r->kind))
			return words[i].name;
	}
	return record_kind_text(r->kind);
}

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
	const char *text = arena_printf(&d->mem, "%s %s", subject_text(d, a->labels),
					what[a->change]);

	if (r->kind == RECORD_RULE)
		return arena_printf(&d->mem, "%s %s:%d, value %g", text, r->file, r->line,
				    a->value);
	return r->from ? arena_printf(&d->mem, "%s, posted by %s", text, r->from) : text;
}

static const char *who(struct reading *d, const struct record *r)
{
	return arena_printf(&d->mem, "%s%s%s%s", r->by ? ", by " : "", r->by ? r->by : "",
			    r->from ? ", from " : "", r->from ? r->from : "");
}

static const char *rest_words(struct reading *d, const struct record *r)
{
	const char *error = r->error ? arena_printf(&d->mem, ": %s", r->error) : "";

	switch ((int)r->kind) {
	case RECORD_RULE:
		return arena_printf(&d->mem, "%s:%d %s: %s%s", r->file, r->line, r->rule,
				    reason_text(r->reason), error);
	case RECORD_ATTEMPT:
		return arena_printf(&d->mem, "%s/%s[%zu] attempt %u: %s%s, group %s",
				    r->receiver, r->integration, r->index, r->attempt,
				    reason_text(r->reason), error, r->group_key);
	case RECORD_FLUSH:
		return arena_printf(&d->mem, "%s: %zu firing, %zu resolved, group %s",
				    r->receiver, r->n_firing, r->n_resolved, r->group_key);
	case RECORD_SILENCE:
		if (!r->silence)
			return "";
		return arena_printf(&d->mem, "silence %s %s (\"%s\" of %s)%s",
				    r->silence->id, r->change, r->silence->comment,
				    r->silence->created_by, who(d, r));
	case RECORD_CONFIG:
		return arena_printf(&d->mem, "configuration %s%s%s",
				    r->error ? "refused" : "loaded", who(d, r), error);
	case RECORD_FILE:
		return arena_printf(&d->mem, "rule file %s %s%s", r->file, r->change,
				    error);
	case RECORD_CLOCK:
		return arena_printf(&d->mem, "the clock was set by %lld ms",
				    (long long)r->jump);
	default:
		return r->kind == RECORD_START ? "the daemon starts" : "the daemon stops";
	}
}

static void add_entry(struct reading *d, const struct record *r,
		      const struct record_alert *a, struct buf *b)
{
	put_comma(b);
	buf_add_char(b, '{');
	put_at(b, "at", r->at);
	put_str(b, "kind", kind_word(r));
	if (a)
		add_alert(b, r, a);
	else
		add_rest(b, r);
	put_str(b, "text", a ? alert_words(d, r, a) : rest_words(d, r));
	buf_add_char(b, '}');
}

static size_t entries_of(const struct past *p, const struct record *r)
{
	size_t n = r->n_alerts ? 0 : 1;

	for (size_t k = 0; k < r->n_alerts; k++)
		n += matchers_hold(&p->filter, r->alerts[k].labels);
	return n;
}

/* The first row that is told, so that the newest are. */
static size_t first_told(struct past *p)
{
	size_t n = 0, i = p->rows.n;

	while (i && n <= MOST_ENTRIES)
		n += entries_of(p, &p->rows.v[--i].record);
	if (n <= MOST_ENTRIES)
		return i;
	p->rows.is_cut = true;
	p->rows.read_to = p->rows.v[i].record.at;
	return i + 1;
}

static void answer_past(struct reading *d)
{
	struct past *p = d->state;
	struct buf b = BUF(BUF_NO_LIMIT);
	size_t first = first_told(p);

	buf_add_text(&b, "{\"status\":\"success\",\"data\":{\"entries\":[");
	for (size_t i = first; i < p->rows.n; i++) {
		const struct record *r = &p->rows.v[i].record;

		if (!r->n_alerts)
			add_entry(d, r, NULL, &b);
		for (size_t k = 0; k < r->n_alerts; k++) {
			if (matchers_hold(&p->filter, r->alerts[k].labels))
				add_entry(d, r, &r->alerts[k], &b);
		}
	}
	buf_add_char(&b, ']');
	put_bool(&b, "isCut", p->rows.is_cut || p->is_full);
	if (p->rows.is_cut)
		put_at(&b, "readTo", p->rows.read_to);
	buf_add_text(&b, "}}\n");
	answer_json(d->r, 200, &b);
	buf_free(&b);
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
		p->kinds = ALL_KINDS;
	if (p->filter.n)
		p->kinds &= OF_ALERTS;
	return true;
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

	if (!param_time(r, "start", &d->from) || !param_time(r, "end", &d->to) ||
	    !read_limit(r, p) || !param_matchers(r, "filter", "", &p->filter) ||
	    !read_kinds(r, p))
		return;
	if (receiver && receiver->value.n)
		p->receiver = arena_copy(r->mem, receiver->value);
	d->read = read_past;
	d->answer = answer_past;
	d->state = p;
	reading_start(d);
}
