/* mount(2) with what the kernel expects, and paths that stay inside their root. */
#include "sys/mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

enum { OPTIONS_MAX = 4095 }; /* mount(2) hands over one page */

/* Past one page of options only the newer calls can pass layers, one at a time (Linux 6.5). */
static enum status overlay_by_parts(const char *target, const struct str *lower, u32 lower_len,
				    const char *upper, const char *work, struct error *error)
{
	int fd = fsopen("overlay", FSOPEN_CLOEXEC), mounted = -1;
	bool well = fd >= 0;
	char layer[256];

	for (u32 i = 0; well && i < lower_len; i++) {
		snprintf(layer, sizeof layer, STR_FMT, STR_ARG(lower[i]));
		well = fsconfig(fd, FSCONFIG_SET_STRING, "lowerdir+", layer, 0) == 0;
	}
	if (upper)
		well = well && fsconfig(fd, FSCONFIG_SET_STRING, "upperdir", upper, 0) == 0 &&
		       fsconfig(fd, FSCONFIG_SET_STRING, "workdir", work, 0) == 0;
	well = well && fsconfig(fd, FSCONFIG_CMD_CREATE, NULL, NULL, 0) == 0 &&
	       (mounted = fsmount(fd, FSMOUNT_CLOEXEC, 0)) >= 0 &&
	       move_mount(mounted, "", AT_FDCWD, target, MOVE_MOUNT_F_EMPTY_PATH) == 0;
	int number = errno;

	if (mounted >= 0)
		close(mounted);
	if (fd >= 0)
		close(fd);
	return well ? ST_OK
		    : fail(error, ST_INTERNAL, "mounting overlay of %u layers: %s", lower_len,
			   strerror(number));
}

enum status mount_overlay(const char *target, const struct str *lower, u32 lower_len,
			  const char *upper, const char *work, struct error *error)
{
	char options[OPTIONS_MAX + 1];
	size_t len = (size_t)snprintf(options, sizeof options, "lowerdir=");

	for (u32 i = 0; i < lower_len && len < sizeof options; i++)
		len += (size_t)snprintf(options + len, sizeof options - len, "%s" STR_FMT,
					i ? ":" : "", STR_ARG(lower[i]));
	if (!upper) {
		if (len >= sizeof options)
			return overlay_by_parts(target, lower, lower_len, NULL, NULL, error);
		if (mount("overlay", target, "overlay", MS_RDONLY | MS_NOSUID, options) == 0)
			return ST_OK;
		return fail(error, ST_INTERNAL, "mounting overlay on %s: %s", target,
			    strerror(errno));
	}
	/* volatile: no fsync when it goes away; what a dead container wrote may be lost. */
	if (len < sizeof options)
		len += (size_t)snprintf(options + len, sizeof options - len,
					",upperdir=%s,workdir=%s,volatile", upper, work);
	if (len >= sizeof options)
		return overlay_by_parts(target, lower, lower_len, upper, work, error);
	if (mount("overlay", target, "overlay", 0, options) == 0)
		return ST_OK;
	if (errno == EINVAL) { /* before Linux 5.10 there is no volatile */
		options[len - strlen(",volatile")] = 0;
		if (mount("overlay", target, "overlay", 0, options) == 0)
			return ST_OK;
	}
	return fail(error, ST_INTERNAL, "mounting overlay on %s: %s", target, strerror(errno));
}

enum status mount_layers(const char *target, const struct str *lower, u32 lower_len,
			 struct error *error)
{
	char path[4096];

	if (lower_len > 1)
		return mount_overlay(target, lower, lower_len, NULL, NULL, error);
	/* One layer is no overlay: bound, and then made read-only. */
	snprintf(path, sizeof path, STR_FMT, STR_ARG(lower[0]));
	enum status status = mount_bind(path, target, error);

	if (status == ST_OK &&
	    mount(NULL, target, NULL, MS_BIND | MS_REMOUNT | MS_RDONLY | MS_NOSUID, NULL)) {
		status = fail(error, ST_INTERNAL, "making %s read-only: %s", target,
			      strerror(errno));
		mount_drop(target);
	}
	return status;
}

enum status mount_tmpfs(const char *target, i64 size_bytes, u32 mode, struct error *error)
{
	char options[64];

