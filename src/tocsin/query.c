#include "base/base.h"
#include "tocsin/commands.h"
#include "base/url.h"
#include "config/config.h"
#include "net/clock.h"
#include "net/once.h"
#include "tocsin/config_file.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* tocsin query: what a rule's expression gives, now or over a time, as a table, as JSON,
 * or as a small plot. */

const struct option_row query_options[] = {
	{"url", 0, OPTION_TEXT, "",
	 "Prometheus, or what speaks its API. Default: a datasource of --config.file."},
	{"config.file", 0, OPTION_TEXT, "", "Configuration with datasources."},
	{"datasource", 0, OPTION_TEXT, "", "Which of them. Default: the first."},
	{"time", 0, OPTION_TEXT, "", "When, RFC 3339. Default: now."},
	{"since", 0, OPTION_TEXT, "", "A range that ends then: 30m, 6h."},
	{"step", 0, OPTION_TEXT, "", "Between the points of a range. Default: 60 points."},
	{"plot", 0, OPTION_FLAG, NULL, "Draw a range."},
	{0},
};

#define POINTS	    60
#define PLOT_ROWS   8
#define MOST_ANSWER ((size_t)256 * 1024 * 1024)

struct asked {
	const char *url;
	const struct http_config *http;
	wall_ms at;
	span_ms since, step; /* since 0: an instant query */
};

/* -- what is asked -------------------------------------------------------------------- */

static bool set_source(struct tool *t, struct asked *q)
{
	const char *file = option_text(t, "config.file"),
		   *name = option_text(t, "datasource");
	const struct datasource *d;
	const struct config *c;
	const char *mistakes;

	q->url = option_text(t, "url");
	q->http = t->http;
	if (q->url[0])
		return true;
	if (!file[0]) {
		fail(t, "one of --url or --config.file is needed");
		return false;
	}
	c = config_file_load(t, file, (struct str){NULL, 0}, &mistakes, NULL);
	if (!c) {
		fail(t, "%s", mistakes);
		return false;
	}
	d = name[0]	       ? config_find_datasource(c, name)
	    : c->n_datasources ? &c->datasources[0]
			       : NULL;
	if (!d || d->type != DATASOURCE_PROMETHEUS) {
		fail(t,
		     d ? "datasource \"%s\" does not speak PromQL"
		       : "%s: no such datasource",
		     d ? d->name : file);
		return false;
	}
	q->url = d->url;
	q->http = d->http;
	return true;
}

static bool set_span(struct tool *t, const char *name, span_ms *out)
{
	const char *text = option_text(t, name);
	struct err err;

	if (!text[0])
		return true;
	if (!span_parse(str_of(text), NOWHERE, out, &err)) {
		fail(t, "--%s: not a duration: %s", name, text);
		return false;
	}
	if (*out <= 0) {
		fail(t, "--%s: must be greater than 0", name);
		return false;
	}
	return true;
}

static bool set_times(struct tool *t, struct asked *q)
{
	struct instant at = instant_of_ms(clock_wall());

	if (!parse_instant(t, "time", &at) || !set_span(t, "since", &q->since) ||
	    !set_span(t, "step", &q->step))
		return false;
	q->at = instant_ms(at);
	if (option_on(t, "plot") && !q->since)
		q->since = HOUR;
	if (!q->step)
		q->step = MAX(q->since / POINTS, 1000);
	return true;
}

static void add_param(struct buf *b, const char *name, const char *value)
{
	if (b->n)
		buf_add_char(b, '&');
	buf_addf(b, "%s=", name);
	buf_add_query_escaped(b, str_of(value));
}

static const char *seconds(struct arena *mem, int64_t ms)
{
	return arena_printf(mem, "%lld.%03d", (long long)(ms / 1000), (int)(ms % 1000));
}

static void say_all(const json_t *list, const char *what)
{
	const json_t *text;
	size_t i;

	json_array_foreach(list, i, text)
	{
		if (json_is_string(text))
			fprintf(stderr, "%s: %s\n", what, json_string_value(text));
	}
}

/* What the answer says beside its data. */
static void say_warnings(const json_t *answer)
{
	say_all(json_object_get(answer, "warnings"), "warning");
	say_all(json_object_get(answer, "infos"), "info");
	if (json_is_true(json_object_get(answer, "isPartial")))
		fputs("warning: the answer is partial\n", stderr);
}

