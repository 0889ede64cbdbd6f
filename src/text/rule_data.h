/* rule_data.h - the value behind "." in the texts of alerting rules, and query results.
 *
 * Memory: values live in the arena given and borrow the strings.
 * Spec:   spec/rule-templates.md 2, 3, 5.2.
 */
#pragma once
#include "model/histogram.h"
#include "text/template.h"
#include "text/value.h"

extern const struct type type_samples /* template.queryResult */, type_sample,
	type_sample_pointer;

struct rule_data {
	const struct labels *labels, *external_labels;
	const char *external_url;
	struct value value; /* a float, or a histogram's text */

	/* Further fields of FUNCS_VMALERT. */
	const char *expr, *type;
	int64_t interval_ns, for_ns;
	struct moment active_at;
	uint64_t alert_id, group_id;
	bool is_partial;
};
struct value rule_data_value(struct arena *, const struct rule_data *);
struct value rule_data_value_vmalert(struct arena *, const struct rule_data *);

/* Parses a label or annotation text of an alerting rule. In front of it stand, unseen by
 * places but counted in columns of Go's words, the declarations of $labels, $value and so
 * on. name is "__alert_" and the alert's name in Prometheus, empty in vmalert. */
const struct template *rule_text_parse(struct arena *, const struct template_set *,
				       const char *name, struct str text, struct pos at,
				       struct err *) MUST_USE;

/* An instant vector, in the order of the answer. */
struct rule_sample {
	const struct labels *labels;
	struct value value;
	int64_t timestamp; /* seconds; only vmalert shows it */
};
struct value value_samples(struct arena *, const struct rule_sample *, size_t n);

/* {count:30, sum:1111.1, [-2,-1):2, [-0.001,0.001]:2, (0.5,1]:1} */
void buf_add_native_histogram(struct buf *, const struct histogram *);
/* Prints so; no number function takes it. */
struct value value_histogram(struct arena *, const struct histogram *);

/* For template_check. */
extern const struct type *const rule_type, *const rule_type_vmalert;
