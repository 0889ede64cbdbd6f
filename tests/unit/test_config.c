#include "base/base.h"
#include "config/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* -- a kind of integration, as receivers/ has them ------------------------------------ */
struct hook {
	const char *to;
	struct secret key;
};
static const struct field hook_fields[] = {
	{"to", FIELD_TEXT, offsetof(struct hook, to), .help = "Where."},
	{"key", FIELD_SECRET, offsetof(struct hook, key), .help = "Key."},
	{0},
};

static void hook_check(struct decode *d, struct integration_config *ic)
{
	if (!*((const struct hook *)ic->settings)->to)
		mistake(d, ic->at, "missing to in hook config");
}

static const struct integration_kind hook = {
	.name = "hook",
	.key = "hook_configs",
	.fields = hook_fields,
	.size = sizeof(struct hook),
	.send_resolved = true,
	.check = hook_check,
};
static const struct integration_kind *const kinds[] = {&hook, NULL};

/* -- files that exist only here ------------------------------------------------------- */
static bool fake_zone(void *ctx, struct arena *mem, const char *name, struct str *out,
		      struct err *err)
{
	/* The two blocks of a zone file, without transitions and with one type: UTC+1. */
#define BLOCK                                                                              \
	"TZif2\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"                                              \
	"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\0\0\0\4"                                 \
	"\0\0\x0e\x10\0\0"                                                                 \
	"CET\0"
	static const char tzif[] = BLOCK BLOCK "\nCET-1\n";

	(void)ctx, (void)mem;
	*out = (struct str){tzif, sizeof(tzif) - 1};
	return !strcmp(name, "Europe/Berlin") || err_set(err, NOWHERE, "no such zone");
}

static const char *fake_env(void *ctx, const char *name)
{
	(void)ctx;
	return strcmp(name, "SITE") ? NULL : "north";
}

static const struct files files = {.zone = fake_zone, .env = fake_env};

static const char *mistakes(struct arena *mem, const struct errs *errs)
{
	struct buf out = BUF(1 << 20);
	const char *text;

	for (size_t i = 0; i < errs->n; i++) {
		buf_add_text(&out, i ? "\n" : "");
		buf_add_text(&out, err_text(mem, errs->v[i]));
	}
	text = arena_text(mem, buf_text(&out));
	buf_free(&out);
	return text;
}

static const struct config *parse(struct arena *mem, const char *text,
				  enum matcher_mode mode, struct errs *errs,
				  struct errs *warnings)
{
	const struct config_options o = {.files = &files, .kinds = kinds, .matchers = mode};

	*errs = (struct errs){.mem = mem};
	*warnings = (struct errs){.mem = mem};
	return config_parse(mem, "/etc/am/t.yml", str_of(text), &o, errs, warnings);
}

static void expect_text(const char *row, const char *want, const char *got)
{
	if (strcmp(want, got))
		fail_msg("%s\nwant: %s\ngot:  %s", row, want, got);
}

/* -- good and bad files --------------------------------------------------------------- */
#define T    "/etc/am/t.yml:"
#define BASE "receivers: [{name: a}]\n"
#define ROOT "route: {receiver: a}\n" BASE

