#include "base/base.h"
#include "api/request.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* GET /api/v1/rules and /api/v1/alerts, as Prometheus answers them (spec/remote-write.md
 * B1 to B3), and our own list of refused rule files. */

static void bad_data(struct request *r, const char *text)
{
	struct buf b = BUF(4096);

	buf_add_text(&b, "{\"status\":\"error\",\"errorType\":\"bad_data\",\"error\":");
	buf_add_json(&b, str_of(text));
	buf_add_char(&b, '}');
	answer_json(r, 400, &b);
	buf_free(&b);
}

static void add_seconds(struct buf *b, span_ms ms)
{
	buf_addf(b, "%g", (double)ms / 1000);
}

static void add_wall(struct buf *b, wall_ms at)
{
	buf_add_char(b, '"');
	buf_add_instant(b, at ? instant_of_ms(at) : INSTANT_ZERO);
	buf_add_char(b, '"');
}

/* The shortest digits that read back as the same number, with an exponent. */
static void add_value(struct buf *b, double v)
{
	char text[40];

	if (isnan(v)) {
		buf_add_text(b, "\"NaN\"");
		return;
	}
	if (isinf(v)) {
		buf_add_text(b, v > 0 ? "\"+Inf\"" : "\"-Inf\"");
		return;
	}
	for (int digits = 0; digits <= 17; digits++) {
		snprintf(text, sizeof(text), "%.*e", digits, v);
		if (strtod(text, NULL) == v)
			break;
	}
	buf_addf(b, "\"%s\"", text);
}

static void add_pairs(struct buf *b, const struct text_pair *v, size_t n)
{
	buf_add_char(b, '{');
	for (size_t i = 0; i < n; i++) {
		if (i)
			buf_add_char(b, ',');
		buf_add_json(b, str_of(v[i].name));
		buf_add_char(b, ':');
		buf_add_json(b, str_of(v[i].text));
	}
	buf_add_char(b, '}');
}

static int by_labels(const void *a, const void *b)
{
	const struct active_view *x = a, *y = b;

	return labels_cmp(x->labels, y->labels);
}

static void add_active(struct buf *b, const struct active_view *a)
{
	buf_add_text(b, "{\"labels\":");
	buf_add_labels_json(b, a->labels);
	buf_add_text(b, ",\"annotations\":");
	buf_add_labels_json(b, a->annotations);
	buf_addf(b, ",\"state\":\"%s\",\"activeAt\":", alert_state_text(a->state));
	add_wall(b, a->active_at);
	if (a->keep_firing_since) {
		buf_add_text(b, ",\"keepFiringSince\":");
		add_wall(b, a->keep_firing_since);
	}
	buf_add_text(b, ",\"value\":");
	add_value(b, a->value);
	buf_add_char(b, '}');
}

static void add_actives(struct buf *b, struct rule_view *v, size_t *shown)
{
	if (v->n_active)
		qsort(v->active, v->n_active, sizeof(*v->active), by_labels);
	for (size_t i = 0; i < v->n_active; i++) {
		if ((*shown)++)
			buf_add_char(b, ',');
		add_active(b, &v->active[i]);
	}
}

static void add_tail(struct buf *b, const struct rule_view *v, const char *type)
{
	buf_addf(b, ",\"health\":\"%s\"", rule_health_text(v->health));
	if (v->last_error[0]) {
		buf_add_text(b, ",\"lastError\":");
		buf_add_json(b, str_of(v->last_error));
	}
	buf_add_text(b, ",\"evaluationTime\":");
	add_seconds(b, v->duration);
	buf_add_text(b, ",\"lastEvaluation\":");
	add_wall(b, v->evaluated_at);
	buf_addf(b, ",\"type\":\"%s\"}", type);
}

