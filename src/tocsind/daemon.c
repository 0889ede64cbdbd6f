#include "base/base.h"
#include "tocsind/daemon.h"
#include "api/metrics.h"
#include "base/log.h"
#include "net/libcurl.h"
#include "base/libcrypto.h"
#include "tocsind/names.h"
#include "tocsind/outside.h"
#include "tocsind/sandbox.h"

#include <malloc.h>
#include <openssl/evp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define SETTLE_MS     100	   /* after a change in a rule folder, wait for its end */
#define RESCAN	      (5 * SECOND) /* for what inotify cannot see */
#define STEP_CLOCK    (2 * SECOND) /* a wall clock that moves more has been set */
#define LONGEST_SLEEP HOUR
#define LARGE_STEP    (256 * 1024)
#define TRIM_MS	      SECOND

/* -- time ----------------------------------------------------------------------------- */

wall_ms daemon_now(void *daemon)
{
	(void)daemon;
	return clock_wall();
}

static struct timeval timeval_of(span_ms ms)
{
	return (struct timeval){ms / 1000, ms % 1000 * 1000};
}

static void timer_in(struct event *ev, span_ms ms)
{
	struct timeval tv = timeval_of(MAX(ms, 0));

	evtimer_add(ev, &tv);
}

/* -- steps ---------------------------------------------------------------------------- */

/* Somebody set the wall clock: deadlines move along, so that none fires early or late. */
static span_ms clock_jump(struct daemon *d)
{
	int64_t offset = clock_wall() - clock_mono();
	span_ms jump = offset - d->clock_offset;

	d->clock_offset = offset;
	return jump > STEP_CLOCK || jump < -STEP_CLOCK ? jump : 0;
}

/* What of the engine's work is timed. */
struct work {
	uint64_t alerts, told_queries, silence_queries, maintenances, handovers;
};

static struct work work_so_far(const struct daemon *d)
{
	const struct engine_counters *c = view_counters(d->engine);

	return (struct work){c->alerts_stored, c->told_queries, c->silence_queries,
			     c->maintenances, c->rule_handovers};
}

/* The engine knows no clock: what a step did shares the step's time. */
static void note_times(struct step_times *t, const struct work *before,
		       const struct work *after, double took)
{
	uint64_t handovers = after->handovers - before->handovers;

	seconds_add(&t->alerts, took, after->alerts - before->alerts);
	seconds_add(&t->told_queries, took, after->told_queries - before->told_queries);
	seconds_add(&t->silence_queries, took,
		    after->silence_queries - before->silence_queries);
	seconds_add(&t->maintenance, took, after->maintenances - before->maintenances);
	seconds_add(&t->handovers, took, handovers);
	if (handovers)
		recent_add(&t->last_handovers, took / (double)handovers);
}

static wall_ms timed_step(struct daemon *d, wall_ms now, const struct event *in, size_t n)
{
	struct work before = work_so_far(d), after;
	double began = clock_seconds();
	wall_ms next = engine_step(d->engine, now, in, n, &d->step, &d->todo);

	after = work_so_far(d);
	note_times(&d->times, &before, &after, clock_seconds() - began);
	return next;
}

/* What large input took for a moment lies between what stays of it: once it is over, that
 * goes back to the system, or the largest file and the longest request there ever was would
 * be the size of the process. */
static void give_memory_back(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what, (void)arg;
	malloc_trim(0);
}

static void wants_less_memory(struct daemon *d)
{
	timer_in(d->trim, TRIM_MS);
}

static void step(struct daemon *d, const struct event *in, size_t n)
{
	/* the wall clock as clock_jump saw it: it may have been set again since */
	wall_ms now = clock_mono() + d->clock_offset, next;

	arena_reset(&d->step);
	d->todo.n = 0;
	next = timed_step(d, now, in, n);
	d->in_step = true;
	for (size_t i = 0; i < d->todo.n; i++)
		perform(d, &d->todo.v[i]);
	ledger_step_ended(d);
	sender_step_ended(d);
	d->in_step = false;
	if (arena_size(&d->step) > LARGE_STEP)
		wants_less_memory(d);
	evtimer_del(d->tick);
	if (next != NEVER)
		timer_in(d->tick, MIN(next - now, LONGEST_SLEEP));
}

