#include "base/base.h"
#include "api/request.h"
#include "net/clock.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* /api/v2/silences and /api/v2/silence/{id} (spec/api.md 3.6 to 3.9). A change is answered
 * once it is on the disk. */

/* -- out ------------------------------------------------------------------------------ */

static void add_matcher(struct buf *b, const struct matcher *m)
{
	bool equal = m->op == MATCH_EQUAL || m->op == MATCH_REGEX;
	bool regex = m->op == MATCH_REGEX || m->op == MATCH_NOT_REGEX;

	buf_add_text(b, equal ? "{\"isEqual\":true" : "{\"isEqual\":false");
	buf_add_text(b, regex ? ",\"isRegex\":true" : ",\"isRegex\":false");
	buf_add_text(b, ",\"name\":");
	buf_add_json(b, str_of(m->name));
	buf_add_text(b, ",\"value\":");
	buf_add_json(b, str_of(m->value));
	buf_add_char(b, '}');
}

static void add_silence(struct buf *b, const struct silence *s, struct instant now)
{
	buf_add_text(b, "{\"id\":\"");
	buf_add_text(b, s->id);
	buf_add_text(b, "\",\"status\":{\"state\":\"");
	buf_add_text(b, silence_state_text(silence_state(s, now)));
	buf_add_text(b, "\"},\"updatedAt\":");
	buf_add_api_time(b, s->updated_at);
	if (s->annotations && s->annotations->n) {
		buf_add_text(b, ",\"annotations\":");
		buf_add_labels_json(b, s->annotations);
	}
	buf_add_text(b, ",\"comment\":");
	buf_add_json(b, str_of(s->comment));
	buf_add_text(b, ",\"createdBy\":");
	buf_add_json(b, str_of(s->created_by));
	buf_add_text(b, ",\"endsAt\":");
	buf_add_api_time(b, s->ends_at);
	buf_add_text(b, ",\"matchers\":[");
	for (size_t i = 0; i < s->matchers.n; i++) {
		if (i)
			buf_add_char(b, ',');
		add_matcher(b, &s->matchers.v[i]);
	}
	buf_add_text(b, "],\"startsAt\":");
	buf_add_api_time(b, s->starts_at);
	buf_add_char(b, '}');
}

/* -- GET silences --------------------------------------------------------------------- */

struct listed {
	const struct silence *s;
	enum silence_state state;
};

/* Active ones by their end, then pending ones by their start, then expired ones, the
 * latest end first. */
static int in_list_order(const void *a, const void *b)
{
	static const int rank[] = {
		[SILENCE_ACTIVE] = 0, [SILENCE_PENDING] = 1, [SILENCE_EXPIRED] = 2};
	const struct listed *x = a, *y = b;

	if (x->state != y->state)
		return rank[x->state] - rank[y->state];
	switch (x->state) {
	case SILENCE_ACTIVE:
		return instant_cmp(x->s->ends_at, y->s->ends_at);
	case SILENCE_PENDING:
		return instant_cmp(x->s->starts_at, y->s->starts_at);
	case SILENCE_EXPIRED:
		break;
	}
	return instant_cmp(y->s->ends_at, x->s->ends_at);
}

static bool has_matcher(const struct silence *s, const struct matcher *m)
{
	for (size_t i = 0; i < s->matchers.n; i++) {
		if (matcher_eq(&s->matchers.v[i], m))
			return true;
	}
	return false;
}

static bool has_all(const struct silence *s, const struct matchers *wanted)
{
	for (size_t i = 0; i < wanted->n; i++) {
		if (!has_matcher(s, &wanted->v[i]))
			return false;
	}
	return true;
}

/* An answer on its way: a silence that is forgotten meanwhile is left out. */
struct silence_list {
	struct request *r;
	char (*ids)[SILENCE_ID_SIZE];
	size_t n, at, shown;
};

static bool more_silences(void *arg, struct buf *b)
{
	struct silence_list *list = arg;
	const struct api_host *host = &list->r->api->options.host;
	struct engine *e = host->engine(host->ctx);
	struct instant now = instant_of_ms(host->now(host->ctx));

	if (!list->at)
		buf_add_char(b, '[');
	while (list->at < list->n && b->n < STREAM_PIECE) {
		const struct silence *s = view_silence(e, list->ids[list->at++]);

		if (s && list->shown++)
			buf_add_char(b, ',');
		if (s)
			add_silence(b, s, now);
	}
	if (list->at < list->n)
		return true;
	buf_add_text(b, "]\n");
	return false;
}

static void silences_ended(void *list)
{
	(void)list; /* it is the call's */
}

