#include "base/base.h"
#include "receivers/compose.h"
#include "receivers/list.h"

#include <string.h>

#define MAX_TEXT 16383

struct mattermost_field {
	const char *title, *value;
	enum tristate is_short;
};
struct mattermost_attachment {
	const char *fallback, *color, *pretext, *text, *author_name, *author_link,
		*author_icon;
	const char *title, *title_link, *thumb_url, *footer, *footer_icon, *image_url;
	struct object_list fields;
};
struct mattermost_props {
	const char *card;
};
struct mattermost_priority {
	const char *priority;
	bool requested_ack, persistent_notifications;
};
struct mattermost {
	struct secret webhook_url;
	const char *webhook_url_file, *channel, *username, *icon_url, *icon_emoji, *type;
	struct mattermost_attachment own;
	struct object_list attachments;
	const struct mattermost_props *props;
	const struct mattermost_priority *priority;
};

/* -- tables --------------------------------------------------------------------------- */
#define AT(m) offsetof(struct mattermost_field, m)
static const struct field field_fields[] = {
	{"title", FIELD_TEXT, AT(title), .help = "Heading."},
	{"value", FIELD_TEXT, AT(value), .help = "Text."},
	{"short", FIELD_TRISTATE, AT(is_short), .help = "Beside the next one."},
	{0},
};
#undef AT

static void field_check(struct decode *d, const struct yaml *y, void *object)
{
	const struct mattermost_field *f = object;

	if (!*f->title)
		mistake(d, y->at, "missing title in Mattermost field configuration");
	if (!*f->value)
		mistake(d, y->at, "missing value in Mattermost field configuration");
}

static const struct shape field_shape = {"mattermost field", field_fields,
					 sizeof(struct mattermost_field), false,
					 field_check};

#define AT(m) offsetof(struct mattermost_attachment, m)
static const struct field attachment_fields[] = {
	{"fallback", FIELD_TEXT, AT(fallback), .help = "Where it is not shown."},
	{"color", FIELD_TEXT, AT(color), .help = "Bar at the side."},
	{"pretext", FIELD_TEXT, AT(pretext), .help = "Text above."},
	{"text", FIELD_TEXT, AT(text), .help = "Text."},
	{"author_name", FIELD_TEXT, AT(author_name), .help = "Author."},
	{"author_link", FIELD_TEXT, AT(author_link), .help = "Where the author leads."},
	{"author_icon", FIELD_TEXT, AT(author_icon), .help = "Picture of the author."},
	{"title", FIELD_TEXT, AT(title), .help = "Heading."},
	{"title_link", FIELD_TEXT, AT(title_link), .help = "Where it leads."},
	{"thumb_url", FIELD_TEXT, AT(thumb_url), .help = "Picture at the side."},
	{"footer", FIELD_TEXT, AT(footer), .help = "Small print."},
	{"footer_icon", FIELD_TEXT, AT(footer_icon), .help = "Picture beside it."},
	{"image_url", FIELD_TEXT, AT(image_url), .help = "Picture below."},
	{"fields", FIELD_LIST, AT(fields), .of = &field_shape, .help = "Fields."},
	{0},
};
#undef AT
static const struct shape attachment_shape = {"mattermost attachment", attachment_fields,
					      sizeof(struct mattermost_attachment), false,
					      NULL};

static const struct field props_fields[] = {
	{"card", FIELD_TEXT, offsetof(struct mattermost_props, card),
	 .help = "Further text."},
	{0},
};
static const struct shape props_shape = {"mattermost props", props_fields,
					 sizeof(struct mattermost_props), false, NULL};

#define AT(m) offsetof(struct mattermost_priority, m)
static const struct field priority_fields[] = {
	{"priority", FIELD_TEXT, AT(priority), .help = "urgent, important or standard."},
	{"requested_ack", FIELD_BOOL, AT(requested_ack), .help = "Ask to be confirmed."},
	{"persistent_notifications", FIELD_BOOL, AT(persistent_notifications),
	 .help = "Repeat until confirmed."},
	{0},
};
#undef AT
static const struct shape priority_shape = {"mattermost priority", priority_fields,
					    sizeof(struct mattermost_priority), false,
					    NULL};

