#include "base/base.h"
#include "net/server_tls.h"
#include "net/libssl.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

struct tls_context {
	struct arena mem;
	struct server_tls wish; /* texts in mem */
	SSL_CTX *ctx;
	struct timespec changed_at; /* of the newest file */
};

static bool fail(struct err *err, const char *what)
{
	unsigned long first = ERR_peek_error();
	const char *reason = ERR_reason_error_string(first);

	if (ERR_GET_LIB(first) == ERR_LIB_SYS) /* a file could not be opened */
		reason = strerror(ERR_GET_REASON(first));
	ERR_clear_error();
	return err_set(err, NOWHERE, "TLS: %s: %s", what,
		       reason ? reason : "cannot be used");
}

static bool use_inline_pair(SSL_CTX *ctx, const char *cert, const char *key)
{
	BIO *c = BIO_new_mem_buf(cert, -1), *k = BIO_new_mem_buf(key, -1);
	X509 *x = PEM_read_bio_X509(c, NULL, NULL, NULL);
	EVP_PKEY *p = PEM_read_bio_PrivateKey(k, NULL, NULL, NULL);
	bool ok = x && p && SSL_CTX_use_certificate(ctx, x) == 1 &&
		  SSL_CTX_use_PrivateKey(ctx, p) == 1;

	X509_free(x);
	EVP_PKEY_free(p);
	BIO_free(c);
	BIO_free(k);
	return ok;
}

static bool use_pair(SSL_CTX *ctx, const struct server_tls *t, struct err *err)
{
	if (t->cert_file && SSL_CTX_use_certificate_chain_file(ctx, t->cert_file) != 1)
		return fail(err, t->cert_file);
	if (t->key_file &&
	    SSL_CTX_use_PrivateKey_file(ctx, t->key_file, SSL_FILETYPE_PEM) != 1)
		return fail(err, t->key_file);
	if (!t->cert_file && t->cert && !use_inline_pair(ctx, t->cert, t->key))
		return fail(err, "inline certificate");
	return SSL_CTX_check_private_key(ctx) == 1 ||
	       fail(err, "certificate and key do not belong together");
}

/* Whether the certificate carries one of the names: DNS, e-mail, IP or URI. */
static bool has_allowed_name(X509 *cert, const struct server_tls *t)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
	bool found = false;

	for (size_t i = 0; i < t->n_allowed_sans && !found; i++) {
		const char *want = t->allowed_sans[i];

		found = X509_check_host(cert, want, 0, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT,
					NULL) == 1 ||
			X509_check_email(cert, want, 0, 0) == 1 ||
			X509_check_ip_asc(cert, want, 0) == 1;
		for (int k = 0; k < sk_GENERAL_NAME_num(names) && !found; k++) {
			const GENERAL_NAME *n = sk_GENERAL_NAME_value(names, k);

			found = n->type == GEN_URI &&
				!strcmp((const char *)ASN1_STRING_get0_data(
						n->d.uniformResourceIdentifier),
					want);
		}
	}
	GENERAL_NAMES_free(names);
	return found;
}

static int on_verify(int ok, X509_STORE_CTX *store)
{
	SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
	const struct server_tls *t = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));

	if (!ok && t->client_cert == CLIENT_CERT_ANY)
		ok = 1; /* any certificate will do */
	if (ok && t->n_allowed_sans && X509_STORE_CTX_get_error_depth(store) == 0)
		ok = has_allowed_name(X509_STORE_CTX_get_current_cert(store), t);
	return ok;
}

/* OpenSSL's macro takes the names as if it wrote to them. */
static bool set_groups(SSL_CTX *ctx, const char *names)
{
	char copy[256];

	return snprintf(copy, sizeof(copy), "%s", names) < (int)sizeof(copy) &&
	       SSL_CTX_set1_groups_list(ctx, copy) == 1;
}

static bool use_algorithms(SSL_CTX *ctx, const struct server_tls *t, struct err *err)
{
	if (t->ciphers && SSL_CTX_set_cipher_list(ctx, t->ciphers) != 1)
		return fail(err, "cipher_suites");
	if (t->suites_13 && SSL_CTX_set_ciphersuites(ctx, t->suites_13) != 1)
		return fail(err, "cipher_suites");
	return !t->groups || set_groups(ctx, t->groups) || fail(err, "curve_preferences");
}

