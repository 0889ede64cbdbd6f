#include "base/base.h"
#include "config/parts.h"

#include <string.h>
#include <strings.h>

/* Where rules are evaluated, and where what they record is written. */

static const struct {
	const char *name;
	enum datasource_type type;
} types[] = {
	{"prometheus", DATASOURCE_PROMETHEUS}, {"victoriametrics", DATASOURCE_PROMETHEUS},
	{"thanos", DATASOURCE_PROMETHEUS},     {"mimir", DATASOURCE_PROMETHEUS},
	{"cortex", DATASOURCE_PROMETHEUS},     {"loki", DATASOURCE_LOKI},
	{"victorialogs", DATASOURCE_VLOGS},    {"vlogs", DATASOURCE_VLOGS},
	{"graphite", DATASOURCE_GRAPHITE},
};

#define AT(m) offsetof(struct datasource_text, m)
static const struct field datasource_fields[] = {
	{"name", FIELD_TEXT, AT(name), .help = "What rule groups call it."},
	{"type", FIELD_TEXT, AT(type), .if_absent = "prometheus",
	 .help = "prometheus, victoriametrics, thanos, mimir, loki, victorialogs or "
		 "graphite."},
	{"url", FIELD_URL, AT(url), .help = "Address; the path of the API is added."},
	{"timeout", FIELD_SPAN, AT(timeout), .if_absent = "30s", .help = "Of one query."},
	{"http_method", FIELD_TEXT, AT(http_method), .if_absent = "POST", .quiet = true,
	 .help = "POST, or GET where a proxy forbids that."},
	{"max_response_bytes", FIELD_INT, AT(max_response_bytes), .if_absent = "67108864",
	 .min = 1024, .max = INT64_C(1) << 40, .help = "A longer answer is an error."},
	{"max_series", FIELD_INT, AT(max_series), .if_absent = "100000", .min = 1,
	 .max = 100000000, .help = "More series in one answer are an error."},
	{"params", FIELD_PAIRS, AT(params), .help = "Added to the URL of each query."},
	{"*", FIELD_EMBED, AT(http), .of = &http_shape, .help = "As in http_config."},
	{0},
};
#undef AT

static bool type_find(const char *name, enum datasource_type *out)
{
	for (size_t i = 0; i < COUNT_OF(types); i++) {
		if (!strcmp(types[i].name, name)) {
			*out = types[i].type;
			return true;
		}
	}
	return false;
}

/* Not there, or nothing behind it: other mistakes in it were told already. */
static bool is_missing(const struct yaml *y, const char *key)
{
	const struct yaml *value = yaml_find(y, key);

	return !value || value->kind == YAML_NULL;
}

static void datasource_check(struct decode *d, const struct yaml *y, void *object)
{
	const struct datasource_text *t = object;
	enum datasource_type type;

	if (!*t->name)
		mistake(d, y->at, "missing name in datasource");
	if (!t->url && is_missing(y, "url"))
		mistake(d, y->at, "missing url in datasource \"%s\"", t->name);
	if (!type_find(t->type, &type))
		mistake(d, pos_of_value(y, "type"), "unknown datasource type \"%s\"",
			t->type);
	if (t->timeout <= 0)
		mistake(d, pos_of_value(y, "timeout"), "timeout cannot be zero");
	if (strcasecmp(t->http_method, "POST") && strcasecmp(t->http_method, "GET"))
		mistake(d, pos_of_value(y, "http_method"),
			"http_method is GET or POST, not \"%s\"", t->http_method);
}

const struct shape datasource_shape = {"datasource", datasource_fields,
				       sizeof(struct datasource_text), true,
				       datasource_check};

static const char *without_slash(struct arena *mem, const char *url)
{
	struct str s = str_of(url);

	while (str_ends(s, STR("/")))
		s.n--;
	return arena_copy(mem, s);
}

