#include "base/base.h"
#include "backend/remote_write.h"
#include "base/map.h"
#include "base/vec.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LEAST_BACKOFF ((span_ms)5) /* whatever is configured: no busy loop */
#define QUOTED_BYTES  1024

/* -- blocks --------------------------------------------------------------------------- */

struct remote_block {
	struct arena mem;
	size_t refs, n, n_dropped;
	wall_ms at;
	struct remote_sample v[];
};

static struct remote_sample sample_from(struct arena *mem, const struct labels *set,
					const struct write_sample *w, wall_ms at)
{
	static const struct histogram empty;
	struct remote_sample s = {.labels = labels_copy(mem, set),
				  .value = w->is_histogram ? 0 : w->value,
				  .at = at,
				  .is_stale = w->is_stale,
				  .is_histogram = w->is_histogram};

	if (w->is_histogram)
		s.histogram = histogram_copy(mem, w->is_stale ? &empty : w->histogram);
	return s;
}

struct remote_block *remote_block_new(const struct write_wish *w,
				      const struct labels *external,
				      const struct object_list *relabels)
{
	struct remote_block *b = mem_new(sizeof(*b) + w->n * sizeof(b->v[0]));
	struct arena scratch = {0};

	b->refs = 1;
	b->at = w->at;
	for (size_t i = 0; i < w->n; i++) {
		const struct labels *set = w->v[i].labels;

		if (external && external->n)
			set = labels_merge(&scratch, external, set);
		if (relabels)
			set = relabel(&scratch, set, relabels);
		if (!set) {
			b->n_dropped++;
			continue;
		}
		b->v[b->n++] = sample_from(&b->mem, set, &w->v[i], w->at);
	}
	arena_free(&scratch);
	return b;
}

void remote_block_unref(struct remote_block *b)
{
	if (--b->refs)
		return;
	arena_free(&b->mem);
	free(b);
}

/* -- the queue ------------------------------------------------------------------------ */

struct entry {
	struct remote_block *block; /* a reference */
	size_t index;
};

struct remote_queue {
	const struct remote_write *config;
	/* what waits: a ring */
	struct entry *ring;
	size_t first, n, room, bytes;
	mono_ms oldest_at; /* when the first of them came, or later */
	bool flush;
	/* what is being sent: entries from .. to of the batch are out, or go next; those
	 * before are done, those behind follow */
	VEC(struct entry) batch;
	size_t from, to;
	bool is_out;
	unsigned attempt;	       /* 0: the piece was not sent yet */
	unsigned pieces_left;	       /* the batch may be cut so often yet */
	bool some_taken, some_refused; /* of this batch */
	bool took_the_last;	       /* batch, at least in part */
	bool refuses_histograms;       /* the last were given up after 500 */
	mono_ms retry_at, out_at;
	size_t out_bytes;
	span_ms backoff;
	struct arena mem; /* of the request and its judgement */
	struct remote_counters counters;
};

static void check(const struct remote_queue *q)
{
	ASSERT(q->n <= q->room);
	ASSERT(q->from <= q->to && q->to <= q->batch.n);
	ASSERT(!q->is_out || q->from < q->to);
}

static const struct remote_sample *sample_of(const struct entry *e)
{
	return &e->block->v[e->index];
}

static bool is_histogram(const struct entry *e)
{
	return sample_of(e)->is_histogram;
}

static size_t memory_of(const struct entry *e)
{
	const struct remote_sample *s = sample_of(e);

	return labels_memory(s->labels) + sizeof(*s) +
	       (s->is_histogram ? histogram_memory(s->histogram) : 0);
}

struct remote_queue *remote_queue_new(const struct remote_write *config)
{
	struct remote_queue *q = mem_new(sizeof(*q));

	q->config = config;
	q->took_the_last = true;
	q->backoff = MAX(config->queue.min_backoff, LEAST_BACKOFF);
	return q;
}

void remote_queue_use(struct remote_queue *q, const struct remote_write *config)
{
	q->config = config;
}

const struct remote_write *remote_queue_config(const struct remote_queue *q)
{
	return q->config;
}

static struct entry take_first(struct remote_queue *q)
{
	struct entry e = q->ring[q->first];

