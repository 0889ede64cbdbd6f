#include "base/base.h"
#include "api/curl_text.h"
#include "api/rules_filter.h"
#include "text/float.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* What vmalert says of its rules: one rule with its last evaluations, one alert, one group,
 * and the two lists under /vmalert (spec/remote-write.md C). */

/* -- ids (spec/rules.md 21.5) ------------------------------------------------------ */

static const char *type_text(const struct request *r, const struct rule_group *g)
{
	const struct api_host *host = &r->api->options.host;
	const struct config *c = host->config(host->ctx);

	return rule_group_type_text(
		g, rule_group_datasource(g, c->datasources, c->n_datasources));
}

static uint64_t group_id(const struct request *r, const struct rulegroup_view *v)
{
	return rule_group_id(v->config, type_text(r, v->config), v->interval);
}

/* -- pieces ------------------------------------------------------------------------ */

static void add_id(struct buf *b, const char *name, uint64_t id)
{
	buf_addf(b, ",\"%s\":\"%llu\"", name, (unsigned long long)id);
}

static void add_text(struct buf *b, const char *name, const char *text)
{
	buf_addf(b, ",\"%s\":", name);
	buf_add_json(b, str_of(text));
}

static void add_time(struct buf *b, const char *name, wall_ms at)
{
	buf_addf(b, ",\"%s\":\"", name);
	buf_add_instant(b, at ? instant_of_ms(at) : INSTANT_ZERO);
	buf_add_char(b, '"');
}

static void add_seconds(struct buf *b, const char *name, span_ms ms)
{
	buf_addf(b, ",\"%s\":%g", name, (double)ms / 1000);
}

/* Left out when there are none. */
static void add_pairs(struct buf *b, const char *name, const struct text_pair *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		buf_addf(b, i ? "," : ",\"%s\":{", name);
		buf_add_json(b, str_of(v[i].name));
		buf_add_char(b, ':');
		buf_add_json(b, str_of(v[i].text));
	}
	if (n)
		buf_add_char(b, '}');
}

static void add_texts(struct buf *b, const char *name, const char *separator,
		      const struct text_pair *v, size_t n)
{
	struct arena mem = {0};

	for (size_t i = 0; i < n; i++) {
		const char *text = strcmp(separator, "=") && is_secret_header(v[i].name)
					   ? "<secret>"
					   : v[i].text;

		buf_addf(b, i ? "," : ",\"%s\":[", name);
		buf_add_json(b, str_of(arena_printf(&mem, "%s%s%s", v[i].name, separator,
						    text)));
	}
	if (n)
		buf_add_char(b, ']');
	arena_free(&mem);
}

/* Plain decimals, as few as tell the number apart in single precision. */
static void add_value(struct buf *b, double v)
{
	char text[40];

	for (int digits = 0; isfinite(v) && digits <= 8; digits++) {
		snprintf(text, sizeof(text), "%.*e", digits, v);
		if (strtof(text, NULL) == (float)v) {
			v = strtod(text, NULL);
			break;
		}
	}
	buf_add_text(b, ",\"value\":\"");
	buf_add_float(b, v, 'f', -1);
	buf_add_char(b, '"');
}

/* -- an alert ---------------------------------------------------------------------- */

static void add_alert(struct buf *b, uint64_t group, const struct rule_view *v,
		      const struct active_view *a)
{
	buf_addf(b, "{\"state\":\"%s\"", alert_state_text(a->state));
	add_text(b, "name", v->rule->alert);
	add_value(b, a->value);
	buf_add_text(b, ",\"labels\":");
	buf_add_labels_json(b, a->labels);
	buf_add_text(b, ",\"annotations\":");
	buf_add_labels_json(b, a->annotations);
	add_time(b, "activeAt", a->active_at);
	add_id(b, "id", rule_alert_id(a->labels));
	add_id(b, "rule_id", v->rule->id);
	add_id(b, "group_id", group);
	add_text(b, "expression", v->rule->expr);
	add_text(b, "source", v->generator_url);
	buf_addf(b, ",\"restored\":%s,\"stabilizing\":%s}", a->restored ? "true" : "false",
		 a->keep_firing_since ? "true" : "false");
}

