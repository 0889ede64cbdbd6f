/* Requests to the API over a live engine: each is answered exactly once, with a status it
 * may have, and JSON where JSON is said. An input is up to eight requests, separated by a
 * line "--": "METHOD target", and the body after that line. */
#include "base/base.h"
#include "api/api.h"
#include "engine/engine.h"
#include "receivers/attempt.h"
#include "text/json.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NOW	      INT64_C(1767225600000)
#define MOST_REQUESTS 8

/* -- the server's side, without sockets ----------------------------------------------- */

struct call {
	struct arena mem;
	const char *method;
	struct str path, query, body;
	int answers, status;
	bool is_json;
};

struct arena *call_mem(struct call *c)
{
	return &c->mem;
}

const char *call_method(const struct call *c)
{
	return c->method;
}

struct str call_path(const struct call *c)
{
	return c->path;
}

struct str call_query(const struct call *c)
{
	return c->query;
}

struct str call_body(const struct call *c)
{
	return c->body;
}

const char *call_header(const struct call *c, const char *name)
{
	(void)c;
	return strcmp(name, "Content-Type") ? NULL : "application/json";
}

const char *call_peer(const struct call *c)
{
	(void)c;
	return "192.0.2.1";
}

mono_ms call_began(const struct call *c)
{
	(void)c;
	return 0;
}

void call_set_header(struct call *c, const char *name, const char *value)
{
	if (!strcmp(name, "Content-Type"))
		c->is_json = !strcmp(value, "application/json");
}

void call_answer(struct call *c, int status, struct str body)
{
	json_error_t wrong;
	json_t *top;

	c->answers++;
	c->status = status;
	if (!c->is_json || !body.n)
		return;
	top = json_loadb(body.p, body.n, JSON_DECODE_ANY | JSON_ALLOW_NUL, &wrong);
	if (!top)
		BUG("an answer that is no JSON: %s: %.*s", wrong.text, FMT(body));
	json_decref(top);
}

void call_stream(struct call *c, int status, const struct stream *s)
{
	struct buf all = BUF(BUF_NO_LIMIT);

	while (s->more(s->arg, &all))
		;
	s->ended(s->arg);
	call_answer(c, status, buf_str(&all));
	buf_free(&all);
}

/* -- the daemon's side ---------------------------------------------------------------- */

struct host {
	struct engine *engine;
	const struct config *config;
};

static struct engine *host_engine(void *ctx)
{
	return ((struct host *)ctx)->engine;
}

static const struct config *host_config(void *ctx)
{
	return ((struct host *)ctx)->config;
}

static wall_ms host_now(void *ctx)
{
	(void)ctx;
	return NOW;
}

static void host_feed(void *ctx, const struct event *ev)
{
	struct host *h = ctx;
	struct actions todo = {0};
	struct arena mem = {0};

	engine_step(h->engine, NOW, ev, ev ? 1 : 0, &mem, &todo);
	free(todo.v);
	arena_free(&mem);
}

static bool host_reload(void *ctx, const char *from, const char *by, struct buf *text)
{
	(void)ctx, (void)from, (void)by, (void)text;
	return true;
}

static bool host_is_ready(void *ctx)
{
	(void)ctx;
	return true;
}

static size_t host_broken(void *ctx, struct arena *mem, struct broken_file **out)
{
	(void)ctx, (void)mem;
	*out = NULL;
	return 0;
}

static void host_metrics(void *ctx, struct buf *b)
{
	(void)ctx, (void)b;
}

/* -- requests ------------------------------------------------------------------------- */

static bool may_be(int status)
{
	static const int all[] = {200, 302, 400, 404, 405, 406, 410, 415, 422};

	for (size_t i = 0; i < COUNT_OF(all); i++) {
		if (all[i] == status)
			return true;
	}
	return false;
}

static void ask(struct api *api, struct str text)
{
	struct call c = {.method = ""};
	struct str line = STR(""), word = STR("");
	size_t mark;

	c.body = text;
	str_cut(&c.body, '\n', &line);
	if (!str_cut(&line, ' ', &word))
		return;
	c.method = arena_copy(&c.mem, word);
	mark = str_find_char(line, '?');
	c.path = str_slice(line, 0, mark);
	c.query = mark == STR_NONE ? STR("") : str_from(line, mark + 1);
	api_handle(api, &c);
	if (c.answers != 1 || !may_be(c.status))
		BUG("%d answers, status %d", c.answers, c.status);
	arena_free(&c.mem);
}

static const char config[] =
	"route: {receiver: r, group_by: [alertname], routes: [{receiver: s, matchers: "
	"[a=b]}]}\n"
	"receivers: [{name: r}, {name: s}]\n"
	"inhibit_rules: [{source_matchers: [a=b], target_matchers: [a=c], equal: [d]}]\n";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const integrations_named[] = {"webhook", NULL};
	struct str rest = {(const char *)data, size};
	struct arena mem = {0};
	struct errs errs = {.mem = &mem};
	const struct config_options of_config = {.kinds = integration_kinds};
	const struct engine_options of_engine = {.seed = 1, .started_at = NOW};
	struct host host = {0};
	struct event first = {.kind = EVENT_CONFIG};
	struct api_options options = {
		.host = {.ctx = &host,
			 .engine = host_engine,
			 .config = host_config,
			 .now = host_now,
			 .feed = host_feed,
			 .reload = host_reload,
			 .is_ready = host_is_ready,
			 .broken_files = host_broken,
			 .add_metrics = host_metrics},
		.route_prefix = "",
		.external_url = "http://t",
		.peer_version = "0.34.0",
		.matchers = MATCHERS_FALLBACK,
		.integrations = integrations_named,
	};
	struct api *api;

	host.config = config_parse(&mem, "c.yml", str_of(config), &of_config, &errs, NULL);
	ASSERT(host.config);
	host.engine = engine_new(&of_engine);
	first.config = host.config;
	host_feed(&host, &first);
	api = api_new(&options);
	for (int i = 0; i < MOST_REQUESTS && rest.n; i++) {
		size_t end = str_find(rest, STR("\n--\n"));

		ask(api, str_slice(rest, 0, MIN(end, rest.n)));
		rest = end == STR_NONE ? STR("") : str_from(rest, end + 4);
	}
	api_free(api);
	engine_free(host.engine);
	arena_free(&mem);
	return 0;
}
