#include "base/base.h"
#include "api/request.h"

#include <crypt.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Basic authentication against bcrypt hashes (spec/api.md 7). A right pair is remembered by
 * its digest, because bcrypt is slow on purpose; wrong ones always pay. */

#define MOST_LOGINS 1000
/* Compared for names nobody has, so that they cost the same time. */
#define NOBODYS_HASH "$2y$10$QOauhQNbBCuQDKes6eFzPeMqBSjb7Mr5DUmpZ/VcEd00UAV/LDeSi"

struct login {
	unsigned char digest[SHA256_DIGEST_LENGTH];
};

static bool decode_base64(struct arena *mem, struct str s, struct str *out)
{
	unsigned char *p = arena_alloc(mem, s.n + 4);
	int n;

	if (s.n % 4 || s.n > 4096)
		return false;
	n = EVP_DecodeBlock(p, (const unsigned char *)s.p, (int)s.n);
	if (n < 0)
		return false;
	for (size_t i = s.n; i && s.p[i - 1] == '=' && n; i--)
		n--;
	*out = (struct str){(const char *)p, (size_t)n};
	return true;
}

static bool credentials(struct request *r, struct str *name, struct str *password)
{
	struct str h = str_of(call_header(r->call, "Authorization")), pair;
	size_t colon;

	if (h.n < 6 || strncasecmp(h.p, "Basic ", 6) ||
	    !decode_base64(r->mem, str_trim(str_from(h, 6)), &pair))
		return false;
	colon = str_find_char(pair, ':');
	if (colon == STR_NONE)
		return false;
	*name = str_slice(pair, 0, colon);
	*password = str_from(pair, colon + 1);
	return true;
}

static const char *hash_of(const struct web_config *web, struct str name)
{
	for (size_t i = 0; i < web->users.n; i++) {
		if (str_is(name, web->users.v[i].name))
			return web->users.v[i].text;
	}
	return NULL;
}

static bool is_right(const char *hash, const char *password)
{
	struct crypt_data *space = mem_new(sizeof(*space));
	const char *made = crypt_r(password, hash, space);
	bool ok = made && strlen(made) == strlen(hash) &&
		  CRYPTO_memcmp(made, hash, strlen(hash)) == 0;

	free(space);
	return ok;
}

static void digest_of(struct arena *mem, struct str name, struct str password,
		      const char *hash, struct login *out)
{
	const char *text = arena_printf(mem, "%.*s:%s:%.*s", FMT(name), hash, FMT(password));

	SHA256((const unsigned char *)text, strlen(text), out->digest);
}

static void remember(struct api *api, const struct login *l)
{
	struct login *kept;

	if (api->logins.n >= MOST_LOGINS) {
		for (size_t at = 0; (kept = map_next(&api->logins, &at));)
			free(kept);
		map_free(&api->logins);
	}
	kept = mem_new(sizeof(*kept));
	*kept = *l;
	map_put(&api->logins,
		(struct str){(const char *)kept->digest, sizeof(kept->digest)}, kept);
}

static bool check(struct request *r)
{
	struct str name, password;
	struct login l;
	const char *hash;

	if (!credentials(r, &name, &password))
		return false;
	hash = hash_of(r->api->web, name);
	if (!hash) {
		(void)is_right(NOBODYS_HASH, arena_copy(r->mem, password));
		return false;
	}
	digest_of(r->mem, name, password, hash, &l);
	if (map_find(&r->api->logins,
		     (struct str){(const char *)l.digest, sizeof(l.digest)}))
		return true;
	if (!is_right(hash, arena_copy(r->mem, password)))
		return false;
	remember(r->api, &l);
	return true;
}

bool request_is_allowed(struct request *r)
{
	if (!r->api->web || !r->api->web->users.n || check(r))
		return true;
	call_set_header(r->call, "WWW-Authenticate", "Basic");
	answer_plain(r, 401, "Unauthorized\n");
	return false;
}
