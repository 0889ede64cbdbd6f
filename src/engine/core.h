/* core.h - the engine's inside: its nouns and what its files ask of each other.
 *
 * Only engine/ includes this. engine.c hands events out; each noun has its file:
 *	shared.c	label names and URLs that alerts share
 *	alerts.c	stored alerts and the route results that hang on them
 *	silences.c	silences and the index that finds those that can match
 *	inhibit.c	inhibition rules and their sources
 *	groups.c	aggregation groups and their timers
 *	flush.c	the pipeline: who is told what, or why not
 *	delivery.c	attempts, back-off, outcomes
 *	told.c		the notification log
 *	counters.c	what is counted by name
 *	memory.c	how many bytes what holds
 *	rulegroup.c	rule groups on the timer heap, queries
 *	rulegroups.c	which groups there are: coming, changing, going
 *	batches.c	which rules of a group may be evaluated side by side
 *	updates.c	what the last evaluations of a rule came to
 *	alerting.c	the life cycle of a rule's alerts
 *	recording.c	what a recording rule makes of an answer
 *	left.c		alerts whose rule is not there: not loaded yet, or removed
 *	written.c	what rules write, and which series ended
 *	readback.c	since when alerts wait, as another's ALERTS_FOR_STATE says
 *	expand.c	templates of rules
 */
#pragma once
#include "base/heap.h"
#include "base/map.h"
#include "base/vec.h"
#include "engine/batches.h"
#include "engine/engine.h"
#include "engine/view.h"
#include "text/rule_data.h"
#include "text/template.h"

/* -- alerts --------------------------------------------------------------------------- */

struct group;
struct stored_alert;

/* An alert's place in a group: in the group's list and in the alert's own. */
struct member {
	struct group *group;
	struct stored_alert *alert;
	struct member *next_of_alert;
	enum member_state state;
};

/* Where alerts go; shared by all that go there. */
struct route_list {
	size_t n;
	const struct route *v[];
};

/* What an alert says beside its labels, as long as it says so: an alert that says something
 * else gets another, and a flush goes on to tell the one that it began with. */
struct content {
	unsigned refs;
	const char *generator_url;	  /* shared */
	const struct labels *annotations; /* behind this struct, in its block */
};

/* Lives while the table, a group, an inhibition index or a flush refers to it. */
struct stored_alert {
	uint64_t fingerprint; /* = labels->fingerprint; the table's key */
	struct content *content;
	struct instant starts_at, ends_at;
	wall_ms updated_at, came_at;
	bool timeout, left_a_list;
	bool end_noted;	  /* the journal knows that it is over */
	bool came_before; /* this life */
	unsigned refs;
	struct member *members;
	uint64_t version; /* grows with each post */
	/* by the configuration of that generation */
	const struct route_list *routes;
	uint64_t routed_in;
	/* the generation whose inhibitor has it as a source wherever it is one */
	uint64_t sourced_in;
	uint64_t turns;			 /* grows when it fires again or ends */
	wall_ms saved_ends_at, saved_at; /* what the disk knows */
	/* The last, because what it points to lies behind this struct, in its block: first
	 * the texts, then the set. Whoever looks at all alerts waits for this memory alone.
	 */
	const struct labels *labels;
};

struct alert stored_alert_view(const struct stored_alert *);
bool stored_alert_is_resolved(const struct stored_alert *, struct instant now);
struct stored_alert *stored_alert_ref(struct stored_alert *);
void stored_alert_unref(struct engine *, struct stored_alert *);
struct content *content_ref(struct content *);
void content_unref(struct engine *, struct content *);

/* -- silences ------------------------------------------------------------------------- */

struct stored_silence {
	struct arena mem; /* all it points to */
	struct silence silence;
	const struct matcher *handle; /* by whose values the index finds it; or NULL */
	uint64_t number;	      /* in order of creation */
};
struct silence_list {
	struct stored_silence **v;
	size_t n, cap;
};
struct silence_bucket { /* silences that need this name="value" */
	uint64_t hash;
	struct silence_list list;
};

/* -- groups --------------------------------------------------------------------------- */

