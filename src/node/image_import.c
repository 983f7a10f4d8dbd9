/*
 * Importing: the archive (`docker save`, an OCI layout as tar) is itself unpacked below tmp/ with
 * the same distrust as a layer, and its parts are then read from there by digest or name.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "doc/json.h"
#include "node/image_job.h"
#include "node/image_manifest.h"
#include "sys/file.h"
#include "sys/mounts.h"

struct importing {
	struct image_job *job;
	struct images_done_list *done;
	int root; /* of the unpacked archive */
};

static i64 read_fd(void *self, void *buffer, size_t max, struct error *error)
{
	const int *fd = self;
	ssize_t len;

	do
		len = read(*fd, buffer, max);
	while (len < 0 && errno == EINTR);
	if (len < 0)
		fail(error, file_errno_status(errno), "reading the archive: %s", strerror(errno));
	return len;
}

static enum status open_part(struct importing *i, struct str path, int *ret_fd, struct error *error)
{
	int fd = open_in_root(i->root, str_c(i->job->arena, path), O_RDONLY | O_NONBLOCK, 0);

	if (fd < 0)
		return fail(error, ST_INVALID, "the archive has no " STR_FMT, STR_ARG(path));
	*ret_fd = fd;
	return ST_OK;
}

static enum status read_part(struct importing *i, struct str path, size_t max, struct str *ret_text,
			     struct error *error)
{
	int fd CLOSE_FD = -1;
	enum status status = open_part(i, path, &fd, error);

	return status == ST_OK ? file_read_fd(i->job->arena, fd, max, ret_text, error) : status;
}

static enum status read_json_part(struct importing *i, struct str path, const struct doc **ret_doc,
				  struct str *ret_text, struct error *error)
{
	enum status status = read_part(i, path, CONFIG_BYTES_MAX, ret_text, error);

	if (status == ST_OK && json_parse(i->job->arena, *ret_text, ret_doc, NULL) != ST_OK)
		return fail(error, ST_INVALID, STR_FMT " in the archive is not JSON",
			    STR_ARG(path));
	return status;
}

static struct str blob_path(struct arena *arena, struct str digest)
{
	return str_format(arena, "blobs/sha256/" STR_FMT, STR_ARG(image_digest_hex(digest)));
}

static enum status read_blob(struct importing *i, struct str digest, const struct doc **ret_doc,
			     struct error *error)
{
	struct str text;
	enum status status =
		read_json_part(i, blob_path(i->job->arena, digest), ret_doc, &text, error);

	if (status == ST_OK && !str_eq(image_job_digest(i->job->arena, text), digest))
		return fail(error, ST_INVALID, "a blob in the archive is not what its name says");
	return status;
}

/* ---- one image, however the archive described it */

struct described {
	struct str id;
	const struct doc *config;
	struct str layer_paths[LAYERS_MAX], layer_digests[LAYERS_MAX]; /* digests may be empty */
	u32 layers_len;
	struct str names[16];
	u32 names_len;
};

static enum status import_layers(struct importing *i, const struct described *d,
				 const struct diff_ids *ids, struct error *error)
{
	enum status status = ST_OK;

	for (u32 l = 0; l < d->layers_len && status == ST_OK; l++) {
		struct layer_want want = { d->layer_digests[l], ids->at[l] };
		struct byte_source source = { .read = read_fd };
		int fd CLOSE_FD = -1;

		if (image_store_has_layer(i->job->folder, want.diff_id))
			continue;
		status = open_part(i, d->layer_paths[l], &fd, error);
		source.self = &fd;
		if (status == ST_OK)
			status = image_job_layer(i->job, &want, &source, error);
	}
	return status;
}

static enum status import_described(struct importing *i, struct described *d, struct error *error)
{
	struct diff_ids ids;
	enum status status = config_check_platform(d->config, error);

	if (status == ST_OK)
		status = config_diff_ids(d->config, &ids, error);
	if (status == ST_OK && ids.len != d->layers_len)
		status = fail(error, ST_INVALID, "the archive's image has %u layers, wanted %u",
			      d->layers_len, ids.len);
	if (status == ST_OK && !d->names_len)
		status = fail(error, ST_INVALID, "the archive names no image: say what to call it");
	if (status == ST_OK)
		status = import_layers(i, d, &ids, error);
	for (u32 n = 0; n < d->names_len && status == ST_OK; n++) {
		struct image_reference reference;
		struct image_record record = { .id = d->id,
					       .config = d->config,
					       .diff_ids = ids.at,
					       .diff_ids_len = ids.len,
					       .now_ns = i->job->now_ns };

		status = image_reference_parse(i->job->arena, d->names[n], &reference, error);
		record.name = reference.name;
		if (status == ST_OK)
			status = image_store_put(i->job->folder, &record, error);
		if (status == ST_OK)
			VEC_PUSH(i->job->arena, &i->done->items,
				 (struct image_done){ record.id, record.name });
	}
	return status;
}

/* ---- OCI layouts */

static enum status describe_manifest(struct importing *i, struct str digest, struct described *d,
				     struct error *error)
{
	struct manifest m;
	const struct doc *manifest;
	enum status status = read_blob(i, digest, &manifest, error);

