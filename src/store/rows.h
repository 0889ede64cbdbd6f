/* rows.h - what rows.c, which turns our nouns into rows and back, knows of the queue and of
 * the store (parts.h). Inside store/ only. */
#pragma once
#include "store/alert_log.h"
#include "store/schema.h"
#include "store/store.h"

struct cell {
	enum { CELL_NULL, CELL_INT, CELL_REAL, CELL_TEXT, CELL_BLOB } kind;
	int64_t i;
	double d;
	struct str s;
};

/* Queues a statement with its values, which are copied. */
void store_queue(struct store *, enum statement, const struct cell *, size_t n);
struct alert_log *store_alert_log(struct store *);
/* For those who read what the writer has else; it waits meanwhile. */
void store_lock_db(struct store *);
void store_unlock_db(struct store *);
sqlite3 *store_db(struct store *);	     /* while it is locked */
void store_set_now(struct store *, wall_ms); /* the time of the last record, for trimming */

#define DATABASE "tocsin.db"