struct timer {
	struct deadline deadline;
	void (*due)(struct engine *, struct timer *, wall_ms now);
};

struct flush;
struct group {
	struct str map_key;
	const struct route *route;
	struct arena mem;
	const struct labels *labels;
	const char *key; /* group key */
	struct timer timer;
	VEC(struct member *) members;
	bool sorted, flushed;
	bool goes_on; /* made by a start or a reload: it may have been there before */
	wall_ms created_at;
	struct flush *flush;   /* under way, or NULL */
	bool overdue;	       /* the next flush fell due during this one */
	const char **muted_by; /* names of intervals, by the last flush */
	size_t n_muted_by;
	uint64_t number;
	/* what the last flush decided, and how many since decided the same */
	wall_ms flushed_at, recorded_at; /* the latter: of the last that left a row */
	uint64_t decided, unchanged;
	wall_ms unchanged_at;
};

/* -- flushes and deliveries ----------------------------------------------------------- */

struct delivery {
	uint64_t id;
	struct flush *flush;
	struct notification notification;
	struct timer timer; /* the next attempt, or the end of all patience */
	unsigned attempt;
	bool in_flight, is_fallback;
	bool in_doubt;		      /* an attempt had no answer, but may have arrived */
	wall_ms attempt_at, deadline; /* when all patience ends */
	span_ms backoff;
	struct told told; /* what to log when it was sent */
	const char *told_key;
	const char *last_error;
};

/* An integration whose server said Retry-After: nobody asks it before. */
struct hold {
	char *key; /* receiver/integration/index */
	wall_ms until;
};

struct flush_alert {
	struct stored_alert *alert; /* a reference */
	uint64_t version;
};
/* What notifications borrow: both are references. */
struct told_alert {
	struct stored_alert *alert;
	struct content *content;
};
struct flush {
	struct arena mem;
	struct group *group; /* NULL: gone meanwhile */
	struct flush_alert *resolved;
	size_t n_resolved, n_open;
	struct told_alert *told; /* NULL: nobody is told */
	size_t n_told;
	bool failed, fell_back; /* the fallback is told, or was */
	wall_ms at, deadline;
};

/* -- told ----------------------------------------------------------------------------- */

struct stored_told {
	struct arena mem;
	const char *key;
	struct told told;
};

/* -- rules ---------------------------------------------------------------------------- */

struct active_alert {
	struct labels *labels, *annotations;
	struct active_alert *next_alike; /* of another rule, with the same labels */
	enum alert_state state;
	double value;
	wall_ms active_at, fired_at, resolved_at, last_sent_at, valid_until,
		keep_firing_since;
	uint64_t seen_in; /* evaluation that had it last */
	bool dirty;
	bool restored; /* waits since then by another program's ALERTS_FOR_STATE */
};

/* Series that were written and not ended yet. Empty while nothing is written anywhere. */
struct written {
	struct arena mem;  /* the label sets */
	struct map series; /* by the fingerprint of their labels */
	wall_ms at;	   /* of the last samples; 0: none in this life */
};

/* The last evaluations of a rule, at most as many as it says. */
struct updates {
	struct rule_update *v; /* errors are its own */
	size_t n, cap, next;   /* next: the oldest, once there are as many as may be */
};
void updates_add(struct updates *, size_t limit, const struct rule_update *);
void updates_free(struct updates *);

struct rule_state {
	const struct rule *rule;
	const struct labels *labels; /* as written, for identity; in the group's arena */
	const char *generator_url;
	struct map active; /* of active_alert, by label set */
	enum rule_health health;
	char *last_error;
	char *last_warning; /* of the last evaluation; NULL: none */
	wall_ms evaluated_at;
	wall_ms failing_since; /* 0: the last evaluation did not fail */
	span_ms duration;
	size_t samples;
	size_t last_samples;	     /* of the last answer */
	int64_t last_series_fetched; /* for it */
	uint64_t evaluations, failures;
	bool ever_had_series, told_template; /* that one of its templates failed */
	/* the last result of a recording rule */
	struct arena results_mem;
	struct samples results;
	struct written written; /* by the last good evaluation */
	struct updates updates;
	bool reads_back; /* after its first good evaluation */
};

