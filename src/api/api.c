#include "base/base.h"
#include "api/request.h"
#include "base/url.h"
#include "base/utf8.h"
#include "net/clock.h"
#include "text/media_type.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Which path and method leads where (spec/api.md 1). ID takes one segment. */
#define ID "{silenceID}"
static void healthy(struct request *r);
static void reload(struct request *r);
static void gone(struct request *r);
static void build_info(struct request *r);
static void graph(struct request *r);
static void front_page(struct request *r);

struct endpoint {
	const char *path, *method;
	void (*answer)(struct request *);
};
static const struct endpoint endpoints[] = {
	{"/api/v2/alerts", "GET", get_alerts},
	{"/api/v2/alerts", "POST", post_alerts},
	{"/api/v2/alerts/groups", "GET", get_groups},
	{"/api/v2/receivers", "GET", get_receivers},
	{"/api/v2/silence/" ID, "GET", get_silence},
	{"/api/v2/silence/" ID, "DELETE", delete_silence},
	{"/api/v2/silences", "GET", get_silences},
	{"/api/v2/silences", "POST", post_silences},
	{"/api/v2/status", "GET", get_status},
	{"/api/v1/rules", "GET", get_rules},
	{"/api/v1/alerts", "GET", get_rule_alerts},
	{"/api/v1/alerts", "POST", gone},
	{"/api/v1/rules/broken", "GET", get_broken_rules},
	{"/api/v1/why", "GET", get_why},
	{"/api/v1/history", "GET", get_history},
	{"/api/v1/rule", "GET", vmalert_get_rule},
	{"/api/v1/alert", "GET", vmalert_get_alert},
	{"/api/v1/group", "GET", vmalert_get_group},
	{"/vmalert/api/v1/rules", "GET", vmalert_get_rules},
	{"/vmalert/api/v1/alerts", "GET", vmalert_get_alerts},
	{"/vmalert/api/v1/rule", "GET", vmalert_get_rule},
	{"/vmalert/api/v1/alert", "GET", vmalert_get_alert},
	{"/vmalert/api/v1/group", "GET", vmalert_get_group},
	{"/api/v1/status/buildinfo", "GET", build_info},
	{"/api/v1/status", "GET", gone},
	{"/api/v1/receivers", "GET", gone},
	{"/api/v1/silences", "GET", gone},
	{"/api/v1/silences", "POST", gone},
	{"/api/v1/silence/" ID, "DELETE", gone},
	{"/api/v1/silence/" ID, "GET", gone},
	{"/-/healthy", "GET", healthy},
	{"/-/healthy", "HEAD", healthy},
	{"/-/ready", "GET", healthy},
	{"/-/ready", "HEAD", healthy},
	{"/-/reload", "POST", reload},
	{"/metrics", "GET", get_metrics},
	{"/graph", "GET", graph},
	{"/", "GET", front_page},
};

static bool is_api_path(struct str path)
{
	return str_starts(path, STR("/api/v2/"));
}

/* -- counting ------------------------------------------------------------------------- */

static const char *where_label(struct request *r)
{
	char *method = arena_alloc(r->mem, strlen(r->method) + 1);
	size_t i = 0;

	for (; r->method[i]; i++)
		method[i] = (char)(r->method[i] | 0x20);
	method[i] = 0;
	return arena_printf(r->mem, "handler=\"%s\",method=\"%s\"",
			    r->handler ? r->handler : "/unknown", method);
}

static void count_size(struct request *r, size_t bytes)
{
	const char *key = where_label(r);
	struct size_counter *c = map_find(&r->api->sizes, str_of(key));
	double most = 100;
	size_t i = 0;

	if (!c) {
		c = mem_new(sizeof(*c));
		c->key = mem_text(key);
		map_put(&r->api->sizes, str_of(c->key), c);
	}
	for (; i < SIZE_BUCKETS - 1 && (double)bytes > most; i++)
		most *= 10;
	c->buckets[i]++;
	c->n++;
	c->sum += (double)bytes;
}

