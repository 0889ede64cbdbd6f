/* match.h - recorded values with holes: <VERSION>, <DATE>, <STARTS_AT> and their like stand
 * for any text. */
#pragma once
#include "base/arena.h"
#include "base/str.h"

#include <jansson.h>

bool text_matches(struct str want, struct str got);
/* False leaves in *where the path of the first difference. */
bool json_matches(struct arena *, const json_t *want, const json_t *got,
		  const char **where);

/* A member as text, "" when it is none. */
const char *json_text(const json_t *object, const char *key);
/* The file as JSON, NULL when it is not there; fails loudly when it is no JSON. */
json_t *json_file(struct arena *, const char *folder, const char *name);
