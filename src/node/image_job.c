/* Pulling: manifest, configuration, then all missing layers, a few at a time, each in a child. */
#include "node/image_job.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/check.h"
#include "doc/json.h"
#include "node/image_manifest.h"
#include "sys/file.h"

enum { LAYERS_AT_A_TIME = 3, ATTEMPTS_MAX = 3 };

struct str image_job_digest(struct arena *arena, struct str bytes)
{
	u8 hash[EVP_MAX_MD_SIZE];
	char text[72];
	size_t len = (size_t)snprintf(text, sizeof text, "sha256:");

	CHECK(EVP_Digest(bytes.at, bytes.len, hash, NULL, EVP_sha256(), NULL));
	for (u32 i = 0; i < 32; i++)
		len += (size_t)snprintf(text + len, sizeof text - len, "%02x", hash[i]);
	return str_copy(arena, (struct str){ text, len });
}

/* ---- one layer */

static enum status unpack_layer(struct image_job *job, const struct layer_want *want,
				const struct byte_source *source, const char *path,
				struct error *error)
{
	char inside[STORE_PATH_MAX + 8];
	struct layer_facts facts = { 0 };
	struct root *root;

	snprintf(inside, sizeof inside, "%s/fs", path);
	enum status status = root_open(inside, &root, error);

	if (status != ST_OK)
		return status;
	status = image_unpack(root, source, &unpack_limits_default, &facts, error);
	/* Damage on the way says more than what the unpacker made of it. */
	if (want->digest.len && facts.digest[0] && !str_is(want->digest, facts.digest)) {
		error_clear(error);
		status = fail(error, ST_INVALID,
			      "unexpected content: the layer has digest %s, wanted " STR_FMT,
			      facts.digest, STR_ARG(want->digest));
	}
	if (status == ST_OK && !str_is(want->diff_id, facts.diff_id))
		status = fail(error, ST_INVALID,
			      "unexpected content: the layer unpacks to %s, wanted " STR_FMT,
			      facts.diff_id, STR_ARG(want->diff_id));
	if (status == ST_OK) /* or a power cut leaves a layer of holes under its final name */
		status = root_sync(root, error);
	root_close(root);
	return status == ST_OK ? image_store_commit_layer(job->folder, path, want->diff_id,
							  facts.bytes, error)
			       : status;
}

enum status image_job_layer(struct image_job *job, const struct layer_want *want,
			    const struct byte_source *source, struct error *error)
{
	char path[STORE_PATH_MAX];
	int lock CLOSE_FD = -1;
	enum status status = image_store_lock_layer(job->folder, want->diff_id, &lock, error);

	if (status != ST_OK || image_store_has_layer(job->folder, want->diff_id))
		return status;
	status = image_store_begin(job->folder, path, error);
	if (status != ST_OK)
		return status;
	status = unpack_layer(job, want, source, path, error);
	if (status != ST_OK)
		image_store_abandon(path);
	return status;
}

/* ---- several at a time */

struct layer_child {
	int pid, pipe; /* its error, if any, comes through the pipe: a status byte and a sentence */
};

struct pulling {
	struct image_job *job;
	struct registry *registry;
	struct manifest manifest;
	struct diff_ids diff_ids;
	struct layer_child children[LAYERS_AT_A_TIME];
	u32 running;
};

static enum status fetch_layer(struct pulling *p, u32 layer, struct error *error)
{
	const struct blob *blob = &p->manifest.layers[layer];
	struct layer_want want = { blob->digest, p->diff_ids.at[layer] };
	struct byte_source source;
	struct registry *registry;
	enum status status = registry_again(p->job->arena, p->registry, &registry, error);

	if (status != ST_OK)
		return status;
	registry_stream(registry, blob->digest, blob->size, &source);
	status = image_job_layer(p->job, &want, &source, error);
	registry_close(registry);
	return status;
}

static enum status start_layer(struct pulling *p, u32 layer, struct error *error)
{
	int ends[2];

	if (pipe(ends))
		return fail(error, ST_INTERNAL, "pipe: %s", strerror(errno));
	pid_t pid = fork();

	if (pid < 0) {
		close(ends[0]);
		close(ends[1]);
		return fail(error, ST_INTERNAL, "fork: %s", strerror(errno));
	}
	if (pid == 0) {
		struct error own = ERROR_INIT;
		enum status status = fetch_layer(p, layer, &own);

		if (status != ST_OK)
			dprintf(ends[1], "%c%s", (char)status, own.message);
		_exit(status == ST_OK ? 0 : 1);
	}
	close(ends[1]);
	p->children[p->running++] = (struct layer_child){ pid, ends[0] };
	return ST_OK;
}

/* Waits for any child; its failure becomes ours. */
static enum status finish_layer(struct pulling *p, struct error *error)
{
	int code = 0;
	pid_t pid = waitpid(-1, &code, 0);
	u32 at = 0;

	while (at < p->running && p->children[at].pid != pid)
		at++;
	if (at == p->running)
		return pid < 0 && errno == ECHILD ? fail(error, ST_INTERNAL, "a child got lost")
						  : ST_OK;
	int fd CLOSE_FD = p->children[at].pipe;
	struct str text = STR_NONE;

