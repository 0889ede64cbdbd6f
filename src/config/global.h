/* global.h - what receivers inherit from the section `global`.
 *
 * Texts are NULL when unset. Spec: spec/config.md 5.
 */
#pragma once
#include "config/http.h"

struct global_receivers {
	const char *smtp_from, *smtp_hello;
	struct host_port smtp_smarthost;
	const char *smtp_auth_username, *smtp_auth_identity;
	struct secret smtp_auth_password, smtp_auth_secret;
	const char *smtp_auth_password_file, *smtp_auth_secret_file;
	bool smtp_require_tls;
	enum tristate smtp_force_implicit_tls;
	const struct tls_config *smtp_tls_config;
	struct secret slack_api_url, slack_app_token;
	const char *slack_api_url_file, *slack_app_token_file, *slack_app_url;
	const char *pagerduty_url;
	const char *opsgenie_api_url, *opsgenie_api_key_file;
	struct secret opsgenie_api_key;
	const char *wechat_api_url, *wechat_api_secret_file, *wechat_api_corp_id;
	struct secret wechat_api_secret;
	const char *victorops_api_url, *victorops_api_key_file;
	struct secret victorops_api_key;
	const char *telegram_api_url, *telegram_bot_token_file;
	struct secret telegram_bot_token;
	const char *webex_api_url, *jira_api_url;
	const char *rocketchat_api_url, *rocketchat_token_file, *rocketchat_token_id_file;
	struct secret rocketchat_token, rocketchat_token_id;
	struct secret mattermost_webhook_url;
	const char *mattermost_webhook_url_file;
};
