#include "base/base.h"
#include "net/mailer.h"
#include "base/buf.h"
#include "base/url.h"
#include "net/curl_options.h"
#include "net/libcurl.h"

#include <event2/event.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAX_SOCKETS 8 /* addresses of a host that are tried at once */

struct mailing {
	TAILQ_ENTRY(mailing) list;
	struct mailer *mailer;
	void (*done)(void *, const struct mail_answer *);
	void *arg;
	bool has_thread;
	pthread_t thread;
	/* the thread's, from its start until it ended */
	struct arena mem;
	CURL *easy;
	struct curl_slist *recipients;
	struct str message; /* what is left to send */
	char error[CURL_ERROR_SIZE];
	const char *failure; /* NULL: accepted */
	int status;
	bool timed_out;
	/* shared, under the mailer's mtx */
	bool canceled, ended;
	int sockets[MAX_SOCKETS];
	size_t n_sockets;
};
TAILQ_HEAD(mailings, mailing);

struct mailer {
	struct event *ended;
	int report_fd;
	pthread_mutex_t mtx;
	struct mailings waiting, talking;
	size_t n_talking;
};

/* -- the sockets of a dialogue -------------------------------------------------------- */

static void shut(struct mailing *m, int how)
{
	for (size_t i = 0; i < m->n_sockets; i++)
		shutdown(m->sockets[i], how);
}

static curl_socket_t open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *to)
{
	struct mailing *m = arg;
	int fd = -1;

	(void)purpose;
	pthread_mutex_lock(&m->mailer->mtx);
	if (!m->canceled && m->n_sockets < MAX_SOCKETS)
		fd = socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
	if (fd >= 0)
		m->sockets[m->n_sockets++] = fd;
	pthread_mutex_unlock(&m->mailer->mtx);
	return fd < 0 ? CURL_SOCKET_BAD : fd;
}

static int close_socket(void *arg, curl_socket_t fd)
{
	struct mailing *m = arg;

	pthread_mutex_lock(&m->mailer->mtx);
	for (size_t i = 0; i < m->n_sockets; i++) {
		if (m->sockets[i] == fd) {
			m->sockets[i] = m->sockets[--m->n_sockets];
			break;
		}
	}
	pthread_mutex_unlock(&m->mailer->mtx);
	return close(fd);
}

/* libcurl asks about once in a second. */
static int is_canceled(void *arg, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
	struct mailing *m = arg;
	bool canceled;

	(void)a, (void)b, (void)c, (void)d;
	pthread_mutex_lock(&m->mailer->mtx);
	canceled = m->canceled;
	pthread_mutex_unlock(&m->mailer->mtx);
	return canceled;
}

/* After QUIT nothing more is read, so that nobody waits for the answer. */
static int after_quit(CURL *easy, curl_infotype what, char *text, size_t n, void *arg)
{
	struct mailing *m = arg;

	(void)easy;
	if (what != CURLINFO_HEADER_OUT || !str_starts((struct str){text, n}, STR("QUIT")))
		return 0;
	pthread_mutex_lock(&m->mailer->mtx);
	shut(m, SHUT_RD);
	pthread_mutex_unlock(&m->mailer->mtx);
	return 0;
}

/* -- the thread ----------------------------------------------------------------------- */

static void report(struct mailing *m)
{
	uint64_t one = 1;
	ssize_t n UNUSED;

	pthread_mutex_lock(&m->mailer->mtx);
	m->ended = true;
	pthread_mutex_unlock(&m->mailer->mtx);
	n = write(m->mailer->report_fd, &one, sizeof(one));
}

static void *talk(void *arg)
{
	struct mailing *m = arg;
	CURLcode code = curl_easy_perform(m->easy);
	long status = 0;

	curl_easy_getinfo(m->easy, CURLINFO_RESPONSE_CODE, &status);
	m->status = (int)status;
	m->timed_out = code == CURLE_OPERATION_TIMEDOUT;
	m->failure = curl_failure(m->easy, &m->mem, code, m->error);
	curl_easy_cleanup(m->easy); /* whatever it may wait for, it does so here */
	m->easy = NULL;
	report(m);
	return NULL;
}

static bool begin_thread(struct mailing *m)
{
	sigset_t all, old;

	sigfillset(&all); /* signals are for the loop's thread */
	pthread_sigmask(SIG_SETMASK, &all, &old);
	m->has_thread = pthread_create(&m->thread, NULL, talk, m) == 0;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return m->has_thread;
}

/* -- the loop's side ------------------------------------------------------------------ */

static void mailing_free(struct mailing *m)
{
	if (m->has_thread)
		pthread_join(m->thread, NULL);
	if (m->easy)
		curl_easy_cleanup(m->easy);
	if (m->recipients)
		curl_slist_free_all(m->recipients);
	arena_free(&m->mem);
	free(m);
}

