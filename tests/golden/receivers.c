#include "base/base.h"
#include "golden/receivers.h"
#include "base/map.h"
#include "base/url.h"
#include "base/vec.h"
#include "engine/engine.h"
#include "golden/mail.h"
#include "golden/match.h"
#include "golden/sink.h"
#include "receivers/attempt.h"

#include <stdio.h>
#include <glob.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SINK	     "sink.example.org:8080"
#define SMTP	     "smtp.example.org:2525"
#define EXTERNAL_URL "http://am.example.org:9093"
#define STARTED	     INT64_C(1795255200000) /* 2026-11-21T10:00:00Z */
#define MOST_STEPS   10000

struct outcome {
	int post, attempt;
	bool ok, retryable;
};
struct runner {
	struct arena *mem;
	const char *folder;
	json_t *expected, *smtp;
	const struct config *config;
	const struct template_set *templates;
	struct engine *engine;
	wall_ms now;
	struct sink sink;
	struct map caches;
	int post;
	VEC(struct http_request) requests;
	VEC(struct mail_request) mails;
	VEC(struct outcome) outcomes;
	const char *group_key;
	const char *why; /* it failed; NULL: not yet */
	struct str want, got;
};

static void differs(struct runner *r, struct str want, struct str got, const char *fmt, ...)
	PRINTF(4, 5);
static void differs(struct runner *r, struct str want, struct str got, const char *fmt, ...)
{
	va_list ap;

	if (r->why)
		return;
	va_start(ap, fmt);
	r->why = arena_vprintf(r->mem, fmt, ap);
	va_end(ap);
	r->want = want;
	r->got = got;
}

/* -- files ---------------------------------------------------------------------------- */
static const char *replaced(struct arena *mem, const char *text, const char *from,
			    const char *to)
{
	struct buf out = BUF(BUF_NO_LIMIT);
	const char *at, *result;

	while ((at = strstr(text, from))) {
		buf_add(&out, text, (size_t)(at - text));
		buf_add_text(&out, to);
		text = at + strlen(from);
	}
	buf_add_text(&out, text);
	result = arena_text(mem, buf_text(&out));
	buf_free(&out);
	return result;
}

static const char *filled(struct runner *r, const char *text)
{
	char whole[PATH_MAX];

	text = replaced(r->mem, text, "@SINK@", SINK);
	text = replaced(r->mem, text, "@SMTP@", SMTP);
	return replaced(r->mem, text, "@DIR@",
			realpath(r->folder, whole) ? whole : r->folder);
}

static bool read_path(void *ctx, struct arena *mem, const char *path, struct str *out,
		      struct err *err)
{
	struct runner *r = ctx;

	if (!golden_read(mem, path, out))
		return err_set(err, (struct pos){path, 0, 0}, "no such file");
	*out = str_of(filled(r, arena_copy(mem, *out)));
	return true;
}

static bool glob_paths(void *ctx, struct arena *mem, const char *pattern,
		       const char ***paths, size_t *n, struct err *err)
{
	glob_t found;

	(void)ctx;
	*n = 0;
	switch (glob(pattern, 0, NULL, &found)) {
	case 0:
		break;
	case GLOB_NOMATCH:
		return true;
	default:
		return err_set(err, (struct pos){pattern, 0, 0}, "cannot list the folder");
	}
	*paths = ARENA_ARRAY(mem, const char *, found.gl_pathc);
	for (size_t i = 0; i < found.gl_pathc; i++)
		(*paths)[(*n)++] = arena_text(mem, found.gl_pathv[i]);
	globfree(&found);
	return true;
}

static bool read_zone(void *ctx, struct arena *mem, const char *name, struct str *out,
		      struct err *err)
{
	(void)ctx;
	return golden_read(mem, arena_printf(mem, "/usr/share/zoneinfo/%s", name), out) ||
	       err_set(err, NOWHERE, "no such zone");
}

