/* lex.h - a template source cut into tokens, one at a time.
 *
 * Memory:  token texts are pieces of the source; the text of an ERROR is in the arena.
 * Lines:   each token knows the line it began on; places within lines are computed only
 *          when an error needs one.
 * Failure: an ERROR token carries the message; after it come only more of them.
 * Spec:    spec/go-template.md 3.
 */
#pragma once
#include "base/arena.h"
#include "base/str.h"

enum token_kind {
	TOKEN_ERROR,
	TOKEN_EOF,
	TOKEN_TEXT,
	TOKEN_LEFT_DELIM,
	TOKEN_RIGHT_DELIM,
	TOKEN_SPACE,
	TOKEN_CHAR, /* any other printable ASCII, such as a comma */
	TOKEN_ASSIGN,
	TOKEN_DECLARE,
	TOKEN_PIPE,
	TOKEN_LEFT_PAREN,
	TOKEN_RIGHT_PAREN,
	TOKEN_BOOL,
	TOKEN_CHAR_CONSTANT,
	TOKEN_COMPLEX,
	TOKEN_NUMBER,
	TOKEN_STRING,
	TOKEN_RAW_STRING,
	TOKEN_FIELD,
	TOKEN_VARIABLE,
	TOKEN_IDENTIFIER,
	TOKEN_KEYWORD, /* from here on keywords, and the dot */
	TOKEN_BLOCK,
	TOKEN_BREAK,
	TOKEN_CONTINUE,
	TOKEN_DEFINE,
	TOKEN_DOT,
	TOKEN_ELSE,
	TOKEN_END,
	TOKEN_IF,
	TOKEN_NIL,
	TOKEN_RANGE,
	TOKEN_TEMPLATE,
	TOKEN_WITH,
};
struct token {
	enum token_kind kind;
	uint32_t at; /* offset of its first byte in the source */
	int line;
	struct str text;
};

struct lexer {
	struct arena *mem;
	struct str in;
	size_t start, pos; /* of the token being scanned, and how far it got */
	int line, start_line;
	int parens;
	bool inside; /* an action */
};

struct lexer lex_start(struct arena *, struct str source);
struct token lex_next(struct lexer *);

/* A letter, a decimal digit or _ by Unicode. */
bool is_name_rune(uint32_t rune);
