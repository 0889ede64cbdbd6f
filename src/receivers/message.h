/* message.h - the message of webhook and incidentio (spec/receivers.md 2.2). */
#pragma once
#include "receivers/compose.h"

void write_message(struct json *, const struct render *, const char *version);
/* The same with its first n alerts only; everything else unchanged. */
void write_message_cut(struct json *, const struct render *, const char *version, size_t n);