static const struct zone *find_zone(void *ctx, struct str name)
{
	struct runner *r = ctx;
	const char *text = arena_copy(r->mem, name);
	struct str tzif;

	return read_zone(ctx, r->mem, text, &tzif, NULL)
		       ? zone_parse(r->mem, text, tzif, NULL)
		       : NULL;
}

static bool load(struct runner *r)
{
	const struct files files = {r, read_path, glob_paths, read_zone, NULL};
	const struct config_options o = {.files = &files, .kinds = integration_kinds};
	struct errs errs = {.mem = r->mem};

	r->config = config_load(r->mem, arena_printf(r->mem, "%s/config.yml", r->folder),
				&o, &errs, NULL);
	if (r->config)
		r->templates = receiver_templates_load(r->mem, r->config, &files, &errs);
	if (!r->templates)
		differs(r, STR("a configuration that loads"), STR(""), "%s",
			errs.n ? err_text(r->mem, errs.v[0]) : "cannot be loaded");
	return r->templates != NULL;
}

/* -- deliveries ----------------------------------------------------------------------- */
static struct attempt_cache *cache_of(struct runner *r, const struct integration_config *ic)
{
	const char *key = arena_printf(r->mem, "%p", (const void *)ic);
	struct attempt_cache *c = map_find(&r->caches, str_of(key));

	if (!c) {
		c = ARENA_NEW(r->mem, struct attempt_cache);
		map_put(&r->caches, str_of(key), c);
	}
	return c;
}

static void dialogue(struct runner *r, struct attempt *a)
{
	attempt_start(a);
	while (a->wants != WANTS_NOTHING && r->requests.n + r->mails.n < MOST_STEPS) {
		if (a->wants == WANTS_HTTP) {
			struct http_answer answer;

			vec_push_in(r->mem, &r->requests, a->http);
			sink_answer(&r->sink, r->mem, &a->http, &answer);
			attempt_http(a, &answer);
		} else {
			struct mail_answer answer;

			vec_push_in(r->mem, &r->mails, a->mail);
			mail_sink(r->mem, r->smtp, &a->mail, &answer);
			attempt_mail(a, &answer);
		}
	}
}

static struct delivery_ended deliver(struct runner *r, const struct delivery_wish *wish)
{
	const struct attempt_env env = {.templates = r->templates,
					.external_url = EXTERNAL_URL,
					.user_agent = "Alertmanager/0.34.0",
					.hostname = "host.example.org",
					.now = instant_of_ms(r->now),
					.zone_find = find_zone,
					.read = read_path,
					.ctx = r,
					.random = wish->id};
	struct attempt a = {.mem = r->mem,
			    .n = wish->notification,
			    .env = &env,
			    .cache = cache_of(r, wish->notification->integration)};
	bool asked;

	r->group_key = arena_text(r->mem, wish->notification->group_key);
	asked = wish->notification->firing ||
		wish->notification->integration->send_resolved;
	dialogue(r, &a);
	if (asked)
		vec_push_in(r->mem, &r->outcomes,
			    (struct outcome){r->post, (int)wish->attempt,
					     a.verdict == VERDICT_SENT,
					     a.verdict == VERDICT_RETRY});
	return (struct delivery_ended){.id = wish->id,
				       .verdict = a.verdict,
				       .failure = a.failure,
				       .error = a.error,
				       .memory = a.remembers ? a.memory : NULL,
				       .n_memory = a.n_memory};
}

/* One step of the engine and of all deliveries it asks for. */
static wall_ms step(struct runner *r, const struct event *in, size_t n)
{
	struct actions todo = {0};
	VEC(struct event) ended = {0};
	wall_ms next;

	next = engine_step(r->engine, r->now, in, n, r->mem, &todo);
	for (size_t i = 0; i < todo.n; i++) {
		struct delivery_ended *d;

		if (todo.v[i].kind != ACTION_DELIVER)
			continue;
		d = ARENA_NEW(r->mem, struct delivery_ended);
		*d = deliver(r, &todo.v[i].delivery);
		vec_push_in(r->mem, &ended,
			    (struct event){.kind = EVENT_DELIVERY_ENDED, .delivery = d});
	}
	free(todo.v);
	return ended.n ? step(r, ended.v, ended.n) : next;
}

