/*
 * Loaded in front of the C library (LD_PRELOAD): the NTH call of NTH_CALL on a file of the data
 * directory NTH_DATA fails with EIO, once.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static int is_turn(const char *call, const char *path)
{
	static int count;
	const char *wanted = getenv("NTH_CALL"), *data = getenv("NTH_DATA");
	if (!wanted || !data || strcmp(wanted, call) != 0 || strncmp(path, data, strlen(data)) != 0)
		return 0;
	if (__atomic_add_fetch(&count, 1, __ATOMIC_SEQ_CST) != atoi(getenv("NTH")))
		return 0;
	errno = EIO;
	return 1;
}

static int is_turn_of(const char *call, int fd)
{
	char link[64], path[4096];
	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	ssize_t len = readlink(link, path, sizeof path - 1);
	path[len > 0 ? len : 0] = 0;
	return is_turn(call, path);
}

ssize_t pwrite64(int fd, const void *bytes, size_t len, off_t at)
{
	ssize_t (*next)(int, const void *, size_t, off_t) = dlsym(RTLD_NEXT, "pwrite64");
	return is_turn_of("write", fd) ? -1 : next(fd, bytes, len, at);
}

ssize_t pwrite(int fd, const void *bytes, size_t len, off_t at)
{
	return pwrite64(fd, bytes, len, at);
}

int fsync(int fd)
{
	int (*next)(int) = dlsym(RTLD_NEXT, "fsync");
	return is_turn_of("sync", fd) ? -1 : next(fd);
}

int fdatasync(int fd)
{
	int (*next)(int) = dlsym(RTLD_NEXT, "fdatasync");
	return is_turn_of("sync", fd) ? -1 : next(fd);
}

int open64(const char *path, int flags, ...)
{
	int (*next)(const char *, int, ...) = dlsym(RTLD_NEXT, "open64");
	va_list list;
	va_start(list, flags);
	int mode = va_arg(list, int);
	va_end(list);
	return is_turn("open", path) ? -1 : next(path, flags, mode);
}

int rename(const char *from, const char *to)
{
	int (*next)(const char *, const char *) = dlsym(RTLD_NEXT, "rename");
	return is_turn("rename", to) ? -1 : next(from, to);
}
