/* Names of kinds and objects on the command line, and objects in files. */
#include "cli/resource.h"

#include <ctype.h>
#include <stdio.h>
#include <unistd.h>

#include "cli/custom_kinds.h"
#include "cli/request.h"
#include "doc/yaml.h"
#include "sys/file.h"

enum { FILE_BYTES_MAX = 64 << 20, FILES_MAX = 10000 };

static bool is_named(const struct api_kind *kind, struct str name)
{
	if (str_eq(name, kind->plural) || str_eq(name, kind->singular))
		return true;
	for (u32 i = 0; i < kind->shorts_len; i++)
		if (str_eq(name, kind->shorts[i]))
			return true;
	return false;
}

/* "deployments.v1.apps" or "deployments.apps": what follows the first dot fits the kind. */
static bool is_of_group(const struct api_kind *kind, struct str rest)
{
	if (!rest.at || str_eq(rest, kind->group))
		return true;
	struct str version = str_cut(&rest, '.');

	return str_eq(version, kind->version) && str_eq(rest.at ? rest : STR(""), kind->group);
}

static const struct api_kind *find_kind(struct cli *cli, struct str name)
{
	struct str lower = str_lower(cli->arena, name), rest = lower, word = str_cut(&rest, '.');

	for (u32 i = 0;; i++) {
		const struct api_kind *kind = schema_at(cli->schema, i);

		if (!kind)
			break;
		/* An earlier version of a kind is meant only when it is spelt out. */
		if (!kind->plural.len || (kind->stored != kind && !rest.at))
			continue;
		if (is_named(kind, word) && is_of_group(kind, rest))
			return kind;
	}
	return NULL;
}

enum status resource_kind(struct cli *cli, struct str name, const struct api_kind **ret_kind,
			  struct error *error)
{
	const struct api_kind *kind = find_kind(cli, name);

	if (!kind) {
		custom_kinds_load(cli);
		kind = find_kind(cli, name);
	}
	if (kind) {
		*ret_kind = kind;
		return ST_OK;
	}
	return fail(error, ST_NOT_FOUND,
		    "error: the server doesn't have a resource type \"" STR_FMT "\"",
		    STR_ARG(name));
}

struct str resource_name(struct arena *arena, const struct api_kind *kind, struct str name)
{
	return str_format(arena, STR_FMT "%s" STR_FMT "/" STR_FMT, STR_ARG(kind->singular),
			  kind->group.len ? "." : "", STR_ARG(kind->group), STR_ARG(name));
}

static struct target target_of(struct cli *cli, const struct api_kind *kind, struct str name)
{
	return (struct target){ .kind = kind,
				.ns = kind->namespaced ? cli->ns : STR_NONE,
				.name = name };
}

typedef VEC(struct target) target_list;

/* Two categories may share a kind. */
static void add_once(struct cli *cli, const struct api_kind *kind, struct str name,
		     target_list *list)
{
	for (u32 i = 0; i < list->len; i++)
		if (list->at[i].kind == kind && str_eq(list->at[i].name, name))
			return;
	VEC_PUSH(cli->arena, list, target_of(cli, kind, name));
}

/* "pods,svc" or "all": every kind that is meant. */
static enum status add_types(struct cli *cli, struct str types, struct str name, target_list *list,
			     struct error *error)
{
	while (types.at) {
		struct str type = str_cut(&types, ',');
		const struct api_kind *kind;
		bool category = false;

		/* Custom kinds join categories, and a word no kind has may be one of theirs. */
		if (str_is(type, "all") || !find_kind(cli, type))
			custom_kinds_load(cli);
		for (u32 i = 0; (kind = schema_at(cli->schema, i)); i++)
			for (u32 c = 0; c < kind->categories_len && kind->stored == kind; c++)
				if (str_eq(kind->categories[c], type)) {
					category = true;
					add_once(cli, kind, name, list);
				}
		if (category)
			continue;
		enum status status = resource_kind(cli, type, &kind, error);

		if (status)
			return status;
		VEC_PUSH(cli->arena, list, target_of(cli, kind, name));
	}
	return ST_OK;
}