/* data; NULL after the error was printed. */
static json_t *ask(struct tool *t, const struct asked *q, const char *expr)
{
	static const struct http_header form = {"Content-Type",
						"application/x-www-form-urlencoded"};
	struct str base = str_of(q->url);
	struct buf body = BUF(BUF_NO_LIMIT);
	struct http_request r = {.method = "POST",
				 .headers = &form,
				 .n_headers = 1,
				 .config = q->http,
				 .timeout = t->timeout_ns / 1000000,
				 .max_answer = MOST_ANSWER};
	struct http_answer a;
	const char *error;
	json_t *top, *data;

	while (str_ends(base, STR("/")))
		base.n--;
	add_param(&body, "query", expr);
	if (q->since) {
		add_param(&body, "start", seconds(&t->mem, q->at - q->since));
		add_param(&body, "end", seconds(&t->mem, q->at));
		add_param(&body, "step", seconds(&t->mem, q->step));
	} else {
		add_param(&body, "time", seconds(&t->mem, q->at));
	}
	r.url = arena_printf(&t->mem, "%.*s/api/v1/%s", FMT(base),
			     q->since ? "query_range" : "query");
	r.body = buf_keep(&body, &t->mem);
	buf_free(&body);
	a = http_once(&t->mem, "tocsin/" VERSION, &r);
	if (a.error) {
		fail(t, "%s: %s", r.url, a.error);
		return NULL;
	}
	top = json_read(a.body, NULL);
	error = json_string_value(json_object_get(top, "error"));
	data = json_incref(json_object_get(top, "data"));
	if (a.status / 100 != 2 || !data) {
		fail(t, "%s: status %d: %s", r.url, a.status,
		     error ? error
			   : arena_copy(&t->mem, str_slice(str_trim(a.body), 0, 300)));
		json_decref(data);
		data = NULL;
	} else {
		say_warnings(top);
	}
	json_decref(top);
	return data;
}

/* -- tables --------------------------------------------------------------------------- */

static const char *series_name(struct tool *t, const json_t *series)
{
	json_t *metric = json_object_get(series, "metric"), *value;
	const char *name = json_text(metric, "__name__"), *key;
	struct buf b = BUF(BUF_NO_LIMIT);
	const char *text;
	size_t n = 0;

	buf_add_text(&b, name);
	json_object_foreach(metric, key, value)
	{
		if (!strcmp(key, "__name__"))
			continue;
		buf_addf(&b, "%s%s=", n++ ? ", " : "{", key);
		buf_add_json(&b, str_of(json_string_value(value)));
	}
	if (n || !name[0])
		buf_add_text(&b, n ? "}" : "{}");
	text = buf_keep(&b, &t->mem).p;
	buf_free(&b);
	return text;
}

static const char *item_text(const json_t *list, size_t i)
{
	const char *text = json_string_value(json_array_get(list, i));

	return text ? text : "";
}

/* As templates show one: {count:3, sum:4.5, (1,2]:3} */
static const char *histogram_text(struct tool *t, const json_t *h)
{
	static const char *const brackets[] = {"(]", "[)", "()", "[]"};
	struct buf b = BUF(BUF_NO_LIMIT);
	const json_t *bucket;
	const char *text;
	size_t i;

	buf_addf(&b, "{count:%s, sum:%s", json_text(h, "count"), json_text(h, "sum"));
	json_array_foreach(json_object_get(h, "buckets"), i, bucket)
	{
		json_int_t ends = json_integer_value(json_array_get(bucket, 0));
		const char *pair = brackets[ends & 3];

		buf_addf(&b, ", %c%s,%s%c:%s", pair[0], item_text(bucket, 1),
			 item_text(bucket, 2), pair[1], item_text(bucket, 3));
	}
	buf_add_char(&b, '}');
	text = buf_keep(&b, &t->mem).p;
	buf_free(&b);
	return text;
}

static const char *point_value(struct tool *t, const json_t *point)
{
	const json_t *value = json_array_get(point, 1);

	return json_is_object(value) ? histogram_text(t, value) : item_text(point, 1);
}

static const char *time_text(struct tool *t, wall_ms at)
{
	struct buf b = BUF(64);
	const char *text;

	buf_add_instant_ms(&b, instant_of_ms(at));
	text = date_text(t, arena_text(&t->mem, buf_text(&b)));
	buf_free(&b);
	return text;
}

static wall_ms point_time(const json_t *point)
{
	return (wall_ms)(json_number_value(json_array_get(point, 0)) * 1000);
}

static void print_instant(struct tool *t, const json_t *result, bool is_vector)
{
	struct table table = {.mem = &t->mem, .columns = 2};
	const json_t *series;
	size_t i;

	table_row(&table, (const char *const[]){"Series", "Value"});
	json_array_foreach(result, i, series)
	{
		const json_t *value = json_object_get(series, "value");
		const json_t *histogram = json_object_get(series, "histogram");

		if (!is_vector)
			break;
		table_row(&table,
			  (const char *const[]){series_name(t, series),
						point_value(t, value ? value : histogram)});
	}
	if (!is_vector)
		table_row(&table, (const char *const[]){"", point_value(t, result)});
	table_print(&table);
}

