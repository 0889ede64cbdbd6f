#include "base/base.h"
#include "tocsind/daemon.h"
#include "base/log.h"
#include "tocsind/outside.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <string.h>

/* -- the configuration and what hangs on it ------------------------------------------- */

void generation_free(struct generation *g)
{
	if (!g)
		return;
	map_free(&g->caches);
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
	const struct config_options options = {
		.files = &outside_files,
		.kinds = integration_kinds,
		.matchers = d->flags.matchers,
	};

	g->config = config_load(&g->mem, d->flags.config_file, &options, &errs, &warnings);
	if (g->config)
		g->templates = receiver_templates_load(&g->mem, g->config, &outside_files,
						       &errs);
	if (g->templates)
		receiver_templates_check(g->config, g->templates,
					 d->flags.check_templates ? &errs : &warnings);
	if (g->templates)
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

void rules_from_config(struct daemon *d)
{
	const struct config *c = d->now_runs->config;
	const struct rule_options options = {
		.names = c->global.names,
		.any_expression = !d->flags.check_expressions,
		.datasources = c->datasources,
		.n_datasources = c->n_datasources,
	};
	VEC(const char *) globs = {0};
	struct arena mem = {0};
	size_t n_alone;

	for (size_t i = 0; i < d->flags.rules.n; i++) {
		vec_push_in(&mem, &globs,
			    arena_printf(&mem, "%s/*.yml", d->flags.rules.v[i]));
		vec_push_in(&mem, &globs,
			    arena_printf(&mem, "%s/*.yaml", d->flags.rules.v[i]));
	}
	n_alone = globs.n;
	for (size_t i = 0; i < c->n_rule_files; i++)
		vec_push_in(&mem, &globs, c->rule_files[i]);
	rulefiles_set(d->rules, globs.v, globs.n, n_alone, &options);
	arena_free(&mem);
}

/* -- reload --------------------------------------------------------------------------- */

static void take_generation(struct daemon *d, struct generation *g)
{
	struct generation *old = d->now_runs;
	struct event ev = {.kind = EVENT_CONFIG, .config = g->config};

	d->now_runs = g;
	daemon_feed(d, &ev);
	generation_free(old);
	d->reloaded_at = daemon_now(d);
}

bool daemon_reload(void *arg, struct buf *mistakes)
{
	struct daemon *d = arg;
	struct generation *g;
	bool ok;

	systemd_notify("RELOADING=1");
	log_info("config", "loading configuration", L_STR("file", d->flags.config_file));
	g = generation_load(d, mistakes);
	ok = g != NULL;
	if (g) {
		take_generation(d, g);
		rules_from_config(d);
	}
	if (rulefiles_scan(d->rules, true, mistakes))
		ok = false;
	d->reload_ok = ok;
	if (ok)
		log_info("config", "configuration loaded",
			 L_STR("file", d->flags.config_file));
	else
		log_error("config",
			  g ? "configuration loaded, but not all rule files"
			    : "configuration refused, the old one goes on",
			  L_STR("file", d->flags.config_file),
			  L_STR("err", buf_text(mistakes)));
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
