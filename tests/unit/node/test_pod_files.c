/* Volumes from API objects, environments, /etc files, users: all that is text made from documents.
 */
#include "../unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "doc/json.h"
#include "node/passwd.h"
#include "node/pod_env.h"
#include "node/pod_etc.h"
#include "node/volumes.h"
#include "sys/file.h"

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

struct world {
	struct arena *arena;
};

static const struct doc *find(void *self, struct str kind, struct str name)
{
	struct world *world = self;

	if (str_is(kind, "ConfigMap") && str_is(name, "cfg"))
		return parse(world->arena, "{'data':{'color':'blue','f.txt':'text','bad key':'x'},"
					   "'binaryData':{'raw':'AAEC'}}");
	if (str_is(kind, "Secret") && str_is(name, "sec"))
		return parse(world->arena, "{'data':{'pw':'c2VjcmV0'}}");
	return NULL;
}

static struct str token(void *self, struct str audience, i64 seconds)
{
	struct world *world = self;

	return str_format(world->arena, "token-" STR_FMT "-%lld", STR_ARG(audience),
			  (long long)seconds);
}

static const char pod_text[] =
	"{'metadata':{'name':'p','namespace':'ns','uid':'u','labels':{'app':'web','q':'a\\\"b'}},"
	"'spec':{'nodeName':'n','containers':[{'name':'c','resources':{'limits':{'cpu':'1500m',"
	"'memory':'64Mi'}}}]}}";

static struct pod_sources sources_in(struct world *world)
{
	return (struct pod_sources){ .self = world,
				     .find = find,
				     .token = token,
				     .pod_ip = STR("10.244.0.9"),
				     .host_ip = STR("192.168.0.1"),
				     .node_cpu_milli = 4000,
				     .node_memory_bytes = 1 << 30 };
}

/* "path=contents mode;" of all files, or the error's sentence. */
static struct str files_text(struct arena *arena, const char *volume)
{
	struct world world = { arena };
	struct pod_sources sources = sources_in(&world);
	struct volume_files files;
	struct error error = ERROR_INIT;
	struct str text = STR_NONE;

	if (volume_files(arena, parse(arena, pod_text), parse(arena, volume), &sources, &files,
			 &error) != ST_OK)
		return str_copy(arena, str_of(error.message));
	for (u32 i = 0; i < files.files.len; i++)
		text = str_format(arena, STR_FMT STR_FMT "=" STR_FMT " %o;", STR_ARG(text),
				  STR_ARG(files.files.at[i].path),
				  STR_ARG(files.files.at[i].contents), files.files.at[i].mode);
	return text;
}

