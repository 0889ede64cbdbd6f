#include "base/base.h"
#include "tocsin/commands.h"

#include <stdio.h>
#include <string.h>

const struct command commands[] = {
	{"alert query", "[matchers...]", alert_query_options, alert_query,
	 "Show alerts. Without flags: those that are neither silenced nor inhibited.",
	 false},
	{"alert add", "[labels...]", alert_add_options, alert_add, "Post an alert.", false},
	{"silence add", "[matchers...]", silence_add_options, silence_add,
	 "Silence what matches; prints the new id once it is on the server's disk.", false},
	{"silence query", "[matchers...]", silence_query_options, silence_query,
	 "Show silences.", false},
	{"silence expire", "[ids...]", silence_expire_options, silence_expire,
	 "End silences now.", false},
	{"silence update", "[ids...]", silence_update_options, silence_update,
	 "Change start, end or comment of silences.", false},
	{"silence import", "[file]", silence_import_options, silence_import,
	 "Post what `silence query -o json` printed.", false},
	{"check-config", "[files...]", check_config_options, check_config,
	 "Check configuration files and their templates.", true},
	{"check rules", "[files...]", check_rules_options, check_rules,
	 "Check rule files: syntax, expressions, templates, and what is probably not "
	 "meant.",
	 true},
	{"query", "expression", query_options, query,
	 "Ask a metrics backend: now or over a time, as table, JSON or plot.", true},
	{"config show", "", status_options, config_show, "Show the server's configuration.",
	 false},
	{"config routes show", "", routes_show_options, routes_show,
	 "Draw the routing tree.", true},
	{"config routes test", "[labels...]", routes_test_options, routes_test,
	 "Show which receivers an alert with these labels reaches.", true},
	{"cluster show", "", status_options, cluster_show, "Show the cluster's state.",
	 false},
	{"rules", "", rules_options, rules_show,
	 "Show rules with state, health and last error, and rule files that were refused.",
	 false},
	{"why", "[matchers...|fingerprint]", why_options, why,
	 "Explain why somebody was told of an alert, or not; of a notification, or a "
	 "silence.",
	 false},
	{"history", "[matchers...]", history_options, history,
	 "List changes of alerts, notifications, silences and the configuration.", false},
	{"template render", "", template_options, template_show,
	 "Render a template over sample data, or over the payload of a webhook.",
	 .is_offline = true},
	{0},
};

static void print_options(const struct option_row *rows)
{
	for (; rows && rows->name; rows++) {
		printf("  ");
		if (rows->letter)
			printf("-%c, ", rows->letter);
		printf("--%s", rows->name);
		if (rows->kind != OPTION_FLAG)
			printf("=%s", rows->otherwise && rows->otherwise[0]
					      ? rows->otherwise
					      : "...");
		printf("\n      %s\n", rows->help);
	}
}

void print_help(const struct tool *t)
{
	if (t->command) {
		printf("usage: %s %s [<flags>] %s\n\n%s\n\nFlags:\n", t->name,
		       t->command->words, t->command->arguments, t->command->help);
		print_options(t->command->options);
		puts("\nFlags of every command:");
	} else {
		printf("usage: %s [<flags>] <command> [<args> ...]\n\n"
		       "Talks to tocsind, or to an Alertmanager.\n\nCommands:\n",
		       t->name);
		for (const struct command *c = commands; c->words; c++)
			printf("  %s %s\n      %s\n", c->words, c->arguments, c->help);
		puts("\nFlags:");
	}
	print_options(global_options);
}

int main(int argc, char **argv)
{
	struct tool t = {0};
	struct err err;
	int code = 0;

	tool_name(&t, argv[0]);
	if (completion_answer(&t, argc, argv)) {
		;
	} else if (!tool_parse(&t, argc, argv, &err)) {
		fprintf(stderr, "%s: error: %s\n\n", t.name, err_text(&t.mem, &err));
		code = 1;
	} else if (option_on(&t, "version")) {
		printf("%s, version " VERSION "\n", t.name);
	} else if (option_on(&t, "help") || !t.command) {
		print_help(&t);
	} else if (!t.url && !t.command->is_offline) {
		code = fail_short(&t, "required flag --alertmanager.url not provided");
	} else {
		code = t.command->run(&t);
	}
	arena_free(&t.mem);
	return code;
}
