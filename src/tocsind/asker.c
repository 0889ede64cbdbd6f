#include "base/base.h"
#include "tocsind/daemon.h"
#include "backend/backend.h"
#include "base/log.h"

#include <stdlib.h>

/* A query under way. The datasource is copied: a reload may come before the answer. */
struct asking {
	uint64_t id;
	bool raw;
	struct daemon *daemon;
	struct arena mem;
	struct datasource from;
	struct http_request request;
	struct exchange *exchange;
};

static void asking_free(struct asking *a)
{
	map_del(&a->daemon->askings, map_key_u64(&a->id));
	if (a->exchange)
		exchange_cancel(a->exchange);
	arena_free(&a->mem);
	free(a);
}

/* The samples lie in the asking's arena, so the answer is brought at once. */
static void bring(struct asking *a, const struct query_ended *end)
{
	struct daemon *d = a->daemon;
	struct event ev = {.kind = EVENT_QUERY_ENDED, .query = end};

	if (end->warning) {
		d->backend_warnings++;
		log_debug("backend", "the backend warned",
			  L_STR("datasource", a->from.name),
			  L_STR("warning", end->warning));
	}
	daemon_feed(d, &ev);
	asking_free(a);
}

static void on_answer(void *arg, const struct http_answer *answer)
{
	struct asking *a = arg;
	struct query_ended end = {.id = a->id};

	a->exchange = NULL;
	backend_judge(&a->mem, &a->from, a->raw, answer, &end);
	bring(a, &end);
}

void asker_start(struct daemon *d, const struct query_wish *wish)
{
	struct asking *a = mem_new(sizeof(*a));

	a->id = wish->id;
	a->raw = wish->raw;
	a->daemon = d;
	a->from = *wish->datasource;
	a->from.name = arena_text(&a->mem, wish->datasource->name);
	map_put(&d->askings, map_key_u64(&a->id), a);
	backend_compose(&a->mem, wish, &a->request);
	a->exchange = client_http(d->queries, &a->request, on_answer, a);
}

void asker_cancel(struct daemon *d, uint64_t id)
{
	struct asking *a = map_find(&d->askings, map_key_u64(&id));

	if (a)
		asking_free(a);
}

void asker_free(struct daemon *d)
{
	struct asking *a;

	for (size_t at = 0; (a = map_next(&d->askings, &at));)
		asking_free(a);
	map_free(&d->askings);
}
