/* The log of alerts as read from disk: what can be read is written back the same. */
#include "base/base.h"
#include "store/alert_entry.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str rest = {(const char *)data, size};
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
	return 0;
}
