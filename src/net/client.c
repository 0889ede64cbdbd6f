#include "base/base.h"
#include "net/client.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/url.h"
#include "base/vec.h"
#include "net/curl_options.h"
#include "net/oauth2.h"

#include <curl/curl.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

struct exchange {
	LIST_ENTRY(exchange) list;
	struct client *client;
	CURL *easy;
	struct arena mem;
	struct curl_slist *headers, *proxy_headers;
	char error[CURL_ERROR_SIZE];
	struct buf body;
	VEC(struct http_header) answer_headers;
	const char *early;	/* failed before it began */
	struct exchange *token; /* the one that fetches an access token first */
	const char *token_key;
	void (*done)(void *, const struct http_answer *);
	void *arg;
};

struct client {
	struct event_base *base;
	CURLM *multi;
	struct event *timer, *early;
	char *user_agent;
	LIST_HEAD(, exchange) exchanges;
	size_t n;
	struct token_cache *tokens;
};

/* -- the end of an exchange ----------------------------------------------------------- */

static void exchange_free(struct exchange *x)
{
	struct client *c = x->client;

	if (x->token)
		exchange_free(x->token);
	curl_multi_remove_handle(c->multi, x->easy);
	curl_easy_cleanup(x->easy);
	curl_slist_free_all(x->headers);
	curl_slist_free_all(x->proxy_headers);
	buf_free(&x->body);
	LIST_REMOVE(x, list);
	c->n--;
	arena_free(&x->mem);
	free(x);
}

void exchange_cancel(struct exchange *x)
{
	exchange_free(x);
}

static const char *failure_of(struct exchange *x, CURLcode code)
{
	if (x->early)
		return x->early;
	if (x->body.full)
		return arena_printf(&x->mem, "the answer is longer than %zu bytes",
				    x->body.limit);
	return curl_failure(x->easy, &x->mem, code, x->error);
}

static void finish(struct exchange *x, CURLcode code)
{
	long status = 0;

	curl_easy_getinfo(x->easy, CURLINFO_RESPONSE_CODE, &status);
	x->done(x->arg, &(struct http_answer){
				.status = (int)status,
				.error = failure_of(x, code),
				.timed_out = code == CURLE_OPERATION_TIMEDOUT,
				.body = buf_str(&x->body),
				.headers = x->answer_headers.v,
				.n_headers = x->answer_headers.n,
			});
	exchange_free(x);
}

static void take_finished(struct client *c)
{
	struct exchange *x;
	CURLMsg *m;
	int left;

	while ((m = curl_multi_info_read(c->multi, &left))) {
		if (m->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &x);
		finish(x, m->data.result);
	}
}

/* Exchanges that could not even begin end here, outside the call that wanted them. */
static void on_early(evutil_socket_t fd, short what, void *arg)
{
	struct client *c = arg;
	struct exchange *x, *next;

	(void)fd, (void)what;
	for (x = LIST_FIRST(&c->exchanges); x; x = next) {
		next = LIST_NEXT(x, list);
		if (x->early) {
			finish(x, CURLE_OK);
			next = LIST_FIRST(
				&c->exchanges); /* done may have changed the list */
		}
	}
}

static void fail_early(struct exchange *x, const char *why)
{
	x->early = arena_text(&x->mem, why);
	event_active(x->client->early, EV_TIMEOUT, 0);
}

/* -- libcurl's sockets and timer on the loop ------------------------------------------ */

static void on_socket(evutil_socket_t fd, short what, void *arg)
{
	struct client *c = arg;
	int flags = (what & EV_READ ? CURL_CSELECT_IN : 0) |
		    (what & EV_WRITE ? CURL_CSELECT_OUT : 0);
	int running;

	curl_multi_socket_action(c->multi, fd, flags, &running);
	take_finished(c);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct client *c = arg;
	int running;

	(void)fd, (void)what;
	curl_multi_socket_action(c->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	take_finished(c);
}

static int watch_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *watch)
{
	struct client *c = arg;
	struct event *ev = watch;
	short flags = EV_PERSIST;

	(void)easy;
	if (ev)
		event_free(ev);
	if (what == CURL_POLL_REMOVE) {
		curl_multi_assign(c->multi, fd, NULL);
		return 0;
	}
	if (what & CURL_POLL_IN)
		flags |= EV_READ;
	if (what & CURL_POLL_OUT)
		flags |= EV_WRITE;
	ev = event_new(c->base, fd, flags, on_socket, c);
	ASSERT(ev);
	event_add(ev, NULL);
	curl_multi_assign(c->multi, fd, ev);
	return 0;
}

