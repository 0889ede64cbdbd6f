#include "base/base.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void bug_at(const char *file, int line, const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "level=ERROR part=bug place=%s:%d msg=\"", file, line);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputs("\"\n", stderr);
	abort();
}

static NORETURN void out_of_memory(size_t size)
{
	fprintf(stderr, "level=ERROR part=memory msg=\"out of memory\" bytes=%zu\n", size);
	exit(1);
}

void *mem_new(size_t size)
{
	void *p = calloc(1, size ? size : 1);

	if (!p)
		out_of_memory(size);
	return p;
}

void *mem_resize(void *old, size_t size)
{
	void *p = realloc(old, size ? size : 1);

	if (!p)
		out_of_memory(size);
	return p;
}

char *mem_text(const char *text)
{
	size_t n;
	char *copy;

	if (!text)
		return NULL;
	n = strlen(text) + 1;
	copy = mem_resize(NULL, n);
	memcpy(copy, text, n);
	return copy;
}
