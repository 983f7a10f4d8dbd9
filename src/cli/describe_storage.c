/* describe persistentvolumeclaim, persistentvolume, storageclass. */
#include <stdlib.h>

#include "cli/describe.h"
#include "cli/request.h"
#include "doc/json.h"

static struct str value_text(struct arena *arena, const struct doc *value)
{
	return doc_is(value, DOC_STRING) ? doc_str(value)
	       : value			 ? json_text(arena, value)
					 : STR_NONE;
}

/* "RWO,ROX" */
static struct str modes_text(struct arena *arena, const struct doc *modes)
{
	static const char *const words[][2] = { { "ReadWriteOnce", "RWO" },
						{ "ReadOnlyMany", "ROX" },
						{ "ReadWriteMany", "RWX" },
						{ "ReadWriteOncePod", "RWOP" } };
	struct str pieces[ARRAY_LEN(words)];
	u32 len = 0;

	for (u32 i = 0; i < ARRAY_LEN(words); i++)
		doc_each_item(modes, mode)
			if (str_is(doc_str(mode), words[i][0]) && len < ARRAY_LEN(pieces))
				pieces[len++] = str_of(words[i][1]);
	return str_join(arena, pieces, len, STR(","));
}

/* "[a b]", as Go prints a list, or with something else between. */
static struct str list_text(struct arena *arena, const struct doc *list, struct str between)
{
	struct str *pieces = ARENA_ARRAY(arena, struct str, doc_len(list) + 1);

	for (u32 i = 0; i < doc_len(list); i++)
		pieces[i] = value_text(arena, doc_item(list, i));
	return str_format(arena, "[" STR_FMT "]",
			  STR_ARG(str_join(arena, pieces, doc_len(list), between)));
}

static struct str class_of(const struct doc *object)
{
	const struct doc *note = doc_get(doc_at(object, "metadata.annotations"),
					 STR("volume.beta.kubernetes.io/storage-class"));

	return note ? doc_str(note) : doc_at_str(object, "spec.storageClassName");
}

static void describe_phase(struct describe *d)
{
	struct str going = doc_at_str(d->object, "metadata.deletionTimestamp");

	if (going.len)
		describe_line(d, 0, "Status:\tTerminating (lasts " STR_FMT ")",
			      STR_ARG(describe_age(d, going)));
	else
		describe_line(d, 0, "Status:\t" STR_FMT,
			      STR_ARG(doc_at_str(d->object, "status.phase")));
}

/* ---- claims */

static bool uses(const struct doc *pod, struct str claim, struct arena *arena)
{
	struct str name = doc_at_str(pod, "metadata.name");

	doc_each_item(doc_at(pod, "spec.volumes"), volume) {
		struct str own = str_format(arena, STR_FMT "-" STR_FMT, STR_ARG(name),
					    STR_ARG(doc_at_str(volume, "name")));

		if (str_eq(doc_at_str(volume, "persistentVolumeClaim.claimName"), claim) ||
		    (doc_key(volume, "ephemeral") && str_eq(own, claim)))
			return true;
	}
	return false;
}

static void describe_users(struct describe *d)
{
	struct arena *arena = d->cli->arena;
	struct str claim = doc_at_str(d->object, "metadata.name");
	struct str path =
		request_path(arena, schema_kind(d->cli->schema, KIND_Pod),
			     doc_at_str(d->object, "metadata.namespace"), STR_NONE, STR_NONE);
	const struct doc *list;
	u32 len = 0;

	if (request_get(d->cli, path, &list, NULL) != ST_OK)
		return;
	doc_each_item(doc_key(list, "items"), pod)
		if (uses(pod, claim, arena))
			describe_line(d, 0, "%s\t" STR_FMT, len++ ? "" : "Used By:",
				      STR_ARG(doc_at_str(pod, "metadata.name")));
	if (!len)
		describe_line(d, 0, "Used By:\t<none>");
}

