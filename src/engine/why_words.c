#include "base/base.h"
#include "engine/why_words.h"
#include "text/float.h"

#include <string.h>

const char *why_time(struct arena *mem, wall_ms at)
{
	struct instant t = instant_of_ms(at);
	struct civil c = civil_of(t.s, 0);
	const char *text = arena_printf(mem, "%04lld-%02d-%02d %02d:%02d:%02d",
					(long long)c.year, c.month, c.day, c.hour, c.minute,
					c.second);

	if (t.ns)
		text = arena_printf(mem, "%s.%03d", text, (int)(t.ns / 1000000));
	return arena_printf(mem, "%s UTC", text);
}

static const char *span(struct arena *mem, span_ms length)
{
	struct buf b = BUF(100);
	const char *text;

	buf_add_span(&b, length);
	text = buf_keep(&b, mem).p;
	buf_free(&b);
	return text;
}

static const char *labels_text(struct arena *mem, const struct labels *labels)
{
	struct buf b = BUF(BUF_NO_LIMIT);
	const char *name = labels_get(labels, "alertname"), *text;

	if (name[0])
		labels = labels_with(mem, labels, "alertname", "");
	if (labels->n)
		buf_add_labels(&b, labels);
	text = arena_printf(mem, "%s%s", name, buf_text(&b));
	buf_free(&b);
	return text;
}

static const char *since(struct arena *mem, wall_ms at)
{
	return at ? arena_printf(mem, " since %s", why_time(mem, at)) : "";
}

/* -- what mutes ----------------------------------------------------------------------- */

const char *words_silence(struct arena *mem, const char *id, const char *author,
			  const char *comment, wall_ms until, wall_ms now)
{
	const char *text = arena_printf(mem, "silence %s", id);

	if (author && author[0])
		text = arena_printf(mem, "%s by %s", text, author);
	if (comment && comment[0])
		text = arena_printf(mem, "%s (\"%s\")", text, comment);
	if (until && until <= now)
		return arena_printf(mem, "%s, which ended at %s", text,
				    why_time(mem, until));
	return until ? arena_printf(mem, "%s, until %s", text, why_time(mem, until)) : text;
}

const char *words_inhibition(struct arena *mem, const struct labels *source, const char *by,
			     const char *does, const char *rule)
{
	return arena_printf(mem, "%s, which %s, by the inhibition rule %s",
			    source ? labels_text(mem, source)
				   : arena_printf(mem, "the alert %s", by),
			    does, rule ? rule : "of then");
}

const char *words_interval(struct arena *mem, enum reason reason, const char *name,
			   wall_ms until)
{
	const char *text = arena_printf(
		mem, reason == MUTED_BY_TIME ? "the mute time interval \"%s\"" : "\"%s\"",
		name);

	return until ? arena_printf(mem, "%s, until %s", text, why_time(mem, until)) : text;
}

static const char *source_does(struct arena *mem, const struct why *w,
			       const struct verdict_of *v)
{
	if (w->is_past)
		return "fired then";
	if (v->source_ended_at == NEVER)
		return "is over by now";
	return v->source_ended_at
		       ? arena_printf(mem, "ended at %s", why_time(mem, v->source_ended_at))
		       : "fires";
}

static const char *inhibition(struct arena *mem, const struct why *w,
			      const struct verdict_of *v)
{
	if (v->source || v->by)
		return words_inhibition(mem, v->source, v->by, source_does(mem, w, v),
					v->rule);
	return "another alert, which does so no longer";
}

static const char *muted(struct arena *mem, const struct why *w, const struct verdict_of *v)
{
	const struct story_silence *s;

	switch ((int)v->cause) {
	case MUTED_BY_SILENCE:
		s = story_silence(w->story, v->by);
		return arena_printf(mem, "silenced%s by %s", since(mem, v->at),
				    words_silence(mem, v->by, s ? s->author : NULL,
						  s ? s->comment : NULL, s ? s->ends_at : 0,
						  w->options.at));
	case MUTED_BY_INHIBITION:
		return arena_printf(mem, "inhibited%s by %s", since(mem, v->at),
				    inhibition(mem, w, v));
	case MUTED_BY_TIME:
		return arena_printf(mem, "muted%s by the mute time interval \"%s\"",
				    since(mem, v->at), v->by);
	default:
		return arena_printf(mem, "outside the active time interval \"%s\"%s", v->by,
				    since(mem, v->at));
	}
}

