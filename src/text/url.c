#include "base/base.h"
#include "text/url.h"

#include <string.h>

static bool is_alpha(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_one_of(char c, const char *set)
{
	return c && strchr(set, c);
}

static bool is_unreserved(char c)
{
	return is_alpha(c) || is_digit(c) || is_one_of(c, "-_.~");
}

static int hex_of(char c)
{
	if (is_digit(c))
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static void add_percent(struct buf *out, char c)
{
	buf_addf(out, "%%%02X", (unsigned char)c);
}

void buf_add_url_path(struct buf *out, struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (is_unreserved(s.p[i]) || is_one_of(s.p[i], "$&+,/:;=@"))
			buf_add_char(out, s.p[i]);
		else
			add_percent(out, s.p[i]);
	}
}

/* False at the first bad escape, whose place is left in *bad. */
static bool unescape(struct arena *mem, struct str s, struct str *out, size_t *bad)
{
	char *p = arena_alloc(mem, s.n + 1);
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '%') {
			if (i + 2 >= s.n || hex_of(s.p[i + 1]) < 0 ||
			    hex_of(s.p[i + 2]) < 0) {
				*bad = i;
				return false;
			}
			p[n++] = (char)(hex_of(s.p[i + 1]) << 4 | hex_of(s.p[i + 2]));
			i += 2;
		} else {
			p[n++] = s.p[i];
		}
	}
	*out = (struct str){p, n};
	return true;
}

/* -- parsing -------------------------------------------------------------------------- */
/* False when a ":" stands first, where a scheme should. */
static bool take_scheme(struct arena *mem, struct str *rest, struct url *out)
{
	out->scheme = "";
	for (size_t i = 0; i < rest->n; i++) {
		char c = rest->p[i];

		if (is_alpha(c) || (i && (is_digit(c) || is_one_of(c, "+-."))))
			continue;
		if (c == ':' && !i)
			return false;
		if (c == ':') {
			char *scheme = arena_alloc(mem, i + 1);

			for (size_t k = 0; k < i; k++)
				scheme[k] = (char)(is_alpha(rest->p[k]) ? rest->p[k] | 0x20
									: rest->p[k]);
			out->scheme = scheme;
			*rest = str_from(*rest, i + 1);
		}
		return true;
	}
	return true;
}

/* Go takes many characters in a host's name, and escapes of bytes above ASCII only. */
static bool check_host_name(struct str name, struct pos at, struct err *err)
{
	for (size_t i = 0; i < name.n; i++) {
		char c = name.p[i];

		if (c == '%' && (i + 2 >= name.n || hex_of(name.p[i + 1]) < 8 ||
				 hex_of(name.p[i + 2]) < 0))
			return err_set(err, at, "invalid URL escape \"%.*s\"",
				       FMT(str_slice(name, i, 3)));
		if (is_one_of(c, " ^`{}|\\"))
			return err_set(err, at, "invalid character \"%c\" in host name", c);
	}
	return true;
}

static bool check_host(struct str host, struct pos at, struct err *err)
{
	size_t colon = host.n;

	if (host.n && host.p[0] == '[') {
		size_t close = str_find_char(host, ']');

		if (close == STR_NONE)
			return err_set(err, at, "missing ']' in host");
		if (close + 1 < host.n && host.p[close + 1] != ':')
			return err_set(err, at, "invalid port \"%.*s\" after host",
				       FMT(str_from(host, close + 1)));
		colon = close + 1;
	} else {
		for (size_t i = 0; i < host.n; i++) {
			if (host.p[i] == ':')
				colon = i;
		}
		if (!check_host_name(str_slice(host, 0, colon), at, err))
			return false;
	}
	for (size_t i = colon + 1; i < host.n; i++) {
		if (!is_digit(host.p[i]))
			return err_set(err, at, "invalid port \"%.*s\" after host",
				       FMT(str_from(host, colon)));
	}
	return true;
}

