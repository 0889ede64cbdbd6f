/* sim.h - the whole daemon minus sockets on a pretended clock: a seed makes a history, the
 * history is played with the engine, a disk, sinks, a backend and clients that behave as
 *the seed says, and every step is checked against what must always hold.
 *
 *	history.c	a seed into moves, and the configurations that they load
 *	world.c		the loop: what happens when; the moves
 *	process.c	the daemon: steps, actions, ledger; killing and starting it
 *	disk.c		what is queued, what is committed, what a kill leaves
 *	outside.c	clients that post, sinks that are told, backends that are asked
 *	checks.c	the invariants
 *	causes.c	what why names is taken away
 *	planted.c	bugs that have to be found
 *	soak.c		very many alerts through one engine
 *
 * Units: span_ms is time since the start by a steady clock; wall_ms is what the process
 *        takes for the time, which somebody may set.
 * Memory: of a world, in its arena, for as long as it is played.
 */
#pragma once
#include "base/heap.h"
#include "base/map.h"
#include "base/vec.h"
#include "engine/engine.h"
#include "engine/view.h"
#include "engine/why.h"
#include "store/store.h"

#define START	    INT64_C(1767225600000) /* 2026-01-01T00:00:00Z */
#define MOST_MOVES  160
#define MOST_LINES  60 /* of the trace that a failure shows */
#define RETENTION   HOUR
#define NOT_YET	    ((span_ms)-1)
#define RULE_FILES  2
#define MOST_SERIES 3

/* -- chance --------------------------------------------------------------------------- */

struct chance {
	uint64_t state;
};
uint64_t chance_next(struct chance *);
unsigned chance_of(struct chance *, unsigned n);		   /* 0 .. n-1 */
span_ms chance_span(struct chance *, span_ms least, span_ms most); /* both may come */

/* -- histories ------------------------------------------------------------------------ */

enum move_kind {
	MOVE_FIRE,     /* client a fires; b: it posts once, not again and again */
	MOVE_END,      /* client a says that it is over */
	MOVE_VANISH,   /* client a stops posting */
	MOVE_SILENCE,  /* of subject a, c: of its whole name; for b seconds */
	MOVE_EXTEND,   /* silence a, to b seconds from now */
	MOVE_EXPIRE,   /* silence a */
	MOVE_SINK,     /* sink a becomes b */
	MOVE_BACKEND,  /* that of rule file a becomes b, with c series */
	MOVE_RULES,    /* rule file a in variant b */
	MOVE_NO_RULES, /* rule file a goes */
	MOVE_RELOAD,   /* configuration a */
	MOVE_BROKEN,   /* a configuration, or a rule file, with a mistake */
	MOVE_STORM,    /* client a fires once; b reloads, c ms apart */
	MOVE_CLOCK,    /* by b - 4000 seconds */
	MOVE_KILL,     /* after a more actions; down for b ms */
	MOVE_DISK,     /* fails for a ms, or is slow (b) */
	MOVES,
};
struct move {
	span_ms at;
	enum move_kind kind;
	unsigned a, b, c;
	bool dropped; /* by the shrinker */
};
struct history {
	uint64_t seed;
	struct move v[MOST_MOVES];
	size_t n;
	span_ms ends_at;
	unsigned config;   /* the first one */
	bool on_real_disk; /* SQLite takes part */
};
void history_make(struct history *, uint64_t seed);
const char *move_kind_text(enum move_kind);
void move_print(const struct move *, struct buf *);
const char *history_config(struct arena *, unsigned variant);
const char *history_rules(struct arena *, unsigned file, unsigned variant);

/* -- the world ------------------------------------------------------------------------ */

/* Where an alert may be told: a group under a leaf of the routing tree, an integration. */
struct line {
	const char *key;
	bool fires; /* what the sink was last told of the alert there */
	bool gap;   /* no route led here for a while since */
	/* what the process knows that the sink believes; unsure: a kill lost it */
	bool known_to_fire, unsure;
	/* since when nothing speaks against telling that it fires, that it is over */
	span_ms fires_since, over_since;
	bool fires_calmly;
};
struct path {
	const struct route *route;
	const struct integration_config *to;
	struct sink *sink;
	struct line *line;
};

/* An alert, of a client or of a rule. */
struct subject {
	const struct labels *labels;
	int file; /* of its rule; -1: of a client */
	bool on;  /* the client's word; of a rule: its series is there and held for long */
	bool once;
	wall_ms starts_at, ends_at; /* as posted */
	unsigned epoch;		    /* of the last word that reached the process */
	span_ms spoke_at;	    /* when */
	unsigned ends_to_post;
	unsigned posts; /* numbers its timers: only the last one counts */
	span_ms turned_at;
	struct story story;
	VEC(struct path) paths;
};

enum sink_mode {
	SINK_OK,
	SINK_SLOW,   /* takes seconds */
	SINK_FAIL,   /* tried again */
	SINK_REFUSE, /* for good */
	SINK_HANG,
	SINK_BUSY, /* Retry-After */
	SINK_MUTE, /* takes it, and the answer is lost */
	SINK_MODES,
};

