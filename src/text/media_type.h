/* media_type.h - a Content-Type as Go's mime.ParseMediaType reads it. */
#pragma once
#include "base/arena.h"
#include "base/str.h"

/* The type in lower case, without its parameters. NULL and *why when it is none. */
const char *media_type_parse(struct arena *, struct str, const char **why) MUST_USE;
