#include "base/base.h"
#include "net/oauth2.h"
#include "base/buf.h"
#include "base/map.h"
#include "base/url.h"
#include "config/field.h"
#include "net/clock.h"
#include "net/curl_options.h"
#include "text/json.h"

#include <stdlib.h>
#include <string.h>

#define EARLY	    (10 * SECOND) /* a token that ends soon is as good as ended */
#define MOST_TOKENS 1000

struct token {
	char *key, *text;
	mono_ms until; /* NEVER: the server did not say */
};
struct token_cache {
	struct map tokens;
};

struct token_cache *token_cache_new(void)
{
	return mem_new(sizeof(struct token_cache));
}

static void token_free(struct token *t)
{
	free(t->key);
	free(t->text);
	free(t);
}

static void forget_all(struct token_cache *c)
{
	struct token *t;

	for (size_t at = 0; (t = map_next(&c->tokens, &at));)
		token_free(t);
	map_free(&c->tokens);
}

void token_cache_free(struct token_cache *c)
{
	forget_all(c);
	free(c);
}

const char *token_key(struct arena *mem, const struct oauth2_config *o)
{
	const char *key = arena_printf(mem, "%s %s", o->token_url, o->client_id);

	for (size_t i = 0; i < o->scopes.n; i++)
		key = arena_printf(mem, "%s %s", key, o->scopes.v[i]);
	return key;
}

const char *token_find(struct token_cache *c, const char *key)
{
	struct token *t = map_find(&c->tokens, str_of(key));

	return t && t->until - EARLY > clock_mono() ? t->text : NULL;
}

static void add(struct buf *b, const char *name, const char *value)
{
	if (b->n)
		buf_add_char(b, '&');
	buf_add_query_escaped(b, str_of(name));
	buf_add_char(b, '=');
	buf_add_query_escaped(b, str_of(value));
}

static struct str scopes_text(struct arena *mem, const struct oauth2_config *o)
{
	struct buf b = BUF(BUF_NO_LIMIT);
	struct str text;

	for (size_t i = 0; i < o->scopes.n; i++)
		buf_addf(&b, "%s%s", i ? " " : "", o->scopes.v[i]);
	text = buf_keep(&b, mem);
	buf_free(&b);
	return text;
}

bool token_compose(struct arena *mem, const struct oauth2_config *o, struct http_request *r,
		   struct err *err)
{
	static const struct http_header type = {"Content-Type",
						"application/x-www-form-urlencoded"};
	struct http_config *config = ARENA_NEW(mem, struct http_config);
	const char *secret = secret_reveal(o->client_secret);
	struct buf body = BUF(BUF_NO_LIMIT);

	if (o->grant_type && strcmp(o->grant_type, "client_credentials"))
		return err_set(err, o->at,
			       "grant_type %s: only client credentials can be used",
			       o->grant_type);
	if (o->client_secret_file && o->client_secret_file[0] &&
	    !read_secret_file(mem, o->client_secret_file, &secret, err))
		return false;
	add(&body, "grant_type", "client_credentials");
	if (o->scopes.n)
		add(&body, "scope", scopes_text(mem, o).p);
	for (size_t i = 0; i < o->endpoint_params.n; i++)
		add(&body, o->endpoint_params.v[i].name, o->endpoint_params.v[i].text);
	*config = (struct http_config){
		.has_basic_auth = true,
		.username = o->client_id,
		.password = {secret},
		.follow_redirects = true,
		.tls = o->tls,
		.proxy_url = o->proxy_url,
		.no_proxy = o->no_proxy,
		.proxy_from_environment = o->proxy_from_environment,
	};
	*r = (struct http_request){
		.method = "POST",
		.url = o->token_url,
		.headers = &type,
		.n_headers = 1,
		.body = buf_keep(&body, mem),
		.config = config,
		.timeout = 30 * SECOND,
	};
	buf_free(&body);
	return true;
}

static struct token *keep(struct token_cache *c, const char *key, const char *text,
			  const json_t *expires_in)
{
	struct token *t = mem_new(sizeof(*t)), *old;

	if (c->tokens.n >= MOST_TOKENS)
		forget_all(c);
	t->key = mem_text(key);
	t->text = mem_text(text);
	t->until = json_is_number(expires_in)
			   ? clock_mono() + (span_ms)(json_number_value(expires_in) * 1000)
			   : NEVER;
	old = map_del(&c->tokens, str_of(t->key));
	map_put(&c->tokens, str_of(t->key), t);
	if (old)
		token_free(old);
	return t;
}

const char *token_take(struct token_cache *c, const char *key, const struct http_answer *a,
		       struct err *err)
{
	const char *token, *text = NULL;
	json_t *top;

	if (a->error) {
		err_set(err, NOWHERE, "access token: %s", a->error);
		return NULL;
	}
	top = a->status / 100 == 2 ? json_read(a->body, NULL) : NULL;
	token = json_string_value(json_object_get(top, "access_token"));
	if (token)
		text = keep(c, key, token, json_object_get(top, "expires_in"))->text;
	else
		err_set(err, NOWHERE, "access token: status %d without a token", a->status);
	json_decref(top);
	return text;
}
