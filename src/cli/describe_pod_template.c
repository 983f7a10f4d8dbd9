/* Containers, volumes and pod templates, as kubectl describes them. */
#include "cli/describe.h"
#include "doc/json.h"

static struct str scalar_text(struct arena *arena, const struct doc *value)
{
	return doc_is(value, DOC_STRING) ? doc_str(value)
	       : value			 ? json_text(arena, value)
					 : STR("");
}

static void describe_ports(struct describe *d, u32 level, const struct doc *ports)
{
	struct arena *arena = d->cli->arena;
	VEC(struct str) own = { 0 }, host = { 0 };

	doc_each_item(ports, port) {
		struct str protocol = doc_str_or(doc_key(port, "protocol"), STR("TCP"));

		VEC_PUSH(arena, &own,
			 str_format(arena, "%lld/" STR_FMT,
				    (long long)doc_at_int(port, "containerPort", 0),
				    STR_ARG(protocol)));
		VEC_PUSH(arena, &host,
			 str_format(arena, "%lld/" STR_FMT,
				    (long long)doc_at_int(port, "hostPort", 0), STR_ARG(protocol)));
	}
	struct str none = STR("<none>");
	bool many = own.len > 1;

	describe_line(d, level, "%s:\t" STR_FMT, many ? "Ports" : "Port",
		      STR_ARG(own.len ? str_join(arena, own.at, own.len, STR(", ")) : none));
	describe_line(d, level, "%s:\t" STR_FMT, many ? "Host Ports" : "Host Port",
		      STR_ARG(host.len ? str_join(arena, host.at, host.len, STR(", ")) : none));
}

static void describe_words(struct describe *d, u32 level, const char *title,
			   const struct doc *words)
{
	if (!doc_len(words))
		return;
	describe_line(d, level, "%s:", title);
	doc_each_item(words, word)
		describe_line(d, level + 1, STR_FMT, STR_ARG(doc_str(word)));
}

static void describe_state(struct describe *d, u32 level, const char *title,
			   const struct doc *state)
{
	const struct doc *running = doc_key(state, "running"), *waiting = doc_key(state, "waiting"),
			 *ended = doc_key(state, "terminated");
	struct arena *arena = d->cli->arena;

	if (running) {
		describe_line(d, level, "%s:\tRunning", title);
		describe_line(d, level + 1, "Started:\t" STR_FMT,
			      STR_ARG(describe_time(arena, doc_at_str(running, "startedAt"))));
	} else if (ended) {
		describe_line(d, level, "%s:\tTerminated", title);
		if (doc_at_str(ended, "reason").len)
			describe_line(d, level + 1, "Reason:\t" STR_FMT,
				      STR_ARG(doc_at_str(ended, "reason")));
		if (doc_at_str(ended, "message").len)
			describe_line(d, level + 1, "Message:\t" STR_FMT,
				      STR_ARG(doc_at_str(ended, "message")));
		describe_line(d, level + 1, "Exit Code:\t%lld",
			      (long long)doc_at_int(ended, "exitCode", 0));
		if (doc_at_int(ended, "signal", 0))
			describe_line(d, level + 1, "Signal:\t%lld",
				      (long long)doc_at_int(ended, "signal", 0));
		describe_line(d, level + 1, "Started:\t" STR_FMT,
			      STR_ARG(describe_time(arena, doc_at_str(ended, "startedAt"))));
		describe_line(d, level + 1, "Finished:\t" STR_FMT,
			      STR_ARG(describe_time(arena, doc_at_str(ended, "finishedAt"))));
	} else {
		describe_line(d, level, "%s:\tWaiting", title);
		if (doc_at_str(waiting, "reason").len)
			describe_line(d, level + 1, "Reason:\t" STR_FMT,
				      STR_ARG(doc_at_str(waiting, "reason")));
	}
}