static const struct {
	const char *in;
	const char *want; /* NULL: must load; else every mistake, in file order */
	enum matcher_mode mode;
} files_table[] = {
	/* spec/config.md 19 */
	{"", T "1:1: no route provided in config", 0},
	{"global: {}", T "1:1: no routes provided", 0},
	{"route: {}", T "1:8: root route must specify a default receiver", 0},
	{"route: {receiver: b}\n" BASE, T "1:19: undefined receiver \"b\" used in route",
	 0},
	{"route: {receiver: a}\nreceivers: [{name: a}, {name: a}]",
	 T "2:31: notification config name \"a\" is not unique", 0},
	{"route: {receiver: a}\nreceivers: [{}, {name: a}]",
	 T "2:13: missing name in receiver", 0},
	{"route: {receiver: a, continue: true}\n" BASE,
	 T "1:22: cannot have continue in root route", 0},
	{"route: {receiver: a, matchers: [a=b]}\n" BASE,
	 T "1:8: root route must not have any matchers", 0},
	{"route: {receiver: a, group_by: ['...', a]}\n" BASE,
	 T "1:32: cannot have wildcard group_by (`...`) and other labels at the same time",
	 0},
	{"route: {receiver: a, group_by: ['...', '...']}\n" BASE, NULL, 0},
	{"route: {receiver: a, group_by: [a, a]}\n" BASE,
	 T "1:36: duplicated label \"a\" in group_by", 0},
	{"route: {receiver: a, group_wait: 0}\n" BASE, NULL, 0},
	{"route: {receiver: a, group_wait: 5}\n" BASE,
	 T "1:34: not a valid duration string: \"5\" (a unit is missing: y, w, d, h, m, s "
	   "or ms)",
	 0},
	{"route: {receiver: a, repeat_interval: 1d12h}\n" BASE, NULL, 0},
	{"route: {receiver: a, repeat_interval: 12h1d}\n" BASE,
	 T "1:39: not a valid duration string: \"12h1d\" (units must fall: y, w, d, h, m, "
	   "s, ms)",
	 0},
	{"route: {receiver: a, group_interval: 0s, repeat_interval: 0}\n" BASE,
	 T "1:38: group_interval cannot be zero\n" T "1:59: repeat_interval cannot be zero",
	 0},
	{"route: {receiver: a, routes: [{match: {a: 5}}]}\n" BASE, NULL, 0},
	{"route: {receiver: a, routes: [{match_re: {a: '('}}]}\n" BASE,
	 T "1:46: error parsing regexp: missing closing ): `(`", 0},
	{"route: {receiver: a, routes: [{match_re: {a: }}]}\n" BASE,
	 T "1:43: invalid regexp value for \"a\"", 0},
	{"route: {receiver: a, routes: [{match: {a-b: c}}]}\n" BASE,
	 T "1:40: invalid label name \"a-b\"", 0},
	{"route: {receiver: a, routes: [{matchers: ['']}]}\n" BASE, NULL, 0},
	{"route: {receiver: a, routes: [{matchers: ['a=b,c=d', '{e=~\"f.*\"}', "
	 "'g=']}]}\n" BASE,
	 NULL, 0},
	{"route: {receiver: a, routes: [{matchers: [a]}]}\n" BASE,
	 T "1:43: bad matcher format: a", 0},
	{"route: {receiver: a, routes: [~]}\n" BASE, T "1:31: missing route", 0},
	{"globl: {}\nroute: {recever: x, receiver: a}\nreceivers: [{name: a, foo_configs: "
	 "[]}]",
	 T
	 "1:1: field globl not found in type config (did you mean global?)\n" T
	 "2:9: field recever not found in type route (did you mean receiver?)\n" T
	 "3:23: field foo_configs not found in type receiver (did you mean hook_configs?)",
	 0},
	{"global: {smtp_require_tls: 'yes'}\n" ROOT,
	 T "1:28: expected true or false, found the text 'yes'", 0},
	{"global: {smtp_require_tls: yes}\n" ROOT, NULL, 0},
	{"inhibit_rules: [~, {}]\n" ROOT, NULL, 0},
	{"global: {smtp_smarthost: foo}\n" ROOT,
	 T "1:26: address foo: missing port in address", 0},
	{"global: {smtp_smarthost: 'foo:'}\n" ROOT,
	 T "1:26: address \"foo:\": port cannot be empty", 0},
	{"global: {smtp_smarthost: ':25'}\n" ROOT, NULL, 0},
	{"time_intervals: [{name: x, time_intervals: [{times: [{start_time: 09:00, "
	 "end_time: "
	 "24:00}]}]}]\n" ROOT,
	 NULL, 0},
	{"time_intervals: [{name: x}]\nmute_time_intervals: [{name: x}]\n" ROOT,
	 T "1:18: time interval \"x\" is not unique", 0},
	{"route: {receiver: a, routes: [{mute_time_intervals: [x]}]}\n" BASE,
	 T "1:54: undefined time interval \"x\" used in route", 0},
	{"route: {receiver: a}\nreceivers: [{name: a, labels: {name: b}}]",
	 T "2:32: receiver label \"name\" must match receiver name \"a\", got \"b\"", 0},
	{"templates: ['nothing/*.tmpl']\n" ROOT, NULL, 0},
	{"templates: ['a[^b-c\\]]/\\[/?']\n" ROOT, NULL, 0},
	{"templates: [a, '[']\n" ROOT, T "1:16: syntax error in pattern \"/etc/am/[\"", 0},
	{"templates: ['a[]b']\n" ROOT, T "1:13: syntax error in pattern \"/etc/am/a[]b\"",
	 0},
	{"templates: ['[a-]']\n" ROOT, T "1:13: syntax error in pattern \"/etc/am/[a-]\"",
	 0},
	{"templates: ['a\\']\n" ROOT, T "1:13: syntax error in pattern \"/etc/am/a\\\"", 0},

	/* YAML and kinds */
	{"route: [\n",
	 T "2:1: yaml: did not find expected node content, while parsing a flow "
	   "node",
	 0},
	{"route: {receiver: a}\nroute: {receiver: a}\n" BASE,
	 T "2:1: key \"route\" already set in line 1", 0},
	{"route: a\n" BASE, T "1:8: expected route, found 'a'", 0},
	{"route: {receiver: [a]}\n" BASE,
	 T "1:8: root route must specify a default receiver\n" T
	   "1:19: expected a text, found a list",
	 0},
	{"templates: '*.tmpl'\n" ROOT,
	 T "1:12: expected a list of texts, found the text '*.tmpl'", 0},
	{"route: {receiver: a, group_by: a}\n" BASE,
	 T "1:32: expected a list of texts, found 'a'", 0},
	{"route: {receiver: a, group_by: ~}\nglobal: ~\ntemplates: ~\n" BASE, NULL, 0},
	{"- a", T "1:1: expected a mapping, found a list", 0},

	/* root */
	{"route: {receiver: a, mute_time_intervals: [x], active_time_intervals: [x]}\n"
	 "time_intervals: [{name: x}]\n" BASE,
	 T "1:22: root route must not have any mute time intervals\n" T
	   "1:48: root route must not have any active time intervals",
	 0},
	{"route: {receiver: a, routes: [{receiver: b}, {routes: [{receiver: c}]}]}\n" BASE,
	 T "1:42: undefined receiver \"b\" used in route\n" T
	   "1:67: undefined receiver \"c\" used in route",
	 0},
	{"route: {receiver: a, fallback_receiver: z}\n" BASE,
	 T "1:41: undefined receiver \"z\" used in route", 0},
	{"route: {receiver: a, labels: {'': x}}\n" BASE,
	 T "1:31: invalid label name \"\" in route labels", 0},
	{"route: {receiver: a, labels: {a.b: x}}\n" BASE, NULL, 0},
	{"route: {receiver: a, labels: {a.b: x}}\n" BASE,
	 T "1:31: invalid label name \"a.b\" in route labels", MATCHERS_CLASSIC},
	{"route: {receiver: a, group_by: [a.b]}\n" BASE,
	 T "1:33: invalid label name \"a.b\" in group_by list", MATCHERS_CLASSIC},
	{"inhibit_rules: [{equal: [a.b]}]\n" ROOT,
	 T "1:26: invalid label name \"a.b\" in equal list", MATCHERS_CLASSIC},
	{"inhibit_rules: [{source_match: {a.b: c}, target_match_re: {x: '['}}]\n" ROOT,
	 T "1:33: invalid label name \"a.b\"\n" T
	   "1:63: error parsing regexp: missing closing ]: `[`",
	 0},

	/* global */
	{"global: {resolve_timeout: 0s}\n" ROOT, NULL, 0},
	{"global: {resolve_timeout: 1.5h}\n" ROOT,
	 T "1:27: not a valid duration string: \"1.5h\" (a unit is missing: y, w, d, h, m, "
	   "s or ms)",
	 0},
	{"global: {slack_api_url: 'ftp://x', slack_app_url: 'http://'}\n" ROOT,
	 T "1:25: unsupported scheme for URL\n" T "1:51: missing host for URL", 0},
	{"global: {slack_api_url: <secret>}\n" ROOT, NULL, 0},
	{"global: {slack_api_url: 'http://x', slack_api_url_file: f}\n" ROOT,
	 T "1:37: at most one of slack_api_url & slack_api_url_file must be configured", 0},
	{"global: {slack_app_token: t, slack_api_url_file: f}\n" ROOT,
	 T "1:9: at most one of slack_app_token/slack_app_token_file & "
	   "slack_api_url/slack_api_url_file must be configured",
	 0},
	{"global: {slack_app_token: t, slack_api_url: "
	 "'https://slack.com/api/chat.postMessage'}\n" ROOT,
	 NULL, 0},
	{"global: {smtp_auth_password: p, smtp_auth_password_file: f}\n" ROOT,
	 T "1:33: at most one of smtp_auth_password & smtp_auth_password_file must be "
	   "configured",
	 0},

	/* http_config */
	{"global: {http_config: {bearer_token: a, bearer_token_file: b}}\n" ROOT,
	 T "1:41: at most one of bearer_token & bearer_token_file must be configured", 0},
	{"global: {http_config: {basic_auth: {}, bearer_token: b}}\n" ROOT,
	 T "1:23: at most one of basic_auth, oauth2, bearer_token & bearer_token_file must "
	   "be "
	   "configured",
	 0},
	{"global: {http_config: {authorization: {type: BASIC}}}\n" ROOT,
	 T
	 "1:40: authorization type cannot be set to \"basic\", use \"basic_auth\" instead",
	 0},
	{"global: {http_config: {authorization: {}, basic_auth: {}}}\n" ROOT,
	 T "1:24: at most one of basic_auth, oauth2 & authorization must be configured", 0},
	{"global: {http_config: {oauth2: {}}}\n" ROOT,
	 T "1:32: oauth2 client_id must be configured\n" T
	   "1:32: oauth2 token_url must be configured",
	 0},
	{"global: {http_config: {no_proxy: a}}\n" ROOT,
	 T "1:24: if no_proxy is configured, proxy_url must also be configured", 0},
	{"global: {http_config: {http_headers: {content-type: {values: [a]}}}}\n" ROOT,
	 T "1:39: setting header \"Content-Type\" is not allowed", 0},
	{"global: {http_config: {tls_config: {cert: a, min_version: TLS9}}}\n" ROOT,
	 T "1:36: exactly one of key or key_file must be configured when a client "
	   "certificate "
	   "is configured\n" T "1:59: unknown TLS version: TLS9",
	 0},

	/* receivers */
	{"route: {receiver: a}\nreceivers: [{name: a, hook_configs: [{to: x}, ~, {}, {to: "
	 "y, "
	 "http_confg: {}}]}]",
	 T
	 "2:47: missing hook config\n" T "2:50: missing to in hook config\n" T
	 "2:62: field http_confg not found in type hook config (did you mean http_config?)",
	 0},
	{"route: {receiver: a}\nreceivers: [~]",
	 T "1:19: undefined receiver \"a\" used in route\n" T
	   "2:13: missing name in receiver",
	 0},

	/* time intervals */
	{"time_intervals: [{}]\nmute_time_intervals: [{}]\n" ROOT,
	 T "1:18: missing name in time interval\n" T
	   "2:23: missing name in mute time interval",
	 0},
	{"time_intervals: [{name: x, time_intervals: [{times: [{start_time: 9:00, "
	 "end_time: "
	 "10:00}, {start_time: 10:00, end_time: 10:00}, {start_time: 10:00}]}]}]\n" ROOT,
	 T "1:67: couldn't parse timestamp 9:00, invalid format\n" T
	   "1:91: start time cannot be equal or greater than end time\n" T
	   "1:129: both start and end times must be provided",
	 0},
	{"time_intervals: [{name: x, time_intervals: [{weekdays: ['friday:monday', 1, "
	 "Sunday, "
	 "a:b:c]}]}]\n" ROOT,
	 T "1:57: start day cannot be before end day\n" T
	   "1:74: 1 is not a valid weekday\n" T
	   "1:85: couldn't parse range a:b:c, invalid format",
	 0},
	{"time_intervals: [{name: x, time_intervals: [{days_of_month: [0, 32, '-1:5', "
	 "'5:1', "
	 "'-1', '5:-1', '-3:-1', 7]}]}]\n" ROOT,
	 T "1:62: 0 is not a valid day of the month: out of range\n" T
	   "1:65: 32 is not a valid day of the month: out of range\n" T
	   "1:69: end day must be negative if start day is negative\n" T
	   "1:77: end day 1 is always before start day 5",
	 0},
	{"time_intervals: [{name: x, time_intervals: [{months: ['13', may, 'March:5', "
	 "'May:2'], "
	 "years: [2020, '2021:2020']}]}]\n" ROOT,
	 T "1:77: end month is before start month\n" T
	   "1:101: end year is before start year",
	 0},
	{"time_intervals: [{name: x, time_intervals: [{location: Europe/Berlin}, "
	 "{location: "
	 "Mars/X}]}]\n" ROOT,
	 T "1:83: unknown time zone Mars/X", 0},

	/* tracing, event_recorder */
	{"tracing:\n" ROOT, NULL, 0},
	{"tracing: {}\n" ROOT, T "1:10: tracing endpoint must be set", 0},
	{"event_recorder: {file_outputs: [{}], stdout_outputs: [~]}\n" ROOT,
	 T "1:33: event_recorder file output requires a path", 0},

	/* ours */
	{"datasources: [{name: p, url: http://p}, {name: p, url: http://q, type: sql, "
	 "basic_auth: {}, bearer_token: x}]\n" ROOT,
	 T "1:41: at most one of basic_auth, oauth2, bearer_token & bearer_token_file must "
	   "be "
	   "configured\n" T "1:41: datasource name \"p\" is not unique\n" T
	   "1:72: unknown datasource type \"sql\"",
	 0},
	{"rule_files: ['rules/*/x.yml', '*.yml']\n" ROOT,
	 T "1:14: invalid rule file path \"/etc/am/rules/*/x.yml\"", 0},
	{"remote_write: [{}]\n" ROOT, T "1:16: url for remote_write is empty", 0},
	{"remote_write: [{url: ~}]\n" ROOT, T "1:16: url for remote_write is empty", 0},
	{"datasources: [{name: a, url: }]\n" ROOT,
	 T "1:15: missing url in datasource \"a\"", 0},
	{"remote_write: [{url: 'http://w/'}, {url: 'http://w/'}]\n" ROOT,
	 T
	 "1:36: duplicate remote write configs are not allowed: this one is there in line "
	 "1 already",
	 0},
	{"remote_write: [{url: 'http://w/'}, {url: 'http://w/', name: b}]\n" ROOT, NULL, 0},
	{"remote_write: [{url: 'http://w/', headers: {content-type: x}}]\n" ROOT,
	 T "1:45: content-type is a reserved header. It must not be changed", 0},
	{"global: {external_labels: {a-b: c}}\n" ROOT, NULL, 0},
	{"datasources: [{name: a, url: 'http://p', http_method: PUT}]\n" ROOT,
	 T "1:55: http_method is GET or POST, not \"PUT\"", 0},
	{"alerting: {alert_relabel_configs: [{action: drp}]}\n" ROOT,
	 T "1:45: unknown relabel action \"drp\"", 0},
	{"alerting: {alert_relabel_configs: ~, alertmanagers: [{a: b}]}\n" ROOT, NULL, 0},
	{"alerting: {alert_relabels: []}\n" ROOT,
	 T "1:12: field alert_relabels not found in type alerting", 0},
};

