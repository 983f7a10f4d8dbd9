/*
 * EndpointSlices: the addresses behind a Service in pieces of at most a hundred, so that one pod's
 * coming or going changes one small object. Follows pkg/controller/endpointslice: endpoints stay in
 * the slice they are in; free places are filled before slices are added.
 */
#include "base/map.h"
#include "controllers/controller.h"
#include "controllers/pod.h"
#include "controllers/service_pods.h"
#include "doc/build.h"

enum { SLICE_MAX = 100 };

static const char managed_by[] = "endpointslice-controller.k8s.io";

struct wanted { /* pods that serve the same ports of one Service */
	const struct doc *ports;
	VEC(const struct doc *) endpoints;
	struct map left; /* by address: those no slice holds yet */
};

struct job {
	const struct view *view;
	struct plan *plan;
	const struct version *service;
	struct version **slices;
	u32 slices_len;
	VEC(struct wanted *) wanted;
};

static const struct doc *ports_of(const struct job *job, const struct doc *pod)
{
	struct build b = build_array(job->view->arena);
	doc_each_item(doc_at(job->service->doc, AT(Service, spec.ports)), port) {
		i64 number = service_target_port(port, pod);
		if (!number)
			continue;
		build_open_object(&b, NULL);
		build_str(&b, "name", doc_str(doc_key(port, "name")));
		build_str(&b, "protocol", doc_str_or(doc_key(port, "protocol"), STR("TCP")));
		build_int(&b, "port", number);
		build_doc(&b, "appProtocol", doc_key(port, "appProtocol"));
		build_close(&b);
	}
	return build_done(&b);
}

static struct str zone_of(const struct job *job, struct str node_name)
{
	struct version *node = view_get(job->view, KIND_Node, STR_NONE, node_name);
	if (!node)
		return STR_NONE;
	return doc_str(doc_get(doc_at(node->doc, AT(Node, metadata.labels)),
			       STR("topology.kubernetes.io/zone")));
}

static const struct doc *endpoint_of(const struct job *job, const struct version *pod)
{
	bool early =
		doc_at_bool(job->service->doc, AT(Service, spec.publishNotReadyAddresses), false);
	bool serving = pod_ready(pod->doc), leaving = object_deleting(pod->doc);
	struct str node = doc_at_str(pod->doc, AT(Pod, spec.nodeName));
	struct build b = build_object(job->view->arena);
	build_open_array(&b, "addresses");
	build_str(&b, NULL, doc_at_str(pod->doc, AT(Pod, status.podIP)));
	build_close(&b);
	build_open_object(&b, "conditions");
	build_bool(&b, "ready", early || (serving && !leaving));
	build_bool(&b, "serving", serving);
	build_bool(&b, "terminating", leaving);
	build_close(&b);
	build_str_if(&b, "hostname", service_host_name(job->service, pod->doc));
	build_doc(&b, "targetRef", service_target_ref(job->view->arena, pod));
	build_str_if(&b, "nodeName", node);
	build_str_if(&b, "zone", zone_of(job, node));
	return build_done(&b);
}

static struct str address_of(const struct doc *endpoint)
{
	return doc_str(doc_item(doc_key(endpoint, "addresses"), 0));
}

static void want(struct job *job, const struct version *pod)
{
	const struct doc *ports = ports_of(job, pod->doc);
	if (!doc_len(ports) && doc_len(doc_at(job->service->doc, AT(Service, spec.ports))))
		return;
	struct wanted *wanted = NULL;
	for (u32 i = 0; i < job->wanted.len && !wanted; i++)
		if (doc_eq(job->wanted.at[i]->ports, ports))
			wanted = job->wanted.at[i];
	if (!wanted) {
		wanted = ARENA_NEW(job->view->arena, struct wanted);
		wanted->ports = ports;
		VEC_PUSH(job->view->arena, &job->wanted, wanted);
	}
	const struct doc *endpoint = endpoint_of(job, pod);
	if (map_put(&wanted->left, address_of(endpoint), (void *)endpoint))
		return; /* two pods of the host's network share an address: once is enough */
	VEC_PUSH(job->view->arena, &wanted->endpoints, endpoint);
}

/* ---- slices */

static const struct doc *labels_of(const struct job *job)
{
	struct arena *arena = job->view->arena;
	const struct doc *labels = doc_at(job->service->doc, AT(Service, metadata.labels));
	labels =
		doc_with(arena, labels ? labels : &doc_empty_object,
			 STR("kubernetes.io/service-name"), doc_ref_str(arena, job->service->name));
	labels = doc_with(arena, labels, STR("endpointslice.kubernetes.io/managed-by"),
			  doc_ref_str(arena, str_of(managed_by)));
	return doc_with(arena, labels, STR("service.kubernetes.io/headless"),
			service_is_headless(job->service->doc) ? &doc_empty_string : NULL);
}

/* The next endpoints that stand in no slice yet, at most `room`. */
static const struct doc *fill(struct job *job, struct wanted *wanted, const struct doc *endpoints,
			      u32 room)
{
	struct build b = build_array(job->view->arena);
	doc_each_item(endpoints, endpoint) {
		build_doc(&b, NULL, endpoint);
	}
	for (u32 i = 0; i < wanted->endpoints.len && room; i++) {
		struct str address = address_of(wanted->endpoints.at[i]);
		if (!map_remove(&wanted->left, address))
			continue;
		build_doc(&b, NULL, wanted->endpoints.at[i]);
		room--;
	}
	return build_done(&b);
}

