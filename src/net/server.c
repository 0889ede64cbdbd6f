#include "base/base.h"
#include "net/server.h"
#include "net/clock.h"
#include "net/pace.h"
#include "net/server_tls.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/listener.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define DEFAULT_BODY	    ((size_t)64 * 1024 * 1024)
#define DEFAULT_HEADERS	    ((size_t)64 * 1024)
#define DEFAULT_CONNECTIONS 4000
#define OWN_FILES	    64	  /* descriptors of ours below those of clients */
#define SPARE_FILES	    512	  /* those that clients leave to deliveries and queries */
#define ROOM		    16	  /* of so many clients one goes when there are too many */
#define SOON		    10000 /* microseconds */
#define LATER		    100000
#define DEFAULT_TIMEOUT	    MINUTE

struct call {
	LIST_ENTRY(call) list;
	struct server *server;
	struct evhttp_request *req; /* NULL: the client is gone */
	struct evhttp_connection *conn;
	struct arena mem;
	mono_ms began;
	struct stream stream; /* more is NULL: the answer is not in pieces */
	struct buf piece;
};

struct server {
	LIST_ENTRY(server) list;
	struct event_base *base;
	struct evhttp *http;
	struct server_options options;
	struct tls_context *tls;
	struct pace *pace;
	LIST_HEAD(, call) calls;
	struct evhttp_bound_socket *sockets[64];
	size_t n_sockets;
	char *files[64]; /* of our unix sockets */
	size_t n_files;
	struct event *resume;
	bool paused;
	size_t crowded_at; /* the lowest free descriptor when there are too many clients */
	uint64_t cut_off, accept_failures;
};

/* Listeners know their evhttp only. */
static LIST_HEAD(, server) servers = LIST_HEAD_INITIALIZER(servers);

static void call_free(struct call *c)
{
	if (c->stream.more)
		c->stream.ended(c->stream.arg);
	LIST_REMOVE(c, list);
	buf_free(&c->piece);
	arena_free(&c->mem);
	free(c);
}

/* Whoever is at work on an answer ends its call; a stream just stops. A request that was
 * cut from its connection is ours, others evhttp frees. */
static void on_client_gone(struct evhttp_connection *conn, void *arg)
{
	struct server *s = arg;
	struct call *c, *next;
	bool is_ours;

	for (c = LIST_FIRST(&s->calls); c; c = next) {
		next = LIST_NEXT(c, list);
		if (!c->req || c->conn != conn)
			continue;
		c->conn = NULL;
		is_ours = !evhttp_request_get_connection(c->req);
		if (is_ours && c->stream.more)
			evhttp_request_free(c->req);
		if (!is_ours || c->stream.more)
			c->req = NULL;
		if (c->stream.more)
			call_free(c);
	}
}

static void on_request(struct evhttp_request *req, void *arg)
{
	struct server *s = arg;
	struct call *c = mem_new(sizeof(*c));
	struct evhttp_connection *conn = evhttp_request_get_connection(req);

	c->server = s;
	c->req = req;
	c->conn = conn;
	c->began = clock_mono();
	LIST_INSERT_HEAD(&s->calls, c, list);
	evhttp_connection_set_closecb(conn, on_client_gone, s);
	pace_request_is_here(s->pace,
			     bufferevent_getfd(evhttp_connection_get_bufferevent(conn)));
	s->options.handle(s->options.arg, c);
}

/* -- the ceiling on connections -------------------------------------------------------
 * evhttp does not count its connections. The lowest free descriptor tells well enough:
 * above the ceiling nobody is accepted until some have gone; waiting clients stay in the
 * kernel's queue. Those make room whose next request has been waited for longest, so that
 * a flood of idle clients keeps nobody out. */

static bool is_crowded(const struct server *s)
{
	int lowest_free = dup(STDERR_FILENO);

	if (lowest_free >= 0)
		close(lowest_free);
	return lowest_free < 0 || (size_t)lowest_free >= s->crowded_at;
}

static void set_accepting(struct server *s, bool accepting)
{
	s->paused = !accepting;
	for (size_t i = 0; i < s->n_sockets; i++) {
		struct evconnlistener *l = evhttp_bound_socket_get_listener(s->sockets[i]);

		if (accepting)
			evconnlistener_enable(l);
		else
			evconnlistener_disable(l);
	}
}

