#include "base/base.h"
#include "receivers/address.h"
#include "base/vec.h"

#include <string.h>

struct scan {
	struct arena *mem;
	struct str rest;
};

static bool is_atom(char c)
{
	return (unsigned char)c > 32 && c != 127 && !strchr("()<>[]:;@\\,.\"", c);
}

/* Blanks and (comments), which nest. */
static void skip(struct scan *s)
{
	int depth = 0;

	while (s->rest.n) {
		char c = s->rest.p[0];

		if (c == '(')
			depth++;
		else if (c == ')' && depth)
			depth--;
		else if (c == '\\' && depth && s->rest.n > 1)
			s->rest = str_from(s->rest, 1);
		else if (!depth && !strchr(" \t\r\n", c))
			return;
		s->rest = str_from(s->rest, 1);
	}
}

static bool take(struct scan *s, char c)
{
	skip(s);
	if (!s->rest.n || s->rest.p[0] != c)
		return false;
	s->rest = str_from(s->rest, 1);
	return true;
}

/* Nothing that could end a command of the mail protocol. */
static bool is_one_line(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		if ((unsigned char)s.p[i] < 32 || s.p[i] == 127)
			return false;
	}
	return true;
}

/* Atoms joined by dots, or "quoted". */
static bool take_words(struct scan *s, struct str *out)
{
	size_t n = 0;

	skip(s);
	if (s->rest.n && s->rest.p[0] == '"') {
		for (n = 1; n < s->rest.n && s->rest.p[n] != '"'; n++)
			n += s->rest.p[n] == '\\';
		if (n >= s->rest.n)
			return false;
		n++;
	} else {
		while (n < s->rest.n &&
		       (is_atom(s->rest.p[n]) ||
			(s->rest.p[n] == '.' && n && s->rest.p[n - 1] != '.')))
			n++;
		if (!n || s->rest.p[n - 1] == '.')
			return false;
	}
	*out = str_slice(s->rest, 0, n);
	s->rest = str_from(s->rest, n);
	return is_one_line(*out);
}

static bool take_domain(struct scan *s, struct str *out)
{
	size_t close;

	skip(s);
	if (!s->rest.n || s->rest.p[0] != '[')
		return take_words(s, out) && out->p[0] != '"';
	close = str_find_char(s->rest, ']');
	if (close == STR_NONE)
		return false;
	*out = str_slice(s->rest, 0, close + 1);
	s->rest = str_from(s->rest, close + 1);
	return is_one_line(*out);
}

static bool take_spec(struct scan *s, const char **out)
{
	struct str local, domain;

	if (!take_words(s, &local) || !take(s, '@') || !take_domain(s, &domain))
		return false;
	*out = arena_printf(s->mem, "%.*s@%.*s", FMT(local), FMT(domain));
	return true;
}

/* A phrase holds atoms with dots anywhere ("J. Doe") and "quoted" words, up to the "<". */
static bool skip_phrase(struct scan *s)
{
	struct str word;

	for (skip(s); s->rest.n && s->rest.p[0] != '<'; skip(s)) {
		if (s->rest.p[0] == '.' || is_atom(s->rest.p[0]))
			s->rest = str_from(s->rest, 1);
		else if (s->rest.p[0] != '"' || !take_words(s, &word))
			return false;
	}
	return s->rest.n > 0;
}

static bool take_address(struct scan *s, const char **out)
{
	struct scan start = *s;

	if (take_spec(s, out)) {
		skip(s);
		if (!s->rest.n || s->rest.p[0] == ',')
			return true;
	}
	*s = start;
	return skip_phrase(s) && take(s, '<') && take_spec(s, out) && take(s, '>');
}

bool addresses_parse(struct arena *mem, struct str text, const char ***out, size_t *n,
		     struct err *err)
{
	struct scan s = {mem, text};
	VEC(const char *) all = {0};

	do {
		const char *one;

		skip(&s);
		if (!s.rest.n && all.n)
			break;
		if (!take_address(&s, &one))
			return err_set(err, NOWHERE, "cannot read '%.*s' as mail addresses",
				       FMT(str_slice(text, 0, 200)));
		vec_push_in(mem, &all, one);
	} while (take(&s, ','));
	skip(&s);
	if (s.rest.n)
		return err_set(err, NOWHERE, "cannot read '%.*s' as mail addresses",
			       FMT(str_slice(text, 0, 200)));
	*out = all.v;
	*n = all.n;
	return true;
}
