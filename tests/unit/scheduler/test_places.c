/*
 * Where a pod may go, rule by rule: a table of nodes and pods that are there, one pod that asks,
 * and the node it gets or the sentence that says why not.
 */
#include "../controllers/cluster.h"

#define ZONE "topology.kubernetes.io/zone"
#define NODE(name, labels, more)                                                                   \
	"{'metadata':{'name':'" name "','labels':{'kubernetes.io/hostname':'" name "'" labels      \
	"}},'spec':{" more "},'status':{'allocatable':{'cpu':'4','memory':'8Gi','pods':'10'},"     \
	"'capacity':{'cpu':'4','memory':'8Gi','pods':'10'}}}"
#define IN_ZONE(name, zone) NODE(name, ",'" ZONE "':'" zone "'", "")
#define POD(name, app, node, more)                                                                 \
	"{'metadata':{'name':'" name "','labels':{'app':'" app "'}},'spec':{'nodeName':'" node     \
	"'" more "'containers':[{'name':'c','image':'i'}]}}"
#define SPREAD(key, when, more)                                                                    \
	"'topologySpreadConstraints':[{'maxSkew':1,'topologyKey':'" key                            \
	"','whenUnsatisfiable':'" when "','labelSelector':{'matchLabels':{'app':'web'}}" more      \
	"}],"
#define TERM(app, key) "{'labelSelector':{'matchLabels':{'app':'" app "'}},'topologyKey':'" key "'}"
#define NEAR(terms)                                                                                \
	"'affinity':{'podAffinity':{'requiredDuringSchedulingIgnoredDuringExecution':[" terms "]}" \
	"},"
#define APART(terms)                                                                               \
	"'affinity':{'podAntiAffinity':{'requiredDuringSchedulingIgnoredDuringExecution':[" terms  \
	"]}},"
#define PREFER(kind, terms)                                                                        \
	"'affinity':{'" kind "':{'preferredDuringSchedulingIgnoredDuringExecution':[{'weight':"    \
	"100,'podAffinityTerm':" terms "}]}},"
#define PREEMPTION(count)                                                                          \
	" preemption: 0/" count " nodes are available: " count                                     \
	" Preemption is not helpful for scheduling."

struct place_case {
	const char *says; /* what it shows */
	const char *nodes[4];
	const char *pods[6];	   /* placed already */
	const char *labels, *spec; /* of the pod that asks */
	const char *container;	   /* more of its container */
	const char *node;	   /* names it may get, parted by blanks; NULL: nowhere, because */
	const char *why;
};

