#include "base/base.h"
#include "config/parts.h"

#include <string.h>

/* From the file to a checked configuration: the tree of YAML is read by the tables, then
 * the sections are put together and checked against each other (spec/config.md 1.2). */

#define AT(m) offsetof(struct config_text, m)
static const struct field config_fields[] = {
	{"global", FIELD_OBJECT, AT(global), .of = &global_shape, .help = "Defaults."},
	{"route", FIELD_OBJECT, AT(route), .of = &route_shape, .help = "Who is told what."},
	{"inhibit_rules", FIELD_LIST, AT(inhibit_rules), .of = &inhibit_shape,
	 .nulls = NULL_EMPTY, .help = "Alerts that mute others."},
	{"receivers", FIELD_ANY, AT(receivers), .help = "Who can be told, and how."},
	{"templates", FIELD_PATHS, AT(templates), .always = true,
	 .help = "Files with notification templates."},
	{"mute_time_intervals", FIELD_LIST, AT(mute_time_intervals), .of = &interval_shape,
	 .help = "Use time_intervals instead."},
	{"time_intervals", FIELD_LIST, AT(time_intervals), .of = &interval_shape,
	 .help = "Times that routes refer to."},
	{"tracing", FIELD_OBJECT, AT(tracing), .of = &tracing_shape,
	 .help = "Checked only."},
	{"event_recorder", FIELD_OBJECT, AT(recorder), .of = &recorder_shape,
	 .help = "Checked only."},
	{"rule_files", FIELD_PATHS, AT(rule_files), .help = "Files with rules."},
	{"datasources", FIELD_LIST, AT(datasources), .of = &datasource_shape,
	 .help = "Where rules are evaluated."},
	{"alerting", FIELD_OBJECT, AT(alerting), .of = &alerting_shape,
	 .help = "What becomes of the labels of rules' alerts."},
	{"remote_write", FIELD_LIST, AT(remote_writes), .of = &remote_write_shape,
	 .help = "Where recorded series and alert states are written."},
	{0},
};
#undef AT

const struct receiver *config_find_receiver(const struct config *c, const char *name)
{
	for (size_t i = 0; i < c->n_receivers; i++) {
		if (!strcmp(c->receivers[i].name, name))
			return &c->receivers[i];
	}
	return NULL;
}

const struct datasource *config_find_datasource(const struct config *c, const char *name)
{
	for (size_t i = 0; i < c->n_datasources; i++) {
		if (!strcmp(c->datasources[i].name, name))
			return &c->datasources[i];
	}
	return NULL;
}

/* -- sections ------------------------------------------------------------------------- */
static void global_build(struct decode *d, struct config_text *t, struct config *c)
{
	if (!t->global) {
		struct yaml nothing = {
			.kind = YAML_NULL, .plain = true, .at = {d->path, 1, 1}};

		t->global = ARENA_NEW(d->mem, struct global_text);
		decode_object(d, &nothing, &global_shape, t->global);
	}
	c->global = t->global->engine;
	c->global.receivers = &t->global->receivers;
	if (!c->global.http) /* global was no map: a mistake, but the reading goes on */
		c->global.http = http_config_default(d->mem);
}

static const char *interval_where(const struct time_interval *t)
{
	return t->deprecated ? "mute time interval" : "time interval";
}

static void intervals_add(struct decode *d, const struct object_list *list, bool deprecated,
			  struct config *c)
{
	const struct interval_text *texts = list->v;

	for (size_t i = 0; i < list->n; i++) {
		struct time_interval *t = &c->intervals[c->n_intervals++];

		t->at = texts[i].at;
		t->name = texts[i].name;
		t->specs = texts[i].specs.v;
		t->n_specs = texts[i].specs.n;
		t->deprecated = deprecated;
		if (!*t->name) {
			mistake(d, t->at, "missing name in %s", interval_where(t));
			continue;
		}
		for (size_t k = 0; k + 1 < c->n_intervals; k++) {
			if (strcmp(c->intervals[k].name, t->name))
				continue;
			mistake(d, t->at, "%s \"%s\" is not unique", interval_where(t),
				t->name);
			break;
		}
	}
}

