#include "base/base.h"
#include "text/scan.h"

#include <stdarg.h>
#include <stdio.h>

bool scan_wrong(const struct scan *s, size_t at, const char *fmt, ...)
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

bool scan_string(struct scan *s)
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

bool scan_open(struct scan *s)
{
	char c = s->text.p[s->at];

	if (s->depth == PROMQL_MAX_DEPTH)
		return scan_wrong(s, s->at, "more than %d brackets in each other",
				  PROMQL_MAX_DEPTH);
	s->open[s->depth].close = c == '(' ? ')' : c == '[' ? ']' : '}';
	s->open[s->depth++].at = s->at++;
	return true;
}

bool scan_close(struct scan *s)
{
	char c = s->text.p[s->at];

	if (!s->depth)
		return scan_wrong(s, s->at, "unexpected '%c'", c);
	if (s->open[s->depth - 1].close != c)
		return scan_wrong(s, s->at, "expected '%c', found '%c'",
				  s->open[s->depth - 1].close, c);
	s->depth--;
	s->at++;
	return true;
}

bool scan_is_closed(struct scan *s)
{
	return !s->depth || scan_wrong(s, s->open[s->depth - 1].at, "no '%c' closes this",
				       s->open[s->depth - 1].close);
}
