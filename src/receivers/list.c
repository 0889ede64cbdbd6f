#include "base/base.h"
#include "receivers/attempt.h"
#include "receivers/list.h"

const struct integration *const integrations[] = {
	&webhook_integration,
	&email_integration,
	&slack_integration,
	&pagerduty_integration,
	NULL,
};

const struct integration_kind *const integration_kinds[] = {
	&webhook_integration.kind,
	&email_integration.kind,
	&slack_integration.kind,
	&pagerduty_integration.kind,
	NULL,
};
