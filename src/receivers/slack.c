#include "base/base.h"
#include "receivers/compose.h"
#include "receivers/list.h"

#include <jansson.h>
#include <string.h>

#define SLACK_POST   "https://slack.com/api/chat.postMessage"
#define SLACK_UPDATE "https://slack.com/api/chat.update"

struct slack_field {
	const char *title, *value;
	enum tristate is_short;
};
struct slack_confirm {
	const char *text, *title, *ok_text, *dismiss_text;
};
struct slack_action {
	const char *type, *text, *url, *style, *name, *value;
	const struct slack_confirm *confirm;
};
struct slack {
	struct secret api_url, app_token;
	const char *api_url_file, *app_token_file, *app_url;
	const char *channel, *username, *color, *title, *title_link, *pretext, *text;
	const char *message_text, *footer, *fallback, *callback_id, *icon_emoji, *icon_url;
	const char *image_url, *thumb_url;
	struct object_list fields, actions;
	bool short_fields, link_names, update_message;
	struct text_list mrkdwn_in;
	int64_t timeout;
};

/* -- tables --------------------------------------------------------------------------- */
#define AT(m) offsetof(struct slack_field, m)
static const struct field field_fields[] = {
	{"title", FIELD_TEXT, AT(title), .help = "Heading of the field."},
	{"value", FIELD_TEXT, AT(value), .help = "Its text."},
	{"short", FIELD_TRISTATE, AT(is_short), .help = "Beside the next one."},
	{0},
};
#undef AT

static void field_check(struct decode *d, const struct yaml *y, void *object)
{
	const struct slack_field *f = object;

	if (!*f->title)
		mistake(d, y->at, "missing title in Slack field configuration");
	if (!*f->value)
		mistake(d, y->at, "missing value in Slack field configuration");
}

#define AT(m) offsetof(struct slack_confirm, m)
static const struct field confirm_fields[] = {
	{"text", FIELD_TEXT, AT(text), .help = "Question."},
	{"title", FIELD_TEXT, AT(title), .help = "Heading."},
	{"ok_text", FIELD_TEXT, AT(ok_text), .help = "Yes."},
	{"dismiss_text", FIELD_TEXT, AT(dismiss_text), .help = "No."},
	{0},
};
#undef AT

static void confirm_check(struct decode *d, const struct yaml *y, void *object)
{
	if (!*((const struct slack_confirm *)object)->text)
		mistake(d, y->at, "missing text in Slack confirmation configuration");
}

static const struct shape confirm_shape = {"slack confirmation", confirm_fields,
					   sizeof(struct slack_confirm), false,
					   confirm_check};

#define AT(m) offsetof(struct slack_action, m)
static const struct field action_fields[] = {
	{"type", FIELD_TEXT, AT(type), .help = "button."},
	{"text", FIELD_TEXT, AT(text), .help = "What the button says."},
	{"url", FIELD_TEXT, AT(url), .help = "Where it leads."},
	{"style", FIELD_TEXT, AT(style), .help = "primary or danger."},
	{"name", FIELD_TEXT, AT(name), .help = "Name, without a url."},
	{"value", FIELD_TEXT, AT(value), .help = "Value, without a url."},
	{"confirm", FIELD_OBJECT, AT(confirm), .of = &confirm_shape, .help = "Ask first."},
	{0},
};
#undef AT

static void action_check(struct decode *d, const struct yaml *y, void *object)
{
	struct slack_action *a = object;

	if (!*a->type)
		mistake(d, y->at, "missing type in Slack action configuration");
	if (!*a->text)
		mistake(d, y->at, "missing text in Slack action configuration");
	if (*a->url) {
		a->name = a->value = ""; /* a link needs neither, nor to be confirmed */
		a->confirm = NULL;
	} else if (!*a->name) {
		mistake(d, y->at, "missing name or url in Slack action configuration");
	}
}

static const struct shape field_shape = {"slack field", field_fields,
					 sizeof(struct slack_field), false, field_check};
static const struct shape action_shape = {"slack action", action_fields,
					  sizeof(struct slack_action), false, action_check};