static void pause_accepting(struct server *s, suseconds_t us)
{
	const struct timeval pause = {0, us};

	if (!s->paused)
		set_accepting(s, false);
	evtimer_add(s->resume, &pause);
}

static void watch_crowd(evutil_socket_t fd, short what, void *arg)
{
	struct server *s = arg;
	size_t gone;

	(void)fd, (void)what;
	if (!is_crowded(s)) {
		if (s->paused)
			set_accepting(s, true);
		return;
	}
	gone = pace_make_room(s->pace, MAX(s->options.max_connections / ROOM, 1));
	s->cut_off += gone;
	pause_accepting(s, gone ? SOON : LATER);
}

/* No descriptors, or no memory, are left: asking again at once would only burn time. */
static void on_accept_failed(struct evconnlistener *l, void *http)
{
	struct server *s = LIST_FIRST(&servers);

	(void)l;
	while (s->http != http)
		s = LIST_NEXT(s, list);
	s->accept_failures++;
	s->cut_off += pace_make_room(s->pace, MAX(s->options.max_connections / ROOM, 1));
	pause_accepting(s, LATER);
}

static struct bufferevent *new_connection(struct event_base *base, void *arg)
{
	struct server *s = arg;
	SSL *ssl = s->tls ? tls_context_session(s->tls) : NULL;
	struct bufferevent *bev;

	watch_crowd(-1, 0, s);
	bev = ssl ? bufferevent_openssl_socket_new(base, -1, ssl, BUFFEREVENT_SSL_ACCEPTING,
						   BEV_OPT_CLOSE_ON_FREE)
		  : bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);
	if (bev)
		pace_watch(s->pace, bev);
	return bev;
}

static void fill_defaults(struct server_options *o)
{
	if (!o->max_body)
		o->max_body = DEFAULT_BODY;
	if (!o->max_headers)
		o->max_headers = DEFAULT_HEADERS;
	if (!o->max_connections)
		o->max_connections = DEFAULT_CONNECTIONS;
	if (!o->timeout)
		o->timeout = DEFAULT_TIMEOUT;
}

/* A quarter of few descriptors, some hundreds of many are not for clients. */
static size_t crowded_at(const struct server_options *o)
{
	struct rlimit files;
	size_t most = o->max_connections + OWN_FILES;

	if (getrlimit(RLIMIT_NOFILE, &files) || files.rlim_cur == RLIM_INFINITY)
		return most;
	return MIN(most, files.rlim_cur - MIN(files.rlim_cur / 4, SPARE_FILES));
}

struct server *server_new(struct event_base *base, const struct server_options *options)
{
	struct server *s = mem_new(sizeof(*s));
	struct timeval patience;

	s->base = base;
	s->options = *options;
	fill_defaults(&s->options);
	s->crowded_at = crowded_at(&s->options);
	LIST_INIT(&s->calls);
	LIST_INSERT_HEAD(&servers, s, list);
	s->resume = evtimer_new(base, watch_crowd, s);
	s->http = evhttp_new(base);
	s->pace = pace_new(base, s->options.timeout);
	ASSERT(s->http && s->resume);
	patience.tv_sec = s->options.timeout / 1000;
	patience.tv_usec = s->options.timeout % 1000 * 1000;
	evhttp_set_timeout_tv(s->http, &patience);
	evhttp_set_max_body_size(s->http, (ev_ssize_t)s->options.max_body);
	evhttp_set_max_headers_size(s->http, (ev_ssize_t)s->options.max_headers);
	evhttp_set_allowed_methods(s->http, EVHTTP_REQ_GET | EVHTTP_REQ_POST |
						    EVHTTP_REQ_HEAD | EVHTTP_REQ_PUT |
						    EVHTTP_REQ_DELETE | EVHTTP_REQ_OPTIONS |
						    EVHTTP_REQ_PATCH);
	evhttp_set_default_content_type(s->http, NULL);
	evhttp_set_gencb(s->http, on_request, s);
	evhttp_set_bevcb(s->http, new_connection, s);
	return s;
}