/* What ended while actions were carried out comes in with a step of its own. */
static bool step_with_ended(struct daemon *d)
{
	struct arena mem = d->ended_mem;
	VEC(struct event) events = {0};
	size_t n_deliveries = d->ended_deliveries.n;
	struct delivery_ended *deliveries = d->ended_deliveries.v;

	if (!n_deliveries)
		return false;
	d->ended_mem = (struct arena){0};
	memset(&d->ended_deliveries, 0, sizeof(d->ended_deliveries));
	for (size_t i = 0; i < n_deliveries; i++)
		vec_push(&events, (struct event){.kind = EVENT_DELIVERY_ENDED,
						 .delivery = &deliveries[i]});
	step(d, events.v, events.n);
	vec_free(&events);
	free(deliveries);
	arena_free(&mem);
	return true;
}

static bool is_drained(const struct daemon *d)
{
	return d->stopping && !d->sendings.n && !remotes_pending(d);
}

void daemon_end_if_drained(struct daemon *d)
{
	if (is_drained(d))
		event_base_loopbreak(d->base);
}

/* event NULL: only what has ended, and what is due. */
void daemon_feed(void *daemon, const struct event *event)
{
	struct daemon *d = daemon;
	struct event events[2];
	size_t n = 0;
	span_ms jump;

	if (d->in_step)
		return; /* an end noted while actions are carried out: see step_with_ended
			 */
	jump = clock_jump(d);
	if (jump) {
		log_warn("clock", "the wall clock was set; deadlines move along",
			 L_INT("by_ms", jump));
		events[n++] = (struct event){.kind = EVENT_CLOCK_SET, .jump = jump};
	}
	if (event)
		events[n++] = *event;
	if (n || !d->ended_deliveries.n)
		step(d, events, n);
	while (step_with_ended(d))
		;
	daemon_end_if_drained(d);
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what;
	daemon_feed(arg, NULL);
}

/* -- rule files ----------------------------------------------------------------------- */

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

/* -- the store ------------------------------------------------------------------------ */

/* What the damaged file had is in memory, but for the journal. */
static void save_again(struct daemon *d, const char *why)
{
	struct record r = {.kind = RECORD_START,
			   .at = daemon_now(d),
			   .file = d->flags.config_file,
			   .change = "replaced",
			   .error = why};

	log_error("store",
		  "the database was damaged, another takes its place: what is known is "
		  "written again, the journal begins anew",
		  L_STR("folder", d->flags.storage_path), L_STR("err", why));
	ledger_record(d, &r);
	daemon_feed(d, &(struct event){.kind = EVENT_SAVE_ALL});
	rulefiles_keep_all(d->rules);
	store_seal(d->store);
}

static void on_store(evutil_socket_t fd, short what, void *arg)
{
	struct daemon *d = arg;
	struct store_health h = store_health(d->store);

	(void)fd, (void)what;
	if (h.error[0] && !d->store_fails)
		log_error("store", "state cannot be written, will try again",
			  L_STR("folder", d->flags.storage_path), L_STR("err", h.error));
	else if (!h.error[0] && d->store_fails)
		log_info("store", "state is on disk again",
			 L_INT("rows", (int64_t)h.writes));
	d->store_fails = h.error[0] != 0;
	if (h.renewals != d->store_renewals) {
		d->store_renewals = h.renewals;
		save_again(d, h.damage);
	}
	store_poll(d->store);
}

void daemon_restore(struct daemon *d, const struct event *ev)
{
	arena_reset(&d->step);
	d->todo.n = 0;
	engine_step(d->engine, daemon_now(d), ev, 1, &d->step, &d->todo);
	for (size_t i = 0; i < d->todo.n; i++)
		perform(d, &d->todo.v[i]);
}

static void restore_silence(void *d, const struct silence *s)
{
	daemon_restore(d, &(struct event){.kind = EVENT_RESTORE_SILENCE, .silence = s});
}

static void restore_told(void *d, const struct told *t)
{
	daemon_restore(d, &(struct event){.kind = EVENT_RESTORE_TOLD, .told = t});
}

static void restore_alert(void *d, const struct alert *a)
{
	daemon_restore(d, &(struct event){.kind = EVENT_RESTORE_ALERT, .alert = a});
}

static void restore_rule_alert(void *arg, const struct rule_alert *a)
{
	struct daemon *d = arg;

	d->had_alerts = true;
	daemon_restore(d,
		       &(struct event){.kind = EVENT_RESTORE_RULE_ALERT, .rule_alert = a});
}

static void restore_rule_file(void *arg, const char *path, const char *text)
{
	struct daemon *d = arg;

	rulefiles_remember(d->rules, path, text);
}

static const uint64_t *keep_hashes(struct daemon *d, const uint64_t *v, size_t n)
{
	uint64_t *copy = ARENA_ARRAY(&d->mem, uint64_t, n);

	if (n)
		memcpy(copy, v, n * sizeof(*v));
	return copy;
}

