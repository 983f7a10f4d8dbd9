/* Names of images, who may pull them, and what manifests say: everything about images that is pure.
 */
#include "../unit.h"

#include "doc/json.h"
#include "node/image_credentials.h"
#include "node/image_manifest.h"
#include "node/image_reference.h"
#include "node/images.h"

static struct arena *arena;

static const struct doc *parse(const char *text)
{
	const struct doc *d = NULL;
	char *copy = (char *)str_c(arena, str_of(text));

	for (char *c = copy; *c; c++)
		if (*c == '\'')
			*c = '"';
	if (json_parse(arena, str_of(copy), &d, NULL) != ST_OK)
		fail_msg("not JSON: %s", text);
	return d;
}

#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void names_are_normalised(void **state)
{
	(void)state;
	static const struct {
		const char *text, *domain, *path, *tag, *digest, *name;
	} cases[] = {
		{ "nginx", "docker.io", "library/nginx", "latest", "",
		  "docker.io/library/nginx:latest" },
		{ "nginx:1.25", "docker.io", "library/nginx", "1.25", "",
		  "docker.io/library/nginx:1.25" },
		{ "bitnami/redis", "docker.io", "bitnami/redis", "latest", "",
		  "docker.io/bitnami/redis:latest" },
		{ "index.docker.io/busybox", "docker.io", "library/busybox", "latest", "",
		  "docker.io/library/busybox:latest" },
		{ "localhost/a", "localhost", "a", "latest", "", "localhost/a:latest" },
		{ "localhost:5000/a/b:x_y.Z-1", "localhost:5000", "a/b", "x_y.Z-1", "",
		  "localhost:5000/a/b:x_y.Z-1" },
		{ "[::1]:5000/a", "[::1]:5000", "a", "latest", "", "[::1]:5000/a:latest" },
		{ "registry.k8s.io/pause@sha256:" HEX, "registry.k8s.io", "pause", "",
		  "sha256:" HEX, "registry.k8s.io/pause@sha256:" HEX },
		{ "quay.io/a/b:c@sha256:" HEX, "quay.io", "a/b", "c", "sha256:" HEX,
		  "quay.io/a/b:c@sha256:" HEX },
		{ "Example.com/a", "Example.com", "a", "latest", "", "Example.com/a:latest" },
		{ "a__b/c.d-e---f", "docker.io", "a__b/c.d-e---f", "latest", "",
		  "docker.io/a__b/c.d-e---f:latest" },
	};

	for (u32 i = 0; i < ARRAY_LEN(cases); i++) {
		struct image_reference r;
		struct error error = ERROR_INIT;

		if (image_reference_parse(arena, str_of(cases[i].text), &r, &error) != ST_OK)
			fail_msg("%s: %s", cases[i].text, error.message);
		assert_str(r.domain, cases[i].domain);
		assert_str(r.path, cases[i].path);
		assert_str(r.tag, cases[i].tag);
		assert_str(r.digest, cases[i].digest);
		assert_str(r.name, cases[i].name);
	}
}

static void bad_names_are_refused_in_kubelets_words(void **state)
{
	(void)state;
	static const char *const cases[][2] = {
		{ "", "invalid reference format" },
		{ "UPPER", "invalid reference format: repository name (library/UPPER) must be "
			   "lowercase" },
		{ "a/B:1", "invalid reference format: repository name (a/B) must be lowercase" },
		{ "a b", "invalid reference format" },
		{ "a:", "invalid reference format" },
		{ "a:b:c", "invalid reference format" },
		{ "a//b", "invalid reference format" },
		{ "/a", "invalid reference format" },
		{ "a/", "invalid reference format" },
		{ "-a", "invalid reference format" },
		{ "a..b", "invalid reference format" },
		{ "a___b", "invalid reference format" },
		{ "a:-x", "invalid reference format" },
		{ "host:port/a", "invalid reference format" },
		{ "http://host/a", "invalid reference format" },
		{ "../../etc/passwd", "invalid reference format" },
		{ "a@sha256:123", "invalid checksum digest length" },
		{ "a@md5:" HEX, "unsupported digest algorithm" },
		{ "a@" HEX, "invalid reference format" },
		{ HEX, "invalid repository name (" HEX "), cannot specify 64-byte hexadecimal "
		       "strings" },
	};

	for (u32 i = 0; i < ARRAY_LEN(cases); i++) {
		struct image_reference r;
		struct error error = ERROR_INIT;
		struct str expected = str_format(arena, "couldn't parse image name \"%s\": %s",
						 cases[i][0], cases[i][1]);

		assert_int_equal(image_reference_parse(arena, str_of(cases[i][0]), &r, &error),
				 ST_BAD_REQUEST);
		assert_string_equal(error.message, expected.at);
	}
}

static void plain_http_is_for_this_machine_only(void **state)
{
	(void)state;
	assert_true(image_domain_is_loopback(STR("localhost:5000")));
	assert_true(image_domain_is_loopback(STR("127.0.0.1")));
	assert_true(image_domain_is_loopback(STR("[::1]:80")));
	assert_false(image_domain_is_loopback(STR("127.evil.example")));
	assert_false(image_domain_is_loopback(STR("localhost.example:5000")));
	assert_false(image_domain_is_loopback(STR("10.0.0.1")));
}

static void policies_default_by_tag(void **state)
{
	(void)state;
	assert_int_equal(image_policy_of(STR(""), STR("nginx")), IMAGE_ALWAYS);
	assert_int_equal(image_policy_of(STR(""), STR("nginx:1")), IMAGE_IF_NOT_PRESENT);
	assert_int_equal(image_policy_of(STR(""), STR("nginx@sha256:" HEX)), IMAGE_IF_NOT_PRESENT);
	assert_int_equal(image_policy_of(STR("Never"), STR("nginx")), IMAGE_NEVER);
	assert_int_equal(image_policy_of(STR("IfNotPresent"), STR("nginx")), IMAGE_IF_NOT_PRESENT);
}

