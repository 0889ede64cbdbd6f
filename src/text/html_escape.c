#include "base/base.h"
#include "text/set.h"
#include "base/quote.h"
#include "base/utf8.h"
#include "text/func.h"
#include "text/html_context.h"
#include "text/html_escaper.h"
#include "text/html_script.h"

#include <string.h>
#include <strings.h>

/* The analysis of a template as HTML (spec/go-template.md 18.8, 19). It walks copies of
 * all the bodies that can be reached and writes down what to change in them; the changes
 * are made at the end, when all is well. What a trial run wrote down is cut off again. */

struct edit {
	struct node *node;
	enum html_escaper escapers[3]; /* ACTION */
	size_t n_escapers;
	struct str text; /* TEXT: its new text; TEMPLATE: the name of the copy */
};
struct seen { /* the name of a body's copy, and its latest places in the lists + 1 */
	size_t output, called;
};
struct output { /* the context a body ends in */
	struct seen *seen;
	size_t before; /* what seen->output was */
	struct html_context context;
};
struct called {
	struct seen *seen;
	size_t before;
};
struct loop { /* contexts at its breaks and continues */
	struct loop *outer;
	VEC(struct html_context) breaks, continues;
};
struct escape {
	struct arena *mem;
	struct template *t;
	const struct source *source; /* of the body being walked */
	VEC(struct edit) edits;
	VEC(struct output) outputs;
	VEC(struct called) called;
	struct map seen;
	struct loop *loop;
	size_t work, depth, level; /* what bounds the walk through all contexts */
	size_t copied;		   /* nodes */
};

/* Templates that call each other are analysed once for each context they are called in,
 * loops twice: both multiply when nested. */
#define WORK_MAX   50000
#define TEXT_UNIT  64	  /* bytes of text that count as one node */
#define COPIED_MAX 400000 /* by then no other body is copied */
#define DEPTH_MAX  200
#define LEVELS_MAX 1000 /* of lists within lists, through all the bodies */

static struct html_context escape_list(struct escape *, struct html_context,
				       const struct nodes *);

static struct html_context failed(struct escape *e, const struct node *node,
				  struct buf *text)
{
	struct html_context c = html_failed(e->mem, e->source, node, buf_text(text));

	buf_free(text);
	return c;
}

static struct html_context too_much(struct escape *e, const struct node *node)
{
	struct buf text = BUF(256);

	buf_add_text(&text, "too many contexts to analyse");
	return failed(e, node, &text);
}

/* -- private copies ------------------------------------------------------------------- */

static struct nodes copy_nodes(struct escape *, const struct nodes *);
static struct node *copy_node(struct escape *, const struct node *);

static void copy_parts(struct escape *e, struct node *copy, const struct node *n)
{
	*copy = *n;
	if (n->pipe)
		copy->pipe = copy_node(e, n->pipe);
	if (n->body) {
		copy->body = ARENA_NEW(e->mem, struct nodes);
		*copy->body = copy_nodes(e, n->body);
	}
}

static void copy_branches(struct escape *e, struct node *copy, const struct node *n)
{
	const struct node *next;

	for (;; n = next) {
		e->copied++;
		copy_parts(e, copy, n);
		next = node_else_branch(n);
		if (n->other)
			copy->other = ARENA_NEW(e->mem, struct nodes);
		if (!next)
			break;
		vec_push_in(e->mem, copy->other, ARENA_NEW(e->mem, struct node));
		copy = copy->other->v[0];
	}
	if (n->other)
		*copy->other = copy_nodes(e, n->other);
}

static struct node *copy_node(struct escape *e, const struct node *n)
{
	struct node *copy = ARENA_NEW(e->mem, struct node);

	*copy = *n;
	e->copied++;
	switch ((int)n->kind) {
	case NODE_ACTION:
	case NODE_IF:
	case NODE_WITH:
	case NODE_RANGE:
	case NODE_TEMPLATE:
		copy_branches(e, copy, n);
		break;
	case NODE_PIPE:
		copy->commands = copy_nodes(e, &n->commands);
		break;
	case NODE_COMMAND: /* its words are only exchanged, never changed */
		copy->args.v = ARENA_ARRAY(e->mem, struct node *, n->args.n);
		memcpy(copy->args.v, n->args.v, n->args.n * sizeof(*n->args.v));
		break;
	}
	return copy;
}

