#include "base/base.h"
#include "receivers/mime.h"
#include "base/utf8.h"

#include <string.h>

#define LINE_MAX_CHARS 76
#define WORD_MAX_CHARS 63 /* of an encoded-word, between its delimiters */

static bool is_printable(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		if ((s.p[i] < ' ' || s.p[i] > '~') && s.p[i] != '\t')
			return false;
	}
	return true;
}

static bool is_q_literal(char c)
{
	return c >= '!' && c <= '~' && c != '=' && c != '?' && c != '_';
}

void buf_add_mail_header(struct buf *out, struct str value)
{
	size_t length = 0;

	if (is_printable(value)) {
		buf_add_str(out, value);
		return;
	}
	buf_add_text(out, "=?utf-8?q?");
	while (value.n) {
		bool literal = is_q_literal(value.p[0]) || value.p[0] == ' ';
		uint32_t rune;
		size_t n = literal ? 1 : utf8_decode(value, &rune);

		if (length + (literal ? 1 : 3 * n) > WORD_MAX_CHARS) {
			buf_add_text(out, "?= =?utf-8?q?");
			length = 0;
		}
		for (size_t i = 0; i < n; i++) {
			if (literal)
				buf_add_char(out, value.p[0] == ' ' ? '_' : value.p[0]);
			else
				buf_addf(out, "=%02X", (unsigned char)value.p[i]);
		}
		length += literal ? 1 : 3 * n;
		value = str_from(value, n);
	}
	buf_add_text(out, "?=");
}

/* -- quoted-printable ----------------------------------------------------------------- */
struct line {
	struct buf *out;
	size_t n; /* characters in the line so far */
};

static void soft_break(struct line *l)
{
	buf_add_text(l->out, "=\r\n");
	l->n = 0;
}

static void add_encoded(struct line *l, char c)
{
	static const char digits[] = "0123456789ABCDEF";
	const char code[] = {'=', digits[(unsigned char)c >> 4], digits[c & 15]};

	if (l->n + 3 > LINE_MAX_CHARS - 1)
		soft_break(l);
	buf_add(l->out, code, sizeof(code));
	l->n += 3;
}

/* A blank may not end a line. */
static void encode_last_blank(struct line *l)
{
	char last;

	if (!l->n)
		return;
	last = l->out->p[l->out->n - 1];
	if (last != ' ' && last != '\t')
		return;
	buf_cut(l->out, l->out->n - 1);
	l->n--;
	add_encoded(l, last);
}

static bool is_plain(char c)
{
	return (c >= '!' && c <= '~' && c != '=') || c == ' ' || c == '\t';
}

/* Characters that stand for themselves, as many as there are, line by line. */
static size_t add_plain(struct line *l, struct str text)
{
	size_t n = 0, room;

	while (n < text.n && is_plain(text.p[n]))
		n++;
	for (size_t at = 0; at < n; at += room) {
		if (l->n == LINE_MAX_CHARS - 1)
			soft_break(l);
		room = MIN(n - at, LINE_MAX_CHARS - 1 - l->n);
		buf_add(l->out, text.p + at, room);
		l->n += room;
	}
	return n;
}

void buf_add_quoted_printable(struct buf *out, struct str text)
{
	struct line l = {out, 0};

	for (size_t i = 0; i < text.n; i++) {
		char c;

		i += add_plain(&l, str_from(text, i));
		if (i == text.n)
			break;
		c = text.p[i];
		if (c == '\n' && i && text.p[i - 1] == '\r')
			continue;
		if (c == '\n' || c == '\r') {
			encode_last_blank(&l);
			buf_add_text(out, "\r\n");
			l.n = 0;
		} else {
			add_encoded(&l, c);
		}
	}
	encode_last_blank(&l);
}

void buf_add_mail_date(struct buf *out, struct instant t)
{
	static const char *const days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
	static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
					     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
	struct civil c = civil_of(t.s, t.off);
	int off = t.off / 60;

	buf_addf(out, "%s, %02d %s %lld %02d:%02d:%02d %c%02d%02d", days[c.weekday], c.day,
		 months[c.month - 1], (long long)c.year, c.hour, c.minute, c.second,
		 off < 0 ? '-' : '+', (off < 0 ? -off : off) / 60,
		 (off < 0 ? -off : off) % 60);
}
