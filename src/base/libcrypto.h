/* libcrypto.h - OpenSSL's libcrypto, loaded by the first who needs it (base/library.h);
 * src/base/libcrypto.c lists the functions there are. */
#pragma once
#include "base/err.h"

#define LIBCRYPTO "libcrypto.so.3"

/* False and err: it is not there, or does not fit; a later call tries again. */
bool libcrypto_load(struct err *) MUST_USE;
