/* Rules, defaults and rows of where volumes come from: classes, drivers, attachments. */
#include "schema/check.h"
#include "schema/columns.h"
#include "schema/default.h"
#include "schema/rules.h"

enum { PARAMETERS_MAX = 512, PARAMETERS_BYTES_MAX = 256 << 10 };

static void check_parameters(struct check *c, const struct doc *parameters)
{
	size_t bytes = 0;

	if (doc_len(parameters) > PARAMETERS_MAX) {
		check_too_long(c, "parameters", PARAMETERS_MAX);
		return;
	}
	doc_each_pair(parameters, key, value) {
		if (key.len == 0)
			check_invalid_str(c, "parameters", key, "field can not be empty.");
		bytes += key.len + doc_str(value).len;
	}
	if (bytes > PARAMETERS_BYTES_MAX)
		check_too_long(c, "parameters", PARAMETERS_BYTES_MAX);
}

static void check_kept(struct check *c, const char *field, const struct doc *value,
		       const struct doc *old)
{
	const struct doc *now = doc_get(value, str_of(field)), *was = doc_get(old, str_of(field));

	if (old && !doc_eq(now, was) && (doc_len(now) || doc_len(was) || doc_is(now, DOC_STRING)))
		check_forbidden(c, field, "updates to %s are forbidden.", field);
}

RULE_CHECK(storage_class_check)
{
	struct str provisioner = doc_at_str(value, "provisioner");

	if (provisioner.len)
		check_format_str(c, "provisioner", API_FORMAT_QUALIFIED_NAME,
				 str_lower(c->arena, provisioner));
	check_parameters(c, doc_key(value, "parameters"));
	check_kept(c, "parameters", value, old);
	check_kept(c, "provisioner", value, old);
	check_kept(c, "reclaimPolicy", value, old);
}

RULE_CHECK(volume_attributes_class_check)
{
	check_parameters(c, doc_key(value, "parameters"));
	if (doc_len(doc_key(value, "parameters")) == 0)
		check_required(c, "parameters", "must contain at least one key/value pair");
	check_kept(c, "parameters", value, old);
	check_kept(c, "driverName", value, old);
}

RULE_CHECK(volume_attachment_check)
{
	const struct doc *source = doc_at(value, "spec.source");
	bool named = doc_at_str(source, "persistentVolumeName").len != 0;

	if (old) {
		if (!doc_eq(doc_key(value, "spec"), doc_key(old, "spec")))
			check_invalid(c, "spec", doc_key(value, "spec"), "field is immutable");
		return;
	}
	if (named && doc_key(source, "inlineVolumeSpec"))
		check_forbidden(c, "spec.source",
				"must specify exactly one of inlineVolumeSpec and "
				"persistentVolumeName");
	else if (!named && !doc_key(source, "inlineVolumeSpec"))
		check_required(c, "spec.source",
			       "must specify exactly one of inlineVolumeSpec and "
			       "persistentVolumeName");
}

RULE_FINISH(csi_driver_finish)
{
	const struct doc *mode;

	if (doc_len(doc_key(value, "volumeLifecycleModes")))
		return value;
	mode = doc_ref_str(d->arena, STR("Persistent"));
	return doc_with(d->arena, value, STR("volumeLifecycleModes"),
			doc_new_array(d->arena, &mode, 1));
}

RULE_PRINT(csi_driver_row)
{
	const struct doc *requests = doc_at(object, "spec.tokenRequests");
	const struct doc *modes = doc_at(object, "spec.volumeLifecycleModes");
	struct str *pieces = ARENA_ARRAY(row->arena, struct str, doc_len(requests) + 1);
	struct str *words = ARENA_ARRAY(row->arena, struct str, doc_len(modes) + 1);

	for (u32 i = 0; i < doc_len(requests); i++)
		pieces[i] = doc_at_str(doc_item(requests, i), "audience");
	for (u32 i = 0; i < doc_len(modes); i++)
		words[i] = doc_str(doc_item(modes, i));
	row_str(row, requests ? str_join(row->arena, pieces, doc_len(requests), STR(","))
			      : STR("<unset>"));
	row_str(row, modes ? str_join(row->arena, words, doc_len(modes), STR(",")) : STR("<none>"));
}

/* The class that claims get when they name none is marked behind its name. */
RULE_PRINT(storage_class_row)
{
	static const char *const notes[] = { "storageclass.kubernetes.io/is-default-class",
					     "storageclass.beta.kubernetes.io/is-default-class" };
	const struct doc *there = doc_at(object, "metadata.annotations");

	for (u32 i = 0; i < ARRAY_LEN(notes); i++)
		if (str_is(doc_str(doc_get(there, str_of(notes[i]))), "true"))
			row->mark = " (default)";
}
