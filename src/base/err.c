#include "base/base.h"
#include "base/err.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

bool err_vset(struct err *e, struct pos at, const char *fmt, va_list ap)
{
	if (!e)
		return false;
	e->at = at;
	vsnprintf(e->text, sizeof(e->text), fmt, ap);
	return false;
}

bool err_set(struct err *e, struct pos at, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	err_vset(e, at, fmt, ap);
	va_end(ap);
	return false;
}

bool err_sys(struct err *e, struct pos at, const char *fmt, ...)
{
	int saved = errno;
	va_list ap;
	size_t n;

	if (!e)
		return false;
	va_start(ap, fmt);
	err_vset(e, at, fmt, ap);
	va_end(ap);
	n = strlen(e->text);
	snprintf(e->text + n, sizeof(e->text) - n, ": %s", strerror(saved));
	return false;
}

bool err_in(struct err *e, const char *fmt, ...)
{
	char text[sizeof(e->text)];
	size_t n;
	va_list ap;

	if (!e)
		return false;
	memcpy(text, e->text, sizeof(text));
	va_start(ap, fmt);
	vsnprintf(e->text, sizeof(e->text), fmt, ap);
	va_end(ap);
	n = strlen(e->text);
	snprintf(e->text + n, sizeof(e->text) - n, ": %s", text);
	return false;
}

const char *pos_text(struct arena *mem, struct pos at)
{
	if (!at.file)
		return "";
	if (!at.line)
		return arena_text(mem, at.file);
	if (!at.col)
		return arena_printf(mem, "%s:%d", at.file, at.line);
	return arena_printf(mem, "%s:%d:%d", at.file, at.line, at.col);
}

const char *err_text(struct arena *mem, const struct err *e)
{
	if (!e->at.file)
		return arena_text(mem, e->text);
	return arena_printf(mem, "%s: %s", pos_text(mem, e->at), e->text);
}

void errs_add(struct errs *all, const struct err *one)
{
	struct err *copy;

	if (all->n == ERRS_MAX) {
		all->dropped++;
		return;
	}
	copy = ARENA_NEW(all->mem, struct err);
	*copy = *one;
	copy->at.file = arena_text(all->mem, one->at.file);
	all->v[all->n++] = copy;
}

void errs_addf(struct errs *all, struct pos at, const char *fmt, ...)
{
	struct err one;
	va_list ap;

	va_start(ap, fmt);
	err_vset(&one, at, fmt, ap);
	va_end(ap);
	errs_add(all, &one);
}

static int pos_cmp(struct pos a, struct pos b)
{
	int files = strcmp(a.file ? a.file : "", b.file ? b.file : "");

	if (files)
		return files;
	return a.line != b.line ? a.line - b.line : a.col - b.col;
}

void errs_sort(struct errs *all)
{
	for (size_t i = 1; i < all->n; i++) {
		struct err *one = all->v[i];
		size_t j = i;

		for (; j && pos_cmp(all->v[j - 1]->at, one->at) > 0; j--)
			all->v[j] = all->v[j - 1];
		all->v[j] = one;
	}
}
