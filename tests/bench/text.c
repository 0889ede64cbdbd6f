/* How fast templates render: a line for each text, with renderings and bytes per second. */
#include "base/base.h"
#include "text/notice.h"
#include "text/rule_data.h"
#include "text/template.h"

#include <stdio.h>
#include <time.h>

#define SHORTEST 0.3 /* seconds of measuring */
#define ALERTS	 100

/* What Alertmanager's default texts for chat and paging do. */
static const char defaults[] =
	"{{ define \"__alertmanagerURL\" }}{{ .ExternalURL }}/#/alerts?receiver="
	"{{ .Receiver | urlquery }}{{ end }}"
	"{{ define \"__subject\" }}[{{ .Status | toUpper }}{{ if eq .Status \"firing\" }}:"
	"{{ .Alerts.Firing | len }}{{ end }}] {{ .GroupLabels.SortedPairs.Values | join \" "
	"\" }} "
	"{{ if gt (len .CommonLabels) (len .GroupLabels) }}({{ with .CommonLabels.Remove "
	".GroupLabels.Names }}{{ .Values | join \" \" }}{{ end }}){{ end }}{{ end }}"
	"{{ define \"__text_alert_list\" }}{{ range . }}Labels:\n{{ range "
	".Labels.SortedPairs }}"
	" - {{ .Name }} = {{ .Value }}\n{{ end }}Annotations:\n"
	"{{ range .Annotations.SortedPairs }} - {{ .Name }} = {{ .Value }}\n{{ end }}"
	"Source: {{ .GeneratorURL }}\n{{ end }}{{ end }}";

static const char page[] =
	"<html><head><title>{{ template \"__subject\" . }}</title></head><body><table>"
	"{{ range .Alerts }}<tr><td style=\"padding: 4px\"><strong>Labels</strong><br />"
	"{{ range .Labels.SortedPairs }}{{ .Name }} = {{ .Value }}<br />{{ end }}"
	"<a href=\"{{ .GeneratorURL }}\">Source</a></td></tr>{{ end "
	"}}</table></body></html>";

static const struct {
	const char *name;
	enum template_engine engine;
	const char *text;
} texts[] = {
	{"slack, the default title", TEMPLATE_TEXT, "{{ template \"__subject\" . }}"},
	{"slack, all default fields", TEMPLATE_TEXT,
	 "{{ template \"__subject\" . }}{{ template \"__subject\" . }} | "
	 "{{ template \"__alertmanagerURL\" . }}{{ template \"__alertmanagerURL\" . }}"
	 "{{ if eq .Status \"firing\" }}danger{{ else }}good{{ end }}"},
	{"slack, a line for each alert", TEMPLATE_TEXT,
	 "{{ range .Alerts }}*{{ .Labels.severity | toUpper }}* {{ .Labels.instance }}: "
	 "{{ .Annotations.summary }} <{{ .GeneratorURL }}|source>\n{{ end }}"},
	{"list of all labels and notes", TEMPLATE_TEXT,
	 "{{ template \"__text_alert_list\" .Alerts.Firing }}"},
	{"mail page", TEMPLATE_HTML, page},
	{"everything as JSON", TEMPLATE_TEXT, "{{ toJson . }}"},
};

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static const struct labels *labels_of(struct arena *mem, int i)
{
	const struct label v[] = {
		{"alertname", "HighLatency"},
		{"cluster", "eu-1"},
		{"instance", arena_printf(mem, "web-%d.example.org:9100", i)},
		{"job", "web"},
		{"namespace", "shop"},
		{"pod", arena_printf(mem, "cart-7d9f-%d", i)},
		{"severity", i % 3 ? "warning" : "critical"},
		{"team", "payments"},
	};

	return labels_new(mem, v, COUNT_OF(v), NULL);
}

