#include "base/base.h"
#include "tocsind/daemon.h"
#include "base/log.h"
#include "tocsind/outside.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* -- the web configuration --------------------------------------------------------- */

bool web_load(struct daemon *d, struct err *err)
{
	struct arena mem = {0};
	struct errs errs = {.mem = &mem};
	const struct web_config *web = NULL;
	struct str text;
	struct stat st;

	if (!d->flags.web_config[0])
		return true;
	if (!stat(d->flags.web_config, &st))
		d->web_changed_at = st.st_mtim;
	if (outside_read(NULL, &mem, d->flags.web_config, &text, err)) {
		web = web_config_parse(&mem, d->flags.web_config, text, &errs);
		if (errs.n) {
			*err = *errs.v[0];
			err->at.file = d->flags.web_config;
		}
	}
	if (!web) {
		arena_free(&mem);
		return false;
	}
	api_use_web(d->api, web);
	arena_free(&d->web_mem);
	d->web_mem = mem;
	d->web = web;
	return true;
}

bool web_refresh(void *arg)
{
	struct daemon *d = arg;
	struct stat st;
	struct err err;

	if (!d->flags.web_config[0])
		return true;
	if (!stat(d->flags.web_config, &st) &&
	    st.st_mtim.tv_sec == d->web_changed_at.tv_sec &&
	    st.st_mtim.tv_nsec == d->web_changed_at.tv_nsec)
		return !d->web_broken;
	d->web_broken = !web_load(d, &err);
	if (d->web_broken)
		log_error("web",
			  "the web configuration cannot be read, requests are refused",
			  L_ERR(&err));
	return !d->web_broken;
}

/* -- who is let in ----------------------------------------------------------------- */

/* Names joined by colons: those of TLS 1.3, or the others. NULL when there is none. */
static const char *joined(struct arena *mem, const struct text_list *list, bool of_13)
{
	const char *text = NULL;

	for (size_t i = 0; i < list->n; i++) {
		if (str_starts(str_of(list->v[i]), STR("TLS_")) != of_13)
			continue;
		text = text ? arena_printf(mem, "%s:%s", text, list->v[i]) : list->v[i];
	}
	return text;
}

bool web_use_tls(struct daemon *d, struct err *err)
{
	static const enum client_cert policy[] = {
		[CLIENT_NONE] = CLIENT_CERT_NONE,
		[CLIENT_REQUEST] = CLIENT_CERT_REQUEST,
		[CLIENT_REQUIRE] = CLIENT_CERT_ANY,
		[CLIENT_VERIFY_IF_GIVEN] = CLIENT_CERT_VERIFY_IF_GIVEN,
		[CLIENT_VERIFY] = CLIENT_CERT_VERIFY,
	};
	const struct web_config *w = d->web;
	struct server_tls tls;

	if (!w || !w->tls)
		return true;
	tls = (struct server_tls){
		.cert_file = w->cert_file,
		.key_file = w->key_file,
		.client_ca_file = w->client_ca_file,
		.cert = w->cert,
		.key = secret_is_set(w->key) ? secret_reveal(w->key) : NULL,
		.client_ca = w->client_ca,
		.min_version = w->min_version,
		.max_version = w->max_version,
	};
	tls.client_cert = policy[w->client_auth];
	tls.ciphers = joined(&d->mem, &w->cipher_suites, false);
	tls.suites_13 = joined(&d->mem, &w->cipher_suites, true);
	tls.groups = joined(&d->mem, &w->curve_preferences, false);
	tls.allowed_sans = (const char *const *)w->client_allowed_sans.v;
	tls.n_allowed_sans = w->client_allowed_sans.n;
	return server_use_tls(d->server, &tls, err);
}

/* -- addresses and URLs ------------------------------------------------------------ */

static bool listen_passed(struct daemon *d, struct err *err)
{
	const char *bound;
	int first;
	size_t n = systemd_sockets(&first);

	if (!n)
		return err_set(err, NOWHERE, "systemd passed no socket");
	for (size_t i = 0; i < n; i++) {
		if (!server_listen_passed(d->server, first + (int)i, &d->mem, &bound, err))
			return false;
		log_info("web", "Listening on", L_STR("address", bound));
	}
	return true;
}

bool web_listen(struct daemon *d, struct err *err)
{
	const char *bound;

	if (d->flags.systemd_socket)
		return listen_passed(d, err);
	for (size_t i = 0; i < d->flags.listen.n; i++) {
		if (!server_listen(d->server, d->flags.listen.v[i], &d->mem, &bound, err))
			return false;
		log_info("web", "Listening on", L_STR("address", bound));
	}
	return true;
}

static struct str without_slashes(struct str s)
{
	while (s.n && s.p[s.n - 1] == '/')
		s.n--;
	return s;
}

/* The first address is not bound yet; its port is in the flag unless it is 0. */
static const char *port_of(const struct daemon *d)
{
	for (size_t i = 0; i < d->flags.listen.n; i++) {
		const char *address = d->flags.listen.v[i], *colon = strrchr(address, ':');

		if (colon && !str_starts(str_of(address), STR("unix:")))
			return colon + 1;
	}
	return "9093";
}

static const char *own_hostname(struct arena *mem)
{
	char name[256] = "";

	gethostname(name, sizeof(name) - 1);
	return arena_text(mem, name[0] ? name : "localhost");
}

bool web_set_urls(struct daemon *d, struct err *err)
{
	struct str url = str_of(d->flags.external_url), path;
	struct str prefix = str_of(d->flags.route_prefix);
	size_t host;

	d->hostname = own_hostname(&d->mem);
	if (!url.n)
		url = str_of(
			arena_printf(&d->mem, "http://%s:%s", d->hostname, port_of(d)));
	if (!str_starts(url, STR("http://")) && !str_starts(url, STR("https://")))
		return err_set(err, NOWHERE,
			       "--web.external-url: \"%.*s\" must begin with http:// or "
			       "https://",
			       FMT(url));
	d->external_url = arena_copy(&d->mem, without_slashes(url));
	host = str_find(url, STR("://")) + 3;
	path = str_from(url, host);
	path = str_from(path, MIN(str_find_char(path, '/'), path.n));
	if (!prefix.n)
		prefix = path;
	while (prefix.n && prefix.p[0] == '/')
		prefix = str_from(prefix, 1);
	prefix = without_slashes(prefix);
	d->route_prefix = prefix.n ? arena_printf(&d->mem, "/%.*s", FMT(prefix)) : "";
	return true;
}
