/* Reading image-spec documents with distrust: each came from a stranger. */
#include "node/image_manifest.h"

#include "node/image_reference.h"

#if defined(__x86_64__)
#define OUR_ARCHITECTURE "amd64"
#define OUR_VARIANT ""
#elif defined(__aarch64__)
#define OUR_ARCHITECTURE "arm64"
#define OUR_VARIANT "v8"
#elif defined(__riscv)
#define OUR_ARCHITECTURE "riscv64"
#define OUR_VARIANT ""
#else
#define OUR_ARCHITECTURE "arm"
#define OUR_VARIANT "v7"
#endif

static enum status read_blob(const struct doc *d, const char *what, struct blob *ret_blob,
			     struct error *error)
{
	struct blob blob = { doc_at_str(d, "digest"), doc_at_int(d, "size", -1) };

	if (!image_digest_valid(blob.digest))
		return fail(error, ST_INVALID, "the manifest's %s has no valid sha256 digest",
			    what);
	if (blob.size < 0)
		return fail(error, ST_INVALID, "the manifest's %s has no size", what);
	*ret_blob = blob;
	return ST_OK;
}

/* 0: not for us; the higher the better. */
static u32 platform_fits(const struct doc *platform)
{
	struct str variant = doc_at_str(platform, "variant");

	if (!platform)
		return 1; /* says nothing: better than none */
	if (!str_is(doc_at_str(platform, "os"), "linux") ||
	    !str_is(doc_at_str(platform, "architecture"), OUR_ARCHITECTURE))
		return 0;
	return str_is(variant, OUR_VARIANT) ? 4 : variant.len ? 2 : 3;
}

static enum status choose(const struct doc *list, struct manifest *manifest, struct error *error)
{
	const struct doc *best = NULL;
	u32 best_fit = 0;

	doc_each_item(list, entry) {
		u32 fit = platform_fits(doc_key(entry, "platform"));

		if (fit > best_fit) {
			best = entry;
			best_fit = fit;
		}
	}
	if (!best)
		return fail(error, ST_NOT_FOUND,
			    "no match for platform linux/" OUR_ARCHITECTURE " in manifest");
	manifest->is_list = true;
	return read_blob(best, "entry for this platform", &manifest->chosen, error);
}

enum status manifest_read(const struct doc *d, struct manifest *ret_manifest, struct error *error)
{
	const struct doc *layers = doc_key(d, "layers");
	struct manifest *m = ret_manifest;
	enum status status;

	*m = (struct manifest){ 0 };
	if (doc_at_int(d, "schemaVersion", 0) == 1)
		return fail(error, ST_INVALID,
			    "the manifest is of Docker's schema 1, which nobody supports any more");
	if (doc_is(doc_key(d, "manifests"), DOC_ARRAY))
		return choose(doc_key(d, "manifests"), m, error);
	if (!doc_is(doc_key(d, "config"), DOC_OBJECT) || !doc_is(layers, DOC_ARRAY))
		return fail(error, ST_INVALID, "this is no image manifest");
	if (layers->len > LAYERS_MAX)
		return fail(error, ST_INVALID, "the image has more than %d layers", LAYERS_MAX);
	status = read_blob(doc_key(d, "config"), "config", &m->config, error);
	doc_each_item(layers, layer) {
		/* Once meant layers to fetch from elsewhere, outside of the registry. */
		if (str_find(doc_at_str(layer, "mediaType"), STR("foreign")) >= 0 ||
		    str_find(doc_at_str(layer, "mediaType"), STR("encrypted")) >= 0)
			return fail(error, ST_INVALID,
				    "the image has a foreign or encrypted layer, which cannot be "
				    "pulled");
		if (status == ST_OK)
			status = read_blob(layer, "layer", &m->layers[m->layers_len++], error);
	}
	return status;
}

enum status config_diff_ids(const struct doc *config, struct diff_ids *ret_ids, struct error *error)
{
	const struct doc *list = doc_at(config, "rootfs.diff_ids");
	struct diff_ids ids = { 0 };

	if (!doc_is(list, DOC_ARRAY) || list->len > LAYERS_MAX)
		return fail(error, ST_INVALID, "this is no image configuration");
	doc_each_item(list, item) {
		if (!image_digest_valid(doc_str(item)))
			return fail(error, ST_INVALID,
				    "the image configuration has an invalid diff id");
		ids.at[ids.len++] = doc_str(item);
	}
	*ret_ids = ids;
	return ST_OK;
}

enum status config_check_platform(const struct doc *config, struct error *error)
{
	struct str os = doc_str_or(doc_key(config, "os"), STR("linux"));
	struct str machine = doc_str_or(doc_key(config, "architecture"), STR(OUR_ARCHITECTURE));

	if (str_is(os, "linux") && (str_is(machine, OUR_ARCHITECTURE) || !machine.len))
		return ST_OK;
	return fail(error, ST_INVALID,
		    "the image is for " STR_FMT "/" STR_FMT
		    ", this node is linux/" OUR_ARCHITECTURE,
		    STR_ARG(os), STR_ARG(machine));
}

static const struct str *strings(struct arena *arena, const struct doc *list, u32 *ret_len)
{
	struct str *all = ARENA_ARRAY(arena, struct str, doc_len(list) + 1);
	u32 len = 0;

	if (doc_is(list, DOC_ARRAY))
		doc_each_item(list, item)
			if (item->type == DOC_STRING)
				all[len++] = doc_str(item);
	*ret_len = len;
	return all;
}

void config_to_image(struct arena *arena, const struct doc *config, struct image *image)
{
	const struct doc *c = doc_key(config, "config");

	image->entrypoint = strings(arena, doc_key(c, "Entrypoint"), &image->entrypoint_len);
	image->cmd = strings(arena, doc_key(c, "Cmd"), &image->cmd_len);
	image->env = strings(arena, doc_key(c, "Env"), &image->env_len);
	image->user = doc_at_str(c, "User");
	image->workdir = doc_at_str(c, "WorkingDir");
	image->stop_signal = doc_at_str(c, "StopSignal");
}
