/* The Pod Security Standards: every check's sentence, versions, labels, warnings, exemptions. */
#include "harness.h"

#include "server/pod_security.h"

#define NS "/api/v1/namespaces"

static const char *judge(const char *level, const char *version, const char *pod)
{
	struct security_policy policy;
	const struct doc *doc;

	assert_true(security_level_parse(str_of(level), &policy.level));
	assert_true(security_version_parse(str_of(version), &policy.minor));
	assert_int_equal(json_parse(arena, str_of(pod), &doc, NULL), ST_OK);
	return security_violations(arena, policy, doc_key(doc, "metadata"), doc_key(doc, "spec"),
				   false)
		.at;
}

#define SPEC(text) "{\"spec\":{" text "}}"
#define ONE(text) SPEC("\"containers\":[{\"name\":\"c\"," text "}]")
#define CONTEXT(text) ONE("\"securityContext\":{" text "}")
#define FINE                                                                                       \
	"\"securityContext\":{\"runAsNonRoot\":true,\"seccompProfile\":{\"type\":"                 \
	"\"RuntimeDefault\"}},"
#define GOOD                                                                                       \
	"\"securityContext\":{\"allowPrivilegeEscalation\":false,\"capabilities\":{\"drop\":["     \
	"\"ALL\"]}}"

static const struct {
	const char *level, *version, *pod, *says;
} cases[] = {
	{ "baseline", "latest", ONE("\"image\":\"x\""), "" },
	{ "privileged", "latest", CONTEXT("\"privileged\":true"), "" },
	{ "baseline", "latest", CONTEXT("\"privileged\":true"),
	  "privileged (container \"c\" must not set securityContext.privileged=true)" },
	{ "baseline", "latest",
	  SPEC("\"hostNetwork\":true,\"hostPID\":true,\"hostIPC\":true,\"containers\":[]"),
	  "host namespaces (hostNetwork=true, hostPID=true, hostIPC=true)" },
	{ "baseline", "latest",
	  SPEC("\"volumes\":[{\"name\":\"a\",\"hostPath\":{}},{\"name\":\"b\",\"hostPath\":{}}]"),
	  "hostPath volumes (volumes \"a\", \"b\")" },
	{ "baseline", "latest", ONE("\"ports\":[{\"hostPort\":80},{\"hostPort\":443}]"),
	  "hostPort (container \"c\" uses hostPorts 443, 80)" },
	{ "baseline", "latest", CONTEXT("\"capabilities\":{\"add\":[\"SYS_ADMIN\",\"KILL\"]}"),
	  "non-default capabilities (container \"c\" must not include \"SYS_ADMIN\" in "
	  "securityContext.capabilities.add)" },
	{ "baseline", "latest", CONTEXT("\"procMount\":\"Unmasked\""),
	  "procMount (container \"c\" must not set securityContext.procMount to \"Unmasked\")" },
	{ "baseline", "latest", CONTEXT("\"seccompProfile\":{\"type\":\"Unconfined\"}"),
	  "seccompProfile (container \"c\" must not set securityContext.seccompProfile.type to "
	  "\"Unconfined\")" },
	{ "baseline", "latest",
	  SPEC("\"securityContext\":{\"seLinuxOptions\":{\"type\":\"x_t\",\"user\":\"u\"}}"),
	  "seLinuxOptions (pod set forbidden securityContext.seLinuxOptions: type \"x_t\"; user "
	  "may not be set)" },
	{ "baseline", "v1.30", CONTEXT("\"seLinuxOptions\":{\"type\":\"container_engine_t\"}"),
	  "seLinuxOptions (container \"c\" set forbidden securityContext.seLinuxOptions: type "
	  "\"container_engine_t\")" },
	{ "baseline", "v1.31", CONTEXT("\"seLinuxOptions\":{\"type\":\"container_engine_t\"}"),
	  "" },
	{ "baseline", "v1.26",
	  SPEC("\"securityContext\":{\"sysctls\":[{\"name\":\"kernel.msgmax\"},{\"name\":"
	       "\"net.ipv4.ip_local_reserved_ports\"}]}"),
	  "forbidden sysctls (kernel.msgmax, net.ipv4.ip_local_reserved_ports)" },
	{ "baseline", "v1.27",
	  SPEC("\"securityContext\":{\"sysctls\":[{\"name\":"
	       "\"net.ipv4.ip_local_reserved_ports\"}]}"),
	  "" },
	{ "baseline", "latest", CONTEXT("\"windowsOptions\":{\"hostProcess\":true}"),
	  "hostProcess (container \"c\" must not set "
	  "securityContext.windowsOptions.hostProcess=true)" },
	{ "baseline", "latest",
	  "{\"metadata\":{\"annotations\":{\"container.apparmor.security.beta.kubernetes.io/c\":"
	  "\"unconfined\"}},\"spec\":{}}",
	  "forbidden AppArmor profile (container.apparmor.security.beta.kubernetes.io/"
	  "c=\"unconfined\")" },
	{ "baseline", "latest", CONTEXT("\"appArmorProfile\":{\"type\":\"Unconfined\"}"),
	  "forbidden AppArmor profile (container \"c\" must not set AppArmor profile type to "
	  "\"Unconfined\")" },
	{ "baseline", "latest", ONE("\"livenessProbe\":{\"httpGet\":{\"host\":\"1.2.3.4\"}}"),
	  "probe or lifecycle host (container \"c\" uses probe or lifecycle host \"1.2.3.4\")" },
	{ "baseline", "v1.33", ONE("\"livenessProbe\":{\"httpGet\":{\"host\":\"1.2.3.4\"}}"), "" },
	{ "restricted", "latest", ONE("\"image\":\"x\""),
	  "allowPrivilegeEscalation != false (container \"c\" must set "
	  "securityContext.allowPrivilegeEscalation=false), unrestricted capabilities (container "
	  "\"c\" must set securityContext.capabilities.drop=[\"ALL\"]), runAsNonRoot != true (pod "
	  "or container \"c\" must set securityContext.runAsNonRoot=true), seccompProfile (pod or "
	  "container \"c\" must set securityContext.seccompProfile.type to \"RuntimeDefault\" or "
	  "\"Localhost\")" },
	{ "restricted", "v1.7", ONE("\"image\":\"x\""),
	  "runAsNonRoot != true (pod or container \"c\" must set "
	  "securityContext.runAsNonRoot=true)" },
	{ "restricted", "latest", SPEC(FINE "\"containers\":[{\"name\":\"c\"," GOOD "}]"), "" },
	{ "restricted", "latest",
	  SPEC(FINE "\"volumes\":[{\"name\":\"v\",\"nfs\":{}},{\"name\":\"e\"}],\"containers\":[{"
		    "\"name\":\"c\"," GOOD "}]"),
	  "restricted volume types (volume \"v\" uses restricted volume type \"nfs\")" },
	{ "restricted", "latest",
	  SPEC("\"os\":{\"name\":\"windows\"},\"securityContext\":{\"runAsNonRoot\":true},"
	       "\"containers\":[{\"name\":\"c\"}]"),
	  "" },
	{ "restricted", "latest",
	  SPEC("\"securityContext\":{\"runAsUser\":0,\"runAsNonRoot\":false,\"seccompProfile\":{"
	       "\"type\":\"Unconfined\"}},\"initContainers\":[{\"name\":\"i\"," GOOD
	       "}],\"containers\":[{\"name\":\"c\"," GOOD "}]"),
	  "runAsNonRoot != true (pod must not set securityContext.runAsNonRoot=false), "
	  "runAsUser=0 (pod must not set runAsUser=0), seccompProfile (pod must not set "
	  "securityContext.seccompProfile.type to \"Unconfined\")" },
};

