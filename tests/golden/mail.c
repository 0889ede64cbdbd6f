#include "base/base.h"
#include "golden/mail.h"
#include "golden/match.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

void mail_sink(struct arena *mem, const json_t *smtp, const struct mail_request *req,
	       struct mail_answer *out)
{
	const json_t *exts = json_object_get(smtp, "ext"), *list, *one;
	json_t *replies = json_object_get(smtp, "replies");
	const char *command;
	bool starttls = false;

	*out = (struct mail_answer){.status = 250};
	for (size_t i = 0; i < json_array_size(exts); i++)
		starttls |= !strcmp(json_string_value(json_array_get(exts, i)), "STARTTLS");
	if (req->tls == MAIL_TLS_REQUIRED && !starttls)
		*out = (struct mail_answer){
			.error = "does not advertise the STARTTLS extension"};
	json_object_foreach(replies, command, list)
	{
		one = json_array_get(list, 0);
		if (json_is_string(one) && atoi(json_string_value(one)) >= 400)
			*out = (struct mail_answer){
				.status = atoi(json_string_value(one)),
				.error = arena_text(mem, json_string_value(one))};
	}
}

/* -- headers -------------------------------------------------------------------------- */
struct mail_header {
	struct str name, value;
};
struct mail {
	struct mail_header v[100];
	size_t n;
	struct str body;
};

static void split(struct str message, struct mail *out)
{
	out->n = 0;
	for (;;) {
		size_t end = str_find(message, STR("\r\n"));
		struct str line = str_slice(message, 0, end == STR_NONE ? message.n : end),
			   name;

		message = str_from(message, end == STR_NONE ? message.n : end + 2);
		if (!line.n || out->n == COUNT_OF(out->v))
			break;
		if (!str_cut(&line, ':', &name))
			break;
		out->v[out->n++] = (struct mail_header){
			name, str_starts(line, STR(" ")) ? str_from(line, 1) : line};
	}
	out->body = message;
}

static const char *headers_differ(struct arena *mem, const json_t *want,
				  const struct mail *m)
{
	size_t expected = 0;
	const char *name;
	json_t *values;

	json_object_foreach((json_t *)(uintptr_t)want, name, values)
	{
		size_t found = 0;

		for (size_t i = 0; i < m->n; i++) {
			const json_t *value = json_array_get(values, found);
			const char *text = json_string_value(value);

			if (!str_is(m->v[i].name, name))
				continue;
			if (!text || !text_matches(str_of(text), m->v[i].value))
				return arena_printf(mem, "header %s: want %s, got %.*s",
						    name, text ? text : "nothing",
						    FMT(m->v[i].value));
			found++;
		}
		if (found != json_array_size(values))
			return arena_printf(mem, "header %s: %zu of them, want %zu", name,
					    found, json_array_size(values));
		expected += found;
	}
	if (expected != m->n)
		return arena_printf(mem, "%zu headers, want %zu", m->n, expected);
	return NULL;
}

/* The generated headers come last, in this order. */
static const char *tail_differs(struct arena *mem, const json_t *tail, const struct mail *m)
{
	size_t n = json_array_size(tail), at = 0;

	for (size_t i = 0; i < m->n && at < n; i++)
		at += str_is(m->v[i].name, json_string_value(json_array_get(tail, at)));
	if (at < n)
		return arena_printf(mem, "header %s is out of order",
				    json_string_value(json_array_get(tail, at)));
	return NULL;
}

/* -- parts ---------------------------------------------------------------------------- */
static int hex(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static struct str unquoted_printable(struct arena *mem, struct str s)
{
	char *out = arena_alloc(mem, s.n + 1);
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '\r')
			continue;
		if (s.p[i] == '=' && i + 2 < s.n && s.p[i + 1] == '\r') {
			i += 2; /* a soft break */
		} else if (s.p[i] == '=' && i + 2 < s.n && hex(s.p[i + 1]) >= 0) {
			out[n++] = (char)(hex(s.p[i + 1]) << 4 | hex(s.p[i + 2]));
			i += 2;
		} else {
			out[n++] = s.p[i];
		}
	}
	return (struct str){out, n};
}

