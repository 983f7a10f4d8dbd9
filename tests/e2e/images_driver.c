/*
 * Pulls images the way the node does, without a node: what tests/e2e/images.sh drives inside a
 * sandbox. Every reference is asked for at once; a line each says what came of it.
 *
 *	images_driver FOLDER [--mirror HOST=URL]… [--secret FILE]… [--always|--never]
 *	              REFERENCE…
 *	images_driver FOLDER --import FILE [REFERENCE]
 *	images_driver FOLDER --list | --remove REFERENCE
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "doc/json.h"
#include "node/images.h"
#include "sys/file.h"
#include "sys/loop.h"

enum { WORDS_MAX = 64 };

struct driver {
	struct loop *loop;
	struct arena *arena;
	struct image_mirror mirrors[WORDS_MAX];
	const struct doc *secrets[WORDS_MAX];
	const char *references[WORDS_MAX];
	u32 mirrors_len, secrets_len, references_len, left;
	enum image_policy policy;
	const char *import;
	bool failed;
};

static void told(void *self, const struct image_result *result)
{
	struct driver *d = self;

	if (result->status == ST_OK) {
		const struct image *image = result->image;

		printf("ok %s " STR_FMT " " STR_FMT " %u layers %lld ms\n",
		       result->pulled ? "pulled" : "present", STR_ARG(image->name),
		       STR_ARG(image->id), image->layers_len, (long long)result->duration_ms);
		for (u32 i = 0; i < image->layers_len; i++)
			printf("layer " STR_FMT "\n", STR_ARG(image->layers[i]));
		for (u32 i = 0; i < image->cmd_len; i++)
			printf("cmd " STR_FMT "\n", STR_ARG(image->cmd[i]));
	} else {
		printf("failed %s: %s\n", result->reason, result->message);
		d->failed = true;
	}
	if (--d->left == 0)
		loop_stop(d->loop);
}

static int list(const char *folder)
{
	struct arena *arena = arena_new(0);
	struct image_list all;
	struct error error = ERROR_INIT;

	if (image_list_read(arena, str_of(folder), &all, &error) != ST_OK) {
		printf("failed: %s\n", error.message);
		return 1;
	}
	for (u32 i = 0; i < all.items.len; i++) {
		const struct image_entry *e = &all.items.at[i];

		printf(STR_FMT " %lld", STR_ARG(e->id), (long long)e->size_bytes);
		for (u32 n = 0; n < e->names_len; n++)
			printf(" " STR_FMT, STR_ARG(e->names[n]));
		for (u32 n = 0; n < e->digests_len; n++)
			printf(" " STR_FMT, STR_ARG(e->digests[n]));
		printf("\n");
	}
	arena_free(arena);
	return 0;
}

static int drop(const char *folder, const char *reference)
{
	struct error error = ERROR_INIT;

	if (image_remove(str_of(folder), str_of(reference), &error) == ST_OK)
		return 0;
	printf("failed: %s\n", error.message);
	return 1;
}

static void read_secret(struct driver *d, const char *path)
{
	struct error error = ERROR_INIT;
	struct str text;

	CHECK(file_read(d->arena, path, 1 << 20, &text, &error) == ST_OK);
	CHECK(json_parse(d->arena, text, &d->secrets[d->secrets_len++], &error) == ST_OK);
}

static void read_words(struct driver *d, int argc, char **argv)
{
	for (int i = 2; i < argc && i < WORDS_MAX; i++) {
		if (!strcmp(argv[i], "--mirror")) {
			struct str url = str_of(argv[++i]), host = str_cut(&url, '=');

			d->mirrors[d->mirrors_len++] = (struct image_mirror){ host, url };
		} else if (!strcmp(argv[i], "--secret")) {
			read_secret(d, argv[++i]);
		} else if (!strcmp(argv[i], "--always")) {
			d->policy = IMAGE_ALWAYS;
		} else if (!strcmp(argv[i], "--never")) {
			d->policy = IMAGE_NEVER;
		} else if (!strcmp(argv[i], "--import")) {
			d->import = argv[++i];
		} else {
			d->references[d->references_len++] = argv[i];
		}
	}
}

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "image-worker"))
		return image_worker_main();
	CHECK(argc > 2);
	if (!strcmp(argv[2], "--list"))
		return list(argv[1]);
	if (!strcmp(argv[2], "--remove"))
		return drop(argv[1], argv[3]);
	struct driver d = { .loop = loop_new(), .arena = arena_new(0) };
	struct error error = ERROR_INIT;
	struct images *images;

	read_words(&d, argc, argv);
	struct images_config config = { .folder = str_of(argv[1]),
					.mirrors = d.mirrors,
					.mirrors_len = d.mirrors_len };
	struct image_secrets secrets = { d.secrets, d.secrets_len };

	if (images_open(&config, d.loop, &images, &error) != ST_OK) {
		printf("failed: %s\n", error.message);
		return 1;
	}
	d.left = d.import ? 1 : d.references_len;
	if (d.import)
		images_import(images, d.import, str_of(d.references[0]), told, &d);
	for (u32 i = 0; !d.import && i < d.references_len; i++)
		(void)images_pull(images, str_of(d.references[i]), d.policy, &secrets, told, &d);
	if (d.left)
		loop_run(d.loop);
	images_free(images);
	loop_free(d.loop);
	arena_free(d.arena);
	return d.failed;
}
