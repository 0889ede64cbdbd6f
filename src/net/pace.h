/* pace.h - cuts off clients that are too slow, whether they send nothing or a byte now and
 * then. A request has to be here, and an answer taken, within the timeout; from then on
 * at PACE_BYTES_PER_SECOND on the average, so that a large body over a poor line is no
 * crime. A handshake counts as part of the first request.
 *
 * Owner:  the loop's thread. The connections stay evhttp's: theirs is only watched, and
 *         its socket shut down.
 * Limits: a slot for each descriptor that ever was a client's; they are used again.
 */
#pragma once
#include "base/time.h"

#define PACE_BYTES_PER_SECOND 16000

struct event_base;
struct bufferevent;
struct pace;

struct pace *pace_new(struct event_base *, span_ms timeout) MUST_USE;
void pace_free(struct pace *);
/* A connection that was just accepted; it gets its descriptor before the loop's next turn.
 */
void pace_watch(struct pace *, struct bufferevent *);
/* The request that was coming in on this descriptor is complete. */
void pace_request_is_here(struct pace *, int fd);
/* Cuts off up to n clients, those first whose next request has been waited for longest;
 * none that has an answer to get. How many. */
size_t pace_make_room(struct pace *, size_t n);
