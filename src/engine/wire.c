#include "base/base.h"
#include "engine/wire.h"

#include <strings.h>

const char *http_answer_header(const struct http_answer *a, const char *name)
{
	for (size_t i = a->n_headers; i--;) {
		if (!strcasecmp(a->headers[i].name, name))
			return a->headers[i].value;
	}
	return NULL;
}
