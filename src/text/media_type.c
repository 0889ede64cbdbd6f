#include "base/base.h"
#include "text/media_type.h"
#include "base/vec.h"

#include <ctype.h>

struct param {
	struct str name, value;
};

static bool is_token_char(char c)
{
	return c > ' ' && c < 0x7f && !strchr("()<>@,;:\\\"/[]?=", c);
}

static struct str take_token(struct str *rest)
{
	size_t n = 0;

	while (n < rest->n && is_token_char(rest->p[n]))
		n++;
	*rest = str_from(*rest, n);
	return (struct str){rest->p - n, n};
}

static bool take_char(struct str *rest, char c)
{
	if (!rest->n || rest->p[0] != c)
		return false;
	*rest = str_from(*rest, 1);
	return true;
}

static void skip_blanks(struct str *s)
{
	while (s->n && isspace((unsigned char)s->p[0]))
		*s = str_from(*s, 1);
}

static const char *lower(struct arena *mem, struct str s)
{
	char *p = arena_alloc(mem, s.n + 1);

	for (size_t i = 0; i < s.n; i++)
		p[i] = (char)tolower((unsigned char)s.p[i]);
	p[s.n] = 0;
	return p;
}

/* A backslash stands for itself but before a special character. */
static bool take_quoted(struct arena *mem, struct str *rest, struct str *value)
{
	char *p = arena_alloc(mem, rest->n);
	size_t n = 0;

	for (size_t i = 1; i < rest->n; i++) {
		if (rest->p[i] == '"') {
			*value = (struct str){p, n};
			*rest = str_from(*rest, i + 1);
			return true;
		}
		if (rest->p[i] == '\\' && i + 1 < rest->n && rest->p[i + 1] > ' ' &&
		    rest->p[i + 1] < 0x7f && !is_token_char(rest->p[i + 1]))
			i++;
		p[n++] = rest->p[i];
	}
	return false;
}

static bool take_param(struct arena *mem, struct str *rest, struct param *p)
{
	if (!take_char(rest, ';'))
		return false;
	skip_blanks(rest);
	p->name = str_of(lower(mem, take_token(rest)));
	skip_blanks(rest);
	if (!p->name.n || !take_char(rest, '='))
		return false;
	skip_blanks(rest);
	if (rest->n && rest->p[0] == '"')
		return take_quoted(mem, rest, &p->value);
	p->value = take_token(rest);
	return p->value.n > 0;
}

static const char *wrong_type(struct str type)
{
	struct str rest = type;

	if (!take_token(&rest).n)
		return "mime: no media type";
	if (!rest.n)
		return NULL;
	if (!take_char(&rest, '/'))
		return "mime: expected slash after first token";
	if (!take_token(&rest).n)
		return "mime: expected token after slash";
	return rest.n ? "mime: unexpected content after media subtype" : NULL;
}

static const char *wrong_params(struct arena *mem, struct str rest)
{
	VEC(struct param) seen = {0};
	struct param p;

	for (skip_blanks(&rest); rest.n; skip_blanks(&rest)) {
		struct str before = rest;

		if (!take_param(mem, &rest, &p))
			return str_is(str_trim(before), ";")
				       ? NULL
				       : "mime: invalid media parameter";
		for (size_t i = 0; i < seen.n; i++) {
			if (str_eq(seen.v[i].name, p.name) &&
			    !str_eq(seen.v[i].value, p.value))
				return "mime: duplicate parameter name";
		}
		vec_push_in(mem, &seen, p);
	}
	return NULL;
}

const char *media_type_parse(struct arena *mem, struct str s, const char **why)
{
	size_t end = MIN(str_find_char(s, ';'), s.n);
	struct str type = str_trim(str_slice(s, 0, end));

	*why = wrong_type(type);
	if (!*why)
		*why = wrong_params(mem, str_from(s, end));
	return *why ? NULL : lower(mem, type);
}
