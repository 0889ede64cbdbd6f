#include "base/base.h"
#include "receivers/address.h"
#include "receivers/attempt.h"
#include "receivers/mime.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ROOT "route: {receiver: r}\nreceivers:\n- name: r\n"

static bool fake_read(void *ctx, struct arena *mem, const char *path, struct str *out,
		      struct err *err)
{
	(void)ctx, (void)mem;
	*out = STR(" from-file\n");
	return strcmp(path, "gone") ||
	       err_set(err, (struct pos){path, 0, 0}, "no such file");
}

static bool fake_glob(void *ctx, struct arena *mem, const char *pattern,
		      const char ***paths, size_t *n, struct err *err)
{
	(void)ctx, (void)mem, (void)pattern, (void)paths, (void)err;
	*n = 0;
	return true;
}

static const struct files files = {.read = fake_read, .glob = fake_glob};

static const struct config *parse(struct arena *mem, const char *text, struct errs *errs)
{
	const struct config_options o = {.files = &files, .kinds = integration_kinds};

	*errs = (struct errs){.mem = mem};
	return config_parse(mem, "t", str_of(text), &o, errs, NULL);
}

static const char *mistakes(struct arena *mem, const struct errs *errs)
{
	struct buf out = BUF(1 << 20);
	const char *text;

	for (size_t i = 0; i < errs->n; i++)
		buf_addf(&out, "%s%s", i ? "\n" : "", errs->v[i]->text);
	text = arena_text(mem, buf_text(&out));
	buf_free(&out);
	return text;
}