static struct nodes copy_nodes(struct escape *e, const struct nodes *list)
{
	struct nodes copy = {ARENA_ARRAY(e->mem, struct node *, list->n), list->n, list->n};

	for (size_t i = 0; i < list->n; i++)
		copy.v[i] = copy_node(e, list->v[i]);
	return copy;
}

static const struct body *original(const struct escape *e, struct str name)
{
	if (str_eq(name, e->t->main->name) && !nodes_are_empty(&e->t->main->root))
		return e->t->main;
	return template_source_body(e->t, name);
}

/* The copy of a body under its name for a context; NULL when there is no such template. */
static struct body *body_for(struct escape *e, struct str name, struct str copy_name)
{
	const struct body *from;
	struct body *b = bodies_find(&e->t->html, copy_name);

	if (b)
		return b;
	from = original(e, name);
	if (!from)
		return NULL;
	b = ARENA_NEW(e->mem, struct body);
	*b = *from;
	b->name = copy_name;
	b->root = copy_nodes(e, &from->root);
	bodies_put(e->mem, &e->t->html, b);
	return b;
}

/* -- joining -------------------------------------------------------------------------- */

/* An action as the next thing: what it would start. */
static struct html_context nudge(struct html_context c)
{
	if (c.state == STATE_TAG) {
		c.state = STATE_ATTR_NAME;
	} else if (c.state == STATE_BEFORE_VALUE) {
		c.state = html_value_state(c.attr);
		c.delim = DELIM_SPACE;
		c.attr = ATTR_NONE;
	} else if (c.state == STATE_AFTER_NAME) {
		c.state = STATE_ATTR_NAME;
		c.attr = ATTR_NONE;
	}
	return c;
}

static struct html_context branch_error(struct escape *e, const struct html_context *a,
					const struct html_context *b,
					const struct node *node, const char *word)
{
	struct buf text = BUF(64 * 1024);

	buf_addf(&text, "{{%s}} branches end in different contexts: ", word);
	html_context_print(&text, a);
	buf_add_text(&text, ", ");
	html_context_print(&text, b);
	return failed(e, node, &text);
}

static struct html_context join(struct escape *e, struct html_context a,
				struct html_context b, const struct node *node,
				const char *word)
{
	struct html_context c;
	struct html_context x, y;

	if (a.state == STATE_ERROR || b.state == STATE_DEAD)
		return a;
	if (b.state == STATE_ERROR || a.state == STATE_DEAD)
		return b;
	if (html_context_eq(&a, &b))
		return a;
	c = a;
	c.part = b.part;
	if (html_context_eq(&c, &b)) {
		c.part = PART_UNKNOWN;
		return c;
	}
	c = a;
	c.js = b.js;
	if (html_context_eq(&c, &b)) {
		c.js = JS_UNKNOWN;
		return c;
	}
	x = nudge(a);
	y = nudge(b);
	if (!html_context_eq(&x, &a) || !html_context_eq(&y, &b)) {
		c = join(e, x, y, node, word);
		if (c.state != STATE_ERROR)
			return c;
	}
	return branch_error(e, &a, &b, node, word);
}

/* Says where it went wrong, to all who hold the error, as Go does. */
static struct html_context prefixed(struct escape *e, struct html_context c, int line,
				    const char *words)
{
	c.error->line = line;
	c.error->text = arena_printf(e->mem, "%s%s", words, c.error->text);
	return c;
}

static struct html_context join_exits(struct escape *e, struct html_context c,
				      const struct html_context *v, size_t n,
				      const char *words)
{
	for (size_t i = 0; i < n && c.state != STATE_ERROR; i++) {
		c = join(e, c, v[i], v[i].node, "range");
		if (c.state == STATE_ERROR)
			c = prefixed(e, c, v[i].node->line, words);
	}
	return c;
}

static struct html_context join_loop(struct escape *e, struct html_context c,
				     const struct loop *loop)
{
	c = join_exits(e, c, loop->breaks.v, loop->breaks.n, "at range loop break: ");
	return join_exits(e, c, loop->continues.v, loop->continues.n,
			  "at range loop continue: ");
}

