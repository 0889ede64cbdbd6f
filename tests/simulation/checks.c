#include "base/base.h"
#include "simulation/sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The invariants. None asks the engine what it decided; what they know is what clients,
 * sinks, backends and people saw, what is on the disk, and the configuration. */

/* -- where alerts go ------------------------------------------------------------------ */

static struct line *line_get(struct world *w, const char *key)
{
	struct line *l = map_find(&w->lines, str_of(key));

	if (!l) {
		l = ARENA_NEW(&w->mem, struct line);
		*l = (struct line){.key = arena_text(&w->mem, key),
				   .fires_since = NOT_YET,
				   .over_since = NOT_YET};
		map_put(&w->lines, str_of(l->key), l);
	}
	return l;
}

struct line *line_of(struct world *w, const char *group_key, const char *receiver,
		     const char *integration, size_t index, uint64_t fingerprint)
{
	struct arena mem = {0};
	struct line *l = line_get(w, arena_printf(&mem, "%s|%s/%s[%zu]|%016llx", group_key,
						  receiver, integration, index,
						  (unsigned long long)fingerprint));

	arena_free(&mem);
	return l;
}

static const char *group_key(struct arena *mem, const struct route *r,
			     const struct labels *labels)
{
	struct buf b = BUF(BUF_NO_LIMIT);
	const char *key;

	if (!r->group_by_all)
		labels = labels_only(mem, labels, (const char *const *)r->group_by,
				     r->n_group_by);
	buf_addf(&b, "%s:", r->key);
	buf_add_labels(&b, labels);
	key = buf_keep(&b, mem).p;
	buf_free(&b);
	return key;
}

static void add_paths(struct world *w, struct subject *s, const struct route *r)
{
	struct arena mem = {0};
	const char *key = group_key(&mem, r, s->labels);
	const char *name = r->receiver->name;

	for (size_t i = 0; i < r->receiver->n_integrations; i++) {
		const struct integration_config *to = &r->receiver->integrations[i];
		struct line *l = line_of(w, key, name, to->kind->name, to->index,
					 s->labels->fingerprint);

		l->gap = l->gap || (!to->send_resolved && !s->on);
		vec_push(&s->paths, (struct path){r, to, sink_find(w, name, to->index), l});
	}
	arena_free(&mem);
}

/* Whether the route, or one below, takes it. */
static bool walk(struct world *w, struct subject *s, const struct route *r)
{
	bool deeper = false, ended = false;

	if (!matchers_hold(&r->matchers, s->labels))
		return false;
	for (size_t i = 0; i < r->n_kids && !ended; i++) {
		bool took = walk(w, s, r->kids[i]);

		deeper = deeper || took;
		ended = took && !r->kids[i]->goes_on;
	}
	if (!deeper)
		add_paths(w, s, r);
	return true;
}

static bool is_on_a_path(const struct world *w, const struct line *l)
{
	for (size_t i = 0; i < w->subjects.n; i++) {
		for (size_t k = 0; k < w->subjects.v[i].paths.n; k++) {
			if (w->subjects.v[i].paths.v[k].line == l)
				return true;
		}
	}
	return false;
}

void paths_find(struct world *w)
{
	struct line *l;

	for (size_t i = 0; i < w->config->n_receivers; i++) {
		const struct receiver *r = &w->config->receivers[i];

		for (size_t k = 0; k < r->n_integrations; k++)
			sink_find(w, r->name, k);
	}
	for (size_t i = 0; i < w->subjects.n; i++) {
		w->subjects.v[i].paths.n = 0;
		walk(w, &w->subjects.v[i], w->config->root);
	}
	for (size_t at = 0; (l = map_next(&w->lines, &at));) {
		if (is_on_a_path(w, l))
			continue;
		l->gap = true;
		l->fires_since = l->over_since = NOT_YET;
	}
}

/* -- what speaks against telling ------------------------------------------------------ */

static bool contains_any(const struct time_interval **v, size_t n, wall_ms at)
{
	for (size_t i = 0; i < n; i++) {
		if (time_interval_contains(v[i], at))
			return true;
	}
	return false;
}

static bool is_muted_by_time(const struct route *r, wall_ms at)
{
	return contains_any(r->mute, r->n_mute, at) ||
	       (r->n_active && !contains_any(r->active, r->n_active, at));
}

/* Perhaps: while a change is not acknowledged either may hold. */
static bool may_be_silenced(const struct world *w, const struct subject *s, wall_ms at)
{
	for (size_t i = 0; i < w->hushes.n; i++) {
		const struct hush *h = &w->hushes.v[i];
		wall_ms end = h->change_acked ? h->ends_at
					      : MAX(h->ends_at, h->ended_before);

		if (!h->gone && h->starts_at <= at && at < end &&
		    matchers_hold(&h->matchers, s->labels))
			return true;
	}
	return false;
}

