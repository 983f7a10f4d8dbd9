/* One table says it all; what a role looks like as an object is derived. Follows
 * plugin/pkg/auth/authorizer/rbac/bootstrappolicy. */
#include "server/default_roles.h"

#include "doc/build.h"

#define READ "get,list,watch"
#define WRITE "create,delete,deletecollection,patch,update"
#define EVENTS "create,patch,update core,events.k8s.io events"
#define ASK_WHO "create authentication.k8s.io tokenreviews"
#define ASK_MAY "create authorization.k8s.io subjectaccessreviews"
#define CERTIFICATES "system:certificates.k8s.io:"

static const char edit_rules[] = READ
	" core pods/attach,pods/exec,pods/portforward,pods/proxy,secrets,services/proxy;"
	"impersonate core serviceaccounts;" WRITE
	" core pods,pods/attach,pods/exec,pods/portforward,pods/proxy;"
	"create core pods/eviction;" WRITE
	" core configmaps,events,persistentvolumeclaims,replicationcontrollers,"
	"replicationcontrollers/scale,secrets,serviceaccounts,services,services/proxy;"
	"create core serviceaccounts/token;" WRITE
	" apps daemonsets,deployments,deployments/rollback,deployments/scale,replicasets,"
	"replicasets/scale,statefulsets,statefulsets/scale;" WRITE
	" autoscaling horizontalpodautoscalers;" WRITE " batch cronjobs,jobs;" WRITE
	" extensions daemonsets,deployments,deployments/rollback,deployments/scale,ingresses,"
	"networkpolicies,replicasets,replicasets/scale,replicationcontrollers/scale;" WRITE
	" policy poddisruptionbudgets;" WRITE " networking.k8s.io ingresses,networkpolicies;" WRITE
	"," READ " coordination.k8s.io leases";

static const char view_rules[] =
	READ " core configmaps,endpoints,persistentvolumeclaims,persistentvolumeclaims/status,pods,"
	     "replicationcontrollers,replicationcontrollers/scale,serviceaccounts,services,"
	     "services/status;" READ
	     " core bindings,events,limitranges,namespaces/status,pods/log,pods/status,pods/why,"
	     "replicationcontrollers/status,resourcequotas,resourcequotas/status;" READ
	     " core namespaces;" READ " discovery.k8s.io endpointslices;" READ
	     " apps controllerrevisions,daemonsets,daemonsets/status,deployments,deployments/scale,"
	     "deployments/status,replicasets,replicasets/scale,replicasets/status,statefulsets,"
	     "statefulsets/scale,statefulsets/status;" READ
	     " autoscaling horizontalpodautoscalers,horizontalpodautoscalers/status;" READ
	     " batch cronjobs,cronjobs/status,jobs,jobs/status;" READ
	     " extensions daemonsets,daemonsets/status,deployments,deployments/scale,"
	     "deployments/status,ingresses,ingresses/status,networkpolicies,replicasets,"
	     "replicasets/scale,replicasets/status,replicationcontrollers/scale;" READ
	     " policy poddisruptionbudgets,poddisruptionbudgets/status;" READ
	     " networking.k8s.io ingresses,ingresses/status,networkpolicies";

static const char scheduler_rules[] =
	EVENTS ";create coordination.k8s.io leases;"
	       "get,list,update,watch coordination.k8s.io leases kube-scheduler;" READ
	       " core nodes;delete," READ " core pods;create core bindings,pods/binding;"
	       "patch,update core pods/status;" READ " core replicationcontrollers,services;" READ
	       " apps,extensions replicasets;" READ " apps statefulsets;" READ
	       " policy poddisruptionbudgets;" READ
	       " core persistentvolumeclaims,persistentvolumes;" ASK_WHO ";" ASK_MAY ";" READ
	       " storage.k8s.io csinodes,csidrivers,csistoragecapacities;" READ " core namespaces";

static const char manager_rules[] =
	EVENTS ";create coordination.k8s.io leases;"
	       "get,update coordination.k8s.io leases kube-controller-manager;"
	       "create core secrets,serviceaccounts;delete core secrets;"
	       "get core configmaps,namespaces,secrets,serviceaccounts;"
	       "update core secrets,serviceaccounts;" ASK_WHO ";" ASK_MAY ";"
	       "list,watch * *;create core serviceaccounts/token";

