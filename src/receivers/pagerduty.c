#include "base/base.h"
#include "receivers/compose.h"
#include "receivers/list.h"
#include "base/vec.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define V1_URL	  "https://events.pagerduty.com/generic/2010-04-15/create_event.json"
#define MAX_EVENT 512000
#define TOO_LONG                                                                           \
	"{\"error\":\"Custom details have been removed because the original event "        \
	"exceeds "                                                                         \
	"the maximum size of 512KB\"}"

struct pagerduty_link {
	const char *src, *alt, *href, *text;
};
struct pagerduty {
	struct secret routing_key, service_key;
	const char *routing_key_file, *service_key_file, *url;
	const char *client, *client_url, *description, *source, *severity;
	const char *class, *component, *group;
	const struct yaml *details;
	struct object_list images, links;
	int64_t timeout;
};

#define AT(m) offsetof(struct pagerduty_link, m)
static const struct field image_fields[] = {
	{"src", FIELD_TEXT, AT(src), .help = "Address of the picture."},
	{"alt", FIELD_TEXT, AT(alt), .help = "Text in its place."},
	{"href", FIELD_TEXT, AT(href), .help = "Where it leads."},
	{0},
};
static const struct field link_fields[] = {
	{"href", FIELD_TEXT, AT(href), .help = "Where it leads."},
	{"text", FIELD_TEXT, AT(text), .help = "What it says."},
	{0},
};
#undef AT
static const struct shape image_shape = {"pagerduty image", image_fields,
					 sizeof(struct pagerduty_link), false, NULL};
static const struct shape link_shape = {"pagerduty link", link_fields,
					sizeof(struct pagerduty_link), false, NULL};

#define AT(m) offsetof(struct pagerduty, m)
static const struct field fields[] = {
	{"routing_key", FIELD_SECRET, AT(routing_key), .help = "Key for Events API v2."},
	{"routing_key_file", FIELD_OPTIONAL, AT(routing_key_file), .help = "File with it."},
	{"service_key", FIELD_SECRET, AT(service_key), .help = "Key for Events API v1."},
	{"service_key_file", FIELD_OPTIONAL, AT(service_key_file), .help = "File with it."},
	{"url", FIELD_URL, AT(url), .help = "Events API v2."},
	{"client", FIELD_TEXT, AT(client), .if_absent = TPL("pagerduty.default.client"),
	 .help = "Who monitors."},
	{"client_url", FIELD_TEXT, AT(client_url),
	 .if_absent = TPL("pagerduty.default.clientURL"), .help = "Where to look."},
	{"description", FIELD_TEXT, AT(description),
	 .if_absent = TPL("pagerduty.default.description"), .help = "Summary."},
	{"details", FIELD_ANY, AT(details), .help = "Further data; texts are templates."},
	{"images", FIELD_LIST, AT(images), .of = &image_shape, .help = "Pictures."},
	{"links", FIELD_LIST, AT(links), .of = &link_shape, .help = "Links."},
	{"source", FIELD_TEXT, AT(source), .help = "What is affected; client when absent."},
	{"severity", FIELD_TEXT, AT(severity), .if_absent = "error",
	 .help = "critical, error, warning or info."},
	{"class", FIELD_TEXT, AT(class), .help = "Kind of the event."},
	{"component", FIELD_TEXT, AT(component), .help = "Part that is affected."},
	{"group", FIELD_TEXT, AT(group), .help = "Cluster of parts."},
	{"timeout", FIELD_GO_SPAN, AT(timeout),
	 .help = "Longest wait for an answer; 0s: none."},
	{0},
};
#undef AT

static bool is_v1(const struct pagerduty *p)
{
	return secret_is_set(p->service_key) || p->service_key_file;
}

static void check(struct decode *d, struct integration_config *ic)
{
	struct pagerduty *p = ic->settings;

	if (!is_v1(p) && !secret_is_set(p->routing_key) && !p->routing_key_file)
		mistake(d, ic->at, "missing service or routing key in PagerDuty config");
	check_pair(d, ic, "service_key", p->service_key, p->service_key_file);
	check_pair(d, ic, "routing_key", p->routing_key, p->routing_key_file);
	if (p->details && p->details->kind != YAML_MAP) {
		mistake(d, p->details->at, "expected a mapping, found %s",
			yaml_kind_text(p->details->kind));
		p->details = NULL;
	}
	if (!*p->source)
		p->source = p->client;
	if (!*p->severity)
		p->severity = "error";
}

static void inherit(struct decode *d, struct integration_config *ic, const struct global *g)
{
	struct pagerduty *p = ic->settings;

	(void)d;
	if (!p->url)
		p->url = g->receivers->pagerduty_url;
}