static struct value notification(struct arena *mem, int n)
{
	struct notice_alert *alerts = ARENA_ARRAY(mem, struct notice_alert, (size_t)n);
	struct value *labels = ARENA_ARRAY(mem, struct value, (size_t)n);
	struct label group[] = {{"alertname", "HighLatency"}, {"cluster", "eu-1"}};
	struct notice data = {
		.receiver = STR("ops"),
		.status = "firing",
		.external_url = STR("http://am.example.org:9093"),
		.alerts = alerts,
		.n_alerts = (size_t)n,
		.group_labels = value_kv(mem, labels_new(mem, group, 2, NULL)),
	};

	for (int i = 0; i < n; i++) {
		const struct label notes[] = {
			{"description", arena_printf(mem, "Latency on web-%d is 2.7s", i)},
			{"summary", "p99 latency above 2s"},
		};

		labels[i] = value_kv(mem, labels_of(mem, i));
		alerts[i] = (struct notice_alert){
			.status = "firing",
			.labels = labels[i],
			.annotations = value_kv(mem, labels_new(mem, notes, 2, NULL)),
			.starts_at = {{1700000000, 0, 0}, NULL},
			.ends_at = {INSTANT_ZERO, NULL},
			.generator_url = STR(
				"http://prom.example.org/graph?g0.expr=up+%3D%3D+0"),
			.fingerprint = STR("0123456789abcdef"),
		};
	}
	data.common_labels = notice_common(mem, labels, (size_t)n);
	return notice_value(mem, &data);
}

static void measure(const char *name, const struct template *t, struct value root)
{
	struct arena mem = {0};
	struct buf out = BUF(TEMPLATE_MAX_OUTPUT);
	double start = seconds(), spent;
	size_t n = 0, bytes = 0;
	struct err err;

	do {
		struct template_run run = {.mem = &mem};

		arena_reset(&mem);
		buf_reset(&out);
		if (template_render(t, &run, root, &out, &err) != RENDERED)
			BUG("%s: %s", name, err.text);
		bytes += out.n;
		n++;
		spent = seconds() - start;
	} while (spent < SHORTEST);
	printf("%-32s %9.0f renderings/s %8.1f MB/s %8.3f ms each, %zu bytes\n", name,
	       (double)n / spent, (double)bytes / spent / 1e6, spent / (double)n * 1e3,
	       out.n);
	arena_free(&mem);
	buf_free(&out);
}

static void measure_parsing(const struct template_set *set)
{
	struct arena mem = {0};
	double start = seconds(), spent;
	size_t n = 0;

	do {
		arena_reset(&mem);
		if (!template_parse(&mem, set, TEMPLATE_HTML, "", str_of(page), NOWHERE,
				    NULL))
			BUG("the page does not parse");
		n++;
		spent = seconds() - start;
	} while (spent < SHORTEST);
	printf("%-32s %9.0f per second\n", "parse and escape the mail page",
	       (double)n / spent);
	arena_free(&mem);
}

static void measure_notice(void)
{
	struct arena mem = {0};
	double start = seconds(), spent;
	size_t n = 0;

	do {
		arena_reset(&mem);
		(void)notification(&mem, ALERTS);
		n++;
		spent = seconds() - start;
	} while (spent < SHORTEST);
	printf("%-32s %9.0f per second\n", "build the data of 100 alerts",
	       (double)n / spent);
	arena_free(&mem);
}

int main(void)
{
	struct arena mem = {0};
	struct template_set *set = template_set_new(&mem, FUNCS_NOTIFY);
	struct value root = notification(&mem, ALERTS);
	struct err err;

	if (!template_set_add(set, "default.tmpl", str_of(defaults), NOWHERE, &err))
		BUG("%s", err.text);
	for (size_t i = 0; i < COUNT_OF(texts); i++) {
		const struct template *t = template_parse(&mem, set, texts[i].engine, "",
							  str_of(texts[i].text), NOWHERE,
							  &err);

		if (!t)
			BUG("%s: %s", texts[i].name, err.text);
		measure(texts[i].name, t, root);
	}
	measure_parsing(set);
	measure_notice();
	arena_free(&mem);
	return 0;
}