	q->first = (q->first + 1) % q->room;
	q->n--;
	q->bytes -= memory_of(&e);
	return e;
}

static void drop(struct remote_queue *q, const struct entry *e, enum remote_drop why)
{
	q->counters.dropped[why]++;
	remote_block_unref(e->block);
}

static void grow(struct remote_queue *q)
{
	size_t room = MAX(q->room * 2, 64);
	struct entry *ring = mem_new(room * sizeof(*ring));

	for (size_t i = 0; i < q->n; i++)
		ring[i] = q->ring[(q->first + i) % q->room];
	free(q->ring);
	q->ring = ring;
	q->room = room;
	q->first = 0;
}

static void append(struct remote_queue *q, struct remote_block *b, size_t index)
{
	struct entry e = {b, index};

	if (q->n == q->room)
		grow(q);
	b->refs++;
	q->ring[(q->first + q->n++) % q->room] = e;
	q->bytes += memory_of(&e);
}

static bool is_over(const struct remote_queue *q)
{
	return q->n > (size_t)q->config->queue.capacity || q->bytes > REMOTE_MOST_BYTES;
}

bool remote_queue_add(struct remote_queue *q, struct remote_block *b, mono_ms now)
{
	bool fits = true;

	q->counters.dropped[REMOTE_DROP_SERIES] += b->n_dropped;
	if (!q->n)
		q->oldest_at = now;
	for (size_t i = 0; i < b->n; i++) {
		if (b->v[i].is_histogram && !q->config->sends_histograms) {
			q->counters.dropped[REMOTE_DROP_HISTOGRAM]++;
			continue;
		}
		append(q, b, i);
		while (is_over(q)) {
			struct entry e = take_first(q);

			drop(q, &e, REMOTE_DROP_FULL);
			fits = false;
		}
	}
	if (b->n)
		q->counters.highest_at = MAX(q->counters.highest_at, b->at);
	check(q);
	return fits;
}

void remote_queue_flush(struct remote_queue *q)
{
	q->flush = q->n > 0;
}

bool remote_queue_is_empty(const struct remote_queue *q)
{
	return !q->n && !q->batch.n;
}

void remote_queue_free(struct remote_queue *q)
{
	if (!q)
		return;
	for (size_t i = q->from; i < q->batch.n; i++)
		remote_block_unref(q->batch.v[i].block);
	while (q->n) {
		struct entry e = take_first(q);

		remote_block_unref(e.block);
	}
	vec_free(&q->batch);
	free(q->ring);
	arena_free(&q->mem);
	free(q);
}

/* -- batches -------------------------------------------------------------------------- */

mono_ms remote_queue_due(const struct remote_queue *q, mono_ms now)
{
	const struct queue_config *c = &q->config->queue;

	if (q->is_out)
		return NEVER;
	if (q->batch.n)
		return MAX(q->retry_at, now);
	if (!q->n)
		return NEVER;
	if (q->flush || q->n >= (size_t)c->max_samples_per_send ||
	    q->bytes >= REMOTE_BODY_BYTES)
		return now;
	return MAX(q->oldest_at + c->batch_send_deadline, now);
}

/* A series and a time. */
struct place {
	uint64_t fingerprint;
	wall_ms at;
};

/* Two values of a series for one time would have the whole request refused: the first one
 * stays, but a real one takes the place of a stale marker. False: not to be sent. */
static bool settle(struct remote_queue *q, struct map *seen, const struct entry *e)
{
	const struct remote_sample *s = sample_of(e);
	struct place *place = ARENA_NEW(&q->mem, struct place);
	struct str key = {(const char *)place, sizeof(*place)};
	struct entry *other;
	size_t at;

	*place = (struct place){s->labels->fingerprint, s->at};
	at = (size_t)(uintptr_t)map_find(seen, key);
	if (!at) {
		map_put(seen, key, (void *)(uintptr_t)(q->batch.n + 1));
		return true;
	}
	other = &q->batch.v[at - 1];
	if (!labels_eq(sample_of(other)->labels, s->labels))
		return true;
	if (sample_of(other)->is_stale && !s->is_stale) {
		drop(q, other, REMOTE_DROP_DUPLICATE);
		*other = *e;
	} else {
		drop(q, e, REMOTE_DROP_DUPLICATE);
	}
	return false;
}

