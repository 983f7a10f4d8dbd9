/* describe node and describe service. */
#include "cli/describe.h"
#include "cli/request.h"
#include "doc/json.h"
#include "schema/quantity.h"

static void describe_conditions(struct describe *d)
{
	struct arena *arena = d->cli->arena;

	describe_line(d, 0, "Conditions:");
	describe_line(d, 1, "Type\tStatus\tLastHeartbeatTime\tLastTransitionTime\tReason\tMessage");
	describe_line(d, 1, "----\t------\t-----------------\t------------------\t------\t-------");
	doc_each_item(doc_at(d->object, "status.conditions"), condition)
		describe_line(
			d, 1,
			STR_FMT " \t" STR_FMT " \t" STR_FMT " \t" STR_FMT " \t" STR_FMT
				" \t" STR_FMT,
			STR_ARG(doc_at_str(condition, "type")),
			STR_ARG(doc_at_str(condition, "status")),
			STR_ARG(describe_time(arena, doc_at_str(condition, "lastHeartbeatTime"))),
			STR_ARG(describe_time(arena, doc_at_str(condition, "lastTransitionTime"))),
			STR_ARG(doc_at_str(condition, "reason")),
			STR_ARG(doc_at_str(condition, "message")));
}

static void describe_list(struct describe *d, const char *title, const struct doc *list)
{
	describe_line(d, 0, "%s:", title);
	doc_each_pair(list, key, value)
		describe_line(d, 1, STR_FMT ":\t" STR_FMT, STR_ARG(key),
			      STR_ARG(doc_is(value, DOC_STRING) ? doc_str(value)
								: json_text(d->cli->arena, value)));
}

static void describe_taints(struct describe *d)
{
	bool first = true;

	doc_each_item(doc_at(d->object, "spec.taints"), taint) {
		struct str value = doc_at_str(taint, "value");

		describe_line(d, 0, "%s\t" STR_FMT "%s" STR_FMT ":" STR_FMT, first ? "Taints:" : "",
			      STR_ARG(doc_at_str(taint, "key")), value.len ? "=" : "",
			      STR_ARG(value), STR_ARG(doc_at_str(taint, "effect")));
		first = false;
	}
	if (first)
		describe_line(d, 0, "Taints:\t<none>");
}

enum { CPU, MEMORY, RESOURCES };
static const char *const resource_names[RESOURCES] = { "cpu", "memory" };

/* What a pod's containers ask for, and may use at most, together. */
static void add_pod(const struct doc *pod, struct quantity asked[RESOURCES],
		    struct quantity allowed[RESOURCES])
{
	doc_each_item(doc_at(pod, "spec.containers"), container)
		for (int r = 0; r < RESOURCES; r++) {
			struct str name = str_of(resource_names[r]);
			const struct doc *requests = doc_at(container, "resources.requests"),
					 *limits = doc_at(container, "resources.limits");

			asked[r] = quantity_add(asked[r], quantity_of(doc_get(requests, name)));
			allowed[r] = quantity_add(allowed[r], quantity_of(doc_get(limits, name)));
		}
}

static struct str share(struct describe *d, struct quantity part, int resource)
{
	struct arena *arena = d->cli->arena;
	const struct doc *allocatable = doc_at(d->object, "status.allocatable");
	struct quantity all = quantity_of(doc_get(allocatable, str_of(resource_names[resource])));
	i64 percent = 0;

	if (all.nanos > 0)
		percent = (i64)(part.nanos * 100 / all.nanos);
	return str_format(arena, STR_FMT " (%lld%%)", STR_ARG(quantity_print(arena, part)),
			  (long long)percent);
}

