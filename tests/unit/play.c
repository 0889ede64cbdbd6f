#include "base/base.h"
#include "unit/play.h"
#include "base/map.h"
#include "engine/engine.h"
#include "engine/view.h"
#include "receivers/attempt.h"
#include "text/rule_data.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define START	     INT64_C(1767225600000) /* 2026-01-01T00:00:00Z */
#define MOST_SINKS   8
#define MOST_SAVED   64
#define LONGEST_PLAY (30 * DAY)

enum sink_mode { SINK_OK, SINK_FAIL, SINK_REFUSE, SINK_HANG, SINK_BUSY, SINK_LOSE };
struct sink {
	char name[32];
	enum sink_mode mode;
};
struct file {
	const char *path;
	struct arena mem;
	const struct rule_file *rules; /* NULL: there is none */
	/* what becomes of it while nobody looks */
	bool is_unseen;
	struct str next; /* "": it goes; "unreadable" */
};
struct stage {
	const struct play *play;
	const struct watch *watch;
	struct engine *engine;
	uint64_t lives;
	struct arena config_mem, mem, step;
	const struct config *config;
	struct actions todo;
	struct buf *trace;
	wall_ms now, next;
	struct sink sinks[MOST_SINKS];
	size_t n_sinks;
	struct {
		char name[32], id[SILENCE_ID_SIZE];
	} silences[16];
	size_t n_silences;
	bool is_partial;		   /* what the backend answers */
	int series;			   /* of each query; -1: an error */
	const struct histogram *histogram; /* they are; NULL: numbers */
	bool holds_back;
	uint64_t held[8]; /* queries without an answer, oldest first */
	size_t n_held;
	/* what ALERTS_FOR_STATE holds of another program's life */
	struct sample past[8];
	size_t n_past;
	bool past_fails, past_is_seen[8];
	bool with_times;
	struct engine_options options; /* of engines to come, beside those of all plays */
	struct map files;	       /* rule files that ever were, by path */
	/* what reached the disk */
	struct arena disk_mem;
	struct map disk; /* saved rows by key */
	struct map open; /* of open_delivery, by id */
};

enum row_kind { ROW_SILENCE, ROW_TOLD, ROW_ALERT, ROW_RULE_ALERT };
struct row {
	enum row_kind kind;
	const char *key;
	struct silence silence;
	struct told told;
	struct alert alert;
	struct rule_alert rule_alert;
};

static void line(struct stage *s, const char *fmt, ...) PRINTF(2, 3);
static void line(struct stage *s, const char *fmt, ...)
{
	span_ms t = s->now - START;
	struct arena mem = {0};
	va_list ap;

	if (t % 1000)
		buf_addf(s->trace, "%.1f ", (double)(t / 100) / 10);
	else
		buf_addf(s->trace, "%lld ", (long long)(t / 1000));
	va_start(ap, fmt);
	buf_add_text(s->trace, arena_vprintf(&mem, fmt, ap));
	va_end(ap);
	buf_add_char(s->trace, '\n');
	arena_free(&mem);
}

static void add_alert_name(struct buf *b, const struct labels *l)
{
	bool any = false;

	buf_add_text(b, labels_get(l, "alertname"));
	for (size_t i = 0; i < l->n; i++) {
		if (!strcmp(l->v[i].name, "alertname"))
			continue;
		buf_addf(b, "%c%s=%s", any ? ',' : '{', l->v[i].name, l->v[i].value);
		any = true;
	}
	if (any)
		buf_add_char(b, '}');
}

/* -- the disk ------------------------------------------------------------------------- */

static struct matchers copy_matchers(struct arena *mem, const struct matchers *m)
{
	struct matchers copy = {ARENA_ARRAY(mem, struct matcher, m->n), m->n};

	for (size_t i = 0; i < m->n; i++)
		assert_true(matcher_new(mem, m->v[i].op, str_of(m->v[i].name),
					str_of(m->v[i].value), &copy.v[i], NULL));
	return copy;
}

static const uint64_t *keep_hashes(struct arena *mem, const uint64_t *from, size_t n)
{
	uint64_t *v = ARENA_ARRAY(mem, uint64_t, n);

	if (n)
		memcpy(v, from, n * sizeof(*v));
	return v;
}

