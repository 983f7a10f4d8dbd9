/* Writing: layers, records and names. The order (layers, then the record, then its names) is what
 * makes a crash at any step harmless. */
#include "node/image_store.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/log.h"
#include "doc/build.h"
#include "doc/json.h"
#include "node/image_reference.h"
#include "node/image_store_inside.h"
#include "sys/file.h"

void store_path(char path[STORE_PATH_MAX], const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	CHECK(vsnprintf(path, STORE_PATH_MAX, format, arguments) < STORE_PATH_MAX);
	va_end(arguments);
}

void store_ref_path(char path[STORE_PATH_MAX], const char *folder, struct str name)
{
	u8 hash[EVP_MAX_MD_SIZE];
	char hex[65];

	CHECK(EVP_Digest(name.at, name.len, hash, NULL, EVP_sha256(), NULL));
	for (u32 i = 0; i < 32; i++)
		snprintf(hex + 2 * (size_t)i, 3, "%02x", hash[i]);
	store_path(path, "%s/refs/%s.json", folder, hex);
}

enum status store_lock(const char *folder, int *ret_fd, struct error *error)
{
	char path[STORE_PATH_MAX];
	int fd;

	store_path(path, "%s/locks/store", folder);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || flock(fd, LOCK_EX)) {
		int number = errno;

		if (fd >= 0)
			close(fd);
		return fail(error, file_errno_status(number), "locking %s: %s", path,
			    strerror(number));
	}
	*ret_fd = fd;
	return ST_OK;
}

void image_store_abandon(const char *path)
{
	struct error error = ERROR_INIT;

	if (file_remove_tree(path, &error) != ST_OK)
		log_warn("images", "cannot remove path=%s: %s", path, error.message);
}

/* Folders under construction whose makers are gone. */
static void clear_leftovers(const char *folder)
{
	struct arena *arena CLEANUP(arena_free_cleanup) = arena_new(0);
	char path[STORE_PATH_MAX];
	struct str *names;
	u32 count;

	store_path(path, "%s/tmp", folder);
	if (file_list(arena, path, LIST_PAGE_MAX, &names, &count, NULL) != ST_OK)
		return;
	for (u32 i = 0; i < count; i++) {
		store_path(path, "%s/tmp/" STR_FMT "/lock", folder, STR_ARG(names[i]));
		int fd CLOSE_FD = open(path, O_RDWR | O_CLOEXEC);

		/* Whoever works there holds its lock as long as he lives. */
		if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB))
			continue;
		store_path(path, "%s/tmp/" STR_FMT, folder, STR_ARG(names[i]));
		image_store_abandon(path);
	}
}

enum status image_store_prepare(const char *folder, struct error *error)
{
	static const char *const parts[] = { "layers", "manifests", "refs", "tmp", "locks" };
	char path[STORE_PATH_MAX];

	if (strlen(folder) > STORE_PATH_MAX - 200)
		return fail(error, ST_INVALID, "the path of the image folder is too long");
	for (u32 i = 0; i < ARRAY_LEN(parts); i++) {
		store_path(path, "%s/%s", folder, parts[i]);
		enum status status = file_mkdir_all(path, 0711, error);

		if (status != ST_OK)
			return status;
	}
	int lock CLOSE_FD = -1;
	enum status status = store_lock(folder, &lock, error);

	if (status == ST_OK)
		clear_leftovers(folder);
	return status;
}

/* ---- layers */

bool image_store_has_layer(const char *folder, struct str diff_id)
{
	char path[STORE_PATH_MAX];

	store_path(path, "%s/layers/" STR_FMT, folder, STR_ARG(image_digest_hex(diff_id)));
	return file_is_dir(path);
}

enum status image_store_lock_layer(const char *folder, struct str diff_id, int *ret_fd,
				   struct error *error)
{
	char path[STORE_PATH_MAX];
	int fd;

	store_path(path, "%s/locks/" STR_FMT, folder, STR_ARG(image_digest_hex(diff_id)));
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || flock(fd, LOCK_EX)) {
		int number = errno;

		if (fd >= 0)
			close(fd);
		return fail(error, file_errno_status(number), "locking a layer: %s",
			    strerror(number));
	}
	*ret_fd = fd;
	return ST_OK;
}

bool store_try_lock_layer(const char *folder, struct str hex, int *ret_fd)
{
	char path[STORE_PATH_MAX];

	store_path(path, "%s/locks/" STR_FMT, folder, STR_ARG(hex));
	*ret_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	return *ret_fd >= 0 && flock(*ret_fd, LOCK_EX | LOCK_NB) == 0;
}

enum status store_remove_layer(const char *folder, const char *path, struct error *error)
{
	char aside[STORE_PATH_MAX];

	store_path(aside, "%s/tmp/XXXXXX", folder);
	if (!mkdtemp(aside) || rename(path, aside))
		return fail(error, file_errno_status(errno), "removing %s: %s", path,
			    strerror(errno));
	return file_remove_tree(aside, error);
}

