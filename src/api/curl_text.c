#include "base/base.h"
#include "api/curl_text.h"
#include "backend/backend.h"

#include <string.h>
#include <strings.h>

bool is_secret_header(const char *name)
{
	static const char *const words[] = {"auth", "pass", "key", "secret", "token"};

	for (size_t i = 0; i < COUNT_OF(words); i++) {
		for (const char *p = name; *p; p++) {
			if (!strncasecmp(p, words[i], strlen(words[i])))
				return true;
		}
	}
	return false;
}

static void add_quoted(struct buf *b, struct str s)
{
	buf_add_char(b, '\'');
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '\'')
			buf_add_text(b, "'\\''");
		else
			buf_add_char(b, s.p[i]);
	}
	buf_add_char(b, '\'');
}

static void add_header(struct buf *b, struct arena *mem, const char *name,
		       const char *value)
{
	buf_add_text(b, " -H ");
	add_quoted(b, str_of(arena_printf(mem, "%s: %s", name,
					  is_secret_header(name) ? "<secret>" : value)));
}

static void add_login(struct buf *b, struct arena *mem, const struct http_config *c)
{
	if (!c)
		return;
	if (c->has_basic_auth || c->has_authorization || c->oauth2 ||
	    c->bearer_token_file || secret_is_set(c->bearer_token))
		add_header(b, mem, "Authorization", "");
	for (size_t i = 0; i < c->headers.n; i++) {
		const struct header_config *h = &c->headers.v[i];

		for (size_t k = 0; k < h->n_values; k++)
			add_header(b, mem, h->name, h->values[k]);
		if (h->n_secrets || h->n_files)
			add_header(b, mem, h->name, "<secret>");
	}
}

/* The password in http://user:password@host is none of the reader's business. */
static const char *without_password(struct arena *mem, const char *url)
{
	const char *host = strstr(url, "://"), *end, *at = NULL, *colon;

	if (!host)
		return url;
	host += 3;
	end = host + strcspn(host, "/?#");
	for (const char *p = host; p < end; p++)
		at = *p == '@' ? p : at;
	colon = at ? memchr(host, ':', (size_t)(at - host)) : NULL;
	return colon ? arena_printf(mem, "%.*s:<secret>%s", (int)(colon - url), url, at)
		     : url;
}

const char *curl_text(struct request *r, const struct rulegroup_view *g, const char *expr,
		      wall_ms at)
{
	const struct api_host *host = &r->api->options.host;
	const struct config *c = host->config(host->ctx);
	struct query_wish wish = {
		.datasource = rule_group_datasource(g->config, c->datasources,
						    c->n_datasources),
		.group = g->config,
		.expr = expr,
		.at = at,
		.interval = g->interval,
	};
	struct buf b = BUF(BUF_NO_LIMIT);
	struct http_request q;
	const char *text;

	if (!wish.datasource)
		return "";
	wish.timeout = wish.datasource->timeout;
	backend_compose(r->mem, &wish, &q);
	buf_addf(&b, "curl -X %s", q.method);
	for (size_t i = 0; i < q.n_headers; i++)
		add_header(&b, r->mem, q.headers[i].name, q.headers[i].value);
	add_login(&b, r->mem, q.config);
	if (q.body.n) {
		buf_add_text(&b, " -d ");
		add_quoted(&b, q.body);
	}
	buf_add_char(&b, ' ');
	add_quoted(&b, str_of(without_password(r->mem, q.url)));
	text = buf_keep(&b, r->mem).p;
	buf_free(&b);
	return text;
}