/* -- posts ---------------------------------------------------------------------------- */
static const struct label *labels_of(struct arena *mem, const json_t *object, size_t *n)
{
	struct label *v = ARENA_ARRAY(mem, struct label, json_object_size(object));
	const char *name;
	json_t *value;

	*n = 0;
	json_object_foreach((json_t *)(uintptr_t)object, name, value)
		v[(*n)++] = (struct label){arena_text(mem, name),
					   arena_text(mem, json_string_value(value))};
	return v;
}

static struct instant time_of(struct runner *r, const json_t *alert, const char *key)
{
	const char *text = json_text(alert, key);
	struct instant t = INSTANT_ZERO;

	if (!strcmp(text, "@NOW@"))
		return instant_of_ms(r->now);
	if (*text && !instant_parse(str_of(text), &t))
		differs(r, STR("a time"), str_of(text), "%s", key);
	return t;
}

static void post(struct runner *r, const json_t *alerts)
{
	size_t n = json_array_size(alerts);
	struct alert_post *v = ARENA_ARRAY(r->mem, struct alert_post, n);
	struct answer answer = {.text = BUF(65536)};
	struct event e = {.kind = EVENT_ALERTS, .answer = &answer};

	for (size_t i = 0; i < n; i++) {
		const json_t *in = json_array_get(alerts, i);

		v[i].labels = labels_of(r->mem, json_object_get(in, "labels"),
					&v[i].n_labels);
		v[i].annotations = labels_of(r->mem, json_object_get(in, "annotations"),
					     &v[i].n_annotations);
		v[i].starts_at = time_of(r, in, "startsAt");
		v[i].ends_at = time_of(r, in, "endsAt");
		v[i].generator_url = arena_text(r->mem, json_text(in, "generatorURL"));
	}
	e.alerts.v = v;
	e.alerts.n = n;
	step(r, &e, 1);
	if (!answer.ok)
		differs(r, STR("the alerts are taken"), buf_str(&answer.text), "post %d",
			r->post);
	buf_free(&answer.text);
}

static size_t happened(const struct runner *r)
{
	return r->requests.n + r->mails.n;
}

/* Until what was recorded has happened, then on for a while, for what should not happen:
 * not amid retries, and after a failure not up to the group's next flush. */
static void run_post(struct runner *r, const json_t *alerts, size_t expected)
{
	const struct event tick = {.kind = EVENT_TICK};
	size_t before = happened(r), steps = 0;
	wall_ms end = r->now + 9 * SECOND, next;

	post(r, alerts);
	for (next = step(r, &tick, 1); next <= end && steps++ < MOST_STEPS;
	     next = step(r, &tick, 1)) {
		const struct outcome *last = r->outcomes.n
						     ? &r->outcomes.v[r->outcomes.n - 1]
						     : NULL;

		if (last && !last->ok && expected && happened(r) - before >= expected) {
			end = MIN(end, r->now + 1500);
			if (last->retryable || next > end)
				break;
		}
		r->now = MAX(next, r->now);
	}
	if (happened(r) - before != expected)
		differs(r, str_of(arena_printf(r->mem, "%zu requests", expected)),
			str_of(arena_printf(r->mem, "%zu", happened(r) - before)),
			"post %d", r->post);
	r->now += SECOND;
}

static void run_posts(struct runner *r)
{
	json_t *counts = json_object_get(r->expected, "requests_per_post");
	struct event e = {.kind = EVENT_CONFIG, .config = r->config};

	if (!counts)
		counts = json_object_get(r->expected, "sessions_per_post");
	step(r, &e, 1);
	for (size_t i = 0; i < json_array_size(counts) && !r->why; i++) {
		const char *name = i ? arena_printf(r->mem, "alerts-%zu.json", i + 1)
				     : "alerts.json";
		json_t *alerts = json_file(r->mem, r->folder, name);

		r->post++;
		run_post(r, alerts, (size_t)json_integer_value(json_array_get(counts, i)));
		json_decref(alerts);
	}
}

