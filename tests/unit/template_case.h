/* template_case.h - one template rendered for a table of cases. */
#pragma once
#include "base/base.h"
#include "text/notice.h"
#include "text/rule_data.h"
#include "text/template.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct rendered {
	struct arena mem;
	struct template_run run;
	enum rendering how; /* RENDER_FAILED also when it could not be parsed */
	struct buf out;
	struct err err;
	bool parsed;
};

static inline struct rendered rendered_new(void)
{
	return (struct rendered){.out = BUF(TEMPLATE_MAX_OUTPUT)};
}

/* Parses and renders in a set of its own. r->run may have been prepared, except for mem. */
static inline void render_case(struct rendered *r, enum template_funcs funcs,
			       enum template_engine engine, const char *text,
			       struct value root)
{
	struct template_set *set = template_set_new(&r->mem, funcs);
	const struct template *t = template_parse(&r->mem, set, engine, "", str_of(text),
						  (struct pos){"f", 1, 1}, &r->err);

	r->how = RENDER_FAILED;
	r->parsed = t;
	r->run.mem = &r->mem;
	if (t)
		r->how = template_render(t, &r->run, root, &r->out, &r->err);
}

static inline void rendered_free(struct rendered *r)
{
	buf_free(&r->out);
	arena_free(&r->mem);
}

/* Names the row, and shows what came instead. */
static inline void check_text(const char *row, const char *want, const char *got)
{
	if (strcmp(want, got) != 0)
		fail_msg("%s:\n  want %s\n  got  %s", row, want, got);
}
