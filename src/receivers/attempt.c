#include "base/base.h"
#include "receivers/compose.h"

#include <string.h>
#include <time.h>

#define LONGEST_HOLD 86400 /* seconds that a server may ask us to wait */

static const struct integration *integration_of(const struct attempt *a)
{
	return (const void *)a->n->integration->kind; /* its first member */
}

/* Whatever an integration does, it has asked for something or said how it ended. */
static void check(const struct attempt *a)
{
	ASSERT(a->wants != WANTS_HTTP || a->http.url);
	ASSERT(a->wants != WANTS_MAIL || a->mail.host);
	ASSERT(a->wants != WANTS_NOTHING || a->verdict == VERDICT_SENT || a->error);
}

void attempt_start(struct attempt *a)
{
	a->wants = WANTS_NOTHING;
	a->verdict = VERDICT_GIVE_UP;
	if (!a->n->integration->send_resolved && !a->n->firing)
		sent(a); /* nothing to tell (1.1) */
	else
		integration_of(a)->compose(a);
	check(a);
}

static void take_retry_after(struct attempt *a, const struct http_answer *answer)
{
	const char *text = http_answer_header(answer, "Retry-After");
	int64_t seconds, now = a->env->now.s;
	struct tm date = {0};

	a->retry_after = 0;
	if (!text || (answer->status != 429 && answer->status != 503))
		return;
	if (!str_int(str_trim(str_of(text)), &seconds)) {
		if (!strptime(text, " %a, %d %b %Y %H:%M:%S GMT", &date))
			return;
		seconds = (int64_t)timegm(&date) - now;
	}
	if (seconds > 0)
		a->retry_after = MIN(seconds, LONGEST_HOLD) * SECOND;
}

void attempt_http(struct attempt *a, const struct http_answer *answer)
{
	ASSERT(a->wants == WANTS_HTTP);
	a->wants = WANTS_NOTHING;
	a->verdict = VERDICT_GIVE_UP;
	integration_of(a)->judge(a, answer);
	if (a->wants == WANTS_NOTHING && a->verdict != VERDICT_SENT)
		take_retry_after(a, answer);
	if (a->wants == WANTS_NOTHING && a->verdict == VERDICT_GIVE_UP &&
	    answer->status == 429 && a->env->retry_rate_limited)
		a->verdict = VERDICT_RETRY;
	check(a);
}

void attempt_mail(struct attempt *a, const struct mail_answer *answer)
{
	ASSERT(a->wants == WANTS_MAIL);
	a->wants = WANTS_NOTHING;
	a->verdict = VERDICT_GIVE_UP;
	integration_of(a)->judge_mail(a, answer);
	check(a);
}

struct integration_needs integration_needs(const struct integration_config *ic)
{
	const struct integration *i = (const void *)ic->kind; /* its first member */
	struct integration_needs needs = {0};

	if (i->needs)
		i->needs(ic, &needs);
	return needs;
}

/* -- ends ----------------------------------------------------------------------------- */
void sent(struct attempt *a)
{
	a->wants = WANTS_NOTHING;
	a->verdict = VERDICT_SENT;
	a->error = NULL;
}

void retry(struct attempt *a, enum failure failure, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	a->error = arena_vprintf(a->mem, fmt, ap);
	va_end(ap);
	a->wants = WANTS_NOTHING;
	a->verdict = VERDICT_RETRY;
	a->failure = failure;
}

void give_up(struct attempt *a, enum failure failure, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	a->error = arena_vprintf(a->mem, fmt, ap);
	va_end(ap);
	a->wants = WANTS_NOTHING;
	a->verdict = VERDICT_GIVE_UP;
	a->failure = failure;
}

void remember(struct attempt *a, const char *name, const char *text)
{
	struct text_pair *v = ARENA_ARRAY(a->mem, struct text_pair, a->n_memory + 1);

	if (a->n_memory)
		memcpy(v, a->memory, a->n_memory * sizeof(*v));
	v[a->n_memory++] = (struct text_pair){.name = name, .text = text};
	a->memory = v;
	a->remembers = true;
}

bool has_memory(const struct notification *n, const char *name, const char **text)
{
	for (size_t i = 0; i < n->n_memory; i++) {
		if (strcmp(n->memory[i].name, name))
			continue;
		*text = n->memory[i].text;
		return **text != 0;
	}
	return false;
}

/* -- requests ------------------------------------------------------------------------- */
void add_header(struct attempt *a, const char *name, const char *value)
{
	struct http_header *v = ARENA_ARRAY(a->mem, struct http_header,
					    a->http.n_headers + 1);

	if (a->http.n_headers)
		memcpy(v, a->http.headers, a->http.n_headers * sizeof(*v));
	v[a->http.n_headers++] = (struct http_header){name, value};
	a->http.headers = v;
}

