#include "base/base.h"
#include "text/yaml.h"
#include "base/map.h"
#include "base/utf8.h"
#include "base/vec.h"

#include <stdlib.h>
#include <string.h>
#include <yaml.h>

struct anchor {
	struct yaml *node;
	bool open; /* still being read: an alias to it would contain itself */
};
struct reader {
	struct arena *mem, *texts;
	struct errs *errs;
	const char *file;
	struct str bytes;
	bool lenient; /* repeated keys are no mistake, the last one counts */
	yaml_parser_t parser;
	yaml_event_t event;
	struct map anchors;
	size_t depth;		 /* open collections */
	uint64_t made;		 /* nodes built so far */
	size_t at_char, at_byte; /* one place in bytes, in both units */
	bool has_odd_escapes;	 /* somewhere */
};

/* -- errors --------------------------------------------------------------------------- */
static struct pos pos_of(const struct reader *r, yaml_mark_t mark)
{
	return (struct pos){r->file, (int)mark.line + 1, (int)mark.column + 1};
}

static struct yaml *fail(struct reader *r, struct pos at, const char *text)
{
	errs_addf(r->errs, at, "%s", text);
	return NULL;
}

/* libyaml's reader knows only an offset. */
static struct pos pos_of_offset(const struct reader *r, size_t offset)
{
	struct pos at = {r->file, 1, 1};

	for (size_t i = 0; i < offset && i < r->bytes.n; i++) {
		if (r->bytes.p[i] == '\n') {
			at.line++;
			at.col = 1;
		} else if (((unsigned char)r->bytes.p[i] & 0xc0) != 0x80) {
			at.col++;
		}
	}
	return at;
}

static void syntax_error(struct reader *r)
{
	const yaml_parser_t *p = &r->parser;
	const char *problem = p->problem ? p->problem : "cannot be read";

	if (p->error == YAML_READER_ERROR)
		errs_addf(r->errs, pos_of_offset(r, p->problem_offset), "yaml: %s",
			  problem);
	else if (p->context && p->context_mark.line != p->problem_mark.line)
		errs_addf(r->errs, pos_of(r, p->problem_mark),
			  "yaml: %s, %s that began in line %zu", problem, p->context,
			  p->context_mark.line + 1);
	else if (p->context)
		errs_addf(r->errs, pos_of(r, p->problem_mark), "yaml: %s, %s", problem,
			  p->context);
	else
		errs_addf(r->errs, pos_of(r, p->problem_mark), "yaml: %s", problem);
}

/* The next event, in r->event. */
static bool next(struct reader *r)
{
	yaml_event_delete(&r->event);
	if (yaml_parser_parse(&r->parser, &r->event))
		return true;
	syntax_error(r);
	return false;
}

/* -- scalars -------------------------------------------------------------------------- */
static bool is_one_of(struct str s, const char *const *words)
{
	for (; *words; words++) {
		if (str_is(s, *words))
			return true;
	}
	return false;
}

static bool resolve_word(struct yaml *y, struct str s)
{
	static const char *const nulls[] = {"", "~", "null", "Null", "NULL", NULL};
	static const char *const yes[] = {"y",	  "Y",	  "yes", "Yes", "YES", "true",
					  "True", "TRUE", "on",	 "On",	"ON",  NULL};
	static const char *const no[] = {"n",	  "N",	   "no",  "No",	 "NO",	"false",
					 "False", "FALSE", "off", "Off", "OFF", NULL};
	static const char *const inf[] = {".inf",  ".Inf",  ".INF", "+.inf",
					  "+.Inf", "+.INF", NULL};
	static const char *const minus[] = {"-.inf", "-.Inf", "-.INF", NULL};
	static const char *const nan[] = {".nan", ".NaN", ".NAN", NULL};

	if (is_one_of(s, nulls)) {
		y->kind = YAML_NULL;
	} else if (is_one_of(s, yes) || is_one_of(s, no)) {
		y->kind = YAML_BOOL;
		y->yes = is_one_of(s, yes);
	} else if (is_one_of(s, inf) || is_one_of(s, minus) || is_one_of(s, nan)) {
		y->kind = YAML_FLOAT;
		y->real = is_one_of(s, nan) ? __builtin_nan("") : __builtin_inf();
		if (is_one_of(s, minus))
			y->real = -y->real;
	} else {
		return false;
	}
	return true;
}

static int digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : 16;
}

