#include "base/base.h"
#include "engine/core.h"
#include "base/utf8.h"

#include <stdlib.h>
#include <string.h>

/* -- a stored alert ------------------------------------------------------------------- */

struct alert stored_alert_view(const struct stored_alert *s)
{
	return (struct alert){
		.labels = s->labels,
		.annotations = s->content->annotations,
		.generator_url = s->content->generator_url,
		.starts_at = s->starts_at,
		.ends_at = s->ends_at,
		.updated_at = instant_of_ms(s->updated_at),
		.timeout = s->timeout,
		.came_at = s->came_at,
	};
}

bool stored_alert_is_resolved(const struct stored_alert *s, struct instant now)
{
	return !instant_is_zero(s->ends_at) && instant_cmp(s->ends_at, now) <= 0;
}

struct stored_alert *stored_alert_ref(struct stored_alert *s)
{
	s->refs++;
	return s;
}

void stored_alert_unref(struct engine *e, struct stored_alert *s)
{
	ASSERT(s->refs);
	if (--s->refs)
		return;
	kept_release(e, s->labels);
	content_unref(e, s->content);
	bury(e, free, s);
}

static struct content *content_new(struct engine *e, const struct labels *annotations,
				   const char *generator_url)
{
	struct kept k = keep(e, annotations);
	struct content *c = mem_new(sizeof(*c) + k.set_size + k.texts_size);
	char *behind = (char *)(c + 1);

	c->refs = 1;
	c->annotations = kept_copy(behind, behind + k.set_size, &k);
	c->generator_url = share_text(e, generator_url);
	return c;
}

struct content *content_ref(struct content *c)
{
	c->refs++;
	return c;
}

void content_unref(struct engine *e, struct content *c)
{
	ASSERT(c->refs);
	if (--c->refs)
		return;
	unshare_text(e, c->generator_url);
	kept_release(e, c->annotations);
	bury(e, free, c);
}

struct stored_alert *alert_find(const struct engine *e, uint64_t fingerprint)
{
	return map_find(&e->alerts, map_key_u64(&fingerprint));
}

/* -- how many there are of a name ----------------------------------------------------- */

struct named {
	char *name;
	size_t n, firing; /* the latter as of counted_at, and those that came since */
	wall_ms counted_at;
};

static struct named *named_find(const struct engine *e, const struct labels *labels)
{
	return map_find(&e->named, str_of(labels_get(labels, "alertname")));
}

static void named_add(struct engine *e, const struct labels *labels)
{
	struct named *c;

	if (!e->options.per_alertname)
		return;
	c = named_find(e, labels);
	if (!c) {
		c = mem_new(sizeof(*c));
		c->name = mem_text(labels_get(labels, "alertname"));
		c->counted_at = NEVER;
		map_put(&e->named, str_of(c->name), c);
	}
	c->n++;
	c->firing++;
}

static void named_free(struct named *c)
{
	free(c->name);
	free(c);
}

static void named_drop(struct engine *e, const struct labels *labels)
{
	struct named *c = named_find(e, labels);

	if (!c || --c->n)
		return;
	map_del(&e->named, str_of(c->name));
	named_free(c);
}

/* Looks at all alerts, once for all that are posted together. */
static void count_firing(struct engine *e, struct named *c)
{
	struct instant now = instant_of_ms(e->now);
	struct stored_alert *s;

	if (c->counted_at == e->now)
		return;
	c->counted_at = e->now;
	c->firing = 0;
	for (size_t at = 0; (s = map_next(&e->alerts, &at));) {
		if (!strcmp(labels_get(s->labels, "alertname"), c->name) &&
		    !stored_alert_is_resolved(s, now))
			c->firing++;
	}
}

/* One of them ended, or fires again. */
static void named_turned(struct engine *e, const struct labels *labels)
{
	struct named *c = named_find(e, labels);

	if (c)
		c->counted_at = NEVER;
}

/* -- taking one in, changing it ------------------------------------------------------- */

static struct stored_alert *insert(struct engine *e, const struct alert *a)
{
	struct kept k = keep(e, a->labels);
	size_t texts = (k.texts_size + sizeof(void *) - 1) & ~(sizeof(void *) - 1);
	struct stored_alert *s = mem_new(sizeof(*s) + texts + k.set_size);
	char *behind = (char *)(s + 1);

	s->labels = kept_copy(behind + texts, behind, &k);
	s->content = content_new(e, a->annotations, a->generator_url);
	s->fingerprint = a->labels->fingerprint;
	s->refs = 1;
	map_put(&e->alerts, map_key_u64(&s->fingerprint), s);
	named_add(e, s->labels);
	return s;
}

