#include "base/base.h"
#include "tocsind/flags.h"
#include "text/url.h"

#include <string.h>
#include <unistd.h>

/* The flags of Alertmanager's cluster (spec/api.md 9.2). There is none here, but a command
 * line that Alertmanager would refuse is refused, and one that counts on peers is told
 * that it has none. */

#define LONGEST_LABEL 255

static bool check_address(struct arena *mem, const char *flag, const char *address,
			  struct err *err)
{
	struct host_port at;
	int64_t port;

	if (!host_port_parse(mem, str_of(address), NOWHERE, &at, err))
		return err_in(err, "--%s", flag);
	if (!str_int(str_of(at.port), &port) || port < 0 || port > 65535)
		return err_set(err, NOWHERE, "--%s: address %s: invalid port", flag,
			       address);
	return true;
}

bool cluster_check(struct arena *mem, const struct flags *f, struct err *err)
{
	if (!f->cluster_listen[0])
		return true;
	if (!check_address(mem, "cluster.listen-address", f->cluster_listen, err))
		return false;
	if (f->cluster_advertise[0] &&
	    !check_address(mem, "cluster.advertise-address", f->cluster_advertise, err))
		return false;
	for (size_t i = 0; i < f->cluster_peers.n; i++) {
		if (!check_address(mem, "cluster.peer", f->cluster_peers.v[i], err))
			return false;
	}
	if (strlen(f->cluster_label) > LONGEST_LABEL)
		return err_set(err, NOWHERE, "--cluster.label is longer than %d bytes",
			       LONGEST_LABEL);
	if (f->cluster_tls[0] && access(f->cluster_tls, R_OK))
		return err_sys(err, (struct pos){f->cluster_tls, 0, 0},
			       "--cluster.tls-config cannot be read");
	return true;
}

void cluster_warn(const struct flags *f)
{
	if (f->cluster_peers.n)
		log_warn("start",
			 "there is no cluster: this instance shares neither silences nor "
			 "what was sent with its peers, so a pair sends everything twice; "
			 "run one instance (its state survives a restart), or let "
			 "Prometheus send to only one of them",
			 L_STR("peer", f->cluster_peers.v[0]),
			 L_INT("peers", (int64_t)f->cluster_peers.n));
}
