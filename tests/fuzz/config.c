/* A configuration either loads, or every mistake has a place inside it; what loads prints
 * as a configuration that loads again. */
#include "base/base.h"
#include "config/config.h"
#include "receivers/attempt.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool no_zone(void *ctx, struct arena *mem, const char *name, struct str *out,
		    struct err *err)
{
	(void)ctx, (void)mem, (void)name, (void)out;
	return err_set(err, NOWHERE, "no zones here");
}

static const struct files files = {.zone = no_zone};

static const struct config *parse(struct arena *mem, struct str text, struct errs *errs)
{
	const struct config_options o = {.files = &files, .kinds = integration_kinds};
	struct errs warnings = {.mem = mem};

	*errs = (struct errs){.mem = mem};
	return config_parse(mem, "f/t.yml", text, &o, errs, &warnings);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena mem = {0};
	struct errs errs;
	const struct config *c = parse(&mem, (struct str){(const char *)data, size}, &errs);

	if (!c && !errs.n)
		BUG("refused without a reason");
	for (size_t i = 0; i < errs.n; i++) {
		if (errs.v[i]->at.line < 0 || errs.v[i]->at.line > (int)size + 1)
			BUG("line %d of %zu bytes", errs.v[i]->at.line, size);
	}
	if (c) {
		struct buf out = BUF(BUF_NO_LIMIT);

		buf_add_config(&out, c);
		if (!parse(&mem, buf_str(&out), &errs))
			BUG("printed, it fails: %s\n%s", err_text(&mem, errs.v[0]),
			    buf_text(&out));
		buf_free(&out);
	}
	arena_free(&mem);
	return 0;
}
