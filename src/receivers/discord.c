#include "base/base.h"
#include "receivers/compose.h"
#include "receivers/list.h"

#define COLOR_FIRING   0x992D22
#define COLOR_RESOLVED 0x2ECC71

struct discord {
	struct secret webhook_url;
	const char *webhook_url_file, *content, *title, *message, *username, *avatar_url;
};

#define AT(m) offsetof(struct discord, m)
static const struct field fields[] = {
	{"webhook_url", FIELD_SECRET_URL, AT(webhook_url), .help = "Webhook address."},
	{"webhook_url_file", FIELD_OPTIONAL, AT(webhook_url_file), .help = "File with it."},
	{"content", FIELD_TEXT, AT(content), .help = "Text above the embed."},
	{"title", FIELD_TEXT, AT(title), .if_absent = TPL("discord.default.title"),
	 .help = "Heading of the embed."},
	{"message", FIELD_TEXT, AT(message), .if_absent = TPL("discord.default.message"),
	 .help = "Text of the embed."},
	{"username", FIELD_TEXT, AT(username), .help = "Who speaks; not a template."},
	{"avatar_url", FIELD_TEXT, AT(avatar_url), .help = "Picture; not a template."},
	{0},
};
#undef AT

static void check(struct decode *d, struct integration_config *ic)
{
	const struct discord *s = ic->settings;

	check_one(d, ic, "webhook_url", s->webhook_url, s->webhook_url_file);
}

static void compose(struct attempt *a)
{
	static const struct room of_message = {.n = 4096}, of_content = {.n = 2000};
	const struct discord *s = a->n->integration->settings;
	struct str title, message, content;
	struct json body = JSON;
	struct render r;
	const char *url;
	struct url avatar;

	render_start(&r, a, 0);
	title = cut_chars(a->mem, render_line(&r, s->title), 256);
	message = cut_to(a->mem, render_within(&r, s->message, &of_message, false),
			 &of_message);
	content = cut_to(a->mem, render_within(&r, s->content, &of_content, false),
			 &of_content);
	if (!render_ok(&r) || !secret_get(a, s->webhook_url, s->webhook_url_file, &url))
		return;
	json_open(&body, '{');
	json_put(&body, "content", content);
	json_open_key(&body, "embeds", '[');
	json_open(&body, '{');
	json_put(&body, "title", title);
	json_put(&body, "description", message);
	json_put_int(&body, "color", a->n->firing ? COLOR_FIRING : COLOR_RESOLVED);
	json_close(&body, '}');
	json_close(&body, ']');
	json_put_some(&body, "username", str_of(s->username));
	if (url_parse(a->mem, str_of(s->avatar_url), NOWHERE, &avatar, NULL))
		json_put_some(&body, "avatar_url", str_of(s->avatar_url));
	json_close(&body, '}');
	want_json(a, url, &body);
}

const struct integration discord_integration = {
	.kind = {.name = "discord",
		 .key = "discord_configs",
		 .fields = fields,
		 .size = sizeof(struct discord),
		 .send_resolved = true,
		 .check = check},
	.compose = compose,
	.judge = judge_plain,
};
