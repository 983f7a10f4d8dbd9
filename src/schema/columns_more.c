/* Rows of volumes, jobs and ingresses. */
#include "base/timestamp.h"
#include "schema/columns.h"
#include "schema/rules.h"

/* ---- volumes and claims */

static struct str access_modes(struct arena *arena, const struct doc *modes)
{
	static const char *const words[][2] = {
		{ "ReadWriteOnce", "RWO" },
		{ "ReadOnlyMany", "ROX" },
		{ "ReadWriteMany", "RWX" },
		{ "ReadWriteOncePod", "RWOP" },
	};
	struct str pieces[ARRAY_LEN(words)];
	u32 len = 0;

	for (u32 i = 0; i < ARRAY_LEN(words); i++)
		doc_each_item(modes, mode)
			if (str_is(doc_str(mode), words[i][0]) && len < ARRAY_LEN(pieces))
				pieces[len++] = str_of(words[i][1]);
	return str_join(arena, pieces, len, STR(","));
}

static struct str volume_phase(const struct doc *object)
{
	return doc_at(object, "metadata.deletionTimestamp") ? STR("Terminating")
							    : doc_at_str(object, "status.phase");
}

static struct str storage_class(const struct doc *object)
{
	struct str key = STR("volume.beta.kubernetes.io/storage-class");
	const struct doc *older = doc_get(doc_at(object, "metadata.annotations"), key);

	return older ? doc_str(older) : doc_at_str(object, "spec.storageClassName");
}

RULE_PRINT(persistent_volume_row)
{
	struct str claim = doc_at_str(object, "spec.claimRef.name");
	struct str space = doc_at_str(object, "spec.claimRef.namespace");

	if (claim.len)
		claim = str_format(row->arena, STR_FMT "/" STR_FMT, STR_ARG(space), STR_ARG(claim));
	row_str(row, access_modes(row->arena, doc_at(object, "spec.accessModes")));
	row_str(row, volume_phase(object));
	row_str(row, claim);
	row_str(row, storage_class(object));
}

RULE_PRINT(persistent_volume_claim_row)
{
	bool bound = doc_at_str(object, "spec.volumeName").len != 0;

	row_str(row, volume_phase(object));
	row_str(row, bound ? doc_at_str(object, "status.capacity.storage") : STR(""));
	row_str(row,
		bound ? access_modes(row->arena, doc_at(object, "status.accessModes")) : STR(""));
	row_str(row, storage_class(object));
}

/* ---- jobs */

static struct str job_state(const struct doc *job)
{
	static const char *const words[][2] = {
		{ "Complete", "Complete" },
		{ "Failed", "Failed" },
	};
	static const char *const later[] = { "Suspended", "FailureTarget", "SuccessCriteriaMet" };
	const struct doc *conditions = doc_at(job, "status.conditions");

	for (u32 i = 0; i < ARRAY_LEN(words); i++)
		doc_each_item(conditions, c)
			if (str_is(doc_str(doc_key(c, "type")), words[i][0]) &&
			    str_is(doc_str(doc_key(c, "status")), "True"))
				return str_of(words[i][1]);
	if (doc_at(job, "metadata.deletionTimestamp"))
		return STR("Terminating");
	for (u32 i = 0; i < ARRAY_LEN(later); i++)
		doc_each_item(conditions, c)
			if (str_is(doc_str(doc_key(c, "type")), later[i]) &&
			    str_is(doc_str(doc_key(c, "status")), "True"))
				return str_of(later[i]);
	return STR("Running");
}

static struct str job_completions(struct arena *arena, const struct doc *job)
{
	i64 done = doc_at_int(job, "status.succeeded", 0);
	i64 wanted = doc_at_int(job, "spec.completions", -1);
	i64 at_once = doc_at_int(job, "spec.parallelism", 0);

	if (wanted >= 0)
		return str_format(arena, "%lld/%lld", (long long)done, (long long)wanted);
	if (at_once > 1)
		return str_format(arena, "%lld/1 of %lld", (long long)done, (long long)at_once);
	return str_format(arena, "%lld/1", (long long)done);
}

static struct str job_duration(const struct row *row, const struct doc *job)
{
	i64 start = timestamp_or(doc_at_str(job, "status.startTime"), 0);
	i64 end = timestamp_or(doc_at_str(job, "status.completionTime"), row->now_ns);

	return start ? columns_duration(row->arena, end - start) : STR("");
}

RULE_PRINT(job_row)
{
	row_str(row, job_state(object));
	row_str(row, job_completions(row->arena, object));
	row_str(row, job_duration(row, object));
}

RULE_PRINT(cron_job_row)
{
	const struct doc *last = doc_at(object, "status.lastScheduleTime");

	row_str(row, last ? row_since(row, last) : STR("<none>"));
}

/* ---- ingresses */

RULE_PRINT(ingress_row)
{
	struct row_list hosts = { .len = 0 }, addresses = { .len = 0 };
	struct str class = doc_at_str(object, "spec.ingressClassName");
	struct str key = STR("kubernetes.io/ingress.class");

	if (class.len == 0)
		class = doc_str(doc_get(doc_at(object, "metadata.annotations"), key));
	doc_each_item(doc_at(object, "spec.rules"), rule)
		if (doc_str(doc_key(rule, "host")).len)
			row_list_add(&hosts, doc_str(doc_key(rule, "host")));
	doc_each_item(doc_at(object, "status.loadBalancer.ingress"), i) {
		struct str ip = doc_str(doc_key(i, "ip"));

		row_list_add(&addresses, ip.len ? ip : doc_str(doc_key(i, "hostname")));
	}
	row_or_none(row, class);
	row_str(row, hosts.len ? row_list_print(row->arena, &hosts) : STR("*"));
	row_str(row, row_list_print(row->arena, &addresses));
	row_str(row, doc_len(doc_at(object, "spec.tls")) ? STR("80, 443") : STR("80"));
}
