#include "base/base.h"
#include "api/request.h"
#include "model/regex.h"

#include <stdlib.h>
#include <string.h>

/* GET and POST /api/v2/alerts, GET /api/v2/alerts/groups (spec/api.md 3.3 to 3.5). */

#define MOST_JSON BUF_NO_LIMIT /* bounded by the ceiling on alerts */

/* -- out ------------------------------------------------------------------------------ */

static void add_texts(struct buf *b, const char *const *v, size_t n)
{
	buf_add_char(b, '[');
	for (size_t i = 0; i < n; i++) {
		if (i)
			buf_add_char(b, ',');
		buf_add_json(b, str_of(v[i]));
	}
	buf_add_char(b, ']');
}

static void add_fingerprints(struct buf *b, const uint64_t *v, size_t n)
{
	buf_add_char(b, '[');
	for (size_t i = 0; i < n; i++) {
		if (i)
			buf_add_char(b, ',');
		buf_add_char(b, '"');
		buf_add_fingerprint(b, v[i]);
		buf_add_char(b, '"');
	}
	buf_add_char(b, ']');
}

static void add_receiver_names(struct buf *b, const char *const *names, size_t n)
{
	buf_add_char(b, '[');
	for (size_t i = 0; i < n; i++) {
		buf_add_text(b, i ? ",{\"name\":" : "{\"name\":");
		buf_add_json(b, str_of(names[i]));
		buf_add_char(b, '}');
	}
	buf_add_char(b, ']');
}

static void add_alert(struct buf *b, const struct alert_view *v, const char *const *names,
		      size_t n_names)
{
	const struct alert *a = &v->alert;

	buf_add_text(b, "{\"annotations\":");
	buf_add_labels_json(b, a->annotations);
	buf_add_text(b, ",\"endsAt\":");
	buf_add_api_time(b, a->ends_at);
	buf_add_text(b, ",\"fingerprint\":\"");
	buf_add_fingerprint(b, v->fingerprint);
	buf_add_text(b, "\",\"receivers\":");
	add_receiver_names(b, names, n_names);
	buf_add_text(b, ",\"startsAt\":");
	buf_add_api_time(b, a->starts_at);
	buf_add_text(b, ",\"status\":{\"inhibitedBy\":");
	add_fingerprints(b, v->inhibited_by, v->n_inhibited_by);
	buf_add_text(b, ",\"mutedBy\":");
	add_texts(b, v->muted_by, v->n_muted_by);
	buf_add_text(b, ",\"silencedBy\":");
	add_texts(b, v->silenced_by, v->n_silenced_by);
	buf_addf(b, ",\"state\":\"%s\"},\"updatedAt\":",
		 v->state == MEMBER_SUPPRESSED ? "suppressed" : "active");
	buf_add_api_time(b, a->updated_at);
	if (a->generator_url[0]) {
		buf_add_text(b, ",\"generatorURL\":");
		buf_add_json(b, str_of(a->generator_url));
	}
	buf_add_text(b, ",\"labels\":");
	buf_add_labels_json(b, a->labels);
	buf_add_char(b, '}');
}

/* -- filters -------------------------------------------------------------------------- */

struct filter {
	struct matchers labels, receiver_labels;
	const struct regex *receiver;
	bool active, silenced, inhibited, muted;
};

/* False after a 400 was answered. */
static bool filter_parse(struct request *r, struct filter *f)
{
	const struct param *p = param_last(r, "receiver");
	struct err err;

	f->active = param_bool(r, "active", true);
	f->silenced = param_bool(r, "silenced", true);
	f->inhibited = param_bool(r, "inhibited", true);
	f->muted = param_bool(r, "muted", true);
	if (!param_matchers(r, "filter", "", &f->labels))
		return false;
	if (p && p->value.n) {
		f->receiver = regex_new(r->mem, p->value, REGEX_WHOLE, &err);
		if (!f->receiver) {
			answer_error(r, 400,
				     arena_printf(r->mem,
						  "failed to parse receiver param: %s",
						  err.text));
			return false;
		}
	}
	return param_matchers(
		r, "receiver_matchers",
		"failed to parse receiver_matchers param: ", &f->receiver_labels);
}

static bool takes_receiver(const struct filter *f, const struct receiver *r)
{
	return (!f->receiver || regex_matches(f->receiver, str_of(r->name))) &&
	       matchers_hold(&f->receiver_labels, r->labels);
}

static bool has_receiver(const struct filter *f, const struct alert_view *v)
{
	if (!f->receiver && !f->receiver_labels.n)
		return true;
	for (size_t i = 0; i < v->n_receivers; i++) {
		if (takes_receiver(f, v->receivers[i]))
			return true;
	}
	return false;
}

static bool takes_alert(const struct filter *f, const struct alert_view *v)
{
	bool is_active = !v->n_silenced_by && !v->n_inhibited_by;

	return (f->active || !is_active) && (f->silenced || !v->n_silenced_by) &&
	       (f->inhibited || !v->n_inhibited_by) &&
	       matchers_hold(&f->labels, v->alert.labels);
}

/* -- GET alerts ----------------------------------------------------------------------- */

