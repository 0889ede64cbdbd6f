#include "base/base.h"
#include "config/parts.h"

#include <string.h>

/* Sections of alertmanager.yml that are checked and then have no effect here: the journal
 * takes the place of both. */

static bool is_one_of(const char *word, const char *const *words)
{
	for (; *words; words++) {
		if (!strcmp(word, *words))
			return true;
	}
	return false;
}

#define AT(m) offsetof(struct tracing_text, m)
static const struct field tracing_fields[] = {
	{"client_type", FIELD_TEXT, AT(client_type), .if_absent = "grpc",
	 .help = "grpc or http."},
	{"endpoint", FIELD_TEXT, AT(endpoint), .help = "host:port."},
	{"sampling_fraction", FIELD_FLOAT, AT(sampling_fraction), .help = "0 to 1."},
	{"insecure", FIELD_BOOL, AT(insecure), .help = "No TLS."},
	{"tls_config", FIELD_CUSTOM, AT(tls), .codec = &tls_codec, .help = "TLS."},
	{"headers", FIELD_CUSTOM, AT(headers), .codec = &headers_codec, .help = "Headers."},
	{"compression", FIELD_TEXT, AT(compression), .help = "gzip or nothing."},
	{"timeout", FIELD_SPAN, AT(timeout), .help = "Of one export."},
	{0},
};
#undef AT

static void tracing_check(struct decode *d, const struct yaml *y, void *object)
{
	static const char *const clients[] = {"grpc", "http", NULL};
	static const char *const compressions[] = {"", "gzip", NULL};
	const struct tracing_text *t = object;

	if (!*t->endpoint)
		mistake(d, y->at, "tracing endpoint must be set");
	if (!is_one_of(t->client_type, clients))
		mistake(d, pos_of_value(y, "client_type"),
			"expected tracing client type to be http or grpc, but got %s",
			t->client_type);
	if (!is_one_of(t->compression, compressions))
		mistake(d, pos_of_value(y, "compression"),
			"expected compression to be gzip, but got %s", t->compression);
}

const struct shape tracing_shape = {"tracing", tracing_fields, sizeof(struct tracing_text),
				    true, tracing_check};

/* -- event_recorder ------------------------------------------------------------------- */
struct file_output {
	const char *path;
};
struct webhook_output {
	struct secret url;
	const struct http_config *http;
	span_ms timeout, retry_backoff, batch_flush_interval;
	int64_t workers, max_retries, batch_max_events, batch_max_bytes;
	bool batch;
};
struct kafka_output {
	struct text_list brokers;
	const char *topic, *client_id, *format, *acks, *compression;
	int64_t buffer_size;
	struct tls_config tls;
};
struct stdout_output {
	char nothing;
};

#define AT(m) offsetof(struct file_output, m)
static const struct field file_fields[] = {
	{"path", FIELD_PATH, AT(path), .help = "JSON lines are appended here."}, {0}};
#undef AT

static void file_check(struct decode *d, const struct yaml *y, void *object)
{
	if (!((const struct file_output *)object)->path)
		mistake(d, y->at, "event_recorder file output requires a path");
}

#define AT(m) offsetof(struct webhook_output, m)
static const struct field webhook_fields[] = {
	{"url", FIELD_SECRET_URL, AT(url), .help = "Where events are posted."},
	{"http_config", FIELD_OBJECT, AT(http), .of = &http_shape,
	 .help = "How to reach it."},
	{"timeout", FIELD_SPAN, AT(timeout), .if_absent = "10s", .help = "Of one request."},
	{"workers", FIELD_INT, AT(workers), .if_absent = "4",
	 .help = "Requests at a time."},
	{"max_retries", FIELD_INT, AT(max_retries), .if_absent = "3", .help = "Retries."},
	{"retry_backoff", FIELD_SPAN, AT(retry_backoff), .if_absent = "500ms",
	 .help = "First wait, doubled each time."},
	{"batch", FIELD_BOOL, AT(batch), .help = "Several events in one request."},
	{"batch_max_events", FIELD_INT, AT(batch_max_events), .help = "Events in a batch."},
	{"batch_max_bytes", FIELD_INT, AT(batch_max_bytes), .help = "Bytes in a batch."},
	{"batch_flush_interval", FIELD_SPAN, AT(batch_flush_interval),
	 .help = "Longest wait."},
	{0},
};
#undef AT

