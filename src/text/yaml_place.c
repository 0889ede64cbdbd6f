#include "base/base.h"
#include "text/yaml.h"

#include <string.h>

/* A scalar's text and what stands in the file differ in blanks, quotes and indentation
 * only, so the two are read side by side, what is not blank against its like. */
struct walk {
	struct str raw; /* from the scalar's first byte on */
	size_t at;
	char quote; /* ' or ", else 0 */
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static struct walk walk_start(struct str raw)
{
	struct walk w = {raw, 0, 0};

	if (!raw.n)
		return w;
	if (*raw.p == '|' || *raw.p == '>')
		w.at = MIN(str_find_char(raw, '\n'), raw.n);
	if (*raw.p == '\'' || *raw.p == '"') {
		w.quote = *raw.p;
		w.at = 1;
	}
	return w;
}

static char next(const struct walk *w, size_t ahead)
{
	return w->at + ahead < w->raw.n ? w->raw.p[w->at + ahead] : 0;
}

static bool is_escaped_blank(const struct walk *w)
{
	return w->quote == '"' && next(w, 0) == '\\' && next(w, 1) &&
	       strchr("nt \n", next(w, 1));
}

static void skip_blanks(struct walk *w)
{
	while (is_blank(next(w, 0)) || is_escaped_blank(w))
		w->at += is_blank(next(w, 0)) ? 1 : 2;
}

static bool walk_over(struct walk *w, char c)
{
	skip_blanks(w);
	if (w->quote == '"' && next(w, 0) == '\\')
		w->at++;
	else if (w->quote == '\'' && c == '\'')
		w->at++;
	return c && next(w, 0) == c && ++w->at;
}

struct pos yaml_place(struct str bytes, const struct yaml *y, size_t offset)
{
	struct walk w = walk_start(str_from(bytes, y->offset));
	struct pos at = y->at;

	for (size_t i = 0; i < offset && i < y->text.n; i++) {
		if (!is_blank(y->text.p[i]) && !walk_over(&w, y->text.p[i]))
			return y->at;
	}
	if (offset < y->text.n && !is_blank(y->text.p[offset]))
		skip_blanks(&w);
	for (size_t i = 0; i < w.at; i++) {
		if (w.raw.p[i] == '\n') {
			at.line++;
			at.col = 1;
		} else if (((unsigned char)w.raw.p[i] & 0xc0) != 0x80) {
			at.col++;
		}
	}
	return at;
}