static void save(struct stage *s, const struct row *from)
{
	struct arena *mem = &s->disk_mem;
	struct row *r = ARENA_NEW(mem, struct row);

	*r = *from;
	r->key = arena_text(mem, from->key);
	switch (r->kind) {
	case ROW_SILENCE:
		r->silence.matchers = copy_matchers(mem, &from->silence.matchers);
		r->silence.comment = arena_text(mem, from->silence.comment);
		r->silence.created_by = arena_text(mem, from->silence.created_by);
		r->silence.annotations = &labels_none;
		break;
	case ROW_TOLD: {
		uint64_t *firing = ARENA_ARRAY(mem, uint64_t, from->told.n_firing);
		uint64_t *resolved = ARENA_ARRAY(mem, uint64_t, from->told.n_resolved);

		for (size_t i = 0; i < from->told.n_firing; i++)
			firing[i] = from->told.firing[i];
		for (size_t i = 0; i < from->told.n_resolved; i++)
			resolved[i] = from->told.resolved[i];
		r->told.maybe = keep_hashes(mem, from->told.maybe, from->told.n_maybe);
		r->told.firing = firing;
		r->told.resolved = resolved;
		r->told.group_key = arena_text(mem, from->told.group_key);
		r->told.receiver = arena_text(mem, from->told.receiver);
		r->told.integration = arena_text(mem, from->told.integration);
		r->told.n_memory = 0;
		break;
	}
	case ROW_ALERT:
		r->alert.labels = labels_copy(mem, from->alert.labels);
		r->alert.annotations = labels_copy(mem, from->alert.annotations);
		r->alert.generator_url = arena_text(mem, from->alert.generator_url);
		break;
	case ROW_RULE_ALERT:
		r->rule_alert.file = arena_text(mem, from->rule_alert.file);
		r->rule_alert.group = arena_text(mem, from->rule_alert.group);
		r->rule_alert.rule = arena_text(mem, from->rule_alert.rule);
		r->rule_alert.rule_labels = labels_copy(mem, from->rule_alert.rule_labels);
		r->rule_alert.labels = labels_copy(mem, from->rule_alert.labels);
		r->rule_alert.annotations = labels_copy(mem, from->rule_alert.annotations);
		break;
	}
	map_put(&s->disk, str_of(r->key), r);
}

static void forget(struct stage *s, const char *prefix, const char *key)
{
	map_del(&s->disk, str_of(arena_printf(&s->disk_mem, "%s%s", prefix, key)));
}

static void keep(struct stage *s, const struct action *a)
{
	struct arena *mem = &s->disk_mem;
	struct row r = {.kind = ROW_SILENCE};

	if (a->kind == ACTION_SAVE_SILENCE) {
		r.silence = *a->silence;
		r.key = arena_printf(mem, "silence %s", a->silence->id);
	} else if (a->kind == ACTION_SAVE_TOLD) {
		r.kind = ROW_TOLD;
		r.told = *a->told;
		r.key = arena_printf(mem, "told %llu", (unsigned long long)a->told->number);
	} else if (a->kind == ACTION_SAVE_ALERT) {
		r.kind = ROW_ALERT;
		r.alert = *a->alert;
		r.key = arena_printf(mem, "alert %016llx",
				     (unsigned long long)a->alert->labels->fingerprint);
	} else {
		r.kind = ROW_RULE_ALERT;
		r.rule_alert = *a->rule_alert;
		r.key = arena_printf(mem, "rule %s", a->key);
	}
	save(s, &r);
}

static void keep_open(struct stage *s, const struct open_delivery *from)
{
	struct open_delivery *o = ARENA_NEW(&s->disk_mem, struct open_delivery);

	*o = *from;
	o->id = arena_text(&s->disk_mem, from->id);
	o->group_key = arena_text(&s->disk_mem, from->group_key);
	o->receiver = arena_text(&s->disk_mem, from->receiver);
	o->integration = arena_text(&s->disk_mem, from->integration);
	o->firing = keep_hashes(&s->disk_mem, from->firing, from->n_firing);
	o->resolved = keep_hashes(&s->disk_mem, from->resolved, from->n_resolved);
	map_put(&s->open, str_of(o->id), o);
}

/* -- actions -------------------------------------------------------------------------- */

static struct sink *sink_of(struct stage *s, const char *name)
{
	for (size_t i = 0; i < s->n_sinks; i++) {
		if (!strcmp(s->sinks[i].name, name))
			return &s->sinks[i];
	}
	assert_true(s->n_sinks < MOST_SINKS);
	snprintf(s->sinks[s->n_sinks].name, sizeof(s->sinks[0].name), "%s", name);
	return &s->sinks[s->n_sinks++];
}

static void add_seconds(struct buf *b, struct instant t)
{
	buf_addf(b, "%g", (double)(instant_ms(t) - START) / 1000);
}

