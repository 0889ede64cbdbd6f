#include "base/base.h"
#include "api/journal.h"
#include "engine/why.h"

#include <stdlib.h>
#include <string.h>

/* GET /api/v1/why: ?alert= (matchers, or a fingerprint), ?notification= or ?silence=, and
 * &at= for a past time. */

#define MOST_ALERTS 10	 /* explained in one answer */
#define MOST_ROWS   2000 /* of one alert */

struct asked {
	uint64_t fingerprint;
	struct journal_rows rows;
	const char *hash_now; /* of the configuration that was loaded last */
	wall_ms hash_now_at;
};
struct asking {
	struct matchers matchers;
	const struct matcher *exact; /* an equality to search texts by; or NULL */
	struct asked v[MOST_ALERTS];
	size_t n, n_all;
	bool knows_one; /* a fingerprint was given */
	/* while rows are sifted */
	struct arena *mem;
	uint64_t fingerprint;	     /* of the alert that is explained */
	struct map deliveries;	     /* ids that concern it */
	const struct labels *labels; /* its own */
	const char *rule;
};

/* -- on the worker: what the journal has ---------------------------------------------- */

static bool has_alert(const struct asking *a, uint64_t fingerprint)
{
	for (size_t i = 0; i < a->n; i++) {
		if (a->v[i].fingerprint == fingerprint)
			return true;
	}
	return false;
}

/* Newest first; the rows themselves are not wanted. */
static bool find_alerts(void *ctx, const struct record *r)
{
	struct asking *a = ctx;

	for (size_t i = 0; i < r->n_alerts; i++) {
		const struct record_alert *found = &r->alerts[i];

		if (has_alert(a, found->fingerprint) ||
		    !matchers_hold(&a->matchers, found->labels))
			continue;
		a->n_all++;
		if (a->n < MOST_ALERTS)
			a->v[a->n++].fingerprint = found->fingerprint;
	}
	return false;
}

static bool search(struct reading *d, struct asking *a)
{
	struct buf text = BUF(BUF_NO_LIMIT);
	const char *any;
	struct journal_rows none;
	struct journal_query q = {
		.to = reading_until(d),
		.kinds = JOURNAL_KIND(RECORD_ALERTS) | JOURNAL_KIND(RECORD_RULE),
		.any = &any,
		.n_any = a->exact ? 1 : 0,
		.wants = find_alerts,
		.ctx = a,
	};
	bool ok;

	if (a->exact)
		buf_add_json(&text, str_of(a->exact->value));
	any = buf_text(&text);
	ok = reading_rows(d, &q, &none);
	buf_free(&text);
	return ok;
}

static bool has(const uint64_t *v, size_t n, uint64_t fingerprint)
{
	for (size_t i = 0; i < n; i++) {
		if (v[i] == fingerprint)
			return true;
	}
	return false;
}

static void note_delivery(struct asking *a, const char *id)
{
	if (id)
		map_put(&a->deliveries, str_of(id), a);
}

/* What the rows of the alert itself say about which others belong to it. */
static void note_rows(struct asking *a, const struct asked *of)
{
	for (size_t i = 0; i < of->rows.n; i++) {
		const struct record *r = &of->rows.v[i].record;

		for (size_t k = 0; k < r->n_alerts; k++) {
			if (r->alerts[k].fingerprint == of->fingerprint)
				a->labels = r->alerts[k].labels;
		}
		if (r->kind == RECORD_RULE)
			a->rule = r->rule;
		if (r->kind == RECORD_SENDING)
			note_delivery(a, r->delivery);
		if (r->kind != RECORD_FLUSH ||
		    (!has(r->firing, r->n_firing, of->fingerprint) &&
		     !has(r->resolved, r->n_resolved, of->fingerprint)))
			continue;
		for (size_t k = 0; k < r->n_decisions; k++)
			note_delivery(a, r->decisions[k].delivery);
	}
}

