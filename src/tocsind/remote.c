#include "base/base.h"
#include "tocsind/daemon.h"
#include "api/metrics.h"
#include "backend/remote_write.h"
#include "base/log.h"

#include <stdlib.h>
#include <string.h>

/* Remotes that samples are written to: each has its queue, a timer and at most one request
 * out. A remote that is slow, dead or full of objections has no other to disturb. */

struct remote {
	struct daemon *daemon;
	struct remote_queue *queue;
	struct event *timer;
	struct exchange *exchange; /* NULL: none is out */
	char *url;		   /* as shown: without credentials */
	/* what was logged, and is not to be logged with each request */
	bool fails, is_full, leaves_out_histograms;
	bool has_refused;
	mono_ms refused_at;
};

#define REFUSALS_LOGGED MINUTE /* one in such a time */

/* -- sending -------------------------------------------------------------------------- */

static const char *name_of(const struct remote *r)
{
	return remote_queue_config(r->queue)->name;
}

static void set_timer(struct remote *r)
{
	mono_ms now = clock_mono(), due = remote_queue_due(r->queue, now);

	evtimer_del(r->timer);
	if (due != NEVER)
		timer_in(r->timer, due - now);
}

static void log_refusal(struct remote *r, const struct remote_outcome *end)
{
	mono_ms now = clock_mono();

	if (r->has_refused && now - r->refused_at < REFUSALS_LOGGED)
		return;
	r->has_refused = true;
	r->refused_at = now;
	log_error("remote", "samples refused by the receiver are dropped",
		  L_STR("remote", name_of(r)), L_STR("url", r->url),
		  L_INT("samples", (int64_t)end->samples), L_STR("err", end->error));
}

static void log_outcome(struct remote *r, const struct remote_outcome *end)
{
	switch (end->verdict) {
	case REMOTE_SENT:
		if (r->fails)
			log_info("remote", "samples are taken again",
				 L_STR("remote", name_of(r)), L_STR("url", r->url));
		r->fails = false;
		break;
	case REMOTE_RETRY:
		if (!r->fails)
			log_warn("remote", "samples cannot be sent, will try again",
				 L_STR("remote", name_of(r)), L_STR("url", r->url),
				 L_SPAN("in", end->wait), L_STR("err", end->error));
		r->fails = true;
		break;
	case REMOTE_SPLIT:
		log_debug("remote", "a request was refused, a part of it comes next",
			  L_STR("remote", name_of(r)), L_STR("err", end->error));
		break;
	case REMOTE_GIVEN_UP:
		log_refusal(r, end);
		break;
	}
	if (remote_queue_is_empty(r->queue))
		r->is_full = false;
}

static void on_answer(void *arg, const struct http_answer *answer)
{
	struct remote *r = arg;
	struct remote_outcome end;

	r->exchange = NULL;
	end = remote_queue_judge(r->queue, clock_mono(), clock_wall(), answer);
	log_outcome(r, &end);
	set_timer(r);
	daemon_end_if_drained(r->daemon);
}

/* Else it is tried again. */
static bool can_encode(struct remote *r)
{
	struct err err;

	if (remote_encode_load(&err))
		return true;
	if (!r->fails)
		log_warn("remote", "samples cannot be sent, will try again",
			 L_STR("remote", name_of(r)), L_STR("url", r->url),
			 L_STR("err", err.text));
	r->fails = true;
	remote_queue_missed(r->queue);
	timer_in(r->timer, SECOND);
	return false;
}

static void on_due(evutil_socket_t fd, short what, void *arg)
{
	struct remote *r = arg;
	struct http_request request;

	(void)fd, (void)what;
	if (!can_encode(r))
		return;
	if (remote_queue_compose(r->queue, clock_mono(), clock_wall(), &request))
		r->exchange = client_http(r->daemon->writes, &request, on_answer, r);
	else
		daemon_end_if_drained(r->daemon);
}

/* -- what the engine wishes ----------------------------------------------------------- */

static void add(struct remote *r, struct remote_block *b)
{
	if (!remote_queue_add(r->queue, b, clock_mono()) && !r->is_full) {
		r->is_full = true;
		log_error("remote", "the queue is full, its oldest samples go",
			  L_STR("remote", name_of(r)), L_STR("url", r->url));
	}
	if (!r->leaves_out_histograms &&
	    remote_queue_counters(r->queue).dropped[REMOTE_DROP_HISTOGRAM]) {
		r->leaves_out_histograms = true;
		log_warn("remote",
			 "native histograms are not written, send_native_histograms "
			 "of this remote_write would have them written",
			 L_STR("remote", name_of(r)), L_STR("url", r->url));
	}
	set_timer(r);
}