static void webhook_check(struct decode *d, const struct yaml *y, void *object)
{
	const struct webhook_output *w = object;

	if (!secret_is_set(w->url) && !yaml_find(y, "url"))
		mistake(d, y->at, "event_recorder webhook output requires a url");
	if (!w->batch &&
	    (w->batch_max_events || w->batch_max_bytes || w->batch_flush_interval))
		mistake(d, y->at, "event_recorder batch settings require batch: true");
	if (w->batch_max_events < 0 || w->batch_max_bytes < 0)
		mistake(d, y->at, "event_recorder batch settings must not be negative");
}

#define AT(m) offsetof(struct kafka_output, m)
static const struct field kafka_fields[] = {
	{"brokers", FIELD_TEXTS, AT(brokers), .help = "host:port."},
	{"topic", FIELD_TEXT, AT(topic), .help = "Topic."},
	{"client_id", FIELD_TEXT, AT(client_id), .if_absent = "alertmanager",
	 .help = "Our name."},
	{"format", FIELD_TEXT, AT(format), .if_absent = "json",
	 .help = "json or protobuf."},
	{"acks", FIELD_TEXT, AT(acks), .if_absent = "leader",
	 .help = "none, leader or all."},
	{"compression", FIELD_TEXT, AT(compression),
	 .help = "none, gzip, snappy, lz4 or zstd."},
	{"buffer_size", FIELD_INT, AT(buffer_size), .if_absent = "1024", .help = "Events."},
	{"tls_config", FIELD_CUSTOM, AT(tls), .codec = &tls_codec, .help = "TLS."},
	{0},
};
#undef AT

static void check_word(struct decode *d, const struct yaml *y, const char *key,
		       const char *word, const char *const *words)
{
	if (!is_one_of(word, words))
		mistake(d, pos_of_value(y, key),
			"event_recorder kafka output: unknown %s \"%s\"", key, word);
}

static void kafka_check(struct decode *d, const struct yaml *y, void *object)
{
	static const char *const formats[] = {"json", "protobuf", NULL};
	static const char *const acks[] = {"none", "leader", "all", NULL};
	static const char *const compressions[] = {"",	  "none", "gzip", "snappy",
						   "lz4", "zstd", NULL};
	const struct kafka_output *k = object;

	if (!k->brokers.n)
		mistake(d, y->at, "event_recorder kafka output requires brokers");
	if (!*k->topic)
		mistake(d, y->at, "event_recorder kafka output requires a topic");
	for (size_t i = 0; i < k->brokers.n; i++) {
		struct host_port hp;
		struct err err;

		if (!host_port_parse(d->mem, str_of(k->brokers.v[i]),
				     pos_of_item(y, "brokers", i), &hp, &err))
			errs_add(d->errs, &err);
	}
	check_word(d, y, "format", k->format, formats);
	check_word(d, y, "acks", k->acks, acks);
	check_word(d, y, "compression", k->compression, compressions);
}

static const struct field stdout_fields[] = {{0}};
static const struct shape file_shape = {"file output", file_fields,
					sizeof(struct file_output), false, file_check};
static const struct shape webhook_shape = {"webhook output", webhook_fields,
					   sizeof(struct webhook_output), false,
					   webhook_check};
static const struct shape kafka_shape = {"kafka output", kafka_fields,
					 sizeof(struct kafka_output), false, kafka_check};
static const struct shape stdout_shape = {"stdout output", stdout_fields,
					  sizeof(struct stdout_output), false, NULL};

#define AT(m) offsetof(struct recorder_text, m)
static const struct field recorder_fields[] = {
	{"file_outputs", FIELD_LIST, AT(files), .of = &file_shape, .help = "Files."},
	{"webhook_outputs", FIELD_LIST, AT(webhooks), .of = &webhook_shape,
	 .help = "Webhooks."},
	{"kafka_outputs", FIELD_LIST, AT(kafkas), .of = &kafka_shape,
	 .help = "Kafka topics."},
	{"stdout_outputs", FIELD_LIST, AT(stdouts), .of = &stdout_shape,
	 .nulls = NULL_EMPTY, .help = "Standard output."},
	{0},
};
#undef AT

static void recorder_check(struct decode *d, const struct yaml *y, void *object)
{
	(void)object;
	if (d->warnings)
		errs_addf(d->warnings, y->at,
			  "event_recorder has no effect: events are not recorded");
}

const struct shape recorder_shape = {"event_recorder", recorder_fields,
				     sizeof(struct recorder_text), true, recorder_check};