void authorize(struct attempt *a, const char *value)
{
	struct http_config *own;

	if (a->wants != WANTS_HTTP)
		return;
	add_header(a, "Authorization", value);
	if (!a->http.config)
		return;
	own = ARENA_NEW(a->mem, struct http_config);
	*own = *a->http.config;
	own->has_authorization = own->has_basic_auth = false;
	own->oauth2 = NULL;
	a->http.config = own;
}

void no_user_agent(struct attempt *a)
{
	struct http_header *v = ARENA_ARRAY(a->mem, struct http_header, a->http.n_headers);
	size_t n = 0;

	for (size_t i = 0; i < a->http.n_headers; i++) {
		if (strcmp(a->http.headers[i].name, "User-Agent"))
			v[n++] = a->http.headers[i];
	}
	a->http.headers = v;
	a->http.n_headers = n;
}

void want_http(struct attempt *a, const char *method, const char *url, const char *type,
	       struct str body)
{
	a->wants = WANTS_HTTP;
	a->http = (struct http_request){.method = method,
					.url = url,
					.body = body,
					.config = a->n->integration->http};
	if (type)
		add_header(a, "Content-Type", type);
	add_header(a, "User-Agent", a->env->user_agent);
}

void want_json(struct attempt *a, const char *url, struct json *body)
{
	struct str text;

	buf_add_char(&body->out, '\n');
	text = buf_keep(&body->out, a->mem);
	if (body->out.full)
		give_up(a, FAILURE_OTHER, "the message is longer than %zu bytes", JSON_MAX);
	else
		want_http(a, "POST", url, "application/json", text);
	buf_free(&body->out);
}

void set_timeout(struct attempt *a, int64_t ns)
{
	if (a->wants == WANTS_HTTP && ns > 0)
		a->http.timeout = MAX(ns / 1000000, 1);
}

/* -- answers -------------------------------------------------------------------------- */
static void judge_lost(struct attempt *a, const struct http_answer *answer,
		       const struct judging *j)
{
	const char *before = j->before ? j->before : "";
	const char *error = answer->error ? answer->error : "no answer";
	struct buf limit = BUF(200);

	if (answer->timed_out && j->timeout_of && j->timeout_ns > 0) {
		buf_addf(&limit, ": configured %s timeout reached (", j->timeout_of);
		buf_add_go_duration(&limit, j->timeout_ns);
		buf_add_char(&limit, ')');
	}
	if (j->lost_is_final)
		give_up(a, FAILURE_OTHER, "%s%s", before, error);
	else
		retry(a, answer->timed_out ? FAILURE_DEADLINE : FAILURE_OTHER, "%s%s%s",
		      before, error, buf_text(&limit));
	buf_free(&limit);
}

void judge_status(struct attempt *a, const struct http_answer *answer,
		  const struct judging *j)
{
	struct str body = str_slice(answer->body, 0, 4096);
	const char *before = j->before ? j->before : "";
	const char *text;

	if (!answer->status) {
		judge_lost(a, answer, j);
		return;
	}
	if (answer->status / 100 == 2) {
		sent(a);
		return;
	}
	text = j->detail ? j->detail : arena_copy(a->mem, body);
	text = arena_printf(a->mem, "%sunexpected status code %d%s%s", before,
			    answer->status, *text ? ": " : "", text);
	if (answer->status / 100 == 5 || answer->status == j->also_retried)
		retry(a, failure_of_status(answer->status), "%s", text);
	else
		give_up(a, failure_of_status(answer->status), "%s", text);
}

void judge_plain(struct attempt *a, const struct http_answer *answer)
{
	judge_status(a, answer, &(struct judging){0});
}

/* -- secrets -------------------------------------------------------------------------- */
bool secret_get_raw(struct attempt *a, struct secret secret, const char *file,
		    const char **out)
{
	struct str bytes;
	struct err err;

	*out = secret_reveal(secret);
	if (!file)
		return true;
	if (!a->env->read(a->env->ctx, a->mem, file, &bytes, &err)) {
		give_up(a, FAILURE_OTHER, "%s", err_text(a->mem, &err));
		return false;
	}
	*out = arena_copy(a->mem, bytes);
	return true;
}

bool secret_get(struct attempt *a, struct secret secret, const char *file, const char **out)
{
	if (!secret_get_raw(a, secret, file, out))
		return false;
	if (file)
		*out = arena_copy(a->mem, str_trim(str_of(*out)));
	return true;
}
