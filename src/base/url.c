#include "base/base.h"
#include "base/url.h"

#include <string.h>

static bool is_unreserved(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       (c && strchr("-_.~", c));
}

static void add_escaped(struct buf *b, struct str s, const char *also, bool plus)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (is_unreserved(c) || (c && strchr(also, c)))
			buf_add_char(b, (char)c);
		else if (c == ' ' && plus)
			buf_add_char(b, '+');
		else
			buf_addf(b, "%%%02X", c);
	}
}

void buf_add_query_escaped(struct buf *b, struct str s)
{
	add_escaped(b, s, "", true);
}

void buf_add_path_escaped(struct buf *b, struct str s)
{
	add_escaped(b, s, "$&+=:@", false);
}

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool url_unescape(struct arena *mem, struct str s, bool is_query, struct str *out)
{
	char *p = arena_alloc(mem, s.n + 1);
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '%') {
			if (i + 2 >= s.n || hex(s.p[i + 1]) < 0 || hex(s.p[i + 2]) < 0)
				return false;
			p[n++] = (char)(hex(s.p[i + 1]) << 4 | hex(s.p[i + 2]));
			i += 2;
		} else {
			p[n++] = s.p[i] == '+' && is_query ? ' ' : s.p[i];
		}
	}
	*out = (struct str){p, n};
	return true;
}
