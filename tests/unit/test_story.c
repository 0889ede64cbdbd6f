#include "base/base.h"
#include "engine/why.h"
#include "unit/play.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* The verdict of a story is what the receivers saw, and names the cause. */

#define HOOK "receivers: [{name: hook, webhook_configs: [{url: 'http://h/'}]}]\n"
#define OFF                                                                                \
	"receivers: [{name: hook, webhook_configs: [{url: 'http://h/', send_resolved: "    \
	"false}]}]\n"
#define QUICK                                                                              \
	"route: {receiver: hook, group_by: [alertname], group_wait: 1s, group_interval: "  \
	"6s, repeat_interval: 4h}\n"
#define RULES "datasources: [{name: d, url: 'http://p/'}]\n"

/* -- watching ------------------------------------------------------------------------- */

struct watched { /* an alert */
	struct story story;
	bool is_told[2]; /* by the receivers "hook", "other", in its last episode */
};
/* What happened to an alert: it came, or a receiver saw that it fires. */
struct fact {
	wall_ms at;
	uint64_t fingerprint;
	const char *receiver, *group_key; /* NULL: it came */
};
struct hall {
	struct arena mem;
	struct watched v[50];
	size_t n;
	size_t n_wrong;
	/* all of it, in order; records as the disk would have them */
	bool keeps;
	wall_ms now; /* of the last record */
	VEC(struct record *) records;
	VEC(struct fact) facts;
	/* at the end */
	void (*ask)(struct hall *, struct engine *, wall_ms now);
	void *arg;
};

static struct watched *watched_of(struct hall *h, uint64_t fingerprint)
{
	for (size_t i = 0; i < h->n; i++) {
		if (h->v[i].story.fingerprint == fingerprint)
			return &h->v[i];
	}
	assert_true(h->n < COUNT_OF(h->v));
	h->v[h->n].story = story_of(&h->mem, fingerprint);
	return &h->v[h->n++];
}

static const uint64_t *copy_hashes(struct arena *mem, const uint64_t *from, size_t n)
{
	uint64_t *v = ARENA_ARRAY(mem, uint64_t, n);

	if (n)
		memcpy(v, from, n * sizeof(*v));
	return v;
}

static const struct record_alert *copy_alerts(struct arena *mem, const struct record *r)
{
	struct record_alert *v = ARENA_ARRAY(mem, struct record_alert, r->n_alerts);

	for (size_t i = 0; i < r->n_alerts; i++) {
		v[i] = r->alerts[i];
		v[i].labels = labels_copy(mem, v[i].labels);
	}
	return v;
}

static const struct record_mute *copy_mutes(struct arena *mem, const struct record *r)
{
	struct record_mute *v = ARENA_ARRAY(mem, struct record_mute, r->n_mutes);

	for (size_t i = 0; i < r->n_mutes; i++) {
		v[i] = r->mutes[i];
		v[i].by = arena_text(mem, v[i].by);
		v[i].rule = arena_text(mem, v[i].rule);
		v[i].source = v[i].source ? labels_copy(mem, v[i].source) : NULL;
		v[i].alerts = copy_hashes(mem, v[i].alerts, v[i].n);
	}
	return v;
}

static const struct record_decision *copy_decisions(struct arena *mem,
						    const struct record *r)
{
	struct record_decision *v = ARENA_ARRAY(mem, struct record_decision,
						r->n_decisions);

	for (size_t i = 0; i < r->n_decisions; i++) {
		v[i] = r->decisions[i];
		v[i].receiver = arena_text(mem, v[i].receiver);
		v[i].integration = arena_text(mem, v[i].integration);
		v[i].delivery = arena_text(mem, v[i].delivery);
	}
	return v;
}

/* What stories ask of a record of the router. */
static struct record *copy_record(struct arena *mem, const struct record *r)
{
	struct record *c = ARENA_NEW(mem, struct record);

	*c = *r;
	c->group_key = arena_text(mem, r->group_key);
	c->receiver = arena_text(mem, r->receiver);
	c->integration = arena_text(mem, r->integration);
	c->delivery = arena_text(mem, r->delivery);
	c->error = arena_text(mem, r->error);
	c->from = c->by = c->change = NULL;
	c->silence = NULL;
	c->alerts = copy_alerts(mem, r);
	c->firing = copy_hashes(mem, r->firing, r->n_firing);
	c->resolved = copy_hashes(mem, r->resolved, r->n_resolved);
	c->mutes = copy_mutes(mem, r);
	c->decisions = copy_decisions(mem, r);
	return c;
}

static void see_record(void *ctx, const struct record *r)
{
	struct hall *h = ctx;

	h->now = r->at;
	for (size_t i = 0; i < r->n_alerts; i++) {
		struct watched *w = watched_of(h, r->alerts[i].fingerprint);

		if (r->alerts[i].change != CHANGE_NEW &&
		    r->alerts[i].change != CHANGE_FIRING)
			continue;
		w->is_told[0] = w->is_told[1] = false;
		vec_push_in(&h->mem, &h->facts,
			    (struct fact){r->at, r->alerts[i].fingerprint, NULL, NULL});
	}
	if (r->is_unchanged)
		return; /* nor does the disk get it */
	if (h->keeps)
		vec_push_in(&h->mem, &h->records, copy_record(&h->mem, r));
	for (size_t i = 0; i < h->n; i++)
		story_add(&h->v[i].story, r);
}

static void see_sent(void *ctx, const struct notification *n, wall_ms now)
{
	struct hall *h = ctx;

	for (size_t i = 0; i < n->n_alerts; i++) {
		const struct notification_alert *a = &n->alerts[i];

		if (a->resolved)
			continue;
		watched_of(h, a->labels->fingerprint)
			->is_told[!strcmp(n->receiver->name, "other")] = true;
		vec_push_in(&h->mem, &h->facts,
			    (struct fact){now, a->labels->fingerprint,
					  arena_text(&h->mem, n->receiver->name),
					  arena_text(&h->mem, n->group_key)});
	}
}

static void see_end(void *ctx, struct engine *e, wall_ms now)
{
	struct hall *h = ctx;

	h->ask(h, e, now);
}

static void watch_play(struct hall *h, const struct play *p)
{
	const struct watch watch = {h, see_record, see_sent, see_end};
	struct buf trace = BUF(10000000);

	play_watched(p, &trace, &watch);
	buf_free(&trace);
	arena_free(&h->mem);
}

/* -- in words ------------------------------------------------------------------------- */

struct wanted {
	const char *name, *config, *script;
	const char *alert; /* matchers */
	const char *words; /* lines, each of which the text must have somewhere */
};

