/* From a word to pods. */
#include "cli/pod_choice.h"

#include "cli/request.h"
#include "schema/selector.h"

static bool is_ready(const struct doc *pod)
{
	doc_each_item(doc_at(pod, "status.conditions"), condition)
		if (str_is(doc_at_str(condition, "type"), "Ready"))
			return str_is(doc_at_str(condition, "status"), "True");
	return false;
}

/* As kubectl's ActivePods order: running before pending, ready before not, then the newest. */
static bool goes_before(const struct doc *a, const struct doc *b)
{
	bool a_runs = str_is(doc_at_str(a, "status.phase"), "Running");
	bool b_runs = str_is(doc_at_str(b, "status.phase"), "Running");

	if (a_runs != b_runs)
		return a_runs;
	if (is_ready(a) != is_ready(b))
		return is_ready(a);
	return str_cmp(doc_at_str(a, "metadata.creationTimestamp"),
		       doc_at_str(b, "metadata.creationTimestamp")) < 0;
}

enum status pod_choice_selected(struct cli *cli, struct str selector, struct pod_list *ret_pods,
				struct error *error)
{
	const struct doc *list;
	struct str path =
		str_format(cli->arena, "/api/v1/namespaces/" STR_FMT "/pods", STR_ARG(cli->ns));
	enum status status = request_get(
		cli, request_query(cli->arena, path, "labelSelector", selector), &list, error);

	if (status)
		return status;
	const struct doc *items = doc_key(list, "items");
	struct pod_list pods = { ARENA_ARRAY(cli->arena, const struct doc *, doc_len(items) + 1),
				 0 };

	doc_each_item(items, item) {
		u32 at = pods.len++;

		for (; at > 0 && goes_before(item, pods.at[at - 1]); at--)
			pods.at[at] = pods.at[at - 1];
		pods.at[at] = item;
	}
	*ret_pods = pods;
	return ST_OK;
}

/* The label selector of a workload or Service as text. */
static enum status selector_of(struct cli *cli, const struct api_kind *kind,
			       const struct doc *object, struct str *ret_text, struct error *error)
{
	const struct doc *selector = doc_at(object, "spec.selector");
	struct selector *parsed;

	if (!doc_len(selector))
		return fail(error, ST_BAD_REQUEST, "error: " STR_FMT " has no pods of its own",
			    STR_ARG(kind->plural));
	/* Services and ReplicationControllers map labels to values at once. */
	if (!doc_key(selector, "matchLabels") && !doc_key(selector, "matchExpressions"))
		selector = doc_with(cli->arena, NULL, STR("matchLabels"), selector);
	enum status status = selector_from_doc(cli->arena, selector, &parsed, error);

	if (!status)
		*ret_text = selector_print(cli->arena, parsed);
	return status;
}

enum status pod_choice(struct cli *cli, struct str word, struct pod_list *ret_pods,
		       struct error *error)
{
	struct str name = word, type = str_cut(&name, '/'), selector;
	const struct api_kind *kind;
	const struct doc *object;
	enum status status = cli_connect(cli, error);

	if (!name.at) {
		name = type;
		type = STR("pods");
	}
	if (!status)
		status = resource_kind(cli, type, &kind, error);
	if (!status)
		status = request_get(cli, request_path(cli->arena, kind, cli->ns, name, STR_NONE),
				     &object, error);
	if (status)
		return status;
	if (kind->id == KIND_Pod) {
		*ret_pods = (struct pod_list){ ARENA_NEW(cli->arena, const struct doc *), 1 };
		ret_pods->at[0] = object;
		return ST_OK;
	}
	status = selector_of(cli, kind, object, &selector, error);
	if (!status)
		status = pod_choice_selected(cli, selector, ret_pods, error);
	if (!status && !ret_pods->len)
		status = fail(error, ST_NOT_FOUND, "error: no pods found for " STR_FMT,
			      STR_ARG(word));
	return status;
}

static bool has_container(const struct doc *pod, struct str name)
{
	static const char *const lists[] = { "spec.containers", "spec.initContainers",
					     "spec.ephemeralContainers" };

	for (size_t i = 0; i < ARRAY_LEN(lists); i++)
		doc_each_item(doc_at(pod, lists[i]), container)
			if (str_eq(doc_at_str(container, "name"), name))
				return true;
	return false;
}

enum status pod_choice_container(struct cli *cli, const struct doc *pod, struct str wanted,
				 bool tell, struct str *ret_name, struct error *error)
{
	const struct doc *containers = doc_at(pod, "spec.containers");
	struct str chosen = doc_str(doc_get(doc_at(pod, "metadata.annotations"),
					    STR("kubectl.kubernetes.io/default-container")));

	if (wanted.len && !has_container(pod, wanted))
		return fail(error, ST_BAD_REQUEST,
			    "error: container " STR_FMT " is not valid for pod " STR_FMT,
			    STR_ARG(wanted), STR_ARG(doc_at_str(pod, "metadata.name")));
	if (wanted.len) {
		*ret_name = wanted;
		return ST_OK;
	}
	if (!chosen.len || !has_container(pod, chosen))
		chosen = doc_at_str(doc_item(containers, 0), "name");
	if (tell && doc_len(containers) > 1) {
		VEC(struct str) names = { 0 };

		doc_each_item(containers, container)
			VEC_PUSH(cli->arena, &names, doc_at_str(container, "name"));
		cli_warn("Defaulted container \"" STR_FMT "\" out of: " STR_FMT, STR_ARG(chosen),
			 STR_ARG(str_join(cli->arena, names.at, names.len, STR(", "))));
	}
	*ret_name = chosen;
	return ST_OK;
}
