#include "base/base.h"
#include "backend/backend.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* spec/rules.md 19.2, 19.3: what is samples, and what is an error. */
static void answers(void **state)
{
	static const struct {
		int status;
		const char *body, *want; /* "!text": an error that says so */
	} cases[] = {
		{200,
		 "{\"status\":\"success\",\"data\":{\"resultType\":\"vector\",\"result\":[]"
		 "}}",
		 ""},
		{200,
		 "{\"status\":\"success\",\"data\":{\"resultType\":\"vector\",\"result\":["
		 "{\"metric\":{\"__name__\":\"up\",\"job\":\"a\"},\"value\":[1700000000.5,"
		 "\"1\"]}]}}",
		 "{__name__=\"up\", job=\"a\"} 1;"},
		{200,
		 "{\"data\":{\"result\":[1700000000,\"2.5e3\"],\"resultType\":\"scalar\"},"
		 "\"status\":\"success\",\"warnings\":[\"w\"]}",
		 "{} 2500;"},
		{200,
		 "{\"status\":\"success\",\"data\":{\"resultType\":\"vector\",\"result\":["
		 "{\"metric\":{},\"value\":[1,\"+Inf\"]},{\"metric\":{\"a\":\"\",\"b\":"
		 "\"1\"},"
		 "\"value\":[1,\"NaN\"]}]}}",
		 "{} inf;{b=\"1\"} nan;"},
		{200,
		 "{\"status\":\"success\",\"data\":{\"resultType\":\"vector\",\"result\":[{"
		 "\"met",
		 "!not valid JSON"},
		{200, "", "!not valid JSON"},
		{200, "<html>proxy</html>", "!not valid JSON"},
		{200, "[]", "!not valid JSON"},
		{200, "{}", "!does not say \"success\""},
		{502, "<html>bad gateway</html>", "!status 502: <html>bad gateway</html>"},
		{400,
		 "{\"status\":\"error\",\"errorType\":\"bad_data\",\"error\":\"parse "
		 "error\"}",
		 "!bad_data: parse error"},
		{200, "{\"status\":\"error\",\"errorType\":\"timeout\",\"error\":\"slow\"}",
		 "!timeout: slow"},
		{503,
		 "{\"status\":\"success\",\"data\":{\"resultType\":\"vector\",\"result\":[]"
		 "}}",
		 "!status 503"},
		{200,
		 "{\"status\":\"success\",\"data\":{\"resultType\":\"matrix\",\"result\":[]"
		 "}}",
		 "!rule result is not a vector or scalar"},
		{200,
		 "{\"status\":\"success\",\"isPartial\":true,\"data\":{\"resultType\":"
		 "\"vector\","
		 "\"result\":[]}}",
		 "!partial"},
		{200,
		 "{\"status\":\"success\",\"data\":{\"resultType\":\"vector\",\"result\":["
		 "{\"metric\":{\"a\":\"1\"},\"value\":[1,\"1x\"]}]}}",
		 "!is no number: \"1x\""},
		{200,
		 "{\"status\":\"success\",\"data\":{\"resultType\":\"vector\",\"result\":["
		 "{\"metric\":{\"a\":\"1\"},\"value\":[1,\"1\"]},"
		 "{\"metric\":{\"a\":\"1\"},\"value\":[1,\"2\"]}]}}",
		 "!same labels"},
		{200,
		 "{\"status\":\"success\",\"data\":{\"resultType\":\"vector\",\"result\":["
		 "{\"metric\":{\"a\":\"1\"},\"value\":[1,\"1\"]},{\"metric\":{},\"value\":["
		 "1,\"1\"]},"
		 "{\"metric\":{\"a\":\"2\"},\"value\":[1,\"2\"]}]}}",
		 "!3 series, at most 2"},
		{200,
		 "{\"status\":\"success\",\"data\":{\"resultType\":\"vector\",\"result\":["
		 "{\"metric\":[],\"value\":[1,\"1\"]}]}}",
		 "!without \"metric\""},
		{200,
		 "{\"status\":\"success\",\"data\":{\"resultType\":\"vector\",\"result\":["
		 "{\"metric\":{}}]}}",
		 "!no pair"},
	};
	const struct datasource from = {.name = "d", .max_series = 2};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct http_answer a = {.status = cases[i].status,
					.body = str_of(cases[i].body)};
		struct query_ended got = {0};
		struct arena mem = {0};
		struct buf b = BUF(1000);

		backend_judge(&mem, &from, false, &a, &got);
		for (size_t k = 0; got.ok && k < got.samples.n; k++) {
			buf_add_labels(&b, got.samples.v[k].labels);
			buf_addf(&b, " %g;", fabs(got.samples.v[k].value));
		}
		if (cases[i].want[0] == '!'
			    ? got.ok || !strstr(got.error, cases[i].want + 1)
			    : !got.ok || !str_is(buf_str(&b), cases[i].want))
			fail_msg("row %zu: %s%s", i, buf_text(&b),
				 got.error ? got.error : "");
		buf_free(&b);
		arena_free(&mem);
	}
}

