#include "base/base.h"
#include "config/http.h"
#include "text/header.h"

#include <string.h>

/* -- TLS ------------------------------------------------------------------------------ */
static void version_decode(struct decode *d, const struct yaml *y, void *member)
{
	static const char *const names[] = {"TLS10", "TLS11", "TLS12", "TLS13"};
	const char *text = decode_text(d, y);

	for (size_t i = 0; i < COUNT_OF(names); i++) {
		if (!strcmp(text, names[i])) {
			*(int *)member = (int)(10 + i);
			return;
		}
	}
	if (*text)
		mistake(d, y->at, "unknown TLS version: %s", text);
}

static const struct yaml *version_print(struct arena *mem, const void *member)
{
	int version = *(const int *)member;

	return version ? yaml_new_text(mem, arena_printf(mem, "TLS%d", version)) : NULL;
}

static const struct field_codec version_codec = {version_decode, version_print};

#define AT(m) offsetof(struct tls_config, m)
static const struct field tls_fields[] = {
	{"ca", FIELD_OPTIONAL, AT(ca),
	 .help = "PEM bundle that replaces the system's roots."},
	{"ca_file", FIELD_PATH, AT(ca_file), .help = "File with such a bundle."},
	{"cert", FIELD_OPTIONAL, AT(cert), .help = "Client certificate, PEM."},
	{"cert_file", FIELD_PATH, AT(cert_file), .help = "File with the certificate."},
	{"key", FIELD_SECRET, AT(key), .help = "Key of the client certificate, PEM."},
	{"key_file", FIELD_PATH, AT(key_file), .help = "File with the key."},
	{"server_name", FIELD_OPTIONAL, AT(server_name),
	 .help = "Name to ask for and verify."},
	{"insecure_skip_verify", FIELD_BOOL, AT(insecure_skip_verify), .always = true,
	 .help = "Do not verify the server's certificate."},
	{"min_version", FIELD_CUSTOM, AT(min_version), .codec = &version_codec,
	 .help = "TLS10 to TLS13; TLS12 when absent."},
	{"max_version", FIELD_CUSTOM, AT(max_version), .codec = &version_codec,
	 .help = "TLS10 to TLS13."},
	{0},
};
#undef AT

static void tls_check(struct decode *d, const struct yaml *y, void *object)
{
	struct tls_config *t = object;
	bool cert = t->cert || t->cert_file, key = secret_is_set(t->key) || t->key_file;

	if (t->ca && t->ca_file)
		mistake(d, pos_of_key(y, "ca_file"),
			"at most one of ca & ca_file must be configured");
	if (t->cert && t->cert_file)
		mistake(d, pos_of_key(y, "cert_file"),
			"at most one of cert & cert_file must be configured");
	if (secret_is_set(t->key) && t->key_file)
		mistake(d, pos_of_key(y, "key_file"),
			"at most one of key & key_file must be configured");
	if (cert && !key)
		mistake(d, y->at,
			"exactly one of key or key_file must be configured when a client "
			"certificate is configured");
	if (key && !cert)
		mistake(d, y->at,
			"exactly one of cert or cert_file must be configured when a "
			"client key is configured");
	if (t->max_version && t->max_version < (t->min_version ? t->min_version : 12))
		mistake(d, pos_of_key(y, "max_version"),
			"max_version must be greater than or equal to min_version");
	t->ca_at = pos_of_value(y, t->ca ? "ca" : "ca_file");
	t->cert_at = pos_of_value(y, t->cert ? "cert" : "cert_file");
	t->key_at = pos_of_value(y, secret_is_set(t->key) ? "key" : "key_file");
}

const struct shape tls_shape = {"tls_config", tls_fields, sizeof(struct tls_config), true,
				tls_check};

static void tls_decode(struct decode *d, const struct yaml *y, void *member)
{
	decode_object(d, y, &tls_shape, member);
}

static const struct yaml *tls_print(struct arena *mem, const void *member)
{
	const struct tls_config *t = member;

	if (!t->ca && !t->ca_file && !t->cert && !t->cert_file && !secret_is_set(t->key) &&
	    !t->key_file && !t->server_name && !t->insecure_skip_verify &&
	    !t->min_version && !t->max_version)
		return NULL;
	return print_object(mem, tls_fields, t);
}

const struct field_codec tls_codec = {tls_decode, tls_print};

