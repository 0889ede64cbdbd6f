#include "base/base.h"
#include "receivers/compose.h"
#include "receivers/list.h"

struct msteamsv2 {
	struct secret webhook_url;
	const char *webhook_url_file, *title, *text;
};

#define AT(m) offsetof(struct msteamsv2, m)
static const struct field fields[] = {
	{"webhook_url", FIELD_SECRET_URL, AT(webhook_url), .help = "Workflow address."},
	{"webhook_url_file", FIELD_OPTIONAL, AT(webhook_url_file), .help = "File with it."},
	{"title", FIELD_TEXT, AT(title), .if_absent = TPL("msteamsv2.default.title"),
	 .help = "Heading of the card."},
	{"text", FIELD_TEXT, AT(text), .if_absent = TPL("msteamsv2.default.text"),
	 .help = "Text of the card, Markdown."},
	{0},
};
#undef AT

static void check(struct decode *d, struct integration_config *ic)
{
	const struct msteamsv2 *s = ic->settings;

	check_one(d, ic, "webhook_url", s->webhook_url, s->webhook_url_file);
}

/* An http_config of its own goes through the global proxy all the same. */
static void inherit(struct decode *d, struct integration_config *ic, const struct global *g)
{
	struct http_config *own;

	if (!ic->own_http || ic->http->proxy_url || !g->http->proxy_url)
		return;
	own = ARENA_NEW(d->mem, struct http_config);
	*own = *ic->http;
	own->proxy_url = g->http->proxy_url;
	ic->http = own;
}

static void write_block(struct json *j, struct str text, bool heading, bool firing)
{
	json_open(j, '{');
	json_put_text(j, "type", "TextBlock");
	json_put(j, "text", text);
	if (heading) {
		json_put_text(j, "weight", "Bolder");
		json_put_text(j, "size", "Medium");
	}
	json_put_bool(j, "wrap", true);
	if (heading) {
		json_put_text(j, "style", "heading");
		json_put_text(j, "color", firing ? "Attention" : "Good");
	}
	json_close(j, '}');
}

static void write_card(struct json *j, struct str title, struct str text, bool firing)
{
	json_open(j, '{');
	json_put_text(j, "contentType", "application/vnd.microsoft.card.adaptive");
	json_key(j, STR("contentUrl"));
	json_raw(j, STR("null"));
	json_open_key(j, "content", '{');
	json_put_text(j, "$schema", "http://adaptivecards.io/schemas/adaptive-card.json");
	json_put_text(j, "type", "AdaptiveCard");
	json_put_text(j, "version", "1.2");
	json_open_key(j, "body", '[');
	write_block(j, title, true, firing);
	write_block(j, text, false, firing);
	json_close(j, ']');
	json_open_key(j, "msteams", '{');
	json_put_text(j, "width", "full");
	json_close(j, '}');
	json_close(j, '}');
	json_close(j, '}');
}

static void compose(struct attempt *a)
{
	const struct msteamsv2 *s = a->n->integration->settings;
	struct json body = JSON;
	struct str title, text;
	struct render r;
	const char *url;

	render_start(&r, a, 0);
	title = render_line(&r, s->title);
	text = render_message(&r, s->text);
	if (!render_ok(&r) || !secret_get(a, s->webhook_url, s->webhook_url_file, &url))
		return;
	json_open(&body, '{');
	json_put_text(&body, "type", "message");
	json_open_key(&body, "attachments", '[');
	write_card(&body, title, text, a->n->firing);
	json_close(&body, ']');
	json_close(&body, '}');
	want_json(a, url, &body);
}

const struct integration msteamsv2_integration = {
	.kind = {.name = "msteamsv2",
		 .key = "msteamsv2_configs",
		 .fields = fields,
		 .size = sizeof(struct msteamsv2),
		 .send_resolved = true,
		 .check = check,
		 .inherit = inherit},
	.compose = compose,
	.judge = judge_plain,
};
