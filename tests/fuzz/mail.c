/* Whatever a list of addresses or a header holds, what is made of it stays on its line. */
#include "base/base.h"
#include "receivers/address.h"
#include "receivers/mime.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str in = {(const char *)data, size};
	struct buf out = BUF(BUF_NO_LIMIT);
	struct arena mem = {0};
	const char **v;
	size_t n = 0, line = 0;
	struct err err;

	if (addresses_parse(&mem, in, &v, &n, &err)) {
		for (size_t i = 0; i < n; i++) {
			if (!strchr(v[i], '@') || strpbrk(v[i], "\r\n"))
				BUG("address %s", v[i]);
		}
	}
	buf_add_mail_header(&out, in);
	if (strpbrk(buf_text(&out), "\r\n"))
		BUG("a header of several lines");
	buf_reset(&out);
	buf_add_quoted_printable(&out, in);
	for (size_t i = 0; i < out.n; i++) {
		line = out.p[i] == '\n' ? 0 : line + 1;
		if (line > 77 || (out.p[i] & 0x80))
			BUG("line of %zu characters, byte %d", line, out.p[i]);
	}
	buf_free(&out);
	arena_free(&mem);
	return 0;
}
