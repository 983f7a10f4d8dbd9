/* What a pod's volumes come down to on a node: claims followed, foreign types refused; and the
 * deeds that need no mount. */
#include "../unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "doc/json.h"
#include "node/volume_source.h"
#include "sys/file.h"

static struct arena *arena;

static const struct doc *parse(const char *text)
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

static const struct {
	const char *kind, *name, *text;
} objects[] = {
	{ "PersistentVolumeClaim", "bound",
	  "{'spec':{'volumeName':'host'},'status':{'phase':'Bound'}}" },
	{ "PersistentVolumeClaim", "waits", "{'status':{'phase':'Pending'}}" },
	{ "PersistentVolumeClaim", "going",
	  "{'metadata':{'deletionTimestamp':'x'},'spec':{'volumeName':'host'},'status':"
	  "{'phase':'Bound'}}" },
	{ "PersistentVolumeClaim", "elsewhere",
	  "{'spec':{'volumeName':'far'},'status':{'phase':'Bound'}}" },
	{ "PersistentVolumeClaim", "net",
	  "{'spec':{'volumeName':'nfs'},'status':{'phase':'Bound'}}" },
	{ "PersistentVolumeClaim", "cloud",
	  "{'spec':{'volumeName':'disk'},'status':{'phase':'Bound'}}" },
	{ "PersistentVolumeClaim", "p-own",
	  "{'metadata':{'ownerReferences':[{'uid':'u','controller':true}]},'spec':{'volumeName':"
	  "'host'},'status':{'phase':'Bound'}}" },
	{ "PersistentVolumeClaim", "p-other",
	  "{'spec':{'volumeName':'host'},'status':{'phase':'Bound'}}" },
	{ "PersistentVolume", "host",
	  "{'metadata':{'annotations':{'pv.kubernetes.io/provisioned-by':'minke/local-path'}},"
	  "'spec':{'capacity':{'storage':'1Gi'},'hostPath':{'path':'/"
	  "d'},'nodeAffinity':{'required':"
	  "{'nodeSelectorTerms':[{'matchExpressions':[{'key':'kubernetes.io/hostname','operator':"
	  "'In','values':['n','m']}]}]}}}}" },
	{ "PersistentVolume", "far",
	  "{'spec':{'local':{'path':'/d'},'nodeAffinity':{'required':{'nodeSelectorTerms':"
	  "[{'matchExpressions':[{'key':'kubernetes.io/hostname','operator':'In','values':['m']}]}]"
	  "}}}}" },
	{ "PersistentVolume", "nfs",
	  "{'spec':{'nfs':{'server':'s','path':'/x','readOnly':true},'mountOptions':['hard']}}" },
	{ "PersistentVolume", "disk",
	  "{'spec':{'capacity':{'storage':'1Gi'},'claimRef':{'name':'cloud'},'csi':{'driver':'d'}}"
	  "}" },
};

static const struct doc *find(void *self, struct str kind, struct str name)
{
	(void)self;
	for (u32 i = 0; i < ARRAY_LEN(objects); i++)
		if (str_is(kind, objects[i].kind) && str_is(name, objects[i].name))
			return parse(objects[i].text);
	return NULL;
}

static struct volume_source got;
static struct error error;

static enum status resolve(const char *volume)
{
	struct pod_sources sources = { .find = find, .node_name = STR("n") };

	error = (struct error)ERROR_INIT;
	return volume_resolve(arena, parse("{'metadata':{'name':'p','namespace':'d','uid':'u'}}"),
			      parse(volume), &sources, &got, &error);
}

#define CLAIM(name) "{'name':'v','persistentVolumeClaim':{'claimName':'" name "'}}"

static void a_claim_is_followed_to_its_volume(void **state)
{
	(void)state;
	assert_int_equal(resolve(CLAIM("bound")), ST_OK);
	assert_int_equal(got.sort, VOLUME_BOUND);
	assert_str(got.volume, "host");
	assert_str(doc_at_str(got.source, "path"), "/d");
	assert_true(got.managed);
	assert_true(got.grouped);
	assert_int_equal(resolve(CLAIM("net")), ST_OK);
	assert_int_equal(got.sort, VOLUME_NFS);
	assert_true(got.read_only);
	assert_str(doc_str(doc_item(got.mount_options, 0)), "hard");
	assert_int_equal(resolve("{'name':'own','ephemeral':{'volumeClaimTemplate':{}}}"), ST_OK);
	assert_str(got.volume, "host");
}

static void a_claim_that_is_not_ready_is_waited_for(void **state)
{
	(void)state;
	assert_int_equal(resolve(CLAIM("waits")), ST_CONFLICT);
	assert_true(got.waits);
	assert_string_equal(error.message, "error processing PVC d/waits: PVC is not bound");
	assert_int_equal(resolve(CLAIM("none")), ST_NOT_FOUND);
	assert_true(got.waits);
	assert_string_equal(error.message,
			    "error processing PVC d/none: failed to fetch PVC from API server: "
			    "persistentvolumeclaims \"none\" not found");
	assert_int_equal(resolve(CLAIM("going")), ST_CONFLICT);
	assert_string_equal(error.message, "error processing PVC d/going: PVC is being deleted");
}