const struct default_role default_roles[] = {
	{ "cluster-admin", "* * *;* @ *", "Group:system:masters", NULL, NULL },
	{ "admin", NULL, NULL, NULL, "admin" },
	{ "edit", NULL, NULL, "admin", "edit" },
	{ "view", NULL, NULL, "edit", "view" },
	{ "system:aggregate-to-admin",
	  "create authorization.k8s.io localsubjectaccessreviews;" WRITE "," READ
	  " rbac.authorization.k8s.io rolebindings,roles",
	  NULL, "admin", NULL },
	{ "system:aggregate-to-edit", edit_rules, NULL, "edit", NULL },
	{ "system:aggregate-to-view", view_rules, NULL, "view", NULL },
	{ "system:aggregated-metrics-reader", READ " metrics.k8s.io nodes,pods", NULL, "view",
	  NULL },
	{ "system:discovery",
	  "get @ /api,/api/*,/apis,/apis/*,/healthz,/livez,/openapi,/openapi/*,/readyz,/version,"
	  "/version/",
	  "Group:system:authenticated", NULL, NULL },
	{ "system:basic-user",
	  "create authorization.k8s.io selfsubjectaccessreviews,selfsubjectrulesreviews;"
	  "create authentication.k8s.io selfsubjectreviews",
	  "Group:system:authenticated", NULL, NULL },
	{ "system:public-info-viewer", "get @ /healthz,/livez,/readyz,/version,/version/",
	  "Group:system:authenticated Group:system:unauthenticated", NULL, NULL },
	{ "system:monitoring",
	  "get @ /healthz,/healthz/*,/livez,/livez/*,/metrics,/metrics/slis,/readyz,/readyz/*",
	  "Group:system:monitoring", NULL, NULL },
	{ "system:auth-delegator", ASK_WHO ";" ASK_MAY, NULL, NULL, NULL },
	{ "system:kube-aggregator", READ " core endpoints,services", NULL, NULL, NULL },
	{ "system:kubelet-api-admin",
	  READ ",proxy core nodes;* core nodes/configz,nodes/healthz,nodes/log,nodes/metrics,"
	       "nodes/pods,nodes/proxy,nodes/stats",
	  NULL, NULL, NULL },
	{ "system:node-bootstrapper",
	  "create," READ " certificates.k8s.io certificatesigningrequests",
	  "Group:system:bootstrappers Group:system:nodes", NULL, NULL },
	{ "system:node-problem-detector", "get core nodes;patch core nodes/status;" EVENTS, NULL,
	  NULL, NULL },
	{ "system:node-proxier",
	  "list,watch core endpoints,services;" READ " core nodes;" EVENTS
	  ";list,watch discovery.k8s.io endpointslices;"
	  "list,watch networking.k8s.io servicecidrs",
	  "User:system:kube-proxy", NULL, NULL },
	{ "system:kube-scheduler", scheduler_rules, "User:system:kube-scheduler", NULL, NULL },
	{ "system:volume-scheduler",
	  READ ",patch,update core persistentvolumes;" READ " storage.k8s.io storageclasses;" READ
	       ",patch,update core persistentvolumeclaims",
	  "User:system:kube-scheduler", NULL, NULL },
	{ "system:kube-controller-manager", manager_rules, "User:system:kube-controller-manager",
	  NULL, NULL },
	{ "system:kube-dns", "list,watch core endpoints,services",
	  "ServiceAccount:kube-system:kube-dns", NULL, NULL },
	{ "system:persistent-volume-provisioner",
	  "create,delete," READ " core persistentvolumes;" READ
	  ",update core persistentvolumeclaims;" READ " storage.k8s.io storageclasses;"
	  "watch core events;" EVENTS,
	  NULL, NULL, NULL },
	{ "system:service-account-issuer-discovery",
	  "get @ /.well-known/openid-configuration,/.well-known/openid-configuration/,"
	  "/openid/v1/jwks,/openid/v1/jwks/",
	  "Group:system:serviceaccounts", NULL, NULL },
	{ CERTIFICATES "certificatesigningrequests:nodeclient",
	  "create certificates.k8s.io certificatesigningrequests/nodeclient",
	  "Group:system:bootstrappers", NULL, NULL },
	{ CERTIFICATES "certificatesigningrequests:selfnodeclient",
	  "create certificates.k8s.io certificatesigningrequests/selfnodeclient",
	  "Group:system:nodes", NULL, NULL },
	{ CERTIFICATES "kube-apiserver-client-approver",
	  "approve certificates.k8s.io signers kubernetes.io/kube-apiserver-client", NULL, NULL,
	  NULL },
	{ CERTIFICATES "kube-apiserver-client-kubelet-approver",
	  "approve certificates.k8s.io signers kubernetes.io/kube-apiserver-client-kubelet", NULL,
	  NULL, NULL },
	{ CERTIFICATES "kubelet-serving-approver",
	  "approve certificates.k8s.io signers kubernetes.io/kubelet-serving", NULL, NULL, NULL },
	{ CERTIFICATES "legacy-unknown-approver",
	  "approve certificates.k8s.io signers kubernetes.io/legacy-unknown", NULL, NULL, NULL },
	{ "system:controller:certificate-controller",
	  "delete," READ " certificates.k8s.io certificatesigningrequests;"
	  "update certificates.k8s.io certificatesigningrequests/approval,"
	  "certificatesigningrequests/status;"
	  "approve certificates.k8s.io signers kubernetes.io/kube-apiserver-client-kubelet,"
	  "kubernetes.io/kubelet-serving;" /* ours: see certificate_request.c */
	  "sign certificates.k8s.io signers kubernetes.io/kube-apiserver-client,"
	  "kubernetes.io/kube-apiserver-client-kubelet,kubernetes.io/kubelet-serving,"
	  "kubernetes.io/legacy-unknown;create authorization.k8s.io subjectaccessreviews;" EVENTS,
	  "ServiceAccount:kube-system:certificate-controller", NULL, NULL },
	{ "system:controller:clusterrole-aggregation-controller",
	  "escalate," READ ",patch,update rbac.authorization.k8s.io clusterroles",
	  "ServiceAccount:kube-system:clusterrole-aggregation-controller", NULL, NULL },
};
const u32 default_roles_len = ARRAY_LEN(default_roles);

