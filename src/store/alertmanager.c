#include "base/base.h"
#include "store/alertmanager.h"
#include "base/vec.h"

#include <string.h>

/* -- proto3 --------------------------------------------------------------------------- */

enum wire { WIRE_VARINT, WIRE_FIXED64, WIRE_BYTES, WIRE_FIXED32 = 5 };
struct entry { /* one field of a message */
	uint64_t number, varint;
	enum wire wire;
	struct str bytes;
};

static bool take_varint(struct str *rest, uint64_t *out)
{
	*out = 0;
	for (unsigned shift = 0; rest->n && shift < 64; shift += 7) {
		uint8_t byte = (uint8_t)rest->p[0];

		*rest = str_from(*rest, 1);
		*out |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80))
			return true;
	}
	return false;
}

static bool take_bytes(struct str *rest, uint64_t n, struct str *out)
{
	if (n > rest->n)
		return false;
	*out = str_slice(*rest, 0, (size_t)n);
	*rest = str_from(*rest, (size_t)n);
	return true;
}

/* False at the end, and (*bad) at what is no message. */
static bool next_entry(struct str *rest, struct entry *f, bool *bad)
{
	uint64_t key, n = 0;
	bool ok;

	if (!rest->n || *bad)
		return false;
	*f = (struct entry){0};
	ok = take_varint(rest, &key);
	f->number = key >> 3;
	f->wire = (enum wire)(key & 7);
	if (ok && f->wire == WIRE_VARINT)
		ok = take_varint(rest, &f->varint);
	else if (ok && f->wire == WIRE_BYTES)
		ok = take_varint(rest, &n) && take_bytes(rest, n, &f->bytes);
	else if (ok && (f->wire == WIRE_FIXED64 || f->wire == WIRE_FIXED32))
		ok = take_bytes(rest, f->wire == WIRE_FIXED64 ? 8 : 4, &f->bytes);
	else
		ok = false;
	*bad = !ok;
	return ok;
}

/* -- a silence ------------------------------------------------------------------------ */

struct reading {
	struct arena mem;
	const char *id, *why; /* why: the first thing that cannot be read; NULL: none */
	VEC(struct matcher) matchers;
	VEC(struct label) annotations;
	size_t sets;
	struct silence s;
};

static struct instant read_time(struct reading *r, struct str bytes)
{
	struct instant t = {0};
	struct entry f;
	bool bad = false;

	while (next_entry(&bytes, &f, &bad)) {
		if (f.number == 1)
			t.s = (int64_t)f.varint;
		else if (f.number == 2)
			t.ns = (int32_t)f.varint;
	}
	if (bad || t.ns < 0 || t.ns > 999999999)
		r->why = "a time cannot be read";
	return t;
}

static void read_matcher(struct reading *r, struct str bytes)
{
	static const enum match_op ops[] = {MATCH_EQUAL, MATCH_REGEX, MATCH_NOT_EQUAL,
					    MATCH_NOT_REGEX};
	struct str name = STR(""), value = STR("");
	struct matcher m;
	struct err err;
	struct entry f;
	uint64_t op = 0;
	bool bad = false;

	while (next_entry(&bytes, &f, &bad)) {
		if (f.number == 1)
			op = f.varint;
		else if (f.number == 2)
			name = f.bytes;
		else if (f.number == 3)
			value = f.bytes;
	}
	if (bad || op >= COUNT_OF(ops))
		r->why = "a matcher cannot be read";
	else if (!matcher_new(&r->mem, ops[op], name, value, &m, &err))
		r->why = arena_text(&r->mem, err.text);
	else
		vec_push_in(&r->mem, &r->matchers, m);
}

static void read_set(struct reading *r, struct str bytes)
{
	struct entry f;
	bool bad = false;

	if (!r->sets++)
		r->matchers.n = 0; /* the first set stands in the old field, too */
	while (next_entry(&bytes, &f, &bad)) {
		if (f.number == 1)
			read_matcher(r, f.bytes);
	}
	if (bad)
		r->why = "a set of matchers cannot be read";
}

static void read_annotation(struct reading *r, struct str bytes)
{
	struct label l = {"", ""};
	struct entry f;
	bool bad = false;

	while (next_entry(&bytes, &f, &bad)) {
		if (f.number == 1)
			l.name = arena_copy(&r->mem, f.bytes);
		else if (f.number == 2)
			l.value = arena_copy(&r->mem, f.bytes);
	}
	vec_push_in(&r->mem, &r->annotations, l);
}

/* How older releases kept author and comment. */
static void read_comment(struct reading *r, struct str bytes)
{
	struct entry f;
	bool bad = false;

	while (next_entry(&bytes, &f, &bad)) {
		if (f.number == 1)
			r->s.created_by = arena_copy(&r->mem, f.bytes);
		else if (f.number == 2)
			r->s.comment = arena_copy(&r->mem, f.bytes);
	}
}

static void take_entry(struct reading *r, const struct entry *f)
{
	switch (f->number) {
	case 1:
		r->id = arena_copy(&r->mem, f->bytes);
		break;
	case 2:
		if (!r->sets)
			read_matcher(r, f->bytes);
		break;
	case 3:
		r->s.starts_at = read_time(r, f->bytes);
		break;
	case 4:
		r->s.ends_at = read_time(r, f->bytes);
		break;
	case 5:
		r->s.updated_at = read_time(r, f->bytes);
		break;
	case 7:
		read_comment(r, f->bytes);
		break;
	case 8:
		r->s.created_by = arena_copy(&r->mem, f->bytes);
		break;
	case 9:
		r->s.comment = arena_copy(&r->mem, f->bytes);
		break;
	case 10:
		read_annotation(r, f->bytes);
		break;
	case 11:
		read_set(r, f->bytes);
		break;
	default:
		break;
	}
}

static void read_silence(struct str bytes, const struct alertmanager_visitor *to)
{
	struct reading r = {.id = "", .s = {.created_by = "", .comment = ""}};
	struct entry f;
	bool bad = false;

	while (next_entry(&bytes, &f, &bad))
		take_entry(&r, &f);
	if (bad)
		r.why = "it is not whole";
	else if (!r.why && r.sets > 1)
		r.why = "it has several sets of matchers";
	else if (!r.why && (!r.matchers.n || !r.id[0] || strlen(r.id) >= sizeof(r.s.id)))
		r.why = "it has no matchers, or no id";
	r.s.annotations = labels_new_raw(&r.mem, r.annotations.v, r.annotations.n, NULL);
	if (!r.why && !r.s.annotations)
		r.why = "its annotations cannot be read";
	if (r.why) {
		to->broken(to->ctx, r.id, r.why);
	} else {
		memcpy(r.s.id, r.id, strlen(r.id));
		r.s.matchers = (struct matchers){r.matchers.v, r.matchers.n};
		to->silence(to->ctx, &r.s);
	}
	arena_free(&r.mem);
}

/* Messages with their lengths before them: each a silence and when to forget it. */
void alertmanager_silences_read(struct str snapshot, const struct alertmanager_visitor *to)
{
	struct str message;
	struct entry f;
	uint64_t n;

	while (snapshot.n) {
		bool bad = false;

		if (!take_varint(&snapshot, &n) || !take_bytes(&snapshot, n, &message)) {
			to->broken(to->ctx, "", "the file ends within a silence");
			return;
		}
		while (next_entry(&message, &f, &bad)) {
			if (f.number == 1 && f.wire == WIRE_BYTES)
				read_silence(f.bytes, to);
		}
		if (bad)
			to->broken(to->ctx, "", "a record cannot be read");
	}
}
