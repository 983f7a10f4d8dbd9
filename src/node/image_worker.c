/*
 * The child's side of the conversation: one JSON task from stdin, one JSON answer to stdout.
 * Everything that needs files of the machine (libraries, the archive to import) is opened before
 * the door closes.
 */
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/str.h"
#include "doc/build.h"
#include "doc/json.h"
#include "node/archive.h"
#include "node/curl.h"
#include "node/image_job.h"
#include "sys/file.h"
#include "sys/sandbox.h"

enum { TASK_BYTES_MAX = 8 << 20 };

static void answer(struct arena *arena, enum status status, const struct images_done_list *done,
		   const char *message)
{
	struct build b = build_object(arena);

	build_int(&b, "status", status);
	build_str_if(&b, "message", str_of(message));
	build_open_array(&b, "images");
	for (u32 i = 0; done && i < done->items.len; i++) {
		build_open_object(&b, NULL);
		build_str(&b, "id", done->items.at[i].id);
		build_str(&b, "name", done->items.at[i].name);
		build_close(&b);
	}
	build_close(&b);
	struct str text = json_text(arena, build_done(&b));

	/* Should nobody listen any more, nobody needs to hear. */
	if (file_write_fd(STDOUT_FILENO, text, NULL) != ST_OK)
		return;
}

static enum status read_task(struct arena *arena, const struct doc **ret_task, struct error *error)
{
	struct str text;
	enum status status = file_read_fd(arena, STDIN_FILENO, TASK_BYTES_MAX, &text, error);

	return status == ST_OK ? json_parse(arena, text, ret_task, error) : status;
}

static void fill_job(struct image_job *job, const struct doc *task)
{
	const struct doc *mirrors = doc_key(task, "mirrors"), *secrets = doc_key(task, "secrets");
	struct image_mirror *all =
		ARENA_ARRAY(job->arena, struct image_mirror, doc_len(mirrors) + 1);
	const struct doc **configs =
		ARENA_ARRAY(job->arena, const struct doc *, doc_len(secrets) + 1);

	doc_each_item(mirrors, mirror)
		all[job->mirrors_len++] = (struct image_mirror){ doc_at_str(mirror, "host"),
								 doc_at_str(mirror, "url") };
	doc_each_item(secrets, secret)
		configs[job->secrets_len++] = secret;
	job->mirrors = all;
	job->secrets = configs;
	job->reference = doc_at_str(task, "reference");
	job->now_ns = doc_at_int(task, "now", 0);
}

/* What must be loaded while files can still be found. */
static enum status load_libraries(bool import, struct error *error)
{
	const struct archive_library *archive;
	const struct curl_library *curl;
	enum status status = archive_load(&archive, error);

	(void)setlocale(LC_CTYPE, "C.UTF-8"); /* names in archives */
	return status == ST_OK && !import ? curl_load(&curl, error) : status;
}

static enum status work(struct arena *arena, struct images_done_list *done, struct error *error)
{
	struct image_job job = { .arena = arena, .folder = SANDBOX_FOLDER, .archive = -1 };
	const struct doc *task;
	enum status status = read_task(arena, &task, error);

	if (status != ST_OK)
		return status;
	bool import = str_is(doc_at_str(task, "job"), "import");
	const char *folder = str_c(arena, doc_at_str(task, "folder"));

	fill_job(&job, task);
	if (import) {
		const char *path = str_c(arena, doc_at_str(task, "path"));

		job.archive = open(path, O_RDONLY | O_CLOEXEC);
		if (job.archive < 0)
			return fail(error, file_errno_status(errno), "%s: %s", path,
				    strerror(errno));
	}
	status = load_libraries(import, error);
	if (status == ST_OK)
		status = sandbox_enter(folder, error);
	if (status != ST_OK)
		return status;
	return import ? image_job_import(&job, done, error) : image_job_pull(&job, done, error);
}

int image_worker_main(void)
{
	struct arena *arena = arena_new(0);
	struct images_done_list done = { 0 };
	struct error error = ERROR_INIT;
	u64 seed = 0;

	if (getrandom(&seed, sizeof seed, 0) == sizeof seed)
		str_hash_seed(seed); /* strangers choose the keys of what we read */
	enum status status = work(arena, &done, &error);

	answer(arena, status, &done, error.message);
	arena_free(arena);
	return status == ST_OK ? 0 : 1;
}
