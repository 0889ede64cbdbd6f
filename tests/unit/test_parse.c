#include "unit/template_case.h"
#include "text/parse.h"

/* The main body; NULL when it could not be parsed. */
static const struct body *parse(struct arena *mem, const char *text, struct err *err)
{
	struct source *src = ARENA_NEW(mem, struct source);
	const struct bodies *all;

	*src = (struct source){STR("main"), str_of(text), {"f", 10, 5}};
	all = parse_source(mem, FUNCS_BASIC, src, err);
	return all ? bodies_find(all, src->name) : NULL;
}

/* The canonical form of what was parsed. */
static void prints_back(void **state)
{
	static const struct {
		const char *in, *want;
	} cases[] = {
		{"a{{ .x }}b", "a{{.x}}b"},
		{"{{if .a|not}}x{{else if .b}}y{{end}}",
		 "{{if .a | not}}x{{else}}{{if .b}}y{{end}}{{end}}"},
		{"{{range $i,$e:=.l}}{{break}}{{end}}",
		 "{{range $i, $e := .l}}{{break}}{{end}}"},
		{"{{(index .a 1).b.c}}", "{{(index .a 1).b.c}}"},
		{"{{template `t` (print 1 'c')}}", "{{template \"t\" (print 1 'c')}}"},
		{"{{$x := 1}}{{$x = 2}}{{$x}}", "{{$x := 1}}{{$x = 2}}{{$x}}"},
		{"{{with .a}}{{else with .b}}{{end}}",
		 "{{with .a}}{{else}}{{with .b}}{{end}}{{end}}"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct arena mem = {0};
		struct buf b = BUF(4096);
		const struct body *body;
		struct err err;

		body = parse(&mem, cases[i].in, &err);
		if (!body)
			fail_msg("%s: %s", cases[i].in, err.text);
		for (size_t k = 0; k < body->root.n; k++)
			node_print(&b, body->root.v[k]);
		check_text(cases[i].in, cases[i].want, buf_text(&b));
		buf_free(&b);
		arena_free(&mem);
	}
}

static void refuses(void **state)
{
	static const struct {
		const char *in, *want; /* with the place */
	} cases[] = {
		{"{{.x", "f:10:9: template: main:1: unclosed action"},
		{"{{nope}}", "f:10:7: template: main:1: function \"nope\" not defined"},
		{"a\n{{$x}}", "f:11:3: template: main:2: undefined variable \"$x\""},
		{"{{if .}}", "f:10:13: template: main:1: unexpected EOF"},
		{"{{end}}", "f:10:10: template: main:1: unexpected {{end}}"},
		{"{{if}}{{end}}", "f:10:9: template: main:1: missing value for if"},
		{"{{break}}", "f:10:12: template: main:1: {{break}} outside {{range}}"},
		{"{{1 | 2}}",
		 "f:10:12: template: main:1: non executable command in pipeline stage 2"},
		{"{{print(.x)}}", "f:10:12: template: main:1: unexpected \"(\" in operand"},
		{"{{.x \"long string here\" .}}{{template 5}}",
		 "f:10:43: template: main:1: unexpected \"5\" in template clause"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct arena mem = {0};
		struct err err;

		if (parse(&mem, cases[i].in, &err))
			fail_msg("%s was taken", cases[i].in);
		check_text(cases[i].in, cases[i].want, err_text(&mem, &err));
		arena_free(&mem);
	}
}

static char *repeated(const char *piece, size_t n)
{
	struct buf b = BUF(BUF_NO_LIMIT);

	while (n--)
		buf_add_text(&b, piece);
	return buf_take(&b, NULL);
}

static void bounds_nesting(void **state)
{
	static const struct {
		const char *piece, *want;
	} cases[] = {
		{"{{if .}}", "max expression depth exceeded"},
		{"{{range .}}", "max expression depth exceeded"},
		{"{{(", "max expression depth exceeded"},
		{"{{block \"x\" .}}", "max expression depth exceeded"},
		{"{{if .}}{{else ", NULL}, /* no chain of else ends the program */
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct arena mem = {0};
		char *text = strcmp(cases[i].piece, "{{(")
				     ? repeated(cases[i].piece, 100000)
				     : repeated("(", 100000);
		struct buf b = BUF(BUF_NO_LIMIT);
		struct err err;

		if (text[0] == '(')
			buf_add_text(&b, "{{");
		buf_add_text(&b, text);
		assert_false(parse(&mem, buf_text(&b), &err));
		if (cases[i].want && strlen(buf_text(&b)) <= TEMPLATE_MAX_SOURCE)
			assert_non_null(strstr(err.text, cases[i].want));
		buf_free(&b);
		free(text);
		arena_free(&mem);
	}
}

static void long_chains_take_little_memory(void **state)
{
	static const char *const starts[] = {"{{.a", "{{$.a", "{{(1).a"};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(starts); i++) {
		struct arena mem = {0};
		char *text = repeated(".b", 100000);
		struct buf b = BUF(BUF_NO_LIMIT);
		struct err err;

		buf_addf(&b, "%s%s}}", starts[i], text);
		if (!parse(&mem, buf_text(&b), &err))
			fail_msg("%s: %s", starts[i], err.text);
		assert_true(arena_size(&mem) < 50 * b.n);
		buf_free(&b);
		free(text);
		arena_free(&mem);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(prints_back),
		cmocka_unit_test(refuses),
		cmocka_unit_test(bounds_nesting),
		cmocka_unit_test(long_chains_take_little_memory),
	};

	return cmocka_run_group_tests_name("parse", tests, NULL, NULL);
}
