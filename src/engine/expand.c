#include "base/base.h"
#include "engine/core.h"
#include "config/rule_templates.h"

#include <string.h>

/* The templates in a rule's labels and annotations (spec/rule-templates.md 2). */

#define LONGEST_TEXT (1024 * 1024)
#define MOST_QUERIES 1000 /* of templates, in one evaluation of one rule */

/* Once a rule: it would fail at each evaluation. */
static void tell_once(struct engine *e, struct run *run, const char *what,
		      const struct text_pair *text, const char *error)
{
	struct rule_state *r = run_rule(run);

	if (r->told_template)
		return;
	r->told_template = true;
	act_note(e, true, "rules", what,
		 arena_printf(e->mem, "%s:%d:%d: %s: %s",
			      text->at.file ? text->at.file : run->group->config->file,
			      text->at.line, text->at.col, r->rule->alert, text->name),
		 error);
}

static const struct template **parse_all(struct engine *e, struct run *run,
					 const struct text_pair *v, size_t n)
{
	struct arena *mem = &run->eval_mem;
	const struct template **list = ARENA_ARRAY(mem, const struct template *, n);
	const char *name = run_rule(run)->rule->alert;
	struct err err;

	for (size_t i = 0; i < n; i++) {
		if (!strstr(v[i].text, "{{"))
			continue; /* a literal renders as itself */
		list[i] = rule_template_parse(mem, run->group->templates, name, &v[i],
					      &err);
		if (!list[i])
			tell_once(e, run, "a template cannot be read", &v[i], err.text);
	}
	return list;
}

/* Most rules have no series most of the time: parsed templates of all rules would be most
 * of the memory there is. */
void expand_prepare(struct engine *e, struct run *run)
{
	const struct rule *rule = run_rule(run)->rule;

	run->label_templates = parse_all(e, run, rule->labels, rule->n_labels);
	run->annotation_templates = parse_all(e, run, rule->annotations,
					      rule->n_annotations);
}

/* -- queries of templates: answered before, or wanted now ----------------------------- */

struct asking {
	struct engine *e;
	struct run *run;
};

static const struct zone *find_zone(void *arg, struct str name)
{
	const struct engine_options *o = &((struct asking *)arg)->e->options;

	return o->zone_find ? o->zone_find(o->zone_arg, name) : NULL;
}

static enum query_state ask(void *arg, struct str expr, struct arena *mem,
			    struct value *samples, const char **why)
{
	const struct run *run = ((struct asking *)arg)->run;
	size_t n = 0;

	for (struct query_text *q = run->queries; q; q = q->next, n++) {
		if (!str_is(expr, q->expr))
			continue;
		*why = q->error;
		if (!q->failed)
			*samples = value_samples(mem, q->samples, q->n);
		return q->failed ? QUERY_FAILED : QUERY_ANSWERED;
	}
	if (n < MOST_QUERIES)
		return QUERY_WANTED;
	*why = "too many queries in the templates of one rule";
	return QUERY_FAILED;
}

struct value sample_value(struct arena *mem, const struct sample *s)
{
	return s->histogram ? value_histogram(mem, s->histogram) : value_float(s->value);
}

static struct rule_data data_of(const struct engine *e, struct arena *mem,
				const struct sample *s)
{
	const struct labels *external = e->config->global.external_labels;

	return (struct rule_data){
		.labels = s->labels,
		.external_labels = external ? external : &labels_none,
		.external_url = e->options.external_url,
		.value = sample_value(mem, s),
	};
}

/* -- what vmalert's templates see -------------------------------------------------- */

static const struct labels *with_missing(struct arena *mem, const struct labels *to,
					 const struct labels *from)
{
	for (size_t i = 0; i < from->n; i++) {
		if (!labels_get(to, from->v[i].name)[0])
			to = labels_with(mem, to, from->v[i].name, from->v[i].value);
	}
	return to;
}

/* The series' labels win over those of the rule, here and only here. */
static void describe_alert(const struct engine *e, struct run *run,
			   const struct labels *alert, struct rule_data *d)
{
	const struct rulegroup *g = run->group;
	const struct rule_state *r = run_rule(run);
	const struct active_alert *a = map_find(&r->active,
						map_key_u64(&alert->fingerprint));
	bool is_new = !a || a->state == ALERT_INACTIVE;
	struct arena *mem = &run->eval_mem;
	const struct labels *all = with_missing(mem, d->labels, alert);

	all = with_missing(mem, all, d->external_labels);
	if (!labels_get(all, "alertgroup")[0])
		all = labels_with(mem, all, "alertgroup", g->config->name);
	d->labels = all;
	d->type = rulegroup_type(e, g);
	d->interval_ns = g->interval * 1000000;
	d->for_ns = r->rule->hold * 1000000;
	d->active_at.t = instant_of_ms(is_new ? g->slot : a->active_at);
	d->alert_id = rule_alert_id(alert);
	d->is_partial = run->is_partial;
	d->group_id = rule_group_id(g->config, d->type, g->interval);
}

static struct value root_of(const struct engine *e, struct run *run, const struct sample *s,
			    const struct labels *alert)
{
	struct rule_data d = data_of(e, &run->eval_mem, s);

	if (!run->group->config->as_vmalert)
		return rule_data_value(&run->eval_mem, &d);
	d.expr = run_rule(run)->rule->expr;
	d.type = "";
	d.value = value_float(s->value); /* vmalert has no histograms */
	d.active_at.t = INSTANT_ZERO;
	if (alert)
		describe_alert(e, run, alert, &d);
	return rule_data_value_vmalert(&run->eval_mem, &d);
}

/* What stands in the place of the text; a rule for vmalert fails with it. */
static const char *failure(struct run *run, const char *error)
{
	const char *text;

	if (run->group->config->as_vmalert) {
		text = arena_printf(&run->eval_mem, "error evaluating template: %s", error);
		if (!run->template_error)
			run->template_error = text;
		return text;
	}
	return arena_printf(&run->eval_mem,
			    "<error expanding template: error executing template "
			    "__alert_%s: %s>",
			    run_rule(run)->rule->alert, error);
}

bool expand(struct engine *e, struct run *run, const struct template *t,
	    const struct text_pair *text, const struct sample *s,
	    const struct labels *alert, const char **out)
{
	struct asking asking = {e, run};
	struct template_run tr = {
		.mem = &run->eval_mem,
		.now = instant_of_ms(run->group->slot),
		.zone_find = find_zone,
		.query = ask,
		.arg = &asking,
		.external_url = e->options.external_url,
	};
	struct buf buf = BUF(LONGEST_TEXT);
	enum rendering how;

	if (!t) {
		*out = text->text;
		return true;
	}
	how = template_render(t, &tr, root_of(e, run, s, alert), &buf, NULL);
	*out = how == RENDER_WAITS ? arena_copy(&run->eval_mem, tr.wanted)
				   : buf_keep(&buf, &run->eval_mem).p;
	buf_free(&buf);
	if (how == RENDER_WAITS)
		return false;
	e->counters.template_expansions++;
	if (how == RENDER_FAILED) {
		e->counters.template_failures++;
		*out = failure(run, tr.error);
		tell_once(e, run, "a template failed, its text is an error now", text,
			  tr.error);
	}
	return true;
}
