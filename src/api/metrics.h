/* metrics.h - what the files that write /metrics share. */
#pragma once
#include "api/request.h"

void metric_head(struct buf *, const char *name, const char *type, const char *help);
void metric_one(struct buf *, const char *name, const char *type, const char *help,
		double value);
/* Escaped as the text format wants it (not as JSON), without quotes; what is no UTF-8 as
 * U+FFFD, for one bad name would make the whole page unreadable. */
void metric_add_label_text(struct buf *, const char *text);

/* router_metrics.c: alerts, dispatcher, notifications, their log, silences. */
void metrics_add_router(struct buf *, struct request *);

/* vmalert_metrics.c: the way from rules to the router; groups; and, behind what stands
 * already, each rule: that ends the request. */
void metrics_add_notified(struct buf *, const struct engine_counters *,
			  const struct step_times *);
void metrics_add_vmalert_groups(struct buf *, const struct rulegroup_view *, size_t n);
void answer_metrics_with_rules(struct request *, const char *type, const struct buf *begin);
