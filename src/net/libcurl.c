#include "base/base.h"
#include "net/libcurl.h"

#define CURL_DISABLE_TYPECHECK /* its macros would stand where functions are defined */
#include <curl/curl.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define LIBRARY "libcurl.so.4"

#if LIBCURL_VERSION_NUM >= 0x080000
#define CONST_SINCE_8 const
#else
#define CONST_SINCE_8
#endif

/* What we use of it: result, name, parameters, arguments. */
#define FUNCTIONS(_)                                                                       \
	_(CURL *, easy_init, (void), ())                                                   \
	_(CURLcode, easy_perform, (CURL * c), (c))                                         \
	_(void, easy_reset, (CURL * c), (c))                                               \
	_(void, easy_cleanup, (CURL * c), (c))                                             \
	_(const char *, easy_strerror, (CURLcode code), (code))                            \
	_(CURLM *, multi_init, (void), ())                                                 \
	_(CURLMcode, multi_add_handle, (CURLM * m, CURL * c), (m, c))                      \
	_(CURLMcode, multi_remove_handle, (CURLM * m, CURL * c), (m, c))                   \
	_(CURLMcode, multi_socket_action,                                                  \
	  (CURLM * m, curl_socket_t fd, int flags, int *running), (m, fd, flags, running)) \
	_(CURLMcode, multi_assign, (CURLM * m, curl_socket_t fd, void *data),              \
	  (m, fd, data))                                                                   \
	_(CURLMsg *, multi_info_read, (CURLM * m, int *left), (m, left))                   \
	_(CURLMcode, multi_cleanup, (CURLM * m), (m))                                      \
	_(struct curl_slist *, slist_append, (struct curl_slist * l, const char *s),       \
	  (l, s))                                                                          \
	_(void, slist_free_all, (struct curl_slist * l), (l))                              \
	_(CURLU *, url, (void), ())                                                        \
	_(CURLUcode, url_set, (CURLU * u, CURLUPart part, const char *s, unsigned flags),  \
	  (u, part, s, flags))                                                             \
	_(CURLUcode, url_get,                                                              \
	  (CONST_SINCE_8 CURLU * u, CURLUPart part, char **s, unsigned flags),             \
	  (u, part, s, flags))                                                             \
	_(void, url_cleanup, (CURLU * u), (u))                                             \
	_(void, free, (void *p), (p))

#define MEMBER(result, name, parameters, arguments) __typeof__(curl_##name) *name;
#define FIND(result, name, parameters, arguments)                                          \
	find(library, "curl_" #name, &curl.name) &&
/* Hidden, so that libcurl's calls of itself do not come here. */
#define HIDDEN __attribute__((visibility("hidden")))
#define FORWARD(result, name, parameters, arguments)                                       \
	HIDDEN result curl_##name parameters                                               \
	{                                                                                  \
		return curl.name arguments;                                                \
	}

static struct {
	FUNCTIONS(MEMBER)
	__typeof__(curl_global_init) *global_init;
	__typeof__(curl_easy_setopt) *easy_setopt;
	__typeof__(curl_easy_getinfo) *easy_getinfo;
	__typeof__(curl_multi_setopt) *multi_setopt;
} curl;

/* To a pointer to a function; C has no cast for that. */
static bool find(void *library, const char *name, void *function)
{
	void *found = dlsym(library, name);

	memcpy(function, &found, sizeof(found));
	return found;
}

static bool find_all(void *library)
{
	return FUNCTIONS(FIND) find(library, "curl_global_init", &curl.global_init) &&
	       find(library, "curl_easy_setopt", &curl.easy_setopt) &&
	       find(library, "curl_easy_getinfo", &curl.easy_getinfo) &&
	       find(library, "curl_multi_setopt", &curl.multi_setopt);
}

bool libcurl_load(struct err *err)
{
	static bool is_loaded;
	void *library;

	if (is_loaded)
		return true;
	library = dlopen(LIBRARY, RTLD_NOW);
	if (!library || !find_all(library))
		return err_set(err, NOWHERE, "libcurl cannot be loaded: %s", dlerror());
	if (curl.global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return err_set(err, NOWHERE, "libcurl does not start");
	is_loaded = true;
	return true;
}

/* The dynamic linker's list has the names as they are. */
bool libcurl_is_listed(void)
{
	int fd = open("/etc/ld.so.cache", O_RDONLY | O_CLOEXEC);
	struct stat file;
	void *list = MAP_FAILED;
	bool is = true;

	if (fd >= 0 && !fstat(fd, &file) && file.st_size > 0)
		list = mmap(NULL, (size_t)file.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (list != MAP_FAILED) {
		is = memmem(list, (size_t)file.st_size, LIBRARY, sizeof(LIBRARY));
		munmap(list, (size_t)file.st_size);
	}
	if (fd >= 0)
		close(fd);
	return is || getenv("LD_LIBRARY_PATH");
}

/* -- under libcurl's own names -------------------------------------------------------- */

FUNCTIONS(FORWARD)

HIDDEN CURLcode curl_easy_setopt(CURL *c, CURLoption option, ...)
{
	CURLcode code;
	va_list ap;

	va_start(ap, option);
	if (option < CURLOPTTYPE_OBJECTPOINT)
		code = curl.easy_setopt(c, option, va_arg(ap, long));
	else if (option >= CURLOPTTYPE_OFF_T && option < CURLOPTTYPE_BLOB)
		code = curl.easy_setopt(c, option, va_arg(ap, curl_off_t));
	else
		code = curl.easy_setopt(c, option, va_arg(ap, void *));
	va_end(ap);
	return code;
}

HIDDEN CURLcode curl_easy_getinfo(CURL *c, CURLINFO info, ...)
{
	CURLcode code;
	va_list ap;

	va_start(ap, info);
	code = curl.easy_getinfo(c, info, va_arg(ap, void *));
	va_end(ap);
	return code;
}

HIDDEN CURLMcode curl_multi_setopt(CURLM *m, CURLMoption option, ...)
{
	CURLMcode code;
	va_list ap;

	va_start(ap, option);
	if ((int)option < CURLOPTTYPE_OBJECTPOINT)
		code = curl.multi_setopt(m, option, va_arg(ap, long));
	else
		code = curl.multi_setopt(m, option, va_arg(ap, void *));
	va_end(ap);
	return code;
}