static void take_content(struct engine *e, struct stored_alert *s, const struct alert *a)
{
	if (!labels_eq(s->content->annotations, a->annotations) ||
	    strcmp(s->content->generator_url, a->generator_url)) {
		struct content *old = s->content;

		s->content = content_new(e, a->annotations, a->generator_url);
		content_unref(e, old);
	}
	s->starts_at = a->starts_at;
	s->ends_at = a->ends_at;
	s->updated_at = instant_ms(a->updated_at);
	s->timeout = a->timeout;
	s->came_at = a->came_at;
	s->version++;
}

/* -- what reaches the disk ------------------------------------------------------------
 * A firing alert is posted again and again with a later end. Its row is written when it
 * says something new, and otherwise once half of the time that the row promises is used
 * up, so that a restart finds ends that still lie ahead. */

static bool wants_saving(const struct stored_alert *s, bool news, wall_ms now)
{
	if (news || !s->saved_at)
		return true;
	if (instant_ms(s->ends_at) < s->saved_ends_at)
		return true;
	if (now < s->saved_at)
		return true; /* somebody set the clock back */
	return now - s->saved_at >= (s->saved_ends_at - s->saved_at) / 2;
}

static void save_now(struct engine *e, struct stored_alert *s)
{
	struct alert *view = ARENA_NEW(e->mem, struct alert);
	struct action *a = act(e, ACTION_SAVE_ALERT);

	*view = stored_alert_view(s);
	a->alert = view;
	a->is_known = s->saved_at;
	s->saved_at = e->now;
	s->saved_ends_at = instant_ms(s->ends_at);
}

static void save(struct engine *e, struct stored_alert *s, bool news)
{
	if (wants_saving(s, news, e->now))
		save_now(e, s);
}

void alerts_save_all(struct engine *e)
{
	struct stored_alert *s;

	for (size_t at = 0; (s = map_next(&e->alerts, &at));)
		save_now(e, s);
}

/* -- routing -------------------------------------------------------------------------- */

struct found_routes {
	const struct route **v;
	size_t n, cap;
};

/* Depth first; whether anything below (or this itself) took the labels. */
static bool walk(const struct route *r, const struct labels *labels,
		 struct found_routes *out)
{
	bool taken = false;

	if (!matchers_hold(&r->matchers, labels))
		return false;
	for (size_t i = 0; i < r->n_kids; i++) {
		if (!walk(r->kids[i], labels, out))
			continue;
		taken = true;
		if (!r->kids[i]->goes_on)
			break;
	}
	if (!taken)
		vec_push(out, r);
	return true;
}

/* Alerts that go the same ways share the list of them. */
static const struct route_list *shared_list(struct engine *e, const struct found_routes *f)
{
	struct str key = {(const char *)f->v, f->n * sizeof(*f->v)};
	struct route_list *list = map_find(&e->route_lists, key);

	if (list)
		return list;
	list = mem_new(sizeof(*list) + key.n);
	list->n = f->n;
	memcpy(list->v, f->v, key.n);
	map_put(&e->route_lists, (struct str){(const char *)list->v, key.n}, list);
	return list;
}

static void find_routes(struct engine *e, struct stored_alert *s)
{
	struct found_routes found = {0};

	if (s->routed_in == e->generation)
		return;
	walk(e->config->root, s->labels, &found);
	s->routes = shared_list(e, &found);
	s->routed_in = e->generation;
	free(found.v);
}

static void dispatch(struct engine *e, struct stored_alert *s)
{
	if (!e->config || !e->config->root)
		return;
	find_routes(e, s);
	for (size_t i = 0; i < s->routes->n; i++)
		groups_add(e, s->routes->v[i], s);
}

static void route_lists_free(struct engine *e)
{
	struct route_list *list;

	for (size_t at = 0; (list = map_next(&e->route_lists, &at));)
		free(list);
	map_free(&e->route_lists);
}

void alerts_reroute(struct engine *e)
{
	struct stored_alert *s;

	route_lists_free(e);
	for (size_t at = 0; (s = map_next(&e->alerts, &at));)
		dispatch(e, s);
}

/* -- intake (spec/routing.md 2) ------------------------------------------------------- */

