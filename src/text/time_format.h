/* time_format.h - times as text and back, by Go's layouts: "Mon Jan 2 15:04:05 2006".
 *
 * Spec: spec/go-template.md 14.2, 14.3.
 */
#pragma once
#include "base/buf.h"
#include "text/value.h"

void buf_add_time(struct buf *, const struct moment *, struct str layout);
void buf_add_time_text(struct buf *, const struct moment *); /* String() */
void buf_add_go_time(struct buf *, const struct moment *);   /* GoString(), %#v */
void buf_add_time_rfc3339(struct buf *, const struct moment *);

/* A missing zone is UTC. NULL, or what is wrong, in the arena. */
const char *time_parse(struct arena *, struct str layout, struct str text,
		       struct moment *out);

const char *month_name(int month);     /* from 1 */
const char *weekday_name(int weekday); /* Sunday is 0 */
