/* The audit log: which requests are noted and how much of them; tokens of a file. */
#include "harness.h"

#include "doc/yaml.h"
#include "server/audit.h"
#include "server/static_tokens.h"

#define MAPS "/api/v1/namespaces/default/configmaps"

static const struct doc *events[64];
static u32 events_len;

static void take_line(void *self, struct str line)
{
	(void)self;
	assert_true(events_len < ARRAY_LEN(events));
	assert_int_equal(json_parse(arena, str_copy(arena, line), &events[events_len++], NULL),
			 ST_OK);
}

static const struct audit_sink sink = { take_line, NULL };

static const char policy_text[] = "apiVersion: audit.k8s.io/v1\n"
				  "kind: Policy\n"
				  "omitStages: [RequestReceived]\n"
				  "rules:\n"
				  "- level: None\n"
				  "  nonResourceURLs: [\"/healthz*\", /version]\n"
				  "- level: None\n"
				  "  users: [\"system:kube-proxy\"]\n"
				  "  verbs: [watch]\n"
				  "- level: Metadata\n"
				  "  resources: [{group: \"\", resources: [secrets]}]\n"
				  "- level: Request\n"
				  "  resources: [{group: \"\", resources: [\"pods/*\"]}]\n"
				  "- level: RequestResponse\n"
				  "  namespaces: [default]\n"
				  "  omitManagedFields: true\n"
				  "  resources: [{group: \"\", resources: [configmaps]}]\n"
				  "- level: Metadata\n"
				  "  omitStages: [ResponseStarted]\n";

static const struct doc *policy;
static struct arena *policy_arena;
static struct static_tokens tokens;

static int audit_up(void **state)
{
	static struct server_config config;

	(void)state;
	policy_arena = arena_new(0);
	assert_int_equal(
		yaml_parse(policy_arena, str_of(policy_text), &policy, NULL, 0, NULL, NULL), ST_OK);
	assert_int_equal(audit_policy_check(policy, NULL), ST_OK);
	assert_int_equal(static_tokens_parse(policy_arena,
					     STR("# who\nabc,ann,1,\"dev,system:masters\"\n"
						 "def, bob ,2\n"),
					     &tokens, NULL),
			 ST_OK);
	config = (struct server_config){
		.audit = &sink,
		.audit_policy = policy,
		.tokens_file = &tokens,
	};
	make_cluster(&config);
	events_len = 0;
	return 0;
}

static int audit_down(void **state)
{
	cluster_down(state);
	arena_free(policy_arena);
	return 0;
}

static void what_is_asked_and_told_is_noted(void **state)
{
	const struct doc *e;

	(void)state;
	ask_ok(201, "POST", MAPS, "{\"metadata\":{\"name\":\"m\"},\"data\":{\"a\":\"b\"}}");
	assert_int_equal(events_len, 1);
	e = events[0];
	assert_str(doc_at_str(e, "apiVersion"), "audit.k8s.io/v1");
	assert_str(doc_at_str(e, "kind"), "Event");
	assert_str(doc_at_str(e, "level"), "RequestResponse");
	assert_str(doc_at_str(e, "stage"), "ResponseComplete");
	assert_str(doc_at_str(e, "verb"), "create");
	assert_str(doc_at_str(e, "requestURI"), MAPS);
	assert_str(doc_at_str(e, "user.username"), "kubernetes-admin");
	assert_str(doc_at_str(e, "objectRef.resource"), "configmaps");
	assert_str(doc_at_str(e, "objectRef.namespace"), "default");
	assert_int_equal(doc_at_int(e, "responseStatus.code", 0), 201);
	assert_str(doc_at_str(e, "requestObject.data.a"), "b");
	assert_str(doc_at_str(e, "responseObject.metadata.name"), "m");
	assert_null(doc_at(e, "responseObject.metadata.managedFields"));
	assert_str(doc_at_str(doc_key(e, "annotations"), "x"), "");
	assert_str(doc_str(doc_key(doc_key(e, "annotations"), "authorization.k8s.io/decision")),
		   "allow");
	ask_ok(201, "POST", "/api/v1/namespaces/default/secrets",
	       "{\"metadata\":{\"name\":\"s\"}}");
	assert_str(doc_at_str(events[1], "level"), "Metadata");
	assert_null(doc_at(events[1], "requestObject"));
	ask("GET", "/healthz", NULL);
	ask("GET", "/version", NULL);
	assert_int_equal(events_len, 2);
	ask("GET", "/api", NULL);
	assert_int_equal(events_len, 3);
	assert_null(doc_at(events[2], "objectRef"));
}

