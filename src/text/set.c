#include "base/base.h"
#include "text/set.h"
#include "text/parse.h"

#include <string.h>

struct template_set {
	struct arena *mem;
	enum template_funcs funcs;
	enum template_missing missing;
	struct bodies bodies;
};

struct template_set *template_set_new(struct arena *mem, enum template_funcs funcs)
{
	struct template_set *set = ARENA_NEW(mem, struct template_set);

	set->mem = mem;
	set->funcs = funcs;
	set->missing = MISSING_ZERO;
	return set;
}

void template_set_missing(struct template_set *set, enum template_missing missing)
{
	set->missing = missing;
}

static struct source *source_new(struct arena *mem, struct str name, struct str text,
				 struct pos at)
{
	struct source *src = ARENA_NEW(mem, struct source);

	src->name = arena_str(mem, name);
	src->text = arena_str(mem, text);
	src->at = at;
	src->at.file = arena_text(mem, at.file);
	return src;
}

bool template_set_add(struct template_set *set, const char *name, struct str text,
		      struct pos at, struct err *err)
{
	const struct source *src = source_new(set->mem, str_of(name), text, at);
	struct bodies *parsed = parse_source(set->mem, set->funcs, src, err);
	struct body *b;

	if (!parsed)
		return false;
	for (size_t i = 0; (b = map_next(&parsed->map, &i));) {
		if (!b->is_empty || !bodies_find(&set->bodies, b->name))
			bodies_put(set->mem, &set->bodies, b);
	}
	return true;
}

enum template_funcs template_set_funcs(const struct template_set *set)
{
	return set->funcs;
}

const struct bodies *template_set_bodies(const struct template_set *set)
{
	return &set->bodies;
}

static struct template *parse_over(struct arena *mem, const struct template_set *set,
				   const struct bodies *outer, const struct source *src,
				   struct err *err)
{
	struct template *t = ARENA_NEW(mem, struct template);
	struct bodies *parsed = parse_source(mem, set->funcs, src, err);
	struct body *b;

	if (!parsed)
		return NULL;
	t->set = set;
	for (size_t i = 0; outer && (b = map_next(&outer->map, &i));)
		bodies_put(mem, &t->own, b);
	for (size_t i = 0; (b = map_next(&parsed->map, &i));) {
		if (!b->is_empty || !template_source_body(t, b->name))
			bodies_put(mem, &t->own, b);
	}
	t->main = bodies_find(parsed, src->name);
	ASSERT(t->main);
	return t;
}

const struct template *template_parse(struct arena *mem, const struct template_set *set,
				      enum template_engine engine, const char *name,
				      struct str text, struct pos at, struct err *err)
{
	const struct source *src = source_new(mem, str_of(name), text, at);
	struct template *t = parse_over(mem, set, NULL, src, err);

	if (!t)
		return NULL;
	t->engine = engine;
	return engine == TEMPLATE_TEXT || html_escape(mem, t, err) ? t : NULL;
}

const struct template *template_aside(struct arena *mem, const struct template *t,
				      struct str text, struct err *err)
{
	return parse_over(mem, t->set, &t->own, source_new(mem, STR(""), text, NOWHERE),
			  err);
}

const struct body *template_source_body(const struct template *t, struct str name)
{
	const struct body *b = bodies_find(&t->own, name);

	return b ? b : bodies_find(&t->set->bodies, name);
}

const struct body *template_find(const struct template *t, struct str name)
{
	if (t->engine == TEMPLATE_HTML)
		return bodies_find(&t->html, name);
	return template_source_body(t, name);
}

const struct body *template_main(const struct template *t)
{
	return t->engine == TEMPLATE_HTML ? t->html_main : t->main;
}

enum template_missing template_missing_of(const struct template *t)
{
	return t->set->missing;
}
