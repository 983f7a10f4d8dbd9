/*
 * Endpoints: one object a Service, the addresses of its pods in groups that serve the same ports.
 * Follows pkg/controller/endpoint and api/v1/endpoints: at most 1,000 addresses, groups repacked so
 * that each address stands once for each set of ports.
 */
#include "controllers/controller.h"
#include "controllers/pod.h"
#include "controllers/service_pods.h"
#include "doc/build.h"

enum { ADDRESSES_MAX = 1000, PORTS_MAX = 100 };

struct group {			/* pods that serve the same port numbers */
	i64 numbers[PORTS_MAX]; /* in the order of the Service's ports; 0: not served */
	VEC(const struct version *) ready, unready;
};

struct groups {
	VEC(struct group *) list;
	u32 addresses;
};

static struct group *group_for(struct arena *arena, struct groups *groups, const i64 *numbers,
			       u32 ports)
{
	for (u32 i = 0; i < groups->list.len; i++)
		if (!memcmp(groups->list.at[i]->numbers, numbers, ports * sizeof *numbers))
			return groups->list.at[i];
	struct group *group = ARENA_NEW(arena, struct group);
	memcpy(group->numbers, numbers, ports * sizeof *numbers);
	VEC_PUSH(arena, &groups->list, group);
	return group;
}

static void sort_pod_in(struct arena *arena, struct groups *groups, const struct version *service,
			const struct version *pod)
{
	const struct doc *ports = doc_at(service->doc, AT(Service, spec.ports));
	bool early = doc_at_bool(service->doc, AT(Service, spec.publishNotReadyAddresses), false);
	i64 numbers[PORTS_MAX] = { 0 };
	u32 len = MIN(doc_len(ports), (u32)PORTS_MAX), served = 0;
	for (u32 i = 0; i < len; i++) {
		numbers[i] = service_target_port(doc_item(ports, i), pod->doc);
		served += numbers[i] != 0;
	}
	if (len && !served)
		return;
	if (!len && !service_is_headless(service->doc))
		return;
	struct group *group = group_for(arena, groups, numbers, len);
	if (early || pod_ready(pod->doc))
		VEC_PUSH(arena, &group->ready, pod);
	else
		VEC_PUSH(arena, &group->unready, pod);
	groups->addresses++;
}

static void build_address(struct build *b, const struct version *service, const struct version *pod)
{
	build_open_object(b, NULL);
	build_str(b, "ip", doc_at_str(pod->doc, AT(Pod, status.podIP)));
	build_str_if(b, "hostname", service_host_name(service, pod->doc));
	build_str_if(b, "nodeName", doc_at_str(pod->doc, AT(Pod, spec.nodeName)));
	build_doc(b, "targetRef", service_target_ref(b->arena, pod));
	build_close(b);
}

static void build_ports(struct build *b, const struct doc *ports, const struct group *group)
{
	build_open_array(b, "ports");
	for (u32 i = 0; i < MIN(doc_len(ports), (u32)PORTS_MAX); i++) {
		const struct doc *port = doc_item(ports, i);
		if (!group->numbers[i])
			continue;
		build_open_object(b, NULL);
		build_str_if(b, "name", doc_str(doc_key(port, "name")));
		build_int(b, "port", group->numbers[i]);
		build_str(b, "protocol", doc_str_or(doc_key(port, "protocol"), STR("TCP")));
		build_doc(b, "appProtocol", doc_key(port, "appProtocol"));
		build_close(b);
	}
	build_close(b);
}

