#include "base/base.h"
#include "tocsind/daemon.h"
#include "base/log.h"
#include "net/libcurl.h"
#include "tocsind/outside.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

/* So many messages of one integration are made and on their way at a time; the others wait
 * as they are, which costs little. Who answers at once is well served by a few; where
 * messages wait for longer than PATIENCE, and fewer than QUICK times the width went in it,
 * the lane becomes twice as wide, because a slow receiver must not make others late. */
#define LANE_WIDTH	16
#define MAIL_LANE_WIDTH 8   /* a mail of a hundred alerts is a megabyte while it is made */
#define PATIENCE	200 /* ms */
#define QUICK		4
#define AHEAD		100 /* ms after the news, when whoever brought it has his answer */

/* What deliveries of one integration share. */
struct lane {
	const struct integration_config *of;
	struct attempt_cache cache;
	struct event *patience;
	unsigned active, width, first_width, most;
	unsigned ended; /* messages, in this PATIENCE */
	bool is_filling;
	TAILQ_HEAD(, sending) waiting;
};

/* A delivery under way: the attempt says what it wants, the client sends it. */
struct sending {
	TAILQ_ENTRY(sending) next; /* in its lane, while it waits */
	struct lane *lane;
	enum { SENDING_HELD, SENDING_WAITS, SENDING_ACTIVE } state;
	uint64_t id;
	struct daemon *daemon;
	struct arena mem;
	struct attempt attempt;
	struct attempt_env env;
	int status;		   /* of the last answer */
	bool in_doubt;		   /* one had none */
	struct exchange *exchange; /* NULL: none is out */
	struct mailing *mailing;
};

static bool is_mail(const struct integration_config *of)
{
	return !strcmp(of->kind->name, "email");
}

static void lose_patience(evutil_socket_t fd, short what, void *arg);

static void free_patience(void *event)
{
	event_free(event);
}

static struct lane *lane_of(struct generation *g, struct event_base *base,
			    const struct integration_config *of)
{
	struct str key = {(const char *)&of, sizeof(of)};
	struct lane *lane = map_find(&g->lanes, key);

	if (!lane) {
		lane = ARENA_NEW(&g->mem, struct lane);
		lane->of = of;
		lane->first_width = is_mail(of) ? MAIL_LANE_WIDTH : LANE_WIDTH;
		lane->most = is_mail(of) ? MAILER_MAX : CLIENT_MANY;
		lane->width = lane->first_width;
		lane->patience = evtimer_new(base, lose_patience, lane);
		ASSERT(lane->patience);
		arena_defer(&g->mem, free_patience, lane->patience);
		TAILQ_INIT(&lane->waiting);
		map_put(&g->lanes, (struct str){(const char *)&lane->of, sizeof(lane->of)},
			lane);
	}
	return lane;
}

static void sending_free(struct sending *s)
{
	map_del(&s->daemon->sendings, map_key_u64(&s->id));
	if (s->state == SENDING_WAITS)
		TAILQ_REMOVE(&s->lane->waiting, s, next);
	if (s->state == SENDING_ACTIVE)
		s->lane->active--;
	if (s->exchange)
		exchange_cancel(s->exchange);
	if (s->mailing)
		mailing_cancel(s->mailing);
	arena_free(&s->mem);
	free(s);
}

static const struct text_pair *keep_memory(struct arena *mem, const struct attempt *a)
{
	struct text_pair *v = ARENA_ARRAY(mem, struct text_pair, a->n_memory);

	for (size_t i = 0; i < a->n_memory; i++) {
		v[i].name = arena_text(mem, a->memory[i].name);
		v[i].text = arena_text(mem, a->memory[i].text);
	}
	return v;
}

static const char *name_of(struct arena *mem, const struct notification *n)
{
	return arena_printf(mem, "%s/%s[%zu]", n->receiver->name,
			    n->integration->kind->name, n->integration->index);
}

static void fill(struct lane *);

