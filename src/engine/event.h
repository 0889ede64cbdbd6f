/* event.h - what goes into the engine and what comes out of it.
 *
 * Events are facts with the time on them, which engine_step is given. Actions are
 * wishes that the shell carries out, in order. Neither holds anything the other side must
 * free: what an event points to is borrowed for the step, what an action points to lives
 * until the next step (in the step's arena or in the engine's tables).
 */
#pragma once
#include "config/config.h"
#include "config/rules.h"
#include "engine/notification.h"
#include "engine/record.h"
#include "model/histogram.h"
#include "model/silence.h"

/* -- in ------------------------------------------------------------------------------- */

/* An alert as posted, not checked yet. */
struct alert_post {
	const struct label *labels, *annotations; /* names unique within each */
	size_t n_labels, n_annotations;
	struct instant starts_at, ends_at; /* INSTANT_ZERO: not given */
	const char *generator_url;	   /* "" when not given */
};

struct sample {
	const struct labels *labels; /* __name__ too */
	double value;
	const struct histogram *histogram; /* NULL: none; else value is 0 */
	wall_ms at;			   /* of a raw sample; else 0 */
};
struct samples {
	const struct sample *v;
	size_t n;
};

enum event_kind {
	EVENT_TICK,	   /* time passes; every step also does what is due */
	EVENT_CLOCK_SET,   /* .jump: somebody set the wall clock by so much */
	EVENT_CONFIG,	   /* .config: lives until the next one was taken */
	EVENT_RULES,	   /* .rules: the new content of that path; lives until replaced */
	EVENT_RULES_GONE,  /* .path */
	EVENT_ALERTS,	   /* .alerts: posted from outside */
	EVENT_SILENCE_SET, /* .silence: create, update or replace */
	EVENT_SILENCE_EXPIRE,  /* .id */
	EVENT_QUERY_ENDED,     /* .query */
	EVENT_DELIVERY_ENDED,  /* .delivery */
	EVENT_RESTORE_SILENCE, /* .silence as it was; before the first EVENT_CONFIG */
	EVENT_RESTORE_TOLD,    /* .told */
	EVENT_RESTORE_OPEN,  /* .open: it may have arrived; after all EVENT_RESTORE_TOLD */
	EVENT_RESTORE_ALERT, /* .alert, posted in an earlier life */
	EVENT_RESTORE_RULE_ALERT, /* .rule_alert */
	EVENT_SAVE_ALL,	 /* the disk has nothing any more: all state is saved again */
	EVENT_READ_BACK, /* .on: rules that come now may ask the backend since when their
			    alerts wait, because there was nothing to restore */
};

/* What the engine says to whoever brought the event. */
struct answer {
	bool ok, not_found;
	bool has_news; /* alerts began, fired again or ended */
	char silence_id[SILENCE_ID_SIZE];
	struct buf text; /* the mistakes, one a line; the caller frees it */
};

/* Who was told what: an entry of the notification log (spec/routing.md 6.4); at 0: nothing
 * yet for sure. */
struct told {
	uint64_t number; /* of its row; 0: it has none yet */
	const char *group_key, *receiver, *integration;
	size_t index;
	wall_ms at, expires_at;
	const uint64_t *firing, *resolved; /* fingerprints, sorted */
	size_t n_firing, n_resolved;
	const struct text_pair *memory;
	size_t n_memory;
	/* Perhaps told that they fire, by a notification whose answer nobody saw. */
	const uint64_t *maybe;
	size_t n_maybe;
};

enum alert_state { ALERT_INACTIVE, ALERT_PENDING, ALERT_FIRING };
const char *alert_state_text(enum alert_state);

/* An alert of a rule, as it survives restarts and edits (spec/rules.md 8.1). An
 * active one that has an end is of a rule that was removed then; its end is to be
 * announced.
 */
struct rule_alert {
	const char *file, *group, *rule;
	const struct labels *rule_labels; /* as written: part of the rule's identity */
	const struct labels *labels, *annotations;
	enum alert_state state;
	double value;
	wall_ms active_at, fired_at, resolved_at, last_sent_at, valid_until,
		keep_firing_since; /* 0: never */
	span_ms interval;	   /* of its group; 0: not known */
};

struct query_ended {
	uint64_t id;
	bool ok;
	struct samples samples;
	int64_t series_fetched; /* that the backend looked at; below 0: it did not say */
	const char *error;	/* when not ok */
	bool is_unfit;		/* not ok: no rule can use a result of that type */
	const char *warning;	/* the first one, or NULL */
	size_t n_warnings;
	bool is_partial; /* some of it is missing: for groups that take that */
};

