/* Wiring only: one client of the server's own, and what listens through it. */
#include "run/cluster_network.h"

#include "client/client.h"
#include "client/local.h"
#include "network/service_proxy.h"
#include "sys/loop.h"

struct cluster_network {
	struct arena *arena;
	struct client *client;
	struct service_proxy *proxy;
};

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
	network->client = client_local_new(config->server, NULL, false);
	enum status status =
		service_proxy_new(&proxy, config->loop, network->client, &network->proxy, error);

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
	service_proxy_free(network->proxy);
	client_free(network->client);
	arena_free(network->arena);
}
