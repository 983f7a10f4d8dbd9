/* Changes that come together are applied together, on a worker thread; what would change nothing is
 * not applied at all. */
#include "network/policies.h"

#include <stdlib.h>
#include <string.h>

#include "api_tables.h"
#include "base/log.h"
#include "base/map.h"
#include "client/client.h"
#include "network/address.h"
#include "network/policy_rules.h"
#include "sys/loop.h"
#include "sys/nftables.h"

enum { GATHER_MS = 20, RETRY_MS = 5000 };

struct entry {
	struct arena *arena;
	struct str key; /* "namespace/name" */
	const struct doc *doc;
};

/* All objects of a kind that matter, and whether all of them are known. */
struct kept {
	struct policies *policies;
	struct client_watch *watch;
	struct map entries;
	bool synced;
};

struct policies {
	struct arena *arena;
	struct policies_config config;
	struct loop *loop;
	struct client *client;
	struct kept all, pods, namespaces;
	struct timer *timer;
	char *wanted, *applied; /* texts */
	bool dirty, applying, stopping;
	enum status status;
	struct error error;
};

/* ---- applying */

static void schedule(struct policies *policies)
{
	policies->dirty = true;
	if (!policies->applying && !policies->stopping && !timer_running(policies->timer))
		timer_start(policies->timer, GATHER_MS, 0);
}

static const struct doc **docs_of(struct arena *arena, const struct kept *kept)
{
	const struct doc **list = ARENA_ARRAY(arena, const struct doc *, kept->entries.len + 1);
	u32 len = 0;

	for (struct map_entry *e = NULL; (e = map_next(&kept->entries, e));)
		list[len++] = ((const struct entry *)e->value)->doc;
	return list;
}

/* One that has ended keeps its address in its status, though another may have it by now. */
static bool has_address(const struct doc *pod, u32 *ret_address)
{
	struct str phase = doc_at_str(pod, "status.phase");

	return !str_is(phase, "Succeeded") && !str_is(phase, "Failed") &&
	       !doc_at_bool(pod, "spec.hostNetwork", false) &&
	       address_parse(doc_at_str(pod, "status.podIP"), ret_address);
}

static u32 pods_of(struct policies *policies, struct arena *arena, const struct policy_pod **ret)
{
	struct policy_pod *list =
		ARENA_ARRAY(arena, struct policy_pod, policies->pods.entries.len + 1);
	struct map taken = { 0 };
	u32 len = 0;

	for (struct map_entry *e = NULL; (e = map_next(&policies->pods.entries, e));) {
		const struct doc *pod = ((const struct entry *)e->value)->doc;
		struct str text = doc_at_str(pod, "status.podIP");
		u32 address;

		if (!has_address(pod, &address) || map_get(&taken, text))
			continue;
		map_put(&taken, text, list);
		list[len++] = (struct policy_pod){ pod, address,
						   str_eq(doc_at_str(pod, "spec.nodeName"),
							  policies->config.node_name) };
	}
	map_release(&taken);
	*ret = list;
	return len;
}

static char *make_text(struct policies *policies)
{
	struct arena *arena CLEANUP(arena_free_cleanup) = arena_new(0);
	struct policy_view view = {
		.table = str_format(arena, STR_FMT "-policy", STR_ARG(policies->config.bridge)),
		.dns_address = policies->config.dns_address,
		.policies = docs_of(arena, &policies->all),
		.policies_len = (u32)policies->all.entries.len,
		.namespaces = docs_of(arena, &policies->namespaces),
		.namespaces_len = (u32)policies->namespaces.entries.len,
	};

	view.pods_len = pods_of(policies, arena, &view.pods);
	struct str text = policy_rules(arena, &view);

	return strndup(text.at, text.len);
}

static void apply_work(void *self)
{
	struct policies *policies = self;

	policies->error = ERROR_INIT;
	policies->status = nftables_run(policies->wanted, &policies->error);
}

static void apply_done(void *self)
{
	struct policies *policies = self;

	policies->applying = false;
	free(policies->applied);
	policies->applied = policies->wanted;
	policies->wanted = NULL;
	if (policies->status != ST_OK) {
		log_warn("network", "NetworkPolicies: %s", policies->error.message);
		free(policies->applied);
		policies->applied = NULL;
		policies->dirty = true;
		if (!policies->stopping)
			timer_start(policies->timer, RETRY_MS, 0);
	} else if (policies->dirty) {
		schedule(policies);
	}
}

static bool all_known(const struct policies *policies)
{
	return policies->all.synced && (!policies->all.entries.len ||
					(policies->pods.synced && policies->namespaces.synced));
}

static void apply(void *self)
{
	struct policies *policies = self;

	if (!all_known(policies))
		return; /* the last of them schedules again */
	policies->dirty = false;
	policies->wanted = make_text(policies);
	if (policies->applied && !strcmp(policies->applied, policies->wanted)) {
		free(policies->wanted);
		policies->wanted = NULL;
		return;
	}
	policies->applying = true;
	loop_work(policies->loop, apply_work, apply_done, policies);
}

/* ---- what is kept */

