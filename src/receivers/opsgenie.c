#include "base/base.h"
#include "receivers/compose.h"
#include "receivers/list.h"

#include <stdlib.h>
#include <string.h>

struct responder {
	const char *id, *name, *username, *type;
};
struct opsgenie {
	struct secret api_key;
	const char *api_key_file, *api_url, *message, *description, *source;
	const char *entity, *note, *priority, *tags, *actions;
	struct pair_list details;
	struct object_list responders;
	bool update_alerts;
};

/* -- tables --------------------------------------------------------------------------- */
#define AT(m) offsetof(struct responder, m)
static const struct field responder_fields[] = {
	{"id", FIELD_TEXT, AT(id), .help = "Its id, or"},
	{"name", FIELD_TEXT, AT(name), .help = "its name, or"},
	{"username", FIELD_TEXT, AT(username), .help = "its user name."},
	{"type", FIELD_TEXT, AT(type),
	 .help = "team, teams, user, escalation or schedule."},
	{0},
};
#undef AT

static void responder_check(struct decode *d, const struct yaml *y, void *object)
{
	static const char *const types[] = {"team", "teams", "user", "escalation",
					    "schedule"};
	const struct responder *r = object;
	struct arena scratch = {0};
	struct err err;

	if (!*r->id && !*r->name && !*r->username)
		mistake(d, y->at,
			"opsGenieConfig responder must have at least one of id, username "
			"or name "
			"specified");
	if (strstr(r->type, "{{")) {
		if (!template_parse(&scratch, template_set_new(&scratch, FUNCS_NOTIFY),
				    TEMPLATE_TEXT, "", str_of(r->type), y->at, &err))
			mistake(d, pos_of_value(y, "type"),
				"opsGenieConfig responder type is not a valid template: %s",
				err.text);
		arena_free(&scratch);
		return;
	}
	for (size_t i = 0; i < COUNT_OF(types); i++) {
		if (!strcasecmp(r->type, types[i]))
			return;
	}
	mistake(d, pos_of_value(y, "type"),
		"opsGenieConfig responder type \"%s\" is not one of team, teams, user, "
		"escalation "
		"and schedule",
		r->type);
}

static const struct shape responder_shape = {"opsgenie responder", responder_fields,
					     sizeof(struct responder), false,
					     responder_check};

#define AT(m) offsetof(struct opsgenie, m)
static const struct field fields[] = {
	{"api_key", FIELD_SECRET, AT(api_key), .help = "Key."},
	{"api_key_file", FIELD_OPTIONAL, AT(api_key_file), .help = "File with it."},
	{"api_url", FIELD_URL, AT(api_url), .help = "Opsgenie API."},
	{"message", FIELD_TEXT, AT(message), .if_absent = TPL("opsgenie.default.message"),
	 .help = "Heading."},
	{"description", FIELD_TEXT, AT(description),
	 .if_absent = TPL("opsgenie.default.description"), .help = "Text."},
	{"source", FIELD_TEXT, AT(source), .if_absent = TPL("opsgenie.default.source"),
	 .help = "Where to look."},
	{"details", FIELD_PAIRS, AT(details), .help = "Over the common labels."},
	{"entity", FIELD_TEXT, AT(entity), .help = "What is affected."},
	{"responders", FIELD_LIST, AT(responders), .of = &responder_shape,
	 .help = "Who acts."},
	{"tags", FIELD_TEXT, AT(tags), .help = "Tags, with commas."},
	{"note", FIELD_TEXT, AT(note), .help = "Note."},
	{"priority", FIELD_TEXT, AT(priority), .help = "P1 to P5."},
	{"actions", FIELD_TEXT, AT(actions), .help = "Actions, with commas."},
	{"update_alerts", FIELD_BOOL, AT(update_alerts),
	 .help = "Also change message and description of an open alert."},
	{0},
};
#undef AT

static void check(struct decode *d, struct integration_config *ic)
{
	const struct opsgenie *s = ic->settings;

	check_pair(d, ic, "api_key", s->api_key, s->api_key_file);
}

