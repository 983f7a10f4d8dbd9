/*
 * One directory a pod under DATA/network/<uid>: `address` (written before the address is used),
 * and the files `net`, `ipc`, `uts` that hold its namespaces. All kernel work is done on the pool:
 * taking a veth down makes the caller wait for 20 ms.
 */
#include "network/pod_network.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "base/log.h"
#include "base/map.h"
#include "network/address.h"
#include "sys/file.h"
#include "sys/loop.h"
#include "sys/mounts.h"
#include "sys/namespace.h"
#include "sys/netlink.h"

enum { DIRECTORY_BYTES = 256, PATH_BYTES = 512, UID_BYTES = 64, PODS_MAX = 4096 };

/* A sandbox as it is, or is being made. Owned by the network's map until removed. */
struct entry {
	char uid[UID_BYTES], directory[PATH_BYTES];
	char hostname[256], ip_text[16];
	char net[PATH_BYTES + 8], ipc[PATH_BYTES + 8], uts[PATH_BYTES + 8];
	u32 address; /* host byte order; 0: host network */
	bool host_network, host_ipc, whole;
};

struct pod_network {
	struct loop *loop;
	char directory[DIRECTORY_BYTES], bridge[16];
	struct address_range range;
	u32 gateway, last; /* the address given out last: the next search starts behind it */
	u8 *used;	   /* a bit an address of the range */
	struct map entries;
	u32 jobs; /* on the pool: they come back to us */
};

struct job {
	struct pod_network *network;
	struct entry *entry;
	pod_network_done *done;
	void *arg;
	enum status status;
	struct error error;
};

static void link_name(const char *uid, char *name, size_t room)
{
	/* Eleven hex digits of the address' pod: stable over restarts, unlike str_hash. */
	u64 hash = 14695981039346656037u;

	for (const char *at = uid; *at; at++)
		hash = (hash ^ (u8)*at) * 1099511628211u;
	snprintf(name, room, "mk%011llx", (unsigned long long)(hash & 0xfffffffffff));
}

static void mac_of(u32 address, u8 mac[6])
{
	mac[0] = 0x0a;
	mac[1] = 0x58;
	for (int i = 0; i < 4; i++)
		mac[2 + i] = (u8)(address >> (24 - 8 * i));
}

/* ---- addresses */

static void mark(struct pod_network *network, u32 address, bool used)
{
	u32 at = address - network->range.first;
	u8 bit = (u8)(1u << (at & 7));

	if (!address_in(&network->range, address))
		return;
	if (used)
		network->used[at / 8] |= bit;
	else
		network->used[at / 8] &= (u8)~bit;
}

/* Round and round, so that a freed address rests before somebody else gets it. */
static u32 take_address(struct pod_network *network)
{
	u32 count = address_count(&network->range);

	for (u32 i = 1; i <= count; i++) {
		u32 at = (network->last - network->range.first + i) % count;

		if (at < 2 || at == count - 1 || (network->used[at / 8] >> (at & 7) & 1))
			continue; /* .0 the net, .1 the bridge, .255 broadcast */
		network->last = network->range.first + at;
		mark(network, network->last, true);
		return network->last;
	}
	return 0;
}

static struct entry *entry_new(struct pod_network *network, struct str uid)
{
	struct entry *entry = calloc(1, sizeof *entry);

	CHECK(entry && uid.len < UID_BYTES);
	snprintf(entry->uid, sizeof entry->uid, STR_FMT, STR_ARG(uid));
	snprintf(entry->directory, sizeof entry->directory, "%s/%s", network->directory,
		 entry->uid);
	snprintf(entry->net, sizeof entry->net, "%s/net", entry->directory);
	snprintf(entry->ipc, sizeof entry->ipc, "%s/ipc", entry->directory);
	snprintf(entry->uts, sizeof entry->uts, "%s/uts", entry->directory);
	map_put(&network->entries, str_of(entry->uid), entry);
	return entry;
}

static void entry_set_address(struct entry *entry, u32 address)
{
	struct in_addr in = { .s_addr = htonl(address) };

	entry->address = address;
	entry->ip_text[0] = 0;
	if (address)
		inet_ntop(AF_INET, &in, entry->ip_text, sizeof entry->ip_text);
}

static void entry_drop(struct pod_network *network, struct entry *entry)
{
	if (entry->address)
		mark(network, entry->address, false);
	map_remove(&network->entries, str_of(entry->uid));
	free(entry);
}