static const struct hush *surely_silenced_by(const struct world *w, const struct labels *l,
					     wall_ms at)
{
	for (size_t i = 0; i < w->hushes.n; i++) {
		const struct hush *h = &w->hushes.v[i];
		wall_ms end = h->change_acked ? h->ends_at
					      : MIN(h->ends_at, h->ended_before);

		if (h->acked && !h->gone && h->starts_at <= at && at < end &&
		    matchers_hold(&h->matchers, l))
			return h;
	}
	return NULL;
}

static bool has_equal(const struct inhibit_rule *r, const struct labels *a,
		      const struct labels *b)
{
	for (size_t i = 0; i < r->n_equal; i++) {
		if (strcmp(labels_get(a, r->equal[i]), labels_get(b, r->equal[i])))
			return false;
	}
	return true;
}

static bool may_fire(const struct world *w, const struct subject *s)
{
	return s->on || (s->posts && s->epoch != w->epoch);
}

#define SETTLED (5 * MINUTE)  /* so long an alert of a rule may outlive it */
#define LEFT	(23 * SECOND) /* ... when it was removed and nothing else came between */
#define FRESH	(60 * SECOND)
#define SLACK	(3 * SECOND)

static bool speaks_now(const struct world *w, const struct rule_source *r)
{
	return r->loaded && r->epoch == w->epoch && w->now - r->answered_at < FRESH;
}

static bool surely_fires(const struct world *w, const struct subject *s)
{
	if (s->file >= 0)
		return s->on && speaks_now(w, &w->rules[s->file]);
	return s->on && s->epoch == w->epoch;
}

/* surely: the engine's own table has the source firing now. */
static bool is_inhibited(struct world *w, const struct labels *target, bool surely)
{
	bool found = false;

	for (size_t i = 0; i < w->config->n_inhibit_rules && !found; i++) {
		const struct inhibit_rule *r = &w->config->inhibit_rules[i];

		if (!matchers_hold(&r->target, target))
			continue;
		for (size_t k = 0; k < w->subjects.n && !found; k++) {
			const struct subject *s = &w->subjects.v[k];
			struct arena mem = {0};
			struct alert_view v;

			if (!matchers_hold(&r->source, s->labels) ||
			    !has_equal(r, s->labels, target))
				continue;
			if (!surely)
				found = may_fire(w, s);
			else if (surely_fires(w, s) &&
				 view_alert(w->engine, world_wall(w), &mem,
					    s->labels->fingerprint, &v))
				found = instant_ms(v.alert.ends_at) > world_wall(w);
			arena_free(&mem);
		}
	}
	return found;
}

/* -- told in time, and of the end ----------------------------------------------------- */

static bool surely_is_over(const struct world *w, const struct subject *s)
{
	const struct rule_source *r;

	if (s->file < 0)
		return !s->on && s->epoch == w->epoch;
	r = &w->rules[s->file];
	if (!r->loaded && r->left_at[atoi(labels_get(s->labels, "n"))])
		return w->up && !s->on && w->now - MAX(r->gone_at, w->up_since) > LEFT;
	return !s->on && speaks_now(w, r) && w->now - r->gone_at > SETTLED &&
	       w->now - w->disturbed_at > SETTLED && !w->lost_clock_at &&
	       !(r->gone_at && w->clock_was_set); /* the router ends it by the new clock */
}

static bool were_good(const struct world *w, const struct receiver *r)
{
	for (size_t i = 0; r && i < w->sinks.n; i++) {
		const struct sink *s = w->sinks.v[i];

		if (str_starts(str_of(s->name), str_of(r->name)) &&
		    (s->good_since == NOT_YET || w->now - s->good_since < FRESH))
			return false;
	}
	return true;
}

static bool is_calm(const struct world *w, const struct route *r)
{
	return w->now - w->disturbed_at >= FRESH && !w->disk_fails && !w->disk_is_slow &&
	       were_good(w, r->receiver) && were_good(w, r->fallback);
}

/* How long until somebody who can be told must have been. */
static span_ms longest_wait(const struct route *r, bool calm)
{
	span_ms patience = MAX(r->group_interval, 10 * SECOND);

	if (calm)
		return 2 * r->group_wait + r->group_interval + SLACK;
	return r->group_wait + 2 * r->group_interval + 3 * patience + 25 * SECOND + SLACK;
}

