#include "base/base.h"
#include "config/parts.h"

#include <string.h>

/* smtp_tls_config keeps relative paths as they are. */
static void smtp_tls_decode(struct decode *d, const struct yaml *y, void *member)
{
	struct tls_config *tls = ARENA_NEW(d->mem, struct tls_config);
	const char *dir = d->dir;

	if (y->kind == YAML_NULL)
		return;
	d->dir = NULL;
	decode_object(d, y, &tls_shape, tls);
	d->dir = dir;
	*(const struct tls_config **)member = tls;
}

static const struct yaml *smtp_tls_print(struct arena *mem, const void *member)
{
	const struct tls_config *const *tls = member;

	return *tls ? print_object(mem, tls_shape.fields, *tls) : NULL;
}

static const struct field_codec smtp_tls_codec = {smtp_tls_decode, smtp_tls_print};

#define ENGINE(m) offsetof(struct global_text, engine.m)
#define AT(m)	  offsetof(struct global_text, receivers.m)
static const struct field global_fields[] = {
	{"resolve_timeout", FIELD_SPAN, ENGINE(resolve_timeout), .if_absent = "5m",
	 .always = true, .help = "Posted alerts without an end are over after this."},
	{"http_config", FIELD_OBJECT, ENGINE(http), .of = &http_shape,
	 .help = "How to reach HTTP receivers."},
	{"smtp_from", FIELD_OPTIONAL, AT(smtp_from), .help = "Sender of mails."},
	{"smtp_hello", FIELD_TEXT, AT(smtp_hello), .if_absent = "localhost",
	 .help = "Our name in EHLO."},
	{"smtp_smarthost", FIELD_HOST_PORT, AT(smtp_smarthost), .help = "Mail server."},
	{"smtp_auth_username", FIELD_OPTIONAL, AT(smtp_auth_username),
	 .help = "Login name."},
	{"smtp_auth_password", FIELD_SECRET, AT(smtp_auth_password),
	 .help = "Password for PLAIN and LOGIN."},
	{"smtp_auth_password_file", FIELD_OPTIONAL, AT(smtp_auth_password_file),
	 .help = "File with it."},
	{"smtp_auth_secret", FIELD_SECRET, AT(smtp_auth_secret), .help = "For CRAM-MD5."},
	{"smtp_auth_secret_file", FIELD_OPTIONAL, AT(smtp_auth_secret_file),
	 .help = "File with it."},
	{"smtp_auth_identity", FIELD_OPTIONAL, AT(smtp_auth_identity),
	 .help = "For PLAIN."},
	{"smtp_require_tls", FIELD_BOOL, AT(smtp_require_tls), .if_absent = "true",
	 .always = true, .help = "Send no mail without TLS."},
	{"smtp_tls_config", FIELD_CUSTOM, AT(smtp_tls_config), .codec = &smtp_tls_codec,
	 .help = "TLS towards the mail server."},
	{"smtp_force_implicit_tls", FIELD_TRISTATE, AT(smtp_force_implicit_tls),
	 .help = "TLS from the first byte; absent: on port 465."},
	{"slack_api_url", FIELD_SECRET_URL, AT(slack_api_url), .help = "Slack webhook."},
	{"slack_api_url_file", FIELD_OPTIONAL, AT(slack_api_url_file),
	 .help = "File with it."},
	{"slack_app_token", FIELD_SECRET, AT(slack_app_token), .help = "Slack app token."},
	{"slack_app_token_file", FIELD_OPTIONAL, AT(slack_app_token_file),
	 .help = "File with it."},
	{"slack_app_url", FIELD_URL, AT(slack_app_url),
	 .if_absent = "https://slack.com/api/chat.postMessage", .quiet = true,
	 .help = "Target with a token."},
	{"pagerduty_url", FIELD_URL, AT(pagerduty_url),
	 .if_absent = "https://events.pagerduty.com/v2/enqueue", .help = "Events API v2."},
	{"opsgenie_api_url", FIELD_URL, AT(opsgenie_api_url),
	 .if_absent = "https://api.opsgenie.com/", .help = "Opsgenie API."},
	{"opsgenie_api_key", FIELD_SECRET, AT(opsgenie_api_key), .help = "Opsgenie key."},
	{"opsgenie_api_key_file", FIELD_OPTIONAL, AT(opsgenie_api_key_file),
	 .help = "File with it."},
	{"wechat_api_url", FIELD_URL, AT(wechat_api_url),
	 .if_absent = "https://qyapi.weixin.qq.com/cgi-bin/", .help = "WeChat API."},
	{"wechat_api_secret", FIELD_SECRET, AT(wechat_api_secret),
	 .help = "WeChat secret."},
	{"wechat_api_secret_file", FIELD_OPTIONAL, AT(wechat_api_secret_file),
	 .help = "File with it."},
	{"wechat_api_corp_id", FIELD_OPTIONAL, AT(wechat_api_corp_id),
	 .help = "WeChat corp."},
	{"victorops_api_url", FIELD_URL, AT(victorops_api_url),
	 .if_absent = "https://alert.victorops.com/integrations/generic/20131114/alert/",
	 .help = "VictorOps API."},
	{"victorops_api_key", FIELD_SECRET, AT(victorops_api_key),
	 .help = "VictorOps key."},
	{"victorops_api_key_file", FIELD_OPTIONAL, AT(victorops_api_key_file),
	 .help = "File with it."},
	{"telegram_api_url", FIELD_URL, AT(telegram_api_url),
	 .if_absent = "https://api.telegram.org", .help = "Telegram API."},
	{"telegram_bot_token", FIELD_SECRET, AT(telegram_bot_token), .help = "Bot token."},
	{"telegram_bot_token_file", FIELD_OPTIONAL, AT(telegram_bot_token_file),
	 .help = "File with it."},
	{"webex_api_url", FIELD_URL, AT(webex_api_url),
	 .if_absent = "https://webexapis.com/v1/messages", .help = "Webex API."},
	{"jira_api_url", FIELD_URL, AT(jira_api_url),
	 .help = "Jira API, with /rest/api/2."},
	{"rocketchat_api_url", FIELD_URL, AT(rocketchat_api_url),
	 .if_absent = "https://open.rocket.chat/", .quiet = true,
	 .help = "Rocket.Chat server."},
	{"rocketchat_token", FIELD_SECRET, AT(rocketchat_token), .help = "Token."},
	{"rocketchat_token_file", FIELD_OPTIONAL, AT(rocketchat_token_file),
	 .help = "File with it."},
	{"rocketchat_token_id", FIELD_SECRET, AT(rocketchat_token_id),
	 .help = "Token's id."},
	{"rocketchat_token_id_file", FIELD_OPTIONAL, AT(rocketchat_token_id_file),
	 .help = "File with it."},
	{"mattermost_webhook_url", FIELD_SECRET_URL, AT(mattermost_webhook_url),
	 .help = "Mattermost webhook."},
	{"mattermost_webhook_url_file", FIELD_OPTIONAL, AT(mattermost_webhook_url_file),
	 .help = "File with it."},
	{"evaluation_interval", FIELD_SPAN, ENGINE(evaluation_interval), .if_absent = "1m",
	 .quiet = true,
	 .help = "How often rule groups are evaluated that do not say it themselves."},
	{"rule_query_offset", FIELD_SPAN, ENGINE(query_offset),
	 .help = "How far back rules look, for data that comes late."},
	{"external_labels", FIELD_PAIRS, offsetof(struct global_text, external_labels),
	 .help = "Labels added to every alert that leaves; $NAME is the environment's."},
	{"metric_name_validation_scheme", FIELD_OPTIONAL,
	 offsetof(struct global_text, name_scheme), .help = "utf8 or legacy."},
	{0},
};
#undef AT

