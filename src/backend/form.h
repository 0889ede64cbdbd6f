/* form.h - the request side that all backends share. Inside backend/ only. */
#pragma once
#include "backend/backend.h"

void form_add(struct buf *, const char *name, const char *value); /* name=value, escaped */
/* Unless the datasource or the group sets it. */
void form_add_default(struct buf *, const struct query_wish *, const char *name,
		      const char *value);
/* The datasource's parameters that the group does not set itself, then the group's; without
 * those that say what is asked (is_query_param). */
void form_add_params(struct buf *, const struct query_wish *);
const char *form_time(struct arena *, wall_ms); /* RFC 3339, UTC */

/* POST <url><path> with the form as its body, or GET with it in the URL, and the group's
 * headers. */
void form_post(struct arena *, const struct query_wish *, const char *path,
	       const struct buf *form, struct http_request *);
/* One header more. */
void request_add_header(struct arena *, struct http_request *, const char *name,
			const char *text);
