#include "base/base.h"
#include "receivers/compose.h"
#include "receivers/list.h"

#define MAX_BYTES 7439

struct webex {
	const char *api_url, *room_id, *message;
};

#define AT(m) offsetof(struct webex, m)
static const struct field fields[] = {
	{"api_url", FIELD_URL, AT(api_url), .help = "Webex API."},
	{"room_id", FIELD_TEXT, AT(room_id), .help = "Room to speak in."},
	{"message", FIELD_TEXT, AT(message), .if_absent = TPL("webex.default.message"),
	 .help = "Text, Markdown."},
	{0},
};
#undef AT

/* Its own authorization is wanted: a global one is not sent to Webex by accident. */
static void check(struct decode *d, struct integration_config *ic)
{
	const struct webex *s = ic->settings;

	if (!*s->room_id)
		mistake(d, ic->at, "missing room_id on webex_config");
	else if (!ic->http || !ic->http->has_authorization)
		mistake(d, ic->at, "missing webex_configs.http_config.authorization");
}

static void inherit(struct decode *d, struct integration_config *ic, const struct global *g)
{
	struct webex *s = ic->settings;

	(void)d;
	if (!s->api_url)
		s->api_url = g->receivers->webex_api_url;
}

static void compose(struct attempt *a)
{
	const struct webex *s = a->n->integration->settings;
	static const struct room of_message = {.n = MAX_BYTES, .bytes = true};
	struct str message, room;
	struct json body = JSON;
	struct render r;

	render_start(&r, a, 0);
	message = render_within(&r, s->message, &of_message, false);
	if (!render_ok(&r))
		return;
	message = cut_to(a->mem, message, &of_message);
	room = render_exactly(&r, s->room_id);
	if (r.failed)
		a->mended = r.error; /* sent all the same */
	json_open(&body, '{');
	json_put(&body, "markdown", message);
	json_put_some(&body, "roomId", room);
	json_close(&body, '}');
	want_json(a, s->api_url, &body);
}

const struct integration webex_integration = {
	.kind = {.name = "webex",
		 .key = "webex_configs",
		 .fields = fields,
		 .size = sizeof(struct webex),
		 .send_resolved = true,
		 .check = check,
		 .inherit = inherit},
	.compose = compose,
	.judge = judge_plain,
};