/* What stays of a slice: its endpoints that are still wanted, as they are now. */
static const struct doc *keep(struct job *job, struct wanted *wanted, const struct doc *slice)
{
	struct build b = build_array(job->view->arena);
	doc_each_item(doc_key(slice, "endpoints"), old) {
		const struct doc *now = map_remove(&wanted->left, address_of(old));
		if (now)
			build_doc(&b, NULL, now);
	}
	return build_done(&b);
}

static void put_slice(struct job *job, struct version *slice, const struct doc *endpoints)
{
	struct arena *arena = job->view->arena;
	const struct doc *changed = doc_with(arena, slice->doc, STR("endpoints"), endpoints);
	plan_update(job->plan, slice, doc_set(arena, changed, "metadata.labels", labels_of(job)),
		    NULL);
}

static void add_slice(struct job *job, const struct doc *ports, const struct doc *endpoints)
{
	struct arena *arena = job->view->arena;
	struct build b = build_object(arena);
	build_str(&b, "apiVersion", STR("discovery.k8s.io/v1"));
	build_str(&b, "kind", STR("EndpointSlice"));
	build_open_object(&b, "metadata");
	build_str(&b, "generateName", str_format(arena, STR_FMT "-", STR_ARG(job->service->name)));
	build_str(&b, "namespace", job->service->namespace);
	build_doc(&b, "labels", labels_of(job));
	build_open_array(&b, "ownerReferences");
	build_doc(&b, NULL, object_owner_ref(arena, job->view, job->service));
	build_close(&b);
	build_close(&b);
	build_str(&b, "addressType", STR("IPv4"));
	build_doc(&b, "endpoints", endpoints);
	build_doc(&b, "ports", ports);
	plan_create(job->plan, KIND_EndpointSlice, job->service->namespace, build_done(&b), NULL);
}

static struct wanted *wanted_of(struct job *job, const struct doc *slice)
{
	const struct doc *ports = doc_key(slice, "ports");
	for (u32 i = 0; i < job->wanted.len; i++)
		if (doc_eq(job->wanted.at[i]->ports, ports ? ports : &doc_empty_array))
			return job->wanted.at[i];
	return NULL;
}

static void rearrange(struct job *job)
{
	struct arena *arena = job->view->arena;
	const struct doc **kept = ARENA_ARRAY(arena, const struct doc *, job->slices_len);
	struct wanted **of = ARENA_ARRAY(arena, struct wanted *, job->slices_len);
	for (u32 i = 0; i < job->slices_len; i++) {
		of[i] = wanted_of(job, job->slices[i]->doc);
		kept[i] = of[i] ? keep(job, of[i], job->slices[i]->doc) : NULL;
	}
	for (u32 i = 0; i < job->slices_len; i++) {
		if (!of[i]) {
			plan_delete(job->plan, job->slices[i], NULL);
			continue;
		}
		u32 held = doc_len(kept[i]);
		if (of[i]->left.len && held < SLICE_MAX) {
			kept[i] = fill(job, of[i], kept[i], SLICE_MAX - held);
			held = doc_len(kept[i]);
		}
		if (held)
			put_slice(job, job->slices[i], kept[i]);
		else
			plan_delete(job->plan, job->slices[i], NULL);
	}
	for (u32 i = 0; i < job->wanted.len; i++)
		while (job->wanted.at[i]->left.len && plan_room(job->plan) > 1)
			add_slice(job, job->wanted.at[i]->ports,
				  fill(job, job->wanted.at[i], NULL, SLICE_MAX));
}

static bool is_ours(const struct version *slice, struct str service)
{
	const struct doc *labels = doc_at(slice->doc, "metadata.labels");
	return str_eq(doc_str(doc_get(labels, STR("kubernetes.io/service-name"))), service) &&
	       str_is(doc_str(doc_get(labels, STR("endpointslice.kubernetes.io/managed-by"))),
		      managed_by);
}

static int slices_order(const struct version *a, const struct version *b)
{
	return str_cmp(a->name, b->name);
}

static void slices_reconcile(const struct view *view, struct key key, struct plan *plan)
{
	const struct version *service = view_key(view, key);
	if (!service || object_deleting(service->doc) ||
	    !doc_len(doc_at(service->doc, AT(Service, spec.selector))))
		return; /* the garbage collector takes the slices of what is gone */
	struct job job = { .view = view, .plan = plan, .service = service };
	struct list slices = view_owned(view, service->uid, KIND_EndpointSlice);
	job.slices = slices.at;
	for (u32 i = 0; i < slices.len; i++)
		if (is_ours(slices.at[i], key.name) && !object_deleting(slices.at[i]->doc))
			job.slices[job.slices_len++] = slices.at[i];
	list_sort(view->arena, (struct list){ job.slices, job.slices_len }, slices_order);

	struct list pods = service_pods(view, service, true);
	for (u32 i = 0; i < pods.len; i++)
		want(&job, pods.at[i]);
	rearrange(&job);
	for (u32 i = 0; i < job.wanted.len; i++)
		map_release(&job.wanted.at[i]->left);
}

static void service_of_slice(const struct view *view, const struct change *change,
			     struct keys *keys)
{
	(void)view;
	struct str service = doc_str(doc_get(doc_at(change->now->doc, "metadata.labels"),
					     STR("kubernetes.io/service-name")));
	if ((change->gone || change->before) && service.len)
		keys_add(keys, (struct key){ KIND_Service, change->now->namespace, service });
}

const struct controller controller_endpoint_slices = {
	.name = "endpointslice-controller",
	.watch = { { KIND_Service, key_self },
		   { KIND_Pod, service_keys_of_pod },
		   { KIND_EndpointSlice, service_of_slice } },
	.reconcile = slices_reconcile,
};