/* Kept until all is read: what becomes of it is written. */
static void restore_open(void *arg, const struct open_delivery *o)
{
	struct daemon *d = arg;
	struct open_delivery copy = *o;

	copy.id = arena_text(&d->mem, o->id);
	copy.group_key = arena_text(&d->mem, o->group_key);
	copy.receiver = arena_text(&d->mem, o->receiver);
	copy.integration = arena_text(&d->mem, o->integration);
	copy.firing = keep_hashes(d, o->firing, o->n_firing);
	copy.resolved = keep_hashes(d, o->resolved, o->n_resolved);
	vec_push_in(&d->mem, &d->left_open, copy);
}

static void restore_broken(void *d, const char *table, const char *key, const char *why)
{
	(void)d;
	log_error("store", "a row cannot be read and is left alone", L_STR("table", table),
		  L_STR("key", key), L_STR("err", why));
}

static bool has_state(const struct daemon *d)
{
	struct arena mem = {0};
	struct stat st;
	bool has = !stat(arena_printf(&mem, "%s/tocsin.db", d->flags.storage_path), &st);

	arena_free(&mem);
	return has;
}

static bool open_store(struct daemon *d, struct err *err)
{
	struct store_options options = {
		.folder = d->flags.storage_path,
		.journal_age = d->flags.journal_retention_ns / 1000000,
		.journal_bytes = d->flags.journal_bytes,
		.seconds = clock_seconds,
	};
	struct store_visitor visitor = {
		.ctx = d,
		.silence = restore_silence,
		.told = restore_told,
		.alert = restore_alert,
		.rule_alert = restore_rule_alert,
		.rule_file = restore_rule_file,
		.open = restore_open,
		.broken = restore_broken,
	};
	struct buf notes = BUF(4096);
	bool ok, is_damaged = false, is_new = !has_state(d);

	d->store = store_open(&options, d->started_at, &notes, err);
	ok = d->store && store_load(d->store, &visitor, &is_damaged, err);
	if (!ok && is_damaged) {
		log_error("store",
			  "the database is damaged, what can be read of it goes on",
			  L_ERR(err));
		store_found_damage(d->store);
		ok = true;
	}
	d->lost_journal = is_damaged || notes.n;
	for (size_t i = 0; ok && i < d->left_open.n; i++)
		ledger_found_open(d, &d->left_open.v[i]);
	if (ok && is_new)
		move_in(d);
	if (notes.n)
		log_error("store", buf_text(&notes));
	buf_free(&notes);
	return ok;
}

/* -- what the API asks ---------------------------------------------------------------- */

static struct engine *host_engine(void *arg)
{
	return ((struct daemon *)arg)->engine;
}

static const struct config *host_config(void *arg)
{
	return ((struct daemon *)arg)->now_runs->config;
}

static bool host_is_ready(void *arg)
{
	return ((struct daemon *)arg)->ready;
}

static size_t host_broken_files(void *arg, struct arena *mem, struct broken_file **out)
{
	return rulefiles_broken(((struct daemon *)arg)->rules, mem, out);
}

static size_t host_unknown_names(void *arg, const struct rule_group *g,
				 const struct rule *rule, struct arena *mem,
				 const char ***out)
{
	return names_unknown(((struct daemon *)arg)->names, g, rule, mem, out);
}

static size_t host_call_bytes(void *arg)
{
	return server_counters(((struct daemon *)arg)->server).call_bytes;
}

static struct step_times host_times(void *arg)
{
	return ((struct daemon *)arg)->times;
}

/* The first six bytes of the text's MD5 as a little-endian number. */
static double config_hash(const struct config *c)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	uint64_t v = 0;

	if (!libcrypto_load(NULL) ||
	    !EVP_Digest(c->text.p, c->text.n, digest, NULL, EVP_md5(), NULL))
		return 0;
	for (int i = 5; i >= 0; i--)
		v = v << 8 | digest[i];
	return (double)v;
}

/* Under the names of all three. To those that have rules, a rule file that is refused is a
 * reload that failed, until it is mended. */