static void intervals_build(struct decode *d, const struct config_text *t, struct config *c)
{
	c->intervals = ARENA_ARRAY(d->mem, struct time_interval,
				   t->mute_time_intervals.n + t->time_intervals.n);
	intervals_add(d, &t->mute_time_intervals, true, c);
	intervals_add(d, &t->time_intervals, false, c);
}

/* A character of a class in a glob, perhaps escaped; something must follow it. */
static bool skip_class_char(const char **s)
{
	if (**s == '\\')
		++*s;
	else if (**s == '-' || **s == ']')
		return false;
	return **s && *++*s;
}

static bool skip_class(const char **s)
{
	*s += (*s)[1] == '^' ? 2 : 1;
	do {
		if (!skip_class_char(s) || (**s == '-' && (++*s, !skip_class_char(s))))
			return false;
	} while (**s != ']');
	return true;
}

/* Whether Go's filepath.Match takes the pattern. */
static bool is_glob(const char *s)
{
	for (; *s; s++) {
		if (*s == '[' ? !skip_class(&s) : *s == '\\' && !*++s)
			return false;
	}
	return true;
}

static void templates_check(struct decode *d, const struct yaml *y,
			    const struct text_list *list)
{
	for (size_t i = 0; i < list->n; i++) {
		if (!is_glob(list->v[i]))
			mistake(d, pos_of_item(y, "templates", i),
				"syntax error in pattern \"%s\"", list->v[i]);
	}
}

/* A star may stand in the last part of a path only (spec/rules.md 1.1). */
static void rule_files_check(struct decode *d, const struct yaml *y,
			     const struct text_list *list)
{
	for (size_t i = 0; i < list->n; i++) {
		const char *star = strchr(list->v[i], '*');

		if (star && strchr(star, '/'))
			mistake(d, pos_of_item(y, "rule_files", i),
				"invalid rule file path \"%s\"", list->v[i]);
	}
}

static bool is_ruler(const struct config_text *t)
{
	return t->rule_files.n || t->datasources.n;
}

static void route_build(struct decode *d, const struct yaml *y,
			const struct config_options *o, const struct config_text *t,
			struct config *c)
{
	if (t->route)
		routes_build(d, t->route, c);
	else if (y->kind == YAML_NULL)
		mistake(d, y->at, "no route provided in config");
	else if (!o->router_optional || !is_ruler(t))
		mistake(d, y->at, "no routes provided");
}

static void build(struct decode *d, const struct yaml *y, const struct config_options *o,
		  struct config *c)
{
	struct config_text *t = ARENA_NEW(d->mem, struct config_text);

	if (y->kind != YAML_NULL && !is_map(d, y, "a mapping"))
		return;
	decode_fields(d, y, "config", config_fields, t);
	c->source = t;
	global_build(d, t, c);
	receivers_decode(d, t->receivers, o->kinds, c);
	receivers_inherit(d, c);
	intervals_build(d, t, c);
	inhibit_build(d, &t->inhibit_rules, c);
	route_build(d, y, o, t, c);
	datasources_build(d, &t->datasources, c);
	remote_writes_build(d, &t->remote_writes, c);
	if (t->alerting)
		c->alert_relabels = t->alerting->relabels;
	rule_files_check(d, y, &t->rule_files);
	templates_check(d, y, &t->templates);
	c->templates = t->templates.v;
	c->n_templates = t->templates.n;
	c->rule_files = t->rule_files.v;
	c->n_rule_files = t->rule_files.n;
}

static const char *folder_of(struct arena *mem, const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		return ".";
	return slash == path ? "/"
			     : arena_copy(mem, (struct str){path, (size_t)(slash - path)});
}

