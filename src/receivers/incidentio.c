#include "base/base.h"
#include "receivers/list.h"
#include "receivers/message.h"

#include <jansson.h>

#define MAX_MESSAGE 524288

struct incidentio {
	const char *url, *url_file, *token_file;
	struct secret token;
	int64_t max_alerts, timeout;
};

#define AT(m) offsetof(struct incidentio, m)
static const struct field fields[] = {
	{"url", FIELD_URL, AT(url), .help = "Address of the alert source."},
	{"url_file", FIELD_OPTIONAL, AT(url_file), .help = "File with it."},
	{"alert_source_token", FIELD_SECRET, AT(token), .help = "Its token."},
	{"alert_source_token_file", FIELD_OPTIONAL, AT(token_file),
	 .help = "File with it."},
	{"max_alerts", FIELD_INT, AT(max_alerts), .min = 0, .max = INT64_MAX,
	 .always = true, .help = "Send no more alerts than this; 0: all."},
	{"timeout", FIELD_GO_SPAN, AT(timeout),
	 .help = "Longest wait for an answer; 0s: none."},
	{0},
};
#undef AT

static void check(struct decode *d, struct integration_config *ic)
{
	const struct incidentio *s = ic->settings;
	bool token = secret_is_set(s->token) || s->token_file;

	if (!s->url && !s->url_file && !yaml_find(ic->source, "url"))
		mistake(d, ic->at, "one of url or url_file must be configured");
	if (s->url && s->url_file)
		mistake(d, at_key(ic, "url_file"),
			"at most one of url & url_file must be configured");
	check_pair(d, ic, "alert_source_token", s->token, s->token_file);
	if (token && ic->http && ic->http->has_authorization)
		mistake(d, ic->at,
			"cannot specify alert_source_token or alert_source_token_file "
			"when using http_config.authorization");
	if (!token && ic->http && !ic->http->has_authorization)
		mistake(d, ic->at,
			"at least one of alert_source_token, alert_source_token_file "
			"or http_config.authorization must be configured");
}

static void needs(const struct integration_config *ic, struct integration_needs *out)
{
	const struct incidentio *s = ic->settings;

	out->files[0].path = s->token_file;
	out->files[0].at = at_key(ic, "alert_source_token_file");
}

/* The peers leave one alert and do not say so. */
static void write_less(struct json *body, struct render *r)
{
	size_t good = 1, bad = r->n_alerts;

	buf_reset(&body->out);
	if (!r->a->env->leave_out_alerts) {
		write_message_cut(body, r, "1", 1);
		return;
	}
	while (bad - good > 1) {
		r->n_alerts = good + (bad - good) / 2;
		write_message(body, r, "1");
		*(body->out.n + 1 > MAX_MESSAGE ? &bad : &good) = r->n_alerts;
		buf_reset(&body->out);
	}
	r->n_alerts = good; /* the message counts the others as truncated */
	write_message(body, r, "1");
	r->a->shortened = arena_printf(r->a->mem, "… %zu of %zu alerts shown", good,
				       r->a->n->n_alerts);
}

static void compose(struct attempt *a)
{
	const struct incidentio *s = a->n->integration->settings;
	const char *url, *token;
	struct json body = JSON;
	struct render r;

	if (!secret_get(a, (struct secret){s->url}, s->url_file, &url) ||
	    !secret_get(a, s->token, s->token_file, &token))
		return;
	render_start(&r, a, (size_t)s->max_alerts);
	write_message(&body, &r, "1");
	if (body.out.n + 1 > MAX_MESSAGE && r.n_alerts > 1)
		write_less(&body, &r);
	want_json(a, url, &body);
	if (*token)
		authorize(a, arena_printf(a->mem, "Bearer %s", token));
	set_timeout(a, s->timeout);
}

static void add(struct buf *out, const char *text)
{
	if (text && *text)
		buf_addf(out, "%s%s", out->n ? ": " : "", text);
}

/* What the body says of a failure. */
static const char *details_of(struct attempt *a, const struct http_answer *answer)
{
	json_t *top = json_loadb(answer->body.p ? answer->body.p : "", answer->body.n, 0,
				 NULL);
	json_t *errors = json_object_get(top, "errors"), *one;
	struct buf out = BUF(4096), list = BUF(4096);
	const char *text;
	size_t i;

	add(&out, json_string_value(json_object_get(top, "message")));
	add(&out, json_string_value(json_object_get(top, "error")));
	json_array_foreach(errors, i, one)
		buf_addf(&list, "%s%s", i ? ", " : "",
			 json_string_value(one) ? json_string_value(one) : "");
	add(&out, buf_text(&list));
	text = arena_text(a->mem, buf_text(&out));
	buf_free(&out);
	buf_free(&list);
	json_decref(top);
	return text;
}

static void judge(struct attempt *a, const struct http_answer *answer)
{
	const struct incidentio *s = a->n->integration->settings;

	judge_status(a, answer,
		     &(struct judging){.also_retried = 429,
				       .detail = details_of(a, answer),
				       .timeout_of = "incident.io",
				       .timeout_ns = s->timeout});
}

const struct integration incidentio_integration = {
	.kind = {.name = "incidentio",
		 .key = "incidentio_configs",
		 .fields = fields,
		 .size = sizeof(struct incidentio),
		 .send_resolved = true,
		 .raw_paths = true,
		 .check = check},
	.compose = compose,
	.judge = judge,
	.needs = needs,
};
