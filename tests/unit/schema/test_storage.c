/* Volumes, claims and classes: what is refused, in Kubernetes' words, and what tables show. */
#include "../unit.h"

#include "doc/json.h"
#include "schema/columns.h"
#include "schema/decode.h"
#include "schema/default.h"
#include "schema/validate.h"

static struct arena *arena;
static struct schema *schema;

static const struct doc *made(const struct api_kind *kind, const char *text)
{
	const struct doc *in, *out;
	struct error error = ERROR_INIT;

	if (json_parse(arena, str_of(text), &in, &error) != ST_OK ||
	    schema_decode(arena, schema, kind, in, &out, NULL, &error) != ST_OK)
		fail_msg("%s in %s", error.message, text);
	return schema_default(arena, schema, kind, out);
}

/* The causes of an object (as an update of `old`, when that is given), one a line. */
static struct str causes(kind_id id, const char *text, const char *old)
{
	const struct api_kind *kind = schema_kind(schema, id);
	struct violations v = { 0 };
	struct str said = { "", 0 };

	schema_validate(arena, schema, kind, made(kind, text), old ? made(kind, old) : NULL, NULL,
			&v);
	for (u32 i = 0; i < v.len; i++)
		said = str_format(arena, STR_FMT "%s" STR_FMT ": " STR_FMT, STR_ARG(said),
				  i ? "\n" : "", STR_ARG(v.at[i].field), STR_ARG(v.at[i].message));
	return said;
}

static struct str volume(const char *spec)
{
	struct str text = str_format(arena, "{\"metadata\":{\"name\":\"v\"},\"spec\":{%s}}", spec);

	return causes(KIND_PersistentVolume, text.at, NULL);
}

static struct str claim(const char *spec)
{
	struct str text = str_format(
		arena, "{\"metadata\":{\"name\":\"c\",\"namespace\":\"d\"},\"spec\":{%s}}", spec);

	return causes(KIND_PersistentVolumeClaim, text.at, NULL);
}

#define SIZE_1G "\"capacity\":{\"storage\":\"1Gi\"},\"accessModes\":[\"ReadWriteOnce\"]"
#define ASK_1G                                                                                     \
	"\"resources\":{\"requests\":{\"storage\":\"1Gi\"}},\"accessModes\":[\"ReadWriteOnce\"]"

static void volumes_say_what_they_are(void **state)
{
	(void)state;
	assert_str(volume(SIZE_1G ",\"hostPath\":{\"path\":\"/x\"}"), "");
	assert_str(volume(""), "spec.accessModes: Required value\n"
			       "spec.capacity: Required value\n"
			       "spec: Required value: must specify a volume type");
	assert_str(volume("\"capacity\":{\"storage\":\"0\"},\"accessModes\":[\"Some\"],"
			  "\"nfs\":{\"server\":\"s\",\"path\":\"/\"},"
			  "\"hostPath\":{\"path\":\"/a/../b\"}"),
		   "spec.accessModes: Unsupported value: \"Some\": supported values: "
		   "\"ReadOnlyMany\", \"ReadWriteMany\", \"ReadWriteOnce\", \"ReadWriteOncePod\"\n"
		   "spec.capacity[storage]: Invalid value: \"0\": must be greater than zero\n"
		   "spec.hostPath: Forbidden: may not specify more than 1 volume type");
	assert_str(volume(SIZE_1G ",\"hostPath\":{\"path\":\"/a/../b\"}"),
		   "spec.hostPath.path: Invalid value: \"/a/../b\": must not contain '..'");
	assert_str(volume(SIZE_1G ",\"local\":{\"path\":\"/x\"}"),
		   "metadata.annotations: Required value: Local volume requires node affinity");
	assert_str(volume(SIZE_1G ",\"hostPath\":{\"path\":\"/\"},"
				  "\"persistentVolumeReclaimPolicy\":\"Recycle\""),
		   "spec.persistentVolumeReclaimPolicy: Forbidden: may not be 'recycle' for a "
		   "hostPath mount of '/'");
}