static void test_files(void **state)
{
	int wrong = 0;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(files_table); i++) {
		struct arena mem = {0};
		struct errs errs, warnings;
		const struct config *c = parse(&mem, files_table[i].in, files_table[i].mode,
					       &errs, &warnings);

		const char *want = files_table[i].want ? files_table[i].want : "";
		const char *got = mistakes(&mem, &errs);

		if (strcmp(want, got) || !c != !!*want) {
			print_error("%s\nwant: %s\ngot:  %s\n", files_table[i].in, want,
				    got);
			wrong++;
		}
		arena_free(&mem);
	}
	assert_int_equal(wrong, 0);
}

/* -- what comes out ------------------------------------------------------------------- */
static const char tree[] = "global:\n"
			   "  smtp_smarthost: mail:25\n"
			   "  external_labels: {site: '$SITE', zone: '${NO}x$$'}\n"
			   "  http_config: {tls_config: {ca_file: tls/../ca.pem}}\n"
			   "route:\n"
			   "  receiver: a\n"
			   "  group_by: [job, alertname]\n"
			   "  group_wait: 10s\n"
			   "  labels: {team: '{{ .x }}', k: v}\n"
			   "  routes:\n"
			   "  - match: {sev: crit}\n"
			   "    match_re: {svc: foo1|foo2}\n"
			   "    matchers: ['team!=\"x\"']\n"
			   "    group_by: []\n"
			   "    labels: {k: w}\n"
			   "    continue: true\n"
			   "    routes:\n"
			   "    - matchers: [x=1]\n"
			   "      group_by: ['...']\n"
			   "      repeat_interval: 1d\n"
			   "      mute_time_intervals: [night]\n"
			   "  - receiver: b\n"
			   "    fallback_receiver: a\n"
			   "receivers:\n"
			   "- name: a\n"
			   "  hook_configs:\n"
			   "  - {to: x, key: hush}\n"
			   "  - {to: '', send_resolved: no, to: y}\n"
			   "- name: b\n"
			   "- name: c\n"
			   "templates: [t/*.tmpl, /abs/*.tmpl]\n"
			   "time_intervals:\n"
			   "- {name: night, time_intervals: [{times: [{start_time: 22:00, "
			   "end_time: 24:00}]}]}\n";

