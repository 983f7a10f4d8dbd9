/*
 * The parent's side: who asked for what, which children run, and what came of it. The image folder
 * is read directly; everything that touches strangers' bytes is left to the child.
 */
#include "node/images.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/check.h"
#include "doc/build.h"
#include "doc/json.h"
#include "node/image_reference.h"
#include "node/image_store.h"
#include "sys/clock.h"
#include "sys/loop.h"

enum { PULLS_DEFAULT = 5, ANSWER_BYTES_MAX = 1 << 20 };

struct image_pull { /* someone who waits */
	struct image_pull *next;
	struct images *images;
	struct job *job; /* NULL: answered without one, soon */
	struct arena *arena;
	struct str reference;
	images_done *done; /* NULL: forgotten */
	void *self;
	struct image_result result; /* of those answered without a job */
	i64 asked_ms;
};

struct job { /* one child, running or in line */
	struct job *next;
	struct images *images;
	struct arena *arena;
	struct str key;	 /* what makes two wishes one */
	struct str task; /* JSON for the child */
	struct image_pull *waiting;
	struct process *process;
	struct stream *in, *out;
	struct buffer answer;
	bool started, exited, closed;
	int signal;
};

struct images {
	struct loop *loop;
	struct arena *arena;
	const char *folder, *program;
	const struct image_mirror *mirrors;
	u32 mirrors_len, pulls_max, running;
	struct job *jobs;	     /* in order of arrival */
	struct image_pull *answered; /* waiting for the loop to tell them */
	bool told_soon;
};

static void start_jobs(struct images *images);
static void finish_job(struct job *job);

/* ---- opening and closing */

enum status images_open(const struct images_config *config, struct loop *loop,
			struct images **ret_images, struct error *error)
{
	struct arena *arena = arena_new(0);
	const char *folder = str_c(arena, config->folder);
	struct image_mirror *mirrors =
		ARENA_ARRAY(arena, struct image_mirror, config->mirrors_len + 1);
	struct images *images = ARENA_NEW(arena, struct images);
	enum status status = image_store_prepare(folder, error);

	if (status != ST_OK) {
		arena_free(arena);
		return status;
	}
	for (u32 i = 0; i < config->mirrors_len; i++)
		mirrors[i] = (struct image_mirror){ str_copy(arena, config->mirrors[i].host),
						    str_copy(arena, config->mirrors[i].url) };
	*images = (struct images){
		.loop = loop,
		.arena = arena,
		.folder = folder,
		.program = config->program.len ? str_c(arena, config->program) : "/proc/self/exe",
		.mirrors = mirrors,
		.mirrors_len = config->mirrors_len,
		.pulls_max = config->pulls_max ? config->pulls_max : PULLS_DEFAULT,
	};
	*ret_images = images;
	return ST_OK;
}

static void free_pull(struct image_pull *pull)
{
	arena_free(pull->arena);
}

static void free_job(struct job *job)
{
	process_free(job->process);
	buffer_release(&job->answer);
	arena_free(job->arena);
}

static void unlink_job(struct images *images, struct job *job)
{
	struct job **at = &images->jobs;

	while (*at && *at != job)
		at = &(*at)->next;
	if (*at)
		*at = job->next;
}

/* A stream's last word comes after images_free: it must find nothing to talk to. */
static void nothing_more(void *self, enum status status, const char *why)
{
	(void)self;
	(void)status;
	(void)why;
}

static void no_bytes(void *self, struct str bytes)
{
	(void)self;
	(void)bytes;
}

static const struct stream_events nobody = { .bytes = no_bytes, .closed = nothing_more };

static void drop_stream(struct stream *stream)
{
	if (!stream)
		return;
	stream_open(stream, &nobody, NULL);
	stream_abort(stream);
}

