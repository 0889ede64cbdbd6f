#include "base/base.h"
#include "api/journal.h"
#include "api/why_json.h"
#include "engine/why.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* GET /api/v1/why: ?alert= (matchers, or a fingerprint), ?notification= or ?silence=, and
 * &at= for a past time. */

#define MOST_ALERTS   10   /* explained in one answer */
#define MOST_ROWS     2000 /* of one alert */
#define MOST_GROUPS   20
#define LATER_AT_MOST (12 * HOUR) /* that a group's next flush is looked for */
/* of rule files that are set aside */
#define MOST_FILES   100
#define MOST_LINE    4096
#define MOST_OF_FILE (4 * 1024 * 1024) /* bytes */

struct asked {
	uint64_t fingerprint;
	struct journal_rows rows;
	struct journal_rows later; /* flushes after the time asked, configurations */
	wall_ms known_since;	   /* what of the journal was seen; 0: all */
	bool is_cut;
	const char *hash_now; /* of the configuration that was loaded last */
	wall_ms hash_now_at;
	bool any_config_later;
};
struct asking {
	struct matchers matchers;
	const struct matcher *exact; /* an equality to search texts by; or NULL */
	struct asked v[MOST_ALERTS];
	size_t n, n_all;
	bool knows_one; /* a fingerprint was given */
	/* of a past time: who is there now, should the journal know nobody of then */
	uint64_t *now;
	size_t n_now;
	bool is_search_cut; /* the search for alerts, */
	wall_ms searched_to;
	const char *name; /* alertname, exactly; NULL: several would do */
	struct broken_file *broken;
	size_t n_broken;
	const struct broken_file *refused; /* that has a rule of the name; NULL: none */
	/* while rows are sifted */
	struct arena *mem;
	uint64_t fingerprint;	     /* of the alert that is explained */
	struct map deliveries;	     /* ids that concern it */
	bool has_beginning;	     /* of its last episode */
	struct map groups;	     /* its groups' keys, for when it has not */
	const struct labels *labels; /* its own */
	const char *rule;
};

/* -- on the worker: what the journal has ---------------------------------------------- */

static bool has_alert(const struct asking *a, uint64_t fingerprint)
{
	for (size_t i = 0; i < a->n; i++) {
		if (a->v[i].fingerprint == fingerprint)
			return true;
	}
	return false;
}

/* Newest first; the rows themselves are not wanted. */
static bool find_alerts(void *ctx, const struct record *r)
{
	struct asking *a = ctx;

	for (size_t i = 0; i < r->n_alerts; i++) {
		const struct record_alert *found = &r->alerts[i];

		if (has_alert(a, found->fingerprint) ||
		    !matchers_hold(&a->matchers, found->labels))
			continue;
		a->n_all++;
		if (a->n < MOST_ALERTS)
			a->v[a->n++].fingerprint = found->fingerprint;
	}
	return false;
}

static void take_now(struct asking *a, size_t n_all)
{
	a->n_all = n_all;
	for (; a->n < a->n_now; a->n++)
		a->v[a->n].fingerprint = a->now[a->n];
}

static bool search(struct reading *d, struct asking *a)
{
	struct buf text = BUF(BUF_NO_LIMIT);
	const char *any;
	struct journal_rows none;
	struct journal_query q = {
		.to = reading_until(d),
		.kinds = JOURNAL_KIND(RECORD_ALERTS) | JOURNAL_KIND(RECORD_RULE),
		.any = &any,
		.n_any = a->exact ? 1 : 0,
		.wants = find_alerts,
		.ctx = a,
	};
	bool ok;

	if (a->exact)
		buf_add_json(&text, str_of(a->exact->value));
	any = buf_text(&text);
	ok = reading_rows(d, &q, &none);
	buf_free(&text);
	a->is_search_cut = none.is_cut;
	a->searched_to = none.is_cut ? none.read_to : d->begins_at;
	return ok;
}

static void note_delivery(struct asking *a, const char *id)
{
	if (id)
		map_put(&a->deliveries, str_of(id), a);
}