/* -- details (5.5) -------------------------------------------------------------------- */
static int cmp_members(const void *a, const void *b)
{
	return strcmp(((const struct member *)a)->name, ((const struct member *)b)->name);
}

static void add_usual(struct arena *mem, struct member *v, size_t *n, const char *name,
		      const char *text)
{
	for (size_t i = 0; i < *n; i++) {
		if (!strcmp(v[i].name, name))
			return;
	}
	v[(*n)++] = (struct member){name, yaml_new_text(mem, text)};
}

/* The details nobody configured: structures since 0.30, text before. */
static void add_all_usual(struct arena *mem, struct member *v, size_t *n, bool as_text)
{
	add_usual(mem, v, n, "firing",
		  as_text ? "{{ template \"pagerduty.default.instances\" .Alerts.Firing }}"
			  : "{{ .Alerts.Firing | toJson }}");
	add_usual(
		mem, v, n, "resolved",
		as_text ? "{{ template \"pagerduty.default.instances\" .Alerts.Resolved }}"
			: "{{ .Alerts.Resolved | toJson }}");
	add_usual(mem, v, n, "num_firing", "{{ .Alerts.Firing | len }}");
	add_usual(mem, v, n, "num_resolved", "{{ .Alerts.Resolved | len }}");
}

static struct str render_details(struct render *r, const struct pagerduty *p)
{
	size_t n = 0, configured = p->details ? p->details->n : 0;
	struct arena *mem = r->a->mem;
	struct member *v = ARENA_ARRAY(mem, struct member, configured + 4);
	struct json j = JSON;
	struct str text;

	for (size_t i = 0; i < configured; i++)
		v[n++] = (struct member){p->details->keys[i]->text.p, p->details->items[i]};
	add_all_usual(mem, v, &n, r->a->env->as_0_25);
	qsort(v, n, sizeof(*v), cmp_members);
	json_open(&j, '{');
	if (r->n_left_out || r->annotations != ALL)
		json_put_text(&j, "shown", render_left_out(r));
	for (size_t i = 0; i < n && !r->failed; i++) {
		json_key(&j, str_of(v[i].name));
		if (r->a->env->as_0_25)
			json_str(&j, render_text(r, arena_copy(mem, v[i].value->text)));
		else
			render_value(r, &j, v[i].value);
	}
	json_close(&j, '}');
	text = buf_keep(&j.out, mem);
	buf_free(&j.out);
	return text;
}

/* -- events --------------------------------------------------------------------------- */
/* What both versions say, rendered once: an event that is too long is written anew. */
struct event {
	const struct pagerduty *p;
	const char *action, *hash;
	struct str key, summary, client, client_url, source, severity, class, component,
		group;
	struct str details, images, links;
};

static struct str render_images(struct render *r, const struct object_list *list,
				bool links)
{
	const struct pagerduty_link *v = list->v;
	struct json j = JSON;
	struct str text;

	json_open(&j, '[');
	for (size_t i = 0; i < list->n; i++) {
		struct str src = render_text(r, links ? v[i].href : v[i].src);
		struct str alt = render_text(r, links ? v[i].text : v[i].alt);
		struct str href = links ? STR("") : render_text(r, v[i].href);

		if (!src.n)
			continue;
		json_open(&j, '{');
		json_put(&j, links ? "href" : "src", src);
		json_put(&j, links ? "text" : "alt", alt);
		if (!links)
			json_put(&j, "href", href);
		json_close(&j, '}');
	}
	json_close(&j, ']');
	text = j.out.n > 2 ? buf_keep(&j.out, r->a->mem) : STR("");
	buf_free(&j.out);
	return text;
}

static void put_raw(struct json *j, const char *key, struct str raw)
{
	if (!raw.n)
		return;
	json_key(j, str_of(key));
	json_raw(j, raw);
}

static void write_v1(struct json *j, const struct event *e)
{
	bool trigger = !strcmp(e->action, "trigger");

	json_open(j, '{');
	json_put(j, "service_key", e->key);
	json_put_text(j, "incident_key", e->hash);
	json_put_text(j, "event_type", e->action);
	json_put_some(j, "description", e->summary);
	json_put_text(j, "event_action", "");
	put_raw(j, "payload", STR("null"));
	json_put_some(j, "client", trigger ? e->client : STR(""));
	json_put_some(j, "client_url", trigger ? e->client_url : STR(""));
	put_raw(j, "details", e->details);
	json_close(j, '}');
}

