/* hostport.h - "host:port" taken apart as Go's net package does. */
#pragma once
#include "base/str.h"

/* False when the text is no host and port. */
bool hostport_split(struct str, struct str *host, struct str *port) MUST_USE;
bool is_ip_address(struct str); /* v4 or v6, without a zone */
