#include "base/base.h"
#include "backend/form.h"
#include "base/url.h"

#include <string.h>

void form_add(struct buf *b, const char *name, const char *value)
{
	if (b->n)
		buf_add_char(b, '&');
	buf_add_query_escaped(b, str_of(name));
	buf_add_char(b, '=');
	buf_add_query_escaped(b, str_of(value));
}

static bool has_param(const struct text_pair *v, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++) {
		if (!strcmp(v[i].name, name))
			return true;
	}
	return false;
}

void form_add_default(struct buf *b, const struct query_wish *q, const char *name,
		      const char *value)
{
	if (!has_param(q->group->params, q->group->n_params, name) &&
	    !has_param(q->datasource->params, q->datasource->n_params, name))
		form_add(b, name, value);
}

static void add_param(struct buf *b, const struct text_pair *p)
{
	if (!is_query_param(p->name))
		form_add(b, p->name, p->text);
}

void form_add_params(struct buf *b, const struct query_wish *q)
{
	for (size_t i = 0; i < q->datasource->n_params; i++) {
		const struct text_pair *p = &q->datasource->params[i];

		if (!has_param(q->group->params, q->group->n_params, p->name))
			add_param(b, p);
	}
	for (size_t i = 0; i < q->group->n_params; i++)
		add_param(b, &q->group->params[i]);
}

const char *form_time(struct arena *mem, wall_ms at)
{
	struct buf b = BUF(64);
	const char *text;

	buf_add_instant_ms(&b, instant_of_ms(at));
	text = buf_keep(&b, mem).p;
	buf_free(&b);
	return text;
}

void request_add_header(struct arena *mem, struct http_request *r, const char *name,
			const char *text)
{
	struct http_header *v = ARENA_ARRAY(mem, struct http_header, r->n_headers + 1);

	if (r->n_headers)
		memcpy(v, r->headers, r->n_headers * sizeof(*v));
	v[r->n_headers++] = (struct http_header){name, text};
	r->headers = v;
}

void form_post(struct arena *mem, const struct query_wish *q, const char *path,
	       const struct buf *form, struct http_request *out)
{
	*out = (struct http_request){
		.method = "POST",
		.url = arena_printf(mem, "%s%s", q->datasource->url, path),
		.body = buf_keep(form, mem),
		.config = q->datasource->http,
		.timeout = q->timeout,
		.max_answer = q->datasource->max_response_bytes,
	};
	if (q->datasource->uses_get) {
		out->method = "GET";
		out->url = arena_printf(mem, "%s?%.*s", out->url, FMT(out->body));
		out->body = STR("");
	} else {
		request_add_header(mem, out, "Content-Type",
				   "application/x-www-form-urlencoded");
	}
	request_add_header(mem, out, "Accept", "application/json");
	if (q->datasource->has_tenants && q->group->tenant)
		request_add_header(mem, out, "X-Scope-OrgID", q->group->tenant);
	for (size_t i = 0; i < q->group->n_headers; i++)
		request_add_header(mem, out, q->group->headers[i].name,
				   q->group->headers[i].text);
}
