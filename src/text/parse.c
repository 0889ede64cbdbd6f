#include "base/base.h"
#include "text/parse.h"
#include "base/quote.h"
#include "base/utf8.h"
#include "text/lex.h"

#include <stdio.h>
#include <string.h>

/*	template = { text | action }
 *	action   = "{{" ( control | pipeline ) "}}"
 *	pipeline = [ variables ( ":=" | "=" ) ] command { "|" command }
 *	command  = operand { space operand }
 *	operand  = term { field }				(spec/go-template.md 4) */
struct known { /* a variable's name */
	struct str name;
	size_t n; /* how many of it are to be seen here */
};
struct parser {
	struct arena *mem;
	enum template_funcs funcs;
	const struct source *source;
	struct lexer *lexer;
	struct bodies *out;
	struct err *err;

	/* tokens seen but not used: ahead[n_ahead - 1] is next; ahead[0] was read last */
	struct token ahead[3];
	int n_ahead;
	struct map known;
	VEC(struct known *) vars; /* to be seen here, besides "$" */
	int action_line;	  /* of the action being parsed; 0: none */
	int range_depth;
	int depth; /* of blocks and parentheses */
};

static struct token next(struct parser *p)
{
	if (p->n_ahead)
		return p->ahead[--p->n_ahead];
	p->ahead[0] = lex_next(p->lexer);
	return p->ahead[0];
}

static void back_up(struct parser *p)
{
	p->n_ahead++;
}

static void back_up_two(struct parser *p, struct token before)
{
	p->ahead[1] = before;
	p->n_ahead = 2;
}

static void back_up_three(struct parser *p, struct token first, struct token second)
{
	p->ahead[1] = second;
	p->ahead[2] = first;
	p->n_ahead = 3;
}

static struct token peek(struct parser *p)
{
	if (p->n_ahead)
		return p->ahead[p->n_ahead - 1];
	p->n_ahead = 1;
	p->ahead[0] = lex_next(p->lexer);
	return p->ahead[0];
}

static struct token next_word(struct parser *p)
{
	struct token t;

	do
		t = next(p);
	while (t.kind == TOKEN_SPACE);
	return t;
}

static struct token peek_word(struct parser *p)
{
	struct token t = next_word(p);

	back_up(p);
	return t;
}

/* Go's words name the line it has read up to; the place is that of the culprit. */
static bool fail_at(struct parser *p, uint32_t at, struct str text)
{
	return err_set(p->err, source_pos(p->source, at), "template: %.*s:%d: %.*s",
		       FMT(p->source->name), p->ahead[0].line, FMT(text));
}

static bool fail_text(struct parser *p, struct str text)
{
	return fail_at(p, p->ahead[0].at, text);
}

PRINTF(2, 3) static bool fail(struct parser *p, const char *fmt, ...)
{
	char text[400];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return fail_text(p, str_of(text));
}

static bool fail_quoted(struct parser *p, uint32_t at, const char *before,
			struct str quoted, const char *after)
{
	struct buf b = BUF(4096);

	buf_add_text(&b, before);
	buf_add_quoted(&b, quoted);
	buf_add_text(&b, after);
	fail_at(p, at, buf_str(&b));
	buf_free(&b);
	return false;
}

static bool fail_lexer(struct parser *p, struct token t)
{
	bool unclosed = str_ends(t.text, STR(" action"));

	if (!p->action_line || p->action_line == t.line)
		return fail_text(p, t.text);
	return fail(p, "%.*s%s started at %.*s:%d", FMT(t.text),
		    unclosed ? "" : " in action", FMT(p->source->name), p->action_line);
}

static bool unexpected(struct parser *p, struct token t, const char *context)
{
	struct buf b = BUF(1024);
	bool no;

	if (t.kind == TOKEN_ERROR)
		return fail_lexer(p, t);
	buf_add_text(&b, "unexpected ");
	if (t.kind == TOKEN_EOF) {
		buf_add_text(&b, "EOF");
	} else if (t.kind > TOKEN_KEYWORD) {
		buf_addf(&b, "<%.*s>", FMT(t.text));
	} else if (t.text.n > 10) {
		buf_add_quoted(&b, utf8_first(t.text, 10));
		buf_add_text(&b, "...");
	} else {
		buf_add_quoted(&b, t.text);
	}
	buf_addf(&b, " in %s", context);
	no = fail_text(p, buf_str(&b));
	buf_free(&b);
	return no;
}

