#include "base/base.h"
#include "tocsind/names.h"
#include "backend/names.h"
#include "base/log.h"
#include "text/promql_names.h"
#include "tocsind/daemon.h"

#include <stdlib.h>
#include <string.h>

#define NAMES_PER_REQUEST 50
#define LONGEST_MATCH	  4000 /* bytes of names in one request */
#define LONGEST_NAME	  500
#define AFTER_A_CHANGE	  (30 * SECOND)

/* What one datasource is asked in a round, and what it said. */
struct inquiry {
	const char *source;
	struct arena mem;
	struct map wanted; /* of const char *, by itself */
	struct map known;
	size_t asked; /* of wanted: how many were asked for */
	bool failed;
	struct inquiry *next;
};

struct names {
	struct daemon *daemon;
	struct event *timer;
	span_ms interval;
	struct inquiry *round; /* under way; the first is being asked */
	struct arena request_mem;
	struct exchange *exchange;
	bool soon;	    /* the timer runs for a change */
	struct map unknown; /* of char *, "datasource name": as of the last round */
	size_t n_rules;	    /* that ask for one of them */
};

/* -- what to ask ------------------------------------------------------------------- */

/* Not because of partial_response_strategy: which metrics there are is the same. */
static bool sees_other_data(const struct rule_group *g)
{
	for (size_t i = 0; i < g->n_params; i++) {
		if (strcmp(g->params[i].name, "partial_response") != 0)
			return true;
	}
	return g->tenant || g->n_headers;
}

static const struct datasource *source_of(const struct names *n, const struct rule_group *g)
{
	const struct config *c = n->daemon->now_runs ? n->daemon->now_runs->config : NULL;
	const struct datasource *from = c ? rule_group_datasource(g, c->datasources,
								  c->n_datasources)
					  : NULL;

	return from && from->type == DATASOURCE_PROMETHEUS && !sees_other_data(g) ? from
										  : NULL;
}

static struct inquiry *inquiry_of(struct names *n, const char *source)
{
	struct inquiry *q = n->round;

	while (q && strcmp(q->source, source) != 0)
		q = q->next;
	if (q)
		return q;
	q = mem_new(sizeof(*q));
	q->source = arena_text(&q->mem, source);
	q->next = n->round;
	n->round = q;
	return q;
}

static void want(struct inquiry *q, const char *name)
{
	if (!name_is_plain(name) || strlen(name) > LONGEST_NAME ||
	    map_find(&q->wanted, str_of(name)))
		return;
	name = arena_text(&q->mem, name);
	map_put(&q->wanted, str_of(name), (void *)(uintptr_t)name);
}

static void want_those_of(struct names *n, const struct rulegroup_view *g,
			  const struct datasource *from)
{
	struct inquiry *q = inquiry_of(n, from->name);
	struct arena mem = {0};

	for (size_t i = 0; i < g->n_rules; i++) {
		const char **v;
		size_t k = promql_names(&mem, str_of(g->rules[i].rule->expr), &v);

		while (k--)
			want(q, v[k]);
		arena_reset(&mem);
	}
	arena_free(&mem);
}

/* -- a round ----------------------------------------------------------------------- */

static void inquiry_free(struct inquiry *q)
{
	map_free(&q->wanted);
	map_free(&q->known);
	arena_free(&q->mem);
	free(q);
}

static char *key_of(const char *source, const char *name)
{
	struct arena mem = {0};
	char *key = mem_text(arena_printf(&mem, "%s %s", source, name));

	arena_free(&mem);
	return key;
}

/* What was said of the datasource before is forgotten. */
static void forget(struct names *n, const char *source)
{
	struct str prefix = str_of(source);
	char *key;

	for (size_t at = 0; (key = map_next(&n->unknown, &at));) {
		if (!str_starts(str_of(key), prefix) || key[prefix.n] != ' ')
			continue;
		map_del(&n->unknown, str_of(key));
		free(key);
	}
}

static void conclude(struct names *n, struct inquiry *q)
{
	const char *name;

	if (q->failed)
		return;
	forget(n, q->source);
	for (size_t at = 0; (name = map_next(&q->wanted, &at));) {
		char *key;

		if (map_find(&q->known, str_of(name)))
			continue;
		key = key_of(q->source, name);
		map_put(&n->unknown, str_of(key), key);
	}
}

static void count_rules(struct names *n)
{
	struct arena mem = {0};
	size_t k, groups;
	struct rulegroup_view *v = view_rules(n->daemon->engine, &mem, &groups);
	const char **names;

	k = 0;
	for (size_t i = 0; i < groups; i++) {
		for (size_t r = 0; r < v[i].n_rules; r++)
			k += names_unknown(n, v[i].config, v[i].rules[r].rule, &mem,
					   &names) > 0;
	}
	n->n_rules = k;
	arena_free(&mem);
}

static void ask(struct names *n);