/* 1: every alert that fires unmuted is told to each of its receivers within its timers,
 * once they work. Where the last thing a sink took is one whose answer was lost, what it
 * was known to believe before counts. */
static void check_told(struct world *w, const struct subject *s, const struct path *p,
		       bool possible)
{
	struct line *l = p->line;

	if (!possible || !surely_fires(w, s)) {
		l->fires_since = NOT_YET;
		return;
	}
	if (l->fires_since == NOT_YET) {
		l->fires_since = w->now;
		l->fires_calmly = true;
	}
	l->fires_calmly = l->fires_calmly && is_calm(w, p->route);
	if (!l->fires && !l->known_to_fire && !l->unsure &&
	    w->now - l->fires_since > longest_wait(p->route, l->fires_calmly))
		complain(w, "what fires is told in time",
			 "%s%s is not told of %s, which fires since %.3f", l->key,
			 l->fires_calmly ? " (calm)" : "",
			 labels_get(s->labels, "alertname"), (double)l->fires_since / 1000);
}

/* 4: what a sink took is announced resolved, also when its answer was lost; unless it was
 * muted since, or ended while nobody wanted to hear of ends: then it may be forgotten, as
 * by the peers. What was killed before the disk had it is not known. */
static void check_end_told(struct world *w, const struct subject *s, const struct path *p,
			   bool is_muted)
{
	struct line *l = p->line;
	bool possible = !is_muted && p->sink->good_since != NOT_YET;

	if (is_muted || (!p->to->send_resolved && !s->on))
		l->gap = true;
	if (!possible || !surely_is_over(w, s) || !p->to->send_resolved || l->gap) {
		l->over_since = NOT_YET;
		return;
	}
	if (l->over_since == NOT_YET)
		l->over_since = w->now;
	if (l->fires && !l->unsure &&
	    w->now - l->over_since > longest_wait(p->route, false))
		complain(w, "the end is told",
			 "%s still believes that %s fires; over since %.3f", l->key,
			 labels_get(s->labels, "alertname"), (double)l->over_since / 1000);
}

void check_now(struct world *w)
{
	wall_ms at = world_wall(w);

	for (size_t i = 0; i < w->subjects.n; i++) {
		struct subject *s = &w->subjects.v[i];
		bool is_free = !may_be_silenced(w, s, at) &&
			       !is_inhibited(w, s->labels, false);

		for (size_t k = 0; k < s->paths.n; k++) {
			const struct path *p = &s->paths.v[k];
			bool is_muted = !is_free || is_muted_by_time(p->route, at);

			check_told(w, s, p, !is_muted && p->sink->good_since != NOT_YET);
			check_end_told(w, s, p, is_muted);
		}
	}
}

/* -- at the flush --------------------------------------------------------------------- */

/* 2: nobody is told what a silence, inhibition or a time interval covered at the flush. */
static void check_not_muted(struct world *w, const struct notification *n,
			    const struct labels *labels)
{
	const struct hush *h = surely_silenced_by(w, labels, n->at);

	if (h)
		complain(w, "what is silenced is not told", "%s leaves for %s although %s",
			 labels_get(labels, "alertname"), n->receiver->name, h->id);
	if (is_inhibited(w, labels, true))
		complain(w, "what is inhibited is not told", "%s leaves for %s",
			 labels_get(labels, "alertname"), n->receiver->name);
}

/* A message is true: what it shows as firing fires, what it shows as resolved is over. */
static void check_is_true(struct world *w, const struct notification *n,
			  const struct notification_alert *a)
{
	struct arena mem = {0};
	struct alert_view v;

	if (view_alert(w->engine, n->at, &mem, a->labels->fingerprint, &v) &&
	    a->resolved != (instant_ms(v.alert.ends_at) <= n->at))
		complain(w, "messages are true", "%s is told of %s as %s",
			 n->receiver->name, labels_get(a->labels, "alertname"),
			 a->resolved ? "resolved" : "firing");
	arena_free(&mem);
}

void check_delivery(struct world *w, const struct notification *n)
{
	if (n->receiver != n->route->receiver || n->at != world_wall(w))
		return; /* a fallback, or held back for a while: the flush was before */
	if (is_muted_by_time(n->route, n->at))
		complain(w, "what a time interval mutes is not told", "%s", n->group_key);
	for (size_t i = 0; i < n->n_alerts; i++) {
		check_not_muted(w, n, n->alerts[i].labels);
		check_is_true(w, n, &n->alerts[i]);
	}
}

/* -- at the sink ---------------------------------------------------------------------- */

