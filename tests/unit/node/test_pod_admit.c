/* Which pods a node refuses, and which it evicts for the disk they take; in the kubelet's words. */
#include "../unit.h"

#include <stdlib.h>
#include <string.h>

#include "doc/json.h"
#include "node/pod_admit.h"

static const struct doc *parse(struct arena *arena, const char *text)
{
	char *copy = strdup(text);
	const struct doc *doc = NULL;

	for (char *at = copy; *at; at++)
		if (*at == '\'')
			*at = '"';
	assert_int_equal(json_parse(arena, str_copy(arena, str_of(copy)), &doc, NULL), ST_OK);
	free(copy);
	return doc;
}

#define PLAIN                                                                                      \
	"{'spec':{'containers':[{'name':'a','resources':{'requests':{'cpu':'500m','memory':'1Gi'}" \
	"}}]}}"

static const struct {
	const char *shows, *pod, *labels;
	i64 cpu_milli, memory_mi, used_cpu_milli;
	u32 pods;
	const char *reason, *message;
} arrivals[] = {
	{ "a pod that fits", PLAIN, NULL, 500, 1024, 0, 0, "", "" },
	{ "no processor left", PLAIN, NULL, 1000, 4096, 600, 0, "OutOfcpu",
	  "Node didn't have enough resource: cpu, requested: 500, used: 600, capacity: 1000" },
	{ "no memory left", PLAIN, NULL, 1000, 512, 0, 0, "OutOfmemory",
	  "Node didn't have enough resource: memory, requested: 1073741824, used: 0, capacity: "
	  "536870912" },
	{ "too many pods", PLAIN, NULL, 1000, 4096, 0, 110, "OutOfpods",
	  "Node didn't have enough resource: pods, requested: 1, used: 110, capacity: 110" },
	{ "another system", "{'spec':{'os':{'name':'windows'},'containers':[{'name':'a'}]}}", NULL,
	  1000, 4096, 0, 0, "PodOSNotSupported",
	  "Failed to admit pod as the OS field doesn't match node OS" },
	{ "users of its own", "{'spec':{'hostUsers':false,'containers':[{'name':'a'}]}}", NULL,
	  1000, 4096, 0, 0, "PodFeatureUnsupported",
	  "Failed to admit pod: this node gives pods no user namespace of their own (hostUsers: "
	  "false)" },
	{ "a label that is there",
	  "{'spec':{'nodeSelector':{'disk':'ssd'},'containers':[{'name':'a'}]}}", "{'disk':'ssd'}",
	  1000, 4096, 0, 0, "", "" },
	{ "a label that is not",
	  "{'spec':{'nodeSelector':{'disk':'ssd'},'containers':[{'name':'a'}]}}", "{'disk':'hdd'}",
	  1000, 4096, 0, 0, "NodeAffinity",
	  "Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector" },
	{ "one term of several",
	  "{'spec':{'affinity':{'nodeAffinity':{'requiredDuringSchedulingIgnoredDuringExecution':"
	  "{'nodeSelectorTerms':[{'matchExpressions':[{'key':'a','operator':'Exists'}]},"
	  "{'matchExpressions':[{'key':'n','operator':'Gt','values':['3']}]}]}}},"
	  "'containers':[{'name':'a'}]}}",
	  "{'n':'4'}", 1000, 4096, 0, 0, "", "" },
};

static void refuses_what_the_kubelet_refuses(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(arrivals); i++) {
		struct arena *arena = arena_new(0);
		struct node_room room = {
			.labels = arrivals[i].labels ? parse(arena, arrivals[i].labels) : NULL,
			.cpu_milli = arrivals[i].cpu_milli,
			.memory_bytes = arrivals[i].memory_mi << 20,
			.used_cpu_milli = arrivals[i].used_cpu_milli,
			.pods = arrivals[i].pods,
			.pods_max = 110,
		};
		struct verdict verdict = pod_admit(arena, parse(arena, arrivals[i].pod), &room);

		if (!str_is(verdict.reason, arrivals[i].reason) ||
		    !str_is(verdict.message, arrivals[i].message))
			fail_msg("%s: " STR_FMT ": " STR_FMT, arrivals[i].shows,
				 STR_ARG(verdict.reason), STR_ARG(verdict.message));
		arena_free(arena);
	}
}

static const struct {
	const char *shows, *pod;
	i64 volume_mi, first_mi, second_mi;
	const char *message;
} uses[] = {
	{ "within all limits",
	  "{'spec':{'volumes':[{'name':'v','emptyDir':{'sizeLimit':'5Mi'}}],'containers':["
	  "{'name':'a','resources':{'limits':{'ephemeral-storage':'10Mi'}}}]}}",
	  4, 5, 0, "" },
	{ "a volume over its limit",
	  "{'spec':{'volumes':[{'name':'v','emptyDir':{'sizeLimit':'5Mi'}}],'containers':["
	  "{'name':'a'}]}}",
	  6, 0, 0, "Usage of EmptyDir volume \"v\" exceeds the limit \"5Mi\". " },
	{ "one in memory is not on disk",
	  "{'spec':{'volumes':[{'name':'v','emptyDir':{'sizeLimit':'5Mi','medium':'Memory'}}],"
	  "'containers':[{'name':'a'}]}}",
	  6, 0, 0, "" },
	{ "all together over the sum",
	  "{'spec':{'containers':[{'name':'a','resources':{'limits':{'ephemeral-storage':'10Mi'}}}]"
	  "}}",
	  6, 5, 0,
	  "Pod ephemeral local storage usage exceeds the total limit of containers 10Mi. " },
	{ "one container over its own",
	  "{'spec':{'containers':[{'name':'a','resources':{'limits':{'ephemeral-storage':'10Mi'}}},"
	  "{'name':'b','resources':{'limits':{'ephemeral-storage':'30Mi'}}}]}}",
	  0, 12, 0, "Container a exceeded its local ephemeral storage limit \"10Mi\". " },
};

static void evicts_for_the_disk(void **state)
{
	const struct str names[] = { STR("v") };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(uses); i++) {
		struct arena *arena = arena_new(0);
		const struct doc *pod = parse(arena, uses[i].pod);
		i64 volumes[] = { uses[i].volume_mi << 20 };
		i64 containers[] = { uses[i].first_mi << 20, uses[i].second_mi << 20 };
		struct storage_use use = { names, volumes, 1, containers,
					   doc_len(doc_at(pod, "spec.containers")) };
		struct verdict verdict = pod_storage_verdict(arena, pod, &use);

		if (!str_is(verdict.message, uses[i].message))
			fail_msg("%s: " STR_FMT, uses[i].shows, STR_ARG(verdict.message));
		assert_true(str_is(verdict.reason, *uses[i].message ? "Evicted" : ""));
		arena_free(arena);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_what_the_kubelet_refuses),
		cmocka_unit_test(evicts_for_the_disk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
