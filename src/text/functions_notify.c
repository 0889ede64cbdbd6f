#include "base/base.h"
#include "text/func.h"
#include "base/utf8.h"
#include "text/base64.h"
#include "text/escape.h"
#include "text/exec.h"
#include "text/value_json.h"
#include "text/time_format.h"
#include "text/unicode.h"

/* Alertmanager's functions (spec/notification-templates.md 3). */

#define TITLE_PER_STEP 8 /* bytes, beside what any text costs */

static bool fn_title(struct call *c, struct value *out)
{
	c->exec->steps += c->args[0].s.n / TITLE_PER_STEP;
	*out = value_str(unicode_title(c->mem, c->args[0].s, true));
	return true;
}

static bool fn_trimSpace(struct call *c, struct value *out)
{
	struct str s = c->args[0].s;
	uint32_t r;
	size_t step;

	while (s.n) {
		step = utf8_decode(s, &r);
		if (r == UTF8_BAD || !utf8_is_space(r))
			break;
		s = str_from(s, step);
	}
	*out = value_str(utf8_trim_end(s, utf8_is_space));
	return true;
}

static bool fn_join(struct call *c, struct value *out)
{
	struct buf *b = call_buf(c);

	for (size_t i = 0; i < c->args[1].list.n; i++) {
		if (i)
			buf_add_str(b, c->args[0].s);
		buf_add_str(b, c->args[1].list.v[i].s);
	}
	return call_result(c, b, out);
}

static bool fn_safeUrl(struct call *c, struct value *out)
{
	*out = value_typed(&type_url, c->args[0].s);
	return true;
}

static bool fn_urlUnescape(struct call *c, struct value *out)
{
	struct buf *b = call_buf(c);
	struct str bad;

	if (!query_decode(b, c->args[0].s, &bad))
		return call_fail_str(c, "invalid URL escape \"", bad, "\"");
	return call_result(c, b, out);
}

/* -- times ---------------------------------------------------------------------------- */

static bool fn_date(struct call *c, struct value *out)
{
	struct buf *b = call_buf(c);

	buf_add_time(b, c->args[1].time, c->args[0].s);
	return call_result(c, b, out);
}

#define ZONE_STEPS 200 /* a file may be looked for */

static bool fn_tz(struct call *c, struct value *out)
{
	struct str name = c->args[0].s;
	struct instant t = c->args[1].time->t;
	const struct zone *zone = NULL;

	if (!exec_work(c->exec, ZONE_STEPS))
		return false;
	t.off = 0;
	if (str_is(name, "Local"))
		zone = c->run->local;
	else if (name.n && !str_is(name, "UTC"))
		zone = c->run->zone_find ? c->run->zone_find(c->run->arg, name) : NULL;
	if (!zone && name.n && !str_is(name, "UTC") && !str_is(name, "Local"))
		return call_fail_str(c, "unknown time zone ", name, "");
	*out = value_time(c->mem, t, zone);
	return true;
}

static bool fn_now(struct call *c, struct value *out)
{
	struct instant t = c->run->now;

	t.off = 0;
	*out = value_time(c->mem, t, c->run->local);
	return true;
}

static bool fn_since(struct call *c, struct value *out)
{
	struct instant now = c->run->now, t = c->args[0].time->t;
	__extension__ __int128 ns = (__int128)(now.s - t.s) * 1000000000 + (now.ns - t.ns);

	if (ns > INT64_MAX)
		ns = INT64_MAX;
	else if (ns < INT64_MIN)
		ns = INT64_MIN;
	*out = value_duration((int64_t)ns);
	return true;
}

static void set_moment(struct call *c, const struct moment *m, struct value *out)
{
	*out = value_time(c->mem, m->t, m->zone);
}

static bool fn_mustToDate(struct call *c, struct value *out)
{
	struct moment m;
	const char *wrong;

	c->exec->steps += EXEC_NUMBER_STEPS;
	wrong = time_parse(c->mem, c->args[0].s, c->args[1].s, &m);

	if (wrong)
		return call_fail(c, "%s", wrong);
	set_moment(c, &m, out);
	return true;
}

static bool fn_toDate(struct call *c, struct value *out)
{
	struct moment m;

	c->exec->steps += EXEC_NUMBER_STEPS;
	if (time_parse(c->mem, c->args[0].s, c->args[1].s, &m))
		m = (struct moment){INSTANT_ZERO, NULL};
	set_moment(c, &m, out);
	return true;
}

/* -- encodings ------------------------------------------------------------------------ */

static bool fn_toJson(struct call *c, struct value *out)
{
	struct buf *b = call_buf(c);
	const char *wrong = buf_add_json_value(b, c->mem, &c->args[0]);

	if (wrong)
		return call_fail(c, "%s", wrong);
	return call_result(c, b, out);
}

static bool fn_base64encode(struct call *c, struct value *out)
{
	struct buf *b = call_buf(c);

	buf_add_base64(b, c->args[0].s, BASE64_URL);
	return call_result(c, b, out);
}

static bool fn_base64decode(struct call *c, struct value *out)
{
	struct buf *b = call_buf(c);
	size_t bad;

	if (!base64_decode(b, c->args[0].s, BASE64_URL, &bad))
		return call_fail(c, "illegal base64 data at input byte %zu", bad);
	return call_result(c, b, out);
}