/* Numbers first, as histograms are sent by themselves; else in the order they came. */
static void part_batch(struct remote_queue *q)
{
	struct entry *histograms = ARENA_ARRAY(&q->mem, struct entry, q->batch.n);
	size_t n = 0, kept = 0;

	for (size_t i = 0; i < q->batch.n; i++) {
		struct entry e = q->batch.v[i];

		if (is_histogram(&e))
			histograms[n++] = e;
		else
			q->batch.v[kept++] = e;
	}
	if (n)
		memcpy(&q->batch.v[kept], histograms, n * sizeof(*histograms));
}

/* The end of the piece that begins at from: of one kind. */
static size_t piece_end(const struct remote_queue *q)
{
	size_t end = q->from;

	while (end < q->batch.n &&
	       is_histogram(&q->batch.v[end]) == is_histogram(&q->batch.v[q->from]))
		end++;
	return end;
}

/* A number may not overtake an earlier histogram of its series: it goes with the next
 * batch. */
static bool would_overtake(const struct map *histograms, const struct entry *e)
{
	const struct remote_sample *s = sample_of(e);
	const struct place *last = map_find(histograms,
					    map_key_u64(&s->labels->fingerprint));

	return last && !s->is_histogram && last->at != s->at;
}

static void remember(struct remote_queue *q, struct map *histograms, const struct entry *e)
{
	const struct remote_sample *s = sample_of(e);
	struct place *place;

	if (!s->is_histogram)
		return;
	place = ARENA_NEW(&q->mem, struct place);
	*place = (struct place){s->labels->fingerprint, s->at};
	map_put(histograms, map_key_u64(&place->fingerprint), place);
}

static void fill(struct remote_queue *q, mono_ms now)
{
	const struct queue_config *c = &q->config->queue;
	struct map seen = {0}, histograms = {0};
	size_t bytes = 0;

	while (q->n && q->batch.n < (size_t)c->max_samples_per_send) {
		struct entry e = q->ring[q->first];

		bytes += remote_sample_size(sample_of(&e));
		if (q->batch.n && bytes > REMOTE_BODY_BYTES)
			break;
		if (would_overtake(&histograms, &e))
			break;
		e = take_first(q);
		remember(q, &histograms, &e);
		if (settle(q, &seen, &e))
			vec_push(&q->batch, e);
	}
	map_free(&seen);
	map_free(&histograms);
	part_batch(q);
	q->flush = q->flush && q->n;
	q->oldest_at = now;
	q->to = piece_end(q);
	q->pieces_left = q->took_the_last ? REMOTE_MOST_PIECES : 1;
	q->some_taken = q->some_refused = false;
}

/* Takes out of the piece what has grown too old. */
static void drop_old(struct remote_queue *q, wall_ms wall)
{
	span_ms limit = q->config->queue.sample_age_limit;
	size_t kept = q->from;

	if (!limit)
		return;
	for (size_t i = q->from; i < q->to; i++) {
		struct entry e = q->batch.v[i];

		if (sample_of(&e)->at < wall - limit)
			drop(q, &e, REMOTE_DROP_OLD);
		else
			q->batch.v[kept++] = e;
	}
	memmove(&q->batch.v[kept], &q->batch.v[q->to],
		(q->batch.n - q->to) * sizeof(q->batch.v[0]));
	q->batch.n -= q->to - kept;
	q->to = kept;
}

static void end_batch(struct remote_queue *q)
{
	q->took_the_last = q->some_taken || !q->some_refused;
	q->batch.n = q->from = q->to = 0;
	q->attempt = 0;
}

/* The piece is done with; what is left of the batch comes next, as one. */
static void go_on(struct remote_queue *q)
{
	for (size_t i = q->from; i < q->to; i++)
		remote_block_unref(q->batch.v[i].block);
	q->from = q->to;
	q->to = piece_end(q);
	q->attempt = 0;
	q->retry_at = 0;
	if (q->from == q->batch.n)
		end_batch(q);
}

/* -- the request ---------------------------------------------------------------------- */

