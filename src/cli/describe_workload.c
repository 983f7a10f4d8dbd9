/* describe deployment, replicaset, replicationcontroller, and whatever has no describer of its own.
 */
#include "cli/describe.h"
#include "cli/request.h"
#include "doc/json.h"

static void describe_name(struct describe *d, bool ns)
{
	describe_line(d, 0, "Name:\t" STR_FMT, STR_ARG(doc_at_str(d->object, "metadata.name")));
	if (ns)
		describe_line(d, 0, "Namespace:\t" STR_FMT,
			      STR_ARG(doc_at_str(d->object, "metadata.namespace")));
}

static struct str count_or_percent(struct arena *arena, const struct doc *value)
{
	return doc_is(value, DOC_STRING) ? doc_str(value)
	       : value			 ? json_text(arena, value)
					 : STR("25%");
}

/* "web-1 (3/3 replicas created)": old sets, then the one of the newest revision. */
static void describe_replica_sets(struct describe *d)
{
	struct cli *cli = d->cli;
	const struct doc *list, *newest = NULL;
	i64 highest = -1;
	struct str uid = doc_at_str(d->object, "metadata.uid");
	struct str path =
		request_path(cli->arena, schema_kind(cli->schema, KIND_ReplicaSet),
			     doc_at_str(d->object, "metadata.namespace"), STR_NONE, STR_NONE);
	VEC(struct str) old = { 0 };

	if (request_get(cli, path, &list, NULL) != ST_OK)
		return;
	for (int pass = 0; pass < 2; pass++)
		doc_each_item(doc_key(list, "items"), set) {
			i64 revision = 0;
			const struct doc *annotation =
				doc_get(doc_at(set, "metadata.annotations"),
					STR("deployment.kubernetes.io/revision"));

			if (!str_eq(doc_at_str(doc_at(set, "metadata.ownerReferences.0"), "uid"),
				    uid))
				continue;
			if (!str_to_i64(doc_str(annotation), &revision))
				revision = 0;
			if (pass == 0 && revision > highest) {
				highest = revision;
				newest = set;
			}
			if (pass == 1 && set != newest)
				VEC_PUSH(
					cli->arena, &old,
					str_format(cli->arena,
						   STR_FMT " (%lld/%lld replicas created)",
						   STR_ARG(doc_at_str(set, "metadata.name")),
						   (long long)doc_at_int(set, "status.replicas", 0),
						   (long long)doc_at_int(set, "spec.replicas", 0)));
		}
	describe_line(d, 0, "OldReplicaSets:\t" STR_FMT,
		      STR_ARG(old.len ? str_join(cli->arena, old.at, old.len, STR(", "))
				      : STR("<none>")));
	if (newest)
		describe_line(d, 0, "NewReplicaSet:\t" STR_FMT " (%lld/%lld replicas created)",
			      STR_ARG(doc_at_str(newest, "metadata.name")),
			      (long long)doc_at_int(newest, "status.replicas", 0),
			      (long long)doc_at_int(newest, "spec.replicas", 0));
	else
		describe_line(d, 0, "NewReplicaSet:\t<none>");
}

static void describe_conditions(struct describe *d)
{
	const struct doc *conditions = doc_at(d->object, "status.conditions");

	if (!doc_len(conditions))
		return;
	describe_line(d, 0, "Conditions:");
	describe_line(d, 1, "Type\tStatus\tReason");
	describe_line(d, 1, "----\t------\t------");
	doc_each_item(conditions, condition)
		describe_line(d, 1, STR_FMT "\t" STR_FMT "\t" STR_FMT,
			      STR_ARG(doc_at_str(condition, "type")),
			      STR_ARG(doc_at_str(condition, "status")),
			      STR_ARG(doc_at_str(condition, "reason")));
}

void describe_deployment(struct describe *d)
{
	const struct doc *o = d->object, *rolling = doc_at(o, "spec.strategy.rollingUpdate");
	struct arena *arena = d->cli->arena;
	i64 available = doc_at_int(o, "status.availableReplicas", 0);

	describe_name(d, true);
	describe_line(d, 0, "CreationTimestamp:\t" STR_FMT,
		      STR_ARG(describe_time(arena, doc_at_str(o, "metadata.creationTimestamp"))));
	describe_map(d, 0, "Labels", doc_at(o, "metadata.labels"));
	describe_annotations(d, 0, doc_at(o, "metadata.annotations"));
	describe_line(d, 0, "Selector:\t" STR_FMT,
		      STR_ARG(describe_selector(arena, doc_at(o, "spec.selector"))));
	describe_line(d, 0,
		      "Replicas:\t%lld desired | %lld updated | %lld total | %lld available | %lld "
		      "unavailable",
		      (long long)doc_at_int(o, "spec.replicas", 1),
		      (long long)doc_at_int(o, "status.updatedReplicas", 0),
		      (long long)doc_at_int(o, "status.replicas", 0), (long long)available,
		      (long long)doc_at_int(o, "status.unavailableReplicas", 0));
	describe_line(d, 0, "StrategyType:\t" STR_FMT,
		      STR_ARG(doc_at_str(o, "spec.strategy.type")));
	describe_line(d, 0, "MinReadySeconds:\t%lld",
		      (long long)doc_at_int(o, "spec.minReadySeconds", 0));
	if (rolling)
		describe_line(d, 0,
			      "RollingUpdateStrategy:\t" STR_FMT " max unavailable, " STR_FMT
			      " max surge",
			      STR_ARG(count_or_percent(arena, doc_key(rolling, "maxUnavailable"))),
			      STR_ARG(count_or_percent(arena, doc_key(rolling, "maxSurge"))));
	describe_pod_template(d, 0, doc_at(o, "spec.template"));
	describe_conditions(d);
	describe_replica_sets(d);
	describe_events(d);
}

