/* Table rows as kubectl prints them, above all the pod's STATUS word. */
#include "../unit.h"

#include "base/timestamp.h"
#include "doc/json.h"
#include "schema/columns.h"

static struct arena *arena;

static const struct doc *parsed(const char *text)
{
	const struct doc *d;

	assert_int_equal(json_parse(arena, str_of(text), &d, NULL), ST_OK);
	return d;
}

static struct str cells(kind_id kind, const char *text)
{
	i64 now = timestamp_or(STR("2026-01-02T00:00:00Z"), 0);

	return json_text(arena, columns_cells(arena, schema_kind(NULL, kind), parsed(text), now));
}

static void ages_read_as_kubernetes_prints_them(void **state)
{
	(void)state;
	static const struct {
		i64 seconds;
		const char *text;
	} cases[] = {
		{ -5, "<invalid>" },  { -1, "0s" },	   { 0, "0s" },	     { 119, "119s" },
		{ 120, "2m" },	      { 125, "2m5s" },	   { 600, "10m" },   { 10740, "179m" },
		{ 10800, "3h" },      { 10860, "3h1m" },   { 28800, "8h" },  { 172799, "47h" },
		{ 172800, "2d" },     { 176400, "2d1h" },  { 691200, "8d" }, { 63072000, "2y" },
		{ 63158400, "2y1d" }, { 252288000, "8y" },
	};

	for (u32 i = 0; i < ARRAY_LEN(cases); i++)
		assert_str(columns_duration(arena, cases[i].seconds * NS_PER_S), cases[i].text);
	assert_str(columns_age(arena, STR_NONE, 0), "<unknown>");
}

static void the_pod_status_word_is_kubectls(void **state)
{
	(void)state;
	static const struct {
		const char *pod, *word;
	} cases[] = {
		{ "{\"status\":{\"phase\":\"Pending\"}}", "Pending" },
		{ "{\"status\":{\"phase\":\"Failed\",\"reason\":\"Evicted\"}}", "Evicted" },
		{ "{\"status\":{\"phase\":\"Pending\",\"conditions\":[{\"type\":\"PodScheduled\","
		  "\"reason\":\"SchedulingGated\"}]}}",
		  "SchedulingGated" },
		{ "{\"status\":{\"phase\":\"Pending\",\"containerStatuses\":[{\"state\":{"
		  "\"waiting\":{\"reason\":\"ContainerCreating\"}}}]}}",
		  "ContainerCreating" },
		{ "{\"status\":{\"phase\":\"Running\",\"containerStatuses\":[{\"state\":{"
		  "\"waiting\":{\"reason\":\"CrashLoopBackOff\"}}},{\"ready\":true,\"state\":{"
		  "\"running\":{}}}]}}",
		  "CrashLoopBackOff" },
		{ "{\"status\":{\"phase\":\"Running\",\"conditions\":[{\"type\":\"Ready\","
		  "\"status\":\"True\"}],\"containerStatuses\":[{\"state\":{\"terminated\":{"
		  "\"reason\":\"Completed\"}}},{\"ready\":true,\"state\":{\"running\":{}}}]}}",
		  "Running" },
		{ "{\"status\":{\"phase\":\"Running\",\"containerStatuses\":[{\"state\":{"
		  "\"terminated\":{\"exitCode\":137,\"reason\":\"OOMKilled\"}}}]}}",
		  "OOMKilled" },
		{ "{\"status\":{\"phase\":\"Failed\",\"containerStatuses\":[{\"state\":{"
		  "\"terminated\":{\"exitCode\":3}}}]}}",
		  "ExitCode:3" },
		{ "{\"metadata\":{\"deletionTimestamp\":\"x\"},\"status\":{\"phase\":\"Running\"}}",
		  "Terminating" },
		{ "{\"metadata\":{\"deletionTimestamp\":\"x\"},\"status\":{\"phase\":\"Failed\"}}",
		  "Failed" },
		{ "{\"spec\":{\"initContainers\":[{\"name\":\"a\"},{\"name\":\"b\"}]},\"status\":{"
		  "\"phase\":\"Pending\",\"initContainerStatuses\":[{\"name\":\"a\",\"state\":{"
		  "\"running\":{}}},{\"name\":\"b\",\"state\":{\"waiting\":{\"reason\":"
		  "\"PodInitializing\"}}}]}}",
		  "Init:0/2" },
		{ "{\"spec\":{\"initContainers\":[{\"name\":\"a\"}]},\"status\":{\"phase\":"
		  "\"Pending\",\"initContainerStatuses\":[{\"name\":\"a\",\"state\":{\"waiting\":{"
		  "\"reason\":\"CrashLoopBackOff\"}}}]}}",
		  "Init:CrashLoopBackOff" },
		{ "{\"spec\":{\"initContainers\":[{\"name\":\"a\"}]},\"status\":{\"phase\":"
		  "\"Pending\",\"initContainerStatuses\":[{\"name\":\"a\",\"state\":{"
		  "\"terminated\":{\"exitCode\":1,\"reason\":\"Error\"}}}]}}",
		  "Init:Error" },
	};

	for (u32 i = 0; i < ARRAY_LEN(cases); i++)
		assert_str(pod_status_word(arena, parsed(cases[i].pod)), cases[i].word);
}