/* spec/rules.md 16.5: of a range of raw samples the last, with its time. */
static void ranges(void **state)
{
#define MATRIX(series)                                                                     \
	"{\"status\":\"success\",\"data\":{\"resultType\":\"matrix\",\"result\":[" series  \
	"]}}"
	static const struct {
		const char *body, *want; /* "!text": an error that says so */
	} cases[] = {
		{MATRIX(""), ""},
		{MATRIX("{\"metric\":{\"a\":\"b\"},\"values\":[[1700000000,\"1\"],"
			"[1700000060.25,\"2\"]]},{\"metric\":{},\"values\":[[5,\"3\"]]}"),
		 "{a=\"b\"} 2 at 1700000060250;{} 3 at 5000;"},
		{MATRIX("{\"metric\":{},\"values\":[]}"), "!without values"},
		{MATRIX("{\"metric\":{},\"value\":[1,\"1\"]}"), "!without values"},
		{MATRIX("{\"metric\":{},\"values\":[[1]]}"), "!no pair"},
		{"{\"status\":\"success\",\"data\":{\"resultType\":\"vector\",\"result\":"
		 "[]}}",
		 "!no matrix but a vector"},
	};
	const struct datasource from = {.name = "d", .max_series = 3};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct http_answer a = {.status = 200, .body = str_of(cases[i].body)};
		struct query_ended got = {0};
		struct arena mem = {0};
		struct buf b = BUF(1000);

		backend_judge(&mem, &from, true, &a, &got);
		for (size_t k = 0; got.ok && k < got.samples.n; k++) {
			buf_add_labels(&b, got.samples.v[k].labels);
			buf_addf(&b, " %g at %lld;", got.samples.v[k].value,
				 (long long)got.samples.v[k].at);
		}
		if (cases[i].want[0] == '!'
			    ? got.ok || !strstr(got.error, cases[i].want + 1)
			    : !got.ok || !str_is(buf_str(&b), cases[i].want))
			fail_msg("row %zu: %s%s", i, buf_text(&b),
				 got.error ? got.error : "");
		buf_free(&b);
		arena_free(&mem);
	}
}

static void a_lost_connection_is_an_error(void **state)
{
	const struct datasource from = {.name = "d"};
	struct http_answer a = {
		.status = 200,
		.error = "transfer closed with 10 bytes remaining",
		.body = STR("{\"status\":\"success\",\"data\":{\"resultType\":"
			    "\"vector\",\"result\":[]}}")};
	struct query_ended got = {0};
	struct arena mem = {0};

	(void)state;
	backend_judge(&mem, &from, false, &a, &got);
	assert_false(got.ok);
	arena_free(&mem);
}

static void requests(void **state)
{
	static const struct text_pair params[] = {{.name = "nocache", .text = "1"}};
	const struct datasource from = {
		.name = "d", .url = "http://p:9090/x", .params = params, .n_params = 1};
	const struct rule_group group = {.name = "g"};
	struct query_wish wish = {.datasource = &from,
				  .group = &group,
				  .expr = "up{a=\"b\"} == 0",
				  .at = INT64_C(1700000000123),
				  .timeout = 30000};
	struct http_request got;
	struct arena mem = {0};

	(void)state;
	assert_true(backend_compose(&mem, &wish, &got, NULL));
	assert_string_equal(got.url, "http://p:9090/x/api/v1/query");
	assert_true(str_is(got.body,
			   "query=up%7Ba%3D%22b%22%7D+%3D%3D+0&time=1700000000.123"
			   "&timeout=30000ms&nocache=1"));
	arena_free(&mem);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers),
		cmocka_unit_test(ranges),
		cmocka_unit_test(a_lost_connection_is_an_error),
		cmocka_unit_test(requests),
	};

	return cmocka_run_group_tests_name("backend", tests, NULL, NULL);
}
