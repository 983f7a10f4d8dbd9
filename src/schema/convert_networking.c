/* Ingress and EndpointSlice as they were written in v1beta1. */
#include "doc/build.h"
#include "schema/rules.h"

/* ---- Ingress: serviceName and servicePort became service */

static const struct doc *modern_backend(struct arena *arena, const struct doc *old)
{
	const struct doc *port = doc_key(old, "servicePort");
	struct str name = doc_at_str(old, "serviceName");
	struct build b = build_object(arena);

	build_doc(&b, "resource", doc_key(old, "resource"));
	if (name.len || !doc_is_null(port)) {
		build_open_object(&b, "service");
		build_str(&b, "name", name);
		build_open_object(&b, "port");
		if (doc_is(port, DOC_STRING))
			build_doc(&b, "name", port);
		else if (doc_is(port, DOC_NUMBER))
			build_doc(&b, "number", port);
		build_close(&b);
		build_close(&b);
	}
	return build_done(&b);
}

static const struct doc *old_backend(struct arena *arena, const struct doc *modern)
{
	const struct doc *service = doc_key(modern, "service"), *port = doc_key(service, "port");
	struct build b = build_object(arena);

	build_doc(&b, "resource", doc_key(modern, "resource"));
	if (service) {
		build_doc(&b, "serviceName", doc_key(service, "name"));
		build_doc(&b, "servicePort",
			  doc_at_str(port, "name").len ? doc_key(port, "name")
						       : doc_key(port, "number"));
	}
	return build_done(&b);
}

static const struct doc *convert_path(struct arena *arena, const struct doc *path, bool to_stored)
{
	const struct doc *backend = doc_key(path, "backend");

	if (to_stored && doc_is_null(doc_key(path, "pathType")))
		path = doc_set_str(arena, path, "pathType", STR("ImplementationSpecific"));
	if (!backend)
		return path;
	return doc_with(arena, path, STR("backend"),
			to_stored ? modern_backend(arena, backend) : old_backend(arena, backend));
}

static const struct doc *convert_rule(struct arena *arena, const struct doc *rule, bool to_stored)
{
	const struct doc *paths = doc_at(rule, "http.paths");

	for (u32 i = 0; i < doc_len(paths); i++)
		paths = doc_with_item(arena, paths, i,
				      convert_path(arena, doc_item(paths, i), to_stored));
	return paths ? doc_set(arena, rule, "http.paths", paths) : rule;
}

RULE_CONVERT(ingress_beta_convert)
{
	const struct doc *spec = doc_key(object, "spec"), *rules = doc_key(spec, "rules");
	struct str from = to_stored ? STR("backend") : STR("defaultBackend");
	struct str to = to_stored ? STR("defaultBackend") : STR("backend");
	const struct doc *backend = doc_get(spec, from);

	if (backend) {
		spec = doc_with(arena, spec, from, NULL);
		spec = doc_with(arena, spec, to,
				to_stored ? modern_backend(arena, backend)
					  : old_backend(arena, backend));
	}
	for (u32 i = 0; i < doc_len(rules); i++)
		rules = doc_with_item(arena, rules, i,
				      convert_rule(arena, doc_item(rules, i), to_stored));
	if (rules)
		spec = doc_with(arena, spec, STR("rules"), rules);
	return spec ? doc_with(arena, object, STR("spec"), spec) : object;
}

/* ---- EndpointSlice: some of the topology became fields */

#define ZONE_KEY "topology.kubernetes.io/zone"
#define HOST_KEY "kubernetes.io/hostname"

static const struct doc *modern_endpoint(struct arena *arena, const struct doc *endpoint)
{
	const struct doc *topology = doc_key(endpoint, "topology");
	const struct doc *zone = doc_get(topology, STR(ZONE_KEY));
	const struct doc *host = doc_get(topology, STR(HOST_KEY));

	if (!topology)
		return endpoint;
	endpoint = doc_with(arena, endpoint, STR("topology"), NULL);
	if (zone)
		endpoint = doc_with(arena, endpoint, STR("zone"), zone);
	if (host && !doc_key(endpoint, "nodeName"))
		endpoint = doc_with(arena, endpoint, STR("nodeName"), host);
	topology = doc_with(arena, topology, STR(ZONE_KEY), NULL);
	topology = doc_with(arena, topology, STR(HOST_KEY), NULL);
	return doc_len(topology) ? doc_with(arena, endpoint, STR("deprecatedTopology"), topology)
				 : endpoint;
}

static const struct doc *old_endpoint(struct arena *arena, const struct doc *endpoint)
{
	const struct doc *topology = doc_key(endpoint, "deprecatedTopology");
	const struct doc *zone = doc_key(endpoint, "zone"), *node = doc_key(endpoint, "nodeName");

	endpoint = doc_with(arena, endpoint, STR("deprecatedTopology"), NULL);
	endpoint = doc_with(arena, endpoint, STR("zone"), NULL);
	if (zone)
		topology = doc_with(arena, topology, STR(ZONE_KEY), zone);
	if (node)
		topology = doc_with(arena, topology, STR(HOST_KEY), node);
	return topology ? doc_with(arena, endpoint, STR("topology"), topology) : endpoint;
}

RULE_CONVERT(endpoint_slice_beta_convert)
{
	const struct doc *endpoints = doc_key(object, "endpoints");

	for (u32 i = 0; i < doc_len(endpoints); i++) {
		const struct doc *one = doc_item(endpoints, i);

		endpoints = doc_with_item(arena, endpoints, i,
					  to_stored ? modern_endpoint(arena, one)
						    : old_endpoint(arena, one));
	}
	return endpoints ? doc_with(arena, object, STR("endpoints"), endpoints) : object;
}
