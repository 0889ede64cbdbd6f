#include "base/base.h"
#include "base/plant.h"
#include "base/vec.h"
#include "engine/core.h"

#include <stdlib.h>
#include <string.h>

/* Alerts whose rule is not there: it is not loaded yet in this life, or was removed. They
 * are as their rows on the disk say. A rule of the same file, group, name and labels as
 * written takes them back when it comes.
 *
 * What a removed rule had announced is announced resolved two intervals later, unless
 * somebody says meanwhile that it fires, or it fires by then for another rule: the same one
 * under another group's or file's name, a copy of it, or one whose alert is the same as it
 * is relabelled. While the alert is pending there, its end waits as long as the removed
 * rule had promised that it fires. Its row goes when that is settled; in a new life the
 * intervals begin anew, since others have to be evaluated first.
 *
 * An alert of the router is a rule's when nobody promised there that it fires for longer
 * than that rule did (valid_until): another client's may have the same labels. */

#define MOST_LEAVING 100000 /* alerts; more are resolved at once */

struct left_file {
	char *path;
	struct map rules; /* left_rule by its key */
};
struct left_rule {
	struct arena mem; /* of all that it holds */
	struct left_file *file;
	const char *key;
	struct map alerts; /* left_alert by the fingerprint of its labels */
};
struct left_alert {
	struct rule_alert row;
	struct left_rule *rule;
	/* of a removed one: until it is settled */
	struct timer timer;
	bool is_leaving, is_dropped;
	uint64_t fingerprint; /* as the router knows it */
	uint64_t version;     /* of the router's alert, when the rule went */
	span_ms wait;
};
struct left_list {
	struct left_alert **v;
	size_t n, cap;
};

bool rule_alert_leaves(const struct rule_alert *row)
{
	return row->state != ALERT_INACTIVE && row->resolved_at;
}

/* -- the table ------------------------------------------------------------------------ */

static const char *rule_key(struct arena *mem, const char *file, const char *group,
			    const char *rule, const struct labels *labels)
{
	return arena_printf(mem, "%s;%s;%s;%016llx", file, group, rule,
			    (unsigned long long)labels->fingerprint);
}

/* Of its row on the disk. */
static const char *row_key(struct engine *e, const struct left_alert *a)
{
	return arena_printf(e->mem, "%s;%016llx", a->rule->key,
			    (unsigned long long)a->row.labels->fingerprint);
}

static struct left_file *file_for(struct engine *e, const char *path)
{
	struct left_file *f = map_find(&e->left, str_of(path));

	if (f)
		return f;
	f = mem_new(sizeof(*f));
	f->path = mem_text(path);
	map_put(&e->left, str_of(f->path), f);
	return f;
}

static struct left_rule *rule_for(struct engine *e, const struct rule_alert *row)
{
	const char *key = rule_key(e->mem, row->file, row->group, row->rule,
				   row->rule_labels);
	struct left_file *f = file_for(e, row->file);
	struct left_rule *r = map_find(&f->rules, str_of(key));

	if (r)
		return r;
	r = mem_new(sizeof(*r));
	r->file = f;
	r->key = arena_text(&r->mem, key);
	map_put(&f->rules, str_of(r->key), r);
	return r;
}

static struct left_alert *insert(struct engine *e, const struct rule_alert *row)
{
	struct left_rule *r = rule_for(e, row);
	struct left_alert *a = map_find(&r->alerts, map_key_u64(&row->labels->fingerprint));

	if (a) /* of a rule of the same name and labels */
		return a;
	a = ARENA_NEW(&r->mem, struct left_alert);
	*a = (struct left_alert){.rule = r, .row = *row};
	a->row.file = r->file->path;
	a->row.group = arena_text(&r->mem, row->group);
	a->row.rule = arena_text(&r->mem, row->rule);
	a->row.rule_labels = labels_copy(&r->mem, row->rule_labels);
	a->row.labels = labels_copy(&r->mem, row->labels);
	a->row.annotations = labels_copy(&r->mem, row->annotations);
	map_put(&r->alerts, map_key_u64(&a->row.labels->fingerprint), a);
	return a;
}

static void rule_free(void *p)
{
	struct left_rule *r = p;

	map_free(&r->alerts);
	arena_free(&r->mem);
	free(r);
}

static void file_free(void *p)
{
	struct left_file *f = p;

	map_free(&f->rules);
	free(f->path);
	free(f);
}

/* Actions of this step may point to what it holds. */
static void rule_end(struct engine *e, struct left_rule *r)
{
	struct left_file *f = r->file;

	map_del(&f->rules, str_of(r->key));
	bury(e, rule_free, r);
	if (f->rules.n)
		return;
	map_del(&e->left, str_of(f->path));
	bury(e, file_free, f);
}

