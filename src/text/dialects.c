#include "base/base.h"
#include "text/dialects.h"
#include "text/scan.h"

#include <string.h>

static bool is_one_of(char c, const char *set)
{
	return c && strchr(set, c);
}

/* -- Graphite ------------------------------------------------------------------------- */

bool graphite_check(struct str expr, struct promql_error *err)
{
	struct scan s = {.text = expr, .err = err};
	bool ok = true;

	while (ok && s.at < expr.n) {
		char c = expr.p[s.at];

		if (is_one_of(c, "\"'"))
			ok = scan_string(&s);
		else if (is_one_of(c, "([{"))
			ok = scan_open(&s);
		else if (is_one_of(c, ")]}"))
			ok = scan_close(&s);
		else
			s.at++;
	}
	return ok && scan_is_closed(&s);
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
			return scan_wrong(s, at, "a rule cannot be by _time");
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
			if (!scan_string(&s))
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
	return pipes ||
	       scan_wrong(&s, 0, "a rule needs numbers, and so a pipe: | stats ...");
}