/* -- headers -------------------------------------------------------------------------- */
struct header_text {
	struct text_list values, secrets, files;
};
#define AT(m) offsetof(struct header_text, m)
static const struct field header_fields[] = {
	{"values", FIELD_TEXTS, AT(values), .help = "Plain values, one header line each."},
	{"secrets", FIELD_TEXTS, AT(secrets), .help = "Values that are hidden when shown."},
	{"files", FIELD_PATHS, AT(files),
	 .help = "Files with values, read at each request."},
	{0},
};
#undef AT

static void secrets_of(struct arena *mem, const struct text_list *list,
		       struct header_config *out)
{
	out->secrets = ARENA_ARRAY(mem, struct secret, list->n);
	for (size_t i = 0; i < list->n; i++)
		out->secrets[out->n_secrets++] = (struct secret){list->v[i]};
}

static bool is_reserved_header(const char *name)
{
	static const char *const reserved[] = {
		"Authorization",
		"Host",
		"Content-Encoding",
		"Content-Length",
		"Content-Type",
		"User-Agent",
		"Connection",
		"Keep-Alive",
		"Proxy-Authenticate",
		"Proxy-Authorization",
		"Www-Authenticate",
		"Accept-Encoding",
		"X-Prometheus-Remote-Write-Version",
		"X-Prometheus-Remote-Read-Version",
		"X-Prometheus-Scrape-Timeout-Seconds",
		"X-Amz-Date",
		"X-Amz-Security-Token",
		"X-Amz-Content-Sha256",
	};

	for (size_t i = 0; i < COUNT_OF(reserved); i++) {
		if (!strcmp(name, reserved[i]))
			return true;
	}
	return false;
}

static void header_check(struct decode *d, const struct yaml *key)
{
	const char *canonical = header_canonical(d->mem, key->text);

	if (!is_header_name(key->text))
		mistake(d, key->at, "'%s' is not the name of a header", canonical);
	else if (is_reserved_header(canonical))
		mistake(d, key->at, "setting header \"%s\" is not allowed", canonical);
}

/* http_headers: name -> {values, secrets, files} */
static void headers_decode(struct decode *d, const struct yaml *y, void *member)
{
	struct header_list *out = member;

	if (y->kind == YAML_NULL || !is_map(d, y, "a mapping of headers"))
		return;
	out->v = ARENA_ARRAY(d->mem, struct header_config, y->n);
	for (size_t i = 0; i < y->n; i++) {
		struct header_config *h = &out->v[out->n++];
		struct header_text text = {0};

		header_check(d, y->keys[i]);
		h->name = decode_text(d, y->keys[i]);
		if (y->items[i]->kind != YAML_NULL && !is_map(d, y->items[i], "a mapping"))
			continue;
		decode_fields(d, y->items[i], "header", header_fields, &text);
		h->values = text.values.v;
		h->n_values = text.values.n;
		h->files = text.files.v;
		h->n_files = text.files.n;
		secrets_of(d->mem, &text.secrets, h);
	}
}

static const struct yaml *hidden_list(struct arena *mem, size_t n)
{
	struct yaml *list = yaml_new_list(mem);

	while (n--)
		yaml_push(mem, list, yaml_new_text(mem, "<secret>"));
	return list;
}

static const struct yaml *headers_print(struct arena *mem, const void *member)
{
	const struct header_list *all = member;
	struct yaml *map = yaml_new_map(mem);

	for (size_t i = 0; i < all->n; i++) {
		const struct header_config *h = &all->v[i];
		struct header_text text = {
			.values = {h->values, h->n_values, h->n_values > 0},
			.files = {h->files, h->n_files, h->n_files > 0}};
		struct yaml *one = print_object(mem, header_fields, &text);

		if (h->n_secrets)
			yaml_put(mem, one, "secrets", hidden_list(mem, h->n_secrets));
		yaml_put(mem, map, h->name, one);
	}
	return all->n ? map : NULL;
}

const struct field_codec headers_codec = {headers_decode, headers_print};

/* proxy_connect_header: name -> list of secrets */
static void connect_headers_decode(struct decode *d, const struct yaml *y, void *member)
{
	struct header_list *out = member;

	if (y->kind == YAML_NULL || !is_map(d, y, "a mapping of headers"))
		return;
	out->v = ARENA_ARRAY(d->mem, struct header_config, y->n);
	for (size_t i = 0; i < y->n; i++) {
		static const struct field row[] = {
			{"list", FIELD_TEXTS, 0, .help = "Values."}, {0}};
		struct header_config *h = &out->v[out->n++];
		struct yaml *wrapped = yaml_new_map(d->mem);
		struct text_list list = {0};

		yaml_put(d->mem, wrapped, "list", y->items[i]);
		decode_fields(d, wrapped, "proxy_connect_header", row, &list);
		h->name = decode_text(d, y->keys[i]);
		secrets_of(d->mem, &list, h);
	}
}