static void a_pod_row_counts_containers_and_restarts(void **state)
{
	(void)state;
	assert_str(cells(KIND_Pod,
			 "{\"metadata\":{\"name\":\"web\",\"creationTimestamp\":"
			 "\"2026-01-01T23:50:00Z\"},\"spec\":{\"nodeName\":\"n1\",\"containers\":"
			 "[{},{}]},\"status\":{\"phase\":\"Running\",\"podIP\":\"10.0.0.1\","
			 "\"containerStatuses\":[{\"ready\":true,\"restartCount\":2,\"state\":{"
			 "\"running\":{}},\"lastState\":{\"terminated\":{\"finishedAt\":"
			 "\"2026-01-01T23:59:00Z\"}}},{\"restartCount\":1,\"state\":{\"waiting\":{"
			 "\"reason\":\"CrashLoopBackOff\"}}}]}}"),
		   "[\"web\",\"1/2\",\"CrashLoopBackOff\",\"3 (60s ago)\",\"10m\",\"10.0.0.1\","
		   "\"n1\",\"<none>\",\"<none>\"]");
}

static void rows_of_other_kinds(void **state)
{
	(void)state;
	assert_str(cells(KIND_Deployment,
			 "{\"metadata\":{\"name\":\"d\"},\"spec\":{\"replicas\":3,\"selector\":{"
			 "\"matchLabels\":{\"b\":\"2\",\"a\":\"1\"}},\"template\":{\"spec\":{"
			 "\"containers\":[{\"name\":\"x\",\"image\":\"i:1\"},{\"name\":\"y\","
			 "\"image\":\"j\"}]}}},\"status\":{\"readyReplicas\":2}}"),
		   "[\"d\",\"2/3\",\"0\",\"0\",\"<unknown>\",\"x,y\",\"i:1,j\",\"a=1,b=2\"]");
	assert_str(cells(KIND_ReplicaSet, "{\"metadata\":{\"name\":\"r\"},\"spec\":{\"replicas\":3,"
					  "\"selector\":{\"matchExpressions\":[{\"key\":\"a\","
					  "\"operator\":\"In\",\"values\":[\"z\",\"y\"]}]}}}"),
		   "[\"r\",3,0,0,\"<unknown>\",\"\",\"\",\"a in (y,z)\"]");
	assert_str(cells(KIND_Service,
			 "{\"metadata\":{\"name\":\"s\"},\"spec\":{\"type\":\"NodePort\","
			 "\"clusterIP\":\"10.96.0.9\",\"ports\":[{\"port\":80,\"nodePort\":30080,"
			 "\"protocol\":\"TCP\"},{\"port\":53,\"protocol\":\"UDP\"}]}}"),
		   "[\"s\",\"NodePort\",\"10.96.0.9\",\"<none>\",\"80:30080/TCP,53/UDP\","
		   "\"<unknown>\",\"<none>\"]");
	assert_str(cells(KIND_Service, "{\"spec\":{\"type\":\"LoadBalancer\"}}"),
		   "[\"\",\"LoadBalancer\",\"<none>\",\"<pending>\",\"<none>\",\"<unknown>\","
		   "\"<none>\"]");
	assert_str(cells(KIND_Node,
			 "{\"metadata\":{\"name\":\"n\",\"labels\":{"
			 "\"node-role.kubernetes.io/control-plane\":\"\"}},\"spec\":{"
			 "\"unschedulable\":true},\"status\":{\"conditions\":[{\"type\":\"Ready\","
			 "\"status\":\"True\"}],\"nodeInfo\":{\"kubeletVersion\":\"v1\"}}}"),
		   "[\"n\",\"Ready,SchedulingDisabled\",\"control-plane\",\"<unknown>\",\"v1\","
		   "\"<none>\",\"<none>\",\"<unknown>\",\"<unknown>\",\"<unknown>\"]");
	assert_str(cells(KIND_ConfigMap, "{\"metadata\":{\"name\":\"c\"},\"data\":{\"a\":\"\"}}"),
		   "[\"c\",1,\"<unknown>\"]");
	assert_str(cells(KIND_Endpoints,
			 "{\"metadata\":{\"name\":\"e\"},\"subsets\":[{\"addresses\":[{\"ip\":"
			 "\"1.1.1.1\"},{\"ip\":\"1.1.1.2\"}],\"ports\":[{\"port\":80},{\"port\":81}"
			 "]}]}"),
		   "[\"e\",\"1.1.1.1:80,1.1.1.2:80,1.1.1.1:81 + 1 more...\",\"<unknown>\"]");
	assert_str(cells(KIND_Event,
			 "{\"metadata\":{\"name\":\"x.1\"},\"type\":\"Normal\",\"reason\":"
			 "\"Pulled\",\"message\":\"m \",\"lastTimestamp\":\"2026-01-01T23:59:00Z\","
			 "\"firstTimestamp\":\"2026-01-01T23:58:00Z\",\"involvedObject\":{\"kind\":"
			 "\"Pod\",\"name\":\"x\"},\"source\":{\"component\":\"kubelet\",\"host\":"
			 "\"n\"}}"),
		   "[\"60s\",\"Normal\",\"Pulled\",\"pod/x\",\"\",\"kubelet, n\",\"m\","
		   "\"2m\",1,\"x.1\"]");
}

