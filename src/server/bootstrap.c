/* What every cluster starts with: namespaces, the priority classes of the system, the default
 * roles, and the Service by which pods find this server. */
#include "base/log.h"
#include "doc/build.h"
#include "server/cluster_objects.h"
#include "server/default_roles.h"
#include "server/object.h"
#include "server/service_address.h"
#include "server/state.h"

struct made {
	struct call call;
	struct server *server;
	struct error *error;
};

/* Creates it where it is missing; with `renew`, replaces what differs. */
static enum status ensure(struct made *m, const char *version, const char *kind_name, struct str ns,
			  const struct doc *object, bool renew)
{
	const struct api_kind *kind =
		schema_find_kind(m->server->schema, str_of(version), str_of(kind_name));
	struct version *there;
	struct outcome outcome;

	if (!kind)
		return ST_OK; /* not served: nobody will miss it */
	there = store_get(m->server->store, kind->id, ns, object_name(object));
	if (!there)
		return verb_create(&m->call, kind, ns, STR(""), STR(""), object, &outcome,
				   m->error);
	if (!renew)
		return ST_OK;
	return verb_patch(&m->call, kind, ns, object_name(object), STR(""), PATCH_MERGE, false,
			  object, &outcome, m->error);
}

static enum status ensure_namespaces(struct made *m)
{
	static const char *const names[] = { "default", "kube-system", "kube-public",
					     "kube-node-lease" };
	enum status status = ST_OK;

	for (u32 i = 0; status == ST_OK && i < ARRAY_LEN(names); i++) {
		struct build b = build_object(m->call.arena);

		build_open_object(&b, "metadata");
		build_str(&b, "name", str_of(names[i]));
		build_close(&b);
		status = ensure(m, "v1", "Namespace", STR(""), build_done(&b), false);
	}
	return status;
}

static enum status ensure_priorities(struct made *m)
{
	static const struct {
		const char *name, *text;
		i64 value;
	} classes[] = {
		{ "system-cluster-critical",
		  "Used for system critical pods that must run in the cluster, but can be moved to "
		  "another node if necessary.",
		  2000000000 },
		{ "system-node-critical",
		  "Used for system critical pods that must not be moved from their current node.",
		  2000001000 },
	};
	enum status status = ST_OK;

	for (u32 i = 0; status == ST_OK && i < ARRAY_LEN(classes); i++) {
		struct build b = build_object(m->call.arena);

		build_open_object(&b, "metadata");
		build_str(&b, "name", str_of(classes[i].name));
		build_close(&b);
		build_int(&b, "value", classes[i].value);
		build_str(&b, "description", str_of(classes[i].text));
		status = ensure(m, "scheduling.k8s.io/v1", "PriorityClass", STR(""), build_done(&b),
				false);
	}
	return status;
}

/* The class that claims get when they name none, unless somebody wants no such storage. */
static enum status ensure_storage(struct made *m)
{
	struct build b = build_object(m->call.arena);

	if (m->server->config.no_local_path)
		return ST_OK;
	build_open_object(&b, "metadata");
	build_str(&b, "name", STR("local-path"));
	build_open_object(&b, "annotations");
	build_str(&b, "storageclass.kubernetes.io/is-default-class", STR("true"));
	build_close(&b);
	build_close(&b);
	build_str(&b, "provisioner", STR("minke/local-path"));
	build_str(&b, "reclaimPolicy", STR("Delete"));
	build_str(&b, "volumeBindingMode", STR("WaitForFirstConsumer"));
	build_bool(&b, "allowVolumeExpansion", true);
	return ensure(m, "storage.k8s.io/v1", "StorageClass", STR(""), build_done(&b), false);
}

/* ---- roles */

/* What the table says and `there` lacks is added to a list of `there`; nothing is taken away. */
static const struct doc *with_missing(struct arena *arena, const struct doc *there,
				      const struct doc *wanted, const char *key)
{
	const struct doc *list = doc_get(there, str_of(key));

	doc_each_item(doc_get(wanted, str_of(key)), item) {
		bool found = false;

		doc_each_item(list, other)
			found = found || doc_eq(item, other);
		if (!found)
			list = doc_append(arena, list ? list : &doc_empty_array, item);
	}
	return list ? doc_with(arena, there, str_of(key), list) : there;
}

/* Missing ones are made; others get what they lack, unless they say autoupdate "false". */
static enum status ensure_right(struct made *m, kind_id id, struct str ns, const struct doc *wanted)
{
	static const char note[] = "rbac.authorization.kubernetes.io/autoupdate";
	const struct api_kind *kind = schema_kind(m->server->schema, id);
	struct version *there = store_get(m->server->store, id, ns, object_name(wanted));
	const struct doc *doc;
	struct outcome outcome;

	if (!there)
		return verb_create(&m->call, kind, ns, STR(""), STR(""), wanted, &outcome,
				   m->error);
	if (str_is(doc_str(doc_get(doc_at(there->doc, "metadata.annotations"), str_of(note))),
		   "false"))
		return ST_OK;
	doc = with_missing(m->call.arena, there->doc, wanted, "rules");
	doc = with_missing(m->call.arena, doc, wanted, "subjects");
	if (doc == there->doc || doc_eq(doc, there->doc))
		return ST_OK;
	return verb_update(&m->call, kind, ns, object_name(wanted), STR(""), doc, &outcome,
			   m->error);
}

static enum status ensure_roles(struct made *m)
{
	enum status status =
		ensure_right(m, KIND_Role, STR("kube-system"), default_reader_doc(m->call.arena));

