#include "base/base.h"
#include "model/matcher.h"
#include "base/quote.h"
#include "base/utf8.h"
#include "base/vec.h"

#include <stdlib.h>
#include <string.h>

static const char *const op_words[] = {
	[MATCH_EQUAL] = "=",
	[MATCH_NOT_EQUAL] = "!=",
	[MATCH_REGEX] = "=~",
	[MATCH_NOT_REGEX] = "!~",
};

const char *match_op_text(enum match_op op)
{
	return op_words[op];
}

enum name_scheme matcher_names(enum matcher_mode mode)
{
	return mode == MATCHERS_CLASSIC ? NAMES_CLASSIC : NAMES_UTF8;
}

bool matcher_new(struct arena *mem, enum match_op op, struct str name, struct str value,
		 struct matcher *out, struct err *err)
{
	*out = (struct matcher){op, arena_copy(mem, name), arena_copy(mem, value), NULL};
	if (str_find_char(name, 0) != STR_NONE || str_find_char(value, 0) != STR_NONE)
		return err_set(err, NOWHERE, "a matcher cannot hold a NUL byte");
	if (op != MATCH_REGEX && op != MATCH_NOT_REGEX)
		return true;
	out->re = regex_new(mem, value, REGEX_WHOLE, err);
	return out->re != NULL;
}

bool matcher_copy(struct arena *mem, const struct matcher *m, struct matcher *copy,
		  struct err *err)
{
	size_t n;

	if (!m->re || !regex_words(m->re, &n))
		return matcher_new(mem, m->op, str_of(m->name), str_of(m->value), copy,
				   err);
	*copy = (struct matcher){m->op, arena_text(mem, m->name), arena_text(mem, m->value),
				 regex_copy(mem, m->re)};
	return true;
}

/* Both parsers fill one list; each place is a byte offset, turned into a column late. */
struct parse {
	struct arena *mem;
	struct str whole, rest;
	struct pos at;
	struct err *err;
	VEC(struct matcher) list;
};

static struct pos here(const struct parse *p)
{
	struct pos at = p->at;

	if (at.col)
		at.col += (int)utf8_count(str_slice(p->whole, 0, p->whole.n - p->rest.n));
	return at;
}

static bool add(struct parse *p, enum match_op op, struct str name, struct str value)
{
	struct matcher m;
	struct err why;

	if (!matcher_new(p->mem, op, name, value, &m, &why))
		return err_set(p->err, here(p), "%s", why.text);
	vec_push_in(p->mem, &p->list, m);
	return true;
}

/* -- the UTF-8 grammar (spec/config.md 14.2) ------------------------------------------
 *	input   = [ "{" ] [ matcher { "," matcher } [ "," ] ] [ "}" ]
 *	matcher = literal op literal
 *	op      = "=" | "!=" | "=~" | "!~"
 *	literal = quoted | unquoted						*/

static bool is_reserved(uint32_t r)
{
	return utf8_is_space(r) || (r < 0x80 && r && strchr("{}!=~,\\\"'`", (int)r));
}

static void skip_space(struct parse *p)
{
	uint32_t r;
	size_t n;

	while (p->rest.n) {
		n = utf8_decode(p->rest, &r);
		if (!utf8_is_space(r))
			return;
		p->rest = str_from(p->rest, n);
	}
}

static bool expected(struct parse *p, const char *what)
{
	struct str piece = p->rest;
	uint32_t r;

	if (!p->rest.n)
		return err_set(p->err, here(p), "end of input: expected %s", what);
	piece.n = utf8_decode(p->rest, &r);
	if (!is_reserved(r)) {
		while (piece.n < p->rest.n) {
			size_t step = utf8_decode(str_from(p->rest, piece.n), &r);

			if (is_reserved(r))
				break;
			piece.n += step;
		}
	}
	return err_set(p->err, here(p), "unexpected %.*s: expected %s", FMT(piece), what);
}

