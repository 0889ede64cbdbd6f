#include "base/base.h"
#include "text/notice.h"
#include "text/exec.h"
#include "text/func.h"

#include <string.h>

/* -- KV, Pairs, Strings --------------------------------------------------------------- */

#define FIRST_LABEL "alertname" /* sorts before all others */

static const struct func kv_methods[], pairs_methods[], strings_methods[], alerts_methods[];
static struct str kv_text(struct arena *, const struct value *);
static struct str pairs_text(struct arena *, const struct value *);

const struct type type_kv = {
	.kind = VALUE_MAP,
	.name = "template.KV",
	.is_named = true,
	.elem = &type_string,
	.methods = kv_methods,
	.text = kv_text,
};

static const struct type_field pair_fields[] = {
	{"Name", &type_string, NULL},
	{"Value", &type_string, NULL},
};
const struct type type_pair = {
	.kind = VALUE_STRUCT,
	.name = "template.Pair",
	.is_named = true,
	.fields = pair_fields,
	.n_fields = COUNT_OF(pair_fields),
};
const struct type type_pairs = {
	.kind = VALUE_LIST,
	.name = "template.Pairs",
	.is_named = true,
	.elem = &type_pair,
	.methods = pairs_methods,
	.text = pairs_text,
};
const struct type type_name_list = {
	.kind = VALUE_LIST,
	.name = "template.Strings",
	.is_named = true,
	.elem = &type_string,
	.methods = strings_methods,
};

struct value value_kv(struct arena *mem, const struct labels *labels)
{
	struct value v = value_label_map(mem, labels);

	v.type = &type_kv;
	return v;
}

/* The i-th entry in the order of SortedPairs. */
static const struct entry *sorted(const struct value *kv, size_t i)
{
	const struct entry *first = value_find(kv, STR(FIRST_LABEL));
	size_t at = first ? (size_t)(first - kv->map.v) : 0;

	if (!first || i > at)
		return &kv->map.v[i];
	return i == 0 ? first : &kv->map.v[i - 1];
}

static struct str kv_text(struct arena *mem, const struct value *kv)
{
	struct buf b = BUF(BUF_NO_LIMIT);
	struct str s;

	for (size_t i = 0; i < kv->map.n; i++) {
		const struct entry *e = sorted(kv, i);

		if (i)
			buf_add_text(&b, ", ");
		buf_add_str(&b, e->key);
		buf_add_char(&b, '=');
		buf_add_str(&b, e->value.s);
	}
	s = buf_keep(&b, mem);
	buf_free(&b);
	return s;
}

static struct str pairs_text(struct arena *mem, const struct value *pairs)
{
	struct buf b = BUF(BUF_NO_LIMIT);
	struct str s;

	for (size_t i = 0; i < pairs->list.n; i++) {
		if (i)
			buf_add_text(&b, ", ");
		buf_add_str(&b, pairs->list.v[i].fields[0].s);
		buf_add_char(&b, '=');
		buf_add_str(&b, pairs->list.v[i].fields[1].s);
	}
	s = buf_keep(&b, mem);
	buf_free(&b);
	return s;
}

static bool kv_SortedPairs(struct call *c, struct value *out)
{
	const struct value *kv = &c->args[0];
	struct value *pairs = ARENA_ARRAY(c->mem, struct value, kv->map.n);
	struct value *fields = ARENA_ARRAY(c->mem, struct value, 2 * kv->map.n);

	for (size_t i = 0; i < kv->map.n; i++) {
		const struct entry *e = sorted(kv, i);

		fields[2 * i] = value_str(e->key);
		fields[2 * i + 1] = e->value;
		pairs[i] = (struct value){.type = &type_pair, .fields = &fields[2 * i]};
	}
	*out = value_list(&type_pairs, pairs, kv->map.n);
	return true;
}

static bool kv_column(struct call *c, bool names, struct value *out)
{
	const struct value *kv = &c->args[0];
	struct value *v = ARENA_ARRAY(c->mem, struct value, kv->map.n);

	for (size_t i = 0; i < kv->map.n; i++) {
		const struct entry *e = sorted(kv, i);

		v[i] = names ? value_str(e->key) : e->value;
	}
	*out = value_list(&type_name_list, v, kv->map.n);
	return true;
}

static bool kv_Names(struct call *c, struct value *out)
{
	return kv_column(c, true, out);
}

static bool kv_Values(struct call *c, struct value *out)
{
	return kv_column(c, false, out);
}

static bool is_listed(const struct value *list, struct str name)
{
	for (size_t i = 0; i < list->list.n; i++) {
		if (str_eq(list->list.v[i].s, name))
			return true;
	}
	return false;
}

#define COMPARED_PER_STEP 16

static bool kv_Remove(struct call *c, struct value *out)
{
	const struct value *kv = &c->args[0];
	struct entry *v = ARENA_ARRAY(c->mem, struct entry, kv->map.n);
	size_t n = 0;

	if (!exec_work(c->exec, kv->map.n * c->args[1].list.n / COMPARED_PER_STEP))
		return false;
	for (size_t i = 0; i < kv->map.n; i++) {
		if (!is_listed(&c->args[1], kv->map.v[i].key))
			v[n++] = kv->map.v[i];
	}
	*out = value_dict(&type_kv, v, n);
	return true;
}

