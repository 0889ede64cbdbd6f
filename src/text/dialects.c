#include "base/base.h"
#include "base/utf8.h"
#include "text/dialects.h"
#include "text/promql_ast.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct scan {
	struct str text;
	size_t at, depth;
	size_t looked; /* LogsQL: labels were looked for up to here */
	struct promql_error *err;
};

/* False, with the place of that byte. */
static bool scan_wrong(const struct scan *s, size_t at, const char *fmt, ...) PRINTF(3, 4);
static bool scan_wrong(const struct scan *s, size_t at, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(s->err->text, sizeof(s->err->text), fmt, ap);
	va_end(ap);
	s->err->at = at;
	promql_find_place(s->text, s->err);
	return false;
}

static bool fits(const struct scan *s)
{
	return s->text.n <= PROMQL_MAX_BYTES ||
	       scan_wrong(s, 0, "expression of %zu bytes, at most %zu", s->text.n,
			  PROMQL_MAX_BYTES);
}

static bool is_one_of(char c, const char *set)
{
	return c && strchr(set, c);
}

/* "..." and '...' with escapes; in `...` there are none. The scan stands at its begin. */
static bool scan_string(struct scan *s)
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
	return scan_wrong(s, begin, "unterminated string");
}

static size_t pass_space(struct str s, size_t at)
{
	while (at < s.n && is_one_of(s.p[at], " \t\n\v\f\r"))
		at++;
	return at;
}

/* -- Graphite ------------------------------------------------------------------------- */

/*	expr  = first { "|" name [ args ] }
 *	first = string | path [ args ]
 *	args  = "(" [ arg { "," arg } [ "," ] ] ")"
 *	arg   = [ name "=" ] expr
 * A path may look like a number; to Graphite itself most characters are as good as letters,
 * to a VictoriaMetrics a few. */
static bool graphite_expr(struct scan *s);

static char look(struct scan *s)
{
	s->at = pass_space(s->text, s->at);
	return s->at < s->text.n ? s->text.p[s->at] : '\0';
}

static bool take(struct scan *s, char c)
{
	if (look(s) != c || s->at == s->text.n)
		return false;
	s->at++;
	return true;
}

static bool expected(struct scan *s, const char *what)
{
	uint32_t rune;
	size_t n;

	if (s->at == s->text.n)
		return scan_wrong(s, s->at, "expected %s, found the end", what);
	n = utf8_decode(str_from(s->text, s->at), &rune);
	return scan_wrong(s, s->at, "expected %s, found '%.*s'", what, (int)n,
			  s->text.p + s->at);
}

static bool is_of_word(char c, bool is_first)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
	       (!is_first && c >= '0' && c <= '9');
}

static bool is_word(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (!is_of_word(s.p[i], i == 0))
			return false;
	}
	return s.n;
}

/* From [ or { to what closes it; everything between belongs to the path. */
static bool pass_choices(struct scan *s)
{
	char close = s->text.p[s->at] == '[' ? ']' : '}';
	size_t n = str_find_char(str_from(s->text, s->at), close);

	if (n == STR_NONE)
		return scan_wrong(s, s->at, "no '%c' closes this", close);
	s->at += n + 1;
	return true;
}

/* An = within is a part of it, but not that behind the name of an argument. */
static bool graphite_path(struct scan *s, struct str *path)
{
	size_t begin = s->at;
	bool is_name = true; /* so far */

	while (s->at < s->text.n) {
		char c = s->text.p[s->at];

		if (is_one_of(c, " \t\n\v\f\r(),|\"'") || (c == '=' && is_name))
			break;
		is_name = is_name && is_of_word(c, s->at == begin);
		if (is_one_of(c, "[{")) {
			if (!pass_choices(s))
				return false;
		} else if (c == ']' || c == '}') {
			return scan_wrong(s, s->at, "unexpected '%c'", c);
		} else if (c == '\\' && s->at + 1 == s->text.n) {
			return scan_wrong(s, s->at, "nothing follows '\\'");
		} else {
			s->at += c == '\\' ? 2 : 1;
		}
	}
	*path = str_slice(s->text, begin, s->at - begin);
	return path->n || expected(s, "a metric, a function or a string");
}