/* -- what loads and what does not ----------------------------------------------------- */
static const struct {
	const char *kind, *in;
	const char *want; /* NULL: must load */
} configs[] = {
	{"webhook", "{url: 'http://x/y'}", NULL},
	{"webhook", "{}", "one of url or url_file must be configured"},
	{"webhook", "{url: 'http://x', url_file: f}",
	 "at most one of url & url_file must be configured"},
	{"webhook", "{url: 'ftp://x'}", "invalid URL: unsupported scheme for URL"},
	{"slack", "{api_url: 'hush:hush'}",
	 "no Slack API URL nor App token set either inline or in a file\n"
	 "unsupported scheme for URL"},
	{"slack", "{api_url: 'http://hush:hush/'}",
	 "no Slack API URL nor App token set either inline or in a file\n"
	 "this is not a URL"},
	{"slack", "{api_url: 'http:///hush'}",
	 "no Slack API URL nor App token set either inline or in a file\n"
	 "missing host for URL"},
	{"webhook", "{url: 'http://{{ .x }}', timeout: 5}", NULL},
	{"webhook", "{url: <secret>, payload: {a: [1, '{{ .Status }}']}, max_alerts: 3}",
	 NULL},
	{"webhook", "{url: 'http://x', max_alerts: -1}",
	 "max_alerts must be from 0 to 9223372036854775807"},
	{"email", "{to: a@b, from: c@d, smarthost: 'e:25'}", NULL},
	{"email", "{from: c@d, smarthost: 'e:25'}", "missing to address in email config"},
	{"email", "{to: a@b}", "no global SMTP smarthost set\nno global SMTP from set"},
	{"email",
	 "{to: a@b, from: c@d, smarthost: 'e:25', headers: {subject: x, SUBJECT: y}}",
	 "duplicate header \"Subject\" in email config"},
	{"email", "{to: a@b, from: c@d, smarthost: 'e:25', threading: {enabled: true}}",
	 "threading.thread_by_date must be either 'none' or 'daily'"},
	{"email",
	 "{to: a@b, from: c@d, smarthost: 'e:25', headers: {references: x}, threading: "
	 "{enabled: true, thread_by_date: daily}}",
	 "conflicting configuration: threading.enabled conflicts with custom References "
	 "header"},
	{"slack", "{api_url: 'http://x'}", NULL},
	{"slack", "{}", "no Slack API URL nor App token set either inline or in a file"},
	{"slack", "{api_url: 'http://x', app_token: y}",
	 "at most one of api_url/api_url_file & app_token/app_token_file must be "
	 "configured"},
	{"slack", "{app_token: y, http_config: {authorization: {}}}",
	 "http authorization can't be set when using Slack App tokens"},
	{"slack", "{api_url: 'http://x', update_message: true}",
	 "update_message needs the api_url https://slack.com/api/chat.postMessage"},
	{"slack", "{api_url_file: f, update_message: true}",
	 "update_message needs the api_url https://slack.com/api/chat.postMessage"},
	{"slack",
	 "{api_url: 'http://x', fields: [{title: a}], actions: [{type: b, text: c}]}",
	 "missing value in Slack field configuration\n"
	 "missing name or url in Slack action configuration"},
	{"slack", "{api_url: 'http://x', actions: [{type: b, text: c, url: d}]}", NULL},
	{"pagerduty", "{routing_key: x}", NULL},
	{"pagerduty", "{}", "missing service or routing key in PagerDuty config"},
	{"pagerduty", "{routing_key: x, routing_key_file: y}",
	 "at most one of routing_key & routing_key_file must be configured"},
	{"pagerduty", "{routing_key: x, details: [a]}", "expected a mapping, found a list"},
	{"opsgenie", "{api_key: x}", NULL},
	{"opsgenie", "{}", "no global OpsGenie API Key set either inline or in a file"},
	{"opsgenie", "{api_key: x, responders: [{type: team}, {name: a, type: clan}]}",
	 "opsGenieConfig responder must have at least one of id, username or name "
	 "specified\n"
	 "opsGenieConfig responder type \"clan\" is not one of team, teams, user, "
	 "escalation "
	 "and schedule"},
	{"victorops", "{api_key: x, routing_key: y}", NULL},
	{"victorops", "{}",
	 "missing Routing key in VictorOps config\nno global VictorOps API Key set"},
	{"victorops", "{api_key: x, routing_key: y, custom_fields: {entity_id: z}}",
	 "VictorOps config contains custom field entity_id which cannot be used as it "
	 "conflicts "
	 "with the fixed/static fields"},
	{"pushover", "{user_key: x, token: y}", NULL},
	{"pushover", "{user_key: x, token: y, html: true, monospace: true, retry: 5}",
	 "at most one of monospace & html must be configured\n"
	 "expected a duration such as 1m30s, found '5'"},
	{"pushover", "{user_key: x}", "one of token or token_file must be configured"},
	{"telegram", "{bot_token: x, chat_id: -5}", NULL},
	{"telegram", "{bot_token: x, chat_id: 0}",
	 "missing chat_id or chat_id_file on telegram_config"},
	{"telegram", "{chat_id: 1, parse_mode: html}",
	 "missing bot_token or bot_token_file on telegram_config\n"
	 "unknown parse_mode on telegram_config, must be Markdown, MarkdownV2, HTML or "
	 "empty "
	 "string"},
	{"discord", "{webhook_url: 'http://x'}", NULL},
	{"discord", "{}", "one of webhook_url or webhook_url_file must be configured"},
	{"webex", "{room_id: x, http_config: {authorization: {credentials: y}}}", NULL},
	{"webex", "{room_id: x}", "missing webex_configs.http_config.authorization"},
	{"webex", "{}", "missing room_id on webex_config"},
	{"msteams", "{webhook_url: 'http://x'}", NULL},
	{"msteamsv2", "{webhook_url_file: f}", NULL},
	{"msteamsv2", "{}", "one of webhook_url or webhook_url_file must be configured"},
	{"wechat", "{api_secret: x, corp_id: y}", NULL},
	{"wechat", "{api_secret: x, corp_id: y, message_type: html}",
	 "weChat message type \"html\" does not match valid options text|markdown"},
	{"wechat", "{}",
	 "no global Wechat Api Secret set either inline or in a file\n"
	 "no global Wechat CorpID set"},
	{"sns", "{topic_arn: x, sigv4: {region: y}}", NULL},
	{"sns", "{topic_arn: x, phone_number: y}",
	 "must provide either a Target ARN, Topic ARN, or Phone Number for SNS config"},
	{"sns", "{topic_arn: x, phone_number: y, target_arn: z}", NULL},
	{"sns", "{topic_arn: x, sigv4: {access_key: y}}",
	 "must provide a AWS SigV4 Access key and Secret Key if credentials are specified "
	 "in the "
	 "SNS config"},
	{"jira",
	 "{api_url: 'http://x', project: y, issue_type: z, summary: {enable_update: no}}",
	 NULL},
	{"jira", "{api_type: x}",
	 "missing project in jira_config\nmissing issue_type in jira_config\n"
	 "no global Jira Cloud URL set\n"
	 "unknown api_type on jira_config, must be auto, cloud or datacenter"},
	{"rocketchat", "{token: x, token_id: y, actions: [{text: a, iswebview: true}]}",
	 NULL},
	{"rocketchat", "{}",
	 "no global Rocketchat TokenID set either inline or in a file\n"
	 "no global Rocketchat Token set either inline or in a file"},
	{"mattermost", "{webhook_url: 'http://x', attachments: [{fields: [{title: a}]}]}",
	 "missing value in Mattermost field configuration"},
	{"mattermost", "{}",
	 "missing webhook_url or webhook_url_file on mattermost_config"},
	{"incidentio", "{url: 'http://x'}", NULL},
	{"incidentio", "{url: 'http://x', http_config: {}}",
	 "at least one of alert_source_token, alert_source_token_file or "
	 "http_config.authorization must be configured"},
	{"incidentio",
	 "{url: 'http://x', alert_source_token: y, http_config: {authorization: {}}}",
	 "cannot specify alert_source_token or alert_source_token_file when using "
	 "http_config.authorization"},
	{"incidentio", "{}", "one of url or url_file must be configured"},
};

static void test_configs(void **state)
{
	int wrong = 0;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(configs); i++) {
		struct arena mem = {0};
		struct errs errs;
		const char *want = configs[i].want ? configs[i].want : "", *got;

		(void)!parse(&mem,
			     arena_printf(&mem, ROOT "  %s_configs: [%s]\n",
					  configs[i].kind, configs[i].in),
			     &errs);
		got = mistakes(&mem, &errs);
		if (strcmp(want, got)) {
			print_error("%s %s\nwant: %s\ngot:  %s\n", configs[i].kind,
				    configs[i].in, want, got);
			wrong++;
		}
		arena_free(&mem);
	}
	assert_int_equal(wrong, 0);
}

