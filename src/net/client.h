/* client.h - HTTP requests going out, through one libcurl multi handle on the
 * event loop. Connections are kept alive and shared.
 *
 * Owner:   one thread, the loop's.
 * Ends:    done is called exactly once for each exchange that was not canceled, never
 *          from within the call that started it.
 * Memory:  the request is borrowed until done or cancel; the answer lives during done.
 * Limits:  answers end at request->max_answer; the connections to a host given at the
 * start, further exchanges wait for one. Redirects: at most ten; 307 and 308 keep method
 * and body, 301 to 303 become GET. Credentials and configured headers stay with the first
 * host and what is below it, and do not go from https to http. Files:   password_file,
 * credentials_file and header files are read at each request.
 */
#pragma once
#include "engine/wire.h"

struct event_base;
struct client;
struct exchange;

#define CLIENT_FEW	       16  /* connections to a host, for short questions */
#define CLIENT_MANY	       512 /* for whoever has a queue of his own before it */
#define CLIENT_MAX_CONNECTIONS 1024
#define CLIENT_DEFAULT_ANSWER  ((size_t)1024 * 1024)

struct client *client_new(struct event_base *, const char *user_agent,
			  unsigned per_host) MUST_USE;
void client_free(struct client *); /* cancels what is under way */

struct exchange *client_http(struct client *, const struct http_request *,
			     void (*done)(void *arg, const struct http_answer *),
			     void *arg);
void exchange_cancel(struct exchange *);
size_t client_busy(const struct client *); /* exchanges under way */
