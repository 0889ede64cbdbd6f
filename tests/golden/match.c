#include "base/base.h"
#include "golden/match.h"
#include "golden/golden.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const holes[] = {"<STARTS_AT>",  "<ENDS_AT>",  "<VERSION>", "<ANY_UA>",
				    "<MESSAGE_ID>", "<BOUNDARY>", "<DATE>",    "<TODAY>"};

/* The first hole at or behind from; its length in *n. */
static size_t find_hole(struct str s, size_t *n)
{
	size_t best = STR_NONE;

	for (size_t i = 0; i < COUNT_OF(holes); i++) {
		size_t at = str_find(s, str_of(holes[i]));

		if (at < best) {
			best = at;
			*n = strlen(holes[i]);
		}
	}
	return best;
}

bool text_matches(struct str want, struct str got)
{
	size_t length = 0, hole = find_hole(want, &length);
	struct str rest;

	if (hole == STR_NONE)
		return str_eq(want, got);
	if (!str_eq(str_slice(want, 0, hole), str_slice(got, 0, hole)))
		return false;
	rest = str_from(want, hole + length);
	for (size_t i = hole; i <= got.n; i++) {
		if (text_matches(rest, str_from(got, i)))
			return true;
	}
	return false;
}

static bool objects_match(struct arena *mem, const json_t *want, const json_t *got,
			  const char **where)
{
	json_t *all = (json_t *)(uintptr_t)want, *value;
	const char *key, *inner;

	json_object_foreach(all, key, value)
	{
		if (json_matches(mem, value, json_object_get(got, key), &inner))
			continue;
		*where = arena_printf(mem, ".%s%s", key, inner);
		return false;
	}
	json_object_foreach((json_t *)(uintptr_t)got, key, value)
	{
		if (json_object_get(want, key))
			continue;
		*where = arena_printf(mem, ".%s, which should not be there", key);
		return false;
	}
	return true;
}

static bool lists_match(struct arena *mem, const json_t *want, const json_t *got,
			const char **where)
{
	const char *inner;

	if (json_array_size(want) != json_array_size(got)) {
		*where = " (length)";
		return false;
	}
	for (size_t i = 0; i < json_array_size(want); i++) {
		if (json_matches(mem, json_array_get(want, i), json_array_get(got, i),
				 &inner))
			continue;
		*where = arena_printf(mem, "[%zu]%s", i, inner);
		return false;
	}
	return true;
}

bool json_matches(struct arena *mem, const json_t *want, const json_t *got,
		  const char **where)
{
	*where = "";
	if (json_is_number(want) && json_is_number(got)) {
		double a = json_number_value(want), b = json_number_value(got);

		return !(a < b) && !(a > b);
	}
	if (!got || json_typeof(want) != json_typeof(got))
		return false;
	if (json_is_object(want))
		return objects_match(mem, want, got, where);
	if (json_is_array(want))
		return lists_match(mem, want, got, where);
	if (json_is_string(want))
		return text_matches(
			(struct str){json_string_value(want), json_string_length(want)},
			(struct str){json_string_value(got), json_string_length(got)});
	return true;
}

const char *json_text(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

json_t *json_file(struct arena *mem, const char *folder, const char *name)
{
	const char *path = arena_printf(mem, "%s/%s", folder, name);
	struct str text;
	json_error_t problem;
	json_t *top;

	if (!golden_read(mem, path, &text))
		return NULL;
	top = json_loadb(text.p, text.n, JSON_ALLOW_NUL, &problem);
	if (top)
		return top;
	fprintf(stderr, "%s:%d: %s\n", path, problem.line, problem.text);
	exit(1);
}