/* Every configuration above that loads prints as one that loads and prints the same. */
static void test_printed(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(configs); i++) {
		struct arena mem = {0};
		struct errs errs;
		struct buf first = BUF(1 << 20), second = BUF(1 << 20);
		const struct config *c = parse(&mem,
					       arena_printf(&mem,
							    ROOT "  %s_configs: [%s]\n",
							    configs[i].kind, configs[i].in),
					       &errs);

		if (c) {
			buf_add_config(&first, c);
			c = parse(&mem, buf_text(&first), &errs);
			if (!c)
				fail_msg("%s\n%s", buf_text(&first), mistakes(&mem, &errs));
			buf_add_config(&second, c);
			assert_string_equal(buf_text(&first), buf_text(&second));
		}
		buf_free(&first);
		buf_free(&second);
		arena_free(&mem);
	}
}

/* -- attempts ------------------------------------------------------------------------- */
struct bench {
	struct arena mem;
	struct attempt_env env;
	struct attempt_cache cache;
	struct notification n;
	struct notification_alert alert;
	struct attempt a;
};

static void bench_start(struct bench *b, const char *kind, const char *settings)
{
	struct label label = {"alertname", "X"};
	struct errs errs;
	const struct config *c = parse(
		&b->mem, arena_printf(&b->mem, ROOT "  %s_configs: [%s]\n", kind, settings),
		&errs);

	if (!c)
		fail_msg("%s", mistakes(&b->mem, &errs));
	b->env = (struct attempt_env){
		.templates = receiver_templates_load(&b->mem, c, &files, &errs),
		.external_url = "http://am",
		.user_agent = "Alertmanager/test",
		.hostname = "h",
		.read = fake_read,
		.random = 1};
	b->alert = (struct notification_alert){labels_new(&b->mem, &label, 1, NULL),
					       &labels_none,
					       {0, 0, 0},
					       INSTANT_ZERO,
					       "",
					       false};
	b->n = (struct notification){.receiver = &c->receivers[0],
				     .integration = &c->receivers[0].integrations[0],
				     .route = c->root,
				     .group_key = "{}:{}",
				     .group_labels = &labels_none,
				     .reason = NOTIFY_FIRST,
				     .alerts = &b->alert,
				     .n_alerts = 1,
				     .firing = true};
	b->a = (struct attempt){
		.mem = &b->mem, .n = &b->n, .env = &b->env, .cache = &b->cache};
}

static void answer(struct bench *b, int status, const char *type, const char *body,
		   const char *retry_after)
{
	const struct http_header headers[] = {{"Content-Type", type},
					      {"Retry-After", retry_after}};
	const struct http_answer got = {.status = status,
					.body = str_of(body),
					.headers = headers,
					.n_headers = retry_after ? 2 : 1,
					.error = status ? NULL : "connection refused"};

	attempt_http(&b->a, &got);
}

#define JSON "application/json"
static const struct {
	const char *kind, *settings;
	int status;
	const char *type, *body;
	enum verdict want;
	enum failure failure;
} verdicts[] = {
	{"webhook", "{url: 'http://x'}", 204, "", "", VERDICT_SENT, 0},
	{"webhook", "{url: 'http://x'}", 0, "", "", VERDICT_RETRY, FAILURE_OTHER},
	{"webhook", "{url: 'http://x'}", 500, "", "", VERDICT_RETRY, FAILURE_SERVER},
	{"webhook", "{url: 'http://x'}", 404, "", "", VERDICT_GIVE_UP, FAILURE_CLIENT},
	{"webhook", "{url: 'http://x'}", 429, "", "", VERDICT_GIVE_UP, FAILURE_RATE},
	{"webhook", "{url: 'http://x'}", 302, "", "", VERDICT_GIVE_UP, FAILURE_OTHER},
	{"slack", "{api_url: 'http://x'}", 200, "text/html", "ok", VERDICT_SENT, 0},
	{"slack", "{api_url: 'http://x'}", 200, "text/html", "no", VERDICT_GIVE_UP,
	 FAILURE_CLIENT},
	{"slack", "{api_url: 'http://x'}", 200, JSON, "{\"ok\":true}", VERDICT_SENT, 0},
	{"slack", "{api_url: 'http://x'}", 200, JSON, "{\"ok\":false}", VERDICT_GIVE_UP,
	 FAILURE_CLIENT},
	{"slack", "{api_url: 'http://x'}", 200, JSON, "{", VERDICT_RETRY, FAILURE_OTHER},
	{"pagerduty", "{routing_key: k}", 429, "", "", VERDICT_RETRY, FAILURE_RATE},
	{"pagerduty", "{service_key: k}", 429, "", "", VERDICT_GIVE_UP, FAILURE_OTHER},
	{"pagerduty", "{service_key: k}", 403, "", "", VERDICT_RETRY, FAILURE_OTHER},
	{"opsgenie", "{api_key: k}", 429, "", "", VERDICT_RETRY, FAILURE_RATE},
	{"telegram", "{bot_token: t, chat_id: 1}", 400, JSON, "{\"ok\":false}",
	 VERDICT_RETRY, FAILURE_CLIENT},
	{"telegram", "{bot_token: t, chat_id: 1}", 500, JSON, "{\"ok\":true,\"result\":{}}",
	 VERDICT_SENT, 0},
	{"jira", "{api_url: 'http://x', project: p, issue_type: i}", 0, "", "",
	 VERDICT_GIVE_UP, FAILURE_OTHER},
	{"jira", "{api_url: 'http://x', project: p, issue_type: i}", 200, "", "nothing",
	 VERDICT_GIVE_UP, FAILURE_OTHER},
	{"rocketchat", "{token: t, token_id: i}", 200, JSON, "{\"success\":false}",
	 VERDICT_GIVE_UP, FAILURE_CLIENT},
	{"rocketchat", "{token: t, token_id: i}", 200, JSON, "oops", VERDICT_RETRY,
	 FAILURE_OTHER},
	{"incidentio", "{url: 'http://x', alert_source_token: t}", 429, JSON, "{}",
	 VERDICT_RETRY, FAILURE_RATE},
	{"discord", "{webhook_url: 'http://x'}", 429, JSON, "{}", VERDICT_GIVE_UP,
	 FAILURE_RATE},
};

