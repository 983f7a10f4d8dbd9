/* Files every container of a pod finds: hosts, resolv.conf, hostname, and shared memory. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "node/agent_inside.h"
#include "node/pod_etc.h"
#include "sys/file.h"
#include "sys/mounts.h"

enum { SHM_BYTES = 64 << 20 };

static enum status write_text(struct pod *pod, const char *name, struct str text,
			      struct error *error)
{
	char path[AGENT_PATH_MAX + 32];

	snprintf(path, sizeof path, "%s/%s", pod->directory, name);
	int fd CLOSE_FD = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	if (fd < 0)
		return fail(error, file_errno_status(errno), "writing %s: %s", path,
			    strerror(errno));
	return file_write_fd(fd, text, error);
}

static struct str read_text(struct arena *arena, const char *path)
{
	struct str text = STR_NONE;

	return file_read(arena, path, 64 << 10, &text, NULL) == ST_OK ? text : STR_NONE;
}

enum status pod_etc_files(struct pod *pod, struct error *error)
{
	struct arena *arena CLEANUP(arena_free_cleanup) = arena_new(0);
	const struct agent_config *config = &pod->agent->config;
	bool host = doc_at_bool(pod->doc, "spec.hostNetwork", false);
	struct pod_dns dns = { config->cluster_dns, config->cluster_domain,
			       read_text(arena, "/etc/resolv.conf") };
	struct str hosts = host ? read_text(arena, "/etc/hosts") : STR_NONE;
	char shm[AGENT_PATH_MAX + 32];
	enum status status = file_mkdir_all(pod->directory, 0700, error);

	if (status == ST_OK)
		status = write_text(pod, "etc-hosts",
				    pod_hosts_text(arena, pod->doc, pod->seen.ip,
						   config->cluster_domain, hosts),
				    error);
	if (status == ST_OK)
		status = write_text(pod, "resolv.conf", pod_resolv_text(arena, pod->doc, &dns),
				    error);
	if (status == ST_OK && !host)
		status = write_text(
			pod, "hostname",
			str_format(arena, STR_FMT "\n",
				   STR_ARG(pod_hostname(arena, pod->doc, false, STR_NONE))),
			error);
	snprintf(shm, sizeof shm, "%s/shm", pod->directory);
	if (status == ST_OK)
		status = file_mkdir_all(shm, 0755, error);
	if (status == ST_OK && !mount_is_point(shm))
		status = mount_tmpfs(shm, SHM_BYTES, 01777, error);
	return status;
}
