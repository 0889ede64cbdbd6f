/* rule_loader.h - a rule file between the reading of its tables and the structs of rules.h,
 * and what the parts of that share.
 *
 *	rules.c		keys, documents, Kubernetes resources, variables
 *	rule_group.c	groups
 *	rule_request.c	where a group asks, in which language, with what
 *	rule.c		rules
 *
 * Inside config/ only.
 */
#pragma once
#include "base/map.h"
#include "base/vec.h"
#include "config/field.h"
#include "config/rules.h"

/* -- as the file writes them ------------------------------------------------------- */

struct rule_text {
	struct pos at;
	const struct yaml *source;
	const char *alert, *record, *expr;
	struct given_span hold, keep_firing;
	struct pair_list labels, annotations;
	enum tristate debug;
	int64_t update_entries_limit;
};

struct group_text {
	struct pos at;
	const struct yaml *source;
	const char *name, *datasource, *type, *tenant, *partial_response;
	struct given_span interval, query_offset, evaluation_delay, eval_delay;
	int64_t limit, concurrency;
	struct pair_list labels;
	struct object_list rules; /* struct rule_text */
	const struct yaml *eval_offset, *params, *remote_write;
	enum tristate eval_alignment, align;
	struct text_list headers, notifier_headers, source_tenants;
	bool debug;
};

struct file_text {
	struct object_list groups; /* struct group_text */
	const struct spec_text *spec;
	const char *namespace, *api_version, *kind;
	const struct yaml *metadata, *status;
};

struct spec_text { /* of a Kubernetes resource */
	struct object_list groups;
};

/* -- the loader -------------------------------------------------------------------- */

struct loader {
	struct decode d;
	const struct rule_options *options;
	enum name_scheme names;
	const char *path;
	struct str text;
	bool is_one_of_many; /* documents or resources: some may be of other kinds */
	bool is_victoria;    /* the file is a VMRule */
	/* what the group being built asks in; none: nobody knows, or need know */
	bool is_promql, is_metricsql, is_logsql, is_graphite;
	struct pair_list group_labels; /* those of that group, sorted */
	size_t n_inherited;	       /* labels of groups, for each rule */
	VEC(struct rule_group) groups; /* built so far */
	struct map group_names;	       /* of those */
};

/* Found so far. */
static inline size_t mistakes_of(const struct loader *l)
{
	return l->d.errs->n + l->d.errs->dropped;
}

static inline bool is_for_vmalert(const struct loader *l)
{
	return l->options->as_vmalert || l->is_victoria;
}

/* Into the loader's groups; file order. */
void rule_groups_build(struct loader *, const struct object_list *group_texts);
/* Whom the group asks, with which parameters and headers, for which tenants. */
void rule_request_build(struct loader *, const struct group_text *, struct rule_group *);
/* What will fail at each evaluation, or goes unheard. */
void rule_request_warn(struct loader *, const struct group_text *,
		       const struct rule_group *);
/* In which language the group's expressions are: at most one of the loader's. */
void rule_request_set_language(struct loader *, const struct rule_group *);
/* number: in its group, from 1. */
void rule_build(struct loader *, const struct group_text *, const struct rule_text *,
		size_t number, struct rule *out);

/* Once mistakes in names are told: from there on a pair's place is that of its text. */
void rule_place_texts(const struct loader *, const struct yaml *source, const char *key,
		      const struct pair_list *);
/* Sorted by name; none of those that are too many. */
struct pair_list rule_labels_sorted(struct arena *, const struct pair_list *);