static enum status add_slashed(struct cli *cli, struct str word, target_list *list,
			       struct error *error)
{
	struct str name = word, type = str_cut(&name, '/');
	const struct api_kind *kind;

	if (!name.len || str_find_char(name, '/') >= 0)
		return fail(error, ST_BAD_REQUEST,
			    "error: arguments in resource/name form must have a single resource "
			    "and name");
	enum status status = resource_kind(cli, type, &kind, error);

	if (!status)
		VEC_PUSH(cli->arena, list, target_of(cli, kind, name));
	return status;
}

enum status resource_targets(struct cli *cli, u32 first, struct targets *ret_targets,
			     struct error *error)
{
	const struct arguments *words = &cli->arguments;
	target_list list = { 0 };
	enum status status = cli_connect(cli, error);
	bool slashed = false, plain = false;

	for (u32 i = first; i < words->len; i++) {
		slashed |= str_find_char(words->words[i], '/') >= 0;
		plain |= str_find_char(words->words[i], '/') < 0;
	}
	if (!status && slashed && plain)
		status = fail(error, ST_BAD_REQUEST,
			      "error: there is no need to specify a resource type as a separate "
			      "argument when passing arguments in resource/name form (e.g. "
			      "'minke get resource/<resource_name>' instead of 'minke get resource "
			      "resource/<resource_name>'");
	for (u32 i = first; !status && slashed && i < words->len; i++)
		status = add_slashed(cli, words->words[i], &list, error);
	if (!status && plain && words->len == first + 1)
		status = add_types(cli, words->words[first], STR_NONE, &list, error);
	for (u32 i = first + 1; !status && plain && i < words->len; i++)
		status = add_types(cli, words->words[first], words->words[i], &list, error);
	if (status)
		return status;
	*ret_targets = (struct targets){ .at = list.at, .len = list.len };
	for (u32 i = 0; i < list.len; i++)
		if (list.at[i].kind != list.at[0].kind)
			ret_targets->many_kinds = true;
	ret_targets->by_name = slashed || words->len > first + 1;
	return ST_OK;
}

/* ---- files */

struct reading {
	struct cli *cli;
	target_list list;
	bool recursive;
	struct error *error;
};

static enum status add_object(struct reading *r, const struct doc *object, struct str source)
{
	struct cli *cli = r->cli;
	struct str version = doc_at_str(object, "apiVersion"), word = doc_at_str(object, "kind");

	if (doc_is_null(object))
		return ST_OK; /* an empty document between two --- */
	if (!word.len || !version.len)
		return fail(r->error, ST_BAD_REQUEST,
			    "error: unable to decode \"" STR_FMT "\": Object '%s' is missing",
			    STR_ARG(source), word.len ? "apiVersion" : "Kind");
	if (str_ends(word, STR("List")) && doc_is(doc_key(object, "items"), DOC_ARRAY)) {
		doc_each_item(doc_key(object, "items"), item) {
			enum status status = add_object(r, item, source);

			if (status)
				return status;
		}
		return ST_OK;
	}
	const struct api_kind *kind = schema_find_kind(cli->schema, version, word);

	if (!kind) {
		custom_kinds_load(cli);
		kind = schema_find_kind(cli->schema, version, word);
	}
	struct str name = doc_at_str(object, "metadata.name");
	struct str ns = doc_at_str(object, "metadata.namespace");