static void describe_pods(struct describe *d)
{
	struct cli *cli = d->cli;
	const struct doc *list;
	struct quantity asked[RESOURCES] = { 0 }, allowed[RESOURCES] = { 0 };
	struct str selector =
		str_format(cli->arena,
			   "spec.nodeName=" STR_FMT ",status.phase!=Failed,status.phase!=Succeeded",
			   STR_ARG(doc_at_str(d->object, "metadata.name")));
	struct str path = request_query(cli->arena, STR("/api/v1/pods"), "fieldSelector", selector);

	if (request_get(cli, path, &list, NULL) != ST_OK)
		return;
	const struct doc *pods = doc_key(list, "items");

	describe_line(d, 0, "Non-terminated Pods:\t(%u in total)", doc_len(pods));
	describe_line(d, 1,
		      "Namespace\tName\t\tCPU Requests\tCPU Limits\tMemory Requests\tMemory "
		      "Limits\tAge");
	describe_line(
		d, 1,
		"---------\t----\t\t------------\t----------\t---------------\t-------------\t"
		"---");
	doc_each_item(pods, pod) {
		struct quantity own[RESOURCES] = { 0 }, most[RESOURCES] = { 0 };

		add_pod(pod, own, most);
		add_pod(pod, asked, allowed);
		describe_line(
			d, 1,
			STR_FMT "\t" STR_FMT "\t\t" STR_FMT "\t" STR_FMT "\t" STR_FMT "\t" STR_FMT
				"\t" STR_FMT,
			STR_ARG(doc_at_str(pod, "metadata.namespace")),
			STR_ARG(doc_at_str(pod, "metadata.name")), STR_ARG(share(d, own[CPU], CPU)),
			STR_ARG(share(d, most[CPU], CPU)), STR_ARG(share(d, own[MEMORY], MEMORY)),
			STR_ARG(share(d, most[MEMORY], MEMORY)),
			STR_ARG(describe_age(d, doc_at_str(pod, "metadata.creationTimestamp"))));
	}
	describe_line(d, 0, "Allocated resources:");
	describe_line(d, 1, "(Total limits may be over 100 percent, i.e., overcommitted.)");
	describe_line(d, 1, "Resource\tRequests\tLimits");
	describe_line(d, 1, "--------\t--------\t------");
	for (int r = 0; r < RESOURCES; r++)
		describe_line(d, 1, "%s\t" STR_FMT "\t" STR_FMT, resource_names[r],
			      STR_ARG(share(d, asked[r], r)), STR_ARG(share(d, allowed[r], r)));
}

static void describe_system(struct describe *d)
{
	static const struct {
		const char *title, *path;
	} lines[] = {
		{ "Machine ID", "machineID" },
		{ "System UUID", "systemUUID" },
		{ "Boot ID", "bootID" },
		{ "Kernel Version", "kernelVersion" },
		{ "OS Image", "osImage" },
		{ "Operating System", "operatingSystem" },
		{ "Architecture", "architecture" },
		{ "Container Runtime Version", "containerRuntimeVersion" },
		{ "Kubelet Version", "kubeletVersion" },
	};
	const struct doc *info = doc_at(d->object, "status.nodeInfo");

	describe_line(d, 0, "System Info:");
	for (size_t i = 0; i < ARRAY_LEN(lines); i++)
		describe_line(d, 1, "%s:\t" STR_FMT, lines[i].title,
			      STR_ARG(doc_at_str(info, lines[i].path)));
}

void describe_node(struct describe *d)
{
	const struct doc *o = d->object;
	VEC(struct str) roles = { 0 };

	doc_each_pair(doc_at(o, "metadata.labels"), key, value) {
		(void)value;
		if (str_starts(key, STR("node-role.kubernetes.io/")))
			VEC_PUSH(d->cli->arena, &roles, str_from(key, 24));
	}
	describe_line(d, 0, "Name:\t" STR_FMT, STR_ARG(doc_at_str(o, "metadata.name")));
	describe_line(d, 0, "Roles:\t" STR_FMT,
		      STR_ARG(roles.len ? str_join(d->cli->arena, roles.at, roles.len, STR(","))
					: STR("<none>")));
	describe_map(d, 0, "Labels", doc_at(o, "metadata.labels"));
	describe_annotations(d, 0, doc_at(o, "metadata.annotations"));
	describe_line(
		d, 0, "CreationTimestamp:\t" STR_FMT,
		STR_ARG(describe_time(d->cli->arena, doc_at_str(o, "metadata.creationTimestamp"))));
	describe_taints(d);
	describe_line(d, 0, "Unschedulable:\t%s",
		      doc_at_bool(o, "spec.unschedulable", false) ? "true" : "false");
	describe_conditions(d);
	describe_line(d, 0, "Addresses:");
	doc_each_item(doc_at(o, "status.addresses"), address)
		describe_line(d, 1, STR_FMT ":\t" STR_FMT, STR_ARG(doc_at_str(address, "type")),
			      STR_ARG(doc_at_str(address, "address")));
	describe_list(d, "Capacity", doc_at(o, "status.capacity"));
	describe_list(d, "Allocatable", doc_at(o, "status.allocatable"));
	describe_system(d);
	if (doc_at_str(o, "spec.podCIDR").len)
		describe_line(d, 0, "PodCIDR:\t" STR_FMT, STR_ARG(doc_at_str(o, "spec.podCIDR")));
	describe_pods(d);
	describe_events(d);
}

/* ---- service */

