#include "base/base.h"
#include "receivers/compose.h"
#include "receivers/list.h"
#include "base/url.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#define TOKEN_LIFE (2 * HOUR)

enum step { GET_TOKEN, SEND };

struct wechat {
	struct secret api_secret;
	const char *api_secret_file, *api_url, *corp_id, *message;
	const char *to_user, *to_party, *to_tag, *agent_id, *message_type;
};

#define AT(m) offsetof(struct wechat, m)
static const struct field fields[] = {
	{"api_secret", FIELD_SECRET, AT(api_secret), .help = "Secret."},
	{"api_secret_file", FIELD_OPTIONAL, AT(api_secret_file), .help = "File with it."},
	{"corp_id", FIELD_TEXT, AT(corp_id), .help = "Corp id."},
	{"message", FIELD_TEXT, AT(message), .if_absent = TPL("wechat.default.message"),
	 .help = "Text."},
	{"api_url", FIELD_URL, AT(api_url), .help = "WeChat API."},
	{"to_user", FIELD_TEXT, AT(to_user), .if_absent = TPL("wechat.default.to_user"),
	 .help = "Users."},
	{"to_party", FIELD_TEXT, AT(to_party), .if_absent = TPL("wechat.default.to_party"),
	 .help = "Departments."},
	{"to_tag", FIELD_TEXT, AT(to_tag), .if_absent = TPL("wechat.default.to_tag"),
	 .help = "Tags."},
	{"agent_id", FIELD_TEXT, AT(agent_id), .if_absent = TPL("wechat.default.agent_id"),
	 .help = "Application."},
	{"message_type", FIELD_TEXT, AT(message_type), .if_absent = "text",
	 .help = "text or markdown."},
	{0},
};
#undef AT

static void check(struct decode *d, struct integration_config *ic)
{
	struct wechat *s = ic->settings;

	if (!*s->message_type)
		s->message_type = "text";
	if (strcmp(s->message_type, "text") && strcmp(s->message_type, "markdown"))
		mistake(d, at_key(ic, "message_type"),
			"weChat message type \"%s\" does not match valid options "
			"text|markdown",
			s->message_type);
	check_pair(d, ic, "api_secret", s->api_secret, s->api_secret_file);
}

static void inherit(struct decode *d, struct integration_config *ic, const struct global *g)
{
	const struct global_receivers *all = g->receivers;
	struct wechat *s = ic->settings;

	s->api_url = with_slash(d->mem, s->api_url ? s->api_url : all->wechat_api_url);
	if (!secret_is_set(s->api_secret) && !s->api_secret_file) {
		s->api_secret = all->wechat_api_secret;
		s->api_secret_file = all->wechat_api_secret_file;
	}
	if (!secret_is_set(s->api_secret) && !s->api_secret_file)
		mistake(d, ic->at,
			"no global Wechat Api Secret set either inline or in a file");
	if (!*s->corp_id && all->wechat_api_corp_id)
		s->corp_id = all->wechat_api_corp_id;
	if (!*s->corp_id)
		mistake(d, ic->at, "no global Wechat CorpID set");
}

/* The API's address with a further path and a query of our own. */
static const char *address(struct attempt *a, const char *tail, const struct buf *query)
{
	const struct wechat *s = a->n->integration->settings;
	struct url url;

	if (!url_parse(a->mem, str_of(s->api_url), NOWHERE, &url, NULL))
		BUG("the URL was checked");
	url_append(a->mem, &url, tail);
	url.query = buf_text(query);
	return url_print(a->mem, &url);
}

static void write_content(struct json *j, const char *key, struct str content)
{
	json_open_key(j, key, '{');
	json_put(j, "content", content);
	json_close(j, '}');
}