static void stop_leaving(struct engine *e, struct left_alert *a)
{
	if (!a->is_leaving)
		return;
	a->is_leaving = false;
	timer_stop(e, &a->timer);
	if (map_find(&e->leaving, map_key_u64(&a->fingerprint)) == a)
		map_del(&e->leaving, map_key_u64(&a->fingerprint));
}

static void drop(struct engine *e, struct left_alert *a)
{
	struct left_rule *r = a->rule;

	act(e, ACTION_FORGET_RULE_ALERT)->key = row_key(e, a);
	stop_leaving(e, a);
	a->is_dropped = true;
	map_del(&r->alerts, map_key_u64(&a->row.labels->fingerprint));
	if (!r->alerts.n)
		rule_end(e, r);
}

static void save(struct engine *e, const struct left_alert *a)
{
	struct action *action = act(e, ACTION_SAVE_RULE_ALERT);

	action->key = row_key(e, a);
	action->rule_alert = &a->row;
}

static void gather_rules(struct engine *e, const struct left_file *f, struct left_list *out)
{
	const struct left_rule *r;
	struct left_alert *a;

	for (size_t at = 0; (r = map_next(&f->rules, &at));) {
		for (size_t i = 0; (a = map_next(&r->alerts, &i));)
			vec_push_in(e->mem, out, a);
	}
}

/* Of a file, or of all (NULL). The table may change while they are looked at: one that goes
 * takes the place of another, which is dropped and may come later in the list. */
static struct left_list gather(struct engine *e, const char *path)
{
	struct left_list list = {0};
	const struct left_file *f;

	for (size_t at = 0; !path && (f = map_next(&e->left, &at));)
		gather_rules(e, f, &list);
	f = path ? map_find(&e->left, str_of(path)) : NULL;
	if (f)
		gather_rules(e, f, &list);
	return list;
}

/* -- who else has it ------------------------------------------------------------------ */

/* With relabelling, alerts of any rules may be the same one in the router. Made once for
 * all that are due in a step: as the router knows them, alerts of rules by their state. */
struct outgoing {
	struct engine *engine;
	struct map alerts[ALERT_FIRING + 1]; /* of labels, in the step's arena */
};

static void outgoing_free(void *p)
{
	struct outgoing *o = p;

	o->engine->outgoing = NULL;
	for (size_t i = 0; i < COUNT_OF(o->alerts); i++)
		map_free(&o->alerts[i]);
	free(o);
}

static const struct outgoing *outgoing_of(struct engine *e)
{
	const struct active_alert *a;

	if (e->outgoing)
		return e->outgoing;
	e->outgoing = mem_new(sizeof(*e->outgoing));
	e->outgoing->engine = e;
	bury(e, outgoing_free, e->outgoing);
	for (size_t at = 0; (a = map_next(&e->active, &at));) {
		for (; a; a = a->next_alike) {
			const struct labels *sent = alerting_outgoing(e, a->labels);

			if (sent)
				map_put(&e->outgoing->alerts[a->state],
					map_key_u64(&sent->fingerprint),
					(void *)(uintptr_t)sent);
		}
	}
	return e->outgoing;
}

/* Whether another rule has the alert in that state. */
static bool is_elsewhere(struct engine *e, const struct left_alert *a,
			 const struct stored_alert *s, enum alert_state state)
{
	const struct active_alert *other;
	const struct labels *sent;

	if (e->config->alert_relabels.n) {
		sent = map_find(&outgoing_of(e)->alerts[state],
				map_key_u64(&s->fingerprint));
		return sent && labels_eq(sent, s->labels);
	}
	other = map_find(&e->active, map_key_u64(&a->row.labels->fingerprint));
	for (; other; other = other->next_alike) {
		sent = other->state == state ? alerting_outgoing(e, other->labels) : NULL;
		if (sent && labels_eq(sent, s->labels))
			return true;
	}
	return false;
}

/* -- rules that were removed ---------------------------------------------------------- */

static void resolve(struct engine *e, const struct left_alert *a,
		    const struct stored_alert *s)
{
	const struct labels *annotations = a->row.annotations;
	struct instant ends_at = instant_of_ms(a->row.resolved_at);
	struct alert_post post = {
		.labels = s->labels->v,
		.n_labels = s->labels->n,
		.annotations = annotations->v,
		.n_annotations = annotations->n,
		.starts_at = instant_cmp(s->starts_at, ends_at) < 0 ? s->starts_at
								    : ends_at,
		.ends_at = ends_at,
		.generator_url = s->content->generator_url,
	};

	changes_record(e);
	e->changes_for = RULE_REMOVED;
	alerts_post(e, &post, 1, NULL);
	changes_record(e);
}

