#include "base/base.h"
#include "receivers/compose.h"

#include <stdlib.h>
#include <string.h>

/* -- the data (spec/notification-templates.md 1) -------------------------------------- */
static struct template_run run_of(const struct render *r)
{
	const struct attempt_env *env = r->a->env;

	return (struct template_run){
		.mem = r->a->mem,
		.now = env->now,
		.local = env->local,
		.zone_find = env->zone_find,
		.arg = env->ctx,
		.external_url = env->external_url,
		.route_labels = r->notice.route_labels,
	};
}

static struct str fingerprint(struct arena *mem, const struct labels *labels)
{
	struct buf out = BUF(64);
	struct str text;

	buf_add_fingerprint(&out, labels->fingerprint);
	text = buf_keep(&out, mem);
	buf_free(&out);
	return text;
}

static void set_alerts(struct render *r)
{
	struct arena *mem = r->a->mem;
	struct notice_alert *v = ARENA_ARRAY(mem, struct notice_alert, r->n_alerts);
	struct value *labels = ARENA_ARRAY(mem, struct value, r->n_alerts);
	struct value *annotations = ARENA_ARRAY(mem, struct value, r->n_alerts);
	bool firing = false;

	for (size_t i = 0; i < r->n_alerts; i++) {
		const struct notification_alert *in = &r->a->n->alerts[i];

		firing |= !in->resolved;
		labels[i] = value_kv(mem, in->labels);
		annotations[i] = value_kv(mem, in->annotations);
		v[i] = (struct notice_alert){
			.status = in->resolved ? "resolved" : "firing",
			.labels = labels[i],
			.annotations = annotations[i],
			.starts_at = {in->starts_at, NULL},
			.ends_at = {in->resolved ? in->ends_at : INSTANT_ZERO, NULL},
			.generator_url = str_of(in->generator_url),
			.fingerprint = fingerprint(mem, in->labels),
		};
	}
	r->notice.alerts = v;
	r->notice.n_alerts = r->n_alerts;
	r->notice.status = firing ? "firing" : "resolved";
	r->notice.common_labels = notice_common(mem, labels, r->n_alerts);
	r->notice.common_annotations = notice_common(mem, annotations, r->n_alerts);
}

/* Each label's template over the same data, with the reason still unknown; one that fails
 * is left out. */
static void set_route_labels(struct render *r)
{
	const struct route *route = r->a->n->route;
	struct arena *mem = r->a->mem;
	size_t n = route ? route->n_labels : 0, done = 0;
	struct label *raw = ARENA_ARRAY(mem, struct label, n);
	struct label *rendered = ARENA_ARRAY(mem, struct label, n);
	struct notice plain = r->notice;
	struct template_run run;

	for (size_t i = 0; i < n; i++)
		raw[i] = (struct label){route->labels[i].name, route->labels[i].text};
	plain.reason = STR("unknown");
	plain.route_labels = value_kv(mem, labels_new_raw(mem, raw, n, NULL));
	for (size_t i = 0; i < n; i++) {
		struct buf out = BUF(TEMPLATE_MAX_OUTPUT);
		const struct template *t = template_parse(
			mem, r->a->env->templates, TEMPLATE_TEXT, "", str_of(raw[i].value),
			route->labels[i].at, NULL);

		run = run_of(r);
		run.route_labels = plain.route_labels;
		run.route_labels_raw = true;
		if (t && template_render(t, &run, notice_value(mem, &plain), &out, NULL) ==
				 RENDERED)
			rendered[done++] = (struct label){raw[i].name,
							  arena_copy(mem, buf_str(&out))};
		buf_free(&out);
	}
	r->route_labels = labels_new_raw(mem, rendered, done, NULL);
	r->notice.route_labels = value_kv(mem, r->route_labels);
}

const struct labels *route_labels_render(struct arena *mem, const struct attempt_env *env,
					 const struct notification *n)
{
	struct attempt a = {.mem = mem, .n = n, .env = env};
	struct render r;

	render_start(&r, &a, 0);
	return r.route_labels;
}

void render_start(struct render *r, struct attempt *a, size_t max_alerts)
{
	const struct notification *n = a->n;

	*r = (struct render){.a = a, .n_alerts = n->n_alerts, .annotations = ALL};
	if (max_alerts && max_alerts < n->n_alerts)
		r->n_alerts = max_alerts;
	r->notice.receiver = notice_receiver(a->mem, str_of(n->receiver->name));
	r->notice.reason = str_of(reason_text(n->reason));
	r->notice.external_url = str_of(a->env->external_url);
	r->notice.group_labels = value_kv(a->mem, n->group_labels);
	set_alerts(r);
	set_route_labels(r);
	r->data = notice_value(a->mem, &r->notice);
}

