#include "base/base.h"
#include "engine/reason.h"

static const struct {
	const char *name, *text;
} words[REASONS] = {
	[REASON_NONE] = {"none", "none"},
	[NOTIFY_FIRST] = {"notify_first", "first notification"},
	[NOTIFY_NEW] = {"notify_new", "new alerts added"},
	[NOTIFY_RESOLVED] = {"notify_resolved", "all alerts resolved"},
	[NOTIFY_SOME_RESOLVED] = {"notify_some_resolved", "some alerts resolved"},
	[NOTIFY_REPEAT] = {"notify_repeat", "repeat interval elapsed"},
	[HELD_NOTHING_NEW] = {"held_nothing_new",
			      "nothing new since the last notification"},
	[HELD_NOTHING_FIRED] = {"held_nothing_fired", "resolved before anybody was told"},
	[HELD_RESOLVED_UNWANTED] = {"held_resolved_unwanted", "send_resolved is off"},
	[HELD_NO_INTEGRATION] = {"held_no_integration", "the receiver has no integration"},
	[MUTED_BY_INHIBITION] = {"muted_by_inhibition", "inhibition"},
	[MUTED_BY_SILENCE] = {"muted_by_silence", "silence"},
	[MUTED_BY_TIME] = {"muted_by_time", "mute_time_interval"},
	[MUTED_BY_INACTIVE] = {"muted_by_inactive", "active_time_interval"},
	[DELIVERY_SENT] = {"delivery_sent", "delivered"},
	[DELIVERY_RETRY] = {"delivery_retry", "failed, will be tried again"},
	[DELIVERY_GAVE_UP] = {"delivery_gave_up", "refused for good"},
	[DELIVERY_TIMEOUT] = {"delivery_timeout", "time for trying is used up"},
	[DELIVERY_CANCELED] = {"delivery_canceled", "canceled"},
	[DELIVERY_UNKNOWN] = {"delivery_unknown", "the daemon ended before the answer"},
	[RULE_FAILS] = {"rule_fails", "the rule's evaluation fails"},
	[UNTOLD_UNKNOWN] = {"alert_unknown", "no such alert is known"},
	[UNTOLD_NO_SERIES] = {"rule_without_series",
			      "its rule's expression gives no series"},
	[UNTOLD_PENDING] = {"still_pending", "it is still pending"},
	[UNTOLD_DROPPED] = {"pending_dropped",
			    "its condition went away while it was pending"},
	[UNTOLD_NO_ROUTE] = {"no_route", "no route takes it"},
	[UNTOLD_GROUP_WAIT] = {"group_wait", "its group's group_wait is not over"},
	[UNTOLD_GROUP_INTERVAL] = {"group_interval",
				   "it joined a group that flushes at its next interval"},
	[UNTOLD_RESOLVED] = {"resolved_before", "it was over before its group flushed"},
	[UNTOLD_UNDER_WAY] = {"under_way", "being sent, no answer yet"},
	[UNTOLD_WAITS] = {"waiting", "it waits for the next flush of its group"},
	[UNTOLD_START_DELAY] = {"start_delay", "--dispatch.start-delay is not over"},
	[UNTOLD_FLUSH_OPEN] = {"flush_open", "the flush before of its group is not over"},
	[UNTOLD_CEILING] = {"ceiling", "it was not taken in: a ceiling is reached"},
	[UNTOLD_FILE_REFUSED] = {"rule_file_refused", "its rule file is refused"},
	[UNTOLD_END_AHEAD] = {"end_ahead", "its group has not flushed since its end"},
	[NOT_KNOWN] = {"not_known", "not known, the journal does not tell"},
	[RULE_REMOVED] = {"rule_removed", "its rule was removed"},
	[RULE_WORKS] = {"rule_works", "the rule's evaluation works again"},
};

const char *reason_text(enum reason r)
{
	return words[r].text;
}

const char *reason_name(enum reason r)
{
	return words[r].name;
}

bool reason_parse(struct str name, enum reason *out)
{
	for (int i = 0; i < REASONS; i++) {
		if (str_is(name, words[i].name)) {
			*out = (enum reason)i;
			return true;
		}
	}
	return false;
}

bool reason_is_told(enum reason r)
{
	return r >= NOTIFY_FIRST && r <= NOTIFY_REPEAT;
}