static void test_verdicts(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(verdicts); i++) {
		struct bench b = {0};

		bench_start(&b, verdicts[i].kind, verdicts[i].settings);
		attempt_start(&b.a);
		assert_int_equal(b.a.wants, WANTS_HTTP);
		answer(&b, verdicts[i].status, verdicts[i].type, verdicts[i].body, NULL);
		if (b.a.wants != WANTS_NOTHING || b.a.verdict != verdicts[i].want ||
		    (b.a.verdict != VERDICT_SENT && b.a.failure != verdicts[i].failure))
			fail_msg("%s %d %s: verdict %d, failure %d: %s", verdicts[i].kind,
				 verdicts[i].status, verdicts[i].body, (int)b.a.verdict,
				 (int)b.a.failure, b.a.error ? b.a.error : "");
		arena_free(&b.mem);
	}
}

static void test_better_than_the_peers(void **state)
{
	struct bench b = {0};

	(void)state;
	bench_start(&b, "slack", "{api_url: 'http://x'}");
	b.env.retry_rate_limited = true;
	attempt_start(&b.a);
	answer(&b, 429, "", "", "7");
	assert_int_equal(b.a.verdict, VERDICT_RETRY);
	assert_int_equal(b.a.retry_after, 7 * SECOND);
	arena_free(&b.mem);

	b = (struct bench){0};
	bench_start(&b, "slack", "{api_url: 'http://x'}");
	b.env.retry_rate_limited = true;
	b.env.now = instant_of_ms(INT64_C(784111770000)); /* 1994-11-06T08:49:30Z */
	attempt_start(&b.a);
	answer(&b, 429, "", "", "Sun, 06 Nov 1994 08:49:37 GMT");
	assert_int_equal(b.a.retry_after, 7 * SECOND);
	arena_free(&b.mem);

	b = (struct bench){0};
	bench_start(&b, "discord", "{webhook_url: 'http://x', title: 'a {{ .Nope }} b'}");
	attempt_start(&b.a);
	assert_int_equal(b.a.wants, WANTS_NOTHING);
	assert_int_equal(b.a.verdict, VERDICT_GIVE_UP);
	b.env.mend_templates = true;
	attempt_start(&b.a);
	assert_int_equal(b.a.wants, WANTS_HTTP);
	assert_non_null(strstr(b.a.mended, "Nope"));
	assert_int_not_equal(str_find(b.a.http.body, STR("\"title\":\"[FIRING:1]")),
			     STR_NONE);
	arena_free(&b.mem);

	b = (struct bench){0};
	bench_start(&b, "discord", "{webhook_url: 'http://x', message: 'a {{ .Nope }} b'}");
	b.env.mend_templates = true;
	attempt_start(&b.a);
	assert_int_not_equal(str_find(b.a.http.body, STR("\\nfiring {alertname=")),
			     STR_NONE);
	assert_int_not_equal(
		str_find(b.a.http.body, STR("(this message's template failed: ")),
		STR_NONE);
	arena_free(&b.mem);
}

/* -- too long ------------------------------------------------------------------------- */

#define LINES                                                                              \
	"'{{ range .Alerts }}{{ .Status }} {{ .Labels.n }} {{ .Annotations.text }}\\n{{ "  \
	"end }}'"

