/* What of a pod's volumes one of its containers sees, and where. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "node/agent_inside.h"
#include "node/volume_source.h"
#include "sys/file.h"
#include "sys/mounts.h"

struct mounting {
	struct agent_container *container;
	struct arena *arena;
	const struct str *env;
	u32 env_len;
	VEC(struct oci_mount) mounts;
	u32 subpaths;
};

static void add(struct mounting *m, struct str source, struct str target, bool read_only,
		struct str propagation)
{
	VEC_PUSH(m->arena, &m->mounts,
		 (struct oci_mount){ .source = source,
				     .target = target,
				     .read_only = read_only,
				     .propagation = propagation });
}

static const struct doc *volume_named(const struct pod *pod, struct str name)
{
	doc_each_item(doc_at(pod->doc, "spec.volumes"), volume)
		if (str_eq(doc_at_str(volume, "name"), name))
			return volume;
	return NULL;
}

/* A folder made for subPath is for whom the volume is. */
static void copy_mode(int from, int to)
{
	char path[64];
	struct stat info;

	snprintf(path, sizeof path, "/proc/self/fd/%d", to);
	if (to >= 0 && (fstat(from, &info) || chmod(path, info.st_mode & 07777)))
		log_warn("node", "the mode of a subPath: %s", strerror(errno));
}

/* Binds what subPath names to a place of our own: found once, without leaving the volume, and
 * not found again by its name, which the container could have changed meanwhile (CVE-2021-25741).
 */
static enum status bind_subpath(struct mounting *m, const char *root, struct str subpath,
				struct str *ret_source, struct error *error)
{
	struct pod *pod = m->container->pod;
	struct str name = pod->seen.containers[m->container->index].name;
	const char *path = str_c(m->arena, subpath);
	int root_fd CLOSE_FD = open(root, O_PATH | O_CLOEXEC);
	int fd CLOSE_FD = root_fd < 0 ? -1 : open_in_root(root_fd, path, O_PATH, 0);
	struct stat info;

	if (fd < 0 && root_fd >= 0 && errno == ENOENT) {
		fd = mkdir_in_root(root_fd, path, 0755);
		copy_mode(root_fd, fd);
	}
	if (fd < 0 || fstat(fd, &info))
		return fail(error, ST_INVALID,
			    "failed to prepare subPath for volumeMount \"%s\": %s", path,
			    strerror(errno));
	struct str directory =
		str_format(m->arena, "%s/subpaths/" STR_FMT, pod->directory, STR_ARG(name));
	struct str target = str_format(m->arena, STR_FMT "/%u", STR_ARG(directory), m->subpaths++);
	enum status status = file_mkdir_all(directory.at, 0700, error);

	if (status != ST_OK)
		return status;
	mount_drop(target.at);
	if (S_ISDIR(info.st_mode)) {
		(void)!rmdir(target.at);
		(void)!unlink(target.at);
		status = file_mkdir_all(target.at, 0700, error);
	} else {
		(void)!rmdir(target.at);
		int made = open(target.at, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

		if (made >= 0)
			close(made);
	}
	*ret_source = target;
	return status == ST_OK ? mount_bind_fd(fd, target.at, error) : status;
}

/* Volumes nobody may write, whatever the mount says. */
static bool is_read_only(const struct doc *volume)
{
	return volume_has_files(volume) || doc_key(volume, "image") ||
	       doc_at_bool(volume, "persistentVolumeClaim.readOnly", false) ||
	       doc_at_bool(volume, "nfs.readOnly", false);
}

/* recursiveReadOnly: what is mounted below is read-only as well. */
static bool is_recursive(const struct doc *mount)
{
	struct str word = doc_at_str(mount, "recursiveReadOnly");

	return str_is(word, "Enabled") || str_is(word, "IfPossible");
}

/* $(NAME) in subPathExpr; a name that nobody set would lead to a wrong place. */
static enum status expand_subpath(struct mounting *m, struct str expression, struct str *ret_path,
				  struct error *error)
{
	struct str path = oci_expand(m->arena, expression, m->env, m->env_len);
	i64 at = str_find(path, STR("$("));