bool server_use_tls(struct server *s, const struct server_tls *tls, struct err *err)
{
	s->tls = tls_context_new(tls, err);
	return s->tls != NULL;
}

struct server_counters server_counters(const struct server *s)
{
	struct server_counters c = {s->cut_off, s->accept_failures, 0};
	const struct call *call;

	LIST_FOREACH(call, &s->calls, list)
	{
		c.call_bytes += sizeof(*call) + arena_size(&call->mem) + call->piece.n;
		if (call->req)
			c.call_bytes += evbuffer_get_length(
				evhttp_request_get_input_buffer(call->req));
	}
	return c;
}

void server_free(struct server *s)
{
	if (!s)
		return;
	server_stop_listening(s);
	LIST_REMOVE(s, list);
	evhttp_free(s->http);
	while (!LIST_EMPTY(&s->calls))
		call_free(LIST_FIRST(&s->calls));
	event_free(s->resume);
	pace_free(s->pace);
	tls_context_free(s->tls);
	free(s);
}

/* -- listening ------------------------------------------------------------------------ */

static bool listen_fd(struct server *s, int fd, struct err *err)
{
	struct evhttp_bound_socket *socket;
	int on = 1;

	if (s->n_sockets == COUNT_OF(s->sockets))
		return err_set(err, NOWHERE, "too many addresses to listen on");
	/* Accepted sockets inherit it: the end of an answer in pieces must not wait for
	 * the client's delayed acknowledgement. A unix socket has no use for it. */
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	evutil_make_socket_nonblocking(fd);
	evutil_make_socket_closeonexec(fd);
	socket = evhttp_accept_socket_with_handle(s->http, fd);
	if (!socket)
		return err_sys(err, NOWHERE, "cannot accept connections");
	evconnlistener_set_error_cb(evhttp_bound_socket_get_listener(socket),
				    on_accept_failed);
	s->sockets[s->n_sockets++] = socket;
	return true;
}

static int open_socket(const struct addrinfo *a)
{
	int fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int on = 1;

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (a->ai_family == AF_INET6) {
		on = 0;
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	}
	if (bind(fd, a->ai_addr, a->ai_addrlen) == 0 && listen(fd, 1024) == 0)
		return fd;
	on = errno;
	close(fd);
	errno = on;
	return -1;
}

/* The kernel ends it with a zero byte unless it fills all there is; abstract ones begin
 * with one. */
static const char *unix_path(struct sockaddr_storage *at, socklen_t n)
{
	struct sockaddr_un *un = (struct sockaddr_un *)at;

	if (n <= offsetof(struct sockaddr_un, sun_path))
		return "";
	((char *)at)[MIN((size_t)n, sizeof(*at) - 1)] = 0;
	if (!un->sun_path[0] && n > offsetof(struct sockaddr_un, sun_path) + 1)
		un->sun_path[0] = '@';
	return un->sun_path;
}

static const char *bound_name(struct arena *mem, int fd)
{
	struct sockaddr_storage at;
	socklen_t n = sizeof(at);
	char host[INET6_ADDRSTRLEN + 32], port[16];

	if (getsockname(fd, (struct sockaddr *)&at, &n))
		return "?";
	if (at.ss_family == AF_UNIX)
		return arena_printf(mem, "unix:%s", unix_path(&at, n));
	if (getnameinfo((struct sockaddr *)&at, n, host, sizeof(host), port, sizeof(port),
			NI_NUMERICHOST | NI_NUMERICSERV))
		return "?";
	return arena_printf(mem, strchr(host, ':') ? "[%s]:%s" : "%s:%s", host, port);
}

static bool split_address(struct arena *mem, const char *address, const char **host,
			  const char **port)
{
	const char *colon = strrchr(address, ':');
	struct str h;

	if (!colon)
		return false;
	h = (struct str){address, (size_t)(colon - address)};
	if (h.n >= 2 && h.p[0] == '[' && h.p[h.n - 1] == ']')
		h = str_slice(h, 1, h.n - 2);
	*host = h.n ? arena_copy(mem, h) : NULL;
	*port = colon + 1;
	return true;
}

