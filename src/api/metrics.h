/* metrics.h - what the files that write /metrics share. */
#pragma once
#include "api/request.h"

void metric_head(struct buf *, const char *name, const char *type, const char *help);
void metric_one(struct buf *, const char *name, const char *type, const char *help,
		double value);
void metric_add_label_text(struct buf *, const char *text); /* escaped, without quotes */

/* router_metrics.c: alerts, dispatcher, notifications, their log, silences. */
void metrics_add_router(struct buf *, struct request *);
