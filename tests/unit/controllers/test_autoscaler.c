/* HorizontalPodAutoscalers in a whole cluster whose pods use what their annotations say. */
#include "cluster.h"

static struct cluster *c;

static int up(void **state)
{
	(void)state;
	c = cluster_new((struct cluster_wish){ .nodes = 3 });
	return 0;
}

static int down(void **state)
{
	(void)state;
	cluster_free(c);
	return 0;
}

static void deploy(i64 replicas, const char *requests)
{
	char json[1024];

	snprintf(json, sizeof json,
		 "{'metadata':{'name':'web'},'spec':{'replicas':%lld,'selector':{'matchLabels':"
		 "{'app':'web'}},'template':{'metadata':{'labels':{'app':'web'}},'spec':{"
		 "'containers':[{'name':'c','image':'i','resources':{'requests':{%s}}}]}}}}",
		 (long long)replicas, requests);
	cluster_create(c, KIND_Deployment, json);
	cluster_run(c, 2);
}

/* Every pod uses so much from now on. */
static void load(const char *cpu)
{
	struct cluster_list *pods = cluster_list(c, KIND_Pod, "");
	char json[256];

	snprintf(json, sizeof json, "{'metadata':{'annotations':{'minke/simulated-cpu':'%s'}}}",
		 cpu);
	for (u32 i = 0; i < pods->len; i++)
		cluster_patch(c, KIND_Pod, str_c(c->arena, pods->at[i]->name), json);
}

/* The load goes on on pods that come, too. */
static void run_under(const char *cpu, u32 seconds)
{
	for (u32 i = 0; i < seconds; i += 5) {
		load(cpu);
		cluster_run(c, 5);
	}
}

static void autoscale(const char *kind, i64 max, const char *more)
{
	char json[2048];

	snprintf(json, sizeof json,
		 "{'metadata':{'name':'web'},'spec':{'scaleTargetRef':{'apiVersion':'apps/v1',"
		 "'kind':'%s','name':'web'},'minReplicas':1,'maxReplicas':%lld%s}}",
		 kind, (long long)max, more);
	cluster_create(c, KIND_HorizontalPodAutoscaler, json);
}

static i64 replicas(void)
{
	return cluster_int(c, KIND_Deployment, "web", "spec.replicas");
}

static const char *condition(const char *type)
{
	return cluster_condition(c, KIND_HorizontalPodAutoscaler, "web", type);
}

#define CPU50                                                                                      \
	",'metrics':[{'type':'Resource','resource':{'name':'cpu','target':{'type':"                \
	"'Utilization','averageUtilization':50}}}]"

static void grows_with_the_load_and_shrinks_five_minutes_later(void **state)
{
	(void)state;
	deploy(1, "'cpu':'100m'");
	autoscale("Deployment", 5, CPU50);
	run_under("50m", 60);
	assert_int_equal(replicas(), 1);
	assert_string_equal(condition("AbleToScale"),
			    "True ReadyForNewScale: recommended size matches current size");
	assert_string_equal(condition("ScalingActive"),
			    "True ValidMetricFound: the HPA was able to successfully calculate a "
			    "replica count from cpu resource utilization (percentage of request)");
	assert_string_equal(
		condition("ScalingLimited"),
		"False DesiredWithinRange: the desired count is within the acceptable range");
	run_under("90m", 15);
	assert_int_equal(replicas(), 2);
	assert_int_equal(cluster_said(c, "SuccessfulRescale",
				      "New size: 2; reason: cpu resource utilization (percentage "
				      "of request) above target"),
			 1);
	run_under("90m", 400);
	assert_int_equal(replicas(), 5);
	assert_string_equal(condition("ScalingLimited"),
			    "True TooManyReplicas: the desired replica count is more than the "
			    "maximum replica count");
	assert_int_equal(cluster_int(c, KIND_HorizontalPodAutoscaler, "web",
				     "status.currentMetrics.0.resource.current.averageUtilization"),
			 90);
	run_under("0", 280);
	assert_int_equal(replicas(), 5);
	assert_string_equal(condition("AbleToScale"),
			    "True ScaleDownStabilized: recent recommendations were higher than "
			    "current one, applying the highest recent recommendation");
	run_under("0", 40);
	assert_int_equal(replicas(), 1);
	assert_int_equal(cluster_said(c, "SuccessfulRescale",
				      "New size: 1; reason: All metrics below target"),
			 1);
	assert_int_equal(
		cluster_int(c, KIND_HorizontalPodAutoscaler, "web", "status.desiredReplicas"), 1);
}

