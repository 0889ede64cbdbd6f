/* files.h - the files that configurations and templates name, for the commands that read
 * them: what tocsind/outside.c is to the daemon. */
#pragma once
#include "config/config.h"

#define TOOL_FILE_MAX ((size_t)64 * 1024 * 1024)
extern const struct files tool_files;
/* A variable of the environment, NULL when it is not set. */
const char *tool_env(void *, const char *name);

/* For template_run.zone_find; arg is the arena for the zones. */
const struct zone *tool_zone(void *arg, struct str name);