/* -- fields --------------------------------------------------------------------------- */
/* What a field becomes whose template failed, so that the page goes out all the same. */
enum mend {
	MEND_NOT,     /* the attempt fails: an address, a key */
	MEND_EMPTY,   /* the service's own default: a colour, a link */
	MEND_LINE,    /* what people read in one line */
	MEND_MESSAGE, /* what people read */
};

#define MOST_PLAIN_ALERTS 20

static void add_plain_line(struct buf *b, const struct render *r)
{
	const struct notification *n = r->a->n;
	size_t firing = 0;

	for (size_t i = 0; i < n->n_alerts; i++)
		firing += !n->alerts[i].resolved;
	if (firing)
		buf_addf(b, "[FIRING:%zu]", firing);
	else
		buf_add_text(b, "[RESOLVED]");
	for (size_t i = 0; i < n->group_labels->n; i++)
		buf_addf(b, " %s", n->group_labels->v[i].value);
}

/* The alerts without any template: what fires, its labels, its summary. */
static void add_plain_alerts(struct buf *b, const struct render *r)
{
	const struct notification *n = r->a->n;

	for (size_t i = 0; i < MIN(n->n_alerts, MOST_PLAIN_ALERTS); i++) {
		const struct notification_alert *a = &n->alerts[i];
		const char *summary = labels_get(a->annotations, "summary");

		buf_addf(b, "\n%s ", a->resolved ? "resolved" : "firing");
		buf_add_labels(b, a->labels);
		if (summary[0])
			buf_addf(b, " %s", summary);
	}
	if (n->n_alerts > MOST_PLAIN_ALERTS)
		buf_addf(b, "\nand %zu more", n->n_alerts - MOST_PLAIN_ALERTS);
}

static void add_html_text(struct buf *out, struct str s)
{
	buf_add_text(out, "<pre>");
	for (size_t i = 0; i < s.n; i++) {
		if (strchr("<>&\"'", s.p[i]) && s.p[i])
			buf_addf(out, "&#%d;", s.p[i]);
		else
			buf_add_char(out, s.p[i]);
	}
	buf_add_text(out, "</pre>");
}

static struct str mended(struct render *r, enum mend how, bool html, const char *error)
{
	struct buf plain = BUF(TEMPLATE_MAX_OUTPUT), escaped = BUF(TEMPLATE_MAX_OUTPUT);
	struct str text;

	if (how != MEND_EMPTY)
		add_plain_line(&plain, r);
	if (how == MEND_MESSAGE) {
		add_plain_alerts(&plain, r);
		buf_addf(&plain, "\n(this message's template failed: %s)", error);
	}
	if (html)
		add_html_text(&escaped, buf_str(&plain));
	text = buf_keep(html ? &escaped : &plain, r->a->mem);
	buf_free(&plain);
	buf_free(&escaped);
	return text;
}

struct str render_plain(struct render *r)
{
	return mended(r, MEND_LINE, true, NULL);
}

static struct str fail(struct render *r, const struct err *err, const char *whole,
		       struct str partial, enum mend how, bool html)
{
	const char *error = whole ? whole : arena_text(r->a->mem, err->text);

	if (how != MEND_NOT && r->a->env->mend_templates) {
		r->a->mended = error;
		return mended(r, how, html, error);
	}
	r->failed = true;
	r->error = error;
	return partial;
}

static const struct template *parse(const struct attempt *a, enum template_engine engine,
				    const char *field, struct err *err)
{
	if (a->env->parsed)
		return parsed_text(a->env->parsed, engine, a->mem, field, err);
	return template_parse(a->mem, a->env->templates, engine, "", str_of(field), NOWHERE,
			      err);
}

static struct str render(struct render *r, enum template_engine engine, const char *field,
			 enum mend how)
{
	bool html = engine == TEMPLATE_HTML;
	struct template_run run = run_of(r);
	struct buf out = BUF(TEMPLATE_MAX_OUTPUT);
	const struct template *t;
	struct str text;
	struct err err;

