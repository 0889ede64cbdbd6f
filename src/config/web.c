#include "base/base.h"
#include "config/web.h"
#include "base/libcrypto.h"
#include "text/header.h"

#include <string.h>

struct word {
	const char *name, *value;
};

static const char *word_find(const struct word *words, const char *name)
{
	for (; words->name; words++) {
		if (!strcmp(words->name, name))
			return words->value;
	}
	return NULL;
}

/* Replaces the words of a list by what OpenSSL calls them. */
static void translate(struct decode *d, const struct yaml *y, const char *key,
		      const struct word *words, struct text_list *list)
{
	for (size_t i = 0; i < list->n; i++) {
		const char *value = word_find(words, list->v[i]);

		if (value)
			list->v[i] = value;
		else
			mistake(d, pos_of_item(y, key, i), "unknown %s: %s", key,
				list->v[i]);
	}
}

/* -- TLS ------------------------------------------------------------------------------ */
static const struct word ciphers[] = {
	{"TLS_AES_128_GCM_SHA256", "TLS_AES_128_GCM_SHA256"},
	{"TLS_AES_256_GCM_SHA384", "TLS_AES_256_GCM_SHA384"},
	{"TLS_CHACHA20_POLY1305_SHA256", "TLS_CHACHA20_POLY1305_SHA256"},
	{"TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA", "ECDHE-ECDSA-AES128-SHA"},
	{"TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA", "ECDHE-ECDSA-AES256-SHA"},
	{"TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", "ECDHE-RSA-AES128-SHA"},
	{"TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA", "ECDHE-RSA-AES256-SHA"},
	{"TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "ECDHE-ECDSA-AES128-GCM-SHA256"},
	{"TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", "ECDHE-ECDSA-AES256-GCM-SHA384"},
	{"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "ECDHE-RSA-AES128-GCM-SHA256"},
	{"TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", "ECDHE-RSA-AES256-GCM-SHA384"},
	{"TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", "ECDHE-RSA-CHACHA20-POLY1305"},
	{"TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", "ECDHE-ECDSA-CHACHA20-POLY1305"},
	{NULL, NULL},
};
static const struct word curves[] = {
	{"CurveP256", "P-256"}, {"CurveP384", "P-384"}, {"CurveP521", "P-521"},
	{"X25519", "X25519"},	{NULL, NULL},
};
static const struct {
	const char *name;
	enum client_auth policy;
} policies[] = {
	{"", CLIENT_NONE},
	{"NoClientCert", CLIENT_NONE},
	{"RequestClientCert", CLIENT_REQUEST},
	{"RequireAnyClientCert", CLIENT_REQUIRE},
	{"RequireClientCert", CLIENT_REQUIRE},
	{"VerifyClientCertIfGiven", CLIENT_VERIFY_IF_GIVEN},
	{"RequireAndVerifyClientCert", CLIENT_VERIFY},
};

static void policy_decode(struct decode *d, const struct yaml *y, void *member)
{
	const char *text = decode_text(d, y);

	for (size_t i = 0; i < COUNT_OF(policies); i++) {
		if (!strcmp(policies[i].name, text)) {
			*(enum client_auth *)member = policies[i].policy;
			return;
		}
	}
	mistake(d, y->at, "Invalid ClientAuth: %s", text);
}

static void version_decode(struct decode *d, const struct yaml *y, void *member)
{
	static const char *const names[] = {"TLS10", "TLS11", "TLS12", "TLS13"};
	const char *text = decode_text(d, y);

	for (size_t i = 0; i < COUNT_OF(names); i++) {
		if (!strcmp(names[i], text)) {
			*(int *)member = (int)(10 + i);
			return;
		}
	}
	mistake(d, y->at, "unknown TLS version: %s", text);
}

static const struct field_codec policy_codec = {policy_decode, NULL};
static const struct field_codec version_codec = {version_decode, NULL};

struct web_text {
	struct web_config config;
	bool prefer_server_cipher_suites;
};

#define AT(m) offsetof(struct web_config, m)
static const struct field tls_fields[] = {
	{"cert", FIELD_OPTIONAL, AT(cert), .help = "Certificate, PEM."},
	{"cert_file", FIELD_PATH, AT(cert_file), .help = "File with it."},
	{"key", FIELD_SECRET, AT(key), .help = "Key, PEM."},
	{"key_file", FIELD_PATH, AT(key_file), .help = "File with it."},
	{"client_ca", FIELD_OPTIONAL, AT(client_ca), .help = "Who signs clients, PEM."},
	{"client_ca_file", FIELD_PATH, AT(client_ca_file), .help = "File with it."},
	{"client_auth_type", FIELD_CUSTOM, AT(client_auth), .codec = &policy_codec,
	 .help = "What is asked of clients."},
	{"client_allowed_sans", FIELD_TEXTS, AT(client_allowed_sans),
	 .help = "A client's certificate must carry one of these names."},
	{"min_version", FIELD_CUSTOM, AT(min_version), .codec = &version_codec,
	 .if_absent = "TLS12", .help = "TLS10 to TLS13."},
	{"max_version", FIELD_CUSTOM, AT(max_version), .codec = &version_codec,
	 .if_absent = "TLS13", .help = "TLS10 to TLS13."},
	{"cipher_suites", FIELD_TEXTS, AT(cipher_suites), .help = "Go's names of suites."},
	{"prefer_server_cipher_suites", FIELD_BOOL,
	 offsetof(struct web_text, prefer_server_cipher_suites), .if_absent = "true",
	 .help = "Accepted; has no effect."},
	{"curve_preferences", FIELD_TEXTS, AT(curve_preferences), .help = "Curves."},
	{0},
};
#undef AT

static void tls_decode(struct decode *d, const struct yaml *y, void *member)
{
	struct web_text *t = member;
	struct web_config *c = &t->config;
	bool cert, key, ca;

	if (y->kind == YAML_NULL || !is_map(d, y, "tls_server_config"))
		return;
	decode_fields(d, y, "tls_server_config", tls_fields, t);
	cert = c->cert || c->cert_file;
	key = secret_is_set(c->key) || c->key_file;
	ca = c->client_ca || c->client_ca_file;
	c->tls = cert || key || ca || c->client_auth != CLIENT_NONE;
	if (c->tls && !cert)
		mistake(d, y->at, "missing one of cert or cert_file");
	if (c->tls && !key)
		mistake(d, y->at, "missing one of key or key_file");
	if (ca && c->client_auth == CLIENT_NONE)
		mistake(d, y->at,
			"Client CA's have been configured without a Client Auth Policy");
	if (c->max_version < c->min_version)
		mistake(d, pos_of_value(y, "max_version"),
			"max_version must be greater than or equal to min_version");
	translate(d, y, "cipher_suites", ciphers, &c->cipher_suites);
	translate(d, y, "curve_preferences", curves, &c->curve_preferences);
}

/* -- HTTP ----------------------------------------------------------------------------- */
static const struct {
	const char *name;
	const char *values[3]; /* none: any value */
} allowed_headers[] = {
	{"Content-Security-Policy", {NULL}},
	{"Strict-Transport-Security", {NULL}},
	{"X-Content-Type-Options", {"nosniff", NULL}},
	{"X-Frame-Options", {"deny", "sameorigin", NULL}},
	{"X-Xss-Protection", {NULL}},
};

static void check_header(struct decode *d, struct text_pair *p)
{
	const char *name = header_canonical(d->mem, str_of(p->name));

	for (size_t i = 0; i < COUNT_OF(allowed_headers); i++) {
		const char *const *v = allowed_headers[i].values;

		if (strcmp(allowed_headers[i].name, name))
			continue;
		if (!is_header_value(str_of(p->text)))
			mistake(d, p->at, "HTTP header \"%s\" has a control character",
				p->name);
		while (*v && strcasecmp(*v, p->text))
			v++;
		if (allowed_headers[i].values[0] && !*v)
			mistake(d, p->at, "invalid value for %s. Expected one of: %s%s%s",
				p->name, allowed_headers[i].values[0],
				allowed_headers[i].values[1] ? ", " : "",
				allowed_headers[i].values[1] ? allowed_headers[i].values[1]
							     : "");
		return;
	}
	mistake(d, p->at, "HTTP header \"%s\" can not be configured", p->name);
}

#define AT(m) offsetof(struct web_config, m)
static const struct field http_fields[] = {
	{"http2", FIELD_BOOL, AT(http2), .if_absent = "true", .help = "HTTP/2 over TLS."},
	{"headers", FIELD_PAIRS, AT(headers), .help = "Added to every answer."},
	{0},
};
static const struct field rate_fields[] = {
	{"interval", FIELD_GO_SPAN, AT(rate_interval_ns),
	 .help = "One request in so long."},
	{"burst", FIELD_INT, AT(rate_burst), .help = "Requests that may come at once."},
	{0},
};
#undef AT

static void http_decode(struct decode *d, const struct yaml *y, void *member)
{
	struct web_config *c = &((struct web_text *)member)->config;

	if (y->kind != YAML_NULL && !is_map(d, y, "http_server_config"))
		return;
	decode_fields(d, y, "http_server_config", http_fields, c);
	for (size_t i = 0; i < c->headers.n; i++)
		check_header(d, &c->headers.v[i]);
}

static void rate_decode(struct decode *d, const struct yaml *y, void *member)
{
	if (y->kind == YAML_NULL || is_map(d, y, "rate_limit"))
		decode_fields(d, y, "rate_limit", rate_fields,
			      &((struct web_text *)member)->config);
}

static bool is_bcrypt(const char *hash)
{
	return strlen(hash) == 60 && hash[0] == '$' && hash[1] == '2' &&
	       strchr("aby", hash[2]) && hash[3] == '$' && hash[6] == '$' &&
	       strspn(hash + 7, "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				"abcdefghijklmnopqrstuvwxyz") == 53;
}

static void check_users(struct decode *d, const struct pair_list *users)
{
	struct err err;

	if (users->n && !libcrypto_load(&err))
		mistake(d, users->v[0].at, "%s", err.text);
	for (size_t i = 0; i < users->n; i++) {
		if (!is_bcrypt(users->v[i].text))
			mistake(d, users->v[i].at,
				"the password of user \"%s\" is not a bcrypt hash",
				users->v[i].name);
	}
}

static const struct field_codec tls_section = {tls_decode, NULL};
static const struct field_codec http_section = {http_decode, NULL};
static const struct field_codec rate_section = {rate_decode, NULL};

static const struct field web_fields[] = {
	{"tls_server_config", FIELD_CUSTOM, 0, .codec = &tls_section, .help = "TLS."},
	{"http_server_config", FIELD_CUSTOM, 0, .codec = &http_section, .if_absent = "",
	 .help = "HTTP."},
	{"basic_auth_users", FIELD_PAIRS, offsetof(struct web_text, config.users),
	 .help = "Users and the bcrypt hashes of their passwords."},
	{"rate_limit", FIELD_CUSTOM, 0, .codec = &rate_section,
	 .help = "Limit of requests."},
	{0},
};

static const char *folder_of(struct arena *mem, const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? arena_copy(mem, (struct str){path, (size_t)MAX(slash - path, 1)})
		     : ".";
}

const struct web_config *web_config_parse(struct arena *mem, const char *path,
					  struct str text, struct errs *errs)
{
	struct web_text *t = ARENA_NEW(mem, struct web_text);
	struct decode d = {.mem = mem, .errs = errs, .path = arena_text(mem, path)};
	size_t before = errs->n;
	const struct yaml *y = yaml_read(mem, path, text, errs);

	d.dir = folder_of(mem, path);
	if (y && (y->kind == YAML_NULL || is_map(&d, y, "a mapping"))) {
		t->config.at = y->at;
		decode_fields(&d, y, "web config", web_fields, t);
		check_users(&d, &t->config.users);
	}
	errs_sort(errs);
	return errs->n == before ? &t->config : NULL;
}