static void add_times(struct buf *b, const struct notification_alert *a)
{
	buf_add_char(b, '@');
	add_seconds(b, a->starts_at);
	if (!a->resolved)
		return;
	buf_add_text(b, "..");
	add_seconds(b, a->ends_at);
}

static void add_alerts(struct stage *s, struct buf *b, const struct notification *n,
		       bool resolved)
{
	bool any = false;

	for (size_t i = 0; i < n->n_alerts; i++) {
		if (n->alerts[i].resolved != resolved)
			continue;
		buf_add_text(b, any ? " " : resolved ? " resolved " : " firing ");
		add_alert_name(b, n->alerts[i].labels);
		if (s->with_times)
			add_times(b, &n->alerts[i]);
		any = true;
	}
}

static void step(struct stage *s, const struct event *in, size_t n);

static void deliver(struct stage *s, const struct delivery_wish *w)
{
	const struct notification *n = w->notification;
	struct sink *sink = sink_of(s, n->receiver->name);
	struct delivery_ended end = {.id = w->id};
	struct event ev = {.kind = EVENT_DELIVERY_ENDED, .delivery = &end};
	struct buf b = BUF(10000);

	if (sink->mode == SINK_OK) {
		add_alerts(s, &b, n, false);
		add_alerts(s, &b, n, true);
		line(s, "%s %s%s", n->receiver->name, reason_name(n->reason), buf_text(&b));
		if (s->watch && s->watch->sent)
			s->watch->sent(s->watch->ctx, n, s->now);
	} else if (sink->mode == SINK_FAIL) {
		end.verdict = VERDICT_RETRY;
		end.error = "down";
	} else if (sink->mode == SINK_BUSY) {
		line(s, "%s busy", n->receiver->name);
		end.verdict = VERDICT_RETRY;
		end.error = "busy";
		end.retry_after = 20 * SECOND;
	} else if (sink->mode == SINK_LOSE) {
		line(s, "%s gives no answer", n->receiver->name);
		end.verdict = VERDICT_RETRY;
		end.error = "connection reset";
		end.in_doubt = true;
	} else if (sink->mode == SINK_REFUSE) {
		line(s, "%s refuses", n->receiver->name);
		end.verdict = VERDICT_GIVE_UP;
		end.error = "bad request";
	}
	buf_free(&b);
	if (sink->mode != SINK_HANG)
		step(s, &ev, 1);
}

static void answer_series(struct stage *s, uint64_t id)
{
	struct query_ended end = {.id = id,
				  .ok = s->series >= 0,
				  .error = "backend down",
				  .is_partial = s->is_partial};
	struct event ev = {.kind = EVENT_QUERY_ENDED, .query = &end};
	struct arena mem = {0};
	struct sample *v = ARENA_ARRAY(&mem, struct sample, (size_t)MAX(s->series, 0));

	for (int i = 0; i < s->series; i++) {
		struct label l = {"n", arena_printf(&mem, "%d", i)};

		v[i].labels = labels_new(&mem, &l, 1, NULL);
		v[i].value = s->histogram ? 0 : i;
		v[i].histogram = s->histogram;
	}
	end.samples = (struct samples){v, (size_t)MAX(s->series, 0)};
	step(s, &ev, 1);
	arena_free(&mem);
}

/* The last samples, or those that are still seen. */
static void answer_past(struct stage *s, const struct query_wish *w)
{
	struct sample v[COUNT_OF(s->past)];
	struct query_ended end = {
		.id = w->id, .ok = !s->past_fails, .error = "no past", .samples = {v, 0}};
	struct event ev = {.kind = EVENT_QUERY_ENDED, .query = &end};

	line(s, "ask %s at %g", w->expr, (double)(w->at - START) / 1000);
	assert_int_equal(w->raw, w->expr[strlen(w->expr) - 1] == ']');
	for (size_t i = 0; i < s->n_past; i++) {
		if (w->raw || s->past_is_seen[i])
			v[end.samples.n++] = s->past[i];
	}
	step(s, &ev, 1);
}

static void answer_query(struct stage *s, const struct query_wish *w)
{
	if (!strncmp(w->expr, "ALERTS_FOR_STATE", 16)) {
		answer_past(s, w);
		return;
	}
	if (!s->holds_back) {
		answer_series(s, w->id);
		return;
	}
	line(s, "query %s", w->expr);
	assert_true(s->n_held < COUNT_OF(s->held));
	s->held[s->n_held++] = w->id;
}

static void take_held(struct stage *s, size_t i)
{
	s->n_held--;
	memmove(&s->held[i], &s->held[i + 1], (s->n_held - i) * sizeof(*s->held));
}

