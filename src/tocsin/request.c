#include "base/base.h"
#include "tocsin/tool.h"
#include "net/once.h"

#include <string.h>

/* http://user:password@host: the credentials go into an http_config, not the URL. */
static const char *split_user(struct tool *t, const char *url)
{
	struct str s = str_of(url), user;
	size_t host = str_find(s, STR("://")) + 3;
	struct str rest = str_from(s, host);
	size_t slash = str_find_char(rest, '/'), at = str_find_char(rest, '@'), colon;

	if (at == STR_NONE || at > slash)
		return url;
	user = str_slice(rest, 0, at);
	colon = str_find_char(user, ':');
	t->http_of_url = (struct http_config){
		.has_basic_auth = true,
		.username = arena_copy(&t->mem, str_slice(user, 0, colon)),
		.follow_redirects = true,
	};
	if (colon != STR_NONE)
		t->http_of_url.password.hidden = arena_copy(&t->mem,
							    str_from(user, colon + 1));
	t->http = &t->http_of_url;
	return arena_printf(&t->mem, "%.*s%.*s", (int)host, s.p,
			    FMT(str_from(rest, at + 1)));
}

struct reply request(struct tool *t, const char *method, const char *path, struct str body)
{
	static const struct http_header json = {"Content-Type", "application/json"};
	const char *url = split_user(t, t->url);
	struct http_request r = {
		.method = method,
		.url = arena_printf(&t->mem, "%s%s", url, path),
		.headers = &json,
		.n_headers = body.n ? 1 : 0,
		.body = body,
		.config = t->http,
		.timeout = t->timeout_ns / 1000000,
		.max_answer = (size_t)1024 * 1024 * 1024,
	};
	struct http_answer a = http_once(&t->mem, "tocsin/" VERSION, &r);

	return (struct reply){a.status, a.error, a.body};
}

/* [POST /silences][400] postSilencesBadRequest "text" (spec/cli.md 2.5) */
int check_reply(struct tool *t, const struct reply *r, const char *method,
		const char *pattern, const char *operation)
{
	static const struct {
		int status;
		const char *suffix;
	} known[] = {{400, "BadRequest"}, {404, "NotFound"}, {500, "InternalServerError"}};
	struct str body = str_trim(r->body);

	if (r->error)
		return fail(t, "%s \"%s%s\": %s", method, t->url, pattern, r->error);
	if (r->status >= 200 && r->status < 300)
		return 0;
	for (size_t i = 0; i < COUNT_OF(known); i++) {
		if (r->status == known[i].status)
			return fail(t, "[%s %s][%d] %s%s%s%.*s", method, pattern, r->status,
				    operation, known[i].suffix, body.n ? " " : "",
				    FMT(body));
	}
	return fail(t, "[%s %s] %s (status %d): %.*s", method, pattern, operation,
		    r->status, FMT(body));
}

json_t *request_json(struct tool *t, const char *method, const char *path,
		     const char *operation, struct str body)
{
	struct str pattern = str_of(path);
	struct reply r = request(t, method, path, body);
	struct err err;
	json_t *v;

	pattern = str_from(pattern, strlen("/api/v2"));
	pattern = str_slice(pattern, 0, str_find_char(pattern, '?'));
	if (check_reply(t, &r, method, arena_copy(&t->mem, pattern), operation))
		return NULL;
	v = json_read(r.body, &err);
	if (!v)
		fail(t, "the server's answer is no JSON: %s", err.text);
	return v;
}
