/* ResourceQuota and LimitRange: what is let in, and what the status says. */
#include "cluster.h"

#define POD(name, resources)                                                                       \
	"{'metadata':{'name':'" name "'},'spec':{'containers':[{'name':'c','image':'i'" resources  \
	"}]}}"
#define ASKS(cpu) ",'resources':{'requests':{'cpu':'" cpu "'}}"

static enum status try_create(struct cluster *c, kind_id kind, const char *json,
			      struct error *error)
{
	struct call call = cluster_call(c);
	struct outcome outcome = { 0 };
	error_clear(error);
	return verb_create(&call, schema_kind(c->schema, kind), STR("default"), STR_NONE, STR_NONE,
			   cluster_doc(c, json), &outcome, error);
}

static struct str used(struct cluster *c, const char *name)
{
	return doc_str(doc_get(doc_at(cluster_get(c, KIND_ResourceQuota, "q")->doc, "status.used"),
			       str_of(name)));
}

static void refuses_what_exceeds_a_quota(void **state)
{
	(void)state;
	struct cluster *c = cluster_new((struct cluster_wish){ .no_scheduler = true });
	struct error error = ERROR_INIT;
	cluster_create(c, KIND_ResourceQuota,
		       "{'metadata':{'name':'q'},'spec':{'hard':{'pods':'3','requests.cpu':'1',"
		       "'count/deployments.apps':'1'}}}");
	cluster_run(c, 1);
	assert_true(str_is(used(c, "pods"), "0"));
	assert_int_equal(try_create(c, KIND_Pod, POD("a", ASKS("600m")), &error), ST_OK);
	/* Charged at once, without a controller in between. */
	assert_true(str_is(used(c, "requests.cpu"), "600m"));
	assert_int_equal(try_create(c, KIND_Pod, POD("b", ASKS("500m")), &error), ST_FORBIDDEN);
	assert_string_equal(error.message,
			    "pods \"b\" is forbidden: exceeded quota: q, requested: "
			    "requests.cpu=500m, used: requests.cpu=600m, limited: requests.cpu=1");
	assert_int_equal(try_create(c, KIND_Pod, POD("c", ""), &error), ST_FORBIDDEN);
	assert_string_equal(
		error.message,
		"pods \"c\" is forbidden: failed quota: q: must specify requests.cpu for: c");
	cluster_delete(c, KIND_Pod, "a", PROPAGATION_DEFAULT);
	cluster_run(c, 1);
	assert_true(str_is(used(c, "requests.cpu"), "0"));
	assert_int_equal(try_create(c, KIND_Pod, POD("b", ASKS("500m")), &error), ST_OK);
	cluster_free(c);
}

static void counts_only_what_is_in_its_scopes(void **state)
{
	(void)state;
	struct cluster *c = cluster_new((struct cluster_wish){ .no_scheduler = true });
	struct error error = ERROR_INIT;
	cluster_create(c, KIND_ResourceQuota,
		       "{'metadata':{'name':'q'},'spec':{'hard':{'pods':'1'},'scopes':"
		       "['BestEffort']}}");
	cluster_run(c, 1);
	assert_int_equal(try_create(c, KIND_Pod, POD("a", ASKS("1")), &error), ST_OK);
	assert_int_equal(try_create(c, KIND_Pod, POD("b", ""), &error), ST_OK);
	assert_int_equal(try_create(c, KIND_Pod, POD("c", ""), &error), ST_FORBIDDEN);
	assert_int_equal(try_create(c, KIND_Pod, POD("d", ASKS("1")), &error), ST_OK);
	cluster_free(c);
}

static void gives_room_back_when_a_pod_ends(void **state)
{
	(void)state;
	struct cluster *c = cluster_new((struct cluster_wish){ .no_scheduler = true });
	struct error error = ERROR_INIT;
	cluster_create(c, KIND_ResourceQuota,
		       "{'metadata':{'name':'q'},'spec':{'hard':{'pods':'1'}}}");
	cluster_run(c, 1);
	assert_int_equal(try_create(c, KIND_Pod, POD("a", ""), &error), ST_OK);
	assert_int_equal(try_create(c, KIND_Pod, POD("b", ""), &error), ST_FORBIDDEN);
	cluster_patch_sub(c, KIND_Pod, "a", "status", "{'status':{'phase':'Succeeded'}}");
	cluster_run(c, 1);
	assert_int_equal(try_create(c, KIND_Pod, POD("b", ""), &error), ST_OK);
	cluster_free(c);
}

static void fills_in_what_containers_leave_out(void **state)
{
	(void)state;
	struct cluster *c = cluster_new((struct cluster_wish){ .no_scheduler = true });
	cluster_create(c, KIND_LimitRange,
		       "{'metadata':{'name':'l'},'spec':{'limits':[{'type':'Container','default':"
		       "{'memory':'512Mi'},'defaultRequest':{'memory':'256Mi'}}]}}");
	struct version *pod = cluster_create(c, KIND_Pod, POD("a", ""));
	assert_true(str_is(doc_at_str(pod->doc, "spec.containers.0.resources.requests.memory"),
			   "256Mi"));
	assert_true(
		str_is(doc_at_str(pod->doc, "spec.containers.0.resources.limits.memory"), "512Mi"));
	assert_true(str_is(doc_str(doc_key(doc_at(pod->doc, "metadata.annotations"),
					   "kubernetes.io/limit-ranger")),
			   "LimitRanger plugin set: memory request for container c; memory limit "
			   "for container c"));
	cluster_free(c);
}

static void refuses_what_is_outside_a_range(void **state)
{
	(void)state;
	struct cluster *c = cluster_new((struct cluster_wish){ .no_scheduler = true });
	struct error error = ERROR_INIT;
	cluster_create(c, KIND_LimitRange,
		       "{'metadata':{'name':'l'},'spec':{'limits':[{'type':'Container','min':"
		       "{'cpu':'100m'},'max':{'cpu':'2'}},{'type':'PersistentVolumeClaim',"
		       "'max':{'storage':'2Gi'}}]}}");
	assert_int_equal(try_create(c, KIND_Pod, POD("a", ASKS("50m")), &error), ST_FORBIDDEN);
	assert_string_equal(error.message,
			    "pods \"a\" is forbidden: minimum cpu usage per Container is 100m, but "
			    "request is 50m");
	assert_int_equal(
		try_create(c, KIND_Pod, POD("a", ",'resources':{'limits':{'cpu':'3'}}"), &error),
		ST_FORBIDDEN);
	assert_string_equal(error.message,
			    "pods \"a\" is forbidden: maximum cpu usage per Container is 2, but "
			    "limit is 3");
	assert_int_equal(
		try_create(c, KIND_PersistentVolumeClaim,
			   "{'metadata':{'name':'p'},'spec':{'accessModes':['ReadWriteOnce'],"
			   "'resources':{'requests':{'storage':'3Gi'}}}}",
			   &error),
		ST_FORBIDDEN);
	assert_string_equal(error.message,
			    "persistentvolumeclaims \"p\" is forbidden: maximum storage usage per "
			    "PersistentVolumeClaim is 2Gi, but request is 3Gi");
	cluster_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_what_exceeds_a_quota),
		cmocka_unit_test(counts_only_what_is_in_its_scopes),
		cmocka_unit_test(gives_room_back_when_a_pod_ends),
		cmocka_unit_test(fills_in_what_containers_leave_out),
		cmocka_unit_test(refuses_what_is_outside_a_range),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
