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
	char fraction[8];
	int n = snprintf(fraction, sizeof(fraction), ".%03d", (int)(ms % 1000));

	buf_add_int(b, ms / 1000);
	while (fraction[n - 1] == '0')
		n--;
	buf_add(b, fraction, n == 1 ? 0 : (size_t)n);
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

static bool never_matched(const struct rule_view *v)
{
	return !v->ever_had_series && v->health == HEALTH_OK;
}

/* The names as a list; false and nothing added when all are known. */
static bool add_unknown(struct buf *b, struct request *r, const struct rule_group *g,
			const struct rule *rule, const char *before)
{
	const struct api_host *host = &r->api->options.host;
	const char **v;
	size_t n = host->unknown_names ? host->unknown_names(host->ctx, g, rule, r->mem, &v)
				       : 0;

	if (!n)
		return false;
	buf_add_text(b, before);
	for (size_t i = 0; i < n; i++) {
		buf_add_char(b, i ? ',' : '[');
		buf_add_json(b, str_of(v[i]));
	}
	buf_add_char(b, ']');
	return true;
}

/* Ours: what tells that a rule is dead, or has not all it asks for. */
static void add_signs(struct buf *b, struct request *r, const struct rule_group *g,
		      const struct rule_view *v)
{
	if (v->last_warning[0]) {
		buf_add_text(b, ",\"lastWarning\":");
		buf_add_json(b, str_of(v->last_warning));
	}
	if (never_matched(v))
		buf_add_text(b, ",\"neverMatched\":true");
	(void)add_unknown(b, r, g, v->rule, ",\"unknownMetrics\":");
	buf_add_char(b, '}');
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
	buf_addf(b, ",\"type\":\"%s\"", type);
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
	buf_add_json(b, str_of(rule->shown));
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
	buf_add_json(b, str_of(v->rule->shown));
	if (v->rule->n_labels) {
		buf_add_text(b, ",\"labels\":");
		add_pairs(b, v->rule->labels, v->rule->n_labels);
	}
	add_tail(b, v, "recording");
}

/* -- GET rules ------------------------------------------------------------------------ */

static int by_file_and_name(const void *a, const void *b)
{
	const struct rulegroup_name *x = a, *y = b;
	int order = strcmp(x->file, y->file);

	return order ? order : strcmp(x->name, y->name);
}

static void add_group(struct buf *b, const struct request *r, const struct rules_filter *f,
		      const struct rulegroup_view *g, size_t *shown)
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
		add_signs(b, (struct request *)(uintptr_t)r, g->config, &g->rules[i]);
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
	buf_addf(b, ",\"iterations\":%llu,\"missedIterations\":%llu%s}",
		 (unsigned long long)g->iterations, (unsigned long long)g->missed,
		 g->is_slow ? ",\"slow\":true" : "");
}

/* An answer on its way, a group or more a piece; a group that goes meanwhile is left out.
 */
struct rules_list {
	struct request *r;
	struct rules_filter filter;
	bool only_alerts, begun;
	struct rulegroup_name *groups;
	size_t n, at, shown;
	const char *next;   /* the token of the next page; NULL: this is the last */
	struct arena piece; /* of the group being written */
};

/* One group more than the page holds names the next page instead. */
static void add_group_of_page(struct rules_list *list, struct rulegroup_view *g,
			      const struct rulegroup_name *name, struct buf *b)
{
	size_t before = b->n, shown = list->shown;

	add_group(b, list->r, &list->filter, g, &list->shown);
	if (!list->filter.limit || list->shown <= list->filter.limit)
		return;
	buf_cut(b, before);
	list->shown = shown;
	list->next = rules_token(list->r->mem, name->file, name->name);
	list->at = list->n;
}

static void add_next(struct rules_list *list, struct buf *b)
{
	const struct api_host *host = &list->r->api->options.host;
	const struct rulegroup_name *name = &list->groups[list->at++];
	struct rulegroup_view g;

	arena_reset(&list->piece);
	if (!view_rulegroup(host->engine(host->ctx), name->key, &list->piece, &g))
		return;
	for (size_t i = 0; list->only_alerts && i < g.n_rules; i++)
		add_actives(b, &g.rules[i], &list->shown);
	if (!list->only_alerts && rules_filter_takes_group(list->r, name->file, name->name))
		add_group_of_page(list, &g, name, b);
}

static bool more_rules(void *arg, struct buf *b)
{
	struct rules_list *list = arg;

	if (!list->begun)
		buf_addf(b, "{\"status\":\"success\",\"data\":{\"%s\":[",
			 list->only_alerts ? "alerts" : "groups");
	list->begun = true;
	while (list->at < list->n && b->n < STREAM_PIECE)
		add_next(list, b);
	if (list->at < list->n)
		return true;
	buf_add_char(b, ']');
	if (list->next)
		buf_addf(b, ",\"groupNextToken\":\"%s\"", list->next);
	buf_add_text(b, "}}");
	return false;
}