/* The verdict waits in a list for the next step; texts are copied. */
static void finish(struct sending *s)
{
	struct daemon *d = s->daemon;
	struct lane *lane = s->lane;
	const struct attempt *a = &s->attempt;
	struct delivery_ended end = {
		.id = s->id,
		.verdict = a->verdict,
		.failure = a->failure,
		.error = arena_text(&d->ended_mem, a->error),
		.retry_after = a->retry_after,
		.status = s->status,
		.in_doubt = s->in_doubt,
	};

	if (a->remembers) {
		end.memory = keep_memory(&d->ended_mem, a);
		end.n_memory = a->n_memory;
	}
	if (a->mended) {
		d->mended_templates++;
		log_warn("notify", "a template failed; the message went out all the same",
			 L_STR("receiver", name_of(&s->mem, a->n)),
			 L_STR("err", a->mended));
	}
	if (a->shortened) {
		d->shortened++;
		log_warn("notify", "a message was too long for its receiver",
			 L_STR("receiver", name_of(&s->mem, a->n)),
			 L_STR("sent", a->shortened));
	}
	vec_push(&d->ended_deliveries, end);
	sending_free(s);
	lane->ended++;
	fill(lane);
	daemon_feed(d, NULL);
}

static void go_on(struct sending *s);

static void on_http(void *arg, const struct http_answer *answer)
{
	struct sending *s = arg;

	s->exchange = NULL;
	s->status = answer->status;
	s->in_doubt = s->in_doubt || answer->in_doubt;
	attempt_http(&s->attempt, answer);
	go_on(s);
}

static void on_mail(void *arg, const struct mail_answer *answer)
{
	struct sending *s = arg;

	s->mailing = NULL;
	s->status = answer->status;
	s->in_doubt = s->in_doubt || answer->in_doubt;
	attempt_mail(&s->attempt, answer);
	go_on(s);
}

static void go_on(struct sending *s)
{
	struct daemon *d = s->daemon;

	switch (s->attempt.wants) {
	case WANTS_HTTP:
		s->exchange = client_http(d->client, &s->attempt.http, on_http, s);
		break;
	case WANTS_MAIL:
		s->mailing = mailer_send(d->mailer, &s->attempt.mail, on_mail, s);
		break;
	case WANTS_NOTHING:
		finish(s);
		break;
	}
}

static struct attempt_env env_of(struct daemon *d)
{
	return (struct attempt_env){
		.templates = d->now_runs->templates,
		.parsed = d->now_runs->parsed,
		.external_url = d->external_url,
		.user_agent = d->flags.as_0_25 ? "Alertmanager/0.25.0"
					       : "Alertmanager/0.34.0",
		.hostname = d->hostname,
		.now = instant_of_ms(daemon_now(d)),
		.local = outside_zone(NULL, STR("Local")),
		.zone_find = outside_zone,
		.read = outside_read,
		.env = outside_env,
		.random = clock_seed(),
		.retry_rate_limited = d->flags.retry_rate_limited,
		.leave_out_alerts = d->flags.leave_out_alerts,
		.mend_templates = true,
		.as_0_25 = d->flags.as_0_25,
	};
}

const struct labels *sender_route_labels(void *daemon, const struct group_view *g,
					 struct arena *mem)
{
	struct daemon *d = daemon;
	const struct attempt_env env = env_of(d);
	struct notification n = {
		.receiver = g->receiver,
		.route = g->route,
		.group_key = g->key,
		.group_labels = g->labels,
		.firing = true,
	};
	struct notification_alert *alerts;
	struct alert_view v;
	uint64_t *fingerprints;
	size_t n_alerts;

	if (!g->route->n_labels)
		return &labels_none;
	fingerprints = view_group_alerts(d->engine, daemon_now(d), g->id,
					 &(struct matchers){0}, mem, &n_alerts);
	alerts = ARENA_ARRAY(mem, struct notification_alert, n_alerts);
	for (size_t i = 0; i < n_alerts; i++) {
		if (view_alert(d->engine, daemon_now(d), mem, fingerprints[i], &v))
			alerts[n.n_alerts++] = (struct notification_alert){
				v.alert.labels, v.alert.annotations,   v.alert.starts_at,
				INSTANT_ZERO,	v.alert.generator_url, false};
	}
	n.alerts = alerts;
	return route_labels_render(mem, &env, &n);
}