static bool expect(struct parser *p, enum token_kind kind, const char *context)
{
	struct token t = next_word(p);

	return t.kind == kind || unexpected(p, t, context);
}

static bool go_deeper(struct parser *p)
{
	if (p->depth == TEMPLATE_MAX_NESTING)
		return fail(p, "max expression depth exceeded");
	p->depth++;
	return true;
}

static struct node *node_at(struct parser *p, enum node_kind kind, struct token t)
{
	return node_new(p->mem, kind, t.at, t.line);
}

/* -- names ---------------------------------------------------------------------------- */

/* ".a.b" or "$x.a" cut into its names, whose array always has room for a power of two. */
static void add_names(struct parser *p, struct node *n, struct str text)
{
	struct str piece;

	if (text.p[0] == '.')
		text = str_from(text, 1);
	while (str_cut(&text, '.', &piece)) {
		if ((n->n_names & (n->n_names - 1)) == 0) {
			struct str *more = ARENA_ARRAY(p->mem, struct str,
						       MAX(n->n_names * 2, 1));

			if (n->n_names)
				memcpy(more, n->names, n->n_names * sizeof(*more));
			n->names = more;
		}
		n->names[n->n_names++] = piece;
	}
}

static struct node *variable_new(struct parser *p, struct token t)
{
	struct node *n = node_at(p, NODE_VARIABLE, t);

	add_names(p, n, t.text);
	return n;
}

static void push_variable(struct parser *p, struct str name)
{
	struct known *k = map_find(&p->known, name);

	if (!k) {
		k = ARENA_NEW(p->mem, struct known);
		k->name = name;
		map_put(&p->known, k->name, k);
	}
	k->n++;
	vec_push_in(p->mem, &p->vars, k);
}

static void pop_variables(struct parser *p, size_t mark)
{
	while (p->vars.n > mark)
		p->vars.v[--p->vars.n]->n--;
}

static bool use_variable(struct parser *p, struct token t, struct node **out)
{
	const struct known *k;
	struct str name;

	*out = variable_new(p, t);
	name = (*out)->names[0];
	k = str_is(name, "$") ? NULL : map_find(&p->known, name);
	return str_is(name, "$") || (k && k->n) ||
	       fail_quoted(p, t.at, "undefined variable ", name, "");
}

static bool use_function(struct parser *p, struct token t, struct node **out)
{
	const struct func *f = func_find(p->funcs, t.text);

	if (!f)
		return fail_quoted(p, t.at, "function ", t.text, " not defined");
	*out = node_at(p, NODE_IDENTIFIER, t);
	(*out)->text = t.text;
	(*out)->func = f;
	return true;
}

/* -- terms ---------------------------------------------------------------------------- */

static bool parse_pipeline(struct parser *p, const char *context, enum token_kind end,
			   struct node **out);

static bool parse_number(struct parser *p, struct token t, struct node **out)
{
	const char *wrong;

	*out = node_at(p, NODE_NUMBER, t);
	(*out)->text = t.text;
	if (t.kind == TOKEN_CHAR_CONSTANT)
		wrong = literal_char(p->mem, t.text, &(*out)->number);
	else if (t.kind == TOKEN_COMPLEX)
		wrong = literal_complex(t.text, &(*out)->number);
	else
		wrong = literal_number(p->mem, t.text, &(*out)->number);
	return !wrong || fail_text(p, str_of(wrong));
}

static bool parse_string(struct parser *p, struct token t, struct node **out)
{
	const char *wrong;

	*out = node_at(p, NODE_STRING, t);
	(*out)->text = t.text;
	wrong = literal_string(p->mem, t.text, &(*out)->string);
	return !wrong || fail_text(p, str_of(wrong));
}

static bool parse_parenthesis(struct parser *p, struct node **out)
{
	bool ok = go_deeper(p) &&
		  parse_pipeline(p, "parenthesized pipeline", TOKEN_RIGHT_PAREN, out);

	p->depth--;
	return ok;
}

