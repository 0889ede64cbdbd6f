#include "base/base.h"
#include "receivers/compose.h"
#include "receivers/list.h"
#include "base/quote.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/* An attempt searches for the group's issue, then creates or updates it, then moves it
 * through its workflow:
 *
 *	SEARCH -> WRITE -> [ LIST_TRANSITIONS -> TRANSITION ]
 */
enum step { SEARCH, WRITE, LIST_TRANSITIONS, TRANSITION };

struct jira_text {
	const char *template;
	bool update;
};
struct jira {
	const char *api_url, *api_type, *project, *issue_type, *priority;
	const char *reopen_transition, *resolve_transition, *wont_fix;
	struct jira_text summary, description;
	struct text_list labels;
	span_ms reopen_duration;
	const struct yaml *fields;
};
struct search {
	const char *key;	/* of the issue found; NULL: none */
	const char *transition; /* to be made after the update; NULL: none */
	struct str project;
};

/* -- tables --------------------------------------------------------------------------- */
#define AT(m) offsetof(struct jira_text, m)
static const struct field text_fields[] = {
	{"template", FIELD_TEXT, AT(template), .help = "The text."},
	{"enable_update", FIELD_BOOL, AT(update), .if_absent = "true",
	 .help = "Also change it when the issue is there already."},
	{0},
};
#undef AT

static void text_decode(struct decode *d, const struct yaml *y, const char *usual,
			struct jira_text *out)
{
	if (y->kind != YAML_MAP) {
		*out = (struct jira_text){decode_text(d, y), true};
		return;
	}
	decode_fields(d, y, "jira text", text_fields, out);
	if (!yaml_find(y, "template"))
		out->template = usual;
}

static void summary_decode(struct decode *d, const struct yaml *y, void *member)
{
	text_decode(d, y, TPL("jira.default.summary"), member);
}

static void description_decode(struct decode *d, const struct yaml *y, void *member)
{
	text_decode(d, y, TPL("jira.default.description"), member);
}

static const struct yaml *text_print(struct arena *mem, const void *member)
{
	return print_object(mem, text_fields, member);
}

static const struct field_codec summary_codec = {summary_decode, text_print};
static const struct field_codec description_codec = {description_decode, text_print};

#define AT(m) offsetof(struct jira, m)
static const struct field fields[] = {
	{"api_url", FIELD_URL, AT(api_url), .help = "Jira API, with /rest/api/2 or 3."},
	{"api_type", FIELD_TEXT, AT(api_type), .if_absent = "auto",
	 .help = "auto, cloud or datacenter."},
	{"project", FIELD_TEXT, AT(project), .help = "Key of the project."},
	{"issue_type", FIELD_TEXT, AT(issue_type), .help = "Type of new issues."},
	{"summary", FIELD_CUSTOM, AT(summary), .if_absent = TPL("jira.default.summary"),
	 .codec = &summary_codec, .help = "Heading."},
	{"description", FIELD_CUSTOM, AT(description),
	 .if_absent = TPL("jira.default.description"), .codec = &description_codec,
	 .help = "Text; JSON with API 3."},
	{"labels", FIELD_TEXTS, AT(labels), .help = "Labels of the issue."},
	{"priority", FIELD_TEXT, AT(priority), .if_absent = TPL("jira.default.priority"),
	 .help = "Name of a priority; empty: none."},
	{"reopen_transition", FIELD_TEXT, AT(reopen_transition),
	 .help = "Transition of a done issue when it fires again."},
	{"resolve_transition", FIELD_TEXT, AT(resolve_transition),
	 .help = "Transition when all is over."},
	{"wont_fix_resolution", FIELD_TEXT, AT(wont_fix),
	 .help = "Issues resolved so are left alone."},
	{"reopen_duration", FIELD_SPAN, AT(reopen_duration),
	 .help = "Reopen issues that were done no longer ago than this."},
	{"fields", FIELD_ANY, AT(fields), .help = "Further fields of the issue."},
	{0},
};
#undef AT