static void completed_and_failed_pods_do_not_count(void **state)
{
	(void)state;
	deploy(2, "'cpu':'100m'");
	cluster_create(c, KIND_Job,
		       "{'metadata':{'name':'done'},'spec':{'template':{'metadata':{'labels':{"
		       "'app':'web'}},'spec':{'restartPolicy':'Never','containers':[{'name':'c',"
		       "'image':'i'}]}}}}");
	cluster_run(c, 2);
	assert_int_equal(cluster_count(c, KIND_Pod, "done-"), 1);
	autoscale("Deployment", 6, CPU50);
	run_under("100m", 60);
	assert_true(replicas() >= 4);
	assert_true(str_starts(str_of(condition("ScalingActive")), STR("True ValidMetricFound")));
}

static void says_what_it_misses(void **state)
{
	(void)state;
	autoscale("Deployment", 5, CPU50);
	cluster_run(c, 1);
	assert_string_equal(condition("AbleToScale"),
			    "False FailedGetScale: the HPA controller was unable to get the "
			    "target's current scale: deployments.apps \"web\" not found");
	deploy(2, "");
	run_under("100m", 30);
	assert_string_equal(condition("AbleToScale"),
			    "True SucceededGetScale: the HPA controller was able to get the "
			    "target's current scale");
	assert_true(str_starts(str_of(condition("ScalingActive")),
			       STR("False FailedGetResourceMetric: the HPA was unable to compute "
				   "the replica count: failed to get cpu utilization: missing "
				   "request for cpu in container c of Pod web-")));
	assert_true(cluster_said(c, "FailedComputeMetricsReplicas", NULL) > 0);
	assert_int_equal(replicas(), 2);
}

static void without_metrics_nothing_moves(void **state)
{
	(void)state;
	deploy(3, "'cpu':'100m'");
	autoscale("Deployment", 5, CPU50);
	run_under("none", 40);
	assert_string_equal(condition("ScalingActive"),
			    "False FailedGetResourceMetric: the HPA was unable to compute the "
			    "replica count: failed to get cpu utilization: unable to get metrics "
			    "for resource cpu: no metrics returned from resource metrics API");
	assert_true(cluster_said(c, "FailedComputeMetricsReplicas",
				 "invalid metrics (1 invalid out of 1), first error is: failed to "
				 "get cpu resource metric value: failed to get cpu utilization: "
				 "unable to get metrics for resource cpu: no metrics returned from "
				 "resource metrics API") > 0);
	assert_int_equal(replicas(), 3);
	/* Somebody else's size beyond the limits is mended all the same. */
	cluster_patch(c, KIND_Deployment, "web", "{'spec':{'replicas':9}}");
	cluster_run(c, 20);
	assert_int_equal(replicas(), 5);
	assert_int_equal(cluster_said(c, "SuccessfulRescale",
				      "New size: 5; reason: Current number of replicas above "
				      "Spec.MaxReplicas"),
			 1);
}

static void zero_replicas_switch_it_off(void **state)
{
	(void)state;
	deploy(0, "'cpu':'100m'");
	autoscale("Deployment", 5, CPU50);
	cluster_run(c, 40);
	assert_int_equal(replicas(), 0);
	assert_string_equal(condition("ScalingActive"),
			    "False ScalingDisabled: scaling is disabled since the replica count "
			    "of the target is zero");
}

static void metrics_of_other_apis_say_that_nobody_serves_them(void **state)
{
	(void)state;
	deploy(1, "'cpu':'100m'");
	autoscale("Deployment", 5,
		  ",'metrics':[{'type':'Pods','pods':{'metric':{'name':'packets'},'target':{"
		  "'type':'AverageValue','averageValue':'1k'}}}]");
	cluster_run(c, 1);
	assert_string_equal(
		condition("ScalingActive"),
		"False FailedGetPodsMetric: the HPA was unable to compute the replica count: "
		"unable to get metric packets: unable to fetch metrics from custom metrics API: "
		"no custom metrics API (custom.metrics.k8s.io) registered");
}

