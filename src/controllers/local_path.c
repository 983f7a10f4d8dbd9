/*
 * The built-in provisioner: a claim becomes a directory of one node. It decides here, and the node
 * does: a directory is made when the first pod mounts it, and removed by its node when the volume
 * goes. Names and sentences are those of Rancher's local-path provisioner.
 */
#include "controllers/volume_binder.h"
#include "controllers/pod.h"
#include "doc/build.h"
#include "server/storage_class.h"

static const char directory_unsaid[] = "/var/lib/minke/volumes";

bool local_path_provisions(struct str provisioner)
{
	return str_is(provisioner, LOCAL_PATH) || str_is(provisioner, LOCAL_PATH_ELSEWHERE);
}

/* ---- making */

struct provision {
	const struct view *view;
	struct arena *arena;
	struct plan *plan;
	struct version *claim, *class, *node;
};

/* The scheduler says which node; or somebody has put a pod on one by hand. */
static struct str chosen_node(struct provision *p)
{
	struct str name = object_note(p->claim, SELECTED_NODE);
	struct store_iter iter;

	if (name.len)
		return name;
	store_iter_start(&iter, p->view->store, KIND_Pod, p->claim->namespace, STR_NONE, STR_NONE);
	for (struct version *pod; (pod = store_iter_next(&iter));) {
		name = doc_at_str(pod->doc, AT(Pod, spec.nodeName));
		if (name.len && pod_active(pod) && pod_uses_claim(pod, p->claim->name))
			return name;
	}
	return STR_NONE;
}

/* Where nobody chooses (Immediate), the first node that is well will do. */
static struct version *any_node(struct provision *p)
{
	struct list nodes = view_list(p->view, KIND_Node, STR_NONE);

	for (u32 i = 0; i < nodes.len; i++)
		if (condition_is(nodes.at[i]->doc, "Ready", "True") &&
		    !doc_at_bool(nodes.at[i]->doc, AT(Node, spec.unschedulable), false))
			return nodes.at[i];
	return NULL;
}

/* Why there will be no volume, or NULL. */
static const char *refusal(const struct version *claim)
{
	doc_each_item(doc_at(claim->doc, "spec.accessModes"), mode)
		if (!str_is(doc_str(mode), "ReadWriteOnce") &&
		    !str_is(doc_str(mode), "ReadWriteOncePod"))
			return "NodePath only supports ReadWriteOnce and ReadWriteOncePod (1.22+) "
			       "access modes";
	if (str_is(doc_at_str(claim->doc, "spec.volumeMode"), "Block"))
		return "local-path volumes are directories: volumeMode Block is not supported";
	if (doc_at(claim->doc, "spec.selector"))
		return "claim.Spec.Selector is not supported";
	if (doc_at(claim->doc, "spec.dataSource") || doc_at(claim->doc, "spec.dataSourceRef"))
		return "local-path volumes start empty: dataSource is not supported";
	return NULL;
}

static void build_metadata(struct provision *p, struct build *b, struct str name)
{
	build_open_object(b, "metadata");
	build_str(b, "name", name);
	build_open_object(b, "labels");
	build_str(b, LOCAL_PATH_NODE, p->node->name);
	build_close(b);
	build_open_object(b, "annotations");
	build_str(b, PROVISIONED_BY, doc_at_str(p->class->doc, "provisioner"));
	build_str(b, "local.path.provisioner/selected-node", p->node->name);
	build_close(b);
	build_open_array(b, "finalizers");
	build_str(b, NULL, STR(LOCAL_PATH_FINALIZER));
	build_close(b);
	build_close(b);
}

static void build_affinity(struct provision *p, struct build *b)
{
	const struct doc *labels = doc_at(p->node->doc, "metadata.labels");
	struct str host = doc_str(doc_get(labels, STR("kubernetes.io/hostname")));

	build_open_object(b, "nodeAffinity");
	build_open_object(b, "required");
	build_open_array(b, "nodeSelectorTerms");
	build_open_object(b, NULL);
	build_open_array(b, "matchExpressions");
	build_open_object(b, NULL);
	build_str(b, "key", STR("kubernetes.io/hostname"));
	build_str(b, "operator", STR("In"));
	build_open_array(b, "values");
	build_str(b, NULL, host.len ? host : p->node->name);
	for (u32 i = 0; i < 7; i++)
		build_close(b);
}

