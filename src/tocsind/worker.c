#include "base/base.h"
#include "tocsind/worker.h"

#include <event2/event.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct job {
	void (*run)(void *), (*done)(void *);
	void *arg;
	struct job *next;
};
struct worker {
	pthread_t thread;
	struct event *finished;
	int report_fd;
	pthread_mutex_t mtx;
	pthread_cond_t wake;
	/* shared, under mtx */
	struct job *first, **last, *ended, **last_ended;
	size_t n;
	bool stopping;
};

static struct job *next_job(struct worker *w)
{
	struct job *j;

	pthread_mutex_lock(&w->mtx);
	while (!w->first && !w->stopping)
		pthread_cond_wait(&w->wake, &w->mtx);
	j = w->stopping ? NULL : w->first;
	if (j) {
		w->first = j->next;
		if (!w->first)
			w->last = &w->first;
		j->next = NULL;
	}
	pthread_mutex_unlock(&w->mtx);
	return j;
}

static void *work(void *arg)
{
	struct worker *w = arg;
	struct job *j;

	while ((j = next_job(w))) {
		uint64_t one = 1;
		ssize_t n UNUSED;

		j->run(j->arg);
		pthread_mutex_lock(&w->mtx);
		*w->last_ended = j;
		w->last_ended = &j->next;
		pthread_mutex_unlock(&w->mtx);
		n = write(w->report_fd, &one, sizeof(one));
	}
	return NULL;
}

static void on_finished(evutil_socket_t fd, short what, void *arg)
{
	struct worker *w = arg;
	struct job *j, *next;
	uint64_t count;
	ssize_t n UNUSED = read(fd, &count, sizeof(count));

	(void)what;
	pthread_mutex_lock(&w->mtx);
	j = w->ended;
	w->ended = NULL;
	w->last_ended = &w->ended;
	pthread_mutex_unlock(&w->mtx);
	for (; j; j = next) {
		next = j->next;
		pthread_mutex_lock(&w->mtx);
		w->n--;
		pthread_mutex_unlock(&w->mtx);
		j->done(j->arg);
		free(j);
	}
}

struct worker *worker_new(struct event_base *base)
{
	struct worker *w = mem_new(sizeof(*w));

	w->last = &w->first;
	w->last_ended = &w->ended;
	w->report_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	pthread_mutex_init(&w->mtx, NULL);
	pthread_cond_init(&w->wake, NULL);
	w->finished = event_new(base, w->report_fd, EV_READ | EV_PERSIST, on_finished, w);
	ASSERT(w->report_fd >= 0 && w->finished);
	event_add(w->finished, NULL);
	if (pthread_create(&w->thread, NULL, work, w))
		BUG("cannot start a thread");
	return w;
}

bool worker_do(struct worker *w, void (*run)(void *), void (*done)(void *), void *arg)
{
	struct job *j = mem_new(sizeof(*j));
	bool room;

	*j = (struct job){run, done, arg, NULL};
	pthread_mutex_lock(&w->mtx);
	room = w->n < WORKER_MAX;
	if (room) {
		*w->last = j;
		w->last = &j->next;
		w->n++;
		pthread_cond_signal(&w->wake);
	}
	pthread_mutex_unlock(&w->mtx);
	if (!room)
		free(j);
	return room;
}

static void free_jobs(struct job *j)
{
	struct job *next;

	for (; j; j = next) {
		next = j->next;
		free(j);
	}
}

void worker_free(struct worker *w)
{
	if (!w)
		return;
	pthread_mutex_lock(&w->mtx);
	w->stopping = true;
	pthread_cond_signal(&w->wake);
	pthread_mutex_unlock(&w->mtx);
	pthread_join(w->thread, NULL);
	free_jobs(w->first);
	free_jobs(w->ended);
	event_free(w->finished);
	close(w->report_fd);
	pthread_mutex_destroy(&w->mtx);
	pthread_cond_destroy(&w->wake);
	free(w);
}
