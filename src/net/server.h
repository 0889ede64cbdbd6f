/* server.h - requests coming in: HTTP/1.1 with keep-alive on libevent's evhttp, TLS by
 * OpenSSL.
 *
 * Owner:   one thread, the loop's.
 * A call:  the handler gets each request as a struct call and answers it exactly once, now
 *          or later (an answer that promises durability waits for the disk). When the
 *          client goes away first, the answer is dropped silently.
 * Memory:  the call and all it points to live until it is answered; call_mem is an arena
 *          for the handler's use.
 * Limits:  struct server_options. A body over the ceiling gets 413, headers over theirs
 *          400, a client that is slower than the timeout is cut off (pace.h). Where there
 *          are too many clients, or descriptors run out, the idle ones make room.
 */
#pragma once
#include "base/arena.h"
#include "base/buf.h"
#include "base/time.h"
#include "engine/wire.h"

struct event_base;
struct server;
struct call;

struct server_options {
	size_t max_body;	/* 0: 64 MiB */
	size_t max_headers;	/* 0: 64 KiB */
	size_t max_connections; /* 0: 4000; fewer when descriptors are few */
	span_ms timeout;	/* of a request or an answer; 0: 60s */
	void (*handle)(void *arg, struct call *);
	void *arg;
};

enum client_cert {
	CLIENT_CERT_NONE,
	CLIENT_CERT_REQUEST,
	CLIENT_CERT_ANY,
	CLIENT_CERT_VERIFY_IF_GIVEN,
	CLIENT_CERT_VERIFY,
};
struct server_tls { /* paths; NULL where absent */
	const char *cert_file, *key_file, *client_ca_file;
	const char *cert, *key, *client_ca; /* PEM text */
	int min_version, max_version;	    /* 10 .. 13; 0: 12 and 13 */
	enum client_cert client_cert;
	/* Names of OpenSSL's, NULL: its default; SANs a client certificate must have one
	 * of. */
	const char *ciphers, *suites_13, *groups;
	const char *const *allowed_sans;
	size_t n_allowed_sans;
};

struct server *server_new(struct event_base *, const struct server_options *) MUST_USE;
/* Before the first listen. */
bool server_use_tls(struct server *, const struct server_tls *, struct err *) MUST_USE;
/* "host:port", ":port", "[::1]:0", "unix:/path". *bound gets the real address. */
bool server_listen(struct server *, const char *address, struct arena *, const char **bound,
		   struct err *) MUST_USE;
/* A socket that is there already, as systemd passes them; one that does not listen is an
 * error. */
bool server_listen_passed(struct server *, int fd, struct arena *, const char **bound,
			  struct err *) MUST_USE;
void server_stop_listening(struct server *);
void server_free(struct server *); /* open calls are dropped */

struct server_counters {
	uint64_t cut_off;	  /* idle clients that made room for others */
	uint64_t accept_failures; /* as when no descriptor was left */
	size_t call_bytes;	  /* of requests under way and their answers, about */
};
struct server_counters server_counters(const struct server *);

/* -- a call --------------------------------------------------------------------------- */

struct arena *call_mem(struct call *);
const char *call_method(const struct call *);
struct str call_path(const struct call *);  /* as sent, still escaped, without the query */
struct str call_query(const struct call *); /* raw, without the '?' */
struct str call_body(const struct call *);
const char *call_header(const struct call *, const char *name); /* NULL when absent */
const char *call_peer(const struct call *);
mono_ms call_began(const struct call *);

void call_set_header(struct call *, const char *name, const char *value);
/* Ends the call. The body is copied. */
void call_answer(struct call *, int status, struct str body);

/* Or in pieces, each asked for when the one before has left, so that a long answer never
 * sits in memory as a whole. */
struct stream {
	void *arg;
	/* Adds the next piece, about STREAM_PIECE bytes; false: it was the last. */
	bool (*more)(void *arg, struct buf *);
	void (*ended)(void *arg); /* once, also when the client went away */
};
#define STREAM_PIECE ((size_t)64 * 1024)
void call_stream(struct call *, int status, const struct stream *);
