#include "base/base.h"
#include "api/journal.h"
#include "engine/why.h"

#include <string.h>

/* GET /api/v1/why of one notification, and of one silence. */

#define MOST_NAMES 50 /* alerts that are named */
#define MOST_ROWS  500

/* -- names of alerts ------------------------------------------------------------------ */

struct named {
	uint64_t fingerprint;
	const struct labels *labels; /* NULL: not known any more */
};
struct names {
	struct named v[MOST_NAMES];
	size_t n, n_all;
	struct arena *mem; /* of labels that are read */
};

static void add_name(struct names *names, uint64_t fingerprint)
{
	for (size_t i = 0; i < names->n; i++) {
		if (names->v[i].fingerprint == fingerprint)
			return;
	}
	names->n_all++;
	if (names->n < MOST_NAMES)
		names->v[names->n++].fingerprint = fingerprint;
}

static void add_names(struct names *names, const uint64_t *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		add_name(names, v[i]);
}

static void know_labels(struct names *names, const struct record_alert *a)
{
	for (size_t k = 0; k < names->n; k++) {
		struct named *n = &names->v[k];

		if (n->fingerprint == a->fingerprint && !n->labels)
			n->labels = labels_copy(names->mem, a->labels);
	}
}

static bool take_labels(void *ctx, const struct record *r)
{
	for (size_t i = 0; i < r->n_alerts; i++)
		know_labels(ctx, &r->alerts[i]);
	return false;
}

static bool read_names(struct reading *d, struct names *names)
{
	const char *any[MOST_NAMES];
	struct journal_rows none;
	struct journal_query q = {
		.to = reading_until(d),
		.kinds = JOURNAL_KIND(RECORD_ALERTS) | JOURNAL_KIND(RECORD_RULE),
		.any = any,
		.n_any = names->n,
		.wants = take_labels,
		.ctx = names,
	};

	names->mem = &d->mem;
	for (size_t i = 0; i < names->n; i++)
		any[i] = arena_printf(&d->mem, "\"%016llx\"",
				      (unsigned long long)names->v[i].fingerprint);
	return !names->n || reading_rows(d, &q, &none);
}

static const char *name_of(struct reading *d, const struct named *n)
{
	struct buf b = BUF(BUF_NO_LIMIT);
	const struct labels *labels = n->labels;
	const char *text;

	if (labels)
		buf_add_labels(&b, labels);
	else
		buf_addf(&b, "alert %016llx", (unsigned long long)n->fingerprint);
	text = buf_keep(&b, &d->mem).p;
	buf_free(&b);
	return text;
}

static void put_names(struct buf *b, const char *name, const struct names *names)
{
	put_name(b, name);
	buf_add_char(b, '[');
	for (size_t i = 0; i < names->n; i++) {
		put_comma(b);
		buf_add_char(b, '{');
		put_hash(b, "fingerprint", names->v[i].fingerprint);
		put_set(b, "labels", names->v[i].labels);
		buf_add_char(b, '}');
	}
	buf_add_char(b, ']');
}

static void text_names(struct reading *d, struct buf *text, const struct names *names,
		       const char *what)
{
	if (names->n_all)
		buf_addf(text, "%s %zu:\n", what, names->n_all);
	for (size_t i = 0; i < names->n; i++)
		buf_addf(text, "  %s\n", name_of(d, &names->v[i]));
	if (names->n_all > names->n)
		buf_addf(text, "  and %zu more\n", names->n_all - names->n);
}

static bool is_muted(const struct record *r, uint64_t fingerprint)
{
	for (size_t i = 0; i < r->n_mutes; i++) {
		if (fingerprints_have(r->mutes[i].alerts, r->mutes[i].n, fingerprint))
			return true;
	}
	return false;
}

/* -- a notification ------------------------------------------------------------------- */

struct sent {
	const char *id;
	struct journal_rows attempts, flushes;
	const struct record *sending; /* the last one */
	struct names firing, resolved;
};

static void take_passed(struct names *names, const struct record *r, const uint64_t *v,
			size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (!is_muted(r, v[i]))
			add_name(names, v[i]);
	}
}

static void read_sent(struct reading *d)
{
	struct sent *s = d->state;
	struct journal_query own = {.to = reading_until(d),
				    .kinds = JOURNAL_KIND(RECORD_SENDING) |
					     JOURNAL_KIND(RECORD_ATTEMPT),
				    .delivery = s->id,
				    .most = MOST_ROWS};
	struct journal_query flush = {.to = reading_until(d),
				      .kinds = JOURNAL_KIND(RECORD_FLUSH),
				      .any = &s->id,
				      .n_any = 1,
				      .most = 1};

	if (!reading_rows(d, &own, &s->attempts) || !reading_rows(d, &flush, &s->flushes))
		return;
	for (size_t i = 0; i < s->attempts.n; i++) {
		const struct record *r = &s->attempts.v[i].record;

		if (r->kind == RECORD_SENDING)
			s->sending = r;
	}
	for (size_t i = 0; i < s->flushes.n; i++) {
		const struct record *r = &s->flushes.v[i].record;

		take_passed(&s->firing, r, r->firing, r->n_firing);
		take_passed(&s->resolved, r, r->resolved, r->n_resolved);
	}
	if (s->sending && !s->flushes.n) {
		add_names(&s->firing, s->sending->firing, s->sending->n_firing);
		add_names(&s->resolved, s->sending->resolved, s->sending->n_resolved);
	}
	if (read_names(d, &s->firing))
		(void)!read_names(d, &s->resolved);
}

