/* Rules of services and of the endpoints behind them. */
#include "schema/check.h"
#include "schema/rules.h"

static struct str type_of(const struct doc *spec)
{
	return doc_str(doc_key(spec, "type"));
}

static bool is_headless(const struct doc *spec)
{
	return str_is(doc_str(doc_key(spec, "clusterIP")), "None");
}

/* ---- ports */

static bool same_port(const struct doc *a, const struct doc *b)
{
	return doc_eq(doc_key(a, "protocol"), doc_key(b, "protocol")) &&
	       doc_eq(doc_key(a, "port"), doc_key(b, "port"));
}

static void check_port_rivals(struct check *c, const struct doc *ports, u32 i)
{
	const struct doc *port = &ports->items[i], *name = doc_key(port, "name");
	const struct doc *node = doc_key(port, "nodePort");

	for (u32 j = 0; j < i; j++) {
		const struct doc *other = &ports->items[j];

		if (doc_str(name).len && doc_eq(name, doc_key(other, "name")))
			check_duplicate(c, "name", name);
		if (same_port(port, other))
			check_duplicate(c, NULL, port);
		if (doc_int_or(node, 0) && doc_eq(node, doc_key(other, "nodePort")) &&
		    doc_eq(doc_key(port, "protocol"), doc_key(other, "protocol")))
			check_duplicate(c, "nodePort", node);
	}
}

static void check_service_ports(struct check *c, const struct doc *spec)
{
	const struct doc *ports = doc_key(spec, "ports");
	struct str type = type_of(spec);
	bool inside = str_is(type, "ClusterIP") || str_is(type, "ExternalName");

	if (doc_len(ports) == 0 && !is_headless(spec) && !str_is(type, "ExternalName"))
		check_required(c, "ports", "");
	check_enter(c, "ports");
	for (u32 i = 0; i < doc_len(ports); i++) {
		const struct doc *port = &ports->items[i];

		check_enter_item(c, i);
		if (ports->len > 1 && doc_str(doc_key(port, "name")).len == 0)
			check_required(c, "name", "");
		if (inside && doc_int_or(doc_key(port, "nodePort"), 0))
			check_forbidden(c, "nodePort",
					"may not be used when `type` is '" STR_FMT "'",
					STR_ARG(type));
		check_port_rivals(c, ports, i);
		check_leave(c);
	}
	check_leave(c);
}

/* ---- addresses and policies */

static void check_external_name(struct check *c, const struct doc *spec)
{
	struct str name = doc_str(doc_key(spec, "externalName"));

	if (doc_len(doc_key(spec, "clusterIPs")) || doc_str(doc_key(spec, "clusterIP")).len)
		check_forbidden(c, "clusterIPs", "may not be set for ExternalName services");
	if (str_ends(name, STR("."))) /* the root's dot may be written */
		name.len--;
	if (name.len == 0)
		check_required(c, "externalName", "");
	else
		check_format_str(c, "externalName", API_FORMAT_DNS_SUBDOMAIN, name);
}

static void check_cluster_address(struct check *c, const struct doc *spec)
{
	const struct doc *address = doc_key(spec, "clusterIP");

	if (doc_str(address).len && !is_headless(spec))
		check_format(c, "clusterIPs[0]", API_FORMAT_IP, address);
	if (str_is(type_of(spec), "LoadBalancer") && is_headless(spec))
		check_invalid(c, "clusterIPs[0]", address,
			      "may not be set to 'None' for LoadBalancer services");
	if (str_is(type_of(spec), "NodePort") && is_headless(spec))
		check_invalid(c, "clusterIPs[0]", address,
			      "may not be set to 'None' for NodePort services");
}

static void check_affinity(struct check *c, const struct doc *spec)
{
	enum { DAY_S = 86400 };
	const struct doc *seconds = doc_at(spec, "sessionAffinityConfig.clientIP.timeoutSeconds");
	i64 value = doc_int_or(seconds, 1);

	if (value <= 0 || value > DAY_S)
		check_invalid(c, "sessionAffinityConfig.clientIP.timeoutSeconds", seconds,
			      "must be greater than 0 and less than %d", DAY_S);
}

static void check_policy(struct check *c, const struct doc *spec, const char *key)
{
	static const char *const policies[] = { "Cluster", "Local", NULL };
	struct str policy = doc_str(doc_get(spec, str_of(key)));

	if (policy.len && !str_is(policy, "Cluster") && !str_is(policy, "Local"))
		check_unsupported(c, key, policy, policies);
}

/* Addresses that nobody else may have: Kubernetes' ValidateNonSpecialIP. */
static void check_not_special(struct check *c, const char *child, struct str address)
{
	static const struct {
		const char *begin, *words;
	} special[] = {
		{ "127.", "may not be in the loopback range (127.0.0.0/8, ::1/128)" },
		{ "169.254.", "may not be in the link-local range (169.254.0.0/16, fe80::/10)" },
		{ "224.0.0.", "may not be in the link-local multicast range (224.0.0.0/24, "
			      "ff02::/10)" },
	};

	if (str_is(address, "0.0.0.0") || str_is(address, "::"))
		check_invalid_str(c, child, address, "may not be unspecified (0.0.0.0 or ::)");
	if (str_is(address, "::1"))
		check_invalid_str(c, child, address, "%s", special[0].words);
	for (u32 i = 0; i < ARRAY_LEN(special); i++)
		if (str_starts(address, str_of(special[i].begin)))
			check_invalid_str(c, child, address, "%s", special[i].words);
}

