/*
 * What describers share. A describer writes plain text with tabs between name and value; the
 * command lines it up at the end (cli/tabs.h). Layout and words follow kubectl's describe.
 */
#ifndef CLI_DESCRIBE_H
#define CLI_DESCRIBE_H

#include "cli/resource.h"
#include "base/buffer.h"

struct describe {
	struct cli *cli;
	struct buffer *out;
	const struct doc *object;
	const struct api_kind *kind;
	i64 now_ns;
};

/* Writes a line's start at an indentation level (two blanks each) and the rest as printf does. */
PRINTF(3, 4) void describe_line(struct describe *d, u32 level, const char *format, ...);

/* "Labels:\ta=b\n\tc=d": sorted, or <none>. `skip` (may be NULL) leaves keys out. */
void describe_map(struct describe *d, u32 level, const char *title, const struct doc *map);
void describe_annotations(struct describe *d, u32 level, const struct doc *annotations);
/* "Mon, 02 Jan 2006 15:04:05 +0000" of an RFC 3339 text. */
struct str describe_time(struct arena *arena, struct str rfc3339);
/* A label selector object or map as text, <none> when there is none. */
struct str describe_selector(struct arena *arena, const struct doc *selector);
/* The object's events as a table, or "Events:  <none>". */
void describe_events(struct describe *d);
/* "3m20s", as kubectl tells ages. */
struct str describe_age(struct describe *d, struct str rfc3339);

/* describe_pod_template.c: containers with their state when `statuses` are given. */
void describe_containers(struct describe *d, u32 level, const char *title,
			 const struct doc *containers, const struct doc *statuses, bool with_state);
void describe_volumes(struct describe *d, u32 level, const struct doc *volumes);
void describe_pod_template(struct describe *d, u32 level, const struct doc *template);
void describe_node_selectors(struct describe *d, const struct doc *pod_spec);

/* "Pods Status:\t3 Running / …" of the pods that belong to the object. */
void describe_pod_counts(struct describe *d);

/* One a kind. */
void describe_pod(struct describe *d);
void describe_deployment(struct describe *d);
void describe_replicaset(struct describe *d); /* and ReplicationController */
void describe_statefulset(struct describe *d);
void describe_daemonset(struct describe *d);
void describe_job(struct describe *d);
void describe_cronjob(struct describe *d);
void describe_claim(struct describe *d);
void describe_persistent_volume(struct describe *d);
void describe_storage_class(struct describe *d);
void describe_node(struct describe *d);
void describe_service(struct describe *d);
void describe_autoscaler(struct describe *d);
void describe_certificate_request(struct describe *d);
void describe_other(struct describe *d); /* any kind: its fields as they are */

#endif
