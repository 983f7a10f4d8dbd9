/* The life of an object over HTTP: created, read, listed, changed, watched, deleted. */
#include "harness.h"

#define CONFIG_MAPS "/api/v1/namespaces/default/configmaps"
#define PODS "/api/v1/namespaces/default/pods"

static const char config_map[] =
	"{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"c\",\"labels\":"
	"{\"a\":\"b\"}},\"data\":{\"k\":\"v\"}}";
static const char pod[] =
	"{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"p\",\"labels\":{\"app\":"
	"\"x\"}},\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":\"i:1\"}]}}";

static void creates_reads_and_deletes(void **state)
{
	(void)state;
	const struct doc *made = ask_ok(201, "POST", CONFIG_MAPS, config_map);
	struct str uid = doc_at_str(made, "metadata.uid");

	assert_int_equal(uid.len, 36);
	assert_str(doc_at_str(made, "metadata.namespace"), "default");
	assert_str(doc_at_str(made, "metadata.creationTimestamp"), "2023-11-14T22:13:20Z");
	assert_true(doc_at_str(made, "metadata.resourceVersion").len > 0);
	assert_str(doc_at_str(made, "data.k"), "v");
	assert_null(doc_at(made, "metadata.generation"));

	const struct doc *got = ask_ok(200, "GET", CONFIG_MAPS "/c", NULL);

	assert_true(doc_eq(made, got));

	const struct doc *gone =
		ask_ok(200, "DELETE", CONFIG_MAPS "/c", "{\"propagationPolicy\":\"Background\"}");

	assert_str(doc_at_str(gone, "status"), "Success");
	assert_str(doc_at_str(gone, "details.kind"), "configmaps");
	assert_true(str_eq(doc_at_str(gone, "details.uid"), uid));
	gone = ask_fails(404, "NotFound", "configmaps \"c\" not found", "GET", CONFIG_MAPS "/c",
			 NULL);
	assert_str(doc_at_str(gone, "details.name"), "c");
	assert_str(doc_at_str(gone, "details.kind"), "configmaps");
}

static void lists_in_order_and_by_label(void **state)
{
	(void)state;
	ask_ok(201, "POST", CONFIG_MAPS, "{\"metadata\":{\"name\":\"z\"}}");
	ask_ok(201, "POST", CONFIG_MAPS, config_map);
	const struct doc *list = ask_ok(200, "GET", CONFIG_MAPS, NULL);

	assert_str(doc_at_str(list, "kind"), "ConfigMapList");
	assert_int_equal(doc_len(doc_key(list, "items")), 2);
	assert_str(doc_at_str(list, "items.0.metadata.name"), "c");
	list = ask_ok(200, "GET", CONFIG_MAPS "?labelSelector=a%3Db", NULL);
	assert_int_equal(doc_len(doc_key(list, "items")), 1);
	list = ask_ok(200, "GET", CONFIG_MAPS "?fieldSelector=metadata.name%3Dz", NULL);
	assert_int_equal(doc_len(doc_key(list, "items")), 1);
	assert_str(doc_at_str(list, "items.0.metadata.name"), "z");
	list = ask_ok(200, "GET", "/api/v1/configmaps?labelSelector=!a", NULL);
	assert_int_equal(doc_len(doc_key(list, "items")), 1);
}

static void pages_show_one_moment(void **state)
{
	(void)state;
	static const char *const names[] = { "a", "b", "c", "d", "e" };
	const struct doc *page;
	const char *target;

	for (u32 i = 0; i < ARRAY_LEN(names); i++)
		ask_ok(201, "POST", CONFIG_MAPS,
		       str_format(arena, "{\"metadata\":{\"name\":\"%s\"}}", names[i]).at);
	page = ask_ok(200, "GET", CONFIG_MAPS "?limit=2", NULL);
	assert_int_equal(doc_len(doc_key(page, "items")), 2);
	ask_ok(200, "DELETE", CONFIG_MAPS "/d", NULL);
	target = str_format(arena, CONFIG_MAPS "?limit=2&continue=" STR_FMT,
			    STR_ARG(doc_at_str(page, "metadata.continue")))
			 .at;
	page = ask_ok(200, "GET", target, NULL);
	assert_str(doc_at_str(page, "items.0.metadata.name"), "c");
	assert_str(doc_at_str(page, "items.1.metadata.name"), "d"); /* as it was then */
	target = str_format(arena, CONFIG_MAPS "?limit=2&continue=" STR_FMT,
			    STR_ARG(doc_at_str(page, "metadata.continue")))
			 .at;
	page = ask_ok(200, "GET", target, NULL);
	assert_int_equal(doc_len(doc_key(page, "items")), 1);
	assert_str(doc_at_str(page, "items.0.metadata.name"), "e");
	assert_null(doc_at(page, "metadata.continue"));
}

