#include "base/base.h"
#include "text/media_type.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct {
	const char *in, *type, *why; /* as Go's mime.ParseMediaType: one of them is NULL */
} types[] = {
	{"application/json", "application/json", NULL},
	{"Application/JSON ; Charset=UTF-8", "application/json", NULL},
	{"a", "a", NULL},
	{"a/b;", "a/b", NULL},
	{"a/b; ; ", NULL, "mime: invalid media parameter"},
	{"a/b; c=\"\"", "a/b", NULL},
	{"a/b; c=\"x;y\\\"z\"; d=e", "a/b", NULL},
	{"a/b; c=x; C=x", "a/b", NULL},
	{"a/b; c=x; c=y", NULL, "mime: duplicate parameter name"},
	{"a/b; c", NULL, "mime: invalid media parameter"},
	{"a/b; c=", NULL, "mime: invalid media parameter"},
	{"a/b; =x", NULL, "mime: invalid media parameter"},
	{"a/b; c=\"x", NULL, "mime: invalid media parameter"},
	{"a/b; c=\"x\\", NULL, "mime: invalid media parameter"},
	{"a;;/", NULL, "mime: invalid media parameter"},
	{"", NULL, "mime: no media type"},
	{";", NULL, "mime: no media type"},
	{"/", NULL, "mime: no media type"},
	{"a b", NULL, "mime: expected slash after first token"},
	{"a/", NULL, "mime: expected token after slash"},
	{"a/b c", NULL, "mime: unexpected content after media subtype"},
};

static void test_types(void **state)
{
	struct arena mem = {0};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(types); i++) {
		const char *why, *type = media_type_parse(&mem, str_of(types[i].in), &why);

		if (!type != !types[i].type || (type && strcmp(type, types[i].type)) ||
		    (why && strcmp(why, types[i].why ? types[i].why : "")))
			fail_msg("%s: %s, %s", types[i].in, type ? type : "no type",
				 why ? why : "no reason");
	}
	arena_free(&mem);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_types)};

	return cmocka_run_group_tests_name("media_type", tests, NULL, NULL);
}
