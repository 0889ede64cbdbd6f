#include "base/base.h"
#include "golden/sink.h"
#include "golden/match.h"

#include <stdlib.h>
#include <string.h>

static void answer_text(struct arena *mem, struct http_answer *out, int status,
			const char *type, const char *body)
{
	struct http_header *h = ARENA_ARRAY(mem, struct http_header, 1);

	h[0] = (struct http_header){"Content-Type", type};
	*out = (struct http_answer){
		.status = status, .body = str_of(body), .headers = h, .n_headers = 1};
}

/* From "/path" on. */
static const char *target_of(const char *url)
{
	const char *host = strstr(url, "://"), *slash;

	slash = host ? strchr(host + 3, '/') : NULL;
	return slash ? slash : "/";
}

static void answer_by_rule(struct arena *mem, const json_t *rule, struct http_answer *out)
{
	const json_t *body = json_object_get(rule, "body");
	json_t *status = json_object_get(rule, "status");
	char *dump = json_is_string(body) ? NULL : json_dumps(body, JSON_ENCODE_ANY);
	const char *text = dump ? arena_text(mem, dump) : json_string_value(body);
	const json_t *headers = json_object_get(rule, "headers");
	const char *type = json_string_value(json_object_get(headers, "Content-Type"));

	free(dump);
	if (!type)
		type = json_is_string(body) || !body ? "text/plain" : "application/json";
	answer_text(mem, out, status ? (int)json_integer_value(status) : 200, type,
		    text && body ? text : "");
}

static bool rule_fits(const struct sink *s, size_t i, const char *method,
		      const char *target)
{
	const json_t *rule = json_array_get(s->rules, i);
	const char *wanted = json_text(rule, "method"), *path = json_text(rule, "path");
	json_t *times = json_object_get(rule, "times");

	if (i < COUNT_OF(s->used) && times &&
	    s->used[i] >= (size_t)json_integer_value(times))
		return false;
	return !strncmp(target, path, strlen(path)) &&
	       (!*wanted || !strcmp(wanted, method));
}

static bool ends_with(const char *text, const char *tail)
{
	const char *query = strchr(text, '?');
	struct str s = {text, query ? (size_t)(query - text) : strlen(text)};

	return str_ends(s, str_of(tail));
}

void sink_answer(struct sink *s, struct arena *mem, const struct http_request *req,
		 struct http_answer *out)
{
	static const char json[] = "application/json";
	const char *target = target_of(req->url);

	for (size_t i = 0; i < json_array_size(s->rules); i++) {
		if (!rule_fits(s, i, req->method, target))
			continue;
		s->used[MIN(i, COUNT_OF(s->used) - 1)]++;
		answer_by_rule(mem, json_array_get(s->rules, i), out);
		return;
	}
	if (strstr(target, "api/v1/chat.postMessage"))
		answer_text(mem, out, 200, json, "{\"success\":true}");
	else if (strstr(target, "chat.postMessage") || strstr(target, "chat.update"))
		answer_text(mem, out, 200, json,
			    "{\"ok\":true,\"channel\":\"C123ABC456\",\"ts\":"
			    "\"1503435956.000247\"}");
	else if (!strncmp(target, "/slack", 6))
		answer_text(mem, out, 200, "text/html", "ok");
	else if (strstr(target, "/sendMessage"))
		answer_text(mem, out, 200, json,
			    "{\"ok\":true,\"result\":{\"message_id\":7,\"chat\":{\"id\":-"
			    "100123}}}");
	else if (strstr(target, "gettoken"))
		answer_text(mem, out, 200, json,
			    "{\"errcode\":0,\"access_token\":\"WX-TOKEN-1\"}");
	else if (strstr(target, "message/send"))
		answer_text(mem, out, 200, json, "{\"errcode\":0,\"errmsg\":\"ok\"}");
	else if (ends_with(target, "/search") || ends_with(target, "/search/jql"))
		answer_text(mem, out, 200, json, "{\"issues\":[]}");
	else if (!strncmp(target, "/pd", 3) || strstr(req->url, "pagerduty"))
		answer_text(mem, out, 202, json, "{}");
	else
		answer_text(mem, out, 200, json, "{}");
}
