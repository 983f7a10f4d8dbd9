/*
 * Watch, gather for two milliseconds, compute on the loop, apply on the pool. What failed is tried
 * again from nothing, as then nobody knows what is there.
 */
#include "network/service_proxy.h"

#include <stdio.h>
#include <stdlib.h>

#include "api_tables.h"
#include "base/check.h"
#include "base/log.h"
#include "client/client.h"
#include "doc/build.h"
#include "network/service_rules.h"
#include "schema/api.h"
#include "sys/conntrack.h"
#include "sys/file.h"
#include "sys/loop.h"
#include "sys/netlink.h"
#include "sys/nftables.h"

enum { GATHER_MS = 2, RETRY_MS = 2000, ROUTE_METRIC = 100 };

struct service_proxy {
	struct arena *arena;
	struct service_proxy_config config;
	struct service_facts facts;
	struct loop *loop;
	struct client *client;
	struct client_watch *service_watch, *slice_watch;
	struct timer *timer;
	struct service_view view;
	struct arena *applied_arena, *wanted_arena; /* the latter while it is being applied */
	struct service_rules *applied, *wanted;
	bool services_synced, slices_synced, dirty, applying, stopping;
	/* What the worker reads and writes while `applying`. */
	struct {
		struct str text;
		struct address_list gone;
		bool prepare;
		enum status status;
		struct error error;
	} work;
};

/* ---- on the pool */

static void set_switch(const char *path, const char *value)
{
	struct arena *arena CLEANUP(arena_free_cleanup) = arena_new(0);
	struct error error = ERROR_INIT;
	struct str now;

	if (!file_exists(path) ||
	    (file_read(arena, path, 16, &now, NULL) == ST_OK && str_is(str_trim(now), value)))
		return;
	if (file_write_plain(path, str_of(value), &error) != ST_OK)
		log_warn("network", "Services may not work fully: %s", error.message);
}

/* What packets need besides rules: forwarding, bridged packets shown to us, node ports at
 * 127.0.0.1, and a way to service addresses, or connect fails before any rule is asked. */
static enum status prepare(struct service_proxy *proxy, struct error *error)
{
	const struct service_facts *facts = &proxy->facts;
	struct netlink *netlink = NULL;
	char path[128], bridge[16];
	enum status status = netlink_open(&netlink, error);

	if (status != ST_OK)
		return status;
	snprintf(bridge, sizeof bridge, STR_FMT, STR_ARG(facts->bridge));
	snprintf(path, sizeof path, "/proc/sys/net/ipv4/conf/%s/route_localnet", bridge);
	set_switch(path, "1");
	set_switch("/proc/sys/net/ipv4/ip_forward", "1");
	set_switch("/proc/sys/net/bridge/bridge-nf-call-iptables", "1");
	/* A metric of our own: several servers on a machine share the range, not the route. */
	status = netlink_add_route(netlink, ROUTE_LINK, facts->services.first,
				   facts->services.prefix, 0, netlink_index(netlink, bridge),
				   ROUTE_METRIC + (facts->pods.first >> 8 & 255), error);
	netlink_close(netlink);
	return status;
}

static void apply_work(void *self)
{
	struct service_proxy *proxy = self;

	proxy->work.status = ST_OK;
	proxy->work.error = ERROR_INIT;
	if (proxy->work.prepare)
		proxy->work.status = prepare(proxy, &proxy->work.error);
	if (proxy->work.status == ST_OK && proxy->work.text.len)
		proxy->work.status = nftables_run(proxy->work.text.at, &proxy->work.error);
	if (proxy->work.status == ST_OK)
		conntrack_forget_udp(proxy->work.gone.at, proxy->work.gone.len);
}

/* ---- on the loop */

static void schedule(struct service_proxy *proxy)
{
	proxy->dirty = true;
	if (proxy->services_synced && proxy->slices_synced && !proxy->applying &&
	    !proxy->stopping && !timer_running(proxy->timer))
		timer_start(proxy->timer, GATHER_MS, 0);
}

