/* A node is known by its name; which of the two ways leads to it is all that is decided here. */
#include "run/cluster_door.h"

#include "api_tables.h"
#include "net/tls.h"
#include "node/remote_node.h"
#include "schema/api.h"
#include "server/node_door.h"
#include "store/store.h"
#include "store/version.h"

struct cluster_door {
	struct arena *arena;
	struct store *store;
	struct tls_context *tls;
	struct remote_nodes *remote;
	struct str local_name;
	const struct node_door *local;
	struct node_door door;
};

/* Nodes that only exist in imagination listen nowhere. */
static struct str node_url(void *self, struct arena *arena, struct str name, struct error *error)
{
	struct cluster_door *door = self;
	const struct version *node = store_get(door->store, KIND_Node, STR_NONE, name);
	i64 port = 0;

	if (node)
		port = doc_int_or(
			doc_at(node->doc, AT(Node, status.daemonEndpoints.kubeletEndpoint.Port)),
			0);
	if (port)
		doc_each_item(doc_at(node->doc, AT(Node, status.addresses)), address)
			if (str_is(doc_str(doc_key(address, "type")), "InternalIP"))
				return str_format(arena, "https://" STR_FMT ":%lld",
						  STR_ARG(doc_str(doc_key(address, "address"))),
						  (long long)port);
	(void)!fail(error, ST_UNAVAILABLE, "no node answers for this pod");
	return STR_NONE;
}

static const struct node_door *way(struct cluster_door *door, const struct door_pod *pod)
{
	bool here = door->local && str_eq(pod->node, door->local_name);

	return here ? door->local : remote_nodes_door(door->remote);
}

static void door_logs(void *self, struct http_exchange *x, const struct door_pod *pod,
		      const struct log_options *options)
{
	const struct node_door *to = way(self, pod);

	to->logs(to->self, x, pod, options);
}

static void door_exec(void *self, struct http_exchange *x, const struct door_pod *pod,
		      const struct exec_options *options)
{
	const struct node_door *to = way(self, pod);

	to->exec(to->self, x, pod, options);
}

static void door_attach(void *self, struct http_exchange *x, const struct door_pod *pod,
			const struct exec_options *options)
{
	const struct node_door *to = way(self, pod);

	to->attach(to->self, x, pod, options);
}

static void door_forward(void *self, struct http_exchange *x, const struct door_pod *pod,
			 const u16 *ports, u32 ports_len)
{
	const struct node_door *to = way(self, pod);

	to->port_forward(to->self, x, pod, ports, ports_len);
}

enum status cluster_door_new(const struct cluster_door_config *config,
			     struct cluster_door **ret_door, struct error *error)
{
	struct arena *arena = arena_new(0);
	struct cluster_door *door = ARENA_NEW(arena, struct cluster_door);
	const struct tls_config tls = { .certificate = config->certificate.certificate,
					.key = config->certificate.key,
					.authorities = config->authorities };
	struct remote_nodes_config remote = { .loop = config->loop, .url = node_url, .self = door };
	enum status status = tls_client_new(&tls, &door->tls, error);

	if (status != ST_OK) {
		arena_free(arena);
		return status;
	}
	remote.tls = door->tls;
	door->arena = arena;
	door->store = config->store;
	door->remote = remote_nodes_new(&remote);
	door->door = (struct node_door){ .logs = door_logs,
					 .exec = door_exec,
					 .attach = door_attach,
					 .port_forward = door_forward,
					 .self = door };
	*ret_door = door;
	return ST_OK;
}

enum status cluster_door_renew(struct cluster_door *door, struct pki_pair certificate,
			       struct str authorities, struct error *error)
{
	const struct tls_config tls = { .certificate = certificate.certificate,
					.key = certificate.key,
					.authorities = authorities };

	return tls_reload(door->tls, &tls, error);
}

void cluster_door_free(struct cluster_door *door)
{
	if (!door)
		return;
	remote_nodes_free(door->remote);
	tls_free(door->tls);
	arena_free(door->arena);
}

void cluster_door_set_local(struct cluster_door *door, struct str node,
			    const struct node_door *local)
{
	door->local_name = local ? str_copy(door->arena, node) : STR_NONE;
	door->local = local;
}

const struct node_door *cluster_door_nodes(struct cluster_door *door)
{
	return &door->door;
}
