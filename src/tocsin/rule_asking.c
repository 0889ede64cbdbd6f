#include "base/base.h"
#include "tocsin/rule_asking.h"
#include "backend/check.h"
#include "base/map.h"
#include "net/clock.h"
#include "net/once.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define QUERY_TIMEOUT (30 * SECOND)
#define MOST_FAILURES 3 /* of one datasource that is there */

struct source {
	const struct datasource *config;
	enum check_way way;
	bool is_silent; /* not asked any more */
	size_t failures, unknown;
	const char *why; /* the first reason */
};
struct asking {
	struct tool *tool;
	struct http_line *line;
	struct source *sources;
	size_t n_sources, n_asked;
	mono_ms deadline;
	wall_ms at;
	struct map known; /* verdict text by request; "": taken */
	size_t late;	  /* expressions that nobody was asked for any more */
	size_t apart;	  /* those of groups that nobody here answers */
	size_t groups_apart;
};

struct asking *asking_new(struct tool *t, const struct datasource *v, size_t n)
{
	struct asking *a = mem_new(sizeof(*a));

	a->tool = t;
	a->line = http_line_new("tocsin/" VERSION);
	a->sources = ARENA_ARRAY(&t->mem, struct source, n);
	a->n_sources = n;
	for (size_t i = 0; i < n; i++)
		a->sources[i] = (struct source){.config = &v[i],
						.way = check_way_of(&v[i])};
	a->deadline = clock_mono() + t->timeout_ns / 1000000;
	a->at = clock_wall();
	return a;
}

void asking_free(struct asking *a)
{
	http_line_free(a->line);
	map_free(&a->known);
	free(a);
}

/* -- one expression ------------------------------------------------------------------- */

static struct source *source_of(struct asking *a, const struct rule_group *g)
{
	for (size_t i = 0; i < a->n_sources; i++) {
		if (a->sources[i].config ==
		    rule_group_datasource(g, a->sources[0].config, a->n_sources))
			return &a->sources[i];
	}
	return NULL;
}

static struct query_wish wish_of(const struct asking *a, const struct source *s,
				 const struct rule_group *g, const struct rule *r)
{
	span_ms most = s->config->timeout ? s->config->timeout : QUERY_TIMEOUT;

	return (struct query_wish){
		.datasource = s->config,
		.group = g,
		.expr = r->expr,
		.at = a->at,
		.timeout = MAX(MIN(most, a->deadline - clock_mono()), 1),
		.interval = g->interval ? g->interval : MINUTE,
	};
}

static enum check_verdict ask(struct asking *a, struct source *s,
			      const struct query_wish *q, const char **why)
{
	struct arena *mem = &a->tool->mem;
	struct http_request request;
	struct http_answer answer;
	enum check_verdict verdict;

	check_compose(mem, s->way, q, &request);
	answer = http_line_ask(a->line, mem, &request);
	verdict = check_judge(mem, s->way, s->config, &answer, why);
	if (verdict != CHECK_NO_WAY)
		return verdict;
	s->way = CHECK_BY_QUERY; /* the others, too */
	return ask(a, s, q, why);
}

static void note_failure(struct source *s, enum check_verdict verdict, const char *why)
{
	s->unknown++;
	s->failures++;
	if (!s->why)
		s->why = why;
	s->is_silent = verdict == CHECK_NO_ANSWER || s->failures >= MOST_FAILURES;
}

/* What makes the same question: all but the time. */
static struct str key_of(struct asking *a, const struct source *s,
			 const struct rule_group *g, const char *expr)
{
	struct buf b = BUF(BUF_NO_LIMIT);
	struct str key;

	buf_addf(&b, "%s\n%s\n", s->config->name, g->tenant ? g->tenant : "");
	for (size_t i = 0; i < g->n_params; i++)
		buf_addf(&b, "%s=%s\n", g->params[i].name, g->params[i].text);
	for (size_t i = 0; i < g->n_headers; i++)
		buf_addf(&b, "%s:%s\n", g->headers[i].name, g->headers[i].text);
	buf_add_text(&b, expr);
	key = buf_keep(&b, &a->tool->mem);
	buf_free(&b);
	return key;
}

/* The refusal, or NULL. */
static const char *refusal(struct asking *a, struct source *s, const struct rule_group *g,
			   const struct rule *r)
{
	struct str key = key_of(a, s, g, r->expr);
	const char *known = map_find(&a->known, key), *why = NULL;
	struct query_wish q;
	enum check_verdict verdict;

	if (known)
		return known[0] ? known : NULL;
	if (s->is_silent) {
		s->unknown++;
		return NULL;
	}
	if (a->n_asked == ASKING_MOST || clock_mono() >= a->deadline) {
		a->late++;
		return NULL;
	}
	a->n_asked++;
	q = wish_of(a, s, g, r);
	verdict = ask(a, s, &q, &why);
	if (verdict != CHECK_TAKEN && verdict != CHECK_REFUSED) {
		note_failure(s, verdict, why);
		return NULL;
	}
	map_put(&a->known, key, (void *)(uintptr_t)(verdict == CHECK_REFUSED ? why : ""));
	return verdict == CHECK_REFUSED ? why : NULL;
}

/* -- files ---------------------------------------------------------------------------- */

void asking_file(struct asking *a, const struct rule_file *f, struct errs *errs)
{
	for (size_t i = 0; i < f->n_groups; i++) {
		const struct rule_group *g = &f->groups[i];
		struct source *s = source_of(a, g);

		if (!s && !g->has_mistake) {
			a->groups_apart++;
			a->apart += g->n_rules;
		}
		for (size_t k = 0; s && !g->has_mistake && k < g->n_rules; k++) {
			const struct rule *r = &g->rules[k];
			const char *why = r->has_mistake ? NULL : refusal(a, s, g, r);

			if (why)
				errs_addf(errs, r->expr_at,
					  "group \"%s\", rule %zu, \"%s\": datasource "
					  "\"%s\" refuses the expression: %s",
					  g->name, k + 1, r->alert ? r->alert : r->record,
					  s->config->name, why);
		}
	}
}

void asking_end(const struct asking *a)
{
	for (size_t i = 0; i < a->n_sources; i++) {
		const struct source *s = &a->sources[i];

		if (s->unknown)
			fprintf(stderr,
				"NOTICE: datasource \"%s\" did not say whether it takes "
				"%zu expressions: %s\n",
				s->config->name, s->unknown, s->why);
	}
	if (a->groups_apart)
		fprintf(stderr,
			"NOTICE: %zu groups with %zu expressions were not asked for: they "
			"name another datasource, or have another type\n",
			a->groups_apart, a->apart);
	if (a->late)
		fprintf(stderr,
			"NOTICE: %zu expressions were not asked for, because the time "
			"(--timeout) or their number (%d) was over\n",
			a->late, ASKING_MOST);
}
