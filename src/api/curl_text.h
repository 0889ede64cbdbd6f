/* curl_text.h - a rule's query as a command for a shell, so that people can ask themselves.
 *
 * Secrets are not in it: values of headers that sound like one, and whatever the datasource
 * logs in with, read <secret>.
 */
#pragma once
#include "api/request.h"

/* In the request's memory; "" when nobody answers the group. */
const char *curl_text(struct request *, const struct rulegroup_view *, const char *expr,
		      wall_ms at);
bool is_secret_header(const char *name);
