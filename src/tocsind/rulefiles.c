#include "base/base.h"
#include "tocsind/rulefiles.h"
#include "base/log.h"
#include "base/map.h"
#include "base/vec.h"
#include "net/clock.h"
#include "tocsind/outside.h"
#include "tocsind/rulewatch.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define EMPTY_GRACE 3 /* seconds */

struct rulefile {
	char *path;
	struct stat seen; /* as of the last reading */
	bool was_read, present;
	struct arena good_mem;
	const struct rule_file *good; /* NULL: never was good */
	char *mistakes;		      /* NULL: not broken */
	char *kept;		      /* NULL, or the last good text of an earlier run */
	bool together;		      /* with the others of the configuration */
	/* good, and waiting for them; NULL: nothing is */
	struct arena next_mem;
	const struct rule_file *next;
	struct str next_text;
	bool told_waiting;
};
struct rulefiles {
	struct rulefiles_host host;
	struct map files; /* by path */
	VEC(char *) globs;
	size_t n_alone; /* of the globs */
	bool was_scanned;
	struct arena options_mem;
	struct rule_options options;
	struct rulewatch *watch;
};

struct rulefiles *rulefiles_new(const struct rulefiles_host *host)
{
	struct rulefiles *rf = mem_new(sizeof(*rf));

	rf->host = *host;
	rf->watch = rulewatch_new();
	return rf;
}

static void file_free(struct rulefile *f)
{
	arena_free(&f->good_mem);
	arena_free(&f->next_mem);
	free(f->mistakes);
	free(f->kept);
	free(f->path);
	free(f);
}

static void drop_globs(struct rulefiles *rf)
{
	for (size_t i = 0; i < rf->globs.n; i++)
		free(rf->globs.v[i]);
	vec_free(&rf->globs);
}

void rulefiles_free(struct rulefiles *rf)
{
	struct rulefile *f;

	if (!rf)
		return;
	for (size_t at = 0; (f = map_next(&rf->files, &at));)
		file_free(f);
	map_free(&rf->files);
	rulewatch_free(rf->watch);
	drop_globs(rf);
	arena_free(&rf->options_mem);
	free(rf);
}

int rulefiles_fd(const struct rulefiles *rf)
{
	return rulewatch_fd(rf->watch);
}

void rulefiles_drain(struct rulefiles *rf)
{
	rulewatch_drain(rf->watch);
}

static bool is_same_source(const struct datasource *a, const struct datasource *b)
{
	return !strcmp(a->name, b->name) && a->type == b->type &&
	       a->is_victoria == b->is_victoria && a->has_tenants == b->has_tenants;
}

/* Whether files mean the same under both. */
static bool are_same_options(const struct rule_options *a, const struct rule_options *b)
{
	if (a->names != b->names || a->any_expression != b->any_expression ||
	    a->n_datasources != b->n_datasources)
		return false;
	for (size_t i = 0; i < a->n_datasources; i++) {
		if (!is_same_source(&a->datasources[i], &b->datasources[i]))
			return false;
	}
	return true;
}

static void read_all_again(struct rulefiles *rf)
{
	struct rulefile *f;

	for (size_t at = 0; (f = map_next(&rf->files, &at));)
		f->was_read = false;
}

/* Of a datasource, only what tells its language. */
static void keep_options(struct rulefiles *rf, const struct rule_options *o)
{
	struct datasource *v;

	arena_reset(&rf->options_mem);
	v = ARENA_ARRAY(&rf->options_mem, struct datasource, o->n_datasources);
	for (size_t i = 0; i < o->n_datasources; i++) {
		v[i].name = arena_text(&rf->options_mem, o->datasources[i].name);
		v[i].type = o->datasources[i].type;
		v[i].is_victoria = o->datasources[i].is_victoria;
		v[i].has_tenants = o->datasources[i].has_tenants;
	}
	rf->options = *o;
	rf->options.datasources = v;
	rf->options.as_vmalert = rf->host.as_vmalert;
	rf->options.env = outside_files.env;
}

void rulefiles_set(struct rulefiles *rf, const char *const *globs, size_t n, size_t n_alone,
		   const struct rule_options *options)
{
	drop_globs(rf);
	rf->n_alone = n_alone;
	for (size_t i = 0; i < n; i++)
		vec_push(&rf->globs, mem_text(globs[i]));
	if (!are_same_options(&rf->options, options))
		read_all_again(rf);
	keep_options(rf, options);
}

/* -- reading -------------------------------------------------------------------------- */

