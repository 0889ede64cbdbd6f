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

/* -- as far as the journal goes -------------------------------------------------------- */

/* Before it something may be missing from these rows; 0: nothing is. */
static wall_ms known_since(const struct reading *d, const struct journal_rows *rows)
{
	return rows->is_cut ? MAX(d->begins_at, rows->read_to) : d->begins_at;
}

static const char *goes_back(struct reading *d, const struct journal_rows *rows)
{
	return arena_printf(&d->mem, "the journal %s %s",
			    rows->is_cut ? "was read back to" : "goes back to",
			    why_time(&d->mem, known_since(d, rows)));
}

static void answer_none(struct reading *d, const char *text,
			const struct journal_rows *rows)
{
	if (known_since(d, rows))
		text = arena_printf(&d->mem, "%s: %s", text, goes_back(d, rows));
	answer_bad(d->r, 404, text);
}

/* -- a notification ------------------------------------------------------------------- */

struct sent {
	const char *id;
	struct journal_rows attempts, flushes;
	const struct record *first;   /* any row of it; NULL: there is none */
	const struct record *sending; /* the last one; NULL: it was trimmed */
	const struct record *last;    /* attempt; NULL: none has ended */
	struct names firing, resolved;
	bool knows_names;
};

static void take_passed(struct names *names, const struct record *r, const uint64_t *v,
			size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (!is_muted(r, v[i]))
			add_name(names, v[i]);
	}
}

/* Whether it leaves out what is over. */
static bool is_without_ended(const struct record *flush, const char *id)
{
	for (size_t i = 0; i < flush->n_decisions; i++) {
		const struct record_decision *d = &flush->decisions[i];

		if (d->delivery && !strcmp(d->delivery, id))
			return d->without_ended;
	}
	return false;
}

static void take_flush(struct sent *s, const struct record *r)
{
	take_passed(&s->firing, r, r->firing, r->n_firing);
	if (!is_without_ended(r, s->id))
		take_passed(&s->resolved, r, r->resolved, r->n_resolved);
	s->knows_names = true;
}

/* The rows of a fallback's and of what a crash left open name the alerts themselves. */
static void take_own(struct sent *s, const struct record *r)
{
	s->first = s->first ? s->first : r;
	if (r->kind == RECORD_SENDING)
		s->sending = r;
	else
		s->last = r;
	if (s->flushes.n || (!r->n_firing && !r->n_resolved))
		return;
	add_names(&s->firing, r->firing, r->n_firing);
	if (!r->without_ended)
		add_names(&s->resolved, r->resolved, r->n_resolved);
	s->knows_names = true;
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
	for (size_t i = 0; i < s->flushes.n; i++)
		take_flush(s, &s->flushes.v[i].record);
	for (size_t i = 0; i < s->attempts.n; i++)
		take_own(s, &s->attempts.v[i].record);
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
	if (r->in_doubt)
		put_bool(b, "inDoubt", true);
	put_at(b, "nextAt", r->next_at);
	buf_add_char(b, '}');
	buf_addf(text, "  %s attempt %u: %s", why_time(&d->mem, r->at), r->attempt,
		 reason_text(r->reason));
	if (r->status)
		buf_addf(text, ", answered %d", r->status);
	if (r->error)
		buf_addf(text, ": %s", r->error);
	if (r->in_doubt)
		buf_add_text(text, "; no answer came, it may have arrived");
	if (r->next_at)
		buf_addf(text, "; next at %s", why_time(&d->mem, r->next_at));
	buf_add_char(text, '\n');
}

static const char *outcome_words(struct reading *d, const struct sent *s)
{
	const struct record *r = s->last;

	if (!r)
		return "no answer yet";
	if (r->reason == DELIVERY_RETRY)
		return arena_printf(&d->mem, "not delivered so far, %u attempt%s failed",
				    r->attempt, r->attempt == 1 ? "" : "s");
	return arena_printf(&d->mem, "%s at %s", reason_text(r->reason),
			    why_time(&d->mem, r->at));
}

static void add_origin(struct reading *d, const struct sent *s, struct buf *b,
		       struct buf *text)
{
	const struct record *r = s->first;

