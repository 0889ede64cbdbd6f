#include "base/base.h"
#include "tocsind/daemon.h"
#include "base/log.h"
#include "net/libcurl.h"
#include "tocsind/names.h"
#include "tocsind/outside.h"
#include "tocsind/sandbox.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>

/* -- signals ----------------------------------------------------------------------- */

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

/* -- its parts --------------------------------------------------------------------- */

static void raise_file_limit(void)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files))
		return;
	files.rlim_cur = MIN(files.rlim_max, 65536);
	setrlimit(RLIMIT_NOFILE, &files);
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

static bool make_parts(struct daemon *d, struct err *err)
{
	struct server_options web = {
		.max_body = (size_t)MAX(d->flags.max_body, 0),
		.max_connections = (size_t)d->flags.max_connections,
		.timeout = d->flags.web_timeout_ns / 1000000,
		.handle = api_handle,
	};

	d->base = event_base_new();
	ASSERT(d->base);
	steps_begin(d);
	d->client = client_new(d->base, "Tocsin/" VERSION, CLIENT_MANY);
	d->queries = client_new(d->base, "Tocsin/" VERSION, CLIENT_FEW);
	d->writes = client_new(d->base, "Tocsin/" VERSION, CLIENT_FEW);
	d->mailer = mailer_new(d->base);
	if (!web_set_urls(d, err))
		return false;
	d->engine = make_engine(d);
	rules_begin(d);
	if (!state_open(d, err))
		return false;
	d->worker = worker_new(d->base);
	d->reader = worker_new(d->base);
	d->api = host_new_api(d, err);
	if (!d->api)
		return false;
	web.arg = d->api;
	d->server = server_new(d->base, &web);
	return web_load(d, err) && web_use_tls(d, err);
}

/* -- starting ---------------------------------------------------------------------- */

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
	rules_load_first(d);
	if (!outside_has_library(LIBCURL))
		log_warn("start", LIBCURL " is not among the system's libraries: nothing "
					  "can be sent, and no backend asked");
	return true;
}

static bool start(struct daemon *d)
{
	struct err err;

	raise_file_limit();
	if (!enter_sandbox(d, &err) || !make_parts(d, &err)) {
		log_error("start", "cannot start", L_ERR(&err));
		return false;
	}
	watch_signals(d);
	if (!load_first(d))
		return false;
	if (!web_listen(d, &err)) {
		log_error("start", "cannot start", L_ERR(&err));
		return false;
	}
	rules_watch(d);
	d->names = names_new(d);
	d->ready = true;
	systemd_notify("READY=1");
	return true;
}

/* -- stopping ---------------------------------------------------------------------- */

static bool is_drained(const struct daemon *d)
{
	return d->stopping && !d->sendings.n && !remotes_pending(d);
}

void daemon_end_if_drained(struct daemon *d)
{
	if (is_drained(d))
		event_base_loopbreak(d->base);
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

/* -- the whole life ---------------------------------------------------------------- */

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
