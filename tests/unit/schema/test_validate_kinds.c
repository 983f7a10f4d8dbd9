/* One line a rule: what a kind's author got wrong, and what is said about it. */
#include "../unit.h"

#include <stdio.h>

#include "doc/json.h"
#include "schema/decode.h"
#include "schema/default.h"
#include "schema/validate.h"

struct row {
	const char *version, *kind;
	const char *body, *old; /* with single quotes; old: NULL on create */
	const char *said;	/* causes, one a line; "" when all is well */
};

#define META "'metadata':{'name':'a','namespace':'d'}"
#define CLUSTER "'metadata':{'name':'a'}"

#define INGRESS(spec) "networking.k8s.io/v1", "Ingress", "{" META ",'spec':{" spec "}}", NULL
#define BACKEND "'backend':{'service':{'name':'s','port':{'number':80}}}"
#define PATHS(paths) INGRESS("'rules':[{'http':{'paths':[" paths "]}}]")
#define AT_PATH "spec.rules[0].http.paths[0]."
#define POLICY(spec)                                                                               \
	"networking.k8s.io/v1", "NetworkPolicy", "{" META ",'spec':{'podSelector':{}," spec "}}",  \
		NULL
#define ROLE(rule) RBAC, "Role", "{" META ",'rules':[{" rule "}]}", NULL
#define CLUSTER_ROLE(rest) RBAC, "ClusterRole", "{" CLUSTER "," rest "}", NULL
#define BINDING(rest) RBAC, "RoleBinding", "{" META "," rest "}", NULL
#define CLUSTER_BINDING(rest) RBAC, "ClusterRoleBinding", "{" CLUSTER "," rest "}", NULL
#define RBAC "rbac.authorization.k8s.io/v1"
#define ROLE_REF "'roleRef':{'apiGroup':'rbac.authorization.k8s.io','kind':'Role','name':'r'}"
#define CLUSTER_REF                                                                                \
	"'roleRef':{'apiGroup':'rbac.authorization.k8s.io','kind':'ClusterRole','name':'r'}"
#define QUOTA(spec) "v1", "ResourceQuota", "{" META ",'spec':{" spec "}}", NULL
#define LIMITS(item) "v1", "LimitRange", "{" META ",'spec':{'limits':[{" item "}]}}", NULL
#define BUDGET(spec) "policy/v1", "PodDisruptionBudget", "{" META ",'spec':{" spec "}}", NULL
#define PRIORITY "scheduling.k8s.io/v1", "PriorityClass"
#define HOOK(rest)                                                                                 \
	"admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration",                       \
		"{" CLUSTER ",'webhooks':[{" rest "}]}", NULL
#define HOOK_REST "'sideEffects':'None','admissionReviewVersions':['v1']"
#define HOOK_URL "'clientConfig':{'url':'https://a.example.com/x'}"
#define CLASS(spec) "networking.k8s.io/v1", "IngressClass", "{" CLUSTER ",'spec':{" spec "}}", NULL

