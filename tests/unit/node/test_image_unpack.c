/*
 * Archives that mean harm, and those that do not: nothing may appear outside of the root, whatever
 * an archive says. Tar headers are made by hand here, because no tool writes what attackers write.
 */
#include "../unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>
#include <zlib.h>

#include "base/buffer.h"
#include "node/image_store.h"
#include "node/image_unpack.h"
#include "sys/file.h"

enum { BLOCK = 512 };

static char base[64], inside[80]; /* inside is the root; beside it lies what must not be touched */
static struct buffer tar;

/* ---- tar by hand */

static void octal(char *field, size_t width, u64 value)
{
	char text[32];

	snprintf(text, sizeof text, "%0*llo", (int)width - 1, (unsigned long long)value);
	memcpy(field, text, width);
}

static void add_sized(const char *name, char type, const char *link, const char *content, u64 size,
		      u32 mode)
{
	char block[BLOCK] = { 0 };
	u32 sum = 0;

	memcpy(block, name, strnlen(name, 100));
	octal(block + 100, 8, mode);
	octal(block + 108, 8, geteuid());
	octal(block + 116, 8, getegid());
	octal(block + 124, 12, size);
	octal(block + 136, 12, 1700000000);
	memset(block + 148, ' ', 8);
	block[156] = type;
	if (link)
		memcpy(block + 157, link, strnlen(link, 100));
	memcpy(block + 257, "ustar\00000", 8);
	for (u32 i = 0; i < BLOCK; i++)
		sum += (u8)block[i];
	octal(block + 148, 7, sum);
	buffer_add(&tar, block, BLOCK);
	if (content) {
		char padding[BLOCK] = { 0 };

		buffer_add(&tar, content, strlen(content));
		buffer_add(&tar, padding, -strlen(content) % BLOCK);
	}
}

static void add(const char *name, char type, const char *link, const char *content)
{
	add_sized(name, type, link, content, content ? strlen(content) : 0,
		  type == '5' ? 0755 : 0644);
}

static void add_end(void)
{
	char zeros[2 * BLOCK] = { 0 };

	buffer_add(&tar, zeros, sizeof zeros);
}

/* ---- unpacking it */

static i64 read_tar(void *self, void *buffer, size_t max, struct error *error)
{
	size_t *at = self, piece = MIN(max, (size_t)1000), len = MIN(piece, tar.len - *at);

	(void)error;
	if (len)
		memcpy(buffer, tar.at + *at, len);
	*at += len;
	return (i64)len;
}

static struct layer_facts facts;
static struct error error;

static enum status unpack_limited(const struct unpack_limits *limits)
{
	size_t at = 0;
	struct byte_source source = { read_tar, &at };
	struct root *root;

	error_clear(&error);
	assert_int_equal(root_open(inside, &root, &error), ST_OK);
	enum status status = image_unpack(root, &source, limits, &facts, &error);

	root_close(root);
	return status;
}

static enum status unpack(void)
{
	return unpack_limited(&unpack_limits_default);
}

static bool exists(const char *path)
{
	char whole[300];
	struct stat what;

	snprintf(whole, sizeof whole, "%s/%s", inside, path);
	return lstat(whole, &what) == 0;
}

