/* Any templates over a small notification or alert end within their ceilings and soon, and
 * a failure has a place inside its source. The first byte chooses engine and functions;
 * what SEPARATOR ends are library templates, the rest is the text to render. */
#include "base/base.h"
#include "fuzz/place.h"
#include "text/notice.h"
#include "text/rule_data.h"
#include "text/template.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SEPARATOR   '\x1e'
#define SOURCES_MAX 4

/* The defaults, a twentieth of each. */
#define STEPS  100000
#define MEMORY ((size_t)3 << 20)
#define DEPTH  20
#define OUTPUT (TEMPLATE_MAX_OUTPUT / 20)

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

static struct value rule_root(struct arena *mem, enum template_funcs funcs)
{
	static const struct label labels[] = {{"instance", "a:1"}, {"job", "node"}};
	struct rule_data d = {
		.labels = labels_new(mem, labels, 2, NULL),
		.external_url = "http://p/",
		.value = value_float(1234.5),
		.expr = "up == 0",
		.type = "prometheus",
	};

	return funcs == FUNCS_VMALERT ? rule_data_value_vmalert(mem, &d)
				      : rule_data_value(mem, &d);
}

struct sources {
	struct str v[SOURCES_MAX];
	const char *names[SOURCES_MAX];
	size_t n;
};

/* An error's file is the name of the source it is about. */
static void check_source(const struct err *err, const struct sources *all)
{
	for (size_t i = 0; i < all->n; i++) {
		if (err->at.file && strcmp(err->at.file, all->names[i]) == 0) {
			check_place(err, all->v[i]);
			return;
		}
	}
	if (err->at.file) /* a text that was made on the way has none */
		BUG("no source %s: %s", err->at.file, err->text);
}

static void render(struct arena *mem, const struct template *t, enum template_funcs funcs,
		   const struct sources *all)
{
	struct template_run run = {
		.mem = mem,
		.query = answer,
		.now = {1700000000, 0, 0},
		.external_url = "http://p/q",
		.limits = {.steps = STEPS, .memory = MEMORY, .depth = DEPTH},
	};
	struct value root = funcs == FUNCS_NOTIFY ? notification(mem)
						  : rule_root(mem, funcs);
	struct buf out = BUF(OUTPUT);
	size_t before = arena_size(mem);
	struct err err;

	if (template_render(t, &run, root, &out, &err) == RENDER_FAILED)
		check_source(&err, all);
	if (out.n > OUTPUT || arena_size(mem) - before > 4 * MEMORY)
		BUG("%zu bytes written, %zu used", out.n, arena_size(mem) - before);
	buf_free(&out);
}

static const struct template *load(struct arena *mem, enum template_funcs funcs,
				   enum template_engine engine, const struct sources *all)
{
	struct template_set *set = template_set_new(mem, funcs);
	struct errs errs = {.mem = mem};
	const struct template *t;
	size_t last = all->n - 1;
	struct err err;

	for (size_t i = 0; i < last; i++) {
		if (!template_set_add(set, all->names[i], all->v[i],
				      (struct pos){all->names[i], 1, 1}, &err))
			check_source(&err, all);
	}
	t = template_parse(mem, set, engine, "", all->v[last],
			   (struct pos){all->names[last], 1, 1}, &err);
	if (!t) {
		check_source(&err, all);
		return NULL;
	}
	template_check(t,
		       funcs == FUNCS_NOTIFY	? notice_type
		       : funcs == FUNCS_VMALERT ? rule_type_vmalert
						: rule_type,
		       &errs);
	for (size_t i = 0; i < errs.n; i++)
		check_source(errs.v[i], all);
	return t;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum template_funcs flavours[] = {
		FUNCS_NOTIFY, FUNCS_CONSOLE, FUNCS_NOTIFY, FUNCS_CONSOLE,
		FUNCS_NOTIFY, FUNCS_VMALERT, FUNCS_NOTIFY, FUNCS_VMALERT};
	struct sources all = {.names = {"f0", "f1", "f2", "f3"}};
	double start = processor_seconds();
	struct arena mem = {0};
	const struct template *t;
	enum template_funcs funcs;
	struct str rest;

	if (!size)
		return 0;
	funcs = flavours[data[0] & 7];
	rest = (struct str){(const char *)data + 1, size - 1};
	while (all.n < SOURCES_MAX - 1 && str_find_char(rest, SEPARATOR) != STR_NONE)
		str_cut(&rest, SEPARATOR, &all.v[all.n++]);
	all.v[all.n++] = rest;
	t = load(&mem, funcs, data[0] & 2 ? TEMPLATE_HTML : TEMPLATE_TEXT, &all);
	if (t)
		render(&mem, t, funcs, &all);
	check_time(start);
	arena_free(&mem);
	return 0;
}
