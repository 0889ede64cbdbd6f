#include "base/base.h"
#include "tocsin/commands.h"
#include "base/url.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* tocsin alert query, tocsin alert add (spec/cli.md 4, 5). */

const struct option_row alert_query_options[] = {
	{"inhibited", 'i', OPTION_FLAG, NULL, "Show inhibited alerts."},
	{"silenced", 's', OPTION_FLAG, NULL, "Show silenced alerts."},
	{"active", 'a', OPTION_FLAG, NULL, "Show active alerts."},
	{"unprocessed", 'u', OPTION_FLAG, NULL, "Show unprocessed alerts."},
	{"receiver", 'r', OPTION_TEXT, "", "Show alerts of receivers that match."},
	{0},
};
const struct option_row alert_add_options[] = {
	{"annotation", 0, OPTION_TEXTS, NULL, "key=value; may be repeated."},
	{"generator-url", 0, OPTION_TEXT, "", "Where the alert comes from."},
	{"start", 0, OPTION_TEXT, "", "When it began, RFC 3339."},
	{"end", 0, OPTION_TEXT, "", "When it ended, RFC 3339."},
	{0},
};

static const char *query_path(struct tool *t)
{
	static const char *const states[] = {"active", "inhibited", "silenced",
					     "unprocessed"};
	struct buf b = BUF(1024 * 1024);
	bool any = false;
	const char **filters, *path;
	size_t n;

	for (size_t i = 0; i < COUNT_OF(states); i++)
		any = any || option_on(t, states[i]);
	buf_add_text(&b, "/api/v2/alerts");
	for (size_t i = 0; i < COUNT_OF(states); i++) {
		bool on = option_on(t, states[i]) || (!any && i == 0);

		buf_addf(&b, "%c%s=%s", i ? '&' : '?', states[i], on ? "true" : "false");
	}
	if (option_text(t, "receiver")[0]) {
		buf_add_text(&b, "&receiver=");
		buf_add_query_escaped(&b, str_of(option_text(t, "receiver")));
	}
	filters = matcher_args(t, &n);
	for (size_t i = 0; i < n; i++) {
		buf_add_text(&b, "&filter=");
		buf_add_query_escaped(&b, str_of(filters[i]));
	}
	path = buf_keep(&b, &t->mem).p;
	buf_free(&b);
	return path;
}

static int by_start(const void *a, const void *b)
{
	const json_t *const *x = a, *const *y = b;

	return instant_cmp(json_time(*x, "startsAt"), json_time(*y, "startsAt"));
}

/* a="b" c="d", values as they are */
static const char *pairs_text(struct tool *t, const json_t *object)
{
	const struct labels *set = json_labels(&t->mem, object);
	struct buf b = BUF(BUF_NO_LIMIT);
	const char *text;

	for (size_t i = 0; set && i < set->n; i++)
		buf_addf(&b, "%s%s=\"%s\"", i ? " " : "", set->v[i].name, set->v[i].value);
	text = buf_keep(&b, &t->mem).p;
	buf_free(&b);
	return text;
}

static void add_simple(struct tool *t, struct table *table, const json_t *a)
{
	const char *cells[] = {
		json_text(json_object_get(a, "labels"), "alertname"),
		date_text(t, json_text(a, "startsAt")),
		json_text(json_object_get(a, "annotations"), "summary"),
		json_text(json_object_get(a, "status"), "state"),
	};

	table_row(table, cells);
}

static void add_extended(struct tool *t, struct table *table, const json_t *a)
{
	const char *cells[] = {
		pairs_text(t, json_object_get(a, "labels")),
		pairs_text(t, json_object_get(a, "annotations")),
		date_text(t, json_text(a, "startsAt")),
		date_text(t, json_text(a, "endsAt")),
		json_text(a, "generatorURL"),
		json_text(json_object_get(a, "status"), "state"),
	};

	table_row(table, cells);
}

static void print_alerts(struct tool *t, const json_t *list)
{
	static const char *const simple[] = {"Alertname", "Starts At", "Summary", "State"};
	static const char *const extended[] = {"Labels",  "Annotations",   "Starts At",
					       "Ends At", "Generator URL", "State"};
	bool wide = t->output == OUTPUT_EXTENDED;
	struct table table = {.mem = &t->mem, .columns = wide ? 6 : 4};
	size_t n = json_array_size(list);
	const json_t **v = ARENA_ARRAY(&t->mem, const json_t *, n);

	for (size_t i = 0; i < n; i++)
		v[i] = json_array_get(list, i);
	if (n)
		qsort(v, n, sizeof(*v), by_start);
	table_row(&table, wide ? extended : simple);
	for (size_t i = 0; i < n; i++) {
		if (wide)
			add_extended(t, &table, v[i]);
		else
			add_simple(t, &table, v[i]);
	}
	table_print(&table);
}

int alert_query(struct tool *t)
{
	json_t *list = request_json(t, "GET", query_path(t), "getAlerts", STR(""));

	if (!list)
		return 1;
	if (t->output == OUTPUT_JSON)
		print_json(list);
	else
		print_alerts(t, list);
	json_decref(list);
	return 0;
}

static void add_pairs(struct buf *b, const struct label *v, size_t n)
{
	buf_add_char(b, '{');
	for (size_t i = 0; i < n; i++) {
		if (i)
			buf_add_char(b, ',');
		buf_add_json(b, str_of(v[i].name));
		buf_add_char(b, ':');
		buf_add_json(b, str_of(v[i].value));
	}
	buf_add_char(b, '}');
}

static struct str alert_json(struct tool *t, const struct label *labels, size_t n_labels,
			     const struct label *annotations, size_t n_annotations,
			     struct instant starts, struct instant ends)
{
	struct buf b = BUF(BUF_NO_LIMIT);
	struct str text;

	buf_add_text(&b, "[{\"labels\":");
	add_pairs(&b, labels, n_labels);
	buf_add_text(&b, ",\"annotations\":");
	add_pairs(&b, annotations, n_annotations);
	buf_add_text(&b, ",\"startsAt\":\"");
	buf_add_instant_ms(&b, starts);
	buf_add_text(&b, "\",\"endsAt\":\"");
	buf_add_instant_ms(&b, ends);
	buf_add_text(&b, "\",\"generatorURL\":");
	buf_add_json(&b, str_of(option_text(t, "generator-url")));
	buf_add_text(&b, "}]");
	text = buf_keep(&b, &t->mem);
	buf_free(&b);
	return text;
}

int alert_add(struct tool *t)
{
	const struct option_value *notes = option(t, "annotation");
	struct instant starts = INSTANT_ZERO, ends = INSTANT_ZERO;
	struct label *labels, *annotations;
	size_t n_texts, n_labels, n_annotations;
	const char **texts = matcher_args(t, &n_texts);
	struct reply r;
	struct str body;
	int code;

	if (!parse_pairs(t, texts, n_texts, "labels", &labels, &n_labels) ||
	    !parse_pairs(t, notes->texts.v, notes->texts.n, "annotations", &annotations,
			 &n_annotations) ||
	    !parse_instant(t, "start", &starts) || !parse_instant(t, "end", &ends))
		return 1;
	body = alert_json(t, labels, n_labels, annotations, n_annotations, starts, ends);
	r = request(t, "POST", "/api/v2/alerts", body);
	code = check_reply(t, &r, "POST", "/alerts", "postAlerts");
	if (!code && t->output == OUTPUT_JSON && !t->is_amtool)
		printf("%.*s\n", FMT(body));
	return code;
}
