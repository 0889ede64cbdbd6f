/* rule_file_read.h - rule files read by the tool, as the daemon would read them. */
#pragma once
#include "config/rules.h"
#include "tocsin/tool.h"

/* path NULL: standard input. NULL when errs is not empty; *part is then what could be made
 * of the file, or NULL. The options check-expressions and vmalert-functions of the command
 * say how; *n_rules counts. */
const struct rule_file *rule_file_read(struct tool *, const char *path,
				       const struct rule_options *, struct errs *errs,
				       struct errs *warnings, size_t *n_rules,
				       const struct rule_file **part) MUST_USE;