static bool take_authority(struct arena *mem, struct str authority, struct pos at,
			   struct url *out, struct err *err)
{
	size_t last = STR_NONE;

	for (size_t i = 0; i < authority.n; i++) {
		if (authority.p[i] == '@')
			last = i;
	}
	if (last != STR_NONE) {
		out->user = arena_copy(mem, str_slice(authority, 0, last));
		authority = str_from(authority, last + 1);
		for (const char *c = out->user; *c; c++) {
			if (!is_unreserved(*c) && !is_one_of(*c, ":!$&'()*+,;=%@"))
				return err_set(err, at, "net/url: invalid userinfo");
		}
	}
	out->host = arena_copy(mem, authority);
	return check_host(authority, at, err);
}

static bool take_path(struct arena *mem, struct str path, struct pos at, struct url *out,
		      struct err *err)
{
	struct str decoded;
	size_t bad;

	if (!unescape(mem, path, &decoded, &bad))
		return err_set(err, at, "invalid URL escape \"%.*s\"",
			       FMT(str_slice(path, bad, 3)));
	out->raw_path = arena_copy(mem, path);
	out->path = arena_copy(mem, decoded);
	return true;
}

bool url_parse(struct arena *mem, struct str s, struct pos at, struct url *out,
	       struct err *err)
{
	struct str rest = s, path;
	size_t cut;

	*out = (struct url){.scheme = "", .host = "", .path = "", .raw_path = ""};
	for (size_t i = 0; i < s.n; i++) {
		if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f)
			return err_set(err, at, "invalid control character in URL");
	}
	cut = str_find_char(rest, '#');
	if (cut != STR_NONE) {
		out->fragment = arena_copy(mem, str_from(rest, cut + 1));
		rest = str_slice(rest, 0, cut);
	}
	if (!take_scheme(mem, &rest, out))
		return err_set(err, at, "missing protocol scheme");
	cut = str_find_char(rest, '?');
	if (cut != STR_NONE) {
		out->query = arena_copy(mem, str_from(rest, cut + 1));
		rest = str_slice(rest, 0, cut);
	}
	path = rest;
	if (str_starts(rest, STR("//"))) {
		size_t slash;

		rest = str_from(rest, 2);
		slash = str_find_char(rest, '/');
		path = slash == STR_NONE ? STR("") : str_from(rest, slash);
		if (!take_authority(mem, str_slice(rest, 0, rest.n - path.n), at, out, err))
			return false;
	}
	return take_path(mem, path, at, out, err);
}

bool url_parse_http(struct arena *mem, struct str s, struct pos at, struct url *out,
		    struct err *err)
{
	if (!url_parse(mem, s, at, out, err))
		return false;
	if (strcmp(out->scheme, "http") && strcmp(out->scheme, "https"))
		return err_set(err, at, "unsupported scheme \"%s\" for URL", out->scheme);
	if (!out->host[0])
		return err_set(err, at, "missing host for URL");
	return true;
}

bool url_parse_secret(struct arena *mem, struct str s, struct pos at, struct url *out,
		      struct err *err)
{
	if (url_parse_http(mem, s, at, out, NULL))
		return true;
	if (!url_parse(mem, s, at, out, NULL))
		return err_set(err, at, "this is not a URL");
	return err_set(err, at,
		       strcmp(out->scheme, "http") && strcmp(out->scheme, "https")
			       ? "unsupported scheme for URL"
			       : "missing host for URL");
}

/* -- printing ------------------------------------------------------------------------- */
/* Whether the path as written may stand as it is: Go's validEncoded. */
static bool is_valid_encoded(const char *raw)
{
	for (; *raw; raw++) {
		if (!is_unreserved(*raw) && !is_one_of(*raw, "!$&'()*+,;=:@[]%/"))
			return false;
	}
	return true;
}