static void choose(struct silence_list *list, const struct matchers *filter)
{
	struct request *r = list->r;
	const struct api_host *host = &r->api->options.host;
	struct instant now = instant_of_ms(host->now(host->ctx));
	bool wants[] = {
		[SILENCE_ACTIVE] = param_bool(r, "active", true),
		[SILENCE_PENDING] = param_bool(r, "pending", true),
		[SILENCE_EXPIRED] = param_bool(r, "expired", true),
	};
	struct arena mem = {0};
	const struct silence **all;
	struct listed *v;
	size_t n;

	all = view_silences(host->engine(host->ctx), &mem, &n);
	v = ARENA_ARRAY(&mem, struct listed, n);
	for (size_t i = 0; i < n; i++) {
		struct listed l = {all[i], silence_state(all[i], now)};

		if (wants[l.state] && has_all(l.s, filter))
			v[list->n++] = l;
	}
	if (list->n)
		qsort(v, list->n, sizeof(*v), in_list_order);
	list->ids = arena_alloc(r->mem, list->n * sizeof(*list->ids) + 1);
	for (size_t i = 0; i < list->n; i++)
		memcpy(list->ids[i], v[i].s->id, sizeof(*list->ids));
	arena_free(&mem);
}

void get_silences(struct request *r)
{
	struct silence_list *list = ARENA_NEW(r->mem, struct silence_list);
	double began = clock_seconds();
	struct matchers filter;

	list->r = r;
	if (!param_matchers(r, "filter", "", &filter))
		return;
	choose(list, &filter);
	seconds_add(&r->api->silence_queries, clock_seconds() - began, 1);
	answer_json_stream(r, &(struct stream){list, more_silences, silences_ended});
}

/* -- one silence ---------------------------------------------------------------------- */

static bool is_hex(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (!isxdigit((unsigned char)s.p[i]))
			return false;
	}
	return true;
}

static bool is_dashed_uuid(struct str s)
{
	static const size_t dashes[] = {8, 13, 18, 23};
	size_t from = 0;

	if (s.n != 36)
		return false;
	for (size_t i = 0; i < COUNT_OF(dashes); i++) {
		if (s.p[dashes[i]] != '-' || !is_hex(str_slice(s, from, dashes[i] - from)))
			return false;
		from = dashes[i] + 1;
	}
	return is_hex(str_from(s, from));
}

static bool is_uuid(struct str s)
{
	if (s.n == 38 && s.p[0] == '{' && s.p[37] == '}')
		return is_dashed_uuid(str_slice(s, 1, 36));
	if (str_starts(s, STR("urn:uuid:")))
		return is_dashed_uuid(str_from(s, 9));
	return is_dashed_uuid(s) || (s.n == 32 && is_hex(s));
}

static bool check_id(struct request *r)
{
	if (is_uuid(str_of(r->id)))
		return true;
	answer_framework(r, 601, "silenceID in path must be of type uuid: \"%s\"", r->id);
	return false;
}

void get_silence(struct request *r)
{
	const struct api_host *host = &r->api->options.host;
	const struct silence *s;
	struct buf b = BUF(BUF_NO_LIMIT);

	if (!check_id(r))
		return;
	s = view_silence(host->engine(host->ctx), r->id);
	if (!s) {
		answer_empty(r, 404);
		return;
	}
	add_silence(&b, s, instant_of_ms(host->now(host->ctx)));
	buf_add_char(&b, '\n');
	answer_json(r, 200, &b);
	buf_free(&b);
}

/* -- changes: answered when they are on the disk -------------------------------------- */

static void durable(void *arg, bool ok)
{
	struct request *r = arg;
	struct buf b = BUF(200);

	if (!ok) {
		answer_error(r, 500,
			     "the silence could not be written to disk; it mutes now, but "
			     "would not survive a restart");
	} else if (r->id[0] == '-') { /* of a DELETE: see delete_silence */
		answer_empty(r, 200);
	} else {
		buf_addf(&b, "{\"silenceID\":\"%s\"}\n", r->id);
		answer_json(r, 200, &b);
	}
	buf_free(&b);
}

static void when_durable(struct request *r)
{
	struct store *store = r->api->options.host.store;

	if (store)
		store_sync(store, durable, r);
	else
		durable(r, true);
}

void delete_silence(struct request *r)
{
	const struct api_host *host = &r->api->options.host;
	struct answer answer = {.text = BUF(4096)};
	struct event ev = {.kind = EVENT_SILENCE_EXPIRE,
			   .answer = &answer,
			   .from = call_peer(r->call),
			   .by = r->user};

	if (!check_id(r))
		return;
	ev.id = r->id;
	host->feed(host->ctx, &ev);
	buf_free(&answer.text);
	if (!answer.ok) {
		answer_empty(r, 404);
		return;
	}
	r->id = "-";
	when_durable(r);
}

/* -- POST silences -------------------------------------------------------------------- */

static bool required(struct request *r, const char *name)
{
	answer_framework(r, 602, "%s in body is required", name);
	return false;
}

static bool wrong(struct request *r, const char *name, const char *want)
{
	answer_framework(r, 400,
			 "parsing silence body from \"\" failed, because %s is no %s", name,
			 want);
	return false;
}

static bool read_text(struct request *r, const json_t *o, const char *name,
		      const char **out)
{
	const json_t *v = member(o, name);

	if (!v)
		return required(r, name);
	if (!json_is_string(v))
		return wrong(r, name, "string");
	*out = arena_text(r->mem, json_string_value(v));
	return true;
}

