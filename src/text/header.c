#include "base/base.h"
#include "text/header.h"

#include <string.h>

static bool is_name_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       (c && strchr("!#$%&'*+-.^_`|~", c));
}

bool is_header_name(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (!is_name_char(s.p[i]))
			return false;
	}
	return s.n > 0;
}

bool is_header_value(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (((unsigned char)s.p[i] < 0x20 && s.p[i] != '\t') || s.p[i] == 0x7f)
			return false;
	}
	return true;
}

const char *header_canonical(struct arena *mem, struct str name)
{
	struct str copy = arena_str(mem, name);
	char *p = arena_alloc(mem, name.n + 1);
	bool start = true;

	if (!is_header_name(name))
		return copy.p;
	for (size_t i = 0; i < name.n; i++) {
		char c = name.p[i];

		if (start && c >= 'a' && c <= 'z')
			c = (char)(c - 'a' + 'A');
		else if (!start && c >= 'A' && c <= 'Z')
			c = (char)(c - 'A' + 'a');
		p[i] = c;
		start = c == '-';
	}
	return p;
}
