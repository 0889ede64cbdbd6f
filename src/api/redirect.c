#include "base/base.h"
#include "api/request.h"

#include <string.h>
#include <strings.h>

/* Paths that are not as they should be written (spec/api.md 1): the answer says where the
 * right one is. Never to another host: what is answered begins with one slash. */

static bool is_get(const struct request *r)
{
	return !strcmp(r->method, "GET") || !strcmp(r->method, "HEAD");
}

/* A browser would take a backslash for a slash; what else a URL does not contain is
 * escaped as well. */
static void add_url_text(struct buf *b, struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c <= ' ' || c >= 0x7f || strchr("\\\"'<>^`{|}", c))
			buf_addf(b, "%%%02X", c);
		else
			buf_add_char(b, (char)c);
	}
}

static void add_html(struct buf *b, const char *s)
{
	for (; *s; s++) {
		if (*s == '&')
			buf_add_text(b, "&amp;");
		else
			buf_add_char(b, *s);
	}
}

static void answer_elsewhere(struct request *r, int status, struct str path)
{
	struct str query = call_query(r->call);
	struct buf where = BUF(BUF_NO_LIMIT), body = BUF(BUF_NO_LIMIT);

	add_url_text(&where, path);
	if (query.n) {
		buf_add_char(&where, '?');
		add_url_text(&where, query);
	}
	call_set_header(r->call, "Location", buf_text(&where));
	if (strcmp(r->method, "GET") != 0) {
		answer_empty(r, status);
	} else {
		buf_add_text(&body, "<a href=\"");
		add_html(&body, buf_text(&where));
		buf_addf(&body, "\">%s</a>.\n\n",
			 status == 302 ? "Found" : "Moved Permanently");
		answer_page(r, status, &body);
	}
	buf_free(&where);
	buf_free(&body);
}

/* For good; what is no GET keeps its method and its body. */
static bool moved(struct request *r, struct str path)
{
	answer_elsewhere(r, is_get(r) ? 301 : 307, path);
	return true;
}

/* Without empty segments, "." and ".."; a slash at the end stays. */
static struct str clean(struct arena *mem, struct str path)
{
	char *p = arena_alloc(mem, path.n + 2);
	struct str rest = str_from(path, 1), piece;
	size_t n = 0;
	bool more = true, ends_open = false;

	while (more) {
		more = str_find_char(rest, '/') != STR_NONE;
		if (!str_cut(&rest, '/', &piece))
			piece = STR("");
		ends_open = !piece.n || str_is(piece, ".") || str_is(piece, "..");
		if (str_is(piece, "..")) {
			while (n && p[--n] != '/')
				;
		} else if (!ends_open) {
			p[n++] = '/';
			memcpy(p + n, piece.p, piece.n);
			n += piece.n;
		}
	}
	if (!n || (ends_open && path.p[path.n - 1] == '/'))
		p[n++] = '/';
	return (struct str){p, n};
}

static struct str with_prefix(struct request *r, struct str path)
{
	return str_of(
		arena_printf(r->mem, "%s%.*s", r->api->options.route_prefix, FMT(path)));
}

/* "/" and the prefix itself lead under the prefix. */
static bool lead_to_prefix(struct request *r, struct str path)
{
	struct str prefix = str_of(r->api->options.route_prefix);

	if (!prefix.n || strcmp(r->method, "GET") != 0)
		return false;
	if (str_is(path, "/"))
		answer_elsewhere(r, 302, prefix);
	else if (str_eq(path, prefix))
		moved(r, with_prefix(r, STR("/")));
	else
		return false;
	return true;
}

bool redirect_by_path(struct request *r)
{
	struct str path = call_path(r->call), right;

	if (!path.n || path.p[0] != '/')
		return false;
	right = clean(r->mem, path);
	if (!str_eq(right, path))
		return moved(r, right);
	if (str_eq(path, with_prefix(r, STR("/api/v2"))))
		return moved(r, with_prefix(r, STR("/api/v2/")));
	return lead_to_prefix(r, path);
}

static struct str without_slash(struct str path)
{
	return path.n > 1 && path.p[path.n - 1] == '/' ? str_slice(path, 0, path.n - 1)
						       : path;
}

bool redirect_to_known(struct request *r)
{
	struct str path = without_slash(r->path), known;

	for (size_t i = 0; endpoint_path(i, r->method, &known); i++) {
		if (known.n == path.n && !strncasecmp(known.p, path.p, path.n))
			return moved(r, with_prefix(r, known));
	}
	return false;
}