static void rows_of_rights_and_limits(void **state)
{
	(void)state;
	assert_str(cells(KIND_RoleBinding,
			 "{\"metadata\":{\"name\":\"b\",\"creationTimestamp\":"
			 "\"2026-01-01T00:00:00Z\"},\"roleRef\":{\"kind\":\"Role\",\"name\":\"r\"},"
			 "\"subjects\":[{\"kind\":\"User\",\"name\":\"u\"},{\"kind\":\"User\","
			 "\"name\":\"v\"},{\"kind\":\"ServiceAccount\",\"namespace\":\"n\","
			 "\"name\":\"s\"}]}"),
		   "[\"b\",\"Role/r\",\"24h\",\"u, v\",\"\",\"n/s\"]");
	assert_str(cells(KIND_ResourceQuota,
			 "{\"metadata\":{\"name\":\"q\",\"creationTimestamp\":"
			 "\"2026-01-01T00:00:00Z\"},\"status\":{\"hard\":{\"requests.cpu\":\"2\","
			 "\"pods\":\"10\",\"limits.cpu\":\"4\"},\"used\":{\"pods\":\"3\","
			 "\"requests.cpu\":\"1\"}}}"),
		   "[\"q\",\"pods: 3/10, requests.cpu: 1/2\",\"limits.cpu: 0/4\",\"24h\"]");
	assert_str(cells(KIND_CertificateSigningRequest,
			 "{\"metadata\":{\"name\":\"c\",\"creationTimestamp\":"
			 "\"2026-01-01T00:00:00Z\"},\"spec\":{\"signerName\":\"x/y\","
			 "\"username\":\"u\",\"expirationSeconds\":3600},\"status\":{"
			 "\"certificate\":\"eA==\",\"conditions\":[{\"type\":\"Approved\"}]}}"),
		   "[\"c\",\"24h\",\"x/y\",\"u\",\"60m\",\"Approved,Issued\"]");
	assert_str(
		cells(KIND_ControllerRevision,
		      "{\"metadata\":{\"name\":\"r\",\"creationTimestamp\":"
		      "\"2026-01-01T00:00:00Z\",\"ownerReferences\":[{\"apiVersion\":\"apps/v1\","
		      "\"kind\":\"DaemonSet\",\"name\":\"d\",\"controller\":true}]},"
		      "\"revision\":2}"),
		"[\"r\",\"daemonset.apps/d\",2,\"24h\"]");
	assert_str(cells(KIND_PriorityClass, "{\"metadata\":{\"name\":\"p\",\"creationTimestamp\":"
					     "\"2026-01-01T00:00:00Z\"},\"value\":7}"),
		   "[\"p\",7,false,\"24h\",\"\"]");
}

static void definitions_stand_beside_the_cells(void **state)
{
	(void)state;
	for (u32 i = 1; i < api_kinds_len; i++) {
		const struct doc *columns = columns_definitions(arena, &api_kinds[i]);
		const struct doc *row = columns_cells(arena, &api_kinds[i], &doc_empty_object, 0);

		assert_int_equal(doc_len(columns), doc_len(row));
		assert_str(doc_at_str(doc_item(columns, i == KIND_Event ? 9 : 0), "format"),
			   "name");
	}
	const struct doc *columns = columns_definitions(arena, schema_kind(NULL, KIND_Pod));
	assert_str(doc_at_str(columns, "4.name"), "Age");
	assert_str(doc_at_str(columns, "4.type"), "string");
	assert_int_equal(doc_at_int(columns, "5.priority", 0), 1);
}

static int arena_up(void **state)
{
	(void)state;
	arena = arena_new(0);
	return 0;
}

static int arena_down(void **state)
{
	(void)state;
	arena_free(arena);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ages_read_as_kubernetes_prints_them),
		cmocka_unit_test(the_pod_status_word_is_kubectls),
		cmocka_unit_test(a_pod_row_counts_containers_and_restarts),
		cmocka_unit_test(rows_of_other_kinds),
		cmocka_unit_test(rows_of_rights_and_limits),
		cmocka_unit_test(definitions_stand_beside_the_cells),
	};
	return cmocka_run_group_tests(tests, arena_up, arena_down);
}
