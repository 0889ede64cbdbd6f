#include "base/base.h"
#include "api/why_json.h"
#include "api/journal.h"

/* The facts of one explanation, as members. */

static void put_verdict(struct buf *b, const struct verdict_of *v, const char *words)
{
	if (!verdict_is_in_doubt(v))
		put_bool(b, "told", v->is_told);
	if (v->is_told) {
		put_at(b, "firstAt", v->at);
		put_at(b, "lastAt", v->last_at);
		put_int(b, "times", v->times);
	} else {
		put_str(b, "cause", reason_name(v->cause));
		put_at(b, "since", v->at);
		put_str(b, "by", v->by);
		put_str(b, "rule", v->rule);
		put_set(b, "source", v->source);
		put_str(b, "error", v->error);
		put_at(b, "nextAt", v->next_at);
		put_at(b, "knownSince", v->known_since);
		put_at(b, "inDoubtAt", v->doubt_at);
		put_at(b, "toldBeforeAt", v->told_before_at);
		put_at(b, "sourceEndedAt",
		       v->source_ended_at == NEVER ? 0 : v->source_ended_at);
	}
	put_str(b, "notification", v->delivery);
	put_str(b, "text", words);
}

static void add_target(struct buf *b, const struct why_target *t)
{
	put_comma(b);
	buf_add_char(b, '{');
	put_integration(b, t->receiver, t->integration, t->index);
	put_verdict(b, &t->verdict, t->words);
	put_at(b, "repeatAt", t->repeat_at);
	if (t->end_words) {
		put_at(b, "endToldAt", t->end.is_told ? t->end.at : 0);
		put_name(b, "end");
		buf_add_char(b, '{');
		put_verdict(b, &t->end, t->end_words);
		buf_add_char(b, '}');
	}
	buf_add_char(b, '}');
}

static void add_groups(struct buf *b, const struct why *w)
{
	put_name(b, "groups");
	buf_add_char(b, '[');
	for (size_t i = 0; i < w->groups.n; i++) {
		const struct why_group *g = &w->groups.v[i];

		put_comma(b);
		buf_add_char(b, '{');
		put_str(b, "key", g->key);
		put_str(b, "receiver", g->receiver);
		put_str(b, "route", g->place);
		put_bool(b, "exists", g->exists);
		put_at(b, "flushedAt", g->flushed_at);
		put_at(b, "nextFlushAt", g->next_at);
		put_at(b, "openSince", g->open_since);
		put_name(b, "verdicts");
		buf_add_char(b, '[');
		for (size_t k = 0; k < g->n_targets; k++)
			add_target(b, &g->targets[k]);
		buf_add_text(b, "]}");
	}
	buf_add_char(b, ']');
}

static void add_rule(struct buf *b, const struct story *s)
{
	if (!s->rule)
		return;
	put_name(b, "rule");
	buf_add_char(b, '{');
	put_str(b, "name", s->rule);
	put_str(b, "file", s->file);
	put_int(b, "line", s->line);
	put_str(b, "group", s->rule_group);
	put_str(b, "query", s->expr);
	put_int(b, "forMs", s->hold);
	put_value(b, "value", s->value);
	put_at(b, "pendingAt", s->pending_at);
	put_at(b, "firingAt", s->firing_at);
	put_at(b, "resolvedAt", s->resolved_at);
	put_at(b, "droppedAt", s->dropped_at);
	put_at(b, "keptSince", s->kept_since);
	put_str(b, "error", s->rule_error);
	put_at(b, "failingSince", s->rule_failed_at);
	buf_add_char(b, '}');
}