static void describe_resources(struct describe *d, u32 level, const char *title,
			       const struct doc *list)
{
	if (!doc_len(list))
		return;
	describe_line(d, level, "%s:", title);
	doc_each_pair(list, key, value)
		describe_line(d, level + 1, STR_FMT ":\t" STR_FMT, STR_ARG(key),
			      STR_ARG(scalar_text(d->cli->arena, value)));
}

static struct str command_text(struct arena *arena, const struct doc *words)
{
	VEC(struct str) list = { 0 };

	doc_each_item(words, word)
		VEC_PUSH(arena, &list, doc_str(word));
	return str_join(arena, list.at, list.len, STR(" "));
}

static void describe_probe(struct describe *d, u32 level, const char *title,
			   const struct doc *probe)
{
	struct arena *arena = d->cli->arena;
	const struct doc *http = doc_key(probe, "httpGet"), *tcp = doc_key(probe, "tcpSocket"),
			 *exec = doc_key(probe, "exec"), *grpc = doc_key(probe, "grpc");
	struct str what = STR("unknown");

	if (!probe)
		return;
	if (http)
		what = str_format(
			arena, "http-get " STR_FMT "://" STR_FMT ":" STR_FMT STR_FMT,
			STR_ARG(str_lower(arena, doc_str_or(doc_key(http, "scheme"), STR("http")))),
			STR_ARG(doc_at_str(http, "host")),
			STR_ARG(scalar_text(arena, doc_key(http, "port"))),
			STR_ARG(doc_at_str(http, "path")));
	else if (tcp)
		what = str_format(arena, "tcp-socket " STR_FMT ":" STR_FMT,
				  STR_ARG(doc_at_str(tcp, "host")),
				  STR_ARG(scalar_text(arena, doc_key(tcp, "port"))));
	else if (exec)
		what = str_format(arena, "exec [" STR_FMT "]",
				  STR_ARG(command_text(arena, doc_key(exec, "command"))));
	else if (grpc)
		what = str_format(arena, "grpc <pod>:%lld " STR_FMT,
				  (long long)doc_at_int(grpc, "port", 0),
				  STR_ARG(doc_at_str(grpc, "service")));
	describe_line(d, level,
		      "%s:\t" STR_FMT " delay=%llds timeout=%llds period=%llds #success=%lld "
		      "#failure=%lld",
		      title, STR_ARG(what), (long long)doc_at_int(probe, "initialDelaySeconds", 0),
		      (long long)doc_at_int(probe, "timeoutSeconds", 1),
		      (long long)doc_at_int(probe, "periodSeconds", 10),
		      (long long)doc_at_int(probe, "successThreshold", 1),
		      (long long)doc_at_int(probe, "failureThreshold", 3));
}

/* Where a variable's value comes from, as kubectl tells it. */
static struct str env_text(struct describe *d, const struct doc *env)
{
	static const struct {
		const char *path, *kind;
	} keys[] = { { "valueFrom.secretKeyRef", "secret" },
		     { "valueFrom.configMapKeyRef", "config map" } };
	struct arena *arena = d->cli->arena;

	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		const struct doc *from = doc_at(env, keys[i].path);

		if (from)
			return str_format(arena,
					  "<set to the key '" STR_FMT "' in %s '" STR_FMT
					  "'>\tOptional: %s",
					  STR_ARG(doc_at_str(from, "key")), keys[i].kind,
					  STR_ARG(doc_at_str(from, "name")),
					  doc_at_bool(from, "optional", false) ? "true" : "false");
	}
	if (doc_at(env, "valueFrom.fieldRef"))
		return str_format(arena, " (" STR_FMT ":" STR_FMT ")",
				  STR_ARG(doc_str_or(doc_at(env, "valueFrom.fieldRef.apiVersion"),
						     STR("v1"))),
				  STR_ARG(doc_at_str(env, "valueFrom.fieldRef.fieldPath")));
	if (doc_at(env, "valueFrom.resourceFieldRef"))
		return str_format(arena, "(" STR_FMT ")",
				  STR_ARG(doc_at_str(env, "valueFrom.resourceFieldRef.resource")));
	return doc_at_str(env, "value");
}