struct delivery_ended {
	uint64_t id;
	enum verdict verdict;
	enum failure failure;
	bool in_doubt;	     /* not sent, but it may have arrived */
	int status;	     /* of HTTP or SMTP; 0: no answer */
	const char *error;   /* for people; NULL when sent */
	span_ms retry_after; /* the receiver asked for at least this pause; 0: did not */
	const struct text_pair *memory; /* what to remember; NULL: as it was */
	size_t n_memory;
};

struct event {
	enum event_kind kind;
	union {
		span_ms jump;
		bool on;
		const struct config *config;
		const struct rule_file *rules;
		const char *path, *id;
		struct {
			const struct alert_post *v;
			size_t n;
		} alerts;
		const struct silence *silence;
		const struct query_ended *query;
		const struct delivery_ended *delivery;
		const struct told *told;
		const struct open_delivery *open;
		const struct alert *alert;
		const struct rule_alert *rule_alert;
	};
	struct answer *answer; /* NULL: nobody waits for one */
	const char *from, *by; /* who brought it: address, user; NULL: unknown */
};

/* -- out ------------------------------------------------------------------------------ */

struct query_wish {
	uint64_t id;
	const struct datasource *datasource;
	const struct rule_group *group;
	const char *expr;
	wall_ms at; /* the time parameter */
	bool raw;   /* a range of samples is asked for: the last of each series comes */
	span_ms timeout, interval; /* of this query; of its group */
};

/* A sample of a recording rule's result, of ALERTS or of ALERTS_FOR_STATE. */
struct write_sample {
	const struct labels *labels; /* __name__ too; external labels are not in yet */
	union {
		double value;
		const struct histogram *histogram; /* its buckets are exponential */
	};
	bool is_stale; /* the series ends here: a stale marker, without a value */
	bool is_histogram;
};
struct write_wish {
	wall_ms at; /* of all its samples */
	const struct write_sample *v;
	size_t n;
};

struct delivery_wish {
	uint64_t id;
	const struct notification *notification; /* lives until the delivery ended */
	unsigned attempt;			 /* from 1 */
};

/* A notification that left, or is about to, and whose outcome is not known yet: what a
 * restart after a crash finds. */
struct open_delivery {
	const char *id; /* of its notification */
	const char *group_key, *receiver, *integration;
	size_t index;
	wall_ms at;
	const uint64_t *firing, *resolved; /* fingerprints, sorted, of those it tells of */
	size_t n_firing, n_resolved;
};

enum action_kind {
	ACTION_QUERY,		  /* .query: answer with EVENT_QUERY_ENDED */
	ACTION_QUERY_CANCEL,	  /* .id: nobody waits any more */
	ACTION_WRITE,		  /* .write: to all remotes; nothing is answered */
	ACTION_WRITE_FLUSH,	  /* an iteration of a group is complete: send now */
	ACTION_DELIVER,		  /* .delivery: answer with EVENT_DELIVERY_ENDED */
	ACTION_DELIVERY_CANCEL,	  /* .id */
	ACTION_SAVE_SILENCE,	  /* .silence */
	ACTION_FORGET_SILENCE,	  /* .key */
	ACTION_SAVE_TOLD,	  /* .told under its number */
	ACTION_FORGET_TOLD,	  /* .number */
	ACTION_SAVE_ALERT,	  /* .alert; .is_known: the disk has an older one of it */
	ACTION_FORGET_ALERT,	  /* .fingerprint */
	ACTION_SAVE_RULE_ALERT,	  /* .rule_alert under .key */
	ACTION_FORGET_RULE_ALERT, /* .key */
	ACTION_SAVE_OPEN,	  /* .open, before its first ACTION_DELIVER */
	ACTION_FORGET_OPEN,	  /* .key: its outcome is known */
	ACTION_RECORD,		  /* .record for the journal */
	ACTION_NOTE,		  /* .note: something an operator should read in the log */
};

struct note {
	bool is_warning;
	const char *part, *text; /* "rules", "evaluation failed" */
	const char *what;	 /* which rule, receiver, ... */
	const char *error;	 /* NULL: none */
};

struct action {
	enum action_kind kind;
	bool is_known;
	const char *key;
	union {
		uint64_t id, fingerprint, number;
		struct query_wish query;
		struct write_wish write;
		struct delivery_wish delivery;
		const struct silence *silence;
		const struct told *told;
		const struct alert *alert;
		const struct rule_alert *rule_alert;
		const struct open_delivery *open;
		const struct record *record;
		struct note note;
	};
};
struct actions {
	struct action *v;
	size_t n, cap;
};