static void a_pod_gets_what_kubernetes_gives_it(void **state)
{
	(void)state;
	const struct doc *made = ask_ok(201, "POST", PODS, pod);

	assert_str(doc_at_str(made, "status.phase"), "Pending");
	assert_str(doc_at_str(made, "status.qosClass"), "BestEffort");
	assert_str(doc_at_str(made, "spec.serviceAccountName"), "default");
	assert_str(doc_at_str(made, "spec.restartPolicy"), "Always");
	assert_int_equal(doc_len(doc_at(made, "spec.tolerations")), 2);
	assert_int_equal(doc_at_int(made, "spec.priority", -1), 0);
	assert_str(doc_at_str(made, "spec.containers.0.volumeMounts.0.mountPath"),
		   "/var/run/secrets/kubernetes.io/serviceaccount");
	assert_true(str_starts(doc_at_str(made, "spec.volumes.0.name"), STR("kube-api-access-")));
	assert_int_equal(doc_at_int(made, "metadata.generation", 0), 1);
}

static void generates_names(void **state)
{
	(void)state;
	const struct doc *made =
		ask_ok(201, "POST", CONFIG_MAPS, "{\"metadata\":{\"generateName\":\"g-\"}}");

	assert_int_equal(doc_at_str(made, "metadata.name").len, 7);
	assert_true(str_starts(doc_at_str(made, "metadata.name"), STR("g-")));
}

static void a_dry_run_writes_nothing(void **state)
{
	(void)state;
	u64 before = store_revision(store);
	const struct doc *made = ask_ok(201, "POST", CONFIG_MAPS "?dryRun=All", config_map);

	assert_str(doc_at_str(made, "metadata.name"), "c");
	assert_int_equal(store_revision(store), before);
	ask_ok(404, "GET", CONFIG_MAPS "/c", NULL);
	ask_ok(201, "POST", CONFIG_MAPS, config_map);
	ask_ok(200, "DELETE", CONFIG_MAPS "/c", "{\"dryRun\":[\"All\"]}");
	ask_ok(200, "GET", CONFIG_MAPS "/c", NULL);
}

static void updates_check_the_revision(void **state)
{
	(void)state;
	const struct doc *made = ask_ok(201, "POST", CONFIG_MAPS, config_map);
	const struct doc *changed = doc_set_str(arena, made, "data.k", STR("w"));
	const struct doc *put = ask_ok(200, "PUT", CONFIG_MAPS "/c", text_of(changed));

	assert_str(doc_at_str(put, "data.k"), "w");
	assert_false(str_eq(doc_at_str(put, "metadata.resourceVersion"),
			    doc_at_str(made, "metadata.resourceVersion")));
	ask_fails(
		409, "Conflict",
		"Operation cannot be fulfilled on configmaps \"c\": the object has been modified; "
		"please apply your changes to the latest version and try again",
		"PUT", CONFIG_MAPS "/c", text_of(changed));
	/* The same again changes nothing, not even the revision. */
	const struct doc *same = ask_ok(200, "PUT", CONFIG_MAPS "/c", text_of(put));

	assert_true(doc_eq(same, put));
}

static void pods_on_nodes_die_slowly(void **state)
{
	(void)state;
	const struct doc *deleted;

	ask_ok(201, "POST", PODS, pod);
	ask_ok(201, "POST", PODS "/p/binding",
	       "{\"metadata\":{\"name\":\"p\"},\"target\":{\"kind\":\"Node\",\"name\":\"n\"}}");
	deleted = ask_ok(200, "GET", PODS "/p", NULL);
	assert_str(doc_at_str(deleted, "spec.nodeName"), "n");
	assert_str(doc_at_str(deleted, "status.conditions.0.type"), "PodScheduled");
	ask_fails(409, "Conflict",
		  "Operation cannot be fulfilled on pods \"p\": pod p is already assigned to node "
		  "\"n\"",
		  "POST", PODS "/p/binding", "{\"target\":{\"name\":\"m\"}}");
	deleted = ask_ok(200, "DELETE", PODS "/p", NULL);
	assert_str(doc_at_str(deleted, "metadata.deletionTimestamp"), "2023-11-14T22:13:50Z");
	assert_int_equal(doc_at_int(deleted, "metadata.deletionGracePeriodSeconds", 0), 30);
	deleted = ask_ok(200, "DELETE", PODS "/p", "{\"gracePeriodSeconds\":5}");
	assert_str(doc_at_str(deleted, "metadata.deletionTimestamp"), "2023-11-14T22:13:25Z");
	ask_ok(200, "DELETE", PODS "/p", "{\"gracePeriodSeconds\":0}");
	ask_ok(404, "GET", PODS "/p", NULL);
}