static void inherit(struct decode *d, struct integration_config *ic, const struct global *g)
{
	const struct global_receivers *all = g->receivers;
	struct opsgenie *s = ic->settings;

	s->api_url = with_slash(d->mem, s->api_url ? s->api_url : all->opsgenie_api_url);
	if (!secret_is_set(s->api_key))
		s->api_key = all->opsgenie_api_key;
	if (secret_is_set(s->api_key))
		s->api_key_file = NULL; /* the key wins, also a global one */
	else if (!s->api_key_file)
		s->api_key_file = all->opsgenie_api_key_file;
	if (!secret_is_set(s->api_key) && !s->api_key_file)
		mistake(d, ic->at,
			"no global OpsGenie API Key set either inline or in a file");
}

/* -- the alert ------------------------------------------------------------------------ */
struct detail {
	const char *name;
	struct str value;
};

static int cmp_details(const void *a, const void *b)
{
	return strcmp(((const struct detail *)a)->name, ((const struct detail *)b)->name);
}

static void write_details(struct json *j, struct render *r, const struct opsgenie *s)
{
	const struct value *common = &r->notice.common_labels;
	size_t n = 0, labels = common->type ? common->map.n : 0;
	struct detail *v = ARENA_ARRAY(r->a->mem, struct detail, labels + s->details.n);

	for (size_t i = 0; i < labels; i++)
		v[n++] = (struct detail){arena_copy(r->a->mem, common->map.v[i].key),
					 common->map.v[i].value.s};
	for (size_t i = 0; i < s->details.n; i++) {
		size_t k = 0;

		while (k < n && strcmp(v[k].name, s->details.v[i].name))
			k++;
		v[k] = (struct detail){s->details.v[i].name,
				       render_text(r, s->details.v[i].text)};
		n = MAX(n, k + 1);
	}
	if (n)
		qsort(v, n, sizeof(*v), cmp_details);
	json_open_key(j, "details", '{');
	for (size_t i = 0; i < n; i++)
		json_put(j, v[i].name, v[i].value);
	json_close(j, '}');
}

/* The pieces between commas; the whole is trimmed, the pieces are not. */
static void write_pieces(struct json *j, const char *key, struct str text)
{
	struct str rest = str_trim(text), piece;
	bool open = false;

	while (str_cut(&rest, ',', &piece)) {
		if (!piece.n)
			continue;
		if (!open)
			json_open_key(j, key, '[');
		open = true;
		json_str(j, piece);
	}
	if (open)
		json_close(j, ']');
}

static void write_responder(struct json *j, struct render *r, const struct responder *in)
{
	struct str id = render_text(r, in->id), name = render_text(r, in->name);
	struct str user = render_text(r, in->username), type = render_text(r, in->type),
		   piece;

	if (!id.n && !name.n && !user.n && !type.n)
		return;
	if (!str_is(type, "teams")) {
		json_open(j, '{');
		json_put_some(j, "id", id);
		json_put_some(j, "name", name);
		json_put_some(j, "username", user);
		json_put(j, "type", type);
		json_close(j, '}');
		return;
	}
	while (str_cut(&name, ',', &piece)) {
		if (!piece.n)
			continue;
		json_open(j, '{');
		json_put(j, "name", piece);
		json_put_text(j, "type", "team");
		json_close(j, '}');
	}
}

static void write_responders(struct json *j, struct render *r, const struct opsgenie *s)
{
	const struct responder *v = s->responders.v;
	struct json list = JSON;

	json_open(&list, '[');
	for (size_t i = 0; i < s->responders.n; i++)
		write_responder(&list, r, &v[i]);
	json_close(&list, ']');
	if (list.out.n > 2) {
		json_key(j, STR("responders"));
		json_raw(j, buf_str(&list.out));
	}
	buf_free(&list.out);
}

/* -- requests ------------------------------------------------------------------------- */
struct call {
	const char *method, *url;
	struct str body;
};
struct calls {
	struct call v[3];
	size_t n;
	const char *key;
};

static void call_add(struct attempt *a, const char *method, const char *url,
		     struct json *body)
{
	struct calls *c = a->state;

	buf_add_char(&body->out, '\n');
	c->v[c->n++] = (struct call){method, url, buf_keep(&body->out, a->mem)};
	buf_free(&body->out);
}

static void send_next(struct attempt *a)
{
	const struct calls *c = a->state;
	const struct call *now = &c->v[a->step++];

	want_http(a, now->method, now->url, "application/json", now->body);
	authorize(a, arena_printf(a->mem, "GenieKey %s", c->key));
}