static void send_message(struct attempt *a, const char *token)
{
	const struct wechat *s = a->n->integration->settings;
	bool markdown = !strcmp(s->message_type, "markdown");
	struct buf query = BUF(BUF_NO_LIMIT);
	struct render *r = a->state;
	struct str message = render_message(r, s->message);
	struct json body = JSON;

	json_open(&body, '{');
	write_content(&body, "text", markdown ? STR("") : message);
	json_put_some(&body, "touser", render_text(r, s->to_user));
	json_put_some(&body, "toparty", render_text(r, s->to_party));
	json_put_some(&body, "totag", render_text(r, s->to_tag));
	json_put_some(&body, "agentid", render_text(r, s->agent_id));
	json_put_text(&body, "safe", "0");
	json_put_text(&body, "msgtype", s->message_type);
	write_content(&body, "markdown", markdown ? message : STR(""));
	json_close(&body, '}');
	buf_add_text(&query, "access_token=");
	buf_add_query_escaped(&query, str_of(token));
	a->step = SEND;
	if (render_ok(r))
		want_json(a, address(a, "message/send", &query), &body);
	else
		buf_free(&body.out);
	buf_free(&query);
}

static bool has_token(const struct attempt *a)
{
	const struct attempt_cache *c = a->cache;

	return c && c->text[0] && instant_ms(a->env->now) - c->at <= TOKEN_LIFE;
}

static void compose(struct attempt *a)
{
	const struct wechat *s = a->n->integration->settings;
	struct render *r = ARENA_NEW(a->mem, struct render);
	struct buf query = BUF(BUF_NO_LIMIT);
	struct str secret, corp;
	const char *text;

	if (!secret_get(a, s->api_secret, s->api_secret_file, &text))
		return;
	render_start(r, a, 0);
	a->state = r;
	secret = render_exactly(r, text);
	corp = render_exactly(r, s->corp_id);
	if (has_token(a)) {
		send_message(a, a->cache->text);
		return;
	}
	buf_add_text(&query, "corpid=");
	buf_add_query_escaped(&query, corp);
	buf_add_text(&query, "&corpsecret=");
	buf_add_query_escaped(&query, secret);
	a->step = GET_TOKEN;
	want_http(a, "GET", address(a, "gettoken", &query), NULL, STR(""));
	buf_free(&query);
}

static void judge_token(struct attempt *a, const struct http_answer *answer)
{
	const struct wechat *s = a->n->integration->settings;
	json_t *top = json_loadb(answer->body.p ? answer->body.p : "", answer->body.n, 0,
				 NULL);
	const char *token = json_string_value(json_object_get(top, "access_token"));

	if (!answer->status) {
		judge_plain(a, answer);
	} else if (!top) {
		give_up(a, FAILURE_OTHER,
			"wechat: the answer to the request for a token is not "
			"JSON");
	} else if (!token || !*token) {
		give_up(a, FAILURE_AUTH, "invalid APISecret for CorpID: %s", s->corp_id);
	} else {
		token = arena_text(a->mem, token);
		if (a->cache && strlen(token) < sizeof(a->cache->text)) {
			snprintf(a->cache->text, sizeof(a->cache->text), "%s", token);
			a->cache->at = instant_ms(a->env->now);
		}
		send_message(a, token);
	}
	json_decref(top);
}

static void judge_message(struct attempt *a, const struct http_answer *answer)
{
	json_t *top = json_loadb(answer->body.p ? answer->body.p : "", answer->body.n, 0,
				 NULL);
	json_t *code = json_object_get(top, "errcode");
	const char *text = json_string_value(json_object_get(top, "errmsg"));

	if (!answer->status)
		judge_plain(a, answer);
	else if (answer->status != 200)
		retry(a, failure_of_status(answer->status), "unexpected status code %d",
		      answer->status);
	else if (!top)
		retry(a, FAILURE_OTHER, "wechat: the answer is not JSON");
	else if (!json_integer_value(code))
		sent(a);
	else if (json_integer_value(code) != 42001)
		give_up(a, FAILURE_CLIENT, "%s",
			text ? text : "wechat refused the message");
	else {
		if (a->cache)
			a->cache->text[0] = 0; /* the token is too old */
		retry(a, FAILURE_AUTH, "%s", text ? text : "wechat: the token expired");
	}
	json_decref(top);
}

static void judge(struct attempt *a, const struct http_answer *answer)
{
	if (a->step == GET_TOKEN)
		judge_token(a, answer);
	else
		judge_message(a, answer);
}

const struct integration wechat_integration = {
	.kind = {.name = "wechat",
		 .key = "wechat_configs",
		 .fields = fields,
		 .size = sizeof(struct wechat),
		 .check = check,
		 .inherit = inherit},
	.compose = compose,
	.judge = judge,
};