	if (at >= 0) {
		struct str name = str_from(path, (size_t)at + 2);

		return fail(error, ST_INVALID, "missing value for \"" STR_FMT "\"",
			    STR_ARG(str_cut(&name, ')')));
	}
	if (str_starts(path, STR("/")))
		return fail(error, ST_INVALID,
			    "subPath \"" STR_FMT "\" must not be an absolute path", STR_ARG(path));
	*ret_path = path;
	return ST_OK;
}

static enum status add_volume(struct mounting *m, const struct doc *mount, struct error *error)
{
	struct pod *pod = m->container->pod;
	struct str name = doc_at_str(mount, "name"), target = doc_at_str(mount, "mountPath");
	const struct doc *volume = volume_named(pod, name);
	const struct doc *host = doc_key(volume, "hostPath");
	struct str subpath = doc_at_str(mount, "subPath");
	struct str source =
		host ? doc_at_str(host, "path")
		     : str_format(m->arena, "%s/volumes/" STR_FMT, pod->directory, STR_ARG(name));
	enum status status = ST_OK;

	if (!volume)
		return fail(error, ST_INVALID, "volume \"" STR_FMT "\" not found", STR_ARG(name));
	if (doc_at_str(mount, "subPathExpr").len)
		status = expand_subpath(m, doc_at_str(mount, "subPathExpr"), &subpath, error);
	if (status == ST_OK && subpath.len)
		status = bind_subpath(m, str_c(m->arena, source), subpath, &source, error);
	if (status == ST_OK && !str_starts(target, STR("/")))
		target = str_format(m->arena, "/" STR_FMT, STR_ARG(target));
	if (status == ST_OK)
		VEC_PUSH(m->arena, &m->mounts,
			 (struct oci_mount){
				 .source = source,
				 .target = target,
				 .read_only = doc_at_bool(mount, "readOnly", false) ||
					      is_read_only(volume),
				 .recursive = is_recursive(mount),
				 .propagation = doc_at_str(mount, "mountPropagation"),
			 });
	return status;
}

static bool is_target(const struct mounting *m, const char *target)
{
	for (u32 i = 0; i < m->mounts.len; i++)
		if (str_is(m->mounts.at[i].target, target))
			return true;
	return false;
}

static void add_file(struct mounting *m, const char *name, const char *target)
{
	struct str source = str_format(m->arena, "%s/%s", m->container->pod->directory, name);

	if (!is_target(m, target) && file_exists(source.at))
		add(m, source, str_of(target), false, STR_NONE);
}

static enum status add_termination(struct mounting *m, const struct doc *spec, struct str file,
				   struct error *error)
{
	struct str target = doc_at_str(spec, "terminationMessagePath");
	i64 slash = str_find_last(file, '/');
	enum status status =
		file_mkdir_all(str_c(m->arena, str_part(file, 0, (size_t)slash)), 0700, error);

	if (status != ST_OK)
		return status;
	int fd = open(file.at, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);

	if (fd < 0)
		return fail(error, ST_INTERNAL, "making %s: %s", file.at, strerror(errno));
	fchmod(fd, 0666); /* any user of the container may write it */
	close(fd);
	add(m, file, target.len ? target : STR("/dev/termination-log"), false, STR_NONE);
	return ST_OK;
}

enum status container_mounts(struct agent_container *container, struct arena *arena,
			     struct str termination_file, const struct str *env, u32 env_len,
			     struct oci_mount **ret_mounts, u32 *ret_len, struct error *error)
{
	struct mounting m = { container, arena, env, env_len, { 0 }, 0 };
	const struct doc *spec = pod_container(container->pod->doc, container->index);
	enum status status = ST_OK;

	doc_each_item(doc_key(spec, "volumeMounts"), mount)
		if (status == ST_OK)
			status = add_volume(&m, mount, error);
	if (status == ST_OK)
		status = add_termination(&m, spec, termination_file, error);
	if (status != ST_OK)
		return status;
	add_file(&m, "etc-hosts", "/etc/hosts");
	add_file(&m, "resolv.conf", "/etc/resolv.conf");
	add_file(&m, "hostname", "/etc/hostname");
	add_file(&m, "shm", "/dev/shm");
	*ret_mounts = m.mounts.at;
	*ret_len = m.mounts.len;
	return ST_OK;
}
