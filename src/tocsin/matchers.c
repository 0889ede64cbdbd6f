#include "base/base.h"
#include "tocsin/tool.h"
#include "base/quote.h"

#include <string.h>

/* Matchers and labels given as arguments (spec/cli.md 2.7). */

const char **matcher_args(struct tool *t, size_t *n)
{
	const char **v = ARENA_ARRAY(&t->mem, const char *, t->args.n + 1);
	struct matcher ignored;
	struct buf quoted = BUF(BUF_NO_LIMIT);

	*n = t->args.n;
	for (size_t i = 0; i < t->args.n; i++)
		v[i] = t->args.v[i];
	if (*n && !matcher_parse(&t->mem, str_of(v[0]), NOWHERE, t->matchers, &ignored,
				 NULL, NULL)) {
		buf_add_text(&quoted, "alertname=");
		buf_add_quoted(&quoted, str_of(v[0]));
		v[0] = buf_keep(&quoted, &t->mem).p;
	}
	buf_free(&quoted);
	return v;
}

bool parse_matchers(struct tool *t, struct matchers *out)
{
	size_t n;
	const char **texts = matcher_args(t, &n);
	struct err err;

	out->v = ARENA_ARRAY(&t->mem, struct matcher, n);
	out->n = n;
	for (size_t i = 0; i < n; i++) {
		if (!matcher_parse(&t->mem, str_of(texts[i]), NOWHERE, t->matchers,
				   &out->v[i], NULL, &err)) {
			fail(t, "%s", err.text);
			return false;
		}
	}
	return true;
}

bool parse_pairs(struct tool *t, const char *const *texts, size_t n, const char *what,
		 struct label **out, size_t *n_pairs)
{
	*out = ARENA_ARRAY(&t->mem, struct label, n);
	*n_pairs = n;
	for (size_t i = 0; i < n; i++) {
		struct matcher m;
		struct err err;

		if (!matcher_parse(&t->mem, str_of(texts[i]), NOWHERE, t->matchers, &m,
				   NULL, &err)) {
			fail(t, "%s", err.text);
			return false;
		}
		if (m.op != MATCH_EQUAL) {
			fail(t, "%s must be specified as key=value pairs", what);
			return false;
		}
		(*out)[i] = (struct label){m.name, m.value};
	}
	return true;
}

bool parse_instant(struct tool *t, const char *name, struct instant *out)
{
	const char *text = option_text(t, name);

	if (!text[0] || instant_parse(str_of(text), out))
		return true;
	fail(t, "parsing time \"%s\" as RFC 3339 failed", text);
	return false;
}