static void build_claim_ref(struct provision *p, struct build *b)
{
	build_open_object(b, "claimRef");
	build_str(b, "kind", STR("PersistentVolumeClaim"));
	build_str(b, "apiVersion", STR("v1"));
	build_str(b, "namespace", p->claim->namespace);
	build_str(b, "name", p->claim->name);
	build_str(b, "uid", p->claim->uid);
	build_str(b, "resourceVersion", doc_at_str(p->claim->doc, "metadata.resourceVersion"));
	build_close(b);
}

static const struct doc *new_volume(struct provision *p, struct str name)
{
	const struct doc *notes = doc_at(p->node->doc, "metadata.annotations");
	struct str directory =
		doc_str_or(doc_get(notes, STR(LOCAL_PATH_DIRECTORY)), str_of(directory_unsaid));
	struct build b = build_object(p->arena);

	build_metadata(p, &b, name);
	build_open_object(&b, "spec");
	build_open_object(&b, "capacity");
	build_doc(&b, "storage", doc_at(p->claim->doc, "spec.resources.requests.storage"));
	build_close(&b);
	build_doc(&b, "accessModes", doc_at(p->claim->doc, "spec.accessModes"));
	build_claim_ref(p, &b);
	build_str(&b, "persistentVolumeReclaimPolicy",
		  doc_str_or(doc_at(p->class->doc, "reclaimPolicy"), STR("Delete")));
	build_str(&b, "storageClassName", p->class->name);
	build_doc(&b, "mountOptions", doc_at(p->class->doc, "mountOptions"));
	build_str(&b, "volumeMode", STR("Filesystem"));
	build_open_object(&b, "hostPath");
	build_str(&b, "path",
		  str_format(p->arena, STR_FMT "/" STR_FMT "_" STR_FMT "_" STR_FMT,
			     STR_ARG(directory), STR_ARG(name), STR_ARG(p->claim->namespace),
			     STR_ARG(p->claim->name)));
	build_str(&b, "type", STR("DirectoryOrCreate"));
	build_close(&b);
	build_affinity(p, &b);
	build_close(&b);
	return build_done(&b);
}

static void make_volume(struct provision *p, struct str name)
{
	struct saying saying = {
		.about = p->claim,
		.reason = "ProvisioningSucceeded",
		.text = "Successfully provisioned volume %s",
		.failed_reason = "ProvisioningFailed",
		.failed_text = "failed to provision volume: %s",
	};

	plan_event(p->plan, p->claim, EVENT_NORMAL, "Provisioning",
		   "External provisioner is provisioning volume for claim \"" STR_FMT "/" STR_FMT
		   "\"",
		   STR_ARG(p->claim->namespace), STR_ARG(p->claim->name));
	plan_create(p->plan, KIND_PersistentVolume, STR_NONE, new_volume(p, name), &saying);
}

/* The node the scheduler chose is gone: it may choose again. */
static void choose_again(struct provision *p)
{
	plan_update(p->plan, p->claim,
		    object_with_note(p->arena, p->claim->doc, SELECTED_NODE, NULL), NULL);
}

static void provision(struct provision *p)
{
	struct str name = str_format(p->arena, "pvc-" STR_FMT, STR_ARG(p->claim->uid));
	const char *why = refusal(p->claim);
	struct str node;

	if (view_get(p->view, KIND_PersistentVolume, STR_NONE, name))
		return;
	node = chosen_node(p);
	if (!node.len && volume_class_waits(p->class))
		return;
	if (why) {
		plan_event(p->plan, p->claim, EVENT_WARNING, "ProvisioningFailed",
			   "failed to provision volume with StorageClass \"" STR_FMT "\": %s",
			   STR_ARG(p->class->name), why);
		return;
	}
	p->node = node.len ? view_get(p->view, KIND_Node, STR_NONE, node) : any_node(p);
	if (p->node && volume_match(p->view, p->claim, volume_class_waits(p->class)))
		return; /* somebody keeps one for it */
	if (p->node)
		make_volume(p, name);
	else if (object_note(p->claim, SELECTED_NODE).len)
		choose_again(p);
}

static void local_path_reconcile(const struct view *view, struct key key, struct plan *plan)
{
	struct provision p = { .view = view, .arena = view->arena, .plan = plan };

	p.claim = view_key(view, key);
	if (!p.claim || object_deleting(p.claim->doc) ||
	    doc_at_str(p.claim->doc, "spec.volumeName").len)
		return;
	p.class = volume_class(view, p.claim);
	if (p.class && local_path_provisions(doc_at_str(p.class->doc, "provisioner")))
		provision(&p);
}

