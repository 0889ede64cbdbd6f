#include "base/base.h"
#include "text/print.h"
#include "base/utf8.h"
#include "text/float.h"
#include "text/verb.h"

void print_value(struct buf *out, struct arena *mem, const struct value *v)
{
	struct value bare = value_bare(*v);
	struct verb f = {.out = out, .mem = mem, .letter = 'v'};

	switch ((int)value_kind_of(&bare)) {
	case VALUE_STRING:
		if (!bare.type->text) {
			buf_add_str(out, bare.s);
			return;
		}
		break;
	case VALUE_INT:
		if (!bare.type->text) {
			buf_add_int(out, bare.i);
			return;
		}
		break;
	case VALUE_FLOAT:
		buf_add_float_value(out, bare.f);
		return;
	}
	verb_print(&f, &bare);
}

static bool is_string(const struct value *v)
{
	return value_kind_of(v) == VALUE_STRING;
}

void print_join(struct buf *out, struct arena *mem, const struct value *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (i && !is_string(&v[i - 1]) && !is_string(&v[i]))
			buf_add_char(out, ' ');
		print_value(out, mem, &v[i]);
	}
}

void print_line(struct buf *out, struct arena *mem, const struct value *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (i)
			buf_add_char(out, ' ');
		print_value(out, mem, &v[i]);
	}
	buf_add_char(out, '\n');
}

/* -- format strings ------------------------------------------------------------------- */

#define LARGEST_NUMBER 1000000 /* of widths and precisions, checked before each digit */

struct format {
	struct str rest; /* what was not read yet */
	const struct value *v;
	size_t n, next; /* operands, and the one whose turn it is */
	bool reordered; /* some directive chose its operand */
	bool good_index;
	bool after_index;
	struct verb verb;
};

static bool at(const struct format *p, char c)
{
	return p->rest.n && p->rest.p[0] == c;
}

static void skip(struct format *p, size_t n)
{
	p->rest = str_from(p->rest, n);
}

/* A number at the start of s; *used 0 when there is none. An absurd one uses up all. */
static bool scan_number(struct str s, int *out, size_t *used)
{
	*out = 0;
	for (*used = 0; *used < s.n && s.p[*used] >= '0' && s.p[*used] <= '9'; ++*used) {
		if (*out > LARGEST_NUMBER) {
			*used = s.n;
			*out = 0;
			return false;
		}
		*out = *out * 10 + (s.p[*used] - '0');
	}
	return *used > 0;
}

/* "[3]" at the start; *used is its length, 1 when it does not close. */
static bool scan_index(struct str s, size_t *index, size_t *used)
{
	size_t end, digits;
	int n;

	*used = 1;
	if (s.n < 3)
		return false;
	end = str_find_char(s, ']');
	if (end == STR_NONE)
		return false;
	*used = end + 1;
	if (!scan_number(str_slice(s, 1, end - 1), &n, &digits) || digits != end - 1)
		return false;
	*index = (size_t)n - 1; /* 0 wraps round and is out of range */
	return true;
}

static void take_index(struct format *p)
{
	size_t index = 0, used;
	bool ok;

	p->after_index = false;
	if (!at(p, '['))
		return;
	p->reordered = true;
	ok = scan_index(p->rest, &index, &used);
	skip(p, used);
	if (ok && index < p->n) {
		p->next = index;
		p->after_index = true;
		return;
	}
	p->good_index = false;
	p->after_index = ok;
}

/* A width or precision given by an operand. */
static bool take_star(struct format *p, int *out)
{
	const struct value *v;
	int64_t n;

	*out = 0;
	if (p->next >= p->n)
		return false;
	v = &p->v[p->next++];
	if (value_kind_of(v) == VALUE_INT)
		n = v->i;
	else if (value_kind_of(v) == VALUE_UINT && v->u <= INT64_MAX)
		n = (int64_t)v->u;
	else
		return false;
	if (n > LARGEST_NUMBER || n < -LARGEST_NUMBER)
		return false;
	*out = (int)n;
	return true;
}

