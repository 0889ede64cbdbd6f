/* http.h - how to reach an HTTP server: credentials, TLS, proxies, headers.
 *
 * Spec: spec/config.md 8.
 */
#pragma once
#include "config/secret.h"

#include "base/err.h"

struct tls_config {
	struct pos at;
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

struct oauth2_config {
	struct pos at;
	const char *client_id, *client_secret_file, *token_url;
	struct secret client_secret;
	const char **scopes;
	size_t n_scopes;
	const struct text_pair *endpoint_params;
	size_t n_endpoint_params;
	const struct tls_config *tls;
	const char *proxy_url;
};

struct http_config {
	struct pos at;
	bool has_basic_auth;
	const char *username, *username_file, *password_file;
	struct secret password;
	bool has_authorization;
	const char *auth_type, *credentials_file;
	struct secret credentials;
	const struct oauth2_config *oauth2; /* NULL: none */
	struct tls_config tls;
	bool follow_redirects, http2;
	const char *proxy_url, *no_proxy;
	bool proxy_from_environment;
	struct header_config *proxy_connect_headers, *headers;
	size_t n_proxy_connect_headers, n_headers;
};
