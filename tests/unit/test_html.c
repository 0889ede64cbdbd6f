#include "unit/template_case.h"

#define HOSTILE "<b>\"x\" & 'y'</b>"

static void escapes_by_context(void **state)
{
	static const struct {
		const char *in, *dot, *want;
	} cases[] = {
		{"{{.}}", HOSTILE, "&lt;b&gt;&#34;x&#34; &amp; &#39;y&#39;&lt;/b&gt;"},
		{"<title>{{.}}</title>", "a+b", "<title>a&#43;b</title>"},
		{"<p title=\"{{.}}\">", "a\"b", "<p title=\"a&#34;b\">"},
		{"<p title={{.}}>", "a b=c", "<p title=a&#32;b&#61;c>"},
		{"<p title={{.}}>", "", "<p title=ZgotmplZ>"},
		{"<a href=\"{{.}}\">", "http://x/y?a=1&b=2",
		 "<a href=\"http://x/y?a=1&amp;b=2\">"},
		{"<a href=\"{{.}}\">", "javascript:alert(1)", "<a href=\"#ZgotmplZ\">"},
		{"<a href=\"{{.}}\">", "//x/\xC3\xBC b", "<a href=\"//x/%c3%bc%20b\">"},
		{"<a href=\"/p/{{.}}\">", "a b?c", "<a href=\"/p/a%20b?c\">"},
		{"<a href=\"/p?q={{.}}\">", "a b&c", "<a href=\"/p?q=a%20b%26c\">"},
		{"<p style=\"color: {{.}}\">", "red", "<p style=\"color: red\">"},
		{"<p style=\"color: {{.}}\">", "expression(1)",
		 "<p style=\"color: ZgotmplZ\">"},
		{"<p style=\"background: url('{{.}}')\">", "a'b",
		 "<p style=\"background: "
		 "url('a%27b')\">"},
		{"<script>x = {{.}};</script>", HOSTILE,
		 "<script>x = \"\\u003cb\\u003e\\\"x\\\" \\u0026 "
		 "'y'\\u003c/b\\u003e\";</script>"},
		{"<script>x = '{{.}}';</script>", "it's",
		 "<script>x = 'it\\u0027s';</script>"},
		{"<script>x = /{{.}}/;</script>", "a.b", "<script>x = /a\\.b/;</script>"},
		{"<script>x = `${1}{{.}}`;</script>", "$",
		 "<script>x = `${1}\\u0024`;</script>"},
		{"<img srcset=\"{{.}}\">", "a.png 1x, b.png 2x",
		 "<img srcset=\"a.png 1x, b.png 2x\">"},
		{"<p {{.}}=\"1\">", "title", "<p title=\"1\">"},
		{"<p {{.}}=\"1\">", "onclick", "<p ZgotmplZ=\"1\">"},
		{"a<!-- {{.}} -->b", "x", "ab"},
		{"1 < 2 {{.}}", "x", "1 &lt; 2 x"},
		{"{{. | html}}", "a+b", "a+b"},
		{"<a href=\"?{{. | urlquery}}\">", "a b", "<a href=\"?a&#43;b\">"},
		{"{{. | safeHtml}}", "<b>", "<b>"},
		{"<p title=\"{{. | safeHtml}}\">", "<b>t</b>", "<p title=\"t\">"},
		{"<a href=\"{{. | safeUrl}}\">", "tel:1", "<a href=\"tel:1\">"},
		{"{{define \"t\"}}{{.}}{{end}}<p title='{{template \"t\" .}}'>{{template "
		 "\"t\" .}}",
		 "'", "<p title='&#39;'>&#39;"},
		{"<script type=\"text/x\">{{.}}</script>", "<",
		 "<script type=\"text/x\">&lt;</script>"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct rendered r = rendered_new();

		render_case(&r, FUNCS_NOTIFY, TEMPLATE_HTML, cases[i].in,
			    value_text(cases[i].dot));
		if (r.how != RENDERED)
			fail_msg("%s: %s", cases[i].in, r.err.text);
		check_text(cases[i].in, cases[i].want, buf_text(&r.out));
		rendered_free(&r);
	}
}

static void refuses(void **state)
{
	static const struct {
		const char *in, *want; /* a part of the message */
	} cases[] = {
		{"<a href=\"{{.}}",
		 "ends in a non-text context: {stateURL delimDoubleQuote"},
		{"{{if .}}<p title=\"{{end}}", "{{if}} branches end in different contexts"},
		{"<a href=x?a={{.}}>", "\"=\" in unquoted attr: \"x?a=\""},
		{"<a href=\"{{if .}}?{{end}}{{.}}\">",
		 "in an ambiguous context within a URL"},
		{"{{range .}}<p {{end}}", "on range loop re-entry"},
		{"{{range .}}{{if .}}<p {{break}}{{end}}{{end}}", "at range loop break: "},
		{"{{template \"nope\"}}",
		 "f:1:12: html/template::1:11: no such template \"nope\""},
		{"{{. | html | print}}",
		 "predefined escaper \"html\" disallowed in template"},
		{"<script>x = \"\\{{.}}\"</script>",
		 "unfinished escape sequence in JS string"},
		{"<p =x>", "expected space, attr name, or end of tag, but got \"=x>\""},
		{"{{define \"t\"}}{{if .}}{{template \"t\" .}}{{end}}\"{{end}}"
		 "<p title=\"{{template \"t\" .}}>",
		 "cannot compute output context for template t$htmltemplate_stateAttr"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct rendered r = rendered_new();

		render_case(&r, FUNCS_NOTIFY, TEMPLATE_HTML, cases[i].in, value_text("x"));
		assert_false(r.parsed);
		if (!strstr(err_text(&r.mem, &r.err), cases[i].want))
			fail_msg("%s: %s", cases[i].in, r.err.text);
		rendered_free(&r);
	}
}

/* A field's escaping leaves the set's templates as they were. */
static void fields_do_not_share(void **state)
{
	struct arena mem = {0};
	struct template_set *set = template_set_new(&mem, FUNCS_NOTIFY);
	static const struct {
		enum template_engine engine;
		const char *in, *want;
	} cases[] = {
		{TEMPLATE_HTML, "{{template \"t\" .}}", "&lt;"},
		{TEMPLATE_TEXT, "{{template \"t\" .}}", "<"},
		{TEMPLATE_HTML, "<a href=\"{{template \"t\" .}}\">", "<a href=\"%3c\">"},
		{TEMPLATE_HTML, "{{define \"t\"}}own {{.}}{{end}}{{template \"t\" .}}",
		 "own &lt;"},
		{TEMPLATE_HTML, "{{template \"t\" .}}", "&lt;"},
	};

	(void)state;
	assert_true(template_set_add(set, "f", STR("{{define \"t\"}}{{.}}{{end}}"), NOWHERE,
				     NULL));
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct template_run run = {.mem = &mem};
		struct buf out = BUF(4096);
		const struct template *t = template_parse(
			&mem, set, cases[i].engine, "", str_of(cases[i].in), NOWHERE, NULL);

		assert_non_null(t);
		assert_int_equal(template_render(t, &run, value_text("<"), &out, NULL),
				 RENDERED);
		check_text(cases[i].in, cases[i].want, buf_text(&out));
		buf_free(&out);
	}
	arena_free(&mem);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(escapes_by_context),
		cmocka_unit_test(refuses),
		cmocka_unit_test(fields_do_not_share),
	};

	return cmocka_run_group_tests_name("html", tests, NULL, NULL);
}