static void describe_environment(struct describe *d, u32 level, const struct doc *container)
{
	doc_each_item(doc_key(container, "envFrom"), from) {
		bool secret = doc_key(from, "secretRef") != NULL;
		const struct doc *ref =
			secret ? doc_key(from, "secretRef") : doc_key(from, "configMapRef");

		if (from == doc_item(doc_key(container, "envFrom"), 0))
			describe_line(d, level, "Environment Variables from:");
		describe_line(d, level + 1, STR_FMT "\t%s\tOptional: %s",
			      STR_ARG(doc_at_str(ref, "name")), secret ? "Secret" : "ConfigMap",
			      doc_at_bool(ref, "optional", false) ? "true" : "false");
	}
	if (!doc_len(doc_key(container, "env"))) {
		describe_line(d, level, "Environment:\t<none>");
		return;
	}
	describe_line(d, level, "Environment:");
	doc_each_item(doc_key(container, "env"), env)
		describe_line(d, level + 1, STR_FMT ":\t" STR_FMT, STR_ARG(doc_at_str(env, "name")),
			      STR_ARG(env_text(d, env)));
}

static void describe_mounts(struct describe *d, u32 level, const struct doc *mounts)
{
	if (!doc_len(mounts)) {
		describe_line(d, level, "Mounts:\t<none>");
		return;
	}
	describe_line(d, level, "Mounts:");
	doc_each_item(mounts, mount) {
		struct str sub = doc_at_str(mount, "subPath");

		describe_line(d, level + 1, STR_FMT " from " STR_FMT " (%s%s" STR_FMT "%s)",
			      STR_ARG(doc_at_str(mount, "mountPath")),
			      STR_ARG(doc_at_str(mount, "name")),
			      doc_at_bool(mount, "readOnly", false) ? "ro" : "rw",
			      sub.len ? ",path=\"" : "", STR_ARG(sub), sub.len ? "\"" : "");
	}
}

static void describe_status(struct describe *d, u32 level, const struct doc *status)
{
	describe_state(d, level, "State", doc_key(status, "state"));
	if (doc_len(doc_key(status, "lastState")))
		describe_state(d, level, "Last State", doc_key(status, "lastState"));
	describe_line(d, level, "Ready:\t%s",
		      doc_at_bool(status, "ready", false) ? "True" : "False");
	describe_line(d, level, "Restart Count:\t%lld",
		      (long long)doc_at_int(status, "restartCount", 0));
}

static void describe_container(struct describe *d, u32 level, const struct doc *container,
			       const struct doc *status, bool with_state)
{
	/* kubectl's templates: the name is one blank further in, what follows stays in place. */
	describe_line(d, 1, "%s" STR_FMT ":", level > 1 ? " " : "",
		      STR_ARG(doc_at_str(container, "name")));
	level = 2;
	if (with_state)
		describe_line(d, level, "Container ID:\t" STR_FMT,
			      STR_ARG(doc_at_str(status, "containerID")));
	describe_line(d, level, "Image:\t" STR_FMT, STR_ARG(doc_at_str(container, "image")));
	if (with_state)
		describe_line(d, level, "Image ID:\t" STR_FMT,
			      STR_ARG(doc_at_str(status, "imageID")));
	describe_ports(d, level, doc_key(container, "ports"));
	describe_words(d, level, "Command", doc_key(container, "command"));
	describe_words(d, level, "Args", doc_key(container, "args"));
	if (with_state)
		describe_status(d, level, status);
	describe_resources(d, level, "Limits", doc_at(container, "resources.limits"));
	describe_resources(d, level, "Requests", doc_at(container, "resources.requests"));
	describe_probe(d, level, "Liveness", doc_key(container, "livenessProbe"));
	describe_probe(d, level, "Readiness", doc_key(container, "readinessProbe"));
	describe_probe(d, level, "Startup", doc_key(container, "startupProbe"));
	describe_environment(d, level, container);
	describe_mounts(d, level, doc_key(container, "volumeMounts"));
}

