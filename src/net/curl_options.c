#include "base/base.h"
#include "net/curl_options.h"
#include "net/libssl.h"
#include "net/proxy.h"

#include <errno.h>
#include <netdb.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define SECRET_FILE_MAX 65536

bool read_secret_file(struct arena *mem, const char *path, const char **out,
		      struct err *err)
{
	char *bytes = arena_alloc(mem, SECRET_FILE_MAX);
	FILE *in = fopen(path, "re");
	size_t n;
	bool ok;

	if (!in)
		return err_sys(err, NOWHERE, "cannot read %s", path);
	n = fread(bytes, 1, SECRET_FILE_MAX, in);
	ok = !ferror(in) && n < SECRET_FILE_MAX;
	fclose(in);
	if (!ok)
		return err_set(err, NOWHERE,
			       "cannot read %s as a secret of less than %d bytes", path,
			       SECRET_FILE_MAX);
	*out = arena_copy(mem, str_trim((struct str){bytes, n}));
	return true;
}

bool curl_port_number(struct arena *mem, const char *port, const char **number)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE},
			*found;
	char text[16];
	int64_t n;

	if (str_int(str_of(port), &n)) {
		*number = port;
		return n > 0 && n < 65536;
	}
	if (getaddrinfo(NULL, port, &hints, &found))
		return false;
	if (getnameinfo(found->ai_addr, found->ai_addrlen, NULL, 0, text, sizeof(text),
			NI_NUMERICSERV))
		text[0] = 0;
	freeaddrinfo(found);
	*number = arena_text(mem, text);
	return text[0] != 0;
}

static void set_blob(CURL *c, CURLoption option, const char *pem)
{
	struct curl_blob blob = {(void *)(uintptr_t)pem, strlen(pem), CURL_BLOB_COPY};

	curl_easy_setopt(c, option, &blob);
}

static long tls_version(int min, int max)
{
	static const long least[] = {CURL_SSLVERSION_TLSv1_0, CURL_SSLVERSION_TLSv1_1,
				     CURL_SSLVERSION_TLSv1_2, CURL_SSLVERSION_TLSv1_3};
	static const long most[] = {
		CURL_SSLVERSION_MAX_TLSv1_0, CURL_SSLVERSION_MAX_TLSv1_1,
		CURL_SSLVERSION_MAX_TLSv1_2, CURL_SSLVERSION_MAX_TLSv1_3};

	return least[(min ? min : 12) - 10] |
	       (max ? most[max - 10] : CURL_SSLVERSION_MAX_DEFAULT);
}

/* The certificate is checked against server_name instead of the URL's host. */
static CURLcode expect_name(CURL *c, void *ctx, void *name)
{
	X509_VERIFY_PARAM *param = SSL_CTX_get0_param(ctx);

	(void)c;
	if (!X509_VERIFY_PARAM_set1_host(param, name, 0))
		return CURLE_SSL_CERTPROBLEM;
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	return CURLE_OK;
}

static bool set_server_name(CURL *c, struct arena *mem, const struct tls_config *t,
			    struct err *err)
{
	if (!t->server_name || !t->server_name[0] || t->insecure_skip_verify)
		return true;
	if (!libssl_load(err)) /* for expect_name, which can tell nobody */
		return false;
	curl_easy_setopt(c, CURLOPT_SSL_VERIFYHOST, 0L); /* OpenSSL does it, see above */
	curl_easy_setopt(c, CURLOPT_SSL_CTX_FUNCTION, expect_name);
	curl_easy_setopt(c, CURLOPT_SSL_CTX_DATA,
			 (void *)(uintptr_t)arena_text(mem, t->server_name));
	return true;
}

bool curl_set_tls(CURL *c, struct arena *mem, const struct tls_config *t, struct err *err)
{
	if (t->max_version && t->max_version < (t->min_version ? t->min_version : 12))
		return err_set(err, t->at, "max_version is below min_version");
	curl_easy_setopt(c, CURLOPT_SSLVERSION,
			 tls_version(t->min_version, t->max_version));
	if (t->ca)
		set_blob(c, CURLOPT_CAINFO_BLOB, t->ca);
	else if (t->ca_file)
		curl_easy_setopt(c, CURLOPT_CAINFO, t->ca_file);
	if (t->cert)
		set_blob(c, CURLOPT_SSLCERT_BLOB, t->cert);
	else if (t->cert_file)
		curl_easy_setopt(c, CURLOPT_SSLCERT, t->cert_file);
	if (secret_is_set(t->key))
		set_blob(c, CURLOPT_SSLKEY_BLOB, secret_reveal(t->key));
	else if (t->key_file)
		curl_easy_setopt(c, CURLOPT_SSLKEY, t->key_file);
	if (t->insecure_skip_verify) {
		curl_easy_setopt(c, CURLOPT_SSL_VERIFYPEER, 0L);
		curl_easy_setopt(c, CURLOPT_SSL_VERIFYHOST, 0L);
	}
	return set_server_name(c, mem, t, err);
}

