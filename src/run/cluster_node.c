/*
 * The agent of this machine: its images, its client (straight to the verbs, as the node's own user,
 * when the server is in this process), and there a second listener where pods can reach the API.
 */
#include "run/cluster_node.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/check.h"
#include "base/log.h"
#include "client/local.h"
#include "node/agent.h"
#include "node/image_source.h"
#include "node/images.h"
#include "net/server.h"
#include "run/cluster_door.h"
#include "run/cluster_network.h"
#include "server/server.h"
#include "server/usage.h"
#include "server/verbs.h"
#include "sys/file.h"

enum { HOST_BYTES_MAX = 64 };

struct cluster_node {
	struct arena *arena;
	struct cluster_node_config config;
	struct user user;
	struct str groups[2];
	struct client *own_client; /* NULL: the config's */
	struct images *images;
	struct image_source *source;
	struct agent *agent;
	struct http_server *http; /* for pods */
	struct cluster_network *network;
};

struct str cluster_node_name(struct arena *arena, const struct server_options *options)
{
	char host[HOST_BYTES_MAX] = "";

	if (options->node_name.len)
		return options->node_name;
	if (gethostname(host, sizeof host - 1) != 0 || !*host)
		return STR("localhost");
	return str_lower(arena, str_of(host));
}

static enum status open_images(struct cluster_node *node, struct error *error)
{
	const struct server_options *options = node->config.options;
	struct image_mirror mirrors[MIRRORS_MAX];

	for (u32 i = 0; i < options->mirrors_len; i++) {
		struct str url = options->mirrors[i], host = str_cut(&url, '=');

		mirrors[i] = (struct image_mirror){ .host = host, .url = url };
	}
	struct images_config config = {
		.folder = str_format(node->arena, STR_FMT "/images", STR_ARG(options->data)),
		.mirrors = mirrors,
		.mirrors_len = options->mirrors_len,
	};
	enum status status = images_open(&config, node->config.loop, &node->images, error);

	if (!status)
		node->source = image_source_new(node->images);
	return status;
}

/* The bridge is there by now. Pods come with a token of their service account. */
static enum status listen_for_pods(struct cluster_node *node, struct error *error)
{
	struct http_server_config config = {
		.address = str_format(node->arena, "%s:%d", node->config.range->gateway,
				      NODE_API_PORT),
		.tls = node->config.tls,
		.handler = { server_handle, node->config.server },
	};

	if (node->config.listens_everywhere || !node->config.server)
		return ST_OK;
	return http_server_open(node->config.loop, &config, &node->http, error);
}

/* As system:node:NAME, the same as a node that comes over the wire. */
static struct client *local_client(struct cluster_node *node, struct str name)
{
	node->groups[0] = STR("system:nodes");
	node->groups[1] = STR("system:authenticated");
	node->user = (struct user){ .name = str_format(node->arena, "system:node:" STR_FMT,
						       STR_ARG(name)),
				    .groups = node->groups,
				    .groups_len = ARRAY_LEN(node->groups) };
	node->own_client = client_local_new(node->config.server, &node->user, false);
	return node->own_client;
}

static enum status start_network(struct cluster_node *node, struct str name, bool masquerade,
				 struct error *error)
{
	struct cluster_network_config network = {
		.loop = node->config.loop,
		.server = node->config.server,
		.client = node->config.client,
		.range = node->config.range,
		.node_name = name,
		.node_ip = agent_node_ip(node->agent),
		.masquerade = masquerade,
	};

	return cluster_network_start(&network, &node->network, error);
}

static enum status start_agent(struct cluster_node *node, struct error *error)
{
	const struct server_options *options = node->config.options;
	struct server *server = node->config.server;
	struct agent_config config;
	struct str name = cluster_node_name(node->arena, options);
	struct client *client = server ? local_client(node, name) : node->config.client;
	enum status status;

	agent_config_default(&config);
	config.data = node->config.data;
	config.node_name = name;
	config.node_ip = options->node_ip;
	config.cgroup_parent = options->cgroup_parent;
	config.pods.backoff_first_ns = options->backoff_first_s * NS_PER_S;
	config.pods.backoff_most_ns = options->backoff_most_s * NS_PER_S;
	config.bridge = str_of(node->config.range->bridge);
	config.pod_cidr = str_of(node->config.range->cidr);
	config.cluster_dns = STR(CLUSTER_DNS_ADDRESS);
	config.cluster_domain = STR(CLUSTER_DOMAIN);
	if (!server && (status = server_options_listen(options->node_listen, &(struct str){ 0 },
						       &config.port, error)))
		return status;
	config.api_host = STR(CLUSTER_API_ADDRESS);
	config.api_port = STR("443");
	status = agent_new(&config, node->config.loop, client, node->source, &node->agent, error);
	if (!status)
		status = listen_for_pods(node, error);
	if (status)
		return status;
	if (server) {
		cluster_door_set_local(node->config.door, name, agent_door(node->agent));
		usage_add_source(server_usage(server), agent_usage(node->agent));
	}
	status = agent_start(node->agent, error);
	return status ? status : start_network(node, name, config.masquerade, error);
}

enum status cluster_node_start(const struct cluster_node_config *config,
			       struct cluster_node **ret_node, struct error *error)
{
	struct arena *arena = arena_new(0);
	struct cluster_node *node = ARENA_NEW(arena, struct cluster_node);
	enum status status = ST_OK;

	node->arena = arena;
	node->config = *config;
	if (config->options->real_node) {
		status = open_images(node, error);
		if (!status)
			status = start_agent(node, error);
	}
	if (status) {
		cluster_node_free(node);
		return status;
	}
	*ret_node = node;
	return ST_OK;
}

void cluster_node_stop(struct cluster_node *node)
{
	if (!node)
		return;
	http_server_free(node->http); /* pods' requests end before the server does */
	node->http = NULL;
	cluster_network_free(node->network);
	node->network = NULL;
	if (node->agent)
		agent_stop(node->agent);
}

void cluster_node_free(struct cluster_node *node)
{
	if (!node)
		return;
	cluster_node_stop(node);
	if (node->agent) {
		if (node->config.server) {
			cluster_door_set_local(node->config.door, STR_NONE, NULL);
			usage_remove_source(server_usage(node->config.server),
					    agent_usage(node->agent));
		}
		agent_free(node->agent);
	}
	if (node->own_client)
		client_free(node->own_client);
	image_source_free(node->source);
	images_free(node->images);
	arena_free(node->arena);
}

struct agent *cluster_node_agent(const struct cluster_node *node)
{
	return node->agent;
}