	if (r->failed || !*field)
		return STR("");
	if (engine == TEMPLATE_TEXT && !strstr(field, "{{"))
		return str_of(field);
	t = parse(r->a, engine, field, &err);
	if (!t)
		return fail(r, &err, NULL, STR(""), how, html);
	if (template_render(t, &run, r->data, &out, &err) == RENDERED) {
		text = buf_keep(&out, r->a->mem);
	} else {
		text = buf_keep(&out, r->a->mem);
		text = fail(r, &err, run.error, text, how, html);
	}
	buf_free(&out);
	return text;
}

struct str render_text(struct render *r, const char *field)
{
	return render(r, TEMPLATE_TEXT, field, MEND_EMPTY);
}

struct str render_line(struct render *r, const char *field)
{
	return render(r, TEMPLATE_TEXT, field, MEND_LINE);
}

struct str render_message(struct render *r, const char *field)
{
	return render(r, TEMPLATE_TEXT, field, MEND_MESSAGE);
}

struct str render_html(struct render *r, const char *field)
{
	return render(r, TEMPLATE_HTML, field, MEND_MESSAGE);
}

struct str render_exactly(struct render *r, const char *field)
{
	return render(r, TEMPLATE_TEXT, field, MEND_NOT);
}

bool render_ok(struct render *r)
{
	if (r->failed)
		give_up(r->a, FAILURE_OTHER, "%s", r->error);
	return !r->failed;
}

/* -- structured values (spec/receivers.md 1.9) ---------------------------------------- */
static bool write_value(struct render *r, struct json *j, const struct yaml *y,
			bool templates);

static int cmp_members(const void *a, const void *b)
{
	return strcmp(((const struct member *)a)->name, ((const struct member *)b)->name);
}

/* Keys that are no text are dropped; the last of equal ones counts; sorted. */
static bool write_map(struct render *r, struct json *j, const struct yaml *y,
		      bool templates)
{
	struct member *v = ARENA_ARRAY(r->a->mem, struct member, y->n);
	size_t n = 0;

	for (size_t i = 0; i < y->n; i++) {
		struct str name = y->keys[i]->text;
		size_t k = 0;

		if (y->keys[i]->kind != YAML_TEXT)
			continue;
		if (templates)
			name = render_text(r, arena_copy(r->a->mem, name));
		while (k < n && !str_is(name, v[k].name))
			k++;
		v[k] = (struct member){arena_copy(r->a->mem, name), y->items[i]};
		n = MAX(n, k + 1);
	}
	if (n)
		qsort(v, n, sizeof(*v), cmp_members);
	json_open(j, '{');
	for (size_t i = 0; i < n; i++) {
		json_key(j, str_of(v[i].name));
		if (!write_value(r, j, v[i].value, templates))
			return false;
	}
	json_close(j, '}');
	return true;
}

static bool write_list(struct render *r, struct json *j, const struct yaml *y,
		       bool templates)
{
	json_open(j, '[');
	for (size_t i = 0; i < y->n; i++) {
		if (!write_value(r, j, y->items[i], templates))
			return false;
	}
	json_close(j, ']');
	return true;
}

/* What the text rendered to, unless it reads as YAML of another kind. */
static bool write_text(struct render *r, struct json *j, struct str text)
{
	struct str rendered = render_message(r, arena_copy(r->a->mem, text));
	const struct yaml *value = yaml_read_value(r->a->mem, rendered);

	if (value && value->kind != YAML_TEXT)
		return write_value(r, j, value, false);
	json_str(j, rendered);
	return true;
}

static bool write_value(struct render *r, struct json *j, const struct yaml *y,
			bool templates)
{
	switch (y->kind) {
	case YAML_NULL:
		json_raw(j, STR("null"));
		return true;
	case YAML_BOOL:
		json_bool(j, y->yes);
		return true;
	case YAML_INT:
		if (y->huge)
			json_uint(j, (uint64_t)y->num);
		else
			json_int(j, y->num);
		return true;
	case YAML_FLOAT:
		return json_double(j, y->real);
	case YAML_TEXT:
		if (templates)
			return write_text(r, j, y->text);
		json_str(j, y->text);
		return true;
	case YAML_LIST:
		return write_list(r, j, y, templates);
	case YAML_MAP:
		return write_map(r, j, y, templates);
	}
	BUG("a node of no kind");
}

bool render_value(struct render *r, struct json *j, const struct yaml *y)
{
	if (!write_value(r, j, y, true) && !r->failed) {
		r->failed = true;
		r->error = "json: unsupported value: NaN or infinite";
	}
	return !r->failed;
}
