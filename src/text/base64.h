/* base64.h - RFC 4648, with padding, in both alphabets. */
#pragma once
#include "base/buf.h"

enum base64 { BASE64_STANDARD, BASE64_URL };
void buf_add_base64(struct buf *, struct str, enum base64);
/* Newlines are skipped. False and the offset of the first bad byte, as Go counts it. */
bool base64_decode(struct buf *, struct str, enum base64, size_t *bad) MUST_USE;
