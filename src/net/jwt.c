#include "base/base.h"
#include "net/jwt.h"
#include "base/buf.h"
#include "text/base64.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>

static void add_part(struct buf *out, struct str bytes)
{
	buf_add_base64(out, bytes, BASE64_URL);
	while (out->n && out->p[out->n - 1] == '=')
		buf_cut(out, out->n - 1);
}

static void add_json(struct buf *out, json_t *value)
{
	char *text = json_dumps(value, JSON_COMPACT);

	ASSERT(text);
	add_part(out, str_of(text));
	free(text);
}

static const EVP_MD *digest_of(const char *algorithm)
{
	return !strcmp(algorithm, "RS384")   ? EVP_sha384()
	       : !strcmp(algorithm, "RS512") ? EVP_sha512()
					     : EVP_sha256();
}

static bool add_signature(struct buf *out, const EVP_MD *digest, EVP_PKEY *key)
{
	unsigned char bytes[1024]; /* an RSA key of 8192 bits */
	size_t n = sizeof(bytes);
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	bool ok = c && EVP_DigestSignInit(c, NULL, digest, NULL, key) == 1 &&
		  EVP_DigestSign(c, bytes, &n, (const unsigned char *)out->p, out->n) == 1;

	EVP_MD_CTX_free(c);
	if (!ok)
		return false;
	buf_add_char(out, '.');
	add_part(out, (struct str){(const char *)bytes, n});
	return true;
}

const char *jwt_sign(struct arena *mem, const char *algorithm, const char *key_id,
		     const char *key, json_t *claims, struct err *err)
{
	json_t *header = json_pack("{ss ss ss*}", "alg", algorithm, "typ", "JWT", "kid",
				   key_id);
	BIO *in = BIO_new_mem_buf(key, -1);
	EVP_PKEY *p = PEM_read_bio_PrivateKey(in, NULL, NULL, NULL);
	struct buf out = BUF(BUF_NO_LIMIT);
	const char *text = NULL;

	ASSERT(header);
	add_json(&out, header);
	buf_add_char(&out, '.');
	add_json(&out, claims);
	if (p && EVP_PKEY_is_a(p, "RSA") && add_signature(&out, digest_of(algorithm), p))
		text = arena_text(mem, buf_text(&out));
	else
		err_set(err, NOWHERE, "the client certificate key is not an RSA key");
	ERR_clear_error();
	EVP_PKEY_free(p);
	BIO_free(in);
	json_decref(header);
	buf_free(&out);
	return text;
}
