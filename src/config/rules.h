/* rules.h - a rule file as checked, typed structures.
 *
 * Memory:  everything lies in the arena given; one arena a file, so that a file that
 *          changes or goes takes only its own memory along.
 * Limits:  RULES_MAX_BYTES of text; time and memory are linear in it, with the labels of a
 *          group counted for each rule, RULE_LABELS_INHERITED_MAX.
 * Failure: all mistakes are collected, in file order, each with file:line:col.
 * Spec:    spec/rules.md 1 to 4.
 */
#pragma once
#include "base/err.h"
#include "base/time.h"
#include "config/config.h"
#include "model/labels.h"

#define RULES_MAX_BYTES (16 * 1024 * 1024)
#define RULE_LABELS_MAX 256 /* of a rule, and of a group */
/* Of groups, for each of their rules; in a file. */
#define RULE_LABELS_INHERITED_MAX 4000000

struct rule {
	struct pos at; /* the rule's first key */
	struct pos expr_at;
	const char *alert;  /* NULL for a recording rule */
	const char *record; /* NULL for an alerting rule */
	const char *expr;
	const char *shown;		/* expr as Prometheus prints it, or itself */
	span_ms hold;			/* for */
	span_ms keep_firing;		/* keep_firing_for */
	const struct text_pair *labels; /* sorted by name, the group's underneath;
					 * templates in an alerting rule */
	size_t n_labels;
	const struct text_pair *annotations; /* sorted by name; templates */
	size_t n_annotations;
	bool debug;
	bool has_mistake; /* only in what rule_file_parse_part gives */
	uint64_t id; /* vmalert's: of the expression, the kind, the name and its own labels
		      */
	size_t update_entries_limit; /* how many of its last evaluations are remembered */
};
#define RULE_UPDATES_DEFAULT 20
#define RULE_UPDATES_MAX     100000
struct rule_group {
	struct pos at;
	const char *name;
	const char *file; /* path of its file; file and name are its identity */
	span_ms interval; /* 0: the global evaluation_interval */
	bool has_query_offset;
	span_ms query_offset;
	int64_t limit;		/* 0 or less: none */
	const char *datasource; /* NULL: the first one, of the type when one is given */
	bool has_type;
	enum datasource_type type;
	const char *tenant; /* VictoriaMetrics: "account:project"; NULL: none */
	const struct text_pair *params, *headers, *labels; /* labels: as written */
	size_t n_params, n_headers, n_labels;
	bool has_eval_offset;
	span_ms eval_offset;
	bool is_aligned;    /* eval_alignment: queries look at multiples of the interval */
	bool as_vmalert;    /* its templates: a VMRule, or rule_options say so */
	int concurrency;    /* 0: as the engine sees fit */
	bool takes_partial; /* partial_response_strategy: warn, the default for vmalert */
	bool has_mistake;   /* of its own, as that of a rule */
	struct rule *rules;
	size_t n_rules;
};
struct rule_file {
	const char *path;
	struct rule_group *groups;
	size_t n_groups;
};

/* Parameters of a query that say what is asked, and when: whatever params say. */
bool is_query_param(const char *name);

struct rule_options {
	enum name_scheme names;
	bool as_vmalert;     /* its functions in templates, all documents of a file,
			      * MetricsQL, its durations, partial answers, and
			      * variables of the environment for %{NAME} */
	bool any_key;	     /* keys that nobody knows are passed over */
	bool any_expression; /* else those that Prometheus will answer must be PromQL */
	const struct datasource *datasources; /* none: all is for a Prometheus */
	size_t n_datasources;
	const char *(*env)(void *, const char *name); /* as that of struct files */
};

/* text is the file's content, path its name for errors. NULL when errs is not empty. */
const struct rule_file *rule_file_parse(struct arena *, const char *path, struct str text,
					const struct rule_options *, struct errs *errs,
					struct errs *warnings) MUST_USE;
/* The same, with what can be made of a file with mistakes: for those who look for more of
 * them. NULL when it cannot be read at all. */
const struct rule_file *rule_file_parse_part(struct arena *, const char *path, struct str,
					     const struct rule_options *, struct errs *errs,
					     struct errs *warnings) MUST_USE;

/* Who answers the group's queries: the datasource it names, else the first of its type,
 * else the first. NULL: there is none such. */
const struct datasource *rule_group_datasource(const struct rule_group *,
					       const struct datasource *, size_t n);

/* vmalert's word for what answers the group's queries: its type, else that of from. */
const char *rule_group_type_text(const struct rule_group *, const struct datasource *from);
/* vmalert's ids (spec/rules.md 21.5), as its API, its links and its templates have them. */
uint64_t rule_group_id(const struct rule_group *, const char *type, span_ms interval);
uint64_t rule_alert_id(const struct labels *alert);

/* Whether the two are the same rule, so that it keeps its state over an edit: name and
 * merged labels (spec/rules.md 17.2). */
bool rule_eq(const struct rule *, const struct rule *);
/* Whether nothing has changed, so that the running group goes on as it is (17.1). Places do
 * not count. */
bool rule_group_eq(const struct rule_group *, const struct rule_group *);
