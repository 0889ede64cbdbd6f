#include "base/base.h"
#include "text/json.h"

static json_t *read_with(struct str s, size_t flags, struct err *err)
{
	json_error_t why;
	json_t *v = json_loadb(s.p ? s.p : "", s.n, flags | JSON_DECODE_ANY, &why);

	if (!v)
		err_set(err, (struct pos){NULL, why.line, why.column}, "%s", why.text);
	return v;
}

json_t *json_read(struct str s, struct err *err)
{
	return read_with(s, 0, err);
}

json_t *json_read_first(struct str s, struct err *err)
{
	return read_with(s, JSON_DISABLE_EOF_CHECK, err);
}

const struct labels *json_labels(struct arena *mem, const json_t *object)
{
	json_t *v = (json_t *)(uintptr_t)object; /* jansson's iteration is not const */
	struct label *pairs = ARENA_ARRAY(mem, struct label, json_object_size(object));
	const char *name;
	size_t n = 0;
	json_t *text;

	if (!json_is_object(object))
		return NULL;
	json_object_foreach(v, name, text)
	{
		if (!json_is_string(text))
			return NULL;
		pairs[n++] = (struct label){name, json_string_value(text)};
	}
	return labels_new_raw(mem, pairs, n, NULL);
}

const struct labels *labels_of_json(struct arena *mem, struct str s)
{
	json_t *v = json_read(s, NULL);
	const struct labels *set = v ? json_labels(mem, v) : NULL;

	json_decref(v);
	return set;
}