static bool has(const uint64_t *v, size_t n, uint64_t one)
{
	for (size_t i = 0; i < n; i++) {
		if (v[i] == one)
			return true;
	}
	return false;
}

static bool are_in(const uint64_t *some, size_t n, const uint64_t *all, size_t n_all)
{
	for (size_t i = 0; i < n; i++) {
		if (!has(all, n_all, some[i]))
			return false;
	}
	return true;
}

/* 3: the same notification comes again only while its answer was never seen by a process
 * that lived to write it down; or long after, when the notification log has forgotten. */
static void check_once(struct world *w, const struct sink *s, const struct message *m)
{
	for (size_t i = 0; i < s->heard.n; i++) {
		const struct heard *h = &s->heard.v[i];

		if (h->answered_at != NOT_YET && !strcmp(h->message->id, m->id) &&
		    w->now - h->answered_at < 2 * h->message->repeat_interval)
			complain(w, "nothing is sent twice",
				 "%s gets %s again, which it acknowledged at %.3f", s->name,
				 m->id, (double)h->answered_at / 1000);
	}
}

static const struct heard *last_answered(const struct sink *s, const struct message *m)
{
	for (size_t i = s->heard.n; i--;) {
		const struct heard *h = &s->heard.v[i];

		if (h->answered_at != NOT_YET &&
		    !strcmp(h->message->group_key, m->group_key))
			return h;
	}
	return NULL;
}

static bool says_something_new(struct world *w, const struct message *m,
			       const struct message *last)
{
	if (!are_in(m->alerts, m->n_firing, last->alerts, last->n_firing) ||
	    (!m->n_firing && last->n_firing))
		return true;
	if (!are_in(m->alerts + m->n_firing, m->n_alerts - m->n_firing,
		    last->alerts + last->n_firing, last->n_alerts - last->n_firing))
		return true;
	for (size_t i = 0; i < m->n_alerts; i++) {
		if (subject_find(w, m->alerts[i])->turned_at >= last->flushed_at)
			return true;
	}
	return false;
}

/* 3: nothing is repeated before repeat_interval is over; unless a reload made that longer,
 * and the notification log had forgotten meanwhile. */
static void check_repeat(struct world *w, const struct sink *s, const struct message *m)
{
	const struct heard *h = last_answered(s, m);
	span_ms since;

	if (!h || m->is_fallback || h->answered_at <= w->lost_clock_at ||
	    says_something_new(w, m, h->message))
		return;
	since = m->flushed_at - h->answered_at;
	if (since < MIN(m->repeat_interval, 2 * h->message->repeat_interval))
		complain(w, "nothing is repeated early",
			 "%s gets %s after %.3f s, not %.0f", s->name, m->group_key,
			 (double)since / 1000, (double)m->repeat_interval / 1000);
}

/* 4: who does not want to hear of ends does not; who was told nothing hears of none. */
static void check_resolved(struct world *w, const struct sink *s, const struct message *m)
{
	if (m->n_alerts > m->n_firing && !m->send_resolved)
		complain(w, "send_resolved is kept", "%s gets %s", s->name, m->group_key);
	for (size_t i = 0; !m->n_firing && i < s->heard.n; i++) {
		const struct message *before = s->heard.v[i].message;

		if (before->n_firing && !strcmp(before->group_key, m->group_key))
			return;
	}
	for (size_t i = 0; !m->n_firing && i < w->doubts.n; i++) {
		if (!strcmp(w->doubts.v[i], m->group_key))
			return; /* for all the daemon knows, it arrived */
	}
	if (!m->n_firing)
		complain(w, "ends follow beginnings", "%s gets %s", s->name, m->group_key);
}

static bool is_overtaken(const struct sink *s, const struct message *m)
{
	for (size_t i = 0; i < s->heard.n; i++) {
		const struct message *other = s->heard.v[i].message;

		if (other->flushed_at > m->flushed_at &&
		    !strcmp(other->group_key, m->group_key))
			return true;
	}
	return false;
}

static void believe(struct world *w, const struct message *m)
{
	for (size_t i = 0; i < m->n_alerts; i++) {
		struct line *l = line_of(w, m->group_key, m->receiver, m->integration,
					 m->index, m->alerts[i]);

		l->unsure = l->unsure || l->gap; /* it may be forgotten */
		l->fires = i < m->n_firing;
		l->gap = false;
	}
}

static const char *target_name(struct world *w, const char *receiver,
			       const char *integration, size_t index)
{
	return arena_printf(&w->mem, "%s/%s[%zu]", receiver, integration, index);
}

/* Whatever becomes of the answer; what a kill lost before the disk had it nobody can know.
 */