struct candidate;
struct readback;
struct query_text { /* an answer to a template's query */
	const char *expr;
	bool failed, answered;
	const char *error;
	struct rule_sample *samples;
	size_t n;
	struct query_text *next;
};

/* The evaluation of one rule; a group has as many as may be under way at a time. */
struct run {
	struct rulegroup *group;
	bool is_busy;
	bool is_partial;	    /* an answer to it, which the group takes */
	const char *warning;	    /* the first; in eval_mem; NULL: none */
	const char *template_error; /* the same, of one for vmalert */
	bool has_slot;		    /* one of engine_options.concurrent_evals */
	size_t at;		    /* the rule */
	wall_ms rule_started_at;
	uint64_t query_id; /* 0: none out */
	/* the answer kept while templates wait for queries of their own */
	struct arena eval_mem;
	struct samples answer;
	/* of the rule, parsed once there is a series for them; in them NULL: literal */
	const struct template **label_templates, **annotation_templates;
	int64_t series_fetched; /* for it; below 0: the backend does not say */
	struct query_text *queries, *waiting_for;
	struct candidate *candidates; /* what the answer makes, as far as it is made */
	size_t n_candidates;
	struct readback *reading; /* under way, between evaluating and concluding */
	wall_ms reading_since;
};
struct rule_state *run_rule(const struct run *);

/* What a group goes on with when its file changes. */
struct group_past {
	uint64_t evaluation; /* counts iterations */
	uint64_t iterations, missed, resets;
	wall_ms last_started_at;
	span_ms last_duration, last_rules_duration;
	span_ms restore_duration; /* of asking another program's past */
	size_t last_samples;	  /* of the last iteration */
	struct recent durations;  /* of iterations in this life, in seconds */
	span_ms durations_sum;
	struct written orphans; /* of rules that went: ended after the next iteration */
};

struct rulegroup {
	const struct rule_group *config;
	char *map_key; /* file;name */
	struct arena mem;
	struct template_set *templates;
	struct timer timer;
	span_ms interval;
	struct rule_state *rules;
	wall_ms slot; /* ts of the evaluation under way, or of the last */
	wall_ms next_slot;
	bool running, tick_pending, new_grid;
	bool begins_anew; /* this slot, after an edit cut its evaluation off */
	bool is_late;	  /* slots before this one were missed */
	struct run *runs;
	size_t n_runs;
	struct batches batches;
	size_t next_rule; /* not begun yet in this iteration */
	wall_ms started_at;
	span_ms rules_duration; /* of its rules, together */
	size_t samples;		/* of the iteration under way */
	bool has_written;	/* in this iteration */
	struct group_past past;
};

/* -- the engine ----------------------------------------------------------------------- */

struct inhibitor;
struct farewell;
struct outgoing;
struct grave {
	void (*fn)(void *);
	void *p;
};

