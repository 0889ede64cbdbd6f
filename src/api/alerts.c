#include "base/base.h"
#include "api/alert_list.h"
#include "text/json_reader.h"

#include <string.h>
#include <strings.h>

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

/* The body, read alert by alert. What is wrong is told once the whole text was seen, as a
 * text that is no JSON is worse than a value of the wrong kind. */
struct intake {
	struct request *r;
	struct json_reader in;
	VEC(struct alert_post) posts;
	VEC(struct label) pairs; /* of the map being read */
	struct {
		struct str text;
		struct instant at;
	} last_times[2]; /* of startsAt and endsAt, which many have the same */
	int wrong_code;	 /* 0: nothing is wrong */
	const char *wrong;
};

static void refuse(struct intake *t, int code, const char *fmt, ...) PRINTF(3, 4);

static void refuse(struct intake *t, int code, const char *fmt, ...)
{
	va_list ap;

	if (t->wrong_code)
		return;
	va_start(ap, fmt);
	t->wrong = arena_vprintf(t->r->mem, fmt, ap);
	t->wrong_code = code;
	va_end(ap);
}

static void refuse_kind(struct intake *t, const char *field, const char *want)
{
	refuse(t, 400, "parsing alerts body from \"\" failed, because %zu.%s is no %s",
	       t->posts.n, field, want);
}

enum alert_field {
	FIELD_LABELS,
	FIELD_ANNOTATIONS,
	FIELD_STARTS_AT,
	FIELD_ENDS_AT,
	FIELD_GENERATOR_URL,
	ALERT_FIELDS,
};
static const char *const field_names[ALERT_FIELDS] = {
	[FIELD_LABELS] = "labels",
	[FIELD_ANNOTATIONS] = "annotations",
	[FIELD_STARTS_AT] = "startsAt",
	[FIELD_ENDS_AT] = "endsAt",
	[FIELD_GENERATOR_URL] = "generatorURL",
};

/* An exact name counts before one in another case. */
static enum alert_field field_of(struct str name, bool *is_exact)
{
	for (int i = 0; i < ALERT_FIELDS; i++) {
		*is_exact = str_is(name, field_names[i]);
		if (*is_exact || !strcasecmp(name.p, field_names[i]))
			return (enum alert_field)i;
	}
	return ALERT_FIELDS;
}

/* Gives the pairs by name; of those with one name the last. */
static void sort_pairs(struct label *v, size_t *n)
{
	size_t kept = 0;

	labels_sort(v, *n);
	for (size_t i = 0; i < *n; i++) {
		if (i + 1 == *n || strcmp(v[i].name, v[i + 1].name))
			v[kept++] = v[i];
	}
	*n = kept;
}

static bool read_pairs(struct intake *t, enum alert_field field)
{
	struct str name;

	t->pairs.n = 0;
	if (json_kind(&t->in) != JSON_MAP) {
		refuse_kind(t, field_names[field], "map of strings");
		json_skip(&t->in);
		return false;
	}
	json_enter(&t->in);
	while (json_member(&t->in, &name)) {
		enum json_kind kind = json_kind(&t->in);
		const char *value = "";

		if (kind == JSON_TEXT)
			value = json_read_text(&t->in).p;
		else
			json_skip(&t->in);
		if (kind != JSON_TEXT && kind != JSON_NULL_VALUE)
			refuse_kind(t, field_names[field], "map of strings");
		vec_push(&t->pairs, (struct label){name.p, value});
	}
	sort_pairs(t->pairs.v, &t->pairs.n);
	return true;
}

static void read_map_into(struct intake *t, enum alert_field field,
			  const struct label **out, size_t *n)
{
	struct label *v;

	if (!read_pairs(t, field))
		return;
	v = ARENA_ARRAY(t->r->mem, struct label, t->pairs.n);
	if (t->pairs.n)
		memcpy(v, t->pairs.v, t->pairs.n * sizeof(*v));
	*out = v;
	*n = t->pairs.n;
}

static bool parse_time(struct intake *t, enum alert_field field, struct str text,
		       struct instant *out)
{
	size_t which = field == FIELD_ENDS_AT;

	if (text.n && str_eq(text, t->last_times[which].text)) {
		*out = t->last_times[which].at;
		return true;
	}
	if (!api_time_parse(text, out))
		return false;
	t->last_times[which].text = text;
	t->last_times[which].at = *out;
	return true;
}

static void read_time(struct intake *t, enum alert_field field, struct instant *out)
{
	*out = INSTANT_ZERO;
	if (json_kind(&t->in) != JSON_TEXT)
		json_skip(&t->in);
	else if (parse_time(t, field, json_read_text(&t->in), out))
		return;
	refuse_kind(t, field_names[field], "time");
}

