/* The log of alerts as read from disk, packed and as older versions wrote it: what can be
 * read is written back the same. */
#include "base/base.h"
#include "store/alert_entry.h"
#include "store/entry_pack.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Packed and unpacked again, each entry is what it was. */
static void check_packing(struct str entries)
{
	struct buf packed = BUF(BUF_NO_LIMIT), again = BUF(BUF_NO_LIMIT);

	buf_add_packed(&packed, entries);
	buf_add_unpacked(&again, buf_str(&packed));
	if (again.n != entries.n || (again.n && memcmp(again.p, entries.p, again.n) != 0))
		BUG("unpacked it is otherwise");
	buf_free(&packed);
	buf_free(&again);
}

static void read_all(struct str rest)
{
	struct arena mem = {0};
	struct log_entry e, again;

	while (entry_next(&rest, &e)) {
		struct buf b = BUF(BUF_NO_LIMIT);
		const struct alert *a, *copy = NULL;
		const char *why;
		struct str bytes;

		a = entry_read(&e, &mem, &why);
		if (!a && !why[0])
			BUG("refused without a reason");
		if (a) {
			buf_add_entry(&b, a);
			bytes = buf_str(&b);
			copy = entry_next(&bytes, &again) ? entry_read(&again, &mem, &why)
							  : NULL;
		}
		if (a && (!copy || !labels_eq(copy->labels, a->labels) ||
			  !labels_eq(copy->annotations, a->annotations)))
			BUG("it reads otherwise the second time");
		buf_free(&b);
		arena_reset(&mem);
	}
	arena_free(&mem);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str all = {(const char *)data, size};
	struct buf unpacked = BUF(BUF_NO_LIMIT);

	check_packing(all);
	read_all(all);
	buf_add_unpacked(&unpacked, all);
	read_all(buf_str(&unpacked));
	buf_free(&unpacked);
	return 0;
}