	for (u32 i = 0; status == ST_OK && i < default_roles_len; i++) {
		const struct doc *binding = default_binding_doc(m->call.arena, &default_roles[i]);

		status = ensure_right(m, KIND_ClusterRole, STR(""),
				      default_role_doc(m->call.arena, &default_roles[i]));
		if (status == ST_OK && binding)
			status = ensure_right(m, KIND_ClusterRoleBinding, STR(""), binding);
	}
	return status;
}

/* ---- the Service of this server */

static void build_meta(struct build *b, const char *label, const char *value)
{
	build_open_object(b, "metadata");
	build_str(b, "name", STR("kubernetes"));
	build_str(b, "namespace", STR("default"));
	build_open_object(b, "labels");
	build_str(b, label, str_of(value));
	build_close(b);
	build_close(b);
}

static void build_port(struct build *b, i64 port, i64 target)
{
	build_open_array(b, "ports");
	build_open_object(b, NULL);
	build_str(b, "name", STR("https"));
	build_str(b, "protocol", STR("TCP"));
	build_int(b, "port", port);
	if (target)
		build_int(b, "targetPort", target);
	build_close(b);
	build_close(b);
}

static enum status ensure_service(struct made *m)
{
	const struct server_config *config = &m->server->config;
	struct build b = build_object(m->call.arena);

	build_meta(&b, "component", "apiserver");
	build_open_object(&b, "spec");
	build_str(&b, "type", STR("ClusterIP"));
	build_str(&b, "clusterIP", service_first_address(m->call.arena, config->service_cidr));
	build_port(&b, 443, config->advertise_port);
	build_close(&b);
	return ensure(m, "v1", "Service", STR("default"), build_done(&b), false);
}

/* Where that Service leads: here. Renewed at each start, as the address may be another one now. */
static enum status ensure_endpoints(struct made *m)
{
	const struct server_config *config = &m->server->config;
	struct build b = build_object(m->call.arena), s = build_object(m->call.arena);
	enum status status;

	build_meta(&b, "endpointslice.kubernetes.io/skip-mirror", "true");
	build_open_array(&b, "subsets");
	build_open_object(&b, NULL);
	build_open_array(&b, "addresses");
	build_open_object(&b, NULL);
	build_str(&b, "ip", config->advertise_address);
	build_close(&b);
	build_close(&b);
	build_port(&b, config->advertise_port, 0);
	build_close(&b);
	build_close(&b);
	status = ensure(m, "v1", "Endpoints", STR("default"), build_done(&b), true);
	if (status != ST_OK)
		return status;
	build_meta(&s, "kubernetes.io/service-name", "kubernetes");
	build_str(&s, "addressType",
		  str_find_char(config->advertise_address, ':') < 0 ? STR("IPv4") : STR("IPv6"));
	build_open_array(&s, "endpoints");
	build_open_object(&s, NULL);
	build_open_array(&s, "addresses");
	build_str(&s, NULL, config->advertise_address);
	build_close(&s);
	build_open_object(&s, "conditions");
	build_bool(&s, "ready", true);
	build_close(&s);
	build_close(&s);
	build_close(&s);
	build_port(&s, config->advertise_port, 0);
	return ensure(m, "discovery.k8s.io/v1", "EndpointSlice", STR("default"), build_done(&s),
		      true);
}

static enum status ensure_all(struct server *server, struct error *error)
{
	struct arena *arena = arena_new(0);
	struct made m = {
		.call = { .server = server,
			  .arena = arena,
			  .user = &user_server,
			  .validation = VALIDATION_IGNORE },
		.server = server,
		.error = error,
	};
	enum status status = ensure_namespaces(&m);

	if (status == ST_OK)
		status = ensure_priorities(&m);
	if (status == ST_OK)
		status = ensure_storage(&m);
	if (status == ST_OK)
		status = ensure_roles(&m);
	if (status == ST_OK)
		status = ensure_service(&m);
	if (status == ST_OK)
		status = ensure_endpoints(&m);
	if (status == ST_OK)
		status = cluster_objects_ensure(&m.call, error);
	if (status != ST_OK && error)
		error->causes_len = 0; /* they live in the arena that goes now */
	arena_free(arena);
	return status;
}

/* A full or failing disk is given a moment before it is asked again. */
static const i64 RESTORE_NS = 2 * NS_PER_S;

static void restore(void *self)
{
	struct server *server = self;
	struct error error = ERROR_INIT;

	server->restore_mono_ns = 0;
	if (ensure_all(server, &error) == ST_OK)
		return;
	server->restore_mono_ns = clock_mono_ns(server->clock) + RESTORE_NS;
	log_warn("server", "what everyone needs is not there error=\"%s\"", error.message);
}

void server_restore(struct server *server)
{
	restore(server);
}

/* Pods find the server by this Service, so that it is back as soon as somebody deletes it. */
static void changed(void *self, const struct store_event *event)
{
	struct server *server = self;
	const struct version *version = event->version;

	if (event->type == EVENT_DELETED && event->undone && version->kind == KIND_Namespace)
		server->restore_mono_ns = clock_mono_ns(server->clock) + RESTORE_NS;
	if (event->type != EVENT_DELETED || event->undone || !str_is(version->name, "kubernetes") ||
	    !str_is(version->namespace, "default"))
		return;
	if (version->kind == KIND_Service || version->kind == KIND_Endpoints ||
	    version->kind == KIND_EndpointSlice)
		server_later(server, &server->restore);
}

enum status server_bootstrap(struct server *server, struct error *error)
{
	server->restore = (struct server_later){ .call = restore, .self = server };
	store_forget(server->store, server);
	store_on_change(server->store, changed, server);
	return ensure_all(server, error);
}
