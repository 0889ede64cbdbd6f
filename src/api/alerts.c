#include "base/base.h"
#include "api/alert_list.h"

#include <string.h>

/* GET and POST /api/v2/alerts (spec/api.md 3.3, 3.4). */

/* -- GET alerts ----------------------------------------------------------------------- */

/* An answer on its way: alerts that go meanwhile are left out, new ones do not come in. */
struct alert_list {
	struct request *r;
	struct filter filter;
	uint64_t *fingerprints;
	size_t n, at, shown;
	struct arena piece; /* of the piece being made */
};

static bool has_receiver(const struct filter *f, const struct alert_view *v)
{
	if (!f->receiver && !f->receiver_labels.n)
		return true;
	for (size_t i = 0; i < v->n_receivers; i++) {
		if (filter_takes_receiver(f, v->receivers[i]))
			return true;
	}
	return false;
}

static void add_one(struct alert_list *list, const struct alert_view *v, struct buf *b)
{
	const char **names = ARENA_ARRAY(&list->piece, const char *, v->n_receivers);

	for (size_t i = 0; i < v->n_receivers; i++)
		names[i] = v->receivers[i]->name;
	if (list->shown++)
		buf_add_char(b, ',');
	buf_add_alert(b, v, names, v->n_receivers);
}

static bool more_alerts(void *arg, struct buf *b)
{
	struct alert_list *list = arg;
	struct alert_view v;

	if (!list->at)
		buf_add_char(b, '[');
	for (; list->at < list->n && b->n < STREAM_PIECE; list->at++) {
		if (look_at_alert(list->r, &list->piece, list->fingerprints[list->at],
				  &v) &&
		    filter_takes_alert(&list->filter, &v) &&
		    has_receiver(&list->filter, &v))
			add_one(list, &v, b);
		arena_reset(&list->piece);
	}
	if (list->at < list->n)
		return true;
	buf_add_text(b, "]\n");
	return false;
}

static void alerts_ended(void *arg)
{
	struct alert_list *list = arg;

	arena_free(&list->piece);
}

void get_alerts(struct request *r)
{
	const struct api_host *host = &r->api->options.host;
	struct alert_list *list = ARENA_NEW(r->mem, struct alert_list);

	list->r = r;
	if (!filter_parse(r, &list->filter))
		return;
	list->fingerprints = view_fingerprints(host->engine(host->ctx),
					       host->now(host->ctx), &list->filter.labels,
					       r->mem, &list->n);
	answer_json_stream(r, &(struct stream){list, more_alerts, alerts_ended});
}

/* -- POST alerts ---------------------------------------------------------------------- */

static bool bad_type(struct request *r, size_t i, const char *field, const char *want)
{
	answer_framework(r, 400,
			 "parsing alerts body from \"\" failed, because %zu.%s is no %s", i,
			 field, want);
	return false;
}

static bool read_time(struct request *r, const json_t *o, size_t i, const char *name,
		      struct instant *out)
{
	const json_t *v = member(o, name);

	*out = INSTANT_ZERO;
	if (!v)
		return true;
	if (!json_is_string(v) || !api_time_parse(str_of(json_string_value(v)), out))
		return bad_type(r, i, name, "time");
	return true;
}

/* An absolute URI or an absolute path, without blanks. */
static bool is_uri(const char *s)
{
	struct str u = str_of(s);
	size_t colon = str_find_char(u, ':');

	for (size_t i = 0; i < u.n; i++) {
		if ((unsigned char)u.p[i] <= ' ' || u.p[i] == 0x7f)
			return false;
	}
	return u.p[0] == '/' || (colon != STR_NONE && colon > 0);
}

static bool read_post(struct request *r, const json_t *o, size_t i, struct alert_post *p)
{
	const json_t *labels = member(o, "labels"), *url = member(o, "generatorURL");

	if (!json_is_object(o))
		return bad_type(r, i, "alert", "object");
	if (!labels) {
		answer_framework(r, 602, "%zu.labels in body is required", i);
		return false;
	}
	if (!read_map(r->mem, labels, &p->labels, &p->n_labels))
		return bad_type(r, i, "labels", "map of strings");
	if (!read_map(r->mem, member(o, "annotations"), &p->annotations, &p->n_annotations))
		return bad_type(r, i, "annotations", "map of strings");
	if (!read_time(r, o, i, "startsAt", &p->starts_at) ||
	    !read_time(r, o, i, "endsAt", &p->ends_at))
		return false;
	if (url && !json_is_string(url))
		return bad_type(r, i, "generatorURL", "string");
	p->generator_url = url ? arena_text(r->mem, json_string_value(url)) : "";
	if (p->generator_url[0] && !is_uri(p->generator_url)) {
		answer_framework(r, 601,
				 "%zu.generatorURL in body must be of type uri: \"%s\"", i,
				 p->generator_url);
		return false;
	}
	return true;
}

static void post_all(struct request *r, const struct alert_post *v, size_t n)
{
	const struct api_host *host = &r->api->options.host;
	struct answer answer = {.text = BUF(1024 * 1024)};
	struct event ev = {.kind = EVENT_ALERTS,
			   .alerts = {v, n},
			   .answer = &answer,
			   .from = call_peer(r->call),
			   .by = r->user};

	host->feed(host->ctx, &ev);
	if (answer.ok)
		answer_empty(r, 200);
	else
		answer_error(r, 400, buf_text(&answer.text));
	buf_free(&answer.text);
}

void post_alerts(struct request *r)
{
	json_t *top = body_json(r, "alerts");
	size_t n = json_array_size(top);
	struct alert_post *v;
	bool ok = true;

	if (!top)
		return;
	if (!json_is_array(top) && !json_is_null(top)) {
		answer_framework(
			r, 400,
			"parsing alerts body from \"\" failed, because it is no list");
		json_decref(top);
		return;
	}
	v = ARENA_ARRAY(r->mem, struct alert_post, n);
	for (size_t i = 0; ok && i < n; i++)
		ok = read_post(r, json_array_get(top, i), i, &v[i]);
	json_decref(top);
	if (ok)
		post_all(r, v, n);
}