static void add_reload_metrics(const struct daemon *d, bool has_broken, struct buf *b)
{
	static const char *const peers[] = {"alertmanager", "prometheus", "vmalert"};

	for (size_t i = 0; i < COUNT_OF(peers); i++) {
		bool has_rules = i > 0;
		wall_ms at = has_rules ? d->all_reloaded_at : d->reloaded_at;

		buf_addf(b,
			 "# HELP %s_config_last_reload_successful Whether the last "
			 "configuration reload attempt was successful.\n"
			 "# TYPE %s_config_last_reload_successful gauge\n"
			 "%s_config_last_reload_successful %d\n"
			 "# HELP %s_config_last_reload_success_timestamp_seconds Timestamp "
			 "of the last successful configuration reload.\n"
			 "# TYPE %s_config_last_reload_success_timestamp_seconds gauge\n"
			 "%s_config_last_reload_success_timestamp_seconds %.15g\n",
			 peers[i], peers[i], peers[i],
			 d->reload_ok && !(has_rules && has_broken), peers[i], peers[i],
			 peers[i], (double)at / 1000);
	}
	buf_addf(b,
		 "# HELP vmalert_config_last_reload_total Reloads.\n"
		 "# TYPE vmalert_config_last_reload_total counter\n"
		 "vmalert_config_last_reload_total %llu\n"
		 "# HELP vmalert_config_last_reload_errors_total Reloads that failed.\n"
		 "# TYPE vmalert_config_last_reload_errors_total counter\n"
		 "vmalert_config_last_reload_errors_total %llu\n",
		 (unsigned long long)d->reloads, (unsigned long long)d->reloads_failed);
}

static void host_add_metrics(void *arg, struct buf *b)
{
	struct daemon *d = arg;
	struct broken_file *broken;
	struct arena mem = {0};
	size_t n = rulefiles_broken(d->rules, &mem, &broken);
	struct server_counters clients = server_counters(d->server);

	buf_addf(b,
		 "# HELP alertmanager_config_hash Hash of the currently loaded "
		 "configuration.\n"
		 "# TYPE alertmanager_config_hash gauge\n"
		 "alertmanager_config_hash %.15g\n",
		 config_hash(d->now_runs->config));
	add_reload_metrics(d, n > 0, b);
	buf_addf(
		b,
		"# HELP tocsin_rule_files Rule files found.\n"
		"# TYPE tocsin_rule_files gauge\ntocsin_rule_files %zu\n"
		"# HELP tocsin_rule_files_broken Rule files refused; the last good version "
		"of "
		"each runs.\n"
		"# TYPE tocsin_rule_files_broken gauge\ntocsin_rule_files_broken %zu\n"
		"# HELP tocsin_rules_unknown_metrics Rules that ask for a metric which "
		"their backend does not know.\n"
		"# TYPE tocsin_rules_unknown_metrics gauge\n"
		"tocsin_rules_unknown_metrics %zu\n"
		"# HELP tocsin_notification_templates_mended_total Messages sent although "
		"a "
		"template of theirs failed.\n"
		"# TYPE tocsin_notification_templates_mended_total counter\n"
		"tocsin_notification_templates_mended_total %llu\n"
		"# HELP tocsin_notifications_shortened_total Messages too long for their "
		"receiver.\n"
		"# TYPE tocsin_notifications_shortened_total counter\n"
		"tocsin_notifications_shortened_total %llu\n"
		"# HELP tocsin_notifications_unrecorded_total Notifications that left "
		"before the disk had them, because it failed or took too long.\n"
		"# TYPE tocsin_notifications_unrecorded_total counter\n"
		"tocsin_notifications_unrecorded_total %llu\n"
		"# HELP tocsin_backend_warnings_total Answers of backends with a warning.\n"
		"# TYPE tocsin_backend_warnings_total counter\n"
		"tocsin_backend_warnings_total %llu\n"
		"# HELP tocsin_web_clients_cut_off_total Idle clients that made room for "
		"others.\n"
		"# TYPE tocsin_web_clients_cut_off_total counter\n"
		"tocsin_web_clients_cut_off_total %llu\n"
		"# HELP tocsin_web_accept_failures_total Times a client could not be "
		"accepted, as when no descriptors were left.\n"
		"# TYPE tocsin_web_accept_failures_total counter\n"
		"tocsin_web_accept_failures_total %llu\n",
		rulefiles_count(d->rules), n, names_count(d->names),
		(unsigned long long)d->mended_templates, (unsigned long long)d->shortened,
		(unsigned long long)d->sent_unrecorded,
		(unsigned long long)d->backend_warnings,
		(unsigned long long)clients.cut_off,
		(unsigned long long)clients.accept_failures);
	buf_add_text(b, "# HELP tocsin_rule_file_broken A rule file that was refused.\n"
			"# TYPE tocsin_rule_file_broken gauge\n");
	for (size_t i = 0; i < n; i++) {
		buf_add_text(b, "tocsin_rule_file_broken{file=\"");
		metric_add_label_text(b, broken[i].path);
		buf_add_text(b, "\"} 1\n");
	}
	remotes_add_metrics(d, b);
	arena_free(&mem);
}

