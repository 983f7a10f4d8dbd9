/*
 * PodSecurity: a namespace's labels say which standard its pods must keep, which one is warned of
 * and which one is noted in the audit log. Follows k8s.io/pod-security-admission/admission.
 */
#include <stdio.h>

#include "server/admission.h"
#include "server/object.h"
#include "server/pod_security.h"
#include "server/state.h"

#define LABEL "pod-security.kubernetes.io/"

enum { PODS_CHECKED_MAX = 3000, REASONS_MAX = 64 };

enum mode { ENFORCE, AUDIT, WARN, MODES };

static const char *const mode_words[] = { "enforce", "audit", "warn" };

struct policies {
	struct security_policy of[MODES];
};

/* ---- what is asked of a namespace */

/* The plugin's section of the admission configuration, or NULL. */
static const struct doc *configuration(const struct server *server)
{
	doc_each_item(doc_key(server->config.admission, "plugins"), plugin)
		if (str_is(doc_at_str(plugin, "name"), "PodSecurity"))
			return doc_key(plugin, "configuration");
	return NULL;
}

static bool exempts(const struct server *server, const char *list, struct str name)
{
	doc_each_item(doc_get(doc_at(configuration(server), "exemptions"), str_of(list)), item)
		if (name.len && str_eq(doc_str(item), name))
			return true;
	return false;
}

struct label_fault {
	struct call *call;
	struct error *error; /* NULL: wrong labels are passed over */
	VEC(struct cause) causes;
};

static void fault_add(struct label_fault *fault, const char *mode, const char *tail,
		      struct str value, const char *why)
{
	struct arena *arena = fault->call->arena;

	VEC_PUSH(arena, &fault->causes,
		 (struct cause){
			 .reason = STR("FieldValueInvalid"),
			 .message = str_format(arena, "Invalid value: \"" STR_FMT "\": %s",
					       STR_ARG(value), why),
			 .field = str_format(arena, "metadata.labels[" LABEL "%s%s]", mode, tail),
		 });
}

/* Wrong words are read as Kubernetes does: an unknown level forbids (enforce) or is left out, an
 * unknown version is the latest. */
static struct policies policies_of(struct call *call, const struct doc *namespace,
				   struct label_fault *fault)
{
	const struct doc *labels = doc_at(namespace, "metadata.labels");
	const struct doc *defaults = doc_key(configuration(call->server), "defaults");
	struct policies p;

	for (u32 i = 0; i < MODES; i++) {
		struct str level = str_format(call->arena, LABEL "%s", mode_words[i]);
		struct str version = str_format(call->arena, LABEL "%s-version", mode_words[i]);
		const struct doc *said = doc_get(labels, level), *which = doc_get(labels, version);
		struct security_policy *policy = &p.of[i];
		struct str usual = str_format(call->arena, "%s-version", mode_words[i]);

		*policy = (struct security_policy){ SECURITY_PRIVILEGED, SECURITY_LATEST };
		(void)!security_level_parse(doc_at_str(defaults, mode_words[i]), &policy->level);
		(void)!security_version_parse(doc_str(doc_get(defaults, usual)), &policy->minor);
		if (said && !security_level_parse(doc_str(said), &policy->level)) {
			policy->level = i == ENFORCE ? SECURITY_RESTRICTED : SECURITY_PRIVILEGED;
			fault_add(fault, mode_words[i], "", doc_str(said),
				  "must be one of privileged, baseline, restricted");
		}
		if (which && !security_version_parse(doc_str(which), &policy->minor)) {
			policy->minor = SECURITY_LATEST;
			fault_add(fault, mode_words[i], "-version", doc_str(which),
				  "must be \"latest\" or \"v1.x\"");
		}
	}
	return p;
}

/* ---- namespaces */

static bool same(struct security_policy a, struct security_policy b)
{
	return a.level == b.level && a.minor == b.minor;
}

struct reason_seen {
	struct str text, pod;
	u32 count;
};