static bool is_mute(enum reason cause)
{
	return cause >= MUTED_BY_INHIBITION && cause <= MUTED_BY_INACTIVE;
}

static bool is_same(const struct why_mute *m, const struct verdict_of *v)
{
	return m->reason == v->cause && v->by && !strcmp(m->by, v->by);
}

static bool is_about(const struct why_mute *m, const struct why_group *g)
{
	return !m->place || !g->place || !strcmp(m->place, g->place);
}

/* What else keeps it out: without the cause alone it still would not be told. */
static const char *besides(struct arena *mem, const struct why *w,
			   const struct why_group *g, const struct verdict_of *v)
{
	const char *text = "";

	for (size_t i = 0; is_mute(v->cause) && i < w->mutes.n; i++) {
		const struct why_mute *m = &w->mutes.v[i];

		if (!is_same(m, v) && is_about(m, g))
			text = arena_printf(mem, "%s%s %s by %s", text,
					    text[0] ? ", and" : "; without that still",
					    m->reason == MUTED_BY_SILENCE      ? "silenced"
					    : m->reason == MUTED_BY_INHIBITION ? "inhibited"
									       : "muted",
					    m->words);
	}
	return text;
}

/* -- verdicts ------------------------------------------------------------------------- */

static const char *answered(struct arena *mem, const struct story_delivery *d)
{
	if (!d || !d->status)
		return "";
	return arena_printf(
		mem, ", answered %d%s", d->status,
		d->attempts > 1 ? arena_printf(mem, " at attempt %u", d->attempts) : "");
}

static const char *told(struct arena *mem, const struct why *w, const struct verdict_of *v)
{
	const char *text = arena_printf(mem, "told at %s", why_time(mem, v->at));

	if (v->times > 1)
		return arena_printf(mem, "told %u times, first at %s, last at %s", v->times,
				    why_time(mem, v->at), why_time(mem, v->last_at));
	return arena_printf(mem, "%s%s", text,
			    answered(mem, story_delivery(w->story, v->delivery)));
}

static const char *error_of(const struct verdict_of *v)
{
	return v->error && v->error[0] ? v->error : "no reason given";
}

static const char *tries(struct arena *mem, unsigned n)
{
	return n == 1 ? "1 attempt" : arena_printf(mem, "%u attempts", n);
}

static const char *then(struct arena *mem, const char *text, wall_ms at)
{
	return at ? arena_printf(mem, "; %s %s", text, why_time(mem, at)) : "";
}

/* What comes after a delivery that failed. */
static const char *again(struct arena *mem, const struct why *w, const struct why_group *g,
			 const struct verdict_of *v)
{
	if (w->story->ended_at)
		return "; it is over by now";
	return g->exists || w->is_past ? then(mem, "it is due again at", v->next_at) : "";
}

static const char *failed(struct arena *mem, const struct why *w, const struct why_group *g,
			  const struct verdict_of *v)
{
	switch ((int)v->cause) {
	case DELIVERY_RETRY:
		return arena_printf(
			mem, "sending fails after %s: %s%s", tries(mem, v->attempts),
			error_of(v),
			v->next_at ? then(mem, "the next attempt is at", v->next_at)
				   : "; an attempt is under way");
	case DELIVERY_GAVE_UP:
		return arena_printf(mem, "refused for good at %s: %s%s",
				    why_time(mem, v->at), error_of(v), again(mem, w, g, v));
	case DELIVERY_TIMEOUT:
		return arena_printf(mem, "given up at %s after %s: %s%s",
				    why_time(mem, v->at), tries(mem, v->attempts),
				    error_of(v), again(mem, w, g, v));
	case DELIVERY_CANCELED:
		return arena_printf(mem, "sending was canceled at %s by a reload%s",
				    why_time(mem, v->at), again(mem, w, g, v));
	default:
		if (w->story->ended_at || (!g->exists && !w->is_past))
			return "the daemon ended before the answer came; it may have "
			       "arrived";
		return arena_printf(mem,
				    "the daemon ended before the answer came; it may have "
				    "arrived, and is sent again with the same id%s",
				    then(mem, "at", v->next_at));
	}
}

