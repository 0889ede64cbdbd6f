/* wire.h - requests and answers as plain data: what receivers and backends compose, what
 * net sends, what comes back. Nobody here speaks to a network.
 *
 * Memory: borrowed from whoever composed it, until the answer came.
 */
#pragma once
#include "base/time.h"
#include "config/http.h"

struct http_header {
	const char *name, *value;
};
struct http_request {
	const char *method; /* "POST" */
	const char *url;
	const struct http_header *headers;
	size_t n_headers;
	struct str body;
	const struct http_config *config; /* credentials, TLS, proxy, redirects; or NULL */
	span_ms timeout;		  /* of the whole exchange; 0: none of its own */
	size_t max_answer;		  /* bytes of body; 0: 1 MiB */
};
struct http_answer {
	int status;	   /* 0: none came */
	const char *error; /* why none came or it is not whole; NULL: it is whole */
	bool timed_out;
	bool in_doubt; /* none came, but the request left, or a part of it */
	struct str body;
	const struct http_header *headers;
	size_t n_headers;
};
/* The last header of that name, any case; NULL when absent. */
const char *http_answer_header(const struct http_answer *, const char *name);

enum mail_tls {
	MAIL_TLS_NONE,	   /* never */
	MAIL_TLS_WANTED,   /* STARTTLS when the server offers it */
	MAIL_TLS_REQUIRED, /* STARTTLS or fail */
	MAIL_TLS_IMPLICIT, /* from the first byte */
};
struct mail_request {
	const char *host, *port; /* port may be a service name */
	enum mail_tls tls;
	const struct tls_config *tls_config; /* or NULL */
	const char *hello;		     /* EHLO name */
	const char *username, *identity;     /* NULL: no AUTH */
	struct secret password;		     /* for PLAIN and LOGIN */
	struct secret cram_secret;	     /* for CRAM-MD5 */
	const char *from;		     /* envelope, without <> */
	const char *const *to;		     /* envelope */
	size_t n_to;
	struct str message; /* headers and body, CRLF lines */
	span_ms timeout;
};
struct mail_answer {
	int status;	   /* the last SMTP code; 0: none came */
	const char *error; /* NULL: accepted */
	bool timed_out;
	bool in_doubt; /* the whole message left, and nobody said whether it is accepted */
};
