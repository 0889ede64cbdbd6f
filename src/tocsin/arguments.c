#include "base/base.h"
#include "tocsin/tool.h"
#include "config/field.h"
#include "text/yaml.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The command line as amtool reads it (spec/cli.md 2): flags anywhere, short ones combined,
 * @files, defaults from configuration files. */

#define MOST_WORDS	10000
#define CONFIG_FILE_MAX (1024 * 1024)

const struct option_row global_options[] = {
	{"alertmanager.url", 0, OPTION_TEXT, "",
	 "Server to talk to. Default: "
	 "http://127.0.0.1:9093."},
	{"output", 'o', OPTION_TEXT, "simple", "simple, extended or json."},
	{"date.format", 0, OPTION_TEXT, "2006-01-02 15:04:05 MST",
	 "Layout of printed dates, as Go writes it."},
	{"timeout", 0, OPTION_TEXT, "30s", "Longest time for the whole command."},
	{"http.config.file", 0, OPTION_TEXT, "", "File with an http_config."},
	{"version-check", 0, OPTION_FLAG, "true", "Accepted: any version will do."},
	{"enable-feature", 0, OPTION_TEXT, "", "classic-mode or utf8-strict-mode."},
	{"verbose", 'v', OPTION_FLAG, NULL, "Accepted."},
	{"help", 'h', OPTION_FLAG, NULL, "Print what the command takes."},
	{"version", 0, OPTION_FLAG, NULL, "Print the version."},
	{0},
};

struct words {
	VEC(const char *) list;
	size_t at;
};

/* -- words ---------------------------------------------------------------------------- */

static bool add_file(struct tool *t, struct words *w, const char *path, struct err *err)
{
	FILE *in = fopen(path, "re");
	char line[8192];

	if (!in)
		return err_sys(err, (struct pos){path, 0, 0}, "cannot read arguments");
	while (w->list.n < MOST_WORDS && fgets(line, sizeof(line), in)) {
		struct str s = str_trim(str_of(line));

		if (s.n && s.p[0] != '#')
			vec_push_in(&t->mem, &w->list, arena_copy(&t->mem, s));
	}
	fclose(in);
	return true;
}

static bool gather(struct tool *t, int argc, char **argv, struct words *w, struct err *err)
{
	for (int i = 1; i < argc; i++) {
		if (argv[i][0] == '@' && argv[i][1]) {
			if (!add_file(t, w, argv[i] + 1, err))
				return false;
		} else {
			vec_push_in(&t->mem, &w->list, argv[i]);
		}
	}
	return true;
}

/* -- options -------------------------------------------------------------------------- */

static void add_options(struct tool *t, const struct option_row *rows)
{
	for (; rows && rows->name; rows++) {
		struct option_value v = {.row = rows, .text = rows->otherwise};

		v.on = rows->kind == OPTION_FLAG && rows->otherwise;
		vec_push_in(&t->mem, &t->options, v);
	}
}

static struct option_value *find_long(struct tool *t, struct str name)
{
	for (size_t i = 0; i < t->options.n; i++) {
		if (str_is(name, t->options.v[i].row->name))
			return &t->options.v[i];
	}
	return NULL;
}

static struct option_value *find_short(struct tool *t, char letter)
{
	for (size_t i = 0; i < t->options.n; i++) {
		if (t->options.v[i].row->letter == letter)
			return &t->options.v[i];
	}
	return NULL;
}

static bool give(struct tool *t, struct option_value *v, const char *text, struct err *err)
{
	if (v->row->kind != OPTION_TEXTS && v->given)
		return err_set(err, NOWHERE, "flag '%s' cannot be repeated", v->row->name);
	v->given = true;
	if (v->row->kind == OPTION_TEXTS)
		vec_push_in(&t->mem, &v->texts, text);
	else
		v->text = text;
	return true;
}

static bool next_word(struct words *w, const char *flag, const char **out, struct err *err)
{
	if (w->at == w->list.n)
		return err_set(err, NOWHERE, "expected argument for flag '%s'", flag);
	*out = w->list.v[w->at++];
	return true;
}