static void ask_words(struct hall *h, struct engine *e, wall_ms now)
{
	const struct wanted *want = h->arg;
	struct why_options o = {.at = now, .now = now};
	struct buf text = BUF(100000);
	struct str rest = str_of(want->words), one;
	struct matchers m;
	const char *words;
	size_t n;
	uint64_t *v;

	assert_true(matchers_parse(&h->mem, str_of(want->alert), NOWHERE, MATCHERS_UTF8, &m,
				   NULL, NULL));
	v = why_find(e, &m, 10, &h->mem, &n);
	for (size_t i = 0; i < n; i++)
		buf_add_why(&text, why_alert(e, &watched_of(h, v[i])->story, &o, &h->mem));
	for (size_t i = 0; !n && i < h->n; i++) { /* it has gone: the journal alone */
		if (h->v[i].story.labels && matchers_hold(&m, h->v[i].story.labels))
			buf_add_why(&text, why_alert(e, &h->v[i].story, &o, &h->mem));
	}
	if (!text.n) {
		why_nothing(e, &m, &h->mem, &words);
		buf_add_text(&text, words);
	}
	while (rest.n && str_cut(&rest, '\n', &one)) {
		if (str_find(buf_str(&text), one) == STR_NONE)
			print_error("%s: wanted\n%.*s\nin\n%s", want->name, FMT(one),
				    buf_text(&text)),
				h->n_wrong++;
	}
	buf_free(&text);
}