/* What the rows of the alert itself say about which others belong to it. */
static void note_rows(struct asking *a, const struct asked *of)
{
	for (size_t i = 0; i < of->rows.n; i++) {
		const struct record *r = &of->rows.v[i].record;

		for (size_t k = 0; k < r->n_alerts; k++) {
			if (r->alerts[k].fingerprint != of->fingerprint)
				continue;
			a->labels = r->alerts[k].labels;
			a->has_beginning = a->has_beginning ||
					   r->alerts[k].change == CHANGE_NEW ||
					   r->alerts[k].change == CHANGE_FIRING;
		}
		if (r->kind == RECORD_RULE)
			a->rule = r->rule;
		if (r->kind == RECORD_SENDING)
			note_delivery(a, r->delivery);
		if (r->kind == RECORD_FLUSH && of->known_since && r->group_key)
			map_put(&a->groups, str_of(r->group_key), a);
		if (r->kind != RECORD_FLUSH ||
		    (!fingerprints_have(r->firing, r->n_firing, of->fingerprint) &&
		     !fingerprints_have(r->resolved, r->n_resolved, of->fingerprint)))
			continue;
		for (size_t k = 0; k < r->n_decisions; k++)
			note_delivery(a, r->decisions[k].delivery);
	}
}

static bool belongs(void *ctx, const struct record *r)
{
	struct asking *a = ctx;

	switch ((int)r->kind) {
	case RECORD_ATTEMPT:
		return (r->delivery && map_find(&a->deliveries, str_of(r->delivery))) ||
		       (!a->has_beginning && r->group_key &&
			map_find(&a->groups, str_of(r->group_key))) ||
		       fingerprints_have(r->firing, r->n_firing, a->fingerprint) ||
		       fingerprints_have(r->resolved, r->n_resolved, a->fingerprint);
	case RECORD_SILENCE:
		return r->silence && a->labels &&
		       matchers_hold(&r->silence->matchers, a->labels);
	case RECORD_RULE:
		return (r->reason == RULE_FAILS || r->reason == RULE_WORKS) && a->rule &&
		       !strcmp(a->rule, r->rule);
	default:
		return true;
	}
}

static int by_id(const void *a, const void *b)
{
	const struct journal_row *x = a, *y = b;

	return (x->id > y->id) - (x->id < y->id);
}

static void join(struct arena *mem, struct journal_rows *to,
		 const struct journal_rows *more)
{
	struct journal_row *v = ARENA_ARRAY(mem, struct journal_row, to->n + more->n);
	size_t n;

	if (to->n)
		memcpy(v, to->v, to->n * sizeof(*v));
	if (more->n)
		memcpy(v + to->n, more->v, more->n * sizeof(*v));
	n = to->n + more->n;
	to->v = v;
	to->n = 0;
	if (n)
		qsort(v, n, sizeof(*v), by_id);
	for (size_t i = 0; i < n; i++) { /* each row once */
		if (!to->n || v[to->n - 1].id != v[i].id)
			v[to->n++] = v[i];
	}
}

/* All since then was looked at, by each of the readings. */
static void know(struct asked *of, const struct journal_rows *rows)
{
	if (!rows->is_cut)
		return;
	of->is_cut = true;
	of->known_since = MAX(of->known_since, rows->read_to);
}

/* Of which the one before the oldest row of the alert may matter, too. */
static bool add_belonging(struct reading *d, struct asking *a, struct asked *of)
{
	/* what was decided before the first row tells nowhere whom it was about */
	bool all_since = of->known_since && a->groups.n && !a->has_beginning;
	struct journal_rows more, config;
	struct journal_query q = {
		.from = all_since    ? of->known_since
			: of->rows.n ? of->rows.v[0].record.at
				     : 0,
		.to = reading_until(d),
		.kinds = JOURNAL_KIND(RECORD_ATTEMPT) | JOURNAL_KIND(RECORD_RULE),
		.wants = belongs,
		.ctx = a,
		.most = MOST_ROWS,
	};
	struct journal_query rare = {
		.to = reading_until(d),
		.kinds = JOURNAL_KIND(RECORD_SILENCE) | JOURNAL_KIND(RECORD_CONFIG) |
			 JOURNAL_KIND(RECORD_CLOCK),
		.wants = belongs,
		.ctx = a,
	};

	if (!reading_rows(d, &q, &more) || !reading_rows(d, &rare, &config))
		return false;
	know(of, &more); /* those that were missed of the others are far away */
	join(&d->mem, &of->rows, &more);
	join(&d->mem, &of->rows, &config);
	return true;
}

/* The text that data has where it names the alert. */
static const char *quoted(struct arena *mem, uint64_t fingerprint)
{
	return arena_printf(mem, "\"%016llx\"", (unsigned long long)fingerprint);
}

