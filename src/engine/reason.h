/* reason.h - why somebody was told, or not: the value that the journal, the API, the
 * templates and the command line all show. */
#pragma once
#include "base/base.h"
#include "base/str.h"

enum reason {
	REASON_NONE,
	/* told */
	NOTIFY_FIRST,	 /* nobody of this group was told before */
	NOTIFY_NEW,	 /* alerts joined since the last notification */
	NOTIFY_RESOLVED, /* all are over */
	NOTIFY_SOME_RESOLVED,
	NOTIFY_REPEAT, /* repeat_interval elapsed */
	/* not told */
	HELD_NOTHING_NEW,	/* as announced before, and not yet time to repeat */
	HELD_NOTHING_FIRED,	/* resolved before anybody was told */
	HELD_RESOLVED_UNWANTED, /* send_resolved is off */
	HELD_NO_INTEGRATION,	/* the receiver has none */
	MUTED_BY_INHIBITION,
	MUTED_BY_SILENCE,
	MUTED_BY_TIME,	   /* a mute time interval contains the moment */
	MUTED_BY_INACTIVE, /* no active time interval contains it */
	/* how a delivery ended */
	DELIVERY_SENT,
	DELIVERY_RETRY,
	DELIVERY_GAVE_UP,  /* the receiver refuses for good */
	DELIVERY_TIMEOUT,  /* the flush's time was used up */
	DELIVERY_CANCELED, /* reload or shutdown */
	DELIVERY_UNKNOWN,  /* the daemon ended before the outcome was known */
	/* of a rule */
	RULE_FAILS,   /* its evaluation fails */
	RULE_WORKS,   /* again */
	RULE_REMOVED, /* with its alerts: why they are over */
	/* why somebody is not told though no flush decided so */
	UNTOLD_UNKNOWN,	   /* nobody knows such an alert */
	UNTOLD_NO_SERIES,  /* its rule's expression gives nothing */
	UNTOLD_PENDING,	   /* its rule's "for" is not over */
	UNTOLD_DROPPED,	   /* its condition went away before that */
	UNTOLD_NO_ROUTE,   /* there is no route, or none takes it */
	UNTOLD_GROUP_WAIT, /* its group has not flushed yet */
	UNTOLD_GROUP_INTERVAL,
	UNTOLD_RESOLVED,  /* it was over before its group flushed */
	UNTOLD_UNDER_WAY, /* the first attempt has not ended */
	UNTOLD_WAITS,	  /* for a flush; of which kind the journal does not tell */
	UNTOLD_START_DELAY,
	UNTOLD_FLUSH_OPEN,   /* the group's flush before is not over */
	UNTOLD_CEILING,	     /* it was not taken in */
	UNTOLD_FILE_REFUSED, /* the only rule file that could make it */
	UNTOLD_END_AHEAD,    /* of its end: no flush has been since */
	NOT_KNOWN,	     /* the journal does not tell */
	REASONS,
};

const char *reason_text(enum reason); /* in Alertmanager's words where it has some */
const char *reason_name(enum reason); /* one_word_like_this, for the journal */
bool reason_parse(struct str name, enum reason *) MUST_USE;
bool reason_is_told(enum reason); /* that of a notification */
