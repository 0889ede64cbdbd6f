/* clang-format off */
/* play.h - the engine on a pretended clock: a script goes in, a trace of what it did comes
 * out. Hours pass in microseconds.
 *
 * Script, a command a line, each with its time in seconds:
 *	0 post alertname=Disk host=1 [starts=-60] [ends=300] [note.summary=text]
 *					starts now, unless told; starts=unset leaves it out
 *	5 silence quiet alertname=Disk for=600	a name, matchers, a length
 *	9 expire quiet
 *	0 sink hook fail	answers: ok, fail (tried again), refuse, hang,
 *				busy (Retry-After: 20),
 *				lose (takes it, the answer is lost)
 *	20 reload		the configuration again, or what stands behind LATER in it
 *	0 times			alerts are shown with their times: A@start..end
 *	20 restart [-3600]	a new engine from what was saved; meanwhile the clock was set
 *	0 options start-delay=30 max-alerts=2 evals=2 leaves-removed=1
 *				of the engines that "restart" makes from now on
 *	20 clock -3600		somebody sets the wall clock by so much
 *	0 rules up == 0 for=30	an alerting rule "Up", evaluated each 10 s
 *	0 file r.yml {groups..}	a rule file, on one line; without text it is gone
 *	0 unseen r.yml {groups..}	the same, but nobody sees it before the next restart;
 *				"unreadable": it is there, but cannot be read
 *	0 past -60 since -600 seen a=b
 *				nothing was restored; ALERTS_FOR_STATE{a=b} of another
 *				program has its last sample a minute ago, and is still
 *				seen ("gone": a stale marker followed); "none"; "error"
 *	0 backend 1		how many series each query gives; "error" fails; "histogram",
 *				"odd": one that is a native histogram, of exponential
 *				buckets or not
 *	0 backend partial	one series, and the backend says that some are missing
 *	0 backend late		from now on queries wait for "answer", which answers the
 *				oldest with as many series as before
 *	12 answer
 *	60 run			only lets time pass
 *
 * Trace, a line each, times in seconds:
 *	30 hook notify_first firing Disk{host=1} resolved Disk{host=2}
 *	30 muted_by_silence Disk{host=1}
 *	30 rule Up pending			state changes of rule alerts
 *	30 ask ALERTS_FOR_STATE{..} at 29	the backend's past is asked for
 *	30 query up			while they are late; "query canceled"
 *	30 write up:x{n=0} 1 at 20		samples for remotes, when their time is
 *				another; "ends": a stale marker, "ends, a histogram"
 */
/* clang-format on */
#pragma once
#include "base/buf.h"
#include "engine/view.h"

#define LATER "---\n"
struct play {
	const char *name, *config, *script, *trace;
};
/* Sees what the journal would keep and what receivers got; any may be NULL. */
struct watch {
	void *ctx;
	void (*record)(void *ctx, const struct record *);
	void (*sent)(void *ctx, const struct notification *, wall_ms now);
	void (*ended)(void *ctx, struct engine *, wall_ms now); /* before all is freed */
};
void play_watched(const struct play *, struct buf *trace, const struct watch *);
/* Plays it and gives the trace; ends the test with a message when the script is bad. */
void play(const struct play *, struct buf *trace);
void play_all(const struct play *, size_t n); /* asserts each trace */
