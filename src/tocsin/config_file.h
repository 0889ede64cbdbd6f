/* config_file.h - configurations read by the tool, from a file or from a server. */
#pragma once
#include "config/config.h"
#include "tocsin/tool.h"

/* text.p NULL: read the file. NULL and *mistakes, a line each, when it does not load.
 * *template_mistakes (may be NULL): what is wrong with its templates, NULL when nothing; of
 * a file that does not load that is among its mistakes. */
const struct config *config_file_load(struct tool *, const char *path, struct str text,
				      const char **mistakes,
				      const char **template_mistakes) MUST_USE;
/* Of --config.file, else of the server. NULL after an error was printed. */
const struct config *config_from_anywhere(struct tool *) MUST_USE;