static const struct yaml *connect_headers_print(struct arena *mem, const void *member)
{
	const struct header_list *all = member;
	struct yaml *map = yaml_new_map(mem);

	for (size_t i = 0; i < all->n; i++)
		yaml_put(mem, map, all->v[i].name, hidden_list(mem, all->v[i].n_secrets));
	return all->n ? map : NULL;
}

static const struct field_codec connect_headers_codec = {connect_headers_decode,
							 connect_headers_print};

/* -- proxies -------------------------------------------------------------------------- */
static void proxy_decode(struct decode *d, const struct yaml *y, void *member)
{
	const char *text = decode_text(d, y);
	struct url url;
	struct err err;

	if (!*text)
		return;
	if (url_parse(d->mem, str_of(text), y->at, &url, &err))
		*(const char **)member = url_print(d->mem, &url);
	else
		errs_add(d->errs, &err);
}

static const struct yaml *proxy_print(struct arena *mem, const void *member)
{
	const char *text = *(const char *const *)member;
	struct url url;

	if (!text || !url_parse(mem, str_of(text), NOWHERE, &url, NULL))
		return NULL;
	return yaml_new_text(mem, url_print_redacted(mem, &url));
}

static const struct field_codec proxy_codec = {proxy_decode, proxy_print};

static void proxy_check(struct decode *d, const struct yaml *y, const char *proxy_url,
			const char *no_proxy, bool from_environment,
			const struct header_list *connect)
{
	if (connect->n && !proxy_url && !from_environment)
		mistake(d, pos_of_key(y, "proxy_connect_header"),
			"if proxy_connect_header is configured, proxy_url or "
			"proxy_from_environment must also be configured");
	if (from_environment && proxy_url)
		mistake(d, pos_of_key(y, "proxy_url"),
			"if proxy_from_environment is configured, proxy_url must not be "
			"configured");
	if (from_environment && no_proxy)
		mistake(d, pos_of_key(y, "no_proxy"),
			"if proxy_from_environment is configured, no_proxy must not be "
			"configured");
	if (no_proxy && !proxy_url && !from_environment)
		mistake(d, pos_of_key(y, "no_proxy"),
			"if no_proxy is configured, proxy_url must also be configured");
}

#define PROXY_FIELDS                                                                       \
	{"proxy_url", FIELD_CUSTOM, AT(proxy_url), .codec = &proxy_codec,                  \
	 .help = "Proxy to go through: http, https or socks5."},                           \
		{"no_proxy", FIELD_OPTIONAL, AT(no_proxy),                                 \
		 .help = "Hosts, domains and networks to reach without it, with commas."}, \
		{"proxy_from_environment", FIELD_BOOL, AT(proxy_from_environment),         \
		 .help = "Take the proxy from HTTP_PROXY and the like."},                  \
	{                                                                                  \
		"proxy_connect_header", FIELD_CUSTOM, AT(proxy_connect_headers),           \
			.codec = &connect_headers_codec,                                   \
			.help = "Headers to send the proxy."                               \
	}

/* -- OAuth 2 -------------------------------------------------------------------------- */
#define AT(m) offsetof(struct oauth2_config, m)
static const struct field oauth2_fields[] = {
	{"client_id", FIELD_OPTIONAL, AT(client_id), .help = "Who asks for the token."},
	{"client_secret", FIELD_SECRET, AT(client_secret), .help = "Its secret."},
	{"client_secret_file", FIELD_PATH, AT(client_secret_file), .help = "File with it."},
	{"token_url", FIELD_OPTIONAL, AT(token_url), .help = "Where tokens are given out."},
	{"scopes", FIELD_TEXTS, AT(scopes), .help = "Scopes to ask for."},
	{"endpoint_params", FIELD_PAIRS, AT(endpoint_params),
	 .help = "Further parameters."},
	{"grant_type", FIELD_OPTIONAL, AT(grant_type),
	 .help = "Client credentials when absent."},
	{"client_certificate_key_id", FIELD_OPTIONAL, AT(key_id),
	 .help = "Key id in the JWT."},
	{"client_certificate_key", FIELD_SECRET, AT(key),
	 .help = "Key that signs the JWT."},
	{"client_certificate_key_file", FIELD_OPTIONAL, AT(key_file),
	 .help = "File with it."},
	{"signature_algorithm", FIELD_OPTIONAL, AT(signature_algorithm),
	 .help = "RS256, RS384 or RS512."},
	{"iss", FIELD_OPTIONAL, AT(iss), .help = "Issuer; the client_id when absent."},
	{"audience", FIELD_OPTIONAL, AT(audience), .help = "The token_url when absent."},
	{"claims", FIELD_ANY, AT(claims), .help = "Further claims of the JWT."},
	{"tls_config", FIELD_CUSTOM, AT(tls), .codec = &tls_codec,
	 .help = "TLS towards the token_url."},
	PROXY_FIELDS,
	{0},
};
#undef AT

