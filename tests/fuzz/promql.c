/* An expression is taken, or refused with a reason and a place inside it; one that is taken
 * is printed so that it is printed the same when it is read again. What is looked at as
 * MetricsQL, too, has a place inside; and what is PromQL is taken. */
#include "base/base.h"
#include "base/arena.h"
#include "text/metricsql.h"

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

static void check_place(const struct promql_error *err, size_t size)
{
	if (!*err->text)
		BUG("refused without a reason");
	if (err->at > size || err->line < 1 || err->col < 1 || err->col > (int)size + 1)
		BUG("offset %zu, %d:%d of %zu bytes", err->at, err->line, err->col, size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str in = {(const char *)data, size};
	struct promql_error err, other;
	bool is_loose = metricsql_check(in, &other);

	if (!is_loose)
		check_place(&other, size);
	if (promql_check(in, &err)) {
		print_twice(in);
		if (!is_loose)
			BUG("PromQL, but no MetricsQL: %s", other.text);
		return 0;
	}
	check_place(&err, size);
	return 0;
}