struct engine {
	struct engine_options options;
	const struct config *config; /* NULL before the first */
	uint64_t generation;	     /* of the configuration */
	bool regroups;		     /* groups are made anew by a start or a reload */
	struct heap timers;
	struct map alerts;	    /* stored_alert by fingerprint */
	struct map named;	    /* how many alerts of a name; with a limit only */
	struct map route_lists;	    /* of this generation, by what is in them */
	struct map names;	    /* of labels, by themselves */
	struct map texts;	    /* of alerts: shared_text, by its text */
	uint32_t seen_values[4096]; /* of values that came once; by their hashes */
	const char *last_names[64]; /* of names, where they were last found */
	struct map silences;	    /* stored_silence by id */
	struct map silence_index;   /* silence_bucket by name and value */
	struct silence_list loose_silences; /* without a handle */
	struct map groups;		    /* group by route and labels */
	struct map deliveries;		    /* by id */
	struct map holds;		    /* by integration: who asked to wait */
	struct map told;		    /* stored_told by key */
	uint64_t last_told;		    /* the highest of their numbers */
	struct map rulegroups;		    /* by file;name */
	struct map queries;		    /* run by query id */
	size_t slots_taken;		    /* of concurrent_evals */
	bool reads_back;		    /* rules that come now */
	wall_ms drop_noted_at; /* that a ceiling on alerts is reached; 0: never */
	wall_ms drops_since;   /* the minute in which n_drops were named in the journal */
	size_t n_drops;
	struct inhibitor *inhibitor;
	struct map left;	    /* left_file by path: alerts whose rule is not there */
	struct map leaving;	    /* those of removed rules, as the router knows them */
	struct outgoing *outgoing;  /* of this step; NULL: nobody asked for it */
	struct map active;	    /* of all rules, alerts of the same labels as a list */
	struct map living;	    /* series that rules write now */
	struct farewell *farewells; /* series of groups that went */
	size_t n_farewell_series;
	/* of this step, for the next record: of the router; of the rule being evaluated */
	VEC(struct record_alert) changes, rule_changes;
	enum reason changes_for; /* of the former, where they have one cause */
	struct timer alert_gc, maintenance;
	uint64_t next_id, next_number, random;
	VEC(struct grave) graves;
	struct engine_counters counters;
	/* of the step */
	wall_ms now;
	struct arena *mem;
	struct actions *out;
	const char *from, *by; /* who brought the event under way */
};

struct action *act(struct engine *, enum action_kind);
void act_note(struct engine *, bool is_warning, const char *part, const char *text,
	      const char *what, const char *error);
struct record *act_record(struct engine *, enum record_kind, enum reason);
void timer_set(struct engine *, struct timer *, wall_ms at);
void timer_stop(struct engine *, struct timer *);
uint64_t random_next(struct engine *);
/* Frees what actions of this step may still point to, at the start of the next one. */
void bury(struct engine *, void (*fn)(void *), void *);

void shared_free(struct engine *);
size_t shared_memory(const struct engine *); /* of all that is shared */
/* The same text, kept until as many times unshared as shared. */
const char *share_text(struct engine *, const char *);
void unshare_text(struct engine *, const char *); /* another than a shared one: nothing */
/* How a set of labels is kept for long: what others have, too, is shared, the rest copied:
 * the set into a block of that size, its own texts into another. Of the step's arena; one
 * copy of it, one release of the copy. */
struct kept {
	const struct labels *set;
	bool *has_own_value; /* of each pair */
	bool has_own_names;  /* too many are shared: then nothing of this set is */
	size_t set_size, texts_size;
};
struct kept keep(struct engine *, const struct labels *);
struct labels *kept_copy(void *block, char *texts, const struct kept *);
struct labels *kept_new(struct engine *, const struct labels *); /* one block: free() it */
void kept_release(struct engine *, const struct labels *);

/* NULL: the router knows none such. */
struct stored_alert *alert_find(const struct engine *, uint64_t fingerprint);
void alerts_post(struct engine *, const struct alert_post *, size_t n, struct answer *);
void alerts_restore(struct engine *, const struct alert *);
void alerts_reroute(struct engine *);
/* The wall clock was set. */
void alerts_move(struct engine *, span_ms jump);
void alerts_extend(struct engine *, uint64_t fingerprint, wall_ms until);
void alerts_collect(struct engine *, struct timer *, wall_ms now);
void alerts_save_all(struct engine *);
void alerts_free(struct engine *);
/* Its end came by itself, and a flush sees it: noted once. */
void alert_ended(struct engine *, struct stored_alert *);
/* Makes a record of the changes of alerts gathered so far. */
void changes_record(struct engine *);

void silence_set(struct engine *, const struct silence *, struct answer *);
void silence_expire(struct engine *, const char *id, struct answer *);
void silence_restore(struct engine *, const struct silence *);
void silences_collect(struct engine *, wall_ms now);
void silences_save_all(struct engine *);
void silences_free(struct engine *);
/* The active silences that match, oldest first; in mem. */
size_t silences_matching(struct engine *, const struct labels *, struct instant now,
			 struct arena *mem, const struct stored_silence ***out);

