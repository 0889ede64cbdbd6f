#include "base/base.h"
#include "base/buf.h"
#include "base/utf8.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_BYTES 240 /* much that is built is short, and gone soon */

/* Room for n more bytes and the NUL, or false and .full. */
static bool make_room(struct buf *b, size_t n)
{
	size_t need;

	ASSERT(b->limit);
	if (b->full || __builtin_add_overflow(b->n, n, &need) || need > b->limit) {
		b->full = true;
		return false;
	}
	if (need + 1 > b->cap) {
		b->cap = MAX(need + 1, MAX(b->cap + b->cap / 2, FIRST_BYTES));
		b->p = mem_resize(b->p, b->cap);
	}
	return true;
}

void buf_add_slowly(struct buf *b, const void *bytes, size_t n)
{
	if (!make_room(b, n))
		return;
	if (n)
		memcpy(b->p + b->n, bytes, n);
	b->n += n;
	b->p[b->n] = 0;
}

void buf_addf(struct buf *b, const char *fmt, ...)
{
	size_t room = b->full || b->cap <= b->n ? 0 : b->cap - b->n;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(room ? b->p + b->n : NULL, room, fmt, ap);
	va_end(ap);
	ASSERT(n >= 0);
	if (!make_room(b, (size_t)n)) {
		if (room)
			b->p[b->n] = 0;
		return;
	}
	if ((size_t)n < room) {
		b->n += (size_t)n;
		return;
	}
	va_start(ap, fmt);
	vsnprintf(b->p + b->n, (size_t)n + 1, fmt, ap);
	va_end(ap);
	b->n += (size_t)n;
}

void buf_add_int(struct buf *b, int64_t v)
{
	char digits[24], *p = digits + sizeof(digits);
	uint64_t u = v < 0 ? -(uint64_t)v : (uint64_t)v;

	do
		*--p = (char)('0' + u % 10);
	while (u /= 10);
	if (v < 0)
		*--p = '-';
	buf_add(b, p, (size_t)(digits + sizeof(digits) - p));
}

void buf_add_rune(struct buf *b, uint32_t rune)
{
	char bytes[4];

	buf_add(b, bytes, utf8_encode(bytes, rune));
}

void buf_add_cut(struct buf *b, struct str s, size_t most)
{
	if (s.n <= most) {
		buf_add_str(b, s);
		return;
	}
	while (most && ((unsigned char)s.p[most] & 0xC0) == 0x80)
		most--;
	buf_add(b, s.p, most);
	buf_add_text(b, "…");
}

static void add_json_escape(struct buf *b, uint32_t rune)
{
	switch (rune) {
	case '"':
		buf_add_text(b, "\\\"");
		break;
	case '\\':
		buf_add_text(b, "\\\\");
		break;
	case '\n':
		buf_add_text(b, "\\n");
		break;
	case '\r':
		buf_add_text(b, "\\r");
		break;
	case '\t':
		buf_add_text(b, "\\t");
		break;
	default:
		buf_addf(b, "\\u%04x", rune);
	}
}

/* What JSON in Go's manner shows as it is: ASCII without controls, quotes, \, <, > and & */
static const bool plain_json[256] = {
	[' '] = 1, ['!'] = 1,	      ['#' ... '%'] = 1,    ['\'' ... ';'] = 1,
	['='] = 1, ['?' ... '['] = 1, [']' ... '\x7f'] = 1,
};

void buf_add_json(struct buf *b, struct str s)
{
	size_t plain, step;
	uint32_t rune;

	buf_add_char(b, '"');
	while (s.n) {
		for (plain = 0; plain < s.n && plain_json[(unsigned char)s.p[plain]];)
			plain++;
		buf_add(b, s.p, plain);
		s = str_from(s, plain);
		if (!s.n)
			break;
		step = utf8_decode(s, &rune);
		if (rune == UTF8_BAD)
			buf_add_text(b, "\\ufffd");
		else if (rune < 0x80 || rune == 0x2028 || rune == 0x2029)
			add_json_escape(b, rune);
		else
			buf_add(b, s.p, step);
		s = str_from(s, step);
	}
	buf_add_char(b, '"');
}

struct str buf_str(const struct buf *b)
{
	return (struct str){b->p ? b->p : "", b->n};
}

const char *buf_text(const struct buf *b)
{
	return b->p ? b->p : "";
}

struct str buf_keep(const struct buf *b, struct arena *mem)
{
	return arena_str(mem, buf_str(b));
}

char *buf_take(struct buf *b, size_t *n)
{
	char *p = b->p ? b->p : mem_new(1);

	if (n)
		*n = b->n;
	*b = (struct buf){.limit = b->limit};
	return p;
}

void buf_reset(struct buf *b)
{
	b->n = 0;
	b->full = false;
	if (b->p)
		b->p[0] = 0;
}

void buf_cut(struct buf *b, size_t n)
{
	if (n < b->n) {
		b->n = n;
		b->p[n] = 0;
	}
}

void buf_free(struct buf *b)
{
	free(b->p);
	*b = (struct buf){.limit = b->limit};
}
