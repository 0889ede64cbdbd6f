/* err.h - a failure with its place in the user's file.
 *
 * Whoever knows the place sets it (err_set); those above say what they were doing
 * (err_in); only the outermost prints (err_text). A struct err lives on the caller's
 * stack. A NULL err is allowed: the caller wants only the bool.
 *
 * The file name of a pos is borrowed until the err is filled; the err keeps its own copy
 * of nothing, so whoever stores an err past the file name's life copies it.
 */
#pragma once
#include "base/base.h"
#include "base/arena.h"

#include <stdarg.h>

struct pos {
	const char *file; /* NULL: no place known */
	int line, col;	  /* from 1; 0: unknown */
};
struct err {
	struct pos at;
	char text[480];
};

#define NOWHERE ((struct pos){NULL, 0, 0})

/* All return false, so that a failing function ends in one line. */
bool err_set(struct err *, struct pos, const char *fmt, ...) PRINTF(3, 4);
bool err_vset(struct err *, struct pos, const char *fmt, va_list) PRINTF(3, 0);
bool err_sys(struct err *, struct pos, const char *fmt, ...) PRINTF(3, 4); /* ": errno" */
bool err_in(struct err *, const char *fmt, ...) PRINTF(2, 3);		   /* "fmt: text" */

/* "file:line:col: text", leaving out what is not known. In the arena. */
const char *err_text(struct arena *, const struct err *);
const char *pos_text(struct arena *, struct pos); /* "file:line:col" */

/* A list of mistakes, in the order found, up to a ceiling; the rest are only counted. */
#define ERRS_MAX 100
struct errs {
	struct arena *mem; /* set by the caller; holds the entries */
	struct err *v[ERRS_MAX];
	size_t n, dropped;
};
void errs_add(struct errs *, const struct err *); /* a copy */
void errs_addf(struct errs *, struct pos, const char *fmt, ...) PRINTF(3, 4);
void errs_sort(struct errs *); /* by file, then line, then column; stable */
