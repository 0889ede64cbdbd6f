#include "base/base.h"
#include "text/hostport.h"

#include <arpa/inet.h>
#include <string.h>

static size_t last_colon(struct str s)
{
	for (size_t i = s.n; i; i--) {
		if (s.p[i - 1] == ':')
			return i - 1;
	}
	return STR_NONE;
}

bool hostport_split(struct str s, struct str *host, struct str *port)
{
	size_t colon = last_colon(s), end, opened = 0, closed = 0;

	if (colon == STR_NONE)
		return false;
	if (s.p[0] == '[') {
		end = str_find_char(s, ']');
		if (end == STR_NONE || end + 1 != colon)
			return false;
		*host = str_slice(s, 1, end - 1);
		opened = 1;
		closed = end + 1;
	} else {
		*host = str_slice(s, 0, colon);
		if (str_find_char(*host, ':') != STR_NONE)
			return false;
	}
	*port = str_from(s, colon + 1);
	return str_find_char(str_from(s, opened), '[') == STR_NONE &&
	       str_find_char(str_from(s, closed), ']') == STR_NONE;
}

bool is_ip_address(struct str s)
{
	unsigned char address[16];
	char text[64];

	if (!s.n || s.n >= sizeof(text) || str_find_char(s, 0) != STR_NONE)
		return false;
	memcpy(text, s.p, s.n);
	text[s.n] = 0;
	return inet_pton(AF_INET, text, address) == 1 ||
	       inet_pton(AF_INET6, text, address) == 1;
}
