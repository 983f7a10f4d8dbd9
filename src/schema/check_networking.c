/* Ingresses, their classes, network policies. Follows pkg/apis/networking/validation. */
#include "schema/check.h"
#include "schema/rules.h"

/* ---- Ingress */

static void check_service_backend(struct check *c, const struct doc *service)
{
	struct str name = doc_at_str(service, "name"), port = doc_at_str(service, "port.name");
	i64 number = doc_at_int(service, "port.number", 0);

	if (name.len)
		check_format_str(c, "service.name", API_FORMAT_DNS_1035_LABEL, name);
	if (port.len && number)
		check_invalid_str(c, NULL, STR(""), "cannot set both port name & port number");
	else if (number)
		check_format(c, "service.port.number", API_FORMAT_PORT,
			     doc_at(service, "port.number"));
	else if (!port.len)
		check_required(c, NULL, "port name or number is required");
}

static void check_backend(struct check *c, const struct doc *backend)
{
	const struct doc *service = doc_key(backend, "service");
	const struct doc *resource = doc_key(backend, "resource");

	if (service && resource)
		check_invalid_str(c, NULL, STR(""),
				  "cannot set both resource and service backends");
	else if (service)
		check_service_backend(c, service);
	else if (!resource)
		check_required(c, NULL, "either service or resource is required");
}

static void check_host(struct check *c, const char *child, struct str host)
{
	static const char wildcard[] =
		"a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS "
		"subdomain, which must consist of lower case alphanumeric characters, '-' or '.' "
		"and end with an alphanumeric character (e.g. '*.example.com', regex used for "
		"validation is '\\*\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*"
		"[a-z0-9])?)*')";

	if (!host.len)
		return;
	if (format_is(API_FORMAT_IP, host))
		check_invalid_str(c, child, host, "must be a DNS name, not an IP address");
	else if (str_find_char(host, '*') < 0)
		check_format_str(c, child, API_FORMAT_DNS_SUBDOMAIN, host);
	else if (!str_starts(host, STR("*.")) ||
		 !format_is(API_FORMAT_DNS_SUBDOMAIN, str_from(host, 2)))
		check_invalid_str(c, child, host, "%s", wildcard);
}

static bool holds(struct str text, const char *piece)
{
	return memmem(text.at, text.len, piece, strlen(piece)) != NULL;
}

static void check_ingress_path(struct check *c, const struct doc *item)
{
	static const char *const inside[] = { "//", "/./", "/../", "%2f", "%2F" };
	static const char *const last[] = { "/..", "/." };
	struct str type = doc_at_str(item, "pathType"), path = doc_at_str(item, "path");
	bool exact = str_is(type, "Exact") || str_is(type, "Prefix");

	if ((exact || path.len) && !str_starts(path, STR("/")))
		check_invalid_str(c, "path", path, "must be an absolute path");
	for (u32 i = 0; i < ARRAY_LEN(inside) && exact; i++)
		if (holds(path, inside[i]))
			check_invalid_str(c, "path", path, "must not contain '%s'", inside[i]);
	for (u32 i = 0; i < ARRAY_LEN(last) && exact; i++)
		if (str_ends(path, str_of(last[i])))
			check_invalid_str(c, "path", path, "cannot end with '%s'", last[i]);
	check_enter(c, "backend");
	check_backend(c, doc_key(item, "backend"));
	check_leave(c);
}

static void check_ingress_rules(struct check *c, const struct doc *rules)
{
	for (u32 i = 0; i < doc_len(rules); i++) {
		const struct doc *rule = doc_item(rules, i), *paths = doc_at(rule, "http.paths");

		check_enter_item(c, i);
		check_host(c, "host", doc_at_str(rule, "host"));
		check_enter(c, "http.paths");
		for (u32 j = 0; j < doc_len(paths); j++) {
			check_enter_item(c, j);
			check_ingress_path(c, doc_item(paths, j));
			check_leave(c);
		}
		check_leave(c);
		check_leave(c);
	}
}

static void check_ingress_hosts(struct check *c, const struct doc *tls)
{
	for (u32 i = 0; i < doc_len(tls); i++) {
		const struct doc *hosts = doc_key(doc_item(tls, i), "hosts");

		check_enter_item(c, i);
		check_enter(c, "hosts");
		for (u32 j = 0; j < doc_len(hosts); j++) {
			check_enter_item(c, j);
			check_host(c, NULL, doc_str(doc_item(hosts, j)));
			check_leave(c);
		}
		check_leave(c);
		check_leave(c);
	}
}