#define AT(m) offsetof(struct slack, m)
static const struct field fields[] = {
	{"api_url", FIELD_SECRET_URL, AT(api_url), .help = "Webhook address."},
	{"api_url_file", FIELD_OPTIONAL, AT(api_url_file), .help = "File with it."},
	{"app_token", FIELD_SECRET, AT(app_token), .help = "Token of an app."},
	{"app_token_file", FIELD_OPTIONAL, AT(app_token_file), .help = "File with it."},
	{"app_url", FIELD_URL, AT(app_url), .help = "Where messages with a token go."},
	{"channel", FIELD_TEXT, AT(channel), .help = "Overrides the webhook's channel."},
	{"username", FIELD_TEXT, AT(username), .if_absent = TPL("slack.default.username"),
	 .help = "Who speaks."},
	{"color", FIELD_TEXT, AT(color), .if_absent = TPL("slack.default.color"),
	 .help = "Bar at the side."},
	{"title", FIELD_TEXT, AT(title), .if_absent = TPL("slack.default.title"),
	 .help = "Heading."},
	{"title_link", FIELD_TEXT, AT(title_link),
	 .if_absent = TPL("slack.default.titlelink"), .help = "Where the heading leads."},
	{"pretext", FIELD_TEXT, AT(pretext), .if_absent = TPL("slack.default.pretext"),
	 .help = "Text above the attachment."},
	{"text", FIELD_TEXT, AT(text), .if_absent = TPL("slack.default.text"),
	 .help = "Text of the attachment."},
	{"message_text", FIELD_TEXT, AT(message_text),
	 .help = "Text of the message itself."},
	{"fields", FIELD_LIST, AT(fields), .of = &field_shape,
	 .help = "Fields in columns."},
	{"short_fields", FIELD_BOOL, AT(short_fields),
	 .help = "For fields that do not say."},
	{"footer", FIELD_TEXT, AT(footer), .if_absent = TPL("slack.default.footer"),
	 .help = "Small print."},
	{"fallback", FIELD_TEXT, AT(fallback), .if_absent = TPL("slack.default.fallback"),
	 .help = "Where attachments are not shown."},
	{"callback_id", FIELD_TEXT, AT(callback_id),
	 .if_absent = TPL("slack.default.callbackid"), .help = "Id of the buttons."},
	{"icon_emoji", FIELD_TEXT, AT(icon_emoji),
	 .if_absent = TPL("slack.default.iconemoji"), .help = "Face of the speaker."},
	{"icon_url", FIELD_TEXT, AT(icon_url), .if_absent = TPL("slack.default.iconurl"),
	 .help = "Picture of the speaker."},
	{"image_url", FIELD_TEXT, AT(image_url), .help = "Picture below."},
	{"thumb_url", FIELD_TEXT, AT(thumb_url), .help = "Picture at the side."},
	{"link_names", FIELD_BOOL, AT(link_names), .help = "Make names into links."},
	{"mrkdwn_in", FIELD_TEXTS, AT(mrkdwn_in), .help = "Where to read mark-up."},
	{"actions", FIELD_LIST, AT(actions), .of = &action_shape, .help = "Buttons."},
	{"update_message", FIELD_BOOL, AT(update_message),
	 .help = "Change the first message instead of adding others."},
	{"timeout", FIELD_GO_SPAN, AT(timeout),
	 .help = "Longest wait for an answer; 0s: none."},
	{0},
};
#undef AT

/* -- checks --------------------------------------------------------------------------- */
static bool has_url(const struct slack *s)
{
	return secret_is_set(s->api_url) || s->api_url_file;
}

static bool has_token(const struct slack *s)
{
	return secret_is_set(s->app_token) || s->app_token_file;
}

static void check(struct decode *d, struct integration_config *ic)
{
	const struct slack *s = ic->settings;

	check_pair(d, ic, "api_url", s->api_url, s->api_url_file);
	check_pair(d, ic, "app_token", s->app_token, s->app_token_file);
	if (has_url(s) && has_token(s))
		mistake(d, ic->at,
			"at most one of api_url/api_url_file & "
			"app_token/app_token_file must be configured");
	if (s->update_message && strcmp(secret_reveal(s->api_url), SLACK_POST) &&
	    strcmp(secret_reveal(s->api_url), "<secret>"))
		mistake(d, at_key(ic, "update_message"),
			"update_message needs the api_url " SLACK_POST);
}