void remotes_write(struct daemon *d, const struct write_wish *w)
{
	const struct labels *external = d->now_runs->config->global.external_labels;
	struct remote_block *shared = NULL;

	if (d->stopping)
		return;
	for (size_t i = 0; i < d->remotes.n; i++) {
		struct remote *r = d->remotes.v[i];
		const struct object_list *rules = &remote_queue_config(r->queue)->relabels;

		if (rules->n) {
			struct remote_block *own = remote_block_new(w, external, rules);

			add(r, own);
			remote_block_unref(own);
			continue;
		}
		if (!shared)
			shared = remote_block_new(w, external, NULL);
		add(r, shared);
	}
	if (shared)
		remote_block_unref(shared);
}

void remotes_flush(struct daemon *d)
{
	for (size_t i = 0; i < d->remotes.n; i++) {
		remote_queue_flush(d->remotes.v[i]->queue);
		set_timer(d->remotes.v[i]);
	}
}

size_t remotes_pending(const struct daemon *d)
{
	size_t n = 0;

	for (size_t i = 0; i < d->remotes.n; i++)
		n += remote_queue_counters(d->remotes.v[i]->queue).pending;
	return n;
}

/* -- coming and going ----------------------------------------------------------------- */

/* http://user:secret@host/ without what stands before the host. */
static char *url_shown(const char *url)
{
	struct str s = str_of(url);
	size_t host = str_find(s, STR("://"));
	struct arena mem = {0};
	char *shown;
	size_t end, at;

	if (host == STR_NONE)
		return mem_text(url);
	host += 3;
	end = strcspn(url + host, "/?#");
	for (at = end; at && url[host + at - 1] != '@'; at--)
		;
	shown = mem_text(arena_printf(&mem, "%.*s%s", (int)host, url, url + host + at));
	arena_free(&mem);
	return shown;
}

static struct remote *remote_new(struct daemon *d, const struct remote_write *config)
{
	struct remote *r = mem_new(sizeof(*r));

	r->daemon = d;
	r->queue = remote_queue_new(config);
	r->timer = evtimer_new(d->base, on_due, r);
	ASSERT(r->timer);
	r->url = url_shown(config->url);
	return r;
}

static void remote_free(struct remote *r)
{
	if (r->exchange)
		exchange_cancel(r->exchange);
	event_free(r->timer);
	remote_queue_free(r->queue);
	free(r->url);
	free(r);
}

static struct remote *take_old(struct daemon *d, const struct remote_write *config,
			       bool by_name)
{
	for (size_t i = 0; i < d->remotes.n; i++) {
		struct remote *r = d->remotes.v[i];
		const struct remote_write *old = remote_queue_config(r->queue);

		if (strcmp(old->url, config->url) != 0 ||
		    (by_name && strcmp(old->name, config->name) != 0))
			continue;
		vec_remove(&d->remotes, i);
		remote_queue_use(r->queue, config);
		return r;
	}
	return NULL;
}

/* The queue of a remote that stays stays, too: same address and name, and only when all
 * those have theirs, same address. */
static void take_all_old(struct daemon *d, const struct config *c, struct remote **now)
{
	for (size_t i = 0; i < c->n_remote_writes; i++)
		now[i] = take_old(d, &c->remote_writes[i], true);
	for (size_t i = 0; i < c->n_remote_writes; i++) {
		if (!now[i])
			now[i] = take_old(d, &c->remote_writes[i], false);
	}
}

/* Before the former configuration is freed. */
void remotes_config(struct daemon *d, const struct config *c)
{
	struct remote **now = mem_new(MAX(c->n_remote_writes, 1) * sizeof(*now));

	take_all_old(d, c, now);
	for (size_t i = 0; i < d->remotes.n; i++) {
		struct remote *gone = d->remotes.v[i];
		size_t left = remote_queue_counters(gone->queue).pending;

		if (left)
			log_warn("remote", "a remote went, with samples that it waited for",
				 L_STR("url", gone->url), L_INT("samples", (int64_t)left));
		remote_free(gone);
	}
	d->remotes.n = 0;
	for (size_t i = 0; i < c->n_remote_writes; i++) {
		vec_push(&d->remotes,
			 now[i] ? now[i] : remote_new(d, &c->remote_writes[i]));
		set_timer(d->remotes.v[i]);
	}
	free(now);
}

