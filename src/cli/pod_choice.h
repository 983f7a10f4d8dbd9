/* Which pod, and which of its containers, a command means: "web", "pod/web", "deploy/web", -l. */
#ifndef CLI_POD_CHOICE_H
#define CLI_POD_CHOICE_H

#include "cli/resource.h"

struct pod_list {
	const struct doc **at;
	u32 len;
};

/* The pods behind one word: the pod itself, or those a workload's or Service's selector matches,
 * those that run and are ready first. Fails when there is none. */
MUST_USE enum status pod_choice(struct cli *cli, struct str word, struct pod_list *ret_pods,
				struct error *error);
/* The pods a label selector matches in cli->ns. */
MUST_USE enum status pod_choice_selected(struct cli *cli, struct str selector,
					 struct pod_list *ret_pods, struct error *error);

/* The container meant: `wanted`, or the annotation kubectl.kubernetes.io/default-container, or the
 * first; says on stderr when it had to choose and `tell`. Unknown: kubectl's sentence. */
MUST_USE enum status pod_choice_container(struct cli *cli, const struct doc *pod, struct str wanted,
					  bool tell, struct str *ret_name, struct error *error);

#endif
