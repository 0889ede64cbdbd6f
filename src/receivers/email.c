#include "base/base.h"
#include "receivers/address.h"
#include "receivers/compose.h"
#include "receivers/list.h"
#include "receivers/mime.h"
#include "text/header.h"

#include <stdlib.h>
#include <string.h>

#define MAIL_MAX ((size_t)32 << 20)

struct threading {
	bool enabled;
	const char *by_date;
};
struct email {
	const char *to, *from, *hello, *html, *text;
	struct host_port smarthost;
	const char *auth_username, *auth_password_file, *auth_secret_file, *auth_identity;
	struct secret auth_password, auth_secret;
	enum tristate require_tls, force_implicit_tls;
	const struct tls_config *tls_config;
	struct pair_list headers; /* names canonical */
	struct threading threading;
};

/* -- tables --------------------------------------------------------------------------- */
static void tls_decode(struct decode *d, const struct yaml *y, void *member)
{
	struct tls_config *tls = ARENA_NEW(d->mem, struct tls_config);
	const char *dir = d->dir;

	if (y->kind == YAML_NULL)
		return;
	d->dir = NULL; /* its paths stay as they are */
	decode_object(d, y, &tls_shape, tls);
	d->dir = dir;
	*(const struct tls_config **)member = tls;
}

static const struct yaml *tls_print(struct arena *mem, const void *member)
{
	const struct tls_config *const *tls = member;

	return *tls ? print_object(mem, tls_shape.fields, *tls) : NULL;
}

static const struct field_codec own_tls_codec = {tls_decode, tls_print};

#define AT(m) offsetof(struct threading, m)
static const struct field threading_fields[] = {
	{"enabled", FIELD_BOOL, AT(enabled),
	 .help = "Let mail programs show a group as one."},
	{"thread_by_date", FIELD_TEXT, AT(by_date), .help = "none or daily."},
	{0},
};
#undef AT
static const struct shape threading_shape = {"threading", threading_fields,
					     sizeof(struct threading), false, NULL};

#define AT(m) offsetof(struct email, m)
static const struct field fields[] = {
	{"to", FIELD_TEXT, AT(to), .help = "Recipients, with commas."},
	{"from", FIELD_TEXT, AT(from), .help = "Sender."},
	{"hello", FIELD_TEXT, AT(hello), .help = "Our name in EHLO."},
	{"smarthost", FIELD_HOST_PORT, AT(smarthost), .help = "Mail server."},
	{"auth_username", FIELD_OPTIONAL, AT(auth_username), .help = "Login name."},
	{"auth_password", FIELD_SECRET, AT(auth_password), .help = "For PLAIN and LOGIN."},
	{"auth_password_file", FIELD_OPTIONAL, AT(auth_password_file),
	 .help = "File with it."},
	{"auth_secret", FIELD_SECRET, AT(auth_secret), .help = "For CRAM-MD5."},
	{"auth_secret_file", FIELD_OPTIONAL, AT(auth_secret_file), .help = "File with it."},
	{"auth_identity", FIELD_OPTIONAL, AT(auth_identity), .help = "For PLAIN."},
	{"headers", FIELD_PAIRS, AT(headers), .help = "Headers; the values are templates."},
	{"html", FIELD_TEXT, AT(html), .is_html = true,
	 .if_absent = TPL("email.default.html"), .help = "HTML part; empty: none."},
	{"text", FIELD_TEXT, AT(text), .help = "Text part; empty: none."},
	{"require_tls", FIELD_TRISTATE, AT(require_tls),
	 .help = "Send nothing without TLS."},
	{"tls_config", FIELD_CUSTOM, AT(tls_config), .codec = &own_tls_codec,
	 .help = "TLS."},
	{"force_implicit_tls", FIELD_TRISTATE, AT(force_implicit_tls),
	 .help = "TLS from the first byte; absent: on port 465."},
	{"threading", FIELD_INSIDE, AT(threading), .of = &threading_shape,
	 .help = "References and In-Reply-To."},
	{0},
};
#undef AT

/* -- checks --------------------------------------------------------------------------- */
static void check_headers(struct decode *d, const struct email *e)
{
	for (size_t i = 0; i < e->headers.n; i++) {
		struct text_pair *p = &e->headers.v[i];

		p->name = header_canonical(d->mem, str_of(p->name));
		if (!is_header_name(str_of(p->name)))
			mistake(d, p->at, "'%s' is not the name of a header", p->name);
		for (size_t k = 0; k < i; k++) {
			if (!strcmp(e->headers.v[k].name, p->name))
				mistake(d, p->at, "duplicate header \"%s\" in email config",
					p->name);
		}
		if (e->threading.enabled &&
		    (!strcmp(p->name, "References") || !strcmp(p->name, "In-Reply-To")))
			mistake(d, p->at,
				"conflicting configuration: threading.enabled conflicts "
				"with "
				"custom %s header",
				p->name);
	}
}

