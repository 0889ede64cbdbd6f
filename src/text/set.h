/* set.h - inside text/: how the interpreter and the HTML engine look into a template. */
#pragma once
#include "text/node.h"
#include "text/template.h"

struct template
{
	const struct template_set *set;
	enum template_engine engine;
	struct bodies own; /* what the text defined, the main body under its name */
	struct body *main;
	struct bodies html; /* escaped copies, under their derived names; TEMPLATE_HTML */
	struct body *html_main;
};

/* What a name means here: the template's own, else the set's; NULL when unknown. As it was
 * parsed, before any escaping. */
const struct body *template_source_body(const struct template *, struct str name);
/* The same for running: in HTML the escaped body. */
const struct body *template_find(const struct template *, struct str name);
const struct body *template_main(const struct template *);
const struct bodies *template_set_bodies(const struct template_set *);
enum template_missing template_missing_of(const struct template *);

/* A text template parsed in t's name space under the empty name. */
const struct template *template_aside(struct arena *, const struct template *t,
				      struct str source, struct err *);

/* html_escape.c: fills t->html from t's bodies. False and err when the analysis fails. */
bool html_escape(struct arena *, struct template *t, struct err *) MUST_USE;
