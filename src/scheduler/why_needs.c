/* ConfigMaps, Secrets, claims and accounts a pod names: which of them are not there. */
#include "controllers/pod.h"
#include "scheduler/why.h"

static void need(struct why *why, kind_id kind, const char *word, struct str name,
		 const struct doc *optional, struct str key)
{
	if (!name.len || doc_bool_or(optional, false))
		return;
	struct version *found = store_get(why->view->store, kind, why->pod->namespace, name);
	if (!found) {
		why_add(why, "missing", STR_NONE,
			WHY(why, "the %s \"" STR_FMT "\" it uses is not there", word,
			    STR_ARG(name)),
			WHY(why,
			    "Make it in the namespace " STR_FMT
			    ", or mark the use of it as optional.",
			    STR_ARG(why->pod->namespace)));
		return;
	}
	if (key.len && !doc_get(doc_key(found->doc, "data"), key) &&
	    !doc_get(doc_key(found->doc, "binaryData"), key))
		why_add(why, "missing", STR_NONE,
			WHY(why, "the %s \"" STR_FMT "\" has no key \"" STR_FMT "\"", word,
			    STR_ARG(name), STR_ARG(key)),
			STR("Add the key, or use one that is there."));
}

static void need_env(struct why *why, const struct doc *container)
{
	doc_each_item(doc_key(container, "envFrom"), from) {
		const struct doc *map = doc_key(from, "configMapRef");
		const struct doc *secret = doc_key(from, "secretRef");
		need(why, KIND_ConfigMap, "ConfigMap", doc_str(doc_key(map, "name")),
		     doc_key(map, "optional"), STR_NONE);
		need(why, KIND_Secret, "Secret", doc_str(doc_key(secret, "name")),
		     doc_key(secret, "optional"), STR_NONE);
	}
	doc_each_item(doc_key(container, "env"), env) {
		const struct doc *map = doc_at(env, "valueFrom.configMapKeyRef");
		const struct doc *secret = doc_at(env, "valueFrom.secretKeyRef");
		need(why, KIND_ConfigMap, "ConfigMap", doc_str(doc_key(map, "name")),
		     doc_key(map, "optional"), doc_str(doc_key(map, "key")));
		need(why, KIND_Secret, "Secret", doc_str(doc_key(secret, "name")),
		     doc_key(secret, "optional"), doc_str(doc_key(secret, "key")));
	}
}

static void need_volume(struct why *why, const struct doc *volume)
{
	const struct doc *map = doc_key(volume, "configMap"), *secret = doc_key(volume, "secret");
	need(why, KIND_ConfigMap, "ConfigMap", doc_str(doc_key(map, "name")),
	     doc_key(map, "optional"), STR_NONE);
	need(why, KIND_Secret, "Secret", doc_str(doc_key(secret, "secretName")),
	     doc_key(secret, "optional"), STR_NONE);
	need(why, KIND_PersistentVolumeClaim, "PersistentVolumeClaim",
	     doc_at_str(volume, "persistentVolumeClaim.claimName"), NULL, STR_NONE);
	doc_each_item(doc_at(volume, "projected.sources"), source) {
		map = doc_key(source, "configMap");
		secret = doc_key(source, "secret");
		need(why, KIND_ConfigMap, "ConfigMap", doc_str(doc_key(map, "name")),
		     doc_key(map, "optional"), STR_NONE);
		need(why, KIND_Secret, "Secret", doc_str(doc_key(secret, "name")),
		     doc_key(secret, "optional"), STR_NONE);
	}
}

void why_needs(struct why *why)
{
	const struct doc *spec = doc_key(why->doc, "spec");
	u32 before = why->reasons.len;
	doc_each_item(doc_key(spec, "volumes"), volume) {
		need_volume(why, volume);
	}
	doc_each_item(doc_key(spec, "initContainers"), container) {
		need_env(why, container);
	}
	doc_each_item(doc_key(spec, "containers"), container) {
		need_env(why, container);
	}
	const struct doc *mount = why_event(why, "FailedMount");
	if (mount && why->reasons.len == before &&
	    !str_is(doc_at_str(why->doc, AT(Pod, status.phase)), "Running"))
		why_add(why, "volume", STR_NONE,
			WHY(why, "a volume cannot be mounted: " STR_FMT,
			    STR_ARG(doc_at_str(mount, "message"))),
			STR_NONE);
}
