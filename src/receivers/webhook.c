#include "base/base.h"
#include "receivers/list.h"
#include "receivers/message.h"

#include <string.h>

struct webhook {
	struct secret url;
	const char *url_file;
	int64_t max_alerts, timeout;
	const struct yaml *payload;
};

/* A URL, or a template whose text will be one. */
static void url_decode(struct decode *d, const struct yaml *y, void *member)
{
	const char *text = decode_text(d, y);
	struct arena scratch = {0};
	struct url url;
	struct err err;

	*(struct secret *)member = (struct secret){*text ? text : NULL};
	if (!*text || !strcmp(text, "<secret>"))
		return;
	if (strstr(text, "{{")) {
		if (!template_parse(&scratch, template_set_new(&scratch, FUNCS_NOTIFY),
				    TEMPLATE_TEXT, "", str_of(text), y->at, &err))
			mistake(d, y->at, "invalid template syntax: %s", err.text);
	} else if (!url_parse_secret(d->mem, str_of(text), y->at, &url, &err)) {
		mistake(d, y->at, "invalid URL: %s", err.text);
	} else {
		*(struct secret *)member = (struct secret){url_print(d->mem, &url)};
	}
	arena_free(&scratch);
}

/* amtool 0.25 reads the printed configuration and wants a URL here: the host is shown. */
static const struct yaml *url_print_hidden(struct arena *mem, const void *member)
{
	struct secret secret = *(const struct secret *)member;
	struct url url;

	if (!secret_is_set(secret))
		return NULL;
	if (strstr(secret_reveal(secret), "{{") ||
	    !url_parse_http(mem, str_of(secret_reveal(secret)), NOWHERE, &url, NULL))
		return yaml_new_text(mem, "<secret>");
	return yaml_new_text(mem,
			     arena_printf(mem, "%s://%s/<secret>", url.scheme, url.host));
}

static const struct field_codec url_codec = {url_decode, url_print_hidden};

#define AT(m) offsetof(struct webhook, m)
static const struct field fields[] = {
	{"url", FIELD_CUSTOM, AT(url), .codec = &url_codec,
	 .help = "Address; may be a template."},
	{"url_file", FIELD_OPTIONAL, AT(url_file), .help = "File with the address."},
	{"max_alerts", FIELD_INT, AT(max_alerts), .min = 0, .max = INT64_MAX,
	 .always = true, .help = "Send no more alerts than this; 0: all."},
	{"timeout", FIELD_GO_SPAN, AT(timeout),
	 .help = "Longest wait for an answer; 0s: none."},
	{"payload", FIELD_ANY, AT(payload),
	 .help = "Body of your own; every text a template."},
	{0},
};
#undef AT

static void check(struct decode *d, struct integration_config *ic)
{
	const struct webhook *w = ic->settings;

	if (secret_is_set(w->url) && w->url_file)
		mistake(d, at_key(ic, "url_file"),
			"at most one of url & url_file must be configured");
	if (!secret_is_set(w->url) && !w->url_file && !yaml_find(ic->source, "url"))
		mistake(d, ic->at, "one of url or url_file must be configured");
}

static void compose(struct attempt *a)
{
	const struct webhook *w = a->n->integration->settings;
	struct json body = JSON;
	const char *address;
	struct render r;
	struct str url;

	render_start(&r, a, (size_t)w->max_alerts);
	if (!secret_get(a, w->url, w->url_file, &address))
		return;
	url = render_exactly(&r, address);
	if (w->payload)
		render_value(&r, &body, w->payload);
	else
		write_message(&body, &r, "4");
	if (!render_ok(&r))
		buf_free(&body.out);
	else if (!url.n)
		give_up(a, FAILURE_OTHER, "webhook URL is empty after templating");
	else
		want_json(a, arena_copy(a->mem, url), &body);
	if (a->wants == WANTS_NOTHING)
		buf_free(&body.out);
	else if (a->n->id) /* who gets it twice after a crash can tell */
		add_header(a, "Idempotency-Key", a->n->id);
	set_timeout(a, w->timeout);
}

static void judge(struct attempt *a, const struct http_answer *answer)
{
	const struct webhook *w = a->n->integration->settings;

	judge_status(a, answer,
		     &(struct judging){.timeout_of = "webhook", .timeout_ns = w->timeout});
}

const struct integration webhook_integration = {
	.kind = {.name = "webhook",
		 .key = "webhook_configs",
		 .fields = fields,
		 .size = sizeof(struct webhook),
		 .send_resolved = true,
		 .check = check},
	.compose = compose,
	.judge = judge,
};
