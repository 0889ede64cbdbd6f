#include "base/base.h"
#include "base/map.h"
#include "model/labels.h"
#include "base/quote.h"
#include "base/utf8.h"

#include <stdlib.h>
#include <string.h>

const struct labels labels_none = {.fingerprint = FNV_START};

/* FNV-1a over the text and the byte that ends it. */
static uint64_t hash_text(uint64_t h, const char *text)
{
	for (const char *p = text; *p; p++)
		h = (h ^ (unsigned char)*p) * FNV_PRIME;
	return (h ^ 0xff) * FNV_PRIME;
}

static uint64_t hash_pair(uint64_t h, const struct label *l)
{
	return hash_text(hash_text(h, l->name), l->value);
}

static void set_fingerprint(struct labels *set)
{
	set->fingerprint = FNV_START;
	for (size_t i = 0; i < set->n; i++)
		set->fingerprint = hash_pair(set->fingerprint, &set->v[i]);
}

static struct labels *make_room(struct arena *mem, size_t n)
{
	return arena_alloc(mem, sizeof(struct labels) + n * sizeof(struct label));
}

#define FEW 32 /* so many are sorted by putting each in its place */

static void sort_few(struct label *v, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		struct label l = v[i];
		size_t at = i;

		for (; at && strcmp(v[at - 1].name, l.name) > 0; at--)
			v[at] = v[at - 1];
		v[at] = l;
	}
}

static void merge(const struct label *v, size_t half, size_t n, struct label *out)
{
	size_t i = 0, j = half;

	for (size_t k = 0; k < n; k++) {
		bool left = j == n || (i < half && strcmp(v[i].name, v[j].name) <= 0);

		out[k] = left ? v[i++] : v[j++];
	}
}

static void sort_many(struct label *v, size_t n, struct label *room)
{
	if (n <= FEW) {
		sort_few(v, n);
		return;
	}
	sort_many(v, n / 2, room);
	sort_many(v + n / 2, n - n / 2, room);
	merge(v, n / 2, n, room);
	memcpy(v, room, n * sizeof(*v));
}

void labels_sort(struct label *v, size_t n)
{
	struct label *room = n > FEW ? mem_resize(NULL, n * sizeof(*room)) : NULL;

	sort_many(v, n, room);
	free(room);
}

static struct labels *borrow(struct arena *mem, const struct label *pairs, size_t n,
			     bool keep_empty, struct err *err)
{
	struct labels *set = make_room(mem, n);
	size_t kept = 0;

	for (size_t i = 0; i < n; i++)
		set->v[i] = pairs[i];
	labels_sort(set->v, n);
	for (size_t i = 1; i < n; i++) {
		if (strcmp(set->v[i].name, set->v[i - 1].name) == 0) {
			err_set(err, NOWHERE, "label \"%s\" is given twice",
				set->v[i].name);
			return NULL;
		}
	}
	for (size_t i = 0; i < n; i++) {
		if (keep_empty || set->v[i].value[0])
			set->v[kept++] = set->v[i];
	}
	set->n = kept;
	return set;
}

static const struct labels *with_fingerprint(struct labels *set)
{
	if (set)
		set_fingerprint(set);
	return set;
}

const struct labels *labels_borrow(struct arena *mem, const struct label *pairs, size_t n,
				   struct err *err)
{
	return with_fingerprint(borrow(mem, pairs, n, false, err));
}

const struct labels *labels_borrow_raw(struct arena *mem, const struct label *pairs,
				       size_t n, struct err *err)
{
	return borrow(mem, pairs, n, true, err);
}

static const struct labels *with_own_texts(struct arena *mem, struct labels *set)
{
	for (size_t i = 0; set && i < set->n; i++) {
		set->v[i].name = arena_text(mem, set->v[i].name);
		set->v[i].value = arena_text(mem, set->v[i].value);
	}
	return with_fingerprint(set);
}

const struct labels *labels_new(struct arena *mem, const struct label *pairs, size_t n,
				struct err *err)
{
	return with_own_texts(mem, borrow(mem, pairs, n, false, err));
}

const struct labels *labels_new_raw(struct arena *mem, const struct label *pairs, size_t n,
				    struct err *err)
{
	return with_own_texts(mem, borrow(mem, pairs, n, true, err));
}

const struct labels *labels_merge(struct arena *mem, const struct labels *base,
				  const struct labels *over)
{
	struct labels *set = make_room(mem, base->n + over->n);
	size_t i = 0, j = 0;

	while (i < base->n || j < over->n) {
		int order = i == base->n   ? 1
			    : j == over->n ? -1
					   : strcmp(base->v[i].name, over->v[j].name);
		const struct label *l = order < 0 ? &base->v[i] : &over->v[j];

		i += order <= 0;
		j += order >= 0;
		if (l->value[0])
			set->v[set->n++] = *l;
	}
	set_fingerprint(set);
	return set;
}

const struct labels *labels_with(struct arena *mem, const struct labels *old,
				 const char *name, const char *value)
{
	struct labels *one = make_room(mem, 1);

	one->n = 1;
	one->v[0] = (struct label){name, value};
	return labels_merge(mem, old, one);
}

const struct labels *labels_only(struct arena *mem, const struct labels *set,
				 const char *const *names, size_t n)
{
	struct labels *some = make_room(mem, MIN(set->n, n));
	size_t i = 0, j = 0;

	while (i < set->n && j < n) {
		int order = strcmp(set->v[i].name, names[j]);

		if (order == 0)
			some->v[some->n++] = set->v[i];
		i += order <= 0;
		j += order >= 0;
	}
	set_fingerprint(some);
	return some;
}

