#include "base/base.h"
#include "receivers/compose.h"
#include "receivers/list.h"
#include "base/utf8.h"

#include <jansson.h>
#include <string.h>

#define MAX_CHARS 4096
#define TOO_LONG                                                                           \
	"Alertmanager notification could not be sent: message length exceeds Telegram "    \
	"limits.\n\t\t\tPlease check the template used for producing the message content."

struct telegram {
	struct secret bot_token;
	const char *api_url, *bot_token_file, *chat_id_file, *message, *parse_mode;
	int64_t chat_id, message_thread_id;
	bool disable_notifications;
};

static bool is_html(const void *settings)
{
	const struct telegram *s = settings;

	return strcmp(s->parse_mode, "HTML") == 0;
}

#define AT(m) offsetof(struct telegram, m)
static const struct field fields[] = {
	{"api_url", FIELD_URL, AT(api_url), .help = "Telegram API."},
	{"bot_token", FIELD_SECRET, AT(bot_token), .help = "Token of the bot."},
	{"bot_token_file", FIELD_OPTIONAL, AT(bot_token_file), .help = "File with it."},
	{"chat_id", FIELD_INT, AT(chat_id), .help = "Chat to speak in."},
	{"chat_id_file", FIELD_OPTIONAL, AT(chat_id_file), .help = "File with it."},
	{"message_thread_id", FIELD_INT, AT(message_thread_id),
	 .help = "Topic of the chat."},
	{"message", FIELD_TEXT, AT(message), .if_absent = TPL("telegram.default.message"),
	 .is_html_in = is_html, .help = "Text."},
	{"disable_notifications", FIELD_BOOL, AT(disable_notifications),
	 .help = "No sound."},
	{"parse_mode", FIELD_TEXT, AT(parse_mode), .if_absent = "HTML",
	 .help = "HTML, Markdown, MarkdownV2 or empty."},
	{0},
};
#undef AT

static void check(struct decode *d, struct integration_config *ic)
{
	const struct telegram *s = ic->settings;

	check_pair(d, ic, "bot_token", s->bot_token, s->bot_token_file);
	if (!s->chat_id && !s->chat_id_file)
		mistake(d, ic->at, "missing chat_id or chat_id_file on telegram_config");
	if (s->chat_id && s->chat_id_file)
		mistake(d, at_key(ic, "chat_id_file"),
			"at most one of chat_id & chat_id_file must be configured");
	if (*s->parse_mode && strcmp(s->parse_mode, "HTML") &&
	    strcmp(s->parse_mode, "Markdown") && strcmp(s->parse_mode, "MarkdownV2"))
		mistake(d, at_key(ic, "parse_mode"),
			"unknown parse_mode on telegram_config, must be Markdown, "
			"MarkdownV2, HTML "
			"or empty string");
}

static void inherit(struct decode *d, struct integration_config *ic, const struct global *g)
{
	struct telegram *s = ic->settings;

	if (!s->api_url)
		s->api_url = g->receivers->telegram_api_url;
	if (!secret_is_set(s->bot_token) && !s->bot_token_file) {
		s->bot_token = g->receivers->telegram_bot_token;
		s->bot_token_file = g->receivers->telegram_bot_token_file;
	}
	if (!secret_is_set(s->bot_token) && !s->bot_token_file)
		mistake(d, ic->at,
			"missing bot_token or bot_token_file on telegram_config");
}

/* A file that cannot be read is tried again, unlike elsewhere. */
static bool read_again(struct attempt *a, struct secret secret, const char *file,
		       const char **out)
{
	if (secret_get(a, secret, file, out))
		return true;
	a->verdict = VERDICT_RETRY;
	return false;
}

static bool message_of(struct render *r, const struct telegram *s, struct str *out)
{
	static const struct room room = {.n = MAX_CHARS};
	bool html = is_html(s);

	*out = render_within(r, s->message, &room, html);
	if (!render_ok(r))
		return false;
	if (!html)
		*out = cut_to(r->a->mem, *out, &room);
	else if (utf8_count(*out) > MAX_CHARS)
		*out = STR(TOO_LONG); /* half of an HTML text would be refused */
	return true;
}

static void compose(struct attempt *a)
{
	const struct telegram *s = a->n->integration->settings;
	struct json body = JSON;
	const char *token, *chat;
	struct str message;
	struct render r;

	render_start(&r, a, 0);
	if (!message_of(&r, s, &message) ||
	    !read_again(a, s->bot_token, s->bot_token_file, &token) ||
	    !read_again(a, (struct secret){NULL}, s->chat_id_file, &chat))
		return;
	if (!s->chat_id_file)
		chat = arena_printf(a->mem, "%lld", (long long)s->chat_id);
	json_open(&body, '{');
	json_put_text(&body, "chat_id", chat);
	if (s->disable_notifications)
		json_put_text(&body, "disable_notification", "true");
	json_put_text(&body, "disable_web_page_preview", "true");
	if (s->message_thread_id)
		json_put_text(
			&body, "message_thread_id",
			arena_printf(a->mem, "%lld", (long long)s->message_thread_id));
	json_put_some(&body, "parse_mode", str_of(s->parse_mode));
	json_put(&body, "text", message);
	json_close(&body, '}');
	want_json(a, arena_printf(a->mem, "%s/bot%s/sendMessage", s->api_url, token),
		  &body);
	if (a->wants == WANTS_HTTP)
		no_user_agent(a);
}

/* The token is part of the address. */
static const char *without_url(struct attempt *a, const char *text)
{
	size_t at = str_find(str_of(text), STR("/bot"));
	const char *end;

	if (at == STR_NONE)
		return text;
	end = text + at + strcspn(text + at, " \"'");
	return arena_printf(a->mem, "%.*s/<redacted>%s", (int)at, text, end);
}

/* The status does not count, only what the body says; every failure is tried again. */
static void judge(struct attempt *a, const struct http_answer *answer)
{
	json_t *top = json_loadb(answer->body.p ? answer->body.p : "", answer->body.n, 0,
				 NULL);
	const char *why = json_string_value(json_object_get(top, "description"));
	json_t *code = json_object_get(top, "error_code");
	int status = json_is_integer(code) ? (int)json_integer_value(code) : answer->status;

	if (!answer->status)
		retry(a, answer->timed_out ? FAILURE_DEADLINE : FAILURE_OTHER,
		      "telegram: the request to <redacted> failed: %s",
		      answer->error ? without_url(a, answer->error) : "no answer");
	else if (!top)
		retry(a, failure_of_status(status),
		      "telegram: the answer is not JSON (status %d)", answer->status);
	else if (json_is_true(json_object_get(top, "ok")) &&
		 !json_is_true(json_object_get(top, "result")))
		sent(a);
	else
		retry(a, failure_of_status(status), "telegram: %s (%d)",
		      why ? why : "refused", status);
	json_decref(top);
}

const struct integration telegram_integration = {
	.kind = {.name = "telegram",
		 .key = "telegram_configs",
		 .fields = fields,
		 .size = sizeof(struct telegram),
		 .send_resolved = true,
		 .check = check,
		 .inherit = inherit},
	.compose = compose,
	.judge = judge,
};
