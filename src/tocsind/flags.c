#include "base/base.h"
#include "tocsind/flags.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum flag_kind { FLAG_TEXT, FLAG_TEXTS, FLAG_BOOL, FLAG_INT, FLAG_DURATION };
struct flag {
	const char *name;
	enum flag_kind kind;
	size_t at;
	const char *otherwise;
	const char *help;
	bool must_be_positive;
};
#define AT(m)	   offsetof(struct flags, m)
#define SETTLE	   "cluster.settle-timeout" /* 0s: there is nothing to wait for */
#define IN_CLUSTER "cluster."

static const struct flag rows[] = {
	{"config.file", FLAG_TEXT, AT(config_file), "",
	 "Configuration file. Default: tocsin.yml, or else alertmanager.yml, in this "
	 "folder.",
	 false},
	{"rules", FLAG_TEXTS, AT(rules), NULL,
	 "Folder of rule files (*.yml, *.yaml), watched. Besides rule_files of the "
	 "configuration. May be repeated.",
	 false},
	{"storage.path", FLAG_TEXT, AT(storage_path), "data/",
	 "Folder for tocsin.db: silences, states, the journal.", false},
	{"data.retention", FLAG_DURATION, AT(retention_ns), "120h",
	 "How long expired silences and the notification log are kept.", true},
	{"data.maintenance-interval", FLAG_DURATION, AT(maintenance_ns), "15m",
	 "How often what has expired is removed. State is on disk at all times.", true},
	{"journal.retention", FLAG_DURATION, AT(journal_retention_ns), "720h",
	 "How long the journal of decisions is kept.", true},
	{"journal.max-size", FLAG_INT, AT(journal_bytes), "268435456",
	 "Most bytes of the journal's rows; beyond that the oldest go.", true},
	{"silences.max-silences", FLAG_INT, AT(max_silences), "100000",
	 "Most silences kept, expired ones included; 0: no limit.", false},
	{"silences.max-silence-size-bytes", FLAG_INT, AT(max_silence_bytes), "1048576",
	 "Largest silence; 0: no limit.", false},
	{"log.silences", FLAG_BOOL, AT(log_silences), NULL, "Log changes of silences.",
	 false},
	{"alerts.gc-interval", FLAG_DURATION, AT(gc_ns), "30m",
	 "How often resolved alerts are forgotten.", true},
	{"alerts.per-alertname-limit", FLAG_INT, AT(per_alertname), "0",
	 "Most alerts of one alertname; 0: no limit.", false},
	{"alerts.max-alerts", FLAG_INT, AT(max_alerts), "1000000",
	 "Most alerts kept; new ones beyond that are dropped, counted and logged.", true},
	{"alerts.max-labels", FLAG_INT, AT(max_labels), "1000",
	 "Most labels, and most annotations, of a posted alert; 0: no limit.", false},
	{"alerts.max-alert-size-bytes", FLAG_INT, AT(max_alert_bytes), "262144",
	 "Largest posted alert: names and values of its labels and annotations; 0: no "
	 "limit.",
	 false},
	{"rules.alert.for-outage-tolerance", FLAG_DURATION, AT(outage_tolerance_ns), "1h",
	 "When no alert of a rule is in the storage, how far back the backend is asked "
	 "since when alerts wait; 0: not at all.",
	 false},
	{"rules.alert.for-grace-period", FLAG_DURATION, AT(grace_period_ns), "10m",
	 "An alert that went on waiting waits at least so long; rules with a shorter "
	 "\"for\" simply wait again.",
	 false},
	{"rules.alert.resend-delay", FLAG_DURATION, AT(resend_delay_ns), "1m",
	 "Shortest pause before a rule's alert is handed to the router again.", true},
	{"rules.max-concurrent-evals", FLAG_INT, AT(concurrent_evals), "4",
	 "With --enable-feature=concurrent-rule-eval: so many rules, of all groups, are "
	 "evaluated beside one of each group, where they need nothing of each other.",
	 true},
	{"rules.template-functions", FLAG_TEXT, AT(template_functions), "prometheus",
	 "Whose functions and variables the templates of rules have: prometheus or "
	 "vmalert.",
	 false},
	{"dispatch.maintenance-interval", FLAG_DURATION, AT(dispatch_maintenance_ns), "30s",
	 "Accepted for compatibility: empty groups go at once.", true},
	{"dispatch.start-delay", FLAG_DURATION, AT(start_delay_ns), "0s",
	 "Nobody is told anything before this time after the start.", false},
	{"web.listen-address", FLAG_TEXTS, AT(listen), ":9093",
	 "Address to listen on: host:port, :port, unix:/path. May be repeated.", false},
	{"web.systemd-socket", FLAG_BOOL, AT(systemd_socket), NULL,
	 "Take the listening sockets from systemd.", false},
	{"web.config.file", FLAG_TEXT, AT(web_config), "",
	 "File with TLS, users and headers of the HTTP server.", false},
	{"web.external-url", FLAG_TEXT, AT(external_url), "",
	 "URL under which people reach this server, for links in notifications.", false},
	{"web.route-prefix", FLAG_TEXT, AT(route_prefix), "",
	 "Prefix of all paths. Default: the path of --web.external-url.", false},
	{"web.cors.origin", FLAG_TEXT, AT(cors_origin), "",
	 "Regular expression of the origins whose web pages may ask, whole: "
	 "'https?://(a|b)\\.example'. Default: none.",
	 false},
	{"web.get-concurrency", FLAG_INT, AT(get_concurrency), "0",
	 "Most GET requests at a time; 0: the larger of 8 and the number of processors.",
	 false},
	{"web.max-connections", FLAG_INT, AT(max_connections), "4000",
	 "Most clients; beyond that those make room that have been idle longest.", true},
	{"web.timeout", FLAG_DURATION, AT(web_timeout_ns), "0s",
	 "A client that needs longer for a request, or for taking its answer, is cut off; "
	 "0: one minute.",
	 false},
	{"web.max-body-bytes", FLAG_INT, AT(max_body), "67108864",
	 "Largest request body; a larger one is answered 413.", false},
	{"shutdown.timeout", FLAG_DURATION, AT(shutdown_ns), "5s",
	 "How long deliveries under way, and samples for remotes, may take to finish "
	 "after SIGTERM.",
	 false},
	{"sandbox", FLAG_BOOL, AT(sandbox), "true",
	 "Write nowhere but below --storage.path, and run no program, where the kernel has "
	 "Landlock; --no-sandbox does without.",
	 false},
	{"compatibility", FLAG_TEXT, AT(compatibility), "0.25",
	 "Which Alertmanager to be indistinguishable from where releases differ: 0.25 "
	 "(Debian "
	 "12; label names are ASCII) or 0.34 (UTF-8 names, richer payloads).",
	 false},
	{"templates.check", FLAG_BOOL, AT(check_templates), "true",
	 "Refuse a configuration with a template that cannot work; --no-templates.check "
	 "only "
	 "warns, and sends what can be sent.",
	 false},
	{"notify.retry-rate-limited", FLAG_BOOL, AT(retry_rate_limited), "true",
	 "Try again what a receiver answered with 429, and not before its Retry-After; "
	 "--no-notify.retry-rate-limited gives up where Alertmanager does.",
	 false},
	{"notify.leave-out-alerts", FLAG_BOOL, AT(leave_out_alerts), "true",
	 "A message too long for its receiver shows fewer alerts, then shorter "
	 "annotations, "
	 "and says so; with --no-notify.leave-out-alerts its text is cut, as by "
	 "Alertmanager.",
	 false},
	{"rules.check-expressions", FLAG_BOOL, AT(check_expressions), "true",
	 "Refuse a rule file with an expression that Prometheus cannot parse; "
	 "--no-rules.check-expressions for backends with a dialect of their own.",
	 false},
	{"rules.check-names", FLAG_DURATION, AT(names_interval_ns), "10m",
	 "How often backends are asked whether they know the metrics that rules ask for; "
	 "0s: never.",
	 false},
	{"rules.resolve-removed", FLAG_BOOL, AT(resolve_removed), "true",
	 "Say that an alert is resolved when its rule is removed; with "
	 "--no-rules.resolve-removed it ends some minutes later by itself, as with "
	 "Prometheus.",
	 false},
	{"enable-feature", FLAG_TEXT, AT(features), "",
	 "Comma separated: classic-mode, utf8-strict-mode, receiver-name-in-metrics, "
	 "group-key-in-metrics, alert-names-in-metrics, rules-in-metrics, "
	 "concurrent-rule-eval; "
	 "Alertmanager's others are accepted.",
	 false},
	{"log.level", FLAG_TEXT, AT(log_level_text), "info", "debug, info, warn or error.",
	 false},
	{"log.format", FLAG_TEXT, AT(log_format_text), "logfmt", "logfmt or json.", false},
	{"cluster.listen-address", FLAG_TEXT, AT(cluster_listen), "0.0.0.0:9094",
	 "Checked, as all cluster flags unless this is empty, and without effect: there is "
	 "no cluster.",
	 false},
	{"cluster.advertise-address", FLAG_TEXT, AT(cluster_advertise), "",
	 "Without effect.", false},
	{"cluster.peer-name", FLAG_TEXT, AT(ignored_text), "", "Without effect.", false},
	{"cluster.peer", FLAG_TEXTS, AT(cluster_peers), NULL,
	 "Without effect but for a warning: nothing is shared with peers.", false},
	{"cluster.peer-timeout", FLAG_DURATION, AT(cluster_ns[0]), "15s", "Without effect.",
	 false},
	{"cluster.peers-resolve-timeout", FLAG_DURATION, AT(cluster_ns[1]), "15s",
	 "Without effect.", false},
	{"cluster.gossip-interval", FLAG_DURATION, AT(cluster_ns[2]), "200ms",
	 "Without effect.", false},
	{"cluster.pushpull-interval", FLAG_DURATION, AT(cluster_ns[3]), "1m",
	 "Without effect.", false},
	{"cluster.tcp-timeout", FLAG_DURATION, AT(cluster_ns[4]), "10s", "Without effect.",
	 false},
	{"cluster.probe-timeout", FLAG_DURATION, AT(cluster_ns[5]), "500ms",
	 "Without effect.", false},
	{"cluster.probe-interval", FLAG_DURATION, AT(cluster_ns[6]), "1s",
	 "Without effect.", false},
	{"cluster.reconnect-interval", FLAG_DURATION, AT(cluster_ns[7]), "10s",
	 "Without effect.", false},
	{"cluster.reconnect-timeout", FLAG_DURATION, AT(cluster_ns[8]), "6h",
	 "Without effect.", false},
	{SETTLE, FLAG_DURATION, AT(cluster_ns[9]), "1m", "Without effect.", false},
	{"cluster.tls-config", FLAG_TEXT, AT(cluster_tls), "", "Without effect.", false},
	{"cluster.allow-insecure-public-advertise-address-discovery", FLAG_BOOL,
	 AT(ignored_bool), NULL, "Without effect.", false},
	{"cluster.label", FLAG_TEXT, AT(cluster_label), "", "Without effect.", false},
	{"auto-gomemlimit.ratio", FLAG_TEXT, AT(memory_ratio), "0.9", "Without effect.",
	 false},
	{"help", FLAG_BOOL, AT(help), NULL, "Print this and exit.", false},
	{"help-long", FLAG_BOOL, AT(help), NULL, "The same.", false},
	{"help-man", FLAG_BOOL, AT(help_man), NULL,
	 "Print the flags as a manual page and exit.", false},
	{"version", FLAG_BOOL, AT(version), NULL, "Print the version and exit.", false},
};