#define AT(m) offsetof(struct mattermost, m)
static const struct field fields[] = {
	{"webhook_url", FIELD_SECRET_URL, AT(webhook_url), .help = "Webhook address."},
	{"webhook_url_file", FIELD_OPTIONAL, AT(webhook_url_file), .help = "File with it."},
	{"channel", FIELD_TEXT, AT(channel), .help = "Overrides the webhook's channel."},
	{"username", FIELD_TEXT, AT(username),
	 .if_absent = TPL("mattermost.default.username"), .help = "Who speaks."},
	{"*", FIELD_EMBED, AT(own), .of = &attachment_shape, .help = "The attachment."},
	{"icon_url", FIELD_TEXT, AT(icon_url), .help = "Picture of the speaker."},
	{"icon_emoji", FIELD_TEXT, AT(icon_emoji), .help = "Face of the speaker."},
	{"attachments", FIELD_LIST, AT(attachments), .of = &attachment_shape,
	 .help = "In place of the one made of the settings above."},
	{"type", FIELD_TEXT, AT(type), .help = "Type of the post."},
	{"props", FIELD_OBJECT, AT(props), .of = &props_shape, .help = "Properties."},
	{"priority", FIELD_OBJECT, AT(priority), .of = &priority_shape,
	 .help = "Priority."},
	{0},
};
#undef AT

/* Attachments of a list have no defaults; that of the receiver itself has. */
static void set_usual(struct integration_config *ic)
{
	struct mattermost_attachment *own = &((struct mattermost *)ic->settings)->own;
	const struct {
		const char *key, **text, *usual;
	} rows[] = {
		{"fallback", &own->fallback, TPL("mattermost.default.fallback")},
		{"color", &own->color, TPL("mattermost.default.color")},
		{"text", &own->text, TPL("mattermost.default.text")},
		{"title", &own->title, TPL("mattermost.default.title")},
		{"title_link", &own->title_link, TPL("mattermost.default.titlelink")},
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		if (!yaml_find(ic->source, rows[i].key))
			*rows[i].text = rows[i].usual;
	}
}

static void check(struct decode *d, struct integration_config *ic)
{
	const struct mattermost *s = ic->settings;

	check_pair(d, ic, "webhook_url", s->webhook_url, s->webhook_url_file);
	set_usual(ic);
}

static void inherit(struct decode *d, struct integration_config *ic, const struct global *g)
{
	struct mattermost *s = ic->settings;

	if (!secret_is_set(s->webhook_url) && !s->webhook_url_file) {
		s->webhook_url = g->receivers->mattermost_webhook_url;
		s->webhook_url_file = g->receivers->mattermost_webhook_url_file;
	}
	if (!secret_is_set(s->webhook_url) && !s->webhook_url_file)
		mistake(d, ic->at,
			"missing webhook_url or webhook_url_file on mattermost_config");
}

/* -- the message ---------------------------------------------------------------------- */
static void write_fields(struct json *j, struct render *r, const struct object_list *list)
{
	const struct mattermost_field *v = list->v;

	if (!list->n)
		return;
	json_open_key(j, "fields", '[');
	for (size_t i = 0; i < list->n; i++) {
		json_open(j, '{');
		json_put_some(j, "title", render_text(r, v[i].title));
		json_put_some(j, "value", render_text(r, v[i].value));
		if (v[i].is_short != UNSET)
			json_put_bool(j, "short", v[i].is_short == YES);
		json_close(j, '}');
	}
	json_close(j, ']');
}