static void take_flags(struct format *p)
{
	struct verb *f = &p->verb;

	for (; p->rest.n; skip(p, 1)) {
		switch (p->rest.p[0]) {
		case '#':
			f->sharp = true;
			break;
		case '0':
			f->zero = !f->minus;
			break;
		case '+':
			f->plus = true;
			break;
		case '-':
			f->minus = true;
			f->zero = false;
			break;
		case ' ':
			f->space = true;
			break;
		default:
			return;
		}
	}
}

static void take_width(struct format *p)
{
	struct verb *f = &p->verb;
	size_t used;

	if (at(p, '*')) {
		skip(p, 1);
		f->has_width = take_star(p, &f->width);
		if (!f->has_width)
			buf_add_text(f->out, "%!(BADWIDTH)");
		if (f->width < 0) {
			f->width = -f->width;
			f->minus = true;
			f->zero = false;
		}
		p->after_index = false;
		return;
	}
	f->has_width = scan_number(p->rest, &f->width, &used);
	skip(p, used);
	if (p->after_index && f->has_width)
		p->good_index = false;
}

static void take_precision(struct format *p)
{
	struct verb *f = &p->verb;
	size_t used;

	if (!at(p, '.'))
		return;
	skip(p, 1);
	if (p->after_index)
		p->good_index = false;
	take_index(p);
	if (at(p, '*')) {
		skip(p, 1);
		f->has_precision = take_star(p, &f->precision);
		if (f->precision < 0) {
			f->precision = 0;
			f->has_precision = false;
		}
		if (!f->has_precision)
			buf_add_text(f->out, "%!(BADPREC)");
		p->after_index = false;
		return;
	}
	scan_number(p->rest, &f->precision, &used);
	skip(p, used);
	f->has_precision = true;
}

static void complain(struct format *p, const char *what)
{
	buf_add_text(p->verb.out, "%!");
	buf_add_rune(p->verb.out, p->verb.letter);
	buf_add_text(p->verb.out, what);
}

static void print_operand(struct format *p)
{
	struct verb *f = &p->verb;
	struct value v;

	if (f->letter == 'v') {
		f->sharp_v = f->sharp;
		f->plus_v = f->plus;
		f->sharp = f->plus = false;
	}
	v = value_bare(p->v[p->next++]);
	verb_print(f, &v);
}

/* Behind a percent sign. False at the end of the format. */
static bool print_directive(struct format *p)
{
	struct verb *f = &p->verb;
	size_t step;

	*f = (struct verb){.out = f->out, .mem = f->mem};
	p->good_index = true;
	take_flags(p);
	take_index(p);
	take_width(p);
	take_precision(p);
	if (!p->after_index)
		take_index(p);
	if (!p->rest.n) {
		buf_add_text(f->out, "%!(NOVERB)");
		return false;
	}
	step = utf8_decode(p->rest, &f->letter);
	if (f->letter == UTF8_BAD)
		f->letter = UTF8_REPLACE;
	skip(p, step);
	if (f->letter == '%')
		buf_add_char(f->out, '%');
	else if (!p->good_index)
		complain(p, "(BADINDEX)");
	else if (p->next >= p->n)
		complain(p, "(MISSING)");
	else
		print_operand(p);
	return true;
}

static void print_extra(struct format *p)
{
	struct buf *out = p->verb.out;

	buf_add_text(out, "%!(EXTRA ");
	for (size_t i = p->next; i < p->n; i++) {
		if (i > p->next)
			buf_add_text(out, ", ");
		if (p->v[i].type)
			buf_addf(out, "%s=", p->v[i].type->name);
		print_value(out, p->verb.mem, &p->v[i]);
	}
	buf_add_char(out, ')');
}

void print_format(struct buf *out, struct arena *mem, struct str format,
		  const struct value *v, size_t n)
{
	struct format p = {
		.rest = format, .v = v, .n = n, .verb = {.out = out, .mem = mem}};
	size_t percent;

	while (p.rest.n && !out->full) {
		percent = str_find_char(p.rest, '%');
		buf_add_str(out, str_slice(p.rest, 0, MIN(percent, p.rest.n)));
		if (percent == STR_NONE)
			break;
		skip(&p, percent + 1);
		if (!print_directive(&p))
			break;
	}
	if (!p.reordered && p.next < n)
		print_extra(&p);
}
