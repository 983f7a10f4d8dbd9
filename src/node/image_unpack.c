/*
 * Two libarchive readers in a row: the first only decompresses (its format is "raw"), so that we
 * see the tar stream itself and can hash it; the second reads the tar out of that stream.
 */
#include "node/image_unpack.h"

#include <errno.h>
#include <limits.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "node/archive.h"
#include "sys/file.h"

enum { CHUNK_BYTES = 128 << 10, BLOCK_BYTES = 512, XATTRS_MAX = 64, XATTR_BYTES_MAX = 64 << 10 };

const struct unpack_limits unpack_limits_default = { .entries = 2 << 20,
						     .bytes = 64ull << 30,
						     .depth = 128 };

struct folder_time {
	struct str path;
	i64 mtime_ns;
};

struct unpack {
	const struct archive_library *lib;
	const struct byte_source *source;
	const struct unpack_limits *limits;
	struct root *root;
	struct arena *arena;
	struct archive *raw, *tar;
	EVP_MD_CTX *outer, *inner;
	char *packed, *plain; /* CHUNK_BYTES each */
	u64 plain_bytes;
	bool ended, source_failed;
	struct layer_facts *facts;
	VEC(struct folder_time) folders;
	struct error *error; /* the first failure, also of callbacks */
};

/* ---- streams */

static la_ssize_t read_packed(struct archive *archive, void *self, const void **ret_bytes)
{
	struct unpack *u = self;
	i64 len = u->source->read(u->source->self, u->packed, CHUNK_BYTES, u->error);

	if (len < 0) {
		u->source_failed = true;
		u->lib->archive_set_error(archive, 5, "%s", u->error->message);
		return -1;
	}
	if (len > 0)
		CHECK(EVP_DigestUpdate(u->outer, u->packed, (size_t)len));
	u->facts->compressed_bytes += len;
	*ret_bytes = u->packed;
	return (la_ssize_t)len;
}

static la_ssize_t read_plain(struct archive *archive, void *self, const void **ret_bytes)
{
	struct unpack *u = self;
	la_ssize_t len = u->lib->archive_read_data(u->raw, u->plain, CHUNK_BYTES);

	if (len < 0) {
		const char *why = u->lib->archive_error_string(u->raw);

		fail(u->error, ST_INVALID, "decompressing: %s", why ? why : "broken data");
		u->lib->archive_set_error(archive, 5, "%s", u->error->message);
		return -1;
	}
	if (len > 0) {
		CHECK(EVP_DigestUpdate(u->inner, u->plain, (size_t)len));
		u->plain_bytes += (u64)len;
	} else if (!u->ended) {
		/* Some builders forget the last file's padding and the two blocks of zeros that
		 * end a tar; Go's reader does not mind, so such layers are about. */
		u->ended = true;
		len = (la_ssize_t)(-u->plain_bytes % BLOCK_BYTES + 2 * BLOCK_BYTES);
		memset(u->plain, 0, (size_t)len);
	}
	*ret_bytes = u->plain;
	return len;
}

static enum status archive_failed(struct unpack *u, struct archive *archive)
{
	const char *why = u->lib->archive_error_string(archive);

	return fail(u->error, ST_INVALID, "reading the archive: %s", why ? why : "broken data");
}

static enum status open_streams(struct unpack *u)
{
	const struct archive_library *lib = u->lib;
	struct archive_entry *entry;

	u->raw = lib->archive_read_new();
	u->tar = lib->archive_read_new();
	CHECK(u->raw && u->tar);
	lib->archive_read_support_filter_gzip(u->raw);
	lib->archive_read_support_filter_zstd(u->raw);
	lib->archive_read_support_filter_bzip2(u->raw);
	lib->archive_read_support_filter_xz(u->raw);
	lib->archive_read_support_format_raw(u->raw);
	lib->archive_read_support_format_empty(u->raw);
	if (lib->archive_read_open(u->raw, u, NULL, read_packed, NULL) != ARCHIVE_OK)
		return archive_failed(u, u->raw);
	int result = lib->archive_read_next_header(u->raw, &entry);

