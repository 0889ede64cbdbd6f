/* base.h - the dialect every source starts from: attributes, asserts, array helpers.
 *
 * BUG() and ASSERT() stay in release builds: a broken promise inside the program ends it
 * with the place, and whatever restarts the daemon finds its state on disk. Data from
 * outside never meets them; it gets a struct err.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MUST_USE     __attribute__((warn_unused_result))
#define PRINTF(f, a) __attribute__((format(printf, f, a)))
#define NORETURN     __attribute__((noreturn))
#define UNUSED	     __attribute__((unused))
#define COUNT_OF(a)  (sizeof(a) / sizeof((a)[0]))
#define MIN(a, b)    ((a) < (b) ? (a) : (b))
#define MAX(a, b)    ((a) > (b) ? (a) : (b))
#define BUG(...)     bug_at(__FILE__, __LINE__, __VA_ARGS__)
#define ASSERT(claim)                                                                      \
	do {                                                                               \
		if (!(claim))                                                              \
			BUG("broken promise: %s", #claim);                                 \
	} while (0)

/* The object that holds member m at address p. */
#define CONTAINER_OF(p, type, m) ((type *)(void *)((char *)(p)-offsetof(type, m)))

NORETURN void bug_at(const char *file, int line, const char *fmt, ...) PRINTF(3, 4);

/* malloc and friends that end the process when memory is gone. Free with free(). */
void *mem_new(size_t size) MUST_USE; /* zeroed */
void *mem_resize(void *, size_t size) MUST_USE;
char *mem_text(const char *) MUST_USE; /* a copy; NULL stays NULL */