static void warn_of_pods(struct call *call, const struct doc *namespace,
			 const struct reason_seen *seen, u32 len, struct security_policy policy)
{
	if (!len)
		return;
	call_warn(call,
		  "existing pods in namespace \"" STR_FMT
		  "\" violate the new PodSecurity enforce level \"" STR_FMT "\"",
		  STR_ARG(object_name(namespace)),
		  STR_ARG(security_policy_print(call->arena, policy)));
	for (u32 i = 0; i < len; i++) {
		const struct reason_seen *r = &seen[i];
		char more[40] = "";

		if (r->count > 1)
			snprintf(more, sizeof more, " (and %u other pod%s)", r->count - 1,
				 r->count == 2 ? "" : "s");
		call_warn(call, STR_FMT "%s: " STR_FMT, STR_ARG(r->pod), more, STR_ARG(r->text));
	}
}

/* What runs already is not ended; whoever sets the label hears of it. */
static void check_pods(struct call *call, const struct doc *namespace,
		       struct security_policy policy)
{
	struct reason_seen seen[REASONS_MAX];
	struct store_iter iter;
	u32 len = 0, count = 0;

	store_iter_start(&iter, call->server->store, KIND_Pod, object_name(namespace), STR_NONE,
			 STR_NONE);
	for (struct version *pod; (pod = store_iter_next(&iter)) && count < PODS_CHECKED_MAX;
	     count++) {
		struct str text =
			security_violations(call->arena, policy, doc_key(pod->doc, "metadata"),
					    doc_key(pod->doc, "spec"), true);
		u32 i = 0;

		if (!text.len || exempts(call->server, "runtimeClasses",
					 doc_at_str(pod->doc, "spec.runtimeClassName")))
			continue;
		while (i < len && !str_eq(seen[i].text, text))
			i++;
		if (i < len)
			seen[i].count++;
		else if (len < REASONS_MAX)
			seen[len++] =
				(struct reason_seen){ text, str_copy(call->arena, pod->name), 1 };
	}
	warn_of_pods(call, namespace, seen, len, policy);
}

static enum status check_namespace(struct call *call, const struct api_kind *kind,
				   const struct doc *doc, const struct doc *old,
				   struct error *error)
{
	struct label_fault faults = { .call = call }, before = { .call = call };
	struct policies new = policies_of(call, doc, &faults), was = new;
	struct security_policy wanted = new.of[ENFORCE];

	if (old)
		was = policies_of(call, old, &before);
	if (faults.causes.len > before.causes.len) {
		struct cause *first = faults.causes.at;

		fail_invalid(call, kind, object_name(doc), error, "FieldValueInvalid",
			     str_c(call->arena, first->field), STR_FMT, STR_ARG(first->message));
		if (error) {
			error->causes = faults.causes.at;
			error->causes_len = faults.causes.len;
		}
		return ST_INVALID;
	}
	if (!old || same(wanted, was.of[ENFORCE]) || wanted.level == SECURITY_PRIVILEGED ||
	    (wanted.minor == was.of[ENFORCE].minor && wanted.level <= was.of[ENFORCE].level) ||
	    exempts(call->server, "namespaces", object_name(doc)))
		return ST_OK;
	check_pods(call, doc, wanted);
	return ST_OK;
}

/* ---- pods and what makes them */

/* An update of a pod matters when it brings another image or container. */
static bool matters(const struct doc *pod, const struct doc *old)
{
	static const char *const lists[] = { "spec.initContainers", "spec.containers",
					     "spec.ephemeralContainers" };

	for (u32 i = 0; i < ARRAY_LEN(lists); i++) {
		const struct doc *is = doc_at(pod, lists[i]), *was = doc_at(old, lists[i]);

		if (doc_len(is) != doc_len(was))
			return true;
		for (u32 at = 0; at < doc_len(is); at++)
			if (!str_eq(doc_at_str(doc_item(is, at), "image"),
				    doc_at_str(doc_item(was, at), "image")))
				return true;
	}
	return false;
}

