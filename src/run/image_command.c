/* minke image: what the node's image folder holds, without any server. */
#include <getopt.h>
#include <stdio.h>

#include "cli/table.h"
#include "node/images.h"
#include "run/commands.h"
#include "sys/loop.h"

enum { LISTING_BYTES_MAX = 64 << 20, ID_SHOWN = 12, SHA_PREFIX = 7 };

struct image_arguments {
	struct str data, reference;
	char **words;
	int words_len;
};

static void usage(void)
{
	printf("Usage:\n"
	       "  minke image import [--data DIR] [--name REFERENCE] FILE …   takes archives in\n"
	       "  minke image list   [--data DIR]                             shows what is there\n"
	       "  minke image rm     [--data DIR] IMAGE …                     forgets images\n");
}

static bool read_arguments(int argc, char **argv, struct image_arguments *arguments)
{
	static const struct option longs[] = { { "data", required_argument, NULL, 'd' },
					       { "name", required_argument, NULL, 'n' },
					       { 0 } };
	int code;

	*arguments = (struct image_arguments){ .data = STR("/var/lib/minke") };
	optind = 0;
	while ((code = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (code == 'd')
			arguments->data = str_of(optarg);
		else if (code == 'n')
			arguments->reference = str_of(optarg);
		else
			return false;
	}
	arguments->words = argv + optind;
	arguments->words_len = argc - optind;
	return true;
}

/* ---- import */

struct importing {
	struct loop *loop;
	bool failed;
};

static void imported(void *self, const struct image_result *result)
{
	struct importing *importing = self;

	if (result->status) {
		fprintf(stderr, "minke image import: %s\n", result->message);
		importing->failed = true;
	} else {
		printf("imported " STR_FMT "\n", STR_ARG(result->image->id));
	}
	loop_stop(importing->loop);
}

static int image_import(const struct image_arguments *arguments, struct str folder)
{
	struct importing importing = { .loop = loop_new() };
	struct images_config config = { .folder = folder };
	struct images *images;
	struct error error = ERROR_INIT;

	if (images_open(&config, importing.loop, &images, &error) != ST_OK) {
		fprintf(stderr, "minke image: %s\n", error.message);
		loop_free(importing.loop);
		return 1;
	}
	for (int i = 0; i < arguments->words_len && !importing.failed; i++) {
		images_import(images, arguments->words[i], arguments->reference, imported,
			      &importing);
		loop_run(importing.loop);
	}
	images_free(images);
	loop_free(importing.loop);
	return importing.failed;
}

/* ---- list */

static struct str size_text(struct arena *arena, i64 bytes)
{
	static const char *const units[] = { "B", "kB", "MB", "GB", "TB" };
	double size = (double)bytes;
	size_t unit = 0;

	while (size >= 1000 && unit + 1 < ARRAY_LEN(units)) {
		size /= 1000;
		unit++;
	}
	return str_format(arena, "%.3g%s", size, units[unit]);
}

static int image_list(struct str folder)
{
	struct arena *arena CLEANUP(arena_free_cleanup) = arena_new(0);
	struct image_list list = { 0 };
	struct table_text table;
	struct buffer out = BUFFER_INIT(LISTING_BYTES_MAX);
	struct error error = ERROR_INIT;

	if (image_list_read(arena, folder, &list, &error) != ST_OK) {
		fprintf(stderr, "minke image: %s\n", error.message);
		return 1;
	}
	table_start(&table, arena);
	table_cell(&table, STR("IMAGE"));
	table_cell(&table, STR("ID"));
	table_cell(&table, STR("SIZE"));
	table_end_row(&table);
	for (u32 i = 0; i < list.items.len; i++) {
		const struct image_entry *entry = &list.items.at[i];

		for (u32 n = 0; n < MAX(entry->names_len, 1u); n++) {
			table_cell(&table, entry->names_len ? entry->names[n] : STR("<none>"));
			table_cell(&table, str_part(entry->id, SHA_PREFIX, ID_SHOWN));
			table_cell(&table, size_text(arena, entry->size_bytes));
			table_end_row(&table);
		}
	}
	table_print(&table, &out);
	fwrite(out.at, 1, out.len, stdout);
	buffer_release(&out);
	return 0;
}

static int image_rm(const struct image_arguments *arguments, struct str folder)
{
	int exit_code = 0;

	for (int i = 0; i < arguments->words_len; i++) {
		struct error error = ERROR_INIT;

		if (image_remove(folder, str_of(arguments->words[i]), &error) != ST_OK) {
			fprintf(stderr, "minke image rm: %s\n", error.message);
			exit_code = 1;
		} else {
			printf("removed %s\n", arguments->words[i]);
		}
	}
	return exit_code;
}

int image_command(int argc, char **argv)
{
	struct arena *arena CLEANUP(arena_free_cleanup) = arena_new(0);
	struct image_arguments arguments;
	const char *word = argc > 1 ? argv[1] : "";

	if (argc < 2 || !read_arguments(argc - 1, argv + 1, &arguments)) {
		usage();
		return 2;
	}
	struct str folder = str_format(arena, STR_FMT "/images", STR_ARG(arguments.data));

	if (!strcmp(word, "import") && arguments.words_len > 0)
		return image_import(&arguments, folder);
	if (!strcmp(word, "list") || !strcmp(word, "ls"))
		return image_list(folder);
	if (!strcmp(word, "rm") && arguments.words_len > 0)
		return image_rm(&arguments, folder);
	usage();
	return 2;
}