/* -- comparing ------------------------------------------------------------------------ */
/* A header as it leaves: what the integration says, then what its http_config adds. */
static const char *header_of(struct runner *r, const struct http_request *req,
			     const char *name)
{
	const struct http_config *c = req->config;

	for (size_t i = 0; i < req->n_headers; i++) {
		if (!strcasecmp(req->headers[i].name, name))
			return req->headers[i].value;
	}
	if (strcasecmp(name, "Authorization") || !c)
		return "";
	if (c->has_authorization)
		return arena_printf(r->mem, "%s %s", c->auth_type,
				    secret_reveal(c->credentials));
	return c->has_basic_auth ? "Basic" : "";
}

static void compare_headers(struct runner *r, const json_t *want,
			    const struct http_request *got, size_t i)
{
	const char *name;
	json_t *value;

	json_object_foreach(json_object_get(want, "headers"), name, value)
	{
		const char *text = json_string_value(value),
			   *real = header_of(r, got, name);

		if (!strcmp(real, "Basic") && !strncmp(text, "Basic ", 6))
			continue;
		if (!text_matches(str_of(text), str_of(real)))
			differs(r, str_of(text), str_of(real), "request %zu, header %s", i,
				name);
	}
}

/* name=value&...: every field of want, and no other but an empty MessageAttributes. */
static void compare_form(struct runner *r, const json_t *want, struct str body, size_t i)
{
	json_t *got = json_object();
	struct str pair;
	const char *where;

	while (str_cut(&body, '&', &pair)) {
		struct str name, value = pair;

		str_cut(&value, '=', &name);
		if (!url_unescape(r->mem, value, true, &value) ||
		    !url_unescape(r->mem, name, true, &name))
			continue;
		if (!str_is(name, "MessageAttributes") || value.n)
			json_object_set_new(got, arena_copy(r->mem, name),
					    json_stringn(value.p, value.n));
	}
	if (!json_matches(r->mem, want, got, &where))
		differs(r, STR("the form"), body, "request %zu, field %s", i, where);
	json_decref(got);
}

