#include "base/base.h"
#include "store/journal_span.h"

#define SLICE 500 /* rows */

int64_t span_bytes(const struct journal_span *s)
{
	return s->newest.total - s->oldest.total;
}

int64_t span_rows(const struct journal_span *s)
{
	return s->oldest.id ? s->newest.id - s->oldest.id + 1 : 0;
}

bool span_is_due(const struct journal_span *s, const struct journal_limits *l, wall_ms now)
{
	return s->oldest.id && (span_bytes(s) > l->bytes || s->oldest.at < now - l->age ||
				s->oldest.at > now + l->age);
}

static struct journal_end end_of(sqlite3_stmt *st)
{
	return (struct journal_end){.id = sqlite3_column_int64(st, 0),
				    .total = sqlite3_column_int64(st, 1),
				    .at = sqlite3_column_int64(st, 2)};
}

static bool find_end(sqlite3_stmt *st, struct journal_end *end)
{
	int code;

	sqlite3_bind_int(st, 1, 1);
	code = sqlite3_step(st);
	*end = code == SQLITE_ROW ? end_of(st) : (struct journal_end){0};
	sqlite3_reset(st);
	return code == SQLITE_ROW || code == SQLITE_DONE;
}

bool span_find(sqlite3_stmt *from_oldest, sqlite3_stmt *from_newest,
	       struct journal_span *span)
{
	return find_end(from_oldest, &span->oldest) && find_end(from_newest, &span->newest);
}

/* The span as it is without the rows that are due, SLICE of them at most. */
static bool skip_due(struct journal_span *span, const struct journal_limits *l, wall_ms now,
		     sqlite3_stmt *from_oldest)
{
	int code;

	sqlite3_bind_int(from_oldest, 1, SLICE + 1);
	while ((code = sqlite3_step(from_oldest)) == SQLITE_ROW) {
		span->oldest = end_of(from_oldest);
		if (!span_is_due(span, l, now))
			break;
	}
	sqlite3_reset(from_oldest);
	return code == SQLITE_ROW || code == SQLITE_DONE;
}

bool span_trim(struct journal_span *span, const struct journal_limits *l, wall_ms now,
	       sqlite3_stmt *from_oldest, sqlite3_stmt *remove)
{
	struct journal_span left = *span;
	bool ok;

	if (!span_is_due(span, l, now))
		return true;
	if (!skip_due(&left, l, now, from_oldest))
		return false;
	sqlite3_bind_int64(remove, 1, left.oldest.id - 1);
	ok = sqlite3_step(remove) == SQLITE_DONE;
	sqlite3_reset(remove);
	if (ok)
		*span = left;
	return ok;
}
