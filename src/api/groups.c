#include "base/base.h"
#include "api/alert_list.h"

#include <stdlib.h>
#include <string.h>

/* GET /api/v2/alerts/groups (spec/api.md 3.5). */

/* An answer on its way; a group, and an alert, that goes meanwhile is left out. */
struct group_list {
	struct request *r;
	struct filter filter;
	struct str *ids;
	size_t n, at, shown;
	/* the group being written */
	bool inside;
	struct arena mem;
	uint64_t *alerts;
	size_t n_alerts, alerts_at, alerts_shown;
	const char *tail;   /* what follows its alerts */
	struct arena piece; /* of one alert */
};

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void add_one(struct group_list *list, const struct alert_view *v, struct buf *b)
{
	const char **names = ARENA_ARRAY(&list->piece, const char *, v->n_receivers);
	size_t n = 0;

	for (size_t i = 0; i < v->n_receivers; i++) {
		if (filter_takes_receiver(&list->filter, v->receivers[i]))
			names[n++] = v->receivers[i]->name;
	}
	if (n)
		qsort(names, n, sizeof(*names), by_text);
	if (list->alerts_shown++)
		buf_add_char(b, ',');
	else
		buf_add_text(b, list->shown++ ? ",{\"alerts\":[" : "{\"alerts\":[");
	buf_add_alert(b, v, names, n);
}

static void add_alerts(struct group_list *list, const struct group_view *g, struct buf *b)
{
	struct alert_view v;

	for (; list->alerts_at < list->n_alerts && b->n < STREAM_PIECE; list->alerts_at++) {
		if (look_at_alert(list->r, &list->piece, list->alerts[list->alerts_at],
				  &v) &&
		    matchers_hold(&list->filter.labels, v.alert.labels)) {
			v.muted_by = g->muted_by;
			v.n_muted_by = g->n_muted_by;
			if (g->n_muted_by)
				v.state = MEMBER_SUPPRESSED;
			if (filter_takes_alert(&list->filter, &v))
				add_one(list, &v, b);
		}
		arena_reset(&list->piece);
	}
}

static const char *tail_of(struct group_list *list, const struct group_view *g)
{
	const struct api_host *host = &list->r->api->options.host;
	struct buf b = BUF(BUF_NO_LIMIT);
	const char *tail;

	buf_add_text(&b, "],\"labels\":");
	buf_add_labels_json(&b, g->labels);
	buf_add_text(&b, ",\"receiver\":{\"name\":");
	buf_add_json(&b, str_of(g->receiver->name));
	buf_add_char(&b, '}');
	if (host->route_labels) {
		buf_add_text(&b, ",\"routeLabels\":");
		buf_add_labels_json(&b, host->route_labels(host->ctx, g, &list->mem));
	}
	buf_add_char(&b, '}');
	tail = arena_copy(&list->mem, buf_str(&b));
	buf_free(&b);
	return tail;
}

static void enter(struct group_list *list, const struct group_view *g)
{
	const struct api_host *host = &list->r->api->options.host;

	arena_reset(&list->mem);
	list->alerts = view_group_alerts(host->engine(host->ctx), host->now(host->ctx),
					 g->id, &list->filter.labels, &list->mem,
					 &list->n_alerts);
	list->alerts_at = list->alerts_shown = 0;
	list->tail = tail_of(list, g);
	list->inside = true;
}

static void leave(struct group_list *list, struct buf *b)
{
	if (list->alerts_shown)
		buf_add_text(b, list->tail);
	list->inside = false;
	list->at++;
}

static bool more_groups(void *arg, struct buf *b)
{
	struct group_list *list = arg;
	const struct api_host *host = &list->r->api->options.host;
	struct group_view g;

	if (!list->at && !list->inside)
		buf_add_char(b, '[');
	while (list->at < list->n && b->n < STREAM_PIECE) {
		if (!view_group(host->engine(host->ctx), list->ids[list->at], &g)) {
			leave(list, b);
			continue;
		}
		if (!list->inside)
			enter(list, &g);
		add_alerts(list, &g, b);
		if (list->alerts_at == list->n_alerts)
			leave(list, b);
	}
	if (list->at < list->n)
		return true;
	buf_add_text(b, "]\n");
	return false;
}

static void groups_ended(void *arg)
{
	struct group_list *list = arg;

	arena_free(&list->mem);
	arena_free(&list->piece);
}

static int by_labels_and_receiver(const void *a, const void *b)
{
	const struct group_view *x = a, *y = b;
	int order = labels_cmp(x->labels, y->labels);

	return order ? order : strcmp(x->receiver->name, y->receiver->name);
}

static void choose(struct group_list *list)
{
	const struct api_host *host = &list->r->api->options.host;
	struct arena mem = {0};
	struct group_view *v;
	size_t n;

	v = view_groups(host->engine(host->ctx), &mem, &n);
	if (n)
		qsort(v, n, sizeof(*v), by_labels_and_receiver);
	list->ids = ARENA_ARRAY(list->r->mem, struct str, n);
	for (size_t i = 0; i < n; i++) {
		if (filter_takes_receiver(&list->filter, v[i].receiver) &&
		    (list->filter.muted || !v[i].n_muted_by))
			list->ids[list->n++] = arena_str(list->r->mem, v[i].id);
	}
	arena_free(&mem);
}

void get_groups(struct request *r)
{
	struct group_list *list = ARENA_NEW(r->mem, struct group_list);

	list->r = r;
	if (!filter_parse(r, &list->filter))
		return;
	choose(list);
	answer_json_stream(r, &(struct stream){list, more_groups, groups_ended});
}
