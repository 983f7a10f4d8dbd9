/* Volumes that are mounted: paths of the node, NFS, images. All blocking. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buffer.h"
#include "node/volumes.h"
#include "sys/file.h"
#include "sys/mounts.h"
#include "sys/spawn.h"

enum { MOUNT_WAIT_MS = 120000 };

/* ---- a path of this node, bound below the pod */

/* Makes `target` a fit place for what is bound there: a directory or a file. */
static enum status make_target(const char *target, bool directory, struct error *error)
{
	if (directory)
		return file_mkdir_all(target, 0700, error);
	int fd = open(target, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return fail(error, file_errno_status(errno), "making %s: %s", target,
			    strerror(errno));
	close(fd);
	return ST_OK;
}

enum status volume_bind(const char *path, const char *target, struct error *error)
{
	struct stat info;
	int fd CLOSE_FD = open(path, O_PATH | O_CLOEXEC);

	if (fd < 0 || fstat(fd, &info))
		return fail(error, ST_NOT_FOUND, "path \"%s\" does not exist", path);
	if (mount_is_point(target))
		return ST_OK; /* an agent was restarted */
	enum status status = make_target(target, S_ISDIR(info.st_mode), error);

	return status == ST_OK ? mount_bind_fd(fd, target, error) : status;
}

enum status volume_make_managed(const char *path, const char *base, struct error *error)
{
	size_t len = strlen(base);
	const char *name = path + len + 1;
	enum status status;

	/* One name below our own directory, whatever a PersistentVolume says. */
	if (strncmp(path, base, len) || path[len] != '/' || !*name || strchr(name, '/') ||
	    !strcmp(name, "..") || !strcmp(name, "."))
		return fail(error, ST_INVALID, "path \"%s\" is not below \"%s\"", path, base);
	status = file_mkdir_all(base, 0711, error);
	if (status != ST_OK)
		return status;
	if (mkdir(path, 0777) == 0) {
		if (chmod(path, 0777)) /* whatever the umask: containers run as any user */
			return fail(error, ST_INTERNAL, "chmod %s: %s", path, strerror(errno));
	} else if (errno != EEXIST) {
		return fail(error, file_errno_status(errno), "making %s: %s", path,
			    strerror(errno));
	}
	return ST_OK;
}

/* ---- NFS */

static const char *find_helper(void)
{
	static const char *const places[] = { "/sbin/mount.nfs", "/usr/sbin/mount.nfs" };

	for (u32 i = 0; i < ARRAY_LEN(places); i++)
		if (file_exists(places[i]))
			return places[i];
	return NULL;
}

static enum status run_helper(const char *const *argv, struct error *error)
{
	static const char *const env[] = { "PATH=/usr/sbin:/usr/bin:/sbin:/bin", NULL };
	struct arena *arena CLEANUP(arena_free_cleanup) = arena_new(0);
	struct str said = STR_NONE;
	int pipes[2], pid, pidfd, code = 0;

	if (pipe2(pipes, O_CLOEXEC))
		return fail(error, ST_INTERNAL, "pipe: %s", strerror(errno));
	struct spawn_fd fds[] = { { pipes[1], 1 }, { pipes[1], 2 } };
	struct spawn_spec spec = { .argv = argv, .env = env, .fds = fds, .fds_len = 2 };
	enum status status = spawn_child(&spec, &pid, &pidfd, error);

	close(pipes[1]);
	if (status == ST_OK) {
		if (file_read_fd(arena, pipes[0], 4096, &said, NULL) != ST_OK)
			said = STR_NONE;
		status = spawn_wait(pid, pidfd, MOUNT_WAIT_MS, &code, error);
	}
	close(pipes[0]);
	if (status == ST_OK && code)
		status = fail(error, ST_INTERNAL, "mount failed: exit status %d, output: " STR_FMT,
			      code, STR_ARG(str_trim(said)));
	return status;
}

enum status volume_mount_nfs(const struct doc *nfs, const struct doc *options, bool read_only,
			     const char *target, struct error *error)
{
	struct arena *arena CLEANUP(arena_free_cleanup) = arena_new(0);
	struct str from = str_format(arena, STR_FMT ":" STR_FMT, STR_ARG(doc_at_str(nfs, "server")),
				     STR_ARG(doc_at_str(nfs, "path")));
	struct str text = read_only ? STR("ro") : STR("rw");
	const char *helper = find_helper();
	enum status status = file_mkdir_all(target, 0755, error);

	if (status != ST_OK || mount_is_point(target))
		return status;
	if (!helper)
		return fail(error, ST_NOT_FOUND,
			    "mounting " STR_FMT
			    " needs the helper mount.nfs, which this node does not have: install "
			    "nfs-common (Debian, Ubuntu) or nfs-utils",
			    STR_ARG(from));
	if (str_starts(from, STR("-")))
		return fail(error, ST_INVALID, "\"" STR_FMT "\" is no server", STR_ARG(from));
	doc_each_item(options, option)
		text = str_format(arena, STR_FMT "," STR_FMT, STR_ARG(text),
				  STR_ARG(doc_str(option)));
	const char *const argv[] = { helper, from.at, target, "-o", str_c(arena, text), NULL };

	return run_helper(argv, error);
}

/* ---- images */

enum status volume_mount_image(const struct str *layers, u32 len, const char *target,
			       struct error *error)
{
	enum status status = file_mkdir_all(target, 0755, error);

	if (status != ST_OK || mount_is_point(target))
		return status;
	if (len == 0)
		return mount_tmpfs(target, 4096, 0755, error); /* an image of nothing */
	return mount_layers(target, layers, len, error);
}
