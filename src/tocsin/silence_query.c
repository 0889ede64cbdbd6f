#include "base/base.h"
#include "tocsin/commands.h"
#include "base/url.h"
#include "net/clock.h"

#include <stdio.h>
#include <string.h>

const struct option_row silence_query_options[] = {
	{"expired", 0, OPTION_FLAG, NULL, "Show expired silences instead of current ones."},
	{"within", 0, OPTION_TEXT, "", "Ending within this time; with --expired: ended."},
	{"created-by", 0, OPTION_TEXT, "", "Only of this author."},
	{"id", 0, OPTION_TEXT, "", "Only this one."},
	{"quiet", 'q', OPTION_FLAG, NULL, "Print ids only."},
	{0},
};

static bool is_wanted(struct tool *t, const json_t *s, struct instant now, int64_t within)
{
	struct instant end = json_time(s, "endsAt");
	const char *by = option_text(t, "created-by"), *id = option_text(t, "id");

	if (option_on(t, "expired")) {
		if (instant_cmp(end, now) > 0)
			return false;
		if (within && instant_cmp(end, instant_add_ns(now, -within)) < 0)
			return false;
	} else {
		if (instant_cmp(end, now) < 0)
			return false;
		if (within && instant_cmp(end, instant_add_ns(now, within)) > 0)
			return false;
	}
	return (!by[0] || !strcmp(by, json_text(s, "createdBy"))) &&
	       (!id[0] || !strcmp(id, json_text(s, "id")));
}

static const char *query_path(struct tool *t)
{
	struct buf b = BUF(1024 * 1024);
	size_t n;
	const char **filters = matcher_args(t, &n), *path;

	buf_add_text(&b, "/api/v2/silences");
	for (size_t i = 0; i < n; i++) {
		buf_add_text(&b, i ? "&filter=" : "?filter=");
		buf_add_query_escaped(&b, str_of(filters[i]));
	}
	path = buf_keep(&b, &t->mem).p;
	buf_free(&b);
	return path;
}

int silence_query(struct tool *t)
{
	const char *within_text = option_text(t, "within");
	struct instant now = instant_of_ms(clock_wall());
	int64_t within = 0;
	json_t *all, *some;

	if (within_text[0] && !go_duration_parse(str_of(within_text), &within))
		return fail(t, "time: invalid duration \"%s\"", within_text);
	all = request_json(t, "GET", query_path(t), "getSilences", STR(""));
	if (!all)
		return 1;
	some = json_array();
	for (size_t i = 0; i < json_array_size(all); i++) {
		if (is_wanted(t, json_array_get(all, i), now, within))
			json_array_append(some, json_array_get(all, i));
	}
	if (option_on(t, "quiet"))
		print_ids(t, some);
	else
		print_silences(t, some);
	json_decref(some);
	json_decref(all);
	return 0;
}
