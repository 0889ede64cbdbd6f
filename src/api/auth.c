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
	const char *text = arena_printf(mem, "%.*s:%s:%.*s", FMT(name), hash,
					FMT(password));

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

/* A password that must be compared: the slow part, done on another thread. */
struct comparison {
	struct request *request;
	const char *hash, *password; /* in the call's arena, which waits */
	struct login login;
	bool is_known, is_right;
};

static void refuse(struct request *r)
{
	call_set_header(r->call, "WWW-Authenticate", "Basic");
	answer_plain(r, 401, "Unauthorized\n");
}

static void compare(void *arg)
{
	struct comparison *c = arg;

	c->is_right = is_right(c->hash, c->password) && c->is_known;
}

static void compared(void *arg)
{
	struct comparison *c = arg;

	if (c->is_right) {
		remember(c->request->api, &c->login);
		request_go_on(c->request);
	} else {
		refuse(c->request);
	}
}

static void compare_elsewhere(struct request *r, const struct comparison *wanted)
{
	const struct api_host *host = &r->api->options.host;
	struct comparison *c = ARENA_NEW(r->mem, struct comparison);

	*c = *wanted;
	if (!host->elsewhere(host->ctx, compare, compared, c))
		answer_plain(r, 429, "Too Many Requests\n");
}

void request_ask_login(struct request *r)
{
	const struct web_config *web = r->api->web;
	struct comparison c = {.request = r};
	struct str name, password;
	const char *hash;

	if (!web || !web->users.n) {
		request_go_on(r);
		return;
	}
	if (!credentials(r, &name, &password)) {
		refuse(r);
		return;
	}
	r->user = arena_copy(r->mem, name); /* who is refused does nothing in its name */
	hash = hash_of(web, name);
	c.is_known = hash != NULL;
	c.hash = arena_text(r->mem, hash ? hash : NOBODYS_HASH);
	c.password = arena_copy(r->mem, password);
	digest_of(r->mem, name, password, c.hash, &c.login);
	if (map_find(&r->api->logins,
		     (struct str){(const char *)c.login.digest, sizeof(c.login.digest)}))
		request_go_on(r);
	else
		compare_elsewhere(r, &c);
}