static const struct flag *find(struct str name)
{
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		if (str_is(name, rows[i].name))
			return &rows[i];
	}
	return NULL;
}

static const char *nearest(struct str name)
{
	const char *names[COUNT_OF(rows) + 1] = {NULL};

	for (size_t i = 0; i < COUNT_OF(rows); i++)
		names[i] = rows[i].name;
	return str_nearest(name, names);
}

static bool set(struct flags *f, const struct flag *row, const char *value, struct err *err)
{
	void *to = (char *)f + row->at;
	struct text_flags *list = to;

	switch (row->kind) {
	case FLAG_TEXT:
		*(const char **)to = value;
		return true;
	case FLAG_TEXTS:
		if (list->n == FLAG_LIST_MAX)
			return err_set(err, NOWHERE, "--%s is given more than %d times",
				       row->name, FLAG_LIST_MAX);
		list->v[list->n++] = value;
		return true;
	case FLAG_BOOL:
		*(bool *)to = !strcmp(value, "true");
		return true;
	case FLAG_INT:
		if (!str_int(str_of(value), to))
			return err_set(err, NOWHERE, "--%s: \"%s\" is no number", row->name,
				       value);
		if (row->must_be_positive && *(int64_t *)to <= 0)
			return err_set(err, NOWHERE, "--%s must be greater than 0",
				       row->name);
		return true;
	case FLAG_DURATION:
		if (!go_duration_parse(str_of(value), to))
			return err_set(err, NOWHERE,
				       "--%s: \"%s\" is no duration (120h, 1m30s, 200ms)",
				       row->name, value);
		if (row->must_be_positive && *(int64_t *)to <= 0)
			return err_set(err, NOWHERE, "--%s must be greater than 0",
				       row->name);
		return true;
	}
	return false;
}

