/* journal_span.h - from where to where the journal reaches, and how its old end is trimmed.
 *
 * Each row has in `total` the bytes of all rows up to it, so that the size is a difference
 * of two rows and nothing has to be counted.
 *
 * Inside store/ only; the writer's.
 */
#pragma once
#include "base/time.h"

#include <sqlite3.h>

struct journal_end {
	int64_t id, total;
	wall_ms at;
};
struct journal_span {
	struct journal_end oldest, newest; /* id 0: there is no row */
};
struct journal_limits {
	span_ms age;
	int64_t bytes;
};

/* All but those of the oldest row. */
int64_t span_bytes(const struct journal_span *);
int64_t span_rows(const struct journal_span *);
/* Whether the oldest row is to go: it is too old, or there are too many bytes. A time that
 * lies further ahead than the age is that of a clock which was wrong, and as good as old.
 */
bool span_is_due(const struct journal_span *, const struct journal_limits *, wall_ms now);

/* ends: SELECT id, total, at ... LIMIT ?, from the oldest on, and the same from the newest.
 * False: the database failed. */
bool span_find(sqlite3_stmt *from_oldest, sqlite3_stmt *from_newest,
	       struct journal_span *) MUST_USE;
/* Takes out what is due, a slice of it. remove: DELETE ... WHERE id <= ?. */
bool span_trim(struct journal_span *, const struct journal_limits *, wall_ms now,
	       sqlite3_stmt *from_oldest, sqlite3_stmt *remove) MUST_USE;
