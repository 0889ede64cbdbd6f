/* story.h - what the journal tells of one alert: its records, taken one after the other,
 * make a story; the story gives a verdict for each integration: told, or not told with
 * the one cause.
 *
 * It is pure and asks nobody: what a simulator takes from the engine's actions does as well
 * as what the journal kept, also without records that are marked unchanged.
 *
 * Episodes: an alert that comes (again) begins a new one; the verdict is about the last.
 *           A person counts as told when a notification that shows the alert firing was
 *           acknowledged after the episode's beginning.
 * Gaps:     a journal is trimmed, or read back to some time only: known_since. A verdict
 *           that rests on what would have been written then is NOT_KNOWN, or says since
 *           when it holds; it is never a guess.
 * Memory:   in the arena given; what it keeps of records is copied.
 * Limits:   STORY_MOST_DELIVERIES notifications are remembered, the latest; of
 *           STORY_MOST_ORPHANS groups deliveries that nothing is known of.
 */
#pragma once
#include "base/vec.h"
#include "engine/record.h"

#define STORY_MOST_DELIVERIES 200
#define STORY_MOST_ORPHANS    1000

struct story_delivery {
	const char *id, *group_key, *receiver, *integration;
	size_t index;
	bool fires;		       /* it shows the alert firing, else resolved */
	enum reason reason, outcome;   /* outcome NONE: not known yet */
	wall_ms at, ended_at, next_at; /* next_at: of the next attempt */
	unsigned attempts;
	int status;
	const char *error;
};

/* Whether a group had flushed before the alert joined it. */
enum flushed { NOT_FLUSHED, HAS_FLUSHED, MAYBE_FLUSHED };

struct story_mute {
	enum reason reason; /* NONE: it passed */
	const char *by, *rule;
	const struct labels *source;
	wall_ms since; /* the first of the flushes in a row with this cause */
};

/* Where the alert stands in one group. */
struct story_group {
	const char *key, *receiver;
	wall_ms flushed_at, next_at; /* by its last flush, with the alert or without */
	wall_ms later_at;	     /* story_add_later: the first one with it */
	enum flushed flushed;	     /* as of now, for who joins */
	wall_ms named_at;	     /* by the last flush that had the alert */
	bool joined;		     /* one of this episode had it firing */
	struct story_mute muted;     /* by the last one that had it firing */
	wall_ms end_at;		     /* the last one that had it resolved; 0: none */
	struct story_mute end_muted;
	bool has_integrations;
};

struct story_target { /* an integration that a group tells, or its fallback */
	const char *group_key, *receiver, *integration;
	size_t index;
	/* by the last flush that let the alert pass while it fired */
	enum reason decided;
	wall_ms decided_at; /* 0: none did */
	const char *delivery;
	wall_ms first_told_at, last_told_at, end_told_at; /* 0: not */
	/* by the last flush that let it pass after its end */
	enum reason end_decided;
	wall_ms end_decided_at;
	const char *end_delivery;
	unsigned times_told;
	/* an attempt that showed it firing had no answer and may have arrived; 0: none */
	wall_ms doubt_at;
	/* told that it fired before this episode, and not of its end since; 0: not so */
	wall_ms told_before_at;
	const char *told_by, *end_told_by; /* deliveries, the last ones */
};

/* Of a group, the last delivery that somebody took and of which no record tells whom it was
 * about. */
struct story_orphan {
	const char *group_key;
	wall_ms at;
};

struct story_silence { /* of which a flush said that it muted the alert */
	const char *id, *author, *comment, *matchers, *change, *from, *user;
	wall_ms at, starts_at, ends_at;
};

struct story {
	struct arena *mem;
	uint64_t fingerprint;
	const struct labels *labels; /* NULL: never seen */
	wall_ms known_since;	     /* what was before may be missing; 0: nothing is.
					Given before the first record. */
	wall_ms seen_at;	     /* the first record that names it */
	/* the last record that names it, and its last change, by the clock of now */
	wall_ms last_seen_at, turned_at;
	bool has_beginning; /* a record told how the episode began, */
	wall_ms began_at;   /* and is of then */
	/* in the router */
	wall_ms came_at, starts_at, ended_at; /* 0: not */
	wall_ms refused_at;		      /* it was not taken in, for a ceiling */
	const char *refused_for;
	const char *from, *user;
	/* in its rule */
	const char *file, *rule_group, *rule, *expr;
	int line;
	span_ms hold;
	double value;
	wall_ms pending_at, firing_at, resolved_at, dropped_at;
	enum reason ended_for, resolved_for; /* RULE_REMOVED, or nothing in particular */
	span_ms keep_firing;
	wall_ms kept_since;	/* its condition went, keep_firing_for holds it; 0: not */
	const char *rule_error; /* while it fails */
	wall_ms rule_failed_at; /* since when */

	VEC(struct story_group) groups;
	VEC(struct story_target) targets;
	VEC(struct story_delivery) deliveries;
	size_t n_deliveries_left_out;
	VEC(struct story_silence) silences;
	/* only where something may be missing; the latter: that left the alert out */
	VEC(struct story_orphan) orphans;
	VEC(const char *) without_it;
	wall_ms config_at; /* the last configuration that was taken */
	const char *config_hash;
};

struct story story_of(struct arena *, uint64_t fingerprint);
void story_add(struct story *, const struct record *);
/* A flush after the time that is asked for: which groups the alert then was in. Before all
 * that is added. */
void story_add_later(struct story *, const struct record *);
/* An episode began, or ended, of which no record tells: all that is known of the alert is
 * of another one. */
void story_lost_track(struct story *, wall_ms known_since);
/* What is known otherwise of a silence that a flush named. */
void story_know_silence(struct story *, const struct silence *);
const struct story_silence *story_silence(const struct story *, const char *id);

struct verdict_of {
	bool is_told;
	enum reason cause; /* why not; why told: the kind of the first notification */
	wall_ms at;	   /* first told; since when the cause holds; 0: unknown */
	wall_ms last_at;   /* last told */
	unsigned times;
	/* what the cause names: silence id, source's fingerprint, interval; rule */
	const char *by, *rule;
	const struct labels *source; /* of inhibition */
	/* of the delivery, told or failed */
	const char *delivery, *error;
	int status;
	unsigned attempts;
	wall_ms next_at;     /* the next flush, or attempt; 0: not known */
	wall_ms known_since; /* of what was before nothing is known; 0: all is */
	/* not told for sure: that attempt may have arrived; 0: none */
	wall_ms doubt_at;
	/* the receiver has it as firing: from an episode before, of whose end it was not
	 * told; 0: not so */
	wall_ms told_before_at;
	wall_ms source_ended_at; /* of inhibition; NEVER: unknown when; 0: it fires */
};
/* That nobody was told is not for sure. */
bool verdict_is_in_doubt(const struct verdict_of *);
/* For an integration of the group; integration NULL: of the receiver, which has none. */
struct verdict_of story_verdict(const struct story *, const char *group_key,
				const char *receiver, const char *integration, size_t index,
				enum flushed);
/* The same of the alert's end; while it is not over, cause is NONE. */
struct verdict_of story_end(const struct story *, const char *group_key,
			    const char *receiver, const char *integration, size_t index);
/* The router has or had it: that is known, or a group named it. */
bool story_has_come(const struct story *);
/* Nothing that could matter for the verdicts can be missing. */
bool story_is_whole(const struct story *);
const struct story_group *story_group(const struct story *, const char *key);
const struct story_delivery *story_delivery(const struct story *, const char *id);
/* The verdict before any group: the alert never came to the router. */
enum reason story_rule_cause(const struct story *);
