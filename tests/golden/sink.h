/* sink.h - what the recorded HTTP sink answered: the rules of responses.json, then the
 * habits of the services it stood for. */
#pragma once
#include "engine/wire.h"

#include <jansson.h>

struct sink {
	const json_t *rules; /* responses.json, or NULL */
	size_t used[100];    /* how often each rule was used */
};
void sink_answer(struct sink *, struct arena *, const struct http_request *,
		 struct http_answer *);