void datasources_build(struct decode *d, const struct object_list *list, struct config *c)
{
	const struct datasource_text *texts = list->v;

	c->datasources = ARENA_ARRAY(d->mem, struct datasource, list->n);
	for (size_t i = 0; i < list->n; i++) {
		const struct datasource_text *t = &texts[i];
		struct datasource *s = &c->datasources[i];

		if (config_find_datasource(c, t->name))
			mistake(d, t->at, "datasource name \"%s\" is not unique", t->name);
		s->at = t->at;
		s->name = t->name;
		(void)type_find(t->type, &s->type);
		s->is_victoria = !strcmp(t->type, "victoriametrics");
		s->is_thanos = !strcmp(t->type, "thanos");
		s->has_tenants = !strcmp(t->type, "mimir") || !strcmp(t->type, "cortex") ||
				 !strcmp(t->type, "loki");
		s->url = without_slash(d->mem, t->url ? t->url : "");
		s->http = &t->http;
		s->timeout = t->timeout;
		s->uses_get = !strcasecmp(t->http_method, "GET");
		s->max_response_bytes = (size_t)t->max_response_bytes;
		s->max_series = (size_t)t->max_series;
		s->params = t->params.v;
		s->n_params = t->params.n;
		c->n_datasources++;
	}
}

/* -- remote write --------------------------------------------------------------------- */
#define AT(m) offsetof(struct queue_config, m)
static const struct field queue_fields[] = {
	{"capacity", FIELD_INT, AT(capacity), .if_absent = "100000", .min = 1,
	 .max = 100000000, .help = "Samples that may wait."},
	{"max_samples_per_send", FIELD_INT, AT(max_samples_per_send), .if_absent = "2000",
	 .min = 1, .max = 1000000, .help = "Samples in one request."},
	{"batch_send_deadline", FIELD_SPAN, AT(batch_send_deadline), .if_absent = "5s",
	 .help = "A sample waits no longer than this for others."},
	{"min_backoff", FIELD_SPAN, AT(min_backoff), .if_absent = "30ms",
	 .help = "First wait after a failure."},
	{"max_backoff", FIELD_SPAN, AT(max_backoff), .if_absent = "5s",
	 .help = "Longest wait after a failure."},
	{"retry_on_http_429", FIELD_BOOL, AT(retry_on_http_429), .if_absent = "true",
	 .help = "Send again what was refused with 429."},
	{"sample_age_limit", FIELD_SPAN, AT(sample_age_limit),
	 .help = "Older samples are dropped; 0s: none."},
	{"min_shards", FIELD_INT, AT(min_shards), .if_absent = "1", .min = 1, .max = 10000,
	 .help = "Accepted; one queue keeps the order."},
	{"max_shards", FIELD_INT, AT(max_shards), .if_absent = "1", .min = 1, .max = 10000,
	 .help = "Accepted; one queue keeps the order."},
	{0},
};
#undef AT

static const struct shape queue_shape = {"queue_config", queue_fields,
					 sizeof(struct queue_config), false, NULL};

#define AT(m) offsetof(struct remote_write_text, m)
static const struct field remote_write_fields[] = {
	{"name", FIELD_TEXT, AT(engine.name), .help = "Its name in metrics."},
	{"url", FIELD_URL, AT(engine.url), .help = "Where samples are sent."},
	{"remote_timeout", FIELD_SPAN, AT(engine.timeout), .if_absent = "30s",
	 .help = "Of one request."},
	{"headers", FIELD_PAIRS, AT(engine.headers), .help = "Added to each request."},
	{"write_relabel_configs", FIELD_LIST, AT(engine.relabels), .of = &relabel_shape,
	 .help = "Changes or drops series before they are sent."},
	{"send_native_histograms", FIELD_BOOL, AT(engine.sends_histograms),
	 .help = "Write native histograms, too."},
	{"send_exemplars", FIELD_BOOL, AT(send_exemplars),
	 .help = "Accepted; rules have none."},
	{"metadata_config", FIELD_ANY, AT(metadata), .help = "Accepted; none is sent."},
	{"protobuf_message", FIELD_TEXT, AT(message),
	 .if_absent = "prometheus.WriteRequest",
	 .help = "Accepted; remote write 1.0 is spoken."},
	{"round_robin_dns", FIELD_BOOL, AT(round_robin_dns),
	 .help = "Accepted; the resolver chooses."},
	{"sigv4", FIELD_ANY, AT(sigv4), .help = "Accepted; requests are not signed."},
	{"queue_config", FIELD_INSIDE, AT(engine.queue), .of = &queue_shape,
	 .help = "The queue."},
	{"*", FIELD_EMBED, AT(http), .of = &http_shape, .help = "As in http_config."},
	{0},
};
#undef AT