static void begin_next(struct mailer *r)
{
	struct mailing *m;

	while (r->n_talking < MAILER_MAX && (m = TAILQ_FIRST(&r->waiting))) {
		TAILQ_REMOVE(&r->waiting, m, list);
		TAILQ_INSERT_TAIL(&r->talking, m, list);
		r->n_talking++;
		if (!m->failure && !m->canceled && !begin_thread(m))
			m->failure = "no thread can be started";
		if (!m->has_thread)
			report(m);
	}
}

static struct mailing *find_ended(struct mailer *r)
{
	struct mailing *m;

	pthread_mutex_lock(&r->mtx);
	TAILQ_FOREACH(m, &r->talking, list)
	{
		if (m->ended)
			break;
	}
	pthread_mutex_unlock(&r->mtx);
	return m;
}

static void on_ended(evutil_socket_t fd, short what, void *arg)
{
	struct mailer *r = arg;
	uint64_t count;
	ssize_t n UNUSED = read(fd, &count, sizeof(count));
	struct mailing *m;

	(void)what;
	while ((m = find_ended(r))) {
		/* 354: the last that was heard is that the message is wanted */
		const struct mail_answer answer = {m->status, m->failure, m->timed_out,
						   m->failure && m->status == 354 &&
							   !m->message.n};

		TAILQ_REMOVE(&r->talking, m, list);
		r->n_talking--;
		if (!m->canceled)
			m->done(m->arg, &answer);
		mailing_free(m);
	}
	begin_next(r);
}

void mailing_cancel(struct mailing *m)
{
	struct mailer *r = m->mailer;

	pthread_mutex_lock(&r->mtx);
	m->canceled = true;
	shut(m, SHUT_RDWR); /* wakes the thread, wherever it waits */
	pthread_mutex_unlock(&r->mtx);
}

struct mailer *mailer_new(struct event_base *base)
{
	struct mailer *r = mem_new(sizeof(*r));

	TAILQ_INIT(&r->waiting);
	TAILQ_INIT(&r->talking);
	pthread_mutex_init(&r->mtx, NULL);
	r->report_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	r->ended = event_new(base, r->report_fd, EV_READ | EV_PERSIST, on_ended, r);
	ASSERT(r->report_fd >= 0 && r->ended);
	event_add(r->ended, NULL);
	return r;
}

void mailer_free(struct mailer *r)
{
	struct mailing *m;

	if (!r)
		return;
	TAILQ_FOREACH(m, &r->talking, list)
	mailing_cancel(m);
	TAILQ_CONCAT(&r->talking, &r->waiting, list);
	while ((m = TAILQ_FIRST(&r->talking))) {
		TAILQ_REMOVE(&r->talking, m, list);
		mailing_free(m);
	}
	event_free(r->ended);
	close(r->report_fd);
	pthread_mutex_destroy(&r->mtx);
	free(r);
}

/* -- the request ---------------------------------------------------------------------- */

static size_t give_message(char *to, size_t size, size_t n, void *arg)
{
	struct mailing *m = arg;
	struct str piece = str_slice(m->message, 0, size * n);

	if (piece.n)
		memcpy(to, piece.p, piece.n);
	m->message = str_from(m->message, piece.n);
	return piece.n;
}

static bool is_clean(const char *s)
{
	return !strpbrk(s, "\r\n");
}

static bool set_envelope(struct mailing *m, const struct mail_request *r, struct err *err)
{
	if (!is_clean(r->from) || !is_clean(r->hello))
		return err_set(err, NOWHERE, "the sender holds a line break");
	curl_easy_setopt(m->easy, CURLOPT_MAIL_FROM,
			 arena_printf(&m->mem, "<%s>", r->from));
	for (size_t i = 0; i < r->n_to; i++) {
		if (!is_clean(r->to[i]))
			return err_set(err, NOWHERE, "a recipient holds a line break");
		curl_add_line(&m->recipients, arena_printf(&m->mem, "<%s>", r->to[i]));
	}
	curl_easy_setopt(m->easy, CURLOPT_MAIL_RCPT, m->recipients);
	return true;
}

static bool is_local(const char *host)
{
	return !strcmp(host, "localhost") || !strcmp(host, "127.0.0.1") ||
	       !strcmp(host, "::1");
}

/* A password goes by PLAIN or LOGIN, by PLAIN only where nobody listens; the secret by
 * CRAM-MD5 (spec/receivers.md 3.4). libcurl would use the password for CRAM-MD5. */