static int by_labels(const void *a, const void *b)
{
	const struct active_view *x = a, *y = b;

	return labels_cmp(x->labels, y->labels);
}

static void add_alerts(struct buf *b, uint64_t group, struct rule_view *v)
{
	if (!v->n_active)
		return;
	qsort(v->active, v->n_active, sizeof(*v->active), by_labels);
	for (size_t i = 0; i < v->n_active; i++) {
		buf_add_text(b, i ? "," : ",\"alerts\":[");
		add_alert(b, group, v, &v->active[i]);
	}
	buf_add_char(b, ']');
}

/* -- a rule ------------------------------------------------------------------------ */

struct shown { /* a rule, and how it is shown */
	struct request *r;
	const struct rulegroup_view *group;
	uint64_t group_id;
	struct rule_view *rule;
	const struct rule_update *updates; /* newest first */
	size_t n_updates;
	bool with_alerts, extended;
};

static const char *extended_state(const struct shown *s)
{
	const struct rule_view *v = s->rule;

	if (v->n_active)
		return alert_state_text(v->state);
	if (v->health == HEALTH_ERR)
		return "unhealthy";
	if (s->n_updates && !s->updates->samples && !s->updates->series_fetched)
		return "nomatch";
	return v->rule->alert ? "inactive" : "ok";
}

static const char *state_of(const struct shown *s)
{
	if (s->extended)
		return extended_state(s);
	if (!s->rule->rule->alert)
		return "";
	return s->rule->n_active ? alert_state_text(s->rule->state) : "inactive";
}

static void add_last(struct buf *b, const struct shown *s)
{
	const struct rule_update *last = s->n_updates ? s->updates : NULL;

	buf_addf(b, ",\"lastSamples\":%zu", last ? last->samples : 0);
	if (last && last->series_fetched >= 0)
		buf_addf(b, ",\"lastSeriesFetched\":%lld", (long long)last->series_fetched);
}

/* Without the brace at its end. */
static void add_rule(struct buf *b, const struct shown *s)
{
	struct rule_view *v = s->rule;
	const struct rule *rule = v->rule;

	buf_addf(b, "{\"state\":\"%s\"", state_of(s));
	add_text(b, "name", rule->alert ? rule->alert : rule->record);
	add_text(b, "query", rule->expr);
	add_seconds(b, "duration", rule->hold);
	add_seconds(b, "keep_firing_for", rule->keep_firing);
	add_pairs(b, "labels", rule->labels, rule->n_labels);
	add_pairs(b, "annotations", rule->annotations, rule->n_annotations);
	add_text(b, "lastError", v->last_error);
	buf_addf(b, ",\"evaluationTime\":%g", (double)v->duration / 1000);
	add_time(b, "lastEvaluation", v->evaluated_at);
	if (s->with_alerts)
		add_alerts(b, s->group_id, v);
	buf_addf(b, ",\"health\":\"%s\",\"type\":\"%s\",\"datasourceType\":\"%s\"",
		 v->health == HEALTH_ERR ? "err" : "ok",
		 rule->alert ? "alerting" : "recording", type_text(s->r, s->group->config));
	add_last(b, s);
	add_id(b, "id", rule->id);
	add_id(b, "group_id", s->group_id);
	add_text(b, "group_name", s->group->config->name);
	add_text(b, "file", s->group->config->file);
	buf_addf(b, ",\"debug\":%s,\"max_updates_entries\":%zu",
		 rule->debug ? "true" : "false", rule->update_entries_limit);
}

static void add_update(struct buf *b, const struct shown *s, const struct rule_update *u)
{
	size_t start = b->n;

	add_time(b, "time", u->began_at);
	b->p[start] = '{';
	add_time(b, "at", u->at);
	buf_addf(b, ",\"duration\":%lld", (long long)u->duration * 1000000);
	if (u->error)
		add_text(b, "error", u->error);
	else
		buf_add_text(b, ",\"error\":null");
	buf_addf(b, ",\"samples\":%zu", u->samples);
	if (u->series_fetched >= 0)
		buf_addf(b, ",\"series_fetched\":%lld", (long long)u->series_fetched);
	else
		buf_add_text(b, ",\"series_fetched\":null");
	add_text(b, "curl", curl_text(s->r, s->group, s->rule->rule->expr, u->at));
	buf_add_char(b, '}');
}

