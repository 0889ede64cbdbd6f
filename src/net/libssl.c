#include "base/base.h"
#include "net/libssl.h"
#include "base/libcrypto.h"
#include "base/library.h"

#include <event2/bufferevent_ssl.h>
#include <openssl/ssl.h>

/* What we use of it: result, name, parameters, arguments. */
#define FUNCTIONS(_)                                                                       \
	_(int, SSL_CTX_check_private_key, (const SSL_CTX *c), (c))                         \
	_(long, SSL_CTX_ctrl, (SSL_CTX * c, int what, long n, void *p), (c, what, n, p))   \
	_(void, SSL_CTX_free, (SSL_CTX * c), (c))                                          \
	_(X509_VERIFY_PARAM *, SSL_CTX_get0_param, (SSL_CTX * c), (c))                     \
	_(void *, SSL_CTX_get_ex_data, (const SSL_CTX *c, int i), (c, i))                  \
	_(int, SSL_CTX_load_verify_locations,                                              \
	  (SSL_CTX * c, const char *file, const char *folder), (c, file, folder))          \
	_(SSL_CTX *, SSL_CTX_new, (const SSL_METHOD *method), (method))                    \
	_(int, SSL_CTX_set_cipher_list, (SSL_CTX * c, const char *names), (c, names))      \
	_(int, SSL_CTX_set_ciphersuites, (SSL_CTX * c, const char *names), (c, names))     \
	_(void, SSL_CTX_set_client_CA_list, (SSL_CTX * c, STACK_OF(X509_NAME) * names),    \
	  (c, names))                                                                      \
	_(int, SSL_CTX_set_ex_data, (SSL_CTX * c, int i, void *p), (c, i, p))              \
	_(void, SSL_CTX_set_verify, (SSL_CTX * c, int mode, SSL_verify_cb verify),         \
	  (c, mode, verify))                                                               \
	_(int, SSL_CTX_use_PrivateKey, (SSL_CTX * c, EVP_PKEY * key), (c, key))            \
	_(int, SSL_CTX_use_PrivateKey_file, (SSL_CTX * c, const char *path, int type),     \
	  (c, path, type))                                                                 \
	_(int, SSL_CTX_use_certificate, (SSL_CTX * c, X509 * x), (c, x))                   \
	_(int, SSL_CTX_use_certificate_chain_file, (SSL_CTX * c, const char *path),        \
	  (c, path))                                                                       \
	_(SSL_CTX *, SSL_get_SSL_CTX, (const SSL *s), (s))                                 \
	_(int, SSL_get_ex_data_X509_STORE_CTX_idx, (void), ())                             \
	_(STACK_OF(X509_NAME) *, SSL_load_client_CA_file, (const char *path), (path))      \
	_(SSL *, SSL_new, (SSL_CTX * c), (c))                                              \
	_(const SSL_METHOD *, TLS_server_method, (void), ())

static struct {
	FUNCTIONS(LIBRARY_POINTER)
	__typeof__(bufferevent_openssl_socket_new) *socket_new;
} called;

static const struct library_function functions[] = {FUNCTIONS(LIBRARY_ENTRY)},
				     of_libevent[] = {
					     {"bufferevent_openssl_socket_new",
					      &called.socket_new},
};

static struct library library = {
	.file = "libssl.so.3",
	.functions = functions,
	.n = COUNT_OF(functions),
};
static struct library libevent = {
	.file = "libevent_openssl-2.1.so.7",
	.functions = of_libevent,
	.n = COUNT_OF(of_libevent),
};

bool libssl_load(struct err *err)
{
	return libcrypto_load(err) && library_load(&library, err) &&
	       library_load(&libevent, err);
}

/* -- under their own names ------------------------------------------------------------ */

FUNCTIONS(LIBRARY_FORWARD)

LIBRARY_HIDDEN struct bufferevent *
bufferevent_openssl_socket_new(struct event_base *base, evutil_socket_t fd, SSL *ssl,
			       enum bufferevent_ssl_state state, int options)
{
	library_need(&libevent);
	return called.socket_new(base, fd, ssl, state, options);
}
