/* value_json.h - template values as JSON, by Go's encoding/json (spec/go-template.md 14.4).
 */
#pragma once
#include "text/value.h"

/* NULL, or what is wrong (an infinite number, a function); in the arena. */
const char *buf_add_json_value(struct buf *, struct arena *, const struct value *);
