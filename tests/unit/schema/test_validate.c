/* Validation in Kubernetes' words: each case is an object and the exact list of its causes. */
#include "../unit.h"

#include "doc/json.h"
#include "schema/decode.h"
#include "schema/default.h"
#include "schema/validate.h"

static struct arena *arena;
static struct schema *schema;

static const struct doc *made(const struct api_kind *kind, const char *text)
{
	const struct doc *in, *out;
	struct error error = ERROR_INIT;

	if (json_parse(arena, str_of(text), &in, &error) != ST_OK ||
	    schema_decode(arena, schema, kind, in, &out, NULL, &error) != ST_OK)
		fail_msg("%s in %s", error.message, text);
	return schema_default(arena, schema, kind, out);
}

static struct str listed(const struct violations *v)
{
	struct str text = { "", 0 };

	for (u32 i = 0; i < v->len; i++)
		text = str_format(arena, STR_FMT "%s" STR_FMT ": " STR_FMT, STR_ARG(text),
				  i ? "\n" : "", STR_ARG(v->at[i].field),
				  STR_ARG(v->at[i].message));
	return text;
}

/* The causes of an object (as an update of `old`, when that is given), one a line. */
static struct str causes(const char *api_version, const char *name, const char *text,
			 const char *old)
{
	const struct api_kind *kind = schema_find_kind(schema, str_of(api_version), str_of(name));
	struct violations v = { 0 };

	assert_non_null(kind);
	schema_validate(arena, schema, kind, made(kind, text), old ? made(kind, old) : NULL, NULL,
			&v);
	return listed(&v);
}

/* A pod of one good container with `more` in its spec and `inside` in the container. */
static struct str pod(const char *more, const char *inside)
{
	struct str text =
		str_format(arena,
			   "{\"metadata\":{\"name\":\"a\",\"namespace\":\"d\"},\"spec\":{%s"
			   "\"containers\":[{\"name\":\"c\",\"image\":\"i\"%s}]}}",
			   more, inside);

	return causes("v1", "Pod", text.at, NULL);
}

static struct str pod_update(const char *spec, const char *old)
{
#define POD_FRAME "{\"metadata\":{\"name\":\"a\",\"namespace\":\"d\"},\"spec\":{%s}}"
	struct str now = str_format(arena, POD_FRAME, spec),
		   was = str_format(arena, POD_FRAME, old);

	return causes("v1", "Pod", now.at, was.at);
}

/* Metadata, selector and template of an apps kind, with `spec` added. */
static struct str app(const char *kind, const char *spec, const char *old)
{
#define APP_FRAME                                                                                  \
	"{\"metadata\":{\"name\":\"a\",\"namespace\":\"d\"},\"spec\":{%s%s\"template\":{"          \
	"\"metadata\":{\"labels\":{\"app\":\"x\"}},\"spec\":{\"containers\":[{\"name\":\"c\","     \
	"\"image\":\"i\"}]}}}}"
	struct str now = str_format(arena, APP_FRAME, spec, spec[0] ? "," : "");
	struct str was = str_format(arena, APP_FRAME, old ? old : "", old ? "," : "");

	return causes("apps/v1", kind, now.at, old ? was.at : NULL);
}

static void good_objects_pass(void **state)
{
	(void)state;
	assert_str(pod("", ""), "");
	assert_str(app("Deployment", "\"selector\":{\"matchLabels\":{\"app\":\"x\"}}", NULL), "");
	assert_str(
		causes("v1", "ConfigMap",
		       "{\"metadata\":{\"name\":\"a\",\"namespace\":\"d\"},\"data\":{\"k\":\"\"}}",
		       NULL),
		"");
	assert_str(
		causes("v1", "Service",
		       "{\"metadata\":{\"name\":\"a\",\"namespace\":\"d\"},\"spec\":{\"ports\":[{"
		       "\"port\":80}]}}",
		       NULL),
		"");
	assert_str(causes("v1", "Node", "{\"metadata\":{\"name\":\"n\"}}", NULL), "");
	assert_str(causes("discovery.k8s.io/v1", "EndpointSlice",
			  "{\"metadata\":{\"name\":\"s\",\"namespace\":\"d\"},\"addressType\":"
			  "\"IPv4\",\"endpoints\":[],\"ports\":[{\"name\":\"\",\"port\":80}]}",
			  NULL),
		   "");
	assert_str(causes("coordination.k8s.io/v1", "Lease",
			  "{\"metadata\":{\"name\":\"s\",\"namespace\":\"d\"},\"spec\":{"
			  "\"leaseDurationSeconds\":40}}",
			  NULL),
		   "");
}