static void add_routes(struct buf *b, const struct why *w)
{
	put_name(b, "routes");
	buf_add_char(b, '[');
	for (size_t i = 0; i < w->routes.n; i++) {
		const struct why_route *r = &w->routes.v[i];
		struct buf matchers = BUF(BUF_NO_LIMIT);

		buf_add_matchers(&matchers, &r->route->matchers);
		put_comma(b);
		buf_add_char(b, '{');
		put_int(b, "depth", r->depth);
		put_str(b, "matchers", buf_text(&matchers));
		put_int(b, "line", r->route->at.line);
		put_str(b, "receiver", r->route->receiver->name);
		put_bool(b, "takes", r->takes);
		put_bool(b, "isEnd", r->is_end);
		put_str(b, "refusedBy", r->refused_by);
		buf_add_char(b, '}');
		buf_free(&matchers);
	}
	buf_add_char(b, ']');
}

static void add_mutes(struct buf *b, const struct why *w)
{
	put_name(b, "mutedNow");
	buf_add_char(b, '[');
	for (size_t i = 0; i < w->mutes.n; i++) {
		put_comma(b);
		buf_add_char(b, '{');
		put_str(b, "reason", reason_name(w->mutes.v[i].reason));
		put_str(b, "by", w->mutes.v[i].by);
		put_str(b, "rule", w->mutes.v[i].rule);
		put_str(b, "receiver", w->mutes.v[i].receiver);
		put_str(b, "text", w->mutes.v[i].words);
		buf_add_char(b, '}');
	}
	buf_add_char(b, ']');
}

static void add_deliveries(struct buf *b, const struct story *s)
{
	put_name(b, "notifications");
	buf_add_char(b, '[');
	for (size_t i = 0; i < s->deliveries.n; i++) {
		const struct story_delivery *d = &s->deliveries.v[i];

		put_comma(b);
		buf_add_char(b, '{');
		put_str(b, "id", d->id);
		put_at(b, "at", d->at);
		put_str(b, "groupKey", d->group_key);
		put_integration(b, d->receiver, d->integration, d->index);
		put_str(b, "reason", reason_name(d->reason));
		put_bool(b, "firing", d->fires);
		if (d->outcome) {
			put_str(b, "outcome", reason_name(d->outcome));
			put_at(b, "endedAt", d->ended_at);
			put_int(b, "attempts", d->attempts);
			put_int(b, "status", d->status);
			put_str(b, "error", d->error);
			put_at(b, "nextAt", d->next_at);
		}
		buf_add_char(b, '}');
	}
	buf_add_char(b, ']');
}

static void add_next(struct buf *b, const struct why *w)
{
	put_name(b, "next");
	buf_add_char(b, '[');
	for (size_t i = 0; i < w->next.n; i++) {
		put_comma(b);
		buf_add_char(b, '{');
		put_at(b, "at", w->next.v[i].at);
		put_str(b, "text", w->next.v[i].words);
		buf_add_char(b, '}');
	}
	buf_add_char(b, ']');
}

void add_why(struct buf *b, const struct why *w, struct buf *text)
{
	const struct story *s = w->story;
	size_t start = text->n;

	put_comma(b);
	buf_add_char(b, '{');
	put_hash(b, "fingerprint", w->fingerprint);
	put_set(b, "labels", w->labels);
	put_str(b, "state", w->state);
	put_str(b, "summary", w->summary);
	put_at(b, "cameAt", s->came_at);
	put_at(b, "endedAt", s->ended_at);
	put_at(b, "endsAt", w->ends_at);
	put_str(b, "from", s->from);
	put_str(b, "user", s->user);
	put_at(b, "refusedAt", s->refused_at);
	put_str(b, "refusedFor", s->refused_for);
	if (!w->groups.n)
		put_str(b, "cause", reason_name(w->cause));
	add_rule(b, s);
	add_routes(b, w);
	add_groups(b, w);
	add_mutes(b, w);
	add_deliveries(b, s);
	add_next(b, w);
	put_at(b, "configChangedAt", w->options.config_changed_at);
	put_at(b, "knownSince", w->story->known_since);
	if (start)
		buf_add_char(text, '\n');
	start = text->n;
	buf_add_why(text, w);
	put_lines(b, "text", str_from(buf_str(text), start));
	buf_add_char(b, '}');
}