	if (!kind)
		return fail(r->error, ST_NOT_FOUND,
			    "error: resource mapping not found for name: \"" STR_FMT
			    "\" namespace: \"" STR_FMT "\" from \"" STR_FMT
			    "\": no matches for kind \"" STR_FMT "\" in version \"" STR_FMT
			    "\"\nensure CRDs are installed first",
			    STR_ARG(name), STR_ARG(ns), STR_ARG(source), STR_ARG(word),
			    STR_ARG(version));
	if (kind->namespaced && ns.len && cli->ns_given && !str_eq(ns, cli->ns))
		return fail(r->error, ST_BAD_REQUEST,
			    "error: the namespace from the provided object \"" STR_FMT
			    "\" does not match the namespace \"" STR_FMT
			    "\". You must pass '--namespace=" STR_FMT
			    "' to perform this operation.",
			    STR_ARG(ns), STR_ARG(cli->ns), STR_ARG(ns));
	if (r->list.len >= TARGETS_MAX)
		return fail(r->error, ST_TOO_LARGE, "error: more than %d objects", TARGETS_MAX);
	struct target target = { kind, kind->namespaced ? (ns.len ? ns : cli->ns) : STR_NONE, name,
				 object, source };

	VEC_PUSH(cli->arena, &r->list, target);
	return ST_OK;
}

static enum status add_text(struct reading *r, struct str text, struct str source)
{
	struct yaml_documents documents = { 0 };
	enum status status = yaml_parse_all(r->cli->arena, text, &documents, r->error);

	if (status)
		return fail_within(r->error, "error: error parsing " STR_FMT, STR_ARG(source));
	for (u32 i = 0; !status && i < documents.items.len; i++)
		status = add_object(r, documents.items.at[i].doc, source);
	return status;
}

static bool is_manifest(struct str name)
{
	return str_ends(name, STR(".yaml")) || str_ends(name, STR(".yml")) ||
	       str_ends(name, STR(".json"));
}

static enum status add_path(struct reading *r, struct str path, bool in_folder)
{
	struct arena *arena = r->cli->arena;
	struct str text, *names;
	u32 names_len;
	enum status status;

	if (str_is(path, "-"))
		status = file_read_fd(arena, STDIN_FILENO, FILE_BYTES_MAX, &text, r->error);
	else if (file_is_dir(str_c(arena, path))) {
		if (in_folder && !r->recursive)
			return ST_OK;
		status = file_list(arena, str_c(arena, path), FILES_MAX, &names, &names_len,
				   r->error);
		for (u32 i = 0; !status && i < names_len; i++)
			status = add_path(r,
					  str_format(arena, STR_FMT "/" STR_FMT, STR_ARG(path),
						     STR_ARG(names[i])),
					  true);
		return status;
	} else if (in_folder && !is_manifest(path)) {
		return ST_OK;
	} else {
		status = file_read(arena, str_c(arena, path), FILE_BYTES_MAX, &text, r->error);
		if (status == ST_NOT_FOUND) {
			error_clear(r->error);
			return fail(r->error, ST_NOT_FOUND,
				    "error: the path \"" STR_FMT "\" does not exist",
				    STR_ARG(path));
		}
	}
	return status ? status : add_text(r, text, str_is(path, "-") ? STR("STDIN") : path);
}

enum status resource_files(struct cli *cli, const struct str *files, u32 len, bool recursive,
			   struct targets *ret_targets, struct error *error)
{
	struct reading r = { .cli = cli, .recursive = recursive, .error = error };
	enum status status = cli_connect(cli, error);

	for (u32 i = 0; !status && i < len; i++) {
		struct str rest = files[i];

		while (!status && rest.at)
			status = add_path(&r, str_cut(&rest, ','), false);
	}
	if (status)
		return status;
	if (!r.list.len)
		return fail(error, ST_BAD_REQUEST, "error: no objects passed to %s",
			    cli->command->name);
	*ret_targets = (struct targets){ .at = r.list.at, .len = r.list.len, .by_name = true };
	for (u32 i = 0; i < r.list.len; i++)
		if (r.list.at[i].kind != r.list.at[0].kind)
			ret_targets->many_kinds = true;
	return ST_OK;
}
