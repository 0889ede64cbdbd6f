/* Any text is read to its end or to a mistake; what is good for the tree reader is good
 * here, and texts hold no NUL and are UTF-8. */
#include "base/base.h"
#include "base/utf8.h"
#include "text/json.h"
#include "text/json_reader.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(struct str s)
{
	if (s.p[s.n] || strlen(s.p) != s.n || !utf8_valid(s))
		BUG("a text that is none");
}

static void read_value(struct json_reader *r)
{
	struct str name;

	switch (json_kind(r)) {
	case JSON_TEXT:
		check_text(json_read_text(r));
		break;
	case JSON_LIST:
		json_enter(r);
		while (json_item(r))
			read_value(r);
		break;
	case JSON_MAP:
		json_enter(r);
		while (json_member(r, &name)) {
			check_text(name);
			read_value(r);
		}
		break;
	case JSON_BAD:
	case JSON_NULL_VALUE:
	case JSON_BOOL:
	case JSON_NUMBER:
		json_skip(r);
		break;
	}
}

static size_t depth_of(struct str s)
{
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++)
		n += s.p[i] == '[' || s.p[i] == '{';
	return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = {(const char *)data, size};
	struct arena mem = {0};
	struct json_reader r = json_reader(&mem, text);
	/* jansson takes a NUL for a blank */
	bool has_nul = size && memchr(data, 0, size);
	json_t *tree = has_nul ? NULL : json_read_first(text, NULL);
	struct err err;

	read_value(&r);
	if (!json_is_good(&r, &err) && tree && depth_of(text) < JSON_DEPTH)
		BUG("refused although it is good: %s", err.text);
	json_decref(tree);
	arena_free(&mem);
	return 0;
}