struct part {
	struct str type, encoding, text;
};

static size_t parts_of(struct arena *mem, const struct mail *m, struct part *v, size_t max)
{
	struct str rest = m->body, boundary = STR("");
	size_t n = 0;

	for (size_t i = 0; i < m->n; i++) {
		size_t at = str_find(m->v[i].value, STR("boundary="));

		if (str_is(m->v[i].name, "Content-Type") && at != STR_NONE)
			boundary = str_of(arena_printf(
				mem, "--%.*s", FMT(str_from(m->v[i].value, at + 9))));
	}
	while (n < max) {
		size_t at = str_find(rest, boundary), end;
		struct mail inner;

		if (at == STR_NONE ||
		    str_starts(str_from(rest, at + boundary.n), STR("--")))
			break;
		rest = str_from(rest, at + boundary.n + 2);
		end = str_find(rest, str_of(arena_printf(mem, "\r\n%.*s", FMT(boundary))));
		split(str_slice(rest, 0, end), &inner);
		v[n] = (struct part){0};
		for (size_t i = 0; i < inner.n; i++) {
			if (str_is(inner.v[i].name, "Content-Type"))
				v[n].type = inner.v[i].value;
			else
				v[n].encoding = inner.v[i].value;
		}
		v[n++].text = unquoted_printable(mem, inner.body);
	}
	return n;
}

static const char *parts_differ(struct arena *mem, const json_t *session,
				const struct part *v, size_t n)
{
	const json_t *parts = json_object_get(session, "parts");
	const json_t *types = json_object_get(session, "part_types");

	if ((parts && json_array_size(parts) != n) ||
	    (types && json_array_size(types) != n))
		return arena_printf(mem, "%zu parts", n);
	for (size_t i = 0; i < n; i++) {
		const json_t *part = json_array_get(parts, i),
			     *type = json_array_get(types, i);
		const char *text = json_text(part, "text");

		if (part && (!str_is(v[i].type, json_text(part, "content_type")) ||
			     !str_is(v[i].encoding, json_text(part, "cte"))))
			return arena_printf(mem, "part %zu: %.*s, %.*s", i, FMT(v[i].type),
					    FMT(v[i].encoding));
		if (part && !text_matches(str_of(text), v[i].text))
			return arena_printf(mem, "part %zu:\nwant: %s\ngot:  %.*s", i, text,
					    FMT(v[i].text));
		if (type &&
		    (!str_is(v[i].type, json_string_value(json_array_get(type, 0))) ||
		     !str_is(v[i].encoding, json_string_value(json_array_get(type, 1)))))
			return arena_printf(mem, "part %zu: %.*s, %.*s", i, FMT(v[i].type),
					    FMT(v[i].encoding));
	}
	return NULL;
}

/* -- HTML ----------------------------------------------------------------------------- */
static const struct {
	const char *entity;
	char c;
} entities[] = {{"&amp;", '&'}, {"&lt;", '<'},	 {"&gt;", '>'},
		{"&#34;", '"'}, {"&#39;", '\''}, {"&#43;", '+'}};

static struct str decoded(struct arena *mem, struct str s)
{
	char *out = arena_alloc(mem, s.n + 1);
	size_t n = 0;

	while (s.n) {
		size_t i = 0;

		while (i < COUNT_OF(entities) && !str_starts(s, str_of(entities[i].entity)))
			i++;
		out[n++] = i < COUNT_OF(entities) ? entities[i].c : s.p[0];
		s = str_from(s, i < COUNT_OF(entities) ? strlen(entities[i].entity) : 1);
	}
	return (struct str){out, n};
}

/* What a reader sees: without tags, white space collapsed. */
static struct str visible(struct arena *mem, struct str html)
{
	char *out = arena_alloc(mem, html.n + 1);
	size_t n = 0;
	bool tag = false;