static const struct config *parse_good(struct arena *mem, const char *text)
{
	struct errs errs, warnings;
	const struct config *c = parse(mem, text, MATCHERS_FALLBACK, &errs, &warnings);

	if (!c)
		fail_msg("%s", mistakes(mem, &errs));
	return c;
}

static const char *good_tree(struct arena *mem)
{
	const char *odd = strstr(tree, "to: '', ");

	return arena_printf(mem, "%.*s%s", (int)(odd - tree), tree,
			    odd + strlen("to: '', "));
}

static void test_tree(void **state)
{
	struct arena mem = {0};
	const struct config *c = parse_good(&mem, good_tree(&mem));
	const struct route *kid = c->root->kids[0], *grandkid = kid->kids[0];

	(void)state;
	assert_int_equal(c->n_routes, 4);
	assert_ptr_equal(c->routes[2], grandkid);
	assert_string_equal(c->root->key, "{}");
	assert_string_equal(kid->key,
			    "{}/{sev=\"crit\",svc=~\"^(?:foo1|foo2)$\",team!=\"x\"}");
	assert_string_equal(grandkid->id,
			    "{}/{sev=\"crit\",svc=~\"^(?:foo1|foo2)$\",team!=\"x\"}"
			    "/0/{x=\"1\"}/0");
	assert_string_equal(c->root->group_by[0], "alertname");
	assert_int_equal(kid->n_group_by, 0);
	assert_true(grandkid->group_by_all);
	assert_true(kid->goes_on);
	assert_false(grandkid->goes_on);
	assert_int_equal(grandkid->group_wait, 10 * SECOND);
	assert_int_equal(grandkid->group_interval, 5 * MINUTE);
	assert_int_equal(grandkid->repeat_interval, DAY);
	assert_string_equal(grandkid->receiver->name, "a");
	assert_string_equal(grandkid->labels[0].text, "w");
	assert_string_equal(grandkid->labels[1].text, "{{ .x }}");
	assert_int_equal(grandkid->n_mute, 1);
	assert_true(c->receivers[0].used && c->receivers[1].used && !c->receivers[2].used);
	assert_string_equal(c->routes[3]->fallback->name, "a");
	assert_int_equal(c->receivers[0].integrations[1].index, 1);
	assert_false(c->receivers[0].integrations[1].send_resolved);
	assert_true(c->receivers[0].integrations[0].send_resolved);
	assert_string_equal(labels_get(c->receivers[0].labels, "name"), "a");
	assert_string_equal(c->receivers[0].integrations[0].http->tls.ca_file,
			    "/etc/am/ca.pem");
	assert_string_equal(c->templates[0], "/etc/am/t/*.tmpl");
	assert_string_equal(c->templates[1], "/abs/*.tmpl");
	assert_string_equal(labels_get(c->global.external_labels, "site"), "north");
	assert_string_equal(labels_get(c->global.external_labels, "zone"), "x$");
	assert_int_equal(c->global.resolve_timeout, 5 * MINUTE);
	assert_int_equal(c->global.evaluation_interval, MINUTE);
	arena_free(&mem);
}