static void set_auth(struct mailing *m, const struct mail_request *r)
{
	bool by_secret = secret_is_set(r->cram_secret) && !secret_is_set(r->password);
	bool is_open = r->tls == MAIL_TLS_NONE && !is_local(r->host);

	if (!r->username)
		return;
	curl_easy_setopt(m->easy, CURLOPT_USERNAME, r->username);
	curl_easy_setopt(m->easy, CURLOPT_PASSWORD,
			 secret_reveal(by_secret ? r->cram_secret : r->password));
	curl_easy_setopt(m->easy, CURLOPT_LOGIN_OPTIONS,
			 by_secret ? "AUTH=CRAM-MD5"
			 : is_open ? "AUTH=LOGIN"
				   : "AUTH=PLAIN;AUTH=LOGIN");
	if (r->identity && r->identity[0])
		curl_easy_setopt(m->easy, CURLOPT_SASL_AUTHZID, r->identity);
}

static bool set_address(struct mailing *m, const struct mail_request *r, struct err *err)
{
	static const long use_ssl[] = {
		[MAIL_TLS_NONE] = CURLUSESSL_NONE,
		[MAIL_TLS_WANTED] = CURLUSESSL_TRY,
		[MAIL_TLS_REQUIRED] = CURLUSESSL_ALL,
		[MAIL_TLS_IMPLICIT] = CURLUSESSL_ALL,
	};
	const char *scheme = r->tls == MAIL_TLS_IMPLICIT ? "smtps" : "smtp";
	struct buf hello = BUF(1000);
	const char *port;

	if (!curl_port_number(&m->mem, r->port, &port))
		return err_set(err, NOWHERE, "unknown port %s", r->port);
	buf_add_path_escaped(&hello, str_of(r->hello));
	curl_easy_setopt(
		m->easy, CURLOPT_URL,
		arena_printf(&m->mem,
			     strchr(r->host, ':') ? "%s://[%s]:%s/%s" : "%s://%s:%s/%s",
			     scheme, r->host, port, buf_text(&hello)));
	buf_free(&hello);
	curl_easy_setopt(m->easy, CURLOPT_USE_SSL, use_ssl[r->tls]);
	return !r->tls_config || curl_set_tls(m->easy, &m->mem, r->tls_config, err);
}

static void set_basics(struct mailing *m, span_ms timeout)
{
	curl_easy_setopt(m->easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(m->easy, CURLOPT_QUICK_EXIT, 1L);
	curl_easy_setopt(m->easy, CURLOPT_UPLOAD, 1L);
	curl_easy_setopt(m->easy, CURLOPT_FRESH_CONNECT, 1L);
	curl_easy_setopt(m->easy, CURLOPT_FORBID_REUSE, 1L);
	curl_easy_setopt(m->easy, CURLOPT_CONNECTTIMEOUT_MS, (long)CURL_CONNECT_TIMEOUT);
	curl_easy_setopt(m->easy, CURLOPT_TIMEOUT_MS, (long)timeout);
}

static void set_callbacks(struct mailing *m)
{
	curl_easy_setopt(m->easy, CURLOPT_ERRORBUFFER, m->error);
	curl_easy_setopt(m->easy, CURLOPT_READFUNCTION, give_message);
	curl_easy_setopt(m->easy, CURLOPT_READDATA, m);
	curl_easy_setopt(m->easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
	curl_easy_setopt(m->easy, CURLOPT_OPENSOCKETDATA, m);
	curl_easy_setopt(m->easy, CURLOPT_CLOSESOCKETFUNCTION, close_socket);
	curl_easy_setopt(m->easy, CURLOPT_CLOSESOCKETDATA, m);
	curl_easy_setopt(m->easy, CURLOPT_NOPROGRESS, 0L);
	curl_easy_setopt(m->easy, CURLOPT_XFERINFOFUNCTION, is_canceled);
	curl_easy_setopt(m->easy, CURLOPT_XFERINFODATA, m);
	curl_easy_setopt(m->easy, CURLOPT_VERBOSE, 1L); /* for the next two */
	curl_easy_setopt(m->easy, CURLOPT_DEBUGFUNCTION, after_quit);
	curl_easy_setopt(m->easy, CURLOPT_DEBUGDATA, m);
}

static bool prepare(struct mailing *m, const struct mail_request *r, struct err *err)
{
	m->easy = curl_easy_init();
	ASSERT(m->easy);
	set_basics(m, r->timeout);
	set_callbacks(m);
	set_auth(m, r);
	return set_address(m, r, err) && set_envelope(m, r, err);
}

struct mailing *mailer_send(struct mailer *r, const struct mail_request *request,
			    void (*done)(void *, const struct mail_answer *), void *arg)
{
	struct mailing *m = mem_new(sizeof(*m));
	struct err err;

	m->mailer = r;
	m->done = done;
	m->arg = arg;
	m->message = arena_str(&m->mem, request->message);
	if (!libcurl_load(&err) || !prepare(m, request, &err))
		m->failure = arena_text(&m->mem, err.text);
	TAILQ_INSERT_TAIL(&r->waiting, m, list);
	begin_next(r);
	return m;
}
