#include "base/base.h"
#include "receivers/attempt.h"
#include "text/notice.h"

#include <string.h>

struct checker {
	struct arena mem;
	const struct template_set *set;
	struct errs *errs;
};

/* What is wrong in a template file is told with its place there, too. */
static void complain(struct checker *c, struct pos at, const struct err *err)
{
	bool elsewhere = err->at.file && (!at.file || strcmp(err->at.file, at.file) != 0);

	if (elsewhere)
		errs_addf(c->errs, at, "%s (%s:%d:%d)", err->text, err->at.file,
			  err->at.line, err->at.col);
	else
		errs_addf(c->errs, at, "%s", err->text);
}

static void check_text(struct checker *c, enum template_engine engine, const char *text,
		       struct pos at)
{
	struct errs inner = {.mem = &c->mem};
	const struct template *t;
	struct err err;

	if (!text || !strstr(text, "{{"))
		return;
	t = template_parse(&c->mem, c->set, engine, "", str_of(text), at, &err);
	if (!t) {
		complain(c, at, &err);
		return;
	}
	template_check(t, notice_type, &inner);
	for (size_t i = 0; i < inner.n; i++)
		complain(c, at, inner.v[i]);
}

static void check_fields(struct checker *, const struct yaml *, struct pos,
			 const struct field *, const void *object);

static void check_list(struct checker *c, const struct yaml *y, struct pos at,
		       const struct field *f, const struct object_list *list)
{
	const char *v = list->v;

	for (size_t i = 0; i < list->n; i++)
		check_fields(c, y && i < y->n ? y->items[i] : NULL, at, f->of->fields,
			     v + i * f->of->size);
}

static void check_field(struct checker *c, const struct yaml *y, struct pos at,
			const struct field *f, const void *object)
{
	const void *member = (const char *)object + f->at;
	const struct pair_list *pairs = member;
	bool html = f->is_html || (f->is_html_in && f->is_html_in(object));

	if (f->kind == FIELD_TEXT) {
		check_text(c, html ? TEMPLATE_HTML : TEMPLATE_TEXT,
			   *(const char *const *)member, at);
	} else if (f->kind == FIELD_PAIRS) {
		for (size_t i = 0; i < pairs->n; i++)
			check_text(c, TEMPLATE_TEXT, pairs->v[i].text, pairs->v[i].at);
	} else if (f->kind == FIELD_LIST) {
		check_list(c, y, at, f, member);
	} else if (f->kind == FIELD_INSIDE) {
		check_fields(c, y, at, f->of->fields, member);
	} else if (f->kind == FIELD_OBJECT && *(const void *const *)member) {
		check_fields(c, y, at, f->of->fields, *(const void *const *)member);
	}
}

/* y is the map that the object was read from, at the place of whatever is not in it. */
static void check_fields(struct checker *c, const struct yaml *y, struct pos at,
			 const struct field *f, const void *object)
{
	for (; f->name; f++) {
		const struct yaml *value = y ? yaml_find(y, f->name) : NULL;

		if (f->kind == FIELD_EMBED)
			check_fields(c, y, at, f->of->fields, (const char *)object + f->at);
		else
			check_field(c, value, value ? value->at : at, f, object);
	}
}

void receiver_templates_check(const struct config *config, const struct template_set *set,
			      struct errs *errs)
{
	struct checker c = {.set = set, .errs = errs};

	for (size_t i = 0; i < config->n_receivers; i++) {
		const struct receiver *r = &config->receivers[i];

		for (size_t k = 0; k < r->n_integrations; k++) {
			const struct integration_config *ic = &r->integrations[k];

			check_fields(&c, ic->source, ic->at, ic->kind->fields,
				     ic->settings);
		}
	}
	for (size_t i = 0; i < config->n_routes; i++) {
		const struct route *r = config->routes[i];

		for (size_t k = 0; k < r->n_labels; k++)
			check_text(&c, TEMPLATE_TEXT, r->labels[k].text, r->labels[k].at);
	}
	errs_sort(errs);
	arena_free(&c.mem);
}