static void add_updates(struct buf *b, const struct shown *s)
{
	buf_add_text(b, ",\"updates\":[");
	for (size_t i = 0; i < s->n_updates; i++) {
		if (i)
			buf_add_char(b, ',');
		add_update(b, s, &s->updates[i]);
	}
	buf_add_char(b, ']');
}

/* -- a group ----------------------------------------------------------------------- */

static const char *const states[] = {"firing", "pending", "inactive",
				     "ok",     "nomatch", "unhealthy"};

static void add_states(struct buf *b, const size_t n[COUNT_OF(states)])
{
	bool any = false;

	buf_add_text(b, ",\"states\":{");
	for (size_t i = 0; i < COUNT_OF(states); i++) {
		if (!n[i])
			continue;
		buf_addf(b, "%s\"%s\":%zu", any ? "," : "", states[i], n[i]);
		any = true;
	}
	buf_add_text(b, "}}");
}

static void add_settings(struct buf *b, const struct request *r,
			 const struct rulegroup_view *v, uint64_t id)
{
	const struct rule_group *g = v->config;

	add_seconds(b, "interval", v->interval);
	add_time(b, "lastEvaluation", v->evaluated_at);
	add_text(b, "type", type_text(r, g));
	add_id(b, "id", id);
	add_text(b, "file", g->file);
	buf_addf(b, ",\"concurrency\":%d", MAX(g->concurrency, 1));
	add_texts(b, "params", "=", g->params, g->n_params);
	add_texts(b, "headers", ": ", g->headers, g->n_headers);
	add_pairs(b, "labels", g->labels, g->n_labels);
	if (g->has_eval_offset && g->eval_offset)
		add_seconds(b, "eval_offset", g->eval_offset);
	if (g->has_query_offset && g->query_offset)
		add_seconds(b, "eval_delay", g->query_offset);
}

static bool contains(struct str in, const char *part)
{
	size_t n = strlen(part);

	for (size_t i = 0; i + n <= in.n; i++) {
		if (!strncasecmp(in.p + i, part, n))
			return true;
	}
	return !n;
}

static bool has_search(const struct request *r, const char *text)
{
	const struct param *p = param_last(r, "search");

	return !p || contains(str_of(text), arena_copy(r->mem, p->value));
}

/* Another name of a state; states that nothing is ever in stay as they are. */
static struct str plain_state(struct str word)
{
	static const char *const names[][2] = {
		{"noData", "nomatch"}, {"normal", "inactive"}, {"error", "unhealthy"}};

	for (size_t i = 0; i < COUNT_OF(names); i++) {
		if (str_is(word, names[i][0]))
			return str_of(names[i][1]);
	}
	return word;
}

/* state or filter, with commas and repeated: one of them; absent: any. */
static bool has_state(const struct shown *s)
{
	bool asked = false;

	for (size_t i = 0; i < s->r->params.n; i++) {
		const struct param *p = &s->r->params.v[i];
		struct str rest = p->value, word;

		if (!str_is(p->name, "state") && !str_is(p->name, "filter"))
			continue;
		while (rest.n && str_cut(&rest, ',', &word)) {
			asked = true;
			if (str_is(plain_state(str_trim(word)), extended_state(s)))
				return true;
		}
	}
	return !asked;
}

/* What is asked for: all of a group, or what a filter takes of its rules. */
struct asked {
	const struct rules_filter *filter; /* NULL: all */
	bool extended, by_search;	   /* by_search: the group itself was found */
};

static bool takes(const struct shown *s, const struct asked *a)
{
	const struct rule *rule = s->rule->rule;

	if (!a->filter)
		return true;
	return rules_filter_takes(s->r, a->filter, s->rule) && has_state(s) &&
	       (a->by_search || has_search(s->r, rule->alert ? rule->alert : rule->record));
}