static void add_alerting(struct buf *b, struct rule_view *v, bool with_alerts)
{
	const struct rule *rule = v->rule;
	size_t shown = 0;

	buf_addf(b, "{\"state\":\"%s\",\"name\":",
		 v->health == HEALTH_UNKNOWN && !v->n_active ? "unknown"
							     : alert_state_text(v->state));
	buf_add_json(b, str_of(rule->alert));
	buf_add_text(b, ",\"query\":");
	buf_add_json(b, str_of(rule->expr));
	buf_add_text(b, ",\"duration\":");
	add_seconds(b, rule->hold);
	buf_add_text(b, ",\"keepFiringFor\":");
	add_seconds(b, rule->keep_firing);
	buf_add_text(b, ",\"labels\":");
	add_pairs(b, rule->labels, rule->n_labels);
	buf_add_text(b, ",\"annotations\":");
	add_pairs(b, rule->annotations, rule->n_annotations);
	buf_add_text(b, ",\"alerts\":");
	if (with_alerts) {
		buf_add_char(b, '[');
		add_actives(b, v, &shown);
		buf_add_char(b, ']');
	} else {
		buf_add_text(b, "null");
	}
	add_tail(b, v, "alerting");
}

static void add_recording(struct buf *b, const struct rule_view *v)
{
	buf_add_text(b, "{\"name\":");
	buf_add_json(b, str_of(v->rule->record));
	buf_add_text(b, ",\"query\":");
	buf_add_json(b, str_of(v->rule->expr));
	if (v->rule->n_labels) {
		buf_add_text(b, ",\"labels\":");
		add_pairs(b, v->rule->labels, v->rule->n_labels);
	}
	add_tail(b, v, "recording");
}

/* -- filters -------------------------------------------------------------------------- */

struct rules_filter {
	bool alerting, recording, with_alerts;
};

static bool is_word(struct str s, const char *word)
{
	return s.n == strlen(word) && !strncasecmp(s.p, word, s.n);
}

/* As Go's ParseBool. */
static bool parse_bool(struct str s, bool *out)
{
	static const char *const yes[] = {"1", "t", "true"}, *const no[] = {"0", "f",
									    "false"};

	for (size_t i = 0; i < 3; i++) {
		if (is_word(s, yes[i]) || is_word(s, no[i])) {
			*out = is_word(s, yes[i]);
			return true;
		}
	}
	return false;
}

static bool filter_parse(struct request *r, struct rules_filter *f)
{
	const struct param *type = param_last(r, "type"),
			   *bare = param_last(r, "exclude_alerts");
	bool exclude = false;

	*f = (struct rules_filter){true, true, true};
	if (type && type->value.n) {
		f->alerting = is_word(type->value, "alert");
		f->recording = is_word(type->value, "record");
		if (!f->alerting && !f->recording) {
			bad_data(r,
				 arena_printf(r->mem,
					      "invalid parameter \"type\": not supported "
					      "value \"%.*s\"",
					      FMT(type->value)));
			return false;
		}
	}
	if (bare && bare->value.n && !parse_bool(bare->value, &exclude)) {
		bad_data(r, arena_printf(
				    r->mem,
				    "invalid parameter \"exclude_alerts\": error "
				    "converting exclude_alerts: strconv.ParseBool: parsing "
				    "\"%.*s\": invalid syntax",
				    FMT(bare->value)));
		return false;
	}
	f->with_alerts = !exclude;
	return true;
}

/* Whether the parameter is absent or one of its values is this text. */
static bool is_named(const struct request *r, const char *param, const char *text)
{
	bool any = false;

	for (size_t i = 0; i < r->params.n; i++) {
		if (!str_is(r->params.v[i].name, param))
			continue;
		any = true;
		if (str_is(r->params.v[i].value, text))
			return true;
	}
	return !any;
}

static bool takes(const struct request *r, const struct rules_filter *f,
		  const struct rule_view *v)
{
	const char *name = v->rule->alert ? v->rule->alert : v->rule->record;

	return (v->rule->alert ? f->alerting : f->recording) &&
	       is_named(r, "rule_name[]", name);
}

/* -- GET rules ------------------------------------------------------------------------ */

