#include "base/base.h"
#include "net/once.h"
#include "net/client.h"

#include <event2/event.h>

struct waiting {
	struct arena *mem;
	struct event_base *base;
	struct http_answer answer;
};

static void on_answer(void *arg, const struct http_answer *a)
{
	struct waiting *w = arg;

	w->answer = (struct http_answer){
		.status = a->status,
		.error = arena_text(w->mem, a->error),
		.timed_out = a->timed_out,
		.in_doubt = a->in_doubt,
		.body = arena_str(w->mem, a->body),
	};
	event_base_loopbreak(w->base);
}

struct http_answer http_once(struct arena *mem, const char *user_agent,
			     const struct http_request *r)
{
	struct waiting w = {.mem = mem, .base = event_base_new()};
	struct client *c;

	ASSERT(w.base);
	c = client_new(w.base, user_agent, CLIENT_FEW);
	client_http(c, r, on_answer, &w);
	event_base_dispatch(w.base);
	client_free(c);
	event_base_free(w.base);
	return w.answer;
}
