#include "unit/template_case.h"
#include "text/base64.h"
#include "text/escape.h"
#include "text/hostport.h"

static void escapes(void **state)
{
	static const struct {
		void (*add)(struct buf *, struct str);
		const char *in, *want;
	} cases[] = {
		{buf_add_html, "<a & 'b' \"c\">",
		 "&lt;a &amp; &#39;b&#39; &#34;c&#34;&gt;"},
		{buf_add_html, "plain+", "plain+"},
		{buf_add_js, "'\"\\<>&=\n\xC3\xA9\x7f",
		 "\\'\\\"\\\\\\u003C\\u003E\\u0026\\u003D\\u000A\xC3\xA9\x7f"},
		{buf_add_js, "\xff", "\\uFFFD"},
		{buf_add_query, "a b&c=\xC3\xBC~*", "a+b%26c%3D%C3%BC~%2A"},
		{buf_add_query, "", ""},
		{buf_add_query, " ", "+"},
		{buf_add_path_segment, "a b/c&d", "a%20b%2Fc&d"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct buf b = BUF(4096);

		cases[i].add(&b, str_of(cases[i].in));
		check_text(cases[i].in, cases[i].want, buf_text(&b));
		buf_free(&b);
	}
}

static void decodes_base64(void **state)
{
	static const struct {
		const char *in, *want; /* NULL: bad, at .bad */
		size_t bad;
	} cases[] = {
		{"", "", 0},	    {"YQ==", "a", 0},	  {"YWI=", "ab", 0},
		{"YWJj", "abc", 0}, {"YW\nJj", "abc", 0}, {"YWI_Pn4=", "ab?>~", 0},
		{"YWI", NULL, 0},   {"YWI/", NULL, 3},	  {"YQ=x", NULL, 2},
		{"YQ==x", NULL, 4}, {"=", NULL, 0},	  {"YWJjZ", NULL, 4},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct buf b = BUF(4096), back = BUF(4096);
		size_t bad = 0;

		if (base64_decode(&b, str_of(cases[i].in), BASE64_URL, &bad))
			check_text(cases[i].in, cases[i].want ? cases[i].want : "an error",
				   buf_text(&b));
		else if (cases[i].want || bad != cases[i].bad)
			fail_msg("%s: bad at %zu", cases[i].in, bad);
		buf_free(&b);
		buf_free(&back);
	}
}

static void splits_hosts(void **state)
{
	static const struct {
		const char *in, *host, *port; /* NULL: none */
	} cases[] = {
		{"a.b:1", "a.b", "1"}, {"[::1]:80", "::1", "80"}, {":80", "", "80"},
		{"a:", "a", ""},       {"a.b", NULL, NULL},	  {"::1", NULL, NULL},
		{"[::1]", NULL, NULL}, {"a:b:c", NULL, NULL},	  {"[a]b:1", NULL, NULL},
		{"a]:1", NULL, NULL},  {"", NULL, NULL},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct str host, port;
		bool ok = hostport_split(str_of(cases[i].in), &host, &port);

		if (ok != !!cases[i].host ||
		    (ok && (!str_is(host, cases[i].host) || !str_is(port, cases[i].port))))
			fail_msg("%s", cases[i].in);
	}
	assert_true(is_ip_address(STR("10.0.0.1")) && is_ip_address(STR("::1")));
	assert_false(is_ip_address(STR("10.0.0")) || is_ip_address(STR("a")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(escapes),
		cmocka_unit_test(decodes_base64),
		cmocka_unit_test(splits_hosts),
	};

	return cmocka_run_group_tests_name("escape", tests, NULL, NULL);
}