static int set_timer(CURLM *multi, long ms, void *arg)
{
	struct client *c = arg;
	struct timeval tv = {ms / 1000, ms % 1000 * 1000};

	(void)multi;
	if (ms < 0)
		evtimer_del(c->timer);
	else
		evtimer_add(c->timer, &tv);
	return 0;
}

struct client *client_new(struct event_base *base, const char *user_agent)
{
	struct client *c = mem_new(sizeof(*c));

	curl_global_init(CURL_GLOBAL_DEFAULT);
	c->base = base;
	c->user_agent = mem_text(user_agent);
	c->multi = curl_multi_init();
	c->timer = evtimer_new(base, on_timer, c);
	c->early = evtimer_new(base, on_early, c);
	ASSERT(c->multi && c->timer && c->early);
	LIST_INIT(&c->exchanges);
	c->tokens = token_cache_new();
	curl_multi_setopt(c->multi, CURLMOPT_SOCKETFUNCTION, watch_socket);
	curl_multi_setopt(c->multi, CURLMOPT_SOCKETDATA, c);
	curl_multi_setopt(c->multi, CURLMOPT_TIMERFUNCTION, set_timer);
	curl_multi_setopt(c->multi, CURLMOPT_TIMERDATA, c);
	curl_multi_setopt(c->multi, CURLMOPT_MAX_HOST_CONNECTIONS,
			  (long)CLIENT_MAX_PER_HOST);
	curl_multi_setopt(c->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS,
			  (long)CLIENT_MAX_CONNECTIONS);
	return c;
}

void client_free(struct client *c)
{
	if (!c)
		return;
	while (!LIST_EMPTY(&c->exchanges))
		exchange_free(LIST_FIRST(&c->exchanges));
	curl_multi_cleanup(c->multi);
	event_free(c->timer);
	event_free(c->early);
	token_cache_free(c->tokens);
	free(c->user_agent);
	free(c);
}

size_t client_busy(const struct client *c)
{
	return c->n;
}

/* -- what comes back ------------------------------------------------------------------ */

static size_t take_body(char *p, size_t size, size_t n, void *arg)
{
	struct exchange *x = arg;

	buf_add(&x->body, p, size * n);
	return x->body.full ? 0 : size * n; /* 0 ends the transfer */
}

static size_t take_header(char *p, size_t size, size_t n, void *arg)
{
	struct exchange *x = arg;
	struct str line = str_trim((struct str){p, size * n});
	size_t colon = str_find_char(line, ':');

	if (str_starts(line, STR("HTTP/"))) {
		x->answer_headers.n = 0; /* a redirect's or a proxy's went before */
		buf_reset(&x->body);
	} else if (colon != STR_NONE && x->answer_headers.n < 100) {
		struct http_header h = {
			arena_copy(&x->mem, str_slice(line, 0, colon)),
			arena_copy(&x->mem, str_trim(str_from(line, colon + 1)))};

		vec_push_in(&x->mem, &x->answer_headers, h);
	}
	return size * n;
}

/* -- starting ------------------------------------------------------------------------- */

static struct exchange *exchange_new(struct client *c, void *arg, size_t max_answer)
{
	struct exchange *x = mem_new(sizeof(*x));

	x->client = c;
	x->arg = arg;
	x->body = BUF(max_answer ? max_answer : CLIENT_DEFAULT_ANSWER);
	x->easy = curl_easy_init();
	ASSERT(x->easy);
	curl_easy_setopt(x->easy, CURLOPT_PRIVATE, x);
	curl_easy_setopt(x->easy, CURLOPT_ERRORBUFFER, x->error);
	curl_easy_setopt(x->easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(x->easy, CURLOPT_QUICK_EXIT, 1L);
	curl_easy_setopt(x->easy, CURLOPT_WRITEFUNCTION, take_body);
	curl_easy_setopt(x->easy, CURLOPT_WRITEDATA, x);
	curl_easy_setopt(x->easy, CURLOPT_CONNECTTIMEOUT_MS, (long)CURL_CONNECT_TIMEOUT);
	curl_easy_setopt(x->easy, CURLOPT_MAXAGE_CONN, 300L);
	LIST_INSERT_HEAD(&c->exchanges, x, list);
	c->n++;
	return x;
}

/* A line break in a header would let whoever controls the value add headers. */
static bool is_clean(const char *s)
{
	return !strpbrk(s, "\r\n");
}

static bool add_header(struct exchange *x, struct curl_slist **list, const char *name,
		       const char *value)
{
	if (!is_clean(name) || !is_clean(value))
		return false;
	/* curl sends a header without value only when it ends in a semicolon */
	curl_add_line(list,
		      arena_printf(&x->mem, value[0] ? "%s: %s" : "%s;%s", name, value));
	return true;
}

static bool set_headers(struct exchange *x, const struct http_request *r, struct err *err)
{
	bool has_agent = false;

	for (size_t i = 0; i < r->n_headers; i++) {
		const struct http_header *h = &r->headers[i];

		has_agent = has_agent || !strcasecmp(h->name, "User-Agent");
		if (!add_header(x, &x->headers, h->name, h->value))
			return err_set(err, NOWHERE, "header %s holds a line break",
				       h->name);
	}
	if (!has_agent)
		curl_easy_setopt(x->easy, CURLOPT_USERAGENT, x->client->user_agent);
	curl_add_line(&x->headers, "Expect:"); /* no waiting for 100 Continue */
	return true;
}

static void set_method(CURL *easy, const struct http_request *r)
{
	if (strcmp(r->method, "GET") == 0)
		return;
	if (strcmp(r->method, "POST") == 0)
		curl_easy_setopt(easy, CURLOPT_POST, 1L);
	else
		curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, r->method);
	if (r->body.n || strcmp(r->method, "POST") == 0) {
		curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->body.n);
		curl_easy_setopt(easy, CURLOPT_POSTFIELDS, r->body.p ? r->body.p : "");
	}
}

