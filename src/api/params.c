#include "base/base.h"
#include "api/request.h"
#include "base/url.h"

#include <strings.h>

bool params_parse(struct request *r)
{
	struct str rest = call_query(r->call), piece;

	while (rest.n && str_cut(&rest, '&', &piece)) {
		size_t eq = str_find_char(piece, '=');
		struct param p;

		if (!piece.n)
			continue;
		if (!url_unescape(r->mem, str_slice(piece, 0, eq), true, &p.name) ||
		    !url_unescape(r->mem,
				  eq == STR_NONE ? STR("") : str_from(piece, eq + 1), true,
				  &p.value) ||
		    r->params.n == MOST_PARAMS)
			return false;
		vec_push_in(r->mem, &r->params, p);
	}
	return true;
}

const struct param *param_last(const struct request *r, const char *name)
{
	for (size_t i = r->params.n; i--;) {
		if (str_is(r->params.v[i].name, name))
			return &r->params.v[i];
	}
	return NULL;
}

bool param_bool(const struct request *r, const char *name, bool otherwise)
{
	static const char *const yes[] = {"true", "1",	      "yes",	 "ok", "y",
					  "on",	  "selected", "checked", "t",  "enabled"};
	const struct param *p = param_last(r, name);

	if (!p || !p->value.n)
		return otherwise;
	for (size_t i = 0; i < COUNT_OF(yes); i++) {
		struct str word = str_of(yes[i]);

		if (word.n == p->value.n && !strncasecmp(word.p, p->value.p, word.n))
			return true;
	}
	return false;
}

bool param_matchers(struct request *r, const char *name, const char *prefix,
		    struct matchers *out)
{
	VEC(struct matcher) list = {0};
	struct matcher m;
	struct err err;

	for (size_t i = 0; i < r->params.n; i++) {
		if (!str_is(r->params.v[i].name, name))
			continue;
		if (!matcher_parse(r->mem, r->params.v[i].value, NOWHERE,
				   r->api->options.matchers, &m, NULL, &err)) {
			answer_error(r, 400,
				     arena_printf(r->mem, "%s%s", prefix, err.text));
			return false;
		}
		vec_push_in(r->mem, &list, m);
	}
	*out = (struct matchers){list.v, list.n};
	return true;
}
