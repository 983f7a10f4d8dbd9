/* From words, files and selectors to objects. */
#include "cli/select.h"

#include "cli/request.h"

enum status select_read(struct cli *cli, u32 first, struct targets *ret_targets,
			struct error *error)
{
	const struct str *files;
	u32 len = option_list(cli, "filename", &files);

	return len ? resource_files(cli, files, len, option_bool(cli, "recursive"), ret_targets,
				    error)
		   : resource_targets(cli, first, ret_targets, error);
}

enum status select_expand(struct cli *cli, struct targets *targets, struct str labels,
			  struct str fields, bool everywhere, struct error *error)
{
	VEC(struct target) found = { 0 };

	for (u32 i = 0; i < targets->len; i++) {
		const struct target *of = &targets->at[i];
		const struct doc *list;

		if (of->name.len) {
			VEC_PUSH(cli->arena, &found, *of);
			continue;
		}
		struct str path = request_path(cli->arena, of->kind, everywhere ? STR_NONE : of->ns,
					       STR_NONE, STR_NONE);

		path = request_query(cli->arena, path, "labelSelector", labels);
		path = request_query(cli->arena, path, "fieldSelector", fields);
		enum status status = request_get(cli, path, &list, error);

		if (status)
			return status;
		doc_each_item(doc_key(list, "items"), item) {
			struct target target = { .kind = of->kind,
						 .ns = doc_at_str(item, "metadata.namespace"),
						 .name = doc_at_str(item, "metadata.name") };

			VEC_PUSH(cli->arena, &found, target);
		}
	}
	*targets = (struct targets){
		.at = found.at, .len = found.len, .many_kinds = targets->many_kinds, .by_name = true
	};
	return ST_OK;
}

enum status select_all(struct cli *cli, u32 first, struct targets *ret_targets, struct error *error)
{
	struct str labels = option_text(cli, "selector");
	enum status status = select_read(cli, first, ret_targets, error);

	if (status)
		return status;
	if (!ret_targets->len)
		return fail(error, ST_BAD_REQUEST,
			    "error: one or more resources must be specified as <resource> <name> "
			    "or <resource>/<name>");
	if (!ret_targets->by_name && !labels.len && !option_bool(cli, "all"))
		return fail(error, ST_BAD_REQUEST,
			    "error: resource(s) were provided, but no name was specified");
	return select_expand(cli, ret_targets, labels, STR_NONE, false, error);
}

enum status select_one(struct cli *cli, struct target *ret_target, struct error *error)
{
	struct targets targets;
	enum status status;

	if (!cli->arguments.len)
		return fail(error, ST_BAD_REQUEST, "error: required resource not specified");
	status = resource_targets(cli, 0, &targets, error);
	if (status)
		return status;
	if (targets.len != 1 || !targets.by_name)
		return fail(error, ST_BAD_REQUEST,
			    "error: one workload by its name is wanted here");
	*ret_target = targets.at[0];
	return ST_OK;
}

enum status select_get(struct cli *cli, const struct target *target, const struct doc **ret_object,
		       struct error *error)
{
	return request_get(
		cli, request_path(cli->arena, target->kind, target->ns, target->name, STR_NONE),
		ret_object, error);
}

const char *select_pod_spec(const struct api_kind *kind)
{
	static const char *const with_template[] = { "Deployment",  "ReplicaSet",
						     "StatefulSet", "DaemonSet",
						     "Job",	    "ReplicationController" };

	if (str_is(kind->kind, "Pod"))
		return "spec";
	if (str_is(kind->kind, "CronJob"))
		return "spec.jobTemplate.spec.template.spec";
	for (size_t i = 0; i < ARRAY_LEN(with_template); i++)
		if (str_is(kind->kind, with_template[i]))
			return "spec.template.spec";
	return NULL;
}
