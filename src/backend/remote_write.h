/* remote_write.h - samples on their way to one remote: a queue in memory, batches, retries.
 *
 *	         enough samples, a flush,                  2xx
 *	         or the oldest waited                   or given up
 *	WAITING ─────────────────────────► compose: OUT ───────────► WAITING
 *	                                    ▲        │ no answer, 5xx, 429
 *	                                    └── due ─┘
 *
 * Order:   one request is out at a time and what is tried again goes first, so the samples
 *          of a series arrive in the order of their times.
 * Failure: without an answer, with 5xx and 429 the same samples are sent again, for ever,
 *          with growing waits. Other answers drop them; but with 400 and 413 a receiver
 *          refuses a whole request for one sample it does not like, so that is sent again
 *          in ever smaller pieces until that sample is alone (REMOTE_MOST_PIECES).
 *          Native histograms never share a request with numbers: some receivers answer
 *          500 to those they do not want, so that after REMOTE_HISTOGRAM_TRIES such
 *          answers they are refused like the above, and until one is taken again each
 *          request of them has one try. Without send_native_histograms none is queued.
 * Limits:  queue_config.capacity samples and REMOTE_MOST_BYTES of label sets; beyond
 *          either the oldest are dropped and counted. A body holds
 *          queue_config.max_samples_per_send samples and about REMOTE_BODY_BYTES.
 * Memory:  a wish's samples lie in one block that all queues without rules of their own
 *          share.
 * Time:    now is the steady clock's; wall only judges ages and dates.
 * Spec:    spec/remote-write.md A1, A3, A5, A6.
 */
#pragma once
#include "backend/remote_encode.h"
#include "config/config.h"
#include "engine/event.h"
#include "engine/wire.h"

#define REMOTE_MOST_BYTES      ((size_t)256 * 1024 * 1024)
#define REMOTE_BODY_BYTES      ((size_t)1024 * 1024)
#define REMOTE_MOST_PIECES     32
#define REMOTE_HISTOGRAM_TRIES 6
#define REMOTE_LONGEST_ASK     HOUR /* what a Retry-After may ask for */

/* The samples of a wish with the external labels, and relabeled by the rules (struct
 * relabel; NULL: none). New with one reference. */
struct remote_block;
struct remote_block *remote_block_new(const struct write_wish *,
				      const struct labels *external,
				      const struct object_list *relabels) MUST_USE;
void remote_block_unref(struct remote_block *);

enum remote_drop {
	REMOTE_DROP_FULL,      /* no room, the oldest went */
	REMOTE_DROP_OLD,       /* older than sample_age_limit */
	REMOTE_DROP_DUPLICATE, /* another sample of that series and time was first */
	REMOTE_DROP_SERIES,    /* write_relabel_configs say so */
	REMOTE_DROP_HISTOGRAM, /* without send_native_histograms */
	REMOTE_DROPS,
};
const char *remote_drop_text(enum remote_drop);

#define REMOTE_BUCKETS 16
extern const double
	remote_bucket_bounds[REMOTE_BUCKETS - 1]; /* seconds; the last is +Inf */

struct remote_counters {
	uint64_t sent, failed, retried, dropped[REMOTE_DROPS], bytes;
	uint64_t errors;		     /* requests that were not taken */
	size_t pending;			     /* waiting, or out */
	wall_ms highest_at, highest_sent_at; /* 0: none yet */
	uint64_t buckets[REMOTE_BUCKETS];    /* of requests' durations */
	double seconds;
};

struct remote_queue;
/* The configuration is borrowed until remote_queue_use gives another. */
struct remote_queue *remote_queue_new(const struct remote_write *) MUST_USE;
void remote_queue_free(struct remote_queue *);
void remote_queue_use(struct remote_queue *, const struct remote_write *);
const struct remote_write *remote_queue_config(const struct remote_queue *);
struct remote_counters remote_queue_counters(const struct remote_queue *);

/* False when samples had to go to make room. */
bool remote_queue_add(struct remote_queue *, struct remote_block *, mono_ms now);
void remote_queue_flush(struct remote_queue *); /* what waits is sent without waiting */
bool remote_queue_is_empty(const struct remote_queue *);

/* When to call compose; NEVER: not before something is added or judged. */
mono_ms remote_queue_due(const struct remote_queue *, mono_ms now);
/* The next request; false when there is nothing to send. It lives until it is judged. */
bool remote_queue_compose(struct remote_queue *, mono_ms now, wall_ms wall,
			  struct http_request *) MUST_USE;

/* A request that is due could not be made: it counts as one that is sent again. */
void remote_queue_missed(struct remote_queue *);

struct remote_outcome {
	enum remote_verdict {
		REMOTE_SENT,
		REMOTE_RETRY, /* the same samples again, after wait */
		REMOTE_SPLIT, /* refused; a part of them next */
		REMOTE_GIVEN_UP,
	} verdict;
	size_t samples; /* that it is about */
	span_ms wait;
	const char *error; /* NULL when sent; lives until the next compose */
};
struct remote_outcome remote_queue_judge(struct remote_queue *, mono_ms now, wall_ms wall,
					 const struct http_answer *);
