/* libcurl.h - libcurl, loaded by the first who sends (base/library.h); src/net/libcurl.c
 * lists the functions there are. */
#pragma once
#include "base/err.h"

#define LIBCURL "libcurl.so.4"

/* With libcrypto. False and err: it is not there, or does not fit; a later call tries
 * again. */
bool libcurl_load(struct err *) MUST_USE;
