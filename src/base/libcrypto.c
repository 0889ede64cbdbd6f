#include "base/base.h"
#include "base/libcrypto.h"
#include "base/library.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <openssl/x509v3.h>

/* What we use of it: result, name, parameters, arguments. */
#define FUNCTIONS(_)                                                                       \
	_(const unsigned char *, ASN1_STRING_get0_data, (const ASN1_STRING *x), (x))       \
	_(int, BIO_free, (BIO * b), (b))                                                   \
	_(BIO *, BIO_new_file, (const char *path, const char *mode), (path, mode))         \
	_(BIO *, BIO_new_mem_buf, (const void *p, int n), (p, n))                          \
	_(int, CRYPTO_memcmp, (const void *a, const void *b, size_t n), (a, b, n))         \
	_(void, ERR_clear_error, (void), ())                                               \
	_(unsigned long, ERR_peek_error, (void), ())                                       \
	_(const char *, ERR_reason_error_string, (unsigned long code), (code))             \
	_(int, EVP_DecodeBlock, (unsigned char *to, const unsigned char *p, int n),        \
	  (to, p, n))                                                                      \
	_(int, EVP_Digest,                                                                 \
	  (const void *p, size_t n, unsigned char *to, unsigned *n_to, const EVP_MD *type, \
	   ENGINE *engine),                                                                \
	  (p, n, to, n_to, type, engine))                                                  \
	_(int, EVP_DigestSignInit,                                                         \
	  (EVP_MD_CTX * c, EVP_PKEY_CTX * *key_context, const EVP_MD *type,                \
	   ENGINE *engine, EVP_PKEY *key),                                                 \
	  (c, key_context, type, engine, key))                                             \
	_(int, EVP_DigestSign,                                                             \
	  (EVP_MD_CTX * c, unsigned char *to, size_t *n_to, const unsigned char *p,        \
	   size_t n),                                                                      \
	  (c, to, n_to, p, n))                                                             \
	_(EVP_MD_CTX *, EVP_MD_CTX_new, (void), ())                                        \
	_(void, EVP_MD_CTX_free, (EVP_MD_CTX * c), (c))                                    \
	_(void, EVP_PKEY_free, (EVP_PKEY * key), (key))                                    \
	_(int, EVP_PKEY_is_a, (const EVP_PKEY *key, const char *name), (key, name))        \
	_(const EVP_MD *, EVP_md5, (void), ())                                             \
	_(const EVP_MD *, EVP_sha256, (void), ())                                          \
	_(const EVP_MD *, EVP_sha384, (void), ())                                          \
	_(const EVP_MD *, EVP_sha512, (void), ())                                          \
	_(void, GENERAL_NAMES_free, (GENERAL_NAMES * names), (names))                      \
	_(unsigned char *, HMAC,                                                           \
	  (const EVP_MD *type, const void *key, int n_key, const unsigned char *p,         \
	   size_t n, unsigned char *to, unsigned *n_to),                                   \
	  (type, key, n_key, p, n, to, n_to))                                              \
	_(int, OPENSSL_sk_num, (const OPENSSL_STACK *s), (s))                              \
	_(void *, OPENSSL_sk_value, (const OPENSSL_STACK *s, int i), (s, i))               \
	_(EVP_PKEY *, PEM_read_bio_PrivateKey,                                             \
	  (BIO * b, EVP_PKEY * *to, pem_password_cb * password, void *arg),                \
	  (b, to, password, arg))                                                          \
	_(X509 *, PEM_read_bio_X509,                                                       \
	  (BIO * b, X509 * *to, pem_password_cb * password, void *arg),                    \
	  (b, to, password, arg))                                                          \
	_(X509 *, PEM_read_bio_X509_AUX,                                                   \
	  (BIO * b, X509 * *to, pem_password_cb * password, void *arg),                    \
	  (b, to, password, arg))                                                          \
	_(unsigned char *, SHA256, (const unsigned char *p, size_t n, unsigned char *to),  \
	  (p, n, to))                                                                      \
	_(X509 *, X509_STORE_CTX_get_current_cert, (const X509_STORE_CTX *c), (c))         \
	_(int, X509_STORE_CTX_get_error_depth, (const X509_STORE_CTX *c), (c))             \
	_(void *, X509_STORE_CTX_get_ex_data, (const X509_STORE_CTX *c, int i), (c, i))    \
	_(int, X509_VERIFY_PARAM_set1_host,                                                \
	  (X509_VERIFY_PARAM * v, const char *name, size_t n), (v, name, n))               \
	_(int, X509_check_email, (X509 * x, const char *p, size_t n, unsigned flags),      \
	  (x, p, n, flags))                                                                \
	_(int, X509_check_host,                                                            \
	  (X509 * x, const char *p, size_t n, unsigned flags, char **name),                \
	  (x, p, n, flags, name))                                                          \
	_(int, X509_check_ip_asc, (X509 * x, const char *ip, unsigned flags),              \
	  (x, ip, flags))                                                                  \
	_(int, X509_check_private_key, (const X509 *x, const EVP_PKEY *key), (x, key))     \
	_(void, X509_free, (X509 * x), (x))                                                \
	_(void *, X509_get_ext_d2i, (const X509 *x, int nid, int *critical, int *at),      \
	  (x, nid, critical, at))

static struct {
	FUNCTIONS(LIBRARY_POINTER)
} called;

static const struct library_function functions[] = {FUNCTIONS(LIBRARY_ENTRY)};

static struct library library = {
	.file = LIBCRYPTO,
	.functions = functions,
	.n = COUNT_OF(functions),
};

bool libcrypto_load(struct err *err)
{
	return library_load(&library, err);
}

/* -- under their own names ------------------------------------------------------------ */

FUNCTIONS(LIBRARY_FORWARD)