struct words {
	const char **v;
	size_t n, at;
};

static bool read_words(struct arena *mem, const char *path, struct words *w, size_t cap,
		       struct err *err)
{
	FILE *in = fopen(path, "re");
	char line[4096];

	if (!in)
		return err_sys(err, (struct pos){path, 0, 0}, "cannot read arguments");
	while (w->n < cap && fgets(line, sizeof(line), in)) {
		struct str s = str_trim(str_of(line));

		if (s.n)
			w->v[w->n++] = arena_copy(mem, s);
	}
	fclose(in);
	return true;
}

#define MOST_WORDS 1024

static bool gather(struct arena *mem, int argc, char **argv, struct words *w,
		   struct err *err)
{
	w->v = ARENA_ARRAY(mem, const char *, MOST_WORDS);
	for (int i = 1; i < argc; i++) {
		if (argv[i][0] == '@') {
			if (!read_words(mem, argv[i] + 1, w, MOST_WORDS, err))
				return false;
		} else if (w->n < MOST_WORDS) {
			w->v[w->n++] = argv[i];
		}
	}
	return true;
}

static bool unknown(struct str name, struct err *err)
{
	const char *near = nearest(name);

	if (near)
		return err_set(err, NOWHERE,
			       "unknown long flag '--%.*s' (did you mean --%s?)", FMT(name),
			       near);
	return err_set(err, NOWHERE, "unknown long flag '--%.*s'", FMT(name));
}