	if (size_bytes > 0)
		snprintf(options, sizeof options, "size=%lld,mode=%o", (long long)size_bytes, mode);
	else
		snprintf(options, sizeof options, "mode=%o", mode);
	if (mount("tmpfs", target, "tmpfs", MS_NOSUID | MS_NODEV, options))
		return fail(error, ST_INTERNAL, "mounting tmpfs on %s: %s", target,
			    strerror(errno));
	return ST_OK;
}

enum status mount_bind(const char *source, const char *target, struct error *error)
{
	if (mount(source, target, NULL, MS_BIND | MS_REC, NULL))
		return fail(error, ST_INTERNAL, "mounting %s on %s: %s", source, target,
			    strerror(errno));
	return ST_OK;
}

enum status mount_bind_fd(int fd, const char *target, struct error *error)
{
	char source[64];

	snprintf(source, sizeof source, "/proc/thread-self/fd/%d", fd);
	return mount_bind(source, target, error);
}

void mount_drop(const char *target)
{
	for (int i = 0; i < 32 && umount2(target, MNT_DETACH | UMOUNT_NOFOLLOW) == 0; i++)
		;
}

void mount_drop_below(const char *directory)
{
	FILE *file = fopen("/proc/thread-self/mountinfo", "re");
	char *line = NULL, **found = NULL;
	size_t cap = 0, found_len = 0, length = strlen(directory);

	while (file && getline(&line, &cap, file) > 0) {
		char point[4096];

		/* Our own paths hold nothing mountinfo would escape; others do not match. */
		if (sscanf(line, "%*s %*s %*s %*s %4095s", point) != 1 ||
		    strncmp(point, directory, length) != 0 ||
		    (point[length] != '/' && point[length] != 0))
			continue;
		char **grown = realloc(found, (found_len + 1) * sizeof *found);

		if (!grown)
			break;
		found = grown;
		found[found_len++] = strdup(point);
	}
	for (size_t i = found_len; i-- > 0;) { /* the innermost were mounted last */
		if (found[i])
			umount2(found[i], MNT_DETACH | UMOUNT_NOFOLLOW);
		free(found[i]);
	}
	free(found);
	free(line);
	if (file)
		fclose(file);
}

bool mount_is_point(const char *path)
{
	struct statx info;

	return statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, &info) == 0 &&
	       (info.stx_attributes & STATX_ATTR_MOUNT_ROOT);
}

bool mount_is_namespace(const char *path)
{
	struct statfs info;

	return statfs(path, &info) == 0 && info.f_type == NSFS_MAGIC;
}

int open_in_root(int root_fd, const char *path, int flags, u32 mode)
{
	struct open_how how = {
		.flags = (u64)(flags | O_CLOEXEC),
		.mode = flags & O_CREAT ? mode : 0,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};
	int fd;

	do /* EAGAIN: something was renamed meanwhile and the kernel cannot be sure */
		fd = (int)syscall(SYS_openat2, root_fd, path, &how, sizeof how);
	while (fd < 0 && errno == EAGAIN);
	return fd;
}

int mkdir_in_root(int root_fd, const char *path, u32 mode)
{
	int at = open_in_root(root_fd, ".", O_PATH | O_DIRECTORY, 0);
	char whole[4096];
	size_t used = 0;

	while (at >= 0 && *path) {
		size_t piece = strcspn(path, "/");

		if (used + piece + 2 > sizeof whole) {
			close(at);
			errno = ENAMETOOLONG;
			return -1;
		}
		if (piece > 0) {
			/* Each step is looked up from the root again: ".." and links stay inside.
			 */
			memcpy(whole + used, path, piece);
			whole[used + piece] = 0;
			int next = open_in_root(root_fd, whole, O_PATH | O_DIRECTORY, 0);

			if (next < 0 && errno == ENOENT) {
				char name[256];

				snprintf(name, sizeof name, "%.*s", (int)MIN(piece, 255UL), path);
				if (mkdirat(at, name, mode) == 0 || errno == EEXIST)
					next = open_in_root(root_fd, whole, O_PATH | O_DIRECTORY,
							    0);
			}
			close(at);
			at = next;
			used += piece;
			whole[used++] = '/';
		}
		path += piece + (path[piece] == '/');
	}
	return at;
}