static const char *const *integration_names(struct arena *mem)
{
	size_t n = 0;
	const char **names;

	while (integration_kinds[n])
		n++;
	names = ARENA_ARRAY(mem, const char *, n + 1);
	for (size_t i = 0; i < n; i++)
		names[i] = integration_kinds[i]->name;
	return (const char *const *)names;
}

/* -- starting ------------------------------------------------------------------------- */

static void on_signal(evutil_socket_t signal, short what, void *arg)
{
	struct daemon *d = arg;
	struct buf mistakes = BUF(64 * 1024);

	(void)what;
	if (signal == SIGHUP) {
		daemon_reload(d, NULL, NULL, &mistakes);
		buf_free(&mistakes);
		return;
	}
	daemon_stop(d, 0);
}

static void watch_signals(struct daemon *d)
{
	static const int which[] = {SIGHUP, SIGTERM, SIGINT};

	signal(SIGPIPE, SIG_IGN);
	for (size_t i = 0; i < COUNT_OF(which); i++) {
		d->signals[i] = evsignal_new(d->base, which[i], on_signal, d);
		ASSERT(d->signals[i]);
		event_add(d->signals[i], NULL);
	}
}

static void raise_file_limit(void)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files))
		return;
	files.rlim_cur = MIN(files.rlim_max, 65536);
	setrlimit(RLIMIT_NOFILE, &files);
}

static struct engine *make_engine(struct daemon *d)
{
	const struct flags *f = &d->flags;
	struct engine_options options = {
		.seed = clock_seed(),
		.started_at = d->started_at,
		.retention = f->retention_ns / 1000000,
		.alert_gc = f->gc_ns / 1000000,
		.maintenance = f->maintenance_ns / 1000000,
		.start_delay = f->start_delay_ns / 1000000,
		.resend_delay = f->resend_delay_ns / 1000000,
		.outage_tolerance = f->outage_tolerance_ns / 1000000,
		.grace_period = f->grace_period_ns / 1000000,
		.concurrent_evals = f->rules_concur ? (size_t)f->concurrent_evals : 0,
		.external_url = d->external_url,
		.matchers = f->matchers,
		.any_old_alert_hurries = f->as_0_25,
		.leaves_removed = !f->resolve_removed,
		.max_alerts = (size_t)f->max_alerts,
		.max_labels = (size_t)MAX(f->max_labels, 0),
		.max_alert_bytes = (size_t)MAX(f->max_alert_bytes, 0),
		.max_silences = (size_t)MAX(f->max_silences, 0),
		.max_silence_bytes = (size_t)MAX(f->max_silence_bytes, 0),
		.per_alertname = (size_t)MAX(f->per_alertname, 0),
		.count_receivers = f->receiver_names,
		.count_alertnames = f->alert_names,
		.zone_find = outside_zone,
	};

	return engine_new(&options);
}

static bool host_elsewhere(void *arg, void (*run)(void *), void (*done)(void *), void *job)
{
	return worker_do(((struct daemon *)arg)->worker, run, done, job);
}

static bool host_reading(void *arg, void (*run)(void *), void (*done)(void *), void *job)
{
	return worker_do(((struct daemon *)arg)->reader, run, done, job);
}

static bool set_origins(struct daemon *d, struct err *err)
{
	const char *origins = d->flags.cors_origin;

	if (!origins[0])
		return true;
	d->origins = regex_new(&d->mem, str_of(origins), REGEX_WHOLE, err);
	return d->origins || err_in(err, "--web.cors.origin");
}

static struct api *make_api(struct daemon *d)
{
	long processors = sysconf(_SC_NPROCESSORS_ONLN);
	struct api_options options = {
		.host = {d, host_engine, host_config, daemon_now, daemon_feed,
			 daemon_reload, host_is_ready, host_broken_files, d->store,
			 d->flags.as_0_25 ? NULL : sender_route_labels, host_add_metrics,
			 host_elsewhere, host_reading, web_refresh, host_times,
			 host_call_bytes, host_unknown_names},
		.route_prefix = d->route_prefix,
		.external_url = d->external_url,
		.storage_path = d->flags.storage_path,
		.peer_version = d->flags.as_0_25 ? "0.25.0" : "0.34.0",
		.started_at = d->started_at,
		.matchers = d->flags.matchers,
		.get_concurrency = d->flags.get_concurrency > 0
					   ? (size_t)d->flags.get_concurrency
					   : (size_t)MAX(processors, 8),
		.origins = d->origins,
		.integrations = integration_names(&d->mem),
		.most = {(size_t)d->flags.max_alerts, (size_t)MAX(d->flags.max_silences, 0),
			 (size_t)d->flags.max_connections},
		.metrics = {d->flags.receiver_names, d->flags.group_keys,
			    d->flags.alert_names, d->flags.rule_names,
			    (size_t)MAX(d->flags.per_alertname, 0)},
	};

