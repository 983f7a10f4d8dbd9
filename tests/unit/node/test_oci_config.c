/* config.json: what a plain container gets, what securityContext changes, how commands expand. */
#include "../unit.h"

#include "doc/json.h"
#include "node/oci_config.h"

static const struct doc *parse(struct arena *arena, const char *text)
{
	char *json = arena_copy(arena, text, strlen(text) + 1);
	const struct doc *doc = NULL;
	struct error error = ERROR_INIT;

	for (char *at = json; *at; at++)
		if (*at == '\'')
			*at = '"';
	if (json_parse(arena, str_of(json), &doc, &error) != ST_OK)
		fail_msg("%s: %s", text, error.message);
	return doc;
}

static const struct str image_env[] = { STR_INIT("PATH=/bin"), STR_INIT("FROM=image") };
static const struct str entrypoint[] = { STR_INIT("/entry") };
static const struct str cmd[] = { STR_INIT("serve"), STR_INIT("--all") };
static const struct image image = {
	.entrypoint = entrypoint,
	.entrypoint_len = 1,
	.cmd = cmd,
	.cmd_len = 2,
	.env = image_env,
	.env_len = 2,
	.workdir = STR_INIT("/srv"),
};

static const struct doc *configure(struct arena *arena, const char *pod_text,
				   const char *container_text)
{
	static const struct str env[] = { STR_INIT("NAME=x"), STR_INIT("FROM=pod") };
	static const struct oci_mount mounts[] = {
		{ STR_INIT("/host/v"), STR_INIT("/v"), true, { 0 } },
	};
	struct oci_input input = {
		.pod = parse(arena, pod_text),
		.container = parse(arena, container_text),
		.image = &image,
		.env = env,
		.env_len = 2,
		.mounts = mounts,
		.mounts_len = 1,
		.net = STR("/ns/net"),
		.ipc = STR("/ns/ipc"),
		.uts = STR("/ns/uts"),
		.own_capabilities = ~(1ull << 27), /* all but MKNOD */
		.oom_score_adj = 1000,
	};

	return oci_config(arena, &input);
}

static struct str text_of(struct arena *arena, const struct doc *doc)
{
	return doc ? json_text(arena, doc) : STR("absent");
}

static bool has(const struct doc *list, const char *word)
{
	doc_each_item(list, item)
		if (str_is(doc_str(item), word))
			return true;
	return false;
}

static void a_plain_container(void **state)
{
	(void)state;
	struct arena *arena = arena_new(0);
	const struct doc *config = configure(arena, "{'spec':{}}", "{'name':'a'}");

	assert_str(text_of(arena, doc_at(config, "process.args")),
		   "[\"/entry\",\"serve\",\"--all\"]");
	assert_str(text_of(arena, doc_at(config, "process.env")),
		   "[\"PATH=/bin\",\"NAME=x\",\"FROM=pod\"]");
	assert_str(doc_at_str(config, "process.cwd"), "/srv");
	assert_str(
		text_of(arena, doc_at(config, "linux.namespaces")),
		"[{\"type\":\"mount\"},{\"type\":\"pid\"},"
		"{\"type\":\"network\",\"path\":\"/ns/net\"},"
		"{\"type\":\"ipc\",\"path\":\"/ns/ipc\"},{\"type\":\"uts\",\"path\":\"/ns/uts\"}]");
	assert_str(text_of(arena, doc_at(config, "mounts.6")),
		   "{\"destination\":\"/v\",\"type\":\"bind\",\"source\":\"/host/v\","
		   "\"options\":[\"rbind\",\"rprivate\",\"ro\"]}");
	assert_false(doc_at_bool(config, "process.noNewPrivileges", true));
	assert_false(doc_at_bool(config, "root.readonly", true));
	const struct doc *bounding = doc_at(config, "process.capabilities.bounding");

	assert_true(has(bounding, "CAP_NET_BIND_SERVICE"));
	assert_false(has(bounding, "CAP_SYS_ADMIN"));
	assert_false(has(bounding, "CAP_MKNOD")); /* we do not have it ourselves */
	assert_true(has(doc_at(config, "linux.maskedPaths"), "/proc/kcore"));
	assert_null(doc_at(config, "linux.seccomp"));
	arena_free(arena);
}