static void check(struct decode *d, struct integration_config *ic)
{
	struct jira *s = ic->settings;

	if (!*s->project)
		mistake(d, ic->at, "missing project in jira_config");
	if (!*s->issue_type)
		mistake(d, ic->at, "missing issue_type in jira_config");
	if (strcmp(s->api_type, "auto") && strcmp(s->api_type, "cloud") &&
	    strcmp(s->api_type, "datacenter"))
		mistake(d, at_key(ic, "api_type"),
			"unknown api_type on jira_config, must be auto, cloud or "
			"datacenter");
	if (s->fields && s->fields->kind != YAML_MAP) {
		mistake(d, s->fields->at, "expected a mapping, found %s",
			yaml_kind_text(s->fields->kind));
		s->fields = NULL;
	}
}

static void inherit(struct decode *d, struct integration_config *ic, const struct global *g)
{
	struct jira *s = ic->settings;

	if (!s->api_url)
		s->api_url = g->receivers->jira_api_url;
	if (!s->api_url)
		mistake(d, ic->at, "no global Jira Cloud URL set");
}

/* -- requests ------------------------------------------------------------------------- */
static const struct jira *settings(const struct attempt *a)
{
	return a->n->integration->settings;
}

static struct url base_url(struct attempt *a)
{
	struct url url;

	if (!url_parse(a->mem, str_of(settings(a)->api_url), NOWHERE, &url, NULL))
		BUG("the URL was checked");
	return url;
}

static const char *address(struct attempt *a, const char *tail)
{
	struct url url = base_url(a);

	url_join(a->mem, &url, tail);
	return url_print(a->mem, &url);
}

static void ask(struct attempt *a, enum step step, const char *method, const char *url,
		struct json *body)
{
	a->step = (int)step;
	if (body) {
		want_json(a, url, body);
		a->http.method = method;
	} else {
		want_http(a, method, url, "application/json", STR(""));
	}
	if (a->wants != WANTS_HTTP)
		return;
	add_header(a, "Accept-Language", "en");
	no_user_agent(a);
}

/* -- search --------------------------------------------------------------------------- */
static const char *query_of(struct attempt *a, struct str project)
{
	const struct jira *s = settings(a);
	struct buf out = BUF(BUF_NO_LIMIT);
	span_ms minutes = s->reopen_duration / MINUTE;
	const char *text;

	if (*s->wont_fix) {
		buf_add_text(&out, "(resolution is EMPTY or resolution != ");
		buf_add_quoted(&out, str_of(s->wont_fix));
		buf_add_text(&out, ") and ");
	}
	if (a->n->firing && *s->reopen_transition && minutes >= 1)
		buf_addf(&out, "(resolutiondate is EMPTY OR resolutiondate >= -%lldm) and ",
			 (long long)minutes);
	else
		buf_add_text(&out, "statusCategory != Done and ");
	buf_add_text(&out, "project=");
	buf_add_quoted(&out, project);
	buf_addf(&out, " and labels=\"ALERT{%s}\" order by status ASC,resolutiondate DESC",
		 group_hash(a->mem, a->n->group_key));
	text = arena_text(a->mem, buf_text(&out));
	buf_free(&out);
	return text;
}

static const char *search_url(struct attempt *a)
{
	const struct jira *s = settings(a);
	struct url url = base_url(a);
	bool cloud = !strcmp(s->api_type, "cloud") ||
		     (!strcmp(s->api_type, "auto") &&
		      str_ends(str_of(url.host), STR("atlassian.net")));
	const char *text = address(a, cloud ? "search/jql" : "search"), *old;

	old = cloud ? strstr(text, "/rest/api/2/") : NULL;
	if (!old)
		return text;
	return arena_printf(a->mem, "%.*s/rest/api/3/%s", (int)(old - text), text,
			    old + strlen("/rest/api/2/"));
}

static void compose(struct attempt *a)
{
	struct search *found = ARENA_NEW(a->mem, struct search);
	struct json body = JSON;
	struct render r;

	a->state = found;
	render_start(&r, a, 0);
	found->project = render_text(&r, settings(a)->project);
	if (!render_ok(&r))
		return;
	json_open(&body, '{');
	json_open_key(&body, "fields", '[');
	json_str(&body, STR("status"));
	json_close(&body, ']');
	json_put_text(&body, "jql", query_of(a, found->project));
	json_put_int(&body, "maxResults", 2);
	json_close(&body, '}');
	ask(a, SEARCH, "POST", search_url(a), &body);
}

/* -- the issue ------------------------------------------------------------------------ */
struct issue_member {
	const char *name;
	struct str json;
};
struct issue {
	struct render *r;
	struct issue_member *v;
	size_t n;
};