	return api_new(&options);
}

/* -- addresses and URLs --------------------------------------------------------------- */

/* Names joined by colons: those of TLS 1.3, or the others. NULL when there is none. */
static const char *joined(struct arena *mem, const struct text_list *list, bool of_13)
{
	const char *text = NULL;

	for (size_t i = 0; i < list->n; i++) {
		if (str_starts(str_of(list->v[i]), STR("TLS_")) != of_13)
			continue;
		text = text ? arena_printf(mem, "%s:%s", text, list->v[i]) : list->v[i];
	}
	return text;
}

static bool use_tls(struct daemon *d, struct err *err)
{
	static const enum client_cert policy[] = {
		[CLIENT_NONE] = CLIENT_CERT_NONE,
		[CLIENT_REQUEST] = CLIENT_CERT_REQUEST,
		[CLIENT_REQUIRE] = CLIENT_CERT_ANY,
		[CLIENT_VERIFY_IF_GIVEN] = CLIENT_CERT_VERIFY_IF_GIVEN,
		[CLIENT_VERIFY] = CLIENT_CERT_VERIFY,
	};
	const struct web_config *w = d->web;
	struct server_tls tls;

	if (!w || !w->tls)
		return true;
	tls = (struct server_tls){
		.cert_file = w->cert_file,
		.key_file = w->key_file,
		.client_ca_file = w->client_ca_file,
		.cert = w->cert,
		.key = secret_is_set(w->key) ? secret_reveal(w->key) : NULL,
		.client_ca = w->client_ca,
		.min_version = w->min_version,
		.max_version = w->max_version,
	};
	tls.client_cert = policy[w->client_auth];
	tls.ciphers = joined(&d->mem, &w->cipher_suites, false);
	tls.suites_13 = joined(&d->mem, &w->cipher_suites, true);
	tls.groups = joined(&d->mem, &w->curve_preferences, false);
	tls.allowed_sans = (const char *const *)w->client_allowed_sans.v;
	tls.n_allowed_sans = w->client_allowed_sans.n;
	return server_use_tls(d->server, &tls, err);
}

static bool listen_everywhere(struct daemon *d, const char **first, struct err *err)
{
	const char *bound;
	int fd;
	size_t n;

	*first = NULL;
	if (d->flags.systemd_socket) {
		n = systemd_sockets(&fd);
		if (!n)
			return err_set(err, NOWHERE, "systemd passed no socket");
		for (size_t i = 0; i < n; i++) {
			if (!server_listen_passed(d->server, fd + (int)i, &d->mem, &bound,
						  err))
				return false;
			log_info("web", "Listening on", L_STR("address", bound));
		}
		*first = "systemd";
		return true;
	}
	for (size_t i = 0; i < d->flags.listen.n; i++) {
		if (!server_listen(d->server, d->flags.listen.v[i], &d->mem, &bound, err))
			return false;
		if (!*first)
			*first = bound;
		log_info("web", "Listening on", L_STR("address", bound));
	}
	return true;
}

static struct str without_slashes(struct str s)
{
	while (s.n && s.p[s.n - 1] == '/')
		s.n--;
	return s;
}

/* The first address is not bound yet; its port is in the flag unless it is 0. */
static const char *port_of(const struct daemon *d)
{
	for (size_t i = 0; i < d->flags.listen.n; i++) {
		const char *address = d->flags.listen.v[i], *colon = strrchr(address, ':');

		if (colon && !str_starts(str_of(address), STR("unix:")))
			return colon + 1;
	}
	return "9093";
}

static bool set_urls(struct daemon *d, struct err *err)
{
	struct str url = str_of(d->flags.external_url), path;
	struct str prefix = str_of(d->flags.route_prefix);
	size_t host;

	if (!url.n)
		url = str_of(
			arena_printf(&d->mem, "http://%s:%s", d->hostname, port_of(d)));
	if (!str_starts(url, STR("http://")) && !str_starts(url, STR("https://")))
		return err_set(err, NOWHERE,
			       "--web.external-url: \"%.*s\" must begin with http:// or "
			       "https://",
			       FMT(url));
	d->external_url = arena_copy(&d->mem, without_slashes(url));
	host = str_find(url, STR("://")) + 3;
	path = str_from(url, host);
	path = str_from(path, MIN(str_find_char(path, '/'), path.n));
	if (!prefix.n)
		prefix = path;
	while (prefix.n && prefix.p[0] == '/')
		prefix = str_from(prefix, 1);
	prefix = without_slashes(prefix);
	d->route_prefix = prefix.n ? arena_printf(&d->mem, "/%.*s", FMT(prefix)) : "";
	return true;
}

