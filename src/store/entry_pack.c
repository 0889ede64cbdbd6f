#include "base/base.h"
#include "store/entry_pack.h"
#include "store/alert_entry.h"

#include <string.h>

#define WORTHWHILE 4 /* so many bytes that are the same end a difference among numbers */

/* Two contents, as far as one was written in terms of the other. */
struct walk {
	struct str now, before; /* what is left of them */
	size_t passed;		/* of both, as long as that is the same; else SIZE_MAX */
};

static struct walk walk_from(struct str now, struct str before)
{
	return (struct walk){now, before, 0};
}

static void pass(struct walk *w, size_t own, size_t skip)
{
	w->now = str_from(w->now, own);
	w->before = str_from(w->before, skip);
	w->passed = own == skip && w->passed != SIZE_MAX ? w->passed + own : SIZE_MAX;
}

/* -- writing -------------------------------------------------------------------------- */

static void add_number(struct buf *out, uint64_t v)
{
	for (; v >= 128; v >>= 7)
		buf_add_char(out, (char)(v | 128));
	buf_add_char(out, (char)v);
}

static size_t shared_start(struct str a, struct str b)
{
	size_t most = MIN(a.n, b.n), n = 0;

	while (n + 8 <= most && !memcmp(a.p + n, b.p + n, 8))
		n += 8;
	while (n < most && a.p[n] == b.p[n])
		n++;
	return n;
}

static size_t shared_end(struct str a, struct str b)
{
	size_t most = MIN(a.n, b.n), n = 0;

	while (n < most && a.p[a.n - n - 1] == b.p[b.n - n - 1])
		n++;
	return n;
}

/* Up to its NUL and with it. */
static struct str first_text(struct str s)
{
	size_t end = str_find_char(s, 0);

	return end == STR_NONE ? s : str_slice(s, 0, end + 1);
}

struct gap {
	size_t own, skip;
};

/* Numbers lie at the same place in both, texts each up to its NUL. */
static struct gap find_gap(const struct walk *w)
{
	struct str a, b;
	size_t end, n = 1;

	if (!w->before.n)
		return (struct gap){w->now.n, 0};
	if (w->passed < ENTRY_FIXED) {
		while (w->passed + n < ENTRY_FIXED && n < MIN(w->now.n, w->before.n) &&
		       shared_start(str_from(w->now, n), str_from(w->before, n)) <
			       WORTHWHILE)
			n++;
		return (struct gap){n, n};
	}
	a = first_text(w->now);
	b = first_text(w->before);
	end = shared_end(a, b);
	return (struct gap){a.n - end, b.n - end};
}

static void add_content(struct buf *out, struct str content, struct str last)
{
	struct walk w = walk_from(content, last);

	for (;;) {
		size_t same = shared_start(w.now, w.before);
		struct gap gap;

		add_number(out, same);
		pass(&w, same, same);
		if (!w.now.n)
			return;
		gap = find_gap(&w);
		add_number(out, gap.own);
		buf_add(out, w.now.p, gap.own);
		add_number(out, gap.skip);
		pass(&w, gap.own, gap.skip);
		if (!w.now.n)
			return;
	}
}

void buf_add_packed(struct buf *out, struct str entries)
{
	struct str last = STR("");
	struct log_entry e;
	size_t n = 0;

	while (entry_next(&entries, &e)) {
		size_t start = out->n;

		buf_add_head(out, e.fingerprint);
		if (!e.content.n)
			continue;
		add_content(out, e.content, n++ % PACK_CHAIN ? last : STR(""));
		entry_end(out, start);
		last = e.content;
	}
	buf_add_str(out, entries);
}

/* -- reading -------------------------------------------------------------------------- */

static bool read_number(struct str *in, uint64_t *v)
{
	*v = 0;
	for (unsigned shift = 0; shift < 64 && in->n; shift += 7) {
		unsigned char c = (unsigned char)in->p[0];

		*in = str_from(*in, 1);
		*v |= (uint64_t)(c & 127) << shift;
		if (c < 128)
			return true;
	}
	return false;
}

static bool read_bytes(struct str *from, uint64_t n, struct buf *out)
{
	if (n > from->n)
		return false;
	buf_add(out, from->p, n);
	*from = str_from(*from, n);
	return true;
}

static bool read_content(struct str packed, struct buf *out, struct str before)
{
	uint64_t same, own, skip;

	while (packed.n) {
		if (!read_number(&packed, &same) || !read_bytes(&before, same, out))
			return false;
		if (!packed.n)
			break;
		if (!read_number(&packed, &own) || !read_bytes(&packed, own, out) ||
		    !read_number(&packed, &skip) || skip > before.n)
			return false;
		before = str_from(before, skip);
	}
	return true;
}

void buf_add_unpacked(struct buf *out, struct str packed)
{
	struct buf last = BUF(BUF_NO_LIMIT);
	struct log_entry e;
	size_t n = 0;

	while (entry_next(&packed, &e)) {
		size_t start = out->n, content;

		buf_add_head(out, e.fingerprint);
		if (!e.content.n)
			continue;
		content = out->n;
		if (!read_content(e.content, out,
				  n++ % PACK_CHAIN ? buf_str(&last) : STR("")))
			buf_cut(out, content);
		if (out->n == content)
			buf_add_char(out, 0); /* no content would be a farewell */
		entry_end(out, start);
		buf_reset(&last);
		buf_add_str(&last, str_from(buf_str(out), content));
	}
	buf_add_str(out, packed);
	buf_free(&last);
}
