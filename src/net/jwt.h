/* jwt.h - a signed JSON Web Token (RFC 7519), as a token server wants it from who has a key
 * instead of a secret (RFC 7523). */
#pragma once
#include "base/arena.h"
#include "base/err.h"
#include "text/json.h"

/* algorithm: RS256, RS384 or RS512; key: an RSA key in PEM. NULL and err when there is no
 * such key in it. */
const char *jwt_sign(struct arena *, const char *algorithm, const char *key_id,
		     const char *key, json_t *claims, struct err *) MUST_USE;
