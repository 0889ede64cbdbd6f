/* mime.h - the text forms of mail (spec/receivers.md 3.5). */
#pragma once
#include "base/buf.h"
#include "base/time.h"

/* A header's value: as it is when it is printable ASCII, else as Q encoded-words on one
 * line, which never split a character. */
void buf_add_mail_header(struct buf *, struct str value);
void buf_add_quoted_printable(struct buf *, struct str text);
/* "Fri, 20 Nov 2026 10:05:12 +0000" */
void buf_add_mail_date(struct buf *, struct instant);
