#include "base/base.h"
#include "config/parts.h"
#include "base/vec.h"

#include <stdlib.h>
#include <string.h>

#define AT(m) offsetof(struct route_text, m)
static const struct field route_fields[] = {
	{"receiver", FIELD_OPTIONAL, AT(receiver), .help = "Who is told."},
	{"fallback_receiver", FIELD_OPTIONAL, AT(fallback),
	 .help = "Who is told when the receiver could not be reached."},
	{"group_by", FIELD_TEXTS, AT(group_by),
	 .help = "Labels that make a group; ['...']: all."},
	{"match", FIELD_CUSTOM, AT(matchers), .codec = &match_codec,
	 .help = "Label and value; use matchers instead."},
	{"match_re", FIELD_CUSTOM, AT(matchers), .codec = &match_re_codec,
	 .help = "Label and expression; use matchers instead."},
	{"matchers", FIELD_CUSTOM, AT(matchers), .codec = &matchers_codec,
	 .help = "What an alert must have to come here."},
	{"mute_time_intervals", FIELD_TEXTS, AT(mute), .help = "When nobody is told."},
	{"active_time_intervals", FIELD_TEXTS, AT(active),
	 .help = "The only time to tell."},
	{"continue", FIELD_BOOL, AT(goes_on), .always = true,
	 .help = "Try the siblings after this one, too."},
	{"routes", FIELD_LIST, AT(kids), .of = &route_shape, .help = "Routes below."},
	{"group_wait", FIELD_GIVEN_SPAN, AT(group_wait),
	 .help = "Wait before a group's first."},
	{"group_interval", FIELD_GIVEN_SPAN, AT(group_interval),
	 .help = "Wait between notifications of a group."},
	{"repeat_interval", FIELD_GIVEN_SPAN, AT(repeat_interval),
	 .help = "Tell again after this when nothing changed."},
	{"labels", FIELD_PAIRS, AT(labels),
	 .help = "Templates for the notification's data."},
	{0},
};
#undef AT

static void check_group_by(struct decode *d, const struct yaml *y,
			   const struct route_text *r)
{
	bool all = false, others = false;

	for (size_t i = 0; i < r->group_by.n; i++) {
		const char *name = r->group_by.v[i];
		struct pos at = pos_of_item(y, "group_by", i);

		if (!strcmp(name, "...")) {
			all = true;
			continue;
		}
		others = true;
		if (!is_label_name(str_of(name), matcher_names(d->matchers)))
			mistake(d, at, "invalid label name \"%s\" in group_by list", name);
		for (size_t k = 0; k < i; k++) {
			if (!strcmp(name, r->group_by.v[k])) {
				mistake(d, at, "duplicated label \"%s\" in group_by", name);
				break;
			}
		}
	}
	if (all && others)
		mistake(d, pos_of_value(y, "group_by"),
			"cannot have wildcard group_by (`...`) and other labels at the "
			"same time");
}

static void route_check(struct decode *d, const struct yaml *y, void *object)
{
	struct route_text *r = object;

	r->source = y;
	matcher_text_combine(d, &r->matchers);
	check_group_by(d, y, r);
	if (r->group_interval.given && !r->group_interval.ms)
		mistake(d, pos_of_value(y, "group_interval"),
			"group_interval cannot be zero");
	if (r->repeat_interval.given && !r->repeat_interval.ms)
		mistake(d, pos_of_value(y, "repeat_interval"),
			"repeat_interval cannot be zero");
	for (size_t i = 0; i < r->labels.n; i++) {
		if (!is_label_name(str_of(r->labels.v[i].name), matcher_names(d->matchers)))
			mistake(d, r->labels.v[i].at,
				"invalid label name \"%s\" in route labels",
				r->labels.v[i].name);
	}
}

const struct shape route_shape = {"route", route_fields, sizeof(struct route_text), true,
				  route_check};

/* -- the tree with everything inherited ----------------------------------------------- */
struct builder {
	struct decode *d;
	struct config *config;
	VEC(struct route *) routes;
};

static const struct receiver *find_receiver(struct builder *b, const char *name,
					    struct pos at)
{
	const struct receiver *r = config_find_receiver(b->config, name);

	if (!r)
		mistake(b->d, at, "undefined receiver \"%s\" used in route", name);
	return r;
}

static void use(struct builder *b, const struct receiver *r)
{
	if (r)
		b->config->receivers[r - b->config->receivers].used = true;
}

static const struct time_interval **find_intervals(struct builder *b,
						   const struct route_text *text,
						   const char *key,
						   const struct text_list *names, size_t *n)
{
	const struct time_interval **v = ARENA_ARRAY(
		b->d->mem, const struct time_interval *, names->n);

	*n = 0;
	for (size_t i = 0; i < names->n; i++) {
		const struct time_interval *found = NULL;

		for (size_t k = 0; k < b->config->n_intervals && !found; k++) {
			if (!strcmp(b->config->intervals[k].name, names->v[i]))
				found = &b->config->intervals[k];
		}
		if (found)
			v[(*n)++] = found;
		else
			mistake(b->d, pos_of_item(text->source, key, i),
				"undefined time interval \"%s\" used in route",
				names->v[i]);
	}
	return v;
}

