#include "base/base.h"
#include "text/yaml.h"
#include "base/utf8.h"
#include "base/vec.h"

#include <math.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

/* -- building ------------------------------------------------------------------------- */
static struct yaml *node(struct arena *mem, enum yaml_kind kind)
{
	struct yaml *y = ARENA_NEW(mem, struct yaml);

	y->kind = kind;
	y->weight = y->depth = 1;
	return y;
}

struct yaml *yaml_new_map(struct arena *mem)
{
	return node(mem, YAML_MAP);
}

struct yaml *yaml_new_list(struct arena *mem)
{
	return node(mem, YAML_LIST);
}

struct yaml *yaml_new_text(struct arena *mem, const char *text)
{
	struct yaml *y = node(mem, YAML_TEXT);

	y->text = str_of(text);
	return y;
}

struct yaml *yaml_new_bool(struct arena *mem, bool yes)
{
	struct yaml *y = node(mem, YAML_BOOL);

	y->yes = yes;
	y->text = str_of(yes ? "true" : "false");
	return y;
}

struct yaml *yaml_new_int(struct arena *mem, int64_t num)
{
	struct yaml *y = node(mem, YAML_INT);

	y->num = num;
	y->text = str_of(arena_printf(mem, "%lld", (long long)num));
	return y;
}

struct yaml *yaml_new_float(struct arena *mem, double real)
{
	struct yaml *y = node(mem, YAML_FLOAT);
	char text[40];

	y->real = real;
	for (int digits = 1; digits <= 17; digits++) {
		snprintf(text, sizeof(text), "%.*g", digits, real);
		if (strtod(text, NULL) == real)
			break;
	}
	if (isnan(real))
		y->text = STR(".nan");
	else if (isinf(real))
		y->text = real > 0 ? STR(".inf") : STR("-.inf");
	else
		y->text = str_of(arena_text(mem, text));
	return y;
}

/* Room for one more: capacities are powers of two from 4, so n tells them. */
static const struct yaml **grown(struct arena *mem, const struct yaml **v, size_t n)
{
	const struct yaml **more;

	if (n && (n < 4 || (n & (n - 1))))
		return v;
	more = ARENA_ARRAY(mem, const struct yaml *, n < 4 ? 4 : 2 * n);
	if (n)
		memcpy(more, v, n * sizeof(*v));
	return more;
}

void yaml_push(struct arena *mem, struct yaml *list, const struct yaml *value)
{
	list->items = grown(mem, list->items, list->n);
	list->items[list->n++] = value;
}

void yaml_put(struct arena *mem, struct yaml *map, const char *key,
	      const struct yaml *value)
{
	map->keys = grown(mem, map->keys, map->n);
	map->keys[map->n] = yaml_new_text(mem, key);
	yaml_push(mem, map, value);
}

/* -- printing ------------------------------------------------------------------------- */
struct out {
	struct buf *buf;
	bool flow; /* inside [ ] or { } */
};
static void print_flow(struct out *, const struct yaml *);

static bool is_printable(struct str s, bool newline_too)
{
	while (s.n) {
		uint32_t rune;
		size_t n = utf8_decode(s, &rune);

		if (rune == UTF8_BAD || (rune < 0x20 && !(newline_too && rune == '\n')) ||
		    (rune >= 0x7f && rune < 0xa0) || rune == 0x2028 || rune == 0x2029 ||
		    rune == 0xfeff || rune == 0xfffe || rune == 0xffff)
			return false;
		s = str_from(s, n);
	}
	return true;
}

static bool looks_numeric(struct str s)
{
	if (!strchr("0123456789+.", s.p[0]))
		return false;
	for (size_t i = 0; i < s.n; i++) {
		if (!strchr("0123456789-:._+eExXTtZz ", s.p[i]))
			return false;
	}
	return true;
}

static bool is_plain(struct str s, bool flow)
{
	struct yaml meaning = {0};

	if (!s.n || strchr(" -?:,[]{}#&*!|>'\"%@`=", s.p[0]) || s.p[s.n - 1] == ' ' ||
	    s.p[s.n - 1] == ':' || !is_printable(s, false))
		return false;
	for (size_t i = 0; i < s.n; i++) {
		if ((s.p[i] == ':' && i + 1 < s.n && s.p[i + 1] == ' ') ||
		    (s.p[i] == '#' && s.p[i - 1] == ' ') ||
		    (flow && strchr(",[]{}:?", s.p[i])))
			return false;
	}
	yaml_resolve(&meaning, s);
	/* Dates and base-60 numbers are text here; others may read them otherwise. */
	return meaning.kind == YAML_TEXT && !str_is(s, "<<") && !looks_numeric(s);
}

static void print_single(struct buf *out, struct str s)
{
	buf_add_char(out, '\'');
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '\'')
			buf_add_char(out, '\'');
		buf_add_char(out, s.p[i]);
	}
	buf_add_char(out, '\'');
}

