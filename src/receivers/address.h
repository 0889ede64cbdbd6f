/* address.h - mail addresses as people write them: Ops <ops@example.org>, "x" <y@z>, a@b
 *
 *	list    = address { "," address }
 *	address = [ phrase ] "<" spec ">" | spec
 *	spec    = local "@" domain			(RFC 5322, UTF-8 allowed)
 */
#pragma once
#include "base/arena.h"
#include "base/err.h"

/* The bare local@domain of each, in the arena; false and err when it is no such list. */
bool addresses_parse(struct arena *, struct str, const char ***out, size_t *n,
		     struct err *) MUST_USE;