static void describe_claim_conditions(struct describe *d)
{
	struct arena *arena = d->cli->arena;
	const struct doc *conditions = doc_at(d->object, "status.conditions");

	if (!doc_len(conditions))
		return;
	describe_line(d, 0, "Conditions:");
	describe_line(d, 1, "Type\tStatus\tLastProbeTime\tLastTransitionTime\tReason\tMessage");
	describe_line(d, 1, "----\t------\t-----------------\t------------------\t------\t-------");
	doc_each_item(conditions, c)
		describe_line(d, 1,
			      STR_FMT " \t" STR_FMT " \t" STR_FMT " \t" STR_FMT " \t" STR_FMT
				      " \t" STR_FMT " ",
			      STR_ARG(doc_at_str(c, "type")), STR_ARG(doc_at_str(c, "status")),
			      STR_ARG(describe_time(arena, doc_at_str(c, "lastProbeTime"))),
			      STR_ARG(describe_time(arena, doc_at_str(c, "lastTransitionTime"))),
			      STR_ARG(doc_at_str(c, "reason")), STR_ARG(doc_at_str(c, "message")));
}

static void describe_data_source(struct describe *d, const struct doc *source)
{
	if (!source)
		return;
	describe_line(d, 0, "DataSource:");
	if (doc_key(source, "apiGroup"))
		describe_line(d, 1, "APIGroup:\t" STR_FMT, STR_ARG(doc_at_str(source, "apiGroup")));
	describe_line(d, 1, "Kind:\t" STR_FMT, STR_ARG(doc_at_str(source, "kind")));
	describe_line(d, 1, "Name:\t" STR_FMT, STR_ARG(doc_at_str(source, "name")));
}

void describe_claim(struct describe *d)
{
	const struct doc *o = d->object;
	struct arena *arena = d->cli->arena;
	bool bound = doc_at_str(o, "spec.volumeName").len;
	struct str capacity = value_text(arena, doc_at(o, "status.capacity.storage"));
	struct str modes = modes_text(arena, doc_at(o, "status.accessModes"));

	describe_line(d, 0, "Name:\t" STR_FMT, STR_ARG(doc_at_str(o, "metadata.name")));
	describe_line(d, 0, "Namespace:\t" STR_FMT, STR_ARG(doc_at_str(o, "metadata.namespace")));
	describe_line(d, 0, "StorageClass:\t" STR_FMT, STR_ARG(class_of(o)));
	describe_phase(d);
	describe_line(d, 0, "Volume:\t" STR_FMT, STR_ARG(doc_at_str(o, "spec.volumeName")));
	describe_map(d, 0, "Labels", doc_at(o, "metadata.labels"));
	describe_annotations(d, 0, doc_at(o, "metadata.annotations"));
	describe_line(d, 0, "Finalizers:\t" STR_FMT,
		      STR_ARG(list_text(arena, doc_at(o, "metadata.finalizers"), STR(" "))));
	describe_line(d, 0, "Capacity:\t" STR_FMT, STR_ARG(bound ? capacity : STR_NONE));
	describe_line(d, 0, "Access Modes:\t" STR_FMT, STR_ARG(bound ? modes : STR_NONE));
	describe_line(d, 0, "VolumeMode:\t" STR_FMT, STR_ARG(doc_at_str(o, "spec.volumeMode")));
	describe_data_source(d, doc_at(o, "spec.dataSource"));
	describe_users(d);
	describe_claim_conditions(d);
	describe_events(d);
}

/* ---- volumes */

static struct str expression_text(struct arena *arena, const struct doc *e)
{
	const struct doc *values = doc_key(e, "values");
	struct str verb = str_lower(arena, doc_at_str(e, "operator"));

	return str_format(
		arena, STR_FMT " " STR_FMT "%s" STR_FMT, STR_ARG(doc_at_str(e, "key")),
		STR_ARG(verb), doc_len(values) ? " " : "",
		STR_ARG(doc_len(values) ? list_text(arena, values, STR(", ")) : STR_NONE));
}

