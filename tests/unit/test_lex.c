#include "unit/template_case.h"
#include "text/lex.h"

/* The kinds of the tokens as letters, an error as its message. */
static const char letters[] = {
	[TOKEN_ERROR] = '!',	   [TOKEN_EOF] = '$',
	[TOKEN_TEXT] = 't',	   [TOKEN_LEFT_DELIM] = '<',
	[TOKEN_RIGHT_DELIM] = '>', [TOKEN_SPACE] = '_',
	[TOKEN_CHAR] = 'c',	   [TOKEN_ASSIGN] = '=',
	[TOKEN_DECLARE] = ':',	   [TOKEN_PIPE] = '|',
	[TOKEN_LEFT_PAREN] = '(',  [TOKEN_RIGHT_PAREN] = ')',
	[TOKEN_BOOL] = 'b',	   [TOKEN_CHAR_CONSTANT] = 'r',
	[TOKEN_COMPLEX] = 'x',	   [TOKEN_NUMBER] = 'n',
	[TOKEN_STRING] = 's',	   [TOKEN_RAW_STRING] = 'w',
	[TOKEN_FIELD] = 'f',	   [TOKEN_VARIABLE] = 'v',
	[TOKEN_IDENTIFIER] = 'i',  [TOKEN_BLOCK] = 'K',
	[TOKEN_BREAK] = 'K',	   [TOKEN_CONTINUE] = 'K',
	[TOKEN_DEFINE] = 'K',	   [TOKEN_DOT] = '.',
	[TOKEN_ELSE] = 'K',	   [TOKEN_END] = 'K',
	[TOKEN_IF] = 'K',	   [TOKEN_NIL] = 'N',
	[TOKEN_RANGE] = 'K',	   [TOKEN_TEMPLATE] = 'K',
	[TOKEN_WITH] = 'K',
};

static void cuts(void **state)
{
	static const struct {
		const char *in, *want;
	} cases[] = {
		{"", "$"},
		{"text", "t$"},
		{"a{{.x}}b", "t<f>t$"},
		{"a {{- .x -}} b", "t<f>t$"},
		{" {{- .x -}} ", "<f>$"},
		{"{{.a.b $x | f \"s\" `w` 'c' 1 nil true}}", "<ff_v_|_i_s_w_r_n_N_b>$"},
		{"{{$x := .}}{{$x = 1}}", "<v_:_.><v_=_n>$"},
		{"{{/* c */}}", "$"},
		{"a{{- /* c */ -}} b", "tt$"},
		{"{{(.x)}}", "<(f)>$"},
		{"{{if .}}{{else}}{{end}}", "<K_.><K><K>$"},
		{"{{-3}}", "<n>$"},
		{"{{1+2i}}", "<x>$"},
		{"{{.x}}}}", "<f>t$"},
		{"{{", "<!unclosed action"},
		{"{{.x", "<f!unclosed action"},
		{"{{/* c", "!unclosed comment"},
		{"{{/* c */ }}", "!comment ends before closing delimiter"},
		{"{{.my-label}}", "<!bad character U+002D '-'"},
		{"{{\"a\n\"}}", "<!unterminated quoted string"},
		{"{{`a}}", "<!unterminated raw quoted string"},
		{"{{'a}}", "<!unterminated character constant"},
		{"{{1a}}", "<!bad number syntax: \"1a\""},
		{"{{(}}", "<(!unclosed left paren"},
		{"{{)}}", "<!unexpected right paren"},
		{"{{:x}}", "<!expected :="},
		{"{{\x01}}", "<!unrecognized character in action: U+0001"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct arena mem = {0};
		struct lexer l = lex_start(&mem, str_of(cases[i].in));
		struct buf got = BUF(4096);
		struct token t;

		do {
			t = lex_next(&l);
			buf_add_char(&got, letters[t.kind]);
		} while (t.kind != TOKEN_EOF && t.kind != TOKEN_ERROR);
		if (t.kind == TOKEN_ERROR)
			buf_add_str(&got, t.text);
		check_text(cases[i].in, cases[i].want, buf_text(&got));
		buf_free(&got);
		arena_free(&mem);
	}
}

static void counts_lines(void **state)
{
	struct arena mem = {0};
	struct lexer l = lex_start(&mem, STR("a\n{{-\n.x\n-}}\n\nb"));
	struct token t;
	int lines[8], n = 0;

	(void)state;
	do {
		t = lex_next(&l);
		lines[n++] = t.line;
	} while (t.kind != TOKEN_EOF);
	assert_int_equal(n, 6); /* a {{ .x }} b EOF */
	assert_int_equal(lines[0], 1);
	assert_int_equal(lines[1], 2);
	assert_int_equal(lines[2], 3);
	assert_int_equal(lines[3], 4);
	assert_int_equal(lines[4], 6);
	arena_free(&mem);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cuts),
		cmocka_unit_test(counts_lines),
	};

	return cmocka_run_group_tests_name("lex", tests, NULL, NULL);
}