static void claims_of_bound_pod(const struct view *view, const struct change *change,
				struct keys *keys)
{
	bool bound = doc_at_str(change->now->doc, AT(Pod, spec.nodeName)).len;
	bool before = change->before && doc_at_str(change->before->doc, "spec.nodeName").len;

	if (bound && !before && !change->gone)
		claims_of_pod(view, change, keys);
}

static void waiting_for_nodes(const struct view *view, const struct change *change,
			      struct keys *keys)
{
	struct store_iter iter;
	bool was = change->before && condition_is(change->before->doc, "Ready", "True");

	if (change->gone ? false : was || !condition_is(change->now->doc, "Ready", "True"))
		return;
	store_iter_start(&iter, view->store, KIND_PersistentVolumeClaim, STR_NONE, STR_NONE,
			 STR_NONE);
	for (struct version *claim; (claim = store_iter_next(&iter));)
		if (!doc_at_str(claim->doc, "spec.volumeName").len)
			keys_add(keys, (struct key){ KIND_PersistentVolumeClaim, claim->namespace,
						     claim->name });
}

static void claims_of_local_class(const struct view *view, const struct change *change,
				  struct keys *keys)
{
	struct change node = { .kind = KIND_Node, .now = change->now, .gone = true };

	if (local_path_provisions(doc_at_str(change->now->doc, "provisioner")))
		waiting_for_nodes(view, &node, keys);
}

/* Nobody else would make it again: one whose write was taken back, or that went before it was
 * bound. */
static void claim_of_lost_volume(const struct view *view, const struct change *change,
				 struct keys *keys)
{
	const struct doc *ref = doc_at(change->now->doc, "spec.claimRef");

	(void)view;
	if (change->gone && ref)
		keys_add(keys,
			 (struct key){ KIND_PersistentVolumeClaim, doc_at_str(ref, "namespace"),
				       doc_at_str(ref, "name") });
}

const struct controller controller_local_path = {
	.name = "local-path-provisioner",
	.watch = { { KIND_PersistentVolumeClaim, key_self },
		   { KIND_Pod, claims_of_bound_pod },
		   { KIND_Node, waiting_for_nodes },
		   { KIND_PersistentVolume, claim_of_lost_volume },
		   { KIND_StorageClass, claims_of_local_class } },
	.reconcile = local_path_reconcile,
};

/* ---- removing */

bool local_path_is_nodes_turn(const struct doc *volume)
{
	const struct doc *holds = doc_at(volume, "metadata.finalizers");

	return object_deleting(volume) && doc_len(holds) == 1 &&
	       str_is(doc_str(doc_item(holds, 0)), LOCAL_PATH_FINALIZER);
}

/* Without its node nobody will remove the data, which went with it. */
static void reclaim_reconcile(const struct view *view, struct key key, struct plan *plan)
{
	struct version *volume = view_key(view, key);
	const struct doc *labels = volume ? doc_at(volume->doc, "metadata.labels") : NULL;

	if (!volume || !local_path_provisions(object_note(volume, PROVISIONED_BY)))
		return;
	if (!object_deleting(volume->doc)) {
		if (str_is(doc_at_str(volume->doc, "status.phase"), "Released") &&
		    str_is(doc_at_str(volume->doc, "spec.persistentVolumeReclaimPolicy"), "Delete"))
			plan_delete(plan, volume, NULL);
		return;
	}
	struct str node = doc_str(doc_get(labels, STR(LOCAL_PATH_NODE)));

	if (local_path_is_nodes_turn(volume->doc) &&
	    !(node.len && view_get(view, KIND_Node, STR_NONE, node)))
		plan_update(plan, volume,
			    doc_set(view->arena, volume->doc, "metadata.finalizers", NULL), NULL);
}

static void volumes_of_node(const struct view *view, const struct change *change, struct keys *keys)
{
	struct store_iter iter;

	if (!change->gone)
		return;
	store_iter_start(&iter, view->store, KIND_PersistentVolume, STR_NONE, STR_NONE, STR_NONE);
	for (struct version *volume; (volume = store_iter_next(&iter));)
		if (object_deleting(volume->doc))
			keys_add(keys,
				 (struct key){ KIND_PersistentVolume, STR_NONE, volume->name });
}

const struct controller controller_local_path_reclaim = {
	.name = "local-path-provisioner",
	.watch = { { KIND_PersistentVolume, key_self }, { KIND_Node, volumes_of_node } },
	.reconcile = reclaim_reconcile,
};
