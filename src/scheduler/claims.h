/*
 * A pod's PersistentVolumeClaims: where their volumes can be used, and what has to be done before
 * the pod can go to a node. Follows upstream's VolumeBinding and VolumeRestrictions plugins; the
 * volume controller is told through the ordinary annotation and through a volume's claimRef.
 */
#ifndef SCHEDULER_CLAIMS_H
#define SCHEDULER_CLAIMS_H

#include "scheduler/decide.h"

#define SELECTED_NODE "volume.kubernetes.io/selected-node"

struct claim {
	struct version *claim;
	struct version *volume;	    /* the one it is bound to, or NULL while it waits for a node */
	struct version *class;	    /* of one that waits */
	VEC(struct version *) fits; /* free volumes it could have, wherever they are; mostly none */
};

struct claims {
	struct str refuse_all; /* why no node will do, or empty */
	VEC(struct claim) list;
	bool volume_gone; /* bound to a volume that is not there */
	bool taken;	  /* ReadWriteOncePod, and another pod has it */
};

/* NULL when the pod has no claims. */
const struct claims *claims_read(struct picture *picture, const struct doc *pod,
				 struct arena *arena);
struct str claims_refuse_all(const struct claims *claims);
enum refusal claims_filter(const struct claims *claims, const struct node *node);

/* What remains to be done for one claim so that the pod can use it on `node`. */
struct claim_deed {
	struct version *claim;
	struct version *volume; /* bind the claim to this one; NULL: have one made for the node */
};
/* Returns how many deeds were written to ret_deeds, which has room for all claims. */
u32 claims_deeds(const struct claims *claims, const struct node *node,
		 struct claim_deed *ret_deeds);

#endif
