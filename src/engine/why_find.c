#include "base/base.h"
#include "engine/why_asking.h"
#include "engine/why_words.h"

#include <string.h>

#define MOST_NEAR 3

/* -- alerts that are known --------------------------------------------------------- */

static const struct labels *routed_labels(const struct engine *e, struct arena *mem,
					  const struct labels *labels)
{
	const struct labels *external = e->config ? e->config->global.external_labels
						  : NULL;

	return external ? labels_merge(mem, external, labels) : labels;
}

/* Calls see for each alert of each rule of that name (NULL: any) until it says that it has
 * seen enough. */
static void each_rule_alert(struct engine *e, const char *name, struct arena *mem,
			    bool (*see)(void *arg, const struct rule_place *), void *arg)
{
	struct active_alert *a;
	struct rulegroup *g;

	for (size_t at = 0; (g = map_next(&e->rulegroups, &at));) {
		for (size_t i = 0; i < g->config->n_rules; i++) {
			const struct rule_state *r = &g->rules[i];

			if (name && (!r->rule->alert || strcmp(r->rule->alert, name)))
				continue;
			for (size_t k = 0; (a = map_next(&r->active, &k));) {
				struct rule_place p = {g, r, a,
						       routed_labels(e, mem, a->labels)};

				if (see(arg, &p))
					return;
			}
		}
	}
}

struct wanted_place {
	uint64_t fingerprint;
	struct rule_place found;
};

static bool is_wanted(void *arg, const struct rule_place *p)
{
	struct wanted_place *w = arg;

	if (p->labels->fingerprint != w->fingerprint)
		return false;
	w->found = *p;
	return p->alert->state != ALERT_INACTIVE; /* another rule may have it, too */
}

struct rule_place why_rule_place(struct engine *e, const char *name, uint64_t fingerprint,
				 struct arena *mem)
{
	struct wanted_place w = {.fingerprint = fingerprint};

	each_rule_alert(e, name, mem, is_wanted, &w);
	return w.found;
}

struct finding {
	const struct matchers *matchers;
	struct engine *e;
	uint64_t *v;
	size_t n, most;
};

static bool is_new(const struct finding *f, uint64_t fingerprint)
{
	for (size_t i = 0; i < MIN(f->n, f->most); i++) {
		if (f->v[i] == fingerprint)
			return false;
	}
	return true;
}

static void note_found(struct finding *f, const struct labels *labels)
{
	if (!matchers_hold(f->matchers, labels) || !is_new(f, labels->fingerprint))
		return;
	if (f->n < f->most)
		f->v[f->n] = labels->fingerprint;
	f->n++;
}

static bool find_pending(void *arg, const struct rule_place *p)
{
	struct finding *f = arg;

	if (p->alert->state == ALERT_PENDING && !alert_find(f->e, p->labels->fingerprint))
		note_found(f, p->labels);
	return false;
}

/* The alertname that the matchers want; NULL: several would do. */
static const char *exact_name(const struct matchers *m)
{
	for (size_t i = 0; i < m->n; i++) {
		if (m->v[i].op == MATCH_EQUAL && !strcmp(m->v[i].name, "alertname"))
			return m->v[i].value;
	}
	return NULL;
}

uint64_t *why_find(struct engine *e, const struct matchers *matchers, size_t most,
		   struct arena *mem, size_t *n)
{
	struct finding f = {.matchers = matchers, .e = e, .most = most};
	struct arena scratch = {0};
	struct stored_alert *s;

	f.v = ARENA_ARRAY(mem, uint64_t, most);
	for (size_t at = 0; (s = map_next(&e->alerts, &at));)
		note_found(&f, s->labels);
	each_rule_alert(e, exact_name(matchers), &scratch, find_pending, &f);
	arena_free(&scratch);
	*n = f.n;
	return f.v;
}

const struct labels *why_labels(struct engine *e, uint64_t fingerprint, struct arena *mem)
{
	const struct stored_alert *s = alert_find(e, fingerprint);

	return s ? s->labels : why_rule_place(e, NULL, fingerprint, mem).labels;
}

/* -- no alert ---------------------------------------------------------------------- */

/* Whether the rule can have made such an alert, as far as its text says. */
static bool could_be_of(const struct rule *r, const struct matchers *m)
{
	for (size_t i = 0; i < m->n; i++) {
		if (!strcmp(m->v[i].name, "alertname"))
			return r->alert && matcher_accepts(&m->v[i], r->alert);
	}
	return false;
}

const char *why_refusing(struct arena *mem, const struct matchers *m,
			 const struct labels *labels)
{
	for (size_t i = 0; i < m->n; i++) {
		struct buf b = BUF(BUF_NO_LIMIT);
		const char *text;

		if (matcher_holds(&m->v[i], labels))
			continue;
		buf_add_matcher(&b, &m->v[i]);
		text = buf_keep(&b, mem).p;
		buf_free(&b);
		return text;
	}
	return NULL;
}

/* The alerts of the name, or names, that is asked for, and what else keeps each of them
 * from being meant; "": there are none. */
static const char *near_ones(struct engine *e, const struct matchers *m, struct arena *mem)
{
	struct matchers name = {.v = ARENA_ARRAY(mem, struct matcher, m->n)};
	const char *text = "";
	uint64_t *v;
	size_t n;

	for (size_t i = 0; i < m->n; i++) {
		if (!strcmp(m->v[i].name, "alertname"))
			name.v[name.n++] = m->v[i];
	}
	if (!name.n)
		return "";
	v = why_find(e, &name, MOST_NEAR, mem, &n);
	for (size_t i = 0; i < MIN(n, MOST_NEAR); i++) {
		const struct labels *labels = why_labels(e, v[i], mem);

		text = words_near(mem, text, labels, why_refusing(mem, m, labels));
	}
	return n > MOST_NEAR ? arena_printf(mem, "%s, and %zu more", text, n - MOST_NEAR)
			     : text;
}

static enum reason no_alert(struct engine *e, const struct matchers *m, struct arena *mem,
			    const char **words)
{
	enum reason cause = UNTOLD_UNKNOWN;
	struct rulegroup *g;

	*words = "no such alert is known, and no rule of that name is loaded";
	if (e->alerts.n >= e->options.max_alerts) {
		cause = UNTOLD_CEILING;
		*words = arena_printf(mem,
				      "no such alert is known, and none is taken in: there "
				      "are %zu, as many as --alerts.max-alerts allows",
				      e->alerts.n);
	}
	for (size_t at = 0; (g = map_next(&e->rulegroups, &at));) {
		for (size_t i = 0; i < g->config->n_rules; i++) {
			const struct rule_state *r = &g->rules[i];

			if (!could_be_of(r->rule, m))
				continue;
			if (cause == UNTOLD_CEILING && r->active.n)
				continue; /* it makes some, which do not come in */
			*words = words_no_alert(mem, g->config, r->rule, r->last_error,
						r->evaluated_at);
			cause = r->last_error ? RULE_FAILS : UNTOLD_NO_SERIES;
			if (r->last_error)
				return cause;
		}
	}
	return cause;
}

enum reason why_nothing(struct engine *e, const struct matchers *m, struct arena *mem,
			const char **words)
{
	enum reason cause = no_alert(e, m, mem, words);

	*words = arena_printf(mem, "%s%s", *words, near_ones(e, m, mem));
	return cause;
}
