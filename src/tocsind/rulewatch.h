/* rulewatch.h - the folders of rule files, watched by inotify: when to look again, and
 * which files somebody is still writing.
 *
 * Failure: without inotify there is no descriptor, and nothing is ever being written.
 * Limits:  the kernel's, on watches; a write that pauses for RULEWATCH_LONGEST_PAUSE counts
 *          as over.
 */
#pragma once
#include "base/time.h"

#define RULEWATCH_LONGEST_PAUSE (30 * SECOND)

struct rulewatch;
struct rulewatch *rulewatch_new(void) MUST_USE;
void rulewatch_free(struct rulewatch *);
int rulewatch_fd(const struct rulewatch *); /* readable: call drain, then look; -1: none */
void rulewatch_drain(struct rulewatch *);
/* The folder of a path or of a pattern; when it does not exist, the nearest one above it.
 * Watching it again costs nothing. */
void rulewatch_add_folder_of(struct rulewatch *, const char *path);
/* Half of a file may be a good file, too. */
bool rulewatch_is_written(struct rulewatch *, const char *path);
