#include "base/base.h"
#include "net/pace.h"
#include "base/vec.h"
#include "net/clock.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>

/* The client behind a descriptor. Nobody tells when it goes; the inode tells whether the
 * descriptor is still its socket. */
struct client {
	struct pace *pace;
	ino_t socket;
	mono_ms read_by, write_by; /* NEVER: nothing is under way */
	mono_ms waits_since; /* for its next request; NEVER: it has an answer to get */
};

struct pace {
	span_ms timeout;
	struct event *look, *greet;
	VEC(struct client *) by_fd;
	VEC(struct bufferevent *) newcomers; /* accepted, without a descriptor yet */
};

static bool socket_of(int fd, ino_t *socket)
{
	struct stat st;

	if (fd < 0 || fstat(fd, &st) || !S_ISSOCK(st.st_mode))
		return false;
	*socket = st.st_ino;
	return true;
}

static void keep_looking(struct pace *p)
{
	span_ms ms = MIN(MAX(p->timeout / 4, 10), SECOND);
	struct timeval tv = {ms / 1000, (suseconds_t)(ms % 1000 * 1000)};

	if (!evtimer_pending(p->look, NULL))
		evtimer_add(p->look, &tv);
}

static void begin(struct pace *p, mono_ms *deadline)
{
	*deadline = clock_mono() + p->timeout;
	keep_looking(p);
}

/* What has moved earns time, but never more than a fresh start would. */
static void earn(const struct pace *p, mono_ms *deadline, size_t bytes)
{
	if (*deadline != NEVER)
		*deadline = MIN(*deadline + (mono_ms)bytes * 1000 / PACE_BYTES_PER_SECOND,
				clock_mono() + p->timeout);
}

static void on_input(struct evbuffer *in, const struct evbuffer_cb_info *info, void *arg)
{
	struct client *c = arg;

	(void)in;
	if (info->n_added && c->read_by == NEVER)
		begin(c->pace, &c->read_by);
	else
		earn(c->pace, &c->read_by, info->n_added);
}

static void on_output(struct evbuffer *out, const struct evbuffer_cb_info *info, void *arg)
{
	struct client *c = arg;

	if (info->n_added && c->write_by == NEVER)
		begin(c->pace, &c->write_by);
	earn(c->pace, &c->write_by, info->n_deleted);
	if (info->n_added)
		c->waits_since = NEVER;
	if (!evbuffer_get_length(out)) {
		c->write_by = NEVER;
		c->waits_since = clock_mono();
	}
}

static struct client *client_of(struct pace *p, int fd)
{
	while (p->by_fd.n <= (size_t)fd)
		vec_push(&p->by_fd, NULL);
	if (!p->by_fd.v[fd])
		p->by_fd.v[fd] = mem_new(sizeof(struct client));
	return p->by_fd.v[fd];
}

static void greet(evutil_socket_t none, short what, void *arg)
{
	struct pace *p = arg;

	(void)none, (void)what;
	for (size_t i = 0; i < p->newcomers.n; i++) {
		struct bufferevent *bev = p->newcomers.v[i];
		struct client *c;
		ino_t socket;
		int fd = bufferevent_getfd(bev);

		if (socket_of(fd, &socket)) {
			c = client_of(p, fd);
			*c = (struct client){p, socket, NEVER, NEVER, clock_mono()};
			begin(p, &c->read_by);
			evbuffer_add_cb(bufferevent_get_input(bev), on_input, c);
			evbuffer_add_cb(bufferevent_get_output(bev), on_output, c);
		}
		bufferevent_decref(bev);
	}
	p->newcomers.n = 0;
}

void pace_watch(struct pace *p, struct bufferevent *bev)
{
	bufferevent_incref(bev);
	vec_push(&p->newcomers, bev);
	event_active(p->greet, 0, 0);
}

void pace_request_is_here(struct pace *p, int fd)
{
	if (fd < 0 || (size_t)fd >= p->by_fd.n || !p->by_fd.v[fd])
		return;
	p->by_fd.v[fd]->read_by = NEVER;
	p->by_fd.v[fd]->waits_since = NEVER;
}

static bool is_there(const struct client *c, int fd)
{
	ino_t socket;

	return socket_of(fd, &socket) && socket == c->socket;
}

static void cut_off(struct client *c, int fd)
{
	if (is_there(c, fd))
		shutdown(fd, SHUT_RDWR); /* evhttp sees the end and closes */
	c->read_by = c->write_by = c->waits_since = NEVER;
}

/* True while something is under way. */
static bool look_at(struct client *c, int fd, mono_ms now)
{
	mono_ms deadline = MIN(c->read_by, c->write_by);

	if (deadline > now)
		return deadline != NEVER;
	cut_off(c, fd);
	return false;
}

static void look(evutil_socket_t none, short what, void *arg)
{
	struct pace *p = arg;
	mono_ms now = clock_mono();
	bool busy = false;

	(void)none, (void)what;
	for (size_t fd = 0; fd < p->by_fd.n; fd++) {
		if (p->by_fd.v[fd] && look_at(p->by_fd.v[fd], (int)fd, now))
			busy = true;
	}
	if (busy)
		keep_looking(p);
}

struct pace *pace_new(struct event_base *base, span_ms timeout)
{
	struct pace *p = mem_new(sizeof(*p));

	p->timeout = timeout;
	p->look = evtimer_new(base, look, p);
	p->greet = event_new(base, -1, 0, greet, p);
	ASSERT(p->look && p->greet);
	return p;
}

void pace_free(struct pace *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->newcomers.n; i++)
		bufferevent_decref(p->newcomers.v[i]);
	vec_free(&p->newcomers);
	for (size_t i = 0; i < p->by_fd.n; i++)
		free(p->by_fd.v[i]);
	vec_free(&p->by_fd);
	event_free(p->look);
	event_free(p->greet);
	free(p);
}

struct waiting {
	mono_ms since;
	int fd;
};

static int by_age(const void *a, const void *b)
{
	const struct waiting *x = a, *y = b;

	return (x->since > y->since) - (x->since < y->since);
}

size_t pace_make_room(struct pace *p, size_t n)
{
	VEC(struct waiting) found = {0};

	for (size_t fd = 0; fd < p->by_fd.n; fd++) {
		const struct client *c = p->by_fd.v[fd];

		if (c && c->waits_since != NEVER && is_there(c, (int)fd))
			vec_push(&found, (struct waiting){c->waits_since, (int)fd});
	}
	if (found.n)
		qsort(found.v, found.n, sizeof(found.v[0]), by_age);
	n = MIN(n, found.n);
	for (size_t i = 0; i < n; i++)
		cut_off(p->by_fd.v[found.v[i].fd], found.v[i].fd);
	vec_free(&found);
	return n;
}