static void cancel_query(struct stage *s, uint64_t id)
{
	for (size_t i = 0; i < s->n_held; i++) {
		if (s->held[i] != id)
			continue;
		line(s, "query canceled");
		take_held(s, i);
		return;
	}
}

static const struct labels *labels_of(struct stage *s, uint64_t fingerprint)
{
	struct arena mem = {0};
	const struct labels *found = &labels_none;
	struct alert_view v;

	if (view_alert(s->engine, s->now, &mem, fingerprint, &v))
		found = v.alert.labels;
	arena_free(&mem);
	return found;
}

static void note_mute(struct stage *s, const struct record_mute *m)
{
	for (size_t i = 0; i < m->n; i++) {
		struct buf b = BUF(1000);

		add_alert_name(&b, labels_of(s, m->alerts[i]));
		line(s, "%s %s", reason_name(m->reason), buf_text(&b));
		buf_free(&b);
	}
}

static void note_rule(struct stage *s, const struct record_alert *a)
{
	struct buf b = BUF(1000);

	add_alert_name(&b, a->labels);
	if (a->change == CHANGE_RULE_PENDING || a->change == CHANGE_RULE_DROPPED)
		line(s, "rule %s %s", buf_text(&b),
		     a->change == CHANGE_RULE_PENDING ? "pending" : "dropped");
	buf_free(&b);
}

static void note_record(struct stage *s, const struct record *r)
{
	if (s->watch && s->watch->record)
		s->watch->record(s->watch->ctx, r);
	for (size_t i = 0; i < r->n_mutes; i++)
		note_mute(s, &r->mutes[i]);
	for (size_t i = 0; r->kind == RECORD_RULE && i < r->n_alerts; i++)
		note_rule(s, &r->alerts[i]);
	if (r->kind == RECORD_ATTEMPT && r->reason == DELIVERY_TIMEOUT)
		line(s, "%s %s", r->receiver, reason_name(r->reason));
}

/* As a metrics page would: name{label=value} number, and the time when it is another. */
static void note_writes(struct stage *s, const struct write_wish *w)
{
	for (size_t i = 0; i < w->n; i++) {
		const struct labels *l = w->v[i].labels;
		struct buf b = BUF(10000);
		bool any = false;

		buf_add_text(&b, labels_get(l, "__name__"));
		for (size_t k = 0; k < l->n; k++) {
			if (!strcmp(l->v[k].name, "__name__"))
				continue;
			buf_addf(&b, "%c%s=%s", any ? ',' : '{', l->v[k].name,
				 l->v[k].value);
			any = true;
		}
		buf_add_text(&b, any ? "} " : " ");
		if (w->v[i].is_stale)
			buf_add_text(&b,
				     w->v[i].is_histogram ? "ends, a histogram" : "ends");
		else if (w->v[i].is_histogram)
			buf_add_native_histogram(&b, w->v[i].histogram);
		else if (!strcmp(labels_get(l, "__name__"), "ALERTS_FOR_STATE"))
			buf_addf(&b, "%g", w->v[i].value - (double)(START / 1000));
		else
			buf_addf(&b, "%g", w->v[i].value);
		if (w->at != s->now)
			buf_addf(&b, " at %g", (double)(w->at - START) / 1000);
		line(s, "write %s", buf_text(&b));
		buf_free(&b);
	}
}

static void perform(struct stage *s, const struct action *a)
{
	switch (a->kind) {
	case ACTION_DELIVER:
		deliver(s, &a->delivery);
		break;
	case ACTION_QUERY:
		answer_query(s, &a->query);
		break;
	case ACTION_WRITE:
		note_writes(s, &a->write);
		break;
	case ACTION_RECORD:
		note_record(s, a->record);
		break;
	case ACTION_FORGET_SILENCE:
		forget(s, "silence ", a->key);
		break;
	case ACTION_FORGET_TOLD:
		forget(s, "told ",
		       arena_printf(&s->disk_mem, "%llu", (unsigned long long)a->number));
		break;
	case ACTION_FORGET_ALERT:
		forget(s, "alert ",
		       arena_printf(&s->disk_mem, "%016llx",
				    (unsigned long long)a->fingerprint));
		break;
	case ACTION_FORGET_RULE_ALERT:
		forget(s, "rule ", a->key);
		break;
	case ACTION_SAVE_SILENCE:
	case ACTION_SAVE_TOLD:
	case ACTION_SAVE_ALERT:
	case ACTION_SAVE_RULE_ALERT:
		keep(s, a);
		break;
	case ACTION_SAVE_OPEN:
		keep_open(s, a->open);
		break;
	case ACTION_FORGET_OPEN:
		map_del(&s->open, str_of(a->key));
		break;
	case ACTION_QUERY_CANCEL:
		cancel_query(s, a->id);
		break;
	case ACTION_WRITE_FLUSH:
	case ACTION_DELIVERY_CANCEL:
	case ACTION_NOTE:
		break;
	}
}