static void tell_sandbox(const struct entry *entry, struct pod_sandbox *sandbox)
{
	*sandbox = (struct pod_sandbox){
		.ip = str_of(entry->ip_text),
		.net = str_of(entry->host_network ? "" : entry->net),
		.ipc = str_of(entry->host_ipc ? "" : entry->ipc),
		.uts = str_of(entry->host_network ? "" : entry->uts),
	};
}

/* ---- the bridge */

static enum status make_routes(struct netlink *netlink, const struct pod_network_config *config,
			       struct error *error)
{
	struct str ranges[2] = { config->cluster_cidr, config->service_cidr };

	/* What no pod or rule answers must never leave by the machine's own uplink. */
	for (int i = 0; i < 2; i++) {
		struct address_range range;

		if (!address_parse_range(ranges[i], &range))
			continue;
		enum status status = netlink_add_route(netlink, ROUTE_UNREACHABLE, range.first,
						       range.prefix, 0, 0, 4096, error);
		if (status != ST_OK)
			return status;
	}
	return ST_OK;
}

static enum status make_bridge(struct pod_network *network, const struct pod_network_config *config,
			       struct error *error)
{
	struct netlink *netlink = NULL;
	enum status status = netlink_open(&netlink, error);
	u8 mac[6];

	if (status != ST_OK)
		return status;
	mac_of(network->gateway, mac);
	status = netlink_add_bridge(netlink, network->bridge, mac, error);
	int index = status == ST_OK ? netlink_index(netlink, network->bridge) : 0;

	if (status == ST_OK)
		status = netlink_set_up(netlink, index, error);
	if (status == ST_OK)
		status = netlink_set_up(netlink, 1, error); /* loopback, in a bare namespace */
	if (status == ST_OK)
		status = netlink_add_address(netlink, index, network->gateway,
					     network->range.prefix, error);
	if (status == ST_OK)
		status = make_routes(netlink, config, error);
	netlink_close(netlink);
	return status;
}

static void read_entry(struct pod_network *network, struct arena *arena, struct str name)
{
	struct entry *entry = entry_new(network, name);
	char path[PATH_BYTES + 16];
	struct str text = STR_NONE;
	u32 address = 0;

	snprintf(path, sizeof path, "%s/address", entry->directory);
	if (file_read(arena, path, 256, &text, NULL) != ST_OK)
		text = STR_NONE;
	text = str_trim(text);
	entry->host_network = str_is(text, "host");
	if (address_parse(text, &address) && address_in(&network->range, address))
		entry_set_address(entry, address);
	if (entry->address)
		mark(network, entry->address, true);
	entry->host_ipc = !mount_is_namespace(entry->ipc);
	/* Namespaces without the mark were being made when their maker died. */
	snprintf(path, sizeof path, "%s/ready", entry->directory);
	entry->whole = entry->host_network ||
		       (entry->address && file_exists(path) && mount_is_namespace(entry->net) &&
			mount_is_namespace(entry->uts));
}

enum status pod_network_new(struct loop *loop, const struct pod_network_config *config,
			    struct pod_network **ret_network, struct error *error)
{
	struct pod_network *network = calloc(1, sizeof *network);
	struct arena *arena CLEANUP(arena_free_cleanup) = arena_new(0);
	struct str *names = NULL;
	u32 names_len = 0;
	enum status status = ST_OK;

	CHECK(network && config->directory.len < DIRECTORY_BYTES);
	network->loop = loop;
	snprintf(network->directory, sizeof network->directory, STR_FMT,
		 STR_ARG(config->directory));
	snprintf(network->bridge, sizeof network->bridge, STR_FMT, STR_ARG(config->bridge));
	if (!address_parse_range(config->pod_cidr, &network->range) || network->range.prefix < 16 ||
	    network->range.prefix > 29)
		status = fail(error, ST_INVALID, "pod range " STR_FMT " is not usable (/16 to /29)",
			      STR_ARG(config->pod_cidr));
	if (status == ST_OK)
		status = file_mkdir_all(network->directory, 0700, error);
	if (status == ST_OK)
		status = file_list(arena, network->directory, PODS_MAX, &names, &names_len, error);
	if (status != ST_OK) {
		free(network);
		return status;
	}
	network->gateway = network->range.first + 1;
	network->last = network->gateway;
	network->used = calloc(1, address_count(&network->range) / 8 + 1);
	for (u32 i = 0; i < names_len; i++)
		if (names[i].len < UID_BYTES)
			read_entry(network, arena, names[i]);
	status = make_bridge(network, config, error);
	if (status != ST_OK) {
		pod_network_free(network);
		return status;
	}
	*ret_network = network;
	return ST_OK;
}