static int cmp_pieces(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The URL's own query with identifierType among it, sorted. */
static const char *by_alias(struct arena *mem, const char *query)
{
	struct str rest = str_of(query), piece;
	const char *v[100] = {"identifierType=alias"};
	struct buf out = BUF(BUF_NO_LIMIT);
	const char *text;
	size_t n = 1;

	while (n < COUNT_OF(v) && str_cut(&rest, '&', &piece)) {
		if (piece.n)
			v[n++] = arena_copy(mem, piece);
	}
	qsort(v, n, sizeof(*v), cmp_pieces);
	for (size_t i = 0; i < n; i++)
		buf_addf(&out, "%s%s", i ? "&" : "", v[i]);
	text = arena_text(mem, buf_text(&out));
	buf_free(&out);
	return text;
}

static const char *address(struct attempt *a, const char *tail, bool alias)
{
	const struct opsgenie *s = a->n->integration->settings;
	struct url url;

	if (!url_parse(a->mem, str_of(s->api_url), NOWHERE, &url, NULL))
		BUG("the URL was checked");
	url_append(a->mem, &url, tail);
	if (alias)
		url.query = by_alias(a->mem, url.query);
	return url_print(a->mem, &url);
}

static void compose_close(struct render *r, const struct opsgenie *s, const char *alias)
{
	struct json body = JSON;

	json_open(&body, '{');
	json_put(&body, "source", render_text(r, s->source));
	json_close(&body, '}');
	call_add(r->a, "POST",
		 address(r->a, arena_printf(r->a->mem, "v2/alerts/%s/close", alias), true),
		 &body);
}

static void compose_update(struct render *r, const char *alias, const char *what,
			   struct str text)
{
	struct json body = JSON;

	json_open(&body, '{');
	json_put_some(&body, what, text);
	json_close(&body, '}');
	call_add(r->a, "PUT",
		 address(r->a, arena_printf(r->a->mem, "v2/alerts/%s/%s", alias, what),
			 true),
		 &body);
}

static void compose_create(struct render *r, const struct opsgenie *s, const char *alias)
{
	struct str message = cut_chars(r->a->mem, render_message(r, s->message), 130);
	struct str description = render_message(r, s->description);
	struct json body = JSON;

	json_open(&body, '{');
	json_put_text(&body, "alias", alias);
	json_put(&body, "message", message);
	json_put_some(&body, "description", description);
	write_details(&body, r, s);
	json_put(&body, "source", render_text(r, s->source));
	write_responders(&body, r, s);
	write_pieces(&body, "tags", render_text(r, s->tags));
	json_put_some(&body, "note", render_text(r, s->note));
	json_put_some(&body, "priority", render_text(r, s->priority));
	json_put_some(&body, "entity", render_text(r, s->entity));
	write_pieces(&body, "actions", render_text(r, s->actions));
	json_close(&body, '}');
	call_add(r->a, "POST", address(r->a, "v2/alerts", false), &body);
	if (s->update_alerts) {
		compose_update(r, alias, "message", message);
		compose_update(r, alias, "description", description);
	}
}

static void compose(struct attempt *a)
{
	const struct opsgenie *s = a->n->integration->settings;
	const char *alias = group_hash(a->mem, a->n->group_key), *key;
	struct calls *c = ARENA_NEW(a->mem, struct calls);
	struct render r;

	a->state = c;
	if (!secret_get(a, s->api_key, s->api_key_file, &key))
		return;
	render_start(&r, a, 0);
	if (a->n->firing)
		compose_create(&r, s, alias);
	else
		compose_close(&r, s, alias);
	c->key = arena_copy(a->mem, str_trim(render_exactly(&r, key)));
	if (render_ok(&r))
		send_next(a);
}

static void judge(struct attempt *a, const struct http_answer *answer)
{
	const struct calls *c = a->state;

	judge_status(a, answer, &(struct judging){.also_retried = 429});
	if (a->verdict == VERDICT_SENT && (size_t)a->step < c->n)
		send_next(a);
}

const struct integration opsgenie_integration = {
	.kind = {.name = "opsgenie",
		 .key = "opsgenie_configs",
		 .fields = fields,
		 .size = sizeof(struct opsgenie),
		 .send_resolved = true,
		 .check = check,
		 .inherit = inherit},
	.compose = compose,
	.judge = judge,
};
