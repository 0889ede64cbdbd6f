/* notice.h - the value behind "." in notification templates: *template.Data.
 *
 * Memory: values live in the arena given and borrow the strings.
 * Spec:   spec/notification-templates.md 1.
 */
#pragma once
#include "text/value.h"

extern const struct type type_kv, type_pairs, type_pair, type_name_list /* Strings */,
	type_alert, type_alerts, type_alert_list /* []template.Alert */, type_data,
	type_data_pointer;

/* A label set as template.KV. */
struct value value_kv(struct arena *, const struct labels *);

struct notice_alert {
	const char *status;		  /* "firing" or "resolved" */
	struct value labels, annotations; /* value_kv; nothing: empty */
	struct moment starts_at, ends_at; /* ends_at INSTANT_ZERO while firing */
	struct str generator_url, fingerprint;
};
struct notice {
	struct str receiver; /* with metacharacters escaped: notice_receiver */
	const char *status;
	struct str reason, external_url;
	const struct notice_alert *alerts;
	size_t n_alerts;
	struct value group_labels, common_labels, common_annotations, route_labels;
};
struct value notice_value(struct arena *, const struct notice *);
struct value notice_alert_value(struct arena *, const struct notice_alert *);

/* The receiver's name as templates see it, every regex metacharacter behind a backslash. */
struct str notice_receiver(struct arena *, struct str name);
/* The pairs of the first KV that all the others share. */
struct value notice_common(struct arena *, const struct value *kvs, size_t n);

/* For template_check. */
extern const struct type *const notice_type;
