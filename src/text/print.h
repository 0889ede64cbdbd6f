/* print.h - values as text, by Go's fmt: the default format, print, println, printf.
 *
 * Text methods (durations, times, label sets) are used wherever fmt would use them.
 * Failure: none; what does not fit a verb prints as %!d(string=hi), as in Go. What does
 *          not fit the buf sets its .full.
 * Spec:    spec/go-template.md 13.
 */
#pragma once
#include "text/value.h"

void print_value(struct buf *, struct arena *, const struct value *); /* %v */
/* Blanks between neighbours only when neither is a string. */
void print_join(struct buf *, struct arena *, const struct value *v, size_t n);
void print_line(struct buf *, struct arena *, const struct value *v, size_t n);
void print_format(struct buf *, struct arena *, struct str format, const struct value *v,
		  size_t n);