static bool scan_literal(struct parse *p, struct str *out, const char *what)
{
	struct str s = p->rest;
	uint32_t r;
	size_t n = 0, step;

	if (s.n && s.p[0] == '"') {
		for (n = 1; n < s.n && s.p[n] != '"'; n++)
			n += s.p[n] == '\\';
		if (n >= s.n)
			return err_set(p->err, here(p), "missing end \"");
		if (!unquote(p->mem, str_slice(s, 0, n + 1), out) || !utf8_valid(*out))
			return err_set(p->err, here(p), "%.*s is not a valid string",
				       (int)n + 1, s.p);
		p->rest = str_from(s, n + 1);
		return true;
	}
	while (n < s.n) {
		step = utf8_decode(str_from(s, n), &r);
		if (r == UTF8_BAD)
			return err_set(p->err, here(p), "invalid UTF-8");
		if (is_reserved(r))
			break;
		n += step;
	}
	if (!n)
		return expected(p, what);
	*out = str_slice(s, 0, n);
	p->rest = str_from(s, n);
	return true;
}

static bool scan_op(struct str *s, enum match_op *op)
{
	static const enum match_op longest_first[] = {MATCH_REGEX, MATCH_NOT_REGEX,
						      MATCH_NOT_EQUAL, MATCH_EQUAL};

	for (size_t i = 0; i < COUNT_OF(longest_first); i++) {
		struct str word = str_of(op_words[longest_first[i]]);

		if (str_starts(*s, word)) {
			*op = longest_first[i];
			*s = str_from(*s, word.n);
			return true;
		}
	}
	return false;
}

static bool parse_one(struct parse *p)
{
	struct str name, value;
	enum match_op op;

	if (!scan_literal(p, &name, "label name"))
		return false;
	skip_space(p);
	if (!scan_op(&p->rest, &op))
		return expected(p, "an operator such as '=', '!=', '=~' or '!~'");
	skip_space(p);
	if (!scan_literal(p, &value, "label value"))
		return false;
	skip_space(p);
	return add(p, op, name, value);
}

static bool take(struct parse *p, char c)
{
	if (!p->rest.n || p->rest.p[0] != c)
		return false;
	p->rest = str_from(p->rest, 1);
	skip_space(p);
	return true;
}

static bool parse_utf8(struct parse *p)
{
	bool brace;

	skip_space(p);
	brace = take(p, '{');
	while (p->rest.n && p->rest.p[0] != '}') {
		if (!parse_one(p))
			return false;
		if (p->rest.n && p->rest.p[0] != '}' && !take(p, ','))
			return expected(p, brace ? "a comma or close brace" : "a comma");
	}
	if (brace && !take(p, '}'))
		return expected(p, "close brace");
	if (p->rest.n)
		return err_set(p->err, here(p), "unexpected %.*s: expected end of input",
			       FMT(p->rest));
	return true;
}

/* -- the classic grammar (spec/config.md 14.3) ---------------------------------------- */

static bool is_classic_name_char(char c, bool first)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == ':' ||
	       (!first && c >= '0' && c <= '9');
}

/* Decodes \n, \" and \\; other backslashes stay. False on an unescaped quote. */
static bool classic_value(struct arena *mem, struct str raw, struct str *out)
{
	struct buf b = BUF(raw.n + 1);
	bool ok = true;

	for (size_t i = 0; ok && i < raw.n; i++) {
		char c = raw.p[i], next = i + 1 < raw.n ? raw.p[i + 1] : 0;

		if (c == '\\' && (next == 'n' || next == '"' || next == '\\')) {
			buf_add_char(&b, next == 'n' ? '\n' : next);
			i++;
		} else {
			ok = c != '"';
			buf_add_char(&b, c);
		}
	}
	*out = buf_keep(&b, mem);
	buf_free(&b);
	return ok;
}

/* Whether the quote that ends s is escaped by an odd run of backslashes. */
static bool ends_in_quote(struct str s)
{
	size_t slashes = 0;

	if (!s.n || s.p[s.n - 1] != '"')
		return false;
	while (slashes + 1 < s.n && s.p[s.n - 2 - slashes] == '\\')
		slashes++;
	return slashes % 2 == 0;
}