static struct str endpoints_of(struct describe *d, struct str port_name)
{
	struct cli *cli = d->cli;
	const struct doc *endpoints;
	VEC(struct str) list = { 0 };
	struct str path = request_path(cli->arena, schema_kind(cli->schema, KIND_Endpoints),
				       doc_at_str(d->object, "metadata.namespace"),
				       doc_at_str(d->object, "metadata.name"), STR_NONE);

	if (request_get(cli, path, &endpoints, NULL) != ST_OK)
		return STR("<none>");
	doc_each_item(doc_key(endpoints, "subsets"), subset)
		doc_each_item(doc_key(subset, "ports"), port) {
			if (!str_eq(doc_at_str(port, "name"), port_name))
				continue;
			doc_each_item(doc_key(subset, "addresses"), address)
				VEC_PUSH(cli->arena, &list,
					 str_format(cli->arena, STR_FMT ":%lld",
						    STR_ARG(doc_at_str(address, "ip")),
						    (long long)doc_at_int(port, "port", 0)));
		}
	if (list.len > 3) {
		struct str some = str_join(cli->arena, list.at, 3, STR(","));

		return str_format(cli->arena, STR_FMT " + %u more...", STR_ARG(some), list.len - 3);
	}
	return list.len ? str_join(cli->arena, list.at, list.len, STR(",")) : STR("");
}

static void describe_ports(struct describe *d)
{
	doc_each_item(doc_at(d->object, "spec.ports"), port) {
		struct str name = doc_at_str(port, "name");
		struct str protocol = doc_str_or(doc_key(port, "protocol"), STR("TCP"));
		struct str shown = name.len ? name : STR("<unset>");
		const struct doc *target = doc_key(port, "targetPort");

		describe_line(d, 0, "Port:\t" STR_FMT "\t%lld/" STR_FMT, STR_ARG(shown),
			      (long long)doc_at_int(port, "port", 0), STR_ARG(protocol));
		describe_line(d, 0, "TargetPort:\t" STR_FMT "/" STR_FMT,
			      STR_ARG(doc_is(target, DOC_STRING) ? doc_str(target)
				      : target			 ? json_text(d->cli->arena, target)
								 : STR("0")),
			      STR_ARG(protocol));
		if (doc_at_int(port, "nodePort", 0))
			describe_line(d, 0, "NodePort:\t" STR_FMT "\t%lld/" STR_FMT, STR_ARG(shown),
				      (long long)doc_at_int(port, "nodePort", 0),
				      STR_ARG(protocol));
		describe_line(d, 0, "Endpoints:\t" STR_FMT, STR_ARG(endpoints_of(d, name)));
	}
}

void describe_service(struct describe *d)
{
	const struct doc *o = d->object;
	struct arena *arena = d->cli->arena;
	VEC(struct str) ips = { 0 };

	doc_each_item(doc_at(o, "spec.clusterIPs"), ip)
		VEC_PUSH(arena, &ips, doc_str(ip));
	describe_line(d, 0, "Name:\t" STR_FMT, STR_ARG(doc_at_str(o, "metadata.name")));
	describe_line(d, 0, "Namespace:\t" STR_FMT, STR_ARG(doc_at_str(o, "metadata.namespace")));
	describe_map(d, 0, "Labels", doc_at(o, "metadata.labels"));
	describe_annotations(d, 0, doc_at(o, "metadata.annotations"));
	describe_line(d, 0, "Selector:\t" STR_FMT,
		      STR_ARG(describe_selector(arena, doc_at(o, "spec.selector"))));
	describe_line(d, 0, "Type:\t" STR_FMT, STR_ARG(doc_at_str(o, "spec.type")));
	if (doc_at_str(o, "spec.ipFamilyPolicy").len)
		describe_line(d, 0, "IP Family Policy:\t" STR_FMT,
			      STR_ARG(doc_at_str(o, "spec.ipFamilyPolicy")));
	describe_line(d, 0, "IP:\t" STR_FMT, STR_ARG(doc_at_str(o, "spec.clusterIP")));
	describe_line(
		d, 0, "IPs:\t" STR_FMT,
		STR_ARG(ips.len ? str_join(arena, ips.at, ips.len, STR(",")) : STR("<none>")));
	describe_ports(d);
	describe_line(d, 0, "Session Affinity:\t" STR_FMT,
		      STR_ARG(doc_at_str(o, "spec.sessionAffinity")));
	if (doc_at_str(o, "spec.internalTrafficPolicy").len)
		describe_line(d, 0, "Internal Traffic Policy:\t" STR_FMT,
			      STR_ARG(doc_at_str(o, "spec.internalTrafficPolicy")));
	describe_events(d);
}