/* After a past time: the flush that had the alert then tells its group. */
static bool read_later(struct reading *d, struct asked *of)
{
	const char *any = quoted(&d->mem, of->fingerprint);
	struct journal_query q = {
		.from = d->to + 1,
		.to = MIN(d->to + LATER_AT_MOST, NEVER),
		.kinds = JOURNAL_KIND(RECORD_FLUSH) | JOURNAL_KIND(RECORD_CONFIG),
		.any = &any,
		.n_any = 1,
		.any_of = JOURNAL_KIND(RECORD_FLUSH),
		.most = MOST_ROWS,
	};

	return d->to >= d->now || reading_rows(d, &q, &of->later);
}

struct seeking { /* the last flush of a group before it had the alert */
	const char *group_key;
	wall_ms before;
};

static bool is_of_group(void *ctx, const struct record *r)
{
	const struct seeking *s = ctx;

	return r->kind != RECORD_FLUSH ||
	       (r->group_key && !strcmp(r->group_key, s->group_key));
}

/* Whether that group had flushed before: by its last row, should nothing have made groups
 * anew since. */
static bool read_before(struct reading *d, struct asked *of, const char *group_key)
{
	struct seeking s = {.group_key = group_key};
	struct journal_rows rows;
	struct journal_query q = {
		.to = reading_until(d),
		.kinds = JOURNAL_KIND(RECORD_FLUSH) | JOURNAL_KIND(RECORD_CONFIG) |
			 JOURNAL_KIND(RECORD_START),
		.wants = is_of_group,
		.ctx = &s,
		.most = 1,
	};

	if (!reading_rows(d, &q, &rows))
		return false;
	join(&d->mem, &of->rows, &rows);
	return true;
}

static bool read_groups_before(struct reading *d, struct asked *of)
{
	const char *last = NULL;

	for (size_t i = 0; i < MIN(of->later.n, MOST_GROUPS); i++) {
		const struct record *r = &of->later.v[i].record;

		if (r->kind != RECORD_FLUSH || (last && !strcmp(last, r->group_key)))
			continue;
		last = r->group_key;
		if (!read_before(d, of, last))
			return false;
	}
	return true;
}

static bool find_config(struct reading *d, struct asked *of)
{
	struct journal_rows rows;
	struct journal_query q = {.from = d->to,
				  .to = NEVER,
				  .kinds = JOURNAL_KIND(RECORD_CONFIG),
				  .most = 20};

	if (d->to >= d->now)
		return true;
	if (!reading_rows(d, &q, &rows))
		return false;
	for (size_t i = 0; i < rows.n; i++) {
		const struct record *r = &rows.v[i].record;

		if (!r->error) {
			of->any_config_later = true;
			of->hash_now = r->hash;
			of->hash_now_at = r->at;
		}
	}
	return true;
}

static bool read_alert(struct reading *d, struct asking *a, struct asked *of)
{
	const char *any = quoted(&d->mem, of->fingerprint);
	struct journal_query q = {
		.to = reading_until(d),
		.kinds = JOURNAL_KIND(RECORD_ALERTS) | JOURNAL_KIND(RECORD_RULE) |
			 JOURNAL_KIND(RECORD_FLUSH) | JOURNAL_KIND(RECORD_SENDING),
		.any = &any,
		.n_any = 1,
		.most = MOST_ROWS,
	};
	bool ok;

	of->known_since = d->begins_at;
	if (!reading_rows(d, &q, &of->rows))
		return false;
	know(of, &of->rows);
	a->fingerprint = of->fingerprint;
	a->labels = NULL;
	a->rule = NULL;
	a->has_beginning = false;
	note_rows(a, of);
	ok = add_belonging(d, a, of) && find_config(d, of) && read_later(d, of) &&
	     read_groups_before(d, of);
	map_free(&a->deliveries);
	map_free(&a->groups);
	return ok;
}

/* -- rule files that are set aside ---------------------------------------------------- */

static bool has_rule(const char *path, const char *name)
{
	char line[MOST_LINE];
	FILE *in = fopen(path, "re");
	size_t looked = 0;
	bool found = false;

	while (in && !found && looked < MOST_OF_FILE && fgets(line, sizeof(line), in)) {
		const char *at = strstr(line, "alert:");

		looked += strlen(line);
		found = at && strstr(at, name);
	}
	if (in)
		fclose(in);
	return found;
}

/* They are not understood: a line that says alert: and the name is as good as it gets. */
static void find_refused(struct asking *a)
{
	for (size_t i = 0; a->name && !a->n && i < MIN(a->n_broken, MOST_FILES); i++) {
		if (!has_rule(a->broken[i].path, a->name))
			continue;
		a->refused = &a->broken[i];
		return;
	}
}