void images_free(struct images *images)
{
	if (!images)
		return;
	for (struct job *job = images->jobs, *next; job; job = next) {
		next = job->next;
		for (struct image_pull *pull = job->waiting, *other; pull; pull = other) {
			other = pull->next;
			free_pull(pull);
		}
		if (job->process && !job->exited)
			process_kill(job->process, SIGKILL);
		drop_stream(job->in);
		drop_stream(job->out);
		free_job(job);
	}
	for (struct image_pull *pull = images->answered, *next; pull; pull = next) {
		next = pull->next;
		free_pull(pull);
	}
	if (images->told_soon) { /* a call that is under way must still find us */
		images->jobs = NULL;
		images->answered = NULL;
		images->loop = NULL;
		return;
	}
	arena_free(images->arena);
}

/* ---- telling */

static i64 now_ms(void)
{
	return clock_mono_ns(clock_real()) / NS_PER_MS;
}

static void tell_all(void *self)
{
	struct images *images = self;
	struct image_pull *pull = images->answered;

	images->told_soon = false;
	if (!images->loop) {
		arena_free(images->arena);
		return;
	}
	images->answered = NULL;
	for (struct image_pull *next; pull; pull = next) {
		next = pull->next;
		if (pull->done) {
			struct image_result result = pull->result;

			result.duration_ms = now_ms() - pull->asked_ms;
			pull->done(pull->self, &result);
		}
		free_pull(pull);
	}
}

/* Answers without a child; never before the caller has its own in hand. */
static void answer_soon(struct images *images, struct image_pull *pull)
{
	struct image_pull **at = &images->answered;

	while (*at)
		at = &(*at)->next;
	*at = pull;
	if (!images->told_soon)
		loop_post(images->loop, tell_all, images);
	images->told_soon = true;
}

static void answer_failure(struct images *images, struct image_pull *pull, enum status status,
			   const char *reason, struct str message)
{
	pull->result = (struct image_result){ .status = status,
					      .reason = reason,
					      .message = str_c(pull->arena, message) };
	answer_soon(images, pull);
}

static void tell_waiting(struct job *job, enum status status, struct str message, struct str name)
{
	struct image_pull *pull = job->waiting;

	job->waiting = NULL;
	for (struct image_pull *next; pull; pull = next) {
		struct image_result result = { .status = status,
					       .pulled = status == ST_OK,
					       .duration_ms = now_ms() - pull->asked_ms };
		struct str reference = pull->reference.len ? pull->reference : name;
		struct error error = ERROR_INIT;

		next = pull->next;
		if (status == ST_OK)
			result.status = image_store_find(pull->arena, job->images->folder,
							 reference, &result.image, &error);
		if (result.status != ST_OK) {
			result.reason = "ErrImagePull";
			result.message =
				status == ST_OK ? error.message : str_c(pull->arena, message);
		}
		if (pull->done)
			pull->done(pull->self, &result);
		free_pull(pull);
	}
}

/* ---- the child */

static void finish_job(struct job *job)
{
	struct images *images = job->images;
	struct str message = STR_NONE, name = STR_NONE;
	enum status status = ST_INTERNAL;
	const struct doc *answer;

	if (job->started && (!job->exited || !job->closed))
		return; /* the last words may come after the end, or before */
	if (job->in) {	/* it ended without hearing all of its task; comes back from task_sent */
		stream_abort(job->in);
		return;
	}
	if (job->started)
		images->running--;
	unlink_job(images, job);
	if (json_parse(job->arena, buffer_str(&job->answer), &answer, NULL) == ST_OK) {
		i64 code = doc_at_int(answer, "status", ST_INTERNAL);

		status = code >= 0 && code < STATUS_COUNT ? (enum status)code : ST_INTERNAL;
		message = doc_at_str(answer, "message");
		name = doc_at_str(doc_item(doc_key(answer, "images"), 0), "name");
	} else if (job->signal) {
		message = str_format(job->arena, "the image worker was ended by signal %d",
				     job->signal);
	}
	if (status != ST_OK && !message.len)
		message = STR("the image worker gave no answer");
	start_jobs(images); /* before callbacks, which may free everything */
	tell_waiting(job, status, message, name);
	free_job(job);
}

static void worker_exited(void *self, int code, int number)
{
	struct job *job = self;

	(void)code;
	job->exited = true;
	job->signal = number;
	finish_job(job);
}