static const char *content_of(const char *folder, const char *path)
{
	static char text[100];
	char whole[300];
	ssize_t len;

	snprintf(whole, sizeof whole, "%s/%s", folder, path);
	int fd = open(whole, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return "absent";
	len = read(fd, text, sizeof text - 1);
	close(fd);
	text[len > 0 ? len : 0] = 0;
	return text;
}

static void ordinary_layers_unpack(void **state)
{
	(void)state;
	char long_name[100];

	memset(long_name, 'n', 99);
	long_name[99] = 0;
	add("./", '5', NULL, NULL);
	add("etc/", '5', NULL, NULL);
	add("etc/motd", '0', NULL, "hello\n");
	add("./deep/er/file", '0', NULL, "made its own folders");
	add("link", '2', "etc/motd", NULL);
	add("absolute", '2', "/etc/motd", NULL);
	add("hard", '1', "etc/motd", NULL);
	add("rooted-hard", '1', "/etc/motd", NULL);
	add("pipe", '6', NULL, NULL);
	add(long_name, '0', NULL, "");
	add("etc/motd", '0', NULL, "the second one wins\n");
	add_end();
	if (unpack() != ST_OK)
		fail_msg("%s", error.message);
	assert_string_equal(content_of(inside, "etc/motd"), "the second one wins\n");
	assert_string_equal(content_of(inside, "hard"), "hello\n");
	assert_string_equal(content_of(inside, "rooted-hard"), "hello\n");
	assert_string_equal(content_of(inside, "link"), "the second one wins\n");
	assert_string_equal(content_of(inside, "deep/er/file"), "made its own folders");
	assert_true(exists("pipe") && exists(long_name) && exists("absolute"));
	assert_string_equal(facts.digest, facts.diff_id); /* nothing was compressed */
	assert_int_equal(facts.entries, 11);
}

static void nothing_leaves_the_root(void **state)
{
	(void)state;
	static const struct {
		const char *what, *name;
		char type;
		const char *link, *then; /* a second entry through the first */
	} cases[] = {
		{ "a path upwards", "../victim", '0', NULL, NULL },
		{ "a path upwards inside", "a/../../victim", '0', NULL, NULL },
		{ "an absolute path", "/victim", '0', NULL, NULL },
		{ "a link to outside", "out", '2', "..", "out/victim" },
		{ "an absolute link", "out", '2', "/", "out/victim" },
		{ "a link far up", "out", '2', "../../../../../../../../../../tmp", "out/victim" },
		{ "a hard link upwards", "victim2", '1', "../victim", NULL },
		{ "a hard link through a link", "victim2", '1', "out/victim", NULL },
		{ "a link in place of the root", ".", '2', "..", "victim" },
		{ "a whiteout upwards", "../.wh.victim", '0', NULL, NULL },
		{ "a whiteout of ..", ".wh...", '0', NULL, NULL },
		{ "a whiteout of nothing", ".wh.", '0', NULL, NULL },
		{ "a folder upwards", "../victim", '5', NULL, NULL },
		{ "an opaque mark upwards", "../.wh..wh..opq", '0', NULL, NULL },
		{ "an empty name", "", '0', NULL, NULL },
	};

	for (u32 i = 0; i < ARRAY_LEN(cases); i++) {
		char proof[100];

		buffer_clear(&tar);
		add("out", '2', "..", NULL);
		add(cases[i].name, cases[i].type, cases[i].link,
		    cases[i].type == '0' ? "evil" : NULL);
		if (cases[i].then)
			add(cases[i].then, '0', NULL, "evil");
		add_end();
		(void)!unpack(); /* refused or bent to the inside: both are well */
		if (strcmp(content_of(base, "victim"), "innocent"))
			fail_msg("%s reached the file outside", cases[i].what);
		if (strcmp(content_of("/", "victim"), "absent"))
			fail_msg("%s reached the real root", cases[i].what);
		snprintf(proof, sizeof proof, "%s/victim2", base);
		assert_int_not_equal(access(proof, F_OK), 0);
		/* And nothing inside is another name of it. */
		assert_string_not_equal(content_of(inside, "victim2"), "innocent");
		struct stat what;

		snprintf(proof, sizeof proof, "%s/victim", base);
		assert_int_equal(stat(proof, &what), 0);
		assert_int_equal(what.st_nlink, 1);
	}
}

static void links_of_the_archive_stay_inside(void **state)
{
	(void)state;
	add("usr/", '5', NULL, NULL);
	add("usr/lib/", '5', NULL, NULL);
	add("lib", '2', "/usr/lib", NULL); /* absolute, as distributions have it */
	add("lib/x.so", '0', NULL, "library");
	add("up", '2', "../../..", NULL);
	add("up/here", '0', NULL, "still inside");
	add_end();
	if (unpack() != ST_OK)
		fail_msg("%s", error.message);
	assert_string_equal(content_of(inside, "usr/lib/x.so"), "library");
	assert_string_equal(content_of(inside, "here"), "still inside");
}

static void folders_and_files_give_way_to_each_other(void **state)
{
	(void)state;
	add("a/", '5', NULL, NULL);
	add("a/b/c", '0', NULL, "x");
	add("a", '0', NULL, "now a file");
	add("f", '0', NULL, "x");
	add("f/", '5', NULL, NULL);
	add("f/g", '0', NULL, "now in a folder");
	add("s", '2', "f", NULL);
	add("s/", '5', NULL, NULL); /* a folder in place of a link: the link goes */
	add("s/h", '0', NULL, "y");
	add("same", '0', NULL, "z");
	add("same", '1', "same", NULL); /* a link to itself must not lose it */
	add_end();
	if (unpack() != ST_OK)
		fail_msg("%s", error.message);
	assert_string_equal(content_of(inside, "a"), "now a file");
	assert_string_equal(content_of(inside, "f/g"), "now in a folder");
	assert_string_equal(content_of(inside, "s/h"), "y");
	assert_false(exists("f/h"));
	assert_string_equal(content_of(inside, "same"), "z");
}

static void whiteouts_become_what_overlayfs_reads(void **state)
{
	(void)state;
	char path[300];
	struct stat what;

	add("etc/.wh.passwd", '0', NULL, NULL);
	add("data/.wh..wh..plnk", '0', NULL, NULL); /* aufs' book-keeping is passed over */
	if (geteuid() == 0)
		add("data/.wh..wh..opq", '0', NULL, NULL);
	add("data/new", '0', NULL, "n");
	add_end();
	if (unpack() != ST_OK)
		fail_msg("%s", error.message);
	snprintf(path, sizeof path, "%s/etc/passwd", inside);
	assert_int_equal(lstat(path, &what), 0);
	assert_true(S_ISCHR(what.st_mode) && what.st_rdev == makedev(0, 0));
	assert_false(exists("data/.wh..wh..plnk"));
	if (geteuid() == 0) {
		char value[4] = { 0 };

		snprintf(path, sizeof path, "%s/data", inside);
		assert_int_equal(getxattr(path, "trusted.overlay.opaque", value, sizeof value), 1);
		assert_int_equal(value[0], 'y');
	}
}

static void suid_and_owners_survive(void **state)
{
	(void)state;
	char path[300];
	struct stat what;

	add_sized("su", '0', NULL, "x", 1, 04755);
	add_sized("tmp/", '5', NULL, NULL, 0, 01777);
	add_end();
	assert_int_equal(unpack(), ST_OK);
	snprintf(path, sizeof path, "%s/su", inside);
	assert_int_equal(stat(path, &what), 0);
	assert_int_equal(what.st_mode & 07777, 04755);
	assert_int_equal(what.st_mtime, 1700000000);
	snprintf(path, sizeof path, "%s/tmp", inside);
	assert_int_equal(stat(path, &what), 0);
	assert_int_equal(what.st_mode & 07777, 01777);
	assert_int_equal(what.st_mtime, 1700000000);
}

static void bombs_hit_their_limits(void **state)
{
	(void)state;
	static const struct unpack_limits small = { .entries = 10, .bytes = 1000, .depth = 5 };
	char deep[64] = "";

	for (u32 i = 0; i < 11; i++)
		add("same", '0', NULL, "");
	add_end();
	assert_int_equal(unpack_limited(&small), ST_TOO_LARGE);
	buffer_clear(&tar);
	for (u32 i = 0; i < 6; i++)
		strcat(deep, "d/");
	add(deep, '5', NULL, NULL);
	add_end();
	assert_int_equal(unpack_limited(&small), ST_TOO_LARGE);
	buffer_clear(&tar);
	add_sized("huge", '0', NULL, NULL, 077777777777ull, 0644); /* says 8 GiB, brings none */
	add_end();
	assert_int_equal(unpack_limited(&small), ST_TOO_LARGE);
	buffer_clear(&tar);
	add_sized("a", '0', NULL, "0123456789", 5000, 0644); /* cut off in the middle */
	assert_int_not_equal(unpack(), ST_OK);
	buffer_clear(&tar);
	buffer_add(&tar, "this is no archive at all", 25);
	assert_int_not_equal(unpack(), ST_OK);
	buffer_clear(&tar);
	assert_int_not_equal(unpack(), ST_OK);
}

/* A gigabyte of zeros in a megabyte of gzip stops at the limit, not at the end of the disk. */
static void compressed_bombs_hit_them_too(void **state)
{
	(void)state;
	static const struct unpack_limits small = { .entries = 10, .bytes = 1 << 20, .depth = 5 };
	struct buffer packed = BUFFER_INIT(8 << 20);
	z_stream z = { 0 };
	static char zeros[1 << 20];

	add_sized("zeros", '0', NULL, NULL, 1ull << 30, 0644);
	assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
	for (u32 i = 0; i < 33; i++) {
		z.next_in = (u8 *)(i ? zeros : tar.at);
		z.avail_in = i ? sizeof zeros : (u32)tar.len;
		do {
			char *room = buffer_room(&packed, 64 << 10);

			z.next_out = (u8 *)room;
			z.avail_out = 64 << 10;
			deflate(&z, i == 32 ? Z_FINISH : Z_NO_FLUSH);
			packed.len += (64 << 10) - z.avail_out;
		} while (!z.avail_out);
	}
	deflateEnd(&z);
	buffer_release(&tar);
	tar = packed;
	assert_int_equal(unpack_limited(&small), ST_TOO_LARGE);
}

/* umoci insert leaves the padding of the last file and the end mark out; Go's reader never minded.
 */
static void a_missing_end_is_forgiven(void **state)
{
	(void)state;
	add("file", '0', NULL, "short");
	tar.len = BLOCK + 5;
	if (unpack() != ST_OK)
		fail_msg("%s", error.message);
	assert_string_equal(content_of(inside, "file"), "short");
}

/* ---- the store */

static void layers_are_shared_and_go_with_their_last_image(void **state)
{
	(void)state;
	struct arena *arena = arena_new(0);
	const struct image *image;
	struct image_list list;
	struct str ids[3];
	char path[STORE_PATH_MAX], file[STORE_PATH_MAX + 20];

	for (u32 i = 0; i < 3; i++)
		ids[i] = str_format(arena, "sha256:%064x", i + 1);
	assert_int_equal(image_store_prepare(inside, &error), ST_OK);
	for (u32 i = 0; i < 3; i++) {
		assert_int_equal(image_store_begin(inside, path, &error), ST_OK);
		snprintf(file, sizeof file, "%s/fs/file", path);
		assert_int_equal(file_write(file, STR("x"), 0644, &error), ST_OK);
		assert_int_equal(image_store_commit_layer(inside, path, ids[i], 10, &error), ST_OK);
	}
	/* The slower of two: what is there stays, nothing is left over. */
	assert_int_equal(image_store_begin(inside, path, &error), ST_OK);
	assert_int_equal(image_store_commit_layer(inside, path, ids[0], 10, &error), ST_OK);
	assert_int_not_equal(access(path, F_OK), 0);
	for (u32 i = 1; i < 3; i++) {
		struct str layers[] = { ids[0], ids[i] };
		struct image_record record = {
			.id = str_format(arena, "sha256:%064x", 100 + i),
			.name = str_format(arena, "docker.io/library/app:%u", i),
			.digest = str_format(arena, "docker.io/library/app@sha256:%064x", 200 + i),
			.config = &doc_empty_object,
			.diff_ids = layers,
			.diff_ids_len = 2,
		};

		if (image_store_put(inside, &record, &error) != ST_OK)
			fail_msg("%s", error.message);
	}
	assert_int_equal(image_store_find(arena, inside, STR("app:1"), &image, &error), ST_OK);
	assert_int_equal(image->layers_len, 2);
	assert_true(str_ends(image->layers[0], STR("2/fs"))); /* topmost first */
	assert_int_equal(image_store_find(arena, inside, STR("app:3"), &image, NULL), ST_NOT_FOUND);
	assert_int_equal(image_list_read(arena, str_of(inside), &list, &error), ST_OK);
	assert_int_equal(list.items.len, 2);
	assert_int_equal(list.items.at[0].size_bytes, 20);
	assert_int_equal(image_remove(str_of(inside), STR("app:1"), &error), ST_OK);
	assert_false(image_store_has_layer(inside, ids[1]));
	assert_true(image_store_has_layer(inside, ids[0]) && image_store_has_layer(inside, ids[2]));
	assert_int_equal(image_remove(str_of(inside), STR("app:1"), NULL), ST_NOT_FOUND);
	assert_int_equal(
		image_remove(str_of(inside), str_format(arena, "sha256:%064x", 102), &error),
		ST_OK);
	assert_false(image_store_has_layer(inside, ids[0]));
	assert_int_equal(image_list_read(arena, str_of(inside), &list, &error), ST_OK);
	assert_int_equal(list.items.len, 0);
	arena_free(arena);
}

static int set_up(void **state)
{
	char victim[80];

	(void)state;
	strcpy(base, "/tmp/test-unpack-XXXXXX");
	if (!mkdtemp(base))
		return -1;
	snprintf(inside, sizeof inside, "%s/inside", base);
	snprintf(victim, sizeof victim, "%s/victim", base);
	tar = BUFFER_INIT(64 << 20);
	error = ERROR_INIT;
	return mkdir(inside, 0755) || file_write(victim, STR("innocent"), 0644, NULL) != ST_OK;
}

static int tear_down(void **state)
{
	(void)state;
	buffer_release(&tar);
	return file_remove_tree(base, NULL) != ST_OK;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(ordinary_layers_unpack),
		TEST(nothing_leaves_the_root),
		TEST(links_of_the_archive_stay_inside),
		TEST(folders_and_files_give_way_to_each_other),
		TEST(whiteouts_become_what_overlayfs_reads),
		TEST(suid_and_owners_survive),
		TEST(bombs_hit_their_limits),
		TEST(compressed_bombs_hit_them_too),
		TEST(a_missing_end_is_forgiven),
		TEST(layers_are_shared_and_go_with_their_last_image),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