static void add_path(struct buf *out, struct arena *mem, const struct url *u)
{
	struct str decoded;
	size_t bad;

	if (u->raw_path[0] && is_valid_encoded(u->raw_path) &&
	    unescape(mem, str_of(u->raw_path), &decoded, &bad) && str_is(decoded, u->path))
		buf_add_text(out, u->raw_path);
	else
		buf_add_url_path(out, str_of(u->path));
}

static const char *print(struct arena *mem, const struct url *u, const char *user)
{
	struct buf out = BUF(BUF_NO_LIMIT);
	const char *text;

	if (u->scheme[0])
		buf_addf(&out, "%s:", u->scheme);
	if (u->scheme[0] || u->host[0] || user)
		buf_add_text(&out, u->host[0] || user ? "//" : "");
	if (user)
		buf_addf(&out, "%s@", user);
	buf_add_text(&out, u->host);
	if (u->host[0] && u->path[0] && u->path[0] != '/')
		buf_add_char(&out, '/');
	add_path(&out, mem, u);
	if (u->query)
		buf_addf(&out, "?%s", u->query);
	if (u->fragment)
		buf_addf(&out, "#%s", u->fragment);
	text = arena_text(mem, buf_text(&out));
	buf_free(&out);
	return text;
}

const char *url_print(struct arena *mem, const struct url *u)
{
	return print(mem, u, u->user);
}

const char *url_print_redacted(struct arena *mem, const struct url *u)
{
	const char *colon = u->user ? strchr(u->user, ':') : NULL;

	if (!colon)
		return print(mem, u, u->user);
	return print(mem, u,
		     arena_printf(mem, "%.*s:xxxxx", (int)(colon - u->user), u->user));
}

/* -- changing ------------------------------------------------------------------------- */
void url_append(struct arena *mem, struct url *u, const char *tail)
{
	u->path = arena_printf(mem, "%s%s", u->path, tail);
	u->raw_path = "";
}

void url_join(struct arena *mem, struct url *u, const char *tail)
{
	struct str rest = str_of(arena_printf(mem, "%s/%s", u->path, tail)), piece;
	char *out = arena_alloc(mem, rest.n + 2);
	bool slash = str_ends(rest, STR("/"));
	size_t n = 0;

	while (str_cut(&rest, '/', &piece)) {
		if (!piece.n || str_is(piece, "."))
			continue;
		if (str_is(piece, "..")) {
			while (n && out[--n] != '/')
				;
			continue;
		}
		out[n++] = '/';
		memcpy(out + n, piece.p, piece.n);
		n += piece.n;
	}
	if (slash || !n)
		out[n++] = '/';
	out[n] = 0;
	u->path = out;
	u->raw_path = "";
}

/* -- host and port -------------------------------------------------------------------- */
bool host_port_parse(struct arena *mem, struct str s, struct pos at, struct host_port *out,
		     struct err *err)
{
	size_t colon = STR_NONE;
	struct str host;

	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == ':')
			colon = i;
	}
	if (colon == STR_NONE || (s.p[s.n - 1] == ']' && s.p[0] == '['))
		return err_set(err, at, "address %.*s: missing port in address", FMT(s));
	host = str_slice(s, 0, colon);
	if (host.n && host.p[0] == '[') {
		if (host.p[host.n - 1] != ']')
			return err_set(err, at, "address %.*s: missing ']' in address",
				       FMT(s));
		host = str_slice(host, 1, host.n - 2);
	} else if (str_find_char(host, ':') != STR_NONE) {
		return err_set(err, at, "address %.*s: too many colons in address", FMT(s));
	}
	if (colon + 1 == s.n)
		return err_set(err, at, "address \"%.*s\": port cannot be empty", FMT(s));
	out->host = arena_copy(mem, host);
	out->port = arena_copy(mem, str_from(s, colon + 1));
	return true;
}

const char *host_port_print(struct arena *mem, struct host_port hp)
{
	if (!hp.port)
		return "";
	if (strchr(hp.host, ':'))
		return arena_printf(mem, "[%s]:%s", hp.host, hp.port);
	return arena_printf(mem, "%s:%s", hp.host, hp.port);
}