/* A notification as it is on the wire. */
struct message {
	const char *id, *group_key, *receiver, *integration;
	size_t index, n_alerts, n_firing;
	uint64_t *alerts; /* those that fire first */
	bool send_resolved, is_fallback;
	bool canceled;	/* nobody waits for its answer any more */
	bool withdrawn; /* the process closed the connection before it arrived */
	span_ms repeat_interval, flushed_at, asked_at;
	uint64_t delivery;
	unsigned life, attempt;
};
struct heard { /* by a sink */
	const struct message *message;
	span_ms at, answered_at; /* NOT_YET */
	bool settled;		 /* the step that took the answer was carried out whole */
	uint64_t seq;		 /* what the disk must have for that to be kept */
};
struct sink {
	const char *name; /* receiver[index] */
	enum sink_mode mode;
	span_ms good_since;		/* NOT_YET while it is not */
	span_ms busy_since, busy_until; /* it said so */
	unsigned busy_life;
	VEC(struct heard) heard;
};

enum backend_mode { BACKEND_OK, BACKEND_LATE, BACKEND_ERROR, BACKEND_HANG, BACKEND_MODES };
struct rule_source { /* a rule file and its backend */
	enum backend_mode mode;
	unsigned series; /* a bit for each */
	bool loaded;
	unsigned variant;
	span_ms hold;
	const struct rule_file *file;
	/* what is to be expected of its alerts: by series, the slot since when; 0: none */
	wall_ms active_at[MOST_SERIES];
	bool fires[MOST_SERIES];
	unsigned epoch; /* of the last good answer */
	span_ms answered_at;
	uint64_t query_id; /* that is out; 0: none */
	span_ms gone_at;   /* last; what it left ends some minutes later */
	/* while it is not loaded: since when what it announced was active, 0: nothing that
	 * is known; and what the disk must have for that to be kept */
	wall_ms left_at[MOST_SERIES];
	uint64_t left_seq;
};

struct hush { /* a silence */
	char id[SILENCE_ID_SIZE];
	struct matchers matchers;
	wall_ms starts_at, ends_at, ended_before; /* the last: before the last change */
	bool acked, change_acked;		  /* ever; its last change */
	uint64_t seq;				  /* of that */
	bool in_doubt; /* the process died before its last change was acknowledged */
	bool gone;
};

enum happening_kind {
	HAPPEN_POST,
	HAPPEN_LEAVE, /* the disk takes too long: messages go */
	HAPPEN_ARRIVE,
	HAPPEN_ANSWER,
	HAPPEN_QUERY,
	HAPPEN_COMMIT,
	HAPPEN_RESTART,
	HAPPEN_RELOAD,
	HAPPEN_DISK_WORKS,
};
struct happening {
	struct deadline deadline;
	enum happening_kind kind;
	unsigned life, number; /* number: which of a client's timers */
	struct subject *subject;
	struct message *message;
	uint64_t id;
	struct query_wish query;
	span_ms asked_offset; /* of the wall clock, then */
	struct delivery_ended *answer;
	struct sink *sink;
};

/* A delivery that the process asked for and that has not ended. */
struct sending {
	uint64_t id;
	struct message *message;
	struct heard *heard;
	bool held, canceled;
	uint64_t seq;
};

/* What must be remembered only if the disk remembers it. */
struct remembered {
	uint64_t seq;
	bool begins;   /* an alert's story anew; else somebody acknowledged it, */
	bool is_taken; /* or has it, and perhaps did not say so */
	uint64_t fingerprint;
	const char *group_key, *target;
};

struct tally {
	uint64_t seeds, events, actions, messages, deliveries, kills, reloads, commits,
		silences, clock_steps, verdicts, told, untold, causes_removed;
	span_ms simulated;
};

struct disk;
struct world {
	const struct history *history;
	struct chance chance;
	struct arena mem;
	struct tally *tally;
	span_ms now;
	span_ms offset; /* of the wall clock */
	struct heap happenings;
	bool verbose, quiet; /* quiet: the ending */
	bool stops;	     /* after the moves: nothing is made well, nothing ends */
	span_ms next_look, next_ask;
	unsigned at_once;   /* steps without any time between */
	const char *folder; /* of the real disk */

	/* the process */
	unsigned life, epoch;
	bool up;
	span_ms up_since, disturbed_at;
	bool clock_was_set;
	uint64_t clock_seq; /* what the disk must have to know of the last step of the clock
			     */
	span_ms lost_clock_at; /* a kill lost that; what was told before has unknown times
				*/
	struct engine *engine;
	wall_ms next; /* when the engine wants to be called */
	struct arena config_mem;
	const struct config *config;
	unsigned variant;
	struct map sendings;
	/* Keys of groups: something that fires was sent of them, with an answer that no
	 * process wrote down. */
	VEC(const char *) doubts;
	VEC(struct open_delivery) left_open; /* by the life before */
	int kill_after;			     /* actions; below 0: not */
	span_ms down_for;
	struct disk *disk;
	bool disk_fails, disk_is_slow, commit_is_planned;
	struct delivery_ended *answering; /* the answer that this step takes */
	struct heard *answered;
	bool sent_was_recorded;