static bool add_configured_headers(struct exchange *x, const struct http_header *v,
				   size_t n, struct curl_slist **list, struct err *err)
{
	for (size_t i = 0; i < n; i++) {
		if (!add_header(x, list, v[i].name, v[i].value))
			return err_set(err, NOWHERE,
				       "configured header %s holds a line break",
				       v[i].name);
	}
	return true;
}

static bool prepare_http(struct exchange *x, const struct http_request *r, struct err *err)
{
	struct curl_extras extras = {0};

	if (!is_clean(r->url))
		return err_set(err, NOWHERE, "the URL holds a line break");
	curl_easy_setopt(x->easy, CURLOPT_URL, r->url);
	curl_easy_setopt(x->easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(x->easy, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(x->easy, CURLOPT_HEADERFUNCTION, take_header);
	curl_easy_setopt(x->easy, CURLOPT_HEADERDATA, x);
	curl_easy_setopt(x->easy, CURLOPT_TIMEOUT_MS, (long)r->timeout);
	set_method(x->easy, r);
	if (!set_headers(x, r, err) ||
	    !curl_set_http_config(x->easy, &x->mem, r->config, &extras, err) ||
	    !add_configured_headers(x, extras.headers.v, extras.headers.n, &x->headers,
				    err) ||
	    !add_configured_headers(x, extras.proxy_headers.v, extras.proxy_headers.n,
				    &x->proxy_headers, err))
		return false;
	if (x->proxy_headers)
		curl_easy_setopt(x->easy, CURLOPT_PROXYHEADER, x->proxy_headers);
	return true;
}

static struct exchange *begin(struct exchange *x, bool ok, const struct err *err)
{
	curl_easy_setopt(x->easy, CURLOPT_HTTPHEADER, x->headers);
	if (!ok)
		fail_early(x, err->text);
	else if (curl_multi_add_handle(x->client->multi, x->easy) != CURLM_OK)
		fail_early(x, "libcurl did not take the request");
	return x;
}

/* -- access tokens: one exchange before the other ------------------------------------- */

static void use_token(struct exchange *x, const char *token)
{
	struct err err;
	bool ok = add_header(x, &x->headers, "Authorization",
			     arena_printf(&x->mem, "Bearer %s", token)) ||
		  err_set(&err, NOWHERE, "the access token holds a line break");

	begin(x, ok, &err);
}

static void on_token(void *arg, const struct http_answer *a)
{
	struct exchange *x = arg;
	const char *token;
	struct err err;

	x->token = NULL;
	token = token_take(x->client->tokens, x->token_key, a, &err);
	if (token)
		use_token(x, token);
	else
		fail_early(x, err.text);
}

static struct exchange *begin_with_token(struct exchange *x, const struct oauth2_config *o)
{
	const char *key = token_key(&x->mem, o);
	const char *token = token_find(x->client->tokens, key);
	struct http_request r;
	struct err err;

	if (token) {
		use_token(x, token);
		return x;
	}
	x->token_key = key;
	if (token_compose(&x->mem, o, &r, &err))
		x->token = client_http(x->client, &r, on_token, x);
	else
		fail_early(x, err.text);
	return x;
}

struct exchange *client_http(struct client *c, const struct http_request *r,
			     void (*done)(void *, const struct http_answer *), void *arg)
{
	struct exchange *x = exchange_new(c, arg, r->max_answer);
	struct err err;
	bool ok;

	x->done = done;
	ok = prepare_http(x, r, &err);
	if (ok && r->config && r->config->oauth2)
		return begin_with_token(x, r->config->oauth2);
	return begin(x, ok, &err);
}