void describe_containers(struct describe *d, u32 level, const char *title,
			 const struct doc *containers, const struct doc *statuses, bool with_state)
{
	describe_line(d, level, "%s:%s", title, doc_len(containers) ? "" : "\t<none>");
	doc_each_item(containers, container) {
		const struct doc *own = NULL;

		doc_each_item(statuses, status)
			if (str_eq(doc_at_str(status, "name"), doc_at_str(container, "name")))
				own = status;
		describe_container(d, level + 1, container, own, with_state);
	}
}

static const struct {
	const char *field, *what;
} volume_kinds[] = {
	{ "emptyDir", "EmptyDir (a temporary directory that shares a pod's lifetime)" },
	{ "hostPath", "HostPath (bare host directory volume)" },
	{ "configMap", "ConfigMap (a volume populated by a ConfigMap)" },
	{ "secret", "Secret (a volume populated by a Secret)" },
	{ "downwardAPI", "DownwardAPI (a volume populated by information about the pod)" },
	{ "projected", "Projected (a volume that contains injected data from multiple sources)" },
	{ "persistentVolumeClaim",
	  "PersistentVolumeClaim (a reference to a PersistentVolumeClaim in the same namespace)" },
	{ "nfs", "NFS (an NFS mount that lasts the lifetime of a pod)" },
	{ "image", "Image (a container image or OCI artifact)" },
};

static void describe_projected(struct describe *d, u32 level, const struct doc *sources)
{
	doc_each_item(sources, source) {
		const struct doc *token = doc_key(source, "serviceAccountToken"),
				 *map = doc_key(source, "configMap"),
				 *secret = doc_key(source, "secret");

		if (token)
			describe_line(d, level, "TokenExpirationSeconds:\t%lld",
				      (long long)doc_at_int(token, "expirationSeconds", 3600));
		if (map)
			describe_line(d, level, "ConfigMapName:\t" STR_FMT,
				      STR_ARG(doc_at_str(map, "name")));
		if (map)
			describe_line(d, level, "Optional:\t%s",
				      doc_at_bool(map, "optional", false) ? "true" : "false");
		if (secret)
			describe_line(d, level, "SecretName:\t" STR_FMT,
				      STR_ARG(doc_at_str(secret, "name")));
		if (doc_key(source, "downwardAPI"))
			describe_line(d, level, "DownwardAPI:\ttrue");
	}
}

static void describe_volume(struct describe *d, u32 level, const struct doc *volume)
{
	describe_line(d, 1, "%s" STR_FMT ":", level > 1 ? " " : "",
		      STR_ARG(doc_at_str(volume, "name")));
	level = 2;
	for (size_t i = 0; i < ARRAY_LEN(volume_kinds); i++) {
		const struct doc *source = doc_get(volume, str_of(volume_kinds[i].field));
		const char *field = volume_kinds[i].field;

		if (!source)
			continue;
		describe_line(d, level, "Type:\t%s", volume_kinds[i].what);
		if (!strcmp(field, "hostPath")) {
			describe_line(d, level, "Path:\t" STR_FMT,
				      STR_ARG(doc_at_str(source, "path")));
			describe_line(d, level, "HostPathType:\t" STR_FMT,
				      STR_ARG(doc_at_str(source, "type")));
		} else if (!strcmp(field, "emptyDir")) {
			struct str limit = doc_at_str(source, "sizeLimit");

			describe_line(d, level, "Medium:\t" STR_FMT,
				      STR_ARG(doc_at_str(source, "medium")));
			describe_line(d, level, "SizeLimit:\t" STR_FMT,
				      STR_ARG(limit.len ? limit : STR("<unset>")));
		} else if (!strcmp(field, "configMap")) {
			describe_line(d, level, "Name:\t" STR_FMT,
				      STR_ARG(doc_at_str(source, "name")));
			describe_line(d, level, "Optional:\t%s",
				      doc_at_bool(source, "optional", false) ? "true" : "false");
		} else if (!strcmp(field, "secret")) {
			describe_line(d, level, "SecretName:\t" STR_FMT,
				      STR_ARG(doc_at_str(source, "secretName")));
			describe_line(d, level, "Optional:\t%s",
				      doc_at_bool(source, "optional", false) ? "true" : "false");
		} else if (!strcmp(field, "persistentVolumeClaim")) {
			describe_line(d, level, "ClaimName:\t" STR_FMT,
				      STR_ARG(doc_at_str(source, "claimName")));
			describe_line(d, level, "ReadOnly:\t%s",
				      doc_at_bool(source, "readOnly", false) ? "true" : "false");
		} else if (!strcmp(field, "projected")) {
			describe_projected(d, level, doc_key(source, "sources"));
		}
	}
}