/* -- lists and maps ------------------------------------------------------------------- */

static struct value *copy_args(struct call *c, size_t from, size_t extra)
{
	struct value *v = ARENA_ARRAY(c->mem, struct value, c->n - from + extra);

	for (size_t i = from; i < c->n; i++)
		v[extra + i - from] = c->args[i];
	return v;
}

static bool fn_stringSlice(struct call *c, struct value *out)
{
	*out = value_list(&type_string_list, copy_args(c, 0, 0), c->n);
	return true;
}

static bool fn_list(struct call *c, struct value *out)
{
	*out = value_list(&type_anys, copy_args(c, 0, 0), c->n);
	return true;
}

static bool fn_append(struct call *c, struct value *out)
{
	size_t n = c->args[0].list.n;
	struct value *v = copy_args(c, 1, n);

	for (size_t i = 0; i < n; i++)
		v[i] = c->args[0].list.v[i];
	*out = value_list(&type_anys, v, n + c->n - 1);
	return true;
}

#define KEYS_PER_STEP 128

static bool fn_dict(struct call *c, struct value *out)
{
	struct entry *v = ARENA_ARRAY(c->mem, struct entry, c->n / 2 + 1);
	size_t n = 0, at;

	if (c->n % 2)
		return call_fail(c, "dict requires an even number of arguments");
	/* keys are few; many cost what finding each among all of them takes */
	if (!exec_work(c->exec, c->n * c->n / KEYS_PER_STEP))
		return false;
	for (size_t i = 0; i < c->n; i += 2) {
		if (c->args[i].type != &type_string)
			return call_fail(c, "dict keys must be strings");
		for (at = 0; at < n && !str_eq(v[at].key, c->args[i].s); at++)
			;
		v[at] = (struct entry){c->args[i].s, c->args[i + 1]};
		n += at == n;
	}
	*out = value_dict(&type_any_map, v, n);
	return true;
}

/* -- route labels --------------------------------------------------------------------- */

static bool fail_cycle(struct call *c, struct str name)
{
	struct exec *x = c->exec;
	struct buf b = BUF(4096);
	bool on = false;

	buf_add_text(&b, "route label cycle detected: ");
	for (size_t i = 0; i < x->labels.n; i++) {
		on |= str_eq(x->labels.names[i], name);
		if (!on)
			continue;
		buf_add_str(&b, x->labels.names[i]);
		buf_add_text(&b, " -> ");
	}
	buf_add_str(&b, name);
	call_fail(c, "%s", buf_text(&b));
	buf_free(&b);
	return false;
}

static bool fn_routeLabels(struct call *c, struct value *out)
{
	struct exec *x = c->exec;
	struct str name = c->args[0].s, text = value_kv_get(&c->run->route_labels, name);
	bool ok;

	if (!c->run->route_labels_raw || !text.n) {
		*out = value_str(text);
		return true;
	}
	for (size_t i = 0; i < x->labels.n; i++) {
		if (str_eq(x->labels.names[i], name))
			return fail_cycle(c, name);
	}
	if (x->labels.n == COUNT_OF(x->labels.names))
		return call_fail(c, "more than %zu route labels within each other",
				 COUNT_OF(x->labels.names));
	x->labels.names[x->labels.n++] = name;
	ok = call_render(c, text, &text);
	x->labels.n--;
	if (ok)
		*out = value_str(text);
	return ok;
}

const struct func functions_notify[] = {
	FUNC("title", fn_title, &type_string, 1, &type_string),
	FUNC("trimSpace", fn_trimSpace, &type_string, 1, &type_string),
	FUNC("join", fn_join, &type_string, 2, &type_string, &type_string_list),
	FUNC("safeUrl", fn_safeUrl, &type_url, 1, &type_string),
	FUNC("urlUnescape", fn_urlUnescape, &type_string, 1, &type_string),
	FUNC("date", fn_date, &type_string, 2, &type_string, &type_time),
	FUNC("tz", fn_tz, &type_time, 2, &type_string, &type_time),
	FUNC("now", fn_now, &type_time, 0, NULL),
	FUNC("since", fn_since, &type_duration, 1, &type_time),
	FUNC("toDate", fn_toDate, &type_time, 2, &type_string, &type_string),
	FUNC("mustToDate", fn_mustToDate, &type_time, 2, &type_string, &type_string),
	FUNC("toJson", fn_toJson, &type_string, 1, &type_any),
	FUNC("base64encode", fn_base64encode, &type_string, 1, &type_string),
	FUNC("base64decode", fn_base64decode, &type_string, 1, &type_string),
	FUNC_MANY("stringSlice", fn_stringSlice, &type_string_list, 1, &type_string),
	FUNC_MANY("list", fn_list, &type_anys, 1, &type_any),
	FUNC_MANY("append", fn_append, &type_anys, 2, &type_anys, &type_any),
	FUNC_MANY("dict", fn_dict, &type_any_map, 1, &type_any),
	FUNC("routeLabels", fn_routeLabels, &type_string, 1, &type_string),
	FUNC_END,
};
