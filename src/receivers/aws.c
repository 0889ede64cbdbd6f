#include "base/base.h"
#include "receivers/aws.h"
#include "base/url.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <string.h>

#define FORM_TYPE "application/x-www-form-urlencoded"
#define DIGEST	  32

void aws_form_add(struct aws_form *f, const char *name, const char *text)
{
	ASSERT(f->n < COUNT_OF(f->v));
	f->v[f->n++] = (struct text_pair){.name = name, .text = text};
}

static int cmp_pairs(const void *a, const void *b)
{
	return strcmp(((const struct text_pair *)a)->name,
		      ((const struct text_pair *)b)->name);
}

static struct str encode(struct arena *mem, struct aws_form *f)
{
	struct buf out = BUF(BUF_NO_LIMIT);
	struct str text;

	qsort(f->v, f->n, sizeof(*f->v), cmp_pairs);
	for (size_t i = 0; i < f->n; i++) {
		if (i)
			buf_add_char(&out, '&');
		buf_add_query_escaped(&out, str_of(f->v[i].name));
		buf_add_char(&out, '=');
		buf_add_query_escaped(&out, str_of(f->v[i].text));
	}
	text = buf_keep(&out, mem);
	buf_free(&out);
	return text;
}

static const char *sha256(struct arena *mem, struct str s)
{
	uint8_t digest[EVP_MAX_MD_SIZE];
	unsigned n = 0;

	if (!EVP_Digest(s.p ? s.p : "", s.n, digest, &n, EVP_sha256(), NULL))
		BUG("no SHA-256");
	return hex_of(mem, digest, n);
}

static void hmac(const uint8_t *key, size_t n_key, const char *text, uint8_t out[DIGEST])
{
	unsigned n = 0;

	if (!HMAC(EVP_sha256(), key, (int)n_key, (const uint8_t *)text, strlen(text), out,
		  &n))
		BUG("no HMAC");
}

static const char *signature(struct arena *mem, const char *secret, const char *day,
			     const char *region, const char *service, const char *text)
{
	const char *first = arena_printf(mem, "AWS4%s", secret);
	uint8_t key[DIGEST], next[DIGEST];

	hmac((const uint8_t *)first, strlen(first), day, key);
	hmac(key, DIGEST, region, next);
	hmac(next, DIGEST, service, key);
	hmac(key, DIGEST, "aws4_request", next);
	hmac(next, DIGEST, text, key);
	return hex_of(mem, key, DIGEST);
}

void want_aws(struct attempt *a, const char *text, const char *region, const char *service,
	      const struct aws_credentials *c, struct aws_form *form)
{
	struct civil t = civil_of(a->env->now.s, 0);
	struct arena *mem = a->mem;
	struct str body = encode(mem, form);
	const char *day, *stamp, *scope, *headers, *names, *canonical, *to_sign;
	struct buf path = BUF(BUF_NO_LIMIT);
	struct url url;
	struct err err;

	if (!url_parse_http(mem, str_of(text), NOWHERE, &url, &err)) {
		retry(a, FAILURE_OTHER, "%s", err.text);
		return;
	}
	buf_add_url_path(&path, str_of(*url.path ? url.path : "/"));
	day = arena_printf(mem, "%04d%02d%02d", (int)t.year, t.month, t.day);
	stamp = arena_printf(mem, "%sT%02d%02d%02dZ", day, t.hour, t.minute, t.second);
	scope = arena_printf(mem, "%s/%s/%s/aws4_request", day, region, service);
	names = c->token ? "content-type;host;x-amz-date;x-amz-security-token"
			 : "content-type;host;x-amz-date";
	headers = arena_printf(mem,
			       "content-type:" FORM_TYPE "\nhost:%s\nx-amz-date:%s\n%s%s%s",
			       url.host, stamp, c->token ? "x-amz-security-token:" : "",
			       c->token ? c->token : "", c->token ? "\n" : "");
	canonical = arena_printf(mem, "POST\n%s\n%s\n%s\n%s\n%s", buf_text(&path),
				 url.query ? url.query : "", headers, names,
				 sha256(mem, body));
	to_sign = arena_printf(mem, "AWS4-HMAC-SHA256\n%s\n%s\n%s", stamp, scope,
			       sha256(mem, str_of(canonical)));
	want_http(a, "POST", url_print(mem, &url), FORM_TYPE, body);
	no_user_agent(a);
	add_header(a, "X-Amz-Date", stamp);
	if (c->token)
		add_header(a, "X-Amz-Security-Token", c->token);
	authorize(a,
		  arena_printf(mem,
			       "AWS4-HMAC-SHA256 Credential=%s/%s, SignedHeaders=%s, "
			       "Signature=%s",
			       c->key_id, scope, names,
			       signature(mem, c->secret, day, region, service, to_sign)));
	buf_free(&path);
}
