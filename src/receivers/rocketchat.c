#include "base/base.h"
#include "receivers/compose.h"
#include "receivers/list.h"

#include <jansson.h>
#include <string.h>

struct rocketchat_field {
	const char *title, *value;
	enum tristate is_short;
};
struct rocketchat_action {
	const char *type, *text, *url, *msg, *image_url, *height_ratio, *processing_type;
	bool is_webview, in_window;
};
struct rocketchat {
	const char *api_url, *token_file, *token_id_file, *channel, *color, *title,
		*title_link;
	const char *text, *emoji, *icon_url, *image_url, *thumb_url;
	struct secret token, token_id;
	struct object_list fields, actions;
	bool short_fields, link_names;
};

#define AT(m) offsetof(struct rocketchat_field, m)
static const struct field field_fields[] = {
	{"title", FIELD_TEXT, AT(title), .help = "Heading."},
	{"value", FIELD_TEXT, AT(value), .help = "Text."},
	{"short", FIELD_TRISTATE, AT(is_short), .help = "Beside the next one."},
	{0},
};
#undef AT
#define AT(m) offsetof(struct rocketchat_action, m)
static const struct field action_fields[] = {
	{"type", FIELD_TEXT, AT(type), .help = "Accepted; it is always button."},
	{"text", FIELD_TEXT, AT(text), .help = "What the button says."},
	{"url", FIELD_TEXT, AT(url), .help = "Where it leads."},
	{"msg", FIELD_TEXT, AT(msg), .help = "What it sends."},
	{"imageurl", FIELD_TEXT, AT(image_url), .help = "Accepted and without effect."},
	{"iswebview", FIELD_BOOL, AT(is_webview), .help = "Accepted and without effect."},
	{"webviewheightratio", FIELD_TEXT, AT(height_ratio),
	 .help = "Accepted and without effect."},
	{"msginchatwindow", FIELD_BOOL, AT(in_window),
	 .help = "Accepted and without effect."},
	{"msgprocessingtype", FIELD_TEXT, AT(processing_type),
	 .help = "Accepted and without effect."},
	{0},
};
#undef AT
static const struct shape field_shape = {"rocketchat field", field_fields,
					 sizeof(struct rocketchat_field), false, NULL};
static const struct shape action_shape = {"rocketchat action", action_fields,
					  sizeof(struct rocketchat_action), false, NULL};

#define AT(m) offsetof(struct rocketchat, m)
static const struct field fields[] = {
	{"api_url", FIELD_URL, AT(api_url), .help = "Rocket.Chat server."},
	{"token", FIELD_SECRET, AT(token), .help = "Token."},
	{"token_file", FIELD_OPTIONAL, AT(token_file), .help = "File with it."},
	{"token_id", FIELD_SECRET, AT(token_id), .help = "Id of the token."},
	{"token_id_file", FIELD_OPTIONAL, AT(token_id_file), .help = "File with it."},
	{"channel", FIELD_TEXT, AT(channel), .help = "Where to speak."},
	{"color", FIELD_TEXT, AT(color),
	 .if_absent = "{{ if eq .Status \"firing\" }}red{{ else }}green{{ end }}",
	 .help = "Bar at the side."},
	{"title", FIELD_TEXT, AT(title), .if_absent = TPL("rocketchat.default.title"),
	 .help = "Heading."},
	{"title_link", FIELD_TEXT, AT(title_link),
	 .if_absent = TPL("rocketchat.default.titlelink"), .help = "Where it leads."},
	{"text", FIELD_TEXT, AT(text), .if_absent = TPL("rocketchat.default.text"),
	 .help = "Text."},
	{"fields", FIELD_LIST, AT(fields), .of = &field_shape,
	 .help = "Fields in columns."},
	{"short_fields", FIELD_BOOL, AT(short_fields),
	 .help = "For fields that do not say."},
	{"emoji", FIELD_TEXT, AT(emoji), .if_absent = TPL("rocketchat.default.emoji"),
	 .help = "Face of the speaker."},
	{"icon_url", FIELD_TEXT, AT(icon_url),
	 .if_absent = TPL("rocketchat.default.iconurl"), .help = "Picture of the speaker."},
	{"image_url", FIELD_TEXT, AT(image_url), .help = "Picture below."},
	{"thumb_url", FIELD_TEXT, AT(thumb_url), .help = "Picture at the side."},
	{"link_names", FIELD_BOOL, AT(link_names), .help = "Accepted and without effect."},
	{"actions", FIELD_LIST, AT(actions), .of = &action_shape, .help = "Buttons."},
	{0},
};
#undef AT

static void check(struct decode *d, struct integration_config *ic)
{
	const struct rocketchat *s = ic->settings;

	check_pair(d, ic, "token", s->token, s->token_file);
	check_pair(d, ic, "token_id", s->token_id, s->token_id_file);
}

/* One by one: a global file wins over a token of its own. */
static void inherit(struct decode *d, struct integration_config *ic, const struct global *g)
{
	const struct global_receivers *all = g->receivers;
	struct rocketchat *s = ic->settings;

	if (!s->api_url)
		s->api_url = all->rocketchat_api_url;
	if (!secret_is_set(s->token))
		s->token = all->rocketchat_token;
	if (!s->token_file)
		s->token_file = all->rocketchat_token_file;
	if (s->token_file)
		s->token = (struct secret){NULL};
	if (!secret_is_set(s->token_id))
		s->token_id = all->rocketchat_token_id;
	if (!s->token_id_file)
		s->token_id_file = all->rocketchat_token_id_file;
	if (s->token_id_file)
		s->token_id = (struct secret){NULL};
	if (!secret_is_set(s->token_id) && !s->token_id_file)
		mistake(d, ic->at,
			"no global Rocketchat TokenID set either inline or in a file");
	if (!secret_is_set(s->token) && !s->token_file)
		mistake(d, ic->at,
			"no global Rocketchat Token set either inline or in a file");
}

