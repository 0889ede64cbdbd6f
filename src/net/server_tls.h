/* server_tls.h - the server's side of TLS: certificates and policy as an OpenSSL context.
 * Certificate files that change are read again for new connections. */
#pragma once
#include "net/server.h"

#include <openssl/ssl.h>

struct tls_context;
struct tls_context *tls_context_new(const struct server_tls *, struct err *) MUST_USE;
SSL *tls_context_session(struct tls_context *); /* NULL: cannot be had now */
void tls_context_free(struct tls_context *);