static void causes(void **state)
{
	static const struct wanted rows[] = {
		{"told", QUICK HOOK, "0 post alertname=A ends=999\n5 run\n",
		 "{alertname=A}",
		 "A is firing\n"
		 "hook/webhook[0]: told at 2026-01-01 00:00:01 UTC\n"
		 "{} (c.yml:1:8): takes it, to hook\n"
		 "2026-01-01 04:00:01 UTC hook/webhook[0] is told again"},
		{"told of the end", QUICK HOOK, "0 post alertname=A ends=3\n9 run\n",
		 "{alertname=A}",
		 "A is resolved\n"
		 "hook/webhook[0]: told at 2026-01-01 00:00:01 UTC\n"
		 "and of its end at 2026-01-01 00:00:07 UTC\n"
		 "over since 2026-01-01 00:00:03 UTC"},
		{"group_wait", QUICK HOOK, "0 post alertname=A ends=999\n0.5 run\n",
		 "{alertname=A}",
		 "NOT told: hook/webhook[0]: its group waits group_wait, 1s; the first "
		 "flush "
		 "is at 2026-01-01 00:00:01 UTC"},
		{"group_interval", QUICK HOOK,
		 "0 post alertname=A ends=999\n2 post alertname=A b=c ends=999\n3 run\n",
		 "{b=c}",
		 "NOT told: hook/webhook[0]: its group has flushed before, so it waits for "
		 "group_interval, 6s; the next flush is at 2026-01-01 00:00:07 UTC"},
		{"silence", QUICK HOOK,
		 "0 silence s alertname=A for=60\n0 post alertname=A ends=999\n20 run\n",
		 "{alertname=A}",
		 "NOT told: hook/webhook[0]: silenced since 2026-01-01 00:00:01 UTC by "
		 "silence "
		 "\n by me, until 2026-01-01 00:01:00 UTC\n"
		 "silenced now: silence\n"},
		{"a silence that ended", QUICK HOOK,
		 "0 silence s alertname=A for=5\n0 post alertname=A ends=999\n6 run\n",
		 "{alertname=A}",
		 "NOT told: hook/webhook[0]: silenced since 2026-01-01 00:00:01 UTC by "
		 "silence "
		 "\n, which ended at 2026-01-01 00:00:05 UTC"},
		{"inhibition",
		 QUICK HOOK "inhibit_rules: [{name: top, source_matchers: [alertname=S], "
			    "target_matchers: [alertname=A], equal: [z]}]\n",
		 "0 post alertname=S z=1 ends=999\n0 post alertname=A z=1 ends=999\n5 "
		 "run\n",
		 "{alertname=A}",
		 "NOT told: hook/webhook[0]: inhibited since 2026-01-01 00:00:01 UTC by "
		 "S{z=\"1\"}, which fires, by the inhibition rule top (c.yml:3:17)\n"
		 "inhibited now: S{z=\"1\"}"},
		{"a mute time interval",
		 "route: {receiver: hook, group_wait: 1s, routes: [{mute_time_intervals: "
		 "[night], group_wait: 1s}]}\n"
		 "time_intervals: [{name: night, time_intervals: [{times: [{start_time: "
		 "'00:00', end_time: '06:00'}]}]}]\n" HOOK,
		 "0 post alertname=A ends=9999\n5 run\n", "{alertname=A}",
		 "NOT told: hook/webhook[0]: muted since 2026-01-01 00:00:01 UTC by the "
		 "mute "
		 "time interval \"night\"\n"
		 "muted now for hook: the mute time interval \"night\", until 2026-01-01 "
		 "06:00:00 UTC\n"
		 "2026-01-01 06:00:00 UTC the time interval \"night\" ends"},
		{"outside an active time interval",
		 "route: {receiver: hook, group_wait: 1s, routes: "
		 "[{active_time_intervals: "
		 "[day], group_wait: 1s}]}\n"
		 "time_intervals: [{name: day, time_intervals: [{times: [{start_time: "
		 "'06:00', end_time: '18:00'}]}]}]\n" HOOK,
		 "0 post alertname=A ends=9999\n5 run\n", "{alertname=A}",
		 "NOT told: hook/webhook[0]: outside the active time interval \"day\" "
		 "since "
		 "2026-01-01 00:00:01 UTC\n"
		 "2026-01-01 06:00:00 UTC the time interval \"day\" begins"},
		{"no integration",
		 "route: {receiver: none, group_wait: 1s}\nreceivers: [{name: none}]\n",
		 "0 post alertname=A ends=999\n5 run\n", "{alertname=A}",
		 "NOT told: none: the receiver has no integration"},
		{"a receiver that fails", QUICK HOOK,
		 "0 sink hook fail\n0 post alertname=A ends=999\n1.2 run\n",
		 "{alertname=A}",
		 "NOT told: hook/webhook[0]: sending fails after 1 attempt: down; the next "
		 "attempt is at 2026-01-01 00:00:01.\n"
		 "attempt 1 failed: down"},
		{"a receiver that refuses", QUICK HOOK,
		 "0 sink hook refuse\n0 post alertname=A ends=999\n3 run\n",
		 "{alertname=A}",
		 "NOT told: hook/webhook[0]: refused for good at 2026-01-01 00:00:01 UTC: "
		 "bad "
		 "request; it is due again at 2026-01-01 00:00:07 UTC"},
		{"a receiver that hangs", QUICK HOOK,
		 "0 sink hook hang\n0 post alertname=A ends=999\n3 run\n", "{alertname=A}",
		 "NOT told: hook/webhook[0]: being sent since 2026-01-01 00:00:01 UTC, no "
		 "answer yet"},
		{"a receiver whose answers are lost", QUICK HOOK,
		 "0 sink hook lose\n0 post alertname=A ends=999\n1.2 run\n",
		 "{alertname=A}",
		 "A is firing: perhaps the receiver was told: no answer came\n"
		 "perhaps told: hook/webhook[0]: sending fails after 1 attempt: connection "
		 "reset; the next attempt is at\n"
		 "had no answer and may have arrived"},
		{"whose answers were lost, and who is down since", QUICK HOOK,
		 "0 sink hook lose\n0 post alertname=A ends=999\n1.2 sink hook refuse\n5 "
		 "run\n",
		 "{alertname=A}",
		 "perhaps told: hook/webhook[0]: refused for good at\n"
		 "had no answer and may have arrived"},
		{"who failed for sure", QUICK HOOK,
		 "0 sink hook fail\n0 post alertname=A ends=999\n1.2 run\n",
		 "{alertname=A}", "A is firing: NOBODY was told: sending fails\n"},
		{"fired again before its group flushed", QUICK HOOK,
		 "0 post alertname=A ends=999\n2 post alertname=A ends=2\n"
		 "3 post alertname=A starts=3 ends=999\n4 run\n",
		 "{alertname=A}",
		 "A is firing: the receiver was told at 2026-01-01 00:00:01 UTC, of the "
		 "episode "
		 "before, whose end was never announced\n"
		 "NOT told anew: hook/webhook[0]: its group has flushed before, so it "
		 "waits for "
		 "group_interval, 6s; the next flush is at 2026-01-01 00:00:07 UTC; told "
		 "at "
		 "2026-01-01 00:00:01 UTC, of the episode before"},
		{"fired again after its end was told", QUICK HOOK,
		 "0 post alertname=A ends=2\n8 post alertname=A starts=8 ends=999\n8.5 "
		 "run\n",
		 "{alertname=A}", "A is firing: NOBODY is told yet: \n"},
		{"an inhibition whose source is over",
		 QUICK HOOK "inhibit_rules: [{name: top, source_matchers: [alertname=S], "
			    "target_matchers: [alertname=A], equal: [z]}]\n",
		 "0 post alertname=S z=1 ends=3\n0 post alertname=A z=1 ends=999\n5 "
		 "run\n",
		 "{alertname=A}",
		 "inhibited since 2026-01-01 00:00:01 UTC by S{z=\"1\"}, which ended at "
		 "2026-01-01 00:00:03 UTC, by the inhibition rule top"},
		{"and for too long", QUICK HOOK,
		 "0 sink hook hang\n0 post alertname=A ends=999\n11 run\n", "{alertname=A}",
		 "perhaps told: hook/webhook[0]: being sent since 2026-01-01 00:00:11 UTC, "
		 "no "
		 "answer yet; an attempt, until 2026-01-01 00:00:11 UTC, had no answer and "
		 "may "
		 "have arrived\n"
		 "time for trying is used up at 2026-01-01 00:00:11 UTC: no answer in "
		 "time"},
		{"killed while sending", QUICK HOOK,
		 "0 sink hook hang\n0 post alertname=A ends=999\n3 sink hook fail\n"
		 "3 restart\n3 sink hook hang\n3.1 run\n",
		 "{alertname=A}",
		 "the daemon ended before the answer at 2026-01-01 00:00:03 UTC"},
		{"over before its group flushed", QUICK HOOK,
		 "0 post alertname=A ends=0.5\n0.7 run\n", "{alertname=A}",
		 "NOT told: hook/webhook[0]: it was over at 2026-01-01 00:00:00.500 UTC, "
		 "before "
		 "its group flushed"},
		{"announced before, and the end between never was", QUICK HOOK,
		 "0 post alertname=A starts=0 ends=999\n2 post alertname=A starts=0 "
		 "ends=2\n"
		 "3 post alertname=A starts=3 ends=999\n10 run\n",
		 "{alertname=A}",
		 "NOT told anew: hook/webhook[0]: it was announced before, and its end "
		 "never "
		 "was"},
		{"pending", RULES QUICK HOOK,
		 "0 backend 1\n0 rules up == 0 for=20s\n5 run\n", "{alertname=Up}",
		 "Up{n=\"0\"} is pending\n"
		 "NOT told: still pending: the rule's for is 20s, over at 2026-01-01 "
		 "00:00:22.184 UTC\n"
		 "rule Up in r.yml:5, group g: up == 0\n"
		 "2026-01-01 00:00:22.184 UTC it fires at the first evaluation"},
		{"no longer pending", RULES QUICK HOOK,
		 "0 backend 1\n0 rules up == 0 for=20s\n5 backend 0\n15 run\n",
		 "{alertname=Up}",
		 "NOT told: its condition went away at 2026-01-01 00:00:12.184 UTC, before "
		 "the "
		 "rule's for (20s) was over"},
		{"a rule's alert that fires", RULES QUICK HOOK,
		 "0 backend 2\n0 rules up == 0 for=10s\n20 run\n", "{n=\"1\"}",
		 "Up{n=\"1\"} is firing\n"
		 "true since 2026-01-01 00:00:02.184 UTC, last value 1\n"
		 "firing since 2026-01-01 00:00:12.184 UTC, after its for of 10s\n"
		 "hook/webhook[0]: told at 2026-01-01 00:00:13.184 UTC"},
		{"a rule without series", RULES QUICK HOOK, "0 rules up == 0\n5 run\n",
		 "{alertname=Up}",
		 "its rule r.yml:5 (up == 0) gave no such series at 2026-01-01 "
		 "00:00:02.184"},
		{"a rule that fails", RULES QUICK HOOK,
		 "0 backend error\n0 rules up == 0\n5 run\n", "{alertname=Up}",
		 "its rule r.yml:5 (up == 0) fails: backend down"},
		{"a rule that fails for a while, of an alert", RULES QUICK HOOK,
		 "0 backend 1\n0 rules up == 0 for=60s\n5 backend error\n35 run\n",
		 "{alertname=Up}",
		 "its evaluation fails since 2026-01-01 00:00:12.184 UTC: backend down"},
		{"one of the name, with another label", QUICK HOOK,
		 "0 post alertname=A s=warning ends=99\n0 post alertname=B ends=99\n5 "
		 "run\n",
		 "{alertname=A,s=critical}",
		 "no such alert is known, and no rule of that name is loaded; of that name "
		 "there "
		 "is A{s=\"warning\"}, for which s=\"critical\" does not hold"},
		{"some of the name", QUICK HOOK,
		 "0 post alertname=A s=1 ends=99\n0 post alertname=A s=2 ends=99\n"
		 "0 post alertname=A s=3 ends=99\n0 post alertname=A s=4 ends=99\n5 run\n",
		 "{alertname=A,s=5}", ", and A{s=\"\n does not hold, and 1 more"},
		{"nobody knows it", QUICK HOOK, "0 run\n", "{alertname=X}",
		 "no such alert is known"},
		{"refused and taken by routes",
		 "route: {receiver: hook, group_wait: 1s, routes: [{matchers: "
		 "['t=\"db\"'], "
		 "receiver: other}, {matchers: ['alertname=A'], routes: [{matchers: "
		 "['x=~\"1|2\"']}]}, {matchers: ['t=\"\"']}]}\n"
		 "receivers: [{name: hook, webhook_configs: [{url: 'http://h/'}]}, "
		 "{name: other, webhook_configs: [{url: 'http://o/'}]}]\n",
		 "0 post alertname=A x=2 ends=999\n5 run\n", "{alertname=A}",
		 "{t=\"db\"} (c.yml:1:50): refuses it, t=\"db\" does not hold\n"
		 "{alertname=\"A\"}\n"
		 "    {x=~\"1|2\"}\n"
		 "takes it, to hook\n"
		 "{t=\"\"} (c.yml:1:156): not asked, a route before took it"},
		{"a fallback was told",
		 "route: {receiver: hook, fallback_receiver: other, "
		 "group_wait: 1s, group_interval: 6s}\n"
		 "receivers: [{name: hook, webhook_configs: [{url: "
		 "'http://h/'}]}, {name: other, webhook_configs: "
		 "[{url: 'http://o/'}]}]\n",
		 "0 sink hook refuse\n0 post alertname=A ends=999\n3 run\n",
		 "{alertname=A}",
		 "NOT told: hook/webhook[0]: refused for good\n"
		 "other/webhook[0]: told at 2026-01-01 00:00:01 UTC"},
		{"and told again", QUICK HOOK, "0 post alertname=A ends=99999\n5 run\n",
		 "{alertname=A}",
		 "A is firing: hook was told\n"
		 "nothing is new since: again at the first flush after 2026-01-01 04:00:01 "
		 "UTC"},
		{"of its end: send_resolved is off", QUICK OFF,
		 "0 post alertname=A ends=3\n9 run\n", "{alertname=A}",
		 "A is resolved: hook was told\n"
		 "    NOT told of its end: send_resolved is off\n"
		 "flushed last at 2026-01-01 00:00:07 UTC"},
		{"of its end: a notification about others leaves it out", QUICK OFF,
		 "0 post alertname=A b=c ends=3\n4 post alertname=A ends=999\n9 run\n",
		 "{b=c}", "NOT told of its end: send_resolved is off"},
		{"of its end: silenced", QUICK HOOK,
		 "0 post alertname=A ends=5\n3 silence s alertname=A for=60\n9 run\n",
		 "{alertname=A}",
		 "hook/webhook[0]: told at 2026-01-01 00:00:01 UTC\n"
		 "    NOT told of its end: silenced since 2026-01-01 00:00:07 UTC by "
		 "silence"},
		{"of its end: silenced, and its group is gone", QUICK HOOK,
		 "0 post alertname=A ends=5\n3 silence s alertname=A for=20\n60 run\n",
		 "{alertname=A}",
		 ", which ended at 2026-01-01 00:00:23 UTC; nothing comes of it "
		 "any more"},
		{"of its end: the receiver fails", QUICK HOOK,
		 "0 post alertname=A ends=5\n3 sink hook fail\n7.2 run\n", "{alertname=A}",
		 "    NOT told of its end: sending fails after 1 attempt: down; the next "
		 "attempt is at 2026-01-01 00:00:07."},
		{"of its end: the receiver refuses", QUICK HOOK,
		 "0 post alertname=A ends=5\n3 sink hook refuse\n8 run\n", "{alertname=A}",
		 "    NOT told of its end: refused for good: bad request"},
		{"of its end: its group has not flushed", QUICK HOOK,
		 "0 post alertname=A ends=3\n5 run\n", "{alertname=A}",
		 "    NOT told of its end: its group has not flushed since; the next flush "
		 "is at 2026-01-01 00:00:07 UTC"},
		{"inhibited, and silenced besides",
		 QUICK HOOK "inhibit_rules: [{name: top, source_matchers: [alertname=S], "
			    "target_matchers: [alertname=A]}]\n",
		 "0 silence s alertname=A for=60\n0 post alertname=S ends=999\n"
		 "0 post alertname=A ends=999\n5 run\n",
		 "{alertname=A}",
		 "NOBODY was told: another alert inhibits it\n"
		 "by the inhibition rule top (c.yml:3:17); without that still silenced by "
		 "silence "},
		{"the start delay", QUICK HOOK,
		 "0 options start-delay=30\n0 restart\n1 post alertname=A ends=999\n5 "
		 "run\n",
		 "{alertname=A}",
		 "NOT told: hook/webhook[0]: the daemon was started and sends nothing "
		 "until "
		 "--dispatch.start-delay is over; the first flush is at 2026-01-01 "
		 "00:00:30 UTC"},
		{"a ceiling", QUICK HOOK,
		 "0 options max-alerts=1\n0 restart\n1 post alertname=A ends=999\n"
		 "2 post alertname=B ends=999\n5 run\n",
		 "{alertname=B}",
		 "B is dropped: NOBODY was told\n"
		 "NOT told: it was not taken in at 2026-01-01 00:00:02 UTC: there are 1 "
		 "alerts, as many as --alerts.max-alerts allows"},
		{"the flush before is not over", QUICK HOOK,
		 "0 sink hook hang\n0 post alertname=A ends=999\n"
		 "3 post alertname=A b=c ends=999\n8 run\n",
		 "{b=c}",
		 "NOT told: hook/webhook[0]: its group is due, and its flush of 2026-01-01 "
		 "00:00:01 UTC is not over, waiting for hook/webhook[0]; it ends at "
		 "2026-01-01 00:00:11 UTC at the latest"},
		{"keep_firing_for", RULES QUICK HOOK,
		 "0 backend 1\n0 file r.yml {groups: [{name: g, interval: 10s, rules: "
		 "[{alert: Up, expr: up == 0, keep_firing_for: 5m}]}]}\n15 backend 0\n40 "
		 "run\n",
		 "{alertname=Up}",
		 "Up{n=\"0\"} is firing\n"
		 "it is kept firing by the rule's keep_firing_for, 5m, until\n"
		 "its keep_firing_for is over: it ends at the first evaluation"},
	};

	size_t n_wrong = 0;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct hall h = {.ask = ask_words, .arg = (void *)(uintptr_t)&rows[i]};

		struct play p = {rows[i].name, rows[i].config, rows[i].script, NULL};

		watch_play(&h, &p);
		n_wrong += h.n_wrong;
	}
	assert_int_equal(n_wrong, 0);
}

