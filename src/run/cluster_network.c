/*
 * Wiring: one client of the server's own, what listens through it, and the Service kube-dns with
 * the name server behind it.
 */
#include "run/cluster_network.h"

#include "api_tables.h"
#include "base/log.h"
#include "client/client.h"
#include "client/local.h"
#include "doc/build.h"
#include "network/dns_server.h"
#include "network/node_routes.h"
#include "network/policies.h"
#include "network/service_proxy.h"
#include "schema/api.h"
#include "sys/loop.h"

struct cluster_network {
	struct arena *arena;
	struct client *client, *own; /* one and the same, or the own is NULL */
	struct node_routes *routes;
	struct service_proxy *proxy;
	struct policies *policies;
	struct dns_server *dns;
	struct str gateway;
};

/* ---- the Service pods find the name server by */

static const char dns_service[] = "kube-dns", dns_namespace[] = "kube-system";

static void build_meta(struct build *b, const char *name)
{
	build_open_object(b, "metadata");
	build_str(b, "name", str_of(name));
	build_str(b, "namespace", str_of(dns_namespace));
	build_open_object(b, "labels");
	build_str(b, "kubernetes.io/service-name", str_of(dns_service));
	build_str(b, "k8s-app", str_of(dns_service));
	build_close(b);
	build_close(b);
}

static void build_ports(struct build *b, i64 port)
{
	static const char *const names[] = { "dns", "dns-tcp" }, *const kinds[] = { "UDP", "TCP" };

	build_open_array(b, "ports");
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		build_open_object(b, NULL);
		build_str(b, "name", str_of(names[i]));
		build_str(b, "protocol", str_of(kinds[i]));
		build_int(b, "port", port);
		build_close(b);
	}
	build_close(b);
}

static void put_slice(struct cluster_network *network)
{
	struct arena *arena CLEANUP(arena_free_cleanup) = arena_new(0);
	struct build b = build_object(arena);
	const struct doc *slice;

	build_meta(&b, dns_service);
	build_str(&b, "addressType", STR("IPv4"));
	build_open_array(&b, "endpoints");
	build_open_object(&b, NULL);
	build_open_array(&b, "addresses");
	build_str(&b, NULL, network->gateway);
	build_close(&b);
	build_open_object(&b, "conditions");
	build_bool(&b, "ready", true);
	build_close(&b);
	build_close(&b);
	build_close(&b);
	build_ports(&b, dns_server_port(network->dns));
	slice = build_done(&b);
	/* One of the two applies: it is new, or it is there and may be as of another start. */
	client_create(network->client, KIND_EndpointSlice, str_of(dns_namespace),
		      str_of(dns_service), STR_NONE, slice, NULL, NULL);
	client_patch(network->client, KIND_EndpointSlice, str_of(dns_namespace),
		     str_of(dns_service), STR_NONE, CLIENT_PATCH_MERGE, slice, NULL, NULL);
}

/* Somebody's own kube-dns, with pods behind it, is left alone. */
static void service_known(void *self, const struct doc *service, const struct error *error)
{
	if (error)
		log_warn("run", "the cluster's name server has no Service: %s", error->message);
	else if (!doc_len(doc_at(service, "spec.selector")))
		put_slice(self);
}

static void service_made(void *self, const struct doc *service, const struct error *error)
{
	struct cluster_network *network = self;

	if (error && error->status == ST_EXISTS)
		client_get(network->client, KIND_Service, str_of(dns_namespace),
			   str_of(dns_service), service_known, network);
	else
		service_known(self, service, error);
}

static void put_service(struct cluster_network *network)
{
	struct arena *arena CLEANUP(arena_free_cleanup) = arena_new(0);
	struct build b = build_object(arena);

	build_meta(&b, dns_service);
	build_open_object(&b, "spec");
	build_str(&b, "clusterIP", STR(CLUSTER_DNS_ADDRESS));
	build_ports(&b, 53);
	build_close(&b);
	client_create(network->client, KIND_Service, str_of(dns_namespace), str_of(dns_service),
		      STR_NONE, build_done(&b), service_made, network);
}

static enum status start_dns(struct cluster_network *network,
			     const struct cluster_network_config *config, struct error *error)
{
	struct dns_server_config dns = {
		.address = network->gateway,
		.domain = STR(CLUSTER_DOMAIN),
		.cluster_cidr = STR(CLUSTER_CIDR),
		.service_cidr = STR(CLUSTER_SERVICE_CIDR),
		.resolv_conf = "/etc/resolv.conf",
		.view = service_proxy_view(network->proxy),
	};
	enum status status = dns_server_new(&dns, config->loop, &network->dns, error);

	if (status == ST_OK)
		put_service(network);
	return status;
}

/* ---- life */

enum status cluster_network_start(const struct cluster_network_config *config,
				  struct cluster_network **ret_network, struct error *error)
{
	struct arena *arena = arena_new(0);
	struct cluster_network *network = ARENA_NEW(arena, struct cluster_network);
	struct service_proxy_config proxy = {
		.bridge = str_of(config->range->bridge),
		.pod_cidr = str_of(config->range->cidr),
		.cluster_cidr = STR(CLUSTER_CIDR),
		.service_cidr = STR(CLUSTER_SERVICE_CIDR),
		.node_name = config->node_name,
		.node_ip = config->node_ip,
		.masquerade = config->masquerade,
	};

	network->arena = arena;
	network->gateway = str_copy(arena, str_of(config->range->gateway));
	if (config->server)
		network->own = client_local_new(config->server, NULL, false);
	network->client = config->server ? network->own : config->client;
	enum status status =
		service_proxy_new(&proxy, config->loop, network->client, &network->proxy, error);

	if (status == ST_OK && config->server)
		status = start_dns(network, config, error);
	struct policies_config policies = {
		.bridge = str_of(config->range->bridge),
		.node_name = config->node_name,
		.dns_address = STR(CLUSTER_DNS_ADDRESS),
	};

	network->policies = policies_new(&policies, config->loop, network->client);
	if (status == ST_OK)
		status = node_routes_new(network->client, config->node_name, &network->routes,
					 error);
	if (status != ST_OK) {
		cluster_network_free(network);
		return status;
	}
	*ret_network = network;
	return ST_OK;
}

void cluster_network_free(struct cluster_network *network)
{
	if (!network)
		return;
	node_routes_free(network->routes);
	dns_server_free(network->dns);
	policies_free(network->policies);
	service_proxy_free(network->proxy);
	if (network->own)
		client_free(network->own);
	arena_free(network->arena);
}
