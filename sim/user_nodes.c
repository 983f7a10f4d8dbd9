/* The user as the one who looks after the cluster: nodes, disruption budgets, quotas. */
#include "controllers/pod.h"
#include "sim/hands.h"
#include "sim/user.h"

static const char out_of_service[] = "node.kubernetes.io/out-of-service";

static void cordon(struct world *world)
{
	struct version *node = hand_any(world, KIND_Node);
	if (node)
		hand_patch(world, node,
			   hand_doc(world, "{'spec':{'unschedulable':%s}}",
				    luck(world, 300) ? "true" : "false"));
}

/* Cordons a node and asks every pod on it to leave, as far as budgets allow. */
static void drain(struct world *world)
{
	struct version *node = hand_any(world, KIND_Node);
	if (!node)
		return;
	hand_disturbs(world);
	struct str name = str_copy(world->arena, node->name);
	hand_patch(world, node, hand_doc(world, "{'spec':{'unschedulable':true}}"));
	struct version_list pods = store_on_node(world->store, world->arena, name);
	for (u32 i = 0; i < pods.len; i++) /* the list must outlive the writes */
		version_hold(world->arena, pods.at[i]);
	for (u32 i = 0; i < pods.len; i++)
		hand_evict(world, pods.at[i]);
}

static void label_node(struct world *world)
{
	static const char *const values[] = { "'fast'", "'slow'", "null" };
	struct version *node = hand_any(world, KIND_Node);
	if (node)
		hand_patch(world, node,
			   hand_doc(world, "{'metadata':{'labels':{'disk':%s}}}",
				    values[roll(world, ARRAY_LEN(values))]));
}

/* What the user has put there goes; the server's own taints stay. */
static const struct doc *foreign_taints(struct world *world, const struct version *node)
{
	const struct doc *taints = doc_at(node->doc, "spec.taints");
	for (u32 i = doc_len(taints); i-- > 0;)
		if (str_is(doc_str(doc_key(doc_item(taints, i), "key")), "team") ||
		    str_is(doc_str(doc_key(doc_item(taints, i), "key")), out_of_service))
			taints = doc_with_item(world->arena, taints, i, NULL);
	return taints;
}

static void put_taints(struct world *world, const struct version *node, const struct doc *taints)
{
	struct call call = { .server = world->server, .arena = world->arena };
	struct outcome outcome = { 0 };
	struct error error = ERROR_INIT;
	const struct doc *changed =
		doc_set(world->arena, node->doc, "spec.taints", doc_len(taints) ? taints : NULL);
	world_note(world, "user", "taints", KIND_Node, node->name);
	(void)!verb_update(&call, schema_kind(world->schema, KIND_Node), STR_NONE, node->name,
			   STR_NONE, changed, &outcome, &error);
}

static void taint_node(struct world *world)
{
	struct version *node = hand_any(world, KIND_Node);
	if (!node)
		return;
	version_hold(world->arena, node);
	hand_disturbs(world);
	const struct doc *taints = foreign_taints(world, node);
	if (luck(world, 400))
		taints = doc_append(world->arena, taints,
				    hand_doc(world, "{'key':'team','value':'a','effect':'%s'}",
					     luck(world, 500) ? "NoSchedule" : "NoExecute"));
	put_taints(world, node, taints);
}

void user_declares_lost(struct world *world, u32 node)
{
	struct version *there = store_get(world->store, KIND_Node, STR_NONE,
					  str_format(world->arena, "node-%u", node));
	if (!there)
		return;
	version_hold(world->arena, there);
	put_taints(
		world, there,
		doc_append(world->arena, doc_at(there->doc, "spec.taints"),
			   hand_doc(world, "{'key':'%s','effect':'NoExecute'}", out_of_service)));
}

/* The machine is taken out of the cluster; its agent may come back under the same name. */
static void delete_node(struct world *world)
{
	struct version *node = hand_any(world, KIND_Node);
	if (!node || !luck(world, 700))
		return;
	hand_disturbs(world);
	hand_delete(world, node, PROPAGATION_DEFAULT);
}

void user_removes_node(struct world *world, u32 node)
{
	struct version *there = store_get(world->store, KIND_Node, STR_NONE,
					  str_format(world->arena, "node-%u", node));
	if (there)
		hand_delete(world, there, PROPAGATION_DEFAULT);
}