static const struct {
	const char *name, *kind, *settings;
	size_t firing, resolved, annotation; /* alerts, and the length of their text */
	const char *shortened;		     /* NULL: it goes out whole */
	const char *there, *not_there;	     /* in the body; NULL: not looked for */
} too_long[] = {
	{"what fits stays whole", "discord",
	 "{webhook_url: 'http://x', message: " LINES "}", 10, 0, 300, NULL, "firing 9 ",
	 "shown"},
	{"alerts at the end go", "discord", "{webhook_url: 'http://x', message: " LINES "}",
	 20, 0, 300, "… 13 of 20 alerts shown", "firing 12 ", "firing 13 "},
	{"the resolved go first", "discord",
	 "{webhook_url: 'http://x', message: " LINES "}", 10, 10, 300,
	 "… 13 of 20 alerts shown", "resolved 12 ", "resolved 13 "},
	{"then annotations are shortened", "discord",
	 "{webhook_url: 'http://x', message: " LINES "}", 3, 0, 5000,
	 "… annotations are shortened", "firing 2 aaa", NULL},
	{"and left out", "discord",
	 "{webhook_url: 'http://x', message: x, content: '{{ range $a := .Alerts }}x{{ "
	 "range "
	 "stringSlice "
	 "\"1\" \"2\" \"3\" \"4\" \"5\" \"6\" \"7\" \"8\" \"9\" \"10\" \"11\" \"12\" "
	 "\"13\" "
	 "\"14\" \"15\" \"16\" \"17\" \"18\" \"19\" \"20\" \"21\" }}"
	 "{{ $a.Annotations.text }}{{ end }}{{ end }}'}",
	 1, 0, 5000, "… annotations are left out", "\"x\\n", "aaa"},
	{"what alerts cannot help is cut", "discord",
	 "{webhook_url: 'http://x', content: '{{ printf \"%2500d\" 1 }}'}", 3, 0, 0,
	 "the text is cut", "…\"", "shown"},
	{"characters count, not bytes", "telegram",
	 "{bot_token: t, chat_id: 1, parse_mode: '', message: '{{ range .Alerts }}"
	 "{{ .Labels.n }} {{ printf \"%.1000s\" (reReplaceAll \"a\" \"ä\" "
	 ".Annotations.text) }} {{ end }}'}",
	 4, 0, 1000, NULL, "3 ä", "shown"},
	{"HTML stays whole HTML", "telegram",
	 "{bot_token: t, chat_id: 1, parse_mode: HTML, message: '{{ range .Alerts }}"
	 "<b>{{ .Labels.n }}</b><i>{{ .Annotations.text }}</i>{{ end }}'}",
	 20, 0, 300, "… 12 of 20 alerts shown", "11\\u003c/b", "12\\u003c/b"},
	{"HTML without room for anything", "telegram",
	 "{bot_token: t, chat_id: 1, parse_mode: HTML, message: '<b>{{ printf \"%5000d\" 1 "
	 "}}</b>'}",
	 2, 0, 0, "the text is cut", "[FIRING:2]", "could not be sent"},
	{"bytes count", "webex",
	 "{room_id: r, message: " LINES ", http_config: {authorization: {credentials: c}}}",
	 40, 0, 300, "… 23 of 40 alerts shown", "firing 22 ", "firing 23 "},
	{"data stays data", "jira",
	 "{api_url: 'http://x/rest/api/3', project: P, issue_type: T, api_type: cloud, "
	 "description: "
	 "'[{{ range $i, $a := .Alerts }}{{ if $i }},{{ end }}\"{{ .Annotations.text }}\""
	 "{{ end }}]'}",
	 200, 0, 300, "… 108 of 200 alerts shown", "aaa\"]", "shown"},
	{"PagerDuty's event", "pagerduty", "{routing_key: k}", 3000, 0, 300,
	 "… 1057 of 3000 alerts shown", "\"shown\":\"… 1057 of 3000 alerts shown\"",
	 "Custom details have been removed"},
	{"incident.io's message", "incidentio", "{url: 'http://x', alert_source_token: t}",
	 3000, 0, 300, "… 1082 of 3000 alerts shown", "\"truncatedAlerts\":1918", NULL},
	{"SNS's form", "sns",
	 "{phone_number: '1', message: " LINES
	 ", sigv4: {region: r, access_key: a, secret_key: s}}",
	 20, 0, 300, "… 5 of 20 alerts shown", "firing+4+", "firing+5+"},
};

static void make_alerts(struct bench *b, size_t firing, size_t resolved, size_t annotation)
{
	size_t n = firing + resolved;
	struct notification_alert *v = ARENA_ARRAY(&b->mem, struct notification_alert, n);
	char *text = arena_alloc(&b->mem, annotation + 1);

	memset(text, 'a', annotation);
	for (size_t i = 0; i < n; i++) {
		struct label label = {"n", arena_printf(&b->mem, "%zu", i)};
		struct label note = {"text", text};

		v[i] = (struct notification_alert){labels_new(&b->mem, &label, 1, NULL),
						   labels_new_raw(&b->mem, &note, 1, NULL),
						   {0, 0, 0},
						   INSTANT_ZERO,
						   "",
						   i >= firing};
	}
	b->n.alerts = v;
	b->n.n_alerts = n;
}

static void test_too_long(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(too_long); i++) {
		struct bench b = {0};
		const char *got;

		bench_start(&b, too_long[i].kind, too_long[i].settings);
		b.env.leave_out_alerts = true;
		make_alerts(&b, too_long[i].firing, too_long[i].resolved,
			    too_long[i].annotation);
		attempt_start(&b.a);
		if (!strcmp(too_long[i].kind, "jira")) /* which looked for the issue */
			answer(&b, 200, "application/json", "{\"issues\":[]}", NULL);
		got = b.a.shortened ? b.a.shortened : "whole";
		if (b.a.wants != WANTS_HTTP ||
		    strcmp(got, too_long[i].shortened ? too_long[i].shortened : "whole"))
			fail_msg("%s: %s, %s", too_long[i].name, got,
				 b.a.error ? b.a.error : "");
		if ((too_long[i].there &&
		     str_find(b.a.http.body, str_of(too_long[i].there)) == STR_NONE) ||
		    (too_long[i].not_there &&
		     str_find(b.a.http.body, str_of(too_long[i].not_there)) != STR_NONE))
			fail_msg("%s: %.*s", too_long[i].name,
				 (int)MIN(b.a.http.body.n, 6000), b.a.http.body.p);
		arena_free(&b.mem);
	}
}

