#include "base/base.h"
#include "receivers/message.h"

static void write_kv(struct json *j, const char *key, const struct value *kv)
{
	json_open_key(j, key, '{');
	for (size_t i = 0; kv->type && i < kv->map.n; i++) {
		json_key(j, kv->map.v[i].key);
		json_str(j, kv->map.v[i].value.s);
	}
	json_close(j, '}');
}

static void write_time(struct json *j, const char *key, struct instant t)
{
	struct buf text = BUF(64);

	buf_add_instant(&text, t);
	json_put(j, key, buf_str(&text));
	buf_free(&text);
}

static void write_alert(struct json *j, const struct notice_alert *a)
{
	json_open(j, '{');
	json_put_text(j, "status", a->status);
	write_kv(j, "labels", &a->labels);
	write_kv(j, "annotations", &a->annotations);
	write_time(j, "startsAt", a->starts_at.t);
	write_time(j, "endsAt", a->ends_at.t);
	json_put(j, "generatorURL", a->generator_url);
	json_put(j, "fingerprint", a->fingerprint);
	json_close(j, '}');
}

void write_message_cut(struct json *j, const struct render *r, const char *version,
		       size_t n)
{
	const struct notice *notice = &r->notice;

	json_open(j, '{');
	json_put(j, "receiver", notice->receiver);
	json_put_text(j, "status", notice->status);
	json_open_key(j, "alerts", '[');
	for (size_t i = 0; i < n; i++)
		write_alert(j, &notice->alerts[i]);
	json_close(j, ']');
	if (!r->a->env->as_0_25)
		json_put(j, "notification_reason", notice->reason);
	write_kv(j, "groupLabels", &notice->group_labels);
	write_kv(j, "commonLabels", &notice->common_labels);
	write_kv(j, "commonAnnotations", &notice->common_annotations);
	if (!r->a->env->as_0_25)
		write_kv(j, "routeLabels", &notice->route_labels);
	json_put(j, "externalURL", notice->external_url);
	json_put_text(j, "version", version);
	json_put_text(j, "groupKey", r->a->n->group_key);
	json_put_int(j, "truncatedAlerts", (int64_t)(r->a->n->n_alerts - r->n_alerts));
	json_close(j, '}');
}

void write_message(struct json *j, const struct render *r, const char *version)
{
	write_message_cut(j, r, version, r->n_alerts);
}