static void check(struct decode *d, struct integration_config *ic)
{
	const struct email *e = ic->settings;

	if (!*e->to)
		mistake(d, ic->at, "missing to address in email config");
	check_headers(d, e);
	if (e->threading.enabled && strcmp(e->threading.by_date, "none") &&
	    strcmp(e->threading.by_date, "daily"))
		mistake(d, at_key(ic, "threading"),
			"threading.thread_by_date must be either 'none' or 'daily'");
}

static void inherit(struct decode *d, struct integration_config *ic, const struct global *g)
{
	const struct global_receivers *all = g->receivers;
	struct email *e = ic->settings;

	if (!e->tls_config)
		e->tls_config = all->smtp_tls_config;
	if (!e->smarthost.port)
		e->smarthost = all->smtp_smarthost;
	if (!e->smarthost.port)
		mistake(d, ic->at, "no global SMTP smarthost set");
	if (!*e->from && all->smtp_from)
		e->from = all->smtp_from;
	if (!*e->from)
		mistake(d, ic->at, "no global SMTP from set");
	if (!*e->hello)
		e->hello = all->smtp_hello;
	if (!e->auth_username)
		e->auth_username = all->smtp_auth_username;
	if (!e->auth_identity)
		e->auth_identity = all->smtp_auth_identity;
	if (!secret_is_set(e->auth_password) && !e->auth_password_file) {
		e->auth_password = all->smtp_auth_password;
		e->auth_password_file = all->smtp_auth_password_file;
	}
	if (!secret_is_set(e->auth_secret) && !e->auth_secret_file) {
		e->auth_secret = all->smtp_auth_secret;
		e->auth_secret_file = all->smtp_auth_secret_file;
	}
	if (e->require_tls == UNSET)
		e->require_tls = all->smtp_require_tls ? YES : NO;
	if (e->force_implicit_tls == UNSET)
		e->force_implicit_tls = all->smtp_force_implicit_tls;
}

/* -- the message (3.5) ---------------------------------------------------------------- */
static const char *configured(const struct email *e, const char *name)
{
	for (size_t i = 0; i < e->headers.n; i++) {
		if (!strcmp(e->headers.v[i].name, name))
			return e->headers.v[i].text;
	}
	return NULL;
}

static void add_line(struct buf *out, const char *name, struct str value)
{
	buf_addf(out, "%s: ", name);
	buf_add_mail_header(out, value);
	buf_add_text(out, "\r\n");
}

static struct instant local_now(const struct attempt *a)
{
	struct instant now = a->env->now;

	now.off = a->env->local ? zone_offset(a->env->local, now.s, NULL) : 0;
	return now;
}

