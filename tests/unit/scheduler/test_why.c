/* What `why` says of pods in each kind of trouble; every sentence in full. */
#include "../controllers/cluster.h"

static const struct simulated_config small = {
	.nodes = 3, .cpu = "2", .memory = "4Gi", .pods = 10
};

static struct cluster *start(void)
{
	return cluster_new((struct cluster_wish){ .config = &small });
}

static void make_pod(struct cluster *c, const char *name, const char *spec, const char *more)
{
	cluster_create(c, KIND_Pod,
		       str_format(c->arena,
				  "{'metadata':{'name':'%s','labels':{'app':'%s'}},'spec':{%s"
				  "'containers':[{'name':'c','image':'i'%s}]}}",
				  name, name, spec, more)
			       .at);
	cluster_run(c, 2);
}

/* The whole answer as text: "summary | nodes what -> help | …". */
static const char *why(struct cluster *c, const char *name)
{
	const struct doc *answer = scheduler_why(c->scheduler, c->store, &c->clock, c->arena,
						 cluster_get(c, KIND_Pod, name));
	struct str text = doc_at_str(answer, "summary");
	doc_each_item(doc_key(answer, "reasons"), reason) {
		u32 nodes = doc_len(doc_key(reason, "nodes"));
		text = str_format(c->arena, STR_FMT "\n%s%s" STR_FMT " -> " STR_FMT, STR_ARG(text),
				  nodes ? str_format(c->arena, "%u", nodes).at : "",
				  nodes ? " nodes: " : "", STR_ARG(doc_at_str(reason, "what")),
				  STR_ARG(doc_at_str(reason, "help")));
	}
	return text.at;
}

static void set_status(struct cluster *c, const char *name, const char *container)
{
	cluster_patch_sub(c, KIND_Pod, name, "status",
			  str_format(c->arena,
				     "{'status':{'phase':'Pending','conditions':[],"
				     "'containerStatuses':[{'name':'c','image':'i','imageID':'',"
				     "'ready':false,%s}]}}",
				     container)
				  .at);
}

/* A pod on a node that nobody simulates. */
static void place_pod(struct cluster *c, const char *name, const char *spec, const char *more)
{
	cluster_create(c, KIND_Node,
		       "{'metadata':{'name':'still'},'status':{'conditions':[{'type':'Ready',"
		       "'status':'True'}]}}");
	cluster_create(c, KIND_Pod,
		       str_format(c->arena,
				  "{'metadata':{'name':'%s'},'spec':{'nodeName':'still',%s"
				  "'containers':[{'name':'c','image':'i'%s}]}}",
				  name, spec, more)
			       .at);
}

static void numbers_say_what_is_short(void **state)
{
	(void)state;
	struct cluster *c = start();
	make_pod(c, "there", "'nodeSelector':{'kubernetes.io/hostname':'simulated-0'},",
		 ",'resources':{'requests':{'cpu':'1500m','memory':'1Gi'}}");
	make_pod(c, "big", "", ",'resources':{'requests':{'cpu':'3','memory':'1Gi'}}");
	assert_string_equal(
		why(c, "big"),
		"The pod has no node: none can take it.\n"
		"1 nodes: short of cpu by 2500m: it asks for 3, and 500m of 2 is free -> No node "
		"like this can ever take it: ask for at most 2 of cpu, or add a bigger node.\n"
		"2 nodes: short of cpu by 1: it asks for 3, and 2 of 2 is free -> No node like "
		"this "
		"can ever take it: ask for at most 2 of cpu, or add a bigger node.");
	cluster_free(c);
}

static void taints_cordons_and_labels_come_with_their_cure(void **state)
{
	(void)state;
	struct cluster *c = start();
	cluster_patch(c, KIND_Node, "simulated-0", "{'spec':{'unschedulable':true}}");
	cluster_patch(c, KIND_Node, "simulated-1",
		      "{'metadata':{'labels':{'disk':'ssd'}},'spec':{'taints':[{'key':'team',"
		      "'value':'red','effect':'NoSchedule'}]}}");
	cluster_patch(c, KIND_Node, "simulated-2", "{'metadata':{'labels':{'disk':'hdd'}}}");
	cluster_run(c, 1);
	make_pod(c, "x", "'nodeSelector':{'disk':'ssd'},", "");
	assert_string_equal(
		why(c, "x"),
		"The pod has no node: none can take it.\n"
		"1 nodes: the node is cordoned -> minke uncordon simulated-0\n"
		"1 nodes: its nodeSelector wants the label disk=ssd, which is not there -> minke "
		"label node simulated-0 disk=ssd\n"
		"1 nodes: the node has the taint team=red:NoSchedule, which the pod does not "
		"tolerate -> Give the pod a toleration for it, or take the taint away: minke taint "
		"node simulated-1 team=red:NoSchedule-\n"
		"1 nodes: its nodeSelector wants the label disk=ssd, which is \"hdd\" -> minke "
		"label node simulated-2 disk=ssd");
	cluster_free(c);
}

