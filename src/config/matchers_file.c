#include "base/base.h"
#include "config/parts.h"

#include <string.h>

/* match, match_re and matchers: the three ways in which files write matchers. */

static void check_name(struct decode *d, const struct text_pair *p)
{
	if (!is_label_name(str_of(p->name), NAMES_CLASSIC))
		mistake(d, p->at, "invalid label name \"%s\"", p->name);
}

static void decode_pairs(struct decode *d, const struct yaml *y, struct pair_list *out)
{
	static const struct field row[] = {{"pairs", FIELD_PAIRS, 0, .help = "Pairs."},
					   {0}};
	struct yaml *wrapped = yaml_new_map(d->mem);

	yaml_put(d->mem, wrapped, "pairs", y);
	decode_fields(d, wrapped, "mapping", row, out);
	for (size_t i = 0; i < out->n; i++)
		check_name(d, &out->v[i]);
}

static void match_decode(struct decode *d, const struct yaml *y, void *member)
{
	decode_pairs(d, y, &((struct matcher_text *)member)->match);
}

/* The anchored pattern is the value, as the peers have it (spec/config.md 6.3). */
static void match_re_decode(struct decode *d, const struct yaml *y, void *member)
{
	struct matcher_text *m = member;

	decode_pairs(d, y, &m->match_re);
	for (size_t i = 0; i < m->match_re.n; i++) {
		struct text_pair *p = &m->match_re.v[i];
		struct matcher ignored;
		struct err err = {0};

		if (y->items[i]->kind == YAML_NULL) {
			mistake(d, p->at, "invalid regexp value for \"%s\"", p->name);
		} else if (!matcher_new(d->mem, MATCH_REGEX, str_of(p->name),
					str_of(p->text), &ignored, &err)) {
			err.at = y->items[i]->at;
			errs_add(d->errs, &err);
			p->text = "";
		}
	}
}

static const struct yaml *pairs_print(struct arena *mem, const struct pair_list *list)
{
	struct yaml *map = yaml_new_map(mem);

	for (size_t i = 0; i < list->n; i++)
		yaml_put(mem, map, list->v[i].name, yaml_new_text(mem, list->v[i].text));
	return list->n ? map : NULL;
}

static const struct yaml *match_print(struct arena *mem, const void *member)
{
	return pairs_print(mem, &((const struct matcher_text *)member)->match);
}

static const struct yaml *match_re_print(struct arena *mem, const void *member)
{
	return pairs_print(mem, &((const struct matcher_text *)member)->match_re);
}

/* -- matchers ------------------------------------------------------------------------- */
static const char *matchers_text(struct arena *mem, const struct matchers *all)
{
	struct buf out = BUF(65536);
	const char *text;

	buf_add_matchers(&out, all);
	text = arena_text(mem, buf_text(&out));
	buf_free(&out);
	return text;
}

static void warn(struct decode *d, struct pos at, enum matcher_note note, const char *in,
		 const struct matchers *got)
{
	if (!d->warnings || note == MATCHER_FINE || !*in)
		return;
	if (note == MATCHER_ONLY_CLASSIC)
		errs_addf(d->warnings, at,
			  "matchers '%s' are read only by the classic syntax; write %s", in,
			  matchers_text(d->mem, got));
	else
		errs_addf(
			d->warnings, at,
			"matchers '%s' mean different things in the classic and the UTF-8 "
			"syntax; the classic reading %s counts",
			in, matchers_text(d->mem, got));
}

static void matchers_add(struct arena *mem, struct matchers *all,
			 const struct matchers *more)
{
	struct matcher *v = ARENA_ARRAY(mem, struct matcher, all->n + more->n);

	if (all->n)
		memcpy(v, all->v, all->n * sizeof(*v));
	if (more->n)
		memcpy(v + all->n, more->v, more->n * sizeof(*v));
	all->v = v;
	all->n += more->n;
}

static void matchers_decode(struct decode *d, const struct yaml *y, void *member)
{
	struct matcher_text *m = member;

	if (!is_list(d, y, "a list of matchers"))
		return;
	for (size_t i = 0; i < y->n; i++) {
		const char *text = decode_text(d, y->items[i]);
		struct pos at = y->items[i]->at;
		enum matcher_note note = MATCHER_FINE;
		struct matchers got = {0};
		struct err err;

		at.col += !y->items[i]->plain; /* behind the quote */
		if (!matchers_parse(d->mem, str_of(text), at, d->matchers, &got, &note,
				    &err)) {
			errs_add(d->errs, &err);
			continue;
		}
		warn(d, at, note, text, &got);
		matchers_add(d->mem, &m->list, &got);
	}
}

static const struct yaml *matchers_print(struct arena *mem, const void *member)
{
	const struct matchers *all = &((const struct matcher_text *)member)->list;
	struct yaml *list = yaml_new_list(mem);

	for (size_t i = 0; i < all->n; i++) {
		struct buf out = BUF(65536);

		buf_add_matcher(&out, &all->v[i]);
		yaml_push(mem, list, yaml_new_text(mem, arena_text(mem, buf_text(&out))));
		buf_free(&out);
	}
	return all->n ? list : NULL;
}

void matcher_text_combine(struct decode *d, struct matcher_text *m)
{
	struct matchers all = {
		ARENA_ARRAY(d->mem, struct matcher, m->match.n + m->match_re.n), 0};
	struct err err;

	for (size_t i = 0; i < m->match.n; i++) {
		if (matcher_new(d->mem, MATCH_EQUAL, str_of(m->match.v[i].name),
				str_of(m->match.v[i].text), &all.v[all.n], &err))
			all.n++;
	}
	for (size_t i = 0; i < m->match_re.n; i++) {
		const char *re = arena_printf(d->mem, "^(?:%s)$", m->match_re.v[i].text);

		if (matcher_new(d->mem, MATCH_REGEX, str_of(m->match_re.v[i].name),
				str_of(re), &all.v[all.n], &err))
			all.n++;
	}
	matchers_add(d->mem, &all, &m->list);
	matchers_sort(&all);
	m->all = all;
}

const struct field_codec match_codec = {match_decode, match_print};
const struct field_codec match_re_codec = {match_re_decode, match_re_print};
const struct field_codec matchers_codec = {matchers_decode, matchers_print};