/* -- the transcripts of the manual ---------------------------------------------------- */

#define PAGE  "man/tocsin.1"
#define BEGIN ".\\\" begin of transcripts, made by: make transcripts\n"
#define END   ".\\\" end of transcripts\n"
#define TEAMS                                                                              \
	"route:\n"                                                                         \
	"  receiver: mail\n"                                                               \
	"  group_by: [alertname]\n"                                                        \
	"  group_wait: 30s\n"                                                              \
	"  group_interval: 5m\n"                                                           \
	"  repeat_interval: 4h\n"                                                          \
	"  routes:\n"                                                                      \
	"  - matchers: ['severity=\"page\"']\n"                                            \
	"    receiver: oncall\n"                                                           \
	"inhibit_rules:\n"                                                                 \
	"- name: site down\n"                                                              \
	"  source_matchers: [alertname=SiteDown]\n"                                        \
	"  target_matchers: [alertname=NodeDown]\n"                                        \
	"  equal: [site]\n"                                                                \
	"receivers:\n"                                                                     \
	"- name: mail\n"                                                                   \
	"  webhook_configs: [{url: 'http://m/'}]\n"                                        \
	"- name: oncall\n"                                                                 \
	"  webhook_configs: [{url: 'http://o/'}]\n"
#define NODE_RULE                                                                          \
	"0 file node.yml {groups: [{name: node, interval: 30s, rules: [{alert: NodeDown, " \
	"expr: 'up == 0', for: 2m, labels: {severity: page}}]}]}\n"