static void print_double(struct buf *out, struct str s)
{
	buf_add_char(out, '"');
	while (s.n) {
		uint32_t rune;
		size_t n = utf8_decode(s, &rune);

		if (rune == '"' || rune == '\\')
			buf_addf(out, "\\%c", (char)rune);
		else if (rune == '\n')
			buf_add_text(out, "\\n");
		else if (rune == '\t')
			buf_add_text(out, "\\t");
		else if (rune == UTF8_BAD)
			buf_add_text(out, "\\uFFFD");
		else if (is_printable(str_slice(s, 0, n), false))
			buf_add_str(out, str_slice(s, 0, n));
		else
			buf_addf(out, "\\u%04X", rune);
		s = str_from(s, n);
	}
	buf_add_char(out, '"');
}

/* Text of several lines whose first says how far it is indented. */
static bool is_literal(struct str s)
{
	return s.n > 1 && str_find_char(s, '\n') != STR_NONE && s.p[0] != ' ' &&
	       s.p[0] != '\n' && !str_ends(s, STR("\n\n")) && is_printable(s, true);
}

static void print_indent(struct buf *out, size_t level)
{
	for (size_t i = 0; i < level; i++)
		buf_add_text(out, "  ");
}

static void print_literal(struct buf *out, struct str s, size_t level)
{
	struct str rest = s, line;

	buf_add_text(out, s.p[s.n - 1] == '\n' ? "|" : "|-");
	if (s.p[s.n - 1] == '\n')
		rest.n--;
	while (str_cut(&rest, '\n', &line)) {
		buf_add_char(out, '\n');
		if (line.n)
			print_indent(out, level);
		buf_add_str(out, line);
	}
}

static void print_scalar(struct out *o, const struct yaml *y, size_t level)
{
	if (y->kind == YAML_NULL)
		buf_add_text(o->buf, "null");
	else if (y->kind != YAML_TEXT || is_plain(y->text, o->flow))
		buf_add_str(o->buf, y->text);
	else if (is_printable(y->text, false))
		print_single(o->buf, y->text);
	else if (!o->flow && level && is_literal(y->text))
		print_literal(o->buf, y->text, level);
	else
		print_double(o->buf, y->text);
}

static void print_key(struct out *o, const struct yaml *key)
{
	bool was = o->flow;

	o->flow = true; /* keys stay on their line */
	print_scalar(o, key, 0);
	o->flow = was;
	buf_add_char(o->buf, ':');
}

static void print_flow(struct out *o, const struct yaml *y)
{
	bool was = o->flow;

	if (y->kind != YAML_LIST && y->kind != YAML_MAP) {
		print_scalar(o, y, 0);
		return;
	}
	o->flow = true;
	buf_add_char(o->buf, y->kind == YAML_LIST ? '[' : '{');
	for (size_t i = 0; i < y->n; i++) {
		buf_add_text(o->buf, i ? ", " : "");
		if (y->kind == YAML_MAP) {
			print_key(o, y->keys[i]);
			buf_add_char(o->buf, ' ');
		}
		print_flow(o, y->items[i]);
	}
	buf_add_char(o->buf, y->kind == YAML_LIST ? ']' : '}');
	o->flow = was;
}

static void print_map(struct out *, const struct yaml *, size_t level);
static void print_list(struct out *, const struct yaml *, size_t level);

static bool is_block(const struct yaml *y)
{
	return (y->kind == YAML_MAP || y->kind == YAML_LIST) && y->n && !y->flow;
}

/* What stands after "key:". */
static void print_value(struct out *o, const struct yaml *y, size_t level)
{
	if (is_block(y)) {
		buf_add_char(o->buf, '\n');
		if (y->kind == YAML_MAP)
			print_map(o, y, level + 1);
		else
			print_list(o, y, level);
		return;
	}
	buf_add_char(o->buf, ' ');
	if (y->kind == YAML_MAP || y->kind == YAML_LIST)
		print_flow(o, y);
	else
		print_scalar(o, y, level + 1);
	buf_add_char(o->buf, '\n');
}

/* The first pair continues the line when it follows a dash. */
static void print_pairs(struct out *o, const struct yaml *y, size_t level, bool after_dash)
{
	for (size_t i = 0; i < y->n; i++) {
		if (i || !after_dash)
			print_indent(o->buf, level);
		print_key(o, y->keys[i]);
		print_value(o, y->items[i], level);
	}
}

static void print_map(struct out *o, const struct yaml *y, size_t level)
{
	print_pairs(o, y, level, false);
}

static void print_items(struct out *o, const struct yaml *y, size_t level, bool after_dash)
{
	for (size_t i = 0; i < y->n; i++) {
		const struct yaml *kid = y->items[i];

		if (i || !after_dash)
			print_indent(o->buf, level);
		buf_add_char(o->buf, '-');
		if (!is_block(kid)) {
			print_value(o, kid, level);
			continue;
		}
		buf_add_char(o->buf, ' ');
		if (kid->kind == YAML_MAP)
			print_pairs(o, kid, level + 1, true);
		else
			print_items(o, kid, level + 1, true);
	}
}

static void print_list(struct out *o, const struct yaml *y, size_t level)
{
	print_items(o, y, level, false);
}

void yaml_print(struct buf *buf, const struct yaml *y)
{
	struct out o = {buf, false};

	if (is_block(y) && y->kind == YAML_MAP) {
		print_map(&o, y, 0);
	} else if (is_block(y)) {
		print_list(&o, y, 0);
	} else {
		print_flow(&o, y);
		buf_add_char(buf, '\n');
	}
}
