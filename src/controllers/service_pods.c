/* Pods behind Services. */
#include "controllers/service_pods.h"

#include "controllers/labels.h"
#include "controllers/pod.h"
#include "doc/build.h"

static int by_name(const struct version *a, const struct version *b)
{
	return str_cmp(a->name, b->name);
}

struct list service_pods(const struct view *view, const struct version *service, bool leaving)
{
	const struct doc *map = doc_at(service->doc, AT(Service, spec.selector));
	struct str type = doc_at_str(service->doc, AT(Service, spec.type));
	if (!doc_len(map) || str_is(type, "ExternalName"))
		return (struct list){ 0 };
	struct list pods = view_selected(view, KIND_Pod, service->namespace,
					 label_selector_of_map(view->arena, map));
	u32 kept = 0;
	for (u32 i = 0; i < pods.len; i++) {
		const struct doc *pod = pods.at[i]->doc;
		if (doc_at_str(pod, AT(Pod, status.podIP)).len && !pod_finished(pod) &&
		    (leaving || !object_deleting(pod)))
			pods.at[kept++] = pods.at[i];
	}
	pods.len = kept;
	list_sort(view->arena, pods, by_name);
	return pods;
}

/* Named ports are looked up in the containers, restartable init containers included. */
static i64 named_port(const struct doc *containers, struct str name, struct str protocol)
{
	doc_each_item(containers, container) {
		doc_each_item(doc_key(container, "ports"), port) {
			struct str its = doc_str_or(doc_key(port, "protocol"), STR("TCP"));
			if (str_eq(doc_str(doc_key(port, "name")), name) && str_eq(its, protocol))
				return doc_int_or(doc_key(port, "containerPort"), 0);
		}
	}
	return 0;
}

i64 service_target_port(const struct doc *port, const struct doc *pod)
{
	const struct doc *target = doc_key(port, "targetPort");
	struct str protocol = doc_str_or(doc_key(port, "protocol"), STR("TCP"));
	if (!doc_is(target, DOC_STRING)) {
		i64 number = doc_int_or(target, 0);
		return number ? number : doc_int_or(doc_key(port, "port"), 0);
	}
	i64 number = named_port(doc_at(pod, AT(Pod, spec.containers)), doc_str(target), protocol);
	return number ? number
		      : named_port(doc_at(pod, AT(Pod, spec.initContainers)), doc_str(target),
				   protocol);
}

bool service_is_headless(const struct doc *service)
{
	return str_is(doc_at_str(service, AT(Service, spec.clusterIP)), "None");
}

struct str service_host_name(const struct version *service, const struct doc *pod)
{
	struct str subdomain = doc_at_str(pod, AT(Pod, spec.subdomain));
	return str_eq(subdomain, service->name) ? doc_at_str(pod, AT(Pod, spec.hostname))
						: STR_NONE;
}

const struct doc *service_target_ref(struct arena *arena, const struct version *pod)
{
	struct build b = build_object(arena);
	build_str(&b, "kind", STR("Pod"));
	build_str(&b, "namespace", pod->namespace);
	build_str(&b, "name", pod->name);
	build_str(&b, "uid", pod->uid);
	return build_done(&b);
}

/* ---- which Services a change of a pod concerns */

static bool shows_the_same(const struct doc *a, const struct doc *b)
{
	return pod_ready(a) == pod_ready(b) && object_deleting(a) == object_deleting(b) &&
	       pod_finished(a) == pod_finished(b) &&
	       str_eq(doc_at_str(a, AT(Pod, status.podIP)), doc_at_str(b, AT(Pod, status.podIP))) &&
	       str_eq(doc_at_str(a, AT(Pod, spec.nodeName)),
		      doc_at_str(b, AT(Pod, spec.nodeName))) &&
	       doc_eq(doc_at(a, AT(Pod, metadata.labels)), doc_at(b, AT(Pod, metadata.labels)));
}

static bool selects(const struct doc *service, const struct version *pod)
{
	const struct doc *selector = doc_at(service, AT(Service, spec.selector));
	return pod && doc_len(selector) &&
	       labels_contain(doc_at(pod->doc, AT(Pod, metadata.labels)), selector);
}

void service_keys_of_pod(const struct view *view, const struct change *change, struct keys *keys)
{
	if (change->before && !change->gone &&
	    shows_the_same(change->before->doc, change->now->doc))
		return;
	if (!change->before && !doc_at_str(change->now->doc, AT(Pod, status.podIP)).len)
		return; /* no address, no endpoint */
	struct store_iter iter;
	store_iter_start(&iter, view->store, KIND_Service, change->now->namespace, STR_NONE,
			 STR_NONE);
	for (struct version *service; (service = store_iter_next(&iter));)
		if (selects(service->doc, change->now) || selects(service->doc, change->before))
			keys_add(keys,
				 (struct key){ KIND_Service, service->namespace, service->name });
}