static void describe_affinity(struct describe *d, const struct doc *affinity)
{
	const struct doc *required = doc_key(affinity, "required");
	u32 number = 0;

	if (!affinity) {
		describe_line(d, 0, "Node Affinity:\t<none>");
		return;
	}
	describe_line(d, 0, "Node Affinity:\t");
	if (!required) {
		describe_line(d, 1, "Required Terms:\t<none>");
		return;
	}
	describe_line(d, 1, "Required Terms:\t");
	doc_each_item(doc_key(required, "nodeSelectorTerms"), term) {
		const struct doc *expressions = doc_key(term, "matchExpressions");
		u32 line = 0;

		if (!doc_len(expressions))
			describe_line(d, 2, "Term %u:\t<none>", number);
		doc_each_item(expressions, e) {
			struct str text = expression_text(d->cli->arena, e);

			if (line++)
				describe_line(d, 3, "\t" STR_FMT, STR_ARG(text));
			else
				describe_line(d, 2, "Term %u:\t" STR_FMT, number, STR_ARG(text));
		}
		number++;
	}
}

/* What a volume's source is called, and which of its fields are told. */
static const struct {
	const char *key, *type;
	const char *fields[4][2];
} sources[] = {
	{ "hostPath",
	  "HostPath (bare host directory volume)",
	  { { "Path", "path" }, { "HostPathType", "type" } } },
	{ "nfs",
	  "NFS (an NFS mount that lasts the lifetime of a pod)",
	  { { "Server", "server" }, { "Path", "path" }, { "ReadOnly", "readOnly" } } },
	{ "local",
	  "LocalVolume (a persistent volume backed by local storage on a node)",
	  { { "Path", "path" } } },
	{ "csi",
	  "CSI (a Container Storage Interface (CSI) volume source)",
	  { { "Driver", "driver" },
	    { "FSType", "fsType" },
	    { "VolumeHandle", "volumeHandle" },
	    { "ReadOnly", "readOnly" } } },
};

static void describe_source(struct describe *d, const struct doc *spec)
{
	describe_line(d, 0, "Source:");
	for (u32 i = 0; i < ARRAY_LEN(sources); i++) {
		const struct doc *source = doc_get(spec, str_of(sources[i].key));

		if (!source)
			continue;
		describe_line(d, 2, "Type:\t%s", sources[i].type);
		for (u32 k = 0; k < 4 && sources[i].fields[k][0]; k++) {
			const char *field = sources[i].fields[k][1];
			const struct doc *value = doc_get(source, str_of(field));

			if (!value && str_is(STR("readOnly"), field))
				value = &doc_false;
			describe_line(d, 2, "%s:\t" STR_FMT, sources[i].fields[k][0],
				      STR_ARG(value_text(d->cli->arena, value)));
		}
		return;
	}
	describe_line(d, 2, "<unknown>");
}

void describe_persistent_volume(struct describe *d)
{
	const struct doc *o = d->object, *ref = doc_at(o, "spec.claimRef");
	struct arena *arena = d->cli->arena;
	struct str claim = STR_NONE;

	if (ref)
		claim = str_format(arena, STR_FMT "/" STR_FMT,
				   STR_ARG(doc_at_str(ref, "namespace")),
				   STR_ARG(doc_at_str(ref, "name")));
	describe_line(d, 0, "Name:\t" STR_FMT, STR_ARG(doc_at_str(o, "metadata.name")));
	describe_map(d, 0, "Labels", doc_at(o, "metadata.labels"));
	describe_annotations(d, 0, doc_at(o, "metadata.annotations"));
	describe_line(d, 0, "Finalizers:\t" STR_FMT,
		      STR_ARG(list_text(arena, doc_at(o, "metadata.finalizers"), STR(" "))));
	describe_line(d, 0, "StorageClass:\t" STR_FMT, STR_ARG(class_of(o)));
	describe_phase(d);
	describe_line(d, 0, "Claim:\t" STR_FMT, STR_ARG(claim));
	describe_line(d, 0, "Reclaim Policy:\t" STR_FMT,
		      STR_ARG(doc_at_str(o, "spec.persistentVolumeReclaimPolicy")));
	describe_line(d, 0, "Access Modes:\t" STR_FMT,
		      STR_ARG(modes_text(arena, doc_at(o, "spec.accessModes"))));
	describe_line(d, 0, "VolumeMode:\t" STR_FMT, STR_ARG(doc_at_str(o, "spec.volumeMode")));
	describe_line(d, 0, "Capacity:\t" STR_FMT,
		      STR_ARG(value_text(arena, doc_at(o, "spec.capacity.storage"))));
	describe_affinity(d, doc_at(o, "spec.nodeAffinity"));
	describe_line(d, 0, "Message:\t" STR_FMT, STR_ARG(doc_at_str(o, "status.message")));
	describe_source(d, doc_key(o, "spec"));
	describe_events(d);
}