static bool parse_classic_one(struct parse *p, struct str piece)
{
	struct str s = str_trim(piece), name, value;
	enum match_op op;
	size_t n = 0;

	while (n < s.n && is_classic_name_char(s.p[n], n == 0))
		n++;
	name = str_slice(s, 0, n);
	s = str_trim(str_from(s, n));
	if (!n || !scan_op(&s, &op))
		return err_set(p->err, here(p), "bad matcher format: %.*s", FMT(piece));
	s = str_trim(s);
	if (s.n && s.p[0] == '"') {
		s = str_from(s, 1);
		if (!ends_in_quote(s))
			return err_set(p->err, here(p),
				       "matcher value contains unescaped double quote: "
				       "%.*s",
				       FMT(s));
		s.n--;
	}
	if (!utf8_valid(s))
		return err_set(p->err, here(p), "matcher value not valid UTF-8");
	if (!classic_value(p->mem, s, &value))
		return err_set(p->err, here(p),
			       "matcher value contains unescaped double quote: %.*s",
			       FMT(s));
	return add(p, op, name, value);
}

/* The offset of the next comma outside quotes, or the end. */
static size_t next_comma(struct str s)
{
	bool quoted = false;

	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '\\')
			i++;
		else if (s.p[i] == '"')
			quoted = !quoted;
		else if (s.p[i] == ',' && !quoted)
			return i;
	}
	return s.n;
}

static bool parse_classic(struct parse *p)
{
	if (p->rest.n && p->rest.p[0] == '{')
		p->rest = str_from(p->rest, 1);
	if (p->rest.n && p->rest.p[p->rest.n - 1] == '}')
		p->rest.n--;
	for (;;) {
		size_t n = next_comma(p->rest);
		bool last = n == p->rest.n;
		struct str piece = str_slice(p->rest, 0, n);

		if (last && !str_trim(piece).n)
			return true;
		if (!parse_classic_one(p, piece))
			return false;
		if (last)
			return true;
		p->rest = str_from(p->rest, n + 1);
	}
}

/* -- the two together (spec/config.md 14.4) ------------------------------------------- */

static bool lists_eq(const struct matchers *a, const struct matchers *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++) {
		if (!matcher_eq(&a->v[i], &b->v[i]))
			return false;
	}
	return true;
}

static bool parse_with(bool (*parser)(struct parse *), struct arena *mem, struct str s,
		       struct pos at, struct matchers *out, struct err *err)
{
	struct parse p = {.mem = mem, .whole = s, .rest = s, .at = at, .err = err};

	if (!parser(&p))
		return false;
	*out = (struct matchers){p.list.v, p.list.n};
	return true;
}

typedef bool parser(struct parse *);

static bool parse_by_mode(parser *by_utf8, parser *by_classic, struct arena *mem,
			  struct str s, struct pos at, enum matcher_mode mode,
			  struct matchers *out, enum matcher_note *note, struct err *err)
{
	struct matchers utf8, classic;
	bool utf8_ok, classic_ok;
	struct err ignored;

	if (note)
		*note = MATCHER_FINE;
	if (mode == MATCHERS_UTF8)
		return parse_with(by_utf8, mem, s, at, out, err);
	if (mode == MATCHERS_CLASSIC)
		return parse_with(by_classic, mem, s, at, out, err);
	utf8_ok = parse_with(by_utf8, mem, s, at, &utf8, &ignored);
	classic_ok = parse_with(by_classic, mem, s, at, &classic, err);
	if (!utf8_ok && !classic_ok)
		return false;
	*out = classic_ok ? classic : utf8;
	if (note && classic_ok && !utf8_ok)
		*note = MATCHER_ONLY_CLASSIC;
	else if (note && classic_ok && utf8_ok && !lists_eq(&utf8, &classic))
		*note = MATCHER_DISAGREEMENT;
	return true;
}

bool matchers_parse(struct arena *mem, struct str s, struct pos at, enum matcher_mode mode,
		    struct matchers *out, enum matcher_note *note, struct err *err)
{
	return parse_by_mode(parse_utf8, parse_classic, mem, s, at, mode, out, note, err);
}