void remotes_free(struct daemon *d)
{
	for (size_t i = 0; i < d->remotes.n; i++)
		remote_free(d->remotes.v[i]);
	vec_free(&d->remotes);
}

/* -- metrics (spec/remote-write.md A9) ------------------------------------------------ */

enum remote_metric {
	SAMPLES,
	FAILED,
	RETRIED,
	PENDING,
	BYTES,
	ENQUEUE_RETRIES,
	SHARDS,
	CAPACITY,
	HIGHEST,
	HIGHEST_SENT,
	REMOTE_METRICS,
};
static const struct {
	const char *name, *type, *help;
} metrics[REMOTE_METRICS] = {
	[SAMPLES] = {"samples_total", "counter", "Samples that the receiver took."},
	[FAILED] = {"samples_failed_total", "counter",
		    "Samples that the receiver refused for good."},
	[RETRIED] = {"samples_retried_total", "counter",
		     "Samples of requests that were, or will be, sent again."},
	[PENDING] = {"samples_pending", "gauge", "Samples that wait or are being sent."},
	[BYTES] = {"bytes_total", "counter", "Bytes sent, compressed."},
	[ENQUEUE_RETRIES] = {"enqueue_retries_total", "counter",
			     "Always 0: a full queue drops its oldest samples."},
	[SHARDS] = {"shards", "gauge", "Always 1: one queue keeps the order."},
	[CAPACITY] = {"shard_capacity", "gauge", "Samples that may wait."},
	[HIGHEST] = {"queue_highest_timestamp_seconds", "gauge",
		     "The latest time of a sample that was to be sent."},
	[HIGHEST_SENT] = {"queue_highest_sent_timestamp_seconds", "gauge",
			  "The latest time of a sample that the receiver took."},
};

static double value_of(const struct remote *r, const struct remote_counters *c,
		       enum remote_metric m)
{
	switch (m) {
	case SAMPLES:
		return (double)c->sent;
	case FAILED:
		return (double)c->failed;
	case RETRIED:
		return (double)c->retried;
	case PENDING:
		return (double)c->pending;
	case BYTES:
		return (double)c->bytes;
	case SHARDS:
		return 1;
	case CAPACITY:
		return (double)remote_queue_config(r->queue)->queue.capacity;
	case HIGHEST:
		return (double)c->highest_at / 1000;
	case HIGHEST_SENT:
		return (double)c->highest_sent_at / 1000;
	case ENQUEUE_RETRIES:
	case REMOTE_METRICS:
		break;
	}
	return 0;
}

static void head(struct buf *b, const char *name, const char *type, const char *help)
{
	buf_addf(b,
		 "# HELP prometheus_remote_storage_%s %s\n"
		 "# TYPE prometheus_remote_storage_%s %s\n",
		 name, help, name, type);
}

static void add_name(struct buf *b, const char *name, const struct remote *r)
{
	buf_addf(b, "prometheus_remote_storage_%s{remote_name=\"", name);
	metric_add_label_text(b, name_of(r));
	buf_add_text(b, "\",url=\"");
	metric_add_label_text(b, r->url);
	buf_add_char(b, '"');
}

static void add_drops(struct daemon *d, struct buf *b)
{
	head(b, "samples_dropped_total", "counter",
	     "Samples that were dropped before they were sent.");
	for (size_t i = 0; i < d->remotes.n; i++) {
		const struct remote *r = d->remotes.v[i];
		struct remote_counters c = remote_queue_counters(r->queue);

		for (int why = 0; why < REMOTE_DROPS; why++) {
			add_name(b, "samples_dropped_total", r);
			buf_addf(b, ",reason=\"%s\"} %llu\n",
				 remote_drop_text((enum remote_drop)why),
				 (unsigned long long)c.dropped[why]);
		}
	}
}

static void add_durations(struct daemon *d, struct buf *b)
{
	head(b, "sent_batch_duration_seconds", "histogram", "How long requests took.");
	for (size_t i = 0; i < d->remotes.n; i++) {
		const struct remote *r = d->remotes.v[i];
		struct remote_counters c = remote_queue_counters(r->queue);
		uint64_t sum = 0;

		for (size_t k = 0; k < REMOTE_BUCKETS; k++) {
			sum += c.buckets[k];
			add_name(b, "sent_batch_duration_seconds_bucket", r);
			if (k < REMOTE_BUCKETS - 1)
				buf_addf(b, ",le=\"%g\"} %llu\n", remote_bucket_bounds[k],
					 (unsigned long long)sum);
			else
				buf_addf(b, ",le=\"+Inf\"} %llu\n",
					 (unsigned long long)sum);
		}
		add_name(b, "sent_batch_duration_seconds_sum", r);
		buf_addf(b, "} %.15g\n", c.seconds);
		add_name(b, "sent_batch_duration_seconds_count", r);
		buf_addf(b, "} %llu\n", (unsigned long long)sum);
	}
}