static void write_v2(struct json *j, const struct event *e)
{
	json_open(j, '{');
	json_put(j, "routing_key", e->key);
	json_put_text(j, "dedup_key", e->hash);
	json_put_text(j, "event_action", e->action);
	json_open_key(j, "payload", '{');
	json_put(j, "summary", e->summary);
	json_put(j, "source", e->source);
	json_put(j, "severity", e->severity);
	json_put_some(j, "class", e->class);
	json_put_some(j, "component", e->component);
	json_put_some(j, "group", e->group);
	put_raw(j, "custom_details", e->details);
	json_close(j, '}');
	json_put_some(j, "client", e->client);
	json_put_some(j, "client_url", e->client_url);
	put_raw(j, "images", e->images);
	put_raw(j, "links", e->links);
	json_close(j, '}');
}

static void render_event(struct render *r, const char *key, struct event *e)
{
	const struct pagerduty *p = e->p;
	struct arena *mem = r->a->mem;

	e->action = r->a->n->firing ? "trigger" : "resolve";
	e->hash = group_hash(mem, r->a->n->group_key);
	e->details = render_details(r, p);
	e->summary = cut_chars(mem, render_line(r, p->description), 1024);
	e->key = render_exactly(r, key);
	e->client = render_text(r, p->client);
	e->client_url = render_text(r, p->client_url);
	if (is_v1(p))
		return;
	e->source = render_text(r, p->source);
	e->severity = render_text(r, p->severity);
	e->class = render_text(r, p->class);
	e->component = render_text(r, p->component);
	e->group = render_text(r, p->group);
	e->images = render_images(r, &p->images, false);
	e->links = render_images(r, &p->links, true);
}

static void write_event(struct json *body, const struct event *e)
{
	buf_reset(&body->out);
	(is_v1(e->p) ? write_v1 : write_v2)(body, e);
}

struct shrinking {
	struct event *e;
	struct json *body;
};

static bool fits_in_event(struct render *r, void *arg)
{
	struct shrinking *s = arg;

	s->e->details = render_details(r, s->e->p);
	write_event(s->body, s->e);
	return s->body->out.n + 1 <= MAX_EVENT;
}

static void compose(struct attempt *a)
{
	const struct pagerduty *p = a->n->integration->settings;
	struct event e = {.p = p};
	struct json body = JSON;
	struct render r;
	const char *key;
	bool v1 = is_v1(p);

	if (!secret_get(a, v1 ? p->service_key : p->routing_key,
			v1 ? p->service_key_file : p->routing_key_file, &key))
		return;
	render_start(&r, a, 0);
	render_event(&r, key, &e);
	if (!render_ok(&r))
		return;
	if (!e.key.n) {
		give_up(a, FAILURE_OTHER, "%s key cannot be empty",
			v1 ? "service" : "routing");
		return;
	}
	write_event(&body, &e);
	if (body.out.n + 1 > MAX_EVENT &&
	    !(a->env->leave_out_alerts &&
	      render_less(&r, fits_in_event, &(struct shrinking){&e, &body}))) {
		e.details = STR(TOO_LONG);
		write_event(&body, &e);
	}
	want_json(a, v1 ? V1_URL : p->url, &body);
	set_timeout(a, p->timeout);
}

/* "<message>: <errors>" of the body that comes with a 400. */
static const char *details_of(struct attempt *a, const struct http_answer *answer)
{
	json_t *top = json_loadb(answer->body.p ? answer->body.p : "", answer->body.n, 0,
				 NULL);
	const char *message = json_string_value(json_object_get(top, "message"));
	json_t *errors = json_object_get(top, "errors"), *one;
	struct buf out = BUF(4096);
	const char *text;
	size_t i;

	buf_addf(&out, "%s%s", message ? message : "", message ? ": " : "");
	json_array_foreach(errors, i, one)
		buf_addf(&out, "%s%s", i ? "," : "",
			 json_string_value(one) ? json_string_value(one) : "");
	text = arena_text(a->mem, buf_text(&out));
	buf_free(&out);
	json_decref(top);
	return text;
}

static void judge(struct attempt *a, const struct http_answer *answer)
{
	const struct pagerduty *p = a->n->integration->settings;

	judge_status(a, answer,
		     &(struct judging){
			     .also_retried = is_v1(p) ? 403 : 429,
			     .detail = answer->status == 400 ? details_of(a, answer) : "",
			     .timeout_of = "pagerduty",
			     .timeout_ns = p->timeout});
	if (is_v1(p) && answer->status)
		a->failure = FAILURE_OTHER;
}

const struct integration pagerduty_integration = {
	.kind = {.name = "pagerduty",
		 .key = "pagerduty_configs",
		 .fields = fields,
		 .size = sizeof(struct pagerduty),
		 .send_resolved = true,
		 .check = check,
		 .inherit = inherit},
	.compose = compose,
	.judge = judge,
};