static void note_taken(struct world *w, const struct message *m)
{
	for (size_t i = 0; w->up && m->life == w->life && i < m->n_firing; i++)
		vec_push(&w->memory,
			 (struct remembered){.seq = disk_queued(w->disk),
					     .is_taken = true,
					     .fingerprint = m->alerts[i],
					     .group_key = m->group_key,
					     .target = target_name(w, m->receiver,
								   m->integration,
								   m->index)});
}

void check_heard(struct world *w, struct sink *s, const struct message *m)
{
	if (m->life == w->life && !m->canceled) { /* else its successor may be faster */
		check_once(w, s, m);
		check_repeat(w, s, m);
	}
	check_resolved(w, s, m);
	if (!is_overtaken(s, m))
		believe(w, m);
	note_taken(w, m);
	vec_push(&s->heard, (struct heard){.message = m,
					   .at = w->now,
					   .answered_at = NOT_YET,
					   .seq = disk_queued(w->disk)});
}

/* -- the journal ---------------------------------------------------------------------- */

/* 5: the journal says that something was sent exactly when the sink said so. */
static void take_sent(struct world *w, const struct record *r, uint64_t seq)
{
	const struct message *m = w->answered ? w->answered->message : NULL;

	if (!m || strcmp(m->id, r->delivery)) {
		complain(w, "the journal tells what the sink said",
			 "%s/%s[%zu] sent %s, but nobody acknowledged it", r->receiver,
			 r->integration, r->index, r->delivery);
		return;
	}
	w->sent_was_recorded = true;
	for (size_t i = 0; i < m->n_firing; i++)
		vec_push(&w->memory,
			 (struct remembered){.seq = seq,
					     .fingerprint = m->alerts[i],
					     .group_key = m->group_key,
					     .target = target_name(w, m->receiver,
								   m->integration,
								   m->index)});
}

static void take_changes(struct world *w, const struct record *r, uint64_t seq)
{
	for (size_t i = 0; i < r->n_alerts; i++) {
		const struct record_alert *a = &r->alerts[i];

		subject_find(w, a->fingerprint)->turned_at = w->now;
		if (a->change == CHANGE_NEW || a->change == CHANGE_FIRING)
			vec_push(&w->memory,
				 (struct remembered){.seq = seq,
						     .begins = true,
						     .fingerprint = a->fingerprint});
	}
}

/* An alert that is muted while others of its group change is forgotten by the notification
 * log, and told again after that. */
static void take_flush(struct world *w, const struct record *r)
{
	for (size_t i = 0; i < r->n_resolved; i++)
		subject_find(w, r->resolved[i])->turned_at = w->now;
	for (size_t i = 0; i < r->n_mutes; i++) {
		for (size_t k = 0; k < r->mutes[i].n; k++)
			subject_find(w, r->mutes[i].alerts[k])->turned_at = w->now;
	}
}

/* The journal, for people who look at one seed. */
static void trace_record(struct world *w, const struct record *r)
{
	trace(w, "  journal: %s %s %s %s", record_kind_text(r->kind),
	      r->reason ? reason_name(r->reason) : "", r->group_key ? r->group_key : "",
	      r->delivery ? r->delivery : "");
	for (size_t i = 0; i < r->n_alerts; i++)
		trace(w, "    %s %016llx", alert_change_text(r->alerts[i].change),
		      (unsigned long long)r->alerts[i].fingerprint);
	for (size_t i = 0; i < r->n_firing; i++)
		trace(w, "    fires %016llx", (unsigned long long)r->firing[i]);
	for (size_t i = 0; i < r->n_resolved; i++)
		trace(w, "    is over %016llx", (unsigned long long)r->resolved[i]);
}

void check_record(struct world *w, const struct record *r, uint64_t seq)
{
	if (w->verbose)
		trace_record(w, r);
	for (size_t i = 0; i < w->subjects.n; i++)
		story_add(&w->subjects.v[i].story, r);
	if (r->kind == RECORD_ALERTS)
		take_changes(w, r, seq);
	if (r->kind == RECORD_FLUSH)
		take_flush(w, r);
	if (r->kind == RECORD_ATTEMPT && r->reason == DELIVERY_SENT)
		take_sent(w, r, seq);
}

static void learn_beliefs(struct world *w, const struct message *m, bool lost)
{
	for (size_t i = 0; i < m->n_alerts; i++) {
		struct line *l = line_of(w, m->group_key, m->receiver, m->integration,
					 m->index, m->alerts[i]);

		l->known_to_fire = i < m->n_firing;
		l->unsure = lost;
	}
}