static bool take_flag(struct arena *mem, struct flags *f, struct words *w, bool *given,
		      struct err *err)
{
	struct str word = str_of(w->v[w->at++]), name;
	const struct flag *row;
	const char *value;
	size_t eq;

	if (!str_starts(word, STR("-")) || word.n < 2)
		return err_set(err, NOWHERE, "unexpected %.*s", FMT(word));
	name = str_from(word, str_starts(word, STR("--")) ? 2 : 1);
	if (str_is(name, "h"))
		name = STR("help");
	eq = str_find_char(name, '=');
	row = find(str_slice(name, 0, eq));
	if (!row && str_starts(name, STR("no-"))) {
		row = find(str_from(name, 3));
		if (row && row->kind == FLAG_BOOL)
			return set(f, row, "false", err);
		row = NULL;
	}
	if (!row)
		return unknown(str_slice(name, 0, eq), err);
	if (row->kind != FLAG_TEXTS && given[row - rows])
		return err_set(err, NOWHERE, "flag '%s' cannot be repeated", row->name);
	given[row - rows] = true;
	if (row->kind == FLAG_BOOL) {
		if (eq != STR_NONE)
			return err_set(err, NOWHERE,
				       "--%s takes no value (--no-%s turns it off)",
				       row->name, row->name);
		return set(f, row, "true", err);
	}
	if (eq != STR_NONE)
		value = arena_copy(mem, str_from(name, eq + 1));
	else if (w->at < w->n)
		value = w->v[w->at++];
	else
		return err_set(err, NOWHERE, "expected argument for flag '--%s'",
			       row->name);
	return set(f, row, value, err);
}