/* -- trials --------------------------------------------------------------------------- */

struct mark {
	size_t edits, outputs, called;
};

static struct mark mark(const struct escape *e)
{
	return (struct mark){e->edits.n, e->outputs.n, e->called.n};
}

static void cut_back(struct escape *e, struct mark m)
{
	e->edits.n = m.edits;
	while (e->outputs.n > m.outputs) {
		const struct output *o = &e->outputs.v[--e->outputs.n];

		o->seen->output = o->before;
	}
	while (e->called.n > m.called) {
		const struct called *c = &e->called.v[--e->called.n];

		c->seen->called = c->before;
	}
}

static struct seen *see(struct escape *e, struct str name)
{
	struct seen *s = map_find(&e->seen, name);

	if (!s) {
		s = ARENA_NEW(e->mem, struct seen);
		map_put(&e->seen, name, s);
	}
	return s;
}

static void set_called(struct escape *e, struct str name)
{
	struct seen *s = see(e, name);

	vec_push(&e->called, (struct called){s, s->called});
	s->called = e->called.n;
}

static bool was_called(struct escape *e, struct mark since, struct str name)
{
	return see(e, name)->called > since.called;
}

static void set_output(struct escape *e, struct str name, const struct html_context *c)
{
	struct seen *s = see(e, name);

	vec_push(&e->outputs, (struct output){s, s->output, *c});
	s->output = e->outputs.n;
}

static const struct html_context *find_output(struct escape *e, struct str name)
{
	size_t at = see(e, name)->output;

	return at ? &e->outputs.v[at - 1].context : NULL;
}

/* -- branches and loops --------------------------------------------------------------- */

static struct html_context escape_loop(struct escape *e, struct html_context c,
				       const struct node *n)
{
	struct loop loop = {.outer = e->loop}, again = {.outer = e->loop};
	struct html_context c0, c1;
	struct mark m;

	e->loop = &loop;
	c0 = escape_list(e, c, n->body);
	if (c0.state != STATE_ERROR)
		c0 = join_loop(e, c0, &loop);
	e->loop = loop.outer;
	if (c0.state != STATE_ERROR) {
		/* a second round must end as the first did */
		e->loop = &again;
		m = mark(e);
		c1 = escape_list(e, c0, n->body);
		cut_back(e, m);
		c0 = join(e, c0, c1, n, "range");
		if (c0.state == STATE_ERROR)
			c0 = prefixed(e, c0, n->line, "on range loop re-entry: ");
		else
			c0 = join_loop(e, c0, &again);
		e->loop = again.outer;
	}
	vec_free(&loop.breaks);
	vec_free(&loop.continues);
	vec_free(&again.breaks);
	vec_free(&again.continues);
	return c0;
}

static struct html_context escape_range(struct escape *e, struct html_context c,
					const struct node *n)
{
	struct html_context c0 = escape_loop(e, c, n), c1 = c;

	if (c0.state == STATE_ERROR)
		return c0;
	if (n->other)
		c1 = escape_list(e, c, n->other);
	return join(e, c0, c1, n, "range");
}

static bool count_work(struct escape *e, const struct node *n, struct html_context *wrong);

/* A branch and, along its chain, those that its {{else}} leads to; joined from the end. */
static struct html_context escape_branches(struct escape *e, struct html_context c,
					   const struct node *n)
{
	VEC(const struct node *) nodes = {0};
	VEC(struct html_context) ends = {0};
	struct html_context end = c;

	for (const struct node *next = n; next; next = node_else_branch(n)) {
		n = next;
		if (nodes.n && !count_work(e, n, &end))
			break;
		vec_push(&nodes, n);
		vec_push(&ends, escape_list(e, c, n->body));
	}
	if (!node_else_branch(n) && n->other)
		end = escape_list(e, c, n->other);
	for (size_t i = nodes.n; i; i--)
		end = join(e, ends.v[i - 1], end, nodes.v[i - 1],
			   nodes.v[i - 1]->kind == NODE_IF ? "if" : "with");
	vec_free(&nodes);
	vec_free(&ends);
	return end;
}