	buf_addf(text, "Notification %s to %s/%s[%zu]: %s\n", s->id, r->receiver,
		 r->integration, r->index, outcome_words(d, s));
	put_str(b, "id", s->id);
	put_str(b, "groupKey", r->group_key);
	put_integration(b, r->receiver, r->integration, r->index);
	put_str(b, "outcome", s->last ? reason_name(s->last->reason) : NULL);
	if (!s->sending) {
		buf_addf(
			text,
			"  of the group %s; when and why it was decided is not known: %s\n",
			r->group_key, goes_back(d, &s->attempts));
		return;
	}
	buf_addf(text, "  of the group %s, decided at %s: %s\n", r->group_key,
		 why_time(&d->mem, s->sending->at), reason_text(s->sending->reason));
	put_at(b, "decidedAt", s->sending->at);
	put_str(b, "reason", reason_name(s->sending->reason));
}

static void add_sent(struct reading *d, const struct sent *s, struct buf *b,
		     struct buf *text)
{
	add_origin(d, s, b, text);
	if (s->knows_names) {
		put_names(b, "firing", &s->firing);
		put_names(b, "resolved", &s->resolved);
	}
	put_name(b, "attempts");
	buf_add_char(b, '[');
	for (size_t i = 0; i < s->attempts.n; i++) {
		if (s->attempts.v[i].record.kind != RECORD_SENDING)
			add_attempt(d, &s->attempts.v[i].record, b, text);
	}
	buf_add_char(b, ']');
	put_at(b, "knownSince", known_since(d, &s->attempts));
	text_names(d, text, &s->firing, "Firing in it,");
	text_names(d, text, &s->resolved, "Resolved in it,");
	if (!s->knows_names)
		buf_addf(text,
			 "It told of %zu firing and %zu resolved alerts; of which is not "
			 "known: %s\n",
			 s->last ? s->last->told_firing : s->first->told_firing,
			 s->last ? s->last->told_resolved : s->first->told_resolved,
			 goes_back(d, &s->flushes));
}

static void answer_sent(struct reading *d)
{
	struct sent *s = d->state;
	struct buf b = BUF(BUF_NO_LIMIT), text = BUF(BUF_NO_LIMIT);

	if (!s->first) {
		answer_none(d, "the journal has no notification of this id", &s->attempts);
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

/* Before the silence began it kept nothing from anybody. */
static wall_ms hush_known_since(const struct reading *d, const struct hush *h,
				const struct silence *s)
{
	wall_ms since = known_since(d, &h->flushes);

	return since > instant_ms(s->starts_at) ? since : 0;
}

static const char *kept_words(struct reading *d, const struct hush *h, wall_ms since)
{
	if (!h->muted.n_all)
		return since ? "what it kept back is not known" : "it kept nothing back";
	return arena_printf(&d->mem, "it kept %s%zu alert%s back", since ? "at least " : "",
			    h->muted.n_all, h->muted.n_all == 1 ? "" : "s");
}

/* A flush that decides as the one before has no row: none may mean as many as there were.
 */
static void add_flushes(struct reading *d, const struct hush *h, wall_ms since,
			struct buf *b, struct buf *text)
{
	put_name(b, "flushes");
	buf_add_char(b, '[');
	if (h->flushes.n)
		buf_add_text(text, "Flushes (like ones in a row once)\n");
	else if (since)
		buf_addf(text, "Whether it kept anything from anybody is not known: %s\n",
			 goes_back(d, &h->flushes));
	else
		buf_add_text(text, "It kept nothing from anybody so far.\n");
	if (h->flushes.n && since)
		buf_addf(text, "  those before are not known: %s\n",
			 goes_back(d, &h->flushes));
	for (size_t i = 0; i < h->flushes.n; i++)
		add_flush(d, &h->flushes.v[i].record, h->id, b, text);
	buf_add_char(b, ']');
	put_at(b, "knownSince", since);
}

static void add_silence(struct reading *d, struct hush *h, const struct silence *s,
			struct buf *b, struct buf *text)
{
	struct names *now = ARENA_NEW(&d->mem, struct names);
	struct buf matchers = BUF(BUF_NO_LIMIT);
	const char *state = silence_state_text(silence_state(s, instant_of_ms(d->to)));
	wall_ms since = hush_known_since(d, h, s);

	buf_add_matchers(&matchers, &s->matchers);
	buf_addf(text, "Silence %s is %s: %s\n  %s\n  by %s: \"%s\"\n  from %s to %s\n",
		 h->id, state, kept_words(d, h, since), buf_text(&matchers),
		 s->created_by[0] ? s->created_by : "nobody", s->comment,
		 why_time(&d->mem, instant_ms(s->starts_at)),
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
	add_flushes(d, h, since, b, text);
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
		answer_none(d, "there is no silence of this id, now or in the journal",
			    &h->changes);
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
