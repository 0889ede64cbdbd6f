#include "base/base.h"
#include "config/parts.h"
#include "base/vec.h"

#include <stdlib.h>
#include <string.h>

/* Receivers: a name and, for each kind of integration, a list of settings. The keys are
 * those of the kinds that the caller knows, so the tables are put together here. */

/* What every integration has besides its own settings, which follow it in memory. */
struct integration_head {
	bool send_resolved;
	const struct http_config *http;
};
#define HEAD_SIZE ((sizeof(struct integration_head) + 15) / 16 * 16)

static const struct field *rows_of(struct arena *mem, const struct integration_kind *kind)
{
	VEC(struct field) rows = {0};

	vec_push_in(mem, &rows,
		    (struct field){"send_resolved", FIELD_BOOL,
				   offsetof(struct integration_head, send_resolved),
				   .if_absent = kind->send_resolved ? "true" : "false",
				   .always = true,
				   .help = "Also tell when alerts are over."});
	if (!kind->no_http_config)
		vec_push_in(mem, &rows,
			    (struct field){"http_config", FIELD_OBJECT,
					   offsetof(struct integration_head, http),
					   .of = &http_shape, .help = "How to reach it."});
	for (const struct field *f = kind->fields; f->name; f++) {
		vec_push_in(mem, &rows, *f);
		rows.v[rows.n - 1].at += HEAD_SIZE;
	}
	vec_push_in(mem, &rows, (struct field){0});
	return rows.v;
}

static void decode_integration(struct decode *d, const struct yaml *y,
			       const struct integration_kind *kind,
			       struct integration_config *out)
{
	char *object = arena_alloc(d->mem, HEAD_SIZE + kind->size);
	const struct integration_head *head = (const void *)object;
	const char *dir = d->dir;

	out->kind = kind;
	out->at = y->at;
	out->source = y;
	out->settings = object + HEAD_SIZE;
	if (!is_map(d, y, arena_printf(d->mem, "a %s config", kind->name)))
		return;
	if (kind->raw_paths)
		d->dir = NULL;
	decode_fields(d, y, arena_printf(d->mem, "%s config", kind->name),
		      rows_of(d->mem, kind), object);
	d->dir = dir;
	out->send_resolved = head->send_resolved;
	out->http = head->http;
	out->own_http = head->http != NULL;
	if (kind->check)
		kind->check(d, out);
}

static void decode_kind(struct decode *d, const struct yaml *list,
			const struct integration_kind *kind, struct receiver *r)
{
	struct integration_config *v;

	if (!list || !is_list(d, list, "a list"))
		return;
	v = ARENA_ARRAY(d->mem, struct integration_config, r->n_integrations + list->n);
	if (r->n_integrations)
		memcpy(v, r->integrations, r->n_integrations * sizeof(*v));
	r->integrations = v;
	for (size_t i = 0; i < list->n; i++) {
		if (list->items[i]->kind == YAML_NULL) {
			mistake(d, list->items[i]->at, "missing %s config", kind->name);
			continue;
		}
		v[r->n_integrations].index = i;
		decode_integration(d, list->items[i], kind, &v[r->n_integrations++]);
	}
}

static void set_labels(struct decode *d, const struct pair_list *list, struct receiver *r)
{
	struct label *pairs = ARENA_ARRAY(d->mem, struct label, list->n + 1);
	size_t n = 0;

	for (size_t i = 0; i < list->n; i++) {
		if (strcmp(list->v[i].name, "name"))
			pairs[n++] = (struct label){list->v[i].name, list->v[i].text};
		else if (strcmp(list->v[i].text, r->name))
			mistake(d, list->v[i].at,
				"receiver label \"name\" must match receiver name \"%s\", "
				"got "
				"\"%s\"",
				r->name, list->v[i].text);
	}
	pairs[n++] = (struct label){"name", r->name};
	r->labels = labels_new_raw(d->mem, pairs, n, NULL);
	if (!r->labels)
		r->labels = &labels_none;
}

struct receiver_text {
	const char *name;
	struct pair_list labels;
	const struct yaml *lists[]; /* one a kind */
};

/* The keys of a receiver; the lists of integrations are read afterwards. */
static const struct field *receiver_rows(struct arena *mem,
					 const struct integration_kind *const *kinds)
{
	VEC(struct field) rows = {0};

	vec_push_in(mem, &rows,
		    (struct field){"name", FIELD_TEXT, offsetof(struct receiver_text, name),
				   .help = "Its name."});
	vec_push_in(mem, &rows,
		    (struct field){"labels", FIELD_PAIRS,
				   offsetof(struct receiver_text, labels),
				   .help = "Labels to select receivers by."});
	for (size_t i = 0; kinds[i]; i++)
		vec_push_in(mem, &rows,
			    (struct field){kinds[i]->key, FIELD_ANY,
					   offsetof(struct receiver_text, lists) +
						   i * sizeof(struct yaml *),
					   .help = "Integrations of this kind."});
	vec_push_in(mem, &rows, (struct field){0});
	return rows.v;
}