static void compare_body(struct runner *r, const json_t *want,
			 const struct http_request *got, size_t i)
{
	const json_t *json = json_object_get(want, "body_json");
	const char *text = json_string_value(json_object_get(want, "body_text"));
	const char *where = "";

	if (json) {
		json_t *body = json_loadb(got->body.p ? got->body.p : "", got->body.n,
					  JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
		char *dump = json_dumps(json, JSON_ENCODE_ANY | JSON_COMPACT);

		if (!json_matches(r->mem, json, body, &where))
			differs(r, str_of(arena_text(r->mem, dump)), got->body,
				"request %zu, body%s", i, where);
		free(dump);
		json_decref(body);
	} else if (text && !text_matches(str_of(text), got->body)) {
		differs(r, str_of(text), got->body, "request %zu, body", i);
	} else if (json_object_get(want, "form")) {
		compare_form(r, json_object_get(want, "form"), got->body, i);
	}
}

static void compare_request(struct runner *r, const json_t *want,
			    const struct http_request *got, size_t i)
{
	const char *url = filled(r, json_text(want, "url"));

	if (strcmp(got->method, json_text(want, "method")))
		differs(r, str_of(json_text(want, "method")), str_of(got->method),
			"request %zu, method", i);
	if (!text_matches(str_of(url), str_of(got->url)))
		differs(r, str_of(url), str_of(got->url), "request %zu, url", i);
	compare_headers(r, want, got, i);
	compare_body(r, want, got, i);
}

/* The recorded request with its holes filled; free with json_decref. */
static json_t *recorded(struct runner *r, size_t i)
{
	json_t *one = json_array_get(json_object_get(r->expected, "requests"), i);
	char *text = json_dumps(one, 0);
	json_t *own = json_loads(filled(r, text), JSON_ALLOW_NUL, NULL);

	free(text);
	return own ? own : json_incref(one);
}

/* Brings the request that is like the recorded one to place i, where any order will do. */
static void find_request(struct runner *r, const json_t *want, size_t i)
{
	for (size_t k = i; k < r->requests.n; k++) {
		struct http_request swap = r->requests.v[k];

		compare_request(r, want, &swap, i + 1);
		if (r->why) {
			r->why = NULL;
			continue;
		}
		r->requests.v[k] = r->requests.v[i];
		r->requests.v[i] = swap;
		return;
	}
}

static void compare_requests(struct runner *r)
{
	size_t n = json_array_size(json_object_get(r->expected, "requests"));
	const json_t *sessions = json_object_get(r->expected, "sessions");

	for (size_t i = 0; i < n && i < r->requests.n && !r->why; i++) {
		json_t *want = recorded(r, i);

		if (json_is_true(json_object_get(r->expected, "any_order")))
			find_request(r, want, i);
		compare_request(r, want, &r->requests.v[i], i + 1);
		json_decref(want);
	}
	for (size_t i = 0; i < json_array_size(sessions) && i < r->mails.n; i++) {
		const char *why = mail_differs(r->mem, json_array_get(sessions, i),
					       &r->mails.v[i]);

		if (why)
			differs(r, STR("the recorded session"), str_of(why), "session %zu",
				i + 1);
	}
}

static void compare_outcomes(struct runner *r)
{
	const json_t *want = json_object_get(r->expected, "outcome");
	const char *group_key = json_text(r->expected, "group_key");

	for (size_t i = 0; i < json_array_size(want); i++) {
		const json_t *one = json_array_get(want, i);
		bool ok = json_is_true(json_object_get(one, "ok"));
		bool retryable = json_is_true(json_object_get(one, "retryable"));

		if (i >= r->outcomes.n)
			differs(r, STR("an attempt"), STR("none"), "outcome %zu", i + 1);
		else if (r->outcomes.v[i].ok != ok ||
			 r->outcomes.v[i].retryable != retryable)
			differs(r,
				str_of(ok	   ? "ok"
				       : retryable ? "retry"
						   : "give up"),
				str_of(r->outcomes.v[i].ok	    ? "ok"
				       : r->outcomes.v[i].retryable ? "retry"
								    : "give up"),
				"outcome %zu", i + 1);
	}
	if (*group_key && r->group_key && strcmp(group_key, r->group_key))
		differs(r, str_of(group_key), str_of(r->group_key), "group key");
}

/* -- cases ---------------------------------------------------------------------------- */
bool is_receiver_case(const char *folder)
{
	struct arena mem = {0};
	bool is = !access(arena_printf(&mem, "%s/config.yml", folder), R_OK) &&
		  !access(arena_printf(&mem, "%s/expected.json", folder), R_OK);

	arena_free(&mem);
	return is;
}

static void run_case(struct runner *r)
{
	const struct engine_options o = {.seed = 1,
					 .started_at = r->now,
					 .retention = 120 * HOUR,
					 .alert_gc = 30 * MINUTE,
					 .maintenance = 15 * MINUTE,
					 .resend_delay = MINUTE,
					 .external_url = EXTERNAL_URL,
					 .zone_find = find_zone,
					 .zone_arg = r};

	r->engine = engine_new(&o);
	run_posts(r);
	engine_free(r->engine);
	if (!r->why)
		compare_requests(r);
	if (!r->why)
		compare_outcomes(r);
}

void golden_receiver(struct tally *t, const char *folder)
{
	struct arena mem = {0};
	struct runner r = {.mem = &mem, .folder = folder, .now = STARTED};
	json_t *responses = json_file(&mem, folder, "responses.json");

	r.expected = json_file(&mem, folder, "expected.json");
	r.smtp = json_file(&mem, folder, "smtp.json");
	r.sink.rules = responses;
	if (load(&r))
		run_case(&r);
	if (r.why)
		golden_failed(t, arena_printf(&mem, "%s: %s", folder, r.why), r.want,
			      r.got);
	else
		golden_passed(t);
	json_decref(r.expected);
	json_decref(r.smtp);
	json_decref(responses);
	map_free(&r.caches);
	arena_free(&mem);
}