static bool listen_unix(struct server *s, const char *path, struct err *err)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	struct stat old;
	int fd;

	if (strlen(path) >= sizeof(at.sun_path))
		return err_set(err, NOWHERE, "socket path %s is too long", path);
	strcpy(at.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return err_sys(err, NOWHERE, "cannot make a socket");
	if (!lstat(path, &old) && S_ISSOCK(old.st_mode))
		unlink(path); /* what a killed daemon left */
	if (bind(fd, (struct sockaddr *)&at, sizeof(at)) || listen(fd, 1024)) {
		err_sys(err, NOWHERE, "cannot listen on %s", path);
		close(fd);
		return false;
	}
	if (!listen_fd(s, fd, err))
		return false;
	s->files[s->n_files++] = mem_text(path);
	return true;
}

bool server_listen(struct server *s, const char *address, struct arena *mem,
		   const char **bound, struct err *err)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE},
			*found;
	const char *host, *port;
	int fd = -1, code;

	*bound = address;
	if (!strncmp(address, "unix:", 5))
		return listen_unix(s, address + 5, err);
	if (!split_address(mem, address, &host, &port))
		return err_set(err, NOWHERE, "listen %s: missing port in address", address);
	code = getaddrinfo(host, port, &hints, &found);
	if (code)
		return err_set(err, NOWHERE, "listen %s: %s", address, gai_strerror(code));
	/* A wildcard prefers IPv6, which then takes IPv4 as well. */
	for (int family = AF_INET6; fd < 0; family = AF_INET) {
		for (const struct addrinfo *a = found; a && fd < 0; a = a->ai_next) {
			if (a->ai_family == family)
				fd = open_socket(a);
		}
		if (family == AF_INET)
			break;
	}
	code = errno;
	freeaddrinfo(found);
	errno = code;
	if (fd < 0)
		return err_sys(err, NOWHERE, "listen %s", address);
	*bound = bound_name(mem, fd);
	return listen_fd(s, fd, err);
}

bool server_listen_passed(struct server *s, int fd, struct arena *mem, const char **bound,
			  struct err *err)
{
	int type = 0, listens = 0;
	socklen_t n = sizeof(int);

	if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &n) ||
	    getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &n))
		return err_sys(err, NOWHERE, "descriptor %d is no socket", fd);
	if (type != SOCK_STREAM || !listens)
		return err_set(err, NOWHERE, "descriptor %d is no listening stream socket",
			       fd);
	*bound = bound_name(mem, fd);
	return listen_fd(s, fd, err);
}

void server_stop_listening(struct server *s)
{
	for (size_t i = 0; i < s->n_sockets; i++)
		evhttp_del_accept_socket(s->http, s->sockets[i]);
	s->n_sockets = 0;
	while (s->n_files) {
		unlink(s->files[--s->n_files]);
		free(s->files[s->n_files]);
	}
}

/* -- reading a call ------------------------------------------------------------------- */

struct arena *call_mem(struct call *c)
{
	return &c->mem;
}

const char *call_method(const struct call *c)
{
	static const struct {
		enum evhttp_cmd_type cmd;
		const char *word;
	} words[] = {
		{EVHTTP_REQ_GET, "GET"},       {EVHTTP_REQ_POST, "POST"},
		{EVHTTP_REQ_HEAD, "HEAD"},     {EVHTTP_REQ_PUT, "PUT"},
		{EVHTTP_REQ_DELETE, "DELETE"}, {EVHTTP_REQ_OPTIONS, "OPTIONS"},
		{EVHTTP_REQ_PATCH, "PATCH"},
	};

	for (size_t i = 0; c->req && i < COUNT_OF(words); i++) {
		if (evhttp_request_get_command(c->req) == words[i].cmd)
			return words[i].word;
	}
	return "";
}

static struct str target(const struct call *c)
{
	return str_of(c->req ? evhttp_request_get_uri(c->req) : "");
}

/* An absolute target ("GET http://host/path") counts from its path on. */
static struct str without_host(struct str uri)
{
	size_t scheme = str_find(uri, STR("://"));
	size_t slash;

	if (uri.n && uri.p[0] == '/')
		return uri;
	if (scheme == STR_NONE)
		return uri;
	slash = str_find_char(str_from(uri, scheme + 3), '/');
	return slash == STR_NONE ? STR("/") : str_from(uri, scheme + 3 + slash);
}

