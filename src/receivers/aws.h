/* aws.h - requests in AWS' Query protocol, signed with Signature Version 4. */
#pragma once
#include "receivers/compose.h"

struct aws_credentials {
	const char *key_id, *secret, *token; /* token NULL: none */
};
/* Form fields, sorted by name when sent. */
struct aws_form {
	struct text_pair v[400];
	size_t n;
};
void aws_form_add(struct aws_form *, const char *name, const char *text);

/* Asks for a signed POST of the form. */
void want_aws(struct attempt *, const char *url, const char *region, const char *service,
	      const struct aws_credentials *, struct aws_form *);