bool oauth2_is_jwt(const struct oauth2_config *o)
{
	return o->grant_type &&
	       !strcmp(o->grant_type, "urn:ietf:params:oauth:grant-type:jwt-bearer");
}

static void oauth2_check(struct decode *d, const struct yaml *y, void *object)
{
	const struct oauth2_config *o = object;
	const char *alg = o->signature_algorithm;

	if (!o->client_id)
		mistake(d, y->at, "oauth2 client_id must be configured");
	if (!o->token_url)
		mistake(d, y->at, "oauth2 token_url must be configured");
	if (secret_is_set(o->client_secret) && o->client_secret_file)
		mistake(d, pos_of_key(y, "client_secret_file"),
			"at most one of oauth2 client_secret & client_secret_file must be "
			"configured");
	if (secret_is_set(o->key) && o->key_file)
		mistake(d, pos_of_key(y, "client_certificate_key_file"),
			"at most one of oauth2 client_certificate_key & "
			"client_certificate_key_file must be configured");
	if (oauth2_is_jwt(o) && !secret_is_set(o->key) && !o->key_file)
		mistake(d, pos_of_value(y, "grant_type"),
			"one of oauth2 client_certificate_key or "
			"client_certificate_key_file must be configured for a signed "
			"token");
	if (oauth2_is_jwt(o) && alg && strcmp(alg, "RS256") && strcmp(alg, "RS384") &&
	    strcmp(alg, "RS512"))
		mistake(d, pos_of_key(y, "signature_algorithm"),
			"valid signature algorithms are RS256, RS384 and RS512");
	proxy_check(d, y, o->proxy_url, o->no_proxy, o->proxy_from_environment,
		    &o->proxy_connect_headers);
}

static const struct shape oauth2_shape = {"oauth2", oauth2_fields,
					  sizeof(struct oauth2_config), true, oauth2_check};

/* -- http_config ---------------------------------------------------------------------- */
#define AT(m) offsetof(struct http_config, m)
static const struct field basic_fields[] = {
	{"username", FIELD_OPTIONAL, AT(username),
	 .help = "Name for HTTP basic authentication."},
	{"username_file", FIELD_PATH, AT(username_file), .help = "File with the name."},
	{"password", FIELD_SECRET, AT(password), .help = "Password."},
	{"password_file", FIELD_PATH, AT(password_file), .help = "File with the password."},
	{0},
};
static const struct field authorization_fields[] = {
	{"type", FIELD_TEXT, AT(auth_type), .if_absent = "Bearer",
	 .help = "First word of the Authorization header."},
	{"credentials", FIELD_SECRET, AT(credentials), .help = "What follows it."},
	{"credentials_file", FIELD_PATH, AT(credentials_file), .help = "File with that."},
	{0},
};

static void basic_decode(struct decode *d, const struct yaml *y, void *object)
{
	struct http_config *h = object;

	if (y->kind == YAML_NULL || !is_map(d, y, "basic_auth"))
		return;
	h->has_basic_auth = true;
	decode_fields(d, y, "basic_auth", basic_fields, h);
	if (h->username && h->username_file)
		mistake(d, pos_of_key(y, "username_file"),
			"at most one of basic_auth username & username_file must be "
			"configured");
	if (secret_is_set(h->password) && h->password_file)
		mistake(d, pos_of_key(y, "password_file"),
			"at most one of basic_auth password & password_file must be "
			"configured");
}

static const struct yaml *basic_print(struct arena *mem, const void *object)
{
	const struct http_config *h = object;

	return h->has_basic_auth ? print_object(mem, basic_fields, h) : NULL;
}