/* Go's integer literals with a base prefix; a leading 0 alone means octal. */
static bool resolve_int(struct yaml *y, struct str s)
{
	bool minus = s.n && s.p[0] == '-';
	uint64_t value = 0, base = 10;

	if (s.n && (s.p[0] == '-' || s.p[0] == '+'))
		s = str_from(s, 1);
	if (s.n > 1 && s.p[0] == '0') {
		char mark = (char)(s.p[1] | 0x20);

		base = mark == 'x' ? 16 : mark == 'b' ? 2 : 8;
		s = str_from(s, mark == 'x' || mark == 'b' || mark == 'o' ? 2 : 1);
	}
	if (!s.n)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		uint64_t digit = (uint64_t)digit_of(s.p[i]);

		if (digit >= base || __builtin_mul_overflow(value, base, &value) ||
		    __builtin_add_overflow(value, digit, &value))
			return false;
	}
	if (minus && value > (uint64_t)INT64_MAX + 1)
		return false;
	y->kind = YAML_INT;
	y->huge = !minus && value > INT64_MAX;
	y->num = (int64_t)(minus ? 0 - value : value);
	y->real = y->huge ? (double)value : (double)y->num;
	return true;
}

static size_t digits(struct str s, size_t i)
{
	while (i < s.n && s.p[i] >= '0' && s.p[i] <= '9')
		i++;
	return i;
}

/*	float = [sign] ( "." digits | digits [ "." [digits] ] ) [ e [sign] digits ]	*/
static bool resolve_float(struct yaml *y, struct str s)
{
	size_t i = s.n && (s.p[0] == '-' || s.p[0] == '+'), from = i;
	char text[400];

	i = digits(s, i);
	if (i == from && (i >= s.n || s.p[i] != '.' || digits(s, i + 1) == i + 1))
		return false;
	if (i < s.n && s.p[i] == '.')
		i = digits(s, i + 1);
	if (i < s.n && (s.p[i] == 'e' || s.p[i] == 'E')) {
		i++;
		if (i < s.n && (s.p[i] == '-' || s.p[i] == '+'))
			i++;
		if (digits(s, i) == i)
			return false;
		i = digits(s, i);
	}
	if (i != s.n || s.n >= sizeof(text))
		return false;
	memcpy(text, s.p, s.n);
	text[s.n] = 0;
	y->real = strtod(text, NULL);
	if (y->real > 1.7976931348623157e308 || y->real < -1.7976931348623157e308)
		return false; /* out of range: stays text, as in Go */
	y->kind = YAML_FLOAT;
	return true;
}

void yaml_resolve(struct yaml *y, struct str s)
{
	char plain[400];
	size_t n = 0;

	if (resolve_word(y, s))
		return;
	y->kind = YAML_TEXT;
	if (s.n >= sizeof(plain) || !memchr("+-.0123456789", s.p[0], 13))
		return;
	if (s.p[0] == '.') {
		(void)resolve_float(y, s);
		return;
	}
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] != '_')
			plain[n++] = s.p[i];
	}
	if (!resolve_int(y, (struct str){plain, n}))
		(void)resolve_float(y, (struct str){plain, n});
}

static void pass_character(struct reader *r)
{
	r->at_char++;
	do
		r->at_byte++;
	while (r->at_byte < r->bytes.n &&
	       ((unsigned char)r->bytes.p[r->at_byte] & 0xc0) == 0x80);
}

/* libyaml counts in characters. Nodes come in the order of the text. */
static size_t byte_of(struct reader *r, yaml_mark_t mark)
{
	while (r->at_char < mark.index && r->at_byte < r->bytes.n)
		pass_character(r);
	return r->at_byte;
}

/* libyaml knows the escape \/ and Go's YAML does not; what is text there must be here. */
static bool has_odd_escape(struct reader *r)
{
	size_t from = r->event.start_mark.index, to = r->event.end_mark.index;

	if (!r->has_odd_escapes || from < r->at_char)
		return false;
	byte_of(r, r->event.start_mark);
	while (r->at_char < to && r->at_byte < r->bytes.n) {
		bool is_escape = r->bytes.p[r->at_byte] == '\\';

		pass_character(r);
		if (!is_escape || r->at_byte >= r->bytes.n)
			continue;
		if (r->bytes.p[r->at_byte] == '/')
			return true;
		if (r->bytes.p[r->at_byte] == '\\')
			pass_character(r);
	}
	return false;
}

/* -- nodes ---------------------------------------------------------------------------- */
static struct yaml *read_node(struct reader *r);

static struct yaml *node_new(struct reader *r, enum yaml_kind kind)
{
	struct yaml *y = ARENA_NEW(r->mem, struct yaml);