void inhibitor_load(struct engine *);
void inhibitor_saw(struct engine *, struct stored_alert *);
void inhibitor_collect(struct engine *, struct instant now);
void inhibitor_free(struct engine *);
/* The source that mutes the alert now, and by which rule; NULL: none. */
const struct stored_alert *inhibitor_find(struct engine *, const struct labels *,
					  struct instant now,
					  const struct inhibit_rule **rule);

/* Its name and place, or its place alone. */
const char *inhibit_rule_text(struct arena *, const struct inhibit_rule *);

/* The key of the group that such an alert has under the route. */
const char *group_key_for(struct arena *, const struct route *, const struct labels *);
struct group *group_of_alert(const struct stored_alert *, const struct route *);
void groups_add(struct engine *, const struct route *, struct stored_alert *);
void group_remove_member(struct engine *, struct group *, struct member *);
void group_free(struct engine *, struct group *);
void groups_free(struct engine *);

void flush_start(struct engine *, struct group *, wall_ms now);
void flush_branch_ended(struct engine *, struct flush *, bool ok);
/* The delivery is given up: the route's fallback receiver, if there is one, is told, with
 * the error as an annotation of each alert. */
void flush_fall_back(struct engine *, const struct delivery *, const char *error);

struct delivery *delivery_new(struct engine *, struct flush *);
void delivery_start(struct engine *, struct delivery *, wall_ms now);
void delivery_ended(struct engine *, const struct delivery_ended *);
void deliveries_cancel(struct engine *);
void deliveries_save_all(struct engine *);
void holds_move(struct engine *, span_ms jump);
void holds_free(struct engine *);

struct integration_counters *counters_of(struct engine *, const char *integration,
					 const char *receiver);
void counters_config(struct engine *);
void durations_add(struct durations *, span_ms);
void counters_limited(struct engine *, const char *alertname);
void counters_free(struct engine *);

const struct told *told_find(const struct engine *, const char *key);
/* Stamps the entry with now and its expiry, stores it, and wishes it saved. */
void told_set(struct engine *, const char *key, struct told *, span_ms repeat_interval);
/* What was sent may have arrived: whom it shows firing are perhaps told. */
void told_doubt(struct engine *, const char *key, const struct told *sent,
		span_ms repeat_interval);
void told_doubt_open(struct engine *, const struct open_delivery *);
void told_restore(struct engine *, const struct told *);
void told_collect(struct engine *, wall_ms now);
void told_save_all(struct engine *);
void told_move(struct engine *, span_ms jump);
void told_free(struct engine *);
const char *told_key(struct arena *, const struct told *);

void rulegroups_load(struct engine *, const struct rule_file *);
void rulegroups_drop(struct engine *, const char *path);
void rulegroups_config(struct engine *);
void rulegroup_answered(struct engine *, const struct query_ended *);
/* The wall clock was set: groups go on at their next slot, and what alerts waited for
 * they have waited for. */
void rulegroups_move(struct engine *, span_ms jump);
void alerting_move(struct engine *, struct rulegroup *, struct rule_state *, span_ms jump);
void rulegroups_free(struct engine *);
void rulegroups_save_all(struct engine *);

/* Takes the answer of a recording rule's query as its results. False and *error (in the
 * run's eval_mem, or static) when the evaluation failed; the results stay as they were. */
bool recording_take(struct engine *, struct run *, const char **error);

/* Takes the answer of a rule's query into its alerts. False and *error (in the run's
 * eval_mem) when the evaluation failed; *wanted when a template needs a query first. */
bool alerting_take(struct engine *, struct run *, const struct samples *,
		   const char **error, const char **wanted);
