/* daemon.h - the shell around the engine: it carries out what the engine wishes and brings
 * it what happened.
 *
 *	daemon.c	the whole life: start, signals, end
 *	step.c		the loop: what happened and what is due go to the engine
 *	state.c		what survives a restart; a disk that fails, or is damaged
 *	rules.c		which rule files, when they are looked at, what became of them
 *	web.c		the web configuration, TLS, addresses and URLs
 *	host.c		what the API asks
 *	metrics.c	metrics of what only the daemon knows
 *	perform.c	actions of the engine, one after the other
 *	movein.c	what an Alertmanager left
 *	ledger.c	deliveries wait until the disk has them; those left open before
 *	sender.c	deliveries: receivers compose and judge, net sends
 *	asker.c		queries: backend composes and judges, net sends
 *	names.c		metrics of rules that their backend does not know
 *	remote.c	samples for remotes: backend queues and judges, net sends
 *	reload.c	configuration, templates
 *	apply.c		what must be there before a configuration is taken over
 *	rulefiles.c	rule files on disk
 *	rulewatch.c	their folders, as inotify sees them
 *	sandbox.c	what the daemon may not do
 *	flags.c		the command line
 *	cluster.c	the flags of a cluster that there is not
 *	outside.c	files, zones, environment for those who may not touch them
 *	systemd.c	readiness and passed sockets
 *	worker.c	a thread for what takes long on purpose
 */
#pragma once
#include "api/api.h"
#include "base/map.h"
#include "base/vec.h"
#include "net/client.h"
#include "net/clock.h"
#include "net/mailer.h"
#include "receivers/attempt.h"
#include "store/store.h"
#include "tocsind/flags.h"
#include "tocsind/rulefiles.h"
#include "tocsind/worker.h"

#include <event2/event.h>
#include <time.h>

struct sending;
struct asking;
struct remote;
struct names;

/* A configuration and what was built from it. */
struct generation {
	struct arena mem;
	const struct config *config;
	const struct template_set *templates;
	struct parsed_texts *parsed;
	struct map lanes; /* of the sender, by integration */
	bool expects;	  /* sendings: what they need is loaded; or nobody is told */
};

struct daemon {
	struct flags flags;
	struct arena mem; /* for the whole run */
	wall_ms started_at;
	const char *external_url, *route_prefix, *hostname;
	bool ready, stopping;
	bool is_ending; /* nothing leaves any more */
	int exit_code;

	/* its parts */
	struct event_base *base;
	/* Apart, so that receivers that hang hold up no queries, nor remotes either. */
	struct client *client, *queries, *writes;
	struct mailer *mailer;
	struct server *server;
	struct api *api;
	struct store *store;
	struct engine *engine;
	struct rulefiles *rules;
	struct worker *worker, *reader; /* of passwords; of the journal */
	struct names *names;
	struct event *tick, *scan, *rescan, *trim, *inotify, *store_ready, *patience;
	struct event *signals[3];

	/* steps */
	struct arena step;
	struct actions todo;
	bool in_step;
	int64_t clock_offset; /* wall - steady clock, as of the last look */
	struct step_times times;
	VEC(struct delivery_ended) ended_deliveries; /* texts in their arenas */
	struct arena ended_mem;			     /* of that list */

	/* state */
	bool had_alerts;		     /* of rules, in an earlier life */
	VEC(struct open_delivery) left_open; /* by an earlier life; in mem */
	bool lost_journal;		     /* the file was damaged at the start */
	bool store_fails;		     /* and that was logged */
	unsigned store_renewals;

	/* the ledger */
	VEC(uint64_t) held;	  /* sendings that wait for the end of this step */
	bool leaves_unrecorded;	  /* and that was logged */
	uint64_t sent_unrecorded; /* the disk failed, or took too long */

	/* what is under way */
	struct map sendings, askings; /* by id */
	bool canceled_some;	      /* of the sendings, in this step */
	uint64_t mended_templates, shortened;
	uint64_t backend_warnings;
	VEC(struct remote *) remotes; /* in the configuration's order */

