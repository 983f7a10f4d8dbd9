/* https://kubernetes.io/docs/tasks/inject-data-application/define-environment-variable-container */
#include "node/pod_env.h"

#include <string.h>

#include "node/oci_config.h"

struct resolving {
	struct arena *arena;
	const struct doc *pod, *container;
	const struct pod_sources *sources;
	struct pod_env *env;
};

static void set(struct resolving *r, struct str name, struct str value)
{
	struct str entry = str_format(r->arena, STR_FMT "=" STR_FMT, STR_ARG(name), STR_ARG(value));

	for (u32 i = 0; i < r->env->entries.len; i++) {
		struct str rest = r->env->entries.at[i];

		if (str_eq(str_cut(&rest, '='), name)) {
			r->env->entries.at[i] = entry;
			return;
		}
	}
	VEC_PUSH(r->arena, &r->env->entries, entry);
}

/* ---- services */

static struct str variable_of(struct arena *arena, struct str name)
{
	char *text = arena_alloc(arena, name.len + 1);

	for (size_t i = 0; i < name.len; i++) {
		char c = name.at[i];

		text[i] = c == '-' || c == '.'	 ? '_'
			  : c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A')
						 : c;
	}
	text[name.len] = 0;
	return (struct str){ text, name.len };
}

/* Docker's links, which old programs still read. */
static void add_links(struct resolving *r, struct str prefix, struct str ip, const struct doc *port)
{
	struct arena *arena = r->arena;
	i64 number = doc_at_int(port, "port", 0);
	struct str protocol = doc_str_or(doc_key(port, "protocol"), STR("TCP"));
	struct str lower = str_lower(arena, protocol);
	struct str stem = str_format(arena, STR_FMT "_PORT_%lld_" STR_FMT, STR_ARG(prefix),
				     (long long)number, STR_ARG(protocol));

	set(r, stem,
	    str_format(arena, STR_FMT "://" STR_FMT ":%lld", STR_ARG(lower), STR_ARG(ip),
		       (long long)number));
	set(r, str_format(arena, STR_FMT "_PROTO", STR_ARG(stem)), lower);
	set(r, str_format(arena, STR_FMT "_PORT", STR_ARG(stem)),
	    str_format(arena, "%lld", (long long)number));
	set(r, str_format(arena, STR_FMT "_ADDR", STR_ARG(stem)), ip);
}

static void add_service(struct resolving *r, const struct doc *service)
{
	struct arena *arena = r->arena;
	struct str ip = doc_at_str(service, "spec.clusterIP");
	struct str prefix = variable_of(arena, doc_at_str(service, "metadata.name"));
	const struct doc *ports = doc_at(service, "spec.ports"), *first = doc_item(ports, 0);
	long long number = doc_at_int(first, "port", 0);
	struct str protocol = doc_str_or(doc_key(first, "protocol"), STR("TCP"));

	if (!ip.len || str_is(ip, "None") || !first)
		return;
	set(r, str_format(arena, STR_FMT "_SERVICE_HOST", STR_ARG(prefix)), ip);
	set(r, str_format(arena, STR_FMT "_SERVICE_PORT", STR_ARG(prefix)),
	    str_format(arena, "%lld", number));
	doc_each_item(ports, port) {
		struct str name = doc_at_str(port, "name");

		if (name.len)
			set(r,
			    str_format(arena, STR_FMT "_SERVICE_PORT_" STR_FMT, STR_ARG(prefix),
				       STR_ARG(variable_of(arena, name))),
			    str_format(arena, "%lld", (long long)doc_at_int(port, "port", 0)));
	}
	set(r, str_format(arena, STR_FMT "_PORT", STR_ARG(prefix)),
	    str_format(arena, STR_FMT "://" STR_FMT ":%lld", STR_ARG(str_lower(arena, protocol)),
		       STR_ARG(ip), number));
	doc_each_item(ports, port)
		add_links(r, prefix, ip, port);
}

static void add_services(struct resolving *r, const struct doc *const *services, u32 len)
{
	bool links = doc_at_bool(r->pod, "spec.enableServiceLinks", true);
	struct str ns = doc_at_str(r->pod, "metadata.namespace");

	for (u32 i = 0; i < len; i++) {
		struct str name = doc_at_str(services[i], "metadata.name");
		struct str its = doc_at_str(services[i], "metadata.namespace");
		bool api = str_is(name, "kubernetes") && str_is(its, "default");

		if (api || (links && str_eq(its, ns)))
			add_service(r, services[i]);
	}
}

/* ---- envFrom */

static bool is_variable(struct str name)
{
	for (size_t i = 0; i < name.len; i++) {
		u8 c = (u8)name.at[i];

		if (c <= ' ' || c == '=' || c >= 127)
			return false;
	}
	return name.len > 0;
}