static void apply_done(void *self)
{
	struct service_proxy *proxy = self;

	proxy->applying = false;
	arena_free(proxy->applied_arena);
	proxy->applied_arena = proxy->wanted_arena;
	proxy->applied = proxy->wanted;
	proxy->wanted_arena = NULL;
	proxy->wanted = NULL;
	if (proxy->work.status != ST_OK) {
		log_warn("network", "Services: %s", proxy->work.error.message);
		proxy->applied = NULL;
		proxy->dirty = true;
		if (!proxy->stopping)
			timer_start(proxy->timer, RETRY_MS, 0);
		return;
	}
	if (proxy->dirty)
		schedule(proxy);
}

static void apply(void *self)
{
	struct service_proxy *proxy = self;
	struct arena *arena = arena_new(0);

	proxy->dirty = false;
	proxy->wanted = service_rules_make(arena, &proxy->facts, &proxy->view);
	proxy->work.prepare = !proxy->applied;
	proxy->work.text =
		service_rules_change(arena, &proxy->facts, proxy->applied, proxy->wanted);
	proxy->work.gone = service_rules_gone(arena, proxy->applied, proxy->wanted);
	if (proxy->applied && !proxy->work.text.len) {
		arena_free(arena);
		return;
	}
	proxy->wanted_arena = arena;
	proxy->applying = true;
	loop_work(proxy->loop, apply_work, apply_done, proxy);
}

/* ---- Services of type LoadBalancer: this node is the balancer */

static bool port_is_taken(const struct doc *mine, const struct doc *theirs)
{
	doc_each_item(doc_at(mine, "spec.ports"), a) {
		doc_each_item(doc_at(theirs, "spec.ports"), b) {
			if (doc_eq(doc_key(a, "port"), doc_key(b, "port")) &&
			    doc_eq(doc_key(a, "protocol"), doc_key(b, "protocol")))
				return true;
		}
	}
	return false;
}

static bool is_balancer(const struct doc *service)
{
	return str_is(doc_at_str(service, "spec.type"), "LoadBalancer") &&
	       !doc_at_str(service, "spec.loadBalancerClass").len;
}

static void offer_address(struct service_proxy *proxy, const struct doc *service)
{
	struct arena *arena CLEANUP(arena_free_cleanup) = arena_new(0);
	struct str name = doc_at_str(service, "metadata.name");
	struct str ns = doc_at_str(service, "metadata.namespace");
	struct service_list all;

	if (!is_balancer(service) || doc_len(doc_at(service, "status.loadBalancer.ingress")) ||
	    !proxy->config.node_ip.len)
		return;
	all = service_view_all(&proxy->view, arena);
	for (u32 i = 0; i < all.len; i++) {
		const struct doc *other = all.at[i]->service;
		bool self = str_eq(all.at[i]->name, name) && str_eq(all.at[i]->ns, ns);

		if (!self && is_balancer(other) && port_is_taken(service, other) &&
		    doc_len(doc_at(other, "status.loadBalancer.ingress")))
			return; /* one address, one taker a port: it stays pending */
	}
	struct build b = build_object(arena);

	build_open_object(&b, "status");
	build_open_object(&b, "loadBalancer");
	build_open_array(&b, "ingress");
	build_open_object(&b, NULL);
	build_str(&b, "ip", proxy->config.node_ip);
	build_str(&b, "ipMode", STR("VIP"));
	build_close(&b);
	build_close(&b);
	build_close(&b);
	build_close(&b);
	client_patch(proxy->client, KIND_Service, ns, name, STR("status"), CLIENT_PATCH_MERGE,
		     build_done(&b), NULL, NULL);
}

/* ---- watches */

static void service_seen(void *self, const struct doc *doc)
{
	struct service_proxy *proxy = self;

	service_view_put_service(&proxy->view, doc);
	schedule(proxy);
	offer_address(proxy, doc);
}

static void service_gone(void *self, const struct doc *doc)
{
	struct service_proxy *proxy = self;

	service_view_drop_service(&proxy->view, doc);
	schedule(proxy);
	if (!is_balancer(doc))
		return;
	/* Its ports are free for one that waits. */
	struct arena *arena CLEANUP(arena_free_cleanup) = arena_new(0);
	struct service_list all = service_view_all(&proxy->view, arena);

	for (u32 i = 0; i < all.len; i++)
		offer_address(proxy, all.at[i]->service);
}

