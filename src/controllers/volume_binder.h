/*
 * What the controllers of volumes share: which volume fits a claim, who a volume belongs to, and
 * whether the built-in local-path provisioner made it. Follows pkg/controller/volume and
 * k8s.io/component-helpers/storage.
 */
#ifndef CONTROLLERS_VOLUME_BINDER_H
#define CONTROLLERS_VOLUME_BINDER_H

#include "controllers/controller.h"

#define BIND_COMPLETED "pv.kubernetes.io/bind-completed"
#define BOUND_BY_CONTROLLER "pv.kubernetes.io/bound-by-controller"
#define PROVISIONED_BY "pv.kubernetes.io/provisioned-by"
#define SELECTED_NODE "volume.kubernetes.io/selected-node"
#define STORAGE_PROVISIONER "volume.kubernetes.io/storage-provisioner"
#define STORAGE_PROVISIONER_OLD "volume.beta.kubernetes.io/storage-provisioner"

/* ---- volume_match.c */

struct str object_note(const struct version *object, const char *annotation);
const struct doc *object_with_note(struct arena *arena, const struct doc *object,
				   const char *annotation, const char *value);

/* The volume's claimRef names this claim, and no other one of that name. */
bool volume_is_for(const struct version *volume, const struct version *claim);

/* The smallest free volume that fits, or one that is kept for this claim already. `waits`: only
 * the latter counts, because the scheduler chooses. NULL: none. */
struct version *volume_match(const struct view *view, const struct version *claim, bool waits);

/* Why a volume that the claim names does not fit, in upstream's words; NULL when it does. */
const char *volume_misfit(const struct version *volume, const struct version *claim);

/* The class a claim names, NULL when there is none of that name. */
struct version *volume_class(const struct view *view, const struct version *claim);
bool volume_class_waits(const struct version *class); /* WaitForFirstConsumer */

/* Whether a pod uses a claim, by name or by an ephemeral volume. */
bool pod_uses_claim(const struct version *pod, struct str claim);
/* Calls keys_add for each claim the pod of this change names, now or before. */
void claims_of_pod(const struct view *view, const struct change *change, struct keys *keys);

/* ---- local_path.c */

/* The built-in provisioner under its own name and under the name it is known by elsewhere. */
#define LOCAL_PATH "minke/local-path"
#define LOCAL_PATH_ELSEWHERE "rancher.io/local-path"
/* Holds a volume until its node has removed what is in it; the node's name is a label. */
#define LOCAL_PATH_FINALIZER "minke/local-path"
#define LOCAL_PATH_NODE "minke/node"
/* On a Node: where it keeps such volumes. */
#define LOCAL_PATH_DIRECTORY "minke/volumes"

bool local_path_provisions(struct str provisioner);
/* The volume is going and only its node's work is left: nothing but our finalizer holds it. */
bool local_path_is_nodes_turn(const struct doc *volume);

#endif
