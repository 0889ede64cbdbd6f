/* An expression is taken, or refused with a reason and a place inside it. */
#include "base/base.h"
#include "text/promql.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str in = {(const char *)data, size};
	struct promql_error err;

	if (promql_check(in, &err))
		return 0;
	if (!*err.text)
		BUG("refused without a reason");
	if (err.at > size || err.line < 1 || err.col < 1 || err.col > (int)size + 1)
		BUG("offset %zu, %d:%d of %zu bytes", err.at, err.line, err.col, size);
	return 0;
}