static void count(struct request *r, int status)
{
	struct api *api = r->api;
	struct request_counter *c;
	const char *key = arena_printf(r->mem, "%s,code=\"%d\"", where_label(r), status);

	c = map_find(&api->counters, str_of(key));
	if (!c) {
		c = mem_new(sizeof(*c));
		c->key = mem_text(key);
		map_put(&api->counters, str_of(c->key), c);
	}
	seconds_add(&c->took, (double)(clock_mono() - call_began(r->call)) / 1000, 1);
	if (!strcmp(r->method, "GET"))
		api->gets--;
}

/* -- answers -------------------------------------------------------------------------- */

static void add_common_headers(struct request *r)
{
	const struct web_config *web = r->api->web;

	for (size_t i = 0; web && i < web->headers.n; i++)
		call_set_header(r->call, web->headers.v[i].name, web->headers.v[i].text);
	cors_add_header(r);
	if (!r->is_v2)
		return;
	call_set_header(r->call, "Cache-Control", "no-store");
	call_set_header(r->call, "Vary", "Origin");
}

static void count_own_size(struct request *r, size_t n)
{
	if (r->handler && !str_starts(str_of(r->handler), STR("/api/")))
		count_size(r, n);
}

static void finish(struct request *r, int status, const char *type, struct str body)
{
	add_common_headers(r);
	if (type)
		call_set_header(r->call, "Content-Type", type);
	count(r, status);
	count_own_size(r, body.n);
	call_answer(r->call, status, body);
}

void answer_json(struct request *r, int status, const struct buf *b)
{
	finish(r, status, "application/json", buf_str(b));
}

struct counted_stream {
	struct request *r;
	struct stream of;
	size_t n; /* bytes so far */
};

static bool more_counted(void *arg, struct buf *b)
{
	struct counted_stream *s = arg;
	size_t before = b->n;
	bool more = s->of.more(s->of.arg, b);

	s->n += b->n - before;
	return more;
}

static void counted_ended(void *arg)
{
	struct counted_stream *s = arg;

	count(s->r, 200);
	count_own_size(s->r, s->n);
	s->of.ended(s->of.arg);
}

void answer_stream(struct request *r, const char *type, const struct stream *of)
{
	struct counted_stream *s = ARENA_NEW(r->mem, struct counted_stream);

	*s = (struct counted_stream){r, *of, 0};
	add_common_headers(r);
	call_set_header(r->call, "Content-Type", type);
	call_stream(r->call, 200, &(struct stream){s, more_counted, counted_ended});
}

void answer_json_stream(struct request *r, const struct stream *of)
{
	answer_stream(r, "application/json", of);
}

void answer_page(struct request *r, int status, const struct buf *html)
{
	finish(r, status, "text/html; charset=utf-8", buf_str(html));
}

void answer_typed(struct request *r, const char *type, const struct buf *b)
{
	finish(r, 200, type, buf_str(b));
}

void answer_empty(struct request *r, int status)
{
	finish(r, status, NULL, STR(""));
}

void answer_plain(struct request *r, int status, const char *text)
{
	call_set_header(r->call, "X-Content-Type-Options", "nosniff");
	finish(r, status, "text/plain; charset=utf-8", str_of(text));
}

void answer_error(struct request *r, int status, const char *text)
{
	struct buf b = BUF(BUF_NO_LIMIT);

	buf_add_json(&b, str_of(text));
	buf_add_char(&b, '\n');
	answer_json(r, status, &b);
	buf_free(&b);
}

void answer_framework(struct request *r, int code, const char *fmt, ...)
{
	struct buf b = BUF(BUF_NO_LIMIT);
	const char *text;
	va_list ap;

	va_start(ap, fmt);
	text = arena_vprintf(r->mem, fmt, ap);
	va_end(ap);
	buf_addf(&b, "{\"code\":%d,\"message\":", code);
	buf_add_json(&b, str_of(text));
	buf_add_char(&b, '}');
	answer_json(r, code >= 600 ? 422 : code, &b);
	buf_free(&b);
}

/* -- management ----------------------------------------------------------------------- */