static bool graphite_arg(struct scan *s)
{
	size_t begin = s->at;
	struct str path;

	look(s);
	begin = s->at;
	if (!graphite_expr(s))
		return false;
	path = str_trim(str_slice(s->text, begin, s->at - begin));
	return !is_word(path) || !take(s, '=') || graphite_expr(s);
}

static bool graphite_args(struct scan *s)
{
	size_t open = s->at++;

	if (s->depth++ == PROMQL_MAX_DEPTH)
		return scan_wrong(s, open, "more than %d brackets in each other",
				  PROMQL_MAX_DEPTH);
	while (look(s) != ')') {
		if (s->at == s->text.n)
			return scan_wrong(s, open, "no ')' closes this");
		if (!graphite_arg(s))
			return false;
		if (take(s, ',') || look(s) == ')')
			continue;
		return s->at == s->text.n ? scan_wrong(s, open, "no ')' closes this")
					  : expected(s, "',' or ')'");
	}
	s->at++;
	s->depth--;
	return true;
}

static bool graphite_expr(struct scan *s)
{
	struct str path;
	bool ok;

	if (is_one_of(look(s), "\"'"))
		ok = scan_string(s);
	else
		ok = graphite_path(s, &path) && (look(s) != '(' || graphite_args(s));
	while (ok && take(s, '|')) {
		look(s);
		ok = graphite_path(s, &path) && (look(s) != '(' || graphite_args(s));
	}
	return ok;
}

bool graphite_check(struct str expr, struct promql_error *err)
{
	struct scan s = {.text = expr, .err = err};

	if (!fits(&s) || !graphite_expr(&s))
		return false;
	look(&s);
	return s.at == expr.n || expected(&s, "the end");
}

/* -- LogsQL --------------------------------------------------------------------------- */

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

/* Only brackets that cross each other put a pipe into the labels of another. */
static bool check_pipe(struct scan *s, size_t at)
{
	struct str text = s->text;

	if (at < s->looked)
		return true;
	at = find_labels(text, at);
	while (at != STR_NONE && at < text.n && text.p[at] != ')') {
		at = pass_space(text, at);
		if (str_is(word_at(text, at), "_time"))
			return scan_wrong(s, at, "a rule cannot be by _time");
		while (at < text.n && !is_one_of(text.p[at], "),"))
			at++;
		at += at < text.n && text.p[at] == ',';
		s->looked = at;
	}
	return true;
}

/* Pipes that leave log lines log lines. Others make numbers of them, or are newer than
 * this list, or are filters that leave out their name. */
static bool makes_numbers(struct str text, size_t at)
{
	static const char others[] =
		"copy cp decolorize del delete drop eval extract extract_regexp fields "
		"filter format head keep limit math mv offset order pack_json "
		"pack_logfmt rename replace replace_regexp rm skip sort stream_context "
		"unpack_json unpack_logfmt unpack_syslog unpack_words unroll where";
	struct str word = word_at(text, pass_space(text, at)), rest = str_of(others), other;

	while (str_cut(&rest, ' ', &other)) {
		if (str_eq(word, other))
			return false;
	}
	return true;
}

/* Ranges have brackets of different kinds, [1, 5), so these are only counted. */
bool logsql_check(struct str expr, struct promql_error *err)
{
	struct scan s = {.text = expr, .err = err};
	size_t depth = 0, open = 0;
	bool has_numbers = false;

	if (!fits(&s))
		return false;
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
			open = depth++ ? open : s.at;
		else if (is_one_of(c, ")]}") && depth)
			depth--;
		else if (c == '|' && !depth) {
			has_numbers |= makes_numbers(expr, s.at + 1);
			if (!check_pipe(&s, s.at + 1))
				return false;
		}
		s.at++;
	}
	if (depth)
		return scan_wrong(&s, open, "nothing closes this");
	return has_numbers ||
	       scan_wrong(&s, 0, "a rule needs numbers, and so a pipe: | stats ...");
}