/* What the peers notice when a page should go out is said when the configuration loads. */
static void test_templates_checked(void **state)
{
	struct arena mem = {0};
	struct errs errs, found = {.mem = &mem};
	const struct config *c = parse(
		&mem,
		"route: {receiver: r, labels: {x: '{{ .Nope }}'}}\n"
		"receivers:\n- name: r\n  slack_configs:\n  - api_url: http://x\n"
		"    title: '{{ .CommonLabels.x }}'\n    text: '{{ .Wrong }}'\n"
		"    fields: [{title: a, value: '{{ end }}'}]\n"
		"  email_configs: [{to: a@b.c, from: a@b.c, smarthost: 'h:25',\n"
		"    html: '<a href=\"{{ if .Status }}\">{{ end }}'}]\n"
		"  telegram_configs: [{bot_token: x, chat_id: 1,\n"
		"    message: '<a href=\"{{ if .Status }}\">{{ end }}'},\n"
		"    {bot_token: x, chat_id: 1, parse_mode: '',\n"
		"    message: '<a href=\"{{ if .Status }}\">{{ end }}'}]\n"
		"  pushover_configs: [{user_key: x, token: y, html: true,\n"
		"    message: '<a href=\"{{ if .Status }}\">{{ end }}'},\n"
		"    {user_key: x, token: y,\n"
		"    message: '<a href=\"{{ if .Status }}\">{{ end }}'}]\n",
		&errs);
	const struct template_set *set = receiver_templates_load(&mem, c, &files, &errs);

	(void)state;
	receiver_templates_check(c, set, &found);
	assert_int_equal(found.n, 6);
	assert_string_equal(pos_text(&mem, found.v[0]->at), "t:1:31");
	assert_string_equal(pos_text(&mem, found.v[1]->at), "t:7:11");
	assert_string_equal(pos_text(&mem, found.v[2]->at), "t:8:32");
	assert_string_equal(pos_text(&mem, found.v[3]->at), "t:10:11");
	assert_non_null(strstr(found.v[3]->text, "different contexts"));
	assert_string_equal(pos_text(&mem, found.v[4]->at), "t:12:14");
	assert_string_equal(pos_text(&mem, found.v[5]->at), "t:16:14");
	arena_free(&mem);
}

static void test_resolved_unwanted(void **state)
{
	struct bench b = {0};

	(void)state;
	bench_start(&b, "slack", "{api_url: 'http://x'}");
	b.alert.resolved = true;
	b.n.firing = false;
	attempt_start(&b.a);
	assert_int_equal(b.a.wants, WANTS_NOTHING);
	assert_int_equal(b.a.verdict, VERDICT_SENT);
	arena_free(&b.mem);
}

static void test_secret_files(void **state)
{
	struct bench b = {0};

	(void)state;
	bench_start(&b, "discord", "{webhook_url_file: somewhere}");
	attempt_start(&b.a);
	assert_string_equal(b.a.http.url, "from-file");
	arena_free(&b.mem);

	b = (struct bench){0};
	bench_start(&b, "discord", "{webhook_url_file: gone}");
	attempt_start(&b.a);
	assert_int_equal(b.a.verdict, VERDICT_GIVE_UP);
	assert_string_equal(b.a.error, "gone: no such file");
	arena_free(&b.mem);

	b = (struct bench){0};
	bench_start(&b, "telegram", "{bot_token_file: gone, chat_id: 1}");
	attempt_start(&b.a);
	assert_int_equal(b.a.verdict, VERDICT_RETRY);
	arena_free(&b.mem);
}

/* -- mail ----------------------------------------------------------------------------- */
static const struct {
	const char *in, *want; /* NULL: refused */
} lists[] = {
	{"a@b", "a@b"},
	{" a@b , c@d ", "a@b c@d"},
	{"Ops Team <ops@x.org>, \"Doe, J.\" <j@x.org>", "ops@x.org j@x.org"},
	{"J. Doe <j@x.org>", "j@x.org"},
	{"M\xc3\xbcller <m@x.org> (night)", "m@x.org"},
	{"\"a b\"@x.org", "\"a b\"@x.org"},
	{"<a@[127.0.0.1]>", "a@[127.0.0.1]"},
	{"", NULL},
	{"a", NULL},
	{"a@", NULL},
	{"a@b c@d", NULL},
	{"<a@b", NULL},
	{"a@b\r\nBcc: c@d", NULL},
	{"\"a\r\nb\"@c", NULL},
	{"a@[1\r\n2]", NULL},
};

static void test_addresses(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(lists); i++) {
		struct arena mem = {0};
		struct buf got = BUF(1000);
		const char **v;
		size_t n = 0;
		struct err err;
		bool ok = addresses_parse(&mem, str_of(lists[i].in), &v, &n, &err);

		for (size_t k = 0; ok && k < n; k++)
			buf_addf(&got, "%s%s", k ? " " : "", v[k]);
		if (ok != (lists[i].want != NULL) ||
		    (ok && strcmp(lists[i].want, buf_text(&got))))
			fail_msg("%s: %s", lists[i].in, ok ? buf_text(&got) : err.text);
		buf_free(&got);
		arena_free(&mem);
	}
}

static void test_mime(void **state)
{
	struct buf out = BUF(1000);

	(void)state;
	buf_add_mail_header(&out, STR("plain \t~"));
	assert_string_equal(buf_text(&out), "plain \t~");
	buf_reset(&out);
	buf_add_mail_header(&out, STR("a=b_c? \xc3\xbc\r\nBcc: x"));
	assert_string_equal(buf_text(&out), "=?utf-8?q?a=3Db=5Fc=3F_=C3=BC=0D=0ABcc:_x?=");
	buf_reset(&out);
	buf_add_quoted_printable(&out, STR("a=b \n\xc3\xbc\t\nlast "));
	assert_string_equal(buf_text(&out), "a=3Db=20\r\n=C3=BC=09\r\nlast=20");
	buf_reset(&out);
	for (int i = 0; i < 80; i++)
		buf_add_quoted_printable(&out, STR(""));
	buf_add_quoted_printable(&out,
				 STR("12345678901234567890123456789012345678901234567890"
				     "12345678901234567890123456789"));
	assert_string_equal(buf_text(&out),
			    "12345678901234567890123456789012345678901234567890"
			    "1234567890123456789012345=\r\n6789");
	buf_reset(&out);
	buf_add_mail_date(&out, (struct instant){1795169112, 0, -12600});
	assert_string_equal(buf_text(&out), "Fri, 20 Nov 2026 06:35:12 -0330");
	buf_free(&out);
}