const struct config *config_parse(struct arena *mem, const char *path, struct str text,
				  const struct config_options *o, struct errs *errs,
				  struct errs *warnings)
{
	struct config *c = ARENA_NEW(mem, struct config);
	struct decode d = {.mem = mem,
			   .errs = errs,
			   .warnings = warnings,
			   .files = o->files,
			   .matchers = o->matchers};
	size_t before = errs->n;
	const struct yaml *y;

	c->path = d.path = arena_text(mem, path);
	c->text = text;
	d.dir = folder_of(mem, path);
	y = yaml_read(mem, c->path, text, errs);
	if (y)
		build(&d, y, o, c);
	errs_sort(errs);
	if (errs->n == before)
		return c;
	if (o->refused && y)
		*o->refused = c;
	return NULL;
}

const struct config *config_load(struct arena *mem, const char *path,
				 const struct config_options *o, struct errs *errs,
				 struct errs *warnings)
{
	struct str text;
	struct err err;

	if (o->files->read(o->files->ctx, mem, path, &text, &err))
		return config_parse(mem, path, text, o, errs, warnings);
	errs_add(errs, &err);
	return NULL;
}

/* -- printing ------------------------------------------------------------------------- */
static struct yaml *print(struct arena *mem, const struct config *c)
{
	struct yaml *y = yaml_new_map(mem);

	for (const struct field *f = config_fields; f->name; f++) {
		const struct field one[] = {*f, {0}};

		if (strcmp(f->name, "receivers"))
			print_fields(mem, y, one, c->source);
		else if (c->n_receivers)
			yaml_put(mem, y, f->name, receivers_print(mem, c));
	}
	return y;
}

static bool is_one_of(struct str word, const char *const *words)
{
	for (; words && *words; words++) {
		if (str_is(word, *words))
			return true;
	}
	return false;
}

static struct yaml *without(struct arena *mem, const struct yaml *map,
			    const char *const *keys)
{
	struct yaml *out = yaml_new_map(mem);

	for (size_t i = 0; i < map->n; i++) {
		if (!is_one_of(map->keys[i]->text, keys))
			yaml_put(mem, out, map->keys[i]->text.p, map->items[i]);
	}
	return out;
}

static void replace(struct yaml *map, const char *key, const struct yaml *value)
{
	for (size_t i = 0; i < map->n; i++) {
		if (str_is(map->keys[i]->text, key))
			map->items[i] = value;
	}
}

static const struct yaml *plain_route(struct arena *mem, const struct yaml *route)
{
	static const char *const ours[] = {"fallback_receiver", NULL};
	struct yaml *out = without(mem, route, ours), *kids = yaml_new_list(mem);
	const struct yaml *list = yaml_find(out, "routes");

	for (size_t i = 0; list && i < list->n; i++)
		yaml_push(mem, kids, plain_route(mem, list->items[i]));
	replace(out, "routes", kids);
	return out;
}

void buf_add_config(struct buf *out, const struct config *c)
{
	struct arena mem = {0};

	yaml_print(out, print(&mem, c));
	arena_free(&mem);
}

void buf_add_alertmanager_config(struct buf *out, const struct config *c)
{
	static const char *const sections[] = {"rule_files", "datasources", "remote_write",
					       "alerting", NULL};
	static const char *const globals[] = {"evaluation_interval", "rule_query_offset",
					      "external_labels",
					      "metric_name_validation_scheme", NULL};
	struct arena mem = {0};
	struct yaml *y = without(&mem, print(&mem, c), sections);
	const struct yaml *global = yaml_find(y, "global"), *route = yaml_find(y, "route");

	if (global)
		replace(y, "global", without(&mem, global, globals));
	if (route)
		replace(y, "route", plain_route(&mem, route));
	yaml_print(out, y);
	arena_free(&mem);
}
