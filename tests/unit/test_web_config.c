#include "base/base.h"
#include "config/web.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define HASH "$2y$10$X0h1gDsPszWURQaxFh.zoubFi6DXncSjhoQNJgRrnGs7EsimhC7zG"

static const struct {
	const char *in;
	const char *want; /* NULL: must load; else every mistake */
} cases[] = {
	{"", NULL},
	{"basic_auth_users: {alice: " HASH "}", NULL},
	{"basic_auth_users: {alice: secret}",
	 "/w/web.yml:1:20: the password of user \"alice\" is not a bcrypt hash"},
	{"tls_server_config: {cert_file: c.pem, key_file: k.pem}", NULL},
	{"tls_server_config: {}", NULL},
	{"tls_server_config: {cert_file: c.pem}",
	 "/w/web.yml:1:20: missing one of key or key_file"},
	{"tls_server_config: {cert_file: c, key_file: k, client_ca_file: a}",
	 "/w/web.yml:1:20: Client CA's have been configured without a Client Auth Policy"},
	{"tls_server_config: {cert_file: c, key_file: k, client_auth_type: Maybe}",
	 "/w/web.yml:1:66: Invalid ClientAuth: Maybe"},
	{"tls_server_config: {cert_file: c, key_file: k, cipher_suites: [RC4], "
	 "min_version: "
	 "TLS13, max_version: TLS12, curve_preferences: [X25519]}",
	 "/w/web.yml:1:64: unknown cipher_suites: RC4\n"
	 "/w/web.yml:1:103: max_version must be greater than or equal to min_version"},
	{"http_server_config: {http2: false, headers: {X-Frame-Options: deny}}", NULL},
	{"http_server_config: {headers: {X-Frame-Options: allow, Foo: bar}}",
	 "/w/web.yml:1:32: invalid value for X-Frame-Options. Expected one of: deny, "
	 "sameorigin\n/w/web.yml:1:56: HTTP header \"Foo\" can not be configured"},
	{"rate_limit: {interval: 1s, burst: 20}", NULL},
	{"tls_config: {}", "/w/web.yml:1:1: field tls_config not found in type web config"},
};

static void test_cases(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct arena mem = {0};
		struct errs errs = {.mem = &mem};
		const struct web_config *c = web_config_parse(&mem, "/w/web.yml",
							      str_of(cases[i].in), &errs);
		struct buf got = BUF(65536);
		const char *want = cases[i].want ? cases[i].want : "";

		for (size_t k = 0; k < errs.n; k++)
			buf_addf(&got, "%s%s", k ? "\n" : "", err_text(&mem, errs.v[k]));
		if (strcmp(want, buf_text(&got)) || !c != !!*want)
			fail_msg("%s\nwant: %s\ngot:  %s", cases[i].in, want,
				 buf_text(&got));
		buf_free(&got);
		arena_free(&mem);
	}
}

static void test_values(void **state)
{
	struct arena mem = {0};
	struct errs errs = {.mem = &mem};
	const struct web_config *c = web_config_parse(
		&mem, "/w/web.yml",
		STR("tls_server_config: {cert_file: c.pem, key: k, client_auth_type: "
		    "RequireAndVerifyClientCert, curve_preferences: [CurveP256]}\n"),
		&errs);

	(void)state;
	assert_non_null(c);
	assert_string_equal(c->cert_file, "/w/c.pem");
	assert_int_equal(c->client_auth, CLIENT_VERIFY);
	assert_int_equal(c->min_version, 12);
	assert_int_equal(c->max_version, 13);
	assert_string_equal(c->curve_preferences.v[0], "P-256");
	assert_true(c->tls && c->http2);
	arena_free(&mem);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_cases),
					   cmocka_unit_test(test_values)};

	return cmocka_run_group_tests_name("web config", tests, NULL, NULL);
}
