/* node.h - a parsed template: what parse.c builds, exec.c walks and html_escape.c amends.
 *
 * Memory:  in the arena of the set or template; source texts outlive the nodes.
 * Places:  a node keeps the offset of its first token; source_pos turns it into a place.
 */
#pragma once
#include "base/buf.h"
#include "base/err.h"
#include "base/map.h"
#include "base/vec.h"
#include "text/literal.h"

struct func;
struct source {
	struct str name; /* as in "template: name:1: ..." */
	struct str text;
	struct pos at; /* of its first byte */
};

enum node_kind {
	NODE_TEXT,
	NODE_ACTION,
	NODE_IF,
	NODE_WITH,
	NODE_RANGE,
	NODE_TEMPLATE,
	NODE_BREAK,
	NODE_CONTINUE,
	NODE_END,  /* only on the way through the parser */
	NODE_ELSE, /* the same */
	NODE_PIPE,
	NODE_COMMAND,
	NODE_DOT,
	NODE_NIL,
	NODE_FIELD,
	NODE_VARIABLE,
	NODE_CHAIN,
	NODE_IDENTIFIER,
	NODE_BOOL,
	NODE_NUMBER,
	NODE_STRING,
};

struct node;
struct nodes {
	struct node **v;
	size_t n, cap;
};
struct node {
	enum node_kind kind;
	uint32_t at;
	int line;
	struct str
		text; /* TEXT: itself; IDENTIFIER, TEMPLATE: a name; literals: as written */
	union {
		struct { /* ACTION, IF, WITH, RANGE, TEMPLATE */
			struct node *pipe;
			struct nodes *body, *other; /* other: NULL without {{else}} */
		};
		struct { /* PIPE */
			struct nodes vars, commands;
			bool assigns;
		};
		struct nodes args; /* COMMAND */
		struct {	   /* FIELD, VARIABLE (names[0] is the variable), CHAIN */
			struct str *names;
			size_t n_names;
			struct node *base; /* CHAIN */
		};
		const struct func *func; /* IDENTIFIER */
		struct number number;
		struct str string;
		bool truth;
	};
};

/* A named body: the main one of a source, or one that it defines. */
struct body {
	struct str name;
	const struct source *source;
	struct nodes root;
	const struct node
		*first; /* where its list begins, for complaints about all of it */
	bool is_empty;	/* only white space */
};
struct bodies { /* a name space, in the arena; map_next goes through it */
	struct map map;
};

struct node *node_new(struct arena *, enum node_kind, uint32_t at, int line);
bool nodes_are_empty(const struct nodes *); /* only white space */
/* The "{{if}}" or "{{with}}" that a branch's {{else}} consists of: such chains are as long
 * as one likes, so who walks a template goes along them without nesting. Or NULL. */
struct node *node_else_branch(const struct node *);

struct body *bodies_find(const struct bodies *, struct str name);
void bodies_put(struct arena *, struct bodies *, struct body *); /* replaces */

/* The canonical form, as error texts show it. */
void node_print(struct buf *, const struct node *);

struct pos source_pos(const struct source *, size_t offset);
/* Line from 1 and byte column from 0, as Go counts. */
void source_line(const struct source *, size_t offset, int *line, size_t *column);
