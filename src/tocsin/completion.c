#include "base/base.h"
#include "tocsin/commands.h"
#include "base/map.h"

#include <stdio.h>
#include <string.h>

/* What the shell asks: the script that makes it ask, and the words that may come next. */

static const char script[] =
	"_%s_complete() {\n"
	"\tlocal word=\"${COMP_WORDS[COMP_CWORD]}\"\n"
	"\tCOMPREPLY=($(compgen -W \"$(\"${COMP_WORDS[0]}\" --completion-bash "
	"\"${COMP_WORDS[@]:1:COMP_CWORD}\")\" -- \"$word\"))\n"
	"}\n"
	"complete -o default -F _%s_complete %s\n";

static void print_options_of(const struct option_row *rows)
{
	for (; rows->name; rows++)
		printf("--%s\n", rows->name);
}

/* The words of commands after those typed, each once. */
static void print_next_words(struct tool *t, struct str typed)
{
	struct map seen = {0};

	for (const struct command *c = commands; c->words; c++) {
		struct str rest = str_of(c->words), word;

		if (typed.n && (!str_starts(rest, typed) || rest.p[typed.n] != ' '))
			continue;
		rest = str_from(rest, typed.n + (typed.n > 0));
		if (!rest.n || !str_cut(&rest, ' ', &word) || map_find(&seen, word))
			continue;
		map_put(&seen, word, t);
		printf("%.*s\n", FMT(word));
	}
	map_free(&seen);
}

static void complete(struct tool *t, int n, char **words)
{
	const char *typed = "";
	const struct command *command = NULL;

	for (int i = 0; i + 1 < n; i++) {
		if (words[i][0] != '-')
			typed = arena_printf(&t->mem, "%s%s%s", typed, *typed ? " " : "",
					     words[i]);
		for (const struct command *c = commands; c->words; c++) {
			if (!strcmp(c->words, typed))
				command = c;
		}
	}
	if (n && words[n - 1][0] == '-') {
		print_options_of(global_options);
		if (command)
			print_options_of(command->options);
	} else {
		print_next_words(t, str_of(typed));
	}
}

static bool print_script(const struct tool *t, const char *flag)
{
	bool zsh = !strcmp(flag, "--completion-script-zsh");

	if (!zsh && strcmp(flag, "--completion-script-bash") != 0)
		return false;
	if (zsh)
		puts("autoload -U +X bashcompinit && bashcompinit");
	printf(script, t->name, t->name, t->name);
	return true;
}

bool completion_answer(struct tool *t, int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "--completion-bash")) {
		complete(t, argc - 2, argv + 2);
		return true;
	}
	for (int i = 1; i < argc; i++) {
		if (print_script(t, argv[i]))
			return true;
	}
	return false;
}
