#include "base/base.h"
#include "text/layout.h"

#include <string.h>

/* Longest first where one begins with another. word: not in front of a lower-case letter.
 */
static const struct {
	const char *text;
	enum element_kind kind;
	bool word;
} elements[] = {
	{"January", ELEMENT_LONG_MONTH, false},
	{"Jan", ELEMENT_MONTH, true},
	{"Monday", ELEMENT_LONG_WEEKDAY, false},
	{"Mon", ELEMENT_WEEKDAY, true},
	{"MST", ELEMENT_ZONE_NAME, false},
	{"01", ELEMENT_ZERO_MONTH, false},
	{"02", ELEMENT_ZERO_DAY, false},
	{"03", ELEMENT_ZERO_HOUR12, false},
	{"04", ELEMENT_ZERO_MINUTE, false},
	{"05", ELEMENT_ZERO_SECOND, false},
	{"06", ELEMENT_YEAR, false},
	{"002", ELEMENT_ZERO_YEARDAY, false},
	{"15", ELEMENT_HOUR, false},
	{"1", ELEMENT_NUM_MONTH, false},
	{"2006", ELEMENT_LONG_YEAR, false},
	{"2", ELEMENT_DAY, false},
	{"_2", ELEMENT_UNDER_DAY, false},
	{"__2", ELEMENT_UNDER_YEARDAY, false},
	{"3", ELEMENT_HOUR12, false},
	{"4", ELEMENT_MINUTE, false},
	{"5", ELEMENT_SECOND, false},
	{"PM", ELEMENT_PM, false},
	{"pm", ELEMENT_SMALL_PM, false},
};

static const struct {
	const char *text;
	bool is_iso, has_colon;
	int parts;
} offsets[] = {
	{"-070000", false, false, 3}, {"-07:00:00", false, true, 3},
	{"-0700", false, false, 2},   {"-07:00", false, true, 2},
	{"-07", false, false, 1},     {"Z070000", true, false, 3},
	{"Z07:00:00", true, true, 3}, {"Z0700", true, false, 2},
	{"Z07:00", true, true, 2},    {"Z07", true, false, 1},
};

static bool is_lower(struct str s)
{
	return s.n && s.p[0] >= 'a' && s.p[0] <= 'z';
}

static bool find_plain(struct str s, struct element *e)
{
	if (str_starts(s, STR("_2006"))) /* an underscore, and a year by itself */
		return false;
	for (size_t i = 0; i < COUNT_OF(elements); i++) {
		struct str text = str_of(elements[i].text);

		if (!str_starts(s, text) ||
		    (elements[i].word && is_lower(str_from(s, text.n))))
			continue;
		e->kind = elements[i].kind;
		e->text = text;
		return true;
	}
	return false;
}

static bool find_offset(struct str s, struct element *e)
{
	for (size_t i = 0; i < COUNT_OF(offsets); i++) {
		if (!str_starts(s, str_of(offsets[i].text)))
			continue;
		e->kind = ELEMENT_OFFSET;
		e->text = str_of(offsets[i].text);
		e->is_iso = offsets[i].is_iso;
		e->has_colon = offsets[i].has_colon;
		e->parts = offsets[i].parts;
		return true;
	}
	return false;
}

static bool find_fraction(struct str s, struct element *e)
{
	size_t n = 1;

	if (s.n < 2 || (s.p[0] != '.' && s.p[0] != ',') || (s.p[1] != '0' && s.p[1] != '9'))
		return false;
	while (n < s.n && s.p[n] == s.p[1])
		n++;
	if (n < s.n && s.p[n] >= '0' && s.p[n] <= '9')
		return false;
	e->kind = s.p[1] == '0' ? ELEMENT_FRACTION : ELEMENT_FRACTION_SHORT;
	e->text = str_slice(s, 0, n);
	return true;
}

struct element layout_next(struct str layout)
{
	struct element e = {.before = layout};

	for (size_t i = 0; i < layout.n; i++) {
		struct str s = str_from(layout, i);

		if (!strchr("JM0123456_PpZ-.,", layout.p[i]) || !layout.p[i])
			continue;
		if (!find_plain(s, &e) && !find_offset(s, &e) && !find_fraction(s, &e))
			continue;
		e.before = str_slice(layout, 0, i);
		e.rest = str_from(s, e.text.n);
		e.text = str_slice(s, 0, e.text.n);
		return e;
	}
	return e;
}