/* A journal that does not tell: since when it does. */
static const char *not_known(struct arena *mem, const struct why *w,
			     const struct verdict_of *v)
{
	if (v->delivery)
		return arena_printf(mem,
				    "not known: it was sent at %s, and the journal does "
				    "not have how that ended",
				    why_time(mem, v->at));
	if (w->story->known_since >= w->options.now)
		return "not known: the journal does not have what became of it last";
	return arena_printf(
		mem, "not known: the journal %s %s",
		w->options.is_cut ? "was read back to" : "has nothing before",
		why_time(mem, v->known_since ? v->known_since : w->story->known_since));
}

static const char *not_flushed(struct arena *mem, const struct why *w,
			       const struct why_group *g, const struct verdict_of *v)
{
	const char *was = w->is_past ? "was" : "is";

	switch ((int)v->cause) {
	case UNTOLD_GROUP_INTERVAL:
		return arena_printf(
			mem,
			"its group has flushed before, so it waits for "
			"group_interval%s%s",
			g->interval ? ", " : "",
			g->interval ? arena_printf(
					      mem, "%s%s", span(mem, g->interval),
					      then(mem, "the next flush is at", v->next_at))
				    : then(mem, "the next flush is at", v->next_at));
	case UNTOLD_START_DELAY:
		return arena_printf(mem,
				    "the daemon was started and sends nothing until "
				    "--dispatch.start-delay is over%s",
				    then(mem, "the first flush is at", v->next_at));
	case UNTOLD_FLUSH_OPEN:
		return arena_printf(
			mem,
			"its group is due, and its flush of %s is not over%s%s; "
			"it ends at %s at the latest",
			why_time(mem, g->open_since), g->open_for ? ", waiting for " : "",
			g->open_for ? g->open_for : "", why_time(mem, g->open_until));
	case UNTOLD_WAITS:
		return arena_printf(
			mem, "it waits for the next flush of its group%s",
			then(mem, arena_printf(mem, "that %s at", was), v->next_at));
	default:
		return arena_printf(mem, "its group waits group_wait%s%s%s",
				    g->wait ? ", " : "", g->wait ? span(mem, g->wait) : "",
				    then(mem, "the first flush is at", v->next_at));
	}
}

static const char *nothing_new(struct arena *mem, const struct why_target *t)
{
	if (t->verdict.known_since)
		return "for the receiver nothing is new: it was announced before";
	if (t->repeat_at)
		return arena_printf(mem,
				    "it was announced before, and its end never was: for "
				    "the receiver nothing is new until repeat_interval is "
				    "over, at %s",
				    why_time(mem, t->repeat_at));
	return "it was announced before, and its end never was: for the receiver nothing "
	       "is new until repeat_interval is over";
}

static const char *untold(struct arena *mem, const struct why *w, const struct why_group *g,
			  const struct why_target *t)
{
	const struct verdict_of *v = &t->verdict;

	switch ((int)v->cause) {
	case MUTED_BY_SILENCE:
	case MUTED_BY_INHIBITION:
	case MUTED_BY_TIME:
	case MUTED_BY_INACTIVE:
		return arena_printf(mem, "%s%s", muted(mem, w, v), besides(mem, w, g, v));
	case DELIVERY_RETRY:
	case DELIVERY_GAVE_UP:
	case DELIVERY_TIMEOUT:
	case DELIVERY_CANCELED:
	case DELIVERY_UNKNOWN:
		return failed(mem, w, g, v);
	case UNTOLD_GROUP_WAIT:
	case UNTOLD_GROUP_INTERVAL:
	case UNTOLD_START_DELAY:
	case UNTOLD_FLUSH_OPEN:
	case UNTOLD_WAITS:
		return not_flushed(mem, w, g, v);
	case UNTOLD_RESOLVED:
		return arena_printf(mem, "it was over at %s, before its group flushed",
				    why_time(mem, v->at));
	case UNTOLD_UNDER_WAY:
		return arena_printf(mem, "being sent since %s, no answer yet",
				    why_time(mem, v->at));
	case HELD_NO_INTEGRATION:
		return "the receiver has no integration";
	case HELD_NOTHING_NEW:
		return nothing_new(mem, t);
	case NOT_KNOWN:
		return not_known(mem, w, v);
	default:
		return reason_text(v->cause);
	}
}

