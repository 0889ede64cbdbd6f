#include "base/base.h"
#include "simulation/sim.h"

#include <stdlib.h>
#include <string.h>

/* -- who there is --------------------------------------------------------------------- */

static void add_subject(struct world *w, const struct label *pairs, size_t n, int file)
{
	struct subject s = {.labels = labels_new(&w->mem, pairs, n, NULL), .file = file};

	s.turned_at = s.spoke_at = 0;
	s.story = story_of(&w->mem, s.labels->fingerprint);
	vec_push(&w->subjects, s);
}

static void add_client(struct world *w, const char *name, const char *host,
		       const char *team)
{
	const struct label v[] = {{"alertname", name}, {"host", host}, {"team", team}};

	add_subject(w, v, 3, -1);
}

static void add_rule_alert(struct world *w, unsigned file, unsigned n)
{
	const struct label v[] = {
		{"alertname", arena_printf(&w->mem, "Up%u", file)},
		{"host", arena_printf(&w->mem, "%u", file + 1)},
		{"team", file ? "a" : "c"},
		{"n", arena_printf(&w->mem, "%u", n)},
	};

	add_subject(w, v, 4, (int)file);
}

void outside_new(struct world *w)
{
	static const char *const hosts[] = {"1", "2"}, *const teams[] = {"a", "b", "c"};

	for (size_t i = 0; i < 2; i++) {
		for (size_t k = 0; k < 3; k++)
			add_client(w, "A", hosts[i], teams[k]);
		add_client(w, "B", hosts[i], "a");
		add_client(w, "B", hosts[i], "b");
		add_client(w, "Target", hosts[i], "a");
		add_client(w, "Target", hosts[i], "c");
		add_client(w, "Source", hosts[i], "c");
	}
	w->n_clients = w->subjects.n;
	for (unsigned i = 0; i < RULE_FILES; i++) {
		w->rules[i].series = i + 1;
		for (unsigned n = 0; n < MOST_SERIES; n++)
			add_rule_alert(w, i, n);
	}
}

/* As outside_new makes them: eight of each host, the last of them a source. */
bool is_source(unsigned client)
{
	return client % 16 % 8 == 7;
}

struct subject *subject_find(struct world *w, uint64_t fingerprint)
{
	for (size_t i = 0; i < w->subjects.n; i++) {
		if (w->subjects.v[i].labels->fingerprint == fingerprint)
			return &w->subjects.v[i];
	}
	return NULL;
}

/* -- clients -------------------------------------------------------------------------- */

#define CLIENT_EVERY (20 * SECOND)
#define CLIENT_VALID (80 * SECOND)
#define FOR_EVER     (300 * HOUR)
#define END_POSTS    3

static void post(struct world *w, struct subject *s)
{
	struct alert_post p = {
		.labels = s->labels->v,
		.n_labels = s->labels->n,
		.starts_at = instant_of_ms(s->on ? s->starts_at
						 : MIN(s->starts_at, s->ends_at)),
		.ends_at = instant_of_ms(s->ends_at),
	};
	struct answer answer = {.text = BUF(1000)};
	struct event ev = {.kind = EVENT_ALERTS, .alerts = {&p, 1}, .answer = &answer};

	if (!w->up)
		return;
	if (s->epoch != w->epoch) {
		s->epoch = w->epoch;
		s->spoke_at = w->now;
	}
	if (w->verbose)
		trace(w, "posted: %016llx %s until %.3f",
		      (unsigned long long)s->labels->fingerprint,
		      s->on ? "fires" : "is over",
		      (double)(s->ends_at - START - w->offset) / 1000);
	process_feed(w, &ev);
	if (!answer.ok)
		complain(w, "good alerts are taken", "%s", buf_text(&answer.text));
	buf_free(&answer.text);
}

static void post_again(struct world *w, struct subject *s, span_ms in)
{
	struct happening *h = world_plan(w, HAPPEN_POST, in);

	h->subject = s;
	h->number = ++s->posts;
}

static void turn(struct world *w, struct subject *s, bool on)
{
	s->on = on;
	s->turned_at = s->spoke_at = w->now;
	s->epoch = w->up ? w->epoch : 0;
}

static void say(struct world *w, struct subject *s)
{
	wall_ms now = world_wall(w);

	if (s->on)
		s->ends_at = now + (s->once ? FOR_EVER : CLIENT_VALID);
	else
		s->ends_at = now;
	post(w, s);
	if (s->on ? !s->once : s->ends_to_post-- > 1)
		post_again(w, s, CLIENT_EVERY);
	else
		s->posts++;
}

void client_fires(struct world *w, struct subject *s, bool once)
{
	if (s->on)
		return;
	s->once = once;
	s->starts_at = world_wall(w);
	turn(w, s, true);
	say(w, s);
}

