/* PodDisruptionBudget: what it allows, and evictions that keep to it. */
#include "cluster.h"

#define DEPLOYMENT(name, replicas)                                                                 \
	"{'metadata':{'name':'" name "'},'spec':{'replicas':" replicas                             \
	",'selector':{'matchLabels':{'app':'web'}},'template':" TEMPLATE("web", "v1") "}}"
#define BUDGET(spec)                                                                               \
	"{'metadata':{'name':'b'},'spec':{" spec ",'selector':{'matchLabels':{'app':'web'}}}}"

static enum status evict(struct cluster *c, const struct version *pod, struct error *error)
{
	struct call call = cluster_call(c);
	struct outcome outcome = { 0 };
	char json[256];
	snprintf(json, sizeof json,
		 "{'apiVersion':'policy/v1','kind':'Eviction','metadata':{'name':'%s'}}",
		 str_c(c->arena, pod->name));
	return verb_create(&call, schema_kind(c->schema, KIND_Pod), STR("default"), pod->name,
			   STR("eviction"), cluster_doc(c, json), &outcome, error);
}

static struct cluster *with_budget(const char *budget)
{
	struct cluster *c = cluster_new((struct cluster_wish){ .nodes = 3 });
	cluster_create(c, KIND_Deployment, DEPLOYMENT("web", "4"));
	cluster_create(c, KIND_PodDisruptionBudget, budget);
	cluster_run(c, 10);
	return c;
}

static void assert_status(struct cluster *c, i64 allowed, i64 healthy, i64 desired, i64 expected)
{
	const kind_id kind = KIND_PodDisruptionBudget;
	assert_int_equal(cluster_int(c, kind, "b", "status.disruptionsAllowed"), allowed);
	assert_int_equal(cluster_int(c, kind, "b", "status.currentHealthy"), healthy);
	assert_int_equal(cluster_int(c, kind, "b", "status.desiredHealthy"), desired);
	assert_int_equal(cluster_int(c, kind, "b", "status.expectedPods"), expected);
}

static void counts_what_may_go(void **state)
{
	(void)state;
	struct cluster *c = with_budget(BUDGET("'minAvailable':3"));
	assert_status(c, 1, 4, 3, 4);
	assert_string_equal(
		cluster_condition(c, KIND_PodDisruptionBudget, "b", "DisruptionAllowed"),
		"True SufficientPods: ");
	cluster_free(c);
	c = with_budget(BUDGET("'maxUnavailable':'25%'"));
	assert_status(c, 1, 4, 3, 4);
	cluster_patch(c, KIND_Deployment, "web", "{'spec':{'replicas':8}}");
	cluster_run(c, 10);
	assert_status(c, 2, 8, 6, 8);
	cluster_free(c);
	c = with_budget(BUDGET("'minAvailable':'100%'"));
	assert_status(c, 0, 4, 4, 4);
	assert_string_equal(
		cluster_condition(c, KIND_PodDisruptionBudget, "b", "DisruptionAllowed"),
		"False InsufficientPods: ");
	cluster_free(c);
}

static void refuses_an_eviction_too_many(void **state)
{
	(void)state;
	struct cluster *c = with_budget(BUDGET("'minAvailable':3"));
	struct cluster_list *pods = cluster_list(c, KIND_Pod, "web-");
	struct error error = ERROR_INIT;
	assert_int_equal(evict(c, pods->at[0], &error), ST_OK);
	/* No controller has run in between: the budget is spent all the same. */
	assert_int_equal(evict(c, pods->at[1], &error), ST_TOO_MANY);
	assert_string_equal(error.message,
			    "Cannot evict pod as it would violate the pod's disruption budget.");
	assert_int_equal(error.causes_len, 1);
	assert_true(str_is(error.causes[0].reason, "DisruptionBudget"));
	assert_true(str_is(error.causes[0].message,
			   "The disruption budget b needs 3 healthy pods and has 4 currently"));
	cluster_run(c, 60);
	assert_status(c, 1, 4, 3, 4);
	error_clear(&error);
	assert_int_equal(evict(c, pods->at[1], &error), ST_OK);
	cluster_free(c);
}

static void lets_go_what_is_not_ready(void **state)
{
	(void)state;
	struct cluster *c = with_budget(BUDGET("'minAvailable':3"));
	struct cluster_list *pods = cluster_list(c, KIND_Pod, "web-");
	struct error error = ERROR_INIT;
	cluster_pod_ready(c, str_c(c->arena, pods->at[2]->name), false);
	cluster_run(c, 1);
	assert_status(c, 0, 3, 3, 4);
	assert_int_equal(evict(c, cluster_list(c, KIND_Pod, "web-")->at[2], &error), ST_OK);
	assert_int_equal(evict(c, pods->at[0], &error), ST_TOO_MANY);
	cluster_free(c);
}

static void evicts_freely_without_a_budget(void **state)
{
	(void)state;
	struct cluster *c = cluster_new((struct cluster_wish){ .nodes = 1 });
	struct error error = ERROR_INIT;
	cluster_create(c, KIND_Deployment, DEPLOYMENT("web", "2"));
	cluster_run(c, 5);
	struct cluster_list *pods = cluster_list(c, KIND_Pod, "web-");
	for (u32 i = 0; i < pods->len; i++)
		assert_int_equal(evict(c, pods->at[i], &error), ST_OK);
	cluster_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts_what_may_go),
		cmocka_unit_test(refuses_an_eviction_too_many),
		cmocka_unit_test(lets_go_what_is_not_ready),
		cmocka_unit_test(evicts_freely_without_a_budget),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