static bool take_features(struct flags *f, struct err *err)
{
	static const char *const known[] = {
		"alert-names-in-metrics", "receiver-name-in-metrics",
		"group-key-in-metrics",	  "classic-mode",
		"utf8-strict-mode",	  "auto-gomemlimit",
		"event-recorder",	  "concurrent-rule-eval",
		"rules-in-metrics",	  NULL,
	};
	struct str rest = str_of(f->features), piece;
	bool classic = false, strict = false;

	if (rest.n && rest.p[rest.n - 1] == ',')
		return err_set(err, NOWHERE, "unknown option '' for --enable-feature");
	while (rest.n && str_cut(&rest, ',', &piece)) {
		bool ok = false;

		for (size_t i = 0; known[i]; i++)
			ok = ok || str_is(piece, known[i]);
		if (!ok)
			return err_set(err, NOWHERE,
				       "unknown option '%.*s' for --enable-feature",
				       FMT(piece));
		f->alert_names = f->alert_names || str_is(piece, known[0]);
		f->receiver_names = f->receiver_names || str_is(piece, known[1]);
		f->group_keys = f->group_keys || str_is(piece, known[2]);
		f->event_recorder = f->event_recorder || str_is(piece, known[6]);
		f->rules_concur = f->rules_concur || str_is(piece, known[7]);
		f->rule_names = f->rule_names || str_is(piece, known[8]);
		classic = classic || str_is(piece, "classic-mode");
		strict = strict || str_is(piece, "utf8-strict-mode");
	}
	if (classic && strict)
		return err_set(err, NOWHERE,
			       "cannot have both classic and UTF-8 modes enabled");
	f->matchers = classic	   ? MATCHERS_CLASSIC
		      : strict	   ? MATCHERS_UTF8
		      : f->as_0_25 ? MATCHERS_CLASSIC
				   : MATCHERS_FALLBACK;
	return true;
}

static bool check_ratio(const char *text, struct err *err)
{
	double ratio;

	if (!str_double(str_of(text), &ratio) || !(ratio > 0 && ratio <= 1))
		return err_set(err, NOWHERE,
			       "--auto-gomemlimit.ratio must be greater than 0 and less "
			       "than or equal to 1");
	return true;
}

/* As where there is a cluster: all spans but one are longer than nothing. */
static bool check_cluster_spans(const struct flags *f, struct err *err)
{
	for (size_t i = 0; f->cluster_listen[0] && i < COUNT_OF(rows); i++) {
		const char *value = (const char *)f + rows[i].at;
		int64_t ns;

		if (rows[i].kind != FLAG_DURATION || !strcmp(rows[i].name, SETTLE) ||
		    !str_starts(str_of(rows[i].name), STR(IN_CLUSTER)))
			continue;
		memcpy(&ns, value, sizeof(ns));
		if (ns <= 0)
			return err_set(err, NOWHERE, "--%s must be greater than 0",
				       rows[i].name);
	}
	return true;
}

