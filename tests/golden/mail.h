/* mail.h - a mail as it would arrive: headers, parts decoded, and whether it is the
 * recorded one. */
#pragma once
#include "engine/wire.h"

#include <jansson.h>

/* What the recorded mail server would have said; smtp is smtp.json or NULL. */
void mail_sink(struct arena *, const json_t *smtp, const struct mail_request *,
	       struct mail_answer *);
/* The session of expected.json; NULL, or what differs. */
const char *mail_differs(struct arena *, const json_t *session,
			 const struct mail_request *);