static void refusals_and_failures_are_noted(void **state)
{
	(void)state;
	ask_ok(404, "GET", MAPS "/none", NULL);
	assert_int_equal(doc_at_int(events[0], "responseStatus.code", 0), 404);
	assert_str(doc_at_str(events[0], "responseStatus.reason"), "NotFound");
	acts_as = "jane";
	ask_ok(403, "GET", MAPS, NULL);
	assert_str(doc_at_str(events[1], "user.username"), "kubernetes-admin");
	assert_str(doc_at_str(events[1], "impersonatedUser.username"), "jane");
	assert_str(doc_str(doc_key(doc_key(events[1], "annotations"),
				   "authorization.k8s.io/decision")),
		   "forbid");
	acts_as = NULL;
	peer = NULL;
	authorization = "Bearer wrong";
	ask_ok(401, "GET", MAPS, NULL);
	assert_int_equal(doc_at_int(events[2], "responseStatus.code", 0), 401);
}

static void a_watch_has_a_beginning_and_an_end(void **state)
{
	struct answer *a;

	(void)state;
	a = ask_open("GET", MAPS "?watch=true", NULL);
	assert_int_equal(events_len, 1);
	assert_str(doc_at_str(events[0], "stage"), "ResponseStarted");
	assert_str(doc_at_str(events[0], "verb"), "watch");
	answer_free(a);
	assert_int_equal(events_len, 2);
	assert_str(doc_at_str(events[1], "stage"), "ResponseComplete");
	assert_true(str_eq(doc_at_str(events[0], "auditID"), doc_at_str(events[1], "auditID")));
}

static void violations_are_noted(void **state)
{
	(void)state;
	ask_ok(201, "POST", "/api/v1/namespaces",
	       "{\"metadata\":{\"name\":\"n\",\"labels\":{\"pod-security.kubernetes.io/audit\":"
	       "\"baseline\"}}}");
	ask_ok(201, "POST", "/api/v1/namespaces/n/serviceaccounts",
	       "{\"metadata\":{\"name\":\"default\"}}");
	ask_ok(201, "POST", "/api/v1/namespaces/n/pods",
	       "{\"metadata\":{\"name\":\"p\"},\"spec\":{\"hostPID\":true,\"containers\":[{"
	       "\"name\":"
	       "\"c\",\"image\":\"x\"}]}}");
	const struct doc *notes = doc_key(events[events_len - 1], "annotations");

	assert_str(doc_str(doc_key(notes, "pod-security.kubernetes.io/audit-violations")),
		   "would violate PodSecurity \"baseline:latest\": host namespaces (hostPID=true)");
	assert_str(doc_str(doc_key(notes, "pod-security.kubernetes.io/enforce-policy")),
		   "privileged:latest");
}

static void tokens_of_a_file_are_believed(void **state)
{
	struct error error = ERROR_INIT;
	struct static_tokens bad;
	const struct doc *who;

	(void)state;
	peer = NULL;
	authorization = "Bearer abc";
	who = ask_ok(201, "POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", "{}");
	assert_str(doc_at_str(who, "status.userInfo.username"), "ann");
	assert_str(doc_at_str(who, "status.userInfo.groups.0"), "dev");
	ask_ok(200, "GET", MAPS, NULL);
	authorization = "Bearer def";
	ask_ok(403, "GET", MAPS, NULL);
	assert_int_equal(static_tokens_parse(arena, STR("a,b,c\nonly,two"), &bad, &error),
			 ST_BAD_REQUEST);
	assert_string_equal(error.message,
			    "token file: line 2 is not token,user,uid,\"group,group\"");
}

static void wrong_policies_are_told(void **state)
{
	static const char *const wrong[] = {
		"apiVersion: v1\nkind: Policy\nrules: [{level: None}]",
		"apiVersion: audit.k8s.io/v1\nkind: Policy",
		"apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: Some}]",
		"apiVersion: audit.k8s.io/v1\nkind: Policy\nomitStages: [Later]\nrules: [{level: "
		"None}]",
		"apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: None, namespaces: [a], "
		"nonResourceURLs: [/b]}]",
	};
	const struct doc *doc;

	(void)state;
	for (u32 i = 0; i < ARRAY_LEN(wrong); i++) {
		assert_int_equal(yaml_parse(arena, str_of(wrong[i]), &doc, NULL, 0, NULL, NULL),
				 ST_OK);
		if (audit_policy_check(doc, NULL) == ST_OK)
			fail_msg("policy %u is taken", i);
	}
}

#define audit_test(f) cmocka_unit_test_setup_teardown(f, audit_up, audit_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		audit_test(what_is_asked_and_told_is_noted),
		audit_test(refusals_and_failures_are_noted),
		audit_test(a_watch_has_a_beginning_and_an_end),
		audit_test(violations_are_noted),
		audit_test(tokens_of_a_file_are_believed),
		audit_test(wrong_policies_are_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