/* What the protocol or other keys say. */
static bool is_reserved(const char *header)
{
	static const char *const names[] = {
		"Authorization",
		"Connection",
		"Content-Encoding",
		"Content-Length",
		"Content-Type",
		"Host",
		"Keep-Alive",
		"Retry-Attempt",
		"Transfer-Encoding",
		"User-Agent",
		"X-Prometheus-Remote-Write-Version",
	};

	for (size_t i = 0; i < COUNT_OF(names); i++) {
		if (!strcasecmp(names[i], header))
			return true;
	}
	return false;
}

static void has_no_effect(struct decode *d, const struct yaml *y, const char *key,
			  const char *why)
{
	if (d->warnings)
		errs_addf(d->warnings, pos_of_key(y, key), "%s has no effect: %s", key,
			  why);
}

/* What Prometheus has for other samples than those of rules, and for other receivers. */
static void warn_of_idle(struct decode *d, const struct yaml *y,
			 const struct remote_write_text *t)
{
	if (t->send_exemplars)
		has_no_effect(d, y, "send_exemplars", "rules have none");
	if (t->metadata)
		has_no_effect(d, y, "metadata_config", "none is sent");
	if (!strcmp(t->message, "io.prometheus.write.v2.Request"))
		has_no_effect(d, y, "protobuf_message", "remote write 1.0 is spoken");
	else if (*t->message && strcmp(t->message, "prometheus.WriteRequest") != 0)
		mistake(d, pos_of_value(y, "protobuf_message"),
			"unknown remote write protobuf message \"%s\"", t->message);
	if (t->round_robin_dns)
		has_no_effect(d, y, "round_robin_dns", "the resolver chooses the address");
	if (t->sigv4)
		has_no_effect(
			d, y, "sigv4",
			"requests go unsigned, and AWS will refuse them; a proxy that "
			"signs can stand between");
}

static void remote_write_check(struct decode *d, const struct yaml *y, void *object)
{
	struct remote_write_text *t = object;

	warn_of_idle(d, y, t);
	for (size_t i = 0; i < t->engine.headers.n; i++) {
		if (is_reserved(t->engine.headers.v[i].name))
			mistake(d, t->engine.headers.v[i].at,
				"%s is a reserved header. It must not be changed",
				t->engine.headers.v[i].name);
	}

	t->engine.at = y->at;
	t->engine.http = &t->http;
	t->source = y;
	if (!t->engine.url && is_missing(y, "url"))
		mistake(d, y->at, "url for remote_write is empty");
	if (t->engine.queue.max_backoff < t->engine.queue.min_backoff)
		mistake(d, pos_of_value(y, "queue_config"),
			"max_backoff must not be below min_backoff");
}

const struct shape remote_write_shape = {"remote_write", remote_write_fields,
					 sizeof(struct remote_write_text), false,
					 remote_write_check};

/* As Prometheus: two that differ in anything may have one URL. */
static void refuse_copies(struct decode *d, const struct remote_write_text *texts, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < i; k++) {
			if (!yaml_eq(texts[i].source, texts[k].source))
				continue;
			mistake(d, texts[i].engine.at,
				"duplicate remote write configs are not allowed: this one "
				"is "
				"there in line %d already",
				texts[k].engine.at.line);
			break;
		}
	}
}

static bool is_named(const struct remote_write_text *texts, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++) {
		if (!strcmp(texts[i].engine.name, name))
			return true;
	}
	return false;
}

/* Its number; where somebody took that for a name, the number n later, and so on: no two
 * come to the same. */
static const char *default_name(struct arena *mem, const struct remote_write_text *texts,
				size_t n, size_t number)
{
	const char *name;

	do {
		name = arena_printf(mem, "%zu", number);
		number += n;
	} while (is_named(texts, n, name));
	return name;
}

void remote_writes_build(struct decode *d, const struct object_list *list, struct config *c)
{
	const struct remote_write_text *texts = list->v;

	c->remote_writes = ARENA_ARRAY(d->mem, struct remote_write, list->n);
	for (size_t i = 0; i < list->n; i++) {
		struct remote_write *w = &c->remote_writes[c->n_remote_writes++];

		*w = texts[i].engine;
		if (!*w->name)
			w->name = default_name(d->mem, texts, list->n, i);
		else if (is_named(texts, i, w->name))
			mistake(d, w->at,
				"found multiple remote write configs with job name \"%s\"",
				w->name);
	}
	refuse_copies(d, texts, list->n);
}
