/* Reading, listing and removing images. Readers take no lock: a file is whole or it is not there.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "doc/json.h"
#include "doc/object.h"
#include "node/image_manifest.h"
#include "node/image_reference.h"
#include "node/image_store_inside.h"
#include "sys/file.h"

enum { RECORD_BYTES_MAX = CONFIG_BYTES_MAX + (64 << 10), FILES_MAX = 100000 };

static enum status read_json(struct arena *arena, const char *path, const struct doc **ret_doc,
			     struct error *error)
{
	struct str text;
	enum status status = file_read(arena, path, RECORD_BYTES_MAX, &text, error);

	return status == ST_OK ? json_parse_in_place(arena, text, ret_doc, error) : status;
}

static enum status not_here(struct error *error, struct str reference)
{
	return fail(error, ST_NOT_FOUND, "image \"" STR_FMT "\" is not on this node",
		    STR_ARG(reference));
}

/* ---- finding */

static const struct image *make_image(struct arena *arena, const char *folder, struct str reference,
				      const struct doc *record, const struct doc *ref)
{
	struct image *image = ARENA_NEW(arena, struct image);
	const struct doc *layers = doc_key(record, "layers");
	struct str *paths = ARENA_ARRAY(arena, struct str, doc_len(layers) + 1);
	u32 len = doc_len(layers);

	image->name = str_copy(arena, reference);
	image->id = doc_at_str(record, "id");
	image->digest = doc_at_str(ref, "digest");
	image->size_bytes = doc_at_int(record, "size", 0);
	/* A layer that stands twice in an image has nothing to say the second time, and overlayfs
	 * refuses it: the topmost stays. */
	for (u32 i = len; i-- > 0;) {
		struct str hex = image_digest_hex(doc_str(doc_item(layers, i)));
		struct str path =
			str_format(arena, "%s/layers/" STR_FMT "/fs", folder, STR_ARG(hex));
		bool seen = false;

		for (u32 j = 0; j < image->layers_len; j++)
			seen |= str_eq(paths[j], path);
		if (!seen)
			paths[image->layers_len++] = path;
	}
	image->layers = paths;
	config_to_image(arena, doc_key(record, "config"), image);
	return image;
}

static enum status find_record(struct arena *arena, const char *folder, struct str id,
			       const struct doc **ret_record)
{
	char path[STORE_PATH_MAX];

	if (!image_digest_valid(id))
		return ST_NOT_FOUND;
	store_path(path, "%s/manifests/" STR_FMT ".json", folder, STR_ARG(image_digest_hex(id)));
	return read_json(arena, path, ret_record, NULL);
}

/* The file of a name, as it is or normalised. */
static enum status find_ref(struct arena *arena, const char *folder, struct str reference,
			    const struct doc **ret_ref, struct error *error)
{
	struct image_reference parsed;
	char path[STORE_PATH_MAX];
	enum status status = image_reference_parse(arena, reference, &parsed, error);

	if (status != ST_OK)
		return status;
	if (parsed.digest.len) /* a tag beside a digest decides nothing */
		parsed.name =
			str_format(arena, STR_FMT "/" STR_FMT "@" STR_FMT, STR_ARG(parsed.domain),
				   STR_ARG(parsed.path), STR_ARG(parsed.digest));
	store_ref_path(path, folder, parsed.name);
	status = read_json(arena, path, ret_ref, NULL);
	return status == ST_OK ? ST_OK : not_here(error, reference);
}

enum status image_store_find(struct arena *arena, const char *folder, struct str reference,
			     const struct image **ret_image, struct error *error)
{
	const struct doc *ref = NULL, *record;
	struct str id = reference;
	enum status status;

	if (!image_digest_valid(id)) {
		status = find_ref(arena, folder, reference, &ref, error);
		if (status != ST_OK)
			return status;
		id = doc_at_str(ref, "image");
	}
	if (find_record(arena, folder, id, &record) != ST_OK)
		return not_here(error, reference);
	const struct image *image = make_image(arena, folder, reference, record, ref);

	for (u32 i = 0; i < image->layers_len; i++)
		if (!file_is_dir(image->layers[i].at))
			return not_here(error, reference); /* someone took a layer away */
	*ret_image = image;
	return ST_OK;
}

/* ---- listing */

