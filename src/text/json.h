/* json.h - small helpers around jansson that several folders share. */
#pragma once
#include "base/err.h"
#include "model/labels.h"

#include <jansson.h>

/* Reads a text that is one JSON value. NULL and err (line and column in at.line, at.col) on
 * a mistake, also on nesting or sizes over jansson's ceilings. */
json_t *json_read(struct str, struct err *) MUST_USE;
/* The same, but what stands after the value is left alone. */
json_t *json_read_first(struct str, struct err *) MUST_USE;

/* An object of strings as a label set that keeps empty values; NULL when it is no such
 * object. Names repeated in the text: the last one counts. */
const struct labels *json_labels(struct arena *, const json_t *) MUST_USE;
const struct labels *labels_of_json(struct arena *, struct str) MUST_USE;