/* Takes what was written; a later member of the same name replaces the earlier one. */
static void issue_put(struct issue *i, const char *name, struct json *value)
{
	size_t k = 0;

	while (k < i->n && strcmp(i->v[k].name, name))
		k++;
	i->v[k] = (struct issue_member){name, buf_keep(&value->out, i->r->a->mem)};
	i->n = MAX(i->n, k + 1);
	buf_free(&value->out);
}

static void issue_put_named(struct issue *i, const char *name, const char *key,
			    struct str text)
{
	struct json j = JSON;

	json_open(&j, '{');
	json_put(&j, key, text);
	json_close(&j, '}');
	issue_put(i, name, &j);
}

static int cmp_texts(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void put_labels(struct issue *i, const struct text_list *labels)
{
	struct attempt *a = i->r->a;
	const char **v = ARENA_ARRAY(a->mem, const char *, labels->n + 1);
	struct json j = JSON;
	size_t n = 0;

	for (size_t k = 0; k < labels->n; k++)
		v[n++] = arena_copy(a->mem, render_text(i->r, labels->v[k]));
	v[n++] = arena_printf(a->mem, "ALERT{%s}", group_hash(a->mem, a->n->group_key));
	qsort(v, n, sizeof(*v), cmp_texts);
	json_open(&j, '[');
	for (size_t k = 0; k < n; k++)
		json_str(&j, str_of(v[k]));
	json_close(&j, ']');
	issue_put(i, "labels", &j);
}

static bool is_api_3(struct attempt *a)
{
	struct str path = str_of(base_url(a).path);

	while (str_ends(path, STR("/")))
		path.n--;
	return str_ends(path, STR("/3"));
}

/* JSON text without blanks, and with <, > and & escaped as everywhere else. */
static void add_compact(struct buf *out, struct str json)
{
	bool quoted = false;

	for (size_t i = 0; i < json.n; i++) {
		char c = json.p[i];

		if (!quoted && strchr(" \t\r\n", c))
			continue;
		if (quoted && (c == '<' || c == '>' || c == '&'))
			buf_addf(out, "\\u%04x", (unsigned)c);
		else
			buf_add_char(out, c);
		if (quoted && c == '\\' && i + 1 < json.n)
			buf_add_char(out, json.p[++i]);
		else if (c == '"')
			quoted = !quoted;
	}
}

static bool put_description(struct issue *i, const struct jira *s)
{
	struct attempt *a = i->r->a;
	const struct room room = {.n = 32767, .is_data = is_api_3(a)};
	struct str text = cut_to(
		a->mem, render_within(i->r, s->description.template, &room, false), &room);
	struct json j = JSON;
	json_t *parsed;

	if (!text.n)
		return true;
	if (!is_api_3(a)) {
		json_str(&j, text);
		issue_put(i, "description", &j);
		return true;
	}
	text = str_trim(text);
	parsed = json_loadb(text.p, text.n, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
	if (!parsed) {
		if (!i->r->failed)
			give_up(a, FAILURE_OTHER,
				"description template: invalid JSON for API v3");
		return i->r->failed;
	}
	json_decref(parsed);
	add_compact(&j.out, text);
	issue_put(i, "description", &j);
	return true;
}

static void put_fields(struct issue *i, const struct yaml *more)
{
	for (size_t k = 0; more && k < more->n; k++) {
		struct json j = JSON;

		render_value(i->r, &j, more->items[k]);
		issue_put(i, more->keys[k]->text.p, &j);
	}
}

static int cmp_members(const void *a, const void *b)
{
	return strcmp(((const struct issue_member *)a)->name,
		      ((const struct issue_member *)b)->name);
}

/* False: it was given up. */
static bool render_issue(struct issue *i, bool update)
{
	struct attempt *a = i->r->a;
	const struct search *found = a->state;
	const struct jira *s = settings(a);
	struct json summary = JSON;
	struct str priority;

	if (s->summary.update || !update) {
		json_str(&summary,
			 cut_chars(a->mem, render_line(i->r, s->summary.template), 255));
		issue_put(i, "summary", &summary);
	}
	if ((s->description.update || !update) && !put_description(i, s))
		return false;
	issue_put_named(i, "project", "key", found->project);
	issue_put_named(i, "issuetype", "name", render_text(i->r, s->issue_type));
	put_labels(i, &s->labels);
	priority = render_text(i->r, s->priority);
	if (priority.n)
		issue_put_named(i, "priority", "name", priority);
	put_fields(i, s->fields);
	return render_ok(i->r);
}

static void write_issue(struct attempt *a)
{
	const struct search *found = a->state;
	const struct jira *s = settings(a);
	struct json body = JSON;
	struct render r;
	struct issue i = {&r,
			  ARENA_ARRAY(a->mem, struct issue_member,
				      6 + (s->fields ? s->fields->n : 0)),
			  0};

	render_start(&r, a, 0);
	if (!render_issue(&i, found->key != NULL))
		return;
	qsort(i.v, i.n, sizeof(*i.v), cmp_members);
	json_open(&body, '{');
	json_open_key(&body, "fields", '{');
	for (size_t k = 0; k < i.n; k++) {
		json_key(&body, str_of(i.v[k].name));
		json_raw(&body, i.v[k].json);
	}
	json_close(&body, '}');
	json_close(&body, '}');
	if (found->key)
		ask(a, WRITE, "PUT",
		    address(a, arena_printf(a->mem, "issue/%s", found->key)), &body);
	else
		ask(a, WRITE, "POST", address(a, "issue"), &body);
}

/* -- answers -------------------------------------------------------------------------- */
static void take_found(struct attempt *a, const json_t *issue)
{
	const json_t *status = json_object_get(json_object_get(issue, "fields"), "status");
	const json_t *category = json_object_get(status, "statusCategory");
	const char *key = json_string_value(json_object_get(issue, "key"));
	const char *category_key = json_string_value(json_object_get(category, "key"));
	const struct jira *s = settings(a);
	struct search *found = a->state;
	bool done = category_key && !strcmp(category_key, "done");
	const char *wish = NULL;

	found->key = arena_text(a->mem, key);
	if (!status)
		return;
	if (a->n->firing && done)
		wish = s->reopen_transition;
	else if (!a->n->firing && !done)
		wish = s->resolve_transition;
	found->transition = wish && *wish ? wish : NULL;
}

static void judge_search(struct attempt *a, json_t *top)
{
	const json_t *issues = json_object_get(top, "issues");

	if (json_array_size(issues))
		take_found(a, json_array_get(issues, 0));
	else if (!a->n->firing)
		return; /* nothing is open, nothing to close: sent */
	write_issue(a);
}

static void judge_transitions(struct attempt *a, json_t *top)
{
	const json_t *list = json_object_get(top, "transitions");
	const struct search *found = a->state;

	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *one = json_array_get(list, i);
		const char *name = json_string_value(json_object_get(one, "name"));
		const char *id = json_string_value(json_object_get(one, "id"));
		struct json body = JSON;

		if (!name || !id || strcmp(name, found->transition))
			continue;
		json_open(&body, '{');
		json_open_key(&body, "transition", '{');
		json_put_text(&body, "id", id);
		json_close(&body, '}');
		json_close(&body, '}');
		ask(a, TRANSITION, "POST", a->http.url, &body);
		return;
	}
	give_up(a, FAILURE_OTHER, "can't find transition %s for issue %s",
		found->transition, found->key);
}

static void judge(struct attempt *a, const struct http_answer *answer)
{
	struct search *found = a->state;
	json_t *top;

	judge_status(a, answer,
		     &(struct judging){.also_retried = 429, .lost_is_final = true});
	if (a->verdict != VERDICT_SENT)
		return;
	if (a->step == WRITE && found->key && found->transition) {
		ask(a, LIST_TRANSITIONS, "GET",
		    address(a, arena_printf(a->mem, "issue/%s/transitions", found->key)),
		    NULL);
		return;
	}
	if (a->step != SEARCH && a->step != LIST_TRANSITIONS)
		return;
	top = json_loadb(answer->body.p ? answer->body.p : "", answer->body.n, 0, NULL);
	if (!top)
		give_up(a, FAILURE_OTHER, "jira: the answer is not JSON");
	else if (a->step == SEARCH)
		judge_search(a, top);
	else
		judge_transitions(a, top);
	json_decref(top);
}

const struct integration jira_integration = {
	.kind = {.name = "jira",
		 .key = "jira_configs",
		 .fields = fields,
		 .size = sizeof(struct jira),
		 .send_resolved = true,
		 .check = check,
		 .inherit = inherit},
	.compose = compose,
	.judge = judge,
};
