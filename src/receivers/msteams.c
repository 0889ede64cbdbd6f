#include "base/base.h"
#include "receivers/compose.h"
#include "receivers/list.h"

struct msteams {
	struct secret webhook_url;
	const char *webhook_url_file, *title, *summary, *text;
};

#define AT(m) offsetof(struct msteams, m)
static const struct field fields[] = {
	{"webhook_url", FIELD_SECRET_URL, AT(webhook_url), .help = "Connector address."},
	{"webhook_url_file", FIELD_OPTIONAL, AT(webhook_url_file), .help = "File with it."},
	{"title", FIELD_TEXT, AT(title), .if_absent = TPL("msteams.default.title"),
	 .help = "Heading of the card."},
	{"summary", FIELD_TEXT, AT(summary), .if_absent = TPL("msteams.default.summary"),
	 .help = "Where the card is not shown."},
	{"text", FIELD_TEXT, AT(text), .if_absent = TPL("msteams.default.text"),
	 .help = "Text of the card, Markdown."},
	{0},
};
#undef AT

static void check(struct decode *d, struct integration_config *ic)
{
	const struct msteams *s = ic->settings;

	check_one(d, ic, "webhook_url", s->webhook_url, s->webhook_url_file);
}

static void compose(struct attempt *a)
{
	const struct msteams *s = a->n->integration->settings;
	struct str title, text, summary;
	struct json body = JSON;
	struct render r;
	const char *url;

	render_start(&r, a, 0);
	title = render_line(&r, s->title);
	text = render_message(&r, s->text);
	summary = render_line(&r, s->summary);
	if (!render_ok(&r) || !secret_get(a, s->webhook_url, s->webhook_url_file, &url))
		return;
	json_open(&body, '{');
	json_put_text(&body, "@context", "http://schema.org/extensions");
	json_put_text(&body, "type", "MessageCard");
	json_put(&body, "title", title);
	json_put(&body, "summary", summary);
	json_put(&body, "text", text);
	json_put_text(&body, "themeColor", a->n->firing ? "8C1A1A" : "2DC72D");
	json_close(&body, '}');
	want_json(a, url, &body);
}

const struct integration msteams_integration = {
	.kind = {.name = "msteams",
		 .key = "msteams_configs",
		 .fields = fields,
		 .size = sizeof(struct msteams),
		 .send_resolved = true,
		 .check = check},
	.compose = compose,
	.judge = judge_plain,
};