static bool is_same(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino &&
	       a->st_size == b->st_size && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	       a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
	       a->st_ctim.tv_sec == b->st_ctim.tv_sec &&
	       a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

static char *text_of(struct errs *errs)
{
	struct buf b = BUF(64 * 1024);
	struct arena mem = {0};

	errs_sort(errs);
	for (size_t i = 0; i < errs->n; i++) {
		if (i)
			buf_add_char(&b, '\n');
		buf_add_text(&b, err_text(&mem, errs->v[i]));
	}
	if (errs->dropped)
		buf_addf(&b, "\nand %zu more", errs->dropped);
	arena_free(&mem);
	return buf_take(&b, NULL);
}

static const struct rule_file *parse(struct rulefiles *rf, struct arena *mem,
				     const char *path, struct str text, struct errs *errs,
				     struct errs *warnings)
{
	return rule_file_parse(mem, path, text, &rf->options, errs, warnings);
}

static void set_aside(struct rulefiles *rf, struct rulefile *f, char *mistakes)
{
	bool is_news = !f->mistakes || strcmp(f->mistakes, mistakes);

	free(f->mistakes);
	f->mistakes = mistakes;
	if (is_news)
		rf->host.refused(rf->host.ctx, f->path, mistakes);
	if (is_news)
		log_warn("rules",
			 f->good ? "rule file refused, its last good version goes on"
				 : "rule file refused, none of its rules run",
			 L_STR("file", f->path), L_STR("err", mistakes));
}

static void note_warnings(const struct errs *warnings)
{
	for (size_t i = 0; i < warnings->n; i++)
		log_warn("rules", "rule file", L_ERR(warnings->v[i]));
}

static void take(struct rulefiles *rf, struct rulefile *f, struct arena *mem,
		 const struct rule_file *good)
{
	struct arena old = f->good_mem;

	f->good = good;
	f->good_mem = *mem;
	rf->host.changed(rf->host.ctx, good);
	arena_free(&old);
}

static void take_news(struct rulefiles *rf, struct rulefile *f, struct arena *mem,
		      const struct rule_file *good, struct str text)
{
	log_info("rules", f->good ? "rule file changed" : "rule file loaded",
		 L_STR("file", f->path), L_INT("groups", good->n_groups));
	free(f->mistakes);
	f->mistakes = NULL;
	if (!f->kept || !str_is(text, f->kept))
		rf->host.keep(rf->host.ctx, f->path, text);
	take(rf, f, mem, good);
}

/* A broken file that never was good in this run, but in the one before. */
static void take_kept(struct rulefiles *rf, struct rulefile *f)
{
	struct arena mem = {0}, err_mem = {0};
	struct errs errs = {.mem = &err_mem}, warnings = {.mem = &err_mem};
	const struct rule_file *good = parse(rf, &mem, f->path, str_of(f->kept), &errs,
					     &warnings);

	if (good) {
		take(rf, f, &mem, good);
		rf->host.keep(rf->host.ctx, f->path, str_of(f->kept));
	} else {
		arena_free(&mem);
	}
	arena_free(&err_mem);
}

static void drop_next(struct rulefile *f)
{
	arena_free(&f->next_mem);
	f->next = NULL;
}

static void wait_for_others(struct rulefile *f, struct arena *mem,
			    const struct rule_file *good, struct str text)
{
	free(f->mistakes);
	f->mistakes = NULL;
	f->next_mem = *mem;
	f->next = good;
	f->next_text = text;
}

static void read_file(struct rulefiles *rf, struct rulefile *f)
{
	struct arena mem = {0}, reading = {0};
	struct errs errs = {.mem = &reading}, warnings = {.mem = &reading};
	const struct rule_file *good = NULL;
	struct str text;
	struct err err;

	f->was_read = true;
	drop_next(f);
	if (!outside_read(NULL, &reading, f->path, &text, &err))
		errs_add(&errs, &err);
	else
		good = parse(rf, &mem, f->path, text, &errs, &warnings);
	note_warnings(&warnings);
	if (good && f->together && rf->was_scanned) {
		wait_for_others(f, &mem, good, arena_str(&mem, text));
	} else if (good) {
		take_news(rf, f, &mem, good, text);
	} else {
		if (f->kept)
			take_kept(rf, f);
		set_aside(rf, f, text_of(&errs));
		arena_free(&mem);
	}
	free(f->kept);
	f->kept = NULL;
	arena_free(&reading);
}

void rulefiles_keep_all(const struct rulefiles *rf)
{
	const struct rulefile *f;

	for (size_t at = 0; (f = map_next(&rf->files, &at));) {
		struct arena mem = {0};
		struct str text;
		struct err err;

		if (f->good && !f->mistakes &&
		    outside_read(NULL, &mem, f->path, &text, &err))
			rf->host.keep(rf->host.ctx, f->path, text);
		arena_free(&mem);
	}
}

static struct rulefile *file_at(struct rulefiles *rf, const char *path)
{
	struct rulefile *f = map_find(&rf->files, str_of(path));

	if (!f) {
		f = mem_new(sizeof(*f));
		f->path = mem_text(path);
		map_put(&rf->files, str_of(f->path), f);
	}
	return f;
}

void rulefiles_remember(struct rulefiles *rf, const char *path, const char *text)
{
	struct rulefile *f = file_at(rf, path);

	free(f->kept);
	f->kept = mem_text(text);
}

/* A link is as new as the file it leads to. */
static bool is_being_written(struct rulefiles *rf, const char *path)
{
	char *real = realpath(path, NULL);
	bool is = rulewatch_is_written(rf->watch, path);

	rulewatch_add_folder_of(rf->watch, path);
	if (real && strcmp(real, path) != 0) {
		rulewatch_add_folder_of(rf->watch, real);
		is = is || rulewatch_is_written(rf->watch, real);
	}
	free(real);
	return is;
}

/* Emptied to be filled again, or meant: a moment tells. */
static bool is_just_emptied(const struct stat *st)
{
	return !st->st_size && clock_wall() / 1000 - st->st_mtim.tv_sec < EMPTY_GRACE;
}

static void look_at(struct rulefiles *rf, const char *path, bool together, bool force)
{
	struct rulefile *f;
	struct stat st;

	if (stat(path, &st))
		return; /* gone between the listing and now */
	f = file_at(rf, path);
	if (f->present)
		return; /* two globs name it */
	f->present = true;
	f->together = together;
	if (is_being_written(rf, path) || (f->good && is_just_emptied(&st)))
		return; /* its end will be told, or seen at the next look */
	if (f->was_read && is_same(&f->seen, &st) && !(force && f->mistakes))
		return;
	f->seen = st;
	read_file(rf, f);
}

/* Whether those of the configuration have to wait for a mistake to be mended. */
static bool must_wait(const struct rulefiles *rf)
{
	struct rulefile *f;

	for (size_t at = 0; (f = map_next(&rf->files, &at));) {
		if (f->together && f->present && f->mistakes)
			return rf->was_scanned;
	}
	return false;
}

static void tell_waiting(struct rulefiles *rf)
{
	struct rulefile *f;

	for (size_t at = 0; (f = map_next(&rf->files, &at));) {
		if (f->next && !f->told_waiting)
			log_warn("rules",
				 "a rule file of the configuration waits until its "
				 "broken neighbours are mended",
				 L_STR("file", f->path));
		f->told_waiting = f->next != NULL;
	}
}

static void take_waiting(struct rulefiles *rf)
{
	struct rulefile *f;

	for (size_t at = 0; (f = map_next(&rf->files, &at));) {
		struct arena mem = f->next_mem;
		const struct rule_file *good = f->next;

		if (!good)
			continue;
		f->next = NULL;
		f->next_mem = (struct arena){0};
		take_news(rf, f, &mem, good, f->next_text);
	}
}

static void drop_missing(struct rulefiles *rf, bool wait)
{
	struct rulefile *f;

	for (size_t at = 0; (f = map_next(&rf->files, &at));) {
		if (f->present || (f->together && wait))
			continue;
		log_info("rules", "rule file gone", L_STR("file", f->path));
		rf->host.gone(rf->host.ctx, f->path);
		map_del(&rf->files, str_of(f->path));
		file_free(f);
	}
}

static size_t report_broken(const struct rulefiles *rf, struct buf *text)
{
	struct rulefile *f;
	size_t n = 0;

	for (size_t at = 0; (f = map_next(&rf->files, &at));) {
		if (!f->mistakes)
			continue;
		n++;
		if (text && text->n)
			buf_add_char(text, '\n');
		if (text)
			buf_add_text(text, f->mistakes);
	}
	return n;
}

size_t rulefiles_scan(struct rulefiles *rf, bool force, struct buf *text)
{
	struct arena mem = {0};
	struct rulefile *f;
	bool saw_all = true, wait;

	for (size_t at = 0; (f = map_next(&rf->files, &at));)
		f->present = false;
	for (size_t i = 0; i < rf->globs.n; i++) {
		const char **paths = NULL;
		size_t n;

		rulewatch_add_folder_of(rf->watch, rf->globs.v[i]);
		if (!outside_glob(NULL, &mem, rf->globs.v[i], &paths, &n, NULL)) {
			saw_all = false; /* whether a file is gone cannot be told */
			continue;
		}
		for (size_t k = 0; k < n; k++)
			look_at(rf, paths[k], i >= rf->n_alone, force);
	}
	wait = must_wait(rf);
	if (wait)
		tell_waiting(rf);
	else
		take_waiting(rf);
	if (saw_all)
		drop_missing(rf, wait);
	rf->was_scanned = true;
	arena_free(&mem);
	return report_broken(rf, text);
}

/* -- what people ask ------------------------------------------------------------------ */

size_t rulefiles_count(const struct rulefiles *rf)
{
	return rf->files.n;
}

size_t rulefiles_broken(const struct rulefiles *rf, struct arena *mem,
			struct broken_file **out)
{
	struct rulefile *f;
	size_t n = 0;

	*out = ARENA_ARRAY(mem, struct broken_file, rf->files.n);
	for (size_t at = 0; (f = map_next(&rf->files, &at));) {
		if (f->mistakes)
			(*out)[n++] = (struct broken_file){f->path, f->mistakes,
							   f->good != NULL};
	}
	return n;
}