static bool kv_String(struct call *c, struct value *out)
{
	*out = value_str(kv_text(c->mem, &c->args[0]));
	return true;
}

static const struct func kv_methods[] = {
	FUNC("SortedPairs", kv_SortedPairs, &type_pairs, 0, NULL),
	FUNC("Names", kv_Names, &type_name_list, 0, NULL),
	FUNC("Values", kv_Values, &type_name_list, 0, NULL),
	FUNC("Remove", kv_Remove, &type_kv, 1, &type_string_list),
	FUNC("String", kv_String, &type_string, 0, NULL),
	FUNC_END,
};

static bool pairs_column(struct call *c, size_t field, struct value *out)
{
	const struct value *pairs = &c->args[0];
	struct value *v = ARENA_ARRAY(c->mem, struct value, pairs->list.n);

	for (size_t i = 0; i < pairs->list.n; i++)
		v[i] = pairs->list.v[i].fields[field];
	*out = value_list(&type_name_list, v, pairs->list.n);
	return true;
}

static bool pairs_Names(struct call *c, struct value *out)
{
	return pairs_column(c, 0, out);
}

static bool pairs_Values(struct call *c, struct value *out)
{
	return pairs_column(c, 1, out);
}

static bool pairs_String(struct call *c, struct value *out)
{
	*out = value_str(pairs_text(c->mem, &c->args[0]));
	return true;
}

static const struct func pairs_methods[] = {
	FUNC("Names", pairs_Names, &type_name_list, 0, NULL),
	FUNC("Values", pairs_Values, &type_name_list, 0, NULL),
	FUNC("String", pairs_String, &type_string, 0, NULL),
	FUNC_END,
};

static bool strings_Join(struct call *c, struct value *out)
{
	struct buf *b = call_buf(c);

	for (size_t i = 0; i < c->args[0].list.n; i++) {
		if (i)
			buf_add_str(b, c->args[1].s);
		buf_add_str(b, c->args[0].list.v[i].s);
	}
	return call_result(c, b, out);
}

static const struct func strings_methods[] = {
	FUNC("Join", strings_Join, &type_string, 1, &type_string),
	FUNC_END,
};

/* -- Alert, Alerts, Data -------------------------------------------------------------- */

enum {
	ALERT_STATUS,
	ALERT_LABELS,
	ALERT_ANNOTATIONS,
	ALERT_STARTS_AT,
	ALERT_ENDS_AT,
	ALERT_URL,
	ALERT_FINGERPRINT,
	ALERT_FIELDS
};
static const struct type_field alert_fields[ALERT_FIELDS] = {
	[ALERT_STATUS] = {"Status", &type_string, "status"},
	[ALERT_LABELS] = {"Labels", &type_kv, "labels"},
	[ALERT_ANNOTATIONS] = {"Annotations", &type_kv, "annotations"},
	[ALERT_STARTS_AT] = {"StartsAt", &type_time, "startsAt"},
	[ALERT_ENDS_AT] = {"EndsAt", &type_time, "endsAt"},
	[ALERT_URL] = {"GeneratorURL", &type_string, "generatorURL"},
	[ALERT_FINGERPRINT] = {"Fingerprint", &type_string, "fingerprint"},
};
const struct type type_alert = {
	.kind = VALUE_STRUCT,
	.name = "template.Alert",
	.is_named = true,
	.fields = alert_fields,
	.n_fields = ALERT_FIELDS,
};
const struct type type_alerts = {
	.kind = VALUE_LIST,
	.name = "template.Alerts",
	.is_named = true,
	.elem = &type_alert,
	.methods = alerts_methods,
};
const struct type type_alert_list = {
	.kind = VALUE_LIST,
	.name = "[]template.Alert",
	.elem = &type_alert,
};

enum {
	DATA_RECEIVER,
	DATA_STATUS,
	DATA_ALERTS,
	DATA_REASON,
	DATA_GROUP_LABELS,
	DATA_COMMON_LABELS,
	DATA_COMMON_ANNOTATIONS,
	DATA_ROUTE_LABELS,
	DATA_URL,
	DATA_RENDERED,
	DATA_FIELDS
};
static const struct type_field data_fields[DATA_FIELDS] = {
	[DATA_RECEIVER] = {"Receiver", &type_string, "receiver"},
	[DATA_STATUS] = {"Status", &type_string, "status"},
	[DATA_ALERTS] = {"Alerts", &type_alerts, "alerts"},
	[DATA_REASON] = {"NotificationReason", &type_string, "notification_reason"},
	[DATA_GROUP_LABELS] = {"GroupLabels", &type_kv, "groupLabels"},
	[DATA_COMMON_LABELS] = {"CommonLabels", &type_kv, "commonLabels"},
	[DATA_COMMON_ANNOTATIONS] = {"CommonAnnotations", &type_kv, "commonAnnotations"},
	[DATA_ROUTE_LABELS] = {"RouteLabels", &type_kv, "routeLabels"},
	[DATA_URL] = {"ExternalURL", &type_string, "externalURL"},
	/* Alertmanager's own note of what routeLabels did; it shows when all is printed */
	[DATA_RENDERED] = {"routeLabelsRendered", &type_bool, NULL},
};
const struct type type_data = {
	.kind = VALUE_STRUCT,
	.name = "template.Data",
	.is_named = true,
	.fields = data_fields,
	.n_fields = DATA_FIELDS,
};
const struct type type_data_pointer = {
	.kind = VALUE_POINTER,
	.name = "*template.Data",
	.elem = &type_data,
};
const struct type *const notice_type = &type_data_pointer;

