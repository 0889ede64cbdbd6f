/* rule_asking.h - whether the datasources take the expressions of rule files.
 *
 * Each expression is asked for once, one after the other, until --timeout is over or
 * ASKING_MOST were asked for. A datasource that does not answer is not asked again.
 */
#pragma once
#include "config/rules.h"
#include "tocsin/tool.h"

#define ASKING_MOST 10000

struct asking;
/* The datasources as those of struct rule_options. */
struct asking *asking_new(struct tool *, const struct datasource *, size_t n) MUST_USE;
void asking_free(struct asking *);
/* Adds a mistake, with its place, for each expression that its datasource refuses. Those of
 * groups and rules that have a mistake already are not asked for. */
void asking_file(struct asking *, const struct rule_file *, struct errs *);
/* Says on standard error of which datasource what is not known, and why. */
void asking_end(const struct asking *);