static void each_check_has_its_sentence(void **state)
{
	(void)state;
	for (u32 i = 0; i < ARRAY_LEN(cases); i++) {
		const char *says = judge(cases[i].level, cases[i].version, cases[i].pod);

		if (strcmp(says, cases[i].says) != 0)
			fail_msg("case %u: %s\n instead of %s", i, says, cases[i].says);
	}
}

static void versions_are_read(void **state)
{
	u32 minor;

	(void)state;
	assert_true(security_version_parse(STR("v1.0"), &minor) && minor == 0);
	assert_true(security_version_parse(STR("v1.36"), &minor) && minor == 36);
	assert_true(security_version_parse(STR("latest"), &minor) && minor == SECURITY_LATEST);
	assert_false(security_version_parse(STR("v1."), &minor));
	assert_false(security_version_parse(STR("v1.01"), &minor));
	assert_false(security_version_parse(STR("v1.-1"), &minor));
	assert_false(security_version_parse(STR("1.20"), &minor));
	assert_false(security_version_parse(STR("v2.1"), &minor));
}

#define POD                                                                                        \
	"{\"metadata\":{\"name\":\"p\"},\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":"      \
	"\"x\"}]}}"

static void make_namespace(const char *labels)
{
	ask_ok(201, "POST", NS,
	       str_format(arena, "{\"metadata\":{\"name\":\"safe\",\"labels\":{%s}}}", labels).at);
	ask_ok(201, "POST", NS "/safe/serviceaccounts", "{\"metadata\":{\"name\":\"default\"}}");
}