static bool take_long(struct tool *t, struct words *w, struct str name, struct err *err)
{
	size_t eq = str_find_char(name, '=');
	struct str bare = str_slice(name, 0, eq);
	struct option_value *v = find_long(t, bare);
	const char *text = NULL;
	bool off = false;

	if (!v && str_starts(bare, STR("no-"))) {
		v = find_long(t, str_from(bare, 3));
		off = v && v->row->kind == OPTION_FLAG;
		if (!off)
			v = NULL;
	}
	if (!v || (v->row->kind == OPTION_FLAG && eq != STR_NONE))
		return err_set(err, NOWHERE, "unknown long flag '--%.*s'", FMT(name));
	if (v->row->kind == OPTION_FLAG) {
		if (!give(t, v, "", err))
			return false;
		v->on = !off;
		return true;
	}
	if (eq != STR_NONE)
		text = arena_copy(&t->mem, str_from(name, eq + 1));
	else if (!next_word(w, arena_printf(&t->mem, "--%.*s", FMT(bare)), &text, err))
		return false;
	return give(t, v, text, err);
}

/* -si, -ojson, -o json */
static bool take_short(struct tool *t, struct words *w, struct str letters, struct err *err)
{
	while (letters.n) {
		struct option_value *v = find_short(t, letters.p[0]);
		char flag[3] = {'-', letters.p[0], 0};
		const char *text = NULL;

		letters = str_from(letters, 1);
		if (!v)
			return err_set(err, NOWHERE, "unknown short flag '%s'", flag);
		if (v->row->kind == OPTION_FLAG) {
			if (!give(t, v, "", err))
				return false;
			v->on = true;
			continue;
		}
		if (letters.n)
			text = arena_copy(&t->mem, letters);
		else if (!next_word(w, flag, &text, err))
			return false;
		return give(t, v, text, err);
	}
	return true;
}

/* -- finding the command -------------------------------------------------------------- */

static bool takes_value(const struct tool *t, const char *word)
{
	struct str name = str_of(word);
	struct tool *all = (struct tool *)(uintptr_t)t;
	const struct option_value *v;

	if (str_starts(name, STR("--")))
		v = find_long(all, str_from(name, 2));
	else
		v = name.n == 2 ? find_short(all, name.p[1]) : NULL;
	return v && v->row->kind != OPTION_FLAG && str_find_char(name, '=') == STR_NONE;
}

/* The first words that are no flags, taken out of the list while they name a command. */
static const struct command *find_command(struct tool *t, struct words *w)
{
	const struct command *found = NULL;
	const char *so_far = "";
	size_t taken[4], n = 0;

	for (size_t i = 0; i < w->list.n && n < 3; i++) {
		const char *word = w->list.v[i], *longer;
		bool is_start = false;

		if (word[0] == '-' && word[1]) {
			i += takes_value(t, word);
			continue;
		}
		longer = arena_printf(&t->mem, "%s%s%s", so_far, n ? " " : "", word);
		for (const struct command *c = commands; c->words; c++) {
			struct str whole = str_of(c->words), start = str_of(longer);

			if (str_eq(whole, start))
				found = c;
			is_start = is_start || str_eq(whole, start) ||
				   (str_starts(whole, start) && whole.p[start.n] == ' ');
		}
		if (!is_start)
			break;
		so_far = longer;
		taken[n++] = i;
	}
	if (!found && n) { /* a family: its query, or show, is meant */
		static const char *const usual[] = {"query", "show", "routes show"};

		for (size_t k = 0; k < COUNT_OF(usual) && !found; k++) {
			const char *words = arena_printf(&t->mem, "%s %s", so_far,
							 usual[k]);

			for (const struct command *c = commands; c->words; c++) {
				if (!strcmp(c->words, words))
					found = c;
			}
		}
	}
	while (n--)
		vec_remove(&w->list, taken[n]);
	return found;
}

/* -- defaults from files (spec/cli.md 2.3) -------------------------------------------- */