static void healthy(struct request *r)
{
	const struct api_host *host = &r->api->options.host;
	bool ready = strcmp(r->handler, "/-/ready") || host->is_ready(host->ctx);
	bool has_body = strcmp(r->method, "HEAD") != 0;

	finish(r, ready ? 200 : 503, "text/plain; charset=utf-8",
	       !has_body ? STR("")
	       : ready	 ? STR("OK")
			 : STR("Service Unavailable"));
}

static void reload(struct request *r)
{
	const struct api_host *host = &r->api->options.host;
	struct buf why = BUF(64 * 1024);

	if (host->reload(host->ctx, call_peer(r->call), r->user, &why))
		answer_empty(r, 200);
	else
		answer_plain(r, 500, arena_printf(r->mem, "%s\n", buf_text(&why)));
	buf_free(&why);
}

static void gone(struct request *r)
{
	struct buf b = BUF(1000);

	buf_add_text(&b,
		     "{\"status\":\"deprecated\",\"error\":\"The Alertmanager v1 API was "
		     "deprecated in version 0.16.0 and is removed as of version 0.27.0 - "
		     "use the equivalent route in the v2 API\"}\n");
	answer_json(r, 410, &b);
	buf_free(&b);
}

static void build_info(struct request *r)
{
	struct buf b = BUF(1000);

	buf_add_text(&b, "{\"status\":\"success\",\"data\":{\"version\":");
	buf_add_json(&b, STR(VERSION));
	buf_add_text(&b, ",\"revision\":\"\",\"branch\":\"\",\"buildUser\":\"\","
			 "\"buildDate\":\"\",\"goVersion\":\"\"}}");
	answer_json(r, 200, &b);
	buf_free(&b);
}

/* Links of our rules' alerts lead here: on to the backend that answered the rule. */
static void graph(struct request *r)
{
	const struct api_host *host = &r->api->options.host;
	const struct config *c = host->config(host->ctx);
	struct str query = call_query(r->call);

	if (!c->n_datasources) {
		answer_plain(r, 404, "404 page not found\n");
		return;
	}
	call_set_header(r->call, "Location",
			arena_printf(r->mem, "%s/graph%s%.*s", c->datasources[0].url,
				     query.n ? "?" : "", FMT(query)));
	answer_empty(r, 302);
}

static void front_page(struct request *r)
{
	struct buf b = BUF(10000);
	const char *prefix = r->api->options.route_prefix;
	static const char *const places[] = {"/api/v2/alerts/groups", "/api/v2/silences",
					     "/api/v1/rules", "/metrics"};

	buf_add_text(&b, "<!doctype html><meta charset=utf-8><title>Tocsin</title>"
			 "<h1>Tocsin " VERSION "</h1><ul>");
	for (size_t i = 0; i < COUNT_OF(places); i++)
		buf_addf(&b, "<li><a href=\"%s%s\">%s</a>", prefix, places[i], places[i]);
	buf_add_text(&b,
		     "</ul><p>From the shell: tocsin alert, tocsin silence, tocsin rules.");
	answer_typed(r, "text/html; charset=utf-8", &b);
	buf_free(&b);
}

/* -- finding the endpoint ------------------------------------------------------------- */

/* Whether the path is of the pattern; what stands for ID in *id. */
static bool matches(const char *pattern, struct str path, struct str *id)
{
	struct str p = str_of(pattern);
	size_t at = str_find(p, STR(ID));

	if (at == STR_NONE)
		return str_eq(p, path);
	*id = str_from(path, at);
	return str_starts(path, str_slice(p, 0, at)) && id->n &&
	       str_find_char(*id, '/') == STR_NONE;
}

/* The endpoint, or NULL; *known tells whether another method has one, methods which. */
static const struct endpoint *find(struct request *r, struct str path, bool *known,
				   struct buf *methods, const char *comma)
{
	const struct endpoint *found = NULL;
	struct str id = STR("");