static void labels_forbid_and_warn(void **state)
{
	struct reply_seen seen;

	(void)state;
	make_namespace("\"pod-security.kubernetes.io/enforce\":\"baseline\","
		       "\"pod-security.kubernetes.io/warn\":\"restricted\","
		       "\"pod-security.kubernetes.io/warn-version\":\"v1.7\"");
	ask_fails(403, "Forbidden",
		  "pods \"p\" is forbidden: violates PodSecurity \"baseline:latest\": host "
		  "namespaces (hostPID=true)",
		  "POST", NS "/safe/pods",
		  "{\"metadata\":{\"name\":\"p\"},\"spec\":{\"hostPID\":true,\"containers\":[{"
		  "\"name\":\"c\",\"image\":\"x\"}]}}");
	seen = ask("POST", NS "/safe/pods", POD);
	assert_int_equal(seen.code, 201);
	assert_non_null(strstr(
		seen.headers, "Warning: 299 - \"would violate PodSecurity \\\"restricted:v1.7\\\": "
			      "runAsNonRoot != true (pod or container \\\"c\\\" must set "
			      "securityContext.runAsNonRoot=true)\""));
	/* Labels of a pod may change without a word. */
	sends = "application/merge-patch+json";
	seen = ask("PATCH", NS "/safe/pods/p", "{\"metadata\":{\"labels\":{\"a\":\"b\"}}}");
	assert_int_equal(seen.code, 200);
	assert_null(strstr(seen.headers, "Warning"));
	sends = "application/strategic-merge-patch+json";
	seen = ask("PATCH", NS "/safe/pods/p",
		   "{\"spec\":{\"containers\":[{\"name\":\"c\","
		   "\"image\":\"y\"}]}}");
	assert_int_equal(seen.code, 200);
	assert_non_null(strstr(seen.headers, "would violate"));
	sends = NULL;
	/* Templates are warned of, not refused. */
	seen = ask("POST", "/apis/apps/v1/namespaces/safe/deployments",
		   "{\"metadata\":{\"name\":\"d\"},\"spec\":{\"selector\":{\"matchLabels\":{\"a\":"
		   "\"b\"}},\"template\":{\"metadata\":{\"labels\":{\"a\":\"b\"}},\"spec\":{"
		   "\"hostPID\":true,\"containers\":[{\"name\":\"c\",\"image\":\"x\"}]}}}}");
	assert_int_equal(seen.code, 201);
	assert_non_null(strstr(seen.headers, "host namespaces (hostPID=true)"));
}

static void wrong_labels_are_refused(void **state)
{
	(void)state;
	ask_fails(422, "Invalid",
		  "Namespace \"safe\" is invalid: "
		  "metadata.labels[pod-security.kubernetes.io/enforce]: Invalid value: \"none\": "
		  "must be one of privileged, baseline, restricted",
		  "POST", NS,
		  "{\"metadata\":{\"name\":\"safe\",\"labels\":{"
		  "\"pod-security.kubernetes.io/enforce\":\"none\"}}}");
	ask_ok(422, "POST", NS,
	       "{\"metadata\":{\"name\":\"safe\",\"labels\":{"
	       "\"pod-security.kubernetes.io/warn-version\":\"1.2\"}}}");
}

static void a_stricter_label_tells_of_pods(void **state)
{
	struct reply_seen seen;

	(void)state;
	make_namespace("");
	ask_ok(201, "POST", NS "/safe/pods", POD);
	sends = "application/merge-patch+json";
	seen = ask("PATCH", NS "/safe",
		   "{\"metadata\":{\"labels\":{\"pod-security.kubernetes.io/enforce\":"
		   "\"restricted\"}}}");
	assert_int_equal(seen.code, 200);
	assert_non_null(strstr(seen.headers,
			       "existing pods in namespace \\\"safe\\\" violate the new "
			       "PodSecurity enforce level \\\"restricted:latest\\\""));
	assert_non_null(strstr(seen.headers,
			       "299 - \"p: allowPrivilegeEscalation != false, unrestricted "
			       "capabilities, runAsNonRoot != true, seccompProfile\""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cluster_test(each_check_has_its_sentence),
		cluster_test(versions_are_read),
		cluster_test(labels_forbid_and_warn),
		cluster_test(wrong_labels_are_refused),
		cluster_test(a_stricter_label_tells_of_pods),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