	y->kind = kind;
	y->at = pos_of(r, r->event.start_mark);
	y->offset = byte_of(r, r->event.start_mark);
	y->weight = y->depth = 1;
	if (++r->made > YAML_MAX_NODES)
		return fail(r, y->at, "yaml: the document has too many nodes");
	return y;
}

static struct anchor *anchor_set(struct reader *r, const yaml_char_t *name,
				 struct yaml *node)
{
	struct anchor *a;

	if (!name)
		return NULL;
	a = ARENA_NEW(r->mem, struct anchor);
	*a = (struct anchor){node, true};
	map_put(&r->anchors, arena_str(r->mem, str_of((const char *)name)), a);
	return a;
}

/* Adds what hangs below y to what y weighs. */
static bool weigh(struct reader *r, struct yaml *y, const struct yaml *kid)
{
	if (kid->weight > YAML_MAX_NODES - y->weight)
		return fail(r, kid->at,
			    "yaml: the document has too many nodes with its "
			    "aliases followed");
	y->weight += kid->weight;
	y->depth = MAX(y->depth, kid->depth + 1);
	if (y->depth + r->depth > YAML_MAX_DEPTH)
		return fail(r, kid->at, "yaml: nested too deeply");
	return true;
}

static struct yaml *read_alias(struct reader *r)
{
	struct str name = str_of((const char *)r->event.data.alias.anchor);
	struct pos at = pos_of(r, r->event.start_mark);
	struct anchor *a = map_find(&r->anchors, name);

	if (!a)
		errs_addf(r->errs, at, "yaml: unknown anchor '%.*s'", FMT(name));
	else if (a->open)
		errs_addf(r->errs, at, "yaml: anchor '%.*s' value contains itself",
			  FMT(name));
	else
		return a->node;
	return NULL;
}

/* What a tag like !!int or !mine makes of a scalar. */
static void resolve_tagged(struct yaml *y, struct str tag)
{
	static const char prefix[] = "tag:yaml.org,2002:";

	if (!str_starts(tag, str_of(prefix)))
		return;
	tag = str_from(tag, sizeof(prefix) - 1);
	if (str_is(tag, "bool") || str_is(tag, "int") || str_is(tag, "float") ||
	    str_is(tag, "null"))
		yaml_resolve(y, y->text);
}

static struct yaml *read_scalar(struct reader *r)
{
	const char *tag = (const char *)r->event.data.scalar.tag;
	yaml_scalar_style_t style = r->event.data.scalar.style;
	struct yaml *y = node_new(r, YAML_TEXT);
	struct anchor *a;

	if (!y)
		return NULL;
	if (style == YAML_DOUBLE_QUOTED_SCALAR_STYLE && has_odd_escape(r))
		return fail(r, y->at,
			    "yaml: found unknown escape character, while parsing a "
			    "quoted scalar");
	y->text = arena_str(r->texts, (struct str){(const char *)r->event.data.scalar.value,
						   r->event.data.scalar.length});
	a = anchor_set(r, r->event.data.scalar.anchor, y);
	if (a)
		a->open = false;
	y->plain = style == YAML_PLAIN_SCALAR_STYLE && !tag;
	if (y->plain)
		yaml_resolve(y, y->text);
	else if (tag)
		resolve_tagged(y, str_of(tag));
	return y;
}

static struct yaml *read_list(struct reader *r)
{
	struct yaml *y = node_new(r, YAML_LIST);
	struct anchor *a = y ? anchor_set(r, r->event.data.sequence_start.anchor, y) : NULL;
	size_t cap = 0;

	if (!y)
		return NULL;
	y->flow = r->event.data.sequence_start.style == YAML_FLOW_SEQUENCE_STYLE;
	for (;;) {
		const struct yaml *kid;

		if (!next(r))
			return NULL;
		if (r->event.type == YAML_SEQUENCE_END_EVENT)
			break;
		kid = read_node(r);
		if (!kid || !weigh(r, y, kid))
			return NULL;
		if (y->n == cap)
			y->items = vec_grow_in(r->mem, y->items, &cap, sizeof(*y->items));
		y->items[y->n++] = kid;
	}
	if (a)
		a->open = false;
	return y;
}

/* -- maps ----------------------------------------------------------------------------- */
struct pair {
	const struct yaml *key, *value;
};
struct pairs {
	VEC(struct pair *) list;
	VEC(const struct yaml *) merges;
	struct map seen; /* key text -> pair */
};

static bool is_merge(const struct yaml *key)
{
	return key->plain && str_is(key->text, "<<");
}

/* What makes two keys the same; all ways to write null are one. */
static struct str key_id(const struct yaml *key)
{
	return key->kind == YAML_NULL ? STR("null") : key->text;
}

