#include "base/base.h"
#include "text/header.h"
#include "text/url.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct {
	const char *in;
	const char *want; /* printed; NULL: refused with err */
	const char *err;
} urls[] = {
	{"http://x", "http://x", NULL},
	{"HTTP://X/Y", "http://X/Y", NULL},
	{"http://u:p@x:80/a%20b?c d#e", "http://u:p@x:80/a%20b?c d#e", NULL},
	{"http://x/a b\"<>/\xc3\xbc", "http://x/a%20b%22%3C%3E/%C3%BC", NULL},
	{"http://x/a!b(c)", "http://x/a!b(c)", NULL},
	{"http://x/%zz", NULL, "invalid URL escape \"%zz\""},
	{"http://%zz", NULL, "invalid URL escape \"%zz\""},
	{"http://a<b/", "http://a<b/", NULL},
	{"http://a b/", NULL, "invalid character \" \" in host name"},
	{"http://[::1]:80/", "http://[::1]:80/", NULL},
	{"http://[::1", NULL, "missing ']' in host"},
	{"http://a:b", NULL, "invalid port \":b\" after host"},
	{"http://", NULL, "missing host for URL"},
	{"ftp://x", NULL, "unsupported scheme \"ftp\" for URL"},
	{"x", NULL, "unsupported scheme \"\" for URL"},
	{"", NULL, "unsupported scheme \"\" for URL"},
	{"://x", NULL, "missing protocol scheme"},
	{"http://x/\n", NULL, "invalid control character in URL"},
};

static void test_urls(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(urls); i++) {
		struct arena mem = {0};
		struct err err = {0};
		struct url u;
		bool ok = url_parse_http(&mem, str_of(urls[i].in), NOWHERE, &u, &err);
		const char *got = ok ? url_print(&mem, &u) : err.text;

		if (ok != (urls[i].want != NULL) ||
		    strcmp(got, ok ? urls[i].want : urls[i].err))
			fail_msg("%s: %s", urls[i].in, got);
		arena_free(&mem);
	}
}

static const struct {
	const char *base, *tail, *appended, *joined;
} changes[] = {
	{"http://x/a", "b", "http://x/ab", "http://x/a/b"},
	{"http://x/a/", "b c", "http://x/a/b%20c", "http://x/a/b%20c"},
	{"http://x", "/b", "http://x/b", "http://x/b"},
	{"http://x//a/./b/../c/", "d?e=f", "http://x//a/./b/../c/d%3Fe=f",
	 "http://x/a/c/d%3Fe=f"},
	{"http://x/a%2Fb?q=1", "c", "http://x/a/bc?q=1", "http://x/a/b/c?q=1"},
};

static void test_changes(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(changes); i++) {
		struct arena mem = {0};
		struct url a, j;

		assert_true(url_parse(&mem, str_of(changes[i].base), NOWHERE, &a, NULL));
		j = a;
		url_append(&mem, &a, changes[i].tail);
		url_join(&mem, &j, changes[i].tail);
		assert_string_equal(url_print(&mem, &a), changes[i].appended);
		assert_string_equal(url_print(&mem, &j), changes[i].joined);
		arena_free(&mem);
	}
}

static void test_passwords_hidden(void **state)
{
	struct arena mem = {0};
	struct url u;

	(void)state;
	assert_true(
		url_parse(&mem, STR("socks5://me:secret@proxy:1080"), NOWHERE, &u, NULL));
	assert_string_equal(url_print_redacted(&mem, &u), "socks5://me:xxxxx@proxy:1080");
	arena_free(&mem);
}

static const struct {
	const char *in, *host, *port;
} hosts[] = {
	{"a:25", "a", "25"},   {":25", "", "25"},     {"[::1]:smtp", "::1", "smtp"},
	{"a", NULL, NULL},     {"a:", NULL, NULL},    {"::1:25", NULL, NULL},
	{"[::1]", NULL, NULL}, {"a:b:c", NULL, NULL},
};

static void test_hosts(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(hosts); i++) {
		struct arena mem = {0};
		struct host_port hp = {0};
		bool ok = host_port_parse(&mem, str_of(hosts[i].in), NOWHERE, &hp, NULL);

		if (ok != (hosts[i].host != NULL) ||
		    (ok &&
		     (strcmp(hp.host, hosts[i].host) || strcmp(hp.port, hosts[i].port))))
			fail_msg("%s: %s %s", hosts[i].in, hp.host, hp.port);
		if (ok)
			assert_string_equal(host_port_print(&mem, hp), hosts[i].in);
		arena_free(&mem);
	}
}

static void test_headers(void **state)
{
	struct arena mem = {0};

	(void)state;
	assert_string_equal(header_canonical(&mem, STR("message-id")), "Message-Id");
	assert_string_equal(header_canonical(&mem, STR("MIME-Version")), "Mime-Version");
	assert_string_equal(header_canonical(&mem, STR("a b")), "a b");
	assert_false(is_header_name(STR("")));
	assert_false(is_header_value(STR("a\r\nb")));
	arena_free(&mem);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_urls),	cmocka_unit_test(test_changes),
		cmocka_unit_test(test_hosts),	cmocka_unit_test(test_passwords_hidden),
		cmocka_unit_test(test_headers),
	};

	return cmocka_run_group_tests_name("url", tests, NULL, NULL);
}