static const char *own_hostname(struct arena *mem)
{
	char name[256] = "";

	gethostname(name, sizeof(name) - 1);
	return arena_text(mem, name[0] ? name : "localhost");
}

/* -- the whole life ------------------------------------------------------------------- */

static bool make_parts(struct daemon *d, struct err *err)
{
	struct rulefiles_host rules = {d,	   rules_changed,
				       rules_gone, rules_refused,
				       rules_keep, d->flags.rules_as_vmalert};
	struct server_options web = {
		.max_body = (size_t)MAX(d->flags.max_body, 0),
		.max_connections = (size_t)d->flags.max_connections,
		.timeout = d->flags.web_timeout_ns / 1000000,
		.handle = api_handle,
	};

	d->base = event_base_new();
	ASSERT(d->base);
	d->tick = evtimer_new(d->base, on_tick, d);
	d->scan = evtimer_new(d->base, on_scan, d);
	d->rescan = evtimer_new(d->base, on_scan, d);
	d->trim = evtimer_new(d->base, give_memory_back, d);
	d->client = client_new(d->base, "Tocsin/" VERSION, CLIENT_MANY);
	d->queries = client_new(d->base, "Tocsin/" VERSION, CLIENT_FEW);
	d->writes = client_new(d->base, "Tocsin/" VERSION, CLIENT_FEW);
	d->mailer = mailer_new(d->base);
	d->hostname = own_hostname(&d->mem);
	if (!set_urls(d, err))
		return false;
	d->engine = make_engine(d);
	d->rules = rulefiles_new(&rules);
	if (!open_store(d, err))
		return false;
	d->store_ready = event_new(d->base, store_fd(d->store), EV_READ | EV_PERSIST,
				   on_store, d);
	event_add(d->store_ready, NULL);
	if (!set_origins(d, err))
		return false;
	d->worker = worker_new(d->base);
	d->reader = worker_new(d->base);
	d->api = make_api(d);
	web.arg = d->api;
	d->server = server_new(d->base, &web);
	return web_load(d, err) && use_tls(d, err);
}

/* A storage without alerts of rules has nothing to go on with: the backend may know more.
 */
static void load_first_rules(struct daemon *d)
{
	struct event begin = {.kind = EVENT_READ_BACK, .on = true};
	struct event end = {.kind = EVENT_READ_BACK};

	if (!d->had_alerts)
		daemon_feed(d, &begin);
	rulefiles_scan(d->rules, false, NULL);
	daemon_feed(d, &end);
	wants_less_memory(d);
}

static void record_life(struct daemon *d, enum record_kind kind)
{
	struct record r = {.kind = kind, .at = daemon_now(d), .file = d->flags.config_file};

	if (kind == RECORD_START && d->lost_journal)
		r.change = "replaced";

	if (d->store)
		ledger_record(d, &r);
}

static bool load_first(struct daemon *d)
{
	struct buf mistakes = BUF(64 * 1024);
	struct event ev = {.kind = EVENT_CONFIG};
	struct str rest, line;

	d->now_runs = generation_load(d, &mistakes);
	rest = buf_str(&mistakes);
	while (!d->now_runs && mistakes.n && str_cut(&rest, '\n', &line))
		log_error("config", "configuration refused",
			  L_STR("err", arena_copy(&d->mem, line)));
	buf_free(&mistakes);
	if (!d->now_runs)
		return false;
	record_life(d, RECORD_START);
	ev.config = d->now_runs->config;
	remotes_config(d, d->now_runs->config);
	daemon_feed(d, &ev);
	d->reload_ok = true;
	d->reloaded_at = d->all_reloaded_at = daemon_now(d);
	rules_from_config(d);
	load_first_rules(d);
	if (!outside_has_library(LIBCURL))
		log_warn("start", LIBCURL " is not among the system's libraries: nothing "
					  "can be sent, and no backend asked");
	return true;
}

static void watch_rules(struct daemon *d)
{
	if (rulefiles_fd(d->rules) >= 0) {
		d->inotify = event_new(d->base, rulefiles_fd(d->rules),
				       EV_READ | EV_PERSIST, on_inotify, d);
		event_add(d->inotify, NULL);
	}
	timer_in(d->rescan, RESCAN);
}