/* -- where AWS' credentials come from ------------------------------------------------- */
#define SNS(rest) "{topic_arn: t, sigv4: {" rest "}}"
#define KEYS(id)                                                                           \
	"{\"AccessKeyId\":\"" id "\",\"SecretAccessKey\":\"s\",\"Token\":\"t\","           \
	"\"Expiration\":\"2026-11-20T12:00:00Z\"}"
#define METADATA    "http://169.254.169.254/latest/"
#define ROLES	    METADATA "meta-data/iam/security-credentials/"
#define CREDENTIALS "aws_access_key_id = "
static const struct {
	const char *name, *settings;
	const char *env[9];   /* NAME, value, ... */
	const char *files[5]; /* path, text, ... */
	struct {
		const char *asks, *header; /* name and value of the last header */
		int status;
		const char *body;
	} steps[4];
	const char *key, *error; /* who signs, or why nobody does */
} chains[] = {
	{"the configuration", SNS("region: r, access_key: K0, secret_key: s"),
	 .env = {"AWS_ACCESS_KEY_ID", "K1", "AWS_SECRET_ACCESS_KEY", "s"}, .key = "K0"},
	{"the environment", SNS("region: r"),
	 .env = {"AWS_ACCESS_KEY_ID", "K1", "AWS_SECRET_ACCESS_KEY", "s"}, .key = "K1"},
	{"no region", SNS(""), .error = "no AWS region is configured"},
	{"the default profile", SNS(""), .env = {"HOME", "/h"},
	 .files = {"/h/.aws/credentials",
		   "# mine\n[other]\n" CREDENTIALS
		   "K9\naws_secret_access_key = s\n[default]\n" CREDENTIALS
		   "K2\naws_secret_access_key=s\n",
		   "/h/.aws/config", "[default]\nregion = r\n  s3 =\n    region = q\n"},
	 .key = "K2"},
	{"a profile of the environment", SNS("region: r"),
	 .env = {"HOME", "/h", "AWS_PROFILE", "other"},
	 .files = {"/h/.aws/credentials",
		   "[default]\n" CREDENTIALS
		   "K9\naws_secret_access_key = s\n[other]\n" CREDENTIALS
		   "K3\naws_secret_access_key = s\n"},
	 .key = "K3"},
	{"the environment goes before its profile", SNS("region: r"),
	 .env = {"HOME", "/h", "AWS_ACCESS_KEY_ID", "K1", "AWS_SECRET_ACCESS_KEY", "s"},
	 .files = {"/h/.aws/credentials",
		   "[default]\n" CREDENTIALS "K9\naws_secret_access_key = s\n"},
	 .key = "K1"},
	{"a profile of the configuration goes before both", SNS("profile: ops"),
	 .env = {"AWS_SHARED_CREDENTIALS_FILE", "/a", "AWS_CONFIG_FILE", "/b",
		 "AWS_ACCESS_KEY_ID", "K1", "AWS_SECRET_ACCESS_KEY", "s"},
	 .files = {"/a", "[default]\n" CREDENTIALS "K9\naws_secret_access_key = s\n", "/b",
		   "[profile ops]\nregion = r\n" CREDENTIALS
		   "K4\naws_secret_access_key = s\n"},
	 .key = "K4"},
	{"a profile that is not there", SNS("region: r, profile: ops"),
	 .env = {"HOME", "/h"},
	 .error = "no AWS credentials are configured: there is no profile ops"},
	{"a container", SNS("region: r"),
	 .env = {"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/v2/x"},
	 .steps = {{"GET http://169.254.170.2/v2/x", NULL, 200, KEYS("K5")}}, .key = "K5"},
	{"a container with a token", SNS("region: r"),
	 .env = {"AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1:80/x",
		 "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "/token"},
	 .files = {"/token", "tok\n"},
	 .steps = {{"GET http://127.0.0.1:80/x", "Authorization: tok", 200, KEYS("K6")}},
	 .key = "K6"},
	{"a container far away", SNS("region: r"),
	 .env = {"AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1.example.org/x"},
	 .error =
		 "no AWS credentials are configured: AWS_CONTAINER_CREDENTIALS_FULL_URI is "
		 "neither https nor near"},
	{"an instance", SNS("region: r"), .env = {"HOME", "/nobody"},
	 .steps = {{"PUT " METADATA "api/token",
		    "X-aws-ec2-metadata-token-ttl-seconds: 21600", 200, "tok"},
		   {"GET " ROLES, "X-aws-ec2-metadata-token: tok", 200, "boss\nother\n"},
		   {"GET " ROLES "boss", "X-aws-ec2-metadata-token: tok", 200, KEYS("K7")}},
	 .key = "K7"},
	{"an instance and a role to assume", SNS("region: r, role_arn: a"),
	 .env = {"HOME", "/nobody"},
	 .steps = {{"PUT " METADATA "api/token", NULL, 200, "tok"},
		   {"GET " ROLES, NULL, 200, "boss"},
		   {"GET " ROLES "boss", NULL, 200, KEYS("K7")},
		   {"POST https://sts.r.amazonaws.com/", NULL, 200,
		    "<AccessKeyId>K8</AccessKeyId><SecretAccessKey>s</SecretAccessKey>"}},
	 .key = "K8"},
	{"no instance", SNS("region: r"), .env = {"HOME", "/nobody"},
	 .steps = {{"PUT " METADATA "api/token", NULL, 0, ""}},
	 .error = "no AWS credentials are configured: metadata: connection refused"},
	{"an instance without a role", SNS("region: r"), .env = {"HOME", "/nobody"},
	 .steps = {{"PUT " METADATA "api/token", NULL, 200, "tok"},
		   {"GET " ROLES, NULL, 404, ""}},
	 .error = "no AWS credentials are configured: metadata: status 404"},
	{"nothing of it", SNS("region: r"), .env = {"AWS_EC2_METADATA_DISABLED", "true"},
	 .error = "no AWS credentials are configured"},
};

static const char *chain_env(void *ctx, const char *name)
{
	const size_t *i = ctx;

	for (size_t k = 0; chains[*i].env[k]; k += 2) {
		if (!strcmp(chains[*i].env[k], name))
			return chains[*i].env[k + 1];
	}
	return NULL;
}

static bool chain_read(void *ctx, struct arena *mem, const char *path, struct str *out,
		       struct err *err)
{
	const size_t *i = ctx;

	(void)mem;
	for (size_t k = 0; chains[*i].files[k]; k += 2) {
		*out = str_of(chains[*i].files[k + 1]);
		if (!strcmp(chains[*i].files[k], path))
			return true;
	}
	return err_set(err, NOWHERE, "no such file");
}

static void check_signed(struct bench *b, size_t i)
{
	const struct http_header *last;

	if (b->a.wants != WANTS_HTTP)
		fail_msg("%s: %s", chains[i].name, b->a.error);
	last = &b->a.http.headers[b->a.http.n_headers - 1];
	assert_string_equal(last->name, "Authorization");
	if (str_find(str_of(last->value), str_of(arena_printf(&b->mem, "Credential=%s/",
							      chains[i].key))) == STR_NONE)
		fail_msg("%s: %s", chains[i].name, last->value);
}

static void walk_chain(struct bench *b, size_t i)
{
	attempt_start(&b->a);
	for (size_t k = 0; k < COUNT_OF(chains[i].steps) && chains[i].steps[k].asks; k++) {
		const struct http_request *r = &b->a.http;
		const char *header = chains[i].steps[k].header;
		const struct http_header *last;

		if (b->a.wants != WANTS_HTTP)
			fail_msg("%s: %s", chains[i].name, b->a.error);
		assert_string_equal(arena_printf(&b->mem, "%s %s", r->method, r->url),
				    chains[i].steps[k].asks);
		if (header) {
			last = &r->headers[r->n_headers - 1];
			assert_string_equal(
				arena_printf(&b->mem, "%s: %s", last->name, last->value),
				header);
		}
		answer(b, chains[i].steps[k].status, "", chains[i].steps[k].body, NULL);
	}
}

static void test_aws_credentials(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(chains); i++) {
		struct bench b = {0};

		bench_start(&b, "sns", chains[i].settings);
		b.env.env = chain_env;
		b.env.read = chain_read;
		b.env.ctx = &i;
		b.env.now = instant_of_ms(INT64_C(1795168800000)); /* 2026-11-20 10:00 */
		walk_chain(&b, i);
		if (chains[i].error) {
			assert_int_equal(b.a.wants, WANTS_NOTHING);
			assert_int_equal(b.a.verdict, VERDICT_RETRY);
			assert_string_equal(b.a.error, chains[i].error);
		} else {
			check_signed(&b, i);
		}
		arena_free(&b.mem);
	}
}

