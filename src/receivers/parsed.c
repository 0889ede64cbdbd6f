#include "base/base.h"
#include "receivers/parsed.h"
#include "base/map.h"

#include <stdlib.h>

struct parsed {
	struct str text;
	const struct template *template;
};
struct parsed_texts {
	const struct template_set *set;
	struct arena mem;
	struct map by_text[2]; /* by engine */
};

struct parsed_texts *parsed_texts_new(const struct template_set *set)
{
	struct parsed_texts *p = mem_new(sizeof(*p));

	p->set = set;
	return p;
}

void parsed_texts_free(struct parsed_texts *p)
{
	if (!p)
		return;
	map_free(&p->by_text[TEMPLATE_TEXT]);
	map_free(&p->by_text[TEMPLATE_HTML]);
	arena_free(&p->mem);
	free(p);
}

const struct template *parsed_text(struct parsed_texts *p, enum template_engine engine,
				   struct arena *mem, const char *text, struct err *err)
{
	struct map *known = &p->by_text[engine];
	struct parsed *one = map_find(known, str_of(text));

	if (one)
		return one->template;
	if (known->n >= PARSED_MAX)
		return template_parse(mem, p->set, engine, "", str_of(text), NOWHERE, err);
	one = ARENA_NEW(&p->mem, struct parsed);
	one->text = arena_str(&p->mem, str_of(text));
	one->template = template_parse(&p->mem, p->set, engine, "", one->text, NOWHERE,
				       err);
	if (one->template)
		map_put(known, one->text, one);
	return one->template;
}