static void inherit(struct decode *d, struct integration_config *ic, const struct global *g)
{
	const struct global_receivers *all = g->receivers;
	struct slack *s = ic->settings;

	if (!has_token(s) && !ic->http->has_authorization && !has_url(s)) {
		s->app_token = all->slack_app_token;
		s->app_token_file = all->slack_app_token_file;
	}
	if (!has_url(s) && !has_token(s)) {
		s->api_url = all->slack_api_url;
		s->api_url_file = all->slack_api_url_file;
	}
	if (has_token(s) && !s->app_url)
		s->app_url = all->slack_app_url;
	if (!has_url(s) && !has_token(s))
		mistake(d, ic->at,
			"no Slack API URL nor App token set either inline or in a file");
	if (has_token(s) && ic->http->has_authorization)
		mistake(d, ic->at,
			"http authorization can't be set when using Slack App tokens");
}

/* -- the message ---------------------------------------------------------------------- */
static void write_fields(struct json *j, struct render *r, const struct slack *s)
{
	const struct slack_field *v = s->fields.v;

	if (!s->fields.n)
		return;
	json_open_key(j, "fields", '[');
	for (size_t i = 0; i < s->fields.n; i++) {
		json_open(j, '{');
		json_put_some(j, "title", render_text(r, v[i].title));
		json_put_some(j, "value", render_text(r, v[i].value));
		json_put_bool(j, "short",
			      v[i].is_short == UNSET ? s->short_fields
						     : v[i].is_short == YES);
		json_close(j, '}');
	}
	json_close(j, ']');
}

static void write_action(struct json *j, struct render *r, const struct slack_action *a)
{
	json_open(j, '{');
	json_put_some(j, "type", render_text(r, a->type));
	json_put_some(j, "text", render_text(r, a->text));
	json_put_some(j, "url", render_text(r, a->url));
	json_put_some(j, "style", render_text(r, a->style));
	json_put_some(j, "name", render_text(r, a->name));
	json_put_some(j, "value", render_text(r, a->value));
	if (a->confirm) {
		struct str title = render_text(r, a->confirm->title);

		json_open_key(j, "confirm", '{');
		json_put_some(j, "text", render_text(r, a->confirm->text));
		json_put_some(j, "title", title);
		json_put_some(j, "ok_text", render_text(r, a->confirm->ok_text));
		json_put_some(j, "dismiss_text", render_text(r, a->confirm->dismiss_text));
		json_close(j, '}');
	}
	json_close(j, '}');
}

static void write_actions(struct json *j, struct render *r, const struct slack *s)
{
	const struct slack_action *v = s->actions.v;

	if (!s->actions.n)
		return;
	json_open_key(j, "actions", '[');
	for (size_t i = 0; i < s->actions.n; i++)
		write_action(j, r, &v[i]);
	json_close(j, ']');
}

static void write_mrkdwn(struct json *j, const struct text_list *list)
{
	static const char *const usual[] = {"fallback", "pretext", "text"};

	json_open_key(j, "mrkdwn_in", '[');
	for (size_t i = 0; i < list->n; i++)
		json_str(j, str_of(list->v[i]));
	for (size_t i = 0; !list->n && i < COUNT_OF(usual); i++)
		json_str(j, str_of(usual[i]));
	json_close(j, ']');
}

/* Fields render in the order in which the peers do it, for after a failed one all are
 * empty (1.2); here that is also the order of the members, but for the color. */
static void write_attachment(struct json *j, struct render *r, const struct slack *s)
{
	struct str title = cut_chars(r->a->mem, render_line(r, s->title), 1024);
	struct str title_link = render_text(r, s->title_link);
	struct str pretext = render_text(r, s->pretext), text = render_message(r, s->text);
	struct str fallback = render_line(r, s->fallback);
	struct str callback_id = render_text(r, s->callback_id);
	struct str image_url = render_text(r, s->image_url);
	struct str thumb_url = render_text(r, s->thumb_url);
	struct str footer = render_text(r, s->footer), color = render_text(r, s->color);

	json_open(j, '{');
	json_put_some(j, "title", title);
	json_put_some(j, "title_link", title_link);
	json_put_some(j, "pretext", pretext);
	json_put(j, "text", text);
	json_put(j, "fallback", fallback);
	json_put(j, "callback_id", callback_id);
	write_fields(j, r, s);
	write_actions(j, r, s);
	json_put_some(j, "image_url", image_url);
	json_put_some(j, "thumb_url", thumb_url);
	json_put(j, "footer", footer);
	json_put_some(j, "color", color);
	write_mrkdwn(j, &s->mrkdwn_in);
	json_close(j, '}');
}

/* The message told first, when there is one to change (4.4). */
static bool first_message(const struct attempt *a, const struct slack *s, const char **ts,
			  const char **channel)
{
	return s->update_message && a->n->reason != NOTIFY_FIRST &&
	       has_memory(a->n, "threadTs", ts) && has_memory(a->n, "channelId", channel);
}

