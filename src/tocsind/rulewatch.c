#include "base/base.h"
#include "tocsind/rulewatch.h"
#include "base/log.h"
#include "base/map.h"
#include "net/clock.h"

#include <errno.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#define EVENTS                                                                             \
	(IN_MODIFY | IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVED_FROM |              \
	 IN_MOVED_TO | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF)
#define ENDS_WRITING (IN_CLOSE_WRITE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO)

struct folder {
	uint64_t wd;
	char *path;
};
struct write {
	char *path;
	mono_ms at; /* the last one seen */
};
struct rulewatch {
	int inotify;
	struct map folders; /* by watch descriptor */
	struct map writes;  /* by path */
};

struct rulewatch *rulewatch_new(void)
{
	struct rulewatch *w = mem_new(sizeof(*w));

	w->inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (w->inotify < 0)
		log_warn("rules",
			 "no inotify: changed rule files are found by looking every "
			 "few seconds");
	return w;
}

int rulewatch_fd(const struct rulewatch *w)
{
	return w->inotify;
}

/* -- folders -------------------------------------------------------------------------- */

/* There is always one that exists: at the latest the root, or the working directory. */
static int watch_nearest(struct rulewatch *w, char **folder)
{
	int wd = inotify_add_watch(w->inotify, *folder, EVENTS);

	while (wd < 0 && (errno == ENOENT || errno == ENOTDIR) &&
	       strcmp(*folder, "/") != 0 && strcmp(*folder, ".") != 0) {
		*folder = dirname(*folder);
		wd = inotify_add_watch(w->inotify, *folder, EVENTS);
	}
	return wd;
}

void rulewatch_add_folder_of(struct rulewatch *w, const char *path)
{
	char *copy = mem_text(path), *folder = dirname(copy);
	int got = w->inotify < 0 ? -1 : watch_nearest(w, &folder);
	uint64_t wd = (uint64_t)got;
	struct folder *known;

	if (got >= 0 && !map_find(&w->folders, map_key_u64(&wd))) {
		known = mem_new(sizeof(*known));
		*known = (struct folder){wd, mem_text(folder)};
		map_put(&w->folders, map_key_u64(&known->wd), known);
	}
	free(copy);
}

static void forget_folder(struct rulewatch *w, struct folder *f)
{
	map_del(&w->folders, map_key_u64(&f->wd));
	free(f->path);
	free(f);
}

/* -- writes --------------------------------------------------------------------------- */

static void forget_write(struct rulewatch *w, const char *path)
{
	struct write *one = map_del(&w->writes, str_of(path));

	if (!one)
		return;
	free(one->path);
	free(one);
}

static void forget_writes(struct rulewatch *w)
{
	struct write *one;

	for (size_t at = 0; (one = map_next(&w->writes, &at));)
		forget_write(w, one->path);
}

static void note_write(struct rulewatch *w, const char *path)
{
	struct write *one = map_find(&w->writes, str_of(path));

	if (!one) {
		one = mem_new(sizeof(*one));
		one->path = mem_text(path);
		map_put(&w->writes, str_of(one->path), one);
	}
	one->at = clock_mono();
}

bool rulewatch_is_written(struct rulewatch *w, const char *path)
{
	struct write *one = map_find(&w->writes, str_of(path));

	if (!one || clock_mono() - one->at <= RULEWATCH_LONGEST_PAUSE)
		return one != NULL;
	forget_write(w, path);
	return false;
}

/* -- events --------------------------------------------------------------------------- */

static void take_event(struct rulewatch *w, const struct inotify_event *ev)
{
	uint64_t wd = (uint64_t)ev->wd;
	struct folder *f = map_find(&w->folders, map_key_u64(&wd));
	struct arena mem = {0};
	const char *path;

	if (ev->mask & IN_Q_OVERFLOW)
		forget_writes(w); /* the end of one may be lost */
	if (f && ev->mask & IN_IGNORED) {
		forget_folder(w, f);
	} else if (f && ev->len) {
		path = arena_printf(&mem, "%s/%s", f->path, ev->name);
		if (ev->mask & IN_MODIFY)
			note_write(w, path);
		else if (ev->mask & ENDS_WRITING)
			forget_write(w, path);
	}
	arena_free(&mem);
}

void rulewatch_drain(struct rulewatch *w)
{
	_Alignas(struct inotify_event) char events[16384];
	ssize_t n;

	while ((n = read(w->inotify, events, sizeof(events))) > 0) {
		for (ssize_t at = 0; at < n;) {
			const struct inotify_event *ev = (const void *)(events + at);

			take_event(w, ev);
			at += (ssize_t)(sizeof(*ev) + ev->len);
		}
	}
}

void rulewatch_free(struct rulewatch *w)
{
	struct folder *f;

	if (!w)
		return;
	for (size_t at = 0; (f = map_next(&w->folders, &at));)
		forget_folder(w, f);
	map_free(&w->folders);
	forget_writes(w);
	map_free(&w->writes);
	if (w->inotify >= 0)
		close(w->inotify);
	free(w);
}
