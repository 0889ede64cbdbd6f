/* curl_options.h - http_config and tls_config as options of one libcurl handle.
 *
 * Memory: texts in the arena, which lives as long as the handle.
 * Spec:   spec/config.md 8.
 */
#pragma once
#include "base/vec.h"
#include "engine/wire.h"

#include <curl/curl.h>

#define CURL_CONNECT_TIMEOUT (10 * SECOND)

struct curl_extras {
	/* given */
	const char *url;
	bool is_foreign; /* no credentials, no configured headers */
	/* header lines the configuration adds */
	VEC(struct http_header) headers, proxy_headers;
};
bool curl_set_http_config(CURL *, struct arena *, const struct http_config *,
			  struct curl_extras *, struct err *) MUST_USE;
bool curl_set_tls(CURL *, struct arena *, const struct tls_config *, struct err *) MUST_USE;
/* A port number as text, from a number or a service name. */
bool curl_port_number(struct arena *, const char *port, const char **number) MUST_USE;
/* The content of a file behind some *_file, white space around it removed. */
bool read_secret_file(struct arena *, const char *path, const char **,
		      struct err *) MUST_USE;

void curl_add_line(struct curl_slist **, const char *line);
/* Why it failed, in words, from CURLOPT_ERRORBUFFER and code; NULL: it did not. */
const char *curl_failure(CURL *, struct arena *, CURLcode, const char *error);
