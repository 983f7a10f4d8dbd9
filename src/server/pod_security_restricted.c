/* The Pod Security Standards' checks of level restricted, in the order of their names. */
#include "server/pod_security.h"

static void check_escalation(struct security_check *c)
{
	struct words names = { 0 };

	if (c->minor < 8 || security_is_windows(c))
		return;
	security_each(c,
		      container) if (doc_at_bool(container,
						 "securityContext.allowPrivilegeEscalation", true))
		words_add(c->arena, &names, security_name(container));
	if (!names.list.len)
		return;
	c->reason = STR("allowPrivilegeEscalation != false");
	c->detail = str_format(c->arena,
			       STR_FMT " must set securityContext.allowPrivilegeEscalation=false",
			       STR_ARG(words_containers(c->arena, &names)));
}

static bool drops_all(const struct doc *capabilities)
{
	doc_each_item(doc_key(capabilities, "drop"), dropped)
		if (str_is(doc_str(dropped), "ALL"))
			return true;
	return false;
}

static void check_capabilities(struct security_check *c)
{
	struct words keeping = { 0 }, adding = { 0 }, added = { 0 }, said = { 0 };

	if (c->minor < 22 || security_is_windows(c))
		return;
	security_each(c, container)
	{
		const struct doc *set = doc_at(container, "securityContext.capabilities");

		if (!drops_all(set))
			words_add(c->arena, &keeping, security_name(container));
		doc_each_item(doc_key(set, "add"), one) {
			if (str_is(doc_str(one), "NET_BIND_SERVICE"))
				continue;
			words_add(c->arena, &adding, security_name(container));
			words_add(c->arena, &added, doc_str(one));
		}
	}
	if (keeping.list.len)
		words_add(c->arena, &said,
			  str_format(c->arena,
				     STR_FMT
				     " must set securityContext.capabilities.drop=[\"ALL\"]",
				     STR_ARG(words_containers(c->arena, &keeping))));
	if (adding.list.len)
		words_add(c->arena, &said,
			  str_format(c->arena,
				     STR_FMT " must not include " STR_FMT
					     " in securityContext.capabilities.add",
				     STR_ARG(words_containers(c->arena, &adding)),
				     STR_ARG(words_quote(c->arena, &added, true))));
	if (!said.list.len)
		return;
	c->reason = STR("unrestricted capabilities");
	c->detail = words_join(c->arena, &said, "; ");
}

/* The type of a volume is the key beside its name; a volume without one is an emptyDir to be. */
static struct str volume_type(const struct doc *volume)
{
	doc_each_pair(volume, key, value)
		if (!str_is(key, "name") && !doc_is_null(value))
			return key;
	return STR("");
}

static void check_volumes(struct security_check *c)
{
	static const char *const allowed[] = {
		"",	     "configMap", "csi",   "downwardAPI",
		"emptyDir",  "ephemeral", "image", "persistentVolumeClaim",
		"projected", "secret",
	};
	struct words names = { 0 }, types = { 0 };

	doc_each_item(doc_key(c->spec, "volumes"), volume) {
		struct str type = volume_type(volume);
		bool fine = false;

		for (u32 i = 0; i < ARRAY_LEN(allowed); i++)
			fine = fine || str_is(type, allowed[i]);
		if (fine)
			continue;
		words_add(c->arena, &names, security_name(volume));
		words_add(c->arena, &types, type);
	}
	if (!names.list.len)
		return;
	bool one = names.list.len == 1;

	c->reason = STR("restricted volume types");
	c->detail = str_format(
		c->arena, "volume%s " STR_FMT " use%s restricted volume type%s " STR_FMT,
		one ? "" : "s", STR_ARG(words_quote(c->arena, &names, false)), one ? "s" : "",
		types.list.len == 1 ? "" : "s", STR_ARG(words_quote(c->arena, &types, true)));
}

/* A setting that is bad where it is said, and bad where it is said nowhere. */
struct inherited {
	bool pod_bad, pod_good;
	struct words bad, silent;
};

static void check_non_root(struct security_check *c)
{
	static const char path[] = "securityContext.runAsNonRoot";
	const struct doc *pod = doc_at(c->spec, path);
	struct inherited seen = { .pod_bad = doc_is(pod, DOC_FALSE),
				  .pod_good = doc_is(pod, DOC_TRUE) };

	if (security_relaxed(c))
		return;
	security_each(c, container)
	{
		const struct doc *said = doc_at(container, path);

		if (doc_is(said, DOC_FALSE))
			words_add(c->arena, &seen.bad, security_name(container));
		else if (!said && !seen.pod_good)
			words_add(c->arena, &seen.silent, security_name(container));
	}
	struct str setters = words_setters(c->arena, seen.pod_bad, &seen.bad);

	if (!setters.len && !seen.silent.list.len)
		return;
	c->reason = STR("runAsNonRoot != true");
	if (setters.len)
		c->detail = str_format(c->arena,
				       STR_FMT " must not set securityContext.runAsNonRoot=false",
				       STR_ARG(setters));
	else
		c->detail = str_format(
			c->arena, "pod or " STR_FMT " must set securityContext.runAsNonRoot=true",
			STR_ARG(words_containers(c->arena, &seen.silent)));
}

static void check_user(struct security_check *c)
{
	static const char path[] = "securityContext.runAsUser";
	bool pod = doc_at_int(c->spec, path, 1) == 0;
	struct words names = { 0 };

	if (c->minor < 23 || security_relaxed(c))
		return;
	security_each(c, container) if (doc_at_int(container, path, 1) == 0)
		words_add(c->arena, &names, security_name(container));
	if (!pod && !names.list.len)
		return;
	c->reason = STR("runAsUser=0");
	c->detail = str_format(c->arena, STR_FMT " must not set runAsUser=0",
			       STR_ARG(words_setters(c->arena, pod, &names)));
}

static void check_seccomp(struct security_check *c)
{
	static const char path[] = "securityContext.seccompProfile.type";
	struct str pod = doc_at_str(c->spec, path);
	struct inherited seen = { .pod_good = security_seccomp_is_fine(pod),
				  .pod_bad = pod.len && !security_seccomp_is_fine(pod) };
	struct words types = { 0 };

	if (c->minor < 19 || security_is_windows(c))
		return;
	if (seen.pod_bad)
		words_add(c->arena, &types, pod);
	security_each(c, container)
	{
		struct str type = doc_at_str(container, path);

		if (type.len && !security_seccomp_is_fine(type)) {
			words_add(c->arena, &seen.bad, security_name(container));
			words_add(c->arena, &types, type);
		} else if (!type.len && !seen.pod_good) {
			words_add(c->arena, &seen.silent, security_name(container));
		}
	}
	struct str setters = words_setters(c->arena, seen.pod_bad, &seen.bad);

	if (!setters.len && !seen.silent.list.len)
		return;
	c->reason = STR("seccompProfile");
	if (setters.len)
		c->detail = str_format(
			c->arena,
			STR_FMT " must not set securityContext.seccompProfile.type to " STR_FMT,
			STR_ARG(setters), STR_ARG(words_quote(c->arena, &types, true)));
	else
		c->detail = str_format(c->arena,
				       "pod or " STR_FMT
				       " must set securityContext.seccompProfile.type to "
				       "\"RuntimeDefault\" or \"Localhost\"",
				       STR_ARG(words_containers(c->arena, &seen.silent)));
}

security_check_function *const security_restricted[] = {
	check_escalation, check_capabilities, check_volumes,
	check_non_root,	  check_user,	      check_seccomp,
};
const u32 security_restricted_len = ARRAY_LEN(security_restricted);