static bool load_defaults(struct tool *t, const char *path, struct err *err)
{
	struct errs errs = {.mem = &t->mem};
	FILE *in = fopen(path, "re");
	const struct yaml *top;
	struct str text;
	char *bytes;

	if (!in)
		return true;
	bytes = arena_alloc(&t->mem, CONFIG_FILE_MAX);
	text = (struct str){bytes, fread(bytes, 1, CONFIG_FILE_MAX, in)};
	fclose(in);
	top = yaml_read(&t->mem, path, text, &errs);
	if (!top || errs.n || (top->kind != YAML_MAP && top->kind != YAML_NULL))
		return err_set(err, NOWHERE, "could not load config file: %s",
			       errs.n ? err_text(&t->mem, errs.v[0]) : path);
	for (size_t i = 0; top->kind == YAML_MAP && i < top->n; i++) {
		struct str name = top->keys[i]->text, value = top->items[i]->text;
		struct option_value *v;

		if (str_is(name, "comment_required"))
			name = STR("require-comment");
		v = find_long(t, name);
		if (!v || v->given)
			continue;
		v->text = arena_copy(&t->mem, value);
		v->on = top->items[i]->kind == YAML_BOOL ? top->items[i]->yes
							 : str_is(value, "true");
	}
	return true;
}

/* The later file wins: the user's over the machine's, ours over amtool's. Debian's amtool
 * has its files elsewhere. */
static bool load_all_defaults(struct tool *t, struct err *err)
{
	static const char *const machine[] = {"/etc/prometheus/amtool.yml",
					      "/etc/amtool/config.yml",
					      "/etc/tocsin/config.yml"};
	static const char *const user[] = {"prometheus/amtool.yml", "amtool/config.yml",
					   "tocsin/config.yml"};
	size_t n = COUNT_OF(machine) - t->is_amtool;
	const char *home = getenv("HOME");

	for (size_t i = 0; i < n; i++) {
		if (!load_defaults(t, machine[i], err))
			return false;
	}
	for (size_t i = 0; home && i < n; i++) {
		if (!load_defaults(t, arena_printf(&t->mem, "%s/.config/%s", home, user[i]),
				   err))
			return false;
	}
	return true;
}

/* -- the whole ------------------------------------------------------------------------ */

static bool set_output(struct tool *t, struct err *err)
{
	static const char *const words[] = {"simple", "extended", "json"};
	const char *text = option_text(t, "output");

	for (size_t i = 0; i < COUNT_OF(words); i++) {
		if (!strcmp(text, words[i])) {
			t->output = (enum output)i;
			return true;
		}
	}
	return err_set(err, NOWHERE,
		       "enum value must be one of simple,extended,json, got '%s'", text);
}

static void set_url(struct tool *t)
{
	struct str url = str_of(option_text(t, "alertmanager.url"));
	const char *env = getenv("TOCSIN_URL");

	if (!url.n && t->is_amtool)
		return; /* request() says what is missing */
	if (!url.n && env)
		url = str_of(env);
	if (!url.n)
		url = STR("http://127.0.0.1:9093");
	while (url.n && url.p[url.n - 1] == '/')
		url.n--;
	if (str_find(url, STR("://")) == STR_NONE)
		t->url = arena_printf(&t->mem, "http://%.*s", FMT(url));
	else
		t->url = arena_copy(&t->mem, url);
}