static struct image_logins logins_for(const char *config, const char *image)
{
	const struct doc *configs[] = { parse(config) };
	struct image_reference r;
	struct image_logins logins;

	assert_int_equal(image_reference_parse(arena, str_of(image), &r, NULL), ST_OK);
	image_logins_find(arena, configs, 1, &r, &logins);
	return logins;
}

static void credentials_are_found_by_host_and_path(void **state)
{
	(void)state;
	static const char config[] =
		"{'auths':{'https://index.docker.io/v1/':{'auth':'am9lOnM6ZWNyZXQ='},"
		"'reg.example:5000':{'username':'u','password':'p'},"
		"'reg.example:5000/team':{'username':'t','password':'q'},"
		"'*.cloud.example':{'username':'c','password':'d'},"
		"'broken':{'auth':'%%%'}}}";
	struct image_logins logins = logins_for(config, "nginx");

	assert_int_equal(logins.len, 1);
	assert_str(logins.at[0].user, "joe");
	assert_str(logins.at[0].password, "s:ecret");
	logins = logins_for(config, "reg.example:5000/team/app");
	assert_int_equal(logins.len, 2);
	assert_str(logins.at[0].user, "t"); /* the most specific first */
	logins = logins_for(config, "reg.example:5000/teams/app");
	assert_int_equal(logins.len, 1);
	assert_str(logins.at[0].user, "u");
	assert_int_equal(logins_for(config, "reg.example/team/app").len, 0);
	assert_int_equal(logins_for(config, "eu.cloud.example/a").len, 1);
	assert_int_equal(logins_for(config, "a.eu.cloud.example/a").len, 0);
	assert_int_equal(logins_for(config, "cloud.example.evil.example/a").len, 0);
	assert_int_equal(logins_for(config, "broken.example/a").len, 0);
	logins = logins_for("{'quay.io':{'username':'old','password':'cfg'}}", "quay.io/a/b");
	assert_int_equal(logins.len, 1);
}

#define BLOB(letter, size)                                                                         \
	"{'digest':'sha256:" letter                                                                \
	"123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef','size':" size "}"

static void manifests_are_read_with_distrust(void **state)
{
	(void)state;
	static const char *const bad[][2] = {
		{ "{'schemaVersion':1}", "schema 1" },
		{ "{'schemaVersion':2}", "no image manifest" },
		{ "[]", "no image manifest" },
		{ "{'config':{'digest':'sha256:12','size':1},'layers':[]}",
		  "no valid sha256 digest" },
		{ "{'config':{'digest':'../../etc/passwd','size':1},'layers':[]}",
		  "no valid sha256 digest" },
		{ "{'config':" BLOB("0", "-5") ",'layers':[]}", "has no size" },
		{ "{'config':" BLOB(
			  "0",
			  "5") ",'layers':[{'mediaType':"
			       "'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip'}]}",
		  "foreign" },
		{ "{'manifests':[{'platform':{'os':'windows','architecture':'amd64'}}]}",
		  "no match for platform" },
	};
	struct manifest m;
	struct error error = ERROR_INIT;

	for (u32 i = 0; i < ARRAY_LEN(bad); i++) {
		error_clear(&error);
		assert_int_not_equal(manifest_read(parse(bad[i][0]), &m, &error), ST_OK);
		assert_non_null(strstr(error.message, bad[i][1]));
	}
	assert_int_equal(manifest_read(parse("{'config':" BLOB("0", "5") ",'layers':[" BLOB(
					       "1", "7") "," BLOB("2", "9") "]}"),
				       &m, &error),
			 ST_OK);
	assert_int_equal(m.layers_len, 2);
	assert_int_equal(m.layers[1].size, 9);
	assert_false(m.is_list);
}

static void configurations_say_how_to_start(void **state)
{
	(void)state;
	const struct doc *config =
		parse("{'os':'linux','config':{'Entrypoint':['/e'],'Cmd':['a','b'],"
		      "'Env':['A=1'],'User':'33:33','WorkingDir':'/w',"
		      "'StopSignal':'SIGQUIT'},'rootfs':{'diff_ids':[]}}");
	struct image image = { 0 };
	struct diff_ids ids;

	config_to_image(arena, config, &image);
	assert_int_equal(image.entrypoint_len, 1);
	assert_str(image.cmd[1], "b");
	assert_str(image.env[0], "A=1");
	assert_str(image.user, "33:33");
	assert_str(image.stop_signal, "SIGQUIT");
	assert_int_equal(config_diff_ids(config, &ids, NULL), ST_OK);
	assert_int_equal(config_check_platform(config, NULL), ST_OK);
	assert_int_equal(
		config_check_platform(parse("{'os':'linux','architecture':'s390x'}"), NULL),
		ST_INVALID);
	assert_int_equal(config_diff_ids(parse("{'rootfs':{'diff_ids':['sha256:x']}}"), &ids, NULL),
			 ST_INVALID);
}

static int set_up(void **state)
{
	(void)state;
	arena = arena_new(0);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	arena_free(arena);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_normalised),
		cmocka_unit_test(bad_names_are_refused_in_kubelets_words),
		cmocka_unit_test(plain_http_is_for_this_machine_only),
		cmocka_unit_test(policies_default_by_tag),
		cmocka_unit_test(credentials_are_found_by_host_and_path),
		cmocka_unit_test(manifests_are_read_with_distrust),
		cmocka_unit_test(configurations_say_how_to_start),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