/* *out stays NULL when no term stands here. */
static bool parse_term(struct parser *p, struct node **out)
{
	struct token t = next_word(p);

	*out = NULL;
	switch ((int)t.kind) {
	case TOKEN_IDENTIFIER:
		return use_function(p, t, out);
	case TOKEN_DOT:
		*out = node_at(p, NODE_DOT, t);
		return true;
	case TOKEN_NIL:
		*out = node_at(p, NODE_NIL, t);
		return true;
	case TOKEN_VARIABLE:
		return use_variable(p, t, out);
	case TOKEN_FIELD:
		*out = node_at(p, NODE_FIELD, t);
		add_names(p, *out, t.text);
		return true;
	case TOKEN_BOOL:
		*out = node_at(p, NODE_BOOL, t);
		(*out)->text = t.text;
		(*out)->truth = str_is(t.text, "true");
		return true;
	case TOKEN_CHAR_CONSTANT:
	case TOKEN_COMPLEX:
	case TOKEN_NUMBER:
		return parse_number(p, t, out);
	case TOKEN_STRING:
	case TOKEN_RAW_STRING:
		return parse_string(p, t, out);
	case TOKEN_LEFT_PAREN:
		return parse_parenthesis(p, out);
	default:
		back_up(p);
		return true;
	}
}

/* A chain's place is its first field behind the term: Go's columns name the second dot. */
static bool parse_operand(struct parser *p, struct node **out)
{
	struct token first;
	struct node *n, *chain;

	if (!parse_term(p, out))
		return false;
	n = *out;
	first = peek(p);
	if (!n || first.kind != TOKEN_FIELD)
		return true;
	if (n->kind == NODE_FIELD || n->kind == NODE_VARIABLE) {
		n->at = first.at;
		chain = n;
	} else {
		chain = node_at(p, NODE_CHAIN, first);
		chain->base = n;
	}
	while (peek(p).kind == TOKEN_FIELD)
		add_names(p, chain, next(p).text);
	if (n->kind >= NODE_BOOL || n->kind == NODE_NIL || n->kind == NODE_DOT) {
		struct buf b = BUF(4096);
		bool no;

		node_print(&b, n);
		no = fail_quoted(p, first.at, "unexpected . after term ", buf_str(&b), "");
		buf_free(&b);
		return no;
	}
	*out = chain;
	return true;
}

static bool parse_command(struct parser *p, struct node **out)
{
	struct node *operand;
	struct token t;

	*out = node_at(p, NODE_COMMAND, peek_word(p));
	do {
		peek_word(p);
		if (!parse_operand(p, &operand))
			return false;
		if (operand)
			vec_push_in(p->mem, &(*out)->args, operand);
		t = next(p);
	} while (t.kind == TOKEN_SPACE);
	if (t.kind == TOKEN_RIGHT_DELIM || t.kind == TOKEN_RIGHT_PAREN)
		back_up(p);
	else if (t.kind != TOKEN_PIPE)
		return unexpected(p, t, "operand");
	return (*out)->args.n || fail(p, "empty command");
}

/* -- pipelines ------------------------------------------------------------------------ */

static void declare(struct parser *p, struct node *pipe, struct token variable)
{
	struct node *n = variable_new(p, variable);

	vec_push_in(p->mem, &pipe->vars, n);
	push_variable(p, variable.text);
}

/* "$x :=", "$x =", "$i, $x :="; puts back what turns out to be an operand. */
static bool parse_declarations(struct parser *p, struct node *pipe, const char *context)
{
	struct token v, adjacent, after;
	enum token_kind kind;

	for (;;) {
		v = peek_word(p);
		if (v.kind != TOKEN_VARIABLE)
			return true;
		next(p);
		adjacent = peek(p);
		after = peek_word(p);
		if (after.kind == TOKEN_ASSIGN || after.kind == TOKEN_DECLARE) {
			pipe->assigns = after.kind == TOKEN_ASSIGN;
			next_word(p);
			declare(p, pipe, v);
			return true;
		}
		if (after.kind != TOKEN_CHAR || !str_is(after.text, ",")) {
			if (adjacent.kind == TOKEN_SPACE)
				back_up_three(p, v, adjacent);
			else
				back_up_two(p, v);
			return true;
		}
		next_word(p);
		declare(p, pipe, v);
		if (strcmp(context, "range") != 0 || pipe->vars.n >= 2)
			return fail(p, "too many declarations in %s", context);
		kind = peek_word(p).kind;
		if (kind != TOKEN_VARIABLE && kind != TOKEN_RIGHT_DELIM &&
		    kind != TOKEN_RIGHT_PAREN)
			return fail(p, "range can only initialize variables");
	}
}