static void worker_said(void *self, struct str bytes)
{
	struct job *job = self;

	(void)buffer_add_str(&job->answer, bytes);
}

static void worker_silent(void *self, enum status status, const char *why)
{
	struct job *job = self;

	(void)status;
	(void)why;
	job->out = NULL;
	job->closed = true;
	finish_job(job);
}

static void task_sent(void *self, enum status status, const char *why)
{
	struct job *job = self;

	(void)status;
	(void)why;
	job->in = NULL;
	finish_job(job);
}

static const struct stream_events answer_events = { .bytes = worker_said, .closed = worker_silent };
static const struct stream_events task_events = { .bytes = no_bytes, .closed = task_sent };

static enum status spawn_worker(struct job *job, const int task[2], const int answer[2],
				struct error *error)
{
	const char *const argv[] = { job->images->program, "image-worker", NULL };
	const struct process_fd fds[] = { { task[0], 0 }, { answer[1], 1 }, { 2, 2 } };
	const struct process_spec spec = { .argv = argv, .fds = fds, .fds_len = ARRAY_LEN(fds) };

	return process_spawn(job->images->loop, &spec, worker_exited, job, &job->process, error);
}

static enum status start_job(struct job *job, struct error *error)
{
	int task[2] = { -1, -1 }, answer[2] = { -1, -1 };
	enum status status = ST_OK;

	if (pipe2(task, O_CLOEXEC) || pipe2(answer, O_CLOEXEC))
		status = fail(error, ST_INTERNAL, "pipe: %s", strerror(errno));
	if (status == ST_OK)
		status = spawn_worker(job, task, answer, error);
	if (task[0] >= 0)
		close(task[0]);
	if (answer[1] >= 0)
		close(answer[1]);
	if (status == ST_OK)
		status = stream_adopt(job->images->loop, task[1], &job->in, error);
	if (status == ST_OK)
		status = stream_adopt(job->images->loop, answer[0], &job->out, error);
	if (status != ST_OK)
		return status;
	job->started = true;
	stream_open(job->out, &answer_events, job);
	stream_open(job->in, &task_events, job);
	stream_write(job->in, job->task);
	stream_close(job->in);
	return ST_OK;
}

static void start_jobs(struct images *images)
{
	struct job *next;

	for (struct job *job = images->jobs; job; job = next) {
		struct error error = ERROR_INIT;

		next = job->next;
		if (job->started || images->running >= images->pulls_max)
			continue;
		if (start_job(job, &error) == ST_OK) {
			images->running++;
			continue;
		}
		/* Answers go out from the loop, so that nobody is called from within a call. */
		unlink_job(images, job);
		for (struct image_pull *pull = job->waiting, *other; pull; pull = other) {
			other = pull->next;
			pull->next = NULL;
			pull->job = NULL;
			answer_failure(images, pull, error.status, "ErrImagePull",
				       str_of(error.message));
		}
		free_job(job);
	}
}

/* ---- wishes */

static struct image_pull *new_pull(struct images *images, struct str reference, images_done *done,
				   void *self)
{
	struct arena *arena = arena_new(0);
	struct image_pull *pull = ARENA_NEW(arena, struct image_pull);

	*pull = (struct image_pull){ .images = images,
				     .arena = arena,
				     .reference = str_copy(arena, reference),
				     .done = done,
				     .self = self,
				     .asked_ms = now_ms() };
	return pull;
}

static struct build begin_task(struct images *images, struct arena *arena, const char *job,
			       struct str reference)
{
	struct build b = build_object(arena);

	build_str(&b, "job", str_of(job));
	build_str(&b, "folder", str_of(images->folder));
	build_str(&b, "reference", reference);
	build_int(&b, "now", clock_wall_ns(clock_real()));
	build_open_array(&b, "mirrors");
	for (u32 i = 0; i < images->mirrors_len; i++) {
		build_open_object(&b, NULL);
		build_str(&b, "host", images->mirrors[i].host);
		build_str(&b, "url", images->mirrors[i].url);
		build_close(&b);
	}
	build_close(&b);
	return b;
}