static void a_volume_of_another_node_is_refused(void **state)
{
	(void)state;
	assert_int_equal(resolve(CLAIM("elsewhere")), ST_INVALID);
	assert_false(got.waits);
	assert_string_equal(error.message, "MountVolume.NodeAffinity check failed for volume "
					   "\"far\": no matching NodeSelectorTerms");
}

static void a_strangers_claim_is_no_ephemeral_volume(void **state)
{
	(void)state;
	assert_int_equal(resolve("{'name':'other','ephemeral':{}}"), ST_INVALID);
	assert_string_equal(error.message,
			    "error processing ephemeral volume other: PVC \"d/p-other\" was not "
			    "created for pod \"d/p\" (pod is not the owner)");
}

static void foreign_types_are_refused_by_name(void **state)
{
	(void)state;
	assert_int_equal(resolve("{'name':'v','gitRepo':{'repository':'x'}}"), ST_INVALID);
	assert_non_null(strstr(error.message, "gitRepo volumes are not supported"));
	assert_int_equal(resolve("{'name':'v','awsElasticBlockStore':{}}"), ST_INVALID);
	assert_non_null(strstr(error.message, "volumes of type awsElasticBlockStore are not"));
	assert_int_equal(resolve(CLAIM("cloud")), ST_INVALID);
	assert_non_null(strstr(error.message, "CSI drivers are not supported"));
}

/* ---- deeds */

static char base[64];

static const char *below(const char *name)
{
	return str_format(arena, "%s/%s", base, name).at;
}

static void managed_directories_lie_right_below_ours(void **state)
{
	(void)state;
	struct stat info;

	assert_int_equal(volume_make_managed(below("pvc-1_d_c"), base, NULL), ST_OK);
	assert_int_equal(stat(below("pvc-1_d_c"), &info), 0);
	assert_int_equal(info.st_mode & 0777, 0777);
	assert_int_equal(volume_make_managed(below("pvc-1_d_c"), base, NULL), ST_OK);
	assert_int_equal(volume_make_managed(below("a/b"), base, NULL), ST_INVALID);
	assert_int_equal(volume_make_managed(below(".."), base, NULL), ST_INVALID);
	assert_int_equal(volume_make_managed("/etc/x", base, NULL), ST_INVALID);
	assert_int_equal(volume_make_managed(base, base, NULL), ST_INVALID);
}

static void a_volume_is_given_to_a_group_without_following_links(void **state)
{
	(void)state;
	struct stat info;

	assert_int_equal(mkdir(below("outside"), 0700), 0);
	assert_int_equal(mkdir(below("v"), 0755), 0);
	assert_int_equal(mkdir(below("v/in"), 0700), 0);
	assert_int_equal(file_write(below("v/in/f"), STR("x"), 0600, NULL), ST_OK);
	assert_int_equal(symlink("../outside", below("v/link")), 0);
	assert_int_equal(volume_give_group(below("v"), getegid(), false, NULL), ST_OK);
	assert_int_equal(stat(below("v"), &info), 0);
	assert_int_equal(info.st_mode & 07777, 02775);
	assert_int_equal(stat(below("v/in"), &info), 0);
	assert_int_equal(info.st_mode & 07777, 02770);
	assert_int_equal(stat(below("v/in/f"), &info), 0);
	assert_int_equal(info.st_mode & 07777, 0660);
	assert_int_equal(stat(below("outside"), &info), 0);
	assert_int_equal(info.st_mode & 07777, 0700);
	/* The top is as wished: OnRootMismatch looks no further. */
	assert_int_equal(chmod(below("v/in/f"), 0600), 0);
	assert_int_equal(volume_give_group(below("v"), getegid(), true, NULL), ST_OK);
	assert_int_equal(stat(below("v/in/f"), &info), 0);
	assert_int_equal(info.st_mode & 07777, 0600);
}

static int up(void **state)
{
	(void)state;
	arena = arena_new(0);
	snprintf(base, sizeof base, "/tmp/minke-volumes.XXXXXX");
	return mkdtemp(base) ? 0 : -1;
}

static int down(void **state)
{
	(void)state;
	(void)!file_remove_tree(base, NULL);
	arena_free(arena);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_claim_is_followed_to_its_volume),
		cmocka_unit_test(a_claim_that_is_not_ready_is_waited_for),
		cmocka_unit_test(a_volume_of_another_node_is_refused),
		cmocka_unit_test(a_strangers_claim_is_no_ephemeral_volume),
		cmocka_unit_test(foreign_types_are_refused_by_name),
		cmocka_unit_test(managed_directories_lie_right_below_ours),
		cmocka_unit_test(a_volume_is_given_to_a_group_without_following_links),
	};
	return cmocka_run_group_tests(tests, up, down);
}