	if (result == ARCHIVE_EOF)
		return fail(u->error, ST_INVALID, "the layer is empty");
	if (result != ARCHIVE_OK)
		return archive_failed(u, u->raw);
	lib->archive_read_support_format_tar(u->tar);
	if (lib->archive_read_open(u->tar, u, NULL, read_plain, NULL) != ARCHIVE_OK)
		return archive_failed(u, u->tar);
	return ST_OK;
}

/* What stands behind the tar's end belongs to both hashes. */
static enum status drain(struct unpack *u)
{
	const void *unused;
	la_ssize_t len;

	while ((len = read_plain(u->tar, u, &unused)) > 0)
		;
	if (len < 0)
		return u->error->status;
	/* The decompressor stops where its own end mark is. */
	while ((len = read_packed(u->raw, u, &unused)) > 0)
		;
	return len < 0 ? u->error->status : ST_OK;
}

/* After a failure: what the stream was as a whole tells damage on the way from a bad archive. */
static bool read_rest(struct unpack *u)
{
	struct error unread = ERROR_INIT;
	i64 len;

	while ((len = u->source->read(u->source->self, u->packed, CHUNK_BYTES, &unread)) > 0)
		CHECK(EVP_DigestUpdate(u->outer, u->packed, (size_t)len));
	return len == 0;
}

static void digest_text(EVP_MD_CTX *context, char text[72])
{
	u8 bytes[32];
	size_t len = (size_t)snprintf(text, 72, "sha256:");

	CHECK(EVP_DigestFinal_ex(context, bytes, NULL));
	for (u32 i = 0; i < sizeof bytes; i++)
		len += (size_t)snprintf(text + len, 72 - len, "%02x", bytes[i]);
}

/* ---- names */

/* "./a//b/" → "a/b"; what would lead upwards is refused rather than bent. */
static enum status clean_path(struct unpack *u, const char *path, char out[PATH_MAX])
{
	struct str rest = str_of(path);
	size_t len = 0;
	u32 depth = 0;

	if (rest.len >= PATH_MAX)
		return fail(u->error, ST_INVALID, "a path of more than %d bytes", PATH_MAX);
	while (rest.at) {
		struct str piece = str_cut(&rest, '/');

		if (!piece.len || str_is(piece, "."))
			continue;
		if (str_is(piece, ".."))
			return fail(u->error, ST_INVALID, "the path %.200s leads upwards", path);
		if (piece.len > NAME_MAX)
			return fail(u->error, ST_INVALID, "a name of more than %d bytes", NAME_MAX);
		if (++depth > u->limits->depth)
			return fail(u->error, ST_TOO_LARGE,
				    "more than %u folders inside each other", u->limits->depth);
		if (len)
			out[len++] = '/';
		memcpy(out + len, piece.at, piece.len);
		len += piece.len;
	}
	out[len] = 0;
	return ST_OK;
}

/* A link's target may hold "..": it is looked up inside the root, whatever it says. */
static const char *link_target(const char *target)
{
	while (*target == '/' || (target[0] == '.' && target[1] == '/'))
		target++;
	return target;
}

/* ---- entries */

/* Attributes that the kernel, overlayfs or another layer would act upon are not an image's to set.
 */
static bool attribute_allowed(const char *name)
{
	return !strcmp(name, "security.capability") || !strncmp(name, "user.", 5);
}

static enum status set_attributes(struct unpack *u, struct archive_entry *entry, int fd)
{
	enum status status = ST_OK;
	const char *name;
	const void *value;
	size_t len;

	u->lib->archive_entry_xattr_reset(entry);
	for (u32 i = 0; i < XATTRS_MAX && status == ST_OK; i++) {
		if (u->lib->archive_entry_xattr_next(entry, &name, &value, &len) != ARCHIVE_OK)
			break;
		if (name && attribute_allowed(name) && len <= XATTR_BYTES_MAX &&
		    (geteuid() == 0 || !strncmp(name, "user.", 5)))
			status = root_attribute(fd, name, (struct str){ value, len }, u->error);
	}
	return status;
}

static enum status write_at(struct unpack *u, int fd, const char *bytes, size_t len, i64 offset)
{
	while (len > 0) {
		ssize_t written = pwrite(fd, bytes, len, offset);

		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
			return fail(u->error, file_errno_status(errno), "unpacking: %s",
				    strerror(errno));
		bytes += written;
		len -= (size_t)written;
		offset += written;
	}
	return ST_OK;
}

