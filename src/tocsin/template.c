#include "base/base.h"
#include "tocsin/commands.h"
#include "net/clock.h"
#include "receivers/attempt.h"
#include "text/notice.h"
#include "tocsin/files.h"

#include <stdio.h>
#include <string.h>

/* tocsin template render: a template over sample data, or over a webhook's payload. */

const struct option_row template_options[] = {
	{"template.glob", 0, OPTION_TEXTS, NULL, "Template files; may be repeated."},
	{"template.text", 0, OPTION_TEXT, NULL, "The template to render."},
	{"template.type", 0, OPTION_TEXT, "text", "text or html."},
	{"template.data", 0, OPTION_TEXT, NULL,
	 "JSON file of what a webhook would be sent; without it a sample."},
	{0},
};

/* -- data ----------------------------------------------------------------------------- */

static const char sample[] =
	"{\"receiver\":\"receiver\",\"status\":\"alertstatus\",\"alerts\":["
	"{\"status\":\"firing\",\"labels\":{\"label1\":\"value1\",\"label2\":\"value2\","
	"\"instance\":\"foo.bar:1234\",\"commonlabelkey1\":\"commonlabelvalue1\","
	"\"commonlabelkey2\":\"commonlabelvalue2\"},\"annotations\":{"
	"\"annotation1\":\"value1\",\"annotation2\":\"value2\","
	"\"commonannotationkey1\":\"commonannotationvalue1\","
	"\"commonannotationkey2\":\"commonannotationvalue2\"},"
	"\"generatorURL\":\"https://generatorurl.com\",\"fingerprint\":\"fingerprint1\"},"
	"{\"status\":\"resolved\",\"labels\":{\"foo\":\"bar\",\"baz\":\"qux\","
	"\"commonlabelkey1\":\"commonlabelvalue1\",\"commonlabelkey2\":"
	"\"commonlabelvalue2\"},\"annotations\":{\"aaa\":\"bbb\",\"ccc\":\"ddd\","
	"\"commonannotationkey1\":\"commonannotationvalue1\","
	"\"commonannotationkey2\":\"commonannotationvalue2\"},"
	"\"generatorURL\":\"https://generatorurl.com\",\"fingerprint\":\"fingerprint2\"}],"
	"\"groupLabels\":{\"grouplabelkey1\":\"grouplabelvalue1\","
	"\"grouplabelkey2\":\"grouplabelvalue2\"},"
	"\"commonLabels\":{\"commonlabelkey1\":\"commonlabelvalue1\","
	"\"commonlabelkey2\":\"commonlabelvalue2\"},"
	"\"commonAnnotations\":{\"commonannotationkey1\":\"commonannotationvalue1\","
	"\"commonannotationkey2\":\"commonannotationvalue2\"},"
	"\"externalURL\":\"https://example.com\"}";

static struct str member(const json_t *j, const char *key)
{
	const json_t *v = json_object_get(j, key);

	return v ? str_of(json_string_value(v)) : STR("");
}

static struct value pairs(struct arena *mem, const json_t *j)
{
	struct entry *v = ARENA_ARRAY(mem, struct entry, json_object_size(j));
	const char *key;
	json_t *item;
	size_t n = 0;

	json_object_foreach((json_t *)(uintptr_t)j, key, item)
	{
		v[n].key = str_of(key);
		v[n++].value = value_text(json_string_value(item));
	}
	return value_dict(&type_kv, v, n);
}

static struct moment moment_of(const json_t *j, const char *key, struct instant otherwise)
{
	struct moment m = {otherwise, NULL};

	if (json_object_get(j, key) && !instant_parse(member(j, key), &m.t))
		m.t = INSTANT_ZERO;
	return m;
}

/* The sample's alerts began minutes ago and end now, as amtool's do. */
static void alert_of(struct arena *mem, const json_t *j, struct instant start,
		     struct instant end, struct notice_alert *out)
{
	*out = (struct notice_alert){
		.status = member(j, "status").p,
		.labels = pairs(mem, json_object_get(j, "labels")),
		.annotations = pairs(mem, json_object_get(j, "annotations")),
		.starts_at = moment_of(j, "startsAt", start),
		.ends_at = moment_of(j, "endsAt", end),
		.generator_url = member(j, "generatorURL"),
		.fingerprint = member(j, "fingerprint"),
	};
}

