/* record.h - what the engine leaves behind of each decision: the rows of the journal.
 *
 * A record tells one event, not one alert: a post with all alerts it changed, a flush with
 * all it decided, a delivery on its way, how an attempt ended. The engine makes them, the
 * store keeps them, why.h reads them again and explains. Delivery ids are those of struct
 * notification: they tell notifications apart, over restarts too.
 *
 * Memory: a record and all it points to lie in the step's arena or in the engine's tables:
 *         until the next step. One that was read back lies in its reader's arena.
 * Limits: RECORD_MOST_ALERTS alerts in one record of RECORD_ALERTS; more take several.
 *         Of alerts that are dropped RECORD_MOST_DROPPED are named in a minute.
 */
#pragma once
#include "base/time.h"
#include "engine/reason.h"
#include "model/silence.h"

#define RECORD_MOST_ALERTS  1000
#define RECORD_MOST_DROPPED 100

enum record_kind {
	RECORD_ALERTS,	/* alerts came, fired again or ended: .alerts, .from, .by */
	RECORD_RULE,	/* alerts of one rule changed, or the rule fails or works again */
	RECORD_FLUSH,	/* all that one flush of one group decided */
	RECORD_SENDING, /* a notification is about to leave for the first time */
	RECORD_ATTEMPT, /* how an attempt to deliver ended */
	RECORD_SILENCE, /* .silence as it is now; .change, .from, .by */
	RECORD_CONFIG,	/* the configuration was taken, or refused; .hash, .error */
	RECORD_FILE,	/* a rule file: .file, .change, .error */
	RECORD_CLOCK,	/* somebody set the wall clock: .jump */
	RECORD_START, /* .change JOURNAL_REPLACED: of the journal alone; .error says why */
	RECORD_STOP,
	RECORD_KINDS,
};
const char *record_kind_text(enum record_kind);
bool record_kind_parse(struct str, enum record_kind *) MUST_USE;

/* The first row of a journal that took the place of one that could not be read any more:
 * what was before is not known. */
#define JOURNAL_REPLACED "replaced"
struct record;
bool record_begins_anew(const struct record *);

/* Whether the list, in any order, has it. */
bool fingerprints_have(const uint64_t *, size_t n, uint64_t fingerprint);

enum alert_change {
	/* in the router */
	CHANGE_NEW,
	CHANGE_FIRING, /* again */
	CHANGE_RESOLVED,
	CHANGE_DROPPED, /* a ceiling is reached: it was not taken in; .error names it */
	/* of a rule's alert */
	CHANGE_RULE_PENDING,
	CHANGE_RULE_FIRING,
	CHANGE_RULE_RESOLVED,
	CHANGE_RULE_DROPPED, /* it was pending and its condition went away */
	CHANGES,
};
const char *alert_change_text(enum alert_change);
bool alert_change_parse(struct str, enum alert_change *) MUST_USE;

struct record_alert {
	enum alert_change change;
	uint64_t fingerprint; /* as the router knows it: external labels are in */
	const struct labels *labels;
	wall_ms starts_at, ends_at; /* of a rule's alert: active since; 0: none */
	double value;		    /* of a rule's alert: the last sample */
};

/* Alerts that one cause kept out of a flush. */
struct record_mute {
	enum reason reason;
	const char *by;		     /* silence id, source's fingerprint, interval name */
	const char *rule;	     /* of inhibition: its name and place; else NULL */
	const struct labels *source; /* of inhibition: the alert's labels; else NULL */
	const uint64_t *alerts;
	size_t n;
};

/* What a flush decided for one integration. */
struct record_decision {
	const char *receiver, *integration; /* integration NULL: the receiver has none */
	size_t index;
	enum reason reason;
	const char *delivery; /* NULL: nothing leaves */
	bool without_ended;   /* send_resolved is off: it tells of firing ones only */
};

struct record {
	enum record_kind kind;
	enum reason reason;
	wall_ms at;
	const char *group_key, *receiver, *integration; /* NULL: none */
	size_t index;	       /* of the integration in the receiver's list */
	const char *delivery;  /* id; NULL: none */
	const char *error;     /* or mistakes, one a line; NULL: none */
	const char *from, *by; /* address, user; NULL: nobody outside, unknown */
	const struct record_alert *alerts;
	size_t n_alerts;

	/* RECORD_RULE: where the rule stands; RECORD_FILE: the path */
	const char *file, *group, *rule, *expr;
	int line;
	span_ms hold;

	/* RECORD_FLUSH: all alerts of the group, also muted ones. RECORD_SENDING of a
	 * fallback receiver, which no flush names, and RECORD_ATTEMPT of a delivery that a
	 * crash left open: those it is told of. */
	const uint64_t *firing, *resolved;
	size_t n_firing, n_resolved;
	const struct record_mute *mutes;
	size_t n_mutes;
	const struct record_decision *decisions;
	size_t n_decisions;
	wall_ms next_at; /* the next flush; RECORD_ATTEMPT: the next attempt; 0: none */
	/* Nothing differs from the group's last record: need not be kept. The next one
	 * that differs says how many there were in between, and when the last was. */
	bool is_unchanged;
	uint64_t unchanged;
	wall_ms unchanged_at;

	unsigned attempt; /* RECORD_ATTEMPT: from 1 */
	int status;	  /* of HTTP or SMTP; 0: none */
	span_ms took;
	bool in_doubt; /* this attempt, or one before, had no answer and may have arrived */
	size_t told_firing, told_resolved; /* alerts in the notification */
	bool without_ended;		   /* RECORD_SENDING: as in its decision */

	const struct silence *silence;
	const char *change; /* "create", "update", "expire"; of a file "load", "gone",
			       "refuse"; of a start JOURNAL_REPLACED */
	const char *hash;   /* of the configuration */
	span_ms jump;	    /* RECORD_CLOCK */
};