static const struct row networking[] = {
	{ PATHS("{'path':'/','pathType':'Prefix'," BACKEND "}"), "" },
	{ INGRESS(""), "spec: Invalid value: null: either `defaultBackend` or `rules` must be "
		       "specified" },
	{ INGRESS("'defaultBackend':{}"),
	  "spec.defaultBackend: Required value: either service or resource is required" },
	{ INGRESS("'defaultBackend':{'service':{'name':'s'}}"),
	  "spec.defaultBackend: Required value: port name or number is required" },
	{ INGRESS("'defaultBackend':{'service':{'name':'s','port':{'number':80,'name':'h'}}}"),
	  "spec.defaultBackend: Invalid value: \"\": cannot set both port name & port number" },
	{ INGRESS("'defaultBackend':{'service':{'name':'s','port':{'number':70000}}}"),
	  "spec.defaultBackend.service.port.number: Invalid value: 70000: must be between 1 and "
	  "65535, inclusive" },
	{ PATHS("{'path':'x','pathType':'Prefix'," BACKEND "}"),
	  AT_PATH "path: Invalid value: \"x\": must be an absolute path" },
	{ PATHS("{'path':'/a//b','pathType':'Exact'," BACKEND "}"),
	  AT_PATH "path: Invalid value: \"/a//b\": must not contain '//'" },
	{ PATHS("{'path':'/a/..','pathType':'Exact'," BACKEND "}"),
	  AT_PATH "path: Invalid value: \"/a/..\": cannot end with '/..'" },
	{ PATHS("{'path':'/'," BACKEND "}"), AT_PATH "pathType: Required value" },
	{ PATHS("{'path':'/','pathType':'Regex'," BACKEND "}"),
	  AT_PATH "pathType: Unsupported value: \"Regex\": supported values: \"Exact\", "
		  "\"ImplementationSpecific\", \"Prefix\"" },
	{ INGRESS("'rules':[{'host':'1.2.3.4','http':{'paths':[{'path':'/"
		  "','pathType':'Exact'," BACKEND "}]}}]"),
	  "spec.rules[0].host: Invalid value: \"1.2.3.4\": must be a DNS name, not an IP "
	  "address" },
	{ POLICY("'ingress':[{'from':[{'podSelector':{}}],'ports':[{'port':80,'endPort':90}]}]"),
	  "" },
	{ POLICY("'ingress':[{'from':[{}]}]"),
	  "spec.ingress[0].from[0]: Required value: must specify a peer" },
	{ POLICY("'egress':[{'to':[{'podSelector':{},'ipBlock':{'cidr':'10.0.0.0/8'}}]}]"),
	  "spec.egress[0].to[0]: Forbidden: may not specify both ipBlock and another peer" },
	{ POLICY("'ingress':[{'ports':[{'endPort':90}]}]"),
	  "spec.ingress[0].ports[0].endPort: Invalid value: 90: may not be specified when `port` "
	  "is not specified" },
	{ POLICY("'ingress':[{'ports':[{'port':'http','endPort':90}]}]"),
	  "spec.ingress[0].ports[0].endPort: Invalid value: 90: may not be specified when `port` "
	  "is non-numeric" },
	{ POLICY("'ingress':[{'ports':[{'port':100,'endPort':90}]}]"),
	  "spec.ingress[0].ports[0].endPort: Invalid value: 90: must be greater than or equal to "
	  "`port`" },
	{ POLICY("'policyTypes':['Both']"),
	  "spec.policyTypes[0]: Unsupported value: \"Both\": supported values: \"Egress\", "
	  "\"Ingress\"" },
	{ CLASS("'controller':'example.com/x'"), "" },
	{ CLASS("'controller':'x'"),
	  "spec.controller: Invalid value: \"x\": must be a domain-prefixed path (such as "
	  "\"acme.io/foo\")" },
	{ CLASS("'controller':'example.com/x','parameters':{'kind':'K','name':'n','scope':"
		"'Namespace'}"),
	  "spec.parameters.namespace: Required value: `parameters.scope` is set to "
	  "'Namespace'" },
};