void check_step(struct world *w)
{
	if (!w->answered)
		return;
	w->answered->settled = true;
	w->answered->seq = disk_queued(w->disk);
	learn_beliefs(w, w->answered->message, false);
	if (!w->sent_was_recorded)
		complain(w, "the journal tells what the sink said",
			 "%s was acknowledged, and that is nowhere written",
			 w->answered->message->id);
}

void check_restart(struct world *w)
{
	uint64_t has = disk_has(w->disk);
	size_t kept = 0;

	if (w->clock_seq > has)
		w->lost_clock_at = w->now;
	w->clock_seq = 0;
	for (size_t i = 0; i < w->sinks.n; i++) {
		for (size_t k = 0; k < w->sinks.v[i]->heard.n; k++) {
			struct heard *h = &w->sinks.v[i]->heard.v[k];

			if ((h->answered_at == NOT_YET || h->settled) && h->seq <= has)
				continue;
			h->answered_at = NOT_YET;
			learn_beliefs(w, h->message, true);
		}
	}
	for (size_t i = 0; i < w->memory.n; i++) {
		if (w->memory.v[i].seq <= has)
			w->memory.v[kept++] = w->memory.v[i];
	}
	w->memory.n = kept;
	for (size_t i = 0; i < w->hushes.n; i++) {
		struct hush *h = &w->hushes.v[i];

		h->in_doubt = !h->change_acked;
		h->seq = h->in_doubt ? UINT64_MAX : h->seq;
	}
}

/* -- verdicts ------------------------------------------------------------------------- */

/* By what was written up to that number. */
static bool was_acknowledged(const struct world *w, uint64_t fingerprint,
			     const char *group_key_, const char *target, uint64_t number)
{
	bool told = false;

	for (size_t i = 0; i < w->memory.n; i++) {
		const struct remembered *r = &w->memory.v[i];

		if (r->fingerprint != fingerprint || r->seq > number)
			continue;
		if (r->begins)
			told = false;
		else if (!r->is_taken && !strcmp(r->group_key, group_key_) &&
			 !strcmp(r->target, target))
			told = true;
	}
	return told;
}

static bool was_taken(const struct world *w, uint64_t fingerprint, const char *group_key_,
		      const char *target)
{
	bool taken = false;

	for (size_t i = 0; i < w->memory.n; i++) {
		const struct remembered *r = &w->memory.v[i];

		if (r->fingerprint != fingerprint)
			continue;
		if (r->begins)
			taken = false;
		else if (!strcmp(r->group_key, group_key_) && !strcmp(r->target, target))
			taken = true;
	}
	return taken;
}

/* Whoever has it without having said so is not said for sure not to be told. */
static void check_doubt(struct world *w, const struct subject *s, const struct why_group *g,
			const struct why_target *t)
{
	const struct verdict_of *v = &t->verdict;
	bool is_under_way = v->cause == UNTOLD_UNDER_WAY ||
			    (v->cause == DELIVERY_RETRY && !v->next_at);

	if (v->is_told || verdict_is_in_doubt(v) || is_under_way)
		return;
	if (was_taken(w, s->labels->fingerprint, g->key,
		      target_name(w, t->receiver, t->integration, t->index)))
		complain(w, "nobody is said not to be told who has it",
			 "%s: %s/%s[%zu] in %s: %s, but it has it",
			 labels_get(s->labels, "alertname"), t->receiver, t->integration,
			 t->index, g->key, reason_name(v->cause));
}

/* 5: the verdict of why is what the sink acknowledged; where the journal lost that, the
 * notification log may still know what the sink believes. */
static void check_verdict(struct world *w, const struct subject *s,
			  const struct why_group *g, const struct why_target *t)
{
	uint64_t fingerprint = s->labels->fingerprint;
	const struct line *l;
	bool told, believed;

	if (!t->integration)
		return;
	told = was_acknowledged(w, fingerprint, g->key,
				target_name(w, t->receiver, t->integration, t->index),
				UINT64_MAX);
	l = line_of(w, g->key, t->receiver, t->integration, t->index, fingerprint);
	believed = l->fires || l->known_to_fire || l->unsure;
	if (told)
		w->tally->told++;
	else
		w->tally->untold++;
	w->tally->verdicts++;
	check_doubt(w, s, g, t);
	if (told ? !t->verdict.is_told : t->verdict.is_told && !believed)
		complain(w, "verdicts are what sinks saw",
			 "%s: %s/%s[%zu] in %s: %s, but %s",
			 labels_get(s->labels, "alertname"), t->receiver, t->integration,
			 t->index, g->key,
			 t->verdict.is_told ? "told" : reason_name(t->verdict.cause),
			 told ? "it acknowledged it" : "it did not acknowledge it");
}

