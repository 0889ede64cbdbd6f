#include "base/base.h"
#include "tocsin/commands.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* tocsin config show, tocsin cluster show (spec/cli.md 3.3, 3.4, 12). */

const struct option_row status_options[] = {{0}};

static json_t *get_status(struct tool *t)
{
	return request_json(t, "GET", "/api/v2/status", "getStatus", STR(""));
}

int config_show(struct tool *t)
{
	static const char *const versions[] = {"buildUser", "goVersion", "revision",
					       "version",   "branch",	 "buildDate"};
	json_t *s = get_status(t);

	if (!s)
		return 1;
	if (t->output == OUTPUT_JSON) {
		print_json(s);
	} else {
		puts(json_text(json_object_get(s, "config"), "original"));
		for (size_t i = 0; t->output == OUTPUT_EXTENDED && i < COUNT_OF(versions);
		     i++)
			printf("%s %s\n", versions[i],
			       json_text(json_object_get(s, "versionInfo"), versions[i]));
		if (t->output == OUTPUT_EXTENDED)
			printf("uptime %s\n", json_text(s, "uptime"));
	}
	json_decref(s);
	return 0;
}

static int by_address(const void *a, const void *b)
{
	const json_t *const *x = a, *const *y = b;

	return strverscmp(json_text(*x, "address"), json_text(*y, "address"));
}

static void print_peers(struct tool *t, const json_t *list)
{
	static const char *const heading[] = {"Address", "Name"};
	struct table table = {.mem = &t->mem, .columns = 2};
	size_t n = json_array_size(list);
	const json_t **v = ARENA_ARRAY(&t->mem, const json_t *, n);

	for (size_t i = 0; i < n; i++)
		v[i] = json_array_get(list, i);
	if (n)
		qsort(v, n, sizeof(*v), by_address);
	table_row(&table, heading);
	for (size_t i = 0; i < n; i++) {
		const char *cells[] = {json_text(v[i], "address"), json_text(v[i], "name")};

		table_row(&table, cells);
	}
	putchar('\n');
	table_print(&table);
}

int cluster_show(struct tool *t)
{
	json_t *s = get_status(t);
	const json_t *c = json_object_get(s, "cluster");
	struct table table = {.mem = &t->mem, .columns = 2};
	const char *status[] = {"Cluster Status:", json_text(c, "status")};
	const char *name[] = {"Node Name:", json_text(c, "name")};

	if (!s)
		return 1;
	if (t->output == OUTPUT_JSON) {
		print_json(c);
	} else {
		table_row(&table, status);
		table_row(&table, name);
		table_print(&table);
		if (t->output == OUTPUT_EXTENDED)
			print_peers(t, json_object_get(c, "peers"));
	}
	json_decref(s);
	return 0;
}