static bool text_or_file(struct arena *mem, const char *text, const char *file,
			 const char **out, struct err *err)
{
	if (file && file[0])
		return read_secret_file(mem, file, out, err);
	*out = text ? text : "";
	return true;
}

static bool set_basic_auth(CURL *c, struct arena *mem, const struct http_config *h,
			   struct err *err)
{
	const char *user, *password;

	if (!text_or_file(mem, h->username, h->username_file, &user, err) ||
	    !text_or_file(mem, secret_reveal(h->password), h->password_file, &password,
			  err))
		return false;
	curl_easy_setopt(c, CURLOPT_HTTPAUTH, CURLAUTH_BASIC);
	curl_easy_setopt(c, CURLOPT_USERNAME, user);
	curl_easy_setopt(c, CURLOPT_PASSWORD, password);
	return true;
}

static bool add_authorization(struct arena *mem, const struct http_config *h,
			      struct curl_extras *extras, struct err *err)
{
	const char *credentials,
		*type = h->auth_type && h->auth_type[0] ? h->auth_type : "Bearer";
	struct http_header line;

	if (!text_or_file(mem, secret_reveal(h->credentials), h->credentials_file,
			  &credentials, err))
		return false;
	line = (struct http_header){"Authorization",
				    arena_printf(mem, "%s %s", type, credentials)};
	vec_push_in(mem, &extras->headers, line);
	return true;
}

static bool add_headers(struct arena *mem, const struct header_config *v, size_t n,
			struct curl_extras *extras, bool to_proxy, struct err *err)
{
	for (size_t i = 0; i < n; i++) {
		const struct header_config *h = &v[i];
		size_t total = h->n_values + h->n_secrets + h->n_files;

		for (size_t k = 0; k < total; k++) {
			struct http_header line = {h->name, NULL};

			if (k < h->n_values)
				line.value = h->values[k];
			else if (k < h->n_values + h->n_secrets)
				line.value = secret_reveal(h->secrets[k - h->n_values]);
			else if (!read_secret_file(mem,
						   h->files[k - h->n_values - h->n_secrets],
						   &line.value, err))
				return false;
			if (to_proxy)
				vec_push_in(mem, &extras->proxy_headers, line);
			else
				vec_push_in(mem, &extras->headers, line);
		}
	}
	return true;
}

static bool set_credentials(CURL *c, struct arena *mem, const struct http_config *h,
			    struct curl_extras *extras, struct err *err)
{
	if (extras->is_foreign)
		return true;
	if (h->has_basic_auth && !set_basic_auth(c, mem, h, err))
		return false;
	if (h->has_authorization && !add_authorization(mem, h, extras, err))
		return false;
	return add_headers(mem, h->headers.v, h->headers.n, extras, false, err);
}

bool curl_set_http_config(CURL *c, struct arena *mem, const struct http_config *h,
			  struct curl_extras *extras, struct err *err)
{
	const struct proxy_env env = proxy_env_read();

	if (!h) {
		curl_easy_setopt(c, CURLOPT_PROXY, "");
		return true;
	}
	curl_easy_setopt(c, CURLOPT_HTTP_VERSION,
			 h->http2 ? (long)CURL_HTTP_VERSION_2TLS
				  : (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(c, CURLOPT_PROXY, proxy_of(mem, h, &env, extras->url));
	curl_easy_setopt(c, CURLOPT_NOPROXY, "");
	return set_credentials(c, mem, h, extras, err) &&
	       curl_set_tls(c, mem, &h->tls, err) &&
	       add_headers(mem, h->proxy_connect_headers.v, h->proxy_connect_headers.n,
			   extras, true, err);
}

void curl_add_line(struct curl_slist **list, const char *line)
{
	struct curl_slist *longer = curl_slist_append(*list, line);

	ASSERT(longer);
	*list = longer;
}

const char *curl_failure(CURL *c, struct arena *mem, CURLcode code, const char *error)
{
	long os_error = 0;

	if (code == CURLE_OK)
		return NULL;
	if (code == CURLE_COULDNT_CONNECT)
		curl_easy_getinfo(c, CURLINFO_OS_ERRNO, &os_error);
	if (os_error)
		return arena_printf(mem, "%s: %s", error, strerror((int)os_error));
	return error[0] ? error : curl_easy_strerror(code);
}
