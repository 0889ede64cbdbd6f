#include "base/base.h"
#include "text/html_attr.h"

#include <string.h>

struct str html_lower(struct arena *mem, struct str s)
{
	size_t plain = 0;
	char *p;

	while (plain < s.n && !(s.p[plain] >= 'A' && s.p[plain] <= 'Z'))
		plain++;
	if (plain == s.n)
		return s;
	p = arena_alloc(mem, s.n + 1);
	for (size_t i = 0; i < s.n; i++)
		p[i] = s.p[i] >= 'A' && s.p[i] <= 'Z' ? (char)(s.p[i] | 0x20) : s.p[i];
	return (struct str){p, s.n};
}

static bool is_one_of(struct str s, const char *const *words)
{
	for (; *words; words++) {
		if (str_is(s, *words))
			return true;
	}
	return false;
}

/* What a browser would fetch, run or interpret by the attribute of this name. */
enum html_content html_attr_content(struct str name)
{
	static const char *const urls[] = {
		"action", "archive",	"background", "cite",	"classid",  "codebase",
		"data",	  "formaction", "href",	      "icon",	"longdesc", "manifest",
		"poster", "profile",	"src",	      "usemap", "xmlns",    NULL};
	static const char *const unsafe[] = {
		"accept-charset", "async",	    "challenge",  "charset", "content",
		"crossorigin",	  "defer",	    "enctype",	  "form",    "formenctype",
		"formmethod",	  "formnovalidate", "http-equiv", "keytype", "language",
		"method",	  "novalidate",	    "pattern",	  "rel",     "sandbox",
		"type",		  "value",	    NULL};
	size_t colon = str_find_char(name, ':');

	if (str_starts(name, STR("data-"))) {
		name = str_from(name, 5);
	} else if (colon != STR_NONE) {
		if (str_is(str_slice(name, 0, colon), "xmlns"))
			return CONTENT_URL;
		name = str_from(name, colon + 1);
	}
	if (is_one_of(name, urls))
		return CONTENT_URL;
	if (is_one_of(name, unsafe))
		return CONTENT_UNSAFE;
	if (str_is(name, "style"))
		return CONTENT_CSS;
	if (str_is(name, "srcdoc"))
		return CONTENT_HTML;
	if (str_is(name, "srcset"))
		return CONTENT_SRCSET;
	if (str_is(name, "srclang"))
		return CONTENT_PLAIN;
	if (str_starts(name, STR("on")))
		return CONTENT_JS;
	if (str_find(name, STR("src")) != STR_NONE ||
	    str_find(name, STR("uri")) != STR_NONE ||
	    str_find(name, STR("url")) != STR_NONE)
		return CONTENT_URL;
	return CONTENT_PLAIN;
}

enum html_element html_element_of(struct str name)
{
	static const struct {
		const char *name;
		enum html_element element;
	} special[] = {{"script", ELEMENT_SCRIPT},
		       {"style", ELEMENT_STYLE},
		       {"textarea", ELEMENT_TEXTAREA},
		       {"title", ELEMENT_TITLE},
		       {"meta", ELEMENT_META}};

	for (size_t i = 0; i < COUNT_OF(special); i++) {
		if (str_is(name, special[i].name))
			return special[i].element;
	}
	return ELEMENT_OTHER;
}

bool html_is_js_type(struct str type)
{
	static const char *const types[] = {"",
					    "application/ecmascript",
					    "application/javascript",
					    "application/json",
					    "application/ld+json",
					    "application/x-ecmascript",
					    "application/x-javascript",
					    "module",
					    "text/ecmascript",
					    "text/javascript",
					    "text/javascript1.0",
					    "text/javascript1.1",
					    "text/javascript1.2",
					    "text/javascript1.3",
					    "text/javascript1.4",
					    "text/javascript1.5",
					    "text/jscript",
					    "text/livescript",
					    "text/x-ecmascript",
					    "text/x-javascript",
					    NULL};
	char lower[64];

	type = str_trim(str_slice(type, 0, str_find_char(type, ';')));
	if (type.n > sizeof(lower))
		return false;
	for (size_t i = 0; i < type.n; i++)
		lower[i] = type.p[i] >= 'A' && type.p[i] <= 'Z' ? (char)(type.p[i] | 0x20)
								: type.p[i];
	return is_one_of((struct str){lower, type.n}, types);
}
