/* proxy.h - which proxy a URL is asked through, as Go's httpproxy decides it
 * (spec/config.md 3.10, 8.1). */
#pragma once
#include "config/http.h"

/* What HTTP_PROXY, HTTPS_PROXY and NO_PROXY say; NULL: unset. */
struct proxy_env {
	const char *http, *https, *none;
};
struct proxy_env proxy_env_read(void); /* upper case goes before lower case */

/* For libcurl; "" when the server is asked itself. */
const char *proxy_of(struct arena *, const struct http_config *, const struct proxy_env *,
		     const char *url);