void pod_network_free(struct pod_network *network)
{
	if (!network)
		return;
	while (network->jobs) /* short ones, all of them */
		loop_run_once(network->loop, true);
	for (struct map_entry *e = NULL; (e = map_next(&network->entries, e));)
		free(e->value);
	map_release(&network->entries);
	free(network->used);
	free(network);
}

struct str pod_network_gateway(struct arena *arena, const struct pod_network *network)
{
	return address_text(arena, network->gateway);
}

/* ---- making a sandbox, on the pool */

struct inside {
	const struct pod_network *network;
	u32 address;
};

static enum status set_inside(void *arg, struct error *error)
{
	const struct inside *inside = arg;
	struct netlink *netlink = NULL;
	enum status status = netlink_open(&netlink, error);

	if (status != ST_OK)
		return status;
	int index = netlink_index(netlink, "eth0");

	status = netlink_set_up(netlink, 1, error);
	if (status == ST_OK && inside->address) {
		status = netlink_add_address(netlink, index, inside->address,
					     inside->network->range.prefix, error);
		if (status == ST_OK)
			status = netlink_set_up(netlink, index, error);
		if (status == ST_OK)
			status = netlink_add_route(netlink, ROUTE_VIA, 0, 0,
						   inside->network->gateway, index, 0, error);
	}
	netlink_close(netlink);
	return status;
}

static enum status connect_pod(const struct pod_network *network, struct entry *entry,
			       struct error *error)
{
	struct netlink *netlink = NULL;
	enum status status = netlink_open(&netlink, error);
	int fd CLOSE_FD = open(entry->net, O_RDONLY | O_CLOEXEC);
	char name[16];
	u8 mac[6];

	if (status != ST_OK)
		return status;
	link_name(entry->uid, name, sizeof name);
	mac_of(entry->address, mac);
	status = netlink_delete_link(netlink, name, error); /* of an attempt cut short */
	if (status == ST_OK)
		status = netlink_add_veth(netlink, name, netlink_index(netlink, network->bridge),
					  fd, mac, error);
	netlink_close(netlink);
	if (status != ST_OK)
		return status;
	struct inside inside = { network, entry->address };

	return namespace_in_network(entry->net, set_inside, &inside, error);
}

static void drop_namespaces(const struct entry *entry)
{
	mount_drop(entry->net);
	mount_drop(entry->ipc);
	mount_drop(entry->uts);
}

/* No fsync: an address is only in use while its namespace is, and a power cut ends both. */
static enum status write_address(const char *path, struct str address, struct error *error)
{
	int fd CLOSE_FD = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0)
		return fail(error, file_errno_status(errno), "writing %s: %s", path,
			    strerror(errno));
	return file_write_fd(fd, address, error);
}

/* No fsync: after a power cut the namespaces are gone as well. */
static enum status mark_ready(const struct entry *entry, struct error *error)
{
	char path[PATH_BYTES + 16];

	snprintf(path, sizeof path, "%s/ready", entry->directory);
	int fd CLOSE_FD = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	return fd >= 0 ? ST_OK
		       : fail(error, file_errno_status(errno), "making %s: %s", path,
			      strerror(errno));
}

static void add_work(void *self)
{
	struct job *job = self;
	struct entry *entry = job->entry;
	char path[PATH_BYTES + 16];
	struct str address = str_of(entry->host_network ? "host" : entry->ip_text);

	snprintf(path, sizeof path, "%s/ready", entry->directory);
	(void)!unlink(path);
	drop_namespaces(entry);
	snprintf(path, sizeof path, "%s/address", entry->directory);
	job->status = file_mkdir_all(entry->directory, 0700, &job->error);
	if (job->status == ST_OK)
		job->status = write_address(path, address, &job->error);
	if (job->status != ST_OK)
		return;
	struct namespace_paths paths = {
		.net = entry->host_network ? NULL : entry->net,
		.ipc = entry->host_ipc ? NULL : entry->ipc,
		.uts = entry->host_network ? NULL : entry->uts,
	};

	job->status = namespace_make(&paths, entry->hostname, &job->error);
	if (job->status == ST_OK && !entry->host_network)
		job->status = connect_pod(job->network, entry, &job->error);
	if (job->status == ST_OK)
		job->status = mark_ready(entry, &job->error);
}

static void add_done(void *self)
{
	struct job *job = self;
	struct pod_sandbox sandbox;

	job->network->jobs--;
	job->entry->whole = job->status == ST_OK;
	tell_sandbox(job->entry, &sandbox);
	job->done(job->arg, job->status, &sandbox, &job->error);
	free(job);
}

static struct job *job_new(struct pod_network *network, struct entry *entry, pod_network_done *done,
			   void *arg)
{
	struct job *job = calloc(1, sizeof *job);

	CHECK(job);
	*job = (struct job){ .network = network, .entry = entry, .done = done, .arg = arg };
	network->jobs++;
	return job;
}