static const struct place_case cases[] = {
	{ "spread: the emptier zone",
	  { IN_ZONE("a1", "a"), IN_ZONE("a2", "a"), IN_ZONE("b1", "b") },
	  { POD("w1", "web", "a1", ","), POD("x1", "other", "b1", ",") },
	  "'app':'web'",
	  SPREAD(ZONE, "DoNotSchedule", ""),
	  "",
	  "b1",
	  NULL },
	{ "spread: within maxSkew any zone will do",
	  { IN_ZONE("a1", "a"), IN_ZONE("b1", "b") },
	  { POD("w1", "web", "a1", ","), POD("w2", "web", "b1", ",") },
	  "'app':'web'",
	  SPREAD(ZONE, "DoNotSchedule", ""),
	  "",
	  "a1 b1",
	  NULL },
	{ "spread: nowhere, when the emptier zone is closed but still counts",
	  { IN_ZONE("a1", "a"), NODE("b1", ",'" ZONE "':'b'", "'unschedulable':true") },
	  { POD("w1", "web", "a1", ",") },
	  "'app':'web'",
	  SPREAD(ZONE, "DoNotSchedule", ""),
	  "",
	  NULL,
	  "0/2 nodes are available: 1 node(s) didn't match pod topology spread constraints, 1 "
	  "node(s) were unschedulable. preemption: 0/2 nodes are available: 1 No preemption "
	  "victims found for incoming pod, 1 Preemption is not helpful for scheduling." },
	{ "spread: nodeTaintsPolicy Honor leaves tainted nodes out",
	  { IN_ZONE("a1", "a"),
	    NODE("b1", ",'" ZONE "':'b'", "'taints':[{'key':'x','effect':'NoSchedule'}]") },
	  { POD("w1", "web", "a1", ",") },
	  "'app':'web'",
	  SPREAD(ZONE, "DoNotSchedule", ",'nodeTaintsPolicy':'Honor'"),
	  "",
	  "a1",
	  NULL },
	{ "spread: a node selector leaves other zones out",
	  { NODE("a1", ",'" ZONE "':'a','disk':'ssd'", ""), IN_ZONE("b1", "b") },
	  { POD("w1", "web", "a1", ",") },
	  "'app':'web'",
	  "'nodeSelector':{'disk':'ssd'}," SPREAD(ZONE, "DoNotSchedule", ""),
	  "",
	  "a1",
	  NULL },
	{ "spread: unless nodeAffinityPolicy is Ignore",
	  { NODE("a1", ",'" ZONE "':'a','disk':'ssd'", ""), IN_ZONE("b1", "b") },
	  { POD("w1", "web", "a1", ",") },
	  "'app':'web'",
	  "'nodeSelector':{'disk':'ssd'}," SPREAD(ZONE, "DoNotSchedule",
						  ",'nodeAffinityPolicy':'Ignore'"),
	  "",
	  NULL,
	  "0/2 nodes are available: 1 node(s) didn't match Pod's node affinity/selector, 1 node(s) "
	  "didn't match pod topology spread constraints. preemption: 0/2 nodes are available: 1 "
	  "No preemption victims found for incoming pod, 1 Preemption is not helpful for "
	  "scheduling." },
	{ "spread: minDomains asks for a zone that is not there",
	  { IN_ZONE("a1", "a"), IN_ZONE("b1", "b") },
	  { POD("w1", "web", "a1", ","), POD("w2", "web", "b1", ",") },
	  "'app':'web'",
	  SPREAD(ZONE, "DoNotSchedule", ",'minDomains':3"),
	  "",
	  NULL,
	  "0/2 nodes are available: 2 node(s) didn't match pod topology spread constraints. "
	  "preemption: 0/2 nodes are available: 2 No preemption victims found for incoming pod." },
	{ "spread: a node without the label",
	  { NODE("n1", "", "") },
	  { NULL },
	  "'app':'web'",
	  SPREAD(ZONE, "DoNotSchedule", ""),
	  "",
	  NULL,
	  "0/1 nodes are available: 1 node(s) didn't match pod topology spread constraints "
	  "(missing "
	  "required label)." PREEMPTION("1") },
	{ "spread: matchLabelKeys counts only the same revision",
	  { IN_ZONE("a1", "a"), IN_ZONE("b1", "b") },
	  { "{'metadata':{'name':'old','labels':{'app':'web','rev':'1'}},'spec':{'nodeName':'b1',"
	    "'containers':[{'name':'c','image':'i'}]}}",
	    "{'metadata':{'name':'new','labels':{'app':'web','rev':'2'}},'spec':{'nodeName':'a1',"
	    "'containers':[{'name':'c','image':'i'}]}}" },
	  "'app':'web','rev':'2'",
	  SPREAD(ZONE, "DoNotSchedule", ",'matchLabelKeys':['rev']"),
	  "",
	  "b1",
	  NULL },
	{ "spread: ScheduleAnyway only prefers",
	  { IN_ZONE("a1", "a"), IN_ZONE("b1", "b") },
	  { POD("w1", "web", "a1", ","), POD("w2", "web", "a1", ",") },
	  "'app':'web'",
	  SPREAD(ZONE, "ScheduleAnyway", ""),
	  "",
	  "b1",
	  NULL },
	{ "affinity: where the other is",
	  { IN_ZONE("a1", "a"), IN_ZONE("a2", "a"), IN_ZONE("b1", "b") },
	  { POD("db", "db", "b1", ",") },
	  "'app':'web'",
	  NEAR(TERM("db", ZONE)),
	  "",
	  "b1",
	  NULL },
	{ "affinity: nowhere, when the other is nowhere",
	  { IN_ZONE("a1", "a") },
	  { NULL },
	  "'app':'web'",
	  NEAR(TERM("db", ZONE)),
	  "",
	  NULL,
	  "0/1 nodes are available: 1 node(s) didn't match pod affinity rules." PREEMPTION("1") },
	{ "affinity: the first of a group goes anywhere",
	  { IN_ZONE("a1", "a") },
	  { NULL },
	  "'app':'db'",
	  NEAR(TERM("db", ZONE)),
	  "",
	  "a1",
	  NULL },
	{ "affinity: all terms of one pod together",
	  { IN_ZONE("a1", "a"), IN_ZONE("b1", "b") },
	  { POD("db", "db", "a1", ","),
	    "{'metadata':{'name':'both','labels':{'app':'db','tier':'x'}},'spec':{'nodeName':'b1',"
	    "'containers':[{'name':'c','image':'i'}]}}" },
	  "'app':'web'",
	  NEAR(TERM("db", ZONE) ",{'labelSelector':{'matchLabels':{'tier':'x'}},'topologyKey':"
				"'kubernetes.io/hostname'}"),
	  "",
	  "b1",
	  NULL },
	{ "anti-affinity: not beside its like",
	  { IN_ZONE("a1", "a"), IN_ZONE("a2", "a") },
	  { POD("w1", "web", "a1", ",") },
	  "'app':'web'",
	  APART(TERM("web", "kubernetes.io/hostname")),
	  "",
	  "a2",
	  NULL },
	{ "anti-affinity: nowhere",
	  { IN_ZONE("a1", "a"), IN_ZONE("a2", "a") },
	  { POD("w1", "web", "a1", ",") },
	  "'app':'web'",
	  APART(TERM("web", ZONE)),
	  "",
	  NULL,
	  "0/2 nodes are available: 2 node(s) didn't match pod anti-affinity rules. preemption: "
	  "0/2 "
	  "nodes are available: 2 No preemption victims found for incoming pod." },
	{ "anti-affinity: of the one that is there already",
	  { IN_ZONE("a1", "a"), IN_ZONE("b1", "b") },
	  { POD("shy", "shy", "a1", "," APART(TERM("web", ZONE))) },
	  "'app':'web'",
	  "",
	  "",
	  "b1",
	  NULL },
	{ "anti-affinity: of the one that is there, everywhere",
	  { IN_ZONE("a1", "a") },
	  { POD("shy", "shy", "a1", "," APART(TERM("web", ZONE))) },
	  "'app':'web'",
	  "",
	  "",
	  NULL,
	  "0/1 nodes are available: 1 node(s) didn't satisfy existing pods anti-affinity rules. "
	  "preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod." },
	{ "affinity: other namespaces only when they are said",
	  { IN_ZONE("a1", "a"), IN_ZONE("b1", "b") },
	  { POD("w1", "web", "a1", ",") },
	  "'app':'web'",
	  APART("{'labelSelector':{'matchLabels':{'app':'web'}},'topologyKey':'" ZONE
		"','namespaces':['elsewhere']}"),
	  "",
	  "a1 b1",
	  NULL },
	{ "affinity: namespaceSelector {} is every namespace",
	  { IN_ZONE("a1", "a"), IN_ZONE("b1", "b") },
	  { POD("w1", "web", "a1", ",") },
	  "'app':'web'",
	  APART("{'labelSelector':{'matchLabels':{'app':'web'}},'topologyKey':'" ZONE
		"','namespaceSelector':{}}"),
	  "",
	  "b1",
	  NULL },
	{ "preferred affinity: drawn to the other",
	  { IN_ZONE("a1", "a"), IN_ZONE("b1", "b") },
	  { POD("db", "db", "b1", ",") },
	  "'app':'web'",
	  PREFER("podAffinity", TERM("db", ZONE)),
	  "",
	  "b1",
	  NULL },
	{ "preferred anti-affinity: kept from the other",
	  { IN_ZONE("a1", "a"), IN_ZONE("b1", "b") },
	  { POD("db", "db", "a1", ",") },
	  "'app':'web'",
	  PREFER("podAntiAffinity", TERM("db", ZONE)),
	  "",
	  "b1",
	  NULL },
	{ "preferred: what is there likes it near",
	  { IN_ZONE("a1", "a"), IN_ZONE("b1", "b") },
	  { POD("fan", "fan", "b1", "," PREFER("podAffinity", TERM("web", ZONE))) },
	  "'app':'web'",
	  "",
	  "",
	  "b1",
	  NULL },
	{ "preferred: what is there likes it far",
	  { IN_ZONE("a1", "a"), IN_ZONE("b1", "b") },
	  { POD("foe", "foe", "a1", "," PREFER("podAntiAffinity", TERM("web", ZONE))) },
	  "'app':'web'",
	  "",
	  "",
	  "b1",
	  NULL },
	{ "taints: NoExecute keeps out as well",
	  { NODE("n1", "", "'taints':[{'key':'x','effect':'NoExecute'}]") },
	  { NULL },
	  "'app':'web'",
	  "",
	  "",
	  NULL,
	  "0/1 nodes are available: 1 node(s) had untolerated taint(s)." PREEMPTION("1") },
	{ "taints: PreferNoSchedule only prefers",
	  { NODE("n1", "", "'taints':[{'key':'x','effect':'PreferNoSchedule'}]"),
	    NODE("n2", "", "") },
	  { NULL },
	  "'app':'web'",
	  "",
	  "",
	  "n2",
	  NULL },
	{ "fields: a DaemonSet's pod looks at its node alone",
	  { NODE("n1", "", ""), NODE("n2", "", "'unschedulable':true") },
	  { NULL },
	  "'app':'web'",
	  "'affinity':{'nodeAffinity':{'requiredDuringSchedulingIgnoredDuringExecution':{"
	  "'nodeSelectorTerms':[{'matchFields':[{'key':'metadata.name','operator':'In','values':["
	  "'n2']}]}]}}},",
	  "",
	  NULL,
	  "0/2 nodes are available: 1 node(s) didn't satisfy plugin(s) [NodeAffinity], 1 node(s) "
	  "were unschedulable." PREEMPTION("2") },
	{ "room: every resource that is short is named",
	  { NODE("n1", "", "") },
	  { NULL },
	  "'app':'web'",
	  "",
	  ",'resources':{'requests':{'cpu':'5','memory':'9Gi'}}",
	  NULL,
	  "0/1 nodes are available: 1 Insufficient cpu, 1 Insufficient memory." PREEMPTION("1") },
	{ "room: overhead counts",
	  { NODE("n1", "", "") },
	  { NULL },
	  "'app':'web'",
	  "'initContainers':[{'name':'i','image':'i','resources':{'requests':{'cpu':"
	  "'5'}}}],",
	  "",
	  NULL,
	  "0/1 nodes are available: 1 Insufficient cpu." PREEMPTION("1") },
	{ "room: a sidecar counts beside the containers",
	  { NODE("n1", "", "") },
	  { NULL },
	  "'app':'web'",
	  "'initContainers':[{'name':'i','image':'i','restartPolicy':'Always',"
	  "'resources':{'requests':{'cpu':'3'}}}],",
	  ",'resources':{'requests':{'cpu':'2'}}",
	  NULL,
	  "0/1 nodes are available: 1 Insufficient cpu." PREEMPTION("1") },
	{ "claims: one that is not there",
	  { NODE("n1", "", "") },
	  { NULL },
	  "'app':'web'",
	  "'volumes':[{'name':'v','persistentVolumeClaim':{'claimName':'data'}}],",
	  "",
	  NULL,
	  "0/1 nodes are available: persistentvolumeclaim \"data\" not found." PREEMPTION("1") },
};