void client_ends(struct world *w, struct subject *s)
{
	if (!s->on)
		return;
	turn(w, s, false);
	s->ends_to_post = END_POSTS;
	say(w, s);
}

/* What it said holds for a while: that it is over, nobody says. */
void client_vanishes(struct world *w, struct subject *s)
{
	if (!s->on || s->once)
		return;
	turn(w, s, false);
	s->ends_to_post = END_POSTS;
	post_again(w, s, CLIENT_VALID + 5 * SECOND);
	s->epoch = 0; /* until it does say so */
}

void client_posts(struct world *w, struct happening *h)
{
	if (h->number == h->subject->posts)
		say(w, h->subject);
}

/* They notice that the process was away, or that the clock was set. */
void clients_after(struct world *w, bool clock)
{
	for (size_t i = 0; i < w->n_clients; i++) {
		struct subject *s = &w->subjects.v[i];

		if (!s->on && !s->posts)
			continue;
		s->ends_to_post = END_POSTS;
		if (clock && s->on)
			s->starts_at = MIN(s->starts_at, world_wall(w));
		post_again(w, s, chance_span(&w->chance, 0, 2 * SECOND));
	}
}

/* -- sinks ---------------------------------------------------------------------------- */

struct sink *sink_find(struct world *w, const char *receiver, size_t index)
{
	const char *name = arena_printf(&w->mem, "%s[%zu]", receiver, index);
	struct sink *s;

	for (size_t i = 0; i < w->sinks.n; i++) {
		if (!strcmp(w->sinks.v[i]->name, name))
			return w->sinks.v[i];
	}
	s = ARENA_NEW(&w->mem, struct sink);
	s->name = name;
	vec_push(&w->sinks, s);
	return s;
}

void sink_set(struct world *w, struct sink *s, enum sink_mode mode)
{
	if (mode != SINK_OK)
		s->good_since = NOT_YET;
	else if (s->mode != SINK_OK)
		s->good_since = w->now;
	s->mode = mode;
}

static struct delivery_ended *answer_of(struct world *w, const struct message *m,
					enum verdict verdict, const char *error)
{
	struct delivery_ended *a = ARENA_NEW(&w->mem, struct delivery_ended);

	a->id = m->delivery;
	a->verdict = verdict;
	a->error = error;
	return a;
}

static struct delivery_ended *react(struct world *w, struct sink *s,
				    const struct message *m)
{
	struct delivery_ended *a;

	switch (s->mode) {
	case SINK_OK:
	case SINK_SLOW:
		return answer_of(w, m, VERDICT_SENT, NULL);
	case SINK_FAIL:
		return answer_of(w, m, VERDICT_RETRY, "down");
	case SINK_REFUSE:
		return answer_of(w, m, VERDICT_GIVE_UP, "bad request");
	case SINK_BUSY:
		a = answer_of(w, m, VERDICT_RETRY, "busy");
		a->retry_after = chance_span(&w->chance, 2 * SECOND, 20 * SECOND);
		return a;
	case SINK_MUTE:
		if (!chance_of(&w->chance, 2))
			return NULL;
		a = answer_of(w, m, VERDICT_RETRY, "connection reset");
		a->in_doubt = true;
		return a;
	case SINK_HANG:
	case SINK_MODES:
		break;
	}
	return NULL;
}

static bool is_taken(enum sink_mode mode)
{
	return mode == SINK_OK || mode == SINK_SLOW || mode == SINK_MUTE;
}

void sink_hears(struct world *w, struct happening *h)
{
	struct message *m = h->message;
	struct sink *s = sink_find(w, m->receiver, m->index);
	struct delivery_ended *a;
	struct happening *next;

	if (m->withdrawn)
		return;
	w->tally->messages++;
	trace(w, "%s gets %s: %zu fire, %zu are over%s", s->name, m->id, m->n_firing,
	      m->n_alerts - m->n_firing, is_taken(s->mode) ? "" : ", and does not take it");
	if (s->busy_until > w->now && s->busy_life == m->life &&
	    m->asked_at > s->busy_since)
		complain(w, "Retry-After is kept", "%s is asked %lld ms too early", s->name,
			 (long long)(s->busy_until - w->now));
	if (is_taken(s->mode))
		check_heard(w, s, m);
	a = react(w, s, m);
	if (!a)
		return;
	next = world_plan(w, HAPPEN_ANSWER,
			  s->mode == SINK_SLOW ? chance_span(&w->chance, SECOND, 9 * SECOND)
					       : chance_span(&w->chance, 1, 300));
	next->life = m->life;
	next->answer = a;
	next->sink = s;
	next->message = m;
}

static struct heard *heard_find(struct sink *s, const struct message *m)
{
	for (size_t i = s->heard.n; i--;) {
		if (s->heard.v[i].message == m)
			return &s->heard.v[i];
	}
	return NULL;
}