static void needs(const struct integration_config *ic, struct integration_needs *out)
{
	const struct rocketchat *s = ic->settings;

	out->files[0].path = s->token_file;
	out->files[0].at = at_key(ic, "token_file");
	out->files[1].path = s->token_id_file;
	out->files[1].at = at_key(ic, "token_id_file");
}

static void write_fields(struct json *j, struct render *r, const struct rocketchat *s)
{
	const struct rocketchat_field *v = s->fields.v;

	if (!s->fields.n)
		return;
	json_open_key(j, "fields", '[');
	for (size_t i = 0; i < s->fields.n; i++) {
		json_open(j, '{');
		json_put_bool(j, "short",
			      v[i].is_short == UNSET ? s->short_fields
						     : v[i].is_short == YES);
		json_put_some(j, "title", render_text(r, v[i].title));
		json_put_some(j, "value", render_text(r, v[i].value));
		json_close(j, '}');
	}
	json_close(j, ']');
}

static void write_actions(struct json *j, struct render *r, const struct rocketchat *s)
{
	const struct rocketchat_action *v = s->actions.v;

	if (!s->actions.n)
		return;
	json_open_key(j, "actions", '[');
	for (size_t i = 0; i < s->actions.n; i++) {
		json_open(j, '{');
		json_put_text(j, "type", "button");
		json_put_some(j, "text", render_text(r, v[i].text));
		json_put_some(j, "url", render_text(r, v[i].url));
		json_put_bool(j, "is_webview", false);
		json_put_some(j, "msg", render_text(r, v[i].msg));
		json_put_bool(j, "msg_in_chat_window", false);
		json_close(j, '}');
	}
	json_close(j, ']');
}

static void write_body(struct json *j, struct render *r, const struct rocketchat *s,
		       struct str channel)
{
	json_open(j, '{');
	json_put_some(j, "channel", channel);
	json_put_some(j, "emoji", render_text(r, s->emoji));
	json_put_some(j, "avatar", render_text(r, s->icon_url));
	json_open_key(j, "attachments", '[');
	json_open(j, '{');
	json_put_some(j, "title", cut_chars(r->a->mem, render_line(r, s->title), 1024));
	json_put_some(j, "title_link", render_text(r, s->title_link));
	json_put_some(j, "text", render_message(r, s->text));
	json_put_some(j, "image_url", render_text(r, s->image_url));
	json_put_some(j, "thumb_url", render_text(r, s->thumb_url));
	json_put_some(j, "color", render_text(r, s->color));
	write_fields(j, r, s);
	write_actions(j, r, s);
	json_close(j, '}');
	json_close(j, ']');
	json_close(j, '}');
}

static void compose(struct attempt *a)
{
	const struct rocketchat *s = a->n->integration->settings;
	const char *token, *id;
	struct json body = JSON;
	struct str channel;
	struct render r;
	struct url url;

	if (!secret_get(a, s->token, s->token_file, &token) ||
	    !secret_get(a, s->token_id, s->token_id_file, &id))
		return;
	render_start(&r, a, 0);
	channel = render_text(&r, s->channel);
	a->state = arena_alloc(a->mem, channel.n + 1);
	memcpy(a->state, channel.p, channel.n);
	write_body(&body, &r, s, channel);
	if (!render_ok(&r)) {
		buf_free(&body.out);
		return;
	}
	if (!url_parse(a->mem, str_of(s->api_url), NOWHERE, &url, NULL))
		BUG("the URL was checked");
	url_join(a->mem, &url, "api/v1/chat.postMessage");
	want_json(a, url_print(a->mem, &url), &body);
	if (a->wants == WANTS_HTTP) {
		add_header(a, "X-Auth-Token", token);
		add_header(a, "X-User-Id", id);
	}
}

static void judge(struct attempt *a, const struct http_answer *answer)
{
	const char *before = arena_printf(a->mem,
					  "channel \"%s\": ", (const char *)a->state);
	const char *error;
	json_t *top;

	judge_status(a, answer, &(struct judging){.before = before});
	if (a->verdict != VERDICT_SENT)
		return;
	top = json_loadb(answer->body.p ? answer->body.p : "", answer->body.n, 0, NULL);
	error = json_string_value(json_object_get(top, "error"));
	if (!top)
		retry(a, FAILURE_OTHER, "%scould not unmarshal JSON response", before);
	else if (!json_is_true(json_object_get(top, "success")))
		give_up(a, FAILURE_CLIENT, "%serror response from Rocketchat: %s", before,
			error ? error : "");
	json_decref(top);
}

const struct integration rocketchat_integration = {
	.kind = {.name = "rocketchat",
		 .key = "rocketchat_configs",
		 .fields = fields,
		 .size = sizeof(struct rocketchat),
		 .check = check,
		 .inherit = inherit},
	.compose = compose,
	.judge = judge,
	.needs = needs,
};