static bool tells_anybody(const struct config *c)
{
	for (size_t i = 0; i < c->n_receivers; i++) {
		if (c->receivers[i].n_integrations)
			return true;
	}
	return false;
}

/* A failure is said by whoever needs it. */
static void load_ahead(evutil_socket_t fd, short what, void *daemon)
{
	const struct daemon *d = daemon;
	struct err err;

	(void)fd, (void)what;
	if (!d->stopping)
		(void)!libcurl_load(&err);
}

/* While the alert waits for its group, what takes milliseconds of the first message. */
void sender_expect(struct daemon *d)
{
	const struct timeval soon = {0, AHEAD * 1000};

	if (d->now_runs->expects)
		return;
	d->now_runs->expects = true;
	if (tells_anybody(d->now_runs->config))
		event_base_once(d->base, -1, EV_TIMEOUT, load_ahead, d, &soon);
}

void sender_start(struct daemon *d, const struct delivery_wish *wish)
{
	struct sending *s;

	if (d->stopping)
		return; /* told after the next start: nothing is lost */
	s = mem_new(sizeof(*s));
	s->id = wish->id;
	s->daemon = d;
	s->lane = lane_of(d->now_runs, d->base, wish->notification->integration);
	s->attempt.n = wish->notification;
	map_put(&d->sendings, map_key_u64(&s->id), s);
	if (wish->attempt > 1)
		sender_go(d, s->id); /* the ledger has it since the first one */
	else
		ledger_hold(d, s->id);
}

static void begin(struct sending *s)
{
	struct err err;

	s->state = SENDING_ACTIVE;
	s->lane->active++;
	s->env = env_of(s->daemon);
	s->attempt.mem = &s->mem;
	s->attempt.env = &s->env;
	s->attempt.cache = &s->lane->cache;
	if (libcurl_load(&err)) {
		attempt_start(&s->attempt);
	} else {
		s->attempt.verdict = VERDICT_RETRY;
		s->attempt.error = arena_text(&s->mem, err.text);
	}
	go_on(s);
}

/* What ends before it left makes room at once, hence no way back in here. */
static void fill(struct lane *lane)
{
	struct sending *s;

	if (lane->is_filling)
		return;
	lane->is_filling = true;
	while (lane->active < lane->width && (s = TAILQ_FIRST(&lane->waiting))) {
		TAILQ_REMOVE(&lane->waiting, s, next);
		begin(s);
	}
	lane->is_filling = false;
	if (TAILQ_EMPTY(&lane->waiting)) {
		evtimer_del(lane->patience);
		if (!lane->active)
			lane->width = lane->first_width;
	} else if (!evtimer_pending(lane->patience, NULL)) {
		timer_in(lane->patience, PATIENCE);
	}
}

static void lose_patience(evutil_socket_t fd, short what, void *arg)
{
	struct lane *lane = arg;

	(void)fd, (void)what;
	if (lane->ended < QUICK * lane->width)
		lane->width = MIN(lane->width * 2, lane->most);
	lane->ended = 0;
	fill(lane);
}

void sender_go(struct daemon *d, uint64_t id)
{
	struct sending *s = map_find(&d->sendings, map_key_u64(&id));

	if (!s)
		return; /* canceled meanwhile */
	s->state = SENDING_WAITS;
	TAILQ_INSERT_TAIL(&s->lane->waiting, s, next);
	fill(s->lane);
}

/* Deliveries that were canceled may have left room. */
void sender_step_ended(struct daemon *d)
{
	struct lane *lane;

	if (!d->canceled_some)
		return;
	d->canceled_some = false;
	for (size_t at = 0; (lane = map_next(&d->now_runs->lanes, &at));)
		fill(lane);
}

void sender_cancel(struct daemon *d, uint64_t id)
{
	struct sending *s = map_find(&d->sendings, map_key_u64(&id));

	if (s) {
		sending_free(s);
		d->canceled_some = true;
	}
}

void sender_free(struct daemon *d)
{
	struct sending *s;

	for (size_t at = 0; (s = map_next(&d->sendings, &at));)
		sending_free(s);
	map_free(&d->sendings);
}
