/* Who has to leave, whom it spares, and what is said about it. */
#include "../controllers/cluster.h"

static const struct simulated_config small = {
	.nodes = 2, .cpu = "2", .memory = "4Gi", .pods = 10
};

static struct cluster *start(void)
{
	struct cluster *c = cluster_new((struct cluster_wish){ .config = &small });
	cluster_create(c, KIND_PriorityClass, "{'metadata':{'name':'high'},'value':1000}");
	cluster_create(c, KIND_PriorityClass, "{'metadata':{'name':'middle'},'value':500}");
	cluster_create(c, KIND_PriorityClass,
		       "{'metadata':{'name':'polite'},'value':900,'preemptionPolicy':'Never'}");
	return c;
}

static void make_pod(struct cluster *c, const char *name, const char *class, const char *cpu,
		     const char *spec)
{
	char json[1024];
	snprintf(
		json, sizeof json,
		"{'metadata':{'name':'%s','labels':{'app':'%s'}},'spec':{'priorityClassName':'%s',"
		"%s'containers':[{'name':'c','image':'i','resources':{'requests':{'cpu':'%s'}}}]}}",
		name, name, class, spec, cpu);
	cluster_create(c, KIND_Pod, json);
	cluster_run(c, 2);
}

static const char *node_of(struct cluster *c, const char *name)
{
	struct version *pod = cluster_get(c, KIND_Pod, name);
	return pod ? str_c(c->arena, doc_at_str(pod->doc, "spec.nodeName")) : "gone";
}

static const char *why(struct cluster *c, const char *name)
{
	const char *said = cluster_condition(c, KIND_Pod, name, "PodScheduled");
	return strchr(said, ':') ? strchr(said, ':') + 2 : said;
}

#define ON(node) "'nodeSelector':{'kubernetes.io/hostname':'" node "'},"

static void the_least_important_leaves(void **state)
{
	(void)state;
	struct cluster *c = start();
	make_pod(c, "mid", "middle", "1500m", ON("simulated-0"));
	make_pod(c, "low", "", "1500m", ON("simulated-1"));
	struct version *low = cluster_get(c, KIND_Pod, "low");
	make_pod(c, "vip", "high", "1", "");
	const struct doc *vip = cluster_get(c, KIND_Pod, "vip")->doc;
	struct version *leaving = cluster_get(c, KIND_Pod, "low");
	if (leaving) { /* it has its grace period */
		assert_string_equal(cluster_condition(c, KIND_Pod, "low", "DisruptionTarget"),
				    "True PreemptionByScheduler: default-scheduler: preempting to "
				    "accommodate a higher priority pod");
		assert_true(str_is(doc_at_str(vip, "status.nominatedNodeName"), "simulated-1"));
		assert_string_equal(why(c, "vip"), "0/2 nodes are available: 2 Insufficient cpu.");
	}
	cluster_run(c, 60);
	assert_string_equal(node_of(c, "vip"), "simulated-1");
	assert_string_equal(node_of(c, "low"), "gone");
	assert_string_equal(node_of(c, "mid"), "simulated-0");
	assert_int_equal(cluster_said(c, "Preempted",
				      str_format(c->arena,
						 "Preempted by pod " STR_FMT " on node simulated-1",
						 STR_ARG(cluster_get(c, KIND_Pod, "vip")->uid))
					      .at),
			 1);
	assert_non_null(low);
	cluster_free(c);
}

static void no_more_leave_than_must(void **state)
{
	(void)state;
	struct cluster *c = start();
	make_pod(c, "a", "", "500m", ON("simulated-0"));
	make_pod(c, "b", "", "500m", ON("simulated-0"));
	make_pod(c, "m", "middle", "500m", ON("simulated-0"));
	make_pod(c, "d", "", "500m", ON("simulated-0"));
	make_pod(c, "vip", "high", "1", ON("simulated-0"));
	cluster_run(c, 60);
	assert_string_equal(node_of(c, "vip"), "simulated-0");
	assert_string_equal(node_of(c, "m"), "simulated-0");
	assert_int_equal(cluster_said(c, "Preempted", NULL), 2);
	cluster_free(c);
}

