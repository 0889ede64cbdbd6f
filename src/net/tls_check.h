/* tls_check.h - whether the material of a client's tls_config can be used: what the peers
 * find out when they take over a configuration (spec/config.md 8.6). */
#pragma once
#include "config/http.h"

/* err: the place of the setting that cannot be used. */
bool tls_config_check(const struct tls_config *, struct err *) MUST_USE;