static void metadata_is_checked(void **state)
{
	(void)state;
	assert_str(causes("v1", "ConfigMap", "{\"metadata\":{\"namespace\":\"d\"}}", NULL),
		   "metadata.name: Required value: name or generateName is required");
	assert_str(causes("v1", "ConfigMap", "{\"metadata\":{\"name\":\"A_b\"}}", NULL),
		   "metadata.name: Invalid value: \"A_b\": a lowercase RFC 1123 subdomain must "
		   "consist of lower case alphanumeric characters, '-' or '.', and must start and "
		   "end with an alphanumeric character (e.g. 'example.com', regex used for "
		   "validation is "
		   "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')\n"
		   "metadata.namespace: Required value");
	assert_str(causes("v1", "Namespace",
			  "{\"metadata\":{\"name\":\"a.b\",\"namespace\":\"x\"}}", NULL),
		   "metadata.name: Invalid value: \"a.b\": must not contain dots\n"
		   "metadata.namespace: Forbidden: not allowed on this type");
	assert_str(causes("v1", "ConfigMap",
			  "{\"metadata\":{\"name\":\"a\",\"namespace\":\"d\",\"labels\":{\"a\":"
			  "\"b c\"},\"finalizers\":[\"x\"],\"ownerReferences\":[{\"apiVersion\":"
			  "\"v1\",\"kind\":\"Pod\",\"name\":\"p\"}]}}",
			  NULL),
		   "metadata.labels: Invalid value: \"b c\": a valid label must be an empty string "
		   "or consist of alphanumeric characters, '-', '_' or '.', and must start and end "
		   "with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', "
		   "regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')\n"
		   "metadata.ownerReferences.uid: Invalid value: \"\": must not be empty\n"
		   "metadata.finalizers[0]: Invalid value: \"x\": name is neither a standard "
		   "finalizer name nor is it fully qualified");
	assert_str(causes("v1", "ConfigMap",
			  "{\"metadata\":{\"name\":\"a\",\"namespace\":\"d\",\"uid\":\"2\"}}",
			  "{\"metadata\":{\"name\":\"a\",\"namespace\":\"d\",\"uid\":\"1\"}}"),
		   "metadata.uid: Invalid value: \"2\": field is immutable");
}