static const struct row access[] = {
	{ ROLE("'verbs':['get'],'apiGroups':[''],'resources':['pods']"), "" },
	{ ROLE("'apiGroups':[''],'resources':['pods']"),
	  "rules[0].verbs: Required value: verbs must contain at least one value" },
	{ ROLE("'verbs':['get'],'resources':['pods']"),
	  "rules[0].apiGroups: Required value: resource rules must supply at least one api "
	  "group" },
	{ ROLE("'verbs':['get'],'apiGroups':['']"),
	  "rules[0].resources: Required value: resource rules must supply at least one "
	  "resource" },
	{ ROLE("'verbs':['get'],'nonResourceURLs':['/x']"),
	  "rules[0].nonResourceURLs: Invalid value: [\"/x\"]: namespaced rules cannot apply to "
	  "non-resource URLs" },
	{ CLUSTER_ROLE("'rules':[{'verbs':['get'],'nonResourceURLs':['/x'],'apiGroups':['']}]"),
	  "rules[0].nonResourceURLs: Invalid value: [\"/x\"]: rules cannot apply to both regular "
	  "resources and non-resource URLs" },
	{ CLUSTER_ROLE("'aggregationRule':{}"),
	  "aggregationRule.clusterRoleSelectors: Required value: at least one "
	  "clusterRoleSelector required if aggregationRule is non-nil" },
	{ BINDING(ROLE_REF ",'subjects':[{'kind':'User','name':'u'}]"), "" },
	{ BINDING(ROLE_REF ",'subjects':[{'kind':'Robot','name':'u'}]"),
	  "subjects[0].kind: Unsupported value: \"Robot\": supported values: "
	  "\"ServiceAccount\", \"User\", \"Group\"" },
	{ BINDING(ROLE_REF ",'subjects':[{'kind':'ServiceAccount','name':'u','apiGroup':'x'}]"),
	  "subjects[0].apiGroup: Unsupported value: \"x\": supported values: \"\"" },
	{ CLUSTER_BINDING(CLUSTER_REF ",'subjects':[{'kind':'ServiceAccount','name':'u'}]"),
	  "subjects[0].namespace: Required value" },
	{ CLUSTER_BINDING(ROLE_REF),
	  "roleRef.kind: Unsupported value: \"Role\": supported values: \"ClusterRole\"" },
	{ RBAC, "RoleBinding", "{" META "," ROLE_REF "}", "{" META "," CLUSTER_REF "}",
	  "roleRef: Invalid value: {\"apiGroup\":\"rbac.authorization.k8s.io\",\"kind\":"
	  "\"Role\",\"name\":\"r\"}: cannot change roleRef" },
	{ HOOK("'name':'a.b.example.com'," HOOK_REST "," HOOK_URL), "" },
	{ HOOK("'name':'example.com'," HOOK_REST "," HOOK_URL),
	  "webhooks[0].name: Invalid value: \"example.com\": should be a domain with at least "
	  "three segments separated by dots" },
	{ HOOK("'name':'a.b.example.com'," HOOK_REST ",'clientConfig':{}"),
	  "webhooks[0].clientConfig: Required value: exactly one of url or service is "
	  "required" },
	{ HOOK("'name':'a.b.example.com','sideEffects':'None','admissionReviewVersions':['v9']"
	       "," HOOK_URL),
	  "webhooks[0].admissionReviewVersions: Invalid value: [\"v9\"]: must include at least "
	  "one of v1, v1beta1" },
	{ HOOK("'name':'a.b.example.com'," HOOK_REST "," HOOK_URL
	       ",'rules':[{'operations':['*','CREATE'],'apiGroups':['*'],'apiVersions':['*'],"
	       "'resources':['*']}]"),
	  "webhooks[0].rules[0].operations: Invalid value: [\"*\",\"CREATE\"]: if '*' is present, "
	  "must not specify other operations" },
};