	/* the configuration, and reloads */
	struct generation *now_runs;
	wall_ms reloaded_at, all_reloaded_at; /* the latter: no rule file was refused */
	const char *reload_from, *reload_by; /* who asked for the one under way */
	bool reload_ok;
	uint64_t reloads, reloads_failed;

	/* the web configuration */
	struct arena web_mem;
	struct timespec web_changed_at;
	bool web_broken;
	const struct web_config *web;
	const struct regex *origins; /* of pages that may ask; NULL: none */
};

/* daemon.c */
void daemon_stop(struct daemon *, int exit_code);
void daemon_end_if_drained(struct daemon *);
int daemon_run(const struct flags *);

/* step.c */
void steps_begin(struct daemon *);
wall_ms daemon_now(void *daemon);
void timer_in(struct event *, span_ms);
/* event NULL: only what has ended, and what is due. */
void daemon_feed(void *daemon, const struct event *);
/* Something that was kept, before anything else happens. */
void daemon_restore(struct daemon *, const struct event *);
/* Large input is over. */
void daemon_wants_less_memory(struct daemon *);

/* state.c */
bool state_open(struct daemon *, struct err *) MUST_USE;

/* rules.c */
void rules_begin(struct daemon *);
void rules_from_config(struct daemon *);
void rules_load_first(struct daemon *);
void rules_watch(struct daemon *);

/* web.c */
bool web_load(struct daemon *, struct err *) MUST_USE;
/* Reads the web configuration again when it changed; false while it is broken. */
bool web_refresh(void *daemon);
bool web_use_tls(struct daemon *, struct err *) MUST_USE;
bool web_set_urls(struct daemon *, struct err *) MUST_USE;
bool web_listen(struct daemon *, struct err *) MUST_USE;

/* host.c */
struct api *host_new_api(struct daemon *, struct err *) MUST_USE;

/* metrics.c */
void daemon_add_metrics(void *daemon, struct buf *);

/* movein.c */
void move_in(struct daemon *);

/* perform.c */
void perform(struct daemon *, const struct action *);

/* ledger.c */
/* The record in the journal, at the time it has. */
void ledger_record(struct daemon *, struct record *);
/* The sending goes on once all that is queued so far is on the disk. */
void ledger_hold(struct daemon *, uint64_t sending);
void ledger_step_ended(struct daemon *);
/* A notification whose outcome an earlier life did not hear. */
void ledger_found_open(struct daemon *, const struct open_delivery *);
void ledger_reloaded(struct daemon *, const char *mistakes);

/* sender.c */
/* There is news of which somebody will be told soon. */
void sender_expect(struct daemon *);
void sender_start(struct daemon *, const struct delivery_wish *);
void sender_go(struct daemon *, uint64_t id); /* what was held back; it may be gone */
const struct labels *sender_route_labels(void *daemon, const struct group_view *,
					 struct arena *);
void sender_step_ended(struct daemon *);
void sender_cancel(struct daemon *, uint64_t id);
void sender_free(struct daemon *);

/* asker.c */
void asker_start(struct daemon *, const struct query_wish *);
void asker_cancel(struct daemon *, uint64_t id);
void asker_free(struct daemon *);

/* remote.c */
void remotes_config(struct daemon *, const struct config *);
void remotes_write(struct daemon *, const struct write_wish *);
void remotes_flush(struct daemon *);
size_t remotes_pending(const struct daemon *); /* samples that are not sent yet */
void remotes_add_metrics(struct daemon *, struct buf *);
void remotes_free(struct daemon *);

/* apply.c */
void apply_check(const struct config *, span_ms retention, struct errs *,
		 struct errs *warnings);

/* reload.c */
struct generation *generation_load(struct daemon *, struct buf *mistakes) MUST_USE;
void generation_free(struct generation *);
/* from, by: who asked for it, NULL: a signal. */
bool daemon_reload(void *daemon, const char *from, const char *by, struct buf *mistakes);

/* systemd.c */
void systemd_notify(const char *state);
size_t systemd_sockets(int *first); /* how many, from *first on */
