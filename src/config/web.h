/* web.h - the file of --web.config.file: TLS, headers and users of our own HTTP server.
 *
 * Memory: in the arena given. Paths are joined to the folder of the file.
 * Texts:  NULL when unset.
 * Spec:   spec/api.md 7.
 */
#pragma once
#include "config/field.h"

#define WEB_MAX_BYTES (1024 * 1024)

enum client_auth {
	CLIENT_NONE,
	CLIENT_REQUEST,
	CLIENT_REQUIRE,
	CLIENT_VERIFY_IF_GIVEN,
	CLIENT_VERIFY,
};
struct web_config {
	struct pos at;
	bool tls; /* the section is there and has a certificate */
	const char *cert, *cert_file, *key_file, *client_ca, *client_ca_file;
	struct secret key;
	enum client_auth client_auth;
	struct text_list client_allowed_sans;
	int min_version, max_version;	    /* 10 .. 13 */
	struct text_list cipher_suites;	    /* in OpenSSL's words; empty: its default */
	struct text_list curve_preferences; /* in OpenSSL's words; empty: its default */
	bool http2;
	struct pair_list headers; /* added to every answer */
	struct pair_list users;	  /* name and bcrypt hash */
	int64_t rate_interval_ns; /* 0: no limit */
	int64_t rate_burst;
};

/* text is the file's content. NULL when errs is not empty. */
const struct web_config *web_config_parse(struct arena *, const char *path, struct str text,
					  struct errs *) MUST_USE;