/* That a verdict is about a part of the time only. */
static const char *before(struct arena *mem, const struct why *w,
			  const struct verdict_of *v)
{
	if (v->is_told || v->cause == NOT_KNOWN || !v->known_since)
		return "";
	return arena_printf(mem, " (whether before %s is not known: the journal %s)",
			    why_time(mem, v->known_since),
			    w->options.is_cut ? "was read back to then"
					      : "has nothing of it");
}

/* What the receiver may know all the same. */
static const char *may_know(struct arena *mem, const struct verdict_of *v)
{
	const char *text = "";

	if (v->doubt_at && v->cause != DELIVERY_UNKNOWN)
		text = arena_printf(mem,
				    "; an attempt, until %s, had no answer and may "
				    "have arrived",
				    why_time(mem, v->doubt_at));
	if (v->told_before_at && v->cause != HELD_NOTHING_NEW)
		text = arena_printf(mem,
				    "%s; told at %s, of the episode before, whose end was "
				    "never announced",
				    text, why_time(mem, v->told_before_at));
	return text;
}

const char *words_verdict(struct arena *mem, const struct why *w, const struct why_group *g,
			  const struct why_target *t)
{
	if (t->verdict.is_told)
		return told(mem, w, &t->verdict);
	return arena_printf(mem, "%s%s%s", untold(mem, w, g, t), may_know(mem, &t->verdict),
			    before(mem, w, &t->verdict));
}

/* A group forgets what is over once it has flushed. */
static const char *after_mute(const struct why *w, const struct why_group *g)
{
	return w->is_past || g->exists ? "" : "; nothing comes of it any more";
}

static const char *end_untold(struct arena *mem, const struct why *w,
			      const struct why_group *g, const struct verdict_of *v)
{
	switch ((int)v->cause) {
	case HELD_RESOLVED_UNWANTED:
		return "send_resolved is off";
	case HELD_NOTHING_FIRED:
		return "its beginning was never told";
	case HELD_NOTHING_NEW:
		return "it was announced as over before";
	case UNTOLD_END_AHEAD:
		return arena_printf(mem, "its group has not flushed since%s",
				    then(mem, "the next flush is at", v->next_at));
	case UNTOLD_UNDER_WAY:
		return arena_printf(mem, "being sent since %s, no answer yet",
				    why_time(mem, v->at));
	case NOT_KNOWN:
		return not_known(mem, w, v);
	default:
		if (is_mute(v->cause))
			return arena_printf(mem, "%s%s%s", muted(mem, w, v),
					    besides(mem, w, g, v), after_mute(w, g));
		return v->cause == DELIVERY_RETRY
			       ? failed(mem, w, g, v)
			       : arena_printf(mem, "%s%s%s%s", reason_text(v->cause),
					      v->error ? ": " : "",
					      v->error ? v->error : "",
					      g->exists ? then(mem, "it is due again at",
							       v->next_at)
							: "");
	}
}

const char *words_end(struct arena *mem, const struct why *w, const struct why_group *g,
		      const struct why_target *t)
{
	if (t->end.is_told)
		return arena_printf(mem, "told at %s", why_time(mem, t->end.at));
	if (!t->end.cause)
		return NULL;
	return arena_printf(mem, "%s%s", end_untold(mem, w, g, &t->end),
			    before(mem, w, &t->end));
}

/* -- the headline --------------------------------------------------------------------- */

/* A cause in a few words. */
static const char *in_short(enum reason cause)
{
	switch ((int)cause) {
	case MUTED_BY_SILENCE:
		return "it is silenced";
	case MUTED_BY_INHIBITION:
		return "another alert inhibits it";
	case MUTED_BY_TIME:
		return "a mute time interval mutes it";
	case MUTED_BY_INACTIVE:
		return "it is outside its active times";
	case DELIVERY_RETRY:
	case DELIVERY_TIMEOUT:
		return "sending fails";
	case DELIVERY_GAVE_UP:
		return "the receiver refuses it";
	case DELIVERY_CANCELED:
	case DELIVERY_UNKNOWN:
		return "sending was cut off";
	case UNTOLD_UNDER_WAY:
		return "it is being sent";
	case UNTOLD_GROUP_WAIT:
		return "group_wait is not over";
	case UNTOLD_GROUP_INTERVAL:
		return "group_interval is not over";
	case UNTOLD_PENDING:
		return "its rule's for is not over";
	case HELD_NOTHING_NEW:
		return "the receiver holds it for told";
	default:
		return reason_text(cause);
	}
}