static void finalizers_hold_an_object(void **state)
{
	(void)state;
	const struct doc *d;

	ask_ok(201, "POST", CONFIG_MAPS,
	       "{\"metadata\":{\"name\":\"f\",\"finalizers\":[\"x.y/z\"]}}");
	d = ask_ok(200, "DELETE", CONFIG_MAPS "/f", NULL);
	assert_str(doc_at_str(d, "kind"), "ConfigMap");
	assert_true(doc_at_str(d, "metadata.deletionTimestamp").len > 0);
	sends = "application/merge-patch+json";
	ask_ok(200, "PATCH", CONFIG_MAPS "/f", "{\"metadata\":{\"finalizers\":null}}");
	ask_ok(404, "GET", CONFIG_MAPS "/f", NULL);
}

static void foreground_and_orphan_are_finalizers(void **state)
{
	(void)state;
	const struct doc *d;

	ask_ok(201, "POST", CONFIG_MAPS, config_map);
	d = ask_ok(200, "DELETE", CONFIG_MAPS "/c?propagationPolicy=Foreground", NULL);
	assert_string_equal(text_of(doc_at(d, "metadata.finalizers")), "[\"foregroundDeletion\"]");
	d = ask_ok(200, "DELETE", CONFIG_MAPS "/c", "{\"propagationPolicy\":\"Orphan\"}");
	assert_string_equal(text_of(doc_at(d, "metadata.finalizers")), "[\"orphan\"]");
	ask_ok(200, "DELETE", CONFIG_MAPS "/c", "{\"propagationPolicy\":\"Background\"}");
	ask_ok(404, "GET", CONFIG_MAPS "/c", NULL);
}

static void deletes_collections(void **state)
{
	(void)state;
	const struct doc *list;

	ask_ok(201, "POST", CONFIG_MAPS, config_map);
	ask_ok(201, "POST", CONFIG_MAPS, "{\"metadata\":{\"name\":\"other\"}}");
	list = ask_ok(200, "DELETE", CONFIG_MAPS "?labelSelector=a=b", NULL);
	assert_str(doc_at_str(list, "kind"), "ConfigMapList");
	assert_int_equal(doc_len(doc_key(list, "items")), 1);
	ask_ok(404, "GET", CONFIG_MAPS "/c", NULL);
	ask_ok(200, "GET", CONFIG_MAPS "/other", NULL);
}

static void events_go_after_an_hour(void **state)
{
	(void)state;
	static const char events[] = "/api/v1/namespaces/default/events";
	static const char old[] = "{\"metadata\":{\"name\":\"old\"},\"involvedObject\":"
				  "{\"kind\":\"Pod\",\"name\":\"p\",\"namespace\":\"default\"},"
				  "\"reason\":\"R\",\"lastTimestamp\":\"2023-11-14T22:13:20Z\"}";

	ask_ok(201, "POST", events, old);
	wall_ns += 3000 * NS_PER_S;
	mono_ns += 3000 * NS_PER_S;
	server_tick(server);
	ask_ok(200, "GET", "/api/v1/namespaces/default/events/old", NULL);
	wall_ns += 700 * NS_PER_S;
	mono_ns += 700 * NS_PER_S;
	server_tick(server);
	ask_ok(404, "GET", "/api/v1/namespaces/default/events/old", NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cluster_test(creates_reads_and_deletes),
		cluster_test(lists_in_order_and_by_label),
		cluster_test(pages_show_one_moment),
		cluster_test(a_pod_gets_what_kubernetes_gives_it),
		cluster_test(generates_names),
		cluster_test(a_dry_run_writes_nothing),
		cluster_test(updates_check_the_revision),
		cluster_test(pods_on_nodes_die_slowly),
		cluster_test(finalizers_hold_an_object),
		cluster_test(foreground_and_orphan_are_finalizers),
		cluster_test(deletes_collections),
		cluster_test(events_go_after_an_hour),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