static void services_known(void *self)
{
	struct service_proxy *proxy = self;

	proxy->services_synced = true;
	schedule(proxy);
}

static void slice_seen(void *self, const struct doc *doc)
{
	struct service_proxy *proxy = self;

	service_view_put_slice(&proxy->view, doc);
	schedule(proxy);
}

static void slice_gone(void *self, const struct doc *doc)
{
	struct service_proxy *proxy = self;

	service_view_drop_slice(&proxy->view, doc);
	schedule(proxy);
}

static void slices_known(void *self)
{
	struct service_proxy *proxy = self;

	proxy->slices_synced = true;
	schedule(proxy);
}

/* ---- life */

static enum status read_config(struct service_proxy *proxy, struct error *error)
{
	struct service_proxy_config *config = &proxy->config;
	struct service_facts *facts = &proxy->facts;
	struct str *texts[] = { &config->bridge,       &config->pod_cidr,  &config->cluster_cidr,
				&config->service_cidr, &config->node_name, &config->node_ip };

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		*texts[i] = str_copy(proxy->arena, *texts[i]);
	facts->table = facts->bridge = config->bridge;
	facts->node_name = config->node_name;
	facts->masquerade = config->masquerade;
	facts->bridge_filtered = file_exists("/proc/sys/net/bridge/bridge-nf-call-iptables");
	if (!address_parse_range(config->pod_cidr, &facts->pods) ||
	    !address_parse_range(config->cluster_cidr, &facts->cluster) ||
	    !address_parse_range(config->service_cidr, &facts->services))
		return fail(error, ST_INVALID, "an address range of pods or Services is none");
	return ST_OK;
}

enum status service_proxy_new(const struct service_proxy_config *config, struct loop *loop,
			      struct client *client, struct service_proxy **ret_proxy,
			      struct error *error)
{
	static const struct client_watch_events services = { service_seen, service_seen,
							     service_gone, services_known };
	static const struct client_watch_events slices = { slice_seen, slice_seen, slice_gone,
							   slices_known };
	struct arena *arena = arena_new(0);
	struct service_proxy *proxy = ARENA_NEW(arena, struct service_proxy);

	proxy->arena = arena;
	proxy->config = *config;
	proxy->loop = loop;
	proxy->client = client;
	enum status status = read_config(proxy, error);

	if (status != ST_OK) {
		arena_free(arena);
		return status;
	}
	proxy->timer = timer_new(loop, apply, proxy);
	proxy->service_watch = client_watch(client, KIND_Service, NULL, &services, proxy);
	proxy->slice_watch = client_watch(client, KIND_EndpointSlice, NULL, &slices, proxy);
	*ret_proxy = proxy;
	return ST_OK;
}

void service_proxy_stop(struct service_proxy *proxy)
{
	if (!proxy || proxy->stopping)
		return;
	proxy->stopping = true;
	client_watch_stop(proxy->service_watch);
	client_watch_stop(proxy->slice_watch);
	timer_stop(proxy->timer);
}

void service_proxy_free(struct service_proxy *proxy)
{
	if (!proxy)
		return;
	service_proxy_stop(proxy);
	while (proxy->applying) /* one transaction: milliseconds */
		loop_run_once(proxy->loop, true);
	timer_free(proxy->timer);
	service_view_release(&proxy->view);
	arena_free(proxy->applied_arena);
	arena_free(proxy->arena);
}

const struct service_view *service_proxy_view(const struct service_proxy *proxy)
{
	return &proxy->view;
}

enum status service_proxy_purge(struct str bridge, struct error *error)
{
	struct arena *arena CLEANUP(arena_free_cleanup) = arena_new(0);
	struct service_facts facts = { .table = bridge };
	struct error why = ERROR_INIT;
	enum status status = nftables_run(service_rules_none(arena, &facts).at, &why);

	/* Without the library there were never any rules. */
	return status == ST_OK || status == ST_UNAVAILABLE ? ST_OK
							   : fail(error, status, "%s", why.message);
}