static void due(struct engine *e, struct timer *t, wall_ms now)
{
	struct left_alert *a = CONTAINER_OF(t, struct left_alert, timer);
	const struct stored_alert *s = alert_find(e, a->fingerprint);
	bool is_untold = s && s->version == a->version;
	wall_ms ends_at = s ? instant_ms(s->ends_at) : 0;

	if (is_untold && now < ends_at && is_elsewhere(e, a, s, ALERT_PENDING)) {
		timer_set(e, &a->timer, MIN(now + a->wait, ends_at));
		return;
	}
	if (is_untold && !is_elsewhere(e, a, s, ALERT_FIRING))
		resolve(e, a, s);
	drop(e, a);
}

static span_ms wait_of(const struct rule_alert *row)
{
	span_ms interval = row->interval ? row->interval
					 : (row->valid_until - row->last_sent_at) / 4;

	return 2 * MAX(interval, 0);
}

wall_ms left_promise(const struct engine *e, uint64_t fingerprint)
{
	const struct left_alert *a = map_find(&e->leaving, map_key_u64(&fingerprint));

	return a ? a->row.valid_until : 0;
}

/* The alert as the router has it, if this rule promised that it fires, and nobody promised
 * more but one that went before. */
static const struct stored_alert *promised(struct engine *e, const struct rule_alert *row)
{
	const struct labels *labels = alerting_outgoing(e, row->labels);
	const struct stored_alert *s = labels ? alert_find(e, labels->fingerprint) : NULL;
	wall_ms until;

	if (!s || !row->valid_until)
		return NULL;
	until = MAX(row->valid_until, left_promise(e, s->fingerprint));
	return instant_ms(s->ends_at) <= until ? s : NULL;
}

/* The same, if that is firing still when the rule goes, and is not to be left to end by
 * itself. One that is pending may be, too: its "for" was made longer. */
static const struct stored_alert *announced(struct engine *e, const struct left_alert *a)
{
	const struct stored_alert *s = promised(e, &a->row);
	wall_ms gone_at = rule_alert_leaves(&a->row) ? a->row.resolved_at : e->now;

	if (e->options.leaves_removed || a->row.state == ALERT_INACTIVE ||
	    a->row.valid_until <= gone_at)
		return NULL;
	return s && instant_ms(s->ends_at) > gone_at ? s : NULL;
}

/* The last who goes is the one who says it. */
static void take_over(struct engine *e, struct left_alert *a, const struct stored_alert *s)
{
	struct left_alert *earlier = map_find(&e->leaving, map_key_u64(&s->fingerprint));

	if (earlier)
		drop(e, earlier);
	a->row.valid_until = MAX(a->row.valid_until, instant_ms(s->ends_at));
	a->fingerprint = s->fingerprint;
	a->version = s->version;
	map_put(&e->leaving, map_key_u64(&a->fingerprint), a);
}

/* s NULL: there is nothing to say. */
static void start_leaving(struct engine *e, struct left_alert *a,
			  const struct stored_alert *s)
{
	if (s)
		take_over(e, a, s);
	a->is_leaving = true;
	a->wait = wait_of(&a->row);
	a->timer.due = due;
	timer_set(e, &a->timer, e->leaving.n > MOST_LEAVING ? e->now : e->now + a->wait);
}

static void rule_went(struct engine *e, struct left_alert *a)
{
	const struct stored_alert *s;

	if (a->is_leaving || a->is_dropped)
		return;
	s = announced(e, a);
	if (!s) {
		drop(e, a);
		return;
	}
	start_leaving(e, a, s);
	a->row.resolved_at = e->now;
	if (PLANT(removed_is_forgotten))
		act(e, ACTION_FORGET_RULE_ALERT)->key = row_key(e, a);
	else
		save(e, a);
}

void left_add(struct engine *e, const struct rule_alert *row)
{
	rule_went(e, insert(e, row));
}

void left_file_known(struct engine *e, const char *path)
{
	struct left_list list = gather(e, path);

	for (size_t i = 0; i < list.n; i++) {
		if (announced(e, list.v[i]))
			rule_went(e, list.v[i]);
	}
}

/* -- a new life ----------------------------------------------------------------------- */

void left_restore(struct engine *e, const struct rule_alert *row)
{
	insert(e, row);
}

static span_ms length_of_promise(const struct engine *e, const struct rule_alert *row)
{
	if (row->interval)
		return MAX(4 * MAX(row->interval, e->options.resend_delay), MINUTE);
	return row->last_sent_at ? MAX(row->valid_until - row->last_sent_at, MINUTE)
				 : MINUTE;
}