void describe_pod_counts(struct describe *d)
{
	struct cli *cli = d->cli;
	const struct doc *list;
	u32 counts[4] = { 0 };
	static const char *const phases[] = { "Running", "Pending", "Succeeded", "Failed" };
	struct str path =
		request_path(cli->arena, schema_kind(cli->schema, KIND_Pod),
			     doc_at_str(d->object, "metadata.namespace"), STR_NONE, STR_NONE);
	struct str uid = doc_at_str(d->object, "metadata.uid");

	if (request_get(cli, path, &list, NULL) != ST_OK)
		return;
	doc_each_item(doc_key(list, "items"), pod) {
		bool ours = false;

		doc_each_item(doc_at(pod, "metadata.ownerReferences"), owner)
			ours |= str_eq(doc_at_str(owner, "uid"), uid);
		for (size_t i = 0; ours && i < ARRAY_LEN(phases); i++)
			counts[i] += str_is(doc_at_str(pod, "status.phase"), phases[i]);
	}
	describe_line(d, 0, "Pods Status:\t%u Running / %u Waiting / %u Succeeded / %u Failed",
		      counts[0], counts[1], counts[2], counts[3]);
}

void describe_replicaset(struct describe *d)
{
	const struct doc *o = d->object;
	struct arena *arena = d->cli->arena;

	describe_name(d, true);
	describe_line(d, 0, "Selector:\t" STR_FMT,
		      STR_ARG(describe_selector(arena, doc_at(o, "spec.selector"))));
	describe_map(d, 0, "Labels", doc_at(o, "metadata.labels"));
	describe_annotations(d, 0, doc_at(o, "metadata.annotations"));
	doc_each_item(doc_at(o, "metadata.ownerReferences"), owner)
		if (doc_at_bool(owner, "controller", false))
			describe_line(d, 0, "Controlled By:\t" STR_FMT "/" STR_FMT,
				      STR_ARG(doc_at_str(owner, "kind")),
				      STR_ARG(doc_at_str(owner, "name")));
	describe_line(d, 0, "Replicas:\t%lld current / %lld desired",
		      (long long)doc_at_int(o, "status.replicas", 0),
		      (long long)doc_at_int(o, "spec.replicas", 1));
	describe_pod_counts(d);
	describe_pod_template(d, 0, doc_at(o, "spec.template"));
	describe_conditions(d);
	describe_events(d);
}

/* Field names as people read them: creationTimestamp → Creation Timestamp. */
static struct str title_of(struct arena *arena, struct str key)
{
	struct buffer out = BUFFER_INIT(1 << 16);

	for (size_t i = 0; i < key.len; i++) {
		char c = key.at[i];
		bool upper = c >= 'A' && c <= 'Z';

		if (i && upper && !(key.at[i - 1] >= 'A' && key.at[i - 1] <= 'Z'))
			buffer_add_char(&out, ' ');
		buffer_add_char(&out, i == 0 && c >= 'a' && c <= 'z' ? (char)(c - 32) : c);
	}
	struct str title = str_copy(arena, buffer_str(&out));

	buffer_release(&out);
	return title;
}

static void describe_value(struct describe *d, u32 level, struct str title, const struct doc *value)
{
	if (value->type == DOC_OBJECT) {
		describe_line(d, level, STR_FMT ":", STR_ARG(title));
		doc_each_pair(value, key, inner)
			describe_value(d, level + 1, title_of(d->cli->arena, key), inner);
	} else if (value->type == DOC_ARRAY) {
		describe_line(d, level, STR_FMT ":", STR_ARG(title));
		doc_each_item(value, item) {
			if (item->type != DOC_OBJECT) {
				describe_line(d, level + 1, STR_FMT,
					      STR_ARG(doc_is(item, DOC_STRING)
							      ? doc_str(item)
							      : json_text(d->cli->arena, item)));
				continue;
			}
			doc_each_pair(item, key, inner)
				describe_value(d, level + 1, title_of(d->cli->arena, key), inner);
		}
	} else {
		describe_line(d, level, STR_FMT ":\t" STR_FMT, STR_ARG(title),
			      STR_ARG(doc_is(value, DOC_STRING) ? doc_str(value)
								: json_text(d->cli->arena, value)));
	}
}

void describe_other(struct describe *d)
{
	describe_name(d, d->kind->namespaced);
	describe_map(d, 0, "Labels", doc_at(d->object, "metadata.labels"));
	describe_annotations(d, 0, doc_at(d->object, "metadata.annotations"));
	doc_each_pair(d->object, key, value)
		if (!str_is(key, "metadata"))
			describe_value(d, 0, title_of(d->cli->arena, key), value);
	describe_events(d);
}
