/* template.h - Go templates: parsed once when the configuration loads, rendered often.
 *
 * A template_set is a name space: default templates and user files are added to it, later
 * definitions win (an empty one never replaces a full one). A template is one text, a
 * configuration field say, parsed in the name space of a set; what it defines itself is
 * seen by it alone.
 *
 *	struct template_set *set = template_set_new(mem, FUNCS_NOTIFY);
 *	if (!template_set_add(set, "mail.tmpl", bytes, (struct pos){path, 1, 1}, &err)) ...
 *	t = template_parse(mem, set, TEMPLATE_TEXT, "", field, at, &err);
 *	...
 *	struct template_run run = {.mem = &step, .now = now, .zone_find = find_zone};
 *	if (template_render(t, &run, notice_value(&step, &notice), &out, &err) != RENDERED)
 *		... out holds what was written before the failure
 *
 * Purity:   nothing here reads a clock, a file or the environment; the time, the zones and
 *           the answers of queries come with struct template_run.
 * Query:    never waits. When run->query has no answer yet the rendering ends as
 *           RENDER_WAITS with the expression in run->wanted; the caller fetches the answer
 *           and renders again from the start.
 * Memory:   sets and templates live in the arena given; so do names, sources are copied.
 *           Rendering allocates in run->mem, which the caller resets when it likes.
 * Errors:   struct err has the place in the user's file and Go's words: "template:
 *           :1:3: executing "" at <.Nope>: can't evaluate field Nope in type
 *           *template.Data". run->error has the same text unshortened.
 * Limits:   see struct template_limits; reaching one is an ordinary error. A source has at
 *           most TEMPLATE_MAX_SOURCE bytes, blocks and parentheses nest at most
 *           TEMPLATE_MAX_NESTING deep. Parsing, checking and rendering each end within
 *           some 100 ms, whatever they are given.
 * Threads:  sets and templates do not change once built; a run belongs to one thread.
 * Spec:     spec/go-template.md, notification-templates.md, rule-templates.md.
 */
#pragma once
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "text/value.h"

#define TEMPLATE_MAX_SOURCE  (1024 * 1024)
#define TEMPLATE_MAX_NESTING 500

enum template_engine { TEMPLATE_TEXT, TEMPLATE_HTML };

/* Which functions a set knows besides those of the language. */
enum template_funcs {
	FUNCS_BASIC,   /* none */
	FUNCS_NOTIFY,  /* Alertmanager's */
	FUNCS_RULE,    /* Prometheus', with vmalert's further ones */
	FUNCS_VMALERT, /* vmalert's, and its meaning of shared names */
	FUNCS_CONSOLE, /* FUNCS_RULE and tmpl, for Prometheus' console pages */
};
/* What an absent key of a map gives. Alertmanager and Prometheus: MISSING_ZERO. */
enum template_missing { MISSING_DEFAULT, MISSING_ZERO, MISSING_ERROR };

struct template_set;
struct template;

/* An empty set with missing = MISSING_ZERO. */
struct template_set *template_set_new(struct arena *, enum template_funcs) MUST_USE;
void template_set_missing(struct template_set *, enum template_missing);

/* Parses a source under its name (a file's base name) and adds it with all it defines.
 * On a mistake nothing of it is added. at is the place of the source's first byte. */
bool template_set_add(struct template_set *, const char *name, struct str source,
		      struct pos at, struct err *) MUST_USE;
enum template_funcs template_set_funcs(const struct template_set *);

/* Parses a text in the set's name space; later additions to the set are seen by it too.
 * TEMPLATE_HTML also decides the escaping of each action, which may fail ("html/template:
 * ..."); it wants the set complete. NULL and err on a mistake. */
const struct template *template_parse(struct arena *, const struct template_set *,
				      enum template_engine, const char *name,
				      struct str source, struct pos at,
				      struct err *) MUST_USE;

/* What would fail whenever this part is reached, as far as types tell: fields that the
 * data cannot have, unknown templates, wrong numbers of arguments. root is the type of the
 * data (notice_type, rule_type); NULL: unknown. Follows the templates called. */
void template_check(const struct template *, const struct type *root, struct errs *);

/* The ceilings of one rendering; 0 takes the default. The size of the output is bounded
 * by the limit of the buf given. */
struct template_limits {
	/* Some 50 ns each: nodes evaluated, rounds made, text that functions read and make,
	 * numbers and times printed, what regular expressions try. Default 2000000. */
	size_t steps;
	size_t memory; /* bytes allocated on the way; default 64 MiB */
	size_t depth;  /* templates within templates; default 400 */
};
#define TEMPLATE_MAX_OUTPUT ((size_t)8 * 1024 * 1024) /* a good limit for that buf */

enum query_state { QUERY_ANSWERED, QUERY_WANTED, QUERY_FAILED };
struct template_run {
	struct arena *mem;	  /* required */
	struct instant now;	  /* its .off is ignored; shown in local */
	const struct zone *local; /* NULL: UTC */
	const struct zone *(*zone_find)(void *arg, struct str name); /* NULL: UTC only */
	/* Fills *samples (value_samples) when QUERY_ANSWERED, *why when QUERY_FAILED. */
	enum query_state (*query)(void *arg, struct str expr, struct arena *,
				  struct value *samples, const char **why);
	void *arg;		   /* for zone_find and query */
	const char *external_url;  /* NULL: none; externalURL and pathPrefix then fail */
	struct value route_labels; /* a KV for routeLabels; nothing: none */
	bool route_labels_raw;	   /* they are template texts, to be rendered when asked */
	struct template_limits limits;

	/* afterwards */
	struct str wanted; /* RENDER_WAITS: the expression */
	const char *error; /* RENDER_FAILED: the whole text, in mem */
	size_t steps;	   /* how many it took */
};
enum rendering { RENDERED, RENDER_FAILED, RENDER_WAITS };

/* Appends to out; on failure out keeps what was written before. */
enum rendering template_render(const struct template *, struct template_run *,
			       struct value root, struct buf *out, struct err *) MUST_USE;