/* What is printed holds no secret, loads again, and then prints the same. */
static void test_printed(void **state)
{
	struct arena mem = {0};
	struct buf first = BUF(1 << 20), second = BUF(1 << 20);

	(void)state;
	buf_add_config(&first, parse_good(&mem, good_tree(&mem)));
	assert_null(strstr(buf_text(&first), "hush"));
	assert_non_null(strstr(buf_text(&first), "key: <secret>"));
	assert_non_null(strstr(buf_text(&first), "repeat_interval: 1d"));
	buf_add_config(&second, parse_good(&mem, buf_text(&first)));
	expect_text("printed twice", buf_text(&first), buf_text(&second));
	assert_non_null(strstr(buf_text(&first), "fallback_receiver"));
	buf_reset(&second);
	buf_add_alertmanager_config(&second, parse_good(&mem, buf_text(&first)));
	assert_null(strstr(buf_text(&second), "fallback_receiver"));
	assert_null(strstr(buf_text(&second), "external_labels"));
	assert_non_null(strstr(buf_text(&second), "repeat_interval: 1d"));
	buf_free(&first);
	buf_free(&second);
	arena_free(&mem);
}

static void test_warnings(void **state)
{
	struct arena mem = {0};
	struct errs errs, warnings;

	(void)state;
	(void)!parse(&mem,
		     "route: {receiver: a, routes: [{matchers: ['g=', 'h=\"i\"']}]}\n" BASE,
		     MATCHERS_FALLBACK, &errs, &warnings);
	expect_text(
		"fallback",
		T "1:44: matchers 'g=' are read only by the classic syntax; write {g=\"\"}",
		mistakes(&mem, &warnings));
	assert_null(parse(&mem, "route: {receiver: a, routes: [{matchers: ['g=']}]}\n" BASE,
			  MATCHERS_UTF8, &errs, &warnings));
	arena_free(&mem);
}