static bool parse_utf8_single(struct parse *p)
{
	if (!parse_utf8(p))
		return false;
	if (!p->list.n)
		return err_set(p->err, p->at, "no matchers");
	if (p->list.n > 1)
		return err_set(p->err, p->at, "expected 1 matcher, found %zu", p->list.n);
	return true;
}

/* A comma does not separate here: a=b,c=d is a value with a comma in it. */
static bool parse_classic_single(struct parse *p)
{
	return parse_classic_one(p, p->rest);
}

bool matcher_parse(struct arena *mem, struct str s, struct pos at, enum matcher_mode mode,
		   struct matcher *out, enum matcher_note *note, struct err *err)
{
	struct matchers list;

	if (mode != MATCHERS_CLASSIC && s.n && (s.p[0] == '{' || s.p[s.n - 1] == '}'))
		return err_set(err, at, "unexpected open or close brace: %.*s", FMT(s));
	if (!parse_by_mode(parse_utf8_single, parse_classic_single, mem, s, at, mode, &list,
			   note, err))
		return false;
	*out = list.v[0];
	return true;
}

/* -- asking and printing -------------------------------------------------------------- */

bool matcher_accepts(const struct matcher *m, const char *value)
{
	switch (m->op) {
	case MATCH_EQUAL:
		return strcmp(m->value, value) == 0;
	case MATCH_NOT_EQUAL:
		return strcmp(m->value, value) != 0;
	case MATCH_REGEX:
		return regex_matches(m->re, str_of(value));
	case MATCH_NOT_REGEX:
		return regex_match(m->re, str_of(value)) == REGEX_NOTHING;
	}
	BUG("matcher operator %d", (int)m->op);
}

bool matcher_holds(const struct matcher *m, const struct labels *set)
{
	return matcher_accepts(m, labels_get(set, m->name));
}

bool matchers_hold(const struct matchers *all, const struct labels *set)
{
	for (size_t i = 0; i < all->n; i++) {
		if (!matcher_holds(&all->v[i], set))
			return false;
	}
	return true;
}

bool matcher_eq(const struct matcher *a, const struct matcher *b)
{
	return a->op == b->op && !strcmp(a->name, b->name) && !strcmp(a->value, b->value);
}

static int by_name_value_op(const void *a, const void *b)
{
	const struct matcher *x = a, *y = b;
	int order = strcmp(x->name, y->name);

	if (!order)
		order = strcmp(x->value, y->value);
	return order ? order : (int)x->op - (int)y->op;
}

void matchers_sort(struct matchers *all)
{
	if (all->n)
		qsort(all->v, all->n, sizeof(*all->v), by_name_value_op);
}

static bool has_reserved(struct str s)
{
	uint32_t r;

	for (; s.n;) {
		s = str_from(s, utf8_decode(s, &r));
		if (is_reserved(r))
			return true;
	}
	return false;
}

void buf_add_matcher(struct buf *b, const struct matcher *m)
{
	if (has_reserved(str_of(m->name))) {
		buf_add_quoted(b, str_of(m->name));
		buf_add_text(b, op_words[m->op]);
		buf_add_quoted(b, str_of(m->value));
		return;
	}
	buf_add_text(b, m->name);
	buf_add_text(b, op_words[m->op]);
	buf_add_char(b, '"');
	for (const char *c = m->value; *c; c++) {
		if (*c == '\n') {
			buf_add_text(b, "\\n");
			continue;
		}
		if (*c == '\\' || *c == '"')
			buf_add_char(b, '\\');
		buf_add_char(b, *c);
	}
	buf_add_char(b, '"');
}

void buf_add_matchers(struct buf *b, const struct matchers *all)
{
	buf_add_char(b, '{');
	for (size_t i = 0; i < all->n; i++) {
		if (i)
			buf_add_char(b, ',');
		buf_add_matcher(b, &all->v[i]);
	}
	buf_add_char(b, '}');
}