static struct html_context escape_exit(struct escape *e, struct html_context c,
				       const struct node *n)
{
	c.node = n;
	if (n->kind == NODE_BREAK)
		vec_push(&e->loop->breaks, c);
	else
		vec_push(&e->loop->continues, c);
	return (struct html_context){.state = STATE_DEAD};
}

/* -- template calls ------------------------------------------------------------------- */

/* One try at a body, assuming that calls of itself end as they begin, in *c. */
static bool try_body(struct escape *e, const struct html_context *c, const struct body *b,
		     struct html_context *end)
{
	const struct source *outer = e->source;
	struct mark m;
	bool ok;

	set_output(e, b->name, c);
	m = mark(e);
	e->source = b->source;
	*end = escape_list(e, *c, &b->root);
	e->source = outer;
	ok = end->state != STATE_ERROR &&
	     (!was_called(e, m, b->name) || html_context_eq(c, end));
	if (!ok)
		cut_back(e, m);
	return ok;
}

static struct html_context escape_body(struct escape *e, struct html_context c,
				       const struct body *b)
{
	struct html_context c1, c2;
	struct buf text = BUF(64 * 1024);

	if (try_body(e, &c, b, &c1)) {
		set_output(e, b->name, &c1);
		return c1;
	}
	if (try_body(e, &c1, b, &c2)) {
		set_output(e, b->name, &c2);
		return c2;
	}
	if (c1.state == STATE_ERROR)
		return c1;
	buf_addf(&text, "cannot compute output context for template %.*s", FMT(b->name));
	c1 = html_failed(e->mem, b->source, b->first, buf_text(&text));
	buf_free(&text);
	return c1;
}

static struct html_context escape_tree(struct escape *e, struct html_context c,
				       const struct node *node, struct str name,
				       struct str *copy_name)
{
	const struct html_context *known;
	struct body *b;

	*copy_name = html_context_mangle(e->mem, &c, name);
	set_called(e, *copy_name);
	known = find_output(e, *copy_name);
	if (known)
		return *known;
	if (e->copied > COPIED_MAX && !bodies_find(&e->t->html, *copy_name))
		return too_much(e, node);
	b = body_for(e, name, *copy_name);
	if (!b) {
		struct buf text = BUF(64 * 1024);

		buf_add_text(&text, "no such template ");
		buf_add_quoted(&text, name);
		return failed(e, node, &text);
	}
	if (e->depth == DEPTH_MAX || e->level > LEVELS_MAX) {
		struct buf text = BUF(256);

		buf_add_text(&text, "templates too deep within each other");
		return failed(e, node, &text);
	}
	e->depth++;
	c = escape_body(e, c, b);
	e->depth--;
	return c;
}

static struct html_context escape_template(struct escape *e, struct html_context c,
					   struct node *n)
{
	struct str name;

	c = escape_tree(e, c, n, n->text, &name);
	if (!str_eq(name, n->text))
		vec_push(&e->edits, (struct edit){.node = n, .text = name});
	return c;
}

/* -- actions -------------------------------------------------------------------------- */

static const struct func *command_func(const struct node *command)
{
	const struct node *first = command->args.v[0];

	return first->kind == NODE_IDENTIFIER ? first->func : NULL;
}

static bool is_predefined(const struct func *f)
{
	return f && (strcmp(f->name, "html") == 0 || strcmp(f->name, "urlquery") == 0);
}

static bool misuses_escaper(struct escape *e, const struct html_context *c,
			    const struct node *n, struct html_context *out)
{
	const struct nodes *commands = &n->pipe->commands;

	for (size_t i = 0; i < commands->n; i++) {
		const struct func *f = command_func(commands->v[i]);
		struct buf text = BUF(256);

		if (!is_predefined(f) ||
		    (i + 1 == commands->n &&
		     !(c->state == STATE_ATTR && c->delim == DELIM_SPACE &&
		       strcmp(f->name, "html") == 0)))
			continue;
		buf_addf(&text, "predefined escaper \"%s\" disallowed in template",
			 f->name);
		*out = failed(e, n, &text);
		return true;
	}
	return false;
}

static bool is_css_string(enum html_state s)
{
	return s == STATE_CSS_DQ_STR || s == STATE_CSS_SQ_STR;
}