void describe_volumes(struct describe *d, u32 level, const struct doc *volumes)
{
	describe_line(d, level, "Volumes:%s", doc_len(volumes) ? "" : "\t<none>");
	doc_each_item(volumes, volume)
		describe_volume(d, level + 1, volume);
}

static void describe_tolerations(struct describe *d, u32 level, const struct doc *tolerations)
{
	bool first = true;

	doc_each_item(tolerations, toleration) {
		struct str effect = doc_at_str(toleration, "effect");
		struct str value = doc_at_str(toleration, "value");
		const struct doc *seconds = doc_key(toleration, "tolerationSeconds");
		struct str line =
			str_format(d->cli->arena, STR_FMT "%s" STR_FMT "%s" STR_FMT,
				   STR_ARG(doc_at_str(toleration, "key")), value.len ? "=" : "",
				   STR_ARG(value), effect.len ? ":" : "", STR_ARG(effect));

		if (str_is(doc_at_str(toleration, "operator"), "Exists"))
			line = str_format(d->cli->arena, STR_FMT " op=Exists", STR_ARG(line));
		if (seconds)
			line = str_format(d->cli->arena, STR_FMT " for %llds", STR_ARG(line),
					  (long long)doc_int_or(seconds, 0));
		describe_line(d, level, "%s\t" STR_FMT, first ? "Tolerations:" : "", STR_ARG(line));
		first = false;
	}
	if (first)
		describe_line(d, level, "Tolerations:\t<none>");
}

void describe_node_selectors(struct describe *d, const struct doc *pod_spec)
{
	describe_map(d, 0, "Node-Selectors", doc_key(pod_spec, "nodeSelector"));
	describe_tolerations(d, 0, doc_key(pod_spec, "tolerations"));
}

void describe_pod_template(struct describe *d, u32 level, const struct doc *template)
{
	const struct doc *spec = doc_key(template, "spec");

	describe_line(d, level, "Pod Template:");
	describe_map(d, level + 1, "Labels", doc_at(template, "metadata.labels"));
	if (doc_len(doc_at(template, "metadata.annotations")))
		describe_annotations(d, level + 1, doc_at(template, "metadata.annotations"));
	if (doc_at_str(spec, "serviceAccountName").len)
		describe_line(d, level + 1, "Service Account:\t" STR_FMT,
			      STR_ARG(doc_at_str(spec, "serviceAccountName")));
	if (doc_len(doc_key(spec, "initContainers")))
		describe_containers(d, level + 1, "Init Containers",
				    doc_key(spec, "initContainers"), NULL, false);
	describe_containers(d, level + 1, "Containers", doc_key(spec, "containers"), NULL, false);
	describe_volumes(d, level + 1, doc_key(spec, "volumes"));
	describe_map(d, level + 1, "Node-Selectors", doc_key(spec, "nodeSelector"));
	describe_tolerations(d, level + 1, doc_key(spec, "tolerations"));
}