static int by_fingerprint(const void *a, const void *b)
{
	const struct alert_view *x = a, *y = b;

	return (x->fingerprint > y->fingerprint) - (x->fingerprint < y->fingerprint);
}

static const char **names_of(struct arena *mem, const struct alert_view *v)
{
	const char **names = ARENA_ARRAY(mem, const char *, v->n_receivers);

	for (size_t i = 0; i < v->n_receivers; i++)
		names[i] = v->receivers[i]->name;
	return names;
}

void get_alerts(struct request *r)
{
	const struct api_host *host = &r->api->options.host;
	struct buf b = BUF(MOST_JSON);
	struct alert_view *v;
	struct filter f = {0};
	size_t n, shown = 0;

	if (!filter_parse(r, &f))
		return;
	v = view_alerts(host->engine(host->ctx), host->now(host->ctx), r->mem, &n);
	if (n)
		qsort(v, n, sizeof(*v), by_fingerprint);
	buf_add_char(&b, '[');
	for (size_t i = 0; i < n; i++) {
		if (!takes_alert(&f, &v[i]) || !has_receiver(&f, &v[i]))
			continue;
		if (shown++)
			buf_add_char(&b, ',');
		add_alert(&b, &v[i], (const char *const *)names_of(r->mem, &v[i]),
			  v[i].n_receivers);
	}
	buf_add_text(&b, "]\n");
	answer_json(r, 200, &b);
	buf_free(&b);
}

/* -- GET alerts/groups ---------------------------------------------------------------- */

static int by_labels_and_receiver(const void *a, const void *b)
{
	const struct group_view *x = a, *y = b;
	int order = labels_cmp(x->labels, y->labels);

	return order ? order : strcmp(x->receiver->name, y->receiver->name);
}

/* In which of the selected groups each alert is, by fingerprint. */
struct seen {
	uint64_t fingerprint;
	VEC(const char *) names;
};

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void collect_names(struct arena *mem, struct map *seen, const struct group_view *g)
{
	for (size_t i = 0; i < g->n_alerts; i++) {
		struct str key = map_key_u64(&g->alerts[i].fingerprint);
		struct seen *s = map_find(seen, key);

		if (!s) {
			s = ARENA_NEW(mem, struct seen);
			s->fingerprint = g->alerts[i].fingerprint;
			map_put(seen, map_key_u64(&s->fingerprint), s);
		}
		vec_push_in(mem, &s->names, g->receiver->name);
	}
}

static void add_group(struct request *r, struct buf *b, const struct filter *f,
		      const struct map *seen, const struct group_view *g, size_t *shown)
{
	const struct api_host *host = &r->api->options.host;
	size_t start = b->n, n = 0;

	buf_add_text(b, *shown ? ",{\"alerts\":[" : "{\"alerts\":[");
	for (size_t i = 0; i < g->n_alerts; i++) {
		const struct alert_view *v = &g->alerts[i];
		const struct seen *s = map_find(seen, map_key_u64(&v->fingerprint));

		if (!takes_alert(f, v))
			continue;
		if (n++)
			buf_add_char(b, ',');
		add_alert(b, v, (const char *const *)s->names.v, s->names.n);
	}
	if (!n) {
		buf_cut(b, start);
		return;
	}
	(*shown)++;
	buf_add_text(b, "],\"labels\":");
	buf_add_labels_json(b, g->labels);
	buf_add_text(b, ",\"receiver\":{\"name\":");
	buf_add_json(b, str_of(g->receiver->name));
	buf_add_char(b, '}');
	if (host->route_labels) {
		buf_add_text(b, ",\"routeLabels\":");
		buf_add_labels_json(b, host->route_labels(host->ctx, g, r->mem));
	}
	buf_add_char(b, '}');
}

static bool takes_group(const struct filter *f, const struct group_view *g)
{
	return takes_receiver(f, g->receiver) &&
	       (f->muted || !(g->n_alerts && g->alerts[0].n_muted_by));
}

void get_groups(struct request *r)
{
	const struct api_host *host = &r->api->options.host;
	struct buf b = BUF(MOST_JSON);
	struct map seen = {0};
	struct group_view *v;
	struct filter f = {0};
	struct seen *s;
	size_t n, shown = 0;

	if (!filter_parse(r, &f))
		return;
	v = view_groups(host->engine(host->ctx), host->now(host->ctx), r->mem, &n);
	if (n)
		qsort(v, n, sizeof(*v), by_labels_and_receiver);
	for (size_t i = 0; i < n; i++) {
		if (takes_receiver(&f, v[i].receiver))
			collect_names(r->mem, &seen, &v[i]);
	}
	for (size_t at = 0; (s = map_next(&seen, &at));)
		qsort(s->names.v, s->names.n, sizeof(*s->names.v), by_text);
	buf_add_char(&b, '[');
	for (size_t i = 0; i < n; i++) {
		if (takes_group(&f, &v[i]))
			add_group(r, &b, &f, &seen, &v[i], &shown);
	}
	buf_add_text(&b, "]\n");
	answer_json(r, 200, &b);
	buf_free(&b);
	map_free(&seen);
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
	struct event ev = {.kind = EVENT_ALERTS, .alerts = {v, n}, .answer = &answer};

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