static const struct row limits[] = {
	{ QUOTA("'hard':{'pods':'5','requests.cpu':'2','count/jobs.batch':'3'}"), "" },
	{ QUOTA("'hard':{'bananas':'5'}"),
	  "spec.hard[bananas]: Invalid value: \"bananas\": must be a standard resource for "
	  "quota" },
	{ QUOTA("'hard':{'pods':'-1'}"),
	  "spec.hard[pods]: Invalid value: \"-1\": must be greater than or equal to 0" },
	{ QUOTA("'scopes':['BestEffort','NotBestEffort']"),
	  "spec.scopes: Invalid value: [\"BestEffort\",\"NotBestEffort\"]: conflicting scopes" },
	{ QUOTA("'scopes':['Some']"), "spec.scopes: Invalid value: [\"Some\"]: unsupported scope" },
	{ "v1", "ResourceQuota", "{" META ",'spec':{'scopes':['BestEffort']}}",
	  "{" META ",'spec':{}}",
	  "spec.scopes: Invalid value: [\"BestEffort\"]: field is "
	  "immutable" },
	{ LIMITS("'type':'Container','min':{'cpu':'1'},'max':{'cpu':'2'}"), "" },
	{ LIMITS("'type':'Container','min':{'cpu':'3'},'max':{'cpu':'2'}"),
	  "spec.limits[0].min[cpu]: Invalid value: \"3\": min value 3 is greater than max value "
	  "2\n"
	  "spec.limits[0].defaultRequest[cpu]: Invalid value: \"2\": min value 3 is greater than "
	  "default request value 2\n"
	  "spec.limits[0].default[cpu]: Invalid value: \"2\": min value 3 is greater than default "
	  "value 2" },
	{ LIMITS("'type':'Pod','default':{'cpu':'1'}"),
	  "spec.limits[0].default: Forbidden: may not be specified when `type` is 'Pod'" },
	{ LIMITS("'type':'PersistentVolumeClaim'"),
	  "spec.limits[0].limits: Required value: either minimum or maximum storage value is "
	  "required, but neither was provided" },
	{ LIMITS("'type':'Pod','maxLimitRequestRatio':{'cpu':'500m'}"),
	  "spec.limits[0].maxLimitRequestRatio[cpu]: Invalid value: \"500m\": ratio 500m is less "
	  "than 1" },
	{ BUDGET("'minAvailable':1"), "" },
	{ BUDGET("'minAvailable':1,'maxUnavailable':1"),
	  "spec: Invalid value: {\"minAvailable\":1,\"maxUnavailable\":1}: minAvailable and "
	  "maxUnavailable cannot be both set" },
	{ BUDGET("'minAvailable':'150%'"),
	  "spec.minAvailable: Invalid value: \"150%\": must not be greater than 100%" },
	{ PRIORITY, "{" CLUSTER ",'value':1000000000}", NULL, "" },
	{ PRIORITY, "{" CLUSTER ",'value':1000000001}", NULL,
	  "value: Forbidden: maximum allowed value of a user defined priority is 1000000000" },
	{ PRIORITY, "{'metadata':{'name':'system-mine'},'value':1}", NULL,
	  "metadata.name: Forbidden: priority class names with 'system-' prefix are reserved for "
	  "system use only. error: system-mine is not a known system priority class" },
	{ PRIORITY, "{" CLUSTER ",'value':2}", "{" CLUSTER ",'value':1}",
	  "value: Forbidden: may not be changed in an update." },
};

#define POD(spec)                                                                                  \
	"v1", "Pod", "{" META ",'spec':{'containers':[{'name':'c','image':'i'}]," spec "}}", NULL
#define SERVICE(spec) "v1", "Service", "{" META ",'spec':{'ports':[{'port':1}]," spec "}}", NULL
#define SLICE(rest)                                                                                \
	"discovery.k8s.io/v1", "EndpointSlice", "{" META ",'addressType':'IPv4'," rest "}", NULL