static void check_external_ips(struct check *c, const struct doc *list)
{
	check_enter(c, "externalIPs");
	for (u32 i = 0; i < doc_len(list); i++) {
		check_enter_item(c, i);
		check_not_special(c, NULL, doc_str(doc_item(list, i)));
		check_leave(c);
	}
	check_leave(c);
}

static void check_outside(struct check *c, const struct doc *spec)
{
	struct str type = type_of(spec);
	bool balancer = str_is(type, "LoadBalancer");
	bool outside =
		balancer || str_is(type, "NodePort") || doc_len(doc_key(spec, "externalIPs"));
	struct str policy = doc_str(doc_key(spec, "externalTrafficPolicy"));

	check_policy(c, spec, "externalTrafficPolicy");
	check_policy(c, spec, "internalTrafficPolicy");
	if (policy.len && !outside)
		check_invalid_str(c, "externalTrafficPolicy", policy,
				  "may only be set for externally-accessible services");
	i64 health = doc_at_int(spec, "healthCheckNodePort", 0);

	if (health && !(balancer && str_is(policy, "Local")))
		check_invalid(c, "healthCheckNodePort", doc_key(spec, "healthCheckNodePort"),
			      "may only be set when `type` is 'LoadBalancer' and "
			      "`externalTrafficPolicy` is 'Local'");
	check_external_ips(c, doc_key(spec, "externalIPs"));
	if (!balancer && doc_key(spec, "allocateLoadBalancerNodePorts"))
		check_forbidden(c, "allocateLoadBalancerNodePorts",
				"may only be used when `type` is 'LoadBalancer'");
	if (!balancer && doc_key(spec, "loadBalancerClass"))
		check_forbidden(c, "loadBalancerClass",
				"may only be used when `type` is 'LoadBalancer'");
}

RULE_CHECK(service_spec_check)
{
	(void)old;
	check_service_ports(c, value);
	if (str_is(type_of(value), "ExternalName"))
		check_external_name(c, value);
	else
		check_cluster_address(c, value);
	check_affinity(c, value);
	check_outside(c, value);
}

/* A service keeps its address for as long as it has one. */
RULE_CHECK(service_check)
{
	const struct doc *spec = doc_key(value, "spec"), *was = doc_at(old, "spec");
	const struct doc *address = doc_key(spec, "clusterIP"), *before = doc_key(was, "clusterIP");

	if (!old || str_is(type_of(spec), "ExternalName") || str_is(type_of(was), "ExternalName") ||
	    doc_str(before).len == 0)
		return;
	if (!doc_eq(address, before))
		check_invalid_str(c, "spec.clusterIP", doc_str(address), "field is immutable");
}

/* ---- endpoints */

RULE_CHECK(endpoints_check)
{
	const struct doc *subsets = doc_key(value, "subsets");

	(void)old;
	check_enter(c, "subsets");
	for (u32 i = 0; i < doc_len(subsets); i++) {
		const struct doc *subset = &subsets->items[i], *ports = doc_key(subset, "ports");

		check_enter_item(c, i);
		if (doc_len(doc_key(subset, "addresses")) == 0 &&
		    doc_len(doc_key(subset, "notReadyAddresses")) == 0)
			check_required(c, NULL, "must specify `addresses` or `notReadyAddresses`");
		check_enter(c, "ports");
		for (u32 j = 0; j < doc_len(ports) && ports->len > 1; j++) {
			check_enter_item(c, j);
			if (doc_str(doc_key(&ports->items[j], "name")).len == 0)
				check_required(c, "name", "");
			check_leave(c);
		}
		check_leave(c);
		check_leave(c);
	}
	check_leave(c);
}

static void check_slice_addresses(struct check *c, const struct doc *endpoint, bool names)
{
	const struct doc *addresses = doc_key(endpoint, "addresses");

	check_enter(c, "addresses");
	for (u32 i = 0; i < doc_len(addresses); i++) {
		check_enter_item(c, i);
		check_format(c, NULL, names ? API_FORMAT_DNS_SUBDOMAIN : API_FORMAT_IP,
			     &addresses->items[i]);
		check_leave(c);
	}
	check_leave(c);
}

RULE_CHECK(endpoint_slice_check)
{
	enum { SLICE_PORTS_MAX = 20000 };
	const struct doc *endpoints = doc_key(value, "endpoints"), *ports = doc_key(value, "ports");
	bool names = str_is(doc_str(doc_key(value, "addressType")), "FQDN");

	if (old)
		check_immutable(c, "addressType", doc_key(value, "addressType"),
				doc_key(old, "addressType"));
	check_enter(c, "endpoints");
	for (u32 i = 0; i < doc_len(endpoints); i++) {
		check_enter_item(c, i);
		check_slice_addresses(c, &endpoints->items[i], names);
		check_leave(c);
	}
	check_leave(c);
	if (doc_len(ports) > SLICE_PORTS_MAX)
		check_too_many(c, "ports", doc_len(ports), SLICE_PORTS_MAX);
	check_enter(c, "ports");
	for (u32 i = 0; i < doc_len(ports); i++) {
		const struct doc *name = doc_key(&ports->items[i], "name");

		check_enter_item(c, i);
		for (u32 j = 0; j < i; j++)
			if (str_eq(doc_str(name), doc_str(doc_key(&ports->items[j], "name"))))
				check_duplicate(c, "name", name ? name : &doc_empty_string);
		if (doc_str(name).len)
			check_format_str(c, "name", API_FORMAT_DNS_LABEL, doc_str(name));
		check_leave(c);
	}
	check_leave(c);
}