struct doc_files {
	VEC(const struct doc *) docs;
	VEC(struct str) paths;
};

static enum status read_folder(struct arena *arena, const char *folder, const char *part,
			       struct doc_files *files, struct error *error)
{
	char path[STORE_PATH_MAX];
	struct str *names;
	u32 count;
	enum status status;

	store_path(path, "%s/%s", folder, part);
	status = file_list(arena, path, FILES_MAX, &names, &count, error);
	if (status == ST_NOT_FOUND) {
		if (error)
			error_clear(error);
		return ST_OK; /* no image ever came here */
	}
	for (u32 i = 0; i < count && status == ST_OK; i++) {
		const struct doc *d;

		if (!str_ends(names[i], STR(".json")))
			continue;
		struct str file =
			str_format(arena, "%s/%s/" STR_FMT, folder, part, STR_ARG(names[i]));

		if (read_json(arena, file.at, &d, NULL) != ST_OK)
			continue; /* removed meanwhile */
		VEC_PUSH(arena, &files->docs, d);
		VEC_PUSH(arena, &files->paths, file);
	}
	return status;
}

static void name_entry(struct arena *arena, struct image_entry *entry, const struct doc_files *refs)
{
	struct str *names = ARENA_ARRAY(arena, struct str, refs->docs.len + 1);
	struct str *digests = ARENA_ARRAY(arena, struct str, refs->docs.len + 1);

	for (u32 i = 0; i < refs->docs.len; i++) {
		struct str name = doc_at_str(refs->docs.at[i], "name");

		if (!str_eq(doc_at_str(refs->docs.at[i], "image"), entry->id))
			continue;
		if (str_find_char(name, '@') >= 0)
			digests[entry->digests_len++] = name;
		else
			names[entry->names_len++] = name;
	}
	entry->names = names;
	entry->digests = digests;
}

static int compare_entries(const void *a, const void *b)
{
	const struct image_entry *x = a, *y = b;

	return str_cmp(x->names_len ? x->names[0] : x->id, y->names_len ? y->names[0] : y->id);
}

enum status image_list_read(struct arena *arena, struct str folder, struct image_list *ret_list,
			    struct error *error)
{
	const char *path = str_c(arena, folder);
	struct doc_files refs = { 0 }, records = { 0 };
	enum status status = read_folder(arena, path, "manifests", &records, error);

	*ret_list = (struct image_list){ 0 };
	if (status == ST_OK)
		status = read_folder(arena, path, "refs", &refs, error);
	if (status != ST_OK)
		return status;
	for (u32 i = 0; i < records.docs.len; i++) {
		const struct doc *record = records.docs.at[i];
		struct image_entry entry = { .id = doc_at_str(record, "id"),
					     .size_bytes = doc_at_int(record, "size", 0),
					     .created_ns = doc_at_int(record, "created", 0) };

		name_entry(arena, &entry, &refs);
		VEC_PUSH(arena, &ret_list->items, entry);
	}
	if (ret_list->items.len)
		qsort(ret_list->items.at, ret_list->items.len, sizeof *ret_list->items.at,
		      compare_entries);
	return ST_OK;
}

/* ---- removing */

enum { MOUNTS_BYTES_MAX = 16 << 20 };

/* Overlay mounts name the layers below them; a container's is seen from where it was made. */
static bool layer_in_use(struct arena *arena, struct str diff_id, struct str *mounts)
{
	struct str hex = image_digest_hex(diff_id);

	if (!mounts->at &&
	    file_read(arena, "/proc/self/mountinfo", MOUNTS_BYTES_MAX, mounts, NULL) != ST_OK)
		*mounts = STR("");
	return str_find(*mounts, str_format(arena, "/layers/" STR_FMT "/fs", STR_ARG(hex))) >= 0;
}

/* Layers and records that no name leads to any more. */
static enum status collect_garbage(struct arena *arena, const char *folder, struct error *error)
{
	struct key_index kept = { .arena = arena };
	struct doc_files refs = { 0 }, records = { 0 };
	char path[STORE_PATH_MAX];
	struct str *layers, mounts = STR_NONE;
	u32 count;
	enum status status = read_folder(arena, folder, "refs", &refs, error);