static void a_volume_stays_where_it_is(void **state)
{
	(void)state;
	static const char old[] = "{\"metadata\":{\"name\":\"v\"},\"spec\":{" SIZE_1G
				  ",\"hostPath\":{\"path\":\"/x\"}}}";
	static const char moved[] = "{\"metadata\":{\"name\":\"v\"},\"spec\":{" SIZE_1G
				    ",\"hostPath\":{\"path\":\"/y\"}}}";
	static const char bound[] =
		"{\"metadata\":{\"name\":\"v\"},\"spec\":{" SIZE_1G
		",\"hostPath\":{\"path\":\"/x\"},\"claimRef\":{\"name\":\"c\"}}}";

	assert_str(causes(KIND_PersistentVolume, bound, old), "");
	assert_str(causes(KIND_PersistentVolume, moved, old),
		   "spec.persistentvolumesource: Forbidden: spec.persistentvolumesource is "
		   "immutable after creation\n  core.PersistentVolumeSource{\n"
		   "- \thostPath: {\"path\":\"/x\",\"type\":\"\"},\n"
		   "+ \thostPath: {\"path\":\"/y\",\"type\":\"\"},\n  }\n");
}

static void claims_say_how_much(void **state)
{
	(void)state;
	assert_str(claim(ASK_1G), "");
	assert_str(claim(""), "spec.accessModes: Required value: at least 1 access mode is "
			      "required\nspec.resources[storage]: Required value");
	assert_str(claim("\"resources\":{\"requests\":{\"storage\":\"-1\"}},"
			 "\"accessModes\":[\"ReadWriteOnce\",\"ReadWriteOncePod\"]"),
		   "spec.accessModes: Forbidden: may not use ReadWriteOncePod with other access "
		   "modes\nspec.resources[storage]: Invalid value: \"-1\": must be greater than "
		   "zero");
}

static struct str claim_change(const char *phase, const char *old, const char *new)
{
	struct str before = str_format(arena,
				       "{\"metadata\":{\"name\":\"c\",\"namespace\":\"d\"},"
				       "\"spec\":{\"accessModes\":[\"ReadWriteOnce\"],%s},"
				       "\"status\":{\"phase\":\"%s\",\"capacity\":"
				       "{\"storage\":\"1Gi\"}}}",
				       old, phase);
	struct str after = str_format(arena,
				      "{\"metadata\":{\"name\":\"c\",\"namespace\":\"d\"},"
				      "\"spec\":{\"accessModes\":[\"ReadWriteOnce\"],%s}}",
				      new);

	return causes(KIND_PersistentVolumeClaim, after.at, before.at);
}

static void a_claim_keeps_what_it_asked_for(void **state)
{
	(void)state;
	static const char one[] = "\"resources\":{\"requests\":{\"storage\":\"1Gi\"}}";
	static const char two[] = "\"resources\":{\"requests\":{\"storage\":\"2Gi\"}}";

	assert_str(claim_change("Bound", one, two), "");
	assert_str(claim_change("Bound", two, one),
		   "spec.resources.requests.storage: Forbidden: field can not be less than "
		   "status.capacity");
	assert_true(str_starts(
		claim_change("Bound",
			     "\"volumeName\":\"v\",\"resources\":{\"requests\":{\"storage\":1}}",
			     "\"volumeName\":\"w\",\"resources\":{\"requests\":{\"storage\":1}}"),
		STR("spec: Forbidden: spec is immutable")));
}