static struct shown shown_rule(struct request *r, const struct rulegroup_view *g, size_t i,
			       struct arena *mem)
{
	const struct api_host *host = &r->api->options.host;
	struct shown s = {.r = r,
			  .group = g,
			  .group_id = group_id(r, g),
			  .rule = &g->rules[i],
			  .with_alerts = true};

	s.updates = view_updates(
		host->engine(host->ctx),
		arena_printf(mem, "%s;%s", g->config->file, g->config->name), i, mem,
		&s.n_updates);
	return s;
}

/* How many of its rules are in it. */
static size_t add_group(struct buf *b, struct request *r, const struct rulegroup_view *g,
			const struct asked *a, struct arena *mem)
{
	size_t n[COUNT_OF(states)] = {0}, shown = 0;

	buf_add_text(b, "{\"name\":");
	buf_add_json(b, str_of(g->config->name));
	buf_add_text(b, ",\"rules\":[");
	for (size_t i = 0; i < g->n_rules; i++) {
		struct shown s = shown_rule(r, g, i, mem);

		s.extended = a->extended;
		s.with_alerts = !a->filter || a->filter->with_alerts;
		if (!takes(&s, a))
			continue;
		if (shown++)
			buf_add_char(b, ',');
		add_rule(b, &s);
		buf_add_char(b, '}');
		for (size_t k = 0; k < COUNT_OF(states); k++)
			n[k] += !strcmp(states[k], extended_state(&s));
	}
	buf_add_char(b, ']');
	add_settings(b, r, g, group_id(r, g));
	add_states(b, n);
	return shown;
}

/* -- one by its id ----------------------------------------------------------------- */

static void fail(struct request *r, int status, const char *text)
{
	struct buf b = BUF(4096);

	buf_add_text(&b, "{\"error\":");
	buf_add_json(&b, str_of(text));
	buf_addf(&b, ",\"errorType\":%d}", status);
	answer_json(r, status, &b);
	buf_free(&b);
}

/* False after a 400 was answered. */
static bool read_id(struct request *r, const char *name, uint64_t *out)
{
	const struct param *p = param_last(r, name);
	struct str s = p ? p->value : STR("");

	*out = 0;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9' ||
		    __builtin_mul_overflow(*out, (uint64_t)10, out) ||
		    __builtin_add_overflow(*out, (uint64_t)(s.p[i] - '0'), out)) {
			s.n = 0;
			break;
		}
	}
	if (s.n)
		return true;
	fail(r, 400,
	     arena_printf(r->mem,
			  "failed to read \"%s\" param: strconv.ParseUint: parsing "
			  "\"%.*s\": invalid syntax",
			  name, FMT(p ? p->value : STR(""))));
	return false;
}

/* False after an answer of 400 or 404. */
static bool find_group(struct request *r, struct rulegroup_view *out)
{
	const struct api_host *host = &r->api->options.host;
	struct rulegroup_view *v;
	uint64_t id;
	size_t n;

	if (!read_id(r, "group_id", &id))
		return false;
	v = view_rules(host->engine(host->ctx), r->mem, &n);
	for (size_t i = 0; i < n; i++) {
		if (group_id(r, &v[i]) == id) {
			*out = v[i];
			return true;
		}
	}
	fail(r, 404,
	     arena_printf(r->mem, "can't find group with id %llu", (unsigned long long)id));
	return false;
}

static void not_in_group(struct request *r, const char *what, uint64_t id,
			 const struct rulegroup_view *g)
{
	fail(r, 404,
	     arena_printf(r->mem, "can't find %s with id %llu in group \"%s\"", what,
			  (unsigned long long)id, g->config->name));
}

void vmalert_get_group(struct request *r)
{
	struct buf b = BUF(BUF_NO_LIMIT);
	struct rulegroup_view g;

	if (!find_group(r, &g))
		return;
	(void)add_group(&b, r, &g, &(struct asked){0}, r->mem);
	answer_json(r, 200, &b);
	buf_free(&b);
}

