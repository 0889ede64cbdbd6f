/* commands.h - the commands, one a file, and what the silence commands share. */
#pragma once
#include "tocsin/tool.h"

extern const struct option_row alert_query_options[], alert_add_options[],
	silence_add_options[], silence_query_options[], silence_expire_options[],
	silence_update_options[], rules_options[], template_options[],
	silence_import_options[], check_config_options[], status_options[],
	routes_show_options[], routes_test_options[], check_rules_options[],
	query_options[], why_options[], history_options[];

int alert_query(struct tool *);
int alert_add(struct tool *);
int silence_add(struct tool *);
int silence_query(struct tool *);
int silence_expire(struct tool *);
int silence_update(struct tool *);
int rules_show(struct tool *);
int template_show(struct tool *);
int silence_import(struct tool *);
int check_config(struct tool *);
int check_rules(struct tool *);
int query(struct tool *);
int why(struct tool *);
int history(struct tool *);
int config_show(struct tool *);
int cluster_show(struct tool *);
int routes_show(struct tool *);
int routes_test(struct tool *);

/* -- of the silence commands ---------------------------------------------------------- */
/* The id the server gave; NULL after an error was printed. */
const char *post_silence(struct tool *, struct str body);
void print_id(struct tool *,
	      const char *id); /* JSON only by the command line: scripts read it */
bool end_from_options(struct tool *, struct instant start, struct instant *end);
const char *silence_path(struct tool *, const char *id);