static void check_verdicts_of(struct world *w, const struct subject *s)
{
	const struct why_options o = {.at = world_wall(w), .now = world_wall(w)};
	struct arena mem = {0};
	struct story copy = s->story;
	struct why *why;

	copy.mem = &mem;
	copy.silences.cap = 0; /* what is added does not go into the story itself */
	why = why_alert(w->engine, &copy, &o, &mem);
	for (size_t i = 0; i < why->groups.n; i++) {
		for (size_t k = 0; k < why->groups.v[i].n_targets; k++)
			check_verdict(w, s, &why->groups.v[i],
				      &why->groups.v[i].targets[k]);
	}
	arena_free(&mem);
}

void check_verdicts(struct world *w)
{
	if (!w->up)
		return;
	for (size_t i = 0; i < w->subjects.n; i++)
		check_verdicts_of(w, &w->subjects.v[i]);
}

#define PAST_TIMES 4

static struct story story_then(const struct world *w, const struct subject *s, size_t last,
			       struct arena *mem)
{
	struct story story = story_of(mem, s->labels->fingerprint);
	uint64_t number;

	for (size_t i = last + 1; i < disk_records(w->disk); i++) {
		const struct record *r = disk_record(w->disk, i, &number);

		if (r->kind == RECORD_CONFIG && !r->error)
			break;
		story_add_later(&story, r);
	}
	for (size_t i = 0; i <= last; i++)
		story_add(&story, disk_record(w->disk, i, &number));
	return story;
}

static void check_past_verdict(struct world *w, const struct subject *s, size_t last)
{
	struct arena mem = {0};
	struct story story = story_then(w, s, last, &mem);
	uint64_t number;
	wall_ms at = disk_record(w->disk, last, &number)->at;
	/* as if another configuration were loaded since: the journal alone speaks */
	const struct why_options o = {.at = at, .now = at + 1, .config_changed_at = at + 1};
	const struct why *why = why_alert(w->engine, &story, &o, &mem);

	for (size_t i = 0; i < why->groups.n; i++) {
		const struct why_group *g = &why->groups.v[i];

		for (size_t k = 0; k < g->n_targets; k++) {
			const struct why_target *t = &g->targets[k];
			bool told = t->integration &&
				    was_acknowledged(w, why->fingerprint, g->key,
						     target_name(w, t->receiver,
								 t->integration, t->index),
						     number);

			w->tally->verdicts++;
			if (t->verdict.is_told != told)
				complain(w, "verdicts of past times are what sinks saw",
					 "%s: %s in %s at %.3f: %s, but %s",
					 labels_get(s->labels, "alertname"), t->receiver,
					 g->key, (double)(at - START) / 1000,
					 t->verdict.is_told ? "told"
							    : reason_name(t->verdict.cause),
					 told ? "it acknowledged it"
					      : "it did not acknowledge it");
		}
	}
	arena_free(&mem);
}

/* Not by the chance of the play, which would be another one then. */
void check_past_verdicts(struct world *w)
{
	size_t n = disk_records(w->disk);
	uint64_t random = w->history->seed;

	for (size_t i = 0; n && i < PAST_TIMES; i++) {
		random = random * UINT64_C(6364136223846793005) +
			 UINT64_C(1442695040888963407);
		for (size_t k = 0; k < w->subjects.n; k++)
			check_past_verdict(w, &w->subjects.v[k], (random >> 33) % n);
	}
}

static bool is_untold(const struct subject *s, const struct why_target *t, struct untold *u)
{
	char target[sizeof(u->target)];

	if (!t->integration || t->verdict.is_told)
		return false;
	snprintf(target, sizeof(target), "%s/%s[%zu]", t->receiver, t->integration,
		 t->index);
	if (u->fingerprint && strcmp(u->target, target))
		return false;
	memcpy(u->target, target, sizeof(target));
	u->fingerprint = s->labels->fingerprint;
	u->cause = t->verdict.cause;
	return true;
}

static bool find_untold_of(struct world *w, const struct subject *s, struct untold *u)
{
	const struct why_options o = {.at = world_wall(w), .now = world_wall(w)};
	struct arena mem = {0};
	struct story copy = s->story;
	struct why *why;
	bool found = false;

	copy.mem = &mem;
	copy.silences.cap = 0;
	why = why_alert(w->engine, &copy, &o, &mem);
	for (size_t i = 0; i < why->groups.n && !found; i++) {
		const struct why_group *g = &why->groups.v[i];

		for (size_t k = 0; k < g->n_targets && g->exists && !found; k++)
			found = strcmp(g->targets[k].receiver, "spare") &&
				is_untold(s, &g->targets[k], u);
	}
	arena_free(&mem);
	return found;
}

