/* One server: what it is made of, how a request comes in, and what time asks of it. */
#include "server/server.h"

#include <stdlib.h>

#include "base/check.h"
#include "server/audit.h"
#include "server/authenticate.h"
#include "server/authorize.h"
#include "server/commit.h"
#include "server/custom.h"
#include "server/event_expiry.h"
#include "server/flow.h"
#include "server/metrics.h"
#include "server/route.h"
#include "server/state.h"
#include "server/usage.h"
#include "server/watch_stream.h"
#include "server/webhook.h"

enum { EVICT_AFTER_S = 300 };

static struct str or_else(struct str text, struct str otherwise)
{
	return text.len ? text : otherwise;
}

struct server *server_new(const struct server_config *config, struct store *store,
			  struct schema *schema, const struct clock *clock, struct random *random)
{
	static const struct str groups[] = { STR_INIT("system:masters"),
					     STR_INIT("system:authenticated") };
	struct server *server = calloc(1, sizeof *server);

	CHECK(server);
	*server = (struct server){
		.config = *config,
		.store = store,
		.schema = schema,
		.clock = clock,
		.random = random,
		.scratch = arena_new(0),
		.admin = { .name = STR("admin"),
			   .groups = groups,
			   .groups_len = ARRAY_LEN(groups) },
		.started_wall_ns = clock_wall_ns(clock),
	};
	config = NULL;
	server->config.service_cidr = or_else(server->config.service_cidr, STR("10.96.0.0/16"));
	server->config.advertise_address =
		or_else(server->config.advertise_address, STR("127.0.0.1"));
	server->config.issuer =
		or_else(server->config.issuer, STR("https://kubernetes.default.svc.cluster.local"));
	if (!server->config.node_port_low) {
		server->config.node_port_low = 30000;
		server->config.node_port_high = 32767;
	}
	if (!server->config.evict_after_s)
		server->config.evict_after_s = EVICT_AFTER_S;
	if (!server->config.advertise_port)
		server->config.advertise_port = 6443;
	server->later_end = &server->later;
	server->usage = usage_new(clock);
	server->flows = flows_new();
	custom_start(server);
	return server;
}

void server_free(struct server *server)
{
	if (!server)
		return;
	store_forget(server->store, server);
	custom_stop(server);
	watch_end_all(server);
	webhooks_stop(server);
	commit_abandon(server);
	metrics_abandon(server);
	usage_free(server->usage);
	flows_free(server->flows);
	documents_free(server);
	arena_free(server->scratch);
	free(server);
}

void server_handle(void *self, struct http_exchange *x)
{
	struct server *server = self;
	struct request *r = ARENA_NEW(x->arena, struct request);
	struct flow_visit visit;

	server->requests_total++;
	bool known = request_parse(server, x, r) == ST_OK && authenticate(r) == ST_OK;

	audit_begin(r);
	if (!known || impersonate(r) != ST_OK) {
		request_fail(r);
		return;
	}
	if (flow_enter(r, &visit) != ST_OK || authorize(r) != ST_OK)
		request_fail(r);
	else if (r->is_resource && r->resource.len)
		route_resource(r);
	else
		route_plain(r);
	flow_leave(&visit);
}

void server_wake(struct server *server, i64 mono_ns)
{
	if (mono_ns >= server->wake_mono_ns)
		return;
	server->wake_mono_ns = mono_ns;
	if (server->config.wake)
		server->config.wake(server->config.wake_self, mono_ns);
}

void server_later(struct server *server, struct server_later *later)
{
	if (later->queued)
		return;
	later->queued = true;
	later->next = NULL;
	*server->later_end = later;
	server->later_end = &later->next;
	server_wake(server, clock_mono_ns(server->clock));
}

void server_later_cancel(struct server *server, struct server_later *later)
{
	if (!later->queued)
		return;
	for (struct server_later **link = &server->later; *link; link = &(*link)->next) {
		if (*link != later)
			continue;
		*link = later->next;
		if (!*link)
			server->later_end = link;
		break;
	}
	later->queued = false;
}

/* What is queued meanwhile waits for the next round, so that a round ends. */
static void run_later(struct server *server)
{
	struct server_later *end =
		server->later ? CONTAINER_OF(server->later_end, struct server_later, next) : NULL;
	bool more = end != NULL;

	while (more && server->later) {
		struct server_later *one = server->later;

		more = one != end;
		server_later_cancel(server, one);
		one->call(one->self);
	}
}

i64 server_tick(struct server *server)
{
	i64 now = clock_mono_ns(server->clock);

	run_later(server);
	if (server->later)
		server->wake_mono_ns = now;
	/* Called at every turn of the loop: the streams are only looked at when one is due. */
	else if (now >= server->wake_mono_ns) {
		i64 streams = watch_tick(server, now), events = event_expiry_tick(server, now);

		server->wake_mono_ns = NEVER_NS; /* what is answered now may ask for less */
		i64 metrics = metrics_tick(server, now);

		server->wake_mono_ns =
			MIN(server->wake_mono_ns, MIN(MIN(streams, events), metrics));
	}
	if (server->restore_mono_ns && now >= server->restore_mono_ns)
		server_restore(server);
	if (server->restore_mono_ns)
		server->wake_mono_ns = MIN(server->wake_mono_ns, server->restore_mono_ns);
	return server->wake_mono_ns;
}

void server_set_nodes(struct server *server, const struct node_door *nodes)
{
	server->config.nodes = nodes;
}

void server_set_why(struct server *server, const struct why_door *why)
{
	server->why = why;
}

void server_add_metrics(struct server *server, const struct metrics_source *source)
{
	CHECK(server->sources_len < METRICS_SOURCES_MAX);
	server->sources[server->sources_len++] = *source;
}

void server_set_ready(struct server *server, bool ready)
{
	server->ready = ready;
}

struct store *server_store(const struct server *server)
{
	return server->store;
}

struct schema *server_schema(const struct server *server)
{
	return server->schema;
}

const struct clock *server_clock(const struct server *server)
{
	return server->clock;
}

const struct server_config *server_config_of(const struct server *server)
{
	return &server->config;
}

struct usage *server_usage(const struct server *server)
{
	return server->usage;
}

struct random *server_random(const struct server *server)
{
	return server->random;
}
