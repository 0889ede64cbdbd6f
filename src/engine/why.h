/* why.h - why somebody was told of an alert, or not: what the journal remembers (story.h),
 * joined with what the engine has now, as facts and in plain words.
 *
 * why_alert asks the engine between steps, changes nothing, and needs no store: the story
 * may come from the journal or straight from the engine's actions. Of now the engine knows
 * what a story with gaps does not. Of a past time only the story speaks; where another
 * configuration was in force then, its routes are not known, and groups and receivers are
 * those that the story has.
 *
 * Memory: in the arena given; borrows from the story and from the engine's tables: valid
 *         until the next step.
 * Limits: WHY_MOST_ROUTES routes of a tree are shown.
 */
#pragma once
#include "engine/story.h"
#include "engine/view.h"

#define WHY_MOST_ROUTES 200

struct why_route { /* in the order they are asked; depth 0 is the root */
	const struct route *route;
	unsigned depth;
	bool takes;		/* its matchers hold */
	bool is_end;		/* the alert goes to its receiver */
	const char *refused_by; /* the first matcher that does not hold; NULL: none */
	bool is_not_asked;	/* a sibling before took the alert and does not go on */
};

struct why_target {
	const char *receiver, *integration; /* integration NULL: the receiver has none */
	size_t index;
	struct verdict_of verdict;
	struct verdict_of end; /* of the alert's end; cause NONE: it is not over */
	bool is_end_of_matter; /* of an end: somebody was told, or perhaps */
	wall_ms repeat_at;     /* told again from then on though nothing changes; 0: not */
	const char *words, *end_words; /* the verdicts as a sentence's rest */
};

struct why_group {
	const char *key, *receiver, *place; /* place: of its route; NULL: the route went */
	bool exists;			    /* now */
	bool is_delayed;		    /* by --dispatch.start-delay */
	wall_ms open_since, open_until;	    /* its flush under way; 0: none is */
	const char *open_for;		    /* whom that flush waits for; NULL: nobody */
	wall_ms flushed_at, next_at;	    /* 0: not known */
	span_ms wait, interval, repeat;
	struct why_target *targets;
	size_t n_targets;
};

struct why_mute { /* what would keep the alert out of a flush now */
	enum reason reason;
	const char *by, *rule, *words;
	const char *receiver, *place; /* of time intervals: of whose route; else NULL */
};

struct why_next {
	wall_ms at;
	const char *words;
};

struct why_options {
	wall_ms at, now;	   /* at < now: a past time */
	wall_ms config_changed_at; /* after at, or that is not known; 0: it did not */
	bool is_cut; /* the story's known_since: the journal has older rows, not read */
};

struct why {
	uint64_t fingerprint;
	const struct labels *labels; /* NULL: nothing is known of such an alert */
	const struct labels
		*labels_now; /* of one that is there now, but was not known then */
	const struct story *story;
	struct why_options options;
	bool is_past, is_stored;
	/* "firing", "resolved", "pending", "inactive", "dropped", "unknown" */
	const char *state;
	wall_ms ends_at;     /* what the router has; 0: not known */
	const char *summary; /* an annotation; NULL: none */
	enum reason cause;   /* when there is no group to have a verdict */
	VEC(struct why_route) routes;
	VEC(struct why_group) groups;
	VEC(struct why_mute) mutes;
	VEC(struct why_next) next; /* soonest first */
	const char *headline;	   /* who was told, and else the short cause */
};

struct why *why_alert(struct engine *, struct story *, const struct why_options *,
		      struct arena *) MUST_USE;
/* Lines of plain words. */
void buf_add_why(struct buf *, const struct why *);

/* Alerts, of the router and pending ones of rules, that the matchers accept: at most most;
 * *n counts all. Each fingerprint once. */
uint64_t *why_find(struct engine *, const struct matchers *, size_t most, struct arena *,
		   size_t *n);
/* Why no alert is known for these matchers: what its rules do; words for people. */
enum reason why_nothing(struct engine *, const struct matchers *, struct arena *,
			const char **words);
void buf_add_why_nothing(struct buf *, const struct matchers *, enum reason,
			 const char *words);
/* The labels of an alert that is known now; NULL: none is. */
const struct labels *why_labels(struct engine *, uint64_t fingerprint, struct arena *);

/* 2026-01-02 03:04:05 UTC, with milliseconds when there are any */
const char *why_time(struct arena *, wall_ms);