static bool check_pairs(const struct label *pairs, size_t n, enum name_scheme names,
			bool is_label, const char *what, struct err *err)
{
	for (size_t i = 0; i < n; i++) {
		if (is_label && !pairs[i].value[0])
			continue;
		if (!is_label_name(str_of(pairs[i].name), names))
			return err_set(err, NOWHERE, "invalid %s: invalid name \"%s\"",
				       what, pairs[i].name);
		if (!utf8_valid(str_of(pairs[i].value)))
			return err_set(err, NOWHERE, "invalid %s: invalid value \"%s\"",
				       what, pairs[i].value);
	}
	return true;
}

static size_t bytes_of(const struct label *pairs, size_t n)
{
	size_t bytes = 0;

	for (size_t i = 0; i < n; i++)
		bytes += strlen(pairs[i].name) + strlen(pairs[i].value);
	return bytes;
}

static bool has_few(const struct engine *e, size_t n, const char *what, struct err *err)
{
	size_t most = e->options.max_labels;

	if (!most || n <= most)
		return true;
	return err_set(err, NOWHERE, "%zu %s, at most %zu are allowed", n, what, most);
}

static bool fits(const struct engine *e, const struct alert_post *p, struct err *err)
{
	size_t most = e->options.max_alert_bytes;
	size_t n = bytes_of(p->labels, p->n_labels) +
		   bytes_of(p->annotations, p->n_annotations) +
		   (p->generator_url ? strlen(p->generator_url) : 0);

	if (most && n > most)
		return err_set(err, NOWHERE,
			       "labels, annotations and URL of %zu bytes, at most %zu are "
			       "allowed",
			       n, most);
	return has_few(e, p->n_labels, "labels", err) &&
	       has_few(e, p->n_annotations, "annotations", err);
}

static bool check(const struct engine *e, const struct alert_post *p, const struct alert *a,
		  struct err *err)
{
	enum name_scheme names = matcher_names(e->options.matchers);

	if (instant_cmp(a->ends_at, a->starts_at) < 0)
		return err_set(err, NOWHERE, "start time must be before end time");
	if (!a->labels->n)
		return err_set(err, NOWHERE, "at least one label pair required");
	return check_pairs(p->labels, p->n_labels, names, true, "label set", err) &&
	       check_pairs(p->annotations, p->n_annotations, names, false, "annotations",
			   err);
}

static void fill_times(const struct engine *e, struct alert *a)
{
	struct instant now = instant_of_ms(e->now);
	span_ms timeout = e->config ? e->config->global.resolve_timeout : 5 * MINUTE;

	a->updated_at = now;
	if (instant_is_zero(a->starts_at))
		a->starts_at = instant_is_zero(a->ends_at) ? now : a->ends_at;
	if (instant_is_zero(a->ends_at)) {
		a->timeout = true;
		a->ends_at = instant_add_ms(now, timeout);
	}
}

/* Whether another alert of this name may come in (spec/routing.md 2.2). */
static bool has_room(struct engine *e, const struct alert *a)
{
	size_t most = e->options.per_alertname;
	struct named *c = most ? named_find(e, a->labels) : NULL;

	if (e->alerts.n >= e->options.max_alerts)
		return false;
	if (!c || c->n < most)
		return true;
	count_firing(e, c);
	return c->firing < most;
}

/* In the journal, those of a flood that come first. */
static void record_drop(struct engine *e, const struct labels *labels, const char *error)
{
	struct record_alert *a;
	struct record *r;

	if (e->now < e->drops_since || e->now - e->drops_since >= MINUTE) {
		e->drops_since = e->now;
		e->n_drops = 0;
	}
	if (!e->out || ++e->n_drops > RECORD_MOST_DROPPED)
		return;
	a = ARENA_NEW(e->mem, struct record_alert);
	*a = (struct record_alert){.change = CHANGE_DROPPED,
				   .fingerprint = labels->fingerprint,
				   .labels = labels};
	r = act_record(e, RECORD_ALERTS, REASON_NONE);
	r->alerts = a;
	r->n_alerts = 1;
	r->error = arena_text(e->mem, error);
	r->from = e->from;
	r->by = e->by;
}

static const char *ceiling_text(const struct engine *e)
{
	if (e->alerts.n >= e->options.max_alerts)
		return arena_printf(e->mem,
				    "there are %zu alerts, as many as "
				    "--alerts.max-alerts allows",
				    e->alerts.n);
	return arena_printf(e->mem,
			    "of its name %zu fire, as many as "
			    "--alerts.per-alertname-limit allows",
			    e->options.per_alertname);
}