static const struct {
	const char *intro, *command, *alert, *config, *script;
} transcripts[] = {
	{"A page that came, and its whole way:", "NodeDown", "{alertname=NodeDown}",
	 RULES TEAMS, "0 backend 1\n" NODE_RULE "300 run\n"},
	{"Nobody was told, because of a silence:", "DiskFull host=db1",
	 "{alertname=DiskFull,host=db1}", TEAMS,
	 "0 silence disks alertname=DiskFull for=7200\n"
	 "60 post alertname=DiskFull host=db1 severity=page ends=9999\n200 run\n"},
	{"Because another alert explains it:", "NodeDown", "{alertname=NodeDown}", TEAMS,
	 "0 post alertname=SiteDown site=west severity=page ends=9999\n"
	 "20 post alertname=NodeDown node=n7 site=west severity=page ends=9999\n"
	 "120 run\n"},
	{"Because the receiver does not answer as it should:", "DiskFull",
	 "{alertname=DiskFull}", TEAMS,
	 "0 sink oncall fail\n0 post alertname=DiskFull host=db1 severity=page ends=9999\n"
	 "34 run\n"},
	{"Because its time has not come:", "NodeDown", "{alertname=NodeDown}", RULES TEAMS,
	 "0 backend 1\n" NODE_RULE "100 run\n"},
	{"Because there is no such alert:", "NodeDown", "{alertname=NodeDown}", RULES TEAMS,
	 "0 backend 0\n" NODE_RULE "100 run\n"},
};

static struct buf transcript; /* of the play under way */

static void ask_transcript(struct hall *h, struct engine *e, wall_ms now)
{
	struct why_options o = {.at = now, .now = now};
	enum reason cause;
	const char *words;
	struct matchers m;
	uint64_t *v;
	size_t n;

	assert_true(matchers_parse(&h->mem, str_of(h->arg), NOWHERE, MATCHERS_UTF8, &m,
				   NULL, NULL));
	v = why_find(e, &m, 1, &h->mem, &n);
	if (n) {
		buf_add_why(&transcript,
			    why_alert(e, &watched_of(h, v[0])->story, &o, &h->mem));
		return;
	}
	cause = why_nothing(e, &m, &h->mem, &words);
	buf_add_why_nothing(&transcript, &m, cause, words);
}

static void add_literal(struct buf *page, struct str text)
{
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] == '\\')
			buf_add_text(page, "\\e");
		else
			buf_add_char(page, text.p[i]);
	}
}

static void make_transcripts(struct buf *page)
{
	for (size_t i = 0; i < COUNT_OF(transcripts); i++) {
		struct hall h = {.ask = ask_transcript,
				 .arg = (void *)(uintptr_t)transcripts[i].alert};
		struct play p = {transcripts[i].command, transcripts[i].config,
				 transcripts[i].script, NULL};

		transcript = BUF(100000);
		watch_play(&h, &p);
		buf_addf(page, "%s%s\n.Bd -literal\n$ tocsin why %s\n", i ? ".Pp\n" : "",
			 transcripts[i].intro, transcripts[i].command);
		add_literal(page, buf_str(&transcript));
		buf_add_text(page, ".Ed\n");
		buf_free(&transcript);
	}
}

static void the_manual_has_them(void **state)
{
	struct buf made = BUF(100000), text = BUF(1000000);
	struct str page, rest;
	char piece[4096];
	FILE *in = fopen(PAGE, "re");
	size_t n, begin;

	(void)state;
	assert_non_null(in);
	while ((n = fread(piece, 1, sizeof(piece), in)) > 0)
		buf_add(&text, piece, n);
	fclose(in);
	page = buf_str(&text);
	begin = str_find(page, STR(BEGIN));
	assert_true(begin != STR_NONE);
	rest = str_from(page, begin + strlen(BEGIN));
	make_transcripts(&made);
	rest = str_slice(rest, 0, str_find(rest, STR(END)));
	if (!str_eq(rest, buf_str(&made)))
		fail_msg("the program says something else by now: make transcripts\n%s",
			 buf_text(&made));
	buf_free(&made);
	buf_free(&text);
}

static void ask_rule_rows(struct hall *h, struct engine *e, wall_ms now)
{
	(void)e;
	(void)now;
	for (size_t i = 0; i < h->n; i++) {
		const struct story *s = &h->v[i].story;
		double value = atof(labels_get(s->labels, "n"));

		assert_true(s->pending_at && !s->firing_at);
		assert_true(value < s->value + 0.1 && s->value < value + 0.1);
		assert_int_equal(s->rule_failed_at, s->pending_at + 10 * SECOND);
	}
	assert_int_equal(h->n, 3);
}

/* What the journal alone has of an alert that is pending: its series are worth 0, 1, 2. */
static void the_journal_has_the_value_of_what_is_pending(void **state)
{
	struct hall h = {.ask = ask_rule_rows};
	struct play p = {"pending", RULES QUICK HOOK,
			 "0 backend 3\n0 rules up == 0 for=60s\n5 backend error\n35 run\n",
			 NULL};

	(void)state;
	watch_play(&h, &p);
}

/* The alert's row was on the disk before the kill, the record of its coming was not. */
static void told_though_its_beginning_is_lost(void **state)
{
	const uint64_t alert = 7;
	const struct label l = {"alertname", "A"};
	struct arena mem = {0};
	struct story s = story_of(&mem, alert);
	const struct record_decision to_hook = {"hook",	      "webhook", 0,
						NOTIFY_FIRST, "id",	 false};
	const struct record_alert ended = {.change = CHANGE_RESOLVED,
					   .fingerprint = alert,
					   .labels = labels_new(&mem, &l, 1, NULL),
					   .starts_at = 100,
					   .ends_at = 400};

	(void)state;
	story_add(&s, &(struct record){.kind = RECORD_FLUSH,
				       .at = 200,
				       .group_key = "g",
				       .receiver = "hook",
				       .firing = &alert,
				       .n_firing = 1,
				       .decisions = &to_hook,
				       .n_decisions = 1});
	story_add(&s, &(struct record){.kind = RECORD_ATTEMPT,
				       .reason = DELIVERY_SENT,
				       .at = 300,
				       .delivery = "id"});
	story_add(&s, &(struct record){.kind = RECORD_ALERTS,
				       .at = 400,
				       .alerts = &ended,
				       .n_alerts = 1});
	assert_true(story_verdict(&s, "g", "hook", "webhook", 0, HAS_FLUSHED).is_told);
	arena_free(&mem);
}