bool find_untold(struct world *w, struct untold *u)
{
	for (size_t i = 0; i < w->n_clients; i++) {
		const struct subject *s = &w->subjects.v[i];

		if (s->on && s->epoch == w->epoch &&
		    (!u->fingerprint || u->fingerprint == s->labels->fingerprint) &&
		    find_untold_of(w, s, u))
			return true;
	}
	return false;
}

/* -- what survives -------------------------------------------------------------------- */

static void learn(struct world *w, struct hush *h, const struct silence *s)
{
	wall_ms end = s ? instant_ms(s->ends_at) : 0;

	h->in_doubt = false;
	if (!s && !h->acked) {
		h->gone = true;
	} else if (!s || (end != h->ends_at && end != h->ended_before)) {
		complain(w, "no acknowledged silence is lost", "%s", h->id);
	} else {
		h->ends_at = end;
		h->acked = h->change_acked = true;
	}
}

/* 6: an acknowledged silence is never lost, and ends when it was said to. */
void check_silences(struct world *w)
{
	for (size_t i = 0; i < w->hushes.n; i++) {
		struct hush *h = &w->hushes.v[i];
		const struct silence *s;

		if (h->gone)
			continue;
		s = view_silence(w->engine, h->id);
		if (h->in_doubt)
			learn(w, h, s);
		else if (!s && h->ends_at + RETENTION <= world_wall(w))
			h->gone = true;
		else if (!s || instant_ms(s->ends_at) != h->ends_at)
			complain(w, "no acknowledged silence is lost", "%s", h->id);
	}
}

static const struct active_view *active_find(const struct rule_view *r, unsigned n)
{
	for (size_t i = 0; i < r->n_active; i++) {
		if ((unsigned)atoi(labels_get(r->active[i].labels, "n")) == n)
			return &r->active[i];
	}
	return NULL;
}

/* 7: alerts of rules wait since their series came, whatever was reloaded, killed or set
 * meanwhile, and fire once they have waited for long enough. */
void check_rules(struct world *w, struct rule_source *r, unsigned file)
{
	struct arena mem = {0};
	struct rulegroup_view g;
	bool there = view_rulegroup(w->engine, arena_printf(&mem, "r%u.yml;g", file), &mem,
				    &g);

	for (unsigned n = 0; there && n < MOST_SERIES; n++) {
		const struct active_view *a = active_find(&g.rules[0], n);
		wall_ms since = a ? a->active_at : 0;

		if (since != r->active_at[n])
			complain(w, "pending goes on",
				 "Up%u{n=%u} is active since %.3f, not %.3f", file, n,
				 (double)(since - START - w->offset) / 1000,
				 (double)(r->active_at[n] - START - w->offset) / 1000);
		else if (a && (a->state == ALERT_FIRING) != r->fires[n])
			complain(w, "alerts fire after their for", "Up%u{n=%u} is %s", file,
				 n, alert_state_text(a->state));
	}
	arena_free(&mem);
}

void check_rule_row(struct world *w, const struct rule_alert *a)
{
	unsigned file = (unsigned)atoi(a->rule + 2);
	unsigned n = (unsigned)atoi(labels_get(a->labels, "n"));

	const struct rule_source *r = &w->rules[file];
	wall_ms since = r->loaded ? r->active_at[n] : r->left_at[n];

	if (a->state != ALERT_INACTIVE && a->active_at != since)
		complain(w, "pending goes on", "the disk gets %s{n=%u} active since %lld",
			 a->rule, n, (long long)a->active_at);
}

/* -- the end -------------------------------------------------------------------------- */

/* 8: after everything has ended nothing is kept, in memory or on the disk. */
void check_end(struct world *w)
{
	struct engine_sizes z = view_sizes(w->engine, world_wall(w));
	struct buf rows = BUF(10000);

	if (z.alerts || z.groups || z.deliveries || z.told || z.silences[0] ||
	    z.silences[1] || z.silences[2])
		complain(w, "memory is given back",
			 "%zu alerts, %zu groups, %zu deliveries, %zu told, %zu silences "
			 "are left",
			 z.alerts, z.groups, z.deliveries, z.told,
			 z.silences[0] + z.silences[1] + z.silences[2]);
	if (disk_rows(w->disk, &rows))
		complain(w, "the disk is given back", "rows are left:\n%s",
			 buf_text(&rows));
	buf_free(&rows);
}
