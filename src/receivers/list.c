#include "base/base.h"
#include "receivers/list.h"

/* In the order of spec/config.md 1.2. */
#define INTEGRATIONS(X)                                                                    \
	X(webhook)                                                                         \
	X(email)                                                                           \
	X(slack)                                                                           \
	X(pushover)                                                                        \
	X(pagerduty)                                                                       \
	X(incidentio)                                                                      \
	X(opsgenie)                                                                        \
	X(wechat)                                                                          \
	X(victorops)                                                                       \
	X(sns)                                                                             \
	X(telegram)                                                                        \
	X(discord)                                                                         \
	X(webex)                                                                           \
	X(msteams)                                                                         \
	X(msteamsv2)                                                                       \
	X(jira)                                                                            \
	X(rocketchat)                                                                      \
	X(mattermost)

#define INTEGRATION(name) &name##_integration,
#define KIND(name)	  &name##_integration.kind,

const struct integration *const integrations[] = {INTEGRATIONS(INTEGRATION) NULL};
const struct integration_kind *const integration_kinds[] = {INTEGRATIONS(KIND) NULL};
