#include "base/base.h"
#include "net/once.h"
#include "net/client.h"

#include <event2/event.h>

#include <stdlib.h>

struct http_line {
	struct event_base *base;
	struct client *client;
	struct arena *mem; /* of the answer that is waited for */
	struct http_answer answer;
};

struct http_line *http_line_new(const char *user_agent)
{
	struct http_line *l = mem_new(sizeof(*l));

	l->base = event_base_new();
	ASSERT(l->base);
	l->client = client_new(l->base, user_agent, CLIENT_FEW);
	return l;
}

static void on_answer(void *arg, const struct http_answer *a)
{
	struct http_line *l = arg;

	l->answer = (struct http_answer){
		.status = a->status,
		.error = arena_text(l->mem, a->error),
		.timed_out = a->timed_out,
		.in_doubt = a->in_doubt,
		.body = arena_str(l->mem, a->body),
	};
	event_base_loopbreak(l->base);
}

struct http_answer http_line_ask(struct http_line *l, struct arena *mem,
				 const struct http_request *r)
{
	l->mem = mem;
	client_http(l->client, r, on_answer, l);
	event_base_dispatch(l->base);
	return l->answer;
}

void http_line_free(struct http_line *l)
{
	client_free(l->client);
	event_base_free(l->base);
	free(l);
}

struct http_answer http_once(struct arena *mem, const char *user_agent,
			     const struct http_request *r)
{
	struct http_line *l = http_line_new(user_agent);
	struct http_answer answer = http_line_ask(l, mem, r);

	http_line_free(l);
	return answer;
}
