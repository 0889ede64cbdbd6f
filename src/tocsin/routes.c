#include "base/base.h"
#include "tocsin/commands.h"
#include "tocsin/config_file.h"

#include <stdio.h>
#include <string.h>

/* tocsin config routes show, tocsin config routes test (spec/cli.md 13). */

const struct option_row routes_show_options[] = {
	{"config.file", 0, OPTION_TEXT, "", "Configuration file; without it the server's."},
	{0},
};
const struct option_row routes_test_options[] = {
	{"config.file", 0, OPTION_TEXT, "", "Configuration file; without it the server's."},
	{"verify.receivers", 0, OPTION_TEXT, "", "Fail unless these are the receivers."},
	{"tree", 0, OPTION_FLAG, NULL, "Show the routes that match as a tree."},
	{0},
};

/* -- the tree ------------------------------------------------------------------------- */

/* Which routes to draw: all, or those that match. */
struct drawing {
	struct tool *tool;
	const struct labels *labels; /* NULL: all */
	struct buf out;
};

static bool takes(const struct drawing *d, const struct route *r)
{
	return !d->labels || matchers_hold(&r->matchers, d->labels);
}

/* The children that are visited: with labels, none after one that matched and does not go
 * on. */
static size_t visited(const struct drawing *d, const struct route *r,
		      const struct route **out)
{
	size_t n = 0;

	for (size_t i = 0; i < r->n_kids; i++) {
		if (!takes(d, r->kids[i]))
			continue;
		out[n++] = r->kids[i];
		if (d->labels && !r->kids[i]->goes_on)
			break;
	}
	return n;
}

static void add_node(struct drawing *d, const struct route *r, bool is_last_level)
{
	if (r->matchers.n)
		buf_add_matchers(&d->out, &r->matchers);
	else
		buf_add_text(&d->out, "default-route");
	if (r->goes_on && !d->labels)
		buf_add_text(&d->out, "  continue: true");
	if (!d->labels || is_last_level)
		buf_addf(&d->out, "  receiver: %s", r->receiver->name);
	buf_add_char(&d->out, '\n');
}

static void draw(struct drawing *d, const struct route *r, const char *indent, bool last)
{
	const struct route **kids = ARENA_ARRAY(&d->tool->mem, const struct route *,
						r->n_kids);
	size_t n = visited(d, r, kids);
	const char *deeper = arena_printf(&d->tool->mem, "%s%s", indent,
					  last ? "    " : "│   ");

	buf_addf(&d->out, "%s%s", indent, last ? "└── " : "├── ");
	add_node(d, r, n == 0);
	for (size_t i = 0; i < n; i++)
		draw(d, kids[i], deeper, i + 1 == n);
}

static void print_tree(struct tool *t, const struct config *c, const struct labels *labels,
		       const char *heading, const char *end)
{
	struct drawing d = {t, labels, BUF(BUF_NO_LIMIT)};

	draw(&d, c->root, "", true);
	printf("%s\n.\n%s%s", heading, buf_text(&d.out), end);
	buf_free(&d.out);
}

static void add_json(struct buf *b, const struct route *r)
{
	buf_add_text(b, "{\"receiver\":");
	buf_add_json(b, str_of(r->receiver->name));
	buf_add_text(b, ",\"matchers\":[");
	for (size_t i = 0; i < r->matchers.n; i++) {
		struct buf text = BUF(BUF_NO_LIMIT);

		buf_add_matcher(&text, &r->matchers.v[i]);
		buf_add_text(b, i ? "," : "");
		buf_add_json(b, buf_str(&text));
		buf_free(&text);
	}
	buf_addf(b, "],\"continue\":%s,\"routes\":[", r->goes_on ? "true" : "false");
	for (size_t i = 0; i < r->n_kids; i++) {
		buf_add_text(b, i ? "," : "");
		add_json(b, r->kids[i]);
	}
	buf_add_text(b, "]}");
}

int routes_show(struct tool *t)
{
	const struct config *c = config_from_anywhere(t);
	struct buf b = BUF(BUF_NO_LIMIT);

	if (!c)
		return 1;
	if (t->output == OUTPUT_JSON && !t->is_amtool) {
		add_json(&b, c->root);
		puts(buf_text(&b));
		buf_free(&b);
	} else {
		print_tree(t, c, NULL, "Routing tree:", "\n");
	}
	return 0;
}

/* -- which receivers ------------------------------------------------------------------ */

struct receivers {
	struct arena *mem;
	VEC(const char *) names;
};

static bool add_receivers(const struct route *r, const struct labels *labels,
			  struct receivers *out)
{
	bool taken = false;

	if (!matchers_hold(&r->matchers, labels))
		return false;
	for (size_t i = 0; i < r->n_kids; i++) {
		if (!add_receivers(r->kids[i], labels, out))
			continue;
		taken = true;
		if (!r->kids[i]->goes_on)
			break;
	}
	if (!taken)
		vec_push_in(out->mem, &out->names, r->receiver->name);
	return true;
}

/* key=value arguments, no shorthand; NULL after an error was printed. */
static const struct labels *labels_of_args(struct tool *t)
{
	struct label *v = ARENA_ARRAY(&t->mem, struct label, t->args.n);
	const struct labels *set;
	struct matcher m;
	struct err err;

	for (size_t i = 0; i < t->args.n; i++) {
		if (!matcher_parse(&t->mem, str_of(t->args.v[i]), NOWHERE, t->matchers, &m,
				   NULL, &err)) {
			fail(t, "Failed to parse labels: %s", err.text);
			return NULL;
		}
		if (m.op != MATCH_EQUAL) {
			fail(t, "Labels must be specified as key=value pairs");
			return NULL;
		}
		v[i] = (struct label){m.name, m.value};
	}
	set = labels_new(&t->mem, v, t->args.n, &err);
	if (!set)
		fail(t, "%s", err.text);
	return set;
}

static void print_receivers(const struct receivers *found, bool ok)
{
	struct buf b = BUF(BUF_NO_LIMIT);

	for (size_t i = 0; i < found->names.n; i++) {
		buf_add_text(&b, i ? "," : "");
		buf_add_json(&b, str_of(found->names.v[i]));
	}
	printf("{\"receivers\":[%s],\"ok\":%s}\n", buf_text(&b), ok ? "true" : "false");
	buf_free(&b);
}

static const char *with_commas(const struct receivers *found)
{
	const char *all = "";

	for (size_t i = 0; i < found->names.n; i++)
		all = arena_printf(found->mem, "%s%s%s", all, i ? "," : "",
				   found->names.v[i]);
	return all;
}

int routes_test(struct tool *t)
{
	const char *wanted = option_text(t, "verify.receivers");
	const struct labels *labels = labels_of_args(t);
	const struct config *c = labels ? config_from_anywhere(t) : NULL;
	bool json = t->output == OUTPUT_JSON && !t->is_amtool, ok;
	struct receivers found = {.mem = &t->mem};

	if (!c)
		return 1;
	if (option_on(t, "tree") && !json)
		print_tree(t, c, labels, "Matching routes:", "\n\n");
	add_receivers(c->root, labels, &found);
	ok = !wanted[0] || !strcmp(with_commas(&found), wanted);
	if (json)
		print_receivers(&found, ok);
	else
		puts(with_commas(&found));
	if (!ok && !json)
		puts("WARNING: Expected receivers did not match resolved receivers.");
	return ok ? 0 : 1;
}