/* Answers come with steps of their own, made while the actions of the first are carried
 * out: so each step has its own list and arena. What is saved is kept first, because a
 * later step may free what the actions point to. */
static void step(struct stage *s, const struct event *in, size_t n)
{
	struct actions todo = {0};
	struct arena mem = {0};

	s->next = engine_step(s->engine, s->now, in, n, &mem, &todo);
	for (size_t i = 0; i < todo.n; i++) {
		if (todo.v[i].kind != ACTION_DELIVER && todo.v[i].kind != ACTION_QUERY)
			perform(s, &todo.v[i]);
	}
	for (size_t i = 0; i < todo.n; i++) {
		if (todo.v[i].kind == ACTION_DELIVER || todo.v[i].kind == ACTION_QUERY)
			perform(s, &todo.v[i]);
	}
	free(todo.v);
	arena_free(&mem);
}

static void run_until(struct stage *s, wall_ms t)
{
	while (s->next <= t) {
		s->now = MAX(s->next, s->now);
		s->next = NEVER;
		step(s, NULL, 0);
	}
	s->now = t;
	step(s, NULL, 0);
}

/* -- commands ------------------------------------------------------------------------- */

static struct str word(struct str *rest)
{
	struct str w;
	size_t n;

	*rest = str_trim(*rest);
	n = str_find_char(*rest, ' ');
	w = str_slice(*rest, 0, n);
	*rest = n == STR_NONE ? STR("") : str_from(*rest, n + 1);
	return w;
}

/* key=value as ms since the start of the play; false: another key */
static bool take_time(struct str w, const char *key, wall_ms *out)
{
	double seconds;

	if (!str_starts(w, str_of(key)))
		return false;
	assert_true(str_double(str_from(w, strlen(key)), &seconds));
	*out = START + (wall_ms)(seconds * 1000);
	return true;
}

static void post(struct stage *s, struct str rest)
{
	struct label labels[10], notes[10];
	struct alert_post p = {.labels = labels,
			       .annotations = notes,
			       .starts_at = INSTANT_ZERO,
			       .ends_at = INSTANT_ZERO};
	struct event ev = {.kind = EVENT_ALERTS, .alerts = {&p, 1}};
	struct answer answer = {.text = BUF(1000)};
	bool starts_now = true;
	wall_ms t;

	while (rest.n) {
		struct str w = word(&rest);
		size_t eq = str_find_char(w, '=');

		if (str_is(w, "starts=unset")) {
			starts_now = false;
		} else if (take_time(w, "starts=", &t)) {
			p.starts_at = instant_of_ms(t);
		} else if (take_time(w, "ends=", &t)) {
			p.ends_at = instant_of_ms(t);
		} else if (str_starts(w, STR("note."))) {
			notes[p.n_annotations++] = (struct label){
				arena_copy(&s->mem, str_slice(w, 5, eq - 5)),
				arena_copy(&s->mem, str_from(w, eq + 1))};
		} else {
			labels[p.n_labels++] = (struct label){
				arena_copy(&s->mem, str_slice(w, 0, eq)),
				arena_copy(&s->mem, str_from(w, eq + 1))};
		}
	}
	if (instant_is_zero(p.starts_at) && starts_now)
		p.starts_at = instant_of_ms(s->now);
	ev.answer = &answer;
	step(s, &ev, 1);
	if (!answer.ok)
		line(s, "refused: %s", buf_text(&answer.text));
	buf_free(&answer.text);
}

