/* Reading claims, matching volumes with nodes, choosing the volume for a claim that waits. */
#include "scheduler/claims.h"

#include "controllers/controller.h"
#include "controllers/labels.h"
#include "schema/quantity.h"

static bool has_mode(const struct doc *modes, const char *mode)
{
	doc_each_item(modes, item) {
		if (str_is(doc_str(item), mode))
			return true;
	}
	return false;
}

static struct str claim_name(struct arena *arena, const struct doc *pod, const struct doc *volume)
{
	if (doc_key(volume, "ephemeral"))
		return str_format(arena, STR_FMT "-" STR_FMT,
				  STR_ARG(doc_at_str(pod, "metadata.name")),
				  STR_ARG(doc_str(doc_key(volume, "name"))));
	return doc_at_str(volume, "persistentVolumeClaim.claimName");
}

/* Why a claim that is there cannot be used at all. */
static struct str unusable(struct arena *arena, const struct version *claim)
{
	if (str_is(doc_at_str(claim->doc, "status.phase"), "Lost"))
		return str_format(arena,
				  "persistentvolumeclaim \"" STR_FMT
				  "\" bound to non-existent persistentvolume \"" STR_FMT "\"",
				  STR_ARG(claim->name),
				  STR_ARG(doc_at_str(claim->doc, "spec.volumeName")));
	if (object_deleting(claim->doc))
		return str_format(arena, "persistentvolumeclaim \"" STR_FMT "\" is being deleted",
				  STR_ARG(claim->name));
	return STR_NONE;
}

static bool used_by_another(struct store *store, const struct version *claim, const struct doc *pod)
{
	struct store_iter iter;
	store_iter_start(&iter, store, KIND_Pod, claim->namespace, STR_NONE, STR_NONE);
	for (struct version *other; (other = store_iter_next(&iter));) {
		if (!pod_takes_room(other->doc) ||
		    str_eq(other->uid, doc_at_str(pod, "metadata.uid")))
			continue;
		doc_each_item(doc_at(other->doc, AT(Pod, spec.volumes)), volume) {
			if (str_eq(doc_at_str(volume, "persistentVolumeClaim.claimName"),
				   claim->name))
				return true;
		}
	}
	return false;
}

static bool waits_for_consumer(const struct version *class)
{
	return class && str_is(doc_at_str(class->doc, "volumeBindingMode"), "WaitForFirstConsumer");
}

static bool has_all_modes(const struct doc *modes, const struct doc *wanted)
{
	doc_each_item(wanted, mode) {
		bool found = false;
		doc_each_item(modes, item) {
			found |= str_eq(doc_str(item), doc_str(mode));
		}
		if (!found)
			return false;
	}
	return true;
}

/* Could this volume be the claim's? One that is meant for it already is, whatever its size. */
static bool serves(const struct version *volume, const struct version *claim)
{
	const struct doc *v = volume->doc, *c = claim->doc, *ref = doc_at(v, "spec.claimRef");
	const struct doc *selector = doc_at(c, "spec.selector");
	if (ref)
		return str_eq(doc_str(doc_key(ref, "name")), claim->name) &&
		       str_eq(doc_str(doc_key(ref, "namespace")), claim->namespace) &&
		       (!doc_key(ref, "uid") || str_eq(doc_str(doc_key(ref, "uid")), claim->uid));
	if (object_deleting(v) ||
	    !str_eq(doc_at_str(v, "spec.storageClassName"),
		    doc_at_str(c, "spec.storageClassName")) ||
	    !str_eq(doc_str_or(doc_at(v, "spec.volumeMode"), STR("Filesystem")),
		    doc_str_or(doc_at(c, "spec.volumeMode"), STR("Filesystem"))) ||
	    !has_all_modes(doc_at(v, "spec.accessModes"), doc_at(c, "spec.accessModes")) ||
	    (selector && !label_selector_matches(selector, doc_at(v, "metadata.labels"))))
		return false;
	return quantity_compare(quantity_of(doc_at(v, "spec.capacity.storage")),
				quantity_of(doc_at(c, "spec.resources.requests.storage"))) >= 0;
}

/* Looked through once a pod, not once a node: there may be thousands of both. */
static void find_fitting(struct store *store, struct arena *arena, struct claim *claim)
{
	struct store_iter iter;
	store_iter_start(&iter, store, KIND_PersistentVolume, STR_NONE, STR_NONE, STR_NONE);
	for (struct version *volume; (volume = store_iter_next(&iter));) {
		if (!serves(volume, claim->claim))
			continue;
		version_hold(arena, volume);
		VEC_PUSH(arena, &claim->fits, volume);
	}
}

static void read_claim(struct picture *picture, struct claims *claims, struct arena *arena,
		       struct version *claim, const struct doc *pod)
{
	struct store *store = picture->store;
	const struct doc *notes = doc_at(claim->doc, "metadata.annotations");
	struct str volume = doc_at_str(claim->doc, "spec.volumeName");
	struct claim one = { .claim = claim };
	version_hold(arena, claim);
	claims->refuse_all = unusable(arena, claim);
	if (has_mode(doc_at(claim->doc, "spec.accessModes"), "ReadWriteOncePod") &&
	    used_by_another(store, claim, pod))
		claims->taken = true;
	if (volume.len && doc_key(notes, "pv.kubernetes.io/bind-completed")) {
		one.volume = store_get(store, KIND_PersistentVolume, STR_NONE, volume);
		if (one.volume)
			version_hold(arena, one.volume);
		claims->volume_gone |= !one.volume;
	} else {
		struct str class = doc_at_str(claim->doc, "spec.storageClassName");
		one.class = class.len ? store_get(store, KIND_StorageClass, STR_NONE, class) : NULL;
		if (one.class)
			version_hold(arena, one.class);
		if (waits_for_consumer(one.class))
			find_fitting(store, arena, &one);
		if ((volume.len || !waits_for_consumer(one.class)) && !claims->refuse_all.len)
			claims->refuse_all =
				STR("pod has unbound immediate PersistentVolumeClaims");
	}
	VEC_PUSH(arena, &claims->list, one);
}

