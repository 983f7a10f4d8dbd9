/*
 * The wiring. One loop drives everything: before it waits, `pump` lets the server, the controllers
 * and the scheduler do a bounded piece of work each and then sleeps until the earliest time one of
 * them asked for. Nothing here decides anything.
 */
#include "run/cluster.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"
#include "base/cluster_range.h"
#include "base/log.h"
#include "client/local.h"
#include "controllers/event.h"
#include "controllers/runner.h"
#include "controllers/simulated_node.h"
#include "controllers/simulated_usage.h"
#include "net/server.h"
#include "run/access_files.h"
#include "run/credentials.h"
#include "run/cluster_door.h"
#include "run/cluster_node.h"
#include "run/time_zones.h"
#include "run/webhook_calls.h"
#include "scheduler/scheduler.h"
#include "schema/schema.h"
#include "server/certificates.h"
#include "server/reply.h"
#include "server/server.h"
#include "server/why_door.h"
#include "server/usage.h"
#include "store/log_sqlite.h"
#include "store/store.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/loop.h"
#include "sys/random.h"

enum {
	PASSES_MAX = 200,   /* controller passes between two looks at the sockets */
	DEEDS_MAX = 500,    /* simulated deeds, likewise */
	BINDINGS_MAX = 200, /* pods placed between two looks at the sockets */
	STOP_GRACE_MS = 5000,
	RENEWAL_CHECK_MS = 12 * 3600 * 1000,
	HOST_BYTES_MAX = 256,
};

struct cluster {
	const struct server_options *options;
	struct arena *arena;
	struct loop *loop;
	struct random random;
	struct schema *schema;
	struct log *log;
	struct store *store;
	struct credentials credentials;
	struct tls_context *tls;
	struct server_config server_config;
	struct server *server;
	struct http_server *http;
	struct runner *runner;
	struct recorder *recorder; /* the scheduler's, when there is no runner to share one with */
	struct scheduler *scheduler;
	struct why_door why;
	struct simulated *simulated;
	struct usage_source simulated_usage;
	struct cluster_door *door;
	struct cluster_node *node;
	struct webhook_calls *webhooks;
	struct access_files *access;
	struct loop_hook *hook;
	struct timer *wake, *renewal;
	struct signal_watch *term, *interrupt;
	struct str host, url;
	struct str data;	 /* absolute */
	struct node_range range; /* with a real node */
	struct str *names;
	u32 names_len;
	bool stopping;
};

/* ---- the pump */

static void pump(void *self)
{
	struct cluster *c = self;
	i64 now = clock_mono_ns(clock_real()), next = server_tick(c->server);

	if (c->stopping)
		return;
	if (c->runner)
		next = MIN(next, runner_step(c->runner, PASSES_MAX));
	if (c->scheduler)
		next = MIN(next, scheduler_step(c->scheduler, BINDINGS_MAX));
	if (c->simulated)
		next = MIN(next, simulated_step(c->simulated, DEEDS_MAX));
	if (next == NEVER_NS)
		timer_stop(c->wake);
	else
		timer_start(c->wake, next <= now ? 0 : (next - now + NS_PER_MS - 1) / NS_PER_MS, 0);
}

/* The timer only has to end the wait: the hook does the work. */
static void woken(void *self)
{
	(void)self;
}

static void server_wants_waking(void *self, i64 mono_ns)
{
	struct cluster *c = self;
	i64 now = clock_mono_ns(clock_real());

	if (c->wake)
		timer_start(c->wake, mono_ns <= now ? 0 : (mono_ns - now) / NS_PER_MS + 1, 0);
}

static void log_has_news(void *self) /* on the loop */
{
	struct cluster *c = self;

	store_poll(c->store);
}

static void log_notifies(void *self) /* on the log's thread */
{
	struct cluster *c = self;

	loop_post(c->loop, log_has_news, c);
}

/* ---- certificates */

