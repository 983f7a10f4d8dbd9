/*
 * The order matters: namespaces while we still may, then the new root, then capabilities, and the
 * filter of system calls last, since it forbids all that was done before it.
 */
#include "sys/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sys/file.h"

static enum status fail_here(struct error *error, const char *what)
{
	int number = errno;

	return fail(error, file_errno_status(number), "sandbox: %s: %s", what, strerror(number));
}

/* ---- namespaces */

static enum status own_namespaces(struct error *error)
{
	if (unshare(CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS))
		return fail_here(error, "unshare");
	pid_t child = fork();

	if (child < 0)
		return fail_here(error, "fork");
	if (child > 0) {
		int code = 0;

		while (waitpid(child, &code, 0) < 0 && errno == EINTR)
			;
		_exit(WIFEXITED(code) ? WEXITSTATUS(code) : 128 + WTERMSIG(code));
	}
	/* Should the parent be gone already, there is nobody left to answer to. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL))
		return fail_here(error, "prctl");
	return ST_OK;
}

/* ---- a root of its own */

static bool bind_at(const char *root, const char *path, const char *source, bool read_only)
{
	char target[256];

	snprintf(target, sizeof target, "%s%s", root, path);
	if (access(source, F_OK))
		return read_only; /* a distribution without it can do without it */
	if (mkdir(target, 0755) && errno != EEXIST)
		return false;
	if (mount(source, target, NULL, MS_BIND, NULL))
		return false;
	unsigned long flags = MS_REMOUNT | MS_BIND | MS_NOSUID | MS_NODEV;

	/* The folder of images holds device files that containers may use, but not we. */
	return mount(NULL, target, NULL, flags | (read_only ? MS_RDONLY : 0), NULL) == 0;
}

/* /lib and friends are links into /usr nowadays; copied as links, or bound where they are not. */
static bool bring_library_folder(const char *root, const char *path)
{
	char link[128], target[256];
	ssize_t len = readlink(path, link, sizeof link - 1);

	if (len < 0)
		return bind_at(root, path, path, true);
	link[len] = 0;
	snprintf(target, sizeof target, "%s%s", root, path);
	return symlink(link, target) == 0 || errno == EEXIST;
}

/* /etc/resolv.conf and certificates are often links to these places. */
static bool bring_resolver(const char *root)
{
	char target[256];

	snprintf(target, sizeof target, "%s/run", root);
	if (mkdir(target, 0755) && errno != EEXIST)
		return false;
	return access("/run/systemd/resolve", F_OK) ||
	       (snprintf(target, sizeof target, "%s/run/systemd", root), mkdir(target, 0755),
		bind_at(root, "/run/systemd/resolve", "/run/systemd/resolve", true));
}

static enum status own_root(const char *folder, struct error *error)
{
	static const char root[] = "/tmp"; /* any folder: it is covered in our namespace only */

	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		return fail_here(error, "making mounts private");
	int held CLOSE_FD = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	char source[64];