const struct claims *claims_read(struct picture *picture, const struct doc *pod,
				 struct arena *arena)
{
	struct claims *claims = NULL;
	doc_each_item(doc_at(pod, AT(Pod, spec.volumes)), volume) {
		bool ephemeral = doc_key(volume, "ephemeral");
		struct str name = claim_name(arena, pod, volume);
		if (!name.len || (claims && claims->refuse_all.len))
			continue;
		claims = claims ? claims : ARENA_NEW(arena, struct claims);
		struct version *claim = store_get(picture->store, KIND_PersistentVolumeClaim,
						  doc_at_str(pod, "metadata.namespace"), name);
		if (claim)
			read_claim(picture, claims, arena, claim, pod);
		else
			claims->refuse_all = str_format(
				arena,
				ephemeral ? "waiting for ephemeral volume controller to create the "
					    "persistentvolumeclaim \"" STR_FMT "\""
					  : "persistentvolumeclaim \"" STR_FMT "\" not found",
				STR_ARG(name));
	}
	return claims;
}

struct str claims_refuse_all(const struct claims *claims)
{
	return claims->refuse_all;
}

/* ---- volumes and nodes */

static bool volume_reaches(const struct version *volume, const struct node *node)
{
	const struct doc *terms =
		doc_at(volume->doc, "spec.nodeAffinity.required.nodeSelectorTerms");
	if (!terms)
		return true;
	doc_each_item(terms, term) {
		if (node_matches_term(node, term))
			return true;
	}
	return false;
}

/* The smallest free volume that serves the claim on this node and is not `taken` already. */
static struct version *find_volume(const struct claim *claim, const struct node *node,
				   const struct claim_deed *taken, u32 taken_len)
{
	struct version *best = NULL;
	for (u32 k = 0; k < claim->fits.len; k++) {
		struct version *volume = claim->fits.at[k];
		bool free = true;
		for (u32 i = 0; i < taken_len; i++)
			free &= taken[i].volume != volume;
		if (!free || !volume_reaches(volume, node))
			continue;
		if (doc_at(volume->doc, "spec.claimRef"))
			return volume;
		if (!best ||
		    quantity_compare(quantity_of(doc_at(volume->doc, "spec.capacity.storage")),
				     quantity_of(doc_at(best->doc, "spec.capacity.storage"))) < 0)
			best = volume;
	}
	return best;
}

/* Can the class make a volume that this node reaches? */
static bool provisionable(const struct version *class, const struct node *node)
{
	const struct doc *topologies = doc_at(class->doc, "allowedTopologies");
	if (str_is(doc_at_str(class->doc, "provisioner"), "kubernetes.io/no-provisioner"))
		return false;
	doc_each_item(topologies, topology) {
		bool all = true;
		doc_each_item(doc_key(topology, "matchLabelExpressions"), expression) {
			const struct doc *label =
				doc_get(node->labels, doc_str(doc_key(expression, "key")));
			bool found = false;
			doc_each_item(doc_key(expression, "values"), value) {
				found |= label && str_eq(doc_str(label), doc_str(value));
			}
			all &= found;
		}
		if (all)
			return true;
	}
	return !doc_len(topologies);
}

/* How a waiting claim would be served on this node; false: not at all. */
static bool plan_claim(const struct claim *claim, const struct node *node, struct claim_deed *deeds,
		       u32 len)
{
	const struct doc *notes = doc_at(claim->claim->doc, "metadata.annotations");
	struct str selected = doc_str(doc_get(notes, STR(SELECTED_NODE)));
	deeds[len] = (struct claim_deed){ .claim = claim->claim };
	if (selected.len) /* a volume is being made for that node */
		return str_is(selected, node->name);
	deeds[len].volume = find_volume(claim, node, deeds, len);
	return deeds[len].volume || provisionable(claim->class, node);
}

u32 claims_deeds(const struct claims *claims, const struct node *node, struct claim_deed *ret_deeds)
{
	u32 len = 0;
	for (u32 i = 0; i < claims->list.len; i++) {
		const struct claim *claim = &claims->list.at[i];
		if (!claim->volume && claim->class && plan_claim(claim, node, ret_deeds, len))
			len++;
	}
	return len;
}

enum refusal claims_filter(const struct claims *claims, const struct node *node)
{
	struct claim_deed deeds[16];
	u32 waiting = 0;
	if (claims->taken)
		return REFUSED_CLAIM_TAKEN;
	if (claims->volume_gone)
		return REFUSED_VOLUME_GONE;
	for (u32 i = 0; i < claims->list.len; i++) {
		const struct claim *claim = &claims->list.at[i];
		if (claim->volume && !volume_reaches(claim->volume, node))
			return REFUSED_VOLUME_ELSEWHERE;
	}
	for (u32 i = 0; i < claims->list.len && waiting < ARRAY_LEN(deeds); i++) {
		const struct claim *claim = &claims->list.at[i];
		if (claim->volume || !claim->class)
			continue;
		if (!plan_claim(claim, node, deeds, waiting++))
			return REFUSED_NO_VOLUME;
	}
	return FITS;
}
