/* Any bytes either parse or fail with a place inside them; what parsed prints in a form
 * that parses again and prints the same. As HTML it is escaped or refused. */
#include "base/base.h"
#include "text/notice.h"
#include "text/parse.h"
#include "text/template.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_place(const struct err *err, struct str in)
{
	int lines = 1;

	for (size_t i = 0; i < in.n; i++)
		lines += in.p[i] == '\n';
	if (err->at.line < 1 || err->at.line > lines || err->at.col < 1 ||
	    err->at.col > (int)in.n + 1)
		BUG("place %d:%d is not in the input: %s", err->at.line, err->at.col,
		    err->text);
}

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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str in = {(const char *)data, size};
	struct arena mem = {0};
	struct template_set *set = template_set_new(&mem, FUNCS_NOTIFY);
	struct errs errs = {.mem = &mem};
	const struct body *parsed;
	const struct template *t;
	struct err err;

	parsed = parse(&mem, in, &err);
	if (parsed) {
		check_print(&mem, in, parsed);
		t = template_parse(&mem, set, TEMPLATE_HTML, "", in,
				   (struct pos){"f", 1, 1}, &err);
		if (t)
			template_check(t, notice_type, &errs);
		else
			check_place(&err, in);
	} else {
		check_place(&err, in);
	}
	arena_free(&mem);
	return 0;
}
