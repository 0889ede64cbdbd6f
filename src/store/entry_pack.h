/* entry_pack.h - a run of entries (alert_entry.h) as it lies on disk.
 *
 * Alerts that come together differ in little. An entry keeps its head; its content becomes
 * steps from the content before it, until it is whole:
 *
 *	same	so many bytes are the same as there
 *	own	so many follow that are not, which come next
 *	skip	so many there are passed over
 *
 * A content that ends with what is the same has no own and skip at its end. Numbers have 7
 * bits a byte, the lowest first; the eighth bit is set when more follow.
 *
 * Each PACK_CHAIN-th content stands alone, so that a broken byte costs no more of them; one
 * in annotations or times, which nothing guards, is passed on as far.
 * Bytes at the end that are no entry stay as they are.
 *
 * Inside store/ only.
 */
#pragma once
#include "base/buf.h"

#define PACK_CHAIN 32

void buf_add_packed(struct buf *, struct str entries);
/* A content that cannot be read becomes one that entry_read refuses. */
void buf_add_unpacked(struct buf *, struct str packed);
