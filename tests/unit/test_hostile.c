/* test_hostile [-v] - templates meant to take long: loading and running each must end
 * within BOUND_MS of processor time under the default limits. -v prints the times. */
#include "unit/template_case.h"

#include <time.h>

#if defined(__SANITIZE_ADDRESS__)
#define SLOWER 10
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SLOWER 10
#endif
#endif
#ifndef SLOWER
#define SLOWER 1
#endif

#define BOUND_MS 300 /* some 100 where this was written */
#define TRIES	 3   /* the machine may be busy */

static bool is_verbose;

static double cpu_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* A template of start, n times more, and end; %d in more counts. */
struct hostile {
	const char *what, *start, *more;
	int n; /* 0: as many as fit into TEMPLATE_MAX_SOURCE */
	const char *end;
	enum template_engine engine;
	enum template_funcs funcs; /* FUNCS_BASIC: FUNCS_NOTIFY */
};

static void add_piece(struct buf *b, const char *piece, int n)
{
	const char *mark;

	while ((mark = strstr(piece, "%d"))) {
		buf_add(b, piece, (size_t)(mark - piece));
		buf_add_int(b, n);
		piece = mark + 2;
	}
	buf_add_text(b, piece);
}

static void build(struct buf *b, const struct hostile *h)
{
	size_t most = TEMPLATE_MAX_SOURCE - strlen(h->end) - strlen(h->more) - 60;

	buf_add_text(b, h->start);
	for (int i = 0; h->more[0] && (h->n ? i < h->n : b->n < most); i++)
		add_piece(b, h->more, i);
	buf_add_text(b, h->end);
}

struct times {
	double load, check, run;
};

static struct times measure(const struct hostile *h, struct str text)
{
	enum template_funcs funcs = h->funcs == FUNCS_BASIC ? FUNCS_NOTIFY : h->funcs;
	struct arena mem = {0}, step = {0};
	struct template_set *set = template_set_new(&mem, funcs);
	struct template_run run = {.mem = &step, .now = {1700000000, 0, 0}};
	struct buf out = BUF(TEMPLATE_MAX_OUTPUT);
	struct errs errs = {.mem = &mem};
	struct times t = {0};
	const struct template *parsed;
	struct err err = {0};
	double start = cpu_ms();

	parsed = template_parse(&mem, set, h->engine, "", text, (struct pos){"f", 1, 1},
				&err);
	t.load = cpu_ms() - start;
	if (parsed) {
		start = cpu_ms();
		template_check(parsed, notice_type, &errs);
		t.check = cpu_ms() - start;
		start = cpu_ms();
		if (template_render(parsed, &run, VALUE_INVALID, &out, &err) == RENDERED)
			strcpy(err.text, "(rendered)");
		t.run = cpu_ms() - start;
	}
	if (is_verbose)
		printf("%-28s load %7.1f  check %7.1f  run %7.1f ms  %7zu steps  %.70s\n",
		       h->what, t.load, t.check, t.run, run.steps, err.text);
	buf_free(&out);
	arena_free(&step);
	arena_free(&mem);
	return t;
}

static double slowest(const struct times *t)
{
	return MAX(t->load, MAX(t->check, t->run));
}

