/* mailer.h - mail going out by SMTP, a thread for each dialogue.
 *
 * libcurl waits inside its calls in two places of a dialogue: for the verdict on a message
 * and for the answer to QUIT. A server that scans mail for a while, or has stopped, would
 * hold up the loop; so it is a thread that waits.
 *
 * Owner:   the loop's thread; what a thread has comes back through an eventfd.
 * Ends:    done is called exactly once for each mailing that was not canceled, from the
 *          loop, never from within the call that started it.
 * Memory:  the request is copied; the answer lives during done.
 * Limits:  MAILER_MAX dialogues at once, further mailings wait for one to end. A canceled
 *          one ends at once, or within a second while it looks up a name or connects.
 * Quirk:   QUIT is said and its answer not waited for.
 */
#pragma once
#include "engine/wire.h"

struct event_base;
struct mailer;
struct mailing;

#define MAILER_MAX 64

struct mailer *mailer_new(struct event_base *) MUST_USE;
void mailer_free(struct mailer *); /* cancels what is under way */

struct mailing *mailer_send(struct mailer *, const struct mail_request *,
			    void (*done)(void *arg, const struct mail_answer *), void *arg);
void mailing_cancel(struct mailing *);