static bool find_rule(struct request *r, const struct rulegroup_view *g, struct shown *out)
{
	uint64_t id;

	if (!read_id(r, "rule_id", &id))
		return false;
	for (size_t i = 0; i < g->n_rules; i++) {
		if (g->rules[i].rule->id == id) {
			*out = shown_rule(r, g, i, r->mem);
			return true;
		}
	}
	not_in_group(r, "rule", id, g);
	return false;
}

void vmalert_get_rule(struct request *r)
{
	struct buf b = BUF(BUF_NO_LIMIT);
	struct rulegroup_view g;
	struct shown s;

	if (!find_group(r, &g) || !find_rule(r, &g, &s))
		return;
	add_rule(&b, &s);
	add_updates(&b, &s);
	buf_add_char(&b, '}');
	answer_json(r, 200, &b);
	buf_free(&b);
}

void vmalert_get_alert(struct request *r)
{
	struct buf b = BUF(BUF_NO_LIMIT);
	struct rulegroup_view g;
	uint64_t id;

	if (!find_group(r, &g) || !read_id(r, "alert_id", &id))
		return;
	for (size_t i = 0; !b.n && i < g.n_rules; i++) {
		const struct rule_view *v = &g.rules[i];

		for (size_t k = 0; !b.n && k < v->n_active; k++) {
			if (rule_alert_id(v->active[k].labels) == id)
				add_alert(&b, group_id(r, &g), v, &v->active[k]);
		}
	}
	if (b.n)
		answer_json(r, 200, &b);
	else
		not_in_group(r, "alert", id, &g);
	buf_free(&b);
}

/* -- lists ------------------------------------------------------------------------- */

static bool takes_group(const struct request *r, const struct rule_group *g)
{
	const struct param *type = param_last(r, "datasource_type");

	return rules_filter_takes_group(r, g->file, g->name) &&
	       (!type || !type->value.n || str_is(type->value, type_text(r, g)));
}

static int by_name(const void *a, const void *b)
{
	const struct rulegroup_view *x = a, *y = b;
	int order = strcmp(x->config->name, y->config->name);

	return order ? order : strcmp(x->config->file, y->config->file);
}

static struct rulegroup_view *sorted_groups(struct request *r, size_t *n)
{
	const struct api_host *host = &r->api->options.host;
	struct rulegroup_view *v = view_rules(host->engine(host->ctx), r->mem, n);

	if (*n)
		qsort(v, *n, sizeof(*v), by_name);
	return v;
}

/* A page of the list, counted from 1; 0: all there is. */
struct page {
	size_t size, number;
};

static bool read_page(struct request *r, struct page *out)
{
	const struct param *limit = param_last(r, "group_limit"),
			   *number = param_last(r, "page_num");
	int64_t n = 0, k = 1;

	if (limit && limit->value.n && (!str_int(limit->value, &n) || n < 0))
		fail(r, 400, "group_limit is expected to be a positive number");
	else if (number && number->value.n && (!str_int(number->value, &k) || k < 1))
		fail(r, 400, "page_num is expected to be a positive number");
	else if (number && number->value.n && !n)
		fail(r, 400,
		     "group_limit needs to be present in order to paginate over "
		     "the groups");
	else {
		*out = (struct page){(size_t)n, (size_t)k};
		return true;
	}
	return false;
}

struct totals {
	size_t groups, rules;
};

/* The groups with commas between; of a page, all are counted and its own kept. */
static struct totals add_groups(struct buf *b, struct request *r, const struct page *page,
				struct asked *a)
{
	struct totals t = {0};
	size_t n, start = b->n;
	struct rulegroup_view *v = sorted_groups(r, &n);

	for (size_t i = 0; i < n; i++) {
		size_t before = b->n, rules;

		if (!takes_group(r, v[i].config))
			continue;
		a->by_search = has_search(r, v[i].config->name) ||
			       has_search(r, v[i].config->file);
		if (b->n > start)
			buf_add_char(b, ',');
		rules = add_group(b, r, &v[i], a, r->mem);
		if (!rules || (page->size && t.groups / page->size + 1 != page->number))
			buf_cut(b, before);
		t.groups += rules > 0;
		t.rules += rules;
	}
	return t;
}