static void add_attempt(struct reading *d, const struct record *r, struct buf *b,
			struct buf *text)
{
	put_comma(b);
	buf_add_char(b, '{');
	put_at(b, "at", r->at);
	put_int(b, "attempt", r->attempt);
	put_str(b, "outcome", reason_name(r->reason));
	put_int(b, "status", r->status);
	put_str(b, "error", r->error);
	put_int(b, "tookMs", r->took);
	put_at(b, "nextAt", r->next_at);
	buf_add_char(b, '}');
	buf_addf(text, "  %s attempt %u: %s", why_time(&d->mem, r->at), r->attempt,
		 reason_text(r->reason));
	if (r->status)
		buf_addf(text, ", answered %d", r->status);
	if (r->error)
		buf_addf(text, ": %s", r->error);
	if (r->next_at)
		buf_addf(text, "; next at %s", why_time(&d->mem, r->next_at));
	buf_add_char(text, '\n');
}

static void add_sent(struct reading *d, const struct sent *s, struct buf *b,
		     struct buf *text)
{
	const struct record *r = s->sending;
	bool any = false;

	buf_addf(text, "Notification %s to %s/%s[%zu], %s\n", s->id, r->receiver,
		 r->integration, r->index, reason_text(r->reason));
	buf_addf(text, "  of the group %s, decided at %s\n", r->group_key,
		 why_time(&d->mem, r->at));
	put_str(b, "id", s->id);
	put_at(b, "decidedAt", r->at);
	put_str(b, "groupKey", r->group_key);
	put_integration(b, r->receiver, r->integration, r->index);
	put_str(b, "reason", reason_name(r->reason));
	put_names(b, "firing", &s->firing);
	put_names(b, "resolved", &s->resolved);
	put_name(b, "attempts");
	buf_add_char(b, '[');
	for (size_t i = 0; i < s->attempts.n; i++) {
		if (s->attempts.v[i].record.kind == RECORD_SENDING)
			continue;
		add_attempt(d, &s->attempts.v[i].record, b, text);
		any = true;
	}
	buf_add_char(b, ']');
	if (!any)
		buf_add_text(text, "  no answer yet\n");
	text_names(d, text, &s->firing, "Firing in it,");
	text_names(d, text, &s->resolved, "Resolved in it,");
}

static void answer_sent(struct reading *d)
{
	struct sent *s = d->state;
	struct buf b = BUF(BUF_NO_LIMIT), text = BUF(BUF_NO_LIMIT);

	if (!s->sending) {
		answer_bad(d->r, 404, "the journal has no notification of this id");
		return;
	}
	begin_data(&b);
	buf_add_text(&b, "\"notification\":{");
	add_sent(d, s, &b, &text);
	buf_add_char(&b, '}');
	answer_data(d->r, &b, &text);
	buf_free(&b);
	buf_free(&text);
}

void why_of_notification(struct request *r, const char *id)
{
	struct reading *d = reading_new(r);
	struct sent *s = ARENA_NEW(r->mem, struct sent);

	if (!param_time(r, "at", &d->to))
		return;
	s->id = id;
	d->read = read_sent;
	d->answer = answer_sent;
	d->state = s;
	reading_start(d);
}

/* -- a silence ------------------------------------------------------------------------ */

struct hush {
	const char *id;
	struct journal_rows changes, flushes;
	struct names muted; /* by flushes that the journal has */
};

static void read_hush(struct reading *d)
{
	struct hush *h = d->state;
	struct journal_query q = {.to = reading_until(d),
				  .kinds = JOURNAL_KIND(RECORD_SILENCE),
				  .any = &h->id,
				  .n_any = 1,
				  .most = MOST_ROWS};

	if (!reading_rows(d, &q, &h->changes))
		return;
	q.kinds = JOURNAL_KIND(RECORD_FLUSH);
	if (!reading_rows(d, &q, &h->flushes))
		return;
	for (size_t i = 0; i < h->flushes.n; i++) {
		const struct record *r = &h->flushes.v[i].record;

		for (size_t k = 0; k < r->n_mutes; k++) {
			if (!strcmp(r->mutes[k].by, h->id))
				add_names(&h->muted, r->mutes[k].alerts, r->mutes[k].n);
		}
	}
	(void)!read_names(d, &h->muted);
}

static const struct silence *silence_then(struct reading *d, const struct hush *h)
{
	const struct api_host *host = &d->r->api->options.host;
	const struct silence *now = d->to < d->now
					    ? NULL
					    : view_silence(host->engine(host->ctx), h->id);

	for (size_t i = h->changes.n; !now && i--;)
		now = h->changes.v[i].record.silence;
	return now;
}