void alerting_send(struct engine *, struct rulegroup *, struct rule_state *);
void alerting_save(struct engine *, struct rulegroup *, struct rule_state *);
/* Also what is on the disk as it is. */
void alerting_save_all(struct engine *, struct rulegroup *, struct rule_state *);
/* The rule goes: what it announced is left to left.c. */
void alerting_end(struct engine *, struct rulegroup *, struct rule_state *);
/* Gives the rule what is left of it, by a former life or by its removal. */
void alerting_restore(struct engine *, struct rulegroup *, struct rule_state *);
void alerting_take_back(struct engine *, struct rule_state *, const struct rule_alert *);
/* The labels under which the router knows the alert; NULL: it is dropped on the way. */
const struct labels *alerting_outgoing(struct engine *, const struct labels *);
void alerting_free(struct rule_state *);
/* A record that says which rule it is about. */
struct record *rule_record(struct engine *, const struct rulegroup *,
			   const struct rule_state *, enum reason);
/* An alert of a former life, whose rule may come. */
void left_restore(struct engine *, const struct rule_alert *);
/* An active alert of a rule that goes. What it announced is announced resolved after a
 * while, unless the rule comes back, or another one has it. */
void left_add(struct engine *, const struct rule_alert *);
/* A configuration is there, by which the router knows alerts. */
void left_config(struct engine *);
/* All rules of the file that are there have taken what is theirs: what else is announced
 * was by rules that were removed. */
void left_file_known(struct engine *, const char *path);
/* Until when a removed rule had promised that an alert of the router fires, if its end is
 * not settled yet; else 0. */
wall_ms left_promise(const struct engine *, uint64_t fingerprint);
void left_give_back(struct engine *, struct rulegroup *, struct rule_state *);
/* Forgets what waited for its rule and was not of a removed one. */
void left_forget(struct engine *);
void left_save_all(struct engine *);
void left_move(struct engine *, span_ms jump);
size_t left_memory(const struct engine *);
void left_free(struct engine *);
/* Whether the row is of a removed rule and its end not announced yet. */
bool rule_alert_leaves(const struct rule_alert *);

/* Wishes the samples of the rule's good evaluation written, and an end to each series that
 * it wrote before and has not now. */
void written_take(struct engine *, struct rulegroup *, struct rule_state *);
/* What alerts of a former life had written counts as written by this rule. */
void written_restore(struct engine *, struct rule_state *);
/* The rule has no successor in the group that takes over. */
void written_orphan(struct engine *, struct rule_state *, struct written *to);
void written_end_iteration(struct engine *, struct rulegroup *);
/* The group went: its series end two intervals later, unless others write them. */
void written_end_group(struct engine *, struct rulegroup *);
void written_config(struct engine *); /* forgets all when nothing is written any more */
void written_move(struct engine *, span_ms jump);
void written_free(struct written *);
void farewells_free(struct engine *);
/* True when the backend is asked first; readback_answered says when that is over. */
bool readback_start(struct engine *, struct run *);
bool readback_answered(struct engine *, struct run *, const struct query_ended *);
/* Its interval, and its timer, which rulegroup_due is for, at the next slot of that. */
void rulegroup_start(struct engine *, struct rulegroup *);
void rulegroup_due(struct engine *, struct timer *, wall_ms now);
void run_give_slot(struct engine *, struct run *); /* if it has one: take_slot */
/* Whether a backend that speaks PromQL is asked. */
bool rulegroup_is_prometheus(const struct engine *, const struct rulegroup *);
const char *rulegroup_type(const struct engine *, const struct rulegroup *);
/* Asks the group's datasource, which must be there; the answer comes to the run. */
void rulegroup_ask(struct engine *, struct run *, const char *expr, wall_ms at, bool raw);
/* The time that the rules of this iteration look at, and write: the slot, or any other
 * time, less the query offset. */
wall_ms rulegroup_at(const struct engine *, const struct rulegroup *);
wall_ms rulegroup_offset(const struct engine *, const struct rulegroup *, wall_ms);

/* As templates see it: a number, or a histogram. */
struct value sample_value(struct arena *, const struct sample *);
/* Parses the templates of the rule whose answer is there; a mistake is a note, the text
 * then renders as an error. */
void expand_prepare(struct engine *, struct run *);
/* False when a query is wanted first (*out names it). alert is the label set
 * of the alert that an annotation is for, NULL while its labels are made. */
bool expand(struct engine *, struct run *, const struct template *,
	    const struct text_pair *, const struct sample *, const struct labels *alert,
	    const char **out);