	for (size_t i = 0; i < html.n; i++) {
		char c = html.p[i];

		if (c == '<')
			tag = true;
		if (strchr(" \t\r\n<", c) && n && out[n - 1] != ' ' && c != '<')
			out[n++] = ' ';
		else if (!tag && !strchr(" \t\r\n", c))
			out[n++] = c;
		if (c == '>')
			tag = false;
	}
	return decoded(mem, (struct str){out, n});
}

static const char *html_differs(struct arena *mem, const json_t *session, struct str html)
{
	const json_t *show = json_object_get(session, "html_must_show");
	const json_t *links = json_object_get(session, "html_must_link");
	const char *title = json_text(session, "html_title");
	struct str text = visible(mem, html), plain = decoded(mem, html);

	for (size_t i = 0; i < json_array_size(show); i++) {
		const char *want = json_string_value(json_array_get(show, i));

		if (str_find(text, str_of(want)) == STR_NONE)
			return arena_printf(mem, "the page does not show '%s':\n%.*s", want,
					    FMT(text));
	}
	for (size_t i = 0; i < json_array_size(links); i++) {
		const char *want = json_string_value(json_array_get(links, i));

		if (str_find(plain, str_of(arena_printf(mem, "href=\"%s\"", want))) ==
		    STR_NONE)
			return arena_printf(mem, "the page does not link to %s", want);
	}
	if (*title && str_find(plain, str_of(arena_printf(mem, "<title>%s</title>",
							  title))) == STR_NONE)
		return arena_printf(mem, "the page's title is not '%s'", title);
	return NULL;
}

/* -- the envelope --------------------------------------------------------------------- */
static bool has_client_line(const json_t *client, const char *line)
{
	for (size_t i = 0; i < json_array_size(client); i++) {
		const char *got = json_string_value(json_array_get(client, i));

		if (!strncmp(got, line, strlen(line)) &&
		    (!got[strlen(line)] || got[strlen(line)] == ' '))
			return true;
	}
	return false;
}

static const char *envelope_differs(struct arena *mem, const json_t *client,
				    const struct mail_request *req)
{
	size_t recipients = 0;

	for (size_t i = 0; i < json_array_size(client); i++)
		recipients += !strncmp(json_string_value(json_array_get(client, i)),
				       "C: RCPT TO:", 11);
	if (!has_client_line(client, arena_printf(mem, "C: EHLO %s", req->hello)))
		return arena_printf(mem, "EHLO %s", req->hello);
	if (!has_client_line(client, "C: DATA"))
		return NULL;
	if (!has_client_line(client, arena_printf(mem, "C: MAIL FROM:<%s>", req->from)))
		return arena_printf(mem, "MAIL FROM:<%s>", req->from);
	for (size_t i = 0; i < req->n_to; i++) {
		if (!has_client_line(client,
				     arena_printf(mem, "C: RCPT TO:<%s>", req->to[i])))
			return arena_printf(mem, "RCPT TO:<%s>", req->to[i]);
	}
	if (recipients != req->n_to)
		return arena_printf(mem, "%zu recipients, want %zu", req->n_to, recipients);
	return NULL;
}

const char *mail_differs(struct arena *mem, const json_t *session,
			 const struct mail_request *req)
{
	const char *why = envelope_differs(mem, json_object_get(session, "client"), req);
	struct part parts[10];
	struct mail m;
	size_t n;

	if (why || !json_object_get(session, "headers"))
		return why;
	split(req->message, &m);
	n = parts_of(mem, &m, parts, COUNT_OF(parts));
	why = headers_differ(mem, json_object_get(session, "headers"), &m);
	if (!why)
		why = tail_differs(mem, json_object_get(session, "header_tail"), &m);
	if (!why)
		why = parts_differ(mem, session, parts, n);
	if (!why && n)
		why = html_differs(mem, session, parts[n - 1].text);
	return why;
}
