#include "base/base.h"
#include "api/alert_list.h"
#include "model/regex.h"
#include "net/clock.h"

#include <stdlib.h>
#include <string.h>

/* -- out ------------------------------------------------------------------------------ */

static void add_texts(struct buf *b, const char *const *v, size_t n)
{
	buf_add_char(b, '[');
	for (size_t i = 0; i < n; i++) {
		if (i)
			buf_add_char(b, ',');
		buf_add_json(b, str_of(v[i]));
	}
	buf_add_char(b, ']');
}

static void add_fingerprints(struct buf *b, const uint64_t *v, size_t n)
{
	buf_add_char(b, '[');
	for (size_t i = 0; i < n; i++) {
		if (i)
			buf_add_char(b, ',');
		buf_add_char(b, '"');
		buf_add_fingerprint(b, v[i]);
		buf_add_char(b, '"');
	}
	buf_add_char(b, ']');
}

static void add_receiver_names(struct buf *b, const char *const *names, size_t n)
{
	buf_add_char(b, '[');
	for (size_t i = 0; i < n; i++) {
		buf_add_text(b, i ? ",{\"name\":" : "{\"name\":");
		buf_add_json(b, str_of(names[i]));
		buf_add_char(b, '}');
	}
	buf_add_char(b, ']');
}

void buf_add_alert(struct buf *b, const struct alert_view *v, const char *const *names,
		   size_t n_names)
{
	const struct alert *a = &v->alert;

	buf_add_text(b, "{\"annotations\":");
	buf_add_labels_json(b, a->annotations);
	buf_add_text(b, ",\"endsAt\":");
	buf_add_api_time(b, a->ends_at);
	buf_add_text(b, ",\"fingerprint\":\"");
	buf_add_fingerprint(b, v->fingerprint);
	buf_add_text(b, "\",\"receivers\":");
	add_receiver_names(b, names, n_names);
	buf_add_text(b, ",\"startsAt\":");
	buf_add_api_time(b, a->starts_at);
	buf_add_text(b, ",\"status\":{\"inhibitedBy\":");
	add_fingerprints(b, v->inhibited_by, v->n_inhibited_by);
	buf_add_text(b, ",\"mutedBy\":");
	add_texts(b, v->muted_by, v->n_muted_by);
	buf_add_text(b, ",\"silencedBy\":");
	add_texts(b, v->silenced_by, v->n_silenced_by);
	buf_add_text(b, v->state == MEMBER_SUPPRESSED ? ",\"state\":\"suppressed\"}"
						      : ",\"state\":\"active\"}");
	buf_add_text(b, ",\"updatedAt\":");
	buf_add_api_time(b, a->updated_at);
	if (a->generator_url[0]) {
		buf_add_text(b, ",\"generatorURL\":");
		buf_add_json(b, str_of(a->generator_url));
	}
	buf_add_text(b, ",\"labels\":");
	buf_add_labels_json(b, a->labels);
	buf_add_char(b, '}');
}

bool look_at_alert(struct request *r, struct arena *mem, uint64_t fingerprint,
		   struct alert_view *v)
{
	const struct api_host *host = &r->api->options.host;
	double began = clock_seconds();
	bool there = view_alert(host->engine(host->ctx), host->now(host->ctx), mem,
				fingerprint, v);

	if (there)
		seconds_add(&r->api->silence_queries, clock_seconds() - began, 1);
	return there;
}

/* -- filters -------------------------------------------------------------------------- */

bool filter_parse(struct request *r, struct filter *f)
{
	const struct param *p = param_last(r, "receiver");
	struct err err;

	f->active = param_bool(r, "active", true);
	f->silenced = param_bool(r, "silenced", true);
	f->inhibited = param_bool(r, "inhibited", true);
	f->muted = param_bool(r, "muted", true);
	if (!param_matchers(r, "filter", "", &f->labels))
		return false;
	if (p && p->value.n) {
		f->receiver = regex_new(r->mem, p->value, REGEX_WHOLE, &err);
		if (!f->receiver) {
			answer_error(r, 400,
				     arena_printf(r->mem,
						  "failed to parse receiver param: %s",
						  err.text));
			return false;
		}
	}
	return param_matchers(
		r, "receiver_matchers",
		"failed to parse receiver_matchers param: ", &f->receiver_labels);
}

bool filter_takes_receiver(const struct filter *f, const struct receiver *r)
{
	return (!f->receiver || regex_matches(f->receiver, str_of(r->name))) &&
	       matchers_hold(&f->receiver_labels, r->labels);
}

bool filter_takes_alert(const struct filter *f, const struct alert_view *v)
{
	bool is_active = !v->n_silenced_by && !v->n_inhibited_by;

	return (f->active || !is_active) && (f->silenced || !v->n_silenced_by) &&
	       (f->inhibited || !v->n_inhibited_by);
}