static void rules_ended(void *arg)
{
	struct rules_list *list = arg;

	arena_free(&list->piece);
}

/* Where the page begins; false after a 400 was answered. */
static bool find_page(struct request *r, struct rules_list *list)
{
	struct str token = list->filter.token;

	while (token.n && list->at < list->n &&
	       !str_is(token, rules_token(r->mem, list->groups[list->at].file,
					  list->groups[list->at].name)))
		list->at++;
	if (!token.n || list->at < list->n)
		return true;
	bad_data(r, arena_printf(r->mem,
				 "invalid parameter \"group_next_token\": invalid "
				 "group_next_token '%.*s'. were rule groups changed?",
				 FMT(token)));
	return false;
}

static void answer_rules(struct request *r, const struct rules_list *wanted)
{
	const struct api_host *host = &r->api->options.host;
	struct rules_list *list = ARENA_NEW(r->mem, struct rules_list);

	*list = *wanted;
	list->r = r;
	list->groups = view_rulegroup_names(host->engine(host->ctx), r->mem, &list->n);
	if (list->n)
		qsort(list->groups, list->n, sizeof(*list->groups), by_file_and_name);
	if (find_page(r, list))
		answer_json_stream(r, &(struct stream){list, more_rules, rules_ended});
}

void get_rules(struct request *r)
{
	struct rules_list list = {0};

	if (rules_filter_parse(r, &list.filter))
		answer_rules(r, &list);
}

void get_rule_alerts(struct request *r)
{
	answer_rules(r, &(struct rules_list){.only_alerts = true});
}

/* The rule, without the brace at its end. */
static void add_place(struct buf *b, const struct rule_group *g, const struct rule *rule)
{
	buf_add_text(b, "{\"file\":");
	buf_add_json(b, str_of(g->file));
	buf_addf(b, ",\"line\":%d,\"group\":", rule->at.line);
	buf_add_json(b, str_of(g->name));
	buf_add_text(b, ",\"name\":");
	buf_add_json(b, str_of(rule->alert ? rule->alert : rule->record));
}

static void add_unknown_metrics(struct buf *b, struct request *r)
{
	const struct api_host *host = &r->api->options.host;
	size_t n, shown = 0;
	struct rulegroup_view *v = view_rules(host->engine(host->ctx), r->mem, &n);

	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < v[i].n_rules; k++) {
			const struct rule *rule = v[i].rules[k].rule;
			size_t before = b->n;

			if (shown)
				buf_add_char(b, ',');
			add_place(b, v[i].config, rule);
			if (!add_unknown(b, r, v[i].config, rule, ",\"metrics\":")) {
				buf_cut(b, before);
				continue;
			}
			shown++;
			buf_add_char(b, '}');
		}
	}
}

/* Groups whose iterations take longer than their interval. */
static void add_slow_groups(struct buf *b, struct request *r)
{
	const struct api_host *host = &r->api->options.host;
	size_t n, shown = 0;
	struct rulegroup_view *v = view_rules(host->engine(host->ctx), r->mem, &n);

	for (size_t i = 0; i < n; i++) {
		if (!v[i].is_slow)
			continue;
		buf_add_text(b, shown++ ? ",{\"file\":" : "{\"file\":");
		buf_add_json(b, str_of(v[i].config->file));
		buf_add_text(b, ",\"group\":");
		buf_add_json(b, str_of(v[i].config->name));
		buf_add_text(b, ",\"interval\":");
		add_seconds(b, v[i].interval);
		buf_add_text(b, ",\"evaluationTime\":");
		add_seconds(b, v[i].last_duration);
		buf_addf(b, ",\"missedIterations\":%llu}", (unsigned long long)v[i].missed);
	}
}

/* Rules that were evaluated without error and never had a series. */
static void add_never_matched(struct buf *b, struct request *r)
{
	const struct api_host *host = &r->api->options.host;
	size_t n, shown = 0;
	struct rulegroup_view *v = view_rules(host->engine(host->ctx), r->mem, &n);

	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < v[i].n_rules; k++) {
			const struct rule_view *rule = &v[i].rules[k];

			if (!never_matched(rule))
				continue;
			if (shown++)
				buf_add_char(b, ',');
			add_place(b, v[i].config, rule->rule);
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
	buf_add_text(&b, "],\"unknownMetrics\":[");
	add_unknown_metrics(&b, r);
	buf_add_text(&b, "],\"slowGroups\":[");
	add_slow_groups(&b, r);
	buf_add_text(&b, "]}}");
	answer_json(r, 200, &b);
	buf_free(&b);
}
