/* alert_entry.h - a posted alert as bytes, and what many of them in a row mean.
 *
 * Alerts are kept as a log: each change appends an entry, the last entry of a fingerprint
 * counts, one without content says that the alert left. A run of entries is a blob:
 *
 *	length of the content	u32, little endian as all numbers here
 *	fingerprint		u64
 *	content
 *
 * The content: starts_at, ends_at, updated_at (i64 seconds, u32 nanoseconds, i32 offset
 * each), u8 timeout, u32 labels, u32 annotations, then texts, each with its NUL: name and
 * value of each label and annotation, generator URL; then came_at (i64), which entries of
 * older versions lack.
 *
 * Inside store/ only.
 */
#pragma once
#include "base/buf.h"
#include "model/alert.h"

void buf_add_entry(struct buf *, const struct alert *);
void buf_add_farewell(struct buf *, uint64_t fingerprint);
/* The head of an entry whose content is to follow, and how long that became. */
void buf_add_head(struct buf *, uint64_t fingerprint);
void entry_end(struct buf *, size_t start);
#define ENTRY_FIXED 57 /* bytes of a content before its texts */

struct log_entry {
	uint64_t fingerprint;
	struct str content; /* empty: it left */
	struct str whole;   /* with its head */
};
/* Takes the first entry off. False at the end, and when no whole entry is there any more:
 * rest is not empty then. */
bool entry_next(struct str *rest, struct log_entry *) MUST_USE;
/* The alert of an entry with content, whose texts it borrows; NULL and *why when it cannot
 * be read. */
const struct alert *entry_read(const struct log_entry *, struct arena *,
			       const char **why) MUST_USE;

/* Which entry of a fingerprint is the last. Start: {0}. */
struct last_entries {
	struct last_entry {
		uint64_t fingerprint, number; /* 0: free */
	} * v;
	size_t n, cap;
};
/* Entries are numbered from 1 in the order of the log. */
void last_entries_note(struct last_entries *, uint64_t fingerprint, uint64_t number);
uint64_t last_entries_find(const struct last_entries *, uint64_t fingerprint);
void last_entries_free(struct last_entries *);