static void pair_add(struct reader *r, struct pairs *all, const struct yaml *key,
		     const struct yaml *value)
{
	struct pair *p = ARENA_NEW(r->mem, struct pair);

	*p = (struct pair){key, value};
	vec_push_in(r->mem, &all->list, p);
	map_put(&all->seen, key_id(key), p);
}

static bool pair_read(struct reader *r, struct pairs *all, const struct yaml *key,
		      const struct yaml *value)
{
	struct pair *first;

	if (key->kind == YAML_LIST || key->kind == YAML_MAP)
		return fail(r, key->at, "yaml: a key must be a scalar");
	if (is_merge(key)) {
		vec_push_in(r->mem, &all->merges, value);
		return true;
	}
	first = map_find(&all->seen, key_id(key));
	if (!first)
		pair_add(r, all, key, value);
	else if (r->lenient)
		first->value = value;
	else
		errs_addf(r->errs, key->at, "key \"%.*s\" already set in line %d",
			  FMT(key->text), first->key->at.line);
	return true;
}

static bool merge_one(struct reader *r, struct pairs *all, const struct yaml *from)
{
	if (from->kind != YAML_MAP)
		return fail(
			r, from->at,
			"yaml: map merge requires map or sequence of maps as the value");
	for (size_t i = 0; i < from->n; i++) {
		if (!map_find(&all->seen, key_id(from->keys[i])))
			pair_add(r, all, from->keys[i], from->items[i]);
	}
	return true;
}

static bool merge_all(struct reader *r, struct pairs *all)
{
	for (size_t i = 0; i < all->merges.n; i++) {
		const struct yaml *from = all->merges.v[i];

		if (from->kind != YAML_LIST) {
			if (!merge_one(r, all, from))
				return false;
			continue;
		}
		for (size_t k = 0; k < from->n; k++) {
			if (!merge_one(r, all, from->items[k]))
				return false;
		}
	}
	return true;
}

/* The pairs up to the map's end. */
static bool read_pairs(struct reader *r, struct pairs *all)
{
	for (;;) {
		const struct yaml *key, *value;

		if (!next(r))
			return false;
		if (r->event.type == YAML_MAPPING_END_EVENT)
			return merge_all(r, all);
		key = read_node(r);
		if (!key || !next(r))
			return false;
		value = read_node(r);
		if (!value || !pair_read(r, all, key, value))
			return false;
	}
}

static struct yaml *read_map(struct reader *r)
{
	struct yaml *y = node_new(r, YAML_MAP);
	struct anchor *a = y ? anchor_set(r, r->event.data.mapping_start.anchor, y) : NULL;
	struct pairs all = {0};
	bool ok;

	if (!y)
		return NULL;
	y->flow = r->event.data.mapping_start.style == YAML_FLOW_MAPPING_STYLE;
	ok = read_pairs(r, &all);
	map_free(&all.seen);
	y->keys = ARENA_ARRAY(r->mem, const struct yaml *, all.list.n);
	y->items = ARENA_ARRAY(r->mem, const struct yaml *, all.list.n);
	for (; ok && y->n < all.list.n; y->n++) {
		const struct pair *p = all.list.v[y->n];

		y->keys[y->n] = p->key;
		y->items[y->n] = p->value;
		ok = weigh(r, y, p->key) && weigh(r, y, p->value);
	}
	if (a)
		a->open = false;
	return ok ? y : NULL;
}

/* The node that the current event begins. */
static struct yaml *read_node(struct reader *r)
{
	struct yaml *y;

	if (r->event.type == YAML_ALIAS_EVENT)
		return read_alias(r);
	if (r->event.type == YAML_SCALAR_EVENT)
		return read_scalar(r);
	if (r->depth == YAML_MAX_DEPTH)
		return fail(r, pos_of(r, r->event.start_mark), "yaml: nested too deeply");
	r->depth++;
	y = r->event.type == YAML_SEQUENCE_START_EVENT ? read_list(r) : read_map(r);
	r->depth--;
	return y;
}

/* -- documents ------------------------------------------------------------------------ */
/* Whether another document begins; what is wrong with it does not matter. */
static bool has_more(struct reader *r)
{
	yaml_event_delete(&r->event);
	return r->event.type != YAML_STREAM_END_EVENT &&
	       yaml_parser_parse(&r->parser, &r->event) &&
	       r->event.type == YAML_DOCUMENT_START_EVENT;
}

/* From its start to its end, the event under way. */
static struct yaml *read_one(struct reader *r)
{
	struct yaml *top = next(r) ? read_node(r) : NULL;