static void pods_are_checked(void **state)
{
	(void)state;
	assert_str(causes("v1", "Pod", "{\"metadata\":{\"name\":\"a\",\"namespace\":\"d\"}}", NULL),
		   "spec.containers: Required value");
	assert_str(causes("v1", "Pod",
			  "{\"metadata\":{\"name\":\"np\",\"namespace\":\"d\"},\"spec\":{"
			  "\"containers\":[{\"name\":\"c\"},{\"name\":\"c\",\"image\":\"i\"}]}}",
			  NULL),
		   "spec.containers[0].image: Required value\n"
		   "spec.containers[1].name: Duplicate value: \"c\"");
	assert_str(pod("\"restartPolicy\":\"Sometimes\",", ""),
		   "spec.restartPolicy: Unsupported value: \"Sometimes\": supported values: "
		   "\"Always\", \"OnFailure\", \"Never\"");
	assert_str(
		pod("", ",\"imagePullPolicy\":\"x\""),
		"spec.containers[0].imagePullPolicy: Unsupported value: \"x\": supported values: "
		"\"Always\", \"IfNotPresent\", \"Never\"");
	assert_str(pod("", ",\"ports\":[{\"containerPort\":0},{\"containerPort\":70000}]"),
		   "spec.containers[0].ports[0].containerPort: Required value\n"
		   "spec.containers[0].ports[1].containerPort: Invalid value: 70000: must be "
		   "between 1 and 65535, inclusive");
	assert_str(pod("", ",\"volumeMounts\":[{\"name\":\"v\",\"mountPath\":\"/a\"}]"),
		   "spec.containers[0].volumeMounts[0].name: Not found: \"v\"");
	assert_str(
		pod("\"volumes\":[{\"name\":\"v\",\"emptyDir\":{},\"hostPath\":{\"path\":\"/a\"}},"
		    "{\"name\":\"v\",\"configMap\":{}}],",
		    ""),
		"spec.volumes[0].hostPath: Forbidden: may not specify more than 1 volume type\n"
		"spec.volumes[1].configMap.name: Required value\n"
		"spec.volumes[1].name: Duplicate value: \"v\"");
	assert_str(pod("", ",\"resources\":{\"requests\":{\"cpu\":\"2\",\"foo\":\"1\"},\"limits\":{"
			   "\"cpu\":\"1\"}}"),
		   "spec.containers[0].resources.requests: Invalid value: \"2\": must be less than "
		   "or equal to cpu limit of 1\n"
		   "spec.containers[0].resources.requests[foo]: Invalid value: \"foo\": must be a "
		   "standard resource type or fully qualified\n"
		   "spec.containers[0].resources.requests[foo]: Invalid value: \"foo\": must be a "
		   "standard resource for containers");
	assert_str(pod("", ",\"env\":[{\"name\":\"A\",\"value\":\"x\",\"valueFrom\":{\"fieldRef\":{"
			   "\"fieldPath\":\"metadata.nme\"}}}]"),
		   "spec.containers[0].env[0].valueFrom: Invalid value: \"\": may not be specified "
		   "when `value` is not empty\n"
		   "spec.containers[0].env[0].valueFrom.fieldRef.fieldPath: Unsupported value: "
		   "\"metadata.nme\": supported values: \"metadata.name\", \"metadata.namespace\", "
		   "\"metadata.uid\", \"spec.nodeName\", \"spec.serviceAccountName\", "
		   "\"status.hostIP\", \"status.hostIPs\", \"status.podIP\", \"status.podIPs\"");
	assert_str(pod("\"dnsPolicy\":\"None\",", ""),
		   "spec.dnsConfig: Required value: must provide `dnsConfig` when `dnsPolicy` is "
		   "None");
	assert_str(pod("\"tolerations\":[{\"operator\":\"Exists\",\"value\":\"x\",\"key\":\"k\"}],",
		       ""),
		   "spec.tolerations[0].operator: Invalid value: "
		   "{\"operator\":\"Exists\",\"value\":\"x\",\"key\":\"k\"}: value must be empty "
		   "when `operator` is 'Exists'");
	assert_str(
		pod("\"nodeSelector\":{\"a\":\"-\"},\"activeDeadlineSeconds\":0,", ""),
		"spec.activeDeadlineSeconds: Invalid value: 0: must be between 1 and 2147483647, "
		"inclusive\n"
		"spec.nodeSelector: Invalid value: \"-\": a valid label must be an empty string "
		"or consist of alphanumeric characters, '-', '_' or '.', and must start and end "
		"with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', "
		"regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')");
}

static void probes_and_handlers_are_checked(void **state)
{
	(void)state;
	assert_str(pod("", ",\"livenessProbe\":{}"),
		   "spec.containers[0].livenessProbe: Required value: must specify a handler type");
	assert_str(
		pod("", ",\"livenessProbe\":{\"httpGet\":{\"port\":0},\"successThreshold\":2}"),
		"spec.containers[0].livenessProbe.httpGet.port: Invalid value: 0: must be "
		"between 1 and 65535, inclusive\n"
		"spec.containers[0].livenessProbe.successThreshold: Invalid value: 2: must be 1");
	assert_str(pod("", ",\"readinessProbe\":{\"exec\":{},\"tcpSocket\":{\"port\":\"http\"},"
			   "\"periodSeconds\":-1}"),
		   "spec.containers[0].readinessProbe.periodSeconds: Invalid value: -1: must be "
		   "greater than or equal to 0\n"
		   "spec.containers[0].readinessProbe.tcpSocket: Forbidden: may not specify more "
		   "than 1 handler type\n"
		   "spec.containers[0].readinessProbe.exec.command: Required value");
	assert_str(pod("\"initContainers\":[{\"name\":\"x\",\"image\":\"i\",\"readinessProbe\":{"
		       "\"exec\":{\"command\":[\"a\"]}}}],",
		       ""),
		   "spec.initContainers[0].readinessProbe: Forbidden: may not be set for init "
		   "containers without restartPolicy=Always");
}