static struct str violations(struct call *call, struct security_policy policy,
			     const struct doc *pod)
{
	return security_violations(call->arena, policy, doc_key(pod, "metadata"),
				   doc_key(pod, "spec"), false);
}

static enum status check_pod(struct call *call, const struct api_kind *kind,
			     const struct version *namespace, const struct doc *object,
			     const struct doc *pod, struct error *error)
{
	struct label_fault faults = { .call = call };
	struct policies p = policies_of(call, namespace->doc, &faults);
	bool enforce = kind->id == KIND_Pod;
	struct str text, name[MODES];

	if (exempts(call->server, "runtimeClasses", doc_at_str(pod, "spec.runtimeClassName")))
		return ST_OK;
	for (u32 i = 0; i < MODES; i++)
		name[i] = security_policy_print(call->arena, p.of[i]);
	if (enforce) {
		call_annotate(call, LABEL "enforce-policy", name[ENFORCE]);
		text = violations(call, p.of[ENFORCE], pod);
		if (text.len)
			return fail_forbidden(call, kind, object_name(object), error,
					      "violates PodSecurity \"" STR_FMT "\": " STR_FMT,
					      STR_ARG(name[ENFORCE]), STR_ARG(text));
	}
	text = call->audit ? violations(call, p.of[AUDIT], pod) : STR("");
	if (text.len)
		call_annotate(call, LABEL "audit-violations",
			      str_format(call->arena,
					 "would violate PodSecurity \"" STR_FMT "\": " STR_FMT,
					 STR_ARG(name[AUDIT]), STR_ARG(text)));
	text = call->warnings ? violations(call, p.of[WARN], pod) : STR("");
	if (text.len)
		call_warn(call, "would violate PodSecurity \"" STR_FMT "\": " STR_FMT,
			  STR_ARG(name[WARN]), STR_ARG(text));
	return ST_OK;
}

/* The pod itself, or the template it is made from; NULL: the kind has none. */
static const struct doc *pod_of(const struct api_kind *kind, const struct doc *doc)
{
	switch (kind->id) {
	case KIND_Pod:
		return doc;
	case KIND_PodTemplate:
		return doc_key(doc, "template");
	case KIND_ReplicationController:
	case KIND_ReplicaSet:
	case KIND_Deployment:
	case KIND_StatefulSet:
	case KIND_DaemonSet:
	case KIND_Job:
		return doc_at(doc, "spec.template");
	case KIND_CronJob:
		return doc_at(doc, "spec.jobTemplate.spec.template");
	default:
		return NULL;
	}
}

enum status admit_pod_security(struct call *call, const struct api_kind *kind, struct str ns,
			       const struct doc *doc, const struct doc *old,
			       const char *subresource, struct error *error)
{
	const struct doc *pod;
	struct version *namespace;

	if (kind->id == KIND_Namespace)
		return subresource ? ST_OK : check_namespace(call, kind, doc, old, error);
	pod = kind->namespaced ? pod_of(kind, doc) : NULL;
	/* Nobody listens to a controller's warnings. */
	if (!pod || (kind->id != KIND_Pod && !call->warnings && !call->audit))
		return ST_OK;
	if (subresource &&
	    !(kind->id == KIND_Pod && (str_is(str_of(subresource), "ephemeralcontainers") ||
				       str_is(str_of(subresource), "resize"))))
		return ST_OK;
	if (kind->id == KIND_Pod && old && !matters(doc, old))
		return ST_OK;
	if (exempts(call->server, "namespaces", ns) ||
	    (call->user && exempts(call->server, "usernames", call->user->name)))
		return ST_OK;
	namespace = store_get(call->server->store, KIND_Namespace, STR(""), ns);
	return namespace ? check_pod(call, kind, namespace, doc, pod, error) : ST_OK;
}