struct totals {
	double requests, errors, rows, bytes, dropped, seconds, capacity;
	uint64_t buckets[REMOTE_BUCKETS];
};

static struct totals totals_of(const struct daemon *d)
{
	struct totals t = {0};

	for (size_t i = 0; i < d->remotes.n; i++) {
		const struct remote_queue *q = d->remotes.v[i]->queue;
		struct remote_counters c = remote_queue_counters(q);

		for (size_t k = 0; k < REMOTE_BUCKETS; k++) {
			t.requests += (double)c.buckets[k];
			t.buckets[k] += c.buckets[k];
		}
		for (size_t k = 0; k < REMOTE_DROPS; k++)
			t.dropped += (double)c.dropped[k];
		t.errors += (double)c.errors;
		t.rows += (double)c.sent;
		t.bytes += (double)c.bytes;
		t.dropped += (double)c.failed;
		t.seconds += c.seconds;
		t.capacity += (double)remote_queue_config(q)->queue.capacity;
	}
	return t;
}

static void add_flushes(struct buf *b, const struct totals *t)
{
	static const char name[] = "vmalert_remotewrite_flush_duration_seconds";
	uint64_t sum = 0;

	buf_addf(b, "# HELP %s How long requests took.\n# TYPE %s histogram\n", name, name);
	for (size_t i = 0; i < REMOTE_BUCKETS; i++) {
		sum += t->buckets[i];
		if (i < REMOTE_BUCKETS - 1)
			buf_addf(b, "%s_bucket{le=\"%g\"} %llu\n", name,
				 remote_bucket_bounds[i], (unsigned long long)sum);
	}
	buf_addf(b, "%s_bucket{le=\"+Inf\"} %llu\n%s_sum %.15g\n%s_count %llu\n", name,
		 (unsigned long long)sum, name, t->seconds, name, (unsigned long long)sum);
}

/* vmalert knows one remote: ours together (spec/rules.md 21.9). */
static void add_as_vmalert(struct daemon *d, struct buf *b)
{
	const struct totals t = totals_of(d);
	const struct {
		const char *name, *type, *help;
		double value;
	} rows[] = {
		{"total", "counter", "Requests to remotes.", t.requests},
		{"errors_total", "counter", "Those that were not taken.", t.errors},
		{"sent_rows_total", "counter", "Samples that remotes took.", t.rows},
		{"sent_bytes_total", "counter", "Bytes sent, compressed.", t.bytes},
		{"dropped_rows_total", "counter",
		 "Samples that were dropped, or refused for good.", t.dropped},
		{"send_duration_seconds_total", "counter", "Time of requests.", t.seconds},
		{"queue_capacity", "gauge", "Samples that may wait.", t.capacity},
		{"concurrency", "gauge", "Requests at a time: one a remote.",
		 (double)d->remotes.n},
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++)
		buf_addf(b,
			 "# HELP vmalert_remotewrite_%s %s\n"
			 "# TYPE vmalert_remotewrite_%s %s\n"
			 "vmalert_remotewrite_%s %.15g\n",
			 rows[i].name, rows[i].help, rows[i].name, rows[i].type,
			 rows[i].name, rows[i].value);
	add_flushes(b, &t);
}

void remotes_add_metrics(struct daemon *d, struct buf *b)
{
	if (!d->remotes.n)
		return;
	add_as_vmalert(d, b);
	for (int m = 0; m < REMOTE_METRICS; m++) {
		head(b, metrics[m].name, metrics[m].type, metrics[m].help);
		for (size_t i = 0; i < d->remotes.n; i++) {
			const struct remote *r = d->remotes.v[i];
			struct remote_counters c = remote_queue_counters(r->queue);

			add_name(b, metrics[m].name, r);
			buf_addf(b, "} %.15g\n", value_of(r, &c, (enum remote_metric)m));
		}
	}
	add_drops(d, b);
	add_durations(d, b);
}