static void authorization_decode(struct decode *d, const struct yaml *y, void *object)
{
	struct http_config *h = object;
	struct str type;

	if (y->kind == YAML_NULL || !is_map(d, y, "authorization"))
		return;
	h->has_authorization = true;
	decode_fields(d, y, "authorization", authorization_fields, h);
	type = str_trim(str_of(h->auth_type));
	h->auth_type = type.n ? arena_copy(d->mem, type) : "Bearer";
	if (!strcasecmp(h->auth_type, "basic"))
		mistake(d, pos_of_key(y, "type"),
			"authorization type cannot be set to \"basic\", "
			"use \"basic_auth\" instead");
	if (secret_is_set(h->credentials) && h->credentials_file)
		mistake(d, pos_of_key(y, "credentials_file"),
			"at most one of authorization credentials & credentials_file must "
			"be "
			"configured");
}

static const struct yaml *authorization_print(struct arena *mem, const void *object)
{
	const struct http_config *h = object;

	return h->has_authorization ? print_object(mem, authorization_fields, h) : NULL;
}

static const struct field_codec basic_codec = {basic_decode, basic_print};
static const struct field_codec authorization_codec = {authorization_decode,
						       authorization_print};

static const struct field http_fields[] = {
	{"basic_auth", FIELD_CUSTOM, 0, .codec = &basic_codec,
	 .help = "Name and password."},
	{"authorization", FIELD_CUSTOM, 0, .codec = &authorization_codec,
	 .help = "The Authorization header."},
	{"oauth2", FIELD_OBJECT, AT(oauth2), .of = &oauth2_shape,
	 .help = "Tokens by OAuth 2."},
	{"bearer_token", FIELD_SECRET, AT(bearer_token),
	 .help = "Use authorization instead."},
	{"bearer_token_file", FIELD_PATH, AT(bearer_token_file),
	 .help = "Use authorization instead."},
	{"tls_config", FIELD_CUSTOM, AT(tls), .codec = &tls_codec, .help = "TLS."},
	{"follow_redirects", FIELD_BOOL, AT(follow_redirects), .if_absent = "true",
	 .always = true, .help = "Follow redirects, at most ten."},
	{"enable_http2", FIELD_BOOL, AT(http2), .if_absent = "true", .always = true,
	 .help = "Speak HTTP/2 where the server does."},
	PROXY_FIELDS,
	{"http_headers", FIELD_CUSTOM, AT(headers), .codec = &headers_codec,
	 .help = "Headers added to every request."},
	{0},
};
#undef AT

static void credentials_check(struct decode *d, const struct yaml *y,
			      const struct http_config *h)
{
	bool bearer = secret_is_set(h->bearer_token) || h->bearer_token_file;

	if (secret_is_set(h->bearer_token) && h->bearer_token_file)
		mistake(d, pos_of_key(y, "bearer_token_file"),
			"at most one of bearer_token & bearer_token_file must be "
			"configured");
	if ((h->has_basic_auth || h->oauth2) && bearer)
		mistake(d, y->at,
			"at most one of basic_auth, oauth2, bearer_token & "
			"bearer_token_file must be configured");
	if (h->has_authorization && bearer)
		mistake(d, pos_of_key(y, "authorization"),
			"authorization is not compatible with bearer_token & "
			"bearer_token_file");
	if (h->has_authorization && (h->has_basic_auth || h->oauth2))
		mistake(d, pos_of_key(y, "authorization"),
			"at most one of basic_auth, oauth2 & authorization must be "
			"configured");
	else if (h->has_basic_auth && h->oauth2)
		mistake(d, pos_of_key(y, "oauth2"),
			"at most one of basic_auth, oauth2 & authorization must be "
			"configured");
}

static void http_check(struct decode *d, const struct yaml *y, void *object)
{
	struct http_config *h = object;

	credentials_check(d, y, h);
	proxy_check(d, y, h->proxy_url, h->no_proxy, h->proxy_from_environment,
		    &h->proxy_connect_headers);
	if (secret_is_set(h->bearer_token) || h->bearer_token_file) {
		h->has_authorization = true;
		h->auth_type = "Bearer";
		h->credentials = h->bearer_token;
		h->credentials_file = h->bearer_token_file;
		h->bearer_token = (struct secret){NULL};
		h->bearer_token_file = NULL;
	}
}

const struct shape http_shape = {"http_config", http_fields, sizeof(struct http_config),
				 true, http_check};

const struct http_config *http_config_default(struct arena *mem)
{
	struct errs errs = {.mem = mem};
	struct decode d = {.mem = mem, .errs = &errs};
	struct http_config *h = ARENA_NEW(mem, struct http_config);

	decode_object(&d, &(struct yaml){.kind = YAML_NULL, .plain = true}, &http_shape, h);
	ASSERT(!errs.n);
	return h;
}
