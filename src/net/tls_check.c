#include "base/base.h"
#include "net/tls_check.h"
#include "base/libcrypto.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <string.h>

/* The text, or what is in the file. NULL: it cannot be read, see errno. */
static BIO *open_pem(const char *text, const char *file)
{
	return text ? BIO_new_mem_buf(text, -1) : BIO_new_file(file, "r");
}

static const char *named(struct arena *mem, const char *text, const char *file)
{
	return text ? "that is written here" : arena_printf(mem, "\"%s\"", file);
}

static bool check_ca(const struct tls_config *t, struct arena *mem, struct err *err)
{
	BIO *in = open_pem(t->ca, t->ca_file);
	const char *name = named(mem, t->ca, t->ca_file);
	X509 *x;

	if (!in)
		return err_set(err, t->ca_at, "unable to load specified CA cert %s: %s",
			       name, strerror(errno));
	x = PEM_read_bio_X509_AUX(in, NULL, NULL, NULL);
	BIO_free(in);
	X509_free(x);
	return x ||
	       err_set(err, t->ca_at,
		       "unable to use specified CA cert %s: no certificate in it", name);
}

static bool check_pair(const struct tls_config *t, struct arena *mem, struct err *err)
{
	const char *key = secret_is_set(t->key) ? secret_reveal(t->key) : NULL;
	const char *cert_name = named(mem, t->cert, t->cert_file);
	const char *key_name = named(mem, key, t->key_file);
	BIO *cert_in = open_pem(t->cert, t->cert_file), *key_in = NULL;
	X509 *x = NULL;
	EVP_PKEY *p = NULL;
	bool ok = false;

	if (!cert_in)
		err_set(err, t->cert_at, "unable to read specified client cert %s: %s",
			cert_name, strerror(errno));
	else if (!(key_in = open_pem(key, t->key_file)))
		err_set(err, t->key_at, "unable to read specified client key %s: %s",
			key_name, strerror(errno));
	else if (!(x = PEM_read_bio_X509(cert_in, NULL, NULL, NULL)))
		err_set(err, t->cert_at,
			"unable to use specified client cert %s: no certificate in it",
			cert_name);
	else if (!(p = PEM_read_bio_PrivateKey(key_in, NULL, NULL, NULL)))
		err_set(err, t->key_at,
			"unable to use specified client key %s: no key in it", key_name);
	else if (X509_check_private_key(x, p) != 1)
		err_set(err, t->key_at,
			"the client key %s does not belong to the client cert %s", key_name,
			cert_name);
	else
		ok = true;
	EVP_PKEY_free(p);
	X509_free(x);
	BIO_free(key_in);
	BIO_free(cert_in);
	return ok;
}

bool tls_config_check(const struct tls_config *t, struct err *err)
{
	bool has_ca = t->ca || t->ca_file, has_pair = t->cert || t->cert_file, ok;
	struct arena mem = {0};

	if (!has_ca && !has_pair)
		return true;
	ok = libcrypto_load(err) && (!has_ca || check_ca(t, &mem, err)) &&
	     (!has_pair || check_pair(t, &mem, err));
	if (ok)
		ERR_clear_error();
	arena_free(&mem);
	return ok;
}