/* Names that many sets share are recognized by their place, without a look at them. */
static const char *find_shared(const struct labels *set, const char *name)
{
	for (size_t i = 0; i < set->n; i++) {
		if (set->v[i].name == name)
			return set->v[i].value;
	}
	return NULL;
}

const char *labels_find(const struct labels *set, const char *name)
{
	const char *value = set->n <= FEW ? find_shared(set, name) : NULL;
	size_t low = 0, high = value ? 0 : set->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		int order = strcmp(set->v[mid].name, name);

		if (order == 0)
			return set->v[mid].value;
		if (order < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return value;
}

const char *labels_get(const struct labels *set, const char *name)
{
	const char *value = labels_find(set, name);

	return value ? value : "";
}

/* The key is the fingerprint, or the next number that is free. */
bool labels_index(struct arena *mem, struct map *index, const struct labels *l)
{
	const uint64_t *key = &l->fingerprint;
	const struct labels *other;

	while ((other = map_find(index, map_key_u64(key)))) {
		uint64_t *next;

		if (labels_eq(other, l))
			return false;
		next = ARENA_NEW(mem, uint64_t);
		*next = *key + 1;
		key = next;
	}
	map_put(index, map_key_u64(key), (void *)(uintptr_t)l);
	return true;
}

bool labels_eq(const struct labels *a, const struct labels *b)
{
	if (a == b)
		return true;
	if (a->n != b->n)
		return false;
	if (a->fingerprint && b->fingerprint && a->fingerprint != b->fingerprint)
		return false;
	for (size_t i = 0; i < a->n; i++) {
		if (strcmp(a->v[i].name, b->v[i].name) ||
		    strcmp(a->v[i].value, b->v[i].value))
			return false;
	}
	return true;
}

int labels_cmp(const struct labels *a, const struct labels *b)
{
	int order;

	if (a->n != b->n)
		return a->n < b->n ? -1 : 1;
	for (size_t i = 0; i < a->n; i++) {
		order = strcmp(a->v[i].name, b->v[i].name);
		if (order) /* the set that lacks the smaller name comes first */
			return -order;
		order = strcmp(a->v[i].value, b->v[i].value);
		if (order)
			return order;
	}
	return 0;
}

uint64_t labels_hash_of(const struct labels *set, const char *const *names, size_t n)
{
	uint64_t h = FNV_START;

	for (size_t i = 0; i < n; i++)
		h = hash_pair(h, &(struct label){names[i], labels_get(set, names[i])});
	return h;
}

size_t labels_memory(const struct labels *set)
{
	size_t size = sizeof(*set) + set->n * sizeof(*set->v);

	for (size_t i = 0; i < set->n; i++)
		size += strlen(set->v[i].name) + strlen(set->v[i].value) + 2;
	return size;
}

static char *put_text(char **at, const char *text)
{
	size_t n = strlen(text) + 1;
	char *p = memcpy(*at, text, n);

	*at += n;
	return p;
}

struct labels *labels_copy_to(void *block, const struct labels *old)
{
	struct labels *set = block;
	char *text = (char *)&set->v[old->n];

	set->fingerprint = old->fingerprint;
	set->n = old->n;
	for (size_t i = 0; i < old->n; i++) {
		set->v[i].name = put_text(&text, old->v[i].name);
		set->v[i].value = put_text(&text, old->v[i].value);
	}
	return set;
}

struct labels *labels_dup(const struct labels *old)
{
	return labels_copy_to(mem_new(labels_memory(old)), old);
}

const struct labels *labels_copy(struct arena *mem, const struct labels *old)
{
	return labels_copy_to(arena_alloc(mem, labels_memory(old)), old);
}

void buf_add_labels(struct buf *b, const struct labels *set)
{
	buf_add_char(b, '{');
	for (size_t i = 0; i < set->n; i++) {
		if (i)
			buf_add_text(b, ", ");
		buf_add_text(b, set->v[i].name);
		buf_add_char(b, '=');
		buf_add_quoted(b, str_of(set->v[i].value));
	}
	buf_add_char(b, '}');
}

void buf_add_labels_json(struct buf *b, const struct labels *set)
{
	buf_add_char(b, '{');
	for (size_t i = 0; i < set->n; i++) {
		if (i)
			buf_add_char(b, ',');
		buf_add_json(b, str_of(set->v[i].name));
		buf_add_char(b, ':');
		buf_add_json(b, str_of(set->v[i].value));
	}
	buf_add_char(b, '}');
}

void buf_add_fingerprint(struct buf *b, uint64_t fp)
{
	char digits[16];

	for (size_t i = sizeof(digits); i-- > 0; fp >>= 4)
		digits[i] = "0123456789abcdef"[fp & 15];
	buf_add(b, digits, sizeof(digits));
}

bool fingerprint_parse(struct str s, uint64_t *out)
{
	char text[17], *end;

	if (s.n != 16)
		return false;
	memcpy(text, s.p, 16);
	text[16] = 0;
	*out = strtoull(text, &end, 16);
	return end == text + 16 && text[0] != '-' && text[0] != '+' && text[0] != ' ';
}

bool is_label_name(struct str s, enum name_scheme scheme)
{
	if (!s.n)
		return false;
	if (scheme == NAMES_UTF8)
		return utf8_valid(s);
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';

		if (!letter && !(i && c >= '0' && c <= '9'))
			return false;
	}
	return true;
}
