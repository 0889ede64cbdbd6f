/* once.h - requests, each waited for: what a command-line tool needs. */
#pragma once
#include "engine/wire.h"

/* The answer's texts lie in the arena. */
struct http_answer http_once(struct arena *, const char *user_agent,
			     const struct http_request *) MUST_USE;

/* For many to the same servers: connections stay open from one to the next. */
struct http_line;
struct http_line *http_line_new(const char *user_agent) MUST_USE;
struct http_answer http_line_ask(struct http_line *, struct arena *,
				 const struct http_request *) MUST_USE;
void http_line_free(struct http_line *);