void sink_answers(struct world *w, struct happening *h)
{
	struct event ev = {.kind = EVENT_DELIVERY_ENDED, .delivery = h->answer};
	struct sending *s = map_find(&w->sendings, map_key_u64(&h->answer->id));

	if (!w->up || h->life != w->life || !s || s->message != h->message)
		return;
	if (h->answer->verdict == VERDICT_SENT) {
		w->answered = heard_find(h->sink, h->message);
		w->answered->answered_at = w->now;
		w->sent_was_recorded = false;
	}
	if (h->answer->verdict != VERDICT_RETRY)
		map_del(&w->sendings, map_key_u64(&h->answer->id));
	if (h->answer->retry_after) {
		h->sink->busy_since = w->now;
		h->sink->busy_until = w->now + h->answer->retry_after;
		h->sink->busy_life = w->life;
	}
	process_feed(w, &ev);
}

/* -- the backend ---------------------------------------------------------------------- */

void backend_asked(struct world *w, const struct query_wish *q)
{
	struct rule_source *r = &w->rules[(unsigned)atoi(q->expr + strlen(q->expr) - 1)];
	struct happening *h;

	r->query_id = q->id;
	h = world_plan(w, HAPPEN_QUERY,
		       r->mode == BACKEND_HANG ? 25 * SECOND
		       : r->mode == BACKEND_LATE
			       ? chance_span(&w->chance, SECOND, 14 * SECOND)
			       : chance_span(&w->chance, 1, 200));
	h->life = w->life;
	h->query = *q;
	h->number = (unsigned)(r - w->rules);
	h->asked_offset = w->offset;
}

static struct samples series_of(struct world *w, const struct rule_source *r)
{
	struct sample *v = ARENA_ARRAY(&w->mem, struct sample, MOST_SERIES);
	size_t k = 0;

	for (unsigned n = 0; n < MOST_SERIES; n++) {
		struct label l = {"n", arena_printf(&w->mem, "%u", n)};

		if (r->series >> n & 1)
			v[k++] = (struct sample){.labels = labels_new(&w->mem, &l, 1, NULL),
						 .value = n};
	}
	return (struct samples){v, k};
}

/* What has to come of it: an alert waits since the slot of the first good answer that has
 * its series, and fires once that is long enough ago. */
static void expect(struct world *w, struct rule_source *r, unsigned file, wall_ms slot)
{
	r->epoch = w->epoch;
	r->answered_at = w->now;
	for (unsigned n = 0; n < MOST_SERIES; n++) {
		struct subject *s = &w->subjects.v[w->n_clients + file * MOST_SERIES + n];

		if (!(r->series >> n & 1))
			r->active_at[n] = 0;
		else if (!r->active_at[n])
			r->active_at[n] = slot;
		r->fires[n] = r->active_at[n] && slot - r->active_at[n] >= r->hold;
		if (r->fires[n] != s->on)
			turn(w, s, r->fires[n]);
	}
}

void backend_answers(struct world *w, struct happening *h)
{
	struct rule_source *r = &w->rules[h->number];
	struct query_ended end = {.id = h->query.id,
				  .ok = r->mode < BACKEND_ERROR,
				  .series_fetched = -1,
				  .error = "backend down"};
	struct event ev = {.kind = EVENT_QUERY_ENDED, .query = &end};

	if (!w->up || h->life != w->life || r->query_id != h->query.id)
		return;
	r->query_id = 0;
	if (end.ok) {
		end.samples = series_of(w, r);
		expect(w, r, h->number, h->query.at - h->asked_offset + w->offset);
	}
	process_feed(w, &ev);
	if (w->up)
		check_rules(w, r, h->number);
}

/* -- rule files ----------------------------------------------------------------------- */

static void forget_alerts(struct world *w, struct rule_source *r, unsigned file)
{
	for (unsigned n = 0; n < MOST_SERIES; n++) {
		struct subject *s = &w->subjects.v[w->n_clients + file * MOST_SERIES + n];

		r->active_at[n] = 0;
		r->fires[n] = false;
		if (s->on)
			turn(w, s, false);
	}
	r->epoch = 0; /* when the alerts end is another matter */
}

/* What it announced, and is not settled, is its own again. */
static void take_back(struct world *w, struct rule_source *r, unsigned file)
{
	struct arena mem = {0};
	struct rulegroup_view g;
	bool there = w->up &&
		     view_rulegroup(w->engine, arena_printf(&mem, "r%u.yml;g", file), &mem,
				    &g);

	for (size_t i = 0; there && i < g.rules[0].n_active; i++) {
		const struct active_view *a = &g.rules[0].active[i];
		unsigned n = (unsigned)atoi(labels_get(a->labels, "n"));

		if (a->active_at != r->left_at[n])
			continue;
		r->active_at[n] = r->left_at[n];
		r->fires[n] = a->state == ALERT_FIRING;
	}
	memset(r->left_at, 0, sizeof(r->left_at));
	arena_free(&mem);
}