	*known = false;
	for (size_t i = 0; i < COUNT_OF(endpoints); i++) {
		if (!matches(endpoints[i].path, path, &id))
			continue;
		*known = true;
		r->handler = endpoints[i].path;
		if (methods->n)
			buf_add_text(methods, comma);
		buf_add_text(methods, endpoints[i].method);
		if (!strcmp(endpoints[i].method, r->method))
			found = &endpoints[i];
	}
	if (id.n && *known) {
		struct str plain;

		r->id = url_unescape(r->mem, id, false, &plain) ? arena_copy(r->mem, plain)
								: "";
	}
	return found;
}

bool endpoint_path(size_t i, const char *method, struct str *path)
{
	if (i >= COUNT_OF(endpoints))
		return false;
	*path = STR("");
	if (!strcmp(endpoints[i].method, method) && !strstr(endpoints[i].path, ID))
		*path = str_of(endpoints[i].path);
	return true;
}

static void not_found(struct request *r)
{
	if (r->is_v2)
		answer_framework(r, 404, "path %.*s was not found", FMT(r->path));
	else
		answer_plain(r, 404, "404 page not found\n");
}

/* Outside the API, OPTIONS has an answer everywhere and stands in its place. */
static const char *allowed(struct request *r, const struct buf *methods)
{
	size_t post = str_find(buf_str(methods), STR("POST"));

	if (r->is_v2)
		return arena_copy(r->mem, buf_str(methods));
	if (post == STR_NONE)
		return arena_printf(r->mem, "%s, OPTIONS", buf_text(methods));
	return arena_printf(r->mem, "%.*sOPTIONS, POST",
			    FMT(str_slice(buf_str(methods), 0, post)));
}

static void wrong_method(struct request *r, const struct buf *methods)
{
	call_set_header(r->call, "Allow", allowed(r, methods));
	if (!strcmp(r->method, "OPTIONS") && !r->is_v2) {
		answer_empty(r, 200);
		return;
	}
	if (!r->is_v2)
		answer_plain(r, 405, "Method Not Allowed\n");
	else if (!strcmp(r->method, "HEAD"))
		answer_empty(r, 405);
	else
		answer_framework(r, 405, "method %s is not allowed, but [%s] are",
				 r->method, buf_text(methods));
}

/* -- what is asked before the handler (spec/api.md 2.3) ------------------------------- */

static bool accepts_json(const char *accept)
{
	struct str rest = str_of(accept), piece;

	if (!accept || !str_trim(rest).n)
		return true;
	while (str_cut(&rest, ',', &piece)) {
		struct str type = str_trim(str_slice(piece, 0, str_find_char(piece, ';')));

		if (!str_is(type, "*/*") && !str_is(type, "application/*") &&
		    !str_is(type, "application/json"))
			continue;
		if (str_find(piece, STR("q=0")) == STR_NONE ||
		    str_find(piece, STR("q=0.")) != STR_NONE)
			return true;
	}
	return false;
}

static void refuse_content_type(struct request *r, const char *given, const char *why)
{
	struct buf quoted = BUF(BUF_NO_LIMIT);

	buf_add_json(&quoted, str_of(given));
	answer_framework(r, 400, "parsing Content-Type header from %s failed, because %s",
			 buf_text(&quoted), why);
	buf_free(&quoted);
}

static bool check_content_type(struct request *r)
{
	const char *given = call_header(r->call, "Content-Type"), *type, *why;

	if (!given || !given[0])
		given = "application/octet-stream";
	type = media_type_parse(r->mem, str_of(given), &why);
	if (!type)
		refuse_content_type(r, given, why);
	else if (strcmp(type, "application/json") != 0)
		answer_framework(r, 415,
				 "unsupported media type \"%s\", only [application/json] "
				 "are allowed",
				 type);
	else
		return true;
	return false;
}

static bool check_types(struct request *r)
{
	if (call_body(r->call).n && !check_content_type(r))
		return false;
	if (!accepts_json(call_header(r->call, "Accept"))) {
		answer_framework(
			r, 406,
			"unsupported media type requested, only [application/json] "
			"are available");
		return false;
	}
	return true;
}