	if (status == ST_OK)
		status = manifest_read(manifest, &m, error);
	if (status == ST_OK && m.is_list) {
		status = read_blob(i, m.chosen.digest, &manifest, error);
		if (status == ST_OK)
			status = manifest_read(manifest, &m, error);
		if (status == ST_OK && m.is_list)
			status = fail(error, ST_INVALID, "a list of images within a list");
	}
	if (status == ST_OK)
		status = read_blob(i, m.config.digest, &d->config, error);
	if (status != ST_OK)
		return status;
	d->id = m.config.digest;
	d->layers_len = m.layers_len;
	for (u32 l = 0; l < m.layers_len; l++) {
		d->layer_digests[l] = m.layers[l].digest;
		d->layer_paths[l] = blob_path(i->job->arena, m.layers[l].digest);
	}
	return ST_OK;
}

/* containerd writes the full name, others the tag or the name into ref.name. */
static void name_from_annotations(struct described *d, const struct doc *entry)
{
	const struct doc *notes = doc_key(entry, "annotations");
	struct str full = doc_str(doc_key(notes, "io.containerd.image.name"));
	struct str short_name = doc_str(doc_key(notes, "org.opencontainers.image.ref.name"));

	if (full.len)
		d->names[d->names_len++] = full;
	else if (str_find_char(short_name, ':') >= 0 || str_find_char(short_name, '/') >= 0)
		d->names[d->names_len++] = short_name;
}

static enum status import_layout(struct importing *i, const struct doc *index, struct error *error)
{
	const struct doc *entries = doc_key(index, "manifests");
	enum status status = ST_OK;

	if (!doc_len(entries))
		return fail(error, ST_INVALID, "the archive's index.json lists no image");
	if (i->job->reference.len && doc_len(entries) > 1)
		return fail(error, ST_INVALID,
			    "the archive holds %u images: it cannot be given one name",
			    doc_len(entries));
	for (u32 n = 0; n < doc_len(entries) && status == ST_OK; n++) {
		const struct doc *entry = doc_item(entries, n);
		struct described *d = ARENA_NEW(i->job->arena, struct described);
		struct str digest = doc_at_str(entry, "digest");

		if (!image_digest_valid(digest))
			return fail(error, ST_INVALID, "the archive's index.json has no digests");
		if (i->job->reference.len)
			d->names[d->names_len++] = i->job->reference;
		else
			name_from_annotations(d, entry);
		status = describe_manifest(i, digest, d, error);
		if (status == ST_OK)
			status = import_described(i, d, error);
	}
	return status;
}

/* ---- docker save */

static enum status describe_saved(struct importing *i, const struct doc *entry, struct described *d,
				  struct error *error)
{
	const struct doc *layers = doc_key(entry, "Layers"), *tags = doc_key(entry, "RepoTags");
	struct str text;
	enum status status =
		read_json_part(i, doc_at_str(entry, "Config"), &d->config, &text, error);

	if (status != ST_OK)
		return status;
	d->id = image_job_digest(i->job->arena, text);
	if (doc_len(layers) > LAYERS_MAX)
		return fail(error, ST_INVALID, "the image has more than %d layers", LAYERS_MAX);
	doc_each_item(layers, layer)
		d->layer_paths[d->layers_len++] = doc_str(layer);
	if (i->job->reference.len) {
		d->names[d->names_len++] = i->job->reference;
		return ST_OK;
	}
	doc_each_item(tags, tag)
		if (d->names_len < ARRAY_LEN(d->names))
			d->names[d->names_len++] = doc_str(tag);
	return ST_OK;
}

static enum status import_saved(struct importing *i, const struct doc *list, struct error *error)
{
	enum status status = ST_OK;

	if (!doc_is(list, DOC_ARRAY) || !list->len)
		return fail(error, ST_INVALID, "the archive's manifest.json lists no image");
	if (i->job->reference.len && list->len > 1)
		return fail(error, ST_INVALID,
			    "the archive holds %u images: it cannot be given one name", list->len);
	for (u32 n = 0; n < list->len && status == ST_OK; n++) {
		struct described *d = ARENA_NEW(i->job->arena, struct described);

		status = describe_saved(i, &list->items[n], d, error);
		if (status == ST_OK)
			status = import_described(i, d, error);
	}
	return status;
}

/* ---- */

static enum status import_unpacked(struct importing *i, struct error *error)
{
	const struct doc *d;
	struct str text;

	/* `docker save` writes both; only its own list knows all names. */
	if (read_json_part(i, STR("manifest.json"), &d, &text, NULL) == ST_OK)
		return import_saved(i, d, error);
	if (read_json_part(i, STR("index.json"), &d, &text, NULL) == ST_OK)
		return import_layout(i, d, error);
	return fail(error, ST_INVALID,
		    "this is no image archive: it has neither manifest.json nor index.json");
}

enum status image_job_import(struct image_job *job, struct images_done_list *done,
			     struct error *error)
{
	struct importing i = { .job = job, .done = done, .root = -1 };
	struct byte_source source = { read_fd, &job->archive };
	char path[STORE_PATH_MAX], inside[STORE_PATH_MAX + 8];
	struct layer_facts facts;
	struct root *root;
	enum status status = image_store_begin(job->folder, path, error);

	if (status != ST_OK)
		return status;
	snprintf(inside, sizeof inside, "%s/fs", path);
	status = root_open(inside, &root, error);
	if (status == ST_OK) {
		status = image_unpack(root, &source, &unpack_limits_default, &facts, error);
		root_close(root);
	}
	if (status == ST_OK) {
		i.root = open(inside, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		status = i.root < 0 ? fail(error, ST_INTERNAL, "%s: %s", inside, strerror(errno))
				    : import_unpacked(&i, error);
	}
	if (i.root >= 0)
		close(i.root);
	image_store_abandon(path);
	return status;
}