/* Before the first thread. */
static bool enter_sandbox(struct daemon *d, struct err *err)
{
	const char *sockets[FLAG_LIST_MAX];
	struct sandbox box = {d->flags.storage_path, sockets, 0};
	struct err why;

	sandbox_drop_privileges();
	if (!store_make_folder(d->flags.storage_path, err))
		return false;
	for (size_t i = 0; i < d->flags.listen.n; i++) {
		struct str address = str_of(d->flags.listen.v[i]);

		if (str_starts(address, STR("unix:")))
			sockets[box.n_unix_files++] = d->flags.listen.v[i] + 5;
	}
	if (d->flags.sandbox && !sandbox_enter(&box, &why))
		log_info("start", "not in a sandbox", L_ERR(&why));
	return true;
}

static bool start(struct daemon *d)
{
	const char *first;
	struct err err;

	raise_file_limit();
	if (!enter_sandbox(d, &err)) {
		log_error("start", "cannot start", L_ERR(&err));
		return false;
	}
	if (!make_parts(d, &err)) {
		log_error("start", "cannot start", L_ERR(&err));
		return false;
	}
	watch_signals(d);
	if (!load_first(d))
		return false;
	if (!listen_everywhere(d, &first, &err)) {
		log_error("start", "cannot start", L_ERR(&err));
		return false;
	}
	watch_rules(d);
	d->names = names_new(d);
	d->ready = true;
	systemd_notify("READY=1");
	return true;
}

static void on_patience(evutil_socket_t fd, short what, void *arg)
{
	struct daemon *d = arg;

	(void)fd, (void)what;
	if (d->sendings.n)
		log_warn("stop",
			 "deliveries did not finish in time; they are made after the next "
			 "start",
			 L_INT("deliveries", d->sendings.n));
	if (remotes_pending(d))
		log_warn("stop", "samples could not be sent to their remotes in time",
			 L_INT("samples", (int64_t)remotes_pending(d)));
	event_base_loopbreak(d->base);
}

void daemon_stop(struct daemon *d, int exit_code)
{
	if (d->stopping) { /* asked twice: at once */
		event_base_loopbreak(d->base);
		return;
	}
	log_info("stop", "Received shutdown signal, exiting gracefully...");
	systemd_notify("STOPPING=1");
	d->stopping = true;
	d->exit_code = exit_code;
	server_stop_listening(d->server);
	remotes_flush(d);
	if (is_drained(d)) {
		event_base_loopbreak(d->base);
		return;
	}
	d->patience = evtimer_new(d->base, on_patience, d);
	timer_in(d->patience, d->flags.shutdown_ns / 1000000);
}

static void free_event(struct event *ev)
{
	if (ev)
		event_free(ev);
}

static void finish(struct daemon *d)
{
	struct event *events[] = {d->tick,	 d->scan,	 d->rescan,   d->trim,
				  d->inotify,	 d->store_ready, d->patience, d->signals[0],
				  d->signals[1], d->signals[2]};

	if (d->ready)
		record_life(d, RECORD_STOP);
	d->is_ending = true;
	if (!store_close(d->store)) { /* answers who waits for the disk */
		log_error("store", "the last changes could not be written to disk");
		d->exit_code = 1;
	}
	worker_free(d->worker); /* its jobs lie in calls of the server */
	worker_free(d->reader);
	server_free(d->server);
	sender_free(d);
	asker_free(d);
	remotes_free(d);
	names_free(d->names);
	client_free(d->client);
	client_free(d->queries);
	client_free(d->writes);
	mailer_free(d->mailer);
	engine_free(d->engine);
	api_free(d->api);
	rulefiles_free(d->rules);
	generation_free(d->now_runs);
	for (size_t i = 0; i < COUNT_OF(events); i++)
		free_event(events[i]);
	if (d->base)
		event_base_free(d->base);
	vec_free(&d->ended_deliveries);
	vec_free(&d->held);
	free(d->todo.v);
	arena_free(&d->ended_mem);
	arena_free(&d->step);
	arena_free(&d->web_mem);
	arena_free(&d->mem);
}

int daemon_run(const struct flags *flags)
{
	struct daemon d = {.flags = *flags, .exit_code = 0};

	d.started_at = clock_wall();
	d.clock_offset = d.started_at - clock_mono();
	log_info("start", "tocsind starts", L_STR("version", VERSION),
		 L_STR("config", flags->config_file),
		 L_STR("storage", flags->storage_path));
	cluster_warn(flags);
	if (flags->event_recorder)
		log_warn("start",
			 "--enable-feature=event-recorder has no effect: decisions "
			 "are in the journal of the storage path");
	if (start(&d))
		event_base_dispatch(d.base);
	else
		d.exit_code = 1;
	finish(&d);
	return d.exit_code;
}