static void decode_receiver(struct decode *d, const struct yaml *y,
			    const struct integration_kind *const *kinds,
			    const struct field *rows, struct receiver *r)
{
	struct receiver_text *text;
	size_t n_kinds = 0;

	while (kinds[n_kinds])
		n_kinds++;
	text = arena_alloc(d->mem, sizeof(*text) + n_kinds * sizeof(struct yaml *));
	r->at = y->at;
	r->name = "";
	r->labels = &labels_none;
	if (y->kind != YAML_NULL && !is_map(d, y, "a receiver"))
		return;
	decode_fields(d, y, "receiver", rows, text);
	r->name = text->name;
	if (!*r->name)
		mistake(d, y->at, "missing name in receiver");
	set_labels(d, &text->labels, r);
	for (size_t i = 0; i < n_kinds; i++)
		decode_kind(d, text->lists[i], kinds[i], r);
}

void receivers_decode(struct decode *d, const struct yaml *y,
		      const struct integration_kind *const *kinds, struct config *c)
{
	const struct field *rows = receiver_rows(d->mem, kinds);

	if (!y || !is_list(d, y, "a list of receivers"))
		return;
	c->receivers = ARENA_ARRAY(d->mem, struct receiver, y->n);
	for (size_t i = 0; i < y->n; i++) {
		struct receiver *r = &c->receivers[c->n_receivers++];

		decode_receiver(d, y->items[i], kinds, rows, r);
		for (size_t k = 0; k < i && *r->name; k++) {
			if (!strcmp(c->receivers[k].name, r->name)) {
				mistake(d, pos_of_value(y->items[i], "name"),
					"notification config name \"%s\" is not unique",
					r->name);
				break;
			}
		}
	}
}

void receivers_inherit(struct decode *d, struct config *c)
{
	for (size_t i = 0; i < c->n_receivers; i++) {
		for (size_t k = 0; k < c->receivers[i].n_integrations; k++) {
			struct integration_config *ic = &c->receivers[i].integrations[k];

			if (!ic->own_http && !ic->kind->no_http_config)
				ic->http = c->global.http;
			if (ic->kind->inherit && ic->source->kind == YAML_MAP)
				ic->kind->inherit(d, ic, &c->global);
		}
	}
}

/* -- printing ------------------------------------------------------------------------- */
static const struct yaml *print_integration(struct arena *mem,
					    const struct integration_config *ic)
{
	struct yaml *y = yaml_new_map(mem);

	yaml_put(mem, y, "send_resolved", yaml_new_bool(mem, ic->send_resolved));
	/* incidentio refuses an http_config of its own that lacks what it may inherit. */
	if (ic->http && (ic->own_http || !ic->kind->raw_paths))
		yaml_put(mem, y, "http_config",
			 print_object(mem, http_shape.fields, ic->http));
	print_fields(mem, y, ic->kind->fields, ic->settings);
	return y;
}

static const struct yaml *print_receiver(struct arena *mem, const struct receiver *r)
{
	struct yaml *y = yaml_new_map(mem), *labels = yaml_new_map(mem), *list = NULL;

	yaml_put(mem, y, "name", yaml_new_text(mem, r->name));
	for (size_t i = 0; i < r->labels->n; i++)
		yaml_put(mem, labels, r->labels->v[i].name,
			 yaml_new_text(mem, r->labels->v[i].value));
	if (r->labels->n > 1) /* more than the name, that older peers do not expect */
		yaml_put(mem, y, "labels", labels);
	for (size_t i = 0; i < r->n_integrations; i++) {
		const struct integration_config *ic = &r->integrations[i];

		if (!i || r->integrations[i - 1].kind != ic->kind) {
			list = yaml_new_list(mem);
			yaml_put(mem, y, ic->kind->key, list);
		}
		yaml_push(mem, list, print_integration(mem, ic));
	}
	return y;
}

const struct yaml *receivers_print(struct arena *mem, const struct config *c)
{
	struct yaml *list = yaml_new_list(mem);

	for (size_t i = 0; i < c->n_receivers; i++)
		yaml_push(mem, list, print_receiver(mem, &c->receivers[i]));
	return list;
}