static void add(struct edit *edit, enum html_escaper escaper)
{
	edit->escapers[edit->n_escapers++] = escaper;
}

/* In a URL, be it an attribute's or a style sheet's. False where it cannot be said. */
static bool choose_for_url(const struct html_context *c, struct edit *edit)
{
	switch (c->part) {
	case PART_NONE:
		add(edit, ESCAPE_URL_FILTER);
		add(edit, is_css_string(c->state) ? ESCAPE_CSS : ESCAPE_URL_NORMALIZE);
		return true;
	case PART_PRE_QUERY:
		add(edit, is_css_string(c->state) ? ESCAPE_CSS : ESCAPE_URL_NORMALIZE);
		return true;
	case PART_QUERY:
		add(edit, ESCAPE_URL);
		return true;
	case PART_UNKNOWN:
		break;
	}
	return false;
}

/* The escapers by state; HTML_ESCAPERS: none, or others decide. */
static const enum html_escaper by_state[HTML_STATES] = {
	[STATE_TEXT] = ESCAPE_HTML,
	[STATE_TAG] = ESCAPE_NAME,
	[STATE_ATTR_NAME] = ESCAPE_NAME,
	[STATE_AFTER_NAME] = HTML_ESCAPERS,
	[STATE_BEFORE_VALUE] = HTML_ESCAPERS,
	[STATE_HTML_CMT] = ESCAPE_COMMENT,
	[STATE_RCDATA] = ESCAPE_RCDATA,
	[STATE_ATTR] = HTML_ESCAPERS,
	[STATE_URL] = HTML_ESCAPERS,
	[STATE_SRCSET] = ESCAPE_SRCSET,
	[STATE_META_CONTENT] = HTML_ESCAPERS,
	[STATE_META_CONTENT_URL] = ESCAPE_URL_FILTER,
	[STATE_JS] = ESCAPE_JS_VALUE,
	[STATE_JS_DQ_STR] = ESCAPE_JS_STRING,
	[STATE_JS_SQ_STR] = ESCAPE_JS_STRING,
	[STATE_JS_TMPL_LIT] = ESCAPE_JS_TEMPLATE,
	[STATE_JS_REGEXP] = ESCAPE_JS_REGEXP,
	[STATE_JS_BLOCK_CMT] = ESCAPE_COMMENT,
	[STATE_JS_LINE_CMT] = ESCAPE_COMMENT,
	[STATE_JS_HTML_OPEN_CMT] = ESCAPE_COMMENT,
	[STATE_JS_HTML_CLOSE_CMT] = ESCAPE_COMMENT,
	[STATE_CSS] = ESCAPE_CSS_FILTER,
	[STATE_CSS_DQ_STR] = HTML_ESCAPERS,
	[STATE_CSS_SQ_STR] = HTML_ESCAPERS,
	[STATE_CSS_DQ_URL] = HTML_ESCAPERS,
	[STATE_CSS_SQ_URL] = HTML_ESCAPERS,
	[STATE_CSS_URL] = HTML_ESCAPERS,
	[STATE_CSS_BLOCK_CMT] = ESCAPE_COMMENT,
	[STATE_CSS_LINE_CMT] = ESCAPE_COMMENT,
	[STATE_ERROR] = HTML_ESCAPERS,
	[STATE_DEAD] = HTML_ESCAPERS,
};

static bool is_url_state(enum html_state s)
{
	return s == STATE_URL || (s >= STATE_CSS_DQ_STR && s <= STATE_CSS_URL);
}

static struct html_context escape_action(struct escape *e, struct html_context c,
					 struct node *n)
{
	struct edit edit = {.node = n};
	struct html_context wrong;