	p->children[at] = p->children[--p->running];
	if (WIFEXITED(code) && WEXITSTATUS(code) == 0)
		return ST_OK;
	if (file_read_fd(p->job->arena, fd, ERROR_MESSAGE_MAX, &text, NULL) == ST_OK &&
	    text.len > 1)
		return fail(error, (enum status)text.at[0], STR_FMT, STR_ARG(str_from(text, 1)));
	return fail(error, ST_INTERNAL, "unpacking a layer ended by signal %d", WTERMSIG(code));
}

static enum status fetch_layers(struct pulling *p, struct error *error)
{
	enum status status = ST_OK;

	for (u32 i = 0; i < p->manifest.layers_len && status == ST_OK; i++) {
		bool twice = false;

		for (u32 j = 0; j < i; j++)
			twice |= str_eq(p->diff_ids.at[j], p->diff_ids.at[i]);
		if (twice || image_store_has_layer(p->job->folder, p->diff_ids.at[i]))
			continue;
		if (p->running == LAYERS_AT_A_TIME)
			status = finish_layer(p, error);
		if (status == ST_OK)
			status = start_layer(p, i, error);
	}
	while (p->running) { /* even after a failure: nothing is left running behind */
		enum status last = finish_layer(p, error);

		if (status == ST_OK)
			status = last;
	}
	return status;
}

/* ---- the whole image */

static enum status fetch_manifest(struct pulling *p, const struct image_reference *reference,
				  struct str *ret_digest, struct error *error)
{
	struct str wanted = reference->digest.len ? reference->digest : reference->tag, inner;
	const struct doc *d;
	enum status status = registry_manifest(p->registry, wanted, &d, ret_digest, error);

	if (status == ST_OK)
		status = manifest_read(d, &p->manifest, error);
	if (status != ST_OK || !p->manifest.is_list)
		return status;
	status = registry_manifest(p->registry, p->manifest.chosen.digest, &d, &inner, error);
	if (status == ST_OK)
		status = manifest_read(d, &p->manifest, error);
	if (status == ST_OK && p->manifest.is_list)
		return fail(error, ST_INVALID, "a list of images within a list");
	return status;
}

static enum status fetch_config(struct pulling *p, const struct doc **ret_config,
				struct error *error)
{
	struct str text;
	enum status status = registry_blob(p->registry, p->manifest.config.digest, CONFIG_BYTES_MAX,
					   &text, error);

	if (status != ST_OK)
		return status;
	if (json_parse(p->job->arena, text, ret_config, NULL) != ST_OK)
		return fail(error, ST_INVALID, "the image configuration is not JSON");
	status = config_check_platform(*ret_config, error);
	if (status == ST_OK)
		status = config_diff_ids(*ret_config, &p->diff_ids, error);
	if (status == ST_OK && p->diff_ids.len != p->manifest.layers_len)
		return fail(error, ST_INVALID, "the manifest has %u layers, the configuration %u",
			    p->manifest.layers_len, p->diff_ids.len);
	return status;
}

static enum status pull(struct pulling *p, const struct image_reference *reference,
			struct images_done_list *done, struct error *error)
{
	struct arena *arena = p->job->arena;
	const struct doc *config;
	struct str digest;
	enum status status = fetch_manifest(p, reference, &digest, error);

	if (status == ST_OK)
		status = fetch_config(p, &config, error);
	if (status != ST_OK)
		return status;
	struct image_record record = {
		.id = p->manifest.config.digest,
		.digest = str_format(arena, STR_FMT "/" STR_FMT "@" STR_FMT,
				     STR_ARG(reference->domain), STR_ARG(reference->path),
				     STR_ARG(digest)),
		.config = config,
		.diff_ids = p->diff_ids.at,
		.diff_ids_len = p->diff_ids.len,
		.now_ns = p->job->now_ns,
	};

	record.name = reference->digest.len ? record.digest : reference->name;
	for (u32 attempt = 0;; attempt++) {
		status = fetch_layers(p, error);
		if (status == ST_OK)
			status = image_store_put(p->job->folder, &record, error);
		/* Someone removed images between the two: fetch what is missing once more. */
		if (status != ST_NOT_FOUND || attempt + 1 == ATTEMPTS_MAX || p->running)
			break;
		error_clear(error);
	}
	if (status == ST_OK)
		VEC_PUSH(arena, &done->items, (struct image_done){ record.id, record.name });
	return status;
}

enum status image_job_pull(struct image_job *job, struct images_done_list *done,
			   struct error *error)
{
	struct pulling p = { .job = job };
	struct image_reference reference;
	struct image_logins logins;
	enum status status = image_reference_parse(job->arena, job->reference, &reference, error);

	if (status != ST_OK)
		return status;
	image_logins_find(job->arena, job->secrets, job->secrets_len, &reference, &logins);
	const struct registry_config config = { .reference = &reference,
						.mirrors = job->mirrors,
						.mirrors_len = job->mirrors_len,
						.logins = &logins };

	status = registry_open(job->arena, &config, &p.registry, error);
	if (status != ST_OK)
		return status;
	status = pull(&p, &reference, done, error);
	registry_close(p.registry);
	if (status != ST_OK)
		return fail_within(error, "failed to pull and unpack image \"" STR_FMT "\"",
				   STR_ARG(reference.name));
	return ST_OK;
}