static enum status count_bytes(struct unpack *u, i64 more)
{
	if (more < 0 || (u64)u->facts->bytes + (u64)more > u->limits->bytes)
		return fail(u->error, ST_TOO_LARGE, "the layer unpacks to more than %llu bytes",
			    (unsigned long long)u->limits->bytes);
	u->facts->bytes += more;
	return ST_OK;
}

static enum status write_content(struct unpack *u, struct archive_entry *entry, int fd)
{
	i64 size = u->lib->archive_entry_size(entry);
	enum status status = count_bytes(u, size);
	const void *bytes;
	la_int64_t offset;
	size_t len;

	while (status == ST_OK) {
		int result = u->lib->archive_read_data_block(u->tar, &bytes, &len, &offset);

		if (result == ARCHIVE_EOF)
			break;
		if (result != ARCHIVE_OK)
			return archive_failed(u, u->tar);
		if (offset < 0 || len > (u64)size || (u64)offset > (u64)size - len)
			return fail(u->error, ST_INVALID, "a file is longer than it says");
		status = write_at(u, fd, bytes, len, offset);
	}
	if (status == ST_OK && ftruncate(fd, size)) /* a hole at the end */
		return fail(u->error, file_errno_status(errno), "unpacking: %s", strerror(errno));
	return status;
}

static enum status unpack_file(struct unpack *u, struct archive_entry *entry, const char *path,
			       const struct root_meta *meta)
{
	int fd = -1;
	enum status status = root_file(u->root, path, &fd, u->error);

	if (status != ST_OK)
		return status;
	status = write_content(u, entry, fd);
	/* Capabilities go away with a change of owner, so they come last, on a second descriptor.
	 */
	int again CLOSE_FD = dup(fd);
	enum status done = root_file_done(fd, meta, u->error);

	if (status == ST_OK)
		status = done;
	if (status == ST_OK && again >= 0)
		status = set_attributes(u, entry, again);
	return status;
}

static enum status unpack_folder(struct unpack *u, const char *path, const struct root_meta *meta)
{
	struct folder_time time = { str_copy(u->arena, str_of(path)), meta->mtime_ns };
	enum status status = root_folder(u->root, path, meta, u->error);

	if (status == ST_OK)
		VEC_PUSH(u->arena, &u->folders, time);
	return status;
}

#define WHITEOUT ".wh."
#define WHITEOUT_META ".wh..wh."

/* True when the entry was a whiteout and is dealt with, well or badly. */
static bool unpack_whiteout(struct unpack *u, char path[PATH_MAX], enum status *ret_status)
{
	char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;

	if (strncmp(name, WHITEOUT, strlen(WHITEOUT)))
		return false;
	*ret_status = ST_OK;
	if (!strcmp(name, WHITEOUT_META ".opq")) {
		if (slash)
			*slash = 0;
		*ret_status = root_opaque(u->root, slash ? path : "", u->error);
	} else if (strncmp(name, WHITEOUT_META, strlen(WHITEOUT_META))) {
		char *gone = name + strlen(WHITEOUT);

		if (!*gone || !strcmp(gone, ".") || !strcmp(gone, "..")) {
			*ret_status = fail(u->error, ST_INVALID, "a whiteout of no name");
			return true;
		}
		memmove(name, gone, strlen(gone) + 1);
		*ret_status = root_whiteout(u->root, path, u->error);
	} /* else: aufs' own book-keeping, of no use to anyone */
	return true;
}

/* Names come as bytes; only where a pax header says UTF-8 and the locale cannot, by the other way.
 */
static const char *either(const char *plain, const char *utf8)
{
	return plain ? plain : utf8;
}