static void answer_at_once(void *self)
{
	add_done(self);
}

void pod_network_add(struct pod_network *network, const struct pod_network_spec *spec,
		     pod_network_done *done, void *arg)
{
	struct entry *entry = map_get(&network->entries, spec->uid);

	if (!entry)
		entry = entry_new(network, spec->uid);
	struct job *job = job_new(network, entry, done, arg);

	if (entry->whole) {
		loop_post(network->loop, answer_at_once, job);
		return;
	}
	entry->host_network = spec->host_network;
	entry->host_ipc = spec->host_ipc;
	snprintf(entry->hostname, sizeof entry->hostname, STR_FMT, STR_ARG(spec->hostname));
	if (!entry->host_network && !entry->address) {
		entry_set_address(entry, take_address(network));
		if (!entry->address) {
			job->status = fail(&job->error, ST_NO_SPACE,
					   "no address is free in the node's pod range");
			loop_post(network->loop, answer_at_once, job);
			return;
		}
	}
	loop_work(network->loop, add_work, add_done, job);
}

/* ---- taking it down */

static enum status remove_now(const struct entry *entry, struct error *error)
{
	struct netlink *netlink = NULL;
	char name[16];
	enum status status = netlink_open(&netlink, error);

	if (status != ST_OK)
		return status;
	link_name(entry->uid, name, sizeof name);
	status = netlink_delete_link(netlink, name, error);
	netlink_close(netlink);
	drop_namespaces(entry);
	return status == ST_OK ? file_remove_tree(entry->directory, error) : status;
}

static void remove_work(void *self)
{
	struct job *job = self;

	job->status = remove_now(job->entry, &job->error);
}

static void remove_done(void *self)
{
	struct job *job = self;
	struct pod_sandbox none = { 0 };

	job->network->jobs--;
	if (job->status == ST_OK && job->entry)
		entry_drop(job->network, job->entry);
	else if (job->status != ST_OK)
		log_warn("network", "removing a pod's sandbox failed: %s", job->error.message);
	if (job->done)
		job->done(job->arg, job->status, &none, &job->error);
	free(job);
}

void pod_network_remove(struct pod_network *network, struct str uid, pod_network_done *done,
			void *arg)
{
	struct entry *entry = map_get(&network->entries, uid);
	struct job *job = job_new(network, entry, done, arg);

	if (!entry) {
		loop_post(network->loop, remove_done, job);
		return;
	}
	entry->whole = false;
	loop_work(network->loop, remove_work, remove_done, job);
}

void pod_network_keep(struct pod_network *network, const struct str *uids, u32 len)
{
	struct entry *gone[PODS_MAX];
	u32 gone_len = 0;

	for (struct map_entry *e = NULL; (e = map_next(&network->entries, e));) {
		bool wanted = false;

		for (u32 i = 0; i < len && !wanted; i++)
			wanted = str_eq(e->key, uids[i]);
		if (!wanted && gone_len < PODS_MAX)
			gone[gone_len++] = e->value;
	}
	for (u32 i = 0; i < gone_len; i++)
		pod_network_remove(network, str_of(gone[i]->uid), NULL, NULL);
}

bool pod_network_find(const struct pod_network *network, struct str uid,
		      struct pod_sandbox *ret_sandbox)
{
	const struct entry *entry = map_get(&network->entries, uid);

	if (!entry || !entry->whole)
		return false;
	tell_sandbox(entry, ret_sandbox);
	return true;
}

bool pod_network_has(const struct pod_network *network, struct str uid)
{
	return map_get(&network->entries, uid) != NULL;
}

/* ---- all of them at once */

enum status pod_network_purge(const char *directory, struct error *error)
{
	struct arena *arena CLEANUP(arena_free_cleanup) = arena_new(0);
	struct netlink *netlink = NULL;
	struct str *names = NULL;
	u32 len = 0;
	char name[16];

	if (!file_exists(directory))
		return ST_OK;
	enum status status = file_list(arena, directory, PODS_MAX, &names, &len, error);

	if (status == ST_OK)
		status = netlink_open(&netlink, error);
	if (status != ST_OK)
		return status;
	/* The pod's end is called eth0 and goes with this one; so does its namespace. */
	for (u32 i = 0; status == ST_OK && i < len; i++) {
		link_name(str_c(arena, names[i]), name, sizeof name);
		status = netlink_delete_link(netlink, name, error);
	}
	netlink_close(netlink);
	mount_drop_below(directory);
	return status == ST_OK ? file_remove_tree(directory, error) : status;
}
