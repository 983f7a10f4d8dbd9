/* Requests that write, with what kubectl puts into their queries. */
#include "cli/change.h"

#include "cli/request.h"
#include "doc/json.h"

enum status change_begin_quiet(struct cli *cli, const char *manager, struct change *ret_change,
			       struct error *error)
{
	struct str dry = option_text(cli, "dry-run");

	*ret_change = (struct change){ .cli = cli, .manager = manager, .error = error };
	if (str_is(dry, "client") || str_is(dry, "unchanged"))
		ret_change->dry_run_client = true;
	else if (str_is(dry, "server"))
		ret_change->dry_run = true;
	else if (!str_is(dry, "none"))
		return fail(error, ST_BAD_REQUEST,
			    "error: invalid dry-run value (" STR_FMT
			    "). Must be \"none\", \"server\", or \"client\"",
			    STR_ARG(dry));
	return ST_OK;
}

enum status change_begin(struct cli *cli, const char *manager, struct change *ret_change,
			 struct error *error)
{
	enum status status = change_begin_quiet(cli, manager, ret_change, error);

	ret_change->record = option_bool(cli, "record");
	if (ret_change->record)
		cli_warn("Flag --record has been deprecated, --record will be removed in the "
			 "future");
	return status ? status
		      : output_parse(cli, option_text(cli, "output"), &ret_change->output, error);
}

/* The command as kubernetes.io/change-cause, on an object or on a patch that merges. */
static const struct doc *with_cause(const struct change *change, const struct doc *body)
{
	struct arena *arena = change->cli->arena;
	const struct doc *annotations = doc_at(body, "metadata.annotations");

	if (!change->record)
		return body;
	annotations = doc_with(arena, annotations, STR("kubernetes.io/change-cause"),
			       doc_new_str(arena, change->cli->line));
	return doc_set(arena, body, "metadata.annotations", annotations);
}

/* A scale has no annotations: the cause goes to the object itself. */
static enum status record_apart(struct change *change, const struct target *target)
{
	const struct doc *ignored;

	return change_patch(change, target, "", MEDIA_MERGE_PATCH, with_cause(change, NULL),
			    &ignored);
}

static struct str change_query(const struct change *change, struct str path)
{
	struct arena *arena = change->cli->arena;

	path = request_query(arena, path, "fieldManager", str_of(change->manager));
	if (change->dry_run)
		path = request_query(arena, path, "dryRun", STR("All"));
	if (change->validate_strict)
		path = request_query(arena, path, "fieldValidation", STR("Strict"));
	return path;
}

enum status change_create(struct change *change, const struct target *target,
			  const struct doc *body, const struct doc **ret_object)
{
	struct arena *arena = change->cli->arena;
	struct str path = request_path(arena, target->kind, target->ns, STR_NONE, STR_NONE);
	struct request request = { .method = "POST",
				   .path = change_query(change, path),
				   .body = with_cause(change, body) };

	return request_send(change->cli, &request, ret_object, change->error);
}

enum status change_patch(struct change *change, const struct target *target,
			 const char *subresource, const char *media, const struct doc *patch,
			 const struct doc **ret_object)
{
	struct arena *arena = change->cli->arena;
	struct str path =
		request_path(arena, target->kind, target->ns, target->name, str_of(subresource));
	bool merges = media != NULL && strcmp(media, MEDIA_JSON_PATCH) != 0;
	struct request request = { .method = "PATCH",
				   .path = change_query(change, path),
				   .content_type = media,
				   .body = merges && !*subresource ? with_cause(change, patch)
								   : patch };
	enum status status = request_send(change->cli, &request, ret_object, change->error);

	if (!status && change->record && *subresource)
		status = record_apart(change, target);
	return status;
}

enum status change_replace(struct change *change, const struct target *target,
			   const struct doc *body, const struct doc **ret_object)
{
	struct arena *arena = change->cli->arena;
	struct str path = request_path(arena, target->kind, target->ns, target->name, STR_NONE);
	struct request request = { .method = "PUT",
				   .path = change_query(change, path),
				   .body = with_cause(change, body) };

	return request_send(change->cli, &request, ret_object, change->error);
}

enum status change_done(struct change *change, const struct api_kind *kind,
			const struct doc *object, const char *what)
{
	const char *how = change->dry_run_client ? " (dry run)"
			  : change->dry_run	 ? " (server dry run)"
						 : "";
	struct str said = str_format(change->cli->arena, "%s%s", what, how);

	return output_done(change->cli, &change->output, kind, object, said.at, change->error);
}

const struct doc *change_in_namespace(struct arena *arena, const struct target *target)
{
	if (!target->ns.len || doc_at_str(target->object, "metadata.namespace").len)
		return target->object;
	return doc_set_str(arena, target->object, "metadata.namespace", target->ns);
}

const struct doc *change_last_applied(struct arena *arena, const struct doc *object)
{
	const struct doc *annotations = doc_at(object, "metadata.annotations");

	/* The annotation describes the object without itself, but with the map it stands in. */
	annotations = doc_with(arena, annotations, STR(LAST_APPLIED), NULL);
	object = doc_set(arena, object, "metadata.annotations", annotations);
	struct str text = str_format(arena, STR_FMT "\n", STR_ARG(json_text(arena, object)));

	return doc_set(arena, object, "metadata.annotations",
		       doc_with(arena, annotations, STR(LAST_APPLIED), doc_new_str(arena, text)));
}
