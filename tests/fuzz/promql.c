/* An expression is taken, or refused with a reason and a place inside it; one that is taken
 * is printed so that it is printed the same when it is read again. */
#include "base/base.h"
#include "base/arena.h"
#include "text/promql.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void print_twice(struct str in)
{
	struct arena mem = {0};
	const char *once = promql_normal(&mem, in), *twice;

	if (once && strlen(once) < PROMQL_MAX_BYTES) {
		twice = promql_normal(&mem, str_of(once));
		if (!twice || strcmp(once, twice) != 0)
			BUG("printed as %s, then as %s", once, twice ? twice : "nothing");
	}
	arena_free(&mem);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str in = {(const char *)data, size};
	struct promql_error err;

	if (promql_check(in, &err)) {
		print_twice(in);
		return 0;
	}
	if (!*err.text)
		BUG("refused without a reason");
	if (err.at > size || err.line < 1 || err.col < 1 || err.col > (int)size + 1)
		BUG("offset %zu, %d:%d of %zu bytes", err.at, err.line, err.col, size);
	return 0;
}