static void evict_pod(struct world *world)
{
	struct version *pod = hand_any(world, KIND_Pod);
	struct version *budget = hand_any(world, KIND_PodDisruptionBudget);
	u32 count = 0;
	if (budget && luck(world, 700)) { /* where there is something to be refused */
		const struct doc *selector = doc_at(budget->doc, "spec.selector.matchLabels");
		struct version_list pods =
			store_labelled(world->store, world->arena, budget->namespace, STR("app"),
				       doc_str(doc_get(selector, STR("app"))));
		for (u32 i = 0; i < pods.len; i++)
			if (roll(world, ++count) == 0)
				pod = pods.at[i];
	}
	if (!pod)
		return;
	hand_disturbs(world);
	hand_evict(world, pod);
}

#define LENIENT "'minAvailable':2,'unhealthyPodEvictionPolicy':'AlwaysAllow'"

static void make_budget(struct world *world)
{
	static const kind_id kinds[] = { KIND_Deployment, KIND_ReplicaSet, KIND_StatefulSet };
	static const char *const limits[] = { "'minAvailable':1", "'minAvailable':'60%'",
					      "'maxUnavailable':1", "'maxUnavailable':'30%'",
					      LENIENT };
	struct version *owner = hand_any(world, kinds[roll(world, ARRAY_LEN(kinds))]);
	if (!owner || hand_full(world, KIND_PodDisruptionBudget))
		return;
	const struct doc *budget =
		hand_doc(world, "{'metadata':{'name':'" STR_FMT "'},'spec':{%s}}",
			 STR_ARG(owner->name), limits[roll(world, ARRAY_LEN(limits))]);
	budget = doc_set(world->arena, budget, "spec.selector.matchLabels",
			 hand_doc(world, "{'app':'" STR_FMT "'}", STR_ARG(owner->name)));
	hand_create(world, KIND_PodDisruptionBudget, str_copy(world->arena, owner->namespace),
		    budget);
}

static void make_quota(struct world *world)
{
	static const char *const scopes[] = { "", "", ",'scopes':['NotBestEffort']" };
	struct str ns = hand_namespace(world);
	u32 pods = 3 + roll(world, 25), jobs = 1 + roll(world, 6);
	if (store_count(world->store, KIND_ResourceQuota) >= 3)
		return;
	const char *scope = scopes[roll(world, ARRAY_LEN(scopes))];
	const struct doc *quota =
		scope[0] ? hand_doc(world,
				    "{'metadata':{'name':'%s'},'spec':{'hard':{'pods':'%u',"
				    "'requests.cpu':'2'}%s}}",
				    hand_name(world, 'q'), pods, scope)
			 : hand_doc(world,
				    "{'metadata':{'name':'%s'},'spec':{'hard':{'pods':'%u',"
				    "'count/jobs.batch':'%u'}}}",
				    hand_name(world, 'q'), pods, jobs);
	hand_create(world, KIND_ResourceQuota, ns, quota);
}

static void drop_quota(struct world *world)
{
	struct version *quota = hand_any(world, KIND_ResourceQuota);
	if (quota)
		hand_delete(world, quota, PROPAGATION_DEFAULT);
}

void user_tends_nodes(struct world *world)
{
	static void (*const deeds[])(struct world * world) = {
		cordon,	    cordon,	 label_node,  label_node, taint_node,
		taint_node, drain,	 delete_node, evict_pod,  evict_pod,
		evict_pod,  make_budget, make_budget, make_quota, drop_quota,
	};
	deeds[roll(world, ARRAY_LEN(deeds))](world);
}

void user_frees_nodes(struct world *world)
{
	hand_patch_each(world, KIND_Node, hand_doc(world, "{'spec':{'unschedulable':false}}"));
	for (u32 i = 0; i < world->nodes_len; i++) {
		struct str name = str_format(world->arena, "node-%u", i);
		struct version *node = store_get(world->store, KIND_Node, STR_NONE, name);
		if (!node)
			continue;
		version_hold(world->arena, node);
		const struct doc *taints = foreign_taints(world, node);
		if (taints != doc_at(node->doc, "spec.taints"))
			put_taints(world, node, taints);
	}
	hand_patch_each(world, KIND_ResourceQuota,
			hand_doc(world, "{'spec':{'hard':{'pods':'900','requests.cpu':'900',"
					"'count/jobs.batch':'900'}}}"));
}
