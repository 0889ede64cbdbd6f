/* once.h - one request, waited for: what a command-line tool needs. */
#pragma once
#include "engine/wire.h"

/* The answer's texts lie in the arena. */
struct http_answer http_once(struct arena *, const char *user_agent,
			     const struct http_request *) MUST_USE;