static bool belongs(void *ctx, const struct record *r)
{
	struct asking *a = ctx;

	switch ((int)r->kind) {
	case RECORD_ATTEMPT:
		return (r->delivery && map_find(&a->deliveries, str_of(r->delivery))) ||
		       has(r->firing, r->n_firing, a->fingerprint) ||
		       has(r->resolved, r->n_resolved, a->fingerprint);
	case RECORD_SILENCE:
		return r->silence && a->labels &&
		       matchers_hold(&r->silence->matchers, a->labels);
	case RECORD_RULE:
		return (r->reason == RULE_FAILS || r->reason == RULE_WORKS) && a->rule &&
		       !strcmp(a->rule, r->rule);
	default:
		return true;
	}
}

static int by_id(const void *a, const void *b)
{
	const struct journal_row *x = a, *y = b;

	return (x->id > y->id) - (x->id < y->id);
}

static void join(struct arena *mem, struct journal_rows *to,
		 const struct journal_rows *more)
{
	struct journal_row *v = ARENA_ARRAY(mem, struct journal_row, to->n + more->n);

	if (to->n)
		memcpy(v, to->v, to->n * sizeof(*v));
	if (more->n)
		memcpy(v + to->n, more->v, more->n * sizeof(*v));
	to->v = v;
	to->n += more->n;
	to->is_cut = to->is_cut || more->is_cut;
	to->read_to = MAX(to->read_to, more->read_to);
	if (to->n)
		qsort(v, to->n, sizeof(*v), by_id);
}

/* Of which the one before the oldest row of the alert may matter, too. */
static bool add_belonging(struct reading *d, struct asking *a, struct asked *of)
{
	struct journal_rows more, config;
	struct journal_query q = {
		.from = of->rows.n ? of->rows.v[0].record.at : 0,
		.to = reading_until(d),
		.kinds = JOURNAL_KIND(RECORD_ATTEMPT) | JOURNAL_KIND(RECORD_RULE),
		.wants = belongs,
		.ctx = a,
		.most = MOST_ROWS,
	};
	struct journal_query rare = {
		.to = reading_until(d),
		.kinds = JOURNAL_KIND(RECORD_SILENCE) | JOURNAL_KIND(RECORD_CONFIG),
		.wants = belongs,
		.ctx = a,
	};

	if (!reading_rows(d, &q, &more) || !reading_rows(d, &rare, &config))
		return false;
	join(&d->mem, &of->rows, &more);
	config.is_cut = false; /* those that were missed are far away */
	config.read_to = 0;
	join(&d->mem, &of->rows, &config);
	return true;
}

static bool find_config(struct reading *d, struct asked *of)
{
	struct journal_rows rows;
	struct journal_query q = {.from = d->to,
				  .to = NEVER,
				  .kinds = JOURNAL_KIND(RECORD_CONFIG),
				  .most = 20};

	if (d->to >= d->now)
		return true;
	if (!reading_rows(d, &q, &rows))
		return false;
	for (size_t i = 0; i < rows.n; i++) {
		const struct record *r = &rows.v[i].record;

		if (!r->error && r->hash) {
			of->hash_now = r->hash;
			of->hash_now_at = r->at;
		}
	}
	return true;
}

static bool read_alert(struct reading *d, struct asking *a, struct asked *of)
{
	char text[20];
	const char *any = text;
	struct journal_query q = {
		.to = reading_until(d),
		.kinds = JOURNAL_KIND(RECORD_ALERTS) | JOURNAL_KIND(RECORD_RULE) |
			 JOURNAL_KIND(RECORD_FLUSH) | JOURNAL_KIND(RECORD_SENDING),
		.any = &any,
		.n_any = 1,
		.most = MOST_ROWS,
	};
	struct buf b = BUF(20);
	bool ok;

	buf_add_fingerprint(&b, of->fingerprint);
	memset(text, 0, sizeof(text));
	text[0] = '"';
	memcpy(text + 1, b.p, 16);
	text[17] = '"';
	buf_free(&b);
	if (!reading_rows(d, &q, &of->rows))
		return false;
	a->fingerprint = of->fingerprint;
	a->labels = NULL;
	a->rule = NULL;
	note_rows(a, of);
	ok = add_belonging(d, a, of) && find_config(d, of);
	map_free(&a->deliveries);
	return ok;
}