static const struct row core[] = {
	{ POD("'schedulingGates':[{'name':'a'}],'nodeName':'n'"),
	  "spec.nodeName: Forbidden: cannot be set until all schedulingGates have been cleared" },
	{ POD("'hostUsers':false,'hostNetwork':true"),
	  "spec.hostNetwork: Forbidden: when `hostUsers` is false" },
	{ POD("'securityContext':{'sysctls':[{'name':'net.core.somaxconn','value':'1'},{'name':"
	      "'kernel/shm_rmid_forced','value':'0'}]}"),
	  "" },
	{ POD("'securityContext':{'sysctls':[{'name':'a b','value':'1'}]}"),
	  "spec.securityContext.sysctls[0].name: Invalid value: \"a b\": must have at most 253 "
	  "characters and match regex ^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*"
	  "[a-z0-9]([-_a-z0-9]*[a-z0-9])?$" },
	{ POD("'topologySpreadConstraints':[{'maxSkew':0,'topologyKey':'z','whenUnsatisfiable':"
	      "'DoNotSchedule'}]"),
	  "spec.topologySpreadConstraints[0].maxSkew: Invalid value: 0: must be greater than "
	  "zero" },
	{ POD("'volumes':[{'name':'v','secret':{'secretName':'s','defaultMode':1000}}]"),
	  "spec.volumes[0].secret.defaultMode: Invalid value: 1000: must be a number between 0 and "
	  "0777 (octal), both inclusive" },
	{ SERVICE("'externalIPs':['127.0.0.1']"),
	  "spec.externalIPs[0]: Invalid value: \"127.0.0.1\": may not be in the loopback range "
	  "(127.0.0.0/8, ::1/128)" },
	{ SERVICE("'healthCheckNodePort':30001"),
	  "spec.healthCheckNodePort: Invalid value: 30001: may only be set when `type` is "
	  "'LoadBalancer' and `externalTrafficPolicy` is 'Local'" },
	{ SLICE("'ports':[{'name':'A'}],'endpoints':[]"),
	  "ports[0].name: Invalid value: \"A\": a lowercase RFC 1123 label must consist of lower "
	  "case alphanumeric characters or '-', and must start and end with an alphanumeric "
	  "character (e.g. 'my-name',  or '123-abc', regex used for validation is "
	  "'[a-z0-9]([-a-z0-9]*[a-z0-9])?')" },
	{ "node.k8s.io/v1", "RuntimeClass",
	  "{" CLUSTER ",'handler':'h','overhead':{'podFixed':{'cpu':'-1'}}}", NULL,
	  "overhead.podFixed[cpu]: Invalid value: \"-1\": must be greater than or equal to 0" },
};

static const struct doc *made(struct arena *arena, const struct schema *schema,
			      const struct api_kind *kind, const char *text)
{
	char *json = (char *)(uintptr_t)str_c(arena, str_copy(arena, str_of(text)));
	struct error error = ERROR_INIT;
	const struct doc *doc = NULL;

	for (char *p = json; *p; p++)
		*p = *p == '\'' ? '"' : *p;
	if (json_parse(arena, str_of(json), &doc, &error) != ST_OK ||
	    schema_decode(arena, schema, kind, doc, &doc, NULL, &error) != ST_OK)
		fail_msg("%s: %s", error.message, json);
	return schema_default(arena, schema, kind, doc);
}

static u32 try_row(struct arena *arena, const struct schema *schema, const struct row *row)
{
	const struct api_kind *kind =
		schema_find_kind(schema, str_of(row->version), str_of(row->kind));
	struct violations v = { 0 };
	struct str all = STR("");

	assert_non_null(kind);
	schema_validate(arena, schema, kind, made(arena, schema, kind, row->body),
			row->old ? made(arena, schema, kind, row->old) : NULL, NULL, &v);
	for (u32 i = 0; i < v.len; i++)
		all = str_format(arena, STR_FMT "%s" STR_FMT ": " STR_FMT, STR_ARG(all),
				 i ? "\n" : "", STR_ARG(v.at[i].field), STR_ARG(v.at[i].message));
	if (str_is(all, row->said))
		return 0;
	print_error("%s %s\n  said   " STR_FMT "\n  wanted %s\n", row->kind, row->body,
		    STR_ARG(all), row->said);
	return 1;
}

static void try_rows(const struct row *rows, u32 len)
{
	struct schema *schema = schema_new();
	struct arena *arena = arena_new(0);
	u32 wrong = 0;

	for (u32 i = 0; i < len; i++)
		wrong += try_row(arena, schema, &rows[i]);
	arena_free(arena);
	schema_free(schema);
	assert_int_equal(wrong, 0);
}

static void networking_is_checked(void **state)
{
	(void)state;
	try_rows(networking, ARRAY_LEN(networking));
}

static void rights_and_webhooks_are_checked(void **state)
{
	(void)state;
	try_rows(access, ARRAY_LEN(access));
}

static void limits_are_checked(void **state)
{
	(void)state;
	try_rows(limits, ARRAY_LEN(limits));
}

static void pods_and_services_are_checked(void **state)
{
	(void)state;
	try_rows(core, ARRAY_LEN(core));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(networking_is_checked),
		cmocka_unit_test(rights_and_webhooks_are_checked),
		cmocka_unit_test(limits_are_checked),
		cmocka_unit_test(pods_and_services_are_checked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