/* What a Prometheus's file may have and has no effect here. */
static void test_idle_keys(void **state)
{
	static const struct {
		const char *key, *want;
	} rows[] = {
		{"send_native_histograms: true", ""},
		{"send_exemplars: false", ""},
		{"send_exemplars: true", "send_exemplars has no effect: rules have none"},
		{"metadata_config: {send: false}",
		 "metadata_config has no effect: none is sent"},
		{"protobuf_message: prometheus.WriteRequest", ""},
		{"protobuf_message: io.prometheus.write.v2.Request",
		 "protobuf_message has no effect: remote write 1.0 is spoken"},
		{"round_robin_dns: true",
		 "round_robin_dns has no effect: the resolver chooses the address"},
		{"sigv4: {region: eu}",
		 "sigv4 has no effect: requests go unsigned, and AWS will refuse them; a "
		 "proxy that signs can stand between"},
	};
	struct arena mem = {0};
	struct errs errs, warnings;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const char *text = arena_printf(
			&mem, "remote_write:\n- url: http://w/\n  %s\n" ROOT, rows[i].key);
		const char *want = !*rows[i].want
					   ? ""
					   : arena_printf(&mem, T "3:3: %s", rows[i].want);

		if (!parse(&mem, text, MATCHERS_FALLBACK, &errs, &warnings))
			fail_msg("%s: %s", rows[i].key, mistakes(&mem, &errs));
		expect_text(rows[i].key, want, mistakes(&mem, &warnings));
	}
	arena_free(&mem);
}