static void read_alerts(struct reading *d)
{
	struct asking *a = d->state;

	if (!a->knows_one && (!a->n || d->to < d->now) && !search(d, a))
		return;
	for (size_t i = 0; i < a->n; i++) {
		if (!read_alert(d, a, &a->v[i]))
			return;
	}
}

/* -- on the loop: the answer ---------------------------------------------------------- */

static void add_verdict(struct buf *b, const struct why_target *t)
{
	const struct verdict_of *v = &t->verdict;

	put_comma(b);
	buf_add_char(b, '{');
	put_str(b, "receiver", t->receiver);
	put_str(b, "integration", t->integration);
	if (t->integration)
		put_int(b, "index", (int64_t)t->index);
	put_bool(b, "told", v->is_told);
	if (v->is_told) {
		put_at(b, "firstAt", v->at);
		put_at(b, "lastAt", v->last_at);
		put_int(b, "times", v->times);
	} else {
		put_str(b, "cause", reason_name(v->cause));
		put_at(b, "since", v->at);
		put_str(b, "by", v->by);
		put_str(b, "rule", v->rule);
		put_set(b, "source", v->source);
		put_str(b, "error", v->error);
		put_at(b, "nextAt", v->next_at);
	}
	put_str(b, "notification", v->delivery);
	put_at(b, "endToldAt", t->end_told_at);
	put_str(b, "text", t->words);
	buf_add_char(b, '}');
}

static void add_groups(struct buf *b, const struct why *w)
{
	put_name(b, "groups");
	buf_add_char(b, '[');
	for (size_t i = 0; i < w->groups.n; i++) {
		const struct why_group *g = &w->groups.v[i];

		put_comma(b);
		buf_add_char(b, '{');
		put_str(b, "key", g->key);
		put_str(b, "receiver", g->receiver);
		put_str(b, "route", g->place);
		put_bool(b, "exists", g->exists);
		put_at(b, "flushedAt", g->flushed_at);
		put_at(b, "nextFlushAt", g->next_at);
		put_name(b, "verdicts");
		buf_add_char(b, '[');
		for (size_t k = 0; k < g->n_targets; k++)
			add_verdict(b, &g->targets[k]);
		buf_add_text(b, "]}");
	}
	buf_add_char(b, ']');
}

static void add_rule(struct buf *b, const struct story *s)
{
	if (!s->rule)
		return;
	put_name(b, "rule");
	buf_add_char(b, '{');
	put_str(b, "name", s->rule);
	put_str(b, "file", s->file);
	put_int(b, "line", s->line);
	put_str(b, "group", s->rule_group);
	put_str(b, "query", s->expr);
	put_int(b, "forMs", s->hold);
	put_value(b, "value", s->value);
	put_at(b, "pendingAt", s->pending_at);
	put_at(b, "firingAt", s->firing_at);
	put_at(b, "resolvedAt", s->resolved_at);
	put_at(b, "droppedAt", s->dropped_at);
	put_str(b, "error", s->rule_error);
	buf_add_char(b, '}');
}

static void add_routes(struct buf *b, const struct why *w)
{
	put_name(b, "routes");
	buf_add_char(b, '[');
	for (size_t i = 0; i < w->routes.n; i++) {
		const struct why_route *r = &w->routes.v[i];
		struct buf matchers = BUF(BUF_NO_LIMIT);

		buf_add_matchers(&matchers, &r->route->matchers);
		put_comma(b);
		buf_add_char(b, '{');
		put_int(b, "depth", r->depth);
		put_str(b, "matchers", buf_text(&matchers));
		put_int(b, "line", r->route->at.line);
		put_str(b, "receiver", r->route->receiver->name);
		put_bool(b, "takes", r->takes);
		put_bool(b, "isEnd", r->is_end);
		put_str(b, "refusedBy", r->refused_by);
		buf_add_char(b, '}');
		buf_free(&matchers);
	}
	buf_add_char(b, ']');
}

