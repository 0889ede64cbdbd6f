/* oauth2.h - access tokens by client credentials or a signed text (spec/config.md 8.4): how
 * to ask for one, and the ones that still hold.
 *
 * Memory: a token lives until the next call of token_take.
 */
#pragma once
#include "engine/wire.h"

struct token_cache;
struct token_cache *token_cache_new(void) MUST_USE;
void token_cache_free(struct token_cache *);

/* Who asks whom for what; the same after a reload. */
const char *token_key(struct arena *, const struct oauth2_config *);
const char *token_find(struct token_cache *, const char *key); /* or NULL */
/* Where the server took name and secret: some want them in the form. */
enum token_place { PLACE_UNKNOWN, PLACE_HEADER, PLACE_BODY };
enum token_place token_place(struct token_cache *, const char *key);
/* The request that fetches one; the secret's file is read now. */
bool token_compose(struct arena *, const struct oauth2_config *, bool in_body,
		   struct http_request *, struct err *) MUST_USE;
/* Keeps what the server answered. NULL and err when there is no token in it. */
const char *token_take(struct token_cache *, const char *key, bool in_body,
		       const struct http_answer *, struct err *) MUST_USE;
