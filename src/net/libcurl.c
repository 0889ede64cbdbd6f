#include "base/base.h"
#include "net/libcurl.h"
#include "base/library.h"
#include "base/libcrypto.h"

#define CURL_DISABLE_TYPECHECK /* its macros would stand where functions are defined */
#include <curl/curl.h>
#include <stdarg.h>

#if LIBCURL_VERSION_NUM >= 0x080000
#define CONST_SINCE_8 const
#else
#define CONST_SINCE_8
#endif

/* What we use of it: result, name, parameters, arguments. */
#define FUNCTIONS(_)                                                                       \
	_(CURL *, curl_easy_init, (void), ())                                              \
	_(CURLcode, curl_easy_perform, (CURL * c), (c))                                    \
	_(void, curl_easy_reset, (CURL * c), (c))                                          \
	_(void, curl_easy_cleanup, (CURL * c), (c))                                        \
	_(const char *, curl_easy_strerror, (CURLcode code), (code))                       \
	_(CURLM *, curl_multi_init, (void), ())                                            \
	_(CURLMcode, curl_multi_add_handle, (CURLM * m, CURL * c), (m, c))                 \
	_(CURLMcode, curl_multi_remove_handle, (CURLM * m, CURL * c), (m, c))              \
	_(CURLMcode, curl_multi_socket_action,                                             \
	  (CURLM * m, curl_socket_t fd, int flags, int *running), (m, fd, flags, running)) \
	_(CURLMcode, curl_multi_assign, (CURLM * m, curl_socket_t fd, void *data),         \
	  (m, fd, data))                                                                   \
	_(CURLMsg *, curl_multi_info_read, (CURLM * m, int *left), (m, left))              \
	_(CURLMcode, curl_multi_cleanup, (CURLM * m), (m))                                 \
	_(struct curl_slist *, curl_slist_append, (struct curl_slist * l, const char *s),  \
	  (l, s))                                                                          \
	_(void, curl_slist_free_all, (struct curl_slist * l), (l))                         \
	_(CURLU *, curl_url, (void), ())                                                   \
	_(CURLUcode, curl_url_set,                                                         \
	  (CURLU * u, CURLUPart part, const char *s, unsigned flags), (u, part, s, flags)) \
	_(CURLUcode, curl_url_get,                                                         \
	  (CONST_SINCE_8 CURLU * u, CURLUPart part, char **s, unsigned flags),             \
	  (u, part, s, flags))                                                             \
	_(void, curl_url_cleanup, (CURLU * u), (u))                                        \
	_(void, curl_free, (void *p), (p))

static struct {
	FUNCTIONS(LIBRARY_POINTER)
	__typeof__(curl_global_init) *global_init;
	__typeof__(curl_easy_setopt) *easy_setopt;
	__typeof__(curl_easy_getinfo) *easy_getinfo;
	__typeof__(curl_multi_setopt) *multi_setopt;
} called;

static const struct library_function functions[] = {
	FUNCTIONS(LIBRARY_ENTRY){"curl_global_init", &called.global_init},
	{"curl_easy_setopt", &called.easy_setopt},
	{"curl_easy_getinfo", &called.easy_getinfo},
	{"curl_multi_setopt", &called.multi_setopt},
};

static bool start(struct err *err)
{
	return called.global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK ||
	       err_set(err, NOWHERE, "libcurl does not start");
}

static struct library library = {
	.file = LIBCURL,
	.functions = functions,
	.n = COUNT_OF(functions),
	.start = start,
};

bool libcurl_load(struct err *err)
{
	return libcrypto_load(err) && library_load(&library, err);
}

/* -- under libcurl's own names -------------------------------------------------------- */

FUNCTIONS(LIBRARY_FORWARD)

LIBRARY_HIDDEN CURLcode curl_easy_setopt(CURL *c, CURLoption option, ...)
{
	CURLcode code;
	va_list ap;

	va_start(ap, option);
	if (option < CURLOPTTYPE_OBJECTPOINT)
		code = called.easy_setopt(c, option, va_arg(ap, long));
	else if (option >= CURLOPTTYPE_OFF_T && option < CURLOPTTYPE_BLOB)
		code = called.easy_setopt(c, option, va_arg(ap, curl_off_t));
	else
		code = called.easy_setopt(c, option, va_arg(ap, void *));
	va_end(ap);
	return code;
}

LIBRARY_HIDDEN CURLcode curl_easy_getinfo(CURL *c, CURLINFO info, ...)
{
	CURLcode code;
	va_list ap;

	va_start(ap, info);
	code = called.easy_getinfo(c, info, va_arg(ap, void *));
	va_end(ap);
	return code;
}

LIBRARY_HIDDEN CURLMcode curl_multi_setopt(CURLM *m, CURLMoption option, ...)
{
	CURLMcode code;
	va_list ap;

	va_start(ap, option);
	if ((int)option < CURLOPTTYPE_OBJECTPOINT)
		code = called.multi_setopt(m, option, va_arg(ap, long));
	else
		code = called.multi_setopt(m, option, va_arg(ap, void *));
	va_end(ap);
	return code;
}
