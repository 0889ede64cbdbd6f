/* header.h - names of HTTP and mail headers. */
#pragma once
#include "base/arena.h"
#include "base/str.h"

/* Go's textproto.CanonicalMIMEHeaderKey: "message-id" gives "Message-Id"; a name with a
 * blank or another character that names cannot have stays as it is. */
const char *header_canonical(struct arena *, struct str name);
bool is_header_name(struct str);
bool is_header_value(struct str); /* no CR, LF or other control character but tab */