static void a_budget_is_kept_where_it_can_be(void **state)
{
	(void)state;
	struct cluster *c = start();
	make_pod(c, "guarded", "", "1500m", ON("simulated-0"));
	make_pod(c, "free", "", "1500m", ON("simulated-1"));
	cluster_create(c, KIND_PodDisruptionBudget,
		       "{'metadata':{'name':'g'},'spec':{'minAvailable':1,'selector':{'matchLabels'"
		       ":{'app':'guarded'}}}}");
	cluster_run(c, 5);
	make_pod(c, "vip", "high", "1", "");
	cluster_run(c, 60);
	assert_string_equal(node_of(c, "guarded"), "simulated-0");
	assert_string_equal(node_of(c, "vip"), "simulated-1");
	/* With nowhere else to go, the budget gives way. */
	make_pod(c, "vip2", "high", "1500m", ON("simulated-0"));
	cluster_run(c, 60);
	assert_string_equal(node_of(c, "vip2"), "simulated-0");
	cluster_free(c);
}

static void the_polite_wait(void **state)
{
	(void)state;
	struct cluster *c = start();
	make_pod(c, "low", "", "1500m", ON("simulated-0"));
	make_pod(c, "calm", "polite", "1", ON("simulated-0"));
	cluster_run(c, 30);
	assert_string_equal(node_of(c, "calm"), "");
	assert_string_equal(why(c, "calm"),
			    "0/2 nodes are available: 1 Insufficient cpu, 1 node(s) didn't match "
			    "Pod's node affinity/selector. preemption: not eligible due to "
			    "preemptionPolicy=Never.");
	cluster_free(c);
}

static void equals_are_left_alone(void **state)
{
	(void)state;
	struct cluster *c = start();
	make_pod(c, "one", "high", "1500m", ON("simulated-0"));
	make_pod(c, "two", "high", "1500m", ON("simulated-0"));
	cluster_run(c, 30);
	assert_string_equal(node_of(c, "two"), "");
	assert_string_equal(why(c, "two"),
			    "0/2 nodes are available: 1 Insufficient cpu, 1 node(s) didn't match "
			    "Pod's node affinity/selector. preemption: 0/2 nodes are available: 1 "
			    "No preemption victims found for incoming pod, 1 Preemption is not "
			    "helpful for scheduling.");
	cluster_free(c);
}

/* One of less importance elsewhere is no reason to look at equals here. */
static void equals_are_left_alone_beside_lesser_ones(void **state)
{
	(void)state;
	struct cluster *c = start();
	make_pod(c, "one", "high", "1500m", ON("simulated-0"));
	make_pod(c, "low", "", "1500m", ON("simulated-1"));
	make_pod(c, "two", "high", "1500m", ON("simulated-0"));
	cluster_run(c, 30);
	assert_string_equal(node_of(c, "one"), "simulated-0");
	assert_string_equal(node_of(c, "low"), "simulated-1");
	assert_string_equal(node_of(c, "two"), "");
	cluster_free(c);
}

static void nobody_lesser_takes_the_room_made(void **state)
{
	(void)state;
	struct cluster *c = start();
	make_pod(c, "low", "", "1800m", ON("simulated-0") "'terminationGracePeriodSeconds':30,");
	make_pod(c, "full", "high", "1800m", ON("simulated-1"));
	cluster_create(c, KIND_Pod,
		       "{'metadata':{'name':'vip'},'spec':{'priorityClassName':'high','containers':"
		       "[{'name':'c','image':'i','resources':{'requests':{'cpu':'1500m'}}}]}}");
	cluster_create(c, KIND_Pod,
		       "{'metadata':{'name':'late'},'spec':{'containers':[{'name':'c','image':'i',"
		       "'resources':{'requests':{'cpu':'1500m'}}}]}}");
	cluster_run(c, 90);
	assert_string_equal(node_of(c, "vip"), "simulated-0");
	assert_string_equal(node_of(c, "late"), "");
	cluster_free(c);
}

static void anti_affinity_of_a_lesser_pod_gives_way(void **state)
{
	(void)state;
	struct cluster *c = start();
	static const char shy[] =
		"'affinity':{'podAntiAffinity':{'requiredDuringSchedulingIgnoredDuringExecution':[{"
		"'labelSelector':{},'topologyKey':'kubernetes.io/os'}]}},";
	make_pod(c, "shy", "", "100m", shy);
	make_pod(c, "vip", "high", "100m", "");
	cluster_run(c, 60);
	assert_string_equal(node_of(c, "shy"), "gone");
	assert_string_not_equal(node_of(c, "vip"), "");
	cluster_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_least_important_leaves),
		cmocka_unit_test(no_more_leave_than_must),
		cmocka_unit_test(a_budget_is_kept_where_it_can_be),
		cmocka_unit_test(the_polite_wait),
		cmocka_unit_test(equals_are_left_alone),
		cmocka_unit_test(equals_are_left_alone_beside_lesser_ones),
		cmocka_unit_test(nobody_lesser_takes_the_room_made),
		cmocka_unit_test(anti_affinity_of_a_lesser_pod_gives_way),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
