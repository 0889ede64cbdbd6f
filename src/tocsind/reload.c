#include "base/base.h"
#include "tocsind/daemon.h"
#include "base/log.h"
#include "tocsind/names.h"
#include "tocsind/outside.h"

#include <stdlib.h>

/* -- the configuration and what hangs on it ---------------------------------------- */

void generation_free(struct generation *g)
{
	if (!g)
		return;
	map_free(&g->lanes);
	parsed_texts_free(g->parsed);
	arena_free(&g->mem);
	free(g);
}

static void add_mistakes(struct buf *out, struct errs *errs)
{
	struct arena mem = {0};

	errs_sort(errs);
	for (size_t i = 0; i < errs->n; i++) {
		if (out->n)
			buf_add_char(out, '\n');
		buf_add_text(out, err_text(&mem, errs->v[i]));
	}
	if (errs->dropped)
		buf_addf(out, "\nand %zu more", errs->dropped);
	arena_free(&mem);
}

static void log_warnings(const struct errs *warnings)
{
	for (size_t i = 0; i < warnings->n; i++)
		log_warn("config", "configuration", L_ERR(warnings->v[i]));
}

struct generation *generation_load(struct daemon *d, struct buf *mistakes)
{
	struct generation *g = mem_new(sizeof(*g));
	struct arena err_mem = {0};
	struct errs errs = {.mem = &err_mem}, warnings = {.mem = &err_mem};
	const struct config *refused = NULL, *read;
	const struct config_options options = {
		.refused = &refused,
		.files = &outside_files,
		.kinds = integration_kinds,
		.matchers = d->flags.matchers,
	};

	g->config = config_load(&g->mem, d->flags.config_file, &options, &errs, &warnings);
	read = g->config ? g->config : refused;
	if (read)
		g->templates = receiver_templates_load(&g->mem, read, &outside_files,
						       &errs);
	if (g->templates)
		receiver_templates_check(read, g->templates,
					 d->flags.check_templates ? &errs : &warnings);
	if (g->config && g->templates)
		apply_check(g->config, d->flags.retention_ns / 1000000, &errs, &warnings);
	log_warnings(&warnings);
	if (errs.n) {
		add_mistakes(mistakes, &errs);
		generation_free(g);
		g = NULL;
	} else {
		g->parsed = parsed_texts_new(g->templates);
	}
	arena_free(&err_mem);
	return g;
}

/* -- reload ------------------------------------------------------------------------ */

static void take_generation(struct daemon *d, struct generation *g)
{
	struct generation *old = d->now_runs;
	struct event ev = {.kind = EVENT_CONFIG, .config = g->config};

	d->now_runs = g;
	remotes_config(d, g->config);
	daemon_feed(d, &ev);
	names_config(d->names);
	generation_free(old);
	d->reloaded_at = daemon_now(d);
}

/* The rule files' mistakes in a line each, behind what became of the rest. */
static bool reload_rules(struct daemon *d, bool config_ok, struct buf *why)
{
	struct buf mistakes = BUF(64 * 1024);
	bool ok = !rulefiles_scan(d->rules, true, &mistakes);

	if (!ok)
		buf_addf(why, "%srule files are refused:\n%s",
			 config_ok ? "the configuration is in force, but " : "\n",
			 buf_text(&mistakes));
	buf_free(&mistakes);
	return ok;
}

bool daemon_reload(void *arg, const char *from, const char *by, struct buf *why)
{
	struct daemon *d = arg;
	struct buf mistakes = BUF(64 * 1024);
	struct generation *g;
	bool ok;

	systemd_notify("RELOADING=1");
	log_info("config", "loading configuration", L_STR("file", d->flags.config_file));
	d->reload_from = from;
	d->reload_by = by ? by : from ? NULL : "SIGHUP";
	g = generation_load(d, &mistakes);
	if (g) {
		take_generation(d, g);
		rules_from_config(d);
	} else {
		buf_addf(why, "failed to reload config: %s", buf_text(&mistakes));
		ledger_reloaded(d, buf_text(&mistakes));
	}
	d->reload_from = d->reload_by = NULL;
	buf_free(&mistakes);
	d->reload_ok = g != NULL;
	ok = reload_rules(d, g != NULL, why) && g;
	d->reloads++;
	d->reloads_failed += !ok;
	if (ok)
		d->all_reloaded_at = daemon_now(d);
	if (ok)
		log_info("config", "configuration loaded",
			 L_STR("file", d->flags.config_file));
	else
		log_error("config",
			  g ? "configuration loaded, but not all rule files"
			    : "configuration refused, the old one goes on",
			  L_STR("file", d->flags.config_file), L_STR("err", buf_text(why)));
	systemd_notify("READY=1");
	return ok;
}