static void pods_keep_what_they_are(void **state)
{
	(void)state;
	const char *old = "\"nodeName\":\"n\",\"containers\":[{\"name\":\"c\",\"image\":\"i:1\"}]";

	assert_str(pod_update(old, old), "");
	assert_str(pod_update("\"nodeName\":\"n\",\"containers\":[{\"name\":\"c\",\"image\":"
			      "\"i:2\",\"imagePullPolicy\":\"IfNotPresent\"}],\"tolerations\":[{"
			      "\"operator\":\"Exists\"}],\"activeDeadlineSeconds\":5",
			      old),
		   "");
	assert_str(pod_update("\"nodeName\":\"m\",\"containers\":[{\"name\":\"c\",\"image\":"
			      "\"i:1\"}]",
			      old),
		   "spec: Forbidden: pod updates may not change fields other than "
		   "`spec.containers[*].image`,`spec.initContainers[*].image`,"
		   "`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing "
		   "tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if "
		   "it was previously negative)\n  spec.nodeName would change");
	assert_str(pod_update("\"nodeName\":\"n\",\"containers\":[{\"name\":\"c\",\"image\":"
			      "\"i:1\"},{\"name\":\"d\",\"image\":\"i\"}]",
			      old),
		   "spec.containers: Forbidden: pod updates may not add or remove containers");
	assert_str(
		pod_update("\"activeDeadlineSeconds\":9,\"containers\":[{\"name\":\"c\","
			   "\"image\":\"i\"}]",
			   "\"activeDeadlineSeconds\":5,\"containers\":[{\"name\":\"c\","
			   "\"image\":\"i\"}],\"tolerations\":[{\"operator\":\"Exists\"}]"),
		"spec.activeDeadlineSeconds: Invalid value: 9: must be less than or equal to "
		"previous value\n"
		"spec.tolerations: Forbidden: existing toleration can not be modified except its "
		"tolerationSeconds");
}

static void workloads_are_checked(void **state)
{
	(void)state;
	const char *good = "\"selector\":{\"matchLabels\":{\"app\":\"x\"}}";

	assert_str(app("ReplicaSet", "\"selector\":{\"matchLabels\":{\"app\":\"y\"}}", NULL),
		   "spec.template.metadata.labels: Invalid value: "
		   "map[string]string{\"app\":\"x\"}: `selector` does not match template `labels`");
	assert_str(app("Deployment", "", NULL), "spec.selector: Required value");
	assert_str(
		app("Deployment", "\"replicas\":-1,\"selector\":{}", NULL),
		"spec.replicas: Invalid value: -1: must be greater than or equal to 0\n"
		"spec.selector: Invalid value: "
		"v1.LabelSelector{MatchLabels:map[string]string(nil), "
		"MatchExpressions:[]v1.LabelSelectorRequirement(nil)}: empty selector is invalid "
		"for deployment");
	assert_str(app("Deployment",
		       "\"selector\":{\"matchLabels\":{\"app\":\"x\"},"
		       "\"matchExpressions\":[{\"key\":\"app\",\"operator\":\"In\","
		       "\"values\":[\"x\"]}]}",
		       good),
		   "spec.selector: Invalid value: "
		   "v1.LabelSelector{MatchLabels:map[string]string{\"app\":\"x\"}, "
		   "MatchExpressions:[]v1.LabelSelectorRequirement{v1.LabelSelectorRequirement{"
		   "Key:\"app\", Operator:\"In\", Values:[]string{\"x\"}}}}: field is immutable");
	assert_str(
		app("Deployment",
		    "\"selector\":{\"matchLabels\":{\"app\":\"x\"}},\"minReadySeconds\":600,"
		    "\"strategy\":{\"rollingUpdate\":{\"maxSurge\":0,\"maxUnavailable\":\"0%\"}}",
		    NULL),
		"spec.strategy.rollingUpdate.maxUnavailable: Invalid value: \"0%\": may not be 0 "
		"when `maxSurge` is 0\n"
		"spec.progressDeadlineSeconds: Invalid value: 600: must be greater than "
		"minReadySeconds");
	assert_str(app("Deployment",
		       "\"selector\":{\"matchLabels\":{\"app\":\"x\"}},\"strategy\":{"
		       "\"type\":\"Recreate\",\"rollingUpdate\":{\"maxSurge\":\"x\"}}",
		       NULL),
		   "spec.strategy.rollingUpdate.maxSurge: Invalid value: \"x\": a valid percent "
		   "string must be a numeric string followed by an ending '%' (e.g. '1%',  or "
		   "'93%', regex used for validation is '[0-9]+%')\n"
		   "spec.strategy.rollingUpdate: Forbidden: may not be specified when strategy "
		   "`type` is 'Recreate'");
	assert_str(causes("v1", "ReplicationController",
			  "{\"metadata\":{\"name\":\"a\",\"namespace\":\"d\"},\"spec\":{"
			  "\"template\":{\"metadata\":{\"labels\":{\"a\":\"b\"}},\"spec\":{"
			  "\"restartPolicy\":\"Never\",\"containers\":[{\"name\":\"c\",\"image\":"
			  "\"i\"}]}}}}",
			  NULL),
		   "spec.template.spec.restartPolicy: Unsupported value: \"Never\": supported "
		   "values: \"Always\"");
}

