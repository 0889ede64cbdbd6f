#include "base/base.h"
#include "net/client.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/url.h"
#include "base/vec.h"
#include "net/clock.h"
#include "net/curl_options.h"
#include "net/libcurl.h"
#include "net/oauth2.h"

#include <curl/curl.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#define MAX_REDIRECTS 10
#define MOST_SPARE    32 /* handles kept for the next exchange */

struct exchange {
	LIST_ENTRY(exchange) list;
	struct client *client;
	CURL *easy;
	struct arena mem;
	struct curl_slist *headers, *proxy_headers;
	char error[CURL_ERROR_SIZE];
	struct buf body;
	VEC(struct http_header) answer_headers;
	struct http_request request;
	const char *url; /* of the request or where a redirect led */
	mono_ms until;	 /* NEVER: no limit */
	int n_redirects;
	bool is_get;		/* a redirect took method and body away */
	bool is_foreign;	/* and led to somebody who gets no credentials */
	const char *early;	/* failed before it began */
	struct exchange *token; /* the one that fetches an access token first */
	const char *token_key;
	bool token_in_body;
	void (*done)(void *, const struct http_answer *);
	void *arg;
};

struct client {
	struct event_base *base;
	CURLM *multi; /* NULL: nothing was asked yet */
	unsigned per_host;
	struct event *timer, *early;
	char *user_agent;
	CURL *spare[MOST_SPARE];
	size_t n_spare;
	LIST_HEAD(, exchange) exchanges;
	size_t n;
	struct token_cache *tokens;
};

/* -- handles --------------------------------------------------------------------------
 * A new one costs more than the request that it is for. */

static CURL *take_handle(struct client *c)
{
	CURL *easy = c->n_spare ? c->spare[--c->n_spare] : curl_easy_init();

	ASSERT(easy);
	return easy;
}

static void give_back(struct client *c, CURL *easy)
{
	curl_multi_remove_handle(c->multi, easy);
	if (c->n_spare == MOST_SPARE) {
		curl_easy_cleanup(easy);
		return;
	}
	curl_easy_reset(easy);
	c->spare[c->n_spare++] = easy;
}

/* -- the end of an exchange ----------------------------------------------------------- */

static void exchange_free(struct exchange *x)
{
	struct client *c = x->client;

	if (x->token)
		exchange_free(x->token);
	if (x->easy) { /* else libcurl is not there */
		give_back(c, x->easy);
		curl_slist_free_all(x->headers);
		curl_slist_free_all(x->proxy_headers);
	}
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
	long status = 0, sent = 0;

	if (!x->early) {
		curl_easy_getinfo(x->easy, CURLINFO_RESPONSE_CODE, &status);
		curl_easy_getinfo(x->easy, CURLINFO_REQUEST_SIZE, &sent);
	}
	x->done(x->arg, &(struct http_answer){
				.status = (int)status,
				.error = failure_of(x, code),
				.timed_out = code == CURLE_OPERATION_TIMEDOUT,
				.in_doubt = !status && sent,
				.body = buf_str(&x->body),
				.headers = x->answer_headers.v,
				.n_headers = x->answer_headers.n,
			});
	exchange_free(x);
}

static bool begin_following(struct exchange *);

