/* An expression is taken, or refused with a reason and a place inside it; one that is taken
 * is printed so that it is printed the same when it is read again. As MetricsQL it has such
 * a place, too, and what is taken is taken in brackets. Graphite's and VictoriaLogs's
 * languages have places. */
#include "base/base.h"
#include "base/arena.h"
#include "base/buf.h"
#include "text/dialects.h"
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

static bool is_limit(const struct promql_error *err)
{
	return strstr(err->text, "more than") || strstr(err->text, "nested deeper");
}

/* What ends in a comment ends with its line. */
static void put_in_brackets(struct str in)
{
	struct buf b = BUF(BUF_NO_LIMIT);
	struct promql_error err;

	buf_add_char(&b, '(');
	buf_add_str(&b, in);
	buf_add_text(&b, "\n)");
	if (!metricsql_check(buf_str(&b), &err) && !is_limit(&err))
		BUG("taken without brackets only: %s", err.text);
	buf_free(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str in = {(const char *)data, size};
	struct promql_error err;

	if (metricsql_check(in, &err))
		put_in_brackets(in);
	else
		check_place(&err, size);
	if (!graphite_check(in, &err))
		check_place(&err, size);
	if (!logsql_check(in, &err))
		check_place(&err, size);
	if (promql_check(in, &err))
		print_twice(in);
	else
		check_place(&err, size);
	return 0;
}