static void extend(struct engine *e, struct rule_alert *row, bool is_its)
{
	const struct labels *labels = alerting_outgoing(e, row->labels);
	wall_ms until = e->now + length_of_promise(e, row);

	if (labels)
		alerts_extend(e, labels->fingerprint, until);
	if (is_its)
		row->valid_until = MAX(row->valid_until, until);
}

/* Its rule may be there again, and take it back even when its end was announced. The clock
 * may have been set back since it was removed. */
static void go_on_leaving(struct engine *e, struct left_alert *a, bool is_its)
{
	const struct stored_alert *s = is_its ? announced(e, a) : NULL;

	start_leaving(e, a, s);
	a->row.resolved_at = MIN(a->row.resolved_at, e->now);
	if (s)
		extend(e, &a->row, true);
}

static void go_on(struct engine *e, struct left_alert *a, bool is_its)
{
	if (a->is_leaving || a->is_dropped)
		return;
	if (rule_alert_leaves(&a->row))
		go_on_leaving(e, a, is_its);
	else if (a->row.state == ALERT_FIRING)
		extend(e, &a->row, is_its);
}

/* Whose alerts are whose is looked at before any is extended. */
void left_config(struct engine *e)
{
	struct left_list list = gather(e, NULL);
	bool *is_its = ARENA_ARRAY(e->mem, bool, list.n);

	for (size_t i = 0; i < list.n; i++)
		is_its[i] = promised(e, &list.v[i]->row);
	for (size_t i = 0; i < list.n; i++)
		go_on(e, list.v[i], is_its[i]);
}

void left_give_back(struct engine *e, struct rulegroup *g, struct rule_state *r)
{
	struct left_file *f = map_find(&e->left, str_of(g->config->file));
	struct left_rule *of = NULL;
	struct left_alert *a;

	if (f)
		of = map_find(&f->rules, str_of(rule_key(e->mem, f->path, g->config->name,
							 r->rule->alert, r->labels)));
	if (!of)
		return;
	for (size_t at = 0; (a = map_next(&of->alerts, &at));) {
		alerting_take_back(e, r, &a->row);
		stop_leaving(e, a);
	}
	rule_end(e, of);
}

void left_forget(struct engine *e)
{
	struct left_list list = gather(e, NULL);

	for (size_t i = 0; i < list.n; i++) {
		if (!list.v[i]->is_leaving)
			drop(e, list.v[i]);
	}
}

void left_save_all(struct engine *e)
{
	struct left_list list = gather(e, NULL);

	for (size_t i = 0; i < list.n; i++)
		save(e, list.v[i]);
}

static void move(wall_ms *at, span_ms jump)
{
	if (*at)
		*at += jump;
}

/* So does its end in the router, which the rule cannot put off any more. */
static void move_end(struct engine *e, const struct left_alert *a, span_ms jump)
{
	const struct stored_alert *s = alert_find(e, a->fingerprint);

	if (a->is_leaving && s && s->version == a->version)
		alerts_extend(e, s->fingerprint, instant_ms(s->ends_at) + jump);
}

void left_move(struct engine *e, span_ms jump)
{
	struct left_list list = gather(e, NULL);

	for (size_t i = 0; i < list.n; i++) {
		struct rule_alert *row = &list.v[i]->row;

		move(&row->active_at, jump);
		move(&row->fired_at, jump);
		move(&row->resolved_at, jump);
		move(&row->last_sent_at, jump);
		move(&row->valid_until, MAX(jump, 0)); /* ends are not put back */
		move(&row->keep_firing_since, jump);
		move_end(e, list.v[i], jump);
		save(e, list.v[i]); /* else a restart would take old times for new ones */
	}
}

size_t left_memory(const struct engine *e)
{
	size_t sum = map_memory(&e->left) + map_memory(&e->leaving);
	const struct left_file *f;
	const struct left_rule *r;

	for (size_t at = 0; (f = map_next(&e->left, &at));) {
		sum += map_memory(&f->rules);
		for (size_t i = 0; (r = map_next(&f->rules, &i));)
			sum += arena_size(&r->mem) + map_memory(&r->alerts);
	}
	return sum;
}

void left_free(struct engine *e)
{
	struct left_alert *a;
	struct left_rule *r;
	struct left_file *f;

	for (size_t at = 0; (f = map_next(&e->left, &at));) {
		for (size_t i = 0; (r = map_next(&f->rules, &i));) {
			for (size_t k = 0; (a = map_next(&r->alerts, &k));)
				stop_leaving(e, a);
			rule_free(r);
		}
		file_free(f);
	}
	map_free(&e->left);
	map_free(&e->leaving);
}