/* Nothing hinders it: its time has not come. */
static const char *nobody(enum reason cause)
{
	switch ((int)cause) {
	case UNTOLD_GROUP_WAIT:
	case UNTOLD_GROUP_INTERVAL:
	case UNTOLD_START_DELAY:
	case UNTOLD_FLUSH_OPEN:
	case UNTOLD_WAITS:
	case UNTOLD_UNDER_WAY:
	case UNTOLD_PENDING:
		return "NOBODY is told yet";
	default:
		return "NOBODY was told";
	}
}

struct tally {
	size_t told, all, unknown, in_doubt, before;
	const struct why_target *told_one;
	wall_ms before_at; /* the first who was told of the episode before */
	wall_ms known_since;
	enum reason cause; /* of the first that was not told */
	bool differ;
};

/* As firing, of another episode, or of this one where the journal lost that. */
static bool has_it(const struct verdict_of *v)
{
	return v->told_before_at || v->cause == HELD_NOTHING_NEW;
}

static void count(struct tally *n, const struct why_target *t)
{
	n->all++;
	if (t->verdict.is_told) {
		n->told_one = t;
		n->told++;
		return;
	}
	n->unknown += t->verdict.cause == NOT_KNOWN;
	n->in_doubt += verdict_is_in_doubt(&t->verdict);
	n->before += has_it(&t->verdict);
	n->known_since = MAX(n->known_since, t->verdict.known_since);
	if (!n->before_at)
		n->before_at = t->verdict.told_before_at;
	n->differ = n->differ || (n->cause && n->cause != t->verdict.cause);
	n->cause = n->cause ? n->cause : t->verdict.cause;
}

/* Nobody was told of this episode, but the receivers have it as firing. */
static const char *told_before(struct arena *mem, const struct tally *n)
{
	const char *who =
		n->before == n->all
			? n->all == 1 ? "the receiver"
				      : arena_printf(mem, "all %zu integrations", n->all)
			: arena_printf(mem, "%zu of %zu integrations", n->before, n->all);

	const char *verb = n->all == 1 ? "was" : "were";

	if (!n->before_at)
		return arena_printf(mem, "%s %s told before; when is not known", who, verb);
	return arena_printf(mem,
			    "%s %s told at %s, of the episode before, whose end was never "
			    "announced",
			    who, verb, why_time(mem, n->before_at));
}

const char *words_headline(struct arena *mem, const struct why *w)
{
	struct tally n = {0};

	for (size_t i = 0; i < w->groups.n; i++) {
		for (size_t k = 0; k < w->groups.v[i].n_targets; k++)
			count(&n, &w->groups.v[i].targets[k]);
	}
	if (!n.all && w->cause == NOT_KNOWN)
		return "not known whether anybody was told";
	if (!n.all)
		return arena_printf(mem, "%s: %s", nobody(w->cause), in_short(w->cause));
	if (n.told == 1 && n.all == 1)
		return arena_printf(mem, "%s was told", n.told_one->receiver);
	if (n.told == n.all)
		return arena_printf(mem, "all %zu integrations were told", n.all);
	if (n.unknown == n.all)
		return "not known whether anybody was told";
	if (n.told)
		return arena_printf(mem, "%zu of %zu integrations were told", n.told,
				    n.all);
	if (n.before)
		return told_before(mem, &n);
	if (n.in_doubt && n.unknown < n.in_doubt)
		return arena_printf(mem, "perhaps %s told: no answer came",
				    n.all == 1 ? "the receiver was" : "somebody was");
	if (n.unknown)
		return "perhaps nobody was told";
	return arena_printf(mem, "%s%s: %s%s", nobody(n.cause), since(mem, n.known_since),
			    in_short(n.cause), n.differ ? ", and other causes" : "");
}

const char *words_no_alert(struct arena *mem, const struct rule_group *g,
			   const struct rule *r, const char *error, wall_ms evaluated_at)
{
	const char *rule = arena_printf(mem, "its rule %s:%d (%s)", g->file, r->at.line,
					r->expr);

	if (error)
		return arena_printf(mem, "%s fails: %s", rule, error);
	if (!evaluated_at)
		return arena_printf(mem, "%s has not been evaluated yet", rule);
	return arena_printf(mem, "%s gave no such series at %s", rule,
			    why_time(mem, evaluated_at));
}

