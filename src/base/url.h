/* url.h - percent-encoding, as Go's net/url does it. */
#pragma once
#include "base/buf.h"

/* url.QueryEscape: A-Za-z0-9-_.~ stay, a blank becomes +, the rest %XX. */
void buf_add_query_escaped(struct buf *, struct str);
/* url.PathEscape: also $&+=:@ stay; a blank becomes %20. */
void buf_add_path_escaped(struct buf *, struct str);
/* The other way, + as a blank when is_query. False on a broken %. */
bool url_unescape(struct arena *, struct str, bool is_query, struct str *out) MUST_USE;