static void gates_and_strange_schedulers_are_named(void **state)
{
	(void)state;
	struct cluster *c = start();
	make_pod(c, "gated", "'schedulingGates':[{'name':'example.com/wait'}],", "");
	assert_string_equal(why(c, "gated"),
			    "The pod waits until its scheduling gates are taken away.\n"
			    "the gate example.com/wait is closed -> Whoever set the gate has to "
			    "remove it from spec.schedulingGates.");
	make_pod(c, "other", "'schedulerName':'mine',", "");
	assert_string_equal(why(c, "other"),
			    "The pod has no node yet.\n"
			    "it asks for the scheduler \"mine\", and nobody of that name has given "
			    "it a node -> Start that scheduler, or make the pod without "
			    "spec.schedulerName.");
	make_pod(c, "fine", "", "");
	cluster_run(c, 5);
	assert_non_null(strstr(why(c, "fine"), "The pod runs on node simulated-"));
	cluster_free(c);
}

static void missing_things_are_named(void **state)
{
	(void)state;
	struct cluster *c = start();
	place_pod(
		c, "x", "'volumes':[{'name':'v','secret':{'secretName':'keys'}}],",
		",'env':[{'name':'A','valueFrom':{'configMapKeyRef':{'name':'conf','key':'a'}}}]");
	cluster_create(c, KIND_ConfigMap, "{'metadata':{'name':'conf'},'data':{'b':'1'}}");
	assert_string_equal(
		why(c, "x"),
		"The pod is on node still, but has not started.\n"
		"the Secret \"keys\" it uses is not there -> Make it in the namespace default, or "
		"mark the use of it as optional.\n"
		"the ConfigMap \"conf\" has no key \"a\" -> Add the key, or use one that is "
		"there.");
	cluster_free(c);
}

static void a_crash_loop_says_how_and_when_next(void **state)
{
	(void)state;
	struct cluster *c = start();
	place_pod(c, "x", "", "");
	struct str ended = timestamp_print(c->arena, c->now_ns - 15 * NS_PER_S);
	set_status(c, "x",
		   str_format(c->arena,
			      "'restartCount':4,'state':{'waiting':{'reason':'CrashLoopBackOff',"
			      "'message':'back-off 1m20s restarting failed container=c pod=x'}},"
			      "'lastState':{'terminated':{'exitCode':3,'reason':'Error',"
			      "'finishedAt':'" STR_FMT "'}}",
			      STR_ARG(ended))
			   .at);
	assert_string_equal(why(c, "x"),
			    "The pod is on node still, but has not started.\n"
			    "container c ended, exit code 3, after 4 restart(s); it is started "
			    "again in 65 s -> Read its last words: minke logs x -c c --previous");
	set_status(c, "x",
		   "'restartCount':1,'state':{'waiting':{'reason':'CrashLoopBackOff'}},"
		   "'lastState':{'terminated':{'exitCode':137,'reason':'OOMKilled'}}");
	assert_non_null(strstr(why(c, "x"), "it used more memory than its limit and was killed"));
	cluster_free(c);
}

static void an_image_says_what_the_registry_said(void **state)
{
	(void)state;
	struct cluster *c = start();
	place_pod(c, "x", "", "");
	set_status(c, "x",
		   "'restartCount':0,'state':{'waiting':{'reason':'ErrImagePull','message':"
		   "'registry.example.org answered 404: manifest unknown'}}");
	assert_string_equal(
		why(c, "x"),
		"The pod is on node still, but has not started.\n"
		"container c has no image: registry.example.org answered 404: manifest unknown -> "
		"Is \"i\" spelt right, is the registry reachable, does it ask for a pull secret?");
	cluster_free(c);
}

static void a_dead_node_and_finalizers_hold_a_pod(void **state)
{
	(void)state;
	struct cluster *c = start();
	place_pod(c, "x", "", "");
	cluster_patch(c, KIND_Pod, "x", "{'metadata':{'finalizers':['example.com/keep']}}");
	cluster_patch_sub(c, KIND_Node, "still", "status",
			  "{'status':{'conditions':[{'type':'Ready','status':'Unknown','message':"
			  "'Kubelet stopped posting node status.','lastTransitionTime':"
			  "'2025-12-31T23:00:01Z'}]}}");
	assert_string_equal(why(c, "x"),
			    "The pod is on node still, but has not started.\n"
			    "1 nodes: the node is not ready since 60 min ago: Kubelet stopped "
			    "posting node status. -> Look after the node: is it on, is its agent "
			    "running, does it reach the server?");
	cluster_delete(c, KIND_Pod, "x", PROPAGATION_DEFAULT);
	assert_non_null(strstr(why(c, "x"), "The pod is being deleted, asked for"));
	assert_non_null(strstr(why(c, "x"), "its finalizer example.com/keep is still there"));
	cluster_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_say_what_is_short),
		cmocka_unit_test(taints_cordons_and_labels_come_with_their_cure),
		cmocka_unit_test(gates_and_strange_schedulers_are_named),
		cmocka_unit_test(missing_things_are_named),
		cmocka_unit_test(a_crash_loop_says_how_and_when_next),
		cmocka_unit_test(an_image_says_what_the_registry_said),
		cmocka_unit_test(a_dead_node_and_finalizers_hold_a_pod),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