static bool read_time(struct request *r, const json_t *o, const char *name,
		      struct instant *out)
{
	const json_t *v = member(o, name);

	if (!v)
		return required(r, name);
	if (!json_is_string(v) || !api_time_parse(str_of(json_string_value(v)), out))
		return wrong(r, name, "time");
	return true;
}

static bool read_matcher(struct request *r, const json_t *o, size_t i, struct matcher *out)
{
	const json_t *regex = member(o, "isRegex"), *equal = member(o, "isEqual");
	const json_t *name = member(o, "name"), *value = member(o, "value");
	static const enum match_op ops[2][2] = {{MATCH_NOT_EQUAL, MATCH_NOT_REGEX},
						{MATCH_EQUAL, MATCH_REGEX}};
	struct str text;
	struct err err;

	if (!json_is_object(o))
		return wrong(r, arena_printf(r->mem, "matchers.%zu", i), "object");
	if (!regex)
		return required(r, arena_printf(r->mem, "matchers.%zu.isRegex", i));
	if (!name)
		return required(r, arena_printf(r->mem, "matchers.%zu.name", i));
	if (!value)
		return required(r, arena_printf(r->mem, "matchers.%zu.value", i));
	if (!json_is_boolean(regex) || (equal && !json_is_boolean(equal)) ||
	    !json_is_string(name) || !json_is_string(value))
		return wrong(r, arena_printf(r->mem, "matchers.%zu", i), "matcher");
	text = str_of(json_string_value(value));
	if (matcher_new(r->mem, ops[!equal || json_is_true(equal)][json_is_true(regex)],
			str_of(json_string_value(name)), text, out, &err))
		return true;
	answer_error(r, 400,
		     arena_printf(r->mem,
				  "invalid silence: invalid label matcher %zu in set 0: "
				  "invalid regular expression \"%s\": %s",
				  i, text.p, err.text));
	return false;
}

static bool read_matchers(struct request *r, const json_t *o, struct matchers *out)
{
	const json_t *list = member(o, "matchers");

	if (!list)
		return required(r, "matchers");
	if (!json_is_array(list))
		return wrong(r, "matchers", "list");
	out->n = json_array_size(list);
	if (!out->n) {
		answer_framework(r, 612, "matchers in body should have at least 1 items");
		return false;
	}
	out->v = ARENA_ARRAY(r->mem, struct matcher, out->n);
	for (size_t i = 0; i < out->n; i++) {
		if (!read_matcher(r, json_array_get(list, i), i, &out->v[i]))
			return false;
	}
	return true;
}

static bool read_annotations(struct request *r, const json_t *o, struct silence *s)
{
	const struct label *pairs;
	size_t n;

	if (!read_map(r->mem, member(o, "annotations"), &pairs, &n))
		return wrong(r, "annotations", "map of strings");
	s->annotations = labels_new_raw(r->mem, pairs, n, NULL);
	return true;
}

static bool read_silence(struct request *r, const json_t *o, struct silence *s)
{
	const json_t *id = member(o, "id");

	if (!json_is_object(o))
		return wrong(r, "silence", "object");
	if (!read_text(r, o, "comment", &s->comment) ||
	    !read_text(r, o, "createdBy", &s->created_by) ||
	    !read_time(r, o, "endsAt", &s->ends_at) || !read_matchers(r, o, &s->matchers) ||
	    !read_time(r, o, "startsAt", &s->starts_at) || !read_annotations(r, o, s))
		return false;
	if (id && !json_is_string(id))
		return wrong(r, "id", "string");
	if (id && json_string_length(id) >= sizeof(s->id)) {
		answer_error(r, 404, "silence not found");
		return false;
	}
	if (id)
		strcpy(s->id, json_string_value(id));
	return true;
}

static bool check_times(struct request *r, const struct silence *s, struct instant now)
{
	if (instant_cmp(s->starts_at, s->ends_at) >= 0) {
		answer_error(
			r, 400,
			"Failed to create silence: start time must be before end time");
		return false;
	}
	if (instant_cmp(s->ends_at, now) < 0) {
		answer_error(r, 400,
			     "Failed to create silence: end time can't be in the past");
		return false;
	}
	return true;
}

void post_silences(struct request *r)
{
	const struct api_host *host = &r->api->options.host;
	struct answer answer = {.text = BUF(4096)};
	json_t *top = body_json(r, "silence");
	struct silence s = {.annotations = &labels_none};
	struct event ev = {.kind = EVENT_SILENCE_SET, .silence = &s, .answer = &answer};
	bool ok;

	if (!top)
		return;
	ev.from = call_peer(r->call);
	ev.by = r->user;
	ok = read_silence(r, top, &s) &&
	     check_times(r, &s, instant_of_ms(host->now(host->ctx)));
	json_decref(top);
	if (!ok)
		return;
	host->feed(host->ctx, &ev);
	if (answer.ok) {
		r->id = arena_text(r->mem, answer.silence_id);
		when_durable(r);
	} else {
		answer_error(r, answer.not_found ? 404 : 400, buf_text(&answer.text));
	}
	buf_free(&answer.text);
}