static void add_mutes(struct buf *b, const struct why *w)
{
	put_name(b, "mutedNow");
	buf_add_char(b, '[');
	for (size_t i = 0; i < w->mutes.n; i++) {
		put_comma(b);
		buf_add_char(b, '{');
		put_str(b, "reason", reason_name(w->mutes.v[i].reason));
		put_str(b, "by", w->mutes.v[i].by);
		put_str(b, "rule", w->mutes.v[i].rule);
		put_str(b, "receiver", w->mutes.v[i].receiver);
		put_str(b, "text", w->mutes.v[i].words);
		buf_add_char(b, '}');
	}
	buf_add_char(b, ']');
}

static void add_deliveries(struct buf *b, const struct story *s)
{
	put_name(b, "notifications");
	buf_add_char(b, '[');
	for (size_t i = 0; i < s->deliveries.n; i++) {
		const struct story_delivery *d = &s->deliveries.v[i];

		put_comma(b);
		buf_add_char(b, '{');
		put_str(b, "id", d->id);
		put_at(b, "at", d->at);
		put_str(b, "groupKey", d->group_key);
		put_str(b, "receiver", d->receiver);
		put_str(b, "integration", d->integration);
		put_int(b, "index", (int64_t)d->index);
		put_str(b, "reason", reason_name(d->reason));
		put_bool(b, "firing", d->fires);
		if (d->outcome) {
			put_str(b, "outcome", reason_name(d->outcome));
			put_at(b, "endedAt", d->ended_at);
			put_int(b, "attempts", d->attempts);
			put_int(b, "status", d->status);
			put_str(b, "error", d->error);
			put_at(b, "nextAt", d->next_at);
		}
		buf_add_char(b, '}');
	}
	buf_add_char(b, ']');
}

static void add_next(struct buf *b, const struct why *w)
{
	put_name(b, "next");
	buf_add_char(b, '[');
	for (size_t i = 0; i < w->next.n; i++) {
		put_comma(b);
		buf_add_char(b, '{');
		put_at(b, "at", w->next.v[i].at);
		put_str(b, "text", w->next.v[i].words);
		buf_add_char(b, '}');
	}
	buf_add_char(b, ']');
}

static void add_why(struct buf *b, const struct why *w, struct buf *text)
{
	const struct story *s = w->story;
	size_t start = text->n;

	put_comma(b);
	buf_add_char(b, '{');
	put_hash(b, "fingerprint", w->fingerprint);
	put_set(b, "labels", w->labels);
	put_str(b, "state", w->state);
	put_str(b, "summary", w->summary);
	put_at(b, "cameAt", s->came_at);
	put_at(b, "endedAt", s->ended_at);
	put_at(b, "endsAt", w->ends_at);
	put_str(b, "from", s->from);
	put_str(b, "user", s->user);
	if (!w->groups.n)
		put_str(b, "cause", reason_name(w->cause));
	add_rule(b, s);
	add_routes(b, w);
	add_groups(b, w);
	add_mutes(b, w);
	add_deliveries(b, s);
	add_next(b, w);
	put_at(b, "configChangedAt", w->options.config_changed_at);
	if (start)
		buf_add_char(text, '\n');
	start = text->n;
	buf_add_why(text, w);
	put_lines(b, "text", str_from(buf_str(text), start));
	buf_add_char(b, '}');
}

static void explain(struct reading *d, struct asked *of, struct buf *b, struct buf *text)
{
	const struct api_host *host = &d->r->api->options.host;
	struct story s = story_of(&d->mem, of->fingerprint);
	struct why_options o = {.at = d->to,
				.now = d->now,
				.read_to = of->rows.read_to,
				.is_cut = of->rows.is_cut};

	for (size_t i = 0; i < of->rows.n; i++)
		story_add(&s, &of->rows.v[i].record);
	if (of->hash_now && s.config_hash && strcmp(of->hash_now, s.config_hash) != 0)
		o.config_changed_at = of->hash_now_at;
	add_why(b, why_alert(host->engine(host->ctx), &s, &o, &d->mem), text);
}

/* No alert: what the rules that could make it do. */
static void explain_nothing(struct reading *d, struct asking *a, struct buf *b,
			    struct buf *text)
{
	const struct api_host *host = &d->r->api->options.host;
	const char *words;
	enum reason cause = why_nothing(host->engine(host->ctx), &a->matchers, &d->mem,
					&words);

