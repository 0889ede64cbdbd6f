/* libssl.h - OpenSSL's libssl and libevent's part for it, loaded by the first who needs them
 * (base/library.h); src/net/libssl.c lists the functions there are. */
#pragma once
#include "base/err.h"

/* With libcrypto. False and err: it is not there, or does not fit; a later call tries
 * again. */
bool libssl_load(struct err *) MUST_USE;
