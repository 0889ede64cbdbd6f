#include "base/base.h"
#include "receivers/compose.h"
#include "receivers/list.h"
#include "base/url.h"

#define API_URL "https://api.pushover.net/1/messages.json"

struct pushover {
	struct secret user_key, token;
	const char *user_key_file, *token_file, *title, *message, *url, *url_title, *device;
	const char *sound, *priority;
	int64_t retry, expire, ttl; /* ns */
	bool html, monospace;
};

static bool is_html(const void *settings)
{
	return ((const struct pushover *)settings)->html;
}

#define AT(m) offsetof(struct pushover, m)
static const struct field fields[] = {
	{"user_key", FIELD_SECRET, AT(user_key), .help = "Key of the user."},
	{"user_key_file", FIELD_OPTIONAL, AT(user_key_file), .help = "File with it."},
	{"token", FIELD_SECRET, AT(token), .help = "Token of the application."},
	{"token_file", FIELD_OPTIONAL, AT(token_file), .help = "File with it."},
	{"title", FIELD_TEXT, AT(title), .if_absent = TPL("pushover.default.title"),
	 .help = "Heading."},
	{"message", FIELD_TEXT, AT(message), .if_absent = TPL("pushover.default.message"),
	 .is_html_in = is_html, .help = "Text."},
	{"url", FIELD_TEXT, AT(url), .if_absent = TPL("pushover.default.url"),
	 .help = "Where to look."},
	{"url_title", FIELD_TEXT, AT(url_title), .help = "What the link says."},
	{"device", FIELD_TEXT, AT(device), .help = "Only this device."},
	{"sound", FIELD_TEXT, AT(sound), .help = "Sound."},
	{"priority", FIELD_TEXT, AT(priority),
	 .if_absent = "{{ if eq .Status \"firing\" }}2{{ else }}0{{ end }}",
	 .help = "-2 to 2; 2 asks for confirmation."},
	{"retry", FIELD_GO_TEXT, AT(retry), .if_absent = "1m", .help = "Repeat so often."},
	{"expire", FIELD_GO_TEXT, AT(expire), .if_absent = "1h", .help = "Repeat so long."},
	{"ttl", FIELD_GO_TEXT, AT(ttl), .help = "Delete after this."},
	{"html", FIELD_BOOL, AT(html), .help = "The text is HTML."},
	{"monospace", FIELD_BOOL, AT(monospace), .help = "Fixed width."},
	{0},
};
#undef AT

static void check(struct decode *d, struct integration_config *ic)
{
	const struct pushover *s = ic->settings;

	check_one(d, ic, "user_key", s->user_key, s->user_key_file);
	check_one(d, ic, "token", s->token, s->token_file);
	if (s->html && s->monospace)
		mistake(d, at_key(ic, "html"),
			"at most one of monospace & html must be configured");
}

static void add(struct buf *url, const char *name, struct str value)
{
	buf_addf(url, "%c%s=", url->n ? '&' : '?', name);
	buf_add_query_escaped(url, value);
}

static void add_seconds(struct buf *url, const char *name, int64_t ns)
{
	buf_addf(url, "%c%s=%lld", url->n ? '&' : '?', name, (long long)(ns / 1000000000));
}

/* Sorted by name, as the peers send them. */
static const char *address(struct render *r, const struct pushover *s, const char *user_key,
			   const char *app_token)
{
	struct arena *mem = r->a->mem;
	struct str title = cut_chars(mem, render_line(r, s->title), 250);
	static const struct room room = {.n = 1024};
	struct str message = render_within(r, s->message, &room, s->html);
	struct str url = cut_chars(mem, render_text(r, s->url), 512);
	struct str user = render_exactly(r, user_key), token = render_exactly(r, app_token);
	struct buf out = BUF(BUF_NO_LIMIT);
	struct str device;
	const char *text;

	message = str_trim(cut_to(mem, message, &room));
	if (!message.n)
		message = STR("(no details)");
	device = render_text(r, s->device);
	if (device.n || !r->a->env->as_0_25)
		add(&out, "device", device);
	add_seconds(&out, "expire", s->expire);
	if (s->html)
		add(&out, "html", STR("1"));
	add(&out, "message", message);
	if (s->monospace)
		add(&out, "monospace", STR("1"));
	add(&out, "priority", render_text(r, s->priority));
	add_seconds(&out, "retry", s->retry);
	add(&out, "sound", render_text(r, s->sound));
	add(&out, "title", title);
	add(&out, "token", token);
	if (s->ttl >= 1000000000)
		add_seconds(&out, "ttl", s->ttl);
	add(&out, "url", url);
	add(&out, "url_title", render_text(r, s->url_title));
	add(&out, "user", user);
	text = arena_printf(mem, API_URL "%s", buf_text(&out));
	buf_free(&out);
	return text;
}

static void compose(struct attempt *a)
{
	const struct pushover *s = a->n->integration->settings;
	const char *user, *token, *url;
	struct render r;

	render_start(&r, a, 0);
	if (!secret_get_raw(a, s->user_key, s->user_key_file, &user) ||
	    !secret_get_raw(a, s->token, s->token_file, &token))
		return;
	url = address(&r, s, user, token);
	if (render_ok(&r))
		want_http(a, "POST", url, "text/plain", STR(""));
}

const struct integration pushover_integration = {
	.kind = {.name = "pushover",
		 .key = "pushover_configs",
		 .fields = fields,
		 .size = sizeof(struct pushover),
		 .send_resolved = true,
		 .check = check},
	.compose = compose,
	.judge = judge_plain,
};
