/* func.h - functions and methods: a name, what they take and give, and the C behind them.
 *
 * Arguments were checked against the types of the row when .call runs: a string parameter
 * is a string. A parameter of type_any is bare (nil: VALUE_INVALID); type_value parameters
 * arrive as evaluation left them. The receiver of a method is args[0].
 * Failure:  return call_fail(...); the words end up behind "error calling name: ".
 * Memory:   results live in c->mem, the arena of the rendering.
 */
#pragma once
#include "text/template.h"
#include "text/value.h"

struct exec;
struct call {
	struct arena *mem;
	struct template_run *run;
	struct exec *exec;
	const struct func *func;
	const struct value *args;
	size_t n;
	struct str callee; /* FUNC_CALL: the first argument as it was written */
};

enum func_special {
	FUNC_PLAIN,
	FUNC_AND, /* the interpreter's own: they do not evaluate all their arguments */
	FUNC_OR,
	FUNC_CALL,
	FUNC_ESCAPER, /* put there by the HTML engine */
};
#define FUNC_MAX_PARAMS 4
struct func {
	const char *name;
	bool (*call)(struct call *, struct value *out);
	const struct type *in[FUNC_MAX_PARAMS];
	unsigned n_in;	  /* with the variadic one, without the receiver */
	bool is_variadic; /* the last parameter takes any number, in[] is its element */
	const struct type *out;
	enum func_special special;
	const char *unfit; /* a method whose results templates cannot take: the complaint */
};

/* A row of a table: name, C function, result type, number of parameters, their types. */
#define FUNC(go_name, c_call, result, count, ...)                                          \
	{                                                                                  \
		.name = go_name, .call = c_call, .out = result, .n_in = count,             \
		.in = { __VA_ARGS__ }                                                      \
	}
/* The last parameter takes any number. */
#define FUNC_MANY(go_name, c_call, result, count, ...)                                     \
	{                                                                                  \
		.name = go_name, .call = c_call, .out = result, .n_in = count,             \
		.in = {__VA_ARGS__}, .is_variadic = true                                   \
	}
#define FUNC_END                                                                           \
	{                                                                                  \
		.name = NULL                                                               \
	}

bool call_fail(struct call *, const char *fmt, ...) PRINTF(2, 3);
bool call_fail_again(struct call *, const char *before); /* puts words before the error's */
bool call_fail_str(struct call *, const char *before, struct str, const char *after);
/* An empty buf for building a result, bounded by what memory is left. Valid until the
 * next call_buf; call_result copies it out, or fails when it overflowed. */
struct buf *call_buf(struct call *);
bool call_result(struct call *, const struct buf *, struct value *out);
/* Ends the rendering as RENDER_WAITS. */
bool call_wants(struct call *, struct str expr);
/* Renders a text over the root data of this rendering, for route labels. */
bool call_render(struct call *, struct str source, struct str *out);
/* Runs a named template of the set into a string (tmpl). */
bool call_template(struct call *, struct str name, struct value dot, struct str *out);

const struct type *func_param(const struct func *, size_t i);
bool func_takes(const struct func *, size_t n); /* so many arguments */

/* A function by name; NULL when the flavour has none. */
const struct func *func_find(enum template_funcs, struct str name);
const struct func *method_find(const struct type *, struct str name);

/* The tables. vmalert's come apart: those that Prometheus lacks, which rule sets know
 * too, and its own meanings of shared names. */
extern const struct func functions_basic[], functions_both[], functions_notify[],
	functions_rule[], functions_console[], functions_vmalert[], functions_vmalert_own[];

/* Shared by several tables. */
bool call_number(struct call *, const struct value *, double *out);
bool call_humanize_duration(struct call *, double seconds, struct value *out);
bool call_sort_by_label(struct call *, struct value *out);