static bool use_client_ca(SSL_CTX *ctx, const struct server_tls *t, struct err *err)
{
	static const int modes[] = {
		[CLIENT_CERT_NONE] = SSL_VERIFY_NONE,
		[CLIENT_CERT_REQUEST] = SSL_VERIFY_NONE,
		[CLIENT_CERT_ANY] = SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
		[CLIENT_CERT_VERIFY_IF_GIVEN] = SSL_VERIFY_PEER,
		[CLIENT_CERT_VERIFY] = SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
	};
	STACK_OF(X509_NAME) * names;

	SSL_CTX_set_verify(ctx, modes[t->client_cert], on_verify);
	SSL_CTX_set_app_data(ctx, (void *)(uintptr_t)t);
	if (!t->client_ca_file)
		return true;
	if (SSL_CTX_load_verify_locations(ctx, t->client_ca_file, NULL) != 1)
		return fail(err, t->client_ca_file);
	names = SSL_load_client_CA_file(t->client_ca_file);
	if (names)
		SSL_CTX_set_client_CA_list(ctx, names);
	return true;
}

static int version_of(int v, int otherwise)
{
	switch (v) {
	case 10:
		return TLS1_VERSION;
	case 11:
		return TLS1_1_VERSION;
	case 12:
		return TLS1_2_VERSION;
	case 13:
		return TLS1_3_VERSION;
	default:
		return otherwise;
	}
}

static SSL_CTX *make(const struct server_tls *t, struct err *err)
{
	SSL_CTX *ctx;

	if (!libssl_load(err))
		return NULL;
	ctx = SSL_CTX_new(TLS_server_method());
	ASSERT(ctx);
	ERR_clear_error();
	SSL_CTX_set_min_proto_version(ctx, version_of(t->min_version, TLS1_2_VERSION));
	SSL_CTX_set_max_proto_version(ctx, version_of(t->max_version, TLS1_3_VERSION));
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
	if (use_pair(ctx, t, err) && use_client_ca(ctx, t, err) &&
	    use_algorithms(ctx, t, err))
		return ctx;
	SSL_CTX_free(ctx);
	return NULL;
}

static struct timespec newest(const struct server_tls *t)
{
	const char *paths[] = {t->cert_file, t->key_file, t->client_ca_file};
	struct timespec last = {0};
	struct stat st;

	for (size_t i = 0; i < COUNT_OF(paths); i++) {
		if (!paths[i] || stat(paths[i], &st))
			continue;
		if (st.st_mtim.tv_sec > last.tv_sec ||
		    (st.st_mtim.tv_sec == last.tv_sec && st.st_mtim.tv_nsec > last.tv_nsec))
			last = st.st_mtim;
	}
	return last;
}

static const char *const *copy_texts(struct arena *mem, const char *const *v, size_t n)
{
	const char **copy = ARENA_ARRAY(mem, const char *, n);

	for (size_t i = 0; i < n; i++)
		copy[i] = arena_text(mem, v[i]);
	return (const char *const *)copy;
}

struct tls_context *tls_context_new(const struct server_tls *wish, struct err *err)
{
	struct tls_context *c = mem_new(sizeof(*c));

	c->wish = *wish;
	c->wish.cert_file = arena_text(&c->mem, wish->cert_file);
	c->wish.key_file = arena_text(&c->mem, wish->key_file);
	c->wish.client_ca_file = arena_text(&c->mem, wish->client_ca_file);
	c->wish.cert = arena_text(&c->mem, wish->cert);
	c->wish.key = arena_text(&c->mem, wish->key);
	c->wish.ciphers = arena_text(&c->mem, wish->ciphers);
	c->wish.suites_13 = arena_text(&c->mem, wish->suites_13);
	c->wish.groups = arena_text(&c->mem, wish->groups);
	c->wish.allowed_sans = copy_texts(&c->mem, wish->allowed_sans,
					  wish->n_allowed_sans);
	c->changed_at = newest(&c->wish);
	c->ctx = make(&c->wish, err);
	if (c->ctx)
		return c;
	tls_context_free(c);
	return NULL;
}

/* A pair that is only half replaced fails to load: the old one goes on until it fits. */
static void refresh(struct tls_context *c)
{
	struct timespec at = newest(&c->wish);
	SSL_CTX *ctx;

	if (at.tv_sec == c->changed_at.tv_sec && at.tv_nsec == c->changed_at.tv_nsec)
		return;
	ctx = make(&c->wish, NULL);
	if (!ctx)
		return;
	SSL_CTX_free(c->ctx);
	c->ctx = ctx;
	c->changed_at = at;
}

SSL *tls_context_session(struct tls_context *c)
{
	refresh(c);
	return SSL_new(c->ctx);
}

void tls_context_free(struct tls_context *c)
{
	if (!c)
		return;
	if (c->ctx)
		SSL_CTX_free(c->ctx);
	arena_free(&c->mem);
	free(c);
}
