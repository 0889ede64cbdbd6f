/* rulefiles.h - the rule files on disk: which there are, which changed, which are broken.
 *
 * A file is read when its identity on disk changed. One that has a mistake is set aside
 * with its text, and its last good version goes on; the others never notice. The text of
 * each good version is handed out to be kept, and taken back at the next start, so that a
 * restart does not lose what a broken file still runs.
 *
 * Watch:  rulefiles_fd is readable when something in the folders changed (inotify): call
 *         rulefiles_drain, then rulefiles_scan a moment later. A scan every few seconds
 *         finds what inotify cannot see (network file systems, folders made later).
 * Memory: a parsed file lives until its successor was taken in, or it is gone.
 */
#pragma once
#include "api/api.h"
#include "config/rules.h"

struct rulefiles;
struct rulefiles_host {
	void *ctx;
	void (*changed)(void *ctx, const struct rule_file *); /* a good new version */
	void (*gone)(void *ctx, const char *path);
	/* a version of it has mistakes, one a line */
	void (*refused)(void *ctx, const char *path, const char *mistakes);
	void (*keep)(void *ctx, const char *path, struct str text); /* of changed */
	bool as_vmalert; /* how their templates are read */
};

struct rulefiles *rulefiles_new(const struct rulefiles_host *) MUST_USE;
void rulefiles_free(struct rulefiles *);

/* Before the first scan: what keep was given last, maybe by an earlier run; copied. */
void rulefiles_remember(struct rulefiles *, const char *path, const char *text);
/* The globs to look at from now on, and how to read what they find; copied. Files of the
 * first n_alone are taken each for itself; those of the others, after the first scan,
 * together: while one of them is broken, what changed in the others waits, as when a
 * Prometheus refuses to reload. */
void rulefiles_set(struct rulefiles *, const char *const *globs, size_t n, size_t n_alone,
		   const struct rule_options *);
/* Reads what changed. force: broken files are read and reported again. Returns how many
 * are broken; their mistakes are added to text when it is not NULL. */
size_t rulefiles_scan(struct rulefiles *, bool force, struct buf *text);
/* Hands out again what was handed out to be kept, of files that are good as they are. */
void rulefiles_keep_all(const struct rulefiles *);
int rulefiles_fd(const struct rulefiles *); /* -1: no inotify */
void rulefiles_drain(struct rulefiles *);

size_t rulefiles_broken(const struct rulefiles *, struct arena *, struct broken_file **);
size_t rulefiles_count(const struct rulefiles *);
