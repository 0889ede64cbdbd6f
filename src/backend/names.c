#include "base/base.h"
#include "backend/names.h"
#include "base/url.h"
#include "text/json.h"

#include <string.h>

#define LONGEST_ANSWER ((size_t)1024 * 1024)

bool name_is_plain(const char *name)
{
	static const char letters[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_:";

	return name[0] && !name[strspn(name, letters)];
}

void names_compose(struct arena *mem, const struct datasource *from,
		   const char *const *names, size_t n, wall_ms start, wall_ms end,
		   struct http_request *out)
{
	struct buf match = BUF(BUF_NO_LIMIT), url = BUF(BUF_NO_LIMIT);

	buf_add_text(&match, "{__name__=~\"");
	for (size_t i = 0; i < n; i++)
		buf_addf(&match, "%s%s", i ? "|" : "", names[i]);
	buf_add_text(&match, "\"}");
	buf_addf(&url, "%s/api/v1/label/__name__/values?match%%5B%%5D=", from->url);
	buf_add_query_escaped(&url, buf_str(&match));
	buf_addf(&url, "&start=%lld&end=%lld", (long long)start / 1000,
		 (long long)end / 1000);
	for (size_t i = 0; i < from->n_params; i++) {
		buf_add_char(&url, '&');
		buf_add_query_escaped(&url, str_of(from->params[i].name));
		buf_add_char(&url, '=');
		buf_add_query_escaped(&url, str_of(from->params[i].text));
	}
	*out = (struct http_request){
		.method = "GET",
		.url = buf_keep(&url, mem).p,
		.config = from->http,
		.timeout = from->timeout,
		.max_answer = LONGEST_ANSWER,
	};
	buf_free(&match);
	buf_free(&url);
}

static bool read_list(struct arena *mem, const json_t *list, const char ***names, size_t *n,
		      struct err *err)
{
	*n = json_array_size(list);
	*names = ARENA_ARRAY(mem, const char *, *n);
	if (!json_is_array(list))
		return err_set(err, NOWHERE, "the answer is no list of names");
	for (size_t i = 0; i < *n; i++) {
		const char *name = json_string_value(json_array_get(list, i));

		if (!name)
			return err_set(err, NOWHERE, "a name is no text");
		(*names)[i] = arena_text(mem, name);
	}
	return true;
}

bool names_judge(struct arena *mem, const struct http_answer *a, const char ***names,
		 size_t *n, struct err *err)
{
	struct err why;
	json_t *top;
	bool ok;

	if (a->error)
		return err_set(err, NOWHERE, "%s", a->error);
	if (a->status < 200 || a->status > 299)
		return err_set(err, NOWHERE, "status %d", a->status);
	top = json_read(a->body, &why);
	ok = json_is_object(top)
		     ? read_list(mem, json_object_get(top, "data"), names, n, err)
		     : err_set(err, NOWHERE, "the answer is no JSON object");
	json_decref(top);
	return ok;
}