static bool check_pipeline(struct parser *p, const struct node *pipe, const char *context)
{
	if (!pipe->commands.n)
		return fail(p, "missing value for %s", context);
	for (size_t i = 1; i < pipe->commands.n; i++) {
		enum node_kind kind = pipe->commands.v[i]->args.v[0]->kind;

		if (kind == NODE_BOOL || kind == NODE_DOT || kind == NODE_NIL ||
		    kind == NODE_NUMBER || kind == NODE_STRING)
			return fail(p, "non executable command in pipeline stage %zu",
				    i + 1);
	}
	return true;
}

static bool starts_command(enum token_kind kind)
{
	return kind >= TOKEN_LEFT_PAREN && kind != TOKEN_RIGHT_PAREN &&
	       (kind < TOKEN_KEYWORD || kind == TOKEN_DOT || kind == TOKEN_NIL);
}

static bool parse_pipeline(struct parser *p, const char *context, enum token_kind end,
			   struct node **out)
{
	struct node *pipe = node_at(p, NODE_PIPE, peek_word(p)), *command;
	struct token t;

	*out = pipe;
	if (!parse_declarations(p, pipe, context))
		return false;
	while ((t = next_word(p)).kind != end) {
		if (!starts_command(t.kind))
			return unexpected(p, t, context);
		back_up(p);
		if (!parse_command(p, &command))
			return false;
		vec_push_in(p->mem, &pipe->commands, command);
	}
	return check_pipeline(p, pipe, context);
}

/* -- actions -------------------------------------------------------------------------- */

static bool parse_text_or_action(struct parser *p, struct node **out);

/* Up to {{end}} or {{else}}, which *end becomes. */
static bool parse_list(struct parser *p, struct nodes *list, struct node **end)
{
	struct node *n;

	while (peek_word(p).kind != TOKEN_EOF) {
		if (!parse_text_or_action(p, &n))
			return false;
		if (n->kind == NODE_END || n->kind == NODE_ELSE) {
			*end = n;
			return true;
		}
		vec_push_in(p->mem, list, n);
	}
	return fail(p, "unexpected EOF");
}

static const char *end_text(const struct node *n)
{
	return n->kind == NODE_ELSE ? "{{else}}" : "{{end}}";
}

/* One branch; *end is what follows its body. */
static bool parse_branch(struct parser *p, enum node_kind kind, struct node **out,
			 struct node **end)
{
	const char *context = kind == NODE_IF ? "if" : kind == NODE_WITH ? "with" : "range";
	struct node *n = node_new(p->mem, kind, 0, 0);
	bool ok;

	*out = n;
	n->body = ARENA_NEW(p->mem, struct nodes);
	if (!parse_pipeline(p, context, TOKEN_RIGHT_DELIM, &n->pipe))
		return false;
	n->at = n->pipe->at;
	n->line = n->pipe->line;
	p->range_depth += kind == NODE_RANGE;
	ok = parse_list(p, n->body, end);
	p->range_depth -= kind == NODE_RANGE;
	return ok;
}

/* "{{else if}}" and "{{else with}}" share the {{end}} of the chain they belong to. */
static bool goes_on(struct parser *p, enum node_kind kind)
{
	enum token_kind pending = peek(p).kind;

	if (!(kind == NODE_IF && pending == TOKEN_IF) &&
	    !(kind == NODE_WITH && pending == TOKEN_WITH))
		return false;
	next(p);
	return true;
}