static enum status add_from(struct resolving *r, const struct doc *from, struct error *error)
{
	bool secret = doc_key(from, "secretRef") != NULL;
	const struct doc *ref = doc_at(from, secret ? "secretRef" : "configMapRef");
	struct str name = doc_at_str(ref, "name"), prefix = doc_at_str(from, "prefix");
	const struct doc *object =
		r->sources->find(r->sources->self, secret ? STR("Secret") : STR("ConfigMap"), name);

	if (!object)
		return doc_at_bool(ref, "optional", false)
			       ? ST_OK
			       : fail(error, ST_NOT_FOUND, "%s \"" STR_FMT "\" not found",
				      secret ? "secret" : "configmap", STR_ARG(name));
	doc_each_pair(doc_key(object, "data"), key, unused) {
		struct str value,
			full = str_format(r->arena, STR_FMT STR_FMT, STR_ARG(prefix), STR_ARG(key));

		(void)unused;
		if (is_variable(full) && source_value(r->arena, object, secret, key, &value))
			set(r, full, value);
	}
	return ST_OK;
}

/* ---- env */

static enum status value_from_key(struct resolving *r, const struct doc *ref, bool secret,
				  struct str *ret_value, bool *ret_there, struct error *error)
{
	struct str name = doc_at_str(ref, "name"), key = doc_at_str(ref, "key");
	bool optional = doc_at_bool(ref, "optional", false);
	const struct doc *object =
		r->sources->find(r->sources->self, secret ? STR("Secret") : STR("ConfigMap"), name);

	*ret_there = object && source_value(r->arena, object, secret, key, ret_value);
	if (*ret_there || optional)
		return ST_OK;
	if (!object)
		return fail(error, ST_NOT_FOUND, "%s \"" STR_FMT "\" not found",
			    secret ? "secret" : "configmap", STR_ARG(name));
	return fail(error, ST_NOT_FOUND, "couldn't find key " STR_FMT " in %s " STR_FMT "/" STR_FMT,
		    STR_ARG(key), secret ? "Secret" : "ConfigMap",
		    STR_ARG(doc_at_str(r->pod, "metadata.namespace")), STR_ARG(name));
}

static enum status add_one(struct resolving *r, const struct doc *entry, struct error *error)
{
	const struct doc *from = doc_key(entry, "valueFrom"), *ref;
	struct str name = doc_at_str(entry, "name"), value = STR_NONE;
	enum status status = ST_OK;
	bool there = true;

	if (doc_is_null(from)) {
		value = oci_expand(r->arena, doc_at_str(entry, "value"), r->env->entries.at,
				   r->env->entries.len);
	} else if ((ref = doc_key(from, "fieldRef"))) {
		status = pod_field(r->arena, r->pod, doc_at_str(ref, "fieldPath"), r->sources,
				   &value, error);
	} else if ((ref = doc_key(from, "resourceFieldRef"))) {
		status = pod_resource_field(
			r->arena, r->pod, ref,
			doc_str_or(doc_key(ref, "containerName"), doc_at_str(r->container, "name")),
			r->sources, &value, error);
	} else if ((ref = doc_key(from, "configMapKeyRef"))) {
		status = value_from_key(r, ref, false, &value, &there, error);
	} else if ((ref = doc_key(from, "secretKeyRef"))) {
		status = value_from_key(r, ref, true, &value, &there, error);
	}
	if (status == ST_OK && there)
		set(r, name, value);
	return status;
}

enum status pod_env_resolve(struct arena *arena, const struct doc *pod, const struct doc *container,
			    const struct pod_sources *sources, const struct doc *const *services,
			    u32 services_len, struct pod_env *ret_env, struct error *error)
{
	struct resolving r = { arena, pod, container, sources, ret_env };
	enum status status = ST_OK;

	*ret_env = (struct pod_env){ 0 };
	set(&r, STR("HOSTNAME"),
	    doc_str_or(doc_at(pod, "spec.hostname"), doc_at_str(pod, "metadata.name")));
	add_services(&r, services, services_len);
	if (sources->api_host.len) {
		set(&r, STR("KUBERNETES_SERVICE_HOST"), sources->api_host);
		set(&r, STR("KUBERNETES_SERVICE_PORT"), sources->api_port);
		set(&r, STR("KUBERNETES_SERVICE_PORT_HTTPS"), sources->api_port);
	}
	doc_each_item(doc_key(container, "envFrom"), from)
		if (status == ST_OK)
			status = add_from(&r, from, error);
	doc_each_item(doc_key(container, "env"), entry)
		if (status == ST_OK)
			status = add_one(&r, entry, error);
	return status;
}
