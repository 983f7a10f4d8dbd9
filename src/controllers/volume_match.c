/* Which volume is for which claim. */
#include "controllers/volume_binder.h"
#include "schema/quantity.h"
#include "schema/selector.h"
#include "server/storage_class.h"

struct str object_note(const struct version *object, const char *annotation)
{
	return doc_str(doc_get(doc_at(object->doc, "metadata.annotations"), str_of(annotation)));
}

const struct doc *object_with_note(struct arena *arena, const struct doc *object,
				   const char *annotation, const char *value)
{
	const struct doc *notes = doc_at(object, "metadata.annotations");

	notes = doc_with(arena, notes, str_of(annotation),
			 value ? doc_ref_str(arena, str_of(value)) : NULL);
	return doc_set(arena, object, "metadata.annotations", notes);
}

bool volume_is_for(const struct version *volume, const struct version *claim)
{
	const struct doc *ref = doc_at(volume->doc, AT(PersistentVolume, spec.claimRef));
	struct str uid = doc_str(doc_key(ref, "uid"));

	return str_eq(doc_str(doc_key(ref, "name")), claim->name) &&
	       str_eq(doc_str(doc_key(ref, "namespace")), claim->namespace) &&
	       (!uid.len || str_eq(uid, claim->uid));
}

static struct quantity size_of(const struct version *volume)
{
	return quantity_of(doc_at(volume->doc, "spec.capacity.storage"));
}

static struct quantity wanted_by(const struct version *claim)
{
	return quantity_of(doc_at(claim->doc, "spec.resources.requests.storage"));
}

static bool same_mode(const struct version *volume, const struct version *claim)
{
	struct str has = doc_at_str(volume->doc, "spec.volumeMode");
	struct str wants = doc_at_str(claim->doc, "spec.volumeMode");

	return str_is(has, "Block") == str_is(wants, "Block");
}

static bool same_class(const struct version *volume, const struct version *claim)
{
	struct str has, wants;

	claim_class(volume->doc, &has); /* volumes carry the name at the same places */
	claim_class(claim->doc, &wants);
	return str_eq(has, wants);
}

static bool has_modes(const struct version *volume, const struct version *claim)
{
	const struct doc *has = doc_at(volume->doc, "spec.accessModes");

	doc_each_item(doc_at(claim->doc, "spec.accessModes"), wanted) {
		bool found = false;

		doc_each_item(has, mode)
			found = found || str_eq(doc_str(mode), doc_str(wanted));
		if (!found)
			return false;
	}
	return true;
}

/* Whether what the claim wants is there, but for who holds it. */
static bool fits(const struct version *volume, const struct version *claim,
		 const struct selector *selector)
{
	return same_class(volume, claim) && has_modes(volume, claim) &&
	       (!selector || selector_matches(selector, doc_at(volume->doc, "metadata.labels")));
}

static bool is_large_enough(const struct version *volume, const struct version *claim)
{
	return same_mode(volume, claim) && !object_deleting(volume->doc) &&
	       quantity_compare(size_of(volume), wanted_by(claim)) >= 0;
}

/* The one a provisioner made for it, found by the name such volumes have. */
static struct version *made_for(const struct view *view, const struct version *claim)
{
	struct str name = str_format(view->arena, "pvc-" STR_FMT, STR_ARG(claim->uid));
	struct version *volume = view_get(view, KIND_PersistentVolume, STR_NONE, name);

	return volume && volume_is_for(volume, claim) && is_large_enough(volume, claim) ? volume
											: NULL;
}

struct version *volume_match(const struct view *view, const struct version *claim, bool waits)
{
	const struct doc *wanted = doc_at(claim->doc, "spec.selector");
	struct version *volume, *best = made_for(view, claim);
	struct selector *selector = NULL;
	struct store_iter iter;

	if (best || (wanted && selector_from_doc(view->arena, wanted, &selector, NULL) != ST_OK))
		return best;
	/* Most volumes are somebody's: that is seen first, and costs little. */
	store_iter_start(&iter, view->store, KIND_PersistentVolume, STR_NONE, STR_NONE, STR_NONE);
	while ((volume = store_iter_next(&iter))) {
		if (doc_at(volume->doc, AT(PersistentVolume, spec.claimRef))) {
			if (volume_is_for(volume, claim) && is_large_enough(volume, claim))
				return volume;
			continue;
		}
		if (waits || !str_is(doc_at_str(volume->doc, "status.phase"), "Available") ||
		    !is_large_enough(volume, claim) || !fits(volume, claim, selector))
			continue;
		if (!best || quantity_compare(size_of(volume), size_of(best)) < 0)
			best = volume;
	}
	return best;
}

const char *volume_misfit(const struct version *volume, const struct version *claim)
{
	if (quantity_compare(size_of(volume), wanted_by(claim)) < 0)
		return "requested PV is too small";
	if (!same_class(volume, claim))
		return "storageClassName does not match";
	if (!same_mode(volume, claim))
		return "incompatible volumeMode";
	if (!has_modes(volume, claim))
		return "incompatible accessMode";
	return NULL;
}

struct version *volume_class(const struct view *view, const struct version *claim)
{
	struct str name;

	if (!claim_class(claim->doc, &name) || !name.len)
		return NULL;
	return view_get(view, KIND_StorageClass, STR_NONE, name);
}

bool volume_class_waits(const struct version *class)
{
	return class && str_is(doc_at_str(class->doc, AT(StorageClass, volumeBindingMode)),
			       "WaitForFirstConsumer");
}

/* ---- pods */

/* The claim a volume of a pod stands for; empty when it is of another kind. */
static struct str claim_of(struct arena *arena, const struct version *pod, const struct doc *volume)
{
	struct str name = doc_at_str(volume, "persistentVolumeClaim.claimName");

	if (name.len || !doc_key(volume, "ephemeral"))
		return name;
	return str_format(arena, STR_FMT "-" STR_FMT, STR_ARG(pod->name),
			  STR_ARG(doc_at_str(volume, "name")));
}

bool pod_uses_claim(const struct version *pod, struct str claim)
{
	doc_each_item(doc_at(pod->doc, AT(Pod, spec.volumes)), volume) {
		struct str own = doc_at_str(volume, "name");

		if (str_eq(doc_at_str(volume, "persistentVolumeClaim.claimName"), claim))
			return true;
		if (doc_key(volume, "ephemeral") && claim.len == pod->name.len + 1 + own.len &&
		    str_starts(claim, pod->name) && claim.at[pod->name.len] == '-' &&
		    str_ends(claim, own))
			return true;
	}
	return false;
}

void claims_of_pod(const struct view *view, const struct change *change, struct keys *keys)
{
	const struct version *pod = change->now;

	doc_each_item(doc_at(pod->doc, AT(Pod, spec.volumes)), volume) {
		struct str name = claim_of(view->arena, pod, volume);

		if (name.len)
			keys_add(keys,
				 (struct key){ KIND_PersistentVolumeClaim, pod->namespace, name });
	}
}
