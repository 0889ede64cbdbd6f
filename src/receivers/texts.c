#include "base/base.h"
#include "receivers/compose.h"
#include "base/utf8.h"

#include <openssl/evp.h>
#include <string.h>

struct str cut_chars(struct arena *mem, struct str s, size_t n)
{
	if (utf8_count(s) <= n)
		return s;
	if (n <= 3)
		return utf8_first(s, n);
	return str_of(arena_printf(mem, "%.*s\xe2\x80\xa6", FMT(utf8_first(s, n - 1))));
}

struct str cut_bytes(struct arena *mem, struct str s, size_t n)
{
	size_t end = 0;

	if (s.n <= n)
		return s;
	while (end < s.n) {
		uint32_t rune;
		size_t step = utf8_decode(str_from(s, end), &rune);

		if (end + step > n - 3)
			break;
		end += step;
	}
	return str_of(arena_printf(mem, "%.*s\xe2\x80\xa6", (int)end, s.p));
}

struct str cut_to(struct arena *mem, struct str text, const struct room *room)
{
	return (room->bytes ? cut_bytes : cut_chars)(mem, text, room->n);
}

const char *hex_of(struct arena *mem, const uint8_t *bytes, size_t n)
{
	static const char digits[] = "0123456789abcdef";
	char *out = arena_alloc(mem, 2 * n + 1);

	for (size_t i = 0; i < n; i++) {
		out[2 * i] = digits[bytes[i] >> 4];
		out[2 * i + 1] = digits[bytes[i] & 15];
	}
	return out;
}

const char *group_hash(struct arena *mem, const char *group_key)
{
	uint8_t digest[EVP_MAX_MD_SIZE];
	unsigned n = 0;

	if (!EVP_Digest(group_key, strlen(group_key), digest, &n, EVP_sha256(), NULL))
		BUG("no SHA-256");
	return hex_of(mem, digest, n);
}

struct pos at_key(const struct integration_config *ic, const char *key)
{
	return pos_of_key(ic->source, key);
}

void check_pair(struct decode *d, const struct integration_config *ic, const char *name,
		struct secret secret, const char *file)
{
	const char *other = arena_printf(d->mem, "%s_file", name);

	if (secret_is_set(secret) && file)
		mistake(d, at_key(ic, other), "at most one of %s & %s must be configured",
			name, other);
}

void check_one(struct decode *d, const struct integration_config *ic, const char *name,
	       struct secret secret, const char *file)
{
	check_pair(d, ic, name, secret, file);
	if (!secret_is_set(secret) && !file)
		mistake(d, ic->at, "one of %s or %s_file must be configured", name, name);
}

const char *with_slash(struct arena *mem, const char *text)
{
	struct url url;

	if (!text || !url_parse(mem, str_of(text), NOWHERE, &url, NULL))
		return text;
	if (str_ends(str_of(url.path), STR("/")))
		return text;
	url_append(mem, &url, "/");
	return url_print(mem, &url);
}