	if (n->pipe->vars.n)
		return c;
	c = nudge(c);
	if (misuses_escaper(e, &c, n, &wrong))
		return wrong;
	if (c.state == STATE_ERROR)
		return c;
	if (is_url_state(c.state) && !choose_for_url(&c, &edit)) {
		struct buf text = BUF(64 * 1024);

		node_print(&text, n);
		buf_add_text(&text, " appears in an ambiguous context within a URL");
		return failed(e, n, &text);
	}
	if (by_state[c.state] != HTML_ESCAPERS)
		add(&edit, by_state[c.state]);
	if (c.state == STATE_JS)
		c.js = JS_DIV;
	if (c.state == STATE_TAG)
		c.state = STATE_ATTR_NAME;
	if (c.delim == DELIM_SPACE)
		add(&edit, ESCAPE_NOSPACE);
	else if (c.delim)
		add(&edit, ESCAPE_ATTR);
	if (edit.n_escapers)
		vec_push(&e->edits, edit);
	return c;
}

/* -- text ----------------------------------------------------------------------------- */

/* Stray less-than signs of text become entities, but for that of a doctype. */
static void add_text_escaped(struct buf *b, struct str s, size_t *written, size_t from,
			     size_t end)
{
	for (size_t i = from; i < end; i++) {
		if (s.p[i] != '<' ||
		    (s.n - i >= 9 && strncasecmp(s.p + i, "<!DOCTYPE", 9) == 0))
			continue;
		buf_add_str(b, str_slice(s, *written, i - *written));
		buf_add_text(b, "&lt;");
		*written = i + 1;
	}
}

static size_t last_less_than(struct str s, size_t from, size_t end)
{
	for (size_t i = end; i > from; i--) {
		if (s.p[i - 1] == '<')
			return i - 1;
	}
	return end;
}

static bool has_line_end(struct str s)
{
	return str_find_char(s, '\n') != STR_NONE || str_find_char(s, '\r') != STR_NONE ||
	       str_find(s, STR("\xE2\x80\xA8")) != STR_NONE ||
	       str_find(s, STR("\xE2\x80\xA9")) != STR_NONE;
}

/* How many bytes at its end opened this comment. */
static size_t opener_length(enum html_state s)
{
	if (s == STATE_HTML_CMT || s == STATE_JS_HTML_OPEN_CMT)
		return 4;
	return s == STATE_JS_HTML_CLOSE_CMT ? 3 : 2;
}

/* What has to change in s between from and end, where the context goes from a to b. */
static void rewrite_piece(struct buf *out, const struct html_context *a,
			  const struct html_context *b, struct str s, size_t *written,
			  size_t from, size_t end)
{
	bool leaves = a->state != b->state;

	if (a->state == STATE_TEXT || a->state == STATE_RCDATA) {
		add_text_escaped(out, s, written, from,
				 leaves ? last_less_than(s, from, end) : end);
	} else if (html_is_comment(a->state) && a->delim == DELIM_NONE) {
		if (a->state == STATE_JS_BLOCK_CMT)
			buf_add_char(out,
				     has_line_end(str_slice(s, *written, end - *written))
					     ? '\n'
					     : ' ');
		else if (a->state == STATE_CSS_BLOCK_CMT)
			buf_add_char(out, ' ');
		*written = end;
	}
	if (leaves && html_is_comment(b->state) && b->delim == DELIM_NONE) {
		size_t start = end - opener_length(b->state);

		buf_add_str(out, str_slice(s, *written, start - *written));
		*written = end;
	}
	if (html_is_script_literal(a->state) &&
	    html_has_script_tag(str_slice(s, from, end - from))) {
		buf_add_str(out, str_slice(s, *written, from - *written));
		buf_add_script_tags_escaped(out, str_slice(s, from, end - from));
		*written = end;
	}
}

static struct html_context escape_text(struct escape *e, struct html_context c,
				       struct node *n)
{
	struct str s = n->text;
	struct buf out = BUF(BUF_NO_LIMIT);
	struct html_context next;
	size_t written = 0, used;

	for (size_t i = 0; i != s.n; i += used) {
		next = html_after_text(e->mem, &c, str_from(s, i), &used);
		rewrite_piece(&out, &c, &next, s, &written, i, i + used);
		ASSERT(used || next.state != c.state);
		c = next;
	}
	if (written && c.state != STATE_ERROR) {
		if (!html_is_comment(c.state) || c.delim != DELIM_NONE)
			buf_add_str(&out, str_from(s, written));
		vec_push(&e->edits,
			 (struct edit){.node = n, .text = buf_keep(&out, e->mem)});
	}
	buf_free(&out);
	return c;
}

