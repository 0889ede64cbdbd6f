#include "base/base.h"
#include "net/proxy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define P "http://p:3128"
static const struct {
	const char *url, *proxy_url, *no_proxy; /* proxy_url NULL: from the environment */
	const char *want;
} rows[] = {
	{"http://a/", NULL, NULL, "http://h:1"},
	{"https://a/", NULL, NULL, "s:2"},
	{"http://localhost:80/", NULL, NULL, ""},
	{"http://127.1.2.3/", NULL, NULL, ""},
	{"http://[::1]:80/", NULL, NULL, ""},
	{"http://no.example/", NULL, NULL, ""},
	{"http://below.no.example/", NULL, NULL, ""},
	{"http://127.0.0.1/", P, NULL, P},
	{"http://localhost/", P, "x", ""},
	{"http://a/", P, "*", ""},
	{"http://foo.com/", P, "bar,foo.com", ""},
	{"http://FOO.com/", P, " Foo.COM ", ""},
	{"http://a.foo.com/", P, "foo.com", ""},
	{"http://afoo.com/", P, "foo.com", P},
	{"http://foo.com/", P, ".foo.com", P},
	{"http://a.foo.com/", P, ".foo.com", ""},
	{"http://foo.com/", P, "*.foo.com", P},
	{"http://a.foo.com/", P, "*.foo.com", ""},
	{"http://foo.com/", P, "foo.com:80", ""},
	{"https://foo.com/", P, "foo.com:80", P},
	{"https://foo.com/", P, "foo.com:443", ""},
	{"http://foo.com:81/", P, "foo.com:80", P},
	{"http://10.1.2.3/", P, "10.0.0.0/8", ""},
	{"http://11.1.2.3/", P, "10.0.0.0/8,nonsense/9", P},
	{"http://10.1.127.3/", P, "10.1.64.0/18", ""},
	{"http://10.1.128.3/", P, "10.1.64.0/18", P},
	{"http://10.1.2.3/", P, "10.1.2.3", ""},
	{"http://10.1.2.3/", P, "10.1.2.3:81", P},
	{"http://10.1.2.3/", P, "2.3", P},
	{"http://[fd00::1]/", P, "fd00::/8", ""},
	{"http://[fd00::1]:8080/", P, "[fd00::1]:8080", ""},
	{"http://[fd00::1]/", P, "FD00::1", ""},
	{"http://10.1.2.3/", P, "10.0.0.0/99,/,:,[,]:1", P},
	{"http://a/", "socks5://s:1080", NULL, "socks5h://s:1080"},
};

static void test_proxies(void **state)
{
	static const struct proxy_env env = {"http://h:1", "s:2", "no.example"};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct arena mem = {0};
		const struct http_config h = {
			.proxy_url = rows[i].proxy_url,
			.no_proxy = rows[i].no_proxy,
			.proxy_from_environment = !rows[i].proxy_url,
		};
		const char *got = proxy_of(&mem, &h, &env, rows[i].url);

		if (strcmp(got, rows[i].want))
			fail_msg("%s without %s: %s", rows[i].url,
				 rows[i].no_proxy ? rows[i].no_proxy : "nothing", got);
		arena_free(&mem);
	}
}

static void test_environment(void **state)
{
	(void)state;
	setenv("HTTP_PROXY", "", 1);
	setenv("http_proxy", "low", 1);
	assert_string_equal(proxy_env_read().http, "low");
	setenv("HTTP_PROXY", "UP", 1);
	assert_string_equal(proxy_env_read().http, "UP");
	unsetenv("HTTP_PROXY");
	unsetenv("http_proxy");
	assert_null(proxy_env_read().http);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_proxies),
		cmocka_unit_test(test_environment),
	};

	return cmocka_run_group_tests_name("proxy", tests, NULL, NULL);
}