static void answer_groups(struct request *r, const struct page *page,
			  const struct totals *t, const struct buf *groups)
{
	size_t pages = page->size ? (t->groups + page->size - 1) / page->size : 1;
	struct buf b = BUF(BUF_NO_LIMIT);

	if (page->size && page->number > MAX(pages, 1)) {
		fail(r, 400,
		     arena_printf(r->mem, "page_num=%zu exceeds total amount of pages %zu",
				  page->number, pages));
		return;
	}
	buf_add_text(&b, "{\"status\":\"success\"");
	if (page->size && t->groups)
		buf_addf(&b,
			 ",\"page\":%zu,\"total_pages\":%zu,\"total_groups\":%zu,"
			 "\"total_rules\":%zu",
			 page->number, pages, t->groups, t->rules);
	buf_add_text(&b, ",\"data\":{\"groups\":[");
	buf_add_str(&b, buf_str(groups));
	buf_add_text(&b, "]}}");
	answer_json(r, 200, &b);
	buf_free(&b);
}

static bool read_filter(struct request *r, struct rules_filter *f)
{
	const char *why = rules_filter_read(r, f);

	if (why)
		fail(r, 400, why);
	return !why;
}

void vmalert_get_rules(struct request *r)
{
	struct buf b = BUF(BUF_NO_LIMIT);
	struct rules_filter filter;
	struct asked asked = {.filter = &filter,
			      .extended = param_bool(r, "extended_states", false)};
	struct page page;
	struct totals t;

	if (!read_filter(r, &filter) || !read_page(r, &page))
		return;
	t = add_groups(&b, r, &page, &asked);
	answer_groups(r, &page, &t, &b);
	buf_free(&b);
}

struct one_alert {
	char id[24];
	uint64_t group;
	const struct rule_view *rule;
	const struct active_view *active;
};

static int by_id(const void *a, const void *b)
{
	return strcmp(((const struct one_alert *)a)->id, ((const struct one_alert *)b)->id);
}

static bool takes_alert(const struct rules_filter *f, const struct labels *labels)
{
	for (size_t i = 0; i < f->n_matches; i++) {
		if (matchers_hold(&f->matches[i], labels))
			return true;
	}
	return !f->n_matches;
}

static size_t gather_alerts(struct request *r, const struct rules_filter *f,
			    struct one_alert **out)
{
	size_t n, found = 0, most = 0;
	struct rulegroup_view *v = sorted_groups(r, &n);

	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < v[i].n_rules; k++)
			most += v[i].rules[k].n_active;
	}
	*out = ARENA_ARRAY(r->mem, struct one_alert, most);
	for (size_t i = 0; i < n; i++) {
		uint64_t group = group_id(r, &v[i]);

		for (size_t k = 0; takes_group(r, v[i].config) && k < v[i].n_rules; k++) {
			const struct rule_view *rule = &v[i].rules[k];

			for (size_t a = 0; a < rule->n_active; a++) {
				struct one_alert *one = &(*out)[found];

				if (!takes_alert(f, rule->active[a].labels))
					continue;
				*one = (struct one_alert){"", group, rule,
							  &rule->active[a]};
				snprintf(one->id, sizeof(one->id), "%llu",
					 (unsigned long long)rule_alert_id(
						 one->active->labels));
				found++;
			}
		}
	}
	return found;
}

void vmalert_get_alerts(struct request *r)
{
	struct buf b = BUF(BUF_NO_LIMIT);
	struct rules_filter filter;
	struct one_alert *v;
	size_t n;

	if (!read_filter(r, &filter))
		return;
	n = gather_alerts(r, &filter, &v);
	if (n)
		qsort(v, n, sizeof(*v), by_id);
	buf_add_text(&b, "{\"status\":\"success\",\"data\":{\"alerts\":[");
	for (size_t i = 0; i < n; i++) {
		if (i)
			buf_add_char(&b, ',');
		add_alert(&b, v[i].group, v[i].rule, v[i].active);
	}
	buf_add_text(&b, "]}}");
	answer_json(r, 200, &b);
	buf_free(&b);
}
