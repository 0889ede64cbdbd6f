/* aws.h - requests in AWS' Query protocol, signed with Signature Version 4, and where the
 * credentials come from when the configuration has none. */
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

/* By profile, NULL: the one that the environment names or the default one. NULL: none. */
const char *aws_region(struct attempt *, const char *profile);

/* ASKED: the attempt wants a request whose answer is for aws_credentials_take; a->state is
 * theirs until then. NONE: the attempt has ended. */
enum aws_found { AWS_FOUND, AWS_ASKED, AWS_NONE };
enum aws_found aws_credentials_find(struct attempt *, const char *profile,
				    struct aws_credentials *) MUST_USE;
enum aws_found aws_credentials_take(struct attempt *, const struct http_answer *,
				    struct aws_credentials *) MUST_USE;