/* -- the walk ------------------------------------------------------------------------- */

static bool count_work(struct escape *e, const struct node *n, struct html_context *wrong)
{
	e->work += 1 + (n->kind == NODE_TEXT ? n->text.n / TEXT_UNIT : 0);
	if (e->work <= WORK_MAX)
		return true;
	*wrong = too_much(e, n);
	return false;
}

/* Once too much was done, all that follows can only be an error. */
static bool is_tired(const struct escape *e, const struct html_context *c)
{
	return e->work > WORK_MAX && c->state == STATE_ERROR;
}

static struct html_context escape_node(struct escape *e, struct html_context c,
				       struct node *n)
{
	struct html_context wrong;

	if (!count_work(e, n, &wrong))
		return wrong;
	switch ((int)n->kind) {
	case NODE_TEXT:
		return escape_text(e, c, n);
	case NODE_ACTION:
		return escape_action(e, c, n);
	case NODE_IF:
	case NODE_WITH:
		return escape_branches(e, c, n);
	case NODE_RANGE:
		return escape_range(e, c, n);
	case NODE_TEMPLATE:
		return escape_template(e, c, n);
	case NODE_BREAK:
	case NODE_CONTINUE:
		return escape_exit(e, c, n);
	default:
		BUG("node of kind %d in a body", n->kind);
	}
}

static struct html_context escape_list(struct escape *e, struct html_context c,
				       const struct nodes *list)
{
	e->level++;
	/* on behind an error, too: Go does, and a later one may be what it reports */
	for (size_t i = 0; i < list->n && c.state != STATE_DEAD && !is_tired(e, &c); i++)
		c = escape_node(e, c, list->v[i]);
	e->level--;
	return c;
}

/* -- making the changes --------------------------------------------------------------- */

/* Which function of the language does the same, for those where the user's call may
 * stand in for ours. */
static const char *norm(const struct func *f)
{
	if (f == &html_escapers[ESCAPE_ATTR] || f == &html_escapers[ESCAPE_HTML] ||
	    f == &html_escapers[ESCAPE_RCDATA])
		return "html";
	if (f == &html_escapers[ESCAPE_URL] || f == &html_escapers[ESCAPE_URL_NORMALIZE])
		return "urlquery";
	return f->name;
}

/* Whether f behind last would do nothing, or harm. */
static bool is_redundant(const struct func *last, const struct func *f)
{
	const struct func *e = html_escapers;

	if (last == &e[ESCAPE_COMMENT])
		return f == &e[ESCAPE_ATTR] || f == &e[ESCAPE_HTML];
	if (last == &e[ESCAPE_CSS] || last == &e[ESCAPE_JS_REGEXP] ||
	    last == &e[ESCAPE_JS_STRING] || last == &e[ESCAPE_JS_TEMPLATE])
		return f == &e[ESCAPE_ATTR];
	return last == &e[ESCAPE_URL] && f == &e[ESCAPE_URL_NORMALIZE];
}

static struct node *identifier(struct arena *mem, const struct func *f, uint32_t at)
{
	struct node *n = node_new(mem, NODE_IDENTIFIER, at, 0);

	n->func = f;
	n->text = str_of(f->name);
	return n;
}

static void append_call(struct arena *mem, struct nodes *commands, const struct func *f,
			uint32_t at)
{
	const struct func *last = commands->n ? command_func(commands->v[commands->n - 1])
					      : NULL;
	struct node *command;

	if (last && is_redundant(last, f))
		return;
	command = node_new(mem, NODE_COMMAND, at, 0);
	vec_push_in(mem, &command->args, identifier(mem, f, at));
	vec_push_in(mem, commands, command);
}

static bool is_inserted(const struct nodes *commands, size_t n, const struct func *f)
{
	for (size_t i = 0; i < n; i++) {
		const struct func *there = command_func(commands->v[i]);

		if (there && strcmp(norm(there), norm(f)) == 0)
			return true;
	}
	return false;
}