/* ---- as objects */

static void build_list(struct build *b, const char *key, struct str list)
{
	build_open_array(b, key);
	while (list.at) {
		struct str piece = str_cut(&list, ',');

		build_str(b, NULL, str_is(piece, "core") ? STR("") : piece);
	}
	build_close(b);
}

static void build_rules(struct build *b, const char *text)
{
	struct str rest = str_of(text);

	build_open_array(b, "rules");
	while (rest.at) {
		struct str rule = str_cut(&rest, ';');
		struct str verbs = str_cut(&rule, ' '), groups = str_cut(&rule, ' '),
			   what = str_cut(&rule, ' ');

		build_open_object(b, NULL);
		build_list(b, "verbs", verbs);
		if (str_is(groups, "@")) {
			build_list(b, "nonResourceURLs", what);
		} else {
			build_list(b, "apiGroups", groups);
			build_list(b, "resources", what);
		}
		if (rule.at)
			build_list(b, "resourceNames", rule);
		build_close(b);
	}
	build_close(b);
}

static struct str part_label(struct arena *arena, const char *role)
{
	return str_format(arena, "rbac.authorization.k8s.io/aggregate-to-%s", role);
}

static void build_meta(struct build *b, const char *name, const char *part_of)
{
	build_open_object(b, "metadata");
	build_str(b, "name", str_of(name));
	build_open_object(b, "labels");
	build_str(b, "kubernetes.io/bootstrapping", STR("rbac-defaults"));
	if (part_of)
		build_str(b, part_label(b->arena, part_of).at, STR("true"));
	build_close(b);
	build_open_object(b, "annotations");
	build_str(b, "rbac.authorization.kubernetes.io/autoupdate", STR("true"));
	build_close(b);
	build_close(b);
}

const struct doc *default_role_doc(struct arena *arena, const struct default_role *role)
{
	struct build b = build_object(arena);

	build_meta(&b, role->name, role->part_of);
	if (role->rules)
		build_rules(&b, role->rules);
	if (role->gathers) {
		build_open_object(&b, "aggregationRule");
		build_open_array(&b, "clusterRoleSelectors");
		build_open_object(&b, NULL);
		build_open_object(&b, "matchLabels");
		build_str(&b, part_label(arena, role->gathers).at, STR("true"));
		for (u32 i = 0; i < 4; i++)
			build_close(&b);
	}
	return build_done(&b);
}

static void build_subject(struct build *b, struct str subject)
{
	struct str kind = str_cut(&subject, ':');
	bool account = str_is(kind, "ServiceAccount");

	build_open_object(b, NULL);
	build_str(b, "kind", kind);
	if (account)
		build_str(b, "namespace", str_cut(&subject, ':'));
	else
		build_str(b, "apiGroup", STR("rbac.authorization.k8s.io"));
	build_str(b, "name", subject);
	build_close(b);
}

const struct doc *default_binding_doc(struct arena *arena, const struct default_role *role)
{
	struct build b = build_object(arena);
	struct str rest = str_of(role->subjects);

	if (!role->subjects)
		return NULL;
	build_meta(&b, role->name, NULL);
	build_open_object(&b, "roleRef");
	build_str(&b, "apiGroup", STR("rbac.authorization.k8s.io"));
	build_str(&b, "kind", STR("ClusterRole"));
	build_str(&b, "name", str_of(role->name));
	build_close(&b);
	build_open_array(&b, "subjects");
	while (rest.at && rest.len)
		build_subject(&b, str_cut(&rest, ' '));
	build_close(&b);
	return build_done(&b);
}

const struct doc *default_reader_doc(struct arena *arena)
{
	struct build b = build_object(arena);

	build_meta(&b, "extension-apiserver-authentication-reader", NULL);
	build_rules(&b, READ " core configmaps extension-apiserver-authentication");
	return build_done(&b);
}
