/* describe pod. */
#include "cli/describe.h"

static void describe_conditions(struct describe *d)
{
	const struct doc *conditions = doc_at(d->object, "status.conditions");

	if (!doc_len(conditions))
		return;
	describe_line(d, 0, "Conditions:");
	describe_line(d, 1, "Type\tStatus ");
	doc_each_item(conditions, condition)
		describe_line(d, 1, STR_FMT "\t" STR_FMT " ",
			      STR_ARG(doc_at_str(condition, "type")),
			      STR_ARG(doc_at_str(condition, "status")));
}

static void describe_head(struct describe *d)
{
	const struct doc *pod = d->object;
	struct arena *arena = d->cli->arena;
	struct str node = doc_at_str(pod, "spec.nodeName"), account, class;

	describe_line(d, 0, "Name:\t" STR_FMT, STR_ARG(doc_at_str(pod, "metadata.name")));
	describe_line(d, 0, "Namespace:\t" STR_FMT, STR_ARG(doc_at_str(pod, "metadata.namespace")));
	describe_line(d, 0, "Priority:\t%lld", (long long)doc_at_int(pod, "spec.priority", 0));
	class = doc_at_str(pod, "spec.priorityClassName");
	if (class.len)
		describe_line(d, 0, "Priority Class Name:\t" STR_FMT, STR_ARG(class));
	account = doc_at_str(pod, "spec.serviceAccountName");
	if (account.len)
		describe_line(d, 0, "Service Account:\t" STR_FMT, STR_ARG(account));
	if (node.len)
		describe_line(d, 0, "Node:\t" STR_FMT "/" STR_FMT, STR_ARG(node),
			      STR_ARG(doc_at_str(pod, "status.hostIP")));
	else
		describe_line(d, 0, "Node:\t<none>");
	if (doc_at_str(pod, "status.startTime").len)
		describe_line(d, 0, "Start Time:\t" STR_FMT,
			      STR_ARG(describe_time(arena, doc_at_str(pod, "status.startTime"))));
	describe_map(d, 0, "Labels", doc_at(pod, "metadata.labels"));
	describe_annotations(d, 0, doc_at(pod, "metadata.annotations"));
	struct str deleted = doc_at_str(pod, "metadata.deletionTimestamp");

	if (deleted.len) {
		describe_line(d, 0, "Status:\tTerminating (lasts " STR_FMT ")",
			      STR_ARG(describe_age(d, deleted)));
		describe_line(d, 0, "Termination Grace Period:\t%llds",
			      (long long)doc_at_int(pod, "metadata.deletionGracePeriodSeconds", 0));
	} else {
		describe_line(d, 0, "Status:\t" STR_FMT, STR_ARG(doc_at_str(pod, "status.phase")));
	}
	if (doc_at_str(pod, "status.reason").len)
		describe_line(d, 0, "Reason:\t" STR_FMT, STR_ARG(doc_at_str(pod, "status.reason")));
	if (doc_at_str(pod, "status.message").len)
		describe_line(d, 0, "Message:\t" STR_FMT,
			      STR_ARG(doc_at_str(pod, "status.message")));
}

static void describe_addresses(struct describe *d)
{
	const struct doc *pod = d->object, *ips = doc_at(pod, "status.podIPs");

	describe_line(d, 0, "IP:\t" STR_FMT, STR_ARG(doc_at_str(pod, "status.podIP")));
	describe_line(d, 0, "IPs:%s", doc_len(ips) ? "" : "\t<none>");
	doc_each_item(ips, ip)
		describe_line(d, 1, "IP:\t" STR_FMT, STR_ARG(doc_at_str(ip, "ip")));
	doc_each_item(doc_at(pod, "metadata.ownerReferences"), owner)
		if (doc_at_bool(owner, "controller", false))
			describe_line(d, 0, "Controlled By:\t" STR_FMT "/" STR_FMT,
				      STR_ARG(doc_at_str(owner, "kind")),
				      STR_ARG(doc_at_str(owner, "name")));
	if (doc_at_str(pod, "status.nominatedNodeName").len)
		describe_line(d, 0, "NominatedNodeName:\t" STR_FMT,
			      STR_ARG(doc_at_str(pod, "status.nominatedNodeName")));
}

void describe_pod(struct describe *d)
{
	const struct doc *spec = doc_key(d->object, "spec"), *status = doc_key(d->object, "status");

	describe_head(d);
	describe_addresses(d);
	if (doc_len(doc_key(spec, "initContainers")))
		describe_containers(d, 0, "Init Containers", doc_key(spec, "initContainers"),
				    doc_key(status, "initContainerStatuses"), true);
	describe_containers(d, 0, "Containers", doc_key(spec, "containers"),
			    doc_key(status, "containerStatuses"), true);
	if (doc_len(doc_key(spec, "ephemeralContainers")))
		describe_containers(d, 0, "Ephemeral Containers",
				    doc_key(spec, "ephemeralContainers"),
				    doc_key(status, "ephemeralContainerStatuses"), true);
	describe_conditions(d);
	describe_volumes(d, 0, doc_key(spec, "volumes"));
	describe_line(d, 0, "QoS Class:\t" STR_FMT, STR_ARG(doc_at_str(status, "qosClass")));
	describe_node_selectors(d, spec);
	describe_events(d);
}