static enum status unpack_entry(struct unpack *u, struct archive_entry *entry)
{
	const struct archive_library *lib = u->lib;
	const char *raw_path =
		either(lib->archive_entry_pathname(entry), lib->archive_entry_pathname_utf8(entry));
	const char *hard =
		either(lib->archive_entry_hardlink(entry), lib->archive_entry_hardlink_utf8(entry));
	const char *soft =
		either(lib->archive_entry_symlink(entry), lib->archive_entry_symlink_utf8(entry));
	u32 type = lib->archive_entry_filetype(entry);
	struct root_meta meta = {
		.mode = lib->archive_entry_perm(entry),
		.uid = (u32)lib->archive_entry_uid(entry),
		.gid = (u32)lib->archive_entry_gid(entry),
		.mtime_ns = clamp_i64(lib->archive_entry_mtime(entry), 0, 1ll << 33) * NS_PER_S +
			    lib->archive_entry_mtime_nsec(entry) % NS_PER_S,
	};
	char path[PATH_MAX];
	enum status status;

	if (!raw_path)
		return fail(u->error, ST_INVALID, "an entry without a readable name");
	status = clean_path(u, raw_path, path);
	if (status != ST_OK)
		return status;
	if (unpack_whiteout(u, path, &status))
		return status;
	if (!*path && type != S_IFDIR)
		return fail(u->error, ST_INVALID, "an entry in place of the root folder");
	if (hard)
		return root_hard_link(u->root, path, link_target(hard), u->error);
	switch (type) {
	case S_IFDIR:
		return unpack_folder(u, path, &meta);
	case S_IFREG:
		return unpack_file(u, entry, path, &meta);
	case S_IFLNK:
		return root_symlink(u->root, path, soft && *soft ? soft : ".", &meta, u->error);
	case S_IFCHR:
	case S_IFBLK:
	case S_IFIFO:
		return root_node(u->root, path, type, (u32)lib->archive_entry_rdevmajor(entry),
				 (u32)lib->archive_entry_rdevminor(entry), &meta, u->error);
	default: /* sockets mean nothing once unpacked */
		return ST_OK;
	}
}

static enum status unpack_all(struct unpack *u)
{
	enum status status = ST_OK;

	while (status == ST_OK) {
		struct archive_entry *entry;
		int result = u->lib->archive_read_next_header(u->tar, &entry);

		if (result == ARCHIVE_EOF)
			break;
		if (result != ARCHIVE_OK && result != ARCHIVE_WARN)
			return archive_failed(u, u->tar);
		if (++u->facts->entries > u->limits->entries)
			return fail(u->error, ST_TOO_LARGE,
				    "the layer holds more than %llu entries",
				    (unsigned long long)u->limits->entries);
		status = unpack_entry(u, entry);
	}
	for (u32 i = u->folders.len; i-- > 0 && status == ST_OK;)
		root_folder_time(u->root, u->folders.at[i].path.at, u->folders.at[i].mtime_ns);
	return status;
}

enum status image_unpack(struct root *root, const struct byte_source *source,
			 const struct unpack_limits *limits, struct layer_facts *ret_facts,
			 struct error *error)
{
	struct error own = ERROR_INIT;
	struct unpack u = {
		.source = source, .limits = limits, .root = root, .error = &own, .facts = ret_facts
	};
	enum status status = archive_load(&u.lib, error);

	if (status != ST_OK)
		return status;
	*ret_facts = (struct layer_facts){ 0 };
	u.arena = arena_new(0);
	u.packed = arena_alloc(u.arena, CHUNK_BYTES);
	u.plain = arena_alloc(u.arena, CHUNK_BYTES);
	u.outer = EVP_MD_CTX_new();
	u.inner = EVP_MD_CTX_new();
	CHECK(u.outer && u.inner && EVP_DigestInit_ex(u.outer, EVP_sha256(), NULL) &&
	      EVP_DigestInit_ex(u.inner, EVP_sha256(), NULL));
	status = open_streams(&u);
	if (status == ST_OK)
		status = unpack_all(&u);
	if (status == ST_OK)
		status = drain(&u);
	if (status == ST_OK) {
		digest_text(u.outer, ret_facts->digest);
		digest_text(u.inner, ret_facts->diff_id);
	} else {
		if (!u.source_failed && read_rest(&u))
			digest_text(u.outer, ret_facts->digest);
		/* A source's own failure says more than what libarchive made of it. */
		status = fail(error, own.status, "%s", own.message);
	}
	u.lib->archive_read_free(u.tar);
	u.lib->archive_read_free(u.raw);
	EVP_MD_CTX_free(u.outer);
	EVP_MD_CTX_free(u.inner);
	arena_free(u.arena);
	return status;
}