static void services_are_checked(void **state)
{
	(void)state;
	const char *head = "{\"metadata\":{\"name\":\"a\",\"namespace\":\"d\"},\"spec\":{";

	assert_str(causes("v1", "Service", str_format(arena, "%s}}", head).at, NULL),
		   "spec.ports: Required value");
	assert_str(causes("v1", "Service",
			  str_format(arena,
				     "%s\"ports\":[{\"port\":80},{\"port\":80,\"name\":\"b\","
				     "\"nodePort\":30000,\"targetPort\":\"A\"},{\"port\":0}]}}",
				     head)
				  .at,
			  NULL),
		   "spec.ports[1].targetPort: Invalid value: \"A\": must contain only "
		   "alpha-numeric characters (a-z, 0-9), and hyphens (-)\n"
		   "spec.ports[1].targetPort: Invalid value: \"A\": must contain at least one "
		   "letter (a-z)\n"
		   "spec.ports[2].port: Invalid value: 0: must be between 1 and 65535, inclusive\n"
		   "spec.ports[2].targetPort: Invalid value: 0: must be between 1 and 65535, "
		   "inclusive\n"
		   "spec.ports[0].name: Required value\n"
		   "spec.ports[1].nodePort: Forbidden: may not be used when `type` is "
		   "'ClusterIP'\n"
		   "spec.ports[1]: Duplicate value: {\"port\":80,\"name\":\"b\",\"nodePort\":30000,"
		   "\"targetPort\":\"A\",\"protocol\":\"TCP\"}\n"
		   "spec.ports[2].name: Required value");
	assert_str(causes("v1", "Service",
			  "{\"metadata\":{\"name\":\"1a\",\"namespace\":\"d\"},\"spec\":{\"type\":"
			  "\"ExternalName\"}}",
			  NULL),
		   "metadata.name: Invalid value: \"1a\": a DNS-1035 label must consist of lower "
		   "case alphanumeric characters or '-', start with an alphabetic character, and "
		   "end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used "
		   "for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')\n"
		   "spec.externalName: Required value");
}