/* The flush of a notification that a crash left open is not in the journal. */
static void an_attempt_without_its_flush_counts(void **state)
{
	const uint64_t alert = 7, other = 8;
	struct arena mem = {0};
	struct story s = story_of(&mem, alert), of_other = story_of(&mem, 9);
	struct record r = {.kind = RECORD_ATTEMPT,
			   .reason = DELIVERY_UNKNOWN,
			   .at = 300,
			   .group_key = "g",
			   .receiver = "hook",
			   .integration = "webhook",
			   .delivery = "id",
			   .firing = &alert,
			   .n_firing = 1,
			   .resolved = &other,
			   .n_resolved = 1};
	struct verdict_of v;

	(void)state;
	story_add(&s, &r);
	story_add(&of_other, &r);
	v = story_verdict(&s, "g", "hook", "webhook", 0, HAS_FLUSHED);
	assert_false(v.is_told);
	assert_int_equal(v.cause, DELIVERY_UNKNOWN);
	assert_string_equal(v.delivery, "id");
	assert_int_equal(of_other.deliveries.n, 0);
	r.reason = DELIVERY_SENT;
	r.n_firing = r.n_resolved = 0;
	story_add(&s, &r);
	assert_true(story_verdict(&s, "g", "hook", "webhook", 0, HAS_FLUSHED).is_told);
	arena_free(&mem);
}

/* What the engine remembers, where the journal was trimmed or lags behind. */
static void ask_with_nothing(struct hall *h, struct engine *e, wall_ms now)
{
	struct story s = story_of(&h->mem, h->v[0].story.fingerprint);
	const struct why_options o = {.at = now, .now = now};
	struct buf text = BUF(100000);
	const char *wanted = h->arg;

	s.known_since = now - 1000;
	buf_add_why(&text, why_alert(e, &s, &o, &h->mem));
	if (str_find(buf_str(&text), str_of(wanted)) == STR_NONE)
		fail_msg("wanted %s in\n%s", wanted, buf_text(&text));
	buf_free(&text);
}

static void of_now_the_engine_knows_what_the_journal_does_not(void **state)
{
	static const struct {
		const char *config, *script, *wanted;
	} rows[] = {
		{QUICK HOOK,
		 "0 silence s alertname=A for=60\n0 post alertname=A ends=999\n20 run\n",
		 "NOT told: hook/webhook[0]: silenced by silence"},
		{QUICK HOOK,
		 "0 silence s alertname=A for=14\n0 post alertname=A ends=999\n14.5 run\n",
		 "NOT told: hook/webhook[0]: silenced by silence"},
		{QUICK HOOK "inhibit_rules: [{name: top, source_matchers: [alertname=S], "
			    "target_matchers: [alertname=A]}]\n",
		 "0 post alertname=A ends=999\n0 post alertname=S ends=999\n20 run\n",
		 "NOT told: hook/webhook[0]: inhibited by S, which fires, by the "
		 "inhibition "
		 "rule top"},
		{"route: {receiver: hook, group_wait: 1s, routes: [{mute_time_intervals: "
		 "[night], group_wait: 1s}]}\n"
		 "time_intervals: [{name: night, time_intervals: [{times: [{start_time: "
		 "'00:00', end_time: '06:00'}]}]}]\n" HOOK,
		 "0 post alertname=A ends=9999\n20 run\n",
		 "NOT told: hook/webhook[0]: muted by the mute time interval \"night\""},
		{QUICK HOOK, "0 post alertname=A ends=9999\n20 run\n",
		 "hook/webhook[0]: told at 2026-01-01 00:00:01 UTC"},
		{QUICK HOOK, "0 sink hook fail\n0 post alertname=A ends=999\n1.2 run\n",
		 "NOT told: hook/webhook[0]: sending fails after 1 attempt: down; the next "
		 "attempt is at 2026-01-01 00:00:01."},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct hall h = {.ask = ask_with_nothing,
				 .arg = (void *)(uintptr_t)rows[i].wanted};

		watch_play(&h, &(struct play){rows[i].wanted, rows[i].config,
					      rows[i].script, NULL});
	}
}

static void ask_without_journal(struct hall *h, struct engine *e, wall_ms now)
{
	struct story s = story_of(&h->mem, h->v[0].story.fingerprint);
	const struct why_options o = {.at = now, .now = now};
	const struct why *w = why_alert(e, &s, &o, &h->mem);

	assert_int_equal(w->groups.n, 1);
	assert_true(w->groups.v[0].targets[0].verdict.is_told);
	assert_int_equal(s.came_at, now - 10000);
}

/* The journal was trimmed; the client says that it starts after it was told. */
static void the_log_of_notifications_knows_what_was_trimmed(void **state)
{
	struct hall h = {.ask = ask_without_journal};

	(void)state;
	watch_play(&h,
		   &(struct play){"trimmed", QUICK HOOK,
				  "0 post alertname=A starts=20 ends=999\n10 run\n", NULL});
}

/* -- random histories ----------------------------------------------------------------- */

#define HISTORIES  400
#define MOST_LINES 60
#define TWO                                                                                \
	"route: {receiver: hook, group_by: [alertname], group_wait: 2s, group_interval: "  \
	"8s, repeat_interval: 40s, routes: [{matchers: ['host=\"1\"'], receiver: other, "  \
	"continue: true}, {}]}\n"                                                          \
	"inhibit_rules: [{source_matchers: [alertname=S], target_matchers: "               \
	"[alertname=A], equal: [host]}]\n"                                                 \
	"receivers: [{name: hook, webhook_configs: [{url: 'http://h/'}]}, "                \
	"{name: other, webhook_configs: [{url: 'http://o/', send_resolved: false}]}]\n"

enum line_kind { LINE_POST, LINE_SOURCE, LINE_OVER, LINE_SILENCE, LINE_SINK, LINE_LIFE };
struct history {
	uint64_t random;
	double now;
	struct {
		enum line_kind kind;
		char text[100];
	} lines[MOST_LINES];
	size_t n;
	bool without[LINE_LIFE + 1]; /* lines of these kinds are left out */
	double longer;		     /* time after the last line */
	size_t n_told, n_untold;
	/* of the last play, the first alert that somebody was not told of */
	enum reason cause;
	uint64_t fingerprint;
	bool to_other;
};

static unsigned chance(struct history *h, unsigned n)
{
	h->random = h->random * UINT64_C(6364136223846793005) +
		    UINT64_C(1442695040888963407);
	return (unsigned)(h->random >> 33) % n;
}

static void add_line(struct history *h, enum line_kind kind, const char *fmt, ...)
	PRINTF(3, 4);
static void add_line(struct history *h, enum line_kind kind, const char *fmt, ...)
{
	va_list ap;
	int n = snprintf(h->lines[h->n].text, sizeof(h->lines[0].text), "%g ", h->now);

	va_start(ap, fmt);
	vsnprintf(h->lines[h->n].text + n, sizeof(h->lines[0].text) - (size_t)n, fmt, ap);
	va_end(ap);
	h->lines[h->n++].kind = kind;
}