static void volumes_become_files(void **state)
{
	(void)state;
	static const struct {
		const char *volume, *files;
	} cases[] = {
		{ "{'secret':{'secretName':'sec','defaultMode':256}}", "pw=secret 400;" },
		{ "{'configMap':{'name':'cfg','items':[{'key':'color','path':'a/b','mode':292}]}}",
		  "a/b=blue 444;" },
		{ "{'configMap':{'name':'none'}}", "configmap \"none\" not found" },
		{ "{'configMap':{'name':'none','optional':true}}", "" },
		{ "{'secret':{'secretName':'sec','items':[{'key':'x','path':'y'}]}}",
		  "references non-existent secret key: x (ns/sec)" },
		{ "{'configMap':{'name':'cfg','items':[{'key':'color','path':'../up'}]}}",
		  "volume path \"../up\" holds .." },
		{ "{'configMap':{'name':'cfg','items':[{'key':'color','path':'/etc/x'}]}}",
		  "volume path \"/etc/x\" is not relative" },
		{ "{'downwardAPI':{'items':[{'path':'l','fieldRef':{'fieldPath':'metadata.labels'}}"
		  "]}}",
		  "l=app=\"web\"\nq=\"a\\\"b\" 644;" },
		{ "{'projected':{'sources':[{'serviceAccountToken':{'path':'token','audience':'v',"
		  "'expirationSeconds':600}},{'secret':{'name':'sec'}}]}}",
		  "token=token-v-600 600;pw=secret 644;" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct arena *arena = arena_new(0);

		assert_str(files_text(arena, cases[i].volume), cases[i].files);
		arena_free(arena);
	}
}

static struct str env_text(struct arena *arena, const char *container,
			   const struct doc *const *services, u32 len)
{
	struct world world = { arena };
	struct pod_sources sources = sources_in(&world);
	struct pod_env env;
	struct error error = ERROR_INIT;

	if (pod_env_resolve(arena, parse(arena, pod_text), parse(arena, container), &sources,
			    services, len, &env, &error) != ST_OK)
		return str_copy(arena, str_of(error.message));
	return str_join(arena, env.entries.at, env.entries.len, STR(" "));
}

static void environments_resolve(void **state)
{
	(void)state;
	static const struct {
		const char *container, *env;
	} cases[] = {
		{ "{'env':[{'name':'A','value':'1'},{'name':'B','value':'$(A)2'}]}",
		  "HOSTNAME=p A=1 B=12" },
		{ "{'env':[{'name':'C','valueFrom':{'configMapKeyRef':{'name':'cfg','key':'color'}}"
		  "}]}",
		  "HOSTNAME=p C=blue" },
		{ "{'env':[{'name':'C','valueFrom':{'configMapKeyRef':{'name':'cfg','key':'no'}}}]"
		  "}",
		  "couldn't find key no in ConfigMap ns/cfg" },
		{ "{'env':[{'name':'C','valueFrom':{'secretKeyRef':{'name':'no','key':'k',"
		  "'optional':true}}}]}",
		  "HOSTNAME=p" },
		{ "{'env':[{'name':'C','valueFrom':{'secretKeyRef':{'name':'no','key':'k'}}}]}",
		  "secret \"no\" not found" },
		{ "{'envFrom':[{'prefix':'P_','configMapRef':{'name':'cfg'}}]}",
		  "HOSTNAME=p P_color=blue P_f.txt=text" },
		{ "{'env':[{'name':'I','valueFrom':{'fieldRef':{'fieldPath':'status.podIP'}}},"
		  "{'name':'L','valueFrom':{'fieldRef':{'fieldPath':\"metadata.labels['app']\"}}}]"
		  "}",
		  NULL },
		{ "{'name':'c','env':[{'name':'R','valueFrom':{'resourceFieldRef':"
		  "{'resource':'limits.cpu'}}}]}",
		  "HOSTNAME=p R=2" },
		{ "{'name':'c','env':[{'name':'R','valueFrom':{'resourceFieldRef':"
		  "{'resource':'limits.memory','divisor':'1Mi'}}}]}",
		  "HOSTNAME=p R=64" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct arena *arena = arena_new(0);

		if (cases[i].env)
			assert_str(env_text(arena, cases[i].container, NULL, 0), cases[i].env);
		arena_free(arena);
	}
}

static void services_are_told(void **state)
{
	(void)state;
	struct arena *arena = arena_new(0);
	const struct doc *services[] = {
		parse(arena, "{'metadata':{'name':'my-db','namespace':'ns'},'spec':{'clusterIP':"
			     "'10.96.0.7','ports':[{'name':'sql','port':5432}]}}"),
		parse(arena, "{'metadata':{'name':'far','namespace':'other'},'spec':{'clusterIP':"
			     "'10.96.0.8','ports':[{'port':1}]}}"),
		parse(arena, "{'metadata':{'name':'none','namespace':'ns'},'spec':{'clusterIP':"
			     "'None','ports':[{'port':1}]}}"),
	};

	assert_str(env_text(arena, "{}", services, 3),
		   "HOSTNAME=p MY_DB_SERVICE_HOST=10.96.0.7 MY_DB_SERVICE_PORT=5432 "
		   "MY_DB_SERVICE_PORT_SQL=5432 MY_DB_PORT=tcp://10.96.0.7:5432 "
		   "MY_DB_PORT_5432_TCP=tcp://10.96.0.7:5432 MY_DB_PORT_5432_TCP_PROTO=tcp "
		   "MY_DB_PORT_5432_TCP_PORT=5432 MY_DB_PORT_5432_TCP_ADDR=10.96.0.7");
	arena_free(arena);
}

static void fields_of_the_pod(void **state)
{
	(void)state;
	struct arena *arena = arena_new(0);
	struct world world = { arena };
	struct pod_sources sources = sources_in(&world);
	const struct doc *pod = parse(arena, pod_text);
	struct error error = ERROR_INIT;
	struct str value;

	assert_int_equal(
		pod_field(arena, pod, STR("metadata.labels['app']"), &sources, &value, &error),
		ST_OK);
	assert_str(value, "web");
	assert_int_equal(pod_field(arena, pod, STR("spec.nodeName"), &sources, &value, &error),
			 ST_OK);
	assert_str(value, "n");
	assert_int_equal(pod_field(arena, pod, STR("spec.volumes"), &sources, &value, &error),
			 ST_INVALID);
	arena_free(arena);
}

static void write_files(const char *directory, struct volume_file *files, u32 len, bool changes)
{
	struct volume_files list = { .files = { .at = files, .len = len, .cap = len } };
	struct error error = ERROR_INIT;
	bool changed = !changes;

	assert_int_equal(volume_write(directory, &list, -1, &changed, &error), ST_OK);
	assert_int_equal(changed, changes);
}

static void files_change_all_at_once(void **state)
{
	(void)state;
	char directory[] = "/tmp/minke-volume-XXXXXX", path[64];
	struct arena *arena = arena_new(0);
	struct volume_file first[] = { { STR("a"), STR("1"), 0644 },
				       { STR("d/b"), STR("2"), 0400 } };
	struct volume_file second[] = { { STR("a"), STR("9"), 0644 } };
	struct str text;
	struct stat info;

	assert_non_null(mkdtemp(directory));
	write_files(directory, first, 2, true);
	write_files(directory, first, 2, false);
	snprintf(path, sizeof path, "%s/d/b", directory);
	assert_int_equal(stat(path, &info), 0);
	assert_int_equal(info.st_mode & 07777, 0400);
	write_files(directory, second, 1, true);
	assert_int_equal(lstat(path, &info), -1); /* what is no longer wanted is gone */
	snprintf(path, sizeof path, "%s/a", directory);
	assert_int_equal(file_read(arena, path, 10, &text, NULL), ST_OK);
	assert_str(text, "9");
	snprintf(path, sizeof path, "%s/..data", directory);
	assert_int_equal(lstat(path, &info), 0);
	assert_true(S_ISLNK(info.st_mode));
	assert_int_equal(volumes_remove(directory, NULL), ST_OK);
	arena_free(arena);
}

static void hosts_and_resolv_conf(void **state)
{
	(void)state;
	struct arena *arena = arena_new(0);
	struct pod_dns dns = { STR("10.96.0.10"), STR("cluster.local"),
			       STR("nameserver 1.1.1.1\nsearch lan\noptions edns0\n") };
	const struct doc *pod = parse(
		arena, "{'metadata':{'name':'web-0','namespace':'ns'},'spec':{'subdomain':'web',"
		       "'hostAliases':[{'ip':'1.2.3.4','hostnames':['x','y']}],"
		       "'dnsConfig':{'options':[{'name':'ndots','value':'2'}]}}}");
	struct str hosts =
		pod_hosts_text(arena, pod, STR("10.244.0.2"), STR("cluster.local"), STR_NONE);

	assert_true(str_find(hosts, STR("10.244.0.2\tweb-0.web.ns.svc.cluster.local\tweb-0\n")) >
		    0);
	assert_true(str_find(hosts, STR("1.2.3.4\tx\ty\n")) > 0);
	assert_str(pod_resolv_text(arena, pod, &dns),
		   "search ns.svc.cluster.local svc.cluster.local cluster.local lan\n"
		   "nameserver 10.96.0.10\noptions ndots:2\n");
	pod = doc_set_str(arena, pod, "spec.dnsPolicy", STR("Default"));
	pod = doc_remove(arena, pod, "spec.dnsConfig");
	assert_str(pod_resolv_text(arena, pod, &dns),
		   "search lan\nnameserver 1.1.1.1\noptions edns0\n");
	arena_free(arena);
}

static void users_are_looked_up_in_the_image(void **state)
{
	(void)state;
	static const struct {
		const char *user;
		i64 uid, gid;
		i64 want_uid, want_gid; /* -1: refused */
		u32 groups;
	} cases[] = {
		{ "", -1, -1, 0, 0, 0 },	  { "web", -1, -1, 33, 34, 2 },
		{ "web:log", -1, -1, 33, 44, 1 }, { "33", -1, -1, 33, 34, 2 },
		{ "77", -1, -1, 77, 0, 0 },	  { "77:88", -1, -1, 77, 88, 0 },
		{ "nobody", -1, -1, -1, -1, 0 },  { "web:none", -1, -1, -1, -1, 0 },
		{ "web", 5, -1, 5, 0, 0 },	  { "web", -1, 9, 33, 9, 2 },
	};
	struct str passwd = STR("root:x:0:0:root:/root:/bin/sh\nbroken\nweb:x:33:34::/:\n");
	struct str group = STR("root:x:0:\nlog:x:44:web\nx:x:55:a,web\n");

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct passwd_user user = { 0 };
		enum status status = passwd_resolve(passwd, group, str_of(cases[i].user),
						    cases[i].uid, cases[i].gid, &user, NULL);

		assert_int_equal(status == ST_OK, cases[i].want_uid >= 0);
		if (status != ST_OK)
			continue;
		assert_int_equal(user.uid, cases[i].want_uid);
		assert_int_equal(user.gid, cases[i].want_gid);
		assert_int_equal(user.groups_len, cases[i].groups);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(volumes_become_files),
		cmocka_unit_test(environments_resolve),
		cmocka_unit_test(services_are_told),
		cmocka_unit_test(fields_of_the_pod),
		cmocka_unit_test(files_change_all_at_once),
		cmocka_unit_test(hosts_and_resolv_conf),
		cmocka_unit_test(users_are_looked_up_in_the_image),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