static uint64_t next_random(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static void add_thread(struct buf *out, struct attempt *a, const struct email *e)
{
	struct civil day = civil_of(a->env->now.s, local_now(a).off);
	const char *hash = group_hash(a->mem, a->n->group_key);
	struct buf id = BUF(200);

	buf_addf(&id, "<alert-%.16s-", hash);
	if (!strcmp(e->threading.by_date, "daily"))
		buf_addf(&id, "%04lld-%02d-%02d", (long long)day.year, day.month, day.day);
	buf_add_text(&id, "@alertmanager>");
	add_line(out, "References", buf_str(&id));
	add_line(out, "In-Reply-To", buf_str(&id));
	buf_free(&id);
}

/* The same for each attempt at one notification, also after a crash: mail servers and
 * readers then show one mail. */
static void add_message_id(struct buf *out, const struct attempt *a, uint64_t *seed)
{
	const struct attempt_env *env = a->env;
	const char *host = env->hostname && *env->hostname ? env->hostname
							   : "localhost.localdomain";

	if (a->n->id)
		buf_addf(out, "Message-Id: <%s@%s>\r\n", a->n->id, host);
	else
		buf_addf(out, "Message-Id: <%lld%09d.%llu@%s>\r\n", (long long)env->now.s,
			 env->now.ns, (unsigned long long)next_random(seed), host);
}

/* Subject, To, From, then what the user configured, then what is generated. */
static void add_headers(struct buf *out, struct render *r, const struct email *e,
			struct str from, struct str to, const char *boundary,
			uint64_t *seed)
{
	const char *subject = configured(e, "Subject");

	add_line(out, "Subject",
		 render_line(r, subject ? subject : TPL("email.default.subject")));
	add_line(out, "To", configured(e, "To") ? render_text(r, configured(e, "To")) : to);
	add_line(out, "From",
		 configured(e, "From") ? render_text(r, configured(e, "From")) : from);
	for (size_t i = 0; i < e->headers.n; i++) {
		const char *name = e->headers.v[i].name;

		if (strcmp(name, "Subject") && strcmp(name, "To") && strcmp(name, "From"))
			add_line(out, name, render_text(r, e->headers.v[i].text));
	}
	if (!configured(e, "Message-Id"))
		add_message_id(out, r->a, seed);
	if (e->threading.enabled)
		add_thread(out, r->a, e);
	buf_add_text(out, "Date: ");
	buf_add_mail_date(out, local_now(r->a));
	buf_addf(out, "\r\nContent-Type: multipart/alternative;  boundary=%s\r\n",
		 boundary);
	buf_add_text(out, "MIME-Version: 1.0\r\n\r\n");
}

static void add_part(struct buf *out, const char *boundary, bool first, const char *type,
		     struct str text)
{
	buf_addf(out, "%s--%s\r\n", first ? "" : "\r\n", boundary);
	buf_addf(out,
		 "Content-Transfer-Encoding: quoted-printable\r\n"
		 "Content-Type: %s; charset=UTF-8\r\n\r\n",
		 type);
	buf_add_quoted_printable(out, text);
}

static void add_message(struct buf *out, struct render *r, const struct email *e,
			struct str from, struct str to)
{
	uint64_t seed = r->a->env->random;
	char boundary[61];

	for (int i = 0; i < 60; i++)
		boundary[i] = "0123456789abcdef"[next_random(&seed) & 15];
	boundary[60] = 0;
	add_headers(out, r, e, from, to, boundary, &seed);
	if (*e->text)
		add_part(out, boundary, true, "text/plain", render_message(r, e->text));
	if (*e->html)
		add_part(out, boundary, !*e->text, "text/html", render_html(r, e->html));
	buf_addf(out, "\r\n--%s--\r\n", boundary);
}

/* -- the envelope --------------------------------------------------------------------- */
static bool set_envelope(struct attempt *a, struct str from, struct str to)
{
	const char **senders, **all;
	size_t n = 0;
	struct err err;

	if (!addresses_parse(a->mem, from, &senders, &n, &err)) {
		give_up(a, FAILURE_OTHER, "parse 'from' addresses: %s", err.text);
		return false;
	}
	if (n != 1) {
		give_up(a, FAILURE_OTHER, "must be exactly one 'from' address (got: %zu)",
			n);
		return false;
	}
	a->mail.from = senders[0];
	if (!addresses_parse(a->mem, to, &all, &n, &err)) {
		give_up(a, FAILURE_OTHER, "parse 'to' addresses: %s", err.text);
		return false;
	}
	a->mail.to = all;
	a->mail.n_to = n;
	return true;
}

static enum mail_tls tls_mode(const struct email *e)
{
	if (e->force_implicit_tls == YES ||
	    (e->force_implicit_tls == UNSET && !strcmp(e->smarthost.port, "465")))
		return MAIL_TLS_IMPLICIT;
	return e->require_tls == YES ? MAIL_TLS_REQUIRED : MAIL_TLS_NONE;
}

/* Everything is rendered before anything is sent; the peers send an empty message when
 * that fails (3.7). */
static void compose(struct attempt *a)
{
	const struct email *e = a->n->integration->settings;
	const char *password, *secret;
	struct buf message = BUF(MAIL_MAX);
	struct str from, to;
	struct render r;

	a->mail = (struct mail_request){.host = e->smarthost.host,
					.port = e->smarthost.port,
					.tls = tls_mode(e),
					.tls_config = e->tls_config,
					.hello = e->hello,
					.username = e->auth_username,
					.identity = e->auth_identity};
	if (!secret_get(a, e->auth_password, e->auth_password_file, &password) ||
	    !secret_get_raw(a, e->auth_secret, e->auth_secret_file, &secret))
		return;
	a->mail.password = (struct secret){*password ? password : NULL};
	a->mail.cram_secret = (struct secret){*secret ? secret : NULL};
	render_start(&r, a, 0);
	from = render_exactly(&r, e->from);
	to = render_exactly(&r, e->to);
	add_message(&message, &r, e, from, to);
	if (render_ok(&r) && set_envelope(a, from, to)) {
		a->mail.message = buf_keep(&message, a->mem);
		a->wants = WANTS_MAIL;
		if (message.full)
			give_up(a, FAILURE_OTHER, "the mail is longer than %zu bytes",
				MAIL_MAX);
	}
	buf_free(&message);
}

static void judge_mail(struct attempt *a, const struct mail_answer *answer)
{
	if (!answer->error)
		sent(a);
	else
		retry(a, answer->timed_out ? FAILURE_DEADLINE : FAILURE_OTHER, "%s",
		      answer->error);
}

static void needs(const struct integration_config *ic, struct integration_needs *out)
{
	const struct email *e = ic->settings;

	out->mail_tls = e->tls_config;
}

const struct integration email_integration = {
	.kind = {.name = "email",
		 .key = "email_configs",
		 .fields = fields,
		 .size = sizeof(struct email),
		 .no_http_config = true,
		 .check = check,
		 .inherit = inherit},
	.compose = compose,
	.judge_mail = judge_mail,
	.needs = needs,
};
