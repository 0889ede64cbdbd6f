#include "base/base.h"
#include "model/regex_words.h"
#include "base/buf.h"
#include "base/utf8.h"
#include "base/vec.h"

#include <stdlib.h>
#include <string.h>

#define DEEPEST 20 /* groups within groups */

struct words {
	struct str *v;
	size_t n, cap;
};
struct expansion {
	struct arena mem; /* of what is thrown away on the way */
	struct str rest;
	size_t bytes; /* made so far, with what was thrown away */
	size_t most;  /* words */
	unsigned depth;
	bool gave_up;
};

static char look(const struct expansion *x)
{
	return x->rest.n ? x->rest.p[0] : 0;
}

static void skip(struct expansion *x, size_t n)
{
	x->rest = str_from(x->rest, n);
}

static void add(struct expansion *x, struct words *to, struct str word)
{
	x->bytes += word.n + 1;
	if (to->n >= x->most || x->bytes > 4 * REGEX_MAX_WORD_BYTES)
		x->gave_up = true;
	else
		vec_push_in(&x->mem, to, word);
}

static struct str one_after_the_other(struct arena *mem, struct str a, struct str b)
{
	char *p;

	if (!a.n || !b.n)
		return a.n ? a : b;
	p = arena_alloc(mem, a.n + b.n);
	memcpy(p, a.p, a.n);
	memcpy(p + a.n, b.p, b.n);
	return (struct str){p, a.n + b.n};
}

/* Each of the one followed by each of the other. */
static struct words joined(struct expansion *x, const struct words *a,
			   const struct words *b)
{
	struct words all = {0};

	if (a->n == 1 && !a->v[0].n)
		return *b;
	for (size_t i = 0; i < a->n && !x->gave_up; i++) {
		for (size_t k = 0; k < b->n && !x->gave_up; k++)
			add(x, &all, one_after_the_other(&x->mem, a->v[i], b->v[k]));
	}
	return all;
}

/* -- the pattern ---------------------------------------------------------------------- */

static bool is_punctuation(char c)
{
	return c > ' ' && c < 0x7f && !(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'z') &&
	       !(c >= 'A' && c <= 'Z');
}

/* A character that stands for itself. */
static struct str literal(struct expansion *x)
{
	struct str c = x->rest;
	uint32_t rune;

	if (look(x) == '\\') {
		skip(x, 1);
		c = x->rest;
		if (!is_punctuation(look(x)))
			x->gave_up = true;
	} else if (!x->rest.n || strchr("^$.*+?()[]{}|", look(x))) {
		x->gave_up = true;
	}
	if (x->gave_up)
		return STR("");
	c.n = utf8_decode(c, &rune);
	skip(x, c.n);
	return c;
}

static struct words class_of_few(struct expansion *x)
{
	struct words all = {0};

	skip(x, 1);
	if (look(x) == ':' || look(x) == '=') /* PCRE2 would see a named class */
		x->gave_up = true;
	do {
		struct str low = literal(x), high = low;

		if (look(x) == '-' && x->rest.n > 1 && x->rest.p[1] != ']') {
			skip(x, 1);
			high = literal(x);
		}
		if (x->gave_up || low.n != 1 || high.n != 1 || low.p[0] > high.p[0] ||
		    low.p[0] == '-')
			x->gave_up = true;
		for (int c = x->gave_up ? 1 : low.p[0]; !x->gave_up && c <= high.p[0]; c++)
			add(x, &all,
			    arena_str(&x->mem, (struct str){(char[]){(char)c}, 1}));
	} while (!x->gave_up && look(x) != ']');
	skip(x, 1);
	return all;
}

static struct words alternatives(struct expansion *);

static struct words group(struct expansion *x)
{
	struct words all = {0};

	skip(x, str_starts(x->rest, STR("(?:")) ? 3 : 1);
	if (look(x) == '?' || ++x->depth > DEEPEST) {
		x->gave_up = true;
		return all;
	}
	all = alternatives(x);
	x->depth--;
	if (look(x) != ')')
		x->gave_up = true;
	skip(x, 1);
	return all;
}

/* Characters up to the next that is none, or of which the last may be missing. */
static struct words literals(struct expansion *x)
{
	struct str run = str_slice(x->rest, 0, 0);   /* as it stands in the pattern, or */
	struct buf bare = BUF(REGEX_MAX_WORD_BYTES); /* without its backslashes */
	struct words all = {0};

	do {
		struct str before = x->rest, c = literal(x);

		if ((run.n || bare.n) && look(x) == '?') {
			x->rest = before;
			break;
		}
		if (!bare.n && c.p == run.p + run.n) {
			run.n += c.n;
			continue;
		}
		if (!bare.n)
			buf_add_str(&bare, run);
		buf_add_str(&bare, c);
	} while (!x->gave_up && x->rest.n && !strchr("|)([?", look(x)));
	add(x, &all, bare.n ? buf_keep(&bare, &x->mem) : run);
	buf_free(&bare);
	return all;
}

static struct words item(struct expansion *x)
{
	struct words all;

	if (look(x) == '(')
		all = group(x);
	else if (look(x) == '[')
		all = class_of_few(x);
	else
		all = literals(x);
	if (look(x) != '?')
		return all;
	skip(x, 1);
	add(x, &all, STR(""));
	if (look(x) == '?' || look(x) == '*' || look(x) == '+')
		x->gave_up = true;
	return all;
}

static struct words sequence(struct expansion *x)
{
	struct words all = {0};

	add(x, &all, STR(""));
	while (!x->gave_up && x->rest.n && look(x) != '|' && look(x) != ')') {
		struct words next = item(x);

		all = joined(x, &all, &next);
	}
	return all;
}

static struct words alternatives(struct expansion *x)
{
	struct words all = sequence(x);

	while (!x->gave_up && look(x) == '|') {
		struct words more;

		skip(x, 1);
		more = sequence(x);
		for (size_t i = 0; i < more.n && !x->gave_up; i++)
			add(x, &all, more.v[i]);
	}
	return all;
}

/* -- the list ------------------------------------------------------------------------- */

static int in_order(const void *a, const void *b)
{
	return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

static void keep_sorted(struct arena *mem, const struct words *all, struct str **words,
			size_t *n)
{
	*words = ARENA_ARRAY(mem, struct str, all->n);
	*n = 0;
	qsort(all->v, all->n, sizeof(*all->v), in_order);
	for (size_t i = 0; i < all->n; i++) {
		if (!i || !str_eq(all->v[i], all->v[i - 1]))
			(*words)[(*n)++] = arena_str(mem, all->v[i]);
	}
}

bool regex_words_of(struct arena *mem, struct str pattern, struct str **words, size_t *n)
{
	struct expansion x = {
		.rest = pattern,
		.most = MIN(MAX(REGEX_FEW_WORDS, pattern.n / 2), REGEX_MAX_WORDS)};
	struct words all;

	if (pattern.n > REGEX_MAX_WORD_BYTES)
		return false;
	all = alternatives(&x);
	if (x.rest.n)
		x.gave_up = true;
	if (!x.gave_up)
		keep_sorted(mem, &all, words, n);
	arena_free(&x.mem);
	return !x.gave_up;
}

bool regex_words_have(const struct str *words, size_t n, struct str s)
{
	return n && bsearch(&s, words, n, sizeof(*words), in_order);
}