static void one_bad_metric_does_not_stop_growth_but_shrinking(void **state)
{
	(void)state;
	deploy(2, "'cpu':'100m'");
	autoscale("Deployment", 8,
		  ",'metrics':[{'type':'Pods','pods':{'metric':{'name':'packets'},'target':{"
		  "'type':'AverageValue','averageValue':'1k'}}},{'type':'Resource','resource':{"
		  "'name':'cpu','target':{'type':'Utilization','averageUtilization':50}}}]");
	run_under("95m", 20);
	assert_int_equal(replicas(), 4);
	i64 reached = replicas();

	run_under("1m", 400);
	assert_int_equal(replicas(), reached);
}

static void one_container_can_be_what_counts(void **state)
{
	(void)state;
	deploy(2, "'cpu':'100m','memory':'100Mi'");
	autoscale("Deployment", 8,
		  ",'metrics':[{'type':'ContainerResource','containerResource':{'name':'memory',"
		  "'container':'c','target':{'type':'AverageValue','averageValue':'50Mi'}}}]");
	struct cluster_list *pods = cluster_list(c, KIND_Pod, "");

	for (u32 i = 0; i < pods->len; i++)
		cluster_patch(c, KIND_Pod, str_c(c->arena, pods->at[i]->name),
			      "{'metadata':{'annotations':{'minke/simulated-memory.c':'100Mi'}}}");
	cluster_run(c, 16);
	assert_int_equal(replicas(), 4);
	struct version *hpa = cluster_get(c, KIND_HorizontalPodAutoscaler, "web");

	assert_true(str_is(
		doc_at_str(hpa->doc, "status.currentMetrics.0.containerResource.container"), "c"));
}

static void two_over_the_same_pods_do_not_fight(void **state)
{
	(void)state;
	deploy(2, "'cpu':'100m'");
	autoscale("Deployment", 8, CPU50);
	cluster_create(c, KIND_HorizontalPodAutoscaler,
		       "{'metadata':{'name':'other'},'spec':{'scaleTargetRef':{'apiVersion':"
		       "'apps/v1','kind':'Deployment','name':'web'},'maxReplicas':3}}");
	run_under("100m", 40);
	assert_int_equal(replicas(), 2);
	assert_string_equal(condition("ScalingActive"),
			    "False AmbiguousSelector: pods by selector app=web are controlled by "
			    "multiple HPAs: [default/other default/web]");
}

static void a_stateful_set_is_scaled_too(void **state)
{
	(void)state;
	cluster_create(c, KIND_StatefulSet,
		       "{'metadata':{'name':'web'},'spec':{'serviceName':'web','selector':{"
		       "'matchLabels':{'app':'web'}},'podManagementPolicy':'Parallel','template':{"
		       "'metadata':{'labels':{'app':'web'},'annotations':{'minke/simulated-cpu':"
		       "'100m'}},'spec':{'containers':[{'name':'c','image':'i','resources':{"
		       "'requests':{'cpu':'100m'}}}]}}}}");
	autoscale("StatefulSet", 3, CPU50);
	cluster_run(c, 120);
	assert_int_equal(cluster_int(c, KIND_StatefulSet, "web", "spec.replicas"), 3);
	assert_int_equal(cluster_running(c, "web-"), 3);
}

static void an_idle_autoscaler_writes_nothing(void **state)
{
	(void)state;
	deploy(2, "'cpu':'100m'");
	autoscale("Deployment", 8, CPU50);
	run_under("50m", 60);
	u64 passes = runner_counts(c->runner).writes;

	cluster_run(c, 600);
	assert_int_equal(runner_counts(c->runner).writes, passes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, up, down)
		TEST(grows_with_the_load_and_shrinks_five_minutes_later),
		TEST(completed_and_failed_pods_do_not_count),
		TEST(says_what_it_misses),
		TEST(without_metrics_nothing_moves),
		TEST(zero_replicas_switch_it_off),
		TEST(metrics_of_other_apis_say_that_nobody_serves_them),
		TEST(one_bad_metric_does_not_stop_growth_but_shrinking),
		TEST(one_container_can_be_what_counts),
		TEST(two_over_the_same_pods_do_not_fight),
		TEST(a_stateful_set_is_scaled_too),
		TEST(an_idle_autoscaler_writes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
