#include "base/base.h"
#include "backend/backend.h"
#include "backend/check.h"
#include "text/rule_data.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* want: the samples, or "!text" for an error that says so. */
static void expect_answer(const struct datasource *from, const struct http_answer *a,
			  const char *want, const char *row)
{
	struct query_ended got = {0};
	struct arena mem = {0};
	struct buf b = BUF(1000);

	backend_judge(&mem, from, false, a, &got);
	if (got.is_partial)
		buf_add_text(&b, "partial ");
	for (size_t k = 0; got.ok && k < got.samples.n; k++) {
		buf_add_labels(&b, got.samples.v[k].labels);
		buf_addf(&b, " %g;", fabs(got.samples.v[k].value));
	}
	if (want[0] == '!' ? got.ok || !strstr(got.error, want + 1)
			   : !got.ok || !str_is(buf_str(&b), want))
		fail_msg("%s\nwant: %s\ngot: %s%s", row, want, buf_text(&b),
			 got.error ? got.error : "");
	buf_free(&b);
	arena_free(&mem);
}

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
		{200,
		 "{\"status\":\"success\",\"data\":{\"resultType\":\"vector\",\"result\":[]"
		 "}}garbage",
		 "!not valid JSON"},
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
		 "partial "},
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
		 "!without labels"},
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

		expect_answer(&from, &a, cases[i].want, cases[i].body);
	}
}

