#include "base/base.h"
#include "api/request.h"
#include "model/regex.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Requests from web pages of other origins (spec/api.md 2.1, 2.2): none, unless
 * --web.cors.origin names them. The peers let every page read and silence. */

static bool is_allowed(const struct request *r, const char *origin)
{
	return origin && r->api->options.origins &&
	       regex_matches(r->api->options.origins, str_of(origin));
}

static bool is_simple(const char *method)
{
	return !strcmp(method, "GET") || !strcmp(method, "POST") || !strcmp(method, "HEAD");
}

void cors_add_header(struct request *r)
{
	const char *origin = call_header(r->call, "Origin");

	if (is_simple(r->method) && is_allowed(r, origin))
		call_set_header(r->call, "Access-Control-Allow-Origin", origin);
}

/* Nothing but these headers may be asked for. */
static bool are_known(struct str names)
{
	static const char *const known[] = {"accept", "content-type", "x-requested-with"};
	struct str name;

	while (names.n && str_cut(&names, ',', &name)) {
		bool found = false;

		name = str_trim(name);
		for (size_t i = 0; i < COUNT_OF(known); i++)
			found = found || (name.n == strlen(known[i]) &&
					  !strncasecmp(name.p, known[i], name.n));
		if (!found)
			return false;
	}
	return true;
}

bool cors_answer_preflight(struct request *r)
{
	const char *method = call_header(r->call, "Access-Control-Request-Method");
	const char *headers = call_header(r->call, "Access-Control-Request-Headers");
	const char *origin = call_header(r->call, "Origin");

	if (!method || strcmp(r->method, "OPTIONS") != 0)
		return false;
	call_set_header(r->call, "Vary",
			"Origin, Access-Control-Request-Method, "
			"Access-Control-Request-Headers");
	if (is_allowed(r, origin) && is_simple(method) && are_known(str_of(headers))) {
		call_set_header(r->call, "Access-Control-Allow-Origin", origin);
		call_set_header(r->call, "Access-Control-Allow-Methods", method);
		if (headers)
			call_set_header(r->call, "Access-Control-Allow-Headers", headers);
	}
	r->is_v2 = false; /* without the headers of its answers */
	answer_empty(r, strcmp(r->api->options.peer_version, "0.25.0") ? 204 : 200);
	return true;
}

/* "https://host:port" against the Host that was asked. */
static bool is_own(const struct request *r, const char *origin)
{
	const char *host = call_header(r->call, "Host"), *scheme = strstr(origin, "://");

	return scheme && host && !strcasecmp(scheme + 3, host);
}

/* The API's bodies are JSON, which a page cannot send without asking first; a bare POST
 * it can. */
bool cors_takes(struct request *r)
{
	const char *origin = call_header(r->call, "Origin");

	if (!origin || r->is_v2 || !strcmp(r->method, "GET") ||
	    !strcmp(r->method, "HEAD") || is_own(r, origin) || is_allowed(r, origin))
		return true;
	answer_plain(r, 403,
		     "Forbidden: a web page of another origin asks; --web.cors.origin "
		     "would have to name it\n");
	return false;
}