static bool check(struct arena *mem, struct flags *f, struct err *err)
{
	if (!log_level_parse(str_of(f->log_level_text), &f->log_level))
		return err_set(err, NOWHERE,
			       "--log.level: \"%s\" is not debug, info, warn or error",
			       f->log_level_text);
	if (!log_format_parse(str_of(f->log_format_text), &f->log_format))
		return err_set(err, NOWHERE, "--log.format: \"%s\" is not logfmt or json",
			       f->log_format_text);
	f->as_0_25 = !strcmp(f->compatibility, "0.25");
	if (!f->as_0_25 && strcmp(f->compatibility, "0.34"))
		return err_set(err, NOWHERE, "--compatibility: \"%s\" is not 0.25 or 0.34",
			       f->compatibility);
	f->rules_as_vmalert = !strcmp(f->template_functions, "vmalert");
	if (!f->rules_as_vmalert && strcmp(f->template_functions, "prometheus"))
		return err_set(err, NOWHERE,
			       "--rules.template-functions: \"%s\" is not prometheus or "
			       "vmalert",
			       f->template_functions);
	if (!f->config_file[0])
		f->config_file = access("tocsin.yml", F_OK) == 0 ? "tocsin.yml"
								 : "alertmanager.yml";
	return take_features(f, err) && check_ratio(f->memory_ratio, err) &&
	       check_cluster_spans(f, err) && cluster_check(mem, f, err);
}

bool flags_parse(struct arena *mem, int argc, char **argv, struct flags *f, struct err *err)
{
	bool given[COUNT_OF(rows)] = {false};
	struct words w = {0};

	*f = (struct flags){0};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		if (rows[i].otherwise && rows[i].kind != FLAG_TEXTS &&
		    !set(f, &rows[i], rows[i].otherwise, err))
			return false;
	}
	if (!gather(mem, argc, argv, &w, err))
		return false;
	while (w.at < w.n) {
		if (!take_flag(mem, f, &w, given, err))
			return false;
	}
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		if (rows[i].otherwise && rows[i].kind == FLAG_TEXTS && !given[i] &&
		    !set(f, &rows[i], rows[i].otherwise, err))
			return false;
	}
	return check(mem, f, err);
}

static void print_roff(const char *text)
{
	for (; *text; text++) {
		if (*text == '\\' || *text == '-')
			putchar('\\');
		putchar(*text);
	}
	putchar('\n');
}

void flags_print_manual(void)
{
	puts(".TH tocsind 8 \"tocsind " VERSION "\" \"\"\n"
	     ".SH NAME\ntocsind \\- alert rules and the routing of alerts\n"
	     ".SH SYNOPSIS\n\\fBtocsind [<flags>]\\fR\n"
	     ".SH OPTIONS");
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const struct flag *r = &rows[i];

		printf(".TP\n\\fB\\-\\-%s%s%s\\fR\n", r->name,
		       r->kind == FLAG_BOOL ? "" : "=",
		       r->kind != FLAG_BOOL && r->otherwise ? r->otherwise : "");
		print_roff(r->help);
	}
}

void flags_print_help(void)
{
	puts("usage: tocsind [<flags>]\n\n"
	     "Evaluates Prometheus-format alert rules and routes the alerts to people.\n\n"
	     "Flags:");
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const struct flag *r = &rows[i];

		if (r->otherwise && r->otherwise[0] && r->kind != FLAG_BOOL)
			printf("  --%s=%s\n", r->name, r->otherwise);
		else
			printf("  --%s%s\n", r->name, r->kind == FLAG_BOOL ? "" : "=...");
		printf("      %s\n", r->help);
	}
}