static void on_answer(void *arg, const struct http_answer *answer)
{
	struct names *n = arg;
	struct inquiry *q = n->round;
	const char **v;
	struct err err;
	size_t k;

	n->exchange = NULL;
	if (!names_judge(&q->mem, answer, &v, &k, &err)) {
		log_debug("names", "the backend does not say which metrics it knows",
			  L_STR("datasource", q->source), L_ERR(&err));
		q->failed = true;
	} else {
		for (size_t i = 0; i < k; i++)
			map_put(&q->known, str_of(v[i]), (void *)(uintptr_t)v[i]);
	}
	ask(n);
}

static size_t next_names(struct inquiry *q, const char *v[NAMES_PER_REQUEST])
{
	size_t n = 0, bytes = 0, at = 0, passed = 0;
	const char *name;

	while ((name = map_next(&q->wanted, &at))) {
		if (passed++ < q->asked)
			continue;
		bytes += strlen(name) + 1;
		if (n == NAMES_PER_REQUEST || bytes > LONGEST_MATCH)
			break;
		v[n++] = name;
	}
	q->asked += n;
	return n;
}

/* The next request of the round; without one the round is over. */
static void ask(struct names *n)
{
	const struct config *c = n->daemon->now_runs->config;
	const char *v[NAMES_PER_REQUEST];
	wall_ms now = daemon_now(n->daemon);
	struct http_request request;

	while (n->round) {
		struct inquiry *q = n->round;
		const struct datasource *from = config_find_datasource(c, q->source);
		size_t k = q->failed || !from ? 0 : next_names(q, v);

		if (k) {
			arena_reset(&n->request_mem);
			names_compose(&n->request_mem, from, v, k, now - DAY, now,
				      &request);
			n->exchange = client_http(n->daemon->queries, &request, on_answer,
						  n);
			return;
		}
		conclude(n, q);
		n->round = q->next;
		inquiry_free(q);
	}
	count_rules(n);
}

static void on_time(evutil_socket_t fd, short what, void *arg)
{
	struct names *n = arg;
	struct arena mem = {0};
	struct rulegroup_view *v;
	size_t k;

	(void)fd, (void)what;
	n->soon = false;
	timer_in(n->timer, n->interval);
	if (n->round || n->daemon->stopping)
		return;
	v = view_rules(n->daemon->engine, &mem, &k);
	for (size_t i = 0; i < k; i++) {
		const struct datasource *from = source_of(n, v[i].config);

		if (from)
			want_those_of(n, &v[i], from);
	}
	arena_free(&mem);
	ask(n);
}

/* -- life -------------------------------------------------------------------------- */

struct names *names_new(struct daemon *d)
{
	struct names *n;

	if (d->flags.names_interval_ns <= 0)
		return NULL;
	n = mem_new(sizeof(*n));
	n->daemon = d;
	n->interval = MAX(d->flags.names_interval_ns / 1000000, 100);
	n->timer = evtimer_new(d->base, on_time, n);
	names_changed(n);
	return n;
}

void names_changed(struct names *n)
{
	if (!n || n->soon)
		return;
	n->soon = true;
	timer_in(n->timer, MIN(AFTER_A_CHANGE, n->interval));
}

static void end_round(struct names *n)
{
	if (n->exchange)
		exchange_cancel(n->exchange);
	n->exchange = NULL;
	while (n->round) {
		struct inquiry *next = n->round->next;

		inquiry_free(n->round);
		n->round = next;
	}
}

void names_config(struct names *n)
{
	if (n)
		end_round(n);
	names_changed(n);
}

size_t names_count(const struct names *n)
{
	return n ? n->n_rules : 0;
}

void names_free(struct names *n)
{
	char *key;

	if (!n)
		return;
	end_round(n);
	for (size_t at = 0; (key = map_next(&n->unknown, &at));)
		free(key);
	map_free(&n->unknown);
	arena_free(&n->request_mem);
	event_free(n->timer);
	free(n);
}

size_t names_unknown(const struct names *n, const struct rule_group *g,
		     const struct rule *rule, struct arena *mem, const char ***out)
{
	const struct datasource *from = n && n->unknown.n ? source_of(n, g) : NULL;
	struct arena scratch = {0};
	const char **v, **found;
	size_t n_found = 0, k;

	*out = NULL;
	if (!from)
		return 0;
	k = promql_names(&scratch, str_of(rule->expr), &v);
	found = ARENA_ARRAY(&scratch, const char *, k);
	for (size_t i = 0; i < k; i++) {
		const char *key = arena_printf(&scratch, "%s %s", from->name, v[i]);

		if (map_find(&n->unknown, str_of(key)))
			found[n_found++] = arena_text(mem, v[i]);
	}
	if (n_found) {
		*out = ARENA_ARRAY(mem, const char *, n_found);
		memcpy(*out, found, n_found * sizeof(*found));
	}
	arena_free(&scratch);
	return n_found;
}
