/* A tree that was read prints as YAML which reads as the same tree. */
#include "base/base.h"
#include "text/yaml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena mem = {0};
	struct buf out = BUF(BUF_NO_LIMIT), again = BUF(BUF_NO_LIMIT);
	const struct yaml *y = yaml_read_value(&mem,
					       (struct str){(const char *)data, size});

	if (y && y->weight < 10000) {
		yaml_print(&out, y);
		y = yaml_read_value(&mem, buf_str(&out));
		if (!y)
			BUG("printed, it is not YAML: %s", buf_text(&out));
		yaml_print(&again, y);
		if (!str_eq(buf_str(&out), buf_str(&again)))
			BUG("printed: %s\nand again: %s", buf_text(&out), buf_text(&again));
	}
	buf_free(&out);
	buf_free(&again);
	arena_free(&mem);
	return 0;
}