	if (held < 0)
		return fail_here(error, folder);
	/* The folder may itself lie below the place we cover. */
	snprintf(source, sizeof source, "/proc/self/fd/%d", held);
	if (mount("tmpfs", root, "tmpfs", MS_NOSUID | MS_NODEV, "mode=755,size=1m"))
		return fail_here(error, "mounting a root");
	if (!bind_at(root, SANDBOX_FOLDER, source, false) || !bind_at(root, "/etc", "/etc", true) ||
	    !bind_at(root, "/usr", "/usr", true) || !bring_library_folder(root, "/lib") ||
	    !bring_library_folder(root, "/lib64") || !bring_resolver(root))
		return fail_here(error, "filling the root");
	if (mkdir("/tmp/proc", 0555) ||
	    mount("proc", "/tmp/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL))
		return fail_here(error, "mounting /proc");
	if (chdir(root) || syscall(SYS_pivot_root, ".", ".") || umount2(".", MNT_DETACH) ||
	    chdir("/"))
		return fail_here(error, "changing the root");
	if (mount(NULL, "/", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV, NULL))
		return fail_here(error, "sealing the root");
	return ST_OK;
}

/* ---- rights */

/* What unpacking as root needs: owners, modes, device files, file capabilities, and the attribute
 * overlayfs reads, which the kernel keeps for CAP_SYS_ADMIN. */
static enum status few_capabilities(struct error *error)
{
	static const u32 kept[] = { CAP_CHOWN, CAP_DAC_OVERRIDE, CAP_FOWNER,   CAP_FSETID,
				    CAP_MKNOD, CAP_SETFCAP,	 CAP_SYS_ADMIN };
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { 0 };

	for (u32 i = 0; i < ARRAY_LEN(kept); i++)
		data[kept[i] / 32].effective |= 1u << (kept[i] % 32);
	for (u32 i = 0; i < ARRAY_LEN(data); i++)
		data[i].permitted = data[i].effective;
	if (syscall(SYS_capset, &header, data))
		return fail_here(error, "capset");
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return fail_here(error, "no_new_privs");
	return ST_OK;
}

/* Read everywhere, write below the one folder. Kernels before 5.13 do without. */
static enum status landlock(struct error *error)
{
	const u64 reads = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
	const u64 writes = LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR |
			   LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_CHAR |
			   LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG |
			   LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO |
			   LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SYM;
	struct landlock_ruleset_attr rules = { reads | writes | LANDLOCK_ACCESS_FS_EXECUTE };
	static const char *const places[] = { "/", SANDBOX_FOLDER };
	long version =
		syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);

	/* Before its second version it forbids linking and renaming between folders altogether,
	 * and both are how layers come to their place. */
	if (version < 2)
		return ST_OK;
#ifdef LANDLOCK_ACCESS_FS_REFER
	rules.handled_access_fs |= LANDLOCK_ACCESS_FS_REFER;
#endif
	int fd CLOSE_FD = (int)syscall(SYS_landlock_create_ruleset, &rules, sizeof rules, 0);

	if (fd < 0)
		return ST_OK; /* built in, but switched off at boot */
	for (u32 i = 0; i < ARRAY_LEN(places); i++) {
		int place CLOSE_FD = open(places[i], O_PATH | O_CLOEXEC);
		struct landlock_path_beneath_attr beneath = {
			.allowed_access =
				i == 0 ? reads
				       : rules.handled_access_fs & ~(u64)LANDLOCK_ACCESS_FS_EXECUTE,
			.parent_fd = place,
		};

		if (place < 0 ||
		    syscall(SYS_landlock_add_rule, fd, LANDLOCK_RULE_PATH_BENEATH, &beneath, 0))
			return fail_here(error, "landlock");
	}
	if (syscall(SYS_landlock_restrict_self, fd, 0))
		return fail_here(error, "landlock");
	return ST_OK;
}

/* ---- system calls */

static const char *const allowed_calls[] = {
	/* files */
	"access",
	"chdir",
	"chmod",
	"chown",
	"close",
	"close_range",
	"copy_file_range",
	"dup",
	"dup2",
	"dup3",
	"faccessat",
	"faccessat2",
	"fadvise64",
	"fallocate",
	"fchdir",
	"fchmod",
	"fchmodat",
	"fchmodat2",
	"fchown",
	"fchown32",
	"fchownat",
	"fcntl",
	"fcntl64",
	"fdatasync",
	"fgetxattr",
	"flock",
	"fsetxattr",
	"fstat",
	"fstat64",
	"fstatat64",
	"fstatfs",
	"fstatfs64",
	"fsync",
	"ftruncate",
	"ftruncate64",
	"futimesat",
	"getcwd",
	"getdents",
	"getdents64",
	"ioctl",
	"lchown",
	"linkat",
	"lseek",
	"_llseek",
	"lstat",
	"lstat64",
	"mkdir",
	"mkdirat",
	"mknodat",
	"newfstatat",
	"open",
	"openat",
	"openat2",
	"pipe",
	"pipe2",
	"pread64",
	"preadv",
	"pwrite64",
	"pwritev",
	"read",
	"readlink",
	"readlinkat",
	"readv",
	"rename",
	"renameat",
	"renameat2",
	"rmdir",
	"stat",
	"stat64",
	"statfs",
	"statfs64",
	"statx",
	"symlinkat",
	"syncfs",
	"sync_file_range",
	"umask",
	"unlink",
	"unlinkat",
	"utimensat",
	"write",
	"writev",
	/* the network */
	"accept4",
	"bind",
	"connect",
	"getpeername",
	"getsockname",
	"getsockopt",
	"recvfrom",
	"recvmmsg",
	"recvmsg",
	"sendmmsg",
	"sendmsg",
	"sendto",
	"setsockopt",
	"shutdown",
	"socket",
	"socketpair",
	/* memory, threads, waiting */
	"brk",
	"clone",
	"clone3",
	"epoll_create1",
	"epoll_ctl",
	"epoll_pwait",
	"epoll_wait",
	"eventfd2",
	"exit",
	"exit_group",
	"fork",
	"futex",
	"futex_waitv",
	"get_robust_list",
	"madvise",
	"membarrier",
	"mmap",
	"mmap2",
	"mprotect",
	"mremap",
	"munmap",
	"poll",
	"ppoll",
	"pselect6",
	"rseq",
	"sched_getaffinity",
	"sched_yield",
	"select",
	"_newselect",
	"set_robust_list",
	"set_tid_address",
	"vfork",
	"wait4",
	"waitid",
	/* signals, time, who we are */
	"clock_getres",
	"clock_gettime",
	"clock_gettime64",
	"clock_nanosleep",
	"getegid",
	"geteuid",
	"getgid",
	"getpid",
	"getppid",
	"getrandom",
	"gettid",
	"gettimeofday",
	"getuid",
	"kill",
	"nanosleep",
	"prctl",
	"prlimit64",
	"getrlimit",
	"restart_syscall",
	"rt_sigaction",
	"rt_sigprocmask",
	"rt_sigreturn",
	"rt_sigtimedwait",
	"sigaltstack",
	"sigreturn",
	"sysinfo",
	"tgkill",
	"time",
	"timer_create",
	"timer_delete",
	"timer_settime",
	"uname",
	"arch_prctl",
};

/* All others fail as if the kernel did not know them; above all execve, mount, ptrace, bpf. */
static enum status few_calls(struct error *error)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));
	int result = filter ? 0 : -ENOMEM;

	for (u32 i = 0; i < ARRAY_LEN(allowed_calls) && result == 0; i++) {
		int number = seccomp_syscall_resolve_name(allowed_calls[i]);

		if (number >= 0) /* not every machine has every call */
			result = seccomp_rule_add(filter, SCMP_ACT_ALLOW, number, 0);
	}
	if (result == 0)
		result = seccomp_load(filter);
	seccomp_release(filter);
	errno = -result;
	return result == 0 ? ST_OK : fail_here(error, "seccomp");
}

static void limit_resources(void)
{
	static const struct {
		__rlimit_resource_t what;
		rlim_t most;
	} limits[] = { { RLIMIT_CORE, 0 }, { RLIMIT_NOFILE, 256 }, { RLIMIT_AS, 2u << 30 } };

	for (u32 i = 0; i < ARRAY_LEN(limits); i++) {
		struct rlimit limit = { limits[i].most, limits[i].most };

		(void)setrlimit(limits[i].what, &limit);
	}
}

enum status sandbox_enter(const char *folder, struct error *error)
{
	enum status status = own_namespaces(error);

	if (status == ST_OK)
		status = own_root(folder, error);
	if (status == ST_OK)
		status = few_capabilities(error);
	if (status == ST_OK)
		status = landlock(error);
	if (status != ST_OK)
		return status;
	umask(0);
	limit_resources();
	return few_calls(error);
}
