/* exec.h - the interpreter's state, shared by exec.c (statements) and eval.c (values).
 *
 * Failure: functions return false and leave the whole message in x->error; x->at is the
 *          node evaluation looked at last, which the message names.
 */
#pragma once
#include "model/regex.h"
#include "text/func.h"
#include "text/node.h"
#include "text/template.h"

struct variable {
	struct str name;
	struct value value;
};
struct exec {
	const struct template *tmpl;
	struct template_run *run;
	struct arena *mem;
	struct buf *out;
	struct value root;
	enum template_missing missing;

	const struct body *body; /* being run */
	const struct node *at;
	VEC(struct variable) vars; /* of all the bodies being run, innermost last */
	size_t frame;		   /* the first variable of this body: $ */
	size_t depth, steps, steps_max, memory_max;
	size_t level; /* of C calls: blocks, pipelines and bodies within one another */

	struct buf scratch;
	const char *error; /* set: the rendering failed */
	struct pos error_at;
	struct str wanted;
	struct {
		struct {
			struct str pattern;
			const struct regex *re; /* NULL: free */
		} v[8];
		size_t next;
	} regexes; /* compiled lately */
	struct {   /* route labels being rendered, outermost first */
		struct str names[16];
		size_t n;
	} labels;
};

bool exec_fail(struct exec *, const char *fmt, ...) PRINTF(2, 3);
bool exec_fail_text(struct exec *, const char *text);
/* Values in the words of an error: so much is shown of each, so that the cause is. */
#define EXEC_SHOWN 4096
const char *exec_node_text(struct exec *, const struct node *);
#define EXEC_NUMBER_STEPS 40		     /* to read or print a float or a time */
bool exec_step(struct exec *);		     /* counts one; false at a ceiling */
bool exec_work(struct exec *, size_t steps); /* for functions: counts so many */
size_t exec_weight(const struct exec *, const struct value *); /* steps to print it */
/* Goes one level deeper, which x->level-- ends; false where the C stack has no more. */
bool exec_enter(struct exec *);
/* Runs a body with "$" and dot set to the value. */
bool exec_body(struct exec *, const struct body *, const struct value *dot);

void exec_push(struct exec *, struct str name, const struct value *);
/* The value of a pipeline, its interface taken off; declares and assigns its variables. */
bool eval_pipeline(struct exec *, const struct value *dot, const struct node *pipe,
		   struct value *out);
bool eval_assign(struct exec *, struct str name, const struct value *);