static void collect_names(struct cluster *c)
{
	static const char *const fixed[] = {
		"127.0.0.1",
		"::1",
		"localhost",
		CLUSTER_API_ADDRESS,
		"kubernetes",
		"kubernetes.default",
		"kubernetes.default.svc",
		"kubernetes.default.svc.cluster.local",
	};
	struct str *names = ARENA_ARRAY(c->arena, struct str, ARRAY_LEN(fixed) + 3);
	char host[HOST_BYTES_MAX] = "";

	for (size_t i = 0; i < ARRAY_LEN(fixed); i++)
		names[c->names_len++] = str_of(fixed[i]);
	if (c->host.len && !str_is(c->host, "0.0.0.0") && !str_is(c->host, "::") &&
	    !str_is(c->host, "127.0.0.1") && !str_is(c->host, "localhost"))
		names[c->names_len++] = c->host;
	if (gethostname(host, sizeof host - 1) == 0 && *host && strcmp(host, "localhost") != 0)
		names[c->names_len++] = str_copy(c->arena, str_of(host));
	if (c->options->real_node)
		names[c->names_len++] = str_of(c->range.gateway);
	c->names = names;
}

static i64 now_s(void)
{
	return clock_wall_ns(clock_real()) / NS_PER_S;
}

static enum status load_credentials(struct cluster *c, struct error *error)
{
	if (c->options->rotate_token_key) {
		enum status status = credentials_rotate_token_key(c->options->data, now_s(), error);

		if (status)
			return status;
	}
	return credentials_load(c->arena, c->options->data, c->names, c->names_len, now_s(),
				&c->credentials, error);
}

static struct tls_config tls_of(const struct cluster *c)
{
	return (struct tls_config){ .certificate = c->credentials.server.certificate,
				    .key = c->credentials.server.key,
				    .authorities = c->credentials.ca.certificate,
				    .http2 = true };
}

/* Certificates are renewed while we run: nobody has to restart a server once a year. */
static void renew(void *self)
{
	struct cluster *c = self;
	struct error error = ERROR_INIT;
	struct arena *arena CLEANUP(arena_free_cleanup) = arena_new(0);
	struct credentials fresh = { 0 };

	if (credentials_load(arena, c->options->data, c->names, c->names_len, now_s(), &fresh,
			     &error) != ST_OK) {
		log_warn("run", "certificates cannot be renewed: %s", error.message);
		return;
	}
	struct tls_config tls = { .certificate = fresh.server.certificate,
				  .key = fresh.server.key,
				  .authorities = fresh.ca.certificate,
				  .http2 = true };

	if (tls_reload(c->tls, &tls, &error) != ST_OK ||
	    cluster_door_renew(c->door, fresh.nodes, fresh.ca.certificate, &error) != ST_OK ||
	    credentials_write_kubeconfig(&fresh, c->url, c->options->kubeconfig_out, &error) !=
		    ST_OK)
		log_warn("run", "certificates cannot be renewed: %s", error.message);
	credentials_take_keys(&c->credentials, &fresh);
	credentials_release(&fresh);
}

/* ---- starting */

static enum status open_store(struct cluster *c, struct error *error)
{
	const char *data = str_c(c->arena, c->options->data);
	enum status status;

	if ((status = file_mkdir_all(data, 0700, error)) ||
	    (status = log_sqlite_open(data, log_notifies, c, &c->log, error)))
		return status;
	if (c->options->rotate_secrets_key && (status = log_sqlite_rotate(c->log, error)))
		return status;
	c->schema = schema_new();
	c->store = store_new(c->schema, c->log, clock_real());
	return store_open(c->store, error);
}

/* Which addresses pods get; the API server's certificate and Service name the first of them. */
static enum status find_range(struct cluster *c, struct error *error)
{
	char *real = realpath(str_c(c->arena, c->options->data), NULL);

	c->data = str_copy(c->arena, real ? str_of(real) : c->options->data);
	free(real);
	return c->options->real_node ? node_range_take(c->data, &c->range, error) : ST_OK;
}

static enum status open_server(struct cluster *c, u16 port, struct error *error)
{
	c->webhooks = webhook_calls_new(c->loop);
	c->server_config = (struct server_config){
		.webhooks = webhook_calls_door(c->webhooks),
		.service_cidr = STR(CLUSTER_SERVICE_CIDR),
		.advertise_address =
			c->options->real_node ? str_of(c->range.gateway) : STR("127.0.0.1"),
		.advertise_port = c->options->real_node || !port ? NODE_API_PORT : port,
		.ca_certificate = c->credentials.ca.certificate,
		.issuer = STR("https://kubernetes.default.svc.cluster.local"),
		.evict_after_s = c->options->evict_after_s,
		.tokens = credentials_signer(&c->credentials),
		.certificates = credentials_certificates(&c->credentials),
		.wake = server_wants_waking,
		.wake_self = c,
		.no_local_path = c->options->no_local_path,
	};
	enum status status = access_files_open(c->arena, &c->options->access, &c->server_config,
					       &c->access, error);