	/* outside */
	VEC(struct subject) subjects;
	size_t n_clients;
	VEC(struct sink *) sinks;
	struct rule_source rules[RULE_FILES];
	VEC(struct hush) hushes;
	struct map lines;
	VEC(struct remembered) memory;

	/* the verdict */
	bool failed;
	const char *broken; /* the name of the invariant */
	const char *complaint;
	char trace[MOST_LINES][240];
	size_t n_trace;
};

void world_play(struct world *, const struct history *, struct tally *);
void world_free(struct world *);
wall_ms world_wall(const struct world *);
struct happening *world_plan(struct world *, enum happening_kind, span_ms in);
void trace(struct world *, const char *fmt, ...) PRINTF(2, 3);
void complain(struct world *, const char *invariant, const char *fmt, ...) PRINTF(3, 4);

/* process.c */
void process_start(struct world *);
void process_kill(struct world *);
void process_feed(struct world *, const struct event *); /* NULL: time passes */
void process_committed(struct world *);
void process_leave(struct world *, uint64_t delivery); /* whatever the disk says */
bool process_load_config(struct world *, unsigned variant);
void process_set_config(struct world *);

/* disk.c */
struct disk *disk_new(const char *folder); /* NULL: a model of one */
void disk_free(struct disk *);
uint64_t disk_take(struct disk *, const struct action *); /* gives the write's number */
uint64_t disk_take_record(struct disk *, const struct record *);
uint64_t disk_forget_open(struct disk *, const char *id);
uint64_t disk_queued(const struct disk *);
uint64_t disk_has(const struct disk *); /* all up to this number is on it */
void disk_commit(struct disk *, uint64_t up_to);
void disk_kill(struct disk *); /* what is not on it is lost */
void disk_load(struct disk *, const struct store_visitor *, wall_ms now);
/* All records, oldest first. */
void disk_journal(struct disk *, void (*see)(void *, const struct record *), void *);
/* The records on it one by one; none of a real one. number: of its write. */
size_t disk_records(const struct disk *);
const struct record *disk_record(const struct disk *, size_t i, uint64_t *number);
size_t disk_rows(const struct disk *, struct buf *names);

/* outside.c */
void outside_new(struct world *);
bool is_source(unsigned client); /* of inhibition */
void client_fires(struct world *, struct subject *, bool once);
void client_ends(struct world *, struct subject *);
void client_vanishes(struct world *, struct subject *);
void client_posts(struct world *, struct happening *);
void clients_after(struct world *, bool clock); /* the process is there again */
struct subject *subject_find(struct world *, uint64_t fingerprint);
struct sink *sink_find(struct world *, const char *receiver, size_t index);
void sink_set(struct world *, struct sink *, enum sink_mode);
void sink_hears(struct world *, struct happening *);
void sink_answers(struct world *, struct happening *);
void backend_asked(struct world *, const struct query_wish *);
void backend_answers(struct world *, struct happening *);
void silence_new(struct world *, unsigned subject, unsigned seconds, bool whole_name);
void silence_change(struct world *, struct hush *, bool expire, unsigned seconds);
void rules_set(struct world *, unsigned file, unsigned variant);
void rules_gone(struct world *, unsigned file);

/* checks.c */
void paths_find(struct world *); /* after a reload */
struct line *line_of(struct world *, const char *group_key, const char *receiver,
		     const char *integration, size_t index, uint64_t fingerprint);
void check_delivery(struct world *, const struct notification *);
void check_heard(struct world *, struct sink *, const struct message *);
void check_record(struct world *, const struct record *, uint64_t seq);
void check_step(struct world *);
void check_rules(struct world *, struct rule_source *, unsigned file);
void check_rule_row(struct world *, const struct rule_alert *);
void check_now(struct world *);
void check_silences(struct world *);
void check_verdicts(struct world *);
void check_past_verdicts(struct world *); /* at a few times before */
void check_restart(struct world *);	  /* before the process starts again */
void check_end(struct world *);
/* An alert of a client that some receiver was not told of, and why. The first time any;
 * after that the same. False when there is none, or it was told. */
struct untold {
	uint64_t fingerprint; /* 0: any */
	char target[100];
	enum reason cause;
};
bool find_untold(struct world *, struct untold *);

/* causes.c */
bool causes_are_true(const struct history *, struct tally *, bool explains);

/* main.c, planted.c, soak.c */
bool seed_passes(uint64_t seed, struct tally *, bool verbose, bool explain);
int planted_find_all(uint64_t most_seeds);
int soak(size_t alerts);
