#include "base/base.h"
#include "tocsind/daemon.h"
#include "base/log.h"
#include "tocsind/names.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#define SETTLE_MS 100	       /* after a change in a rule folder, wait for its end */
#define RESCAN	  (5 * SECOND) /* for what inotify cannot see */

/* -- which files ------------------------------------------------------------------- */

struct globs {
	VEC(const char *) list;
};

/* A pattern may match nothing yet. */
static void warn_if_missing(const char *path, const char *where)
{
	struct stat st;

	if (!strpbrk(path, "*?[") && stat(path, &st))
		log_warn("rules", "there are no rules here (yet)", L_STR("path", path),
			 L_STR("named_by", where), L_STR("err", strerror(errno)));
}

/* --rules: a folder, or a file. */
static void add_rules(const char *path, struct arena *mem, struct globs *globs)
{
	struct stat st;

	warn_if_missing(path, "--rules");
	if (!stat(path, &st) && !S_ISDIR(st.st_mode)) {
		vec_push_in(mem, &globs->list, path);
		return;
	}
	vec_push_in(mem, &globs->list, arena_printf(mem, "%s/*.yml", path));
	vec_push_in(mem, &globs->list, arena_printf(mem, "%s/*.yaml", path));
}

void rules_from_config(struct daemon *d)
{
	const struct config *c = d->now_runs->config;
	const struct rule_options options = {
		.names = c->global.names,
		.any_expression = !d->flags.check_expressions,
		.datasources = c->datasources,
		.n_datasources = c->n_datasources,
	};
	struct globs globs = {0};
	struct arena mem = {0};
	size_t n_alone;

	for (size_t i = 0; i < d->flags.rules.n; i++)
		add_rules(d->flags.rules.v[i], &mem, &globs);
	n_alone = globs.list.n;
	for (size_t i = 0; i < c->n_rule_files; i++) {
		warn_if_missing(c->rule_files[i], "rule_files");
		vec_push_in(&mem, &globs.list, c->rule_files[i]);
	}
	rulefiles_set(d->rules, globs.list.v, globs.list.n, n_alone, &options);
	arena_free(&mem);
}

/* -- what became of a file --------------------------------------------------------- */

static void record_file(struct daemon *d, const char *path, const char *change,
			const char *mistakes)
{
	struct record r = {.kind = RECORD_FILE,
			   .at = daemon_now(d),
			   .file = path,
			   .change = change,
			   .error = mistakes};

	ledger_record(d, &r);
}

static void rules_changed(void *arg, const struct rule_file *file)
{
	struct daemon *d = arg;
	struct event ev = {.kind = EVENT_RULES, .rules = file};

	record_file(d, file->path, "load", NULL);
	daemon_feed(d, &ev);
	names_changed(d->names);
}

static void rules_gone(void *arg, const char *path)
{
	struct daemon *d = arg;
	struct event ev = {.kind = EVENT_RULES_GONE, .path = path};

	record_file(d, path, "gone", NULL);
	daemon_feed(d, &ev);
	store_forget_rule_file(d->store, path);
	names_changed(d->names);
}

static void rules_refused(void *arg, const char *path, const char *mistakes)
{
	record_file(arg, path, "refuse", mistakes);
}

static void rules_keep(void *arg, const char *path, struct str text)
{
	struct daemon *d = arg;

	store_save_rule_file(d->store, path, text);
}

/* -- when they are looked at ------------------------------------------------------- */

static void on_scan(evutil_socket_t fd, short what, void *arg)
{
	struct daemon *d = arg;

	(void)fd, (void)what;
	rulefiles_scan(d->rules, false, NULL);
	timer_in(d->rescan, RESCAN);
}

static void on_inotify(evutil_socket_t fd, short what, void *arg)
{
	struct daemon *d = arg;

	(void)fd, (void)what;
	rulefiles_drain(d->rules);
	if (!evtimer_pending(d->scan, NULL))
		timer_in(d->scan, SETTLE_MS);
}

void rules_watch(struct daemon *d)
{
	if (rulefiles_fd(d->rules) >= 0) {
		d->inotify = event_new(d->base, rulefiles_fd(d->rules),
				       EV_READ | EV_PERSIST, on_inotify, d);
		event_add(d->inotify, NULL);
	}
	timer_in(d->rescan, RESCAN);
}

/* A storage without alerts of rules has nothing to go on with: the backend may know more.
 */
void rules_load_first(struct daemon *d)
{
	struct event begin = {.kind = EVENT_READ_BACK, .on = true};
	struct event end = {.kind = EVENT_READ_BACK};

	if (!d->had_alerts)
		daemon_feed(d, &begin);
	rulefiles_scan(d->rules, false, NULL);
	daemon_feed(d, &end);
	daemon_wants_less_memory(d);
}

void rules_begin(struct daemon *d)
{
	struct rulefiles_host host = {
		.ctx = d,
		.changed = rules_changed,
		.gone = rules_gone,
		.refused = rules_refused,
		.keep = rules_keep,
		.as_vmalert = d->flags.rules_as_vmalert,
	};

	d->scan = evtimer_new(d->base, on_scan, d);
	d->rescan = evtimer_new(d->base, on_scan, d);
	d->rules = rulefiles_new(&host);
}