static const struct doc *build_subsets(const struct view *view, const struct version *service,
				       const struct groups *groups, u32 *left)
{
	const struct doc *ports = doc_at(service->doc, AT(Service, spec.ports));
	struct build b = build_array(view->arena);
	for (u32 i = 0; i < groups->list.len; i++) {
		const struct group *group = groups->list.at[i];
		build_open_object(&b, NULL);
		if (group->ready.len)
			build_open_array(&b, "addresses");
		for (u32 k = 0; k < group->ready.len && *left; k++, (*left)--)
			build_address(&b, service, group->ready.at[k]);
		if (group->ready.len)
			build_close(&b);
		if (group->unready.len)
			build_open_array(&b, "notReadyAddresses");
		for (u32 k = 0; k < group->unready.len && *left; k++, (*left)--)
			build_address(&b, service, group->unready.at[k]);
		if (group->unready.len)
			build_close(&b);
		if (doc_len(ports))
			build_ports(&b, ports, group);
		build_close(&b);
	}
	return build_done(&b);
}

static const struct doc *with_labels(const struct view *view, const struct version *service,
				     const struct doc *endpoints, bool over)
{
	struct arena *arena = view->arena;
	const struct doc *labels = doc_at(service->doc, AT(Service, metadata.labels));
	labels = doc_with(arena, labels ? labels : &doc_empty_object,
			  STR("endpoints.kubernetes.io/managed-by"),
			  doc_ref_str(arena, STR("endpoint-controller")));
	labels = doc_with(arena, labels, STR("service.kubernetes.io/headless"),
			  service_is_headless(service->doc) ? &doc_empty_string : NULL);
	const struct doc *notes = doc_at(endpoints, "metadata.annotations");
	notes = doc_with(arena, notes, STR("endpoints.kubernetes.io/over-capacity"),
			 over ? doc_ref_str(arena, STR("truncated")) : NULL);
	endpoints =
		doc_set(arena, endpoints, "metadata.annotations", doc_len(notes) ? notes : NULL);
	return doc_set(arena, endpoints, "metadata.labels", labels);
}

static void endpoints_reconcile(const struct view *view, struct key key, struct plan *plan)
{
	const struct version *service = view_key(view, key);
	struct version *there = view_get(view, KIND_Endpoints, key.namespace, key.name);
	if (!service) {
		if (there)
			plan_delete(plan, there, NULL);
		return;
	}
	if (!doc_len(doc_at(service->doc, AT(Service, spec.selector))))
		return; /* somebody else's to fill */
	struct groups groups = { 0 };
	struct list pods = service_pods(view, service, false);
	for (u32 i = 0; i < pods.len; i++)
		sort_pod_in(view->arena, &groups, service, pods.at[i]);
	u32 left = ADDRESSES_MAX;
	const struct doc *subsets = build_subsets(view, service, &groups, &left);
	bool over = groups.addresses > ADDRESSES_MAX;
	if (there) {
		const struct doc *made = doc_with(view->arena, there->doc, STR("subsets"),
						  doc_len(subsets) ? subsets : NULL);
		plan_update(plan, there, with_labels(view, service, made, over), NULL);
		return;
	}
	struct build b = build_object(view->arena);
	build_str(&b, "apiVersion", STR("v1"));
	build_str(&b, "kind", STR("Endpoints"));
	build_open_object(&b, "metadata");
	build_str(&b, "name", service->name);
	build_str(&b, "namespace", service->namespace);
	build_close(&b);
	if (doc_len(subsets))
		build_doc(&b, "subsets", subsets);
	plan_create(plan, KIND_Endpoints, service->namespace,
		    with_labels(view, service, build_done(&b), over), NULL);
}

/* Endpoints that somebody removed or changed are put right; those of no Service are left alone. */
static void service_of_endpoints(const struct view *view, const struct change *change,
				 struct keys *keys)
{
	(void)view;
	if (change->gone || change->before)
		keys_add(keys,
			 (struct key){ KIND_Service, change->now->namespace, change->now->name });
}

const struct controller controller_endpoints = {
	.name = "endpoint-controller",
	.watch = { { KIND_Service, key_self },
		   { KIND_Pod, service_keys_of_pod },
		   { KIND_Endpoints, service_of_endpoints } },
	.reconcile = endpoints_reconcile,
};