/* A flood of them is counted one by one, and said once a minute. */
static void drop(struct engine *e, const struct labels *labels)
{
	const char *alertname = labels_get(labels, "alertname");

	counters_limited(e, alertname);
	record_drop(e, labels, ceiling_text(e));
	if (e->drop_noted_at && e->now >= e->drop_noted_at &&
	    e->now - e->drop_noted_at < MINUTE)
		return;
	e->drop_noted_at = e->now;
	act_note(e, true, "alerts", "alerts are dropped: a ceiling on alerts is reached",
		 alertname, NULL);
}

/* -- what changed, for the journal ---------------------------------------------------- */

void changes_record(struct engine *e)
{
	struct record_alert *v;
	struct record *r;
	enum reason reason = e->changes_for;
	size_t n = e->changes.n;

	e->changes_for = REASON_NONE;
	if (!n)
		return;
	e->changes.n = 0;
	if (!e->out)
		return;
	v = ARENA_ARRAY(e->mem, struct record_alert, n);
	memcpy(v, e->changes.v, n * sizeof(*v));
	r = act_record(e, RECORD_ALERTS, reason);
	r->alerts = v;
	r->n_alerts = n;
	r->from = e->from;
	r->by = e->by;
}

static void note_change(struct engine *e, struct stored_alert *s, enum alert_change change)
{
	s->end_noted = change == CHANGE_RESOLVED;
	vec_push(
		&e->changes,
		(struct record_alert){
			.change = change,
			.fingerprint = s->fingerprint,
			.labels = s->labels,
			.starts_at = instant_ms(s->starts_at),
			.ends_at = instant_is_zero(s->ends_at) ? 0 : instant_ms(s->ends_at),
		});
	if (e->changes.n == RECORD_MOST_ALERTS)
		changes_record(e);
}

/* False: it is in the state it was in. */
static bool note_state(struct engine *e, struct stored_alert *s, bool was_there,
		       bool was_resolved)
{
	bool resolved = stored_alert_is_resolved(s, instant_of_ms(e->now));

	if (was_there && was_resolved == resolved)
		return false;
	s->turns++;
	if (was_there)
		named_turned(e, s->labels);
	note_change(e, s,
		    resolved	? CHANGE_RESOLVED
		    : was_there ? CHANGE_FIRING
				: CHANGE_NEW);
	return true;
}

void alert_ended(struct engine *e, struct stored_alert *s)
{
	if (!s->end_noted)
		note_change(e, s, CHANGE_RESOLVED);
}

/* Whether it began, fired again or ended. */
static bool store(struct engine *e, const struct alert *posted)
{
	struct instant now = instant_of_ms(e->now);
	struct stored_alert *s = alert_find(e, posted->labels->fingerprint);
	bool was_there = s != NULL, was_resolved = s && stored_alert_is_resolved(s, now);
	struct alert before, young = *posted, merged = *posted;
	bool news = !was_there, turned;

	if (!s && !has_room(e, posted)) {
		drop(e, posted->labels);
		return false;
	}
	if (s) {
		before = stored_alert_view(s);
		/* whoever comes is the news, even when the clock was set back meanwhile */
		if (instant_cmp(young.updated_at, before.updated_at) < 0)
			young.updated_at = before.updated_at;
		merged = alert_merge(&before, &young, now);
		news = instant_cmp(before.starts_at, merged.starts_at) != 0 ||
		       !labels_eq(before.annotations, merged.annotations) ||
		       was_resolved != alert_is_resolved(&merged, now);
		if (was_resolved == alert_is_resolved(&merged, now)) {
			merged.came_at = before.came_at;
		} else {
			merged.came_at = e->now;
			s->came_before = false;
		}
	} else {
		merged.came_at = e->now;
		s = insert(e, posted);
	}
	take_content(e, s, &merged);
	e->counters.alerts_stored++;
	turned = note_state(e, s, was_there, was_resolved);
	save(e, s, news);
	inhibitor_saw(e, s);
	dispatch(e, s);
	return turned;
}

static void refuse(struct engine *e, struct answer *answer, const struct err *err)
{
	e->counters.alerts_invalid++;
	if (!answer)
		return;
	answer->ok = false;
	if (answer->text.n)
		buf_add_char(&answer->text, '\n');
	buf_add_text(&answer->text, err->text);
}

#define LARGEST_RECORDED 16384 /* bytes of labels */

static void record_too_large(struct engine *e, const struct alert_post *p,
			     const char *error)
{
	enum name_scheme names = matcher_names(e->options.matchers);
	const struct labels *labels;
	struct err err;

	if (bytes_of(p->labels, p->n_labels) > LARGEST_RECORDED ||
	    !check_pairs(p->labels, p->n_labels, names, true, "label set", &err))
		return;
	labels = labels_borrow(e->mem, p->labels, p->n_labels, &err);
	if (labels && labels->n)
		record_drop(e, labels, error);
}

