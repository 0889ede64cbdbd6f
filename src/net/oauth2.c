#include "base/base.h"
#include "net/oauth2.h"
#include "base/buf.h"
#include "base/map.h"
#include "base/url.h"
#include "config/field.h"
#include "net/clock.h"
#include "net/curl_options.h"
#include "net/jwt.h"
#include "text/json.h"

#include <stdlib.h>
#include <string.h>

#define EARLY		  (10 * SECOND) /* a token that ends soon is as good as ended */
#define MOST_TOKENS	  1000
#define ASSERTION_SECONDS 600 /* how long a signed text holds */

struct token {
	char *key, *text;
	mono_ms until; /* NEVER: the server did not say */
	bool in_body;  /* where the server wanted the secret */
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
	for (size_t i = 0; i < o->endpoint_params.n; i++)
		key = arena_printf(mem, "%s %s=%s", key, o->endpoint_params.v[i].name,
				   o->endpoint_params.v[i].text);
	return key;
}

const char *token_find(struct token_cache *c, const char *key)
{
	struct token *t = map_find(&c->tokens, str_of(key));

	return t && t->until - EARLY > clock_mono() ? t->text : NULL;
}

enum token_place token_place(struct token_cache *c, const char *key)
{
	const struct token *t = map_find(&c->tokens, str_of(key));

	return !t ? PLACE_UNKNOWN : t->in_body ? PLACE_BODY : PLACE_HEADER;
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

/* -- what proves who asks ------------------------------------------------------------- */

static json_t *json_of(const struct yaml *y)
{
	json_t *out;

	switch (y->kind) {
	case YAML_NULL:
		return json_null();
	case YAML_BOOL:
		return json_boolean(y->yes);
	case YAML_INT:
		return y->huge ? json_real(y->real) : json_integer(y->num);
	case YAML_FLOAT:
		return json_real(y->real);
	case YAML_TEXT:
		return json_stringn(y->text.p, y->text.n);
	case YAML_LIST:
		out = json_array();
		for (size_t i = 0; i < y->n; i++)
			json_array_append_new(out, json_of(y->items[i]));
		return out;
	case YAML_MAP:
		out = json_object();
		for (size_t i = 0; i < y->n; i++)
			json_object_setn_new(out, y->keys[i]->text.p, y->keys[i]->text.n,
					     json_of(y->items[i]));
		return out;
	}
	BUG("no such kind");
}

static void add_claim(json_t *claims, const char *name, const char *text)
{
	json_object_set_new(claims, name, json_string(text));
}

static json_t *claims_of(struct arena *mem, const struct oauth2_config *o)
{
	json_t *claims = json_object(), *more = o->claims ? json_of(o->claims) : NULL;
	json_int_t now = clock_wall() / 1000;

	add_claim(claims, "iss", o->iss ? o->iss : o->client_id);
	add_claim(claims, "sub", o->client_id);
	add_claim(claims, "aud", o->audience ? o->audience : o->token_url);
	add_claim(claims, "jti",
		  arena_printf(mem, "%016llx%016llx", (unsigned long long)clock_seed(),
			       (unsigned long long)clock_seed()));
	json_object_set_new(claims, "iat", json_integer(now));
	json_object_set_new(claims, "exp", json_integer(now + ASSERTION_SECONDS));
	if (o->scopes.n)
		add_claim(claims, "scope", scopes_text(mem, o).p);
	json_object_update(claims, more);
	json_decref(more);
	return claims;
}

/* A text signed with the client's key (RFC 7523). */
static bool add_assertion(struct arena *mem, const struct oauth2_config *o,
			  struct buf *body, struct err *err)
{
	const char *key = secret_reveal(o->key), *text;
	json_t *claims;

	if (o->key_file && o->key_file[0] && !read_secret_file(mem, o->key_file, &key, err))
		return false;
	claims = claims_of(mem, o);
	text = jwt_sign(mem, o->signature_algorithm ? o->signature_algorithm : "RS256",
			o->key_id, key ? key : "", claims, err);
	json_decref(claims);
	if (text)
		add(body, "assertion", text);
	return text != NULL;
}

static const char *escaped(struct arena *mem, const char *text)
{
	struct buf b = BUF(BUF_NO_LIMIT);
	const char *out;

	buf_add_query_escaped(&b, str_of(text));
	out = arena_text(mem, buf_text(&b));
	buf_free(&b);
	return out;
}

/* By name and password, which servers take in one of two places. */
static bool add_secret(struct arena *mem, const struct oauth2_config *o, bool in_body,
		       struct http_config *config, struct buf *body, struct err *err)
{
	const char *secret = secret_reveal(o->client_secret);

	if (o->client_secret_file && o->client_secret_file[0] &&
	    !read_secret_file(mem, o->client_secret_file, &secret, err))
		return false;
	if (!secret)
		secret = "";
	if (in_body) {
		add(body, "client_id", o->client_id);
		if (secret[0])
			add(body, "client_secret", secret);
		return true;
	}
	config->has_basic_auth = true;
	config->username = escaped(mem, o->client_id);
	config->password = (struct secret){escaped(mem, secret)};
	return true;
}

bool token_compose(struct arena *mem, const struct oauth2_config *o, bool in_body,
		   struct http_request *r, struct err *err)
{
	static const struct http_header type = {"Content-Type",
						"application/x-www-form-urlencoded"};
	struct http_config *config = ARENA_NEW(mem, struct http_config);
	const char *grant = oauth2_is_jwt(o) ? o->grant_type : "client_credentials";
	struct buf body = BUF(BUF_NO_LIMIT);
	bool ok;

	*config = (struct http_config){
		.follow_redirects = true,
		.tls = o->tls,
		.proxy_url = o->proxy_url,
		.no_proxy = o->no_proxy,
		.proxy_from_environment = o->proxy_from_environment,
		.proxy_connect_headers = o->proxy_connect_headers,
	};
	add(&body, "grant_type", grant);
	if (o->scopes.n)
		add(&body, "scope", scopes_text(mem, o).p);
	for (size_t i = 0; i < o->endpoint_params.n; i++)
		add(&body, o->endpoint_params.v[i].name, o->endpoint_params.v[i].text);
	ok = oauth2_is_jwt(o) ? add_assertion(mem, o, &body, err)
			      : add_secret(mem, o, in_body, config, &body, err);
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
	return ok;
}

/* -- tokens --------------------------------------------------------------------------- */

static struct token *keep(struct token_cache *c, const char *key, bool in_body,
			  const char *text, const json_t *expires_in)
{
	struct token *t = mem_new(sizeof(*t)), *old;

	if (c->tokens.n >= MOST_TOKENS)
		forget_all(c);
	t->key = mem_text(key);
	t->text = mem_text(text);
	t->in_body = in_body;
	t->until = json_is_number(expires_in)
			   ? clock_mono() + (span_ms)(json_number_value(expires_in) * 1000)
			   : NEVER;
	old = map_del(&c->tokens, str_of(t->key));
	map_put(&c->tokens, str_of(t->key), t);
	if (old)
		token_free(old);
	return t;
}

const char *token_take(struct token_cache *c, const char *key, bool in_body,
		       const struct http_answer *a, struct err *err)
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
		text = keep(c, key, in_body, token, json_object_get(top, "expires_in"))
			       ->text;
	else
		err_set(err, NOWHERE, "access token: status %d without a token", a->status);
	json_decref(top);
	return text;
}
