#include "base/base.h"
#include "text/dialects.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct scan {
	struct str text;
	size_t at;
	struct promql_error *err;
};

static bool wrong(const struct scan *s, size_t at, const char *fmt, ...) PRINTF(3, 4);
static bool wrong(const struct scan *s, size_t at, const char *fmt, ...)
{
	struct promql_error *e = s->err;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(e->text, sizeof(e->text), fmt, ap);
	va_end(ap);
	e->at = at;
	e->line = e->col = 1;
	for (size_t i = 0; i < at; i++) {
		e->col++;
		if (s->text.p[i] == '\n') {
			e->line++;
			e->col = 1;
		}
	}
	return false;
}

static bool is_one_of(char c, const char *set)
{
	return c && strchr(set, c);
}

static bool pass_string(struct scan *s)
{
	size_t begin = s->at;
	char quote = s->text.p[s->at++];

	for (; s->at < s->text.n; s->at++) {
		char c = s->text.p[s->at];

		if (c == '\\' && quote != '`') {
			s->at++;
		} else if (c == quote) {
			s->at++;
			return true;
		}
	}
	s->at = s->text.n;
	return wrong(s, begin, "unterminated string");
}

/* -- Graphite ------------------------------------------------------------------------- */

struct brackets {
	struct {
		char close;
		size_t at;
	} open[PROMQL_MAX_DEPTH];
	size_t depth;
};

static bool open_bracket(struct scan *s, struct brackets *b, char close)
{
	if (b->depth == PROMQL_MAX_DEPTH)
		return wrong(s, s->at, "more than %d brackets in each other",
			     PROMQL_MAX_DEPTH);
	b->open[b->depth].close = close;
	b->open[b->depth++].at = s->at++;
	return true;
}

static bool close_bracket(struct scan *s, struct brackets *b, char c)
{
	if (!b->depth)
		return wrong(s, s->at, "unexpected '%c'", c);
	if (b->open[b->depth - 1].close != c)
		return wrong(s, s->at, "expected '%c', found '%c'",
			     b->open[b->depth - 1].close, c);
	b->depth--;
	s->at++;
	return true;
}

bool graphite_check(struct str expr, struct promql_error *err)
{
	struct scan s = {.text = expr, .err = err};
	struct brackets b = {.depth = 0};
	bool ok = true;

	while (ok && s.at < expr.n) {
		char c = expr.p[s.at];

		if (is_one_of(c, "\"'"))
			ok = pass_string(&s);
		else if (is_one_of(c, "([{"))
			ok = open_bracket(&s, &b, c == '(' ? ')' : c == '[' ? ']' : '}');
		else if (is_one_of(c, ")]}"))
			ok = close_bracket(&s, &b, c);
		else
			s.at++;
	}
	if (ok && b.depth)
		return wrong(&s, b.open[b.depth - 1].at, "no '%c' closes this",
			     b.open[b.depth - 1].close);
	return ok;
}

/* -- LogsQL --------------------------------------------------------------------------- */

static size_t pass_space(struct str s, size_t at)
{
	while (at < s.n && is_one_of(s.p[at], " \t\n\r"))
		at++;
	return at;
}

static struct str word_at(struct str s, size_t at)
{
	size_t end = at;

	while (end < s.n && !is_one_of(s.p[end], " \t\n\r(),:|\"'`#"))
		end++;
	return str_slice(s, at, end - at);
}

/* Where the labels of a stats pipe begin, behind their bracket; its words "stats" and "by"
 * may be left out, but not both. STR_NONE: there are none, or it is another pipe. */
static size_t find_labels(struct str s, size_t at)
{
	struct str word = word_at(s, at = pass_space(s, at));
	bool is_stats = str_is(word, "stats");

	if (is_stats)
		word = word_at(s, at = pass_space(s, at + word.n));
	if (str_is(word, "by"))
		at = pass_space(s, at + word.n);
	else if (!is_stats)
		return STR_NONE;
	return at < s.n && s.p[at] == '(' ? at + 1 : STR_NONE;
}

static bool check_pipe(const struct scan *s, size_t at)
{
	struct str text = s->text;

	at = find_labels(text, at);
	while (at != STR_NONE && at < text.n && text.p[at] != ')') {
		at = pass_space(text, at);
		if (str_is(word_at(text, at), "_time"))
			return wrong(s, at, "a rule cannot be by _time");
		while (at < text.n && !is_one_of(text.p[at], "),"))
			at++;
		at += at < text.n && text.p[at] == ',';
	}
	return true;
}

/* Ranges have brackets of different kinds, [1, 5), so these are only counted. */
bool logsql_check(struct str expr, struct promql_error *err)
{
	struct scan s = {.text = expr, .err = err};
	size_t depth = 0, pipes = 0;

	while (s.at < expr.n) {
		char c = expr.p[s.at];

		if (is_one_of(c, "\"'`")) {
			if (!pass_string(&s))
				return false;
			continue;
		}
		if (c == '#')
			s.at += MIN(str_find_char(str_from(expr, s.at), '\n'),
				    expr.n - s.at - 1);
		else if (is_one_of(c, "([{"))
			depth++;
		else if (is_one_of(c, ")]}") && depth)
			depth--;
		else if (c == '|' && !depth && ++pipes && !check_pipe(&s, s.at + 1))
			return false;
		s.at++;
	}
	return pipes || wrong(&s, 0, "a rule needs numbers, and so a pipe: | stats ...");
}