const char *words_near(struct arena *mem, const char *text, const struct labels *labels,
		       const char *refused_by)
{
	return arena_printf(mem, "%s%s %s, for which %s does not hold", text,
			    text[0] ? ", and" : "; of that name there is",
			    labels_text(mem, labels), refused_by ? refused_by : "it");
}

/* -- the whole ------------------------------------------------------------------------ */

struct page {
	struct buf *b;
	struct arena mem;
	const struct why *w;
};

static void line(struct page *p, int depth, const char *fmt, ...) PRINTF(3, 4);
static void line(struct page *p, int depth, const char *fmt, ...)
{
	va_list ap;

	for (int i = 0; i < depth; i++)
		buf_add_text(p->b, "  ");
	va_start(ap, fmt);
	buf_add_text(p->b, arena_vprintf(&p->mem, fmt, ap));
	va_end(ap);
	buf_add_char(p->b, '\n');
}

static const char *target_name(struct page *p, const struct why_target *t)
{
	return t->integration ? arena_printf(&p->mem, "%s/%s[%zu]", t->receiver,
					     t->integration, t->index)
			      : t->receiver;
}

static const char *rule_cause(struct page *p)
{
	const struct story *s = p->w->story;

	switch ((int)p->w->cause) {
	case UNTOLD_PENDING:
		return arena_printf(
			&p->mem, "still pending: the rule's for is %s, over at %s",
			span(&p->mem, s->hold), why_time(&p->mem, s->pending_at + s->hold));
	case UNTOLD_DROPPED:
		return arena_printf(&p->mem,
				    "its condition went away at %s, before the rule's for "
				    "(%s) was over",
				    why_time(&p->mem, s->dropped_at),
				    span(&p->mem, s->hold));
	case RULE_FAILS:
		return arena_printf(&p->mem, "its rule fails%s: %s",
				    since(&p->mem, s->rule_failed_at), s->rule_error);
	case UNTOLD_CEILING:
		return arena_printf(&p->mem, "it was not taken in at %s: %s",
				    why_time(&p->mem, s->refused_at),
				    s->refused_for ? s->refused_for : "a ceiling");
	case UNTOLD_RESOLVED:
		return arena_printf(&p->mem, "it was over at %s, before its group flushed",
				    why_time(&p->mem, s->ended_at));
	case NOT_KNOWN:
		return not_known(&p->mem, p->w, &(struct verdict_of){0});
	default:
		return reason_text(p->w->cause);
	}
}

static const char *prefix(const struct verdict_of *v)
{
	if (v->is_told || v->cause == NOT_KNOWN)
		return "";
	if (has_it(v))
		return "NOT told anew: ";
	return verdict_is_in_doubt(v) ? "perhaps told: " : "NOT told: ";
}

static void add_target(struct page *p, const struct why_target *t)
{
	line(p, 1, "%s%s: %s", prefix(&t->verdict), target_name(p, t), t->words);
	if (t->verdict.is_told && t->repeat_at)
		line(p, 2, "nothing is new since: again at the first flush after %s",
		     why_time(&p->mem, t->repeat_at));
	if (t->end.is_told)
		line(p, 2, "%s of its end at %s", t->verdict.is_told ? "and" : "told",
		     why_time(&p->mem, t->end.at));
	else if (t->end.cause && t->is_end_of_matter)
		line(p, 2, "%s: %s",
		     t->end.cause == NOT_KNOWN ? "of its end" : "NOT told of its end",
		     t->end_words);
}

static void add_verdicts(struct page *p)
{
	const struct why *w = p->w;

	if (!w->groups.n)
		line(p, 1, "%s%s",
		     w->cause == NOT_KNOWN ? "" : "NOT told: ", rule_cause(p));
	for (int told_ones = 0; told_ones < 2; told_ones++) {
		for (size_t i = 0; i < w->groups.n; i++) {
			const struct why_group *g = &w->groups.v[i];

			for (size_t k = 0; k < g->n_targets; k++) {
				if (g->targets[k].verdict.is_told == told_ones)
					add_target(p, &g->targets[k]);
			}
		}
	}
}

/* Of an end. */
static const char *cause(struct arena *mem, enum reason reason)
{
	return reason ? arena_printf(mem, ", because %s", reason_text(reason)) : "";
}

