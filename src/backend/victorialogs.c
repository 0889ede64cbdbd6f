#include "base/base.h"
#include "backend/victorialogs.h"
#include "backend/form.h"
#include "backend/prometheus.h"

#include <ctype.h>
#include <string.h>

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '.';
}

/* Behind a quoted string that begins here. */
static size_t skip_quoted(struct str s, size_t at)
{
	char quote = s.p[at++];

	while (at < s.n && s.p[at] != quote)
		at += s.p[at] == '\\' && quote != '`' ? 2 : 1;
	return at + 1;
}

/* "_time:" as a word of its own, outside of strings. */
static bool has_time_filter(struct str s)
{
	static const struct str name = {"_time", 5};

	for (size_t i = 0; i < s.n; i++) {
		size_t end = i + name.n;

		if (strchr("\"'`", s.p[i]) && s.p[i]) {
			i = skip_quoted(s, i) - 1;
			continue;
		}
		if ((i && is_word(s.p[i - 1])) || !str_starts(str_from(s, i), name))
			continue;
		while (end < s.n && isspace((unsigned char)s.p[end]))
			end++;
		if (end < s.n && s.p[end] == ':')
			return true;
	}
	return false;
}

/* "account:project" */
static void add_tenant(struct arena *mem, const char *tenant, struct http_request *out)
{
	struct str rest = str_of(tenant), account;

	if (!str_cut(&rest, ':', &account))
		return;
	request_add_header(mem, out, "AccountID", arena_copy(mem, account));
	request_add_header(mem, out, "ProjectID", rest.n ? arena_copy(mem, rest) : "0");
}

void victorialogs_compose(struct arena *mem, const struct query_wish *q,
			  struct http_request *out)
{
	struct buf form = BUF(BUF_NO_LIMIT);

	form_add(&form, "query", q->expr);
	form_add(&form, "time", form_time(mem, q->at));
	if (!has_time_filter(str_of(q->expr))) {
		form_add_default(&form, q, "start", form_time(mem, q->at - q->interval));
		form_add_default(&form, q, "end", form_time(mem, q->at));
	}
	form_add_params(&form, q);
	form_post(mem, q, "/select/logsql/stats_query", &form, out);
	if (q->group->tenant)
		add_tenant(mem, q->group->tenant, out);
	buf_free(&form);
}

static const struct labels *rename_name(struct arena *mem, const struct labels *old)
{
	const char *name = labels_get(old, "__name__");

	if (!name[0])
		return old;
	old = labels_with(mem, old, "__name__", "");
	return labels_with(mem, old, "stats_result", name);
}

bool victorialogs_judge(struct arena *mem, const struct datasource *from,
			const struct http_answer *a, struct query_ended *out,
			struct err *err)
{
	struct sample *v;

	if (!prometheus_judge(mem, from, false, a, out, err))
		return false;
	v = ARENA_ARRAY(mem, struct sample, out->samples.n);
	for (size_t i = 0; i < out->samples.n; i++) {
		v[i] = out->samples.v[i];
		v[i].labels = rename_name(mem, v[i].labels);
	}
	out->samples.v = v;
	return true;
}