/* Joins a job that does the same, or puts a new one in line. Takes the arena. */
static void queue(struct images *images, struct image_pull *pull, struct arena *arena,
		  struct str key, struct str task)
{
	struct job **at = &images->jobs;

	while (*at && !(key.len && str_eq((*at)->key, key)))
		at = &(*at)->next;
	if (*at) {
		arena_free(arena);
	} else {
		*at = ARENA_NEW(arena, struct job);
		**at = (struct job){ .images = images,
				     .arena = arena,
				     .key = key,
				     .task = task,
				     .answer = BUFFER_INIT(ANSWER_BYTES_MAX) };
	}
	pull->job = *at;
	pull->next = (*at)->waiting;
	(*at)->waiting = pull;
	start_jobs(images);
}

static void queue_pull(struct images *images, struct image_pull *pull, struct str name,
		       const struct image_secrets *secrets)
{
	struct arena *arena = arena_new(0);
	struct build b = begin_task(images, arena, "pull", name);
	struct build all = build_array(arena);

	for (u32 i = 0; secrets && i < secrets->len; i++)
		build_doc(&all, NULL, secrets->configs[i]);
	const struct doc *list = build_done(&all);
	struct str key = str_format(arena, STR_FMT " " STR_FMT, STR_ARG(name),
				    STR_ARG(json_text(arena, list)));

	build_doc(&b, "secrets", list);
	queue(images, pull, arena, key, json_text(arena, build_done(&b)));
}

struct image_pull *images_pull(struct images *images, struct str reference,
			       enum image_policy policy, const struct image_secrets *secrets,
			       images_done *done, void *self)
{
	struct image_pull *pull = new_pull(images, reference, done, self);
	struct image_reference parsed;
	struct error error = ERROR_INIT;

	if (image_reference_parse(pull->arena, reference, &parsed, &error) != ST_OK) {
		answer_failure(images, pull, ST_BAD_REQUEST, "InvalidImageName",
			       str_format(pull->arena,
					  "Failed to apply default image tag \"" STR_FMT "\": %s",
					  STR_ARG(reference), error.message));
		return pull;
	}
	if (policy != IMAGE_ALWAYS && image_store_find(pull->arena, images->folder, reference,
						       &pull->result.image, &error) == ST_OK) {
		answer_soon(images, pull);
		return pull;
	}
	if (policy == IMAGE_NEVER)
		answer_failure(images, pull, ST_NOT_FOUND, "ErrImageNeverPull",
			       str_format(pull->arena,
					  "Container image \"" STR_FMT
					  "\" is not present with pull policy of Never",
					  STR_ARG(reference)));
	else
		queue_pull(images, pull, parsed.name, secrets);
	return pull;
}

void image_pull_forget(struct image_pull *pull)
{
	pull->done = NULL;
}

void images_import(struct images *images, const char *path, struct str reference, images_done *done,
		   void *self)
{
	struct image_pull *pull = new_pull(images, reference, done, self);
	struct arena *arena = arena_new(0);
	struct build b = begin_task(images, arena, "import", str_copy(arena, reference));

	build_str(&b, "path", str_of(path));
	queue(images, pull, arena, STR_NONE, json_text(arena, build_done(&b)));
}

enum image_policy image_policy_of(struct str policy, struct str reference)
{
	struct arena *arena CLEANUP(arena_free_cleanup) = arena_new(0);
	struct image_reference parsed;

	if (str_is(policy, "Always"))
		return IMAGE_ALWAYS;
	if (str_is(policy, "Never"))
		return IMAGE_NEVER;
	if (!policy.len && image_reference_parse(arena, reference, &parsed, NULL) == ST_OK &&
	    !parsed.digest.len && str_is(parsed.tag, "latest"))
		return IMAGE_ALWAYS;
	return IMAGE_IF_NOT_PRESENT;
}

enum status images_find(struct images *images, struct arena *arena, struct str reference,
			const struct image **ret_image, struct error *error)
{
	return image_store_find(arena, images->folder, reference, ret_image, error);
}
