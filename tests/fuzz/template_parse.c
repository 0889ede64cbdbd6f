/* Any bytes either parse or fail with a place inside them; what parsed prints in a form
 * that parses again and prints the same. As HTML it is escaped or refused. The load check
 * ends, whatever it finds, with places inside them. */
#include "base/base.h"
#include "fuzz/place.h"
#include "text/notice.h"
#include "text/parse.h"
#include "text/template.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct body *parse(struct arena *mem, struct str in, struct err *err)
{
	struct source *src = ARENA_NEW(mem, struct source);
	const struct bodies *all;

	*src = (struct source){STR("main"), in, {"f", 1, 1}};
	all = parse_source(mem, FUNCS_NOTIFY, src, err);
	return all ? bodies_find(all, STR("main")) : NULL;
}

static void print(struct buf *b, const struct body *body)
{
	for (size_t i = 0; i < body->root.n; i++)
		node_print(b, body->root.v[i]);
}

/* Text may hold what reads as an action once its neighbours are gone: only without. */
static bool is_printable(struct str in)
{
	return str_find(in, STR("define")) == STR_NONE &&
	       str_find(in, STR("block")) == STR_NONE &&
	       str_find(in, STR("{{{")) == STR_NONE &&
	       str_find(in, STR("- }}")) == STR_NONE &&
	       str_find(in, STR("{{-")) == STR_NONE &&
	       str_find(in, STR("-}}")) == STR_NONE && str_find(in, STR("/*")) == STR_NONE;
}

static void check_print(struct arena *mem, struct str in, const struct body *parsed)
{
	struct buf first = BUF(BUF_NO_LIMIT), second = BUF(BUF_NO_LIMIT);
	const struct body *again;
	struct err err;

	print(&first, parsed);
	if (is_printable(in) && first.n < TEMPLATE_MAX_SOURCE) {
		again = parse(mem, buf_str(&first), &err);
		if (!again)
			BUG("printed, it fails: %s\n%s", err.text, buf_text(&first));
		print(&second, again);
		if (!str_eq(buf_str(&first), buf_str(&second)))
			BUG("prints as\n%s\nthen as\n%s", buf_text(&first),
			    buf_text(&second));
	}
	buf_free(&first);
	buf_free(&second);
}

static void check_loaded(struct arena *mem, struct str in, enum template_engine engine)
{
	struct template_set *set = template_set_new(mem, FUNCS_NOTIFY);
	struct errs errs = {.mem = mem};
	const struct template *t;
	struct err err;

	t = template_parse(mem, set, engine, "", in, (struct pos){"f", 1, 1}, &err);
	if (!t) {
		if (engine == TEMPLATE_TEXT)
			BUG("parsed once, then not: %s", err.text);
		check_place(&err, in);
		return;
	}
	template_check(t, notice_type, &errs);
	for (size_t i = 0; i < errs.n; i++)
		check_place(errs.v[i], in);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str in = {(const char *)data, size};
	double start = processor_seconds();
	struct arena mem = {0};
	const struct body *parsed;
	struct err err;

	parsed = parse(&mem, in, &err);
	if (parsed) {
		check_print(&mem, in, parsed);
		check_loaded(&mem, in, TEMPLATE_TEXT);
		check_loaded(&mem, in, TEMPLATE_HTML);
	} else {
		check_place(&err, in);
	}
	check_time(start);
	arena_free(&mem);
	return 0;
}
