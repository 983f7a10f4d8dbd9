/*
 * minke agent: this machine as a node of a cluster whose server runs elsewhere. The same agent as
 * in the server's process, with a client over HTTPS, certificates of its own, and a door of its own
 * that the server comes in by.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "client/https.h"
#include "doc/build.h"
#include "node/agent.h"
#include "node/node_server.h"
#include "run/cluster_node.h"
#include "run/commands.h"
#include "run/join.h"
#include "run/purge_data.h"
#include "schema/schema.h"
#include "sys/file.h"
#include "sys/random.h"

enum { RENEWAL_CHECK_MS = 12 * 3600 * 1000 };

struct agent_process {
	struct arena *arena;
	struct loop *loop;
	struct random random;
	const struct server_options *options;
	struct join join;
	struct schema *schema;
	struct client *client;
	struct node_range range;
	struct cluster_node *node;
	struct tls_context *tls; /* of our own door */
	struct node_server *door;
	struct timer *renewal;
	struct signal_watch *term, *interrupt;
	int lock;
	bool stopping; /* the loop was left for good, not to renew */
};

static void stop_signal(void *self, int number)
{
	struct agent_process *p = self;

	log_info("run", "stopping signal=%d", number);
	p->stopping = true;
	loop_stop(p->loop);
}

/* Asking for certificates runs the loop itself, so the one that runs is left for it. */
static void renewal_due(void *self)
{
	struct agent_process *p = self;

	loop_stop(p->loop);
}

/* ---- starting */

static enum status take_data(struct agent_process *p, struct str *ret_data, struct error *error)
{
	const char *data = str_c(p->arena, p->options->data);
	enum status status = file_mkdir_all(data, 0700, error);
	char *real = status ? NULL : realpath(data, NULL);

	if (status)
		return status;
	*ret_data = real ? str_copy(p->arena, str_of(real)) : p->options->data;
	free(real);
	status = file_lock(str_format(p->arena, STR_FMT "/lock", STR_ARG(*ret_data)).at, &p->lock,
			   error);
	if (status == ST_CONFLICT)
		return fail_within(error, "another minke runs on " STR_FMT, STR_ARG(*ret_data));
	return status;
}

static enum status serve_door(struct agent_process *p, struct error *error)
{
	struct agent *agent = cluster_node_agent(p->node);
	struct pki_pair pair;
	enum status status = join_serving(&p->join, agent_node_ip(agent), &pair, error);

	if (status)
		return status;
	const struct tls_config tls = { .certificate = pair.certificate,
					.key = pair.key,
					.authorities = p->join.config.ca_certificate };

	if (p->tls)
		return tls_reload(p->tls, &tls, error);
	status = tls_server_new(&tls, &p->tls, error);
	if (status)
		return status;
	const struct node_server_config config = { .address = p->options->node_listen,
						   .tls = p->tls,
						   .door = agent_door(agent),
						   .pod_uid = agent_pod_uid,
						   .pods = agent_pod_list,
						   .self = agent };

	return node_server_open(p->loop, &config, &p->door, error);
}

static enum status start(struct agent_process *p, struct error *error)
{
	struct str data, range;
	enum status status = take_data(p, &data, error);

	if (status)
		return status;
	p->join = (struct join){ .arena = p->arena,
				 .loop = p->loop,
				 .options = p->options,
				 .node = cluster_node_name(p->arena, p->options) };
	if ((status = join_open(&p->join, error)) ||
	    (status = join_range(&p->join, &range, error)) ||
	    (status = node_range_take_given(data, range, &p->range, error)))
		return status;
	p->schema = schema_new();
	p->client = client_https_new(p->loop, p->join.http, p->schema);
	const struct cluster_node_config node = { .options = p->options,
						  .loop = p->loop,
						  .client = p->client,
						  .random = &p->random,
						  .data = data,
						  .range = &p->range };

	if ((status = cluster_node_start(&node, &p->node, error)) ||
	    (status = serve_door(p, error)))
		return status;
	p->renewal = timer_new(p->loop, renewal_due, p);
	timer_start(p->renewal, RENEWAL_CHECK_MS, RENEWAL_CHECK_MS);
	p->term = signal_watch_new(p->loop, SIGTERM, stop_signal, p);
	p->interrupt = signal_watch_new(p->loop, SIGINT, stop_signal, p);
	log_info("run", "ready node=" STR_FMT " server=" STR_FMT " data=" STR_FMT,
		 STR_ARG(p->join.node), STR_ARG(p->join.config.server), STR_ARG(data));
	return ST_OK;
}

/* ---- running */

static void renew(struct agent_process *p)
{
	struct error error = ERROR_INIT;

	if (join_renew(&p->join, &error) != ST_OK || serve_door(p, &error) != ST_OK)
		log_warn("run", "certificates cannot be renewed: %s", error.message);
}

static void run(struct agent_process *p)
{
	for (;;) {
		loop_run(p->loop);
		if (p->stopping)
			return;
		renew(p);
	}
}

static void release(struct agent_process *p)
{
	node_server_free(p->door);
	cluster_node_stop(p->node);
	cluster_node_free(p->node);
	if (p->client)
		client_free(p->client);
	join_close(&p->join);
	tls_free(p->tls);
	schema_free(p->schema);
	timer_free(p->renewal);
	signal_watch_free(p->term);
	signal_watch_free(p->interrupt);
	loop_free(p->loop);
	file_close_cleanup(&p->lock);
	arena_free(p->arena);
}

static int run_agent(const struct server_options *options)
{
	struct agent_process p = { .arena = arena_new(0), .loop = loop_new(), .lock = -1 };
	struct error error = ERROR_INIT;
	int code = 0;

	p.options = options;
	random_seed_real(&p.random);
	str_hash_seed(random_u64(&p.random));
	if (start(&p, &error) == ST_OK) {
		run(&p);
	} else {
		fprintf(stderr, "minke agent: %s\n", error.message);
		code = 1;
	}
	release(&p);
	return code;
}

int agent_command(int argc, char **argv)
{
	struct arena *arena CLEANUP(arena_free_cleanup) = arena_new(0);
	struct server_options options;
	struct error error = ERROR_INIT;

	if (agent_options_read(arena, argc, argv, &options, &error) != ST_OK) {
		fprintf(stderr, "minke agent: %s\n", error.message);
		return 2;
	}
	if (options.help) {
		agent_options_help();
		return 0;
	}
	log_level_set(options.verbose ? LOG_DEBUG : LOG_INFO);
	if (!options.purge_node)
		return run_agent(&options);
	if (purge_data(&options, &error) == ST_OK)
		return 0;
	fprintf(stderr, "minke agent: %s\n", error.message);
	return 1;
}