static int by_file_and_name(const void *a, const void *b)
{
	const struct rulegroup_view *x = a, *y = b;
	int order = strcmp(x->config->file, y->config->file);

	return order ? order : strcmp(x->config->name, y->config->name);
}

static void add_group(struct buf *b, const struct request *r, const struct rules_filter *f,
		      struct rulegroup_view *g, size_t *shown)
{
	size_t start = b->n, n = 0;

	buf_add_text(b, *shown ? ",{\"name\":" : "{\"name\":");
	buf_add_json(b, str_of(g->config->name));
	buf_add_text(b, ",\"file\":");
	buf_add_json(b, str_of(g->config->file));
	buf_add_text(b, ",\"rules\":[");
	for (size_t i = 0; i < g->n_rules; i++) {
		if (!takes(r, f, &g->rules[i]))
			continue;
		if (n++)
			buf_add_char(b, ',');
		if (g->rules[i].rule->alert)
			add_alerting(b, &g->rules[i], f->with_alerts);
		else
			add_recording(b, &g->rules[i]);
	}
	if (!n) {
		buf_cut(b, start);
		return;
	}
	(*shown)++;
	buf_add_text(b, "],\"interval\":");
	add_seconds(b, g->interval);
	buf_addf(b, ",\"limit\":%lld,\"evaluationTime\":", (long long)g->config->limit);
	add_seconds(b, g->last_duration);
	buf_add_text(b, ",\"lastEvaluation\":");
	add_wall(b, g->evaluated_at);
	buf_add_char(b, '}');
}

static struct rulegroup_view *sorted_groups(struct request *r, size_t *n)
{
	const struct api_host *host = &r->api->options.host;
	struct rulegroup_view *v = view_rules(host->engine(host->ctx), r->mem, n);

	if (*n)
		qsort(v, *n, sizeof(*v), by_file_and_name);
	return v;
}

void get_rules(struct request *r)
{
	struct buf b = BUF(BUF_NO_LIMIT);
	struct rulegroup_view *v;
	struct rules_filter f;
	size_t n, shown = 0;

	if (!filter_parse(r, &f))
		return;
	v = sorted_groups(r, &n);
	buf_add_text(&b, "{\"status\":\"success\",\"data\":{\"groups\":[");
	for (size_t i = 0; i < n; i++) {
		if (is_named(r, "rule_group[]", v[i].config->name) &&
		    is_named(r, "file[]", v[i].config->file))
			add_group(&b, r, &f, &v[i], &shown);
	}
	buf_add_text(&b, "]}}");
	answer_json(r, 200, &b);
	buf_free(&b);
}

void get_rule_alerts(struct request *r)
{
	struct buf b = BUF(BUF_NO_LIMIT);
	struct rulegroup_view *v;
	size_t n, shown = 0;

	v = sorted_groups(r, &n);
	buf_add_text(&b, "{\"status\":\"success\",\"data\":{\"alerts\":[");
	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < v[i].n_rules; k++)
			add_actives(&b, &v[i].rules[k], &shown);
	}
	buf_add_text(&b, "]}}");
	answer_json(r, 200, &b);
	buf_free(&b);
}

void get_broken_rules(struct request *r)
{
	const struct api_host *host = &r->api->options.host;
	struct buf b = BUF(BUF_NO_LIMIT);
	struct broken_file *v;
	size_t n = host->broken_files(host->ctx, r->mem, &v);

	buf_add_text(&b, "{\"status\":\"success\",\"data\":{\"files\":[");
	for (size_t i = 0; i < n; i++) {
		buf_add_text(&b, i ? ",{\"file\":" : "{\"file\":");
		buf_add_json(&b, str_of(v[i].path));
		buf_add_text(&b, ",\"error\":");
		buf_add_json(&b, str_of(v[i].text));
		buf_addf(&b, ",\"lastGoodRuns\":%s}",
			 v[i].last_good_runs ? "true" : "false");
	}
	buf_add_text(&b, "]}}");
	answer_json(r, 200, &b);
	buf_free(&b);
}