static int cmp_texts(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void set_group_by(struct builder *b, const struct route_text *text, struct route *r)
{
	if (!text->group_by.present) {
		if (!r->parent)
			return;
		r->group_by_all = r->parent->group_by_all;
		r->group_by = r->parent->group_by;
		r->n_group_by = r->parent->n_group_by;
		return;
	}
	r->group_by = ARENA_ARRAY(b->d->mem, const char *, text->group_by.n);
	for (size_t i = 0; i < text->group_by.n; i++) {
		if (!strcmp(text->group_by.v[i], "..."))
			r->group_by_all = true;
		else
			r->group_by[r->n_group_by++] = text->group_by.v[i];
	}
	if (r->n_group_by)
		qsort(r->group_by, r->n_group_by, sizeof(*r->group_by), cmp_texts);
}

static int cmp_pairs(const void *a, const void *b)
{
	return strcmp(((const struct text_pair *)a)->name,
		      ((const struct text_pair *)b)->name);
}

/* The route's labels over its parent's, by name. */
static void set_labels(struct builder *b, const struct route_text *text, struct route *r)
{
	size_t inherited = r->parent ? r->parent->n_labels : 0;
	struct text_pair *v = ARENA_ARRAY(b->d->mem, struct text_pair,
					  inherited + text->labels.n);

	for (size_t i = 0; i < inherited; i++)
		v[r->n_labels++] = r->parent->labels[i];
	for (size_t i = 0; i < text->labels.n; i++) {
		size_t k = 0;

		while (k < r->n_labels && strcmp(v[k].name, text->labels.v[i].name))
			k++;
		v[k] = text->labels.v[i];
		r->n_labels = MAX(r->n_labels, k + 1);
	}
	if (r->n_labels)
		qsort(v, r->n_labels, sizeof(*v), cmp_pairs);
	r->labels = v;
}

/* {}/{a="b"} and, with the place among the siblings, {}/{a="b"}/0 (spec/routing.md 4.3). */
static void set_keys(struct builder *b, struct route *r)
{
	struct buf out = BUF(BUF_NO_LIMIT);

	buf_add_matchers(&out, &r->matchers);
	if (r->parent) {
		r->key = arena_printf(b->d->mem, "%s/%s", r->parent->key, buf_text(&out));
		r->id = arena_printf(b->d->mem, "%s/%s/%zu", r->parent->id, buf_text(&out),
				     r->index);
	} else {
		r->key = r->id = arena_text(b->d->mem, buf_text(&out));
	}
	buf_free(&out);
}

static void set_times(const struct route_text *text, struct route *r)
{
	const struct route *p = r->parent;

	r->group_wait = text->group_wait.given ? text->group_wait.ms
			: p		       ? p->group_wait
					       : 30 * SECOND;
	r->group_interval = text->group_interval.given ? text->group_interval.ms
			    : p			       ? p->group_interval
						       : 5 * MINUTE;
	r->repeat_interval = text->repeat_interval.given ? text->repeat_interval.ms
			     : p			 ? p->repeat_interval
							 : 4 * HOUR;
}

static void set_receivers(struct builder *b, const struct route_text *text, struct route *r)
{
	r->receiver = r->parent ? r->parent->receiver : NULL;
	r->fallback = r->parent ? r->parent->fallback : NULL;
	if (text->receiver)
		r->receiver = find_receiver(b, text->receiver,
					    pos_of_value(text->source, "receiver"));
	if (text->fallback)
		r->fallback = find_receiver(
			b, text->fallback, pos_of_value(text->source, "fallback_receiver"));
	use(b, r->receiver);
	use(b, r->fallback);
}

static struct route *build(struct builder *b, const struct route_text *text,
			   const struct route *parent, size_t index)
{
	struct route *r = ARENA_NEW(b->d->mem, struct route);
	const struct route_text *kids = text->kids.v;

	r->at = text->at;
	r->text = text;
	r->parent = parent;
	r->index = index;
	r->number = b->routes.n;
	vec_push_in(b->d->mem, &b->routes, r);
	r->matchers = text->matchers.all;
	r->goes_on = text->goes_on;
	set_receivers(b, text, r);
	set_group_by(b, text, r);
	set_times(text, r);
	set_labels(b, text, r);
	set_keys(b, r);
	r->active = find_intervals(b, text, "active_time_intervals", &text->active,
				   &r->n_active);
	r->mute = find_intervals(b, text, "mute_time_intervals", &text->mute, &r->n_mute);
	r->kids = ARENA_ARRAY(b->d->mem, struct route *, text->kids.n);
	for (size_t i = 0; i < text->kids.n && b->routes.n < CONFIG_MAX_ROUTES; i++)
		r->kids[r->n_kids++] = build(b, &kids[i], r, i);
	return r;
}

static void check_root(struct decode *d, const struct route_text *r)
{
	if (!r->source)
		return; /* not even a mapping, as was said already */
	if (!r->receiver)
		mistake(d, r->at, "root route must specify a default receiver");
	if (r->matchers.match.n || r->matchers.match_re.n || r->matchers.list.n)
		mistake(d, r->at, "root route must not have any matchers");
	if (r->mute.n)
		mistake(d, pos_of_key(r->source, "mute_time_intervals"),
			"root route must not have any mute time intervals");
	if (r->active.n)
		mistake(d, pos_of_key(r->source, "active_time_intervals"),
			"root route must not have any active time intervals");
	if (r->goes_on)
		mistake(d, pos_of_key(r->source, "continue"),
			"cannot have continue in root route");
}

void routes_build(struct decode *d, const struct route_text *root, struct config *c)
{
	struct builder b = {.d = d, .config = c};

	check_root(d, root);
	c->root = build(&b, root, NULL, 0);
	c->routes = b.routes.v;
	c->n_routes = b.routes.n;
	if (c->n_routes >= CONFIG_MAX_ROUTES)
		mistake(d, root->at, "more than %d routes", CONFIG_MAX_ROUTES);
}
