/* list.h - the integrations there are; each is one file of its name. */
#pragma once
#include "receivers/attempt.h"

extern const struct integration webhook_integration, email_integration, slack_integration,
	pushover_integration, pagerduty_integration, incidentio_integration,
	opsgenie_integration, wechat_integration, victorops_integration, sns_integration,
	telegram_integration, discord_integration, webex_integration, msteams_integration,
	msteamsv2_integration, jira_integration, rocketchat_integration,
	mattermost_integration;
