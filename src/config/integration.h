/* integration.h - what the configuration must know of a kind of integration to read it.
 *
 * Each integration is one file in receivers/, which has one of these in its table row; the
 * daemon passes the list to config_load, so that nothing here depends on receivers/.
 */
#pragma once
#include "config/field.h"

struct config;
struct global;
struct integration_config;

struct integration_kind {
	const char *name; /* "slack": logs, metrics, notification log */
	const char *key;  /* "slack_configs" */
	const struct field
		*fields;     /* into settings; send_resolved and http_config besides */
	size_t size;	     /* of the settings struct */
	bool send_resolved;  /* its default */
	bool no_http_config; /* e-mail */
	bool raw_paths;	     /* files of its http_config stay relative as they are */

	/* The kind's own checks, before inheritance (spec/config.md 7.3). NULL: none. */
	void (*check)(struct decode *, struct integration_config *);
	/* Takes over from global what is unset, then checks what must be there (7.4); its
	 * http_config is inherited already. NULL: nothing. */
	void (*inherit)(struct decode *, struct integration_config *,
			const struct global *);
};