static void what_a_security_context_says(void **state)
{
	(void)state;
	struct arena *arena = arena_new(0);
	const struct doc *config = configure(
		arena, "{'spec':{'securityContext':{'supplementalGroups':[5],'fsGroup':6}}}",
		"{'name':'a','securityContext':{'readOnlyRootFilesystem':true,"
		"'allowPrivilegeEscalation':false,'seccompProfile':{'type':'RuntimeDefault'},"
		"'capabilities':{'drop':['ALL'],'add':['NET_ADMIN']}}}");

	assert_true(doc_at_bool(config, "root.readonly", false));
	assert_true(doc_at_bool(config, "process.noNewPrivileges", false));
	assert_str(text_of(arena, doc_at(config, "process.capabilities.effective")),
		   "[\"CAP_NET_ADMIN\"]");
	assert_str(text_of(arena, doc_at(config, "process.user.additionalGids")), "[5,6]");
	assert_true(has(doc_at(config, "linux.seccomp.syscalls.0.names"), "mount"));
	config = configure(arena, "{'spec':{}}",
			   "{'name':'a','securityContext':{'privileged':true}}");
	assert_true(has(doc_at(config, "process.capabilities.effective"), "CAP_SYS_ADMIN"));
	assert_null(doc_at(config, "linux.maskedPaths"));
	arena_free(arena);
}

static void command_and_args_replace_the_images(void **state)
{
	(void)state;
	static const struct {
		const char *container, *args;
	} cases[] = {
		{ "{'command':['a','b']}", "[\"a\",\"b\"]" },
		{ "{'args':['c']}", "[\"/entry\",\"c\"]" },
		{ "{'command':['a'],'args':['$(X)','$$(X)','$(Y)']}",
		  "[\"a\",\"1\",\"$(X)\",\"$(Y)\"]" },
	};
	static const struct str env[] = { STR_INIT("X=1") };

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct arena *arena = arena_new(0);

		assert_str(text_of(arena, oci_args(arena, parse(arena, cases[i].container), &image,
						   env, 1)),
			   cases[i].args);
		arena_free(arena);
	}
}

static void root_is_refused_where_it_must_not_run(void **state)
{
	(void)state;
	static const struct {
		const char *context, *user;
		bool allowed;
	} cases[] = {
		{ "{'runAsNonRoot':true}", "", false },
		{ "{'runAsNonRoot':true}", "1000", true },
		{ "{'runAsNonRoot':true}", "0:5", false },
		{ "{'runAsNonRoot':true}", "nginx", false },
		{ "{'runAsNonRoot':true,'runAsUser':7}", "nginx", true },
		{ "{'runAsNonRoot':true,'runAsUser':0}", "1000", false },
		{ "{}", "", true },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct arena *arena = arena_new(0);
		struct error error = ERROR_INIT;
		struct image one = { .user = str_of(cases[i].user) };
		const struct doc *container =
			doc_set(arena, NULL, "securityContext", parse(arena, cases[i].context));

		assert_int_equal(security_check_user(NULL, container, &one, &error) == ST_OK,
				 cases[i].allowed);
		arena_free(arena);
	}
}

static void limits_come_from_resources(void **state)
{
	(void)state;
	struct arena *arena = arena_new(0);
	struct container_limits limits = container_limits(
		parse(arena, "{'resources':{'limits':{'cpu':'500m','memory':'64Mi'}}}"), 9);

	assert_int_equal(limits.memory_bytes, 64 << 20);
	assert_int_equal(limits.cpu_quota_us, 50000);
	assert_int_equal(limits.cpu_shares, 512);
	assert_int_equal(limits.pids, 9);
	limits = container_limits(parse(arena, "{}"), 0);
	assert_int_equal(limits.cpu_shares, 2);
	assert_int_equal(limits.memory_bytes, 0);
	assert_int_equal(limits.cpu_quota_us, 0);
	arena_free(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_plain_container),
		cmocka_unit_test(what_a_security_context_says),
		cmocka_unit_test(command_and_args_replace_the_images),
		cmocka_unit_test(root_is_refused_where_it_must_not_run),
		cmocka_unit_test(limits_come_from_resources),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