static void compose(struct attempt *a)
{
	const struct slack *s = a->n->integration->settings;
	const char *ts = NULL, *first_channel = NULL, *url, *token;
	struct json attachment = JSON, body = JSON;
	struct str channel, username, emoji, icon, text;
	struct render r;

	if (!secret_get(a, s->app_token, s->app_token_file, &token) ||
	    !secret_get(a, s->api_url, s->api_url_file, &url))
		return;
	if (has_token(s))
		url = s->app_url;
	render_start(&r, a, 0);
	write_attachment(&attachment, &r, s);
	channel = render_text(&r, s->channel);
	username = render_text(&r, s->username);
	emoji = render_text(&r, s->icon_emoji);
	icon = render_text(&r, s->icon_url);
	text = render_message(&r, s->message_text);
	if (r.failed)
		a->mended = r.error; /* the message goes out all the same */
	a->state = arena_alloc(a->mem, channel.n + 1);
	memcpy(a->state, channel.p, channel.n);
	if (first_message(a, s, &ts, &first_channel)) {
		url = SLACK_UPDATE;
		channel = str_of(first_channel);
	}
	json_open(&body, '{');
	json_put_some(&body, "channel", channel);
	json_put_some(&body, "ts", str_of(ts));
	json_put_some(&body, "username", username);
	json_put_some(&body, "icon_emoji", emoji);
	json_put_some(&body, "icon_url", icon);
	if (s->link_names)
		json_put_bool(&body, "link_names", true);
	json_put_some(&body, "text", text);
	json_open_key(&body, "attachments", '[');
	json_raw(&body, buf_str(&attachment.out));
	json_close(&body, ']');
	json_close(&body, '}');
	buf_free(&attachment.out);
	want_json(a, url, &body);
	if (has_token(s))
		authorize(a, arena_printf(a->mem, "Bearer %s", token));
	set_timeout(a, s->timeout);
}

/* -- the answer (4.3) ----------------------------------------------------------------- */
static void judge_json(struct attempt *a, const struct http_answer *answer,
		       const char *before)
{
	const struct slack *s = a->n->integration->settings;
	json_error_t problem;
	json_t *top = json_loadb(answer->body.p ? answer->body.p : "", answer->body.n, 0,
				 &problem);
	const char *ts = json_string_value(json_object_get(top, "ts"));
	const char *channel = json_string_value(json_object_get(top, "channel"));
	const char *error = json_string_value(json_object_get(top, "error"));

	if (!top) {
		retry(a, FAILURE_OTHER, "%scould not unmarshal JSON response \"%.*s\": %s",
		      before, FMT(str_slice(answer->body, 0, 500)), problem.text);
	} else if (!json_is_true(json_object_get(top, "ok"))) {
		give_up(a, FAILURE_CLIENT, "%serror response from Slack: %s", before,
			error ? error : "");
	} else {
		sent(a);
		if (s->update_message && ts && *ts && channel && *channel) {
			remember(a, "threadTs", arena_text(a->mem, ts));
			remember(a, "channelId", arena_text(a->mem, channel));
		}
	}
	json_decref(top);
}

static void judge(struct attempt *a, const struct http_answer *answer)
{
	const struct slack *s = a->n->integration->settings;
	const char *before = arena_printf(a->mem,
					  "channel \"%s\": ", (const char *)a->state);
	const char *type = http_answer_header(answer, "Content-Type");

	judge_status(a, answer,
		     &(struct judging){.before = before,
				       .timeout_of = "slack",
				       .timeout_ns = s->timeout});
	if (a->verdict != VERDICT_SENT)
		return;
	if (answer->error) /* not all of it came */
		retry(a, FAILURE_OTHER, "%s%s", before, answer->error);
	else if (type && str_starts(str_of(type), STR("application/json")))
		judge_json(a, answer, before);
	else if (!str_is(answer->body, "ok"))
		give_up(a, FAILURE_CLIENT, "%sreceived an error response from Slack: %.*s",
			before, FMT(str_slice(answer->body, 0, 4096)));
}

const struct integration slack_integration = {
	.kind = {.name = "slack",
		 .key = "slack_configs",
		 .fields = fields,
		 .size = sizeof(struct slack),
		 .check = check,
		 .inherit = inherit},
	.compose = compose,
	.judge = judge,
};