void rules_set(struct world *w, unsigned file, unsigned variant)
{
	static const span_ms holds[] = {0, 20 * SECOND, 35 * SECOND, 90 * SECOND};
	struct rule_source *r = &w->rules[file];
	struct errs errs = {.mem = &w->mem};
	struct event ev = {.kind = EVENT_RULES};
	bool comes = !r->loaded;

	if (r->loaded)
		r->gone_at = w->now; /* what fired may be pending now, and end by itself */
	r->variant = variant;
	r->hold = holds[variant];
	r->loaded = true;
	ev.rules = r->file = rule_file_parse(&w->config_mem,
					     arena_printf(&w->mem, "r%u.yml", file),
					     str_of(history_rules(&w->mem, file, variant)),
					     &(struct rule_options){0}, &errs, NULL);
	if (!r->file)
		BUG("%s", err_text(&w->mem, errs.v[0]));
	process_feed(w, &ev);
	if (comes)
		take_back(w, r, file);
}

void rules_gone(struct world *w, unsigned file)
{
	struct rule_source *r = &w->rules[file];
	struct event ev = {.kind = EVENT_RULES_GONE,
			   .path = arena_printf(&w->mem, "r%u.yml", file)};

	if (!r->loaded)
		return;
	r->loaded = false;
	r->gone_at = w->now;
	for (unsigned n = 0; n < MOST_SERIES; n++)
		r->left_at[n] = r->active_at[n];
	forget_alerts(w, r, file);
	r->left_seq = UINT64_MAX;
	process_feed(w, &ev);
	if (w->up)
		r->left_seq = disk_queued(w->disk);
}

/* -- silences ------------------------------------------------------------------------- */

static void ask_for_silence(struct world *w, struct hush *h, const struct event *ev,
			    struct answer *answer)
{
	process_feed(w, ev);
	if (!w->up && !answer->ok)
		return; /* killed before it said anything */
	if (!answer->ok) {
		complain(w, "good silences are taken", "%s", buf_text(&answer->text));
		return;
	}
	memcpy(h->id, answer->silence_id, SILENCE_ID_SIZE);
	h->in_doubt = !w->up;
	h->seq = w->up ? disk_queued(w->disk) : UINT64_MAX;
	h->change_acked = false;
}

static struct silence wanted(const struct hush *h)
{
	struct silence s = {.matchers = h->matchers,
			    .starts_at = instant_of_ms(h->starts_at),
			    .ends_at = instant_of_ms(h->ends_at),
			    .created_by = "me",
			    .comment = "",
			    .annotations = &labels_none};

	memcpy(s.id, h->id, SILENCE_ID_SIZE);
	return s;
}

void silence_new(struct world *w, unsigned subject, unsigned seconds, bool whole_name)
{
	const struct labels *l = w->subjects.v[subject].labels;
	struct hush h = {.starts_at = world_wall(w)};
	struct silence silence;
	struct answer answer = {.text = BUF(1000)};
	struct event ev = {
		.kind = EVENT_SILENCE_SET, .silence = &silence, .answer = &answer};
	const char *text;

	if (!w->up)
		return;
	text = whole_name
		       ? arena_printf(&w->mem, "alertname=%s", labels_get(l, "alertname"))
		       : arena_printf(&w->mem, "alertname=%s,host=~\"%s|x\"",
				      labels_get(l, "alertname"), labels_get(l, "host"));
	if (!matchers_parse(&w->mem, str_of(text), NOWHERE, MATCHERS_UTF8, &h.matchers,
			    NULL, NULL))
		BUG("bad matchers: %s", text);
	h.ends_at = h.ended_before = h.starts_at + (3 + seconds) * SECOND;
	silence = wanted(&h);
	w->tally->silences++;
	ask_for_silence(w, &h, &ev, &answer);
	if (h.id[0])
		vec_push(&w->hushes, h);
	buf_free(&answer.text);
}

void silence_change(struct world *w, struct hush *h, bool expire, unsigned seconds)
{
	struct silence silence;
	struct answer answer = {.text = BUF(1000)};
	struct event ev = {.kind = expire ? EVENT_SILENCE_EXPIRE : EVENT_SILENCE_SET,
			   .answer = &answer};
	wall_ms now = world_wall(w);

	if (!w->up || h->gone || h->ends_at <= now || h->starts_at > now ||
	    !h->change_acked)
		return;
	h->ended_before = h->ends_at;
	h->ends_at = expire ? now : now + (3 + seconds) * SECOND;
	silence = wanted(h);
	if (expire)
		ev.id = h->id;
	else
		ev.silence = &silence;
	ask_for_silence(w, h, &ev, &answer);
	buf_free(&answer.text);
}