static void add_change(struct reading *d, const struct record *r, struct buf *b,
		       struct buf *text)
{
	put_comma(b);
	buf_add_char(b, '{');
	put_at(b, "at", r->at);
	put_str(b, "change", r->change);
	put_str(b, "from", r->from);
	put_str(b, "user", r->by);
	buf_add_char(b, '}');
	buf_addf(text, "  %s %s%s%s%s%s\n", why_time(&d->mem, r->at),
		 r->change ? r->change : "change", r->by ? " by user " : "",
		 r->by ? r->by : "", r->from ? " from " : "", r->from ? r->from : "");
}

static void add_flush(struct reading *d, const struct record *r, const char *id,
		      struct buf *b, struct buf *text)
{
	size_t n = 0;

	for (size_t k = 0; k < r->n_mutes; k++)
		n += strcmp(r->mutes[k].by, id) ? 0 : r->mutes[k].n;
	put_comma(b);
	buf_add_char(b, '{');
	put_at(b, "at", r->at);
	put_str(b, "groupKey", r->group_key);
	put_str(b, "receiver", r->receiver);
	put_int(b, "alerts", (int64_t)n);
	buf_add_char(b, '}');
	buf_addf(text, "  %s kept %zu from %s, group %s\n", why_time(&d->mem, r->at), n,
		 r->receiver, r->group_key);
}

static void names_now(struct reading *d, const struct silence *s, struct names *names)
{
	const struct api_host *host = &d->r->api->options.host;
	struct engine *e = host->engine(host->ctx);
	size_t n;
	uint64_t *v;

	if (silence_state(s, instant_of_ms(d->now)) != SILENCE_ACTIVE)
		return;
	v = view_fingerprints(e, d->now, &s->matchers, &d->mem, &n);
	add_names(names, v, n);
	for (size_t i = 0; i < names->n; i++)
		names->v[i].labels = why_labels(e, names->v[i].fingerprint, &d->mem);
}

static void add_silence(struct reading *d, struct hush *h, const struct silence *s,
			struct buf *b, struct buf *text)
{
	struct names *now = ARENA_NEW(&d->mem, struct names);
	struct buf matchers = BUF(BUF_NO_LIMIT);
	const char *state = silence_state_text(silence_state(s, instant_of_ms(d->to)));

	buf_add_matchers(&matchers, &s->matchers);
	buf_addf(text, "Silence %s is %s: %s\n  by %s: \"%s\"\n  from %s to %s\n", h->id,
		 state, buf_text(&matchers), s->created_by[0] ? s->created_by : "nobody",
		 s->comment, why_time(&d->mem, instant_ms(s->starts_at)),
		 why_time(&d->mem, instant_ms(s->ends_at)));
	put_str(b, "id", h->id);
	put_str(b, "state", state);
	put_str(b, "matchers", buf_text(&matchers));
	put_str(b, "createdBy", s->created_by);
	put_str(b, "comment", s->comment);
	put_at(b, "startsAt", instant_ms(s->starts_at));
	put_at(b, "endsAt", instant_ms(s->ends_at));
	put_name(b, "changes");
	buf_add_char(b, '[');
	if (h->changes.n)
		buf_add_text(text, "Changes\n");
	for (size_t i = 0; i < h->changes.n; i++)
		add_change(d, &h->changes.v[i].record, b, text);
	buf_add_char(b, ']');
	put_name(b, "flushes");
	buf_add_char(b, '[');
	buf_add_text(text, h->flushes.n ? "Flushes (like ones in a row once)\n"
					: "It kept nothing from anybody so far.\n");
	for (size_t i = 0; i < h->flushes.n; i++)
		add_flush(d, &h->flushes.v[i].record, h->id, b, text);
	buf_add_char(b, ']');
	put_names(b, "muted", &h->muted);
	text_names(d, text, &h->muted, "Alerts that it muted,");
	if (d->to >= d->now) {
		names_now(d, s, now);
		put_names(b, "matchesNow", now);
		text_names(d, text, now, "Alerts that it matches now,");
	}
	buf_free(&matchers);
}

static void answer_hush(struct reading *d)
{
	struct hush *h = d->state;
	const struct silence *s = silence_then(d, h);
	struct buf b = BUF(BUF_NO_LIMIT), text = BUF(BUF_NO_LIMIT);

	if (!s) {
		answer_bad(d->r, 404,
			   "there is no silence of this id, now or in the journal");
		return;
	}
	begin_data(&b);
	buf_add_text(&b, "\"silence\":{");
	add_silence(d, h, s, &b, &text);
	buf_add_char(&b, '}');
	answer_data(d->r, &b, &text);
	buf_free(&b);
	buf_free(&text);
}

void why_of_silence(struct request *r, const char *id)
{
	struct reading *d = reading_new(r);
	struct hush *h = ARENA_NEW(r->mem, struct hush);

	if (!param_time(r, "at", &d->to))
		return;
	h->id = id;
	d->read = read_hush;
	d->answer = answer_hush;
	d->state = h;
	reading_start(d);
}
