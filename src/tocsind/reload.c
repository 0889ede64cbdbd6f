#include "base/base.h"
#include "tocsind/daemon.h"
#include "tocsind/names.h"
#include "base/log.h"
#include "tocsind/outside.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* -- the configuration and what hangs on it ------------------------------------------- */

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

/* -- rules ---------------------------------------------------------------------------- */

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

/* -- reload --------------------------------------------------------------------------- */

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

/* -- the web configuration ------------------------------------------------------------ */

bool web_load(struct daemon *d, struct err *err)
{
	struct arena mem = {0};
	struct errs errs = {.mem = &mem};
	const struct web_config *web = NULL;
	struct str text;

	struct stat st;

	if (!d->flags.web_config[0])
		return true;
	if (!stat(d->flags.web_config, &st))
		d->web_changed_at = st.st_mtim;
	if (outside_read(NULL, &mem, d->flags.web_config, &text, err)) {
		web = web_config_parse(&mem, d->flags.web_config, text, &errs);
		if (errs.n) {
			*err = *errs.v[0];
			err->at.file = d->flags.web_config;
		}
	}
	if (!web) {
		arena_free(&mem);
		return false;
	}
	api_use_web(d->api, web);
	arena_free(&d->web_mem);
	d->web_mem = mem;
	d->web = web;
	return true;
}

bool web_refresh(void *arg)
{
	struct daemon *d = arg;
	struct stat st;
	struct err err;

	if (!d->flags.web_config[0])
		return true;
	if (!stat(d->flags.web_config, &st) &&
	    st.st_mtim.tv_sec == d->web_changed_at.tv_sec &&
	    st.st_mtim.tv_nsec == d->web_changed_at.tv_nsec)
		return !d->web_broken;
	d->web_broken = !web_load(d, &err);
	if (d->web_broken)
		log_error("web",
			  "the web configuration cannot be read, requests are refused",
			  L_ERR(&err));
	return !d->web_broken;
}
