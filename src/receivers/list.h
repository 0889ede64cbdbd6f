/* list.h - the integrations there are; each is one file of its name. */
#pragma once
#include "receivers/attempt.h"

extern const struct integration webhook_integration, email_integration, slack_integration,
	pagerduty_integration;
