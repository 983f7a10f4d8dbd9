/* From changes of the store to the picture and the queue. Nothing is written here. */
#include "scheduler/hearing.h"

#include "controllers/controller.h"
#include "controllers/pod.h"

bool hearing_is_ours(const struct version *pod)
{
	const struct doc *doc = pod->doc;
	struct str name = doc_at_str(doc, AT(Pod, spec.schedulerName));
	return !doc_at_str(doc, AT(Pod, spec.nodeName)).len && pod_active(pod) &&
	       !doc_len(doc_at(doc, AT(Pod, spec.schedulingGates))) &&
	       (!name.len || str_is(name, "default-scheduler"));
}

/* Everything of a placed pod that anybody counts. */
static bool counts_the_same(const struct doc *before, const struct doc *now)
{
	return object_deleting(before) == object_deleting(now) &&
	       doc_eq(doc_key(before, "spec"), doc_key(now, "spec")) &&
	       doc_eq(doc_at(before, "metadata.labels"), doc_at(now, "metadata.labels"));
}

static void hear_placed(struct scheduler *s, struct version *before, struct version *now)
{
	bool took = before && pod_takes_room(before->doc);
	bool takes = now && pod_takes_room(now->doc);
	if (took && takes && counts_the_same(before->doc, now->doc))
		return;
	if (took) {
		picture_count_pod(&s->picture, before->doc, -1);
		s->help |= HELP_POD_GONE;
	}
	if (takes) {
		picture_count_pod(&s->picture, now->doc, 1);
		s->help |= HELP_POD_PLACED;
	}
}

static void hear_nomination(struct scheduler *s, struct version *before, struct version *now)
{
	struct str was =
		before ? doc_at_str(before->doc, AT(Pod, status.nominatedNodeName)) : STR_NONE;
	struct str is = now ? doc_at_str(now->doc, AT(Pod, status.nominatedNodeName)) : STR_NONE;
	if (now && is.len && !str_eq(was, is))
		picture_nominate(&s->picture, now, is);
	else if (was.len && !is.len)
		picture_forget_nominee(&s->picture, before->uid);
}

static void hear_pod(struct scheduler *s, struct version *before, struct version *now, bool undone)
{
	hear_placed(s, before, now);
	if (now && hearing_is_ours(now)) {
		bool news = undone || !before || !hearing_is_ours(before) ||
			    !counts_the_same(before->doc, now->doc);
		hear_nomination(s, before, now);
		if (news)
			queue_add(&s->queue, now->namespace, now->name, now->uid,
				  pod_priority(now->doc));
	} else if (before && !doc_at_str(before->doc, AT(Pod, spec.nodeName)).len) {
		queue_remove(&s->queue, before->uid);
		picture_forget_nominee(&s->picture, before->uid);
	}
}

static bool differs(const struct version *before, const struct version *now, const char *path)
{
	return !before || !now || !doc_eq(doc_at(before->doc, path), doc_at(now->doc, path));
}

static void hear_other(struct scheduler *s, struct version *before, struct version *now,
		       kind_id kind)
{
	switch (kind) {
	case KIND_Service: /* what pods are spread by when they do not say */
	case KIND_ReplicaSet:
	case KIND_ReplicationController:
	case KIND_StatefulSet:
		/* A new owner or one that goes has no pods that were read with it. */
		if ((kind == KIND_Service || (before && now)) &&
		    differs(before, now, "spec.selector"))
			picture_stale(&s->picture);
		break;
	case KIND_Namespace:
		if (differs(before, now, "metadata.labels")) {
			picture_stale(&s->picture);
			s->help |= HELP_NODE;
		}
		break;
	case KIND_PersistentVolume:
	case KIND_PersistentVolumeClaim:
	case KIND_StorageClass:
		s->help |= HELP_VOLUME;
		break;
	default:
		break;
	}
}

static void changed(void *self, const struct store_event *event)
{
	struct scheduler *s = self;
	struct version *now = event->type == EVENT_DELETED ? NULL : event->version;
	struct version *before = event->previous ? event->previous : NULL;
	kind_id kind = event->version->kind;
	if (event->type == EVENT_DELETED && !before)
		before = event->version;
	if (kind == KIND_Pod)
		hear_pod(s, before, now, event->undone);
	else if (kind != KIND_Node)
		hear_other(s, before, now, kind);
	else if (picture_set_node(&s->picture, event->version->name, now))
		s->help |= HELP_NODE;
	bool work = s->queue.active.len || (s->help && s->queue.help_len);
	if (work && !s->stepping && s->on_work)
		s->on_work(s->on_work_self);
}

void hearing_start(struct scheduler *s)
{
	struct store_iter iter;
	store_on_change(s->store, changed, s);
	store_iter_start(&iter, s->store, KIND_Node, STR_NONE, STR_NONE, STR_NONE);
	for (struct version *v; (v = store_iter_next(&iter));)
		picture_set_node(&s->picture, v->name, v);
	store_iter_start(&iter, s->store, KIND_Pod, STR_NONE, STR_NONE, STR_NONE);
	for (struct version *v; (v = store_iter_next(&iter));)
		hear_pod(s, NULL, v, false);
}
