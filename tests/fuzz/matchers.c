/* Matchers of all three grammars: what parses prints as what parses to the same; a
 * mistake names a place inside. The first byte chooses the grammar. */
#include "base/base.h"
#include "model/matcher.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect_same(const struct matchers *a, const struct matchers *b)
{
	if (a->n != b->n)
		BUG("%zu matchers, printed and read: %zu", a->n, b->n);
	for (size_t i = 0; i < a->n; i++) {
		if (a->v[i].op != b->v[i].op || strcmp(a->v[i].name, b->v[i].name) ||
		    strcmp(a->v[i].value, b->v[i].value))
			BUG("%s %s became %s %s", a->v[i].name, a->v[i].value, b->v[i].name,
			    b->v[i].value);
	}
}

/* An empty name prints as the peers print it, and then reads as nothing. */
static bool has_names(const struct matchers *m)
{
	for (size_t i = 0; i < m->n; i++) {
		if (!m->v[i].name[0])
			return false;
	}
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum matcher_mode modes[] = {MATCHERS_CLASSIC, MATCHERS_UTF8,
						  MATCHERS_FALLBACK};
	struct str text = {(const char *)data + (size > 0), size - (size > 0)};
	enum matcher_mode mode = modes[size ? data[0] % 3 : 0];
	struct arena mem = {0};
	struct matchers m, again;
	struct matcher one;
	struct err err = {0};
	struct buf out = BUF(BUF_NO_LIMIT);

	if (matchers_parse(&mem, text, NOWHERE, mode, &m, NULL, &err)) {
		buf_add_matchers(&out, &m);
		if (has_names(&m)) {
			if (!matchers_parse(&mem, buf_str(&out), NOWHERE, MATCHERS_UTF8,
					    &again, NULL, &err))
				BUG("%s does not parse: %s", buf_text(&out), err.text);
			expect_same(&m, &again);
		}
		matchers_hold(&m, &labels_none);
	} else if (!err.text[0]) {
		BUG("refused without a reason");
	}
	if (matcher_parse(&mem, text, NOWHERE, mode, &one, NULL, &err))
		matcher_holds(&one, &labels_none);
	buf_free(&out);
	arena_free(&mem);
	return 0;
}