/* ---- classes */

static int pair_order(const void *a, const void *b)
{
	return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

/* "a=b,c=d", sorted; <none> when there is nothing. */
static struct str pairs_text(struct arena *arena, const struct doc *map)
{
	struct str *pieces = ARENA_ARRAY(arena, struct str, doc_len(map) + 1);
	u32 len = 0;

	doc_each_pair(map, key, value)
		pieces[len++] = str_format(arena, STR_FMT "=" STR_FMT, STR_ARG(key),
					   STR_ARG(doc_str(value)));
	qsort(pieces, len, sizeof *pieces, pair_order);
	return len ? str_join(arena, pieces, len, STR(",")) : STR("<none>");
}

static bool is_default(const struct doc *class)
{
	static const char *const marks[] = { "storageclass.kubernetes.io/is-default-class",
					     "storageclass.beta.kubernetes.io/is-default-class" };
	const struct doc *notes = doc_at(class, "metadata.annotations");

	for (u32 i = 0; i < ARRAY_LEN(marks); i++)
		if (str_is(doc_str(doc_get(notes, str_of(marks[i]))), "true"))
			return true;
	return false;
}

static void describe_topologies(struct describe *d, const struct doc *terms)
{
	u32 number = 0;

	if (!doc_len(terms))
		return;
	describe_line(d, 0, "AllowedTopologies:\t");
	doc_each_item(terms, term) {
		u32 line = 0;

		doc_each_item(doc_key(term, "matchLabelExpressions"), e) {
			struct str text = str_format(
				d->cli->arena, STR_FMT " in " STR_FMT,
				STR_ARG(doc_at_str(e, "key")),
				STR_ARG(list_text(d->cli->arena, doc_key(e, "values"), STR(", "))));

			if (line++)
				describe_line(d, 2, "\t" STR_FMT, STR_ARG(text));
			else
				describe_line(d, 1, "Term %u:\t" STR_FMT, number, STR_ARG(text));
		}
		number++;
	}
}

void describe_storage_class(struct describe *d)
{
	const struct doc *o = d->object, *grows = doc_key(o, "allowVolumeExpansion");
	const struct doc *options = doc_key(o, "mountOptions");
	struct arena *arena = d->cli->arena;

	describe_line(d, 0, "Name:\t" STR_FMT, STR_ARG(doc_at_str(o, "metadata.name")));
	describe_line(d, 0, "IsDefaultClass:\t%s", is_default(o) ? "Yes" : "No");
	describe_line(d, 0, "Annotations:\t" STR_FMT,
		      STR_ARG(pairs_text(arena, doc_at(o, "metadata.annotations"))));
	describe_line(d, 0, "Provisioner:\t" STR_FMT, STR_ARG(doc_at_str(o, "provisioner")));
	describe_line(d, 0, "Parameters:\t" STR_FMT,
		      STR_ARG(pairs_text(arena, doc_key(o, "parameters"))));
	describe_line(d, 0, "AllowVolumeExpansion:\t%s",
		      !grows			  ? "<unset>"
		      : doc_bool_or(grows, false) ? "True"
						  : "False");
	if (!doc_len(options))
		describe_line(d, 0, "MountOptions:\t<none>");
	else
		describe_line(d, 0, "MountOptions:");
	doc_each_item(options, option)
		describe_line(d, 1, STR_FMT, STR_ARG(doc_str(option)));
	describe_line(d, 0, "ReclaimPolicy:\t" STR_FMT, STR_ARG(doc_at_str(o, "reclaimPolicy")));
	describe_line(d, 0, "VolumeBindingMode:\t" STR_FMT,
		      STR_ARG(doc_at_str(o, "volumeBindingMode")));
	describe_topologies(d, doc_key(o, "allowedTopologies"));
	describe_events(d);
}
