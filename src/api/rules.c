#include "base/base.h"
#include "api/rules_filter.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* GET /api/v1/rules and /api/v1/alerts, as Prometheus answers them (spec/remote-write.md
 * B1 to B3), and our own list of refused rule files. */

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
		if (!rules_filter_takes(r, f, &g->rules[i]))
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

/* The groups of one page; the name of the next one in *next, NULL: there is none. False
 * after a 400 was answered. */
static bool add_page(struct buf *b, struct request *r, const struct rules_filter *f,
		     const char **next)
{
	size_t n, shown = 0;
	struct rulegroup_view *v = sorted_groups(r, &n);
	bool begun = !f->token.n;

	*next = NULL;
	for (size_t i = 0; i < n && !*next; i++) {
		size_t before = b->n, was_shown = shown;

		if (!rules_filter_takes_group(r, &v[i]))
			continue;
		begun = begun || str_is(f->token, rules_token(r->mem, &v[i]));
		if (begun)
			add_group(b, r, f, &v[i], &shown);
		if (f->limit && was_shown == f->limit && shown > was_shown) {
			buf_cut(b, before);
			*next = rules_token(r->mem, &v[i]);
		}
	}
	if (begun)
		return true;
	bad_data(r, arena_printf(r->mem,
				 "invalid parameter \"group_next_token\": invalid "
				 "group_next_token '%.*s'. were rule groups changed?",
				 FMT(f->token)));
	return false;
}

void get_rules(struct request *r)
{
	struct buf b = BUF(BUF_NO_LIMIT);
	struct rules_filter f;
	const char *next;

	if (!rules_filter_parse(r, &f))
		return;
	buf_add_text(&b, "{\"status\":\"success\",\"data\":{\"groups\":[");
	if (add_page(&b, r, &f, &next)) {
		buf_add_char(&b, ']');
		if (next)
			buf_addf(&b, ",\"groupNextToken\":\"%s\"", next);
		buf_add_text(&b, "}}");
		answer_json(r, 200, &b);
	}
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

/* Rules that were evaluated without error and never had a series. */
static void add_never_matched(struct buf *b, struct request *r)
{
	size_t n, shown = 0;
	struct rulegroup_view *v = sorted_groups(r, &n);

	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < v[i].n_rules; k++) {
			const struct rule_view *rule = &v[i].rules[k];

			if (rule->ever_had_series || rule->health != HEALTH_OK)
				continue;
			buf_add_text(b, shown++ ? ",{\"file\":" : "{\"file\":");
			buf_add_json(b, str_of(v[i].config->file));
			buf_addf(b, ",\"line\":%d,\"group\":", rule->rule->at.line);
			buf_add_json(b, str_of(v[i].config->name));
			buf_add_text(b, ",\"name\":");
			buf_add_json(b, str_of(rule->rule->alert ? rule->rule->alert
								 : rule->rule->record));
			buf_addf(b, ",\"evaluations\":%llu}",
				 (unsigned long long)rule->evaluations);
		}
	}
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
	buf_add_text(&b, "],\"neverMatched\":[");
	add_never_matched(&b, r);
	buf_add_text(&b, "]}}");
	answer_json(r, 200, &b);
	buf_free(&b);
}