static void add_rule(struct page *p)
{
	const struct story *s = p->w->story;
	struct buf value = BUF(100);

	if (!s->rule)
		return;
	buf_add_float_value(&value, s->value);
	line(p, 1, "rule %s in %s:%d, group %s: %s", s->rule, s->file, s->line,
	     s->rule_group, s->expr);
	if (s->pending_at)
		line(p, 2, "true since %s, last value %s", why_time(&p->mem, s->pending_at),
		     buf_text(&value));
	if (s->firing_at)
		line(p, 2, "firing since %s%s", why_time(&p->mem, s->firing_at),
		     s->hold ? arena_printf(&p->mem, ", after its for of %s",
					    span(&p->mem, s->hold))
			     : "");
	if (s->kept_since)
		line(p, 2,
		     "true no longer since %s: it is kept firing by the rule's "
		     "keep_firing_for, %s, until %s",
		     why_time(&p->mem, s->kept_since), span(&p->mem, s->keep_firing),
		     why_time(&p->mem, s->kept_since + s->keep_firing));
	if (s->resolved_at)
		line(p, 2, "over since %s%s", why_time(&p->mem, s->resolved_at),
		     cause(&p->mem, s->resolved_for));
	if (s->rule_error)
		line(p, 2, "its evaluation fails%s: %s", since(&p->mem, s->rule_failed_at),
		     s->rule_error);
	buf_free(&value);
}

static void add_alert(struct page *p)
{
	const struct why *w = p->w;
	const struct story *s = w->story;
	const char *from = s->from ? arena_printf(&p->mem, ", posted by %s%s%s",
						  s->user ? s->user : "",
						  s->user ? " at " : "", s->from)
				   : "";

	line(p, 1, "fingerprint %016llx", (unsigned long long)w->fingerprint);
	add_rule(p);
	if (s->came_at)
		line(p, 1, "in the router since %s%s", why_time(&p->mem, s->came_at), from);
	if (s->came_at && s->ended_at)
		line(p, 2, "over since %s%s", why_time(&p->mem, s->ended_at),
		     cause(&p->mem, s->ended_for));
	if (s->refused_at)
		line(p, 1, "not taken in at %s: %s", why_time(&p->mem, s->refused_at),
		     s->refused_for ? s->refused_for : "a ceiling");
	for (size_t i = 0; i < w->mutes.n; i++)
		line(p, 1, "%s now%s: %s",
		     w->mutes.v[i].reason == MUTED_BY_SILENCE	   ? "silenced"
		     : w->mutes.v[i].reason == MUTED_BY_INHIBITION ? "inhibited"
		     : w->mutes.v[i].reason == MUTED_BY_TIME	   ? "muted"
								   : "not in its active "
								     "times",
		     w->mutes.v[i].receiver
			     ? arena_printf(&p->mem, " for %s", w->mutes.v[i].receiver)
			     : "",
		     w->mutes.v[i].words);
}

static const char *route_text(struct page *p, const struct why_route *r)
{
	struct buf b = BUF(BUF_NO_LIMIT);
	const char *text;

	buf_add_matchers(&b, &r->route->matchers);
	text = arena_printf(&p->mem, "%s (%s)", buf_text(&b),
			    pos_text(&p->mem, r->route->at));
	buf_free(&b);
	return text;
}

static void add_routes(struct page *p)
{
	const struct why *w = p->w;

	if (!w->routes.n)
		return;
	line(p, 0, "Routes");
	for (size_t i = 0; i < w->routes.n; i++) {
		const struct why_route *r = &w->routes.v[i];
		int depth = 1 + (int)MIN(r->depth, 20);

		if (r->is_not_asked)
			line(p, depth, "%s: not asked, a route before took it",
			     route_text(p, r));
		else if (r->refused_by)
			line(p, depth, "%s: refuses it, %s does not hold", route_text(p, r),
			     r->refused_by);
		else if (r->is_end)
			line(p, depth, "%s: takes it, to %s", route_text(p, r),
			     r->route->receiver->name);
		else
			line(p, depth, "%s: takes it", route_text(p, r));
	}
}

static void add_group(struct page *p, const struct why_group *g)
{
	line(p, 1, "%s for %s", g->key, g->receiver);
	if (g->place)
		line(p, 2, "group_wait %s, group_interval %s, repeat_interval %s",
		     span(&p->mem, g->wait), span(&p->mem, g->interval),
		     span(&p->mem, g->repeat));
	if (g->flushed_at)
		line(p, 2, "flushed last at %s%s", why_time(&p->mem, g->flushed_at),
		     p->w->is_past ? ", or later with the same outcome" : "");
	if (g->open_for)
		line(p, 2, "that flush goes on until %s at the latest, waiting for %s",
		     why_time(&p->mem, g->open_until), g->open_for);
	if (g->next_at)
		line(p, 2, "next flush at %s", why_time(&p->mem, g->next_at));
}