	if (status)
		return status;
	c->server = server_new(&c->server_config, c->store, c->schema, clock_real(), &c->random);
	struct cluster_door_config door = { .loop = c->loop,
					    .store = c->store,
					    .certificate = c->credentials.nodes,
					    .authorities = c->credentials.ca.certificate };
	status = cluster_door_new(&door, &c->door, error);

	if (status)
		return status;
	server_set_nodes(c->server, cluster_door_nodes(c->door));
	return server_bootstrap(c->server, error);
}

static bool listens_everywhere(const struct cluster *c)
{
	return str_is(c->host, "0.0.0.0") || str_is(c->host, "::") || !c->host.len;
}

/* A request that was still on its way when the server went is answered all the same: connections
 * live a little longer, so that what is under way can end. */
static void serve(void *self, struct http_exchange *x)
{
	struct cluster *c = self;

	if (c->server)
		server_handle(c->server, x);
	else
		reply_failure(x, ST_UNAVAILABLE, "the server is stopping");
}

static enum status open_http(struct cluster *c, struct error *error)
{
	struct tls_config tls = tls_of(c);
	enum status status = tls_server_new(&tls, &c->tls, error);

	if (status)
		return status;
	struct http_server_config config = {
		.address = c->options->listen,
		.tls = c->tls,
		.handler = { serve, c },
	};

	status = http_server_open(c->loop, &config, &c->http, error);
	if (status)
		return status;
	bool any = listens_everywhere(c);
	bool six = !any && str_find_char(c->host, ':') >= 0;

	c->url = str_format(c->arena, "https://%s" STR_FMT "%s:%d", six ? "[" : "",
			    STR_ARG(any ? STR("127.0.0.1") : c->host), six ? "]" : "",
			    http_server_port(c->http));
	return credentials_write_kubeconfig(&c->credentials, c->url, c->options->kubeconfig_out,
					    error);
}

static const struct doc *say_why(void *self, struct arena *arena, struct version *pod)
{
	struct cluster *c = self;

	return scheduler_why(c->scheduler, c->store, clock_real(), arena, pod);
}

static void tell_controllers(void *self, struct buffer *out)
{
	runner_metrics(self, out);
}

static void tell_scheduler(void *self, struct buffer *out)
{
	scheduler_metrics(self, out);
}

static void tell_metrics(struct cluster *c)
{
	if (c->runner)
		server_add_metrics(c->server,
				   &(struct metrics_source){ tell_controllers, c->runner });
	if (c->scheduler)
		server_add_metrics(c->server,
				   &(struct metrics_source){ tell_scheduler, c->scheduler });
}

static void start_brains(struct cluster *c)
{
	struct writer writer = writer_for_server(c->server);

	if (c->options->controllers) {
		c->runner = runner_new(c->store, c->schema, clock_real(), writer, controllers_all);
		runner_set_ca(c->runner, c->credentials.ca.certificate);
		runner_set_zones(c->runner, time_zones_new(c->arena));
		runner_set_usage(c->runner, server_usage(c->server));
		runner_set_certificates(c->runner, server_certificates(c->server));
		runner_set_node_grace(c->runner, c->options->node_grace_s * NS_PER_S);
		runner_set_autoscale(c->runner, c->options->autoscale_every_s * NS_PER_S);
		usage_set_step(server_usage(c->server), c->options->autoscale_every_s * NS_PER_S);
	} else {
		c->recorder = recorder_new(c->schema, c->store, clock_real());
	}
	if (c->options->scheduler)
		c->scheduler = scheduler_new(c->store, c->schema, clock_real(), writer,
					     c->runner ? runner_recorder(c->runner) : c->recorder);
	if (c->options->simulated_nodes) {
		struct simulated_config simulated = {
			.nodes = (u32)c->options->simulated_nodes,
			.start_ns = c->options->simulated_start_ms * NS_PER_MS,
			.job_ns = c->options->simulated_start_ms * NS_PER_MS,
		};

		c->simulated = simulated_new(&simulated, c->store, clock_real(), writer);
		c->simulated_usage = simulated_usage(c->store);
		usage_add_source(server_usage(c->server), &c->simulated_usage);
	}
	c->why = (struct why_door){ say_why, c };
	server_set_why(c->server, &c->why);
	tell_metrics(c);
	c->wake = timer_new(c->loop, woken, c);
	c->hook = loop_before_wait(c->loop, pump, c);
	c->renewal = timer_new(c->loop, renew, c);
	timer_start(c->renewal, RENEWAL_CHECK_MS, RENEWAL_CHECK_MS);
}