	if (status == ST_OK)
		status = read_folder(arena, folder, "manifests", &records, error);
	for (u32 i = 0; i < refs.docs.len; i++)
		key_index_set(&kept, doc_at_str(refs.docs.at[i], "image"), 0);
	for (u32 i = 0; i < records.docs.len && status == ST_OK; i++) {
		if (key_index_find(&kept, doc_at_str(records.docs.at[i], "id")) == KEY_NOWHERE) {
			status = file_remove(records.paths.at[i].at, error);
			continue;
		}
		doc_each_item(doc_key(records.docs.at[i], "layers"), layer)
			key_index_set(&kept, image_digest_hex(doc_str(layer)), 0);
	}
	store_path(path, "%s/layers", folder);
	if (status == ST_OK)
		status = file_list(arena, path, FILES_MAX, &layers, &count, error);
	for (u32 i = 0; status == ST_OK && i < count; i++) {
		struct str id = str_format(arena, "sha256:" STR_FMT, STR_ARG(layers[i]));

		if (key_index_find(&kept, layers[i]) != KEY_NOWHERE ||
		    layer_in_use(arena, id, &mounts))
			continue;
		/* Whoever fetches this layer right now holds its lock; it is not garbage yet. */
		int busy CLOSE_FD = -1;

		if (!store_try_lock_layer(folder, layers[i], &busy))
			continue;
		store_path(path, "%s/layers/" STR_FMT, folder, STR_ARG(layers[i]));
		status = store_remove_layer(folder, path, error);
	}
	return status;
}

/* True when the reference names the image this file is a name of. */
static bool ref_meant(const struct doc *ref, struct str name, struct str id)
{
	return id.len ? str_eq(doc_at_str(ref, "image"), id)
		      : str_eq(doc_at_str(ref, "name"), name);
}

static enum status remove_names(struct arena *arena, const char *folder, struct str name,
				struct str id, struct error *error)
{
	struct doc_files refs = { 0 };
	struct str image = id;
	bool others = false;
	enum status status = read_folder(arena, folder, "refs", &refs, error);

	for (u32 i = 0; i < refs.docs.len && !image.len; i++)
		if (ref_meant(refs.docs.at[i], name, id))
			image = doc_at_str(refs.docs.at[i], "image");
	for (u32 i = 0; i < refs.docs.len && status == ST_OK; i++) {
		if (ref_meant(refs.docs.at[i], name, id))
			status = file_remove(refs.paths.at[i].at, error);
		else if (str_eq(doc_at_str(refs.docs.at[i], "image"), image) &&
			 str_find_char(doc_at_str(refs.docs.at[i], "name"), '@') < 0)
			others = true;
	}
	/* Digests alone keep nothing: they came with the last tag and go with it. */
	for (u32 i = 0; i < refs.docs.len && status == ST_OK && !others; i++)
		if (str_eq(doc_at_str(refs.docs.at[i], "image"), image))
			status = file_remove(refs.paths.at[i].at, error);
	return status;
}

enum status image_remove(struct str folder_name, struct str reference, struct error *error)
{
	struct arena *arena CLEANUP(arena_free_cleanup) = arena_new(0);
	const char *folder = str_c(arena, folder_name);
	struct str mounts = STR_NONE, id = STR_NONE, name = STR_NONE;
	const struct doc *ref, *record;
	int lock CLOSE_FD = -1;
	enum status status = image_store_prepare(folder, error);

	if (status == ST_OK)
		status = store_lock(folder, &lock, error);
	if (status != ST_OK)
		return status;
	if (image_digest_valid(reference)) {
		id = reference;
	} else {
		status = find_ref(arena, folder, reference, &ref, error);
		if (status != ST_OK)
			return status;
		name = doc_at_str(ref, "name");
	}
	if (find_record(arena, folder, id.len ? id : doc_at_str(ref, "image"), &record) != ST_OK)
		return not_here(error, reference);
	const struct doc *layers = doc_key(record, "layers");

	/* The topmost layer is an image's own; the ones below may well be someone else's, too. */
	if (doc_len(layers) &&
	    layer_in_use(arena, doc_str(doc_item(layers, doc_len(layers) - 1)), &mounts))
		return fail(error, ST_CONFLICT, "image \"" STR_FMT "\" is used by a container",
			    STR_ARG(reference));
	status = remove_names(arena, folder, name, id, error);
	if (status == ST_OK)
		status = collect_garbage(arena, folder, error);
	return status;
}
