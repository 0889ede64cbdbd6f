/* libcurl.h - libcurl, loaded by the first who needs it.
 *
 * It brings thirty libraries along: 4 ms and 4 MB, a third of what an idle daemon takes.
 * So the programs are not linked with it. Once libcurl_load has said true, its functions
 * are called by their own names; src/net/libcurl.c lists those there are.
 */
#pragma once
#include "base/err.h"

/* From one thread, before any other function of libcurl; often is harmless. False and err:
 * it is not there, or does not fit; a later call tries again. */
bool libcurl_load(struct err *) MUST_USE;
/* Whether the system lists it among its libraries, without loading it; true when there is
 * no such list. */
bool libcurl_is_listed(void);
