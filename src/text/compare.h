/* compare.h - what eq, lt and their kin say of two bare values (go-template.md 12.2). */
#pragma once
#include "text/func.h"

bool compare_equal(struct call *, const struct value *, const struct value *, bool *truth);
bool compare_less(struct call *, const struct value *, const struct value *, bool *truth);