static bool alerts_with_status(struct call *c, const char *status, struct value *out)
{
	const struct value *all = &c->args[0];
	struct value *v = ARENA_ARRAY(c->mem, struct value, all->list.n);
	size_t n = 0;

	for (size_t i = 0; i < all->list.n; i++) {
		if (str_is(all->list.v[i].fields[ALERT_STATUS].s, status))
			v[n++] = all->list.v[i];
	}
	*out = value_list(&type_alert_list, v, n);
	return true;
}

static bool alerts_Firing(struct call *c, struct value *out)
{
	return alerts_with_status(c, "firing", out);
}

static bool alerts_Resolved(struct call *c, struct value *out)
{
	return alerts_with_status(c, "resolved", out);
}

static const struct func alerts_methods[] = {
	FUNC("Firing", alerts_Firing, &type_alert_list, 0, NULL),
	FUNC("Resolved", alerts_Resolved, &type_alert_list, 0, NULL),
	FUNC_END,
};

static struct value kv_or_empty(struct value v)
{
	if (!v.type)
		return value_dict(&type_kv, NULL, 0);
	ASSERT(v.type == &type_kv);
	return v;
}

struct value notice_alert_value(struct arena *mem, const struct notice_alert *a)
{
	struct value *f = ARENA_ARRAY(mem, struct value, ALERT_FIELDS);

	f[ALERT_STATUS] = value_text(a->status);
	f[ALERT_LABELS] = kv_or_empty(a->labels);
	f[ALERT_ANNOTATIONS] = kv_or_empty(a->annotations);
	f[ALERT_STARTS_AT] = value_time(mem, a->starts_at.t, a->starts_at.zone);
	f[ALERT_ENDS_AT] = value_time(mem, a->ends_at.t, a->ends_at.zone);
	f[ALERT_URL] = value_str(a->generator_url);
	f[ALERT_FINGERPRINT] = value_str(a->fingerprint);
	return (struct value){.type = &type_alert, .fields = f};
}

struct value notice_value(struct arena *mem, const struct notice *n)
{
	struct value *f = ARENA_ARRAY(mem, struct value, DATA_FIELDS);
	struct value *alerts = ARENA_ARRAY(mem, struct value, n->n_alerts);

	for (size_t i = 0; i < n->n_alerts; i++)
		alerts[i] = notice_alert_value(mem, &n->alerts[i]);
	f[DATA_RECEIVER] = value_str(n->receiver);
	f[DATA_STATUS] = value_text(n->status);
	f[DATA_ALERTS] = value_list(&type_alerts, alerts, n->n_alerts);
	f[DATA_REASON] = value_str(n->reason);
	f[DATA_GROUP_LABELS] = kv_or_empty(n->group_labels);
	f[DATA_COMMON_LABELS] = kv_or_empty(n->common_labels);
	f[DATA_COMMON_ANNOTATIONS] = kv_or_empty(n->common_annotations);
	f[DATA_ROUTE_LABELS] = kv_or_empty(n->route_labels);
	f[DATA_URL] = value_str(n->external_url);
	f[DATA_RENDERED] = value_bool(false);
	return value_pointer(mem, &type_data_pointer,
			     (struct value){.type = &type_data, .fields = f});
}

struct str notice_receiver(struct arena *mem, struct str name)
{
	char *p = arena_alloc(mem, 2 * name.n + 1);
	size_t n = 0;

	for (size_t i = 0; i < name.n; i++) {
		if (name.p[i] && strchr("\\.+*?()|[]{}^$", name.p[i]))
			p[n++] = '\\';
		p[n++] = name.p[i];
	}
	return (struct str){p, n};
}

static bool is_shared(const struct entry *e, const struct value *kvs, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		if (!str_eq(value_kv_get(&kvs[i], e->key), e->value.s))
			return false;
	}
	return true;
}

struct value notice_common(struct arena *mem, const struct value *kvs, size_t n)
{
	struct entry *v;
	size_t kept = 0;

	if (!n || !kvs[0].type)
		return value_dict(&type_kv, NULL, 0);
	v = ARENA_ARRAY(mem, struct entry, kvs[0].map.n);
	for (size_t i = 0; i < kvs[0].map.n; i++) {
		if (is_shared(&kvs[0].map.v[i], kvs, n))
			v[kept++] = kvs[0].map.v[i];
	}
	return value_dict(&type_kv, v, kept);
}
