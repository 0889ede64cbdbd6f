#include "base/base.h"
#include "receivers/attempt.h"

#include <string.h>

/* templates/default.tmpl and templates/email.tmpl, put in by the linker. */
extern const char _binary_templates_default_tmpl_start[],
	_binary_templates_default_tmpl_end[];
extern const char _binary_templates_email_tmpl_start[], _binary_templates_email_tmpl_end[];

static void add_builtin(struct template_set *set, const char *name, const char *start,
			const char *end)
{
	struct str source = {start, (size_t)(end - start)};
	struct err err;

	if (!template_set_add(set, name, source, (struct pos){name, 1, 1}, &err))
		BUG("%s:%d:%d: %s", name, err.at.line, err.at.col, err.text);
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static void add_file(struct arena *mem, struct template_set *set, const struct files *files,
		     const char *path, struct errs *errs)
{
	struct str source;
	struct err err;

	if (!files->read(files->ctx, mem, path, &source, &err) ||
	    !template_set_add(set, base_name(path), source, (struct pos){path, 1, 1}, &err))
		errs_add(errs, &err);
}

const struct template_set *receiver_templates_load(struct arena *mem,
						   const struct config *c,
						   const struct files *files,
						   struct errs *errs)
{
	struct template_set *set = template_set_new(mem, FUNCS_NOTIFY);
	size_t before = errs->n;

	add_builtin(set, "default.tmpl", _binary_templates_default_tmpl_start,
		    _binary_templates_default_tmpl_end);
	add_builtin(set, "email.tmpl", _binary_templates_email_tmpl_start,
		    _binary_templates_email_tmpl_end);
	for (size_t i = 0; i < c->n_templates; i++) {
		const char **paths = NULL;
		size_t n = 0;
		struct err err;

		if (!files->glob(files->ctx, mem, c->templates[i], &paths, &n, &err)) {
			errs_add(errs, &err);
			continue;
		}
		for (size_t k = 0; k < n; k++)
			add_file(mem, set, files, paths[k], errs);
	}
	return errs->n == before ? set : NULL;
}
