/* alert_log.h - the table alert_log: runs of entries (alert_entry.h), packed but for those of
 * older versions (entry_pack.h), the oldest first.
 *
 * What is outlived is taken out in slices, each in a transaction of the caller's, once
 * more is outlived than lives. Inside store/ only; one thread at a time.
 */
#pragma once
#include "store/alert_entry.h"
#include "store/store.h"

#include <sqlite3.h>

struct alert_log {
	sqlite3 *db;
	size_t live;	 /* bytes left by the last tidying, or read at the start */
	size_t outlived; /* since, about */
	/* a tidying under way: up to which row it has come, and goes */
	int64_t at_id, end_id; /* end_id 0: none */
	uint64_t number;       /* of the last entry at at_id */
	size_t kept;
	bool has_broken; /* rows that cannot be read to their end */
	struct last_entries last;
};

/* Gives each alert of the log to the visitor. False and err when the table cannot be read
 * to its end. */
bool alert_log_load(struct alert_log *, const struct store_visitor *,
		    struct err *) MUST_USE;
/* Whether alert_log_tidy has something to do. */
bool alert_log_is_untidy(const struct alert_log *);
/* A slice of the work. False: the database failed; nothing is half done when the caller
 * rolls back and calls alert_log_forget. */
bool alert_log_tidy(struct alert_log *) MUST_USE;
/* Ends a tidying before its end; a later one begins anew. */
void alert_log_forget(struct alert_log *);