	/* What follows the node is looked at as far as Go's reader does. */
	return top && next(r) ? top : NULL;
}

static const struct yaml *read_document(struct reader *r)
{
	struct yaml *top;

	if (!next(r) || !next(r)) /* the stream's start, then a document's or its end */
		return NULL;
	if (r->event.type == YAML_STREAM_END_EVENT) {
		struct yaml *none = node_new(r, YAML_NULL);

		none->at = (struct pos){r->file, 1, 1};
		none->plain = true;
		return none;
	}
	top = read_one(r);
	if (top)
		top->more = has_more(r);
	return top;
}

static void start_reading(struct reader *r)
{
	if (!yaml_parser_initialize(&r->parser))
		BUG("libyaml has no memory");
	r->has_odd_escapes = str_find(r->bytes, STR("\\/")) != STR_NONE;
	if (str_starts(r->bytes, STR("\xef\xbb\xbf")))
		r->at_byte = 3; /* a byte order mark is no character */
	yaml_parser_set_input_string(&r->parser, (const unsigned char *)r->bytes.p,
				     r->bytes.n);
}

static void end_reading(struct reader *r)
{
	yaml_event_delete(&r->event);
	yaml_parser_delete(&r->parser);
	map_free(&r->anchors);
}

static const struct yaml *read_bytes(struct reader *r)
{
	const struct yaml *top;

	if (r->bytes.n > YAML_MAX_BYTES) {
		errs_addf(r->errs, (struct pos){r->file, 0, 0},
			  "yaml: %zu bytes are more than the limit of %zu", r->bytes.n,
			  YAML_MAX_BYTES);
		return NULL;
	}
	start_reading(r);
	top = read_document(r);
	end_reading(r);
	return top;
}

static bool next_document(struct reader *r)
{
	return next(r) && r->event.type == YAML_DOCUMENT_START_EVENT;
}

const struct yaml **yaml_read_others(struct arena *nodes, struct arena *texts,
				     const char *file, struct str bytes, struct errs *errs,
				     size_t *n)
{
	VEC(const struct yaml *) all = {0};
	struct errs told = {.mem = nodes};
	struct reader r = {nodes, texts,	   &told, arena_text(texts, file),
			   bytes, .lenient = false};
	const struct yaml *top;

	start_reading(&r);
	if (next(&r) && next_document(&r) && read_one(&r)) {
		r.errs = errs;
		while (next_document(&r)) {
			map_free(&r.anchors);
			top = read_one(&r);
			if (!top)
				break;
			vec_push_in(nodes, &all, top);
		}
	}
	end_reading(&r);
	*n = all.n;
	return all.v;
}

const struct yaml *yaml_read_apart(struct arena *nodes, struct arena *texts,
				   const char *file, struct str bytes, struct errs *errs)
{
	struct reader r = {nodes, texts,	   errs, arena_text(texts, file),
			   bytes, .lenient = false};

	return read_bytes(&r);
}

const struct yaml *yaml_read(struct arena *mem, const char *file, struct str bytes,
			     struct errs *errs)
{
	return yaml_read_apart(mem, mem, file, bytes, errs);
}

const struct yaml *yaml_read_value(struct arena *mem, struct str bytes)
{
	struct errs ignored = {.mem = mem};
	struct reader r = {mem, mem, &ignored, NULL, bytes, .lenient = true};

	return read_bytes(&r);
}

const struct yaml *yaml_find(const struct yaml *map, const char *key)
{
	for (size_t i = 0; map->kind == YAML_MAP && i < map->n; i++) {
		if (str_is(map->keys[i]->text, key))
			return map->items[i];
	}
	return NULL;
}

bool yaml_eq(const struct yaml *a, const struct yaml *b)
{
	if (a->kind != b->kind || a->n != b->n || !str_eq(a->text, b->text))
		return false;
	for (size_t i = 0; i < a->n; i++) {
		if (a->kind == YAML_MAP && !yaml_eq(a->keys[i], b->keys[i]))
			return false;
		if (!yaml_eq(a->items[i], b->items[i]))
			return false;
	}
	return true;
}

const char *yaml_kind_text(enum yaml_kind kind)
{
	static const char *const texts[] = {
		[YAML_NULL] = "nothing",   [YAML_BOOL] = "a boolean",
		[YAML_INT] = "an integer", [YAML_FLOAT] = "a number",
		[YAML_TEXT] = "text",	   [YAML_LIST] = "a list",
		[YAML_MAP] = "a mapping",
	};

	return texts[kind];
}