static void write_attachment(struct json *j, struct render *r,
			     const struct mattermost_attachment *s)
{
	json_open(j, '{');
	json_put_some(j, "fallback", render_line(r, s->fallback));
	json_put_some(j, "color", render_text(r, s->color));
	json_put_some(j, "pretext", render_text(r, s->pretext));
	json_put_some(j, "text", render_message(r, s->text));
	json_put_some(j, "author_name", render_text(r, s->author_name));
	json_put_some(j, "author_link", render_text(r, s->author_link));
	json_put_some(j, "author_icon", render_text(r, s->author_icon));
	json_put_some(j, "title", render_line(r, s->title));
	json_put_some(j, "title_link", render_text(r, s->title_link));
	write_fields(j, r, &s->fields);
	json_put_some(j, "thumb_url", render_text(r, s->thumb_url));
	json_put_some(j, "footer", render_text(r, s->footer));
	json_put_some(j, "footer_icon", render_text(r, s->footer_icon));
	json_put_some(j, "image_url", render_text(r, s->image_url));
	json_close(j, '}');
}

static void write_attachments(struct json *j, struct render *r, const struct mattermost *s)
{
	const struct mattermost_attachment *v = s->attachments.v;

	json_open_key(j, "attachments", '[');
	for (size_t i = 0; i < s->attachments.n; i++)
		write_attachment(j, r, &v[i]);
	if (!s->attachments.n)
		write_attachment(j, r, &s->own);
	json_close(j, ']');
}

static void write_priority(struct json *j, struct render *r,
			   const struct mattermost_priority *p)
{
	struct str text = render_text(r, p->priority);
	const char *level = "standard";

	if (text.n == 6 && !strncasecmp(text.p, "urgent", 6))
		level = "urgent";
	else if (text.n == 9 && !strncasecmp(text.p, "important", 9))
		level = "important";
	json_open_key(j, "priority", '{');
	json_put_text(j, "priority", level);
	if (p->requested_ack && strcmp(level, "standard"))
		json_put_bool(j, "requested_ack", true);
	if (p->persistent_notifications && !strcmp(level, "urgent"))
		json_put_bool(j, "persistent_notifications", true);
	json_close(j, '}');
}

static void write_body(struct json *j, struct render *r, const struct mattermost *s,
		       struct str channel)
{
	static const struct room room = {.n = MAX_TEXT};

	json_open(j, '{');
	if (s->attachments.n)
		json_put_some(j, "text",
			      cut_to(r->a->mem, render_within(r, s->own.text, &room, false),
				     &room));
	json_put_some(j, "channel", channel);
	json_put_some(j, "username", render_text(r, s->username));
	json_put_some(j, "icon_url", render_text(r, s->icon_url));
	json_put_some(j, "icon_emoji", render_text(r, s->icon_emoji));
	write_attachments(j, r, s);
	json_put_some(j, "type", render_text(r, s->type));
	if (s->props && *s->props->card) {
		json_open_key(j, "props", '{');
		json_put_some(j, "card", render_text(r, s->props->card));
		json_close(j, '}');
	}
	if (s->priority && *s->priority->priority)
		write_priority(j, r, s->priority);
	json_close(j, '}');
}

static void compose(struct attempt *a)
{
	const struct mattermost *s = a->n->integration->settings;
	struct json body = JSON;
	struct str channel;
	struct render r;
	const char *url;

	if (!secret_get(a, s->webhook_url, s->webhook_url_file, &url))
		return;
	if (!*url) {
		give_up(a, FAILURE_OTHER, "webhook url missing");
		return;
	}
	render_start(&r, a, 0);
	channel = render_text(&r, s->channel);
	a->state = arena_alloc(a->mem, channel.n + 1);
	memcpy(a->state, channel.p, channel.n);
	write_body(&body, &r, s, channel);
	if (render_ok(&r))
		want_json(a, url, &body);
	else
		buf_free(&body.out);
}

static void judge(struct attempt *a, const struct http_answer *answer)
{
	const char *before = arena_printf(a->mem,
					  "channel \"%s\": ", (const char *)a->state);

	judge_status(a, answer, &(struct judging){.before = before});
}

const struct integration mattermost_integration = {
	.kind = {.name = "mattermost",
		 .key = "mattermost_configs",
		 .fields = fields,
		 .size = sizeof(struct mattermost),
		 .send_resolved = true,
		 .check = check,
		 .inherit = inherit},
	.compose = compose,
	.judge = judge,
};
