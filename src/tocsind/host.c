#include "base/base.h"
#include "tocsind/daemon.h"
#include "tocsind/names.h"

#include <unistd.h>

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

static bool host_elsewhere(void *arg, void (*run)(void *), void (*done)(void *), void *job)
{
	return worker_do(((struct daemon *)arg)->worker, run, done, job);
}

static bool host_reading(void *arg, void (*run)(void *), void (*done)(void *), void *job)
{
	return worker_do(((struct daemon *)arg)->reader, run, done, job);
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

static bool set_origins(struct daemon *d, struct err *err)
{
	const char *origins = d->flags.cors_origin;

	if (!origins[0])
		return true;
	d->origins = regex_new(&d->mem, str_of(origins), REGEX_WHOLE, err);
	return d->origins || err_in(err, "--web.cors.origin");
}

struct api *host_new_api(struct daemon *d, struct err *err)
{
	long processors = sysconf(_SC_NPROCESSORS_ONLN);
	struct api_options options;

	if (!set_origins(d, err))
		return NULL;
	options = (struct api_options){
		.host =
			{
				.ctx = d,
				.engine = host_engine,
				.config = host_config,
				.now = daemon_now,
				.feed = daemon_feed,
				.reload = daemon_reload,
				.is_ready = host_is_ready,
				.broken_files = host_broken_files,
				.store = d->store,
				.route_labels = d->flags.as_0_25 ? NULL
								 : sender_route_labels,
				.add_metrics = daemon_add_metrics,
				.elsewhere = host_elsewhere,
				.reading = host_reading,
				.refresh_web = web_refresh,
				.times = host_times,
				.call_bytes = host_call_bytes,
				.unknown_names = host_unknown_names,
			},
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