/* spec/rules.md 19.3: native histograms. */
static void histograms(void **state)
{
#define SAMPLE(members)                                                                    \
	"{\"status\":\"success\",\"data\":{\"resultType\":\"vector\",\"result\":[{"        \
	"\"metric\":{}," members "}]}}"
#define HISTOGRAM(members) SAMPLE("\"histogram\":[1,{" members "}]")
#define BUCKETS(list)	   HISTOGRAM("\"count\":\"3\",\"sum\":\"4\",\"buckets\":[" list "]")
	static const struct {
		const char *body, *want; /* "!text": an error that says so */
	} cases[] = {
		{HISTOGRAM("\"count\":\"0\",\"sum\":\"NaN\""), "{count:0, sum:NaN}"},
		{HISTOGRAM("\"x\":[{}],\"sum\":2.5,\"count\":10,\"buckets\":[]"),
		 "{count:10, sum:2.5}"},
		{BUCKETS("[1,\"-2\",\"-1\",\"2\"],[3,\"-0.5\",\"0.5\",\"1\"],[0,\"0.25\","
			 "\"1\",\"0.5\"],[2,\"1\",\"+Inf\",\"1\"]"),
		 "{count:3, sum:4, [-2,-1):2, [-0.5,0.5]:1, (0.25,1]:0.5, (1,+Inf):1}"},
		{HISTOGRAM("\"sum\":\"1\""), "!without count or sum"},
		{HISTOGRAM("\"count\":\"1\""), "!without count or sum"},
		{HISTOGRAM("\"count\":\"x\",\"sum\":\"1\""), "!is no number"},
		{BUCKETS("5"), "!is no list"},
		{BUCKETS("[]"), "!without its rule"},
		{BUCKETS("[4,\"1\",\"2\",\"1\"]"), "!without its rule"},
		{BUCKETS("[0.5,\"1\",\"2\",\"1\"]"), "!without its rule"},
		{BUCKETS("[\"0\",\"1\",\"2\",\"1\"]"), "!without its rule"},
		{BUCKETS("[0,\"1\",\"2\"]"), "!too short"},
		{BUCKETS("[0,\"1\",\"2\",\"1\",\"1\"]"), "!too long"},
		{BUCKETS("[0,\"1\",\"2\",[]]"), "!is no number"},
		{BUCKETS("[0,\"2\",\"1\",\"1\"]"), "!ends before it begins"},
		{BUCKETS("[0,\"NaN\",\"1\",\"1\"]"), "!ends before it begins"},
		{BUCKETS("[0,\"2\",\"4\",\"1\"],[0,\"1\",\"2\",\"1\"]"), "!do not ascend"},
		{SAMPLE("\"histogram\":{}"), "!no pair"},
		{SAMPLE("\"histogram\":[1]"), "!no pair"},
		{SAMPLE("\"histogram\":[1,\"5\"]"), "!no object"},
		{SAMPLE("\"histogram\":[1,{\"count\":\"1\",\"sum\":\"1\"}],\"value\":[1,"
			"\"1\"]"),
		 "!both a number and a histogram"},
	};
	const struct datasource from = {.name = "d"};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct http_answer a = {.status = 200, .body = str_of(cases[i].body)};
		struct query_ended got = {0};
		struct arena mem = {0};
		struct buf b = BUF(1000);

		backend_judge(&mem, &from, false, &a, &got);
		if (got.ok) {
			assert_int_equal(got.samples.n, 1);
			assert_true(got.samples.v[0].value == 0);
			buf_add_native_histogram(&b, got.samples.v[0].histogram);
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

static void a_histogram_has_so_many_buckets(void **state)
{
	const struct datasource from = {.name = "d"};
	struct buf b = BUF(BUF_NO_LIMIT);
	struct http_answer a = {.status = 200};
	struct query_ended got = {0};
	struct arena mem = {0};

	(void)state;
	buf_add_text(&b,
		     "{\"status\":\"success\",\"data\":{\"resultType\":\"vector\","
		     "\"result\":[{\"metric\":{},\"histogram\":[1,{\"count\":\"1\",\"sum\":"
		     "\"1\",\"buckets\":[");
	for (int i = 0; i <= HISTOGRAM_MOST_BUCKETS; i++)
		buf_addf(&b, "%s[0,\"%d\",\"%d\",\"1\"]", i ? "," : "", i, i + 1);
	buf_add_text(&b, "]}]}]}}");
	a.body = buf_str(&b);
	backend_judge(&mem, &from, false, &a, &got);
	assert_false(got.ok);
	assert_non_null(strstr(got.error, "20001 buckets"));
	buf_free(&b);
	arena_free(&mem);
}

#define SUCCESS(type, result)                                                              \
	"{\"status\":\"success\",\"data\":{\"resultType\":\"" type "\",\"result\":" result \
	"}}"

/* Whether a backend takes an expression. */
static void checks(void **state)
{
#define ERROR(text)                                                                        \
	"{\"status\":\"error\",\"errorType\":\"bad_data\",\"error\":\"" text "\"}"
	static const struct {
		enum check_way way;
		int status;
		const char *body; /* NULL: no answer */
		enum check_verdict want;
		const char *why; /* NULL: whatever */
	} cases[] = {
		{CHECK_BY_FORMAT, 200, "{\"status\":\"success\",\"data\":\"up\"}",
		 CHECK_TAKEN, NULL},
		{CHECK_BY_FORMAT, 400, ERROR("1:2: parse error"), CHECK_REFUSED,
		 "1:2: parse error"},
		{CHECK_BY_FORMAT, 400, "unsupported path requested", CHECK_NO_WAY, NULL},
		{CHECK_BY_FORMAT, 404, "404 page not found", CHECK_NO_WAY, NULL},
		{CHECK_BY_FORMAT, 405, "", CHECK_NO_WAY, NULL},
		{CHECK_BY_FORMAT, 200, "<html>", CHECK_NO_WAY, NULL},
		{CHECK_BY_FORMAT, 401, "Unauthorized", CHECK_NO_ANSWER, "status 401"},
		{CHECK_BY_FORMAT, 0, NULL, CHECK_NO_ANSWER, "refused"},
		{CHECK_BY_QUERY, 200, SUCCESS("vector", "[]"), CHECK_TAKEN, NULL},
		{CHECK_BY_QUERY, 200, SUCCESS("streams", "[]"), CHECK_REFUSED,
		 "rule result is not a vector or scalar (it is a streams)"},
		{CHECK_BY_QUERY, 200, "<html>", CHECK_UNKNOWN, NULL},
		{CHECK_BY_QUERY, 400, ERROR("no"), CHECK_REFUSED, "bad_data: no"},
		{CHECK_BY_QUERY, 400, "parse error", CHECK_REFUSED,
		 "status 400: parse error"},
		{CHECK_BY_QUERY, 422, ERROR("many"), CHECK_REFUSED, "bad_data: many"},
		{CHECK_BY_QUERY, 503, ERROR("late"), CHECK_UNKNOWN, "bad_data: late"},
		{CHECK_BY_QUERY, 429, "", CHECK_UNKNOWN, NULL},
		{CHECK_BY_QUERY, 403, "", CHECK_NO_ANSWER, NULL},
		{CHECK_BY_QUERY, 404, "", CHECK_NO_ANSWER, NULL},
		{CHECK_BY_QUERY, 0, NULL, CHECK_NO_ANSWER, "refused"},
	};
	const struct datasource from = {.name = "d"};
	struct arena mem = {0};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct http_answer a = {.status = cases[i].status};
		enum check_verdict got;
		const char *why;

		if (cases[i].body)
			a.body = str_of(cases[i].body);
		else
			a.error = "refused";
		got = check_judge(&mem, cases[i].way, &from, &a, &why);
		if (got != cases[i].want || (cases[i].why && strcmp(why, cases[i].why)))
			fail_msg("row %zu: %d, %s", i, got, why);
	}
	arena_free(&mem);
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
		{MATRIX("{\"metric\":{},\"values\":[[1e300,\"1\"]]}"), "!impossible time"},
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

/* spec/rules.md 19.1, 19.6 to 19.8 */
static void requests(void **state)
{
#define AT_TIME "2023-11-14T22%3A13%3A20.123Z"
	static const struct {
		enum datasource_type type;
		bool is_victoria;
		const char *tenant, *expr, *url, *body, *header; /* "Name: text" or NULL */
	} cases[] = {
		{DATASOURCE_PROMETHEUS, false, NULL, "up{a=\"b\"} == 0",
		 "http://p:9090/x/api/v1/query",
		 "query=up%7Ba%3D%22b%22%7D+%3D%3D+0&time=1700000000.123&timeout=30000ms"
		 "&nocache=1&p=q",
		 "X-Scope-OrgID: me"},
		{DATASOURCE_PROMETHEUS, true, "1:2", "up",
		 "http://p:9090/x/select/1:2/prometheus/api/v1/query",
		 "query=up&time=1700000000.123&timeout=30000ms&nocache=1&p=q", NULL},
		{DATASOURCE_LOKI, false, NULL, "sum(rate({a=\"b\"}[1m]))",
		 "http://p:9090/x/loki/api/v1/query",
		 "query=sum%28rate%28%7Ba%3D%22b%22%7D%5B1m%5D%29%29&direction=forward"
		 "&time=" AT_TIME "&nocache=1&p=q",
		 "X-Scope-OrgID: me"},
		{DATASOURCE_VLOGS, false, "3:4", "error | stats count() n",
		 "http://p:9090/x/select/logsql/stats_query",
		 "query=error+%7C+stats+count%28%29+n&time=" AT_TIME
		 "&start=2023-11-14T22%3A12%3A20.123Z&end=" AT_TIME "&nocache=1&p=q",
		 "ProjectID: 4"},
		{DATASOURCE_VLOGS, false, NULL, "_time : 5m error | stats count()",
		 "http://p:9090/x/select/logsql/stats_query",
		 "query=_time+%3A+5m+error+%7C+stats+count%28%29&time=" AT_TIME
		 "&nocache=1&p=q",
		 NULL},
		{DATASOURCE_VLOGS, false, NULL, "\"a \\\" _time:5m\" my_time:x",
		 "http://p:9090/x/select/logsql/stats_query",
		 "query=%22a+%5C%22+_time%3A5m%22+my_time%3Ax&time=" AT_TIME
		 "&start=2023-11-14T22%3A12%3A20.123Z&end=" AT_TIME "&nocache=1&p=q",
		 NULL},
		{DATASOURCE_GRAPHITE, false, NULL, "sumSeries(a.*.b)",
		 "http://p:9090/x/render",
		 "target=sumSeries%28a.%2A.b%29&format=json&from=-5min&until=now&nocache=1"
		 "&p=q",
		 NULL},
	};
	static const struct text_pair params[] = {{.name = "nocache", .text = "1"}},
				      of_group[] = {{.name = "p", .text = "q"}},
				      headers[] = {{.name = "X-Scope-OrgID", .text = "me"}};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		const struct datasource from = {.name = "d",
						.url = "http://p:9090/x",
						.type = cases[i].type,
						.is_victoria = cases[i].is_victoria,
						.params = params,
						.n_params = 1};
		const struct rule_group group = {.name = "g",
						 .tenant = cases[i].tenant,
						 .params = of_group,
						 .n_params = 1,
						 .headers = headers,
						 .n_headers = 1};
		struct query_wish wish = {.datasource = &from,
					  .group = &group,
					  .expr = cases[i].expr,
					  .at = INT64_C(1700000000123),
					  .timeout = 30000,
					  .interval = 60000};
		struct arena mem = {0};
		struct http_request got;
		bool has_header = !cases[i].header;

		backend_compose(&mem, &wish, &got);
		assert_string_equal(got.method, "POST");
		assert_string_equal(got.url, cases[i].url);
		if (!str_is(got.body, cases[i].body))
			fail_msg("%s\ngot: %.*s", cases[i].body, FMT(got.body));
		for (size_t k = 0; k < got.n_headers && !has_header; k++)
			has_header = !strcmp(arena_printf(&mem, "%s: %s",
							  got.headers[k].name,
							  got.headers[k].value),
					     cases[i].header);
		assert_true(has_header);
		arena_free(&mem);
	}
}

/* They take the place of ours, but for what is asked and when. */
static void params_of_groups(void **state)
{
	static const struct text_pair params[] = {
		{.name = "timeout", .text = "1s"}, {.name = "from", .text = "-9min"},
		{.name = "query", .text = "a"},	   {.name = "time", .text = "1"},
		{.name = "target", .text = "b"},   {.name = "format", .text = "csv"},
	};
	static const struct {
		enum datasource_type type;
		const char *body;
	} rows[] = {
		{DATASOURCE_PROMETHEUS, "query=up&time=1.000&timeout=1s&from=-9min"},
		{DATASOURCE_GRAPHITE,
		 "target=up&format=json&until=now&timeout=1s&from=-9min"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const struct datasource from = {
			.name = "d", .url = "http://p", .type = rows[i].type};
		const struct rule_group group = {
			.name = "g", .params = params, .n_params = COUNT_OF(params)};
		struct query_wish wish = {.datasource = &from,
					  .group = &group,
					  .expr = "up",
					  .at = 1000,
					  .timeout = 30000,
					  .interval = 60000};
		struct arena mem = {0};
		struct http_request got;

		backend_compose(&mem, &wish, &got);
		if (!str_is(got.body, rows[i].body))
			fail_msg("%s\ngot: %.*s", rows[i].body, FMT(got.body));
		arena_free(&mem);
	}
}

/* The other answers: spec/rules.md 19.6 to 19.8. */
static void answers_of_others(void **state)
{
#define VECTOR(series)                                                                     \
	"{\"status\":\"success\",\"data\":{\"resultType\":\"vector\",\"result\":[" series  \
	"]}}"
	static const struct {
		enum datasource_type type;
		int status;
		const char *body, *want; /* "!text": an error that says so */
	} cases[] = {
		{DATASOURCE_LOKI, 200,
		 VECTOR("{\"metric\":{\"app\":\"x\"},\"value\":[1700000000.123,\"2\"]}"),
		 "{app=\"x\"} 2;"},
		{DATASOURCE_LOKI, 400, "parse error at line 1, col 1: syntax error\n",
		 "!status 400: parse error at line 1, col 1: syntax error"},
		{DATASOURCE_LOKI, 200,
		 "{\"status\":\"success\",\"data\":{\"resultType\":\"streams\",\"result\":["
		 "]}}",
		 "!it is a streams"},
		{DATASOURCE_VLOGS, 200,
		 VECTOR("{\"metric\":{\"__name__\":\"n\",\"a\":\"b\"},\"value\":[1,\"2\"]},"
			"{\"metric\":{\"a\":\"c\"},\"value\":[1,\"3\"]}"),
		 "{a=\"b\", stats_result=\"n\"} 2;{a=\"c\"} 3;"},
		{DATASOURCE_VLOGS, 400, "cannot parse query",
		 "!status 400: cannot parse query"},
		{DATASOURCE_GRAPHITE, 200, "[]", ""},
		{DATASOURCE_GRAPHITE, 200,
		 "[{\"target\":\"a.b\",\"tags\":{\"name\":\"a.b\",\"dc\":\"x\"},"
		 "\"datapoints\":"
		 "[[1,10],[2.5,20],[null,30],[null,40]]},"
		 "{\"target\":\"a.c\",\"datapoints\":[[null,10]]},"
		 "{\"target\":\"a.d\",\"datapoints\":[]},"
		 "{\"target\":\"a.e\",\"datapoints\":[[4,10]]}]",
		 "{dc=\"x\", name=\"a.b\"} 2.5;{name=\"a.e\"} 4;"},
		{DATASOURCE_GRAPHITE, 200,
		 "[{\"target\":\"a\",\"datapoints\":[[1,1]]},"
		 "{\"target\":\"a\",\"datapoints\":[[2,1]]}]",
		 "!the same labels"},
		{DATASOURCE_GRAPHITE, 200, "[{\"target\":\"a\"}]",
		 "!without \"datapoints\""},
		{DATASOURCE_GRAPHITE, 200, "[{\"datapoints\":[[1,1]]}]", "!neither"},
		{DATASOURCE_GRAPHITE, 200,
		 "[{\"target\":\"a\",\"datapoints\":[[\"x\",1]]}]",
		 "!no pair of value and time"},
		{DATASOURCE_GRAPHITE, 200, "[{\"target\":\"a\",\"datapoints\":[[1,1]",
		 "!not valid JSON"},
		{DATASOURCE_GRAPHITE, 200, "{}", "!not a list"},
		{DATASOURCE_GRAPHITE, 500, "[]", "!status 500"},
		{DATASOURCE_GRAPHITE, 200,
		 "[{\"target\":\"1\",\"datapoints\":[]},{\"target\":\"2\",\"datapoints\":[]"
		 "},"
		 "{\"target\":\"3\",\"datapoints\":[]},{\"target\":\"4\",\"datapoints\":[]}"
		 "]",
		 "!max_series"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		const struct datasource from = {.name = "d",
						.url = "u",
						.type = cases[i].type,
						.max_series = 4 -
							      (i + 1 == COUNT_OF(cases))};
		struct http_answer a = {.status = cases[i].status,
					.body = str_of(cases[i].body)};

		expect_answer(&from, &a, cases[i].want, cases[i].body);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers),
		cmocka_unit_test(histograms),
		cmocka_unit_test(a_histogram_has_so_many_buckets),
		cmocka_unit_test(checks),
		cmocka_unit_test(ranges),
		cmocka_unit_test(a_lost_connection_is_an_error),
		cmocka_unit_test(requests),
		cmocka_unit_test(params_of_groups),
		cmocka_unit_test(answers_of_others),
	};

	return cmocka_run_group_tests_name("backend", tests, NULL, NULL);
}
