/* worker.h - a thread for work that takes long on purpose (password hashes), so that the
 * loop does not wait.
 *
 * Threads: run happens on the worker, done on the loop's thread; what arg points to belongs
 *          to the worker in between.
 * Limits:  WORKER_MAX jobs wait; worker_do refuses further ones.
 */
#pragma once
#include "base/base.h"

#define WORKER_MAX 100

struct event_base;
struct worker;
struct worker *worker_new(struct event_base *) MUST_USE;
void worker_free(struct worker *); /* finishes the job under way; the others are dropped */
bool worker_do(struct worker *, void (*run)(void *arg), void (*done)(void *arg), void *arg);
