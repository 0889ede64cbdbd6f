#include "base/base.h"
#include "text/json_reader.h"
#include "base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* Reads all and writes down what came: texts in angle brackets, the rest by its kind. */
static void describe(struct json_reader *r, struct buf *b)
{
	enum json_kind kind = json_kind(r);
	struct str name;

	switch (kind) {
	case JSON_BAD:
		return;
	case JSON_NULL_VALUE:
	case JSON_BOOL:
	case JSON_NUMBER:
		json_skip(r);
		buf_add_char(b, kind == JSON_NULL_VALUE ? '0'
				: kind == JSON_BOOL	? 'b'
							: 'n');
		return;
	case JSON_TEXT:
		buf_add_char(b, '<');
		buf_add_str(b, json_read_text(r));
		buf_add_char(b, '>');
		return;
	case JSON_LIST:
		buf_add_char(b, '[');
		json_enter(r);
		while (json_item(r))
			describe(r, b);
		buf_add_char(b, ']');
		return;
	case JSON_MAP:
		buf_add_char(b, '{');
		json_enter(r);
		while (json_member(r, &name)) {
			buf_add_str(b, name);
			buf_add_char(b, '=');
			describe(r, b);
		}
		buf_add_char(b, '}');
		return;
	}
}

static void values_are_read(void **state)
{
	static const struct {
		const char *in, *want;
	} rows[] = {
		{"null", "0"},
		{" [ ] ", "[]"},
		{"{}", "{}"},
		{"[true,false,null]", "[bb0]"},
		{"[0,-1,12.5,1e9,-0.1E-7]", "[nnnnn]"},
		{"\"\"", "<>"},
		{"\"a long text of plain characters\"",
		 "<a long text of plain characters>"},
		{"\"1234567\\n\"", "<1234567\n>"},
		{"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "<\"\\/\b\f\n\r\t>"},
		{"\"\\u00e4\\u20AC\\ud83d\\ude00\"", "<ä€😀>"},
		{"\"äöü 12345678 ß\"", "<äöü 12345678 ß>"},
		{"{\"a\":{\"b\":[1,{\"c\":\"d\"}]},\"e\":\"\"}", "{a={b=[n{c=<d>}]}e=<>}"},
		{"{\"a\" : 1 ,\n\t\"a\" : 2\r}", "{a=na=n}"},
		{"{\"k\\u0041\":\"v\"}", "{kA=<v>}"},
		/* what stands behind the value is nobody's */
		{"[] ]", "[]"},
		/* what is no character */
		{"\"a\xff z\"", "<a\xef\xbf\xbd z>"},
		{"\"\\ud800x\"", "<\xef\xbf\xbdx>"},
		{"\"\\ude00\\ud83d\"", "<\xef\xbf\xbd\xef\xbf\xbd>"},
		{"\"\\ud83d\\u0041\"", "<\xef\xbf\xbd"
				       "A>"},
		{"\"a\\u0000b\"", "<a\xef\xbf\xbd"
				  "b>"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct arena mem = {0};
		struct json_reader r = json_reader(&mem, str_of(rows[i].in));
		struct buf b = BUF(1000);
		struct err err;

		describe(&r, &b);
		if (!json_is_good(&r, &err))
			fail_msg("%s: %s", rows[i].in, err.text);
		if (strcmp(buf_text(&b), rows[i].want))
			fail_msg("%s: wanted %s, got %s", rows[i].in, rows[i].want,
				 buf_text(&b));
		buf_free(&b);
		arena_free(&mem);
	}
}

static void mistakes_have_their_place(void **state)
{
	static const struct {
		const char *in;
		int line, col;
		const char *want;
	} rows[] = {
		{"", 1, 1, "the text ends too early"},
		{"x", 1, 1, "a value is expected"},
		{"[1,\n  x]", 2, 3, "a value is expected"},
		{"[1 2]", 1, 4, "a comma or ] is expected"},
		{"[1,]", 1, 4, "a value is expected"},
		{"[,1]", 1, 2, "a value is expected"},
		{"[1", 1, 3, "the text ends too early"},
		{"{\"a\":1 \"b\":2}", 1, 8, "a comma or } is expected"},
		{"{\"a\" 1}", 1, 6, "a colon is expected"},
		{"{\"a\":}", 1, 6, "a value is expected"},
		{"{\"a\":1,}", 1, 8, "a name in quotes is expected"},
		{"{a:1}", 1, 2, "a name in quotes is expected"},
		{"[1}", 1, 3, "a comma or ] is expected"},
		{"\"abc", 1, 5, "a text without its closing quote"},
		{"\"12345678901", 1, 13, "a text without its closing quote"},
		{"\"a\nb\"", 1, 3, "a control character in a text must be escaped"},
		{"\"\\x\"", 1, 2, "no such escape"},
		{"\"\\", 1, 2, "no such escape"},
		{"\"\\u12g4\"", 1, 2, "\\u needs four hexadecimal digits"},
		{"nul", 1, 1, "no such word"},
		{"[tru]", 1, 2, "no such word"},
		{"-", 1, 2, "a digit is expected"},
		{"1.", 1, 3, "a digit is expected"},
		{"[1.e5]", 1, 4, "a digit is expected"},
		{"1e", 1, 3, "a digit is expected"},
		{"[01]", 1, 3, "a comma or ] is expected"},
		{"[+1]", 1, 2, "a value is expected"},
		{"[NaN]", 1, 2, "a value is expected"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct arena mem = {0};
		struct json_reader r = json_reader(&mem, str_of(rows[i].in));
		struct buf b = BUF(1000);
		struct err err = {0};

		describe(&r, &b);
		assert_false(json_is_good(&r, &err));
		if (strcmp(err.text, rows[i].want) || err.at.line != rows[i].line ||
		    err.at.col != rows[i].col)
			fail_msg("%s: wanted %d:%d %s, got %d:%d %s", rows[i].in,
				 rows[i].line, rows[i].col, rows[i].want, err.at.line,
				 err.at.col, err.text);
		buf_free(&b);
		arena_free(&mem);
	}
}

static void nesting_has_a_ceiling(void **state)
{
	struct arena mem = {0};
	struct buf deep = BUF(100000);
	struct json_reader r;
	struct err err;

	(void)state;
	for (int i = 0; i < 50000; i++)
		buf_add_text(&deep, i % 2 ? "[" : "{\"a\":");
	r = json_reader(&mem, str_slice(buf_str(&deep), 0, 60000));
	json_skip(&r);
	assert_false(json_is_good(&r, &err));
	assert_string_equal(err.text, "nested too deeply");
	buf_free(&deep);
	arena_free(&mem);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_are_read),
		cmocka_unit_test(mistakes_have_their_place),
		cmocka_unit_test(nesting_has_a_ceiling),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
