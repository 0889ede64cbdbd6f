/* why_json.h - what why_alert found, as an object of JSON. */
#pragma once
#include "engine/why.h"

/* text: of all explanations of the answer, one after the other; this one's lines are added,
 * and are in the object, too. */
void add_why(struct buf *, const struct why *, struct buf *text);