/* A series that changed its kind has some of its points here and some there. */
static void add_points(struct tool *t, struct table *table, const json_t *series,
		       const char *member, bool *is_named)
{
	const json_t *point;
	size_t i;

	json_array_foreach(json_object_get(series, member), i, point)
	{
		table_row(table,
			  (const char *const[]){*is_named ? "" : series_name(t, series),
						time_text(t, point_time(point)),
						point_value(t, point)});
		*is_named = true;
	}
}

static void print_range(struct tool *t, const json_t *result)
{
	struct table table = {.mem = &t->mem, .columns = 3};
	const json_t *series;
	size_t i;

	table_row(&table, (const char *const[]){"Series", "Time", "Value"});
	json_array_foreach(result, i, series)
	{
		bool is_named = false;

		add_points(t, &table, series, "values", &is_named);
		add_points(t, &table, series, "histograms", &is_named);
	}
	table_print(&table);
}

/* -- plots ---------------------------------------------------------------------------- */

struct plot {
	double v[POINTS]; /* NaN: nothing there */
	double low, high;
};

static void fill(struct plot *p, const struct asked *q, const json_t *points)
{
	int64_t width = q->step * (POINTS - 1) / q->since; /* columns of a point */
	wall_ms start = q->at - q->since;
	const json_t *point;
	size_t i;

	p->low = HUGE_VAL;
	p->high = -HUGE_VAL;
	for (size_t k = 0; k < POINTS; k++)
		p->v[k] = nan("");
	json_array_foreach(points, i, point)
	{
		int64_t k = (point_time(point) - start) * (POINTS - 1) / q->since;
		double v = strtod(item_text(point, 1), NULL);

		if (k < 0 || !isfinite(v))
			continue;
		for (int64_t m = k; m < MIN(k + MAX(width, 1), POINTS); m++)
			p->v[m] = v;
		p->low = fmin(p->low, v);
		p->high = fmax(p->high, v);
	}
}

/* Eighths of a row, from the bottom up. */
static const char *block(double height)
{
	static const char *const blocks[] = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
	int eighths = (int)lround(height * 8);

	return blocks[MIN(MAX(eighths, 0), 8)];
}

/* One value all the time: a line, with nothing above or below that would need a name. */
static void draw_flat(const struct plot *p)
{
	printf("%12.6g ┤", p->high);
	for (size_t k = 0; k < POINTS; k++)
		fputs(isnan(p->v[k]) ? " " : "█", stdout);
	putchar('\n');
}

static void draw(const struct plot *p)
{
	double span = p->high - p->low;

	for (int row = PLOT_ROWS; row--;) {
		if (row == PLOT_ROWS - 1)
			printf("%12.6g ┤", p->high);
		else if (!row)
			printf("%12.6g ┤", p->low);
		else
			printf("%12s │", "");
		for (size_t k = 0; k < POINTS; k++) {
			double share = (p->v[k] - p->low) / span;

			fputs(isnan(p->v[k])
				      ? " "
				      : block(share * (PLOT_ROWS - 0.125) + 0.125 - row),
			      stdout);
		}
		putchar('\n');
	}
}

static void print_plots(struct tool *t, const struct asked *q, const json_t *result)
{
	const char *from = time_text(t, q->at - q->since), *to = time_text(t, q->at);
	const json_t *series;
	struct plot p;
	size_t i;

	json_array_foreach(result, i, series)
	{
		fill(&p, q, json_object_get(series, "values"));
		puts(series_name(t, series));
		if (p.low > p.high)
			puts("   no finite value");
		else if (p.high > p.low)
			draw(&p);
		else
			draw_flat(&p);
	}
	if (!i)
		fputs("no series\n", stderr);
	else
		printf("%14s%s%*s%s\n", "", from,
		       MAX(POINTS - (int)(strlen(from) + strlen(to)), 1), "", to);
}

/* -- the command ---------------------------------------------------------------------- */

int query(struct tool *t)
{
	struct asked q = {0};
	const char *type;
	json_t *data, *result;

	if (t->args.n != 1)
		return fail(t, "one expression is needed");
	if (!set_source(t, &q) || !set_times(t, &q))
		return 1;
	data = ask(t, &q, t->args.v[0]);
	if (!data)
		return 1;
	type = json_text(data, "resultType");
	result = json_object_get(data, "result");
	if (t->output == OUTPUT_JSON)
		print_json(data);
	else if (option_on(t, "plot"))
		print_plots(t, &q, result);
	else if (q.since || !strcmp(type, "matrix"))
		print_range(t, result);
	else
		print_instant(t, result, !strcmp(type, "vector"));
	json_decref(data);
	return 0;
}