static bool parse_control(struct parser *p, enum node_kind kind, struct node **out)
{
	size_t vars = p->vars.n;
	struct node *n, *inner, *end;

	if (!go_deeper(p) || !parse_branch(p, kind, &n, &end))
		return false;
	*out = n;
	while (end->kind == NODE_ELSE) {
		n->other = ARENA_NEW(p->mem, struct nodes);
		if (goes_on(p, kind)) {
			if (!parse_branch(p, kind, &inner, &end))
				return false;
			vec_push_in(p->mem, n->other, inner);
			n = inner;
			continue;
		}
		if (!parse_list(p, n->other, &end))
			return false;
		if (end->kind == NODE_ELSE)
			return fail(p, "expected end; found %s", end_text(end));
	}
	pop_variables(p, vars);
	p->depth--;
	return true;
}

static bool parse_loop_exit(struct parser *p, struct token word, struct node **out)
{
	bool is_break = word.kind == TOKEN_BREAK;
	struct token t = next_word(p);

	if (t.kind != TOKEN_RIGHT_DELIM)
		return unexpected(p, t, is_break ? "{{break}}" : "{{continue}}");
	if (!p->range_depth)
		return fail(p, "{{%s}} outside {{range}}", is_break ? "break" : "continue");
	*out = node_at(p, is_break ? NODE_BREAK : NODE_CONTINUE, word);
	return true;
}

static bool parse_end_or_else(struct parser *p, struct token word, struct node **out)
{
	struct token t = peek_word(p);

	if (word.kind == TOKEN_ELSE && (t.kind == TOKEN_IF || t.kind == TOKEN_WITH)) {
		*out = node_at(p, NODE_ELSE, t);
		return true;
	}
	*out = node_at(p, word.kind == TOKEN_ELSE ? NODE_ELSE : NODE_END, t);
	return expect(p, TOKEN_RIGHT_DELIM, word.kind == TOKEN_ELSE ? "else" : "end");
}

static bool parse_template_name(struct parser *p, struct token t, const char *context,
				struct str *name)
{
	const char *wrong;

	if (t.kind != TOKEN_STRING && t.kind != TOKEN_RAW_STRING)
		return unexpected(p, t, context);
	wrong = literal_string(p->mem, t.text, name);
	return !wrong || fail_text(p, str_of(wrong));
}

static bool parse_template(struct parser *p, struct node **out)
{
	static const char context[] = "template clause";
	struct token t = next_word(p);

	*out = node_at(p, NODE_TEMPLATE, t);
	if (!parse_template_name(p, t, context, &(*out)->text))
		return false;
	if (next_word(p).kind == TOKEN_RIGHT_DELIM)
		return true;
	back_up(p);
	return parse_pipeline(p, context, TOKEN_RIGHT_DELIM, &(*out)->pipe);
}

/* Adds a body unless a fuller one of the name is there. */
static bool add_body(struct parser *p, struct str name, const struct nodes *root,
		     struct token first)
{
	struct body *b = bodies_find(p->out, name);
	bool is_empty = nodes_are_empty(root);

	if (b && !b->is_empty && !is_empty)
		return fail_quoted(p, first.at,
				   "template: multiple definition of template ", name, "");
	if (b && !b->is_empty)
		return true;
	if (!b) {
		b = ARENA_NEW(p->mem, struct body);
		b->name = name;
		bodies_put(p->mem, p->out, b);
	}
	b->source = p->source;
	b->root = *root;
	b->first = node_at(p, NODE_DOT, first);
	b->is_empty = is_empty;
	return true;
}

/* A body inside this source sees none of the variables or loops around it. */
static struct parser inner_parser(struct parser *p)
{
	return (struct parser){
		.mem = p->mem,
		.funcs = p->funcs,
		.source = p->source,
		.lexer = p->lexer,
		.out = p->out,
		.err = p->err,
		.depth = p->depth,
	};
}

static bool parse_body(struct parser *inner, struct nodes *root, struct node **end,
		       struct token *first)
{
	bool ok = go_deeper(inner);

	*first = peek_word(inner);
	ok = ok && parse_list(inner, root, end);
	inner->depth--;
	map_free(&inner->known);
	return ok;
}

