/* Endpoints and EndpointSlices of Services. */
#include "cluster.h"

static struct cluster *start(const char *service)
{
	struct cluster *c = cluster_new((struct cluster_wish){ .nodes = 2 });
	cluster_create(c, KIND_ReplicaSet,
		       "{'metadata':{'name':'web'},'spec':{'replicas':3,'selector':{'matchLabels':{"
		       "'app':'web'}},'template':{'metadata':{'labels':{'app':'web'}},'spec':{"
		       "'containers':[{'name':'c','image':'i','ports':[{'name':'http',"
		       "'containerPort':8080}]}]}}}}");
	cluster_create(c, KIND_Service, service);
	cluster_run(c, 5);
	return c;
}

static const struct doc *the_slice(struct cluster *c)
{
	struct cluster_list *slices = cluster_list(c, KIND_EndpointSlice, "web-");
	assert_int_equal(slices->len, 1);
	return slices->at[0]->doc;
}

#define SERVICE                                                                                    \
	"{'metadata':{'name':'web'},'spec':{'selector':{'app':'web'},'ports':[{'port':80,"         \
	"'targetPort':'http'}]}}"

static void lists_the_ready_pods_under_their_named_port(void **state)
{
	(void)state;
	struct cluster *c = start(SERVICE);
	const struct doc *endpoints = cluster_get(c, KIND_Endpoints, "web")->doc;
	assert_int_equal(doc_len(doc_at(endpoints, "subsets.0.addresses")), 3);
	assert_int_equal(doc_at_int(endpoints, "subsets.0.ports.0.port", 0), 8080);
	assert_str(doc_at_str(endpoints, "subsets.0.addresses.0.targetRef.kind"), "Pod");
	const struct doc *slice = the_slice(c);
	assert_int_equal(doc_len(doc_at(slice, "endpoints")), 3);
	assert_true(doc_at_bool(slice, "endpoints.0.conditions.ready", false));
	assert_int_equal(doc_at_int(slice, "ports.0.port", 0), 8080);
	assert_str(doc_at_str(slice, "addressType"), "IPv4");
	assert_str(doc_str(doc_get(doc_at(slice, "metadata.labels"),
				   STR("kubernetes.io/service-name"))),
		   "web");
	cluster_free(c);
}

static void an_unready_pod_is_taken_out(void **state)
{
	(void)state;
	struct cluster *c = start(SERVICE);
	const char *name = str_c(c->arena, cluster_list(c, KIND_Pod, "web-")->at[0]->name);
	cluster_pod_ready(c, name, false);
	cluster_run(c, 1);
	const struct doc *endpoints = cluster_get(c, KIND_Endpoints, "web")->doc;
	assert_int_equal(doc_len(doc_at(endpoints, "subsets.0.addresses")), 2);
	assert_int_equal(doc_len(doc_at(endpoints, "subsets.0.notReadyAddresses")), 1);
	u32 ready = 0;
	doc_each_item(doc_at(the_slice(c), "endpoints"), endpoint) {
		ready += doc_at_bool(endpoint, "conditions.ready", false);
	}
	assert_int_equal(ready, 2);
	cluster_free(c);
}

static void a_leaving_pod_is_terminating_in_its_slice_only(void **state)
{
	(void)state;
	struct cluster *c = start(SERVICE);
	simulated_kill(c->nodes, 0);
	simulated_kill(c->nodes, 1);
	const char *name = str_c(c->arena, cluster_list(c, KIND_Pod, "web-")->at[0]->name);
	cluster_delete(c, KIND_Pod, name, PROPAGATION_DEFAULT);
	cluster_run(c, 1);
	const struct doc *endpoints = cluster_get(c, KIND_Endpoints, "web")->doc;
	assert_int_equal(doc_len(doc_at(endpoints, "subsets.0.addresses")), 2);
	u32 leaving = 0;
	doc_each_item(doc_at(the_slice(c), "endpoints"), endpoint) {
		leaving += doc_at_bool(endpoint, "conditions.terminating", false) &&
			   doc_at_bool(endpoint, "conditions.serving", false) &&
			   !doc_at_bool(endpoint, "conditions.ready", true);
	}
	assert_int_equal(leaving, 1);
	cluster_free(c);
}

static void go_with_their_service(void **state)
{
	(void)state;
	struct cluster *c = start(SERVICE);
	cluster_delete(c, KIND_Service, "web", PROPAGATION_BACKGROUND);
	cluster_run(c, 1);
	assert_null(cluster_get(c, KIND_Endpoints, "web"));
	assert_int_equal(cluster_count(c, KIND_EndpointSlice, "web-"), 0);
	cluster_free(c);
}

static void a_slice_holds_at_most_a_hundred(void **state)
{
	(void)state;
	struct cluster *c = start(SERVICE);
	cluster_patch(c, KIND_ReplicaSet, "web", "{'spec':{'replicas':150}}");
	cluster_run(c, 5);
	struct cluster_list *slices = cluster_list(c, KIND_EndpointSlice, "web-");
	assert_int_equal(slices->len, 2);
	assert_int_equal(doc_len(doc_at(slices->at[0]->doc, "endpoints")) +
				 doc_len(doc_at(slices->at[1]->doc, "endpoints")),
			 150);
	cluster_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists_the_ready_pods_under_their_named_port),
		cmocka_unit_test(an_unready_pod_is_taken_out),
		cmocka_unit_test(a_leaving_pod_is_terminating_in_its_slice_only),
		cmocka_unit_test(go_with_their_service),
		cmocka_unit_test(a_slice_holds_at_most_a_hundred),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
