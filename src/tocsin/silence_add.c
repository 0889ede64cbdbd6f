#include "base/base.h"
#include "tocsin/commands.h"
#include "net/clock.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

const struct option_row silence_add_options[] = {
	{"author", 'a', OPTION_TEXT, "", "Who silences. Default: the user's name."},
	{"require-comment", 0, OPTION_FLAG, "true", "Refuse a silence without comment."},
	{"duration", 'd', OPTION_TEXT, "1h", "How long it lasts: 30m, 2h, 1d."},
	{"start", 0, OPTION_TEXT, "", "When it begins, RFC 3339. Default: now."},
	{"end", 0, OPTION_TEXT, "", "When it ends, RFC 3339; instead of --duration."},
	{"comment", 'c', OPTION_TEXT, "", "Why."},
	{"annotation", 0, OPTION_TEXTS, NULL, "key=value; may be repeated."},
	{0},
};

static const char *author(struct tool *t)
{
	const char *text = option_text(t, "author");
	const struct passwd *user;

	if (text[0])
		return text;
	user = getpwuid(getuid());
	return user ? arena_text(&t->mem, user->pw_name) : "";
}

static void add_matchers(struct buf *b, const struct matchers *m)
{
	for (size_t i = 0; i < m->n; i++) {
		enum match_op op = m->v[i].op;

		buf_add_text(b, i ? ",{\"name\":" : "{\"name\":");
		buf_add_json(b, str_of(m->v[i].name));
		buf_add_text(b, ",\"value\":");
		buf_add_json(b, str_of(m->v[i].value));
		buf_addf(b, ",\"isRegex\":%s,\"isEqual\":%s}",
			 op == MATCH_REGEX || op == MATCH_NOT_REGEX ? "true" : "false",
			 op == MATCH_EQUAL || op == MATCH_REGEX ? "true" : "false");
	}
}

static void add_annotations(struct buf *b, const struct label *v, size_t n)
{
	if (!n)
		return;
	buf_add_text(b, ",\"annotations\":{");
	for (size_t i = 0; i < n; i++) {
		if (i)
			buf_add_char(b, ',');
		buf_add_json(b, str_of(v[i].name));
		buf_add_char(b, ':');
		buf_add_json(b, str_of(v[i].value));
	}
	buf_add_char(b, '}');
}

int silence_add(struct tool *t)
{
	const struct option_value *notes = option(t, "annotation");
	struct instant start = instant_of_ms(clock_wall()), end = start;
	struct buf b = BUF(BUF_NO_LIMIT);
	struct label *annotations;
	struct matchers m;
	size_t n_annotations;
	const char *id;

	if (!t->args.n)
		return fail(t, "no matchers specified");
	if (!parse_matchers(t, &m) || !parse_instant(t, "start", &start) ||
	    !end_from_options(t, start, &end))
		return 1;
	if (instant_cmp(start, end) > 0)
		return fail(t, "silence cannot start after it ends");
	if (option_on(t, "require-comment") && !option_text(t, "comment")[0])
		return fail(t, "comment required by config");
	if (!parse_pairs(t, notes->texts.v, notes->texts.n, "annotations", &annotations,
			 &n_annotations))
		return 1;
	buf_add_text(&b, "{\"matchers\":[");
	add_matchers(&b, &m);
	buf_add_text(&b, "],\"startsAt\":\"");
	buf_add_instant_ms(&b, start);
	buf_add_text(&b, "\",\"endsAt\":\"");
	buf_add_instant_ms(&b, end);
	buf_add_text(&b, "\",\"createdBy\":");
	buf_add_json(&b, str_of(author(t)));
	buf_add_text(&b, ",\"comment\":");
	buf_add_json(&b, str_of(option_text(t, "comment")));
	add_annotations(&b, annotations, n_annotations);
	buf_add_char(&b, '}');
	id = post_silence(t, buf_str(&b));
	if (id)
		print_id(t, id);
	buf_free(&b);
	return id ? 0 : 1;
}