static void stop_signal(void *self, int number)
{
	struct cluster *c = self;

	log_info("run", "stopping signal=%d", number);
	loop_stop(c->loop);
}

static enum status start(struct cluster *c, struct error *error)
{
	u16 port;
	enum status status;

	random_seed_real(&c->random);
	str_hash_seed(random_u64(&c->random));
	if ((status = server_options_listen(c->options->listen, &c->host, &port, error)))
		return status;
	if ((status = open_store(c, error)) || (status = find_range(c, error)))
		return status;
	collect_names(c);
	if ((status = load_credentials(c, error)) || (status = open_server(c, port, error)) ||
	    (status = open_http(c, error)))
		return status;
	start_brains(c);
	struct cluster_node_config node = { .options = c->options,
					    .loop = c->loop,
					    .server = c->server,
					    .door = c->door,
					    .random = &c->random,
					    .data = c->data,
					    .range = &c->range,
					    .tls = c->tls,
					    .listens_everywhere = listens_everywhere(c) &&
								  port == NODE_API_PORT };

	if ((status = cluster_node_start(&node, &c->node, error)))
		return status;
	c->term = signal_watch_new(c->loop, SIGTERM, stop_signal, c);
	c->interrupt = signal_watch_new(c->loop, SIGINT, stop_signal, c);
	server_set_ready(c->server, true);
	log_info("run", "ready url=" STR_FMT " data=" STR_FMT, STR_ARG(c->url),
		 STR_ARG(c->options->data));
	return ST_OK;
}

enum status cluster_start(const struct server_options *options, struct cluster **ret_cluster,
			  struct error *error)
{
	struct arena *arena = arena_new(0);
	struct cluster *c = ARENA_NEW(arena, struct cluster);

	c->arena = arena;
	c->options = options;
	c->loop = loop_new();
	enum status status = start(c, error);

	if (status) {
		cluster_free(c);
		return status;
	}
	*ret_cluster = c;
	return ST_OK;
}

void cluster_run(struct cluster *cluster)
{
	loop_run(cluster->loop);
}

struct str cluster_url(const struct cluster *cluster)
{
	return cluster->url;
}

/* ---- stopping: first nobody new, then the deciders, then memory to disk */

static void http_stopped(void *self)
{
	struct cluster *c = self;

	c->http = NULL;
	loop_stop(c->loop);
}

void cluster_free(struct cluster *c)
{
	struct error error = ERROR_INIT;

	if (!c)
		return;
	c->stopping = true;
	cluster_node_stop(c->node);
	if (c->server)
		server_set_ready(c->server, false);
	if (c->http) {
		http_server_stop(c->http, STOP_GRACE_MS, http_stopped, c);
		/* Whoever waits for a write to be durable is answered with it, not turned away. */
		if (c->store && store_flush(c->store, &error) != ST_OK)
			error_clear(&error); /* they are told, and the last flush below says it */
		cluster_node_free(c->node);  /* its client's watches are the server's */
		c->node = NULL;
		webhook_calls_free(c->webhooks);
		c->webhooks = NULL;
		struct server *server = c->server;

		c->server = NULL; /* before it ends what it still answers: that may bring more */
		server_free(server);
	}
	loop_hook_free(c->hook);
	simulated_free(c->simulated);
	scheduler_free(c->scheduler);
	runner_free(c->runner);
	recorder_free(c->recorder);
	cluster_node_free(c->node);
	while (c->http)
		loop_run(c->loop);
	webhook_calls_free(c->webhooks);
	if (c->server)
		server_free(c->server);
	if (c->store && store_flush(c->store, &error) != ST_OK)
		log_error("run", "the last writes did not reach the disk: %s", error.message);
	cluster_door_free(c->door);
	store_free(c->store);
	log_close(c->log);
	schema_free(c->schema);
	tls_free(c->tls);
	credentials_release(&c->credentials);
	timer_free(c->wake);
	timer_free(c->renewal);
	signal_watch_free(c->term);
	signal_watch_free(c->interrupt);
	loop_free(c->loop);
	access_files_close(c->access);
	arena_free(c->arena);
}