static void make_history(struct history *h)
{
	static const char *const sinks[] = {"ok", "ok", "fail", "refuse", "hang"};
	static const char *const receivers[] = {"hook", "other"};
	size_t n = 8 + chance(h, MOST_LINES - 10);
	int names = 0;

	while (h->n < n) {
		unsigned host = 1 + chance(h, 2);
		char name = "ABB"[chance(h, 3)];

		h->now += (double)(1 + chance(h, 24)) / 4;
		switch (chance(h, 12)) {
		case 0:
			add_line(h, LINE_SOURCE, "post alertname=S host=%u ends=99999",
				 host);
			break;
		case 1:
			add_line(h, LINE_OVER, "post alertname=S host=%u ends=%g", host,
				 h->now);
			break;
		case 2:
		case 3:
			add_line(h, LINE_OVER, "post alertname=%c host=%u ends=%g", name,
				 host, h->now);
			break;
		case 4:
			add_line(h, LINE_SILENCE, "silence q%d alertname=%c for=%u", names,
				 name, 3 + chance(h, 30));
			names = names < 15 ? names + 1 : names;
			if (names == 15) /* as many as a play remembers */
				h->n--;
			break;
		case 5:
		case 6:
			add_line(h, LINE_SINK, "sink %s %s", receivers[chance(h, 2)],
				 sinks[chance(h, COUNT_OF(sinks))]);
			break;
		case 7:
			add_line(h, LINE_LIFE, chance(h, 2) ? "reload" : "restart");
			break;
		default:
			add_line(h, LINE_POST, "post alertname=%c host=%u ends=99999", name,
				 host);
		}
	}
}

static void check_told(struct history *h, const struct watched *w,
		       const struct why_target *t)
{
	bool to_other = !strcmp(t->receiver, "other");

	if (t->verdict.is_told != w->is_told[to_other])
		fail_msg("alert %016llx: the verdict says %s, the receiver %s saw %s",
			 (unsigned long long)w->story.fingerprint,
			 t->verdict.is_told ? "told" : reason_name(t->verdict.cause),
			 t->receiver, w->is_told[to_other] ? "it" : "nothing");
	if (t->verdict.is_told) {
		h->n_told++;
	} else if (!h->n_untold++) {
		h->cause = t->verdict.cause;
		h->fingerprint = w->story.fingerprint;
		h->to_other = to_other;
	}
}

static void ask_all(struct hall *hall, struct engine *e, wall_ms now)
{
	struct history *h = hall->arg;
	struct why_options o = {.at = now, .now = now};

	h->n_told = h->n_untold = 0;
	for (size_t i = 0; i < hall->n; i++) {
		struct story copy = hall->v[i].story;
		struct why *w = why_alert(e, &copy, &o, &hall->mem);

		for (size_t k = 0; k < w->groups.n; k++) {
			for (size_t t = 0; t < w->groups.v[k].n_targets; t++)
				check_told(h, &hall->v[i], &w->groups.v[k].targets[t]);
		}
	}
}

static void play_history_with(struct history *h, struct hall *hall, const char *config)
{
	struct play p = {"random", config, NULL, NULL};
	struct buf script = BUF(100000);

	for (size_t i = 0; i < h->n; i++) {
		if (!h->without[h->lines[i].kind])
			buf_addf(&script, "%s\n", h->lines[i].text);
	}
	buf_addf(&script, "%g run\n", h->now + 1 + h->longer);
	p.script = buf_text(&script);
	watch_play(hall, &p);
	buf_free(&script);
}

static void play_history(struct history *h)
{
	struct hall hall = {.ask = ask_all, .arg = h};

	play_history_with(h, &hall, TWO);
}

static void what_receivers_saw(void **state)
{
	size_t told = 0, untold = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= HISTORIES; seed++) {
		struct history h = {.random = seed * 7919};

		make_history(&h);
		play_history(&h);
		told += h.n_told;
		untold += h.n_untold;
	}
	assert_true(told > 300 && untold > 300); /* else it proves little */
}

/* What takes the cause away: lines of a kind, or time. */
static bool remove_cause(struct history *h)
{
	switch ((int)h->cause) {
	case MUTED_BY_SILENCE:
		h->without[LINE_SILENCE] = true;
		return true;
	case MUTED_BY_INHIBITION:
		h->without[LINE_SOURCE] = true;
		return true;
	case DELIVERY_RETRY:
	case DELIVERY_GAVE_UP:
	case DELIVERY_TIMEOUT:
	case UNTOLD_UNDER_WAY:
	case UNTOLD_FLUSH_OPEN:
		h->without[LINE_SINK] = true;
		return true;
	case DELIVERY_CANCELED:
	case DELIVERY_UNKNOWN:
		h->without[LINE_LIFE] = true;
		return true;
	case UNTOLD_RESOLVED:
		h->without[LINE_OVER] = true;
		return true;
	case UNTOLD_GROUP_WAIT:
	case UNTOLD_GROUP_INTERVAL:
		h->longer += 10;
		return true;
	case HELD_NOTHING_NEW: /* until repeat_interval is over */
		h->longer += 60;
		return true;
	default:
		return false;
	}
}

/* Each cause that is taken away makes way for another one or for the notification, which
 * must come at last. */
static void without_its_cause_somebody_is_told(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= HISTORIES / 4; seed++) {
		struct history h = {.random = seed * 104729};
		size_t steps = 0;

		make_history(&h);
		play_history(&h);
		while (h.n_untold) {
			if (!remove_cause(&h) || ++steps > 12)
				fail_msg("history %llu: %s stays after %zu steps",
					 (unsigned long long)seed, reason_name(h.cause),
					 steps);
			play_history(&h);
		}
	}
}

/* -- with gaps, and of past times ----------------------------------------------------- */

/* Another grouping, other timers, and other ways, after the first reload. */
#define THREE                                                                              \
	TWO LATER "route: {receiver: other, group_by: [host], group_wait: 1s, "            \
		  "group_interval: 5s, repeat_interval: 30s, routes: [{matchers: "         \
		  "['alertname=\"A\"'], group_by: [alertname, host], receiver: hook}]}\n"  \
		  "inhibit_rules: [{source_matchers: [alertname=S], target_matchers: "     \
		  "[alertname=A], equal: [host]}]\n"                                       \
		  "receivers: [{name: hook, webhook_configs: [{url: 'http://h/'}]}, "      \
		  "{name: other, webhook_configs: [{url: 'http://o/', send_resolved: "     \
		  "false}]}]\n"

struct asked { /* what a person asks, and what of the journal there is */
	wall_ms at, now;
	wall_ms from, to; /* rows from before, and from after, are missing */
};
struct gaps {
	struct history *history;
	bool has_two; /* configurations */
	size_t n_told, n_untold, n_unknown, n_partly;
};

static wall_ms config_after(const struct hall *h, wall_ms at)
{
	for (size_t i = 1; i < h->records.n; i++) { /* the first is that of the start */
		const struct record *r = h->records.v[i];

		if (r->kind == RECORD_CONFIG && r->at > at)
			return r->at;
	}
	return 0;
}