static void add_groups(struct page *p)
{
	for (size_t i = 0; i < p->w->groups.n; i++) {
		if (!i)
			line(p, 0, "Groups");
		add_group(p, &p->w->groups.v[i]);
	}
}

static const char *outcome(struct page *p, const struct story_delivery *d)
{
	switch ((int)d->outcome) {
	case REASON_NONE:
		return "no answer yet";
	case DELIVERY_SENT:
		return arena_printf(&p->mem, "delivered at %s%s",
				    why_time(&p->mem, d->ended_at), answered(&p->mem, d));
	case DELIVERY_RETRY:
		return arena_printf(&p->mem, "attempt %u failed: %s", d->attempts,
				    d->error ? d->error : "no reason given");
	default:
		return arena_printf(&p->mem, "%s at %s%s%s", reason_text(d->outcome),
				    why_time(&p->mem, d->ended_at), d->error ? ": " : "",
				    d->error ? d->error : "");
	}
}

static void add_deliveries(struct page *p)
{
	const struct story *s = p->w->story;

	for (size_t i = 0; i < s->deliveries.n; i++) {
		const struct story_delivery *d = &s->deliveries.v[i];

		if (!i)
			line(p, 0, "Notifications");
		line(p, 1, "%s %s/%s[%zu], %s (%s)", why_time(&p->mem, d->at), d->receiver,
		     d->integration, d->index, reason_text(d->reason),
		     d->fires ? "it fires" : "it is over");
		line(p, 2, "%s; id %s", outcome(p, d), d->id);
	}
	if (s->n_deliveries_left_out)
		line(p, 1, "and %zu before", s->n_deliveries_left_out);
}

static void add_future(struct page *p)
{
	const struct why *w = p->w;

	for (size_t i = 0; i < w->next.n; i++) {
		if (!i)
			line(p, 0, "Next");
		line(p, 1, "%s %s", why_time(&p->mem, w->next.v[i].at), w->next.v[i].words);
	}
}

static void add_limits(struct page *p)
{
	const struct why_options *o = &p->w->options;

	if (p->w->is_past && o->config_changed_at)
		line(p, 0,
		     "This is under the configuration of then: it was loaded anew, "
		     "changed, at %s. Groups and receivers are those that the journal has; "
		     "the routes of then it does not have.",
		     why_time(&p->mem, o->config_changed_at));
	if (o->is_cut)
		line(p, 0, "The journal was read back to %s, and no further.",
		     why_time(&p->mem, p->w->story->known_since));
}

void buf_add_why(struct buf *b, const struct why *w)
{
	struct page p = {.b = b, .w = w};
	const char *as_of = w->is_past ? arena_printf(&p.mem, "As of %s: ",
						      why_time(&p.mem, w->options.at))
				       : "";

	if (!w->labels) {
		line(&p, 0, "%s%s %016llx: %s", as_of,
		     w->labels_now ? labels_text(&p.mem, w->labels_now) : "alert",
		     (unsigned long long)w->fingerprint, w->headline);
		line(&p, 1, "%s%s",
		     w->cause == NOT_KNOWN ? "" : "NOT told: ", rule_cause(&p));
	} else {
		line(&p, 0, "%s%s is %s: %s", as_of, labels_text(&p.mem, w->labels),
		     w->state, w->headline);
		add_verdicts(&p);
		line(&p, 0, "The alert");
		add_alert(&p);
		add_routes(&p);
		add_groups(&p);
		add_deliveries(&p);
		add_future(&p);
	}
	add_limits(&p);
	arena_free(&p.mem);
}

void buf_add_why_nothing(struct buf *b, const struct matchers *m, enum reason cause,
			 const char *words)
{
	bool is_known = cause != NOT_KNOWN;

	buf_add_text(b, "No alert matches ");
	buf_add_matchers(b, m);
	buf_addf(b, "%s\n  %s%s\n", is_known ? ": NOBODY was told" : "",
		 is_known ? "NOT told: " : "", words);
}