/* The user's own html or urlquery at the end takes the place of what is equivalent. */
static void commit_action(struct arena *mem, struct node *pipe, const struct edit *edit)
{
	struct nodes *commands = &pipe->commands;
	struct node *last = commands->v[commands->n - 1];
	const struct func *user = command_func(last), *f[3];
	size_t kept;
	bool stands_in = false;

	for (size_t i = 0; i < edit->n_escapers; i++)
		f[i] = &html_escapers[edit->escapers[i]];
	if (is_predefined(user)) {
		if (commands->n == 1 && last->args.n > 1) {
			uint32_t at = last->args.v[0]->at;

			last->args.v[0] = identifier(mem, &html_escapers[ESCAPE_JOIN], at);
			append_call(mem, commands, user, pipe->at);
		}
		for (size_t i = 0; i < edit->n_escapers; i++) {
			if (strcmp(norm(f[i]), user->name) == 0) {
				f[i] = user;
				stands_in = true;
			}
		}
		commands->n -= stands_in;
	}
	kept = commands->n;
	for (size_t i = 0; i < edit->n_escapers; i++) {
		if (!is_inserted(commands, kept, f[i]))
			append_call(mem, commands, f[i], pipe->at);
	}
}

static void commit(struct escape *e)
{
	for (size_t i = 0; i < e->edits.n; i++) {
		const struct edit *edit = &e->edits.v[i];

		if (edit->node->kind == NODE_ACTION)
			commit_action(e->mem, edit->node->pipe, edit);
		else
			edit->node->text = edit->text;
	}
	e->edits.n = 0;
}

/* -- errors and the whole ------------------------------------------------------------- */

static bool fail(struct escape *e, const struct html_error *error, struct str name,
		 struct err *err)
{
	struct pos at = e->t->main->source->at;
	size_t column;
	int line;

	if (!err)
		return false;
	if (error->node && error->source) {
		source_line(error->source, error->node->at, &line, &column);
		return err_set(err, source_pos(error->source, error->node->at),
			       "html/template:%.*s:%d:%zu: %s", FMT(error->source->name),
			       line, column, error->text);
	}
	if (error->line)
		return err_set(err, at, "html/template:%.*s:%d: %s", FMT(name), error->line,
			       error->text);
	return err_set(err, at, "html/template:%.*s%s %s", FMT(name), name.n ? ":" : "",
		       error->text);
}

static bool escape_one(struct escape *e, struct str name, struct err *err)
{
	struct str copy;
	struct html_context c = escape_tree(e, (struct html_context){.state = STATE_TEXT},
					    NULL, name, &copy);
	struct buf text = BUF(4096);

	if (c.state == STATE_ERROR)
		return fail(e, c.error, name, err);
	if (c.state != STATE_TEXT) {
		buf_add_text(&text, "ends in a non-text context: ");
		html_context_print(&text, &c);
		c = failed(e, NULL, &text);
		return fail(e, c.error, name, err);
	}
	return true;
}

/* tmpl calls by names that only show when it runs: every body must be ready for it. Those
 * that cannot be escaped are taken out again. */
static void escape_others(struct escape *e, const struct bodies *all)
{
	const struct body *b;

	for (size_t i = 0; e->work <= WORK_MAX && (b = map_next(&all->map, &i));) {
		struct mark m = mark(e);

		if (!bodies_find(&e->t->html, b->name) && !escape_one(e, b->name, NULL))
			cut_back(e, m);
	}
}

bool html_escape(struct arena *mem, struct template *t, struct err *err)
{
	struct escape e = {.mem = mem, .t = t, .source = t->main->source};
	bool ok;

	/* the main body may be empty and yet not stand for its name */
	if (nodes_are_empty(&t->main->root) &&
	    template_source_body(t, t->main->name) != t->main) {
		struct body *b = ARENA_NEW(mem, struct body);

		*b = *t->main;
		t->html_main = b;
		return true;
	}
	ok = escape_one(&e, t->main->name, err);
	if (ok && template_set_funcs(t->set) == FUNCS_CONSOLE) {
		escape_others(&e, &t->own);
		escape_others(&e, template_set_bodies(t->set));
	}
	if (ok) {
		commit(&e);
		t->html_main = bodies_find(&t->html, t->main->name);
	}
	vec_free(&e.edits);
	vec_free(&e.outputs);
	vec_free(&e.called);
	map_free(&e.seen);
	return ok;
}
