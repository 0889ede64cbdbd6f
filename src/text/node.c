#include "base/base.h"
#include "text/node.h"
#include "base/quote.h"
#include "base/utf8.h"

struct node *node_new(struct arena *mem, enum node_kind kind, uint32_t at, int line)
{
	struct node *n = ARENA_NEW(mem, struct node);

	n->kind = kind;
	n->at = at;
	n->line = line;
	return n;
}

static bool is_blank(struct str s)
{
	uint32_t r;

	while (s.n) {
		s = str_from(s, utf8_decode(s, &r));
		if (r == UTF8_BAD || !utf8_is_space(r))
			return false;
	}
	return true;
}

bool nodes_are_empty(const struct nodes *list)
{
	for (size_t i = 0; i < list->n; i++) {
		if (list->v[i]->kind != NODE_TEXT || !is_blank(list->v[i]->text))
			return false;
	}
	return true;
}

struct node *node_else_branch(const struct node *n)
{
	struct node *only = n->other && n->other->n == 1 ? n->other->v[0] : NULL;

	return only && (only->kind == NODE_IF || only->kind == NODE_WITH) ? only : NULL;
}

struct body *bodies_find(const struct bodies *all, struct str name)
{
	return map_find(&all->map, name);
}

static void free_map(void *arg)
{
	map_free(arg);
}

void bodies_put(struct arena *mem, struct bodies *all, struct body *b)
{
	if (!all->map.cap)
		arena_defer(mem, free_map, &all->map);
	map_put(&all->map, b->name, b);
}

static void print_list(struct buf *b, const struct nodes *list, const char *between)
{
	for (size_t i = 0; i < list->n; i++) {
		const struct node *n = list->v[i];

		if (i)
			buf_add_text(b, between);
		if (n->kind == NODE_PIPE)
			buf_add_char(b, '(');
		node_print(b, n);
		if (n->kind == NODE_PIPE)
			buf_add_char(b, ')');
	}
}

static void print_names(struct buf *b, const struct node *n, size_t from)
{
	for (size_t i = from; i < n->n_names; i++) {
		buf_add_char(b, '.');
		buf_add_str(b, n->names[i]);
	}
}

static void print_pipe(struct buf *b, const struct node *n)
{
	if (n->vars.n) {
		print_list(b, &n->vars, ", ");
		buf_add_text(b, n->assigns ? " = " : " := ");
	}
	print_list(b, &n->commands, " | ");
}

static void print_chain(struct buf *b, const struct node *n)
{
	bool paren = n->base->kind == NODE_PIPE;

	if (paren)
		buf_add_char(b, '(');
	node_print(b, n->base);
	if (paren)
		buf_add_char(b, ')');
	print_names(b, n, 0);
}

static void print_nodes(struct buf *b, const struct nodes *list)
{
	for (size_t i = 0; i < list->n; i++)
		node_print(b, list->v[i]);
}

static void print_block(struct buf *b, const struct node *n)
{
	const struct node *next;
	size_t ends = 1;

	for (;; n = next, ends++) {
		buf_addf(b, "{{%s ",
			 n->kind == NODE_IF	? "if"
			 : n->kind == NODE_WITH ? "with"
						: "range");
		node_print(b, n->pipe);
		buf_add_text(b, "}}");
		print_nodes(b, n->body);
		if (n->other)
			buf_add_text(b, "{{else}}");
		next = node_else_branch(n);
		if (!next)
			break;
	}
	if (n->other)
		print_nodes(b, n->other);
	while (ends--)
		buf_add_text(b, "{{end}}");
}

static void print_template(struct buf *b, const struct node *n)
{
	buf_add_text(b, "{{template ");
	buf_add_quoted(b, n->text);
	if (n->pipe) {
		buf_add_char(b, ' ');
		node_print(b, n->pipe);
	}
	buf_add_text(b, "}}");
}

void node_print(struct buf *b, const struct node *n)
{
	switch (n->kind) {
	case NODE_TEXT:
	case NODE_IDENTIFIER:
	case NODE_NUMBER:
	case NODE_STRING:
	case NODE_BOOL:
		buf_add_str(b, n->text);
		break;
	case NODE_ACTION:
		buf_add_text(b, "{{");
		node_print(b, n->pipe);
		buf_add_text(b, "}}");
		break;
	case NODE_IF:
	case NODE_WITH:
	case NODE_RANGE:
		print_block(b, n);
		break;
	case NODE_TEMPLATE:
		print_template(b, n);
		break;
	case NODE_BREAK:
		buf_add_text(b, "{{break}}");
		break;
	case NODE_CONTINUE:
		buf_add_text(b, "{{continue}}");
		break;
	case NODE_END:
		buf_add_text(b, "{{end}}");
		break;
	case NODE_ELSE:
		buf_add_text(b, "{{else}}");
		break;
	case NODE_PIPE:
		print_pipe(b, n);
		break;
	case NODE_COMMAND:
		print_list(b, &n->args, " ");
		break;
	case NODE_DOT:
		buf_add_char(b, '.');
		break;
	case NODE_NIL:
		buf_add_text(b, "nil");
		break;
	case NODE_FIELD:
		print_names(b, n, 0);
		break;
	case NODE_VARIABLE:
		buf_add_str(b, n->names[0]);
		print_names(b, n, 1);
		break;
	case NODE_CHAIN:
		print_chain(b, n);
		break;
	}
}

void source_line(const struct source *src, size_t offset, int *line, size_t *column)
{
	offset = MIN(offset, src->text.n);
	*line = 1;
	*column = offset;
	for (size_t i = 0; i < offset; i++) {
		if (src->text.p[i] == '\n') {
			++*line;
			*column = offset - i - 1;
		}
	}
}

struct pos source_pos(const struct source *src, size_t offset)
{
	struct pos at = src->at;
	size_t column;
	int line;

	source_line(src, offset, &line, &column);
	if (!at.line)
		return at;
	at.line += line - 1;
	at.col = (int)column + (line == 1 && at.col ? at.col : 1);
	return at;
}