/* -- time intervals (spec/routing.md 8) ----------------------------------------------- */
static const struct {
	const char *spec, *at;
	bool want;
} moments[] = {
	{"{}", "2026-11-21T12:00:00Z", true},
	{"{times: []}", "2026-11-21T12:00:00Z", false},
	{"{times: [{start_time: '09:00', end_time: '17:00'}]}", "2026-11-21T09:00:00Z",
	 true},
	{"{times: [{start_time: '09:00', end_time: '17:00'}]}", "2026-11-21T16:59:59Z",
	 true},
	{"{times: [{start_time: '09:00', end_time: '17:00'}]}", "2026-11-21T17:00:00Z",
	 false},
	{"{times: [{start_time: '09:00', end_time: '17:00'}], location: Europe/Berlin}",
	 "2026-11-21T08:00:00Z", true},
	{"{times: [{start_time: '22:00', end_time: '24:00'}]}", "2026-11-21T23:59:00Z",
	 true},
	{"{weekdays: [saturday, sunday]}", "2026-11-21T12:00:00Z", true},
	{"{weekdays: ['monday:friday']}", "2026-11-21T12:00:00Z", false},
	{"{days_of_month: ['-1']}", "2026-02-28T12:00:00Z", true},
	{"{days_of_month: ['-1']}", "2026-11-29T12:00:00Z", false},
	{"{days_of_month: ['-3:-1']}", "2026-11-28T12:00:00Z", true},
	{"{days_of_month: ['1:31']}", "2026-02-28T12:00:00Z", true},
	{"{days_of_month: [31]}", "2026-11-30T12:00:00Z", false},
	{"{days_of_month: ['29:31']}", "2026-02-28T12:00:00Z", false},
	{"{days_of_month: ['5:-1']}", "2026-02-04T12:00:00Z", false},
	{"{days_of_month: ['5:-1']}", "2026-02-28T12:00:00Z", true},
	{"{months: [november]}", "2026-11-21T12:00:00Z", true},
	{"{months: ['1:10', 13]}", "2026-11-21T12:00:00Z", false},
	{"{years: ['2025:2026']}", "2026-11-21T12:00:00Z", true},
	{"{years: [2025], months: [11]}", "2026-11-21T12:00:00Z", false},
};

static void test_intervals(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(moments); i++) {
		struct arena mem = {0};
		const struct config *c = parse_good(
			&mem,
			arena_printf(
				&mem,
				"time_intervals: [{name: x, time_intervals: [%s]}]\n" ROOT,
				moments[i].spec));
		struct instant at;

		assert_true(instant_parse(str_of(moments[i].at), &at));
		if (time_interval_contains(&c->intervals[0], instant_ms(at)) !=
		    moments[i].want)
			fail_msg("%s at %s", moments[i].spec, moments[i].at);
		arena_free(&mem);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_files),	  cmocka_unit_test(test_tree),
		cmocka_unit_test(test_printed),	  cmocka_unit_test(test_warnings),
		cmocka_unit_test(test_idle_keys), cmocka_unit_test(test_intervals),
	};

	return cmocka_run_group_tests_name("config", tests, NULL, NULL);
}