static bool parse_block(struct parser *p, struct node **out)
{
	static const char context[] = "block clause";
	struct token t = next_word(p);
	struct parser inner = inner_parser(p);
	struct nodes root = {0};
	struct token first;
	struct node *end;

	*out = node_at(p, NODE_TEMPLATE, t);
	if (!parse_template_name(p, t, context, &(*out)->text) ||
	    !parse_pipeline(p, context, TOKEN_RIGHT_DELIM, &(*out)->pipe) ||
	    !parse_body(&inner, &root, &end, &first))
		return false;
	if (end->kind != NODE_END)
		return fail(p, "unexpected %s in %s", end_text(end), context);
	return add_body(&inner, (*out)->text, &root, first);
}

static bool parse_define(struct parser *p)
{
	static const char context[] = "define clause";
	struct parser inner = inner_parser(p);
	struct nodes root = {0};
	struct token first;
	struct node *end;
	struct str name;

	if (!parse_template_name(&inner, next_word(&inner), context, &name) ||
	    !expect(&inner, TOKEN_RIGHT_DELIM, context) ||
	    !parse_body(&inner, &root, &end, &first))
		return false;
	if (end->kind != NODE_END)
		return fail(&inner, "unexpected %s in %s", end_text(end), context);
	return add_body(&inner, name, &root, first);
}

static bool parse_action(struct parser *p, struct node **out)
{
	struct token t = next_word(p);

	switch ((int)t.kind) {
	case TOKEN_BLOCK:
		return parse_block(p, out);
	case TOKEN_BREAK:
	case TOKEN_CONTINUE:
		return parse_loop_exit(p, t, out);
	case TOKEN_ELSE:
	case TOKEN_END:
		return parse_end_or_else(p, t, out);
	case TOKEN_IF:
		return parse_control(p, NODE_IF, out);
	case TOKEN_RANGE:
		return parse_control(p, NODE_RANGE, out);
	case TOKEN_WITH:
		return parse_control(p, NODE_WITH, out);
	case TOKEN_TEMPLATE:
		return parse_template(p, out);
	default:
		back_up(p);
		*out = node_at(p, NODE_ACTION, peek(p));
		return parse_pipeline(p, "command", TOKEN_RIGHT_DELIM, &(*out)->pipe);
	}
}

static bool parse_text_or_action(struct parser *p, struct node **out)
{
	struct token t = next_word(p);
	bool ok;

	if (t.kind == TOKEN_TEXT) {
		*out = node_at(p, NODE_TEXT, t);
		(*out)->text = t.text;
		return true;
	}
	if (t.kind != TOKEN_LEFT_DELIM)
		return unexpected(p, t, "input");
	p->action_line = t.line;
	ok = parse_action(p, out);
	p->action_line = 0;
	return ok;
}

static bool parse_top(struct parser *p, struct nodes *root)
{
	struct token delim;
	struct node *n;

	while (peek(p).kind != TOKEN_EOF) {
		if (peek(p).kind == TOKEN_LEFT_DELIM) {
			delim = next(p);
			if (next_word(p).kind == TOKEN_DEFINE) {
				if (!parse_define(p))
					return false;
				continue;
			}
			back_up_two(p, delim);
		}
		if (!parse_text_or_action(p, &n))
			return false;
		if (n->kind == NODE_END || n->kind == NODE_ELSE)
			return fail(p, "unexpected %s", end_text(n));
		vec_push_in(p->mem, root, n);
	}
	return true;
}

struct bodies *parse_source(struct arena *mem, enum template_funcs funcs,
			    const struct source *source, struct err *err)
{
	struct lexer lexer = lex_start(mem, source->text);
	struct parser p = {
		.mem = mem,
		.funcs = funcs,
		.source = source,
		.lexer = &lexer,
		.out = ARENA_NEW(mem, struct bodies),
		.err = err,
	};
	struct nodes root = {0};
	struct token first;
	bool ok;

	if (source->text.n > TEMPLATE_MAX_SOURCE) {
		err_set(err, source->at, "template: %.*s: longer than %d bytes",
			FMT(source->name), TEMPLATE_MAX_SOURCE);
		return NULL;
	}
	first = peek(&p);
	ok = parse_top(&p, &root) && add_body(&p, source->name, &root, first);
	map_free(&p.known);
	return ok ? p.out : NULL;
}