static void read_alerts(struct reading *d)
{
	struct asking *a = d->state;

	if (!a->knows_one && (!a->n || d->to < d->now) && !search(d, a))
		return;
	if (!a->n && a->searched_to) /* those of now may have been there then */
		take_now(a, a->n_now);
	find_refused(a);
	for (size_t i = 0; i < a->n; i++) {
		if (!read_alert(d, a, &a->v[i]))
			return;
	}
}

/* -- on the loop: the answer ---------------------------------------------------------- */

/* Under the configuration of then: up to the next one. */
static void add_later(struct story *s, const struct asked *of)
{
	for (size_t i = 0; i < of->later.n; i++) {
		const struct record *r = &of->later.v[i].record;

		if (r->kind == RECORD_CONFIG && !r->error)
			return;
		story_add_later(s, r);
	}
}

static void explain(struct reading *d, struct asked *of, struct buf *b, struct buf *text)
{
	const struct api_host *host = &d->r->api->options.host;
	struct story s = story_of(&d->mem, of->fingerprint);
	struct why_options o = {.at = d->to, .now = d->now, .is_cut = of->is_cut};

	s.known_since = of->known_since;
	add_later(&s, of);
	for (size_t i = 0; i < of->rows.n; i++)
		story_add(&s, &of->rows.v[i].record);
	if (of->any_config_later &&
	    (!of->hash_now || !s.config_hash || strcmp(of->hash_now, s.config_hash) != 0))
		o.config_changed_at = of->hash_now_at;
	add_why(b, why_alert(host->engine(host->ctx), &s, &o, &d->mem), text);
}

/* Of then the rules are not known, only what the journal has. */
static enum reason nothing_then(struct reading *d, const struct asking *a,
				const char **words)
{
	if (!a->is_search_cut && d->to >= a->searched_to) {
		*words = arena_printf(
			&d->mem, "no such alert was known at %s%s",
			why_time(&d->mem, d->to),
			a->searched_to ? arena_printf(&d->mem,
						      ", as far as the journal goes "
						      "back, to %s",
						      why_time(&d->mem, a->searched_to))
				       : "");
		return a->searched_to ? NOT_KNOWN : UNTOLD_UNKNOWN;
	}
	*words = arena_printf(&d->mem, "not known: the journal %s %s",
			      a->is_search_cut ? "was read back to" : "has nothing before",
			      why_time(&d->mem, a->searched_to));
	return NOT_KNOWN;
}

/* There may have been one that the journal lost. */
static const char *as_far_as_known(struct reading *d, const struct asking *a,
				   enum reason *cause, const char *words)
{
	if (*cause == UNTOLD_UNKNOWN)
		*cause = NOT_KNOWN;
	return arena_printf(&d->mem,
			    "%s (whether there was one before %s is not known: %s)", words,
			    why_time(&d->mem, a->searched_to),
			    a->is_search_cut ? "the journal was read back to then"
					     : "the journal has nothing of it");
}

/* No alert: what the rules that could make it do. */
static void explain_nothing(struct reading *d, struct asking *a, struct buf *b,
			    struct buf *text)
{
	const struct api_host *host = &d->r->api->options.host;
	const char *words;
	enum reason cause = UNTOLD_UNKNOWN;

	if (d->to < d->now)
		cause = nothing_then(d, a, &words);
	else
		cause = why_nothing(host->engine(host->ctx), &a->matchers, &d->mem, &words);
	if (cause == UNTOLD_UNKNOWN && a->refused) {
		cause = UNTOLD_FILE_REFUSED;
		words = arena_printf(&d->mem,
				     "the rule file that has it, %s, is refused%s: %s",
				     a->refused->path,
				     a->refused->last_good_runs
					     ? ", and what ran before goes on without it"
					     : "",
				     a->refused->text);
	}
	if (d->to >= d->now && a->searched_to)
		words = as_far_as_known(d, a, &cause, words);
	put_str(b, "cause", reason_name(cause));
	buf_add_why_nothing(text, &a->matchers, cause, words);
}