/* What a machine gave is used again until shortly before it ends. */
static void test_aws_credentials_kept(void **state)
{
	static const struct {
		int64_t hours;
		bool kept;
	} rows[] = {{0, true}, {1, true}, {2, false}};
	size_t chain = 0;
	struct bench b = {0};

	(void)state;
	while (strcmp(chains[chain].name, "an instance"))
		chain++;
	bench_start(&b, "sns", chains[chain].settings);
	b.env.env = chain_env;
	b.env.read = chain_read;
	b.env.ctx = &chain;
	b.env.now = instant_of_ms(INT64_C(1795168800000));
	walk_chain(&b, chain);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		b.env.now = instant_of_ms(INT64_C(1795168800000) + rows[i].hours * HOUR);
		b.a = (struct attempt){
			.mem = &b.mem, .n = &b.n, .env = &b.env, .cache = &b.cache};
		attempt_start(&b.a);
		if (rows[i].kept)
			check_signed(&b, chain);
		else
			assert_string_equal(b.a.http.url, METADATA "api/token");
	}
	arena_free(&b.mem);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_configs),
		cmocka_unit_test(test_printed),
		cmocka_unit_test(test_verdicts),
		cmocka_unit_test(test_better_than_the_peers),
		cmocka_unit_test(test_resolved_unwanted),
		cmocka_unit_test(test_too_long),
		cmocka_unit_test(test_templates_checked),
		cmocka_unit_test(test_secret_files),
		cmocka_unit_test(test_aws_credentials),
		cmocka_unit_test(test_aws_credentials_kept),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_mime),
	};

	return cmocka_run_group_tests_name("receivers", tests, NULL, NULL);
}
