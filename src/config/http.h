/* http.h - how to reach an HTTP server: credentials, TLS, proxies, headers.
 *
 * Texts are NULL when unset. Relative paths of files are already joined to the folder of
 * the configuration file where the peers do so.
 * Spec: spec/config.md 8.
 */
#pragma once
#include "config/field.h"

struct tls_config {
	struct pos at, ca_at, cert_at, key_at;
	const char *ca, *ca_file, *cert, *cert_file, *key_file, *server_name;
	struct secret key;
	bool insecure_skip_verify;
	int min_version, max_version; /* 10, 11, 12, 13; 0: unset (min then means 12) */
};

struct header_config {
	const char *name;
	const char **values;
	struct secret *secrets;
	const char **files; /* read at each request, trimmed */
	size_t n_values, n_secrets, n_files;
};
struct header_list {
	struct header_config *v;
	size_t n;
};

struct oauth2_config {
	struct pos at;
	const char *client_id, *client_secret_file, *token_url;
	struct secret client_secret;
	struct text_list scopes;
	struct pair_list endpoint_params;
	const char *grant_type; /* NULL: client credentials */
	const char *key_id, *key_file, *signature_algorithm, *iss, *audience;
	struct secret key;
	const struct yaml *claims; /* a mapping, NULL when absent */
	struct tls_config tls;
	const char *proxy_url, *no_proxy;
	bool proxy_from_environment;
	struct header_list proxy_connect_headers;
};

bool oauth2_is_jwt(const struct oauth2_config *); /* a signed text instead of a secret */

struct http_config {
	struct pos at;
	bool has_basic_auth;
	const char *username, *username_file, *password_file;
	struct secret password;
	bool has_authorization;
	const char *auth_type, *credentials_file; /* "Bearer" unless said otherwise */
	struct secret credentials;
	struct secret bearer_token; /* these two become an authorization */
	const char *bearer_token_file;
	const struct oauth2_config *oauth2; /* NULL: none */
	struct tls_config tls;
	bool follow_redirects, http2;
	const char *proxy_url, *no_proxy;
	bool proxy_from_environment;
	struct header_list proxy_connect_headers, headers;
};

extern const struct shape tls_shape;	   /* struct tls_config */
extern const struct shape http_shape;	   /* struct http_config */
extern const struct field_codec tls_codec; /* a tls_config inside, left out when unset */
extern const struct field_codec headers_codec; /* struct header_list */

/* All defaults. */
const struct http_config *http_config_default(struct arena *);