static void silence(struct stage *s, struct str rest)
{
	struct str name = word(&rest);
	struct silence wanted = {
		.created_by = "me", .comment = "", .annotations = &labels_none};
	struct answer answer = {.text = BUF(1000)};
	struct event ev = {
		.kind = EVENT_SILENCE_SET, .silence = &wanted, .answer = &answer};
	struct buf matchers = BUF(1000);
	wall_ms end = s->now + HOUR;

	while (rest.n) {
		struct str w = word(&rest);

		if (take_time(w, "for=", &end)) {
			end += s->now - START;
			continue;
		}
		if (matchers.n)
			buf_add_char(&matchers, ',');
		buf_add_str(&matchers, w);
	}
	assert_true(matchers_parse(&s->mem, buf_str(&matchers), NOWHERE, MATCHERS_UTF8,
				   &wanted.matchers, NULL, NULL));
	wanted.starts_at = instant_of_ms(s->now);
	wanted.ends_at = instant_of_ms(end);
	step(s, &ev, 1);
	if (!answer.ok) {
		line(s, "refused: %s", buf_text(&answer.text));
	} else {
		snprintf(s->silences[s->n_silences].name, 32, "%.*s", FMT(name));
		memcpy(s->silences[s->n_silences++].id, answer.silence_id, SILENCE_ID_SIZE);
	}
	buf_free(&answer.text);
	buf_free(&matchers);
}

static void expire(struct stage *s, struct str rest)
{
	struct str name = word(&rest);

	for (size_t i = 0; i < s->n_silences; i++) {
		struct event ev = {.kind = EVENT_SILENCE_EXPIRE, .id = s->silences[i].id};

		if (str_is(name, s->silences[i].name))
			step(s, &ev, 1);
	}
}

static void set_sink(struct stage *s, struct str rest)
{
	static const char *const modes[] = {"ok", "fail", "refuse", "hang", "busy", "lose"};
	struct sink *sink = sink_of(s, arena_copy(&s->mem, word(&rest)));
	struct str mode = word(&rest);

	for (size_t i = 0; i < COUNT_OF(modes); i++) {
		if (str_is(mode, modes[i]))
			sink->mode = (enum sink_mode)i;
	}
}

static const struct histogram *one_histogram(struct stage *s, double upper, double count)
{
	struct histogram *h = arena_alloc(&s->mem, sizeof(*h) + sizeof(h->v[0]));

	h->count = 3;
	h->sum = 4.5;
	h->n = 1;
	h->v[0] = (struct histogram_bucket){ENDS_UPPER, 1, upper, count};
	return h;
}

/* How many series, error, late, histogram, odd (no exponential one) or below (zero) */
static void set_backend(struct stage *s, struct str text)
{
	s->histogram = NULL;
	s->is_partial = str_is(text, "partial");
	if (s->is_partial)
		text = STR("1");
	if (str_is(text, "histogram") || str_is(text, "odd") || str_is(text, "below")) {
		s->histogram = one_histogram(s, str_is(text, "odd") ? 3 : 2,
					     str_is(text, "below") ? -3 : 3);
		text = STR("1");
	}
	s->holds_back = str_is(text, "late");
	if (!s->holds_back)
		s->series = str_is(text, "error") ? -1 : atoi(arena_copy(&s->mem, text));
}

static void answer_held(struct stage *s)
{
	uint64_t id = s->held[0];

	assert_true(s->n_held > 0);
	take_held(s, 0);
	answer_series(s, id);
}

static struct file *file_at(struct stage *s, const char *path)
{
	struct file *f = map_find(&s->files, str_of(path));

	if (f)
		return f;
	f = ARENA_NEW(&s->mem, struct file);
	*f = (struct file){.path = arena_text(&s->mem, path)};
	map_put(&s->files, str_of(f->path), f);
	return f;
}

/* The text of the file before goes at once, as the daemon does it. */
static void put_file(struct stage *s, struct file *f, struct str text)
{
	struct arena old = f->mem;
	struct errs errs = {.mem = &s->mem};
	struct event ev = {.kind = EVENT_RULES_GONE, .path = f->path};

	f->mem = (struct arena){0};
	f->rules = NULL;
	if (text.n) {
		f->rules = rule_file_parse(&f->mem, f->path, text,
					   &(struct rule_options){0}, &errs, NULL);
		if (errs.n)
			fail_msg("%s: %s", s->play->name, err_text(&s->mem, errs.v[0]));
		ev = (struct event){.kind = EVENT_RULES, .rules = f->rules};
	}
	step(s, &ev, 1);
	arena_free(&old);
}

static void set_rules(struct stage *s, struct str rest)
{
	struct str hold = STR("0s"), expr = rest;
	size_t at = str_find(rest, STR(" for="));
	const char *text;

	if (at != STR_NONE) {
		hold = str_from(rest, at + 5);
		expr = str_slice(rest, 0, at);
	}
	text = arena_printf(&s->mem,
			    "groups:\n- name: g\n  interval: 10s\n  rules:\n"
			    "  - alert: Up\n    expr: '%.*s'\n    for: %.*s\n",
			    FMT(expr), FMT(hold));
	put_file(s, file_at(s, "r.yml"), str_of(text));
}

