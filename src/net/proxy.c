#include "base/base.h"
#include "net/proxy.h"
#include "text/url.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct ip {
	int bits; /* 32 or 128; 0: it is a name */
	uint8_t v[16];
};
struct target {
	const char *host, *port; /* lower case, without brackets */
	struct ip ip;
};

static struct ip ip_of(const char *text)
{
	struct ip ip = {0};

	if (inet_pton(AF_INET, text, ip.v) == 1)
		ip.bits = 32;
	else if (inet_pton(AF_INET6, text, ip.v) == 1)
		ip.bits = 128;
	return ip;
}

static bool is_loopback(const struct ip *ip)
{
	static const uint8_t one[16] = {[15] = 1};

	return (ip->bits == 32 && ip->v[0] == 127) ||
	       (ip->bits == 128 && !memcmp(ip->v, one, sizeof(one)));
}

static bool is_in(const struct ip *ip, const struct ip *net, int64_t bits)
{
	size_t whole = (size_t)bits / 8;
	uint8_t mask = (uint8_t)(0xff00 >> (bits % 8));

	return !memcmp(ip->v, net->v, whole) &&
	       (!(bits % 8) || (ip->v[whole] & mask) == (net->v[whole] & mask));
}

static const char *lower(struct arena *mem, struct str s)
{
	char *text = arena_alloc(mem, s.n + 1);

	for (size_t i = 0; i < s.n; i++)
		text[i] = (char)(s.p[i] >= 'A' && s.p[i] <= 'Z' ? s.p[i] + 32 : s.p[i]);
	return text;
}

/* "host", "host:port", "[v6]:port" or a bare v6. */
static void split(struct arena *mem, struct str s, struct target *out)
{
	const char *text = lower(mem, s), *colon = strrchr(text, ':');
	const char *end = strchr(text, ']');
	bool is_bare = colon && !end && strchr(text, ':') != colon;

	if (!colon || is_bare || (end && colon < end))
		colon = text + strlen(text);
	out->port = *colon ? colon + 1 : "";
	if (text[0] == '[' && end)
		out->host = arena_copy(mem,
				       (struct str){text + 1, (size_t)(end - text) - 1});
	else
		out->host = arena_copy(mem, (struct str){text, (size_t)(colon - text)});
	out->ip = ip_of(out->host);
}

static bool is_network(struct arena *mem, struct str s, const struct target *t, bool *hit)
{
	size_t slash = str_find_char(s, '/');
	struct ip net;
	int64_t bits;

	if (slash == STR_NONE || !str_int(str_from(s, slash + 1), &bits))
		return false;
	net = ip_of(arena_copy(mem, str_slice(s, 0, slash)));
	*hit = net.bits && net.bits == t->ip.bits && bits >= 0 && bits <= net.bits &&
	       is_in(&t->ip, &net, bits);
	return net.bits != 0;
}

/* "foo.com" is also what is below it, ".foo.com" and "*.foo.com" only that. */
static bool is_below(const char *host, const char *name)
{
	size_t n = strlen(host), n_name;

	if (name[0] == '*' && name[1] == '.')
		name++;
	n_name = strlen(name);
	if (name[0] != '.' && !strcmp(host, name))
		return true;
	if (n <= n_name || strcmp(host + n - n_name, name))
		return false;
	return name[0] == '.' || host[n - n_name - 1] == '.';
}

static bool is_named(struct arena *mem, struct str item, const struct target *t)
{
	struct target name;
	bool hit;

	if (is_network(mem, item, t, &hit))
		return hit;
	split(mem, item, &name);
	if (!name.host[0] || (name.port[0] && strcmp(name.port, t->port)))
		return false;
	if (name.ip.bits || t->ip.bits)
		return name.ip.bits == t->ip.bits &&
		       !memcmp(name.ip.v, t->ip.v, sizeof(t->ip.v));
	return is_below(t->host, name.host);
}

static bool is_excepted(struct arena *mem, const char *none, const struct target *t)
{
	struct str rest = str_of(none), item;

	if (!strcmp(t->host, "localhost") || is_loopback(&t->ip))
		return true;
	while (str_cut(&rest, ',', &item)) {
		item = str_trim(item);
		if (item.n && (str_is(item, "*") || is_named(mem, item, t)))
			return true;
	}
	return false;
}

/* Go lets a SOCKS proxy look up names, which libcurl calls by another name. */
static const char *for_libcurl(struct arena *mem, const char *proxy)
{
	if (!strncasecmp(proxy, "socks5://", 9))
		return arena_printf(mem, "socks5h://%s", proxy + 9);
	return proxy;
}

static const char *environment(const char *upper_case, const char *lower_case)
{
	const char *text = getenv(upper_case);

	return text && *text ? text : getenv(lower_case);
}

struct proxy_env proxy_env_read(void)
{
	return (struct proxy_env){environment("HTTP_PROXY", "http_proxy"),
				  environment("HTTPS_PROXY", "https_proxy"),
				  environment("NO_PROXY", "no_proxy")};
}

const char *proxy_of(struct arena *mem, const struct http_config *h,
		     const struct proxy_env *env, const char *text)
{
	const char *proxy = h->proxy_url, *none = h->no_proxy;
	struct target t;
	struct url url;

	if (!url_parse(mem, str_of(text), NOWHERE, &url, NULL))
		return "";
	if (h->proxy_from_environment) {
		proxy = !strcmp(url.scheme, "https") ? env->https : env->http;
		none = env->none ? env->none : "";
	}
	if (!proxy || !proxy[0])
		return "";
	if (none && (none[0] || h->proxy_from_environment)) {
		split(mem, str_of(url.host), &t);
		if (!t.port[0])
			t.port = !strcmp(url.scheme, "https") ? "443" : "80";
		if (is_excepted(mem, none, &t))
			return "";
	}
	return for_libcurl(mem, proxy);
}