struct str call_path(const struct call *c)
{
	struct str uri = without_host(target(c));
	size_t end = str_find_char(uri, '?'), hash = str_find_char(uri, '#');

	return str_slice(uri, 0, MIN(MIN(end, hash), uri.n));
}

struct str call_query(const struct call *c)
{
	struct str uri = without_host(target(c));
	size_t at = str_find_char(uri, '?');

	return at == STR_NONE ? STR("") : str_from(uri, at + 1);
}

struct str call_body(const struct call *c)
{
	struct evbuffer *in = c->req ? evhttp_request_get_input_buffer(c->req) : NULL;
	size_t n = in ? evbuffer_get_length(in) : 0;

	if (!n)
		return STR("");
	return (struct str){(const char *)evbuffer_pullup(in, -1), n};
}

const char *call_header(const struct call *c, const char *name)
{
	if (!c->req)
		return NULL;
	return evhttp_find_header(evhttp_request_get_input_headers(c->req), name);
}

const char *call_peer(const struct call *c)
{
	char *host = NULL;
	ev_uint16_t port;

	if (c->req)
		evhttp_connection_get_peer(evhttp_request_get_connection(c->req), &host,
					   &port);
	return host ? host : "";
}

mono_ms call_began(const struct call *c)
{
	return c->began;
}

/* -- answering ------------------------------------------------------------------------ */

void call_set_header(struct call *c, const char *name, const char *value)
{
	if (c->req)
		evhttp_add_header(evhttp_request_get_output_headers(c->req), name, value);
}

static const char *reason_of(int status)
{
	static const struct {
		int status;
		const char *text;
	} reasons[] = {
		{200, "OK"},
		{202, "Accepted"},
		{204, "No Content"},
		{301, "Moved Permanently"},
		{302, "Found"},
		{307, "Temporary Redirect"},
		{400, "Bad Request"},
		{401, "Unauthorized"},
		{403, "Forbidden"},
		{404, "Not Found"},
		{405, "Method Not Allowed"},
		{406, "Not Acceptable"},
		{410, "Gone"},
		{413, "Request Entity Too Large"},
		{415, "Unsupported Media Type"},
		{422, "Unprocessable Entity"},
		{429, "Too Many Requests"},
		{500, "Internal Server Error"},
		{503, "Service Unavailable"},
	};

	for (size_t i = 0; i < COUNT_OF(reasons); i++) {
		if (reasons[i].status == status)
			return reasons[i].text;
	}
	return "";
}

void call_answer(struct call *c, int status, struct str body)
{
	struct evbuffer *out;

	if (c->req) {
		out = evbuffer_new();
		ASSERT(out);
		evbuffer_add(out, body.p ? body.p : "", body.n);
		evhttp_send_reply(c->req, status, reason_of(status), out);
		evbuffer_free(out);
	}
	call_free(c);
}

static void send_next_piece(struct evhttp_connection *conn, void *arg);

static void send_piece(struct call *c, bool is_last)
{
	struct evbuffer *out = evbuffer_new();

	ASSERT(out);
	evbuffer_add(out, c->piece.p, c->piece.n);
	evhttp_send_reply_chunk_with_cb(c->req, out, is_last ? NULL : send_next_piece, c);
	evbuffer_free(out);
	if (!is_last)
		return;
	evhttp_send_reply_end(c->req);
	call_free(c);
}

static bool make_piece(struct call *c)
{
	bool more = true;

	buf_reset(&c->piece);
	while (more && !c->piece.n) /* evhttp forgets an empty one */
		more = c->stream.more(c->stream.arg, &c->piece);
	return more;
}

static void send_next_piece(struct evhttp_connection *conn, void *arg)
{
	struct call *c = arg;
	bool more = make_piece(c);

	(void)conn;
	send_piece(c, !more);
}

void call_stream(struct call *c, int status, const struct stream *stream)
{
	c->stream = *stream;
	c->piece = BUF(BUF_NO_LIMIT);
	if (!c->req) {
		call_free(c);
	} else if (!make_piece(c)) {
		call_answer(c, status, buf_str(&c->piece));
	} else {
		evhttp_send_reply_start(c->req, status, reason_of(status));
		send_piece(c, false);
	}
}