/* The lock file's descriptor stays open until the process ends: that is what it says. */
static bool mark_alive(const char *path)
{
	char lock[STORE_PATH_MAX];
	int fd;

	store_path(lock, "%s/lock", path);
	fd = open(lock, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	return fd >= 0 && flock(fd, LOCK_EX) == 0;
}

enum status image_store_begin(const char *folder, char ret_path[STORE_PATH_MAX],
			      struct error *error)
{
	int lock CLOSE_FD = -1;
	char path[STORE_PATH_MAX];
	/* Under the lock, so that nobody clears it away before it is marked. */
	enum status status = store_lock(folder, &lock, error);

	if (status != ST_OK)
		return status;
	store_path(path, "%s/tmp/XXXXXX", folder);
	if (!mkdtemp(path) || !mark_alive(path))
		return fail(error, file_errno_status(errno), "making a folder in %s/tmp: %s",
			    folder, strerror(errno));
	store_path(ret_path, "%s/fs", path);
	status = file_mkdir_all(ret_path, 0755, error);
	store_path(ret_path, "%s", path);
	return status;
}

enum status image_store_commit_layer(const char *folder, const char *path, struct str diff_id,
				     i64 bytes, struct error *error)
{
	char target[STORE_PATH_MAX], facts[STORE_PATH_MAX], text[64];
	enum status status;

	snprintf(text, sizeof text, "{\"size\":%lld}\n", (long long)bytes);
	store_path(facts, "%s/layer.json", path);
	status = file_write(facts, str_of(text), 0600, error);
	store_path(facts, "%s/lock", path);
	if (status == ST_OK)
		status = file_remove(facts, error);
	if (status != ST_OK)
		return status;
	store_path(target, "%s/layers/" STR_FMT, folder, STR_ARG(image_digest_hex(diff_id)));
	/* Others must get through to what containers run, and to nothing else. */
	if (chmod(path, 0711) || rename(path, target)) {
		if (errno == EEXIST || errno == ENOTEMPTY)
			return file_remove_tree(path, error);
		return fail(error, file_errno_status(errno), "keeping a layer: %s",
			    strerror(errno));
	}
	return ST_OK;
}

/* ---- images and names */

static i64 layer_size(struct arena *arena, const char *folder, struct str diff_id)
{
	char path[STORE_PATH_MAX];
	const struct doc *d;
	struct str text;

	store_path(path, "%s/layers/" STR_FMT "/layer.json", folder,
		   STR_ARG(image_digest_hex(diff_id)));
	if (file_read(arena, path, 4096, &text, NULL) != ST_OK ||
	    json_parse(arena, text, &d, NULL) != ST_OK)
		return 0;
	return doc_at_int(d, "size", 0);
}

static enum status put_record(struct arena *arena, const char *folder,
			      const struct image_record *record, struct error *error)
{
	struct build b = build_object(arena);
	char path[STORE_PATH_MAX];
	i64 size = 0;

	build_str(&b, "id", record->id);
	build_open_array(&b, "layers");
	for (u32 i = 0; i < record->diff_ids_len; i++) {
		if (!image_store_has_layer(folder, record->diff_ids[i]))
			return fail(error, ST_NOT_FOUND, "layer " STR_FMT " was removed meanwhile",
				    STR_ARG(record->diff_ids[i]));
		build_str(&b, NULL, record->diff_ids[i]);
		size += layer_size(arena, folder, record->diff_ids[i]);
	}
	build_close(&b);
	build_int(&b, "size", size);
	build_int(&b, "created", record->now_ns);
	build_doc(&b, "config", record->config);
	store_path(path, "%s/manifests/" STR_FMT ".json", folder,
		   STR_ARG(image_digest_hex(record->id)));
	return file_write(path, json_text(arena, build_done(&b)), 0600, error);
}

static enum status put_name(struct arena *arena, const char *folder, struct str name,
			    const struct image_record *record, struct error *error)
{
	struct build b = build_object(arena);
	char path[STORE_PATH_MAX];

	build_str(&b, "name", name);
	build_str(&b, "image", record->id);
	build_str_if(&b, "digest", record->digest);
	store_ref_path(path, folder, name);
	return file_write(path, json_text(arena, build_done(&b)), 0600, error);
}

enum status image_store_put(const char *folder, const struct image_record *record,
			    struct error *error)
{
	struct arena *arena CLEANUP(arena_free_cleanup) = arena_new(0);
	int lock CLOSE_FD = -1;
	enum status status = store_lock(folder, &lock, error);

	if (status == ST_OK)
		status = put_record(arena, folder, record, error);
	if (status == ST_OK && record->digest.len)
		status = put_name(arena, folder, record->digest, record, error);
	if (status == ST_OK && record->name.len && !str_eq(record->name, record->digest))
		status = put_name(arena, folder, record->name, record, error);
	return status;
}