static void the_rest_of_the_core_is_checked(void **state)
{
	(void)state;
	assert_str(causes("v1", "ConfigMap",
			  "{\"metadata\":{\"name\":\"a\",\"namespace\":\"d\"},\"data\":{\"a/b\":"
			  "\"\"}}",
			  NULL),
		   "data[a/b]: Invalid value: \"a/b\": a valid config key must consist of "
		   "alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or "
		   "'key-name', regex used for validation is '[-._a-zA-Z0-9]+')");
	assert_str(causes("v1", "ConfigMap",
			  "{\"metadata\":{\"name\":\"a\",\"namespace\":\"d\"},\"data\":{\"a\":"
			  "\"2\"}}",
			  "{\"metadata\":{\"name\":\"a\",\"namespace\":\"d\"},\"data\":{\"a\":"
			  "\"1\"},\"immutable\":true}"),
		   "immutable: Forbidden: field is immutable when `immutable` is set\n"
		   "data: Forbidden: field is immutable when `immutable` is set");
	assert_str(causes("v1", "Secret",
			  "{\"metadata\":{\"name\":\"a\",\"namespace\":\"d\"},\"type\":"
			  "\"kubernetes.io/tls\"}",
			  NULL),
		   "data[tls.crt]: Required value\ndata[tls.key]: Required value");
	assert_str(causes("v1", "Secret", "{\"metadata\":{\"name\":\"a\",\"namespace\":\"d\"}}",
			  "{\"metadata\":{\"name\":\"a\",\"namespace\":\"d\"},\"type\":\"x\"}"),
		   "type: Invalid value: \"Opaque\": field is immutable");
	assert_str(causes("v1", "Node",
			  "{\"metadata\":{\"name\":\"n\"},\"spec\":{\"taints\":[{\"key\":\"a\","
			  "\"effect\":\"NoSchedule\"},{\"key\":\"a\",\"effect\":\"NoSchedule\"},{"
			  "\"key\":\"b\"}]}}",
			  NULL),
		   "spec.taints[2].effect: Required value\n"
		   "spec.taints[1]: Duplicate value: "
		   "{\"key\":\"a\",\"effect\":\"NoSchedule\"}");
	assert_str(causes("v1", "Event",
			  "{\"metadata\":{\"name\":\"a\",\"namespace\":\"d\"},\"involvedObject\":{"
			  "\"namespace\":\"e\"}}",
			  NULL),
		   "involvedObject.namespace: Invalid value: \"e\": does not match "
		   "event.namespace");
	assert_str(causes("v1", "Endpoints",
			  "{\"metadata\":{\"name\":\"a\",\"namespace\":\"d\"},\"subsets\":[{"
			  "\"addresses\":[{\"ip\":\"x\"}]},{}]}",
			  NULL),
		   "subsets[0].addresses[0].ip: Invalid value: \"x\": must be a valid IP address, "
		   "(e.g. 10.9.8.7 or 2001:db8::ffff)\n"
		   "subsets[1]: Required value: must specify `addresses` or `notReadyAddresses`");
}

static void the_sentence_is_kubernetes(void **state)
{
	(void)state;
	const struct api_kind *kind = schema_kind(schema, KIND_Deployment);
	struct violations v = { 0 };
	struct error error = ERROR_INIT;

	schema_validate(
		arena, schema, kind,
		made(kind, "{\"metadata\":{\"namespace\":\"d\"},\"spec\":{\"template\":{}}}"), NULL,
		NULL, &v);
	assert_int_equal(violations_fail(&v, kind, STR("nd"), &error), ST_INVALID);
	assert_string_equal(error.message,
			    "Deployment.apps \"nd\" is invalid: [metadata.name: Required value: "
			    "name or generateName is required, spec.selector: Required value, "
			    "spec.template.spec.containers: Required value]");
	assert_int_equal(error.causes_len, 3);
	assert_str(error.causes[1].reason, "FieldValueRequired");
	assert_str(error.kind, "Deployment");
	assert_str(error.group, "apps");
	v.len = 0;
	assert_int_equal(violations_fail(&v, kind, STR("nd"), NULL), ST_OK);
}

static int up(void **state)
{
	(void)state;
	arena = arena_new(0);
	schema = schema_new();
	return 0;
}

static int down(void **state)
{
	(void)state;
	arena_free(arena);
	schema_free(schema);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_objects_pass),
		cmocka_unit_test(metadata_is_checked),
		cmocka_unit_test(pods_are_checked),
		cmocka_unit_test(probes_and_handlers_are_checked),
		cmocka_unit_test(pods_keep_what_they_are),
		cmocka_unit_test(workloads_are_checked),
		cmocka_unit_test(services_are_checked),
		cmocka_unit_test(the_rest_of_the_core_is_checked),
		cmocka_unit_test(the_sentence_is_kubernetes),
	};
	return cmocka_run_group_tests(tests, up, down);
}