	put_str(b, "cause", reason_name(cause));
	buf_add_why_nothing(text, &a->matchers, words);
}

static void answer_alerts(struct reading *d)
{
	struct asking *a = d->state;
	struct buf b = BUF(BUF_NO_LIMIT), text = BUF(BUF_NO_LIMIT);
	size_t left = a->n_all > a->n ? a->n_all - a->n : 0;

	buf_add_text(&b, "{\"status\":\"success\",\"data\":{");
	put_at(&b, "at", d->to);
	if (!a->n)
		explain_nothing(d, a, &b, &text);
	put_name(&b, "alerts");
	buf_add_char(&b, '[');
	for (size_t i = 0; i < a->n; i++)
		explain(d, &a->v[i], &b, &text);
	buf_add_char(&b, ']');
	put_int(&b, "more", (int64_t)left);
	if (left)
		buf_addf(&text, "\n%zu more alerts match: ask for one by its labels.\n",
			 left);
	put_lines(&b, "text", buf_str(&text));
	buf_add_text(&b, "}}\n");
	answer_json(d->r, 200, &b);
	buf_free(&b);
	buf_free(&text);
}

/* -- the request ---------------------------------------------------------------------- */

static bool add_matchers(struct request *r, struct str text, struct asking *a)
{
	struct matchers some;
	struct matcher *v;
	struct err err;

	if (fingerprint_parse(text, &a->v[0].fingerprint)) {
		a->knows_one = true;
		a->n = a->n_all = 1;
		return true;
	}
	if (!matchers_parse(r->mem, text, NOWHERE, r->api->options.matchers, &some, NULL,
			    &err)) {
		answer_bad(r, 400, arena_printf(r->mem, "alert: %s", err.text));
		return false;
	}
	v = ARENA_ARRAY(r->mem, struct matcher, a->matchers.n + some.n);
	if (a->matchers.n)
		memcpy(v, a->matchers.v, a->matchers.n * sizeof(*v));
	if (some.n)
		memcpy(v + a->matchers.n, some.v, some.n * sizeof(*v));
	a->matchers.v = v;
	a->matchers.n += some.n;
	return true;
}

static bool read_question(struct request *r, struct asking *a)
{
	for (size_t i = 0; i < r->params.n; i++) {
		if (str_is(r->params.v[i].name, "alert") &&
		    !add_matchers(r, r->params.v[i].value, a))
			return false;
	}
	for (size_t i = 0; i < a->matchers.n; i++) {
		if (a->matchers.v[i].op == MATCH_EQUAL && a->matchers.v[i].value[0])
			a->exact = &a->matchers.v[i];
	}
	if (a->matchers.n || a->knows_one)
		return true;
	answer_bad(r, 400,
		   "what to explain is missing: alert (matchers, or a fingerprint), "
		   "notification or silence (an id)");
	return false;
}

/* What is there now; a past time asks the journal who was there. */
static void find_now(struct reading *d, struct asking *a)
{
	const struct api_host *host = &d->r->api->options.host;
	uint64_t *v;

	if (a->knows_one || d->to < d->now)
		return;
	v = why_find(host->engine(host->ctx), &a->matchers, MOST_ALERTS, d->r->mem,
		     &a->n_all);
	for (; a->n < MIN(a->n_all, MOST_ALERTS); a->n++)
		a->v[a->n].fingerprint = v[a->n];
}

static void why_of_alerts(struct request *r)
{
	struct asking *a = ARENA_NEW(r->mem, struct asking);
	struct reading *d = reading_new(r);

	if (!param_time(r, "at", &d->to) || !read_question(r, a))
		return;
	d->to = MIN(d->to, d->now);
	d->read = read_alerts;
	d->answer = answer_alerts;
	d->state = a;
	find_now(d, a);
	reading_start(d);
}

void get_why(struct request *r)
{
	const struct param *notification = param_last(r, "notification");
	const struct param *silence = param_last(r, "silence");

	if (notification && notification->value.n)
		why_of_notification(r, arena_copy(r->mem, notification->value));
	else if (silence && silence->value.n)
		why_of_silence(r, arena_copy(r->mem, silence->value));
	else
		why_of_alerts(r);
}
