/* secret.h - a text that must not reach a log, an API answer or an error.
 *
 * There is one way to the text, secret_reveal, and its callers are those who put it on
 * the wire. Everything else prints "<secret>".
 */
#pragma once
#include "base/base.h"

struct secret {
	const char *hidden; /* use secret_reveal; NULL: unset */
};
static inline const char *secret_reveal(struct secret s)
{
	return s.hidden ? s.hidden : "";
}
static inline bool secret_is_set(struct secret s)
{
	return s.hidden && s.hidden[0];
}
