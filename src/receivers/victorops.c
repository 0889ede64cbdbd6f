#include "base/base.h"
#include "receivers/compose.h"
#include "receivers/list.h"

#include <stdlib.h>
#include <string.h>

struct victorops {
	struct secret api_key;
	const char *api_key_file, *api_url, *routing_key, *message_type, *state_message;
	const char *entity_display_name, *monitoring_tool;
	struct pair_list custom_fields;
};

#define AT(m) offsetof(struct victorops, m)
static const struct field fields[] = {
	{"api_key", FIELD_SECRET, AT(api_key), .help = "Key."},
	{"api_key_file", FIELD_OPTIONAL, AT(api_key_file), .help = "File with it."},
	{"api_url", FIELD_URL, AT(api_url), .help = "VictorOps API."},
	{"routing_key", FIELD_TEXT, AT(routing_key), .help = "Team to reach."},
	{"message_type", FIELD_TEXT, AT(message_type), .if_absent = "CRITICAL",
	 .help = "INFO, WARNING or CRITICAL while firing."},
	{"state_message", FIELD_TEXT, AT(state_message),
	 .if_absent = TPL("victorops.default.state_message"), .help = "Text."},
	{"entity_display_name", FIELD_TEXT, AT(entity_display_name),
	 .if_absent = TPL("victorops.default.entity_display_name"), .help = "Heading."},
	{"monitoring_tool", FIELD_TEXT, AT(monitoring_tool),
	 .if_absent = TPL("victorops.default.monitoring_tool"), .help = "Who monitors."},
	{"custom_fields", FIELD_PAIRS, AT(custom_fields), .help = "Further fields."},
	{0},
};
#undef AT

static void check(struct decode *d, struct integration_config *ic)
{
	static const char *const taken[] = {
		"routing_key",	   "message_type", "state_message", "entity_display_name",
		"monitoring_tool", "entity_id",	   "entity_state"};
	const struct victorops *s = ic->settings;

	if (!*s->routing_key)
		mistake(d, ic->at, "missing Routing key in VictorOps config");
	check_pair(d, ic, "api_key", s->api_key, s->api_key_file);
	for (size_t i = 0; i < s->custom_fields.n; i++) {
		const struct text_pair *p = &s->custom_fields.v[i];

		for (size_t k = 0; k < COUNT_OF(taken); k++) {
			if (!strcmp(p->name, taken[k]))
				mistake(d, p->at,
					"VictorOps config contains custom field %s which "
					"cannot "
					"be used as it conflicts with the fixed/static "
					"fields",
					p->name);
		}
	}
}

static void inherit(struct decode *d, struct integration_config *ic, const struct global *g)
{
	const struct global_receivers *all = g->receivers;
	struct victorops *s = ic->settings;

	s->api_url = with_slash(d->mem, s->api_url ? s->api_url : all->victorops_api_url);
	if (!secret_is_set(s->api_key))
		s->api_key = all->victorops_api_key;
	if (secret_is_set(s->api_key))
		s->api_key_file = NULL; /* the key wins, also a global one */
	else if (!s->api_key_file)
		s->api_key_file = all->victorops_api_key_file;
	if (!secret_is_set(s->api_key) && !s->api_key_file)
		mistake(d, ic->at, "no global VictorOps API Key set");
}

struct entry_text {
	const char *name;
	struct str value;
};

static int cmp_entries(const void *a, const void *b)
{
	return strcmp(((const struct entry_text *)a)->name,
		      ((const struct entry_text *)b)->name);
}

static const char *message_type(struct render *r, const struct victorops *s)
{
	struct str type = render_text(r, s->message_type);

	if (!r->a->n->firing)
		return "RECOVERY";
	if (str_is(type, "INFO") || str_is(type, "WARNING"))
		return arena_copy(r->a->mem, type);
	return "CRITICAL";
}

static void write_body(struct json *j, struct render *r, const struct victorops *s)
{
	static const struct room room = {.n = 20480};
	struct arena *mem = r->a->mem;
	struct entry_text *v = ARENA_ARRAY(mem, struct entry_text, s->custom_fields.n + 5);
	size_t n = 0;

	v[n++] = (struct entry_text){"message_type", str_of(message_type(r, s))};
	v[n++] = (struct entry_text){"entity_id",
				     str_of(group_hash(mem, r->a->n->group_key))};
	v[n++] = (struct entry_text){"entity_display_name",
				     render_text(r, s->entity_display_name)};
	v[n++] = (struct entry_text){
		"state_message",
		cut_to(mem, render_within(r, s->state_message, &room, false), &room)};
	v[n++] = (struct entry_text){"monitoring_tool", render_text(r, s->monitoring_tool)};
	for (size_t i = 0; i < s->custom_fields.n; i++)
		v[n++] = (struct entry_text){s->custom_fields.v[i].name,
					     render_text(r, s->custom_fields.v[i].text)};
	qsort(v, n, sizeof(*v), cmp_entries);
	json_open(j, '{');
	for (size_t i = 0; i < n; i++)
		json_put(j, v[i].name, v[i].value);
	json_close(j, '}');
}

static void compose(struct attempt *a)
{
	const struct victorops *s = a->n->integration->settings;
	struct json body = JSON;
	const char *text;
	struct str routing;
	struct render r;
	struct url url;

	if (!secret_get(a, s->api_key, s->api_key_file, &text))
		return;
	render_start(&r, a, 0);
	routing = render_exactly(&r, s->routing_key);
	if (!render_ok(&r))
		return;
	write_body(&body, &r, s);
	if (r.failed) {
		retry(a, FAILURE_OTHER, "%s", r.error); /* as the peers do */
		buf_free(&body.out);
		return;
	}
	if (!url_parse(a->mem, str_of(s->api_url), NOWHERE, &url, NULL))
		BUG("the URL was checked");
	url_append(a->mem, &url, arena_printf(a->mem, "%s/%.*s", text, FMT(routing)));
	want_json(a, url_print(a->mem, &url), &body);
}

const struct integration victorops_integration = {
	.kind = {.name = "victorops",
		 .key = "victorops_configs",
		 .fields = fields,
		 .size = sizeof(struct victorops),
		 .send_resolved = true,
		 .check = check,
		 .inherit = inherit},
	.compose = compose,
	.judge = judge_plain,
};