static struct value data_of(struct arena *mem, const json_t *j, bool is_sample,
			    struct instant now)
{
	const json_t *list = json_object_get(j, "alerts");
	size_t n = json_array_size(list);
	struct notice_alert *alerts = ARENA_ARRAY(mem, struct notice_alert, n);
	struct notice data = {
		.receiver = member(j, "receiver"),
		.status = member(j, "status").p,
		.reason = member(j, "notification_reason"),
		.external_url = member(j, "externalURL"),
		.alerts = alerts,
		.n_alerts = n,
		.group_labels = pairs(mem, json_object_get(j, "groupLabels")),
		.common_labels = pairs(mem, json_object_get(j, "commonLabels")),
		.common_annotations = pairs(mem, json_object_get(j, "commonAnnotations")),
		.route_labels = pairs(mem, json_object_get(j, "routeLabels")),
	};

	for (size_t i = 0; i < n; i++) {
		span_ms ago = (span_ms)(i + 1) * 5 * MINUTE;

		alert_of(mem, json_array_get(list, i),
			 is_sample ? instant_add_ms(now, -ago) : INSTANT_ZERO,
			 is_sample ? now : INSTANT_ZERO, &alerts[i]);
	}
	return notice_value(mem, &data);
}

/* NULL after the error was printed. */
static json_t *read_data(struct tool *t, const char *path)
{
	struct str bytes = {sample, sizeof(sample) - 1};
	json_error_t wrong;
	struct err err;
	json_t *j;

	if (path && !tool_files.read(NULL, &t->mem, path, &bytes, &err)) {
		fail(t, "%s", err_text(&t->mem, &err));
		return NULL;
	}
	j = json_loadb(bytes.p, bytes.n, 0, &wrong);
	if (!j || !json_is_object(j)) {
		fail(t, "%s:%d:%d: %s", path, wrong.line, wrong.column,
		     j ? "not an object" : wrong.text);
		json_decref(j);
		return NULL;
	}
	return j;
}

/* -- rendering ------------------------------------------------------------------------ */

/* NULL after the errors were printed. */
static const struct template_set *load(struct tool *t)
{
	const struct option_value *globs = option(t, "template.glob");
	struct errs errs = {.mem = &t->mem};
	struct config c = {.templates = globs->texts.v, .n_templates = globs->texts.n};
	const struct template_set *set = receiver_templates_load(&t->mem, &c, &tool_files,
								 &errs);

	for (size_t i = 0; i < errs.n; i++)
		fail(t, "%s", err_text(&t->mem, errs.v[i]));
	return set;
}

static void print_rendered(struct str text)
{
	struct buf b = BUF(BUF_NO_LIMIT);

	buf_add_json(&b, text);
	printf("{\"text\":%s}\n", buf_text(&b));
	buf_free(&b);
}

static int render(struct tool *t, const struct template_set *set, const char *text,
		  const json_t *data, bool is_sample)
{
	bool html = strcmp(option_text(t, "template.type"), "html") == 0;
	struct template_run run = {
		.mem = &t->mem,
		.now = instant_of_ms(clock_wall()),
		.local = tool_zone(&t->mem, STR("Local")),
		.zone_find = tool_zone,
		.arg = &t->mem,
		.route_labels = pairs(&t->mem, json_object_get(data, "routeLabels")),
	};
	struct buf out = BUF(TEMPLATE_MAX_OUTPUT);
	const struct template *parsed;
	struct err err = {0};
	int code = 0;

	parsed = template_parse(&t->mem, set, html ? TEMPLATE_HTML : TEMPLATE_TEXT, "",
				str_of(text), NOWHERE, &err);
	if (!parsed ||
	    template_render(parsed, &run, data_of(&t->mem, data, is_sample, run.now), &out,
			    &err) != RENDERED)
		code = fail(t, "%s", parsed && run.error ? run.error : err.text);
	else if (t->output == OUTPUT_JSON && !t->is_amtool)
		print_rendered(buf_str(&out));
	else
		fwrite(out.p ? out.p : "", 1, out.n, stdout);
	buf_free(&out);
	return code;
}

int template_show(struct tool *t)
{
	const char *text = option_text(t, "template.text");
	const char *type = option_text(t, "template.type");
	const char *path = option_text(t, "template.data");
	const struct template_set *set;
	json_t *data;
	int code = 1;

	if (!option(t, "template.glob")->texts.n || !option(t, "template.text")->given)
		return fail(t, "required flag(s) '%s' not provided",
			    option(t, "template.glob")->texts.n ? "--template.text"
								: "--template.glob");
	if (strcmp(type, "text") != 0 && strcmp(type, "html") != 0)
		return fail(t, "enum value must be one of text,html, got '%s'", type);
	path = path && path[0] ? path : NULL;
	data = read_data(t, path);
	set = data ? load(t) : NULL;
	if (set)
		code = render(t, set, text, data, !path);
	json_decref(data);
	return code;
}
