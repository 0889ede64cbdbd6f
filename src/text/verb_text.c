#include "base/base.h"
#include "text/verb.h"
#include "base/quote.h"
#include "base/utf8.h"

void verb_pad_char(struct verb *f, long n)
{
	char fill[64], c = f->zero ? '0' : ' ';

	for (size_t i = 0; i < sizeof(fill); i++)
		fill[i] = c;
	for (; n > 0 && !f->out->full; n -= (long)sizeof(fill))
		buf_add(f->out, fill, MIN((size_t)n, sizeof(fill)));
}

void verb_pad(struct verb *f, struct str s)
{
	long missing = 0;

	if (f->has_width && f->width)
		missing = f->width - (long)utf8_count(s);
	if (!f->minus)
		verb_pad_char(f, missing);
	buf_add_str(f->out, s);
	if (f->minus)
		verb_pad_char(f, missing);
}

static struct str cut_to_precision(const struct verb *f, struct str s)
{
	return f->has_precision ? utf8_first(s, (size_t)f->precision) : s;
}

static bool can_backquote(struct str s)
{
	uint32_t r;

	while (s.n) {
		s = str_from(s, utf8_decode(s, &r));
		if (r == UTF8_BAD || r == 0xFEFF || (r < ' ' && r != '\t') || r == '`' ||
		    r == 0x7f)
			return false;
	}
	return true;
}

static void add_quoted(struct verb *f, struct str s)
{
	struct buf b = BUF(f->out->limit);

	s = cut_to_precision(f, s);
	if (f->sharp && can_backquote(s)) {
		buf_add_char(&b, '`');
		buf_add_str(&b, s);
		buf_add_char(&b, '`');
	} else if (f->plus) {
		buf_add_quoted_ascii(&b, s);
	} else {
		buf_add_quoted(&b, s);
	}
	if (b.full)
		f->out->full = true;
	verb_pad(f, buf_str(&b));
	buf_free(&b);
}

static size_t hex_width(const struct verb *f, size_t length)
{
	size_t width = 2 * length;

	if (f->space)
		return width * (f->sharp ? 2 : 1) + length - 1;
	return width + (f->sharp ? 2 : 0);
}

static void add_hex(struct verb *f, struct str s)
{
	static const char *const digits[] = {"0123456789abcdef", "0123456789ABCDEF"};
	const char *hex = digits[f->letter == 'X'];
	const char *prefix = f->letter == 'X' ? "0X" : "0x";
	size_t length = s.n;
	long missing = 0;

	if (f->has_precision)
		length = MIN(length, (size_t)f->precision);
	if (f->has_width)
		missing = f->width - (long)(length ? hex_width(f, length) : 0);
	if (!length || !f->minus)
		verb_pad_char(f, missing);
	if (!length)
		return;
	if (f->sharp)
		buf_add_text(f->out, prefix);
	for (size_t i = 0; i < length; i++) {
		if (f->space && i) {
			buf_add_char(f->out, ' ');
			if (f->sharp)
				buf_add_text(f->out, prefix);
		}
		buf_add_char(f->out, hex[(unsigned char)s.p[i] >> 4]);
		buf_add_char(f->out, hex[s.p[i] & 15]);
	}
	if (f->minus)
		verb_pad_char(f, missing);
}

bool verb_string(struct verb *f, struct str s)
{
	switch (f->letter) {
	case 'v':
		if (f->sharp_v)
			add_quoted(f, s);
		else
			verb_pad(f, cut_to_precision(f, s));
		return true;
	case 's':
		verb_pad(f, cut_to_precision(f, s));
		return true;
	case 'x':
	case 'X':
		add_hex(f, s);
		return true;
	case 'q':
		add_quoted(f, s);
		return true;
	default:
		return false;
	}
}