static void post_one(struct engine *e, const struct alert_post *p, struct answer *answer)
{
	struct alert a = {.generator_url = p->generator_url ? p->generator_url : "",
			  .starts_at = p->starts_at,
			  .ends_at = p->ends_at};
	struct err err;

	fill_times(e, &a);
	if (alert_is_resolved(&a, instant_of_ms(e->now)))
		e->counters.alerts_resolved++;
	else
		e->counters.alerts_firing++;
	/* What a rule makes has the ceilings of its backend and its templates. */
	if (answer && !fits(e, p, &err)) {
		e->counters.alerts_too_large++;
		refuse(e, answer, &err);
		record_too_large(e, p, err.text);
		return;
	}
	a.labels = labels_borrow(e->mem, p->labels, p->n_labels, &err);
	a.annotations = a.labels ? labels_borrow_raw(e->mem, p->annotations,
						     p->n_annotations, &err)
				 : NULL;
	if (!a.annotations || !check(e, p, &a, &err)) {
		refuse(e, answer, &err);
		return;
	}
	if (store(e, &a) && answer)
		answer->has_news = true;
}

void alerts_post(struct engine *e, const struct alert_post *posts, size_t n,
		 struct answer *answer)
{
	if (answer)
		answer->ok = true;
	for (size_t i = 0; i < n; i++)
		post_one(e, &posts[i], answer);
}

void alerts_restore(struct engine *e, const struct alert *a)
{
	struct stored_alert *s;

	if (alert_find(e, a->labels->fingerprint))
		return;
	s = insert(e, a);
	take_content(e, s, a);
	s->saved_at = instant_ms(a->updated_at);
	s->saved_ends_at = instant_ms(a->ends_at);
	s->came_before = true;
	s->end_noted = !instant_is_zero(a->ends_at) &&
		       instant_cmp(a->ends_at, a->updated_at) <= 0;
}

/* A rule's alert that fired when we ended still does until its rule says otherwise: its end
 * in the table is only a promise to renew it, which nobody could keep meanwhile. */
void alerts_extend(struct engine *e, uint64_t fingerprint, wall_ms until)
{
	struct stored_alert *s = alert_find(e, fingerprint);

	if (s && instant_cmp(s->ends_at, instant_of_ms(until)) < 0)
		s->ends_at = instant_of_ms(until);
}

/* The wall clock was set. What was over stays over when it was set back to when it was not;
 * whoever posted no end was given one by our clock, which moves along. */
static bool move(struct engine *e, struct stored_alert *s, span_ms jump)
{
	struct instant now = instant_of_ms(e->now);

	if (!stored_alert_is_resolved(s, instant_of_ms(e->now - jump))) {
		if (s->timeout)
			s->ends_at = instant_add_ms(s->ends_at, jump);
		return s->timeout;
	}
	if (stored_alert_is_resolved(s, now))
		return false;
	if (instant_cmp(s->starts_at, now) > 0)
		s->starts_at = now;
	s->ends_at = now;
	return true;
}

void alerts_move(struct engine *e, span_ms jump)
{
	struct stored_alert *s;

	for (size_t at = 0; (s = map_next(&e->alerts, &at));) {
		s->came_at += s->came_at ? jump : 0;
		if (!move(e, s, jump))
			continue;
		save(e, s, true);
	}
}

/* -- leaving -------------------------------------------------------------------------- */

/* Resolved alerts leave the table once no group has something to say about them
 * (spec/routing.md 2.3). */
void alerts_collect(struct engine *e, struct timer *t, wall_ms now)
{
	struct stored_alert *s;

	for (size_t at = 0; (s = map_next(&e->alerts, &at));) {
		if (s->members || !stored_alert_is_resolved(s, instant_of_ms(now)))
			continue;
		map_del(&e->alerts, map_key_u64(&s->fingerprint));
		named_drop(e, s->labels);
		act(e, ACTION_FORGET_ALERT)->fingerprint = s->fingerprint;
		stored_alert_unref(e, s);
	}
	timer_set(e, t, now + e->options.alert_gc);
}

void alerts_free(struct engine *e)
{
	struct stored_alert *s;
	struct named *c;

	for (size_t at = 0; (s = map_next(&e->alerts, &at));)
		stored_alert_unref(e, s);
	map_free(&e->alerts);
	for (size_t at = 0; (c = map_next(&e->named, &at));)
		named_free(c);
	map_free(&e->named);
	route_lists_free(e);
}