/* An absolute URI or an absolute path, without blanks. */
static bool is_uri(struct str u)
{
	size_t colon = str_find_char(u, ':');

	for (size_t i = 0; i < u.n; i++) {
		if ((unsigned char)u.p[i] <= ' ' || u.p[i] == 0x7f)
			return false;
	}
	return u.p[0] == '/' || (colon != STR_NONE && colon > 0);
}

static void read_url(struct intake *t, const char **out)
{
	struct str url;

	if (json_kind(&t->in) != JSON_TEXT) {
		refuse_kind(t, "generatorURL", "string");
		json_skip(&t->in);
		return;
	}
	url = json_read_text(&t->in);
	if (url.n && !is_uri(url))
		refuse(t, 601, "%zu.generatorURL in body must be of type uri: \"%s\"",
		       t->posts.n, url.p);
	*out = url.p;
}

static void forget_field(struct alert_post *p, enum alert_field field)
{
	switch (field) {
	case FIELD_LABELS:
		p->labels = NULL;
		break;
	case FIELD_ANNOTATIONS:
		p->n_annotations = 0;
		break;
	case FIELD_STARTS_AT:
		p->starts_at = INSTANT_ZERO;
		break;
	case FIELD_ENDS_AT:
		p->ends_at = INSTANT_ZERO;
		break;
	case FIELD_GENERATOR_URL:
		p->generator_url = "";
		break;
	case ALERT_FIELDS:
		break;
	}
}

static void read_field(struct intake *t, enum alert_field field, struct alert_post *p)
{
	if (json_kind(&t->in) == JSON_NULL_VALUE) { /* as if it were not there */
		json_skip(&t->in);
		forget_field(p, field);
		return;
	}
	switch (field) {
	case FIELD_LABELS:
		read_map_into(t, field, &p->labels, &p->n_labels);
		break;
	case FIELD_ANNOTATIONS:
		read_map_into(t, field, &p->annotations, &p->n_annotations);
		break;
	case FIELD_STARTS_AT:
		read_time(t, field, &p->starts_at);
		break;
	case FIELD_ENDS_AT:
		read_time(t, field, &p->ends_at);
		break;
	case FIELD_GENERATOR_URL:
		read_url(t, &p->generator_url);
		break;
	case ALERT_FIELDS:
		json_skip(&t->in);
		break;
	}
}

static void read_alert(struct intake *t)
{
	struct alert_post p = {
		.starts_at = INSTANT_ZERO, .ends_at = INSTANT_ZERO, .generator_url = ""};
	bool had_exact[ALERT_FIELDS + 1] = {false}, is_exact;
	struct str name;

	if (json_kind(&t->in) != JSON_MAP) {
		refuse_kind(t, "alert", "object");
		json_skip(&t->in);
		return;
	}
	json_enter(&t->in);
	while (json_member(&t->in, &name)) {
		enum alert_field field = field_of(name, &is_exact);

		if (!is_exact && had_exact[field])
			field = ALERT_FIELDS;
		had_exact[field] = is_exact;
		read_field(t, field, &p);
	}
	if (!p.labels)
		refuse(t, 602, "%zu.labels in body is required", t->posts.n);
	vec_push(&t->posts, p);
}

static void read_all(struct intake *t)
{
	enum json_kind kind = json_kind(&t->in);

	if (kind != JSON_LIST) {
		if (kind != JSON_NULL_VALUE)
			refuse(t, 400,
			       "parsing alerts body from \"\" failed, because it is no "
			       "list");
		json_skip(&t->in);
		return;
	}
	json_enter(&t->in);
	while (json_item(&t->in))
		read_alert(t);
}

/* Who says that something is wrong is not told "no" because the disk fails, too: the alerts
 * are in force, and people are told of them. */
static void answer_posted(void *arg, bool is_durable)
{
	struct request *r = arg;

	r->api->posts_unrecorded += !is_durable;
	answer_empty(r, 200);
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
	if (!answer.ok)
		answer_error(r, 400, buf_text(&answer.text));
	else if (answer.has_news && host->store)
		store_sync_alerts(host->store, answer_posted, r);
	else
		answer_empty(r, 200);
	buf_free(&answer.text);
}

void post_alerts(struct request *r)
{
	struct str body = call_body(r->call);
	struct intake t = {.r = r, .in = json_reader(r->mem, body)};
	struct err err;

	if (!str_trim(body).n) {
		answer_framework(r, 602, "alerts in body is required");
		return;
	}
	read_all(&t);
	if (!json_is_good(&t.in, &err))
		answer_framework(r, 400,
				 "parsing alerts body from \"\" failed, because line %d, "
				 "column %d: %s",
				 err.at.line, err.at.col, err.text);
	else if (t.wrong_code)
		answer_framework(r, t.wrong_code, "%s", t.wrong);
	else
		post_all(r, t.posts.v, t.posts.n);
	vec_free(&t.posts);
	vec_free(&t.pairs);
}