static void set_file(struct stage *s, struct str rest, bool is_unseen)
{
	struct file *f = file_at(s, arena_copy(&s->mem, word(&rest)));

	f->is_unseen = is_unseen;
	f->next = str_trim(rest);
	if (!is_unseen)
		put_file(s, f, f->next);
}

/* As the daemon at its start, which knows the files of its former life. */
static void load_files(struct stage *s)
{
	struct file *f;

	for (size_t at = 0; (f = map_next(&s->files, &at));) {
		struct event ev = {.kind = EVENT_RULES, .rules = f->rules};

		if (f->is_unseen && str_is(f->next, "unreadable"))
			f->rules = NULL;
		else if (f->is_unseen)
			put_file(s, f, f->next);
		else if (f->rules)
			step(s, &ev, 1);
		f->is_unseen = false;
	}
}

/* past -60 since -600 seen|gone a=b ...; or an error */
static void set_past(struct stage *s, struct str rest)
{
	struct event ev = {.kind = EVENT_READ_BACK, .on = true};
	struct label v[8];
	size_t n = 0;
	double at, since;

	step(s, &ev, 1);
	if (str_is(rest, "error")) {
		s->past_fails = true;
		return;
	}
	if (str_is(rest, "none"))
		return;
	assert_true(s->n_past < COUNT_OF(s->past));
	assert_true(str_double(word(&rest), &at));
	assert_true(str_is(word(&rest), "since"));
	assert_true(str_double(word(&rest), &since));
	s->past_is_seen[s->n_past] = str_is(word(&rest), "seen");
	v[n++] = (struct label){"__name__", "ALERTS_FOR_STATE"};
	while (rest.n) {
		struct str w = word(&rest);
		size_t eq = str_find_char(w, '=');

		v[n++] = (struct label){arena_copy(&s->mem, str_slice(w, 0, eq)),
					arena_copy(&s->mem, str_from(w, eq + 1))};
	}
	s->past[s->n_past++] = (struct sample){
		.labels = labels_new(&s->mem, v, n, NULL),
		.value = (double)(START / 1000) + since,
		.at = START + (wall_ms)(at * 1000),
	};
}

static void load(struct stage *s, struct str config)
{
	struct files files = {0};
	struct config_options options = {.files = &files, .kinds = integration_kinds};
	struct errs errs = {.mem = &s->mem};

	s->config = config_parse(&s->config_mem, "c.yml", config, &options, &errs, NULL);
	if (!s->config)
		fail_msg("%s: %s", s->play->name, err_text(&s->mem, errs.v[0]));
}

static void set_config(struct stage *s)
{
	struct event ev = {.kind = EVENT_CONFIG, .config = s->config};

	step(s, &ev, 1);
}

static void reload(struct stage *s)
{
	const char *later = strstr(s->play->config, LATER);

	if (later)
		load(s, str_of(later + strlen(LATER)));
	set_config(s);
}

static struct engine *new_engine(struct stage *s)
{
	struct engine_options options = s->options;

	options.seed = ++s->lives; /* ids must not repeat */
	options.started_at = s->now;
	options.outage_tolerance = HOUR;
	options.grace_period = 10 * MINUTE;

	return engine_new(&options);
}

/* As the daemon says at its start of what an earlier life left open. */
static void tell_open(struct stage *s)
{
	struct open_delivery *o;

	for (size_t at = 0; (o = map_next(&s->open, &at));) {
		struct record r = {.kind = RECORD_ATTEMPT,
				   .reason = DELIVERY_UNKNOWN,
				   .at = s->now,
				   .group_key = o->group_key,
				   .receiver = o->receiver,
				   .integration = o->integration,
				   .index = o->index,
				   .delivery = o->id,
				   .firing = o->firing,
				   .n_firing = o->n_firing,
				   .resolved = o->resolved,
				   .n_resolved = o->n_resolved};
		struct event ev = {.kind = EVENT_RESTORE_OPEN, .open = o};

		map_del(&s->open, str_of(o->id));
		note_record(s, &r);
		step(s, &ev, 1);
	}
}

