/* template_data.h - the "data" of a template case: JSON to values. */
#pragma once
#include "text/value.h"

#include <jansson.h>

struct value template_data(struct arena *, const json_t *);
struct value template_samples(struct arena *, const json_t *); /* a list of samples */
/* The routeLabels of a $alertdata, as KV; nothing when there are none. */
struct value template_route_labels(struct arena *, const json_t *data);
const char *template_external_url(const json_t *data); /* of a $promdata; NULL: default */
