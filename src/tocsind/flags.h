/* flags.h - the command line of tocsind: Alertmanager's long flags and our own.
 *
 * One row a flag; --help, the manual's test and the parser read the same rows.
 * Syntax: --name=value or --name value, one or two dashes; booleans --name and --no-name;
 *         @file takes arguments from a file, one a line.
 * Spec:   spec/api.md 9.
 */
#pragma once
#include "base/err.h"
#include "base/log.h"
#include "model/matcher.h"

#define FLAG_LIST_MAX 16

struct text_flags { /* a repeatable flag */
	const char *v[FLAG_LIST_MAX];
	size_t n;
};
struct flags {
	const char *config_file; /* "" until flags_parse: then the first that exists */
	const char *storage_path;
	struct text_flags rules; /* folders of rule files */
	struct text_flags listen;
	bool systemd_socket;
	const char *web_config, *external_url, *route_prefix, *cors_origin;
	int64_t get_concurrency, max_silences, max_silence_bytes, per_alertname, max_body,
		max_connections, max_alerts, max_labels, max_alert_bytes;
	int64_t web_timeout_ns, retention_ns, maintenance_ns, gc_ns, start_delay_ns,
		dispatch_maintenance_ns, resend_delay_ns, outage_tolerance_ns,
		grace_period_ns, journal_retention_ns, shutdown_ns, names_interval_ns;
	int64_t journal_bytes, concurrent_evals;
	bool log_silences, check_templates, check_expressions, resolve_removed,
		retry_rate_limited, leave_out_alerts, sandbox;
	const char *features;
	/* of features: what metrics tell apart */
	bool receiver_names, group_keys, alert_names, rule_names;
	bool event_recorder;	    /* of features */
	bool rules_concur;	    /* of features */
	enum matcher_mode matchers; /* from features and compatibility */
	const char *compatibility;
	const char *template_functions;
	bool rules_as_vmalert; /* from template_functions */
	bool as_0_25;	       /* behave as Alertmanager 0.25, not 0.34 */
	const char *log_level_text, *log_format_text;
	enum log_level log_level;
	enum log_format log_format;
	bool help, help_man, version;
	/* accepted for compatibility: there is no cluster to join */
	const char *cluster_listen, *cluster_advertise, *cluster_label, *cluster_tls;
	struct text_flags cluster_peers;
	int64_t cluster_ns[10];
	const char *memory_ratio;
	const char *ignored_text;
	bool ignored_bool;
};

/* False and err when something is wrong; mem holds texts read from @files. */
bool flags_parse(struct arena *mem, int argc, char **argv, struct flags *,
		 struct err *) MUST_USE;
void flags_print_help(void);
void flags_print_manual(void); /* as roff */

/* cluster.c */
bool cluster_check(struct arena *, const struct flags *, struct err *) MUST_USE;
void cluster_warn(const struct flags *);