static void classes_keep_what_they_are(void **state)
{
	(void)state;
	static const char old[] = "{\"metadata\":{\"name\":\"s\"},\"provisioner\":\"a/b\","
				  "\"parameters\":{\"a\":\"b\"}}";

	assert_str(causes(KIND_StorageClass, old, old), "");
	assert_str(causes(KIND_StorageClass,
			  "{\"metadata\":{\"name\":\"s\"},\"provisioner\":\"a/c\","
			  "\"reclaimPolicy\":\"Retain\",\"volumeBindingMode\":"
			  "\"WaitForFirstConsumer\"}",
			  old),
		   "volumeBindingMode: Invalid value: \"WaitForFirstConsumer\": field is "
		   "immutable\nparameters: Forbidden: updates to parameters are forbidden.\n"
		   "provisioner: Forbidden: updates to provisioner are forbidden.\n"
		   "reclaimPolicy: Forbidden: updates to reclaimPolicy are forbidden.");
	assert_str(causes(KIND_StorageClass, "{\"metadata\":{\"name\":\"s\"}}", NULL),
		   "provisioner: Required value");
	assert_str(causes(KIND_VolumeAttachment,
			  "{\"metadata\":{\"name\":\"s\"},\"spec\":{\"attacher\":\"a\","
			  "\"nodeName\":\"n\"}}",
			  NULL),
		   "spec.source: Required value: must specify exactly one of inlineVolumeSpec and "
		   "persistentVolumeName");
}

static struct str pod(const char *volume, const char *mount)
{
	struct str text = str_format(
		arena,
		"{\"metadata\":{\"name\":\"p\",\"namespace\":\"d\"},\"spec\":{\"containers\":[{"
		"\"name\":\"c\",\"image\":\"i\",\"volumeMounts\":[{\"name\":\"v\",\"mountPath\":"
		"\"/v\"%s}]}],\"volumes\":[{\"name\":\"v\",%s}]}}",
		mount, volume);

	return causes(KIND_Pod, text.at, NULL);
}

static void volumes_of_pods_say_enough(void **state)
{
	(void)state;
	assert_str(pod("\"image\":{}", ""), "spec.volumes[0].image.reference: Required value");
	assert_str(pod("\"downwardAPI\":{\"items\":[{\"path\":\"x\",\"fieldRef\":{\"fieldPath\":"
		       "\"spec.nodeName\"}},{\"path\":\"y\"}]}",
		       ""),
		   "spec.volumes[0].downwardAPI.fieldRef.fieldPath: Unsupported value: "
		   "\"spec.nodeName\": supported values: \"metadata.annotations\", "
		   "\"metadata.labels\", \"metadata.name\", \"metadata.namespace\", "
		   "\"metadata.uid\"\nspec.volumes[0].downwardAPI: Required value: one of fieldRef "
		   "and resourceFieldRef is required");
	assert_str(pod("\"emptyDir\":{}", ",\"recursiveReadOnly\":\"Enabled\""),
		   "spec.containers[0].volumeMounts[0].recursiveReadOnly: Forbidden: may only be "
		   "specified when readOnly is true");
	assert_str(pod("\"emptyDir\":{}", ",\"recursiveReadOnly\":\"Enabled\",\"readOnly\":true"),
		   "");
}

static void drivers_get_their_defaults(void **state)
{
	(void)state;
	const struct doc *driver = made(schema_kind(schema, KIND_CSIDriver),
					"{\"metadata\":{\"name\":\"d\"},\"spec\":{}}");

	assert_true(doc_at_bool(driver, "spec.attachRequired", false));
	assert_false(doc_at_bool(driver, "spec.podInfoOnMount", true));
	assert_str(doc_at_str(driver, "spec.volumeLifecycleModes.0"), "Persistent");
	assert_str(doc_at_str(driver, "spec.fsGroupPolicy"), "ReadWriteOnceWithFSType");
}

static int up(void **state)
{
	(void)state;
	arena = arena_new(0);
	schema = schema_new();
	return 0;
}

static int down(void **state)
{
	(void)state;
	arena_free(arena);
	schema_free(schema);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(volumes_say_what_they_are),
		cmocka_unit_test(a_volume_stays_where_it_is),
		cmocka_unit_test(claims_say_how_much),
		cmocka_unit_test(a_claim_keeps_what_it_asked_for),
		cmocka_unit_test(classes_keep_what_they_are),
		cmocka_unit_test(volumes_of_pods_say_enough),
		cmocka_unit_test(drivers_get_their_defaults),
	};
	return cmocka_run_group_tests(tests, up, down);
}
