#include "base/base.h"
#include "receivers/compose.h"
#include "base/utf8.h"

/* A message that is too long for its service loses whole alerts, then the ends of its
 * annotations, then the annotations, and says so; only one that is too long even then is
 * cut within its text. */

/* -- less data ------------------------------------------------------------------------ */

static bool is_resolved(const struct notice_alert *a)
{
	return a->status[0] == 'r';
}

/* The first alerts, those that fire before the resolved ones; in their order in v. */
static size_t choose(const struct notice *all, size_t most, struct notice_alert *v)
{
	size_t n = 0, firing = 0, resolved;

	for (size_t i = 0; i < all->n_alerts; i++)
		firing += !is_resolved(&all->alerts[i]);
	firing = MIN(firing, most);
	resolved = most - firing;
	for (size_t i = 0; i < all->n_alerts; i++) {
		size_t *left = is_resolved(&all->alerts[i]) ? &resolved : &firing;

		if (!*left)
			continue;
		(*left)--;
		v[n++] = all->alerts[i];
	}
	return n;
}

static struct value cut_values(struct arena *mem, const struct value *kv, size_t most)
{
	struct value out = *kv;
	struct entry *v;

	if (!kv->type || !most)
		return value_kv(mem, &labels_none);
	v = ARENA_ARRAY(mem, struct entry, kv->map.n);
	for (size_t i = 0; i < kv->map.n; i++) {
		v[i] = kv->map.v[i];
		v[i].value.s = cut_chars(mem, v[i].value.s, most);
	}
	out.map.v = v;
	return out;
}

static void show(struct render *r, size_t most, size_t annotations)
{
	struct arena *mem = r->a->mem;
	struct notice *less = ARENA_NEW(mem, struct notice);
	struct notice_alert *v = ARENA_ARRAY(mem, struct notice_alert, r->notice.n_alerts);

	*less = r->notice;
	less->alerts = v;
	less->n_alerts = choose(&r->notice, most, v);
	r->n_left_out = r->notice.n_alerts - less->n_alerts;
	r->annotations = annotations;
	for (size_t i = 0; annotations != ALL && i < less->n_alerts; i++)
		v[i].annotations = cut_values(mem, &v[i].annotations, annotations);
	if (annotations != ALL)
		less->common_annotations = cut_values(mem, &less->common_annotations,
						      annotations);
	r->data = notice_value(mem, less);
}

/* Looks for the most alerts that fit, between none, which do, and one more than there are,
 * which do not. */
static bool find_most(struct render *r, size_t annotations,
		      bool (*fits)(struct render *, void *), void *arg)
{
	size_t good = 0, bad = r->notice.n_alerts + (annotations != ALL);

	while (bad - good > 1) {
		size_t middle = good + (bad - good) / 2;

		show(r, middle, annotations);
		if (fits(r, arg))
			good = middle;
		else
			bad = middle;
	}
	show(r, good, annotations);
	return good && fits(r, arg);
}

/* Has no character that means something to HTML or to a Markdown. */
const char *render_left_out(const struct render *r)
{
	const char *which = r->annotations == ALL ? ""
			    : r->annotations	  ? "annotations are shortened"
						  : "annotations are left out";

	if (!r->n_left_out)
		return arena_printf(r->a->mem, "… %s", which);
	return arena_printf(r->a->mem, "… %zu of %zu alerts shown%s%s",
			    r->notice.n_alerts - r->n_left_out, r->notice.n_alerts,
			    *which ? "; " : "", which);
}

bool render_less(struct render *r, bool (*fits)(struct render *, void *), void *arg)
{
	static const size_t annotations[] = {ALL, 400, 100, 0};

	for (size_t i = 0; i < COUNT_OF(annotations); i++) {
		if (!find_most(r, annotations[i], fits, arg))
			continue;
		r->a->shortened = render_left_out(r);
		return true;
	}
	render_all(r);
	r->a->shortened = "the text is cut";
	return false;
}

void render_all(struct render *r)
{
	r->data = notice_value(r->a->mem, &r->notice);
	r->n_left_out = 0;
	r->annotations = ALL;
}

/* -- messages ------------------------------------------------------------------------- */

struct
try {
	const char *field;
	const struct room *room;
	struct str (*render)(struct render *, const char *);
	struct str text;
};

static bool fits_in(struct str text, const struct room *room)
{
	return (room->bytes ? text.n : utf8_count(text)) <= room->n;
}

static bool try_less(struct render *r, void *arg)
{
	struct try *t = arg;

	t->text = t->render(r, t->field);
	if (!t->room->is_data)
		t->text = str_of(arena_printf(r->a->mem, "%.*s\n%s", FMT(t->text),
					      render_left_out(r)));
	return fits_in(t->text, t->room);
}

struct str render_within(struct render *r, const char *field, const struct room *room,
			 bool html)
{
	struct try t = {field, room, html ? render_html : render_message, STR("")};
	struct str whole = t.render(r, field);

	if (r->failed || fits_in(whole, room) || !r->a->env->leave_out_alerts)
		return whole;
	if (!render_less(r, try_less, &t))
		return html ? render_plain(r) : whole;
	render_all(r);
	return t.text;
}
