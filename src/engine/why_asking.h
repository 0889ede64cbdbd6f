/* why_asking.h - one question of why somebody was told of an alert, or not, and what its
 * parts share.
 *
 *	why_find.c	which alerts are meant; why there is none
 *	why_now.c	what the engine knows now: of the rule, the alert, what mutes it
 *	why_groups.c	its groups, now or as the story has them
 *	why_verdict.c	what each receiver heard of it, or what kept it from that
 *	why.c		the whole
 *	why_words.c	the words
 *
 * Inside engine/ only.
 */
#pragma once
#include "engine/core.h"
#include "engine/why.h"

struct asking {
	struct engine *e;
	struct arena *mem;
	struct story *story;
	struct why *why;
	const struct stored_alert *stored; /* NULL: not now, or a past time is asked for */
	bool is_sure_when;		   /* it came */
};

/* -- which alerts ------------------------------------------------------------------ */

struct rule_place { /* an alert in its rule */
	const struct rulegroup *group;
	const struct rule_state *rule;
	const struct active_alert *alert; /* NULL: no rule has it */
	const struct labels *labels;	  /* as the router knows them */
};

/* In a rule of that name, NULL: of any. Where several have it, one where it is active. */
struct rule_place why_rule_place(struct engine *, const char *name, uint64_t fingerprint,
				 struct arena *);
/* The first that does not hold; NULL: all do. */
const char *why_refusing(struct arena *, const struct matchers *, const struct labels *);

/* -- what holds now ---------------------------------------------------------------- */

/* Into the story, which may have gaps. */
void why_add_rule_facts(struct asking *);
void why_add_router_facts(struct asking *);
/* How the routing tree takes it. */
void why_add_routes(struct asking *);
/* What would keep it out of a flush, once its routes are there. */
void why_add_mutes(struct asking *);
/* at 0: nothing is added. */
void why_add_next(struct asking *, wall_ms at, const char *words);

/* -- groups and verdicts ----------------------------------------------------------- */

/* Or the cause why it is in none. */
void why_add_groups(struct asking *);
/* Of one integration, named by receiver, integration, and index; there is room for it. now
 * NULL: the group does not exist now. */
void why_add_target(struct asking *, struct why_group *, const struct group *now,
		    const struct why_target *name, enum flushed);
