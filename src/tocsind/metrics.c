#include "base/base.h"
#include "tocsind/daemon.h"
#include "api/metrics.h"
#include "base/libcrypto.h"
#include "tocsind/names.h"

#include <openssl/evp.h>

/* The first six bytes of the text's MD5 as a little-endian number. */
static double config_hash(const struct config *c)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	uint64_t v = 0;

	if (!libcrypto_load(NULL) ||
	    !EVP_Digest(c->text.p, c->text.n, digest, NULL, EVP_md5(), NULL))
		return 0;
	for (int i = 5; i >= 0; i--)
		v = v << 8 | digest[i];
	return (double)v;
}

/* Under the names of all three. To those that have rules, a rule file that is refused is a
 * reload that failed, until it is mended. */
static void add_reload_metrics(const struct daemon *d, bool has_broken, struct buf *b)
{
	static const char *const peers[] = {"alertmanager", "prometheus", "vmalert"};

	for (size_t i = 0; i < COUNT_OF(peers); i++) {
		bool has_rules = i > 0;
		wall_ms at = has_rules ? d->all_reloaded_at : d->reloaded_at;

		buf_addf(b,
			 "# HELP %s_config_last_reload_successful Whether the last "
			 "configuration reload attempt was successful.\n"
			 "# TYPE %s_config_last_reload_successful gauge\n"
			 "%s_config_last_reload_successful %d\n"
			 "# HELP %s_config_last_reload_success_timestamp_seconds Timestamp "
			 "of the last successful configuration reload.\n"
			 "# TYPE %s_config_last_reload_success_timestamp_seconds gauge\n"
			 "%s_config_last_reload_success_timestamp_seconds %.15g\n",
			 peers[i], peers[i], peers[i],
			 d->reload_ok && !(has_rules && has_broken), peers[i], peers[i],
			 peers[i], (double)at / 1000);
	}
	buf_addf(b,
		 "# HELP vmalert_config_last_reload_total Reloads.\n"
		 "# TYPE vmalert_config_last_reload_total counter\n"
		 "vmalert_config_last_reload_total %llu\n"
		 "# HELP vmalert_config_last_reload_errors_total Reloads that failed.\n"
		 "# TYPE vmalert_config_last_reload_errors_total counter\n"
		 "vmalert_config_last_reload_errors_total %llu\n",
		 (unsigned long long)d->reloads, (unsigned long long)d->reloads_failed);
}

void daemon_add_metrics(void *arg, struct buf *b)
{
	struct daemon *d = arg;
	struct broken_file *broken;
	struct arena mem = {0};
	size_t n = rulefiles_broken(d->rules, &mem, &broken);
	struct server_counters clients = server_counters(d->server);

	buf_addf(b,
		 "# HELP alertmanager_config_hash Hash of the currently loaded "
		 "configuration.\n"
		 "# TYPE alertmanager_config_hash gauge\n"
		 "alertmanager_config_hash %.15g\n",
		 config_hash(d->now_runs->config));
	add_reload_metrics(d, n > 0, b);
	buf_addf(
		b,
		"# HELP tocsin_rule_files Rule files found.\n"
		"# TYPE tocsin_rule_files gauge\ntocsin_rule_files %zu\n"
		"# HELP tocsin_rule_files_broken Rule files refused; the last good version "
		"of "
		"each runs.\n"
		"# TYPE tocsin_rule_files_broken gauge\ntocsin_rule_files_broken %zu\n"
		"# HELP tocsin_rules_unknown_metrics Rules that ask for a metric which "
		"their backend does not know.\n"
		"# TYPE tocsin_rules_unknown_metrics gauge\n"
		"tocsin_rules_unknown_metrics %zu\n"
		"# HELP tocsin_notification_templates_mended_total Messages sent although "
		"a "
		"template of theirs failed.\n"
		"# TYPE tocsin_notification_templates_mended_total counter\n"
		"tocsin_notification_templates_mended_total %llu\n"
		"# HELP tocsin_notifications_shortened_total Messages too long for their "
		"receiver.\n"
		"# TYPE tocsin_notifications_shortened_total counter\n"
		"tocsin_notifications_shortened_total %llu\n"
		"# HELP tocsin_notifications_unrecorded_total Notifications that left "
		"before the disk had them, because it failed or took too long.\n"
		"# TYPE tocsin_notifications_unrecorded_total counter\n"
		"tocsin_notifications_unrecorded_total %llu\n"
		"# HELP tocsin_backend_warnings_total Answers of backends with a warning.\n"
		"# TYPE tocsin_backend_warnings_total counter\n"
		"tocsin_backend_warnings_total %llu\n"
		"# HELP tocsin_web_clients_cut_off_total Idle clients that made room for "
		"others.\n"
		"# TYPE tocsin_web_clients_cut_off_total counter\n"
		"tocsin_web_clients_cut_off_total %llu\n"
		"# HELP tocsin_web_accept_failures_total Times a client could not be "
		"accepted, as when no descriptors were left.\n"
		"# TYPE tocsin_web_accept_failures_total counter\n"
		"tocsin_web_accept_failures_total %llu\n",
		rulefiles_count(d->rules), n, names_count(d->names),
		(unsigned long long)d->mended_templates, (unsigned long long)d->shortened,
		(unsigned long long)d->sent_unrecorded,
		(unsigned long long)d->backend_warnings,
		(unsigned long long)clients.cut_off,
		(unsigned long long)clients.accept_failures);
	buf_add_text(b, "# HELP tocsin_rule_file_broken A rule file that was refused.\n"
			"# TYPE tocsin_rule_file_broken gauge\n");
	for (size_t i = 0; i < n; i++) {
		buf_add_text(b, "tocsin_rule_file_broken{file=\"");
		metric_add_label_text(b, broken[i].path);
		buf_add_text(b, "\"} 1\n");
	}
	remotes_add_metrics(d, b);
	arena_free(&mem);
}