/* --http.config.file: an http_config by itself, paths relative to it. */
static bool set_http(struct tool *t, struct err *err)
{
	const char *path = option_text(t, "http.config.file"), *slash = strrchr(path, '/');
	struct errs errs = {.mem = &t->mem};
	struct decode d = {.mem = &t->mem, .errs = &errs, .path = path, .dir = "."};
	struct http_config *http = ARENA_NEW(&t->mem, struct http_config);
	char *bytes = arena_alloc(&t->mem, CONFIG_FILE_MAX);
	const struct yaml *y;
	struct str text;
	FILE *in;

	if (!path[0])
		return true;
	in = fopen(path, "re");
	if (!in)
		return err_set(err, NOWHERE, "path '%s' does not exist", path);
	text = (struct str){bytes, fread(bytes, 1, CONFIG_FILE_MAX, in)};
	fclose(in);
	if (slash)
		d.dir = arena_copy(&t->mem, (struct str){path, (size_t)(slash - path) + 1});
	y = yaml_read(&t->mem, path, text, &errs);
	if (y)
		decode_object(&d, y, &http_shape, http);
	if (errs.n)
		return err_set(err, NOWHERE, "failed to load HTTP config file: %s",
			       err_text(&t->mem, errs.v[0]));
	if (t->url && strstr(t->url, "://") && strchr(strstr(t->url, "://"), '@'))
		return err_set(err, NOWHERE,
			       "basic authentication and http.config.file are "
			       "mutually exclusive");
	t->http = http;
	return true;
}

static bool set_globals(struct tool *t, struct err *err)
{
	const char *feature = option_text(t, "enable-feature");

	t->date_format = option_text(t, "date.format");
	t->matchers = !strcmp(feature, "classic-mode")	     ? MATCHERS_CLASSIC
		      : !strcmp(feature, "utf8-strict-mode") ? MATCHERS_UTF8
							     : MATCHERS_FALLBACK;
	if (!go_duration_parse(str_of(option_text(t, "timeout")), &t->timeout_ns))
		return err_set(err, NOWHERE, "time: invalid duration \"%s\"",
			       option_text(t, "timeout"));
	set_url(t);
	return set_http(t, err) && set_output(t, err);
}

static bool take_words(struct tool *t, struct words *w, struct err *err)
{
	bool flags = true;

	while (w->at < w->list.n) {
		struct str word = str_of(w->list.v[w->at++]);
		bool ok = true;

		if (flags && str_is(word, "--"))
			flags = false;
		else if (flags && str_starts(word, STR("--")))
			ok = take_long(t, w, str_from(word, 2), err);
		else if (flags && word.n > 1 && word.p[0] == '-')
			ok = take_short(t, w, str_from(word, 1), err);
		else
			vec_push_in(&t->mem, &t->args, word.p);
		if (!ok)
			return false;
	}
	return true;
}

void tool_name(struct tool *t, const char *argv0)
{
	const char *slash = strrchr(argv0, '/');

	t->name = slash ? slash + 1 : argv0;
	t->is_amtool = !strcmp(t->name, "amtool");
}

/* `help silence add` and --help-long are --help. */
static void take_help(struct tool *t, struct words *w)
{
	bool is_first = true;

	for (size_t i = 0; i < w->list.n; i++) {
		const char *word = w->list.v[i];

		if (!strcmp(word, "--help-long"))
			w->list.v[i] = "--help";
		if (word[0] == '-' && word[1]) {
			i += takes_value(t, word);
			continue;
		}
		if (is_first && !strcmp(word, "help"))
			w->list.v[i] = "--help";
		is_first = false;
	}
}

bool tool_parse(struct tool *t, int argc, char **argv, struct err *err)
{
	struct words w = {0};

	add_options(t, global_options);
	if (!gather(t, argc, argv, &w, err))
		return false;
	take_help(t, &w);
	t->command = find_command(t, &w);
	if (t->command)
		add_options(t, t->command->options);
	if (!take_words(t, &w, err) || !load_all_defaults(t, err))
		return false;
	if (!t->command && t->args.n)
		return err_set(err, NOWHERE, "expected command but got \"%s\"",
			       t->args.v[0]);
	return set_globals(t, err);
}

const struct option_value *option(const struct tool *t, const char *name)
{
	const struct option_value *v = find_long((struct tool *)(uintptr_t)t, str_of(name));

	ASSERT(v);
	return v;
}

const char *option_text(const struct tool *t, const char *name)
{
	const char *text = option(t, name)->text;

	return text ? text : "";
}

bool option_on(const struct tool *t, const char *name)
{
	return option(t, name)->on;
}