static void answer_alerts(struct reading *d)
{
	struct asking *a = d->state;
	struct buf b = BUF(BUF_NO_LIMIT), text = BUF(BUF_NO_LIMIT);
	size_t left = a->n_all > a->n ? a->n_all - a->n : 0;

	begin_data(&b);
	put_at(&b, "at", d->to);
	if (!a->n)
		explain_nothing(d, a, &b, &text);
	put_name(&b, "alerts");
	buf_add_char(&b, '[');
	for (size_t i = 0; i < a->n; i++)
		explain(d, &a->v[i], &b, &text);
	buf_add_char(&b, ']');
	put_int(&b, "more", (int64_t)left);
	if (left)
		buf_addf(&text, "\n%zu more alerts match: ask for one by its labels.\n",
			 left);
	if (a->is_search_cut) {
		put_at(&b, "searchedTo", a->searched_to);
		buf_addf(&text,
			 "There may be more that are over: they were looked for back to "
			 "%s.\n",
			 why_time(&d->mem, a->searched_to));
	}
	answer_data(d->r, &b, &text);
	buf_free(&b);
	buf_free(&text);
}

/* -- the request ---------------------------------------------------------------------- */

static bool add_matchers(struct request *r, struct str text, struct asking *a)
{
	struct matchers some;
	struct matcher *v;
	struct err err;

	if (fingerprint_parse(text, &a->v[0].fingerprint)) {
		a->knows_one = true;
		a->n = a->n_all = 1;
		return true;
	}
	if (!matchers_parse(r->mem, text, NOWHERE, r->api->options.matchers, &some, NULL,
			    &err)) {
		answer_bad(r, 400, arena_printf(r->mem, "alert: %s", err.text));
		return false;
	}
	v = ARENA_ARRAY(r->mem, struct matcher, a->matchers.n + some.n);
	if (a->matchers.n)
		memcpy(v, a->matchers.v, a->matchers.n * sizeof(*v));
	if (some.n)
		memcpy(v + a->matchers.n, some.v, some.n * sizeof(*v));
	a->matchers.v = v;
	a->matchers.n += some.n;
	return true;
}

static bool read_question(struct request *r, struct asking *a)
{
	for (size_t i = 0; i < r->params.n; i++) {
		if (str_is(r->params.v[i].name, "alert") &&
		    !add_matchers(r, r->params.v[i].value, a))
			return false;
	}
	for (size_t i = 0; i < a->matchers.n; i++) {
		const struct matcher *m = &a->matchers.v[i];

		if (m->op != MATCH_EQUAL || !m->value[0])
			continue;
		if (!strcmp(m->name, "alertname"))
			a->name = m->value;
		if (!a->exact || strlen(m->value) > strlen(a->exact->value))
			a->exact = m; /* the longest one is the rarest */
	}
	if (a->matchers.n || a->knows_one)
		return true;
	answer_bad(r, 400,
		   "what to explain is missing: alert (matchers, or a fingerprint), "
		   "notification or silence (an id)");
	return false;
}

/* What is there now; a past time asks the journal first who was there. */
static void find_now(struct reading *d, struct asking *a)
{
	const struct api_host *host = &d->r->api->options.host;
	size_t n;

	if (host->broken_files)
		a->n_broken = host->broken_files(host->ctx, d->r->mem, &a->broken);
	for (size_t i = 0; i < a->n_broken; i++) { /* they are the daemon's */
		a->broken[i].path = arena_text(d->r->mem, a->broken[i].path);
		a->broken[i].text = arena_text(d->r->mem, a->broken[i].text);
	}
	if (a->knows_one)
		return;
	a->now = why_find(host->engine(host->ctx), &a->matchers, MOST_ALERTS, d->r->mem,
			  &n);
	a->n_now = MIN(n, MOST_ALERTS);
	if (d->to < d->now)
		return;
	take_now(a, n);
}

static void why_of_alerts(struct request *r)
{
	struct asking *a = ARENA_NEW(r->mem, struct asking);
	struct reading *d = reading_new(r);

	if (!param_time(r, "at", &d->to) || !read_question(r, a))
		return;
	d->to = MIN(d->to, d->now);
	d->read = read_alerts;
	d->answer = answer_alerts;
	d->state = a;
	find_now(d, a);
	reading_start(d);
}

static bool is_given(const struct request *r, const char *name)
{
	const struct param *p = param_last(r, name);

	return p && p->value.n;
}

void get_why(struct request *r)
{
	const struct param *notification = param_last(r, "notification");
	const struct param *silence = param_last(r, "silence");

	if (is_given(r, "alert") + is_given(r, "notification") + is_given(r, "silence") > 1)
		answer_bad(
			r, 400,
			"one thing is explained at a time: alert, notification or silence");
	else if (notification && notification->value.n)
		why_of_notification(r, arena_copy(r->mem, notification->value));
	else if (silence && silence->value.n)
		why_of_silence(r, arena_copy(r->mem, silence->value));
	else
		why_of_alerts(r);
}
