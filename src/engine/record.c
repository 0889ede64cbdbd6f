#include "base/base.h"
#include "engine/record.h"

#include <string.h>

static const char *const kinds[RECORD_KINDS] = {
	[RECORD_ALERTS] = "alerts",   [RECORD_RULE] = "rule",
	[RECORD_FLUSH] = "flush",     [RECORD_SENDING] = "sending",
	[RECORD_ATTEMPT] = "attempt", [RECORD_SILENCE] = "silence",
	[RECORD_CONFIG] = "config",   [RECORD_FILE] = "file",
	[RECORD_CLOCK] = "clock",     [RECORD_START] = "start",
	[RECORD_STOP] = "stop",
};
static const char *const changes[CHANGES] = {
	[CHANGE_NEW] = "new",
	[CHANGE_FIRING] = "firing",
	[CHANGE_RESOLVED] = "resolved",
	[CHANGE_DROPPED] = "dropped",
	[CHANGE_RULE_PENDING] = "rule_pending",
	[CHANGE_RULE_FIRING] = "rule_firing",
	[CHANGE_RULE_RESOLVED] = "rule_resolved",
	[CHANGE_RULE_DROPPED] = "rule_dropped",
};

const char *record_kind_text(enum record_kind kind)
{
	return kinds[kind];
}

bool record_kind_parse(struct str word, enum record_kind *out)
{
	for (int i = 0; i < RECORD_KINDS; i++) {
		if (str_is(word, kinds[i])) {
			*out = (enum record_kind)i;
			return true;
		}
	}
	return false;
}

const char *alert_change_text(enum alert_change change)
{
	return changes[change];
}

bool alert_change_parse(struct str word, enum alert_change *out)
{
	for (int i = 0; i < CHANGES; i++) {
		if (str_is(word, changes[i])) {
			*out = (enum alert_change)i;
			return true;
		}
	}
	return false;
}

bool record_begins_anew(const struct record *r)
{
	return r->kind == RECORD_START && r->change && !strcmp(r->change, JOURNAL_REPLACED);
}

bool fingerprints_have(const uint64_t *v, size_t n, uint64_t fingerprint)
{
	for (size_t i = 0; i < n; i++) {
		if (v[i] == fingerprint)
			return true;
	}
	return false;
}