static void add_headers(struct remote_queue *q, struct http_request *r)
{
	const struct pair_list *own = &q->config->headers;
	struct http_header *v = ARENA_ARRAY(&q->mem, struct http_header, own->n + 4);
	size_t n = 0;

	v[n++] = (struct http_header){"Content-Type", "application/x-protobuf"};
	v[n++] = (struct http_header){"Content-Encoding", "snappy"};
	v[n++] = (struct http_header){"X-Prometheus-Remote-Write-Version", "0.1.0"};
	if (q->attempt)
		v[n++] = (struct http_header){"Retry-Attempt",
					      arena_printf(&q->mem, "%u", q->attempt)};
	for (size_t i = 0; i < own->n; i++)
		v[n++] = (struct http_header){own->v[i].name, own->v[i].text};
	r->headers = v;
	r->n_headers = n;
}

static struct str encode_piece(struct remote_queue *q)
{
	size_t n = q->to - q->from;
	const struct remote_sample **v = ARENA_ARRAY(&q->mem, const struct remote_sample *,
						     n);

	for (size_t i = 0; i < n; i++)
		v[i] = sample_of(&q->batch.v[q->from + i]);
	return remote_encode(&q->mem, v, n);
}

bool remote_queue_compose(struct remote_queue *q, mono_ms now, wall_ms wall,
			  struct http_request *out)
{
	ASSERT(!q->is_out);
	arena_reset(&q->mem);
	do {
		if (!q->batch.n)
			fill(q, now);
		drop_old(q, wall);
		if (q->from == q->to)
			go_on(q);
	} while (!q->batch.n && q->n);
	if (!q->batch.n)
		return false;
	*out = (struct http_request){
		.method = "POST",
		.url = q->config->url,
		.body = encode_piece(q),
		.config = q->config->http,
		.timeout = q->config->timeout,
	};
	add_headers(q, out);
	q->is_out = true;
	q->out_at = now;
	q->out_bytes = out->body.n;
	check(q);
	return true;
}

/* -- the answer ----------------------------------------------------------------------- */

/* "Sun, 06 Nov 1994 08:49:37 GMT" */
static bool http_date(const char *text, wall_ms *out)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	struct civil c = {0};
	int year, end = 0;
	char month[4];
	const char *at;

	if (sscanf(text, "%*3[A-Za-z], %2d %3[A-Za-z] %4d %2d:%2d:%2d GMT%n", &c.day, month,
		   &year, &c.hour, &c.minute, &c.second, &end) != 6 ||
	    !end || strlen(month) != 3)
		return false;
	at = strstr(months, month);
	if (!at || (at - months) % 3)
		return false;
	c.year = year;
	c.month = (int)((at - months) / 3) + 1;
	*out = civil_seconds(&c) * SECOND;
	return true;
}

/* How long the receiver wants to be left alone; 0: it did not say. */
static span_ms asked_wait(const struct http_answer *a, wall_ms wall)
{
	const char *text = http_answer_header(a, "Retry-After");
	int64_t n;

	if (!text)
		return 0;
	if (str_int(str_trim(str_of(text)), &n))
		return n <= 0 ? 0 : MIN(n, REMOTE_LONGEST_ASK / SECOND) * SECOND;
	if (!http_date(text, &n) || n <= wall)
		return 0;
	return MIN(n - wall, REMOTE_LONGEST_ASK);
}

static const char *error_text(struct remote_queue *q, const struct http_answer *a)
{
	struct str body = str_trim(str_slice(a->body, 0, QUOTED_BYTES));

	if (!a->status)
		return arena_text(&q->mem, a->error ? a->error : "no answer");
	return arena_printf(&q->mem, "server returned HTTP status %d%s%.*s", a->status,
			    body.n ? ": " : "", FMT(body));
}

static struct remote_outcome try_again(struct remote_queue *q, mono_ms now, span_ms asked)
{
	span_ms longest = MAX(q->config->queue.max_backoff, LEAST_BACKOFF);
	span_ms wait = asked ? asked : MIN(q->backoff, longest);

	q->counters.retried += q->to - q->from;
	q->attempt++;
	q->retry_at = now + wait;
	q->backoff = MIN(wait * 2, longest);
	return (struct remote_outcome){REMOTE_RETRY, q->to - q->from, wait, NULL};
}

static struct remote_outcome refused(struct remote_queue *q, bool may_split)
{
	size_t n = q->to - q->from;

