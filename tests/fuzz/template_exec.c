/* Any template over a small notification ends within its ceilings, and a failure has a
 * place inside the input. The first byte chooses engine and functions. */
#include "base/base.h"
#include "text/notice.h"
#include "text/rule_data.h"
#include "text/template.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define STEPS  20000
#define MEMORY ((size_t)4 << 20)
#define OUTPUT ((size_t)1 << 20)

static enum query_state answer(void *arg, struct str expr, struct arena *mem,
			       struct value *samples, const char **why)
{
	static const struct label label = {"instance", "<web>"};
	struct rule_sample sample = {labels_new(mem, &label, 1, NULL), value_float(1.5), 7};

	(void)arg;
	*why = "no";
	if (expr.n > 20)
		return QUERY_FAILED;
	if (expr.n > 10)
		return QUERY_WANTED;
	*samples = value_samples(mem, &sample, 1);
	return QUERY_ANSWERED;
}

static struct value notification(struct arena *mem)
{
	static const struct label labels[] = {{"alertname", "Disk<Full>"},
					      {"severity", "a&b"}};
	static const struct label notes[] = {{"summary", "it's \"full\""},
					     {"url", "http://x/y?z"}};
	struct notice_alert alert = {
		.status = "firing",
		.labels = value_kv(mem, labels_new(mem, labels, 2, NULL)),
		.annotations = value_kv(mem, labels_new(mem, notes, 2, NULL)),
		.starts_at = {{1700000000, 5, 3600}, NULL},
		.ends_at = {INSTANT_ZERO, NULL},
	};
	struct notice n = {
		.receiver = STR("ops"),
		.status = "firing",
		.alerts = &alert,
		.n_alerts = 1,
		.group_labels = alert.labels,
		.common_labels = alert.labels,
		.common_annotations = alert.annotations,
	};

	return notice_value(mem, &n);
}

static struct value rule_root(struct arena *mem)
{
	static const struct label labels[] = {{"instance", "a:1"}, {"job", "node"}};
	struct rule_data d = {
		.labels = labels_new(mem, labels, 2, NULL),
		.external_url = "http://p/",
		.value = value_float(1234.5),
	};

	return rule_data_value(mem, &d);
}

static void check_place(const struct err *err, struct str in)
{
	int lines = 1;

	for (size_t i = 0; i < in.n; i++)
		lines += in.p[i] == '\n';
	if (err->at.file && (err->at.line < 1 || err->at.line > lines || err->at.col < 1 ||
			     err->at.col > (int)in.n + 1))
		BUG("place %d:%d is not in the input: %s", err->at.line, err->at.col,
		    err->text);
}

static void render(struct arena *mem, const struct template *t, bool is_rule, struct str in)
{
	struct template_run run = {
		.mem = mem,
		.query = answer,
		.now = {1700000000, 0, 0},
		.external_url = "http://p/q",
		.limits = {.steps = STEPS, .memory = MEMORY, .depth = 50},
	};
	struct value root = is_rule ? rule_root(mem) : notification(mem);
	struct buf out = BUF(OUTPUT);
	size_t before = arena_size(mem);
	struct err err;

	if (template_render(t, &run, root, &out, &err) == RENDER_FAILED)
		check_place(&err, in);
	if (out.n > OUTPUT || arena_size(mem) - before > 4 * MEMORY)
		BUG("%zu bytes written, %zu used", out.n, arena_size(mem) - before);
	buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena mem = {0};
	const struct template *t;
	struct template_set *set;
	bool is_rule, is_html;
	struct str in;

	if (!size)
		return 0;
	is_rule = data[0] & 1;
	is_html = data[0] & 2;
	in = (struct str){(const char *)data + 1, size - 1};
	set = template_set_new(&mem, is_rule ? (data[0] & 4 ? FUNCS_VMALERT : FUNCS_CONSOLE)
					     : FUNCS_NOTIFY);
	t = template_parse(&mem, set, is_html ? TEMPLATE_HTML : TEMPLATE_TEXT, "", in,
			   (struct pos){"f", 1, 1}, NULL);
	if (t)
		render(&mem, t, is_rule, in);
	arena_free(&mem);
	return 0;
}