/* The first reload changes something; a restart, or another one, does not. */
static wall_ms changed_after(const struct hall *h, const struct history *random, wall_ms at)
{
	for (size_t i = 0; i < random->n; i++) {
		const char *text = random->lines[i].text;
		wall_ms then = h->records.v[0]->at + (wall_ms)(atof(text) * 1000);

		if (strstr(text, " reload"))
			return then > at ? then : 0;
	}
	return 0;
}

static struct story story_then(struct hall *h, uint64_t fingerprint, const struct asked *q)
{
	struct story s = story_of(&h->mem, fingerprint);
	wall_ms until = config_after(h, q->at);

	s.known_since = q->from;
	for (size_t i = 0; q->at < q->now && i < h->records.n; i++) {
		const struct record *r = h->records.v[i];

		if (r->at > q->at && r->at <= q->to && (!until || r->at < until))
			story_add_later(&s, r);
	}
	for (size_t i = 0; i < h->records.n; i++) {
		const struct record *r = h->records.v[i];

		if (r->at >= q->from && r->at <= MIN(q->at, q->to))
			story_add(&s, r);
	}
	return s;
}

/* Whether the receiver saw it in the last episode up to then, and since. */
static bool was_seen(const struct hall *h, uint64_t fingerprint, const char *receiver,
		     const char *group_key, wall_ms since, wall_ms at)
{
	bool seen = false;

	for (size_t i = 0; i < h->facts.n && h->facts.v[i].at <= at; i++) {
		const struct fact *f = &h->facts.v[i];

		if (f->fingerprint != fingerprint)
			continue;
		if (!f->receiver)
			seen = false;
		else if (f->at >= since && !strcmp(f->receiver, receiver) &&
			 !strcmp(f->group_key, group_key))
			seen = true;
	}
	return seen;
}

static void check_with_gaps(struct hall *h, const struct asked *q, uint64_t fingerprint,
			    const struct why_group *g, const struct why_target *t)
{
	struct gaps *gaps = h->arg;
	const struct verdict_of *v = &t->verdict;
	bool seen = was_seen(h, fingerprint, t->receiver, g->key, v->known_since, q->at);

	if (v->is_told)
		gaps->n_told++;
	else if (v->cause == NOT_KNOWN)
		gaps->n_unknown++;
	else if (v->known_since)
		gaps->n_partly++;
	else
		gaps->n_untold++;
	if (v->cause == NOT_KNOWN || v->is_told == seen)
		return;
	fail_msg("history %llu, at %g of %g, rows from %g to %g: %016llx, %s in %s: the "
		 "verdict is %s since %g, the receiver saw %s",
		 (unsigned long long)gaps->history->random, (double)q->at / 1000,
		 (double)q->now / 1000, (double)q->from / 1000, (double)q->to / 1000,
		 (unsigned long long)fingerprint, t->receiver, g->key,
		 v->is_told ? "told" : reason_name(v->cause), (double)v->known_since / 1000,
		 seen ? "it" : "nothing");
}

static void ask_with_gaps(struct hall *h, struct engine *e, const struct asked *q)
{
	struct why_options o = {.at = q->at, .now = q->now};
	const struct gaps *gaps = h->arg;

	if (gaps->has_two)
		o.config_changed_at = changed_after(h, gaps->history, q->at);
	for (size_t i = 0; i < h->n; i++) {
		uint64_t fingerprint = h->v[i].story.fingerprint;
		struct story s = story_then(h, fingerprint, q);
		struct why *w = why_alert(e, &s, &o, &h->mem);

		for (size_t k = 0; k < w->groups.n; k++) {
			for (size_t t = 0; t < w->groups.v[k].n_targets; t++)
				check_with_gaps(h, q, fingerprint, &w->groups.v[k],
						&w->groups.v[k].targets[t]);
		}
	}
}

static wall_ms life_began(const struct hall *h, const struct history *random)
{
	wall_ms at = 0;

	for (size_t i = 0; i < random->n; i++) {
		const char *text = random->lines[i].text;

		if (strstr(text, " restart"))
			at = h->records.v[0]->at + (wall_ms)(atof(text) * 1000);
	}
	return at;
}

/* The journal is trimmed, its writer was cut off before the end, or both; and of times
 * between. */
static void ask_everything(struct hall *h, struct engine *e, wall_ms now)
{
	struct history *random = ((struct gaps *)h->arg)->history;
	wall_ms first = h->records.v[0]->at;
	unsigned length = (unsigned)(now - first) + 1;

	for (size_t i = 0; i < 12; i++) {
		struct asked q = {.at = now, .now = now, .to = NEVER};

		if (i % 2)
			q.at = first + chance(random, length);
		if (i % 3)
			q.from = first + chance(random, length);
		if (i % 4 == 0) { /* of now, and this life: else nobody could know it */
			q.to = first + chance(random, length);
			q.to = MAX(q.to, life_began(h, random));
		}
		ask_with_gaps(h, e, &q);
	}
}

static void with_gaps_it_is_right_or_not_known(void **state)
{
	struct gaps sum = {0};

	(void)state;
	for (uint64_t seed = 1; seed <= HISTORIES; seed++) {
		struct history h = {.random = seed * 6007};
		struct gaps gaps = {.history = &h, .has_two = seed % 2};
		struct hall hall = {.ask = ask_everything, .arg = &gaps, .keeps = true};

		make_history(&h);
		play_history_with(&h, &hall, seed % 2 ? THREE : TWO);
		sum.n_told += gaps.n_told;
		sum.n_untold += gaps.n_untold;
		sum.n_partly += gaps.n_partly;
		sum.n_unknown += gaps.n_unknown;
	}
	/* else it proves little */
	if (sum.n_told < 3000 || sum.n_untold < 3000 || sum.n_partly < 300)
		fail_msg("%zu told, %zu not, %zu not since then, %zu not known", sum.n_told,
			 sum.n_untold, sum.n_partly, sum.n_unknown);
	assert_true(sum.n_unknown < sum.n_told + sum.n_untold);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(causes),
		cmocka_unit_test(the_manual_has_them),
		cmocka_unit_test(the_journal_has_the_value_of_what_is_pending),
		cmocka_unit_test(told_though_its_beginning_is_lost),
		cmocka_unit_test(an_attempt_without_its_flush_counts),
		cmocka_unit_test(the_log_of_notifications_knows_what_was_trimmed),
		cmocka_unit_test(of_now_the_engine_knows_what_the_journal_does_not),
		cmocka_unit_test(what_receivers_saw),
		cmocka_unit_test(without_its_cause_somebody_is_told),
		cmocka_unit_test(with_gaps_it_is_right_or_not_known),
	};

	struct buf page = BUF(100000);

	if (argc > 1 && !strcmp(argv[1], "transcripts")) {
		make_transcripts(&page);
		fputs(buf_text(&page), stdout);
		buf_free(&page);
		return 0;
	}
	return cmocka_run_group_tests_name("story", tests, NULL, NULL);
}