	q->some_refused = true;
	if (may_split && n > 1 && q->pieces_left) {
		q->pieces_left--;
		q->to = q->from + n / 2;
		q->attempt = 0;
		q->retry_at = 0;
		return (struct remote_outcome){REMOTE_SPLIT, n, 0, NULL};
	}
	q->counters.failed += n;
	go_on(q);
	return (struct remote_outcome){REMOTE_GIVEN_UP, n, 0, NULL};
}

static bool sends_histograms(const struct remote_queue *q)
{
	return is_histogram(&q->batch.v[q->from]);
}

/* Whether these histograms are the cause of a 500: not those behind them are to wait. */
static bool histograms_fail(const struct remote_queue *q, const struct http_answer *a)
{
	return sends_histograms(q) && a->status == 500 &&
	       (q->refuses_histograms || q->attempt + 1 >= REMOTE_HISTOGRAM_TRIES);
}

static struct remote_outcome give_up_histograms(struct remote_queue *q)
{
	struct remote_outcome end = refused(q, !q->refuses_histograms);

	q->refuses_histograms = q->refuses_histograms || end.verdict == REMOTE_GIVEN_UP;
	q->backoff = MAX(q->config->queue.min_backoff, LEAST_BACKOFF);
	return end;
}

static struct remote_outcome taken(struct remote_queue *q, size_t bytes)
{
	size_t n = q->to - q->from;

	for (size_t i = q->from; i < q->to; i++)
		q->counters.highest_sent_at = MAX(q->counters.highest_sent_at,
						  sample_of(&q->batch.v[i])->at);
	q->counters.sent += n;
	q->counters.bytes += bytes;
	q->some_taken = true;
	q->refuses_histograms = q->refuses_histograms && !sends_histograms(q);
	q->backoff = MAX(q->config->queue.min_backoff, LEAST_BACKOFF);
	go_on(q);
	return (struct remote_outcome){REMOTE_SENT, n, 0, NULL};
}

const double remote_bucket_bounds[REMOTE_BUCKETS - 1] = {
	0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 60, 120, 300};

static void count_duration(struct remote_counters *c, span_ms ms)
{
	double seconds = (double)MAX(ms, 0) / 1000;
	size_t i = 0;

	while (i < REMOTE_BUCKETS - 1 && seconds > remote_bucket_bounds[i])
		i++;
	c->buckets[i]++;
	c->seconds += seconds;
}

void remote_queue_missed(struct remote_queue *q)
{
	size_t most = (size_t)q->config->queue.max_samples_per_send;

	q->counters.errors++;
	q->counters.retried += MIN(remote_queue_counters(q).pending, most);
}

struct remote_outcome remote_queue_judge(struct remote_queue *q, mono_ms now, wall_ms wall,
					 const struct http_answer *a)
{
	struct remote_outcome end;

	ASSERT(q->is_out);
	q->is_out = false;
	count_duration(&q->counters, now - q->out_at);
	if (a->status / 100 == 2)
		end = taken(q, q->out_bytes);
	else if (histograms_fail(q, a))
		end = give_up_histograms(q);
	else if (!a->status || a->status / 100 == 5)
		end = try_again(q, now, asked_wait(a, wall));
	else if (a->status == 429 && q->config->queue.retry_on_http_429)
		end = try_again(q, now, asked_wait(a, wall));
	else
		end = refused(q, a->status == 400 || a->status == 413);
	if (end.verdict != REMOTE_SENT) {
		q->counters.errors++;
		end.error = error_text(q, a);
	}
	check(q);
	return end;
}

struct remote_counters remote_queue_counters(const struct remote_queue *q)
{
	struct remote_counters c = q->counters;

	c.pending = q->n + q->batch.n - q->from;
	return c;
}

const char *remote_drop_text(enum remote_drop why)
{
	static const char *const words[REMOTE_DROPS] = {
		[REMOTE_DROP_FULL] = "queue_full",
		[REMOTE_DROP_OLD] = "too_old",
		[REMOTE_DROP_DUPLICATE] = "duplicate",
		[REMOTE_DROP_SERIES] = "dropped_series",
		[REMOTE_DROP_HISTOGRAM] = "native_histogram",
	};

	return words[why];
}