static struct str key_of(struct arena *arena, const struct doc *doc)
{
	return str_format(arena, STR_FMT "/" STR_FMT,
			  STR_ARG(doc_at_str(doc, "metadata.namespace")),
			  STR_ARG(doc_at_str(doc, "metadata.name")));
}

static void drop(struct kept *kept, struct str key)
{
	struct entry *entry = map_get(&kept->entries, key);

	if (!entry)
		return;
	map_remove(&kept->entries, entry->key);
	arena_free(entry->arena);
}

static void drop_all(struct kept *kept)
{
	if (kept->watch)
		client_watch_stop(kept->watch);
	for (struct map_entry *e = NULL; (e = map_next(&kept->entries, e));)
		arena_free(((struct entry *)e->value)->arena);
	map_release(&kept->entries);
	kept->entries = (struct map){ 0 };
	kept->watch = NULL;
	kept->synced = false;
}

/* Of pods most of the document is of no use here, and there are many. */
static const struct doc *slim(struct arena *arena, const struct doc *doc)
{
	static const char *const paths[] = { "metadata.name",	 "metadata.namespace",
					     "metadata.labels",	 "spec.nodeName",
					     "spec.hostNetwork", "status.phase",
					     "status.podIP" };
	const struct doc *copy = NULL, *containers = &doc_empty_array;

	if (!doc_at(doc, "spec.containers"))
		return doc_copy(arena, doc);
	for (size_t i = 0; i < ARRAY_LEN(paths); i++)
		if (doc_at(doc, paths[i]))
			copy = doc_set(arena, copy, paths[i],
				       doc_copy(arena, doc_at(doc, paths[i])));
	doc_each_item(doc_at(doc, "spec.containers"), container)
		if (doc_key(container, "ports"))
			containers =
				doc_append(arena, containers,
					   doc_set(arena, NULL, "ports",
						   doc_copy(arena, doc_key(container, "ports"))));
	return doc_set(arena, copy, "spec.containers", containers);
}

static void follow(struct policies *policies);

static void seen(void *self, const struct doc *doc)
{
	struct kept *kept = self;
	struct arena *arena = arena_new(512);
	struct entry *entry = ARENA_NEW(arena, struct entry);

	entry->arena = arena;
	entry->key = key_of(arena, doc);
	entry->doc = slim(arena, doc);
	drop(kept, entry->key);
	map_put(&kept->entries, entry->key, entry);
	follow(kept->policies);
}

static void gone(void *self, const struct doc *doc)
{
	struct kept *kept = self;
	struct arena *arena CLEANUP(arena_free_cleanup) = arena_new(0);

	struct policies *policies = kept->policies;

	drop(kept, key_of(arena, doc));
	if (kept == &policies->all && !kept->entries.len) {
		drop_all(&policies->pods);
		drop_all(&policies->namespaces);
	}
	follow(policies);
}

static void known(void *self)
{
	struct kept *kept = self;

	kept->synced = true;
	follow(kept->policies);
}

static void watch(struct kept *kept, struct policies *policies, kind_id kind)
{
	static const struct client_watch_events events = { seen, seen, gone, known };

	kept->policies = policies;
	kept->watch = client_watch(policies->client, kind, NULL, &events, kept);
}

/* Pods and namespaces are of interest only while there is a policy. */
static void follow(struct policies *policies)
{
	bool any = policies->all.entries.len > 0;

	if (policies->stopping)
		return;
	if (any && policies->all.synced && !policies->pods.watch) {
		watch(&policies->pods, policies, KIND_Pod);
		watch(&policies->namespaces, policies, KIND_Namespace);
	}
	schedule(policies);
}

/* ---- life */

struct policies *policies_new(const struct policies_config *config, struct loop *loop,
			      struct client *client)
{
	struct arena *arena = arena_new(0);
	struct policies *policies = ARENA_NEW(arena, struct policies);

	policies->arena = arena;
	policies->loop = loop;
	policies->client = client;
	policies->config = (struct policies_config){
		.bridge = str_copy(arena, config->bridge),
		.node_name = str_copy(arena, config->node_name),
		.dns_address = str_copy(arena, config->dns_address),
	};
	policies->timer = timer_new(loop, apply, policies);
	watch(&policies->all, policies, KIND_NetworkPolicy);
	return policies;
}

void policies_free(struct policies *policies)
{
	if (!policies)
		return;
	policies->stopping = true;
	drop_all(&policies->all);
	drop_all(&policies->pods);
	drop_all(&policies->namespaces);
	while (policies->applying) /* one transaction: milliseconds */
		loop_run_once(policies->loop, true);
	timer_free(policies->timer);
	free(policies->applied);
	free(policies->wanted);
	arena_free(policies->arena);
}

enum status policies_purge(struct str bridge, struct error *error)
{
	struct arena *arena CLEANUP(arena_free_cleanup) = arena_new(0);
	struct policy_view none = {
		.table = str_format(arena, STR_FMT "-policy", STR_ARG(bridge)),
	};
	struct error why = ERROR_INIT;
	enum status status = nftables_run(str_c(arena, policy_rules(arena, &none)), &why);

	/* Without the library there were never any rules. */
	return status == ST_OK || status == ST_UNAVAILABLE ? ST_OK
							   : fail(error, status, "%s", why.message);
}