/* -- checks --------------------------------------------------------------------------- */
static void exclusive(struct decode *d, const struct yaml *y, bool one, bool other,
		      const char *name, const char *other_name)
{
	if (one && other)
		mistake(d, pos_of_key(y, other_name),
			"at most one of %s & %s must be configured", name, other_name);
}

static void pairs_check(struct decode *d, const struct yaml *y,
			const struct global_receivers *g)
{
	bool token = secret_is_set(g->slack_app_token) || g->slack_app_token_file;
	bool url = secret_is_set(g->slack_api_url) || g->slack_api_url_file;

#define PAIR(m) exclusive(d, y, secret_is_set(g->m), g->m##_file != NULL, #m, #m "_file")
	PAIR(slack_app_token);
	PAIR(slack_api_url);
	if (token && url &&
	    !(g->slack_app_url && secret_is_set(g->slack_api_url) &&
	      !strcmp(secret_reveal(g->slack_api_url), g->slack_app_url)))
		mistake(d, y->at,
			"at most one of slack_app_token/slack_app_token_file & "
			"slack_api_url/slack_api_url_file must be configured");
	PAIR(opsgenie_api_key);
	PAIR(victorops_api_key);
	PAIR(telegram_bot_token);
	PAIR(smtp_auth_password);
	PAIR(rocketchat_token);
	PAIR(rocketchat_token_id);
	PAIR(smtp_auth_secret);
	PAIR(wechat_api_secret);
	PAIR(mattermost_webhook_url);
#undef PAIR
}

