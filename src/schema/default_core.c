/* Defaults of services, secrets, namespaces and the rest of the legacy group that tie fields. */
#include "schema/default.h"
#include "schema/rules.h"
#include "schema/scalar.h"

static const struct doc *with_default(struct defaults *d, const struct doc *object, const char *key,
				      struct str value)
{
	if (doc_get(object, str_of(key)))
		return object;
	return doc_with(d->arena, object, str_of(key), doc_ref_str(d->arena, value));
}

/* targetPort is the port itself unless it is said. */
static const struct doc *default_service_ports(struct defaults *d, const struct doc *spec)
{
	const struct doc *ports = doc_key(spec, "ports"), *made = ports;

	for (u32 i = 0; i < doc_len(ports); i++) {
		const struct doc *item = &ports->items[i], *target = doc_key(item, "targetPort");
		const struct doc *port = doc_key(item, "port");
		bool unset = !target || (target->type == DOC_STRING && target->len == 0) ||
			     (target->type == DOC_NUMBER && doc_int_or(target, 0) == 0);

		if (unset && port)
			made = doc_with_item(d->arena, made, i,
					     doc_with(d->arena, item, STR("targetPort"), port));
	}
	return made == ports ? spec : doc_with(d->arena, spec, STR("ports"), made);
}

static const struct doc *one_family(struct defaults *d)
{
	const struct doc *family = doc_ref_str(d->arena, STR("IPv4"));

	return doc_new_array(d->arena, &family, 1);
}

RULE_FINISH(service_spec_finish)
{
	struct str type = doc_str(doc_key(value, "type"));
	bool balancer = str_is(type, "LoadBalancer"), node_port = str_is(type, "NodePort");
	bool internal = balancer || node_port || str_is(type, "ClusterIP");
	bool outside = balancer || node_port || doc_len(doc_key(value, "externalIPs"));

	value = default_service_ports(d, value);
	if (str_is(doc_str(doc_key(value, "sessionAffinity")), "ClientIP") &&
	    !doc_at(value, "sessionAffinityConfig.clientIP.timeoutSeconds"))
		value = doc_set_int(d->arena, value,
				    "sessionAffinityConfig.clientIP.timeoutSeconds", 10800);
	if (str_is(doc_str(doc_key(value, "sessionAffinity")), "None") &&
	    doc_key(value, "sessionAffinityConfig"))
		value = doc_remove(d->arena, value, "sessionAffinityConfig");
	if (internal) {
		value = with_default(d, value, "internalTrafficPolicy", STR("Cluster"));
		value = with_default(d, value, "ipFamilyPolicy", STR("SingleStack"));
		if (!doc_key(value, "ipFamilies"))
			value = doc_with(d->arena, value, STR("ipFamilies"), one_family(d));
	}
	if (internal && outside)
		value = with_default(d, value, "externalTrafficPolicy", STR("Cluster"));
	if (balancer && !doc_key(value, "allocateLoadBalancerNodePorts"))
		value = doc_with(d->arena, value, STR("allocateLoadBalancerNodePorts"), &doc_true);
	return value;
}

/* stringData is for writing only: its values go into data, in base64, over what is there. */
RULE_FINISH(secret_finish)
{
	const struct doc *plain = doc_key(value, "stringData"), *data = doc_key(value, "data");

	if (!plain)
		return value;
	doc_each_pair(plain, key, text) {
		struct str bytes = base64_encode(d->arena, doc_str(text));

		data = doc_with(d->arena, data, key, doc_ref_str(d->arena, bytes));
	}
	value = doc_remove(d->arena, value, "stringData");
	return data ? doc_with(d->arena, value, STR("data"), data) : value;
}

/* Every namespace can be selected by its name. */
RULE_FINISH(namespace_finish)
{
	const struct doc *metadata = doc_key(value, "metadata");
	const struct doc *labels = doc_key(metadata, "labels");
	struct str name = doc_str(doc_key(metadata, "name"));

	if (name.len == 0 ||
	    str_eq(doc_str(doc_get(labels, STR("kubernetes.io/metadata.name"))), name))
		return value;
	labels = doc_with(d->arena, labels, STR("kubernetes.io/metadata.name"),
			  doc_ref_str(d->arena, name));
	return doc_with(d->arena, value, STR("metadata"),
			doc_with(d->arena, metadata, STR("labels"), labels));
}

/* Pods may have what the node has, unless something was set aside. */
RULE_FINISH(node_status_finish)
{
	const struct doc *capacity = doc_key(value, "capacity");
	const struct doc *allocatable = doc_key(value, "allocatable");

	doc_each_pair(capacity, key, amount) {
		if (!doc_get(allocatable, key))
			allocatable = doc_with(d->arena, allocatable, key, amount);
	}
	if (allocatable == doc_key(value, "allocatable"))
		return value;
	return doc_with(d->arena, value, STR("allocatable"), allocatable);
}

/* Ports of endpoints speak TCP unless they say otherwise. */
RULE_FINISH(endpoints_finish)
{
	const struct doc *subsets = doc_key(value, "subsets");

	for (u32 i = 0; i < doc_len(subsets); i++) {
		const struct doc *ports = doc_key(&subsets->items[i], "ports");

		for (u32 j = 0; j < doc_len(ports); j++) {
			if (doc_str(doc_key(&ports->items[j], "protocol")).len)
				continue;
			struct str path =
				str_format(d->arena, "subsets.%u.ports.%u.protocol", i, j);

			value = doc_set_str(d->arena, value, path.at, STR("TCP"));
		}
	}
	return value;
}

RULE_FINISH(persistent_volume_claim_finish)
{
	const struct doc *spec = doc_key(value, "spec");

	if (!doc_is(spec, DOC_OBJECT) || doc_key(spec, "volumeMode"))
		return value;
	return doc_set_str(d->arena, value, "spec.volumeMode", STR("Filesystem"));
}