static void make_node(struct cluster *c, const char *json)
{
	const struct doc *doc = cluster_doc(c, json);
	cluster_create(c, KIND_Node, json);
	struct call call = cluster_call(c);
	struct outcome outcome = { 0 };
	struct error error = ERROR_INIT;
	struct str name = doc_at_str(doc, "metadata.name");
	const struct doc *patch = doc_with(c->arena, NULL, STR("status"), doc_key(doc, "status"));
	assert_int_equal(verb_patch(&call, schema_kind(c->schema, KIND_Node), STR_NONE, name,
				    STR("status"), PATCH_MERGE, false, patch, &outcome, &error),
			 ST_OK);
}

static bool one_of(const char *names, struct str name)
{
	struct str rest = str_of(names);
	while (rest.at)
		if (str_eq(str_cut(&rest, ' '), name))
			return true;
	return false;
}

static void run_case(const struct place_case *wanted)
{
	static const struct cluster_wish no_nodes = { 0 };
	struct cluster *c = cluster_new(no_nodes);
	for (u32 i = 0; i < ARRAY_LEN(wanted->nodes) && wanted->nodes[i]; i++)
		make_node(c, wanted->nodes[i]);
	for (u32 i = 0; i < ARRAY_LEN(wanted->pods) && wanted->pods[i]; i++)
		cluster_create(c, KIND_Pod, wanted->pods[i]);
	cluster_create(c, KIND_Pod,
		       str_format(c->arena,
				  "{'metadata':{'name':'asks','labels':{%s}},'spec':{%s"
				  "'containers':[{'name':'c','image':'i'%s}]}}",
				  wanted->labels, wanted->spec, wanted->container)
			       .at);
	scheduler_step(c->scheduler, 10);
	struct str node = doc_at_str(cluster_get(c, KIND_Pod, "asks")->doc, "spec.nodeName");
	const char *why = cluster_condition(c, KIND_Pod, "asks", "PodScheduled");
	if (wanted->node ? !one_of(wanted->node, node) : node.len != 0)
		fail_msg("%s: got \"" STR_FMT "\", %s", wanted->says, STR_ARG(node), why);
	if (wanted->why && strcmp(strchr(why, ':') + 2, wanted->why) != 0)
		fail_msg("%s:\n got %s\nwant %s", wanted->says, strchr(why, ':') + 2, wanted->why);
	cluster_free(c);
}

static void every_rule_places_or_says_why_not(void **state)
{
	(void)state;
	for (u32 i = 0; i < ARRAY_LEN(cases); i++)
		run_case(&cases[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_rule_places_or_says_why_not),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