/* $NAME and ${NAME} become what the environment says, $$ a dollar. */
static const char *expand(struct decode *d, const char *text)
{
	struct buf out = BUF(65536);
	const char *result;

	while (*text) {
		size_t n;

		if (*text != '$' || !text[1]) {
			buf_add_char(&out, *text++);
			continue;
		}
		if (*++text == '$') {
			buf_add_char(&out, *text++);
			continue;
		}
		text += *text == '{';
		n = strspn(
			text,
			"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789");
		if (d->files && d->files->env)
			buf_add_text(
				&out,
				d->files->env(d->files->ctx,
					      arena_copy(d->mem, (struct str){text, n})));
		text += n + (text[-1] == '{' && text[n] == '}');
	}
	result = arena_text(d->mem, buf_text(&out));
	buf_free(&out);
	return result;
}

static void external_labels(struct decode *d, struct global_text *g)
{
	const struct pair_list *list = &g->external_labels;
	struct label *pairs = ARENA_ARRAY(d->mem, struct label, list->n);
	struct err err;

	for (size_t i = 0; i < list->n; i++) {
		pairs[i] = (struct label){list->v[i].name, expand(d, list->v[i].text)};
		if (!is_label_name(str_of(pairs[i].name), g->engine.names))
			mistake(d, list->v[i].at, "\"%s\" is not a valid label name",
				pairs[i].name);
	}
	g->engine.external_labels = labels_new(d->mem, pairs, list->n, &err);
	if (!g->engine.external_labels)
		g->engine.external_labels = &labels_none;
}

static void global_check(struct decode *d, const struct yaml *y, void *object)
{
	struct global_text *g = object;

	g->engine.at = y->at;
	if (!g->engine.http)
		g->engine.http = http_config_default(d->mem);
	if (!g->engine.evaluation_interval)
		g->engine.evaluation_interval = MINUTE;
	if (g->name_scheme && !strcmp(g->name_scheme, "legacy"))
		g->engine.names = NAMES_CLASSIC;
	else if (g->name_scheme && strcmp(g->name_scheme, "utf8"))
		mistake(d, pos_of_value(y, "metric_name_validation_scheme"),
			"unknown global name validation method \"%s\", must be one of utf8 "
			"or "
			"legacy",
			g->name_scheme);
	pairs_check(d, y, &g->receivers);
	external_labels(d, g);
}

const struct shape global_shape = {"global", global_fields, sizeof(struct global_text),
				   false, global_check};