static const struct hostile cases[] = {
	/* what loading does */
	{"defines", "", "{{define \"t%d\"}}x{{end}}", 0, "", 0, 0},
	{"defines called", "", "{{define \"t%d\"}}x{{end}}{{template \"t%d\"}}", 0, "", 0,
	 0},
	{"defines called in HTML", "", "{{define \"t%d\"}}x{{end}}{{template \"t%d\"}}", 0,
	 "", TEMPLATE_HTML, 0},
	{"blocks", "", "{{block \"t%d\" .}}x{{end}}", 0, "", 0, 0},
	{"empty redefinitions", "", "{{/**/}} {{define \"t\"}} {{end}}", 0, "", 0, 0},
	{"blank comments", "{{define \"t\"}}", " {{/**/}}", 60000, "{{end}}", 0, 0},
	{"variables", "", "{{$v%d:=1}}", 0, "", 0, 0},
	{"variables used", "", "{{$v%d:=1}}{{$v%d}}", 0, "", 0, 0},
	{"first variable used", "{{$v:=1}}", "{{$v%d:=1}}{{$v}}", 0, "", 0, 0},
	{"variables assigned in loops", "", "{{$v%d:=1}}{{range 1}}{{$v%d = 2}}{{end}}", 0,
	 "", 0, 0},
	{"complaints", "", "{{.Nope}}", 0, "", 0, 0},
	{"complaints in lines", "", "{{.Nope}}\n", 0, "", 0, 0},
	{"nested loops checked", "", "{{range 1}}", 490, "{{$x := 1}}{{$x}}{{$x}}", 0, 0},
	{"long chain", "{{.", "a.", 0, "a}}", 0, 0},
	{"long pipeline", "{{1", "|print", 0, "}}", 0, 0},
	{"many arguments", "{{print", " 1", 0, "}}", 0, 0},
	{"many keys", "{{dict", " \"%d\" 1", 0, "}}", 0, 0},
	{"parentheses", "{{", "(", 0, "", 0, 0},
	{"else if", "{{if false}}", "{{else if false}}%d", 0, "{{end}}", 0, 0},
	{"else with", "{{with false}}", "{{else with false}}%d", 0, "{{end}}", 0, 0},
	{"long string", "{{\"", "\\n", 0, "\"}}", 0, 0},
	{"long number", "{{", "1", 0, "}}", 0, 0},
	{"long float", "{{0.", "1", 0, "e3}}", 0, 0},
	{"long exponent", "{{1e", "9", 0, "}}", 0, 0},
	{"unclosed comments", "", "{{/*", 0, "", 0, 0},
	{"trim markers", "", "{{- 1 -}}   ", 0, "", 0, 0},
	{"spaces trimmed", "{{1 -}}", " ", 0, "{{- 1}}", 0, 0},
	/* what the HTML analysis does */
	{"HTML: quotes in script", "<script>", "\"\"", 0, "", TEMPLATE_HTML, 0},
	{"HTML: slashes in script", "<script>", "/a/;", 0, "", TEMPLATE_HTML, 0},
	{"HTML: templates in script", "<script>", "`", 0, "", TEMPLATE_HTML, 0},
	{"HTML: braces in script", "<script>", "{", 0, "", TEMPLATE_HTML, 0},
	{"HTML: signs in script", "<script>", "+-", 0, "", TEMPLATE_HTML, 0},
	{"HTML: less in script", "<script>", "<", 0, "", TEMPLATE_HTML, 0},
	{"HTML: escapes in CSS string", "<style>a{b:\"", "\\a", 0, "", TEMPLATE_HTML, 0},
	{"HTML: escapes in style", "<p style='a:\"", "\\a", 0, "", TEMPLATE_HTML, 0},
	{"HTML: spaces escaped in style", "<p style='a:\"", "\\20 ", 0, "", TEMPLATE_HTML,
	 0},
	{"HTML: parentheses in style", "<style>", "   (", 0, "", TEMPLATE_HTML, 0},
	{"HTML: blanks in style", "<style>", " ", 0, "(((", TEMPLATE_HTML, 0},
	{"HTML: comments in style", "<style>", "/**/", 0, "", TEMPLATE_HTML, 0},
	{"HTML: tags", "", "<a>", 0, "", TEMPLATE_HTML, 0},
	{"HTML: less signs", "", "<", 0, "", TEMPLATE_HTML, 0},
	{"HTML: comments", "", "<!---->", 0, "", TEMPLATE_HTML, 0},
	{"HTML: attributes", "<a ", "b=c ", 0, "", TEMPLATE_HTML, 0},
	{"HTML: bare attributes", "<a ", "b ", 0, "", TEMPLATE_HTML, 0},
	{"HTML: quotes in value", "<a b='", "&quot;", 0, "'>", TEMPLATE_HTML, 0},
	{"HTML: ampersands", "<a b='", "&", 0, "'>", TEMPLATE_HTML, 0},
	{"HTML: meta content", "<meta content='", "url=;", 0, "'>", TEMPLATE_HTML, 0},
	{"HTML: meta url", "<meta content='", "url ", 0, "'>", TEMPLATE_HTML, 0},
	{"HTML: textarea", "<textarea>", "</textare", 0, "", TEMPLATE_HTML, 0},
	{"HTML: title", "", "<title></title>", 0, "", TEMPLATE_HTML, 0},
	{"HTML: script ends", "", "<script></script>", 0, "", TEMPLATE_HTML, 0},
	{"HTML: actions", "", "{{.}}", 0, "", TEMPLATE_HTML, 0},
	{"HTML: actions in URL", "<a href='", "{{.}}", 0, "'>", TEMPLATE_HTML, 0},
	{"HTML: actions in script", "<script>", "{{.}};", 0, "</script>", TEMPLATE_HTML, 0},
	{"HTML: nested loops", "", "{{range 1}}", 490, "", TEMPLATE_HTML, 0},
	{"HTML: nested loops, ended", "", "{{range 1}}", 20,
	 "{{end}}{{end}}{{end}}{{end}}{{end}}{{end}}{{end}}{{end}}{{end}}{{end}}"
	 "{{end}}{{end}}{{end}}{{end}}{{end}}{{end}}{{end}}{{end}}{{end}}{{end}}",
	 TEMPLATE_HTML, 0},
	{"HTML: breaks", "{{range 1}}", "{{if 1}}{{break}}{{end}}", 0, "{{end}}",
	 TEMPLATE_HTML, 0},
	{"HTML: calls", "{{define \"t\"}}<b>{{end}}", "{{template \"t\"}}", 0, "",
	 TEMPLATE_HTML, 0},
	{"HTML: chain of calls", "{{template \"t0\"}}",
	 "{{define \"t%d\"}}x{{template \"u%d\"}}{{end}}{{define \"u%d\"}}{{end}}", 0, "",
	 TEMPLATE_HTML, 0},
	{"HTML: many contexts of a large body",
	 "<script>{{template \"t\"}}{{define \"t\"}}`${ {{template \"t\"}}", "{{.}}", 0,
	 "{{end}}", TEMPLATE_HTML, 0},
	{"HTML: for the console", "", "{{define \"t%d\"}}<a href='{{.}}'>{{end}}", 0, "",
	 TEMPLATE_HTML, FUNCS_CONSOLE},
	/* what running does */
	{"range", "", "{{range 9223372036854775807}}{{end}}", 1, "", 0, 0},
	{"range, a text", "", "{{range 9223372036854775807}}x{{end}}", 1, "", 0, 0},
	{"range, a variable", "", "{{range $i := 9223372036854775807}}{{$i}}{{end}}", 1, "",
	 0, 0},
	{"range, printf", "",
	 "{{range $i := 9223372036854775807}}{{$x := printf \"%q %v\" \"a\" $i}}{{end}}", 1,
	 "", 0, 0},
	{"range, floats", "",
	 "{{range $i := 9223372036854775807}}{{$x := print 1.7976931348623157e308}}{{end}}",
	 1, "", 0, 0},
	{"range, wide floats", "",
	 "{{range 9223372036854775807}}{{$x := printf \"%.1000f\" 1e308}}{{end}}", 1, "", 0,
	 0},
	{"range, denormals", "",
	 "{{range 9223372036854775807}}{{$x := printf \"%.1074f\" 5e-324}}{{end}}", 1, "",
	 0, 0},
	{"range, hex floats", "",
	 "{{range 9223372036854775807}}{{$x := printf \"%.2000x%b\" 5e-324 1e9}}{{end}}", 1,
	 "", 0, 0},
	{"range, times", "",
	 "{{range 9223372036854775807}}{{$x := now | date \"Mon Jan 2 15:04:05 MST 2006\"}}"
	 "{{end}}",
	 1, "", 0, 0},
	{"range, times printed", "",
	 "{{$n := now}}{{range 9223372036854775807}}{{$x := print $n}}{{end}}", 1, "", 0,
	 0},
	{"range, times parsed", "",
	 "{{range 9223372036854775807}}{{$x := toDate \"2006-01-02\" "
	 "\"2024-01-02\"}}{{end}}",
	 1, "", 0, 0},
	{"range, JSON", "",
	 "{{$l := list 1 2.5 \"a\" (dict \"a\" now)}}{{range 9223372036854775807}}"
	 "{{$x := toJson $l}}{{end}}",
	 1, "", 0, 0},
	{"range, lists printed", "",
	 "{{$l := list 1 2.5 \"a\" (dict \"a\" now) 1 2 3 4 5 6 7}}"
	 "{{range 9223372036854775807}}{{$x := print $l}}{{end}}",
	 1, "", 0, 0},
	{"range, HTML", "<a href='", "{{range 9223372036854775807}}{{.}}{{end}}", 1, "'>",
	 TEMPLATE_HTML, 0},
	{"range, HTML script", "<script>", "{{range 9223372036854775807}}{{.}}{{end}}", 1,
	 "</script>", TEMPLATE_HTML, 0},
	{"range, HTML lists", "{{$l := list 1 2.5 \"a\" (dict \"a\" 1)}}<script>",
	 "{{range 9223372036854775807}}{{$l}};{{end}}", 1, "</script>", TEMPLATE_HTML, 0},
	{"deep calls",
	 "{{define \"t\"}}{{if .}}{{template \"t\" (slice . 1)}}{{template \"t\" "
	 "(slice . 1)}}{{end}}{{end}}{{template \"t\" \"",
	 "0", 390, "\"}}", 0, 0},
	{"wide calls", "{{define \"t\"}}", "{{template \"t\"}}", 0,
	 "{{end}}{{template \"t\"}}", 0, 0},
	{"wide formats", "", "{{printf \"%9999999d\" 1}}", 1000, "", 0, 0},
	{"wide formats, thrown away", "",
	 "{{range 1000}}{{$x := printf \"%9999999d\" 1}}{{end}}", 1, "", 0, 0},
	{"wide formats, measured", "",
	 "{{range 1000}}{{len (printf \"%999999d\" 1)}}{{end}}", 1, "", 0, 0},
	{"many directives", "{{printf \"", "%d", 0, "\"}}", 0, 0},
	{"bad directives", "{{printf \"", "%!", 0, "\"}}", 0, 0},
	{"doubling", "{{$s := \"x\"}}{{range 100}}{{$s = printf \"%s%s\" $s $s}}{{end}}",
	 "", 0, "", 0, 0},
	{"growing text",
	 "{{$s := \"\"}}{{range 1000000}}{{$s = print $s \"xxxxxxxxxxxxxxxx\"}}{{end}}", "",
	 0, "", 0, 0},
	{"growing list", "{{$l := list}}{{range 100000}}{{$l = append $l 1}}{{end}}", "", 0,
	 "", 0, 0},
	{"nested list",
	 "{{$l := list 1}}{{range 60}}{{$l = list $l $l}}{{end}}{{$x := print $l}}", "", 0,
	 "", 0, 0},
	{"nested list as JSON",
	 "{{$l := list 1}}{{range 60}}{{$l = list $l $l}}{{end}}{{toJson $l}}", "", 0, "",
	 0, 0},
	{"nested empty list as JSON",
	 "{{$l := dict}}{{range 60}}{{$l = list $l $l}}{{end}}{{toJson $l}}", "", 0, "", 0,
	 0},
	{"nested list in script",
	 "{{$l := list 1}}{{range 60}}{{$l = list $l $l}}{{end}}<script>{{$l}}</script>",
	 "", 0, "", TEMPLATE_HTML, 0},
	{"nested list compared",
	 "{{$l := list 1}}{{range 60}}{{$l = list $l $l}}{{end}}{{eq $l $l}}", "", 0, "", 0,
	 0},
	{"large texts again and again",
	 "{{$s := printf \"%1000000s\" \"\"}}{{range 9999999}}{{$x := toUpper $s}}{{end}}",
	 "", 0, "", 0, 0},
	{"title again and again",
	 "{{$s := printf \"%1000000s\" \"\"}}{{range 9999999}}{{$x := title $s}}{{end}}",
	 "", 0, "", 0, 0},
	{"quoting again and again",
	 "{{$s := printf \"%1000000s\" \"\"}}{{range 9999999}}{{$x := printf \"%+q\" "
	 "$s}}{{end}}",
	 "", 0, "", 0, 0},
	{"large texts compared",
	 "{{$s := printf \"%1000000s\" \"\"}}{{$t := printf \"%1000000s\" \"\"}}"
	 "{{range 9999999}}{{$x := eq $s $t}}{{end}}",
	 "", 0, "", 0, 0},
	{"large texts trimmed",
	 "{{$s := printf \"%1000000s\" \"\"}}{{range 9999999}}{{$x := trimSpace "
	 "$s}}{{end}}",
	 "", 0, "", 0, 0},
	{"large texts cut off",
	 "{{$s := printf \"%1000000s\" \"\"}}{{range 9999999}}{{$x := printf \"%.1s\" "
	 "$s}}{{end}}",
	 "", 0, "", 0, 0},
	{"large texts as dates",
	 "{{$s := printf \"%1000000s\" \"\"}}{{range 9999999}}{{$x := now | date "
	 "$s}}{{end}}",
	 "", 0, "", 0, 0},
	{"large layouts",
	 "{{$s := printf \"%300000s\" \"\" | reReplaceAll \" \" \"2006\"}}"
	 "{{range 9999999}}{{$x := now | date $s}}{{end}}",
	 "", 0, "", 0, 0},
	{"large layouts parsed",
	 "{{$s := printf \"%300000s\" \"\" | reReplaceAll \" \" \"2006\"}}"
	 "{{range 9999999}}{{$x := toDate $s $s}}{{end}}",
	 "", 0, "", 0, 0},
	{"large texts in attributes",
	 "{{$s := printf \"%1000000s\" \"\"}}<a b={{range 9999999}}{{$x := safeHtml "
	 "$s}}{{$x}}"
	 "{{end}}>",
	 "", 0, "", TEMPLATE_HTML, 0},
	{"tags stripped",
	 "{{$s := printf \"%300000s\" \"\" | reReplaceAll \" \" \"<a b=c \" | safeHtml}}"
	 "<a b='{{range 9999999}}{{$s}}{{end}}'>",
	 "", 0, "", TEMPLATE_HTML, 0},
	{"less signs stripped",
	 "{{$s := printf \"%900000s\" \"\" | reReplaceAll \" \" \"<\" | safeHtml}}"
	 "<a b='{{range 9999999}}{{$s}}{{end}}'>",
	 "", 0, "", TEMPLATE_HTML, 0},
	{"styles stripped",
	 "{{$s := printf \"%300000s\" \"\" | reReplaceAll \" \" \"\\\\a\"}}"
	 "{{$s := safeHtml (print \"<style>a{b:'\" $s)}}<a b='{{$s}}'>",
	 "", 0, "", TEMPLATE_HTML, 0},
	{"large list joined",
	 "{{$l := stringSlice \"\" \"\" \"\" \"\" \"\" \"\" \"\"}}{{$s := printf "
	 "\"%100000s\" \"\"}}"
	 "{{range 9999999}}{{$x := join $s $l}}{{end}}",
	 "", 0, "", 0, 0},
	{"large list sliced",
	 "{{$l := list}}{{range 1000}}{{$l = append $l 1}}{{end}}{{range 9999999}}"
	 "{{$x := slice $l 1}}{{end}}",
	 "", 0, "", 0, 0},
	{"variables looked up", "{{$v:=1}}", "{{$v%d:=1}}", 60000,
	 "{{range 9999999}}{{$x := $v}}{{end}}", 0, 0},
	{"variables assigned", "{{$v:=1}}", "{{$v%d:=1}}", 60000,
	 "{{range 9999999}}{{$v = 1}}{{end}}", 0, 0},
	{"map keys", "{{$d := dict", " \"k%d\" 1", 900,
	 "}}{{range 9999999}}{{$x := $d.k5}}{{end}}", 0, 0},
	{"route labels", "", "{{range 9999999}}{{$x := routeLabels \"x\"}}{{end}}", 1, "",
	 0, 0},
	{"bad base64",
	 "{{$s := printf \"%1000000s\" \"\"}}{{range 9999999}}{{$x := base64encode "
	 "$s}}{{end}}",
	 "", 0, "", 0, 0},
	{"arguments sorted", "{{$l := args", " 1", 100000, "}}{{len $l}}", 0, FUNCS_RULE},
	{"sample times", "", "{{range 9999999}}{{$x := toTime 1e9 | print}}{{end}}", 1, "",
	 0, FUNCS_RULE},
	{"humanized", "", "{{range 9999999}}{{$x := humanize 123456789.123}}{{end}}", 1, "",
	 0, FUNCS_RULE},
	{"durations humanized", "",
	 "{{range 9999999}}{{$x := humanizeDuration 1e18}}{{end}}", 1, "", 0, FUNCS_RULE},
	{"numbers read", "",
	 "{{range 9999999}}{{$x := humanize \"1.7976931348623157e308\"}}{{end}}", 1, "", 0,
	 FUNCS_RULE},
	{"long numbers read",
	 "{{$s := printf \"%0100000d\" 1}}{{range 9999999}}{{$x := humanize $s}}{{end}}",
	 "", 0, "", 0, FUNCS_RULE},
	{"long fractions read",
	 "{{$s := printf \"0.%0100000d\" 1}}{{range 9999999}}{{$x := humanize $s}}{{end}}",
	 "", 0, "", 0, FUNCS_RULE},
	{"long durations read",
	 "{{$s := printf \"%0100000ds\" 1}}{{range 9999999}}{{$x := parseDuration "
	 "$s}}{{end}}",
	 "", 0, "", 0, FUNCS_RULE},
	{"quotes escaped",
	 "{{$s := printf \"%1000000s\" \"\" | reReplaceAll \" \" \"'\"}}{{range 9999999}}"
	 "{{$x := quotesEscape $s}}{{end}}",
	 "", 0, "", 0, FUNCS_RULE},
	{"wide floats in one format", "{{printf \"", "%[1].999999f", 0, "\" 1.5}}", 0, 0},
	{"wide hex in one format", "{{printf \"", "%[1].999999x", 0, "\" 1.5}}", 0, 0},
	{"wide numbers in one format", "{{printf \"", "%[1]999999d", 0, "\" 1}}", 0, 0},
	{"wide precision in one format", "{{printf \"", "%[1].999999d", 0, "\" 1}}", 0, 0},
	{"wide texts in one format", "{{printf \"", "%[1]999999s", 0, "\" \"\"}}", 0, 0},
	{"large texts in one format", "{{$s := printf \"%1000000s\" \"\"}}{{printf \"",
	 "%[1].1q", 0, "\" $s}}", 0, 0},
	{"large texts quoted in one format",
	 "{{$s := printf \"%1000000s\" \"\"}}{{printf \"", "%[1]x", 0, "\" $s}}", 0, 0},
	{"large texts in print", "{{$s := printf \"%1000000s\" \"\"}}{{print", " $s", 0,
	 "}}", 0, 0},
	{"zones", "", "{{range 9999999}}{{$x := tz \"Europe/Berlin\" now}}{{end}}", 1, "",
	 0, 0},
	{"braces", "", "{ ", 0, "", 0, 0},
	{"lines", "", "{{1}}\n", 0, "", 0, 0},
	{"raw strings", "{{`", "\n", 0, "`}}", 0, 0},
	{"lines in actions", "{{1", "\n", 0, "}}", 0, 0},
	{"defines of long names", "",
	 "{{define \"tttttttttttttttttttttttttttttttttttttttt%d\"}}"
	 "{{template \"tttttttttttttttttttttttttttttttttttttttt%d\"}}{{end}}",
	 0, "", 0, 0},
	{"styles", "<p style='{{range 9999999}}a:{{.}};{{end}}'>", "", 0, "", TEMPLATE_HTML,
	 0},
	{"styles of text",
	 "{{$s := printf \"%100000s\" \"\"}}<p style='{{range 9999999}}a:{{$s}};"
	 "{{end}}'>",
	 "", 0, "", TEMPLATE_HTML, 0},
	{"sets of sources",
	 "{{$s := printf \"%100000s\" \"\"}}<img srcset='{{range 9999999}}"
	 "{{$s}},{{end}}'>",
	 "", 0, "", TEMPLATE_HTML, 0},
	{"scripts of text",
	 "{{$s := printf \"%100000s\" \"\"}}<script>{{range 9999999}}"
	 "x={{$s}};{{end}}</script>",
	 "", 0, "", TEMPLATE_HTML, 0},
	{"strings in scripts",
	 "{{$s := printf \"%100000s\" \"\"}}<script>{{range 9999999}}"
	 "x='{{$s}}';{{end}}</script>",
	 "", 0, "", TEMPLATE_HTML, 0},
	{"templates as text", "{{define \"t\"}}", "xxxxxxxxxxxxxxxx", 60000,
	 "{{end}}{{range 9999999}}{{$x := tmpl \"t\" 1}}{{end}}", 0, FUNCS_CONSOLE},
	{"templates as text, small",
	 "{{define \"t\"}}{{end}}{{range 9999999}}{{$x := tmpl \"t\" 1}}{{end}}", "", 0, "",
	 0, FUNCS_CONSOLE},
	{"templates as text within each other",
	 "{{define \"t\"}}{{if .}}{{tmpl \"t\" (slice . 1)}}{{tmpl \"t\" (slice . "
	 "1)}}{{end}}"
	 "{{end}}{{tmpl \"t\" \"",
	 "0", 390, "\"}}", 0, FUNCS_CONSOLE},
	/* regular expressions */
	{"regexp: a*b|a",
	 "{{$s := printf \"%65536s\" \"\" | reReplaceAll \" \" \"a\"}}"
	 "{{reReplaceAll \"a*b|a\" \"\" $s}}",
	 "", 0, "", 0, 0},
	{"regexp: a*[bc]",
	 "{{$s := printf \"%65536s\" \"\" | reReplaceAll \" \" \"a\"}}"
	 "{{reReplaceAll \"a*[bc]\" \"\" $s}}",
	 "", 0, "", 0, 0},
	{"regexp: a*a*[bc]",
	 "{{$s := printf \"%65536s\" \"\" | reReplaceAll \" \" \"a\"}}"
	 "{{reReplaceAll \"a*a*[bc]\" \"\" $s}}",
	 "", 0, "", 0, 0},
	{"regexp: matches a*[bc]",
	 "{{$s := printf \"%1000000s\" \"\" | reReplaceAll \" \" \"a\"}}"
	 "{{match \"a*[bc]\" $s}}",
	 "", 0, "", 0, 0},
	{"regexp: (a+)+[bc]",
	 "{{range 1000}}{{match \"(a+)+[bc]\" "
	 "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}}{{end}}",
	 "", 0, "", 0, 0},
	{"regexp: (a|aa)*c",
	 "{{range 1000}}{{match \"(a|aa)*[cd]\" "
	 "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}}{{end}}",
	 "", 0, "", 0, 0},
	{"regexp: large classes",
	 "{{$s := printf \"%65536s\" \"\"}}{{range 1000}}{{reReplaceAll \"\\\\p{L}*x\" "
	 "\"\" $s}}"
	 "{{end}}",
	 "", 0, "", 0, 0},
	{"regexp: many matches",
	 "{{$s := printf \"%65536s\" \"\"}}{{range 1000}}{{$x := reReplaceAll \" \" \"\" "
	 "$s}}"
	 "{{end}}",
	 "", 0, "", 0, 0},
	{"regexp: empty matches",
	 "{{$s := printf \"%65536s\" \"\"}}{{range 1000}}{{$x := reReplaceAll \"\" \"\" "
	 "$s}}"
	 "{{end}}",
	 "", 0, "", 0, 0},
	{"regexp: references",
	 "{{$s := printf \"%1000s\" \"\"}}{{$r := reReplaceAll \" \" \"$$0\" $s}}"
	 "{{range 1000}}{{$x := reReplaceAll \" \" $r $s}}{{end}}",
	 "", 0, "", 0, 0},
	{"regexp: unset references",
	 "{{$s := printf \"%1000s\" \"\"}}{{$r := reReplaceAll \" \" \"$$x\" $s}}"
	 "{{range 1000}}{{$x := reReplaceAll \" \" $r $s}}{{end}}",
	 "", 0, "", 0, 0},
	{"regexp: nothing found",
	 "{{$s := printf \"%1000000s\" \"\"}}{{range 99999}}{{match \"x\" $s}}{{end}}", "",
	 0, "", 0, 0},
	{"regexp: line ends",
	 "{{$s := printf \"%65536s\" \"\"}}{{range 1000}}{{match \" +$\" (print $s \"x\")}}"
	 "{{end}}",
	 "", 0, "", 0, 0},
	{"regexp: invalid text",
	 "{{$s := printf \"%65536s\" \"\" | reReplaceAll \" \" \"\\xff\"}}{{range 1000}}"
	 "{{$x := reReplaceAll \"a\" \"\" $s}}{{end}}",
	 "", 0, "", 0, 0},
	{"regexp: many compiled", "",
	 "{{range $i := 99999}}{{match (print \"(a{1000}|b{1000}){\" $i \"}\") "
	 "\"x\"}}{{end}}",
	 1, "", 0, 0},
	{"regexp: large one compiled", "",
	 "{{range $i := 99999}}{{match (print $i \"(((\\\\pL{9}){9}){9}){9}\") "
	 "\"x\"}}{{end}}",
	 1, "", 0, 0},
	{"regexp: classes compiled", "{{$s := \"", "[\\\\pL\\\\pN]", 1000,
	 "\"}}{{range $i := 99999}}{{match (print $i $s) \"x\"}}{{end}}", 0, 0},
	{"regexp: long one compiled", "{{$s := \"", "(a|b)", 12000,
	 "\"}}{{range $i := 99999}}{{match (print $i $s) \"x\"}}{{end}}", 0, 0},
	{"regexp: alternatives", "{{$s := \"", "a*%d|", 9000,
	 "\"}}{{$t := printf \"%65536s\" \"\" | reReplaceAll \" \" \"a\"}}"
	 "{{match $s $t}}",
	 0, 0},
	{"regexp: nested", "{{$s := \"", "(", 9000, "\"}}{{match $s \"a\"}}", 0, 0},
};

static void hostile_templates_end_soon(void **state)
{
	struct buf text = BUF(BUF_NO_LIMIT);
	const char *only = getenv("HOSTILE");
	size_t slow = 0;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct times t = {0};

		if (only && !strstr(cases[i].what, only))
			continue;
		buf_reset(&text);
		build(&text, &cases[i]);
		for (int n = 0; n < TRIES; n++) {
			t = measure(&cases[i], buf_str(&text));
			if (slowest(&t) < BOUND_MS * SLOWER)
				break;
		}
		if (slowest(&t) < BOUND_MS * SLOWER)
			continue;
		print_error("%s: load %.0f ms, check %.0f ms, run %.0f ms\n", cases[i].what,
			    t.load, t.check, t.run);
		slow++;
	}
	buf_free(&text);
	assert_int_equal(slow, 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hostile_templates_end_soon),
	};

	is_verbose = argc > 1 && strcmp(argv[1], "-v") == 0;
	return cmocka_run_group_tests_name("hostile", tests, NULL, NULL);
}