/* The token bucket of rate_limit (spec/api.md 7). */
static bool is_within_rate(struct request *r)
{
	struct api *api = r->api;
	const struct web_config *w = api->web;
	mono_ms now = call_began(r->call);

	if (!w || !w->rate_interval_ns)
		return true;
	if (!api->filled_at)
		api->tokens = (double)w->rate_burst;
	else
		api->tokens += (double)(now - api->filled_at) * 1e6 /
			       (double)w->rate_interval_ns;
	api->tokens = MIN(api->tokens, (double)w->rate_burst);
	api->filled_at = now;
	if (api->tokens >= 1) {
		api->tokens--;
		return true;
	}
	answer_plain(r, 429, "Too Many Requests\n");
	return false;
}

static bool web_is_fine(struct request *r)
{
	const struct api_host *host = &r->api->options.host;

	if (!host->refresh_web || host->refresh_web(host->ctx))
		return true;
	answer_plain(r, 500, "Internal Server Error\n");
	return false;
}

static bool take_get_slot(struct request *r)
{
	struct api *api = r->api;
	size_t most = api->options.get_concurrency;

	if (strcmp(r->method, "GET"))
		return true;
	api->gets++;
	if (!most || api->gets <= most)
		return true;
	api->gets_refused++;
	answer_plain(
		r, 503,
		arena_printf(r->mem,
			     "Limit of concurrent GET requests reached (%zu), try again "
			     "later.\n\n",
			     most));
	return false;
}

static struct str without_slash(struct str path)
{
	if (is_api_path(path) && path.n > 1 && path.p[path.n - 1] == '/')
		path.n--;
	return path;
}

/* False: the path lies outside the prefix, but for "/", which leads under it. */
static bool strip_prefix(struct request *r)
{
	struct str prefix = str_of(r->api->options.route_prefix);
	struct str path = call_path(r->call);

	r->path = path;
	if (!prefix.n)
		return true;
	if (str_is(path, "/"))
		return true;
	if (!str_starts(path, prefix) || path.n == prefix.n || path.p[prefix.n] != '/')
		return false;
	r->path = str_from(path, prefix.n);
	return true;
}

void request_go_on(struct request *r)
{
	struct buf methods = BUF(200);
	const struct endpoint *found;
	bool known;

	if (redirect_by_path(r))
		return;
	if (!strip_prefix(r) || !params_parse(r)) {
		not_found(r);
		return;
	}
	r->is_v2 = is_api_path(r->path);
	if (cors_answer_preflight(r) || !cors_takes(r))
		return;
	found = find(r, without_slash(r->path), &known, &methods, r->is_v2 ? "," : ", ");
	if (!known && !r->is_v2 && redirect_to_known(r)) {
		buf_free(&methods);
		return;
	}
	if (!known)
		not_found(r);
	else if (!found)
		wrong_method(r, &methods);
	else if (!r->is_v2 || check_types(r))
		found->answer(r);
	buf_free(&methods);
}

void api_handle(void *arg, struct call *call)
{
	struct request *r = ARENA_NEW(call_mem(call), struct request);

	r->api = arg;
	r->call = call;
	r->mem = call_mem(call);
	r->method = arena_text(r->mem, call_method(call));
	if (take_get_slot(r) && web_is_fine(r) && is_within_rate(r))
		request_ask_login(r);
}

/* -- life ----------------------------------------------------------------------------- */

struct api *api_new(const struct api_options *options)
{
	struct api *api = mem_new(sizeof(*api));

	api->options = *options;
	return api;
}

void api_use_web(struct api *api, const struct web_config *web)
{
	api->web = web;
}

void api_free(struct api *api)
{
	struct request_counter *c;
	struct size_counter *size;
	void *login;

	if (!api)
		return;
	for (size_t at = 0; (c = map_next(&api->counters, &at));) {
		free(c->key);
		free(c);
	}
	for (size_t at = 0; (login = map_next(&api->logins, &at));)
		free(login);
	for (size_t at = 0; (size = map_next(&api->sizes, &at));) {
		free(size->key);
		free(size);
	}
	map_free(&api->counters);
	map_free(&api->sizes);
	map_free(&api->logins);
	free(api);
}
