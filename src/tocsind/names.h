/* names.h - rules that ask for metrics which their backend does not know.
 *
 * At a slow pace, and soon after rules changed, each datasource that speaks Prometheus's
 * API is asked which of the names in its rules' expressions had a sample within a day: one
 * request at a time, of at most NAMES_PER_REQUEST names. What a backend does not answer is
 * not known, and no rule is blamed for it. Groups with a tenant, parameters or headers of
 * their own are left out: they may see other data.
 */
#pragma once
#include "base/arena.h"
#include "config/config.h"
#include "config/rules.h"

struct daemon;
struct names;

struct names *names_new(struct daemon *) MUST_USE; /* NULL: it is turned off */
void names_free(struct names *);
void names_changed(struct names *); /* other rules: a round begins soon */
/* Another configuration: nothing of the one before is used any more. */
void names_config(struct names *);
size_t names_count(const struct names *); /* rules that ask for what is not known */
/* Those of the rule's metrics that its backend does not know, as of the last round. */
size_t names_unknown(const struct names *, const struct rule_group *, const struct rule *,
		     struct arena *, const char ***out);