static void take_finished(struct client *c)
{
	struct exchange *x;
	CURLcode code;
	CURLMsg *m;
	int left;

	while ((m = curl_multi_info_read(c->multi, &left))) {
		if (m->msg != CURLMSG_DONE)
			continue;
		code = m->data.result;
		curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &x);
		if (code != CURLE_OK || !begin_following(x))
			finish(x, code);
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

struct client *client_new(struct event_base *base, const char *user_agent,
			  unsigned per_host)
{
	struct client *c = mem_new(sizeof(*c));

	c->base = base;
	c->user_agent = mem_text(user_agent);
	c->per_host = per_host;
	c->timer = evtimer_new(base, on_timer, c);
	c->early = evtimer_new(base, on_early, c);
	ASSERT(c->timer && c->early);
	LIST_INIT(&c->exchanges);
	c->tokens = token_cache_new();
	return c;
}

/* Before the first exchange. */
static bool start_libcurl(struct client *c, struct err *err)
{
	if (c->multi)
		return true;
	if (!libcurl_load(err))
		return false;
	c->multi = curl_multi_init();
	ASSERT(c->multi);
	curl_multi_setopt(c->multi, CURLMOPT_SOCKETFUNCTION, watch_socket);
	curl_multi_setopt(c->multi, CURLMOPT_SOCKETDATA, c);
	curl_multi_setopt(c->multi, CURLMOPT_TIMERFUNCTION, set_timer);
	curl_multi_setopt(c->multi, CURLMOPT_TIMERDATA, c);
	curl_multi_setopt(c->multi, CURLMOPT_MAX_HOST_CONNECTIONS, (long)c->per_host);
	curl_multi_setopt(c->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS,
			  (long)CLIENT_MAX_CONNECTIONS);
	return true;
}

static void on_token(void *arg, const struct http_answer *);

void client_free(struct client *c)
{
	struct exchange *x;

	if (!c)
		return;
	while ((x = LIST_FIRST(&c->exchanges))) /* one for a token goes with its owner */
		exchange_free(x->done == on_token ? x->arg : x);
	while (c->n_spare)
		curl_easy_cleanup(c->spare[--c->n_spare]);
	if (c->multi)
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

static void set_basics(struct exchange *x)
{
	curl_easy_setopt(x->easy, CURLOPT_PRIVATE, x);
	curl_easy_setopt(x->easy, CURLOPT_ERRORBUFFER, x->error);
	curl_easy_setopt(x->easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(x->easy, CURLOPT_QUICK_EXIT, 1L);
	curl_easy_setopt(x->easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(x->easy, CURLOPT_WRITEFUNCTION, take_body);
	curl_easy_setopt(x->easy, CURLOPT_WRITEDATA, x);
	curl_easy_setopt(x->easy, CURLOPT_HEADERFUNCTION, take_header);
	curl_easy_setopt(x->easy, CURLOPT_HEADERDATA, x);
	curl_easy_setopt(x->easy, CURLOPT_CONNECTTIMEOUT_MS, (long)CURL_CONNECT_TIMEOUT);
	curl_easy_setopt(x->easy, CURLOPT_MAXAGE_CONN, 300L);
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

/* Headers of the request that go along to whoever a redirect names. */
static bool is_harmless(const char *name)
{
	static const char *const names[] = {"Accept", "Content-Encoding", "Content-Type",
					    "User-Agent"};

	for (size_t i = 0; i < COUNT_OF(names); i++) {
		if (!strcasecmp(name, names[i]))
			return true;
	}
	return false;
}

static bool set_headers(struct exchange *x, const struct http_request *r, struct err *err)
{
	bool has_agent = false;

	for (size_t i = 0; i < r->n_headers; i++) {
		const struct http_header *h = &r->headers[i];

		if ((x->is_foreign && !is_harmless(h->name)) ||
		    (x->is_get && !strncasecmp(h->name, "Content-", 8)))
			continue;
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

static bool prepare(struct exchange *x, struct err *err)
{
	const struct http_request *r = &x->request;
	struct curl_extras extras = {.url = x->url, .is_foreign = x->is_foreign};

	if (!is_clean(x->url))
		return err_set(err, NOWHERE, "the URL holds a line break");
	set_basics(x);
	curl_easy_setopt(x->easy, CURLOPT_URL, x->url);
	if (x->until != NEVER)
		curl_easy_setopt(x->easy, CURLOPT_TIMEOUT_MS,
				 (long)MAX(x->until - clock_mono(), 1));
	if (!x->is_get)
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

static void begin(struct exchange *x, bool ok, const struct err *err)
{
	curl_easy_setopt(x->easy, CURLOPT_HTTPHEADER, x->headers);
	if (!ok)
		fail_early(x, err->text);
	else if (curl_multi_add_handle(x->client->multi, x->easy) != CURLM_OK)
		fail_early(x, "libcurl did not take the request");
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

static void ask_token(struct exchange *x);

static void on_token(void *arg, const struct http_answer *a)
{
	struct exchange *x = arg;
	struct token_cache *tokens = x->client->tokens;
	bool may_be_in_body = token_place(tokens, x->token_key) == PLACE_UNKNOWN &&
			      !x->token_in_body &&
			      !oauth2_is_jwt(x->request.config->oauth2);
	const char *token;
	struct err err;

	x->token = NULL;
	token = token_take(tokens, x->token_key, x->token_in_body, a, &err);
	if (token) {
		use_token(x, token);
	} else if (a->status && may_be_in_body) {
		x->token_in_body = true;
		ask_token(x);
	} else {
		fail_early(x, err.text);
	}
}

static void ask_token(struct exchange *x)
{
	struct http_request r;
	struct err err;

	if (token_compose(&x->mem, x->request.config->oauth2, x->token_in_body, &r, &err))
		x->token = client_http(x->client, &r, on_token, x);
	else
		fail_early(x, err.text);
}

static void begin_with_token(struct exchange *x)
{
	struct token_cache *tokens = x->client->tokens;
	const char *token;

	x->token_key = token_key(&x->mem, x->request.config->oauth2);
	x->token_in_body = token_place(tokens, x->token_key) == PLACE_BODY;
	token = token_find(tokens, x->token_key);
	if (token)
		use_token(x, token);
	else
		ask_token(x);
}

/* -- redirects ------------------------------------------------------------------------ */

static void prepare_and_begin(struct exchange *x)
{
	const struct http_config *config = x->request.config;
	struct err err;
	bool ok = prepare(x, &err);

	if (ok && config && config->oauth2 && !x->is_foreign)
		begin_with_token(x);
	else
		begin(x, ok, &err);
}

static const char *url_part(struct exchange *x, const char *url, CURLUPart part)
{
	CURLU *u = curl_url();
	const char *text = "";
	char *found = NULL;

	if (u && !curl_url_set(u, CURLUPART_URL, url, 0) &&
	    !curl_url_get(u, part, &found, 0))
		text = arena_text(&x->mem, found);
	curl_free(found);
	curl_url_cleanup(u);
	return text;
}

/* The same host or one below it, and not from https to http: only they get credentials. */
static bool is_trusted(struct exchange *x, const char *next)
{
	const char *scheme = url_part(x, x->request.url, CURLUPART_SCHEME);
	const char *host = url_part(x, x->request.url, CURLUPART_HOST);
	const char *to = url_part(x, next, CURLUPART_HOST);
	size_t n = strlen(host), n_to = strlen(to);

	if (!n || n_to < n || strcasecmp(to + n_to - n, host))
		return false;
	if (n_to > n && to[n_to - n - 1] != '.')
		return false;
	return strcasecmp(scheme, "https") ||
	       !strcasecmp(url_part(x, next, CURLUPART_SCHEME), "https");
}

/* Redirects as the peers' HTTP client follows them. libcurl would take the headers that
 * carry credentials along to any host. */
static bool begin_following(struct exchange *x)
{
	const struct http_request *r = &x->request;
	const char *next = NULL;
	long status = 0;

	curl_easy_getinfo(x->easy, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(x->easy, CURLINFO_REDIRECT_URL, &next);
	if (!next || (r->config && !r->config->follow_redirects) ||
	    (status != 301 && status != 302 && status != 303 && status != 307 &&
	     status != 308))
		return false;
	x->url = arena_text(&x->mem, next);
	curl_multi_remove_handle(x->client->multi, x->easy);
	curl_easy_reset(x->easy);
	curl_slist_free_all(x->headers);
	curl_slist_free_all(x->proxy_headers);
	x->headers = x->proxy_headers = NULL;
	x->answer_headers.n = 0;
	buf_reset(&x->body);
	if (status < 307 && strcmp(r->method, "GET") && strcmp(r->method, "HEAD"))
		x->is_get = true;
	if (!is_trusted(x, x->url))
		x->is_foreign = true;
	if (++x->n_redirects > MAX_REDIRECTS)
		fail_early(x, "stopped after 10 redirects");
	else
		prepare_and_begin(x);
	return true;
}

struct exchange *client_http(struct client *c, const struct http_request *r,
			     void (*done)(void *, const struct http_answer *), void *arg)
{
	struct exchange *x = mem_new(sizeof(*x));
	struct err err;

	x->client = c;
	x->done = done;
	x->arg = arg;
	x->request = *r;
	x->url = r->url;
	x->until = r->timeout ? clock_mono() + r->timeout : NEVER;
	x->body = BUF(r->max_answer ? r->max_answer : CLIENT_DEFAULT_ANSWER);
	LIST_INSERT_HEAD(&c->exchanges, x, list);
	c->n++;
	if (start_libcurl(c, &err)) {
		x->easy = take_handle(c);
		prepare_and_begin(x);
	} else {
		fail_early(x, err.text);
	}
	return x;
}