RULE_CHECK(ingress_check)
{
	const struct doc *spec = doc_key(value, "spec"), *rules = doc_key(spec, "rules");
	const struct doc *backend = doc_key(spec, "defaultBackend");
	struct str class = doc_at_str(spec, "ingressClassName");

	if (!doc_len(rules) && !backend)
		check_invalid_raw(c, "spec", STR("null"),
				  "either `defaultBackend` or `rules` must be specified");
	if (backend) {
		check_enter(c, "spec.defaultBackend");
		check_backend(c, backend);
		check_leave(c);
	}
	check_enter(c, "spec.rules");
	check_ingress_rules(c, rules);
	check_leave(c);
	check_enter(c, "spec.tls");
	check_ingress_hosts(c, doc_key(spec, "tls"));
	check_leave(c);
	if (class.len)
		check_format_str(c, "spec.ingressClassName", API_FORMAT_DNS_SUBDOMAIN, class);
	if (!old && class.len &&
	    doc_get(doc_at(value, "metadata.annotations"), STR("kubernetes.io/ingress.class")))
		check_invalid_str(c, "metadata.annotations[kubernetes.io/ingress.class]",
				  doc_str(doc_get(doc_at(value, "metadata.annotations"),
						  STR("kubernetes.io/ingress.class"))),
				  "can not be set when the class field is also set");
}

RULE_CHECK(ingress_class_check)
{
	struct str controller = doc_at_str(value, "spec.controller");
	struct str scope = doc_at_str(value, "spec.parameters.scope");
	struct str ns = doc_at_str(value, "spec.parameters.namespace");
	i64 slash = str_find_char(controller, '/');

	if (!old && controller.len > 250)
		check_too_long(c, "spec.controller", 250);
	if (!old && controller.len &&
	    (slash <= 0 ||
	     !format_is(API_FORMAT_DNS_SUBDOMAIN, str_part(controller, 0, (size_t)slash))))
		check_invalid_str(c, "spec.controller", controller,
				  "must be a domain-prefixed path (such as \"acme.io/foo\")");
	if (!doc_at(value, "spec.parameters"))
		return;
	if (str_is(scope, "Namespace") && !ns.len)
		check_required(c, "spec.parameters.namespace",
			       "`parameters.scope` is set to 'Namespace'");
	if (str_is(scope, "Cluster") && ns.len)
		check_forbidden(c, "spec.parameters.namespace",
				"`parameters.scope` is set to 'Cluster'");
}

/* ---- NetworkPolicy */

RULE_CHECK(network_policy_port_check)
{
	const struct doc *port = doc_key(value, "port"), *end = doc_key(value, "endPort");

	(void)old;
	if (!end)
		return;
	if (!port)
		check_invalid(c, "endPort", end,
			      "may not be specified when `port` is not specified");
	else if (port->type == DOC_STRING)
		check_invalid(c, "endPort", end, "may not be specified when `port` is non-numeric");
	else if (doc_int_or(end, 0) < doc_int_or(port, 0))
		check_invalid(c, "endPort", end, "must be greater than or equal to `port`");
}

RULE_CHECK(network_policy_peer_check)
{
	bool pods = doc_key(value, "podSelector"), spaces = doc_key(value, "namespaceSelector");
	bool block = doc_key(value, "ipBlock");

	(void)old;
	if (!pods && !spaces && !block)
		check_required(c, NULL, "must specify a peer");
	else if (block && (pods || spaces))
		check_forbidden(c, NULL, "may not specify both ipBlock and another peer");
}

RULE_CHECK(network_policy_spec_check)
{
	static const char *const types[] = { "Egress", "Ingress", NULL };
	const struct doc *list = doc_key(value, "policyTypes");

	(void)old;
	if (doc_len(list) > 2) {
		check_invalid(c, "policyTypes", list, "may not specify more than two policyTypes");
		return;
	}
	check_enter(c, "policyTypes");
	for (u32 i = 0; i < doc_len(list); i++) {
		struct str type = doc_str(doc_item(list, i));

		check_enter_item(c, i);
		if (!str_is(type, "Ingress") && !str_is(type, "Egress"))
			check_unsupported(c, NULL, type, types);
		check_leave(c);
	}
	check_leave(c);
}