static void restart(struct stage *s, struct str clock)
{
	struct row *r;
	double by = 0;

	if (clock.n)
		assert_true(str_double(clock, &by));
	s->now += (span_ms)(by * 1000);
	engine_free(s->engine);
	s->engine = new_engine(s);
	for (size_t at = 0; (r = map_next(&s->disk, &at));) {
		struct event ev = {.kind = EVENT_RESTORE_SILENCE};

		switch (r->kind) {
		case ROW_SILENCE:
			ev.silence = &r->silence;
			break;
		case ROW_TOLD:
			ev.kind = EVENT_RESTORE_TOLD;
			ev.told = &r->told;
			break;
		case ROW_ALERT:
			ev.kind = EVENT_RESTORE_ALERT;
			ev.alert = &r->alert;
			break;
		case ROW_RULE_ALERT:
			ev.kind = EVENT_RESTORE_RULE_ALERT;
			ev.rule_alert = &r->rule_alert;
			break;
		}
		step(s, &ev, 1);
	}
	tell_open(s);
	set_config(s);
	load_files(s);
}

static void set_options(struct stage *s, struct str rest)
{
	wall_ms delay = START;
	double n;

	while (rest.n) {
		struct str w = word(&rest);

		if (take_time(w, "start-delay=", &delay)) {
			s->options.start_delay = delay - START;
			continue;
		}
		assert_true(str_double(str_from(w, str_find_char(w, '=') + 1), &n));
		if (str_starts(w, STR("max-alerts=")))
			s->options.max_alerts = (size_t)n;
		else if (str_starts(w, STR("evals=")))
			s->options.concurrent_evals = (size_t)n;
		else if (str_starts(w, STR("leaves-removed=")))
			s->options.leaves_removed = n != 0;
		else
			fail_msg("option %.*s", (int)w.n, w.p);
	}
}

static void set_clock(struct stage *s, struct str text)
{
	struct event ev = {.kind = EVENT_CLOCK_SET};
	double by;

	assert_true(str_double(text, &by));
	ev.jump = (span_ms)(by * 1000);
	s->now += ev.jump;
	step(s, &ev, 1);
}

static void command(struct stage *s, struct str text)
{
	struct str what;
	double at;

	text = str_trim(text);
	if (!text.n)
		return;
	if (!str_double(word(&text), &at))
		fail_msg("%s: no time before '%.*s'", s->play->name, FMT(text));
	run_until(s, START + (wall_ms)(at * 1000));
	what = word(&text);
	if (str_is(what, "post"))
		post(s, text);
	else if (str_is(what, "silence"))
		silence(s, text);
	else if (str_is(what, "expire"))
		expire(s, text);
	else if (str_is(what, "sink"))
		set_sink(s, text);
	else if (str_is(what, "rules"))
		set_rules(s, text);
	else if (str_is(what, "past"))
		set_past(s, text);
	else if (str_is(what, "file"))
		set_file(s, text, false);
	else if (str_is(what, "unseen"))
		set_file(s, text, true);
	else if (str_is(what, "backend"))
		set_backend(s, text);
	else if (str_is(what, "answer"))
		answer_held(s);
	else if (str_is(what, "times"))
		s->with_times = true;
	else if (str_is(what, "reload"))
		reload(s);
	else if (str_is(what, "options"))
		set_options(s, text);
	else if (str_is(what, "restart"))
		restart(s, text);
	else if (str_is(what, "clock"))
		set_clock(s, text);
	else if (!str_is(what, "run"))
		fail_msg("%s: unknown command '%.*s'", s->play->name, FMT(what));
}

/* -- the whole ------------------------------------------------------------------------ */

void play(const struct play *p, struct buf *trace)
{
	play_watched(p, trace, NULL);
}

void play_watched(const struct play *p, struct buf *trace, const struct watch *watch)
{
	struct stage s = {
		.play = p, .watch = watch, .trace = trace, .now = START, .next = NEVER};
	struct str rest = str_of(p->script), one;
	struct file *f;

	load(&s, str_slice(str_of(p->config), 0, str_find(str_of(p->config), STR(LATER))));
	s.engine = new_engine(&s);
	set_config(&s);
	while (str_cut(&rest, '\n', &one))
		command(&s, one);
	if (watch && watch->ended)
		watch->ended(watch->ctx, s.engine, s.now);
	engine_free(s.engine);
	map_free(&s.disk);
	map_free(&s.open);
	for (size_t at = 0; (f = map_next(&s.files, &at));)
		arena_free(&f->mem);
	map_free(&s.files);
	arena_free(&s.disk_mem);
	arena_free(&s.config_mem);
	arena_free(&s.mem);
	arena_free(&s.step);
	free(s.todo.v);
}

void play_all(const struct play *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct buf trace = BUF(1000000);

		play(&v[i], &trace);
		if (!str_is(buf_str(&trace), v[i].trace))
			fail_msg("%s\n-- wanted:\n%s-- got:\n%s", v[i].name, v[i].trace,
				 buf_text(&trace));
		buf_free(&trace);
	}
}
