/* NetworkPolicies as rules: who is held, who may come, where one may go. */
#include "../unit.h"

#include <stdlib.h>
#include <string.h>

#include "doc/json.h"
#include "network/policy_rules.h"

static const struct doc *parse(struct arena *arena, const char *text)
{
	char *copy = strdup(text);
	const struct doc *doc = NULL;

	for (char *at = copy; *at; at++)
		if (*at == '\'')
			*at = '"';
	assert_int_equal(json_parse(arena, str_copy(arena, str_of(copy)), &doc, NULL), ST_OK);
	free(copy);
	return doc;
}

#define POD(name, ns, app)                                                                         \
	"{'metadata':{'name':'" name "','namespace':'" ns "','labels':{'app':'" app "'}},"         \
	"'spec':{'containers':[{'ports':[{'name':'web','containerPort':8080}]}]}}"
#define POLICY(spec) "{'metadata':{'name':'p','namespace':'a'},'spec':" spec "}"

static const struct {
	const char *shows, *policy;
	const char *has[4], *hasnt[3];
} cases[] = {
	{ "no policy, no table", NULL, { "delete table ip t\n" }, { "chain" } },
	{ "an empty policy shuts its namespace's pods of this node",
	  POLICY("{'podSelector':{}}"),
	  { "10.0.0.1 : goto pod/10.0.0.1/ingress", "chain policy/0/ingress {\n}\n",
	    "jump policy/0/ingress\ndrop\n" },
	  { "10.0.0.2 : goto", "egress {\njump", "accept\naccept" } },
	{ "a peer is those pods of the policy's own namespace",
	  POLICY("{'podSelector':{},'ingress':[{'from':[{'podSelector':{'matchLabels':"
		 "{'app':'y'}}}]}]}"),
	  { "ip saddr { 10.0.0.2 } accept" },
	  { "10.0.0.3 }" } },
	{ "or of namespaces with a label",
	  POLICY("{'podSelector':{},'ingress':[{'from':[{'namespaceSelector':{'matchLabels':"
		 "{'team':'b'}}}],'ports':[{'port':80},{'port':90,'endPort':99,'protocol':'UDP'}]}]"
		 "}"),
	  { "ip saddr { 10.0.0.3 } tcp dport 80 accept",
	    "ip saddr { 10.0.0.3 } udp dport 90-99 accept" },
	  { 0 } },
	{ "nobody has the label: nobody comes",
	  POLICY("{'podSelector':{},'ingress':[{'from':[{'podSelector':{'matchLabels':"
		 "{'app':'none'}}}]}]}"),
	  { "chain policy/0/ingress {\n}\n" },
	  { 0 } },
	{ "a port's name is looked up in the pod that is held",
	  POLICY("{'podSelector':{'matchLabels':{'app':'x'}},'ingress':[{'ports':[{'port':'web'}]}]"
		 "}"),
	  { "ip daddr 10.0.0.1 tcp dport 8080 accept" },
	  { "10.0.0.2 tcp" } },
	{ "addresses with holes",
	  POLICY("{'podSelector':{},'ingress':[{'from':[{'ipBlock':{'cidr':'10.9.0.0/16',"
		 "'except':['10.9.1.0/24']}}]}]}"),
	  { "ip saddr 10.9.0.0/16 ip saddr != 10.9.1.0/24 accept" },
	  { 0 } },
	{ "what is no address never becomes a rule",
	  POLICY("{'podSelector':{},'ingress':[{'from':[{'ipBlock':{'cidr':'fd00::/8'}},"
		 "{'ipBlock':{'cidr':'1.2.3.4/8 accept'}}]}]}"),
	  { "chain policy/0/ingress {\n}\n" },
	  { "fd00" } },
	{ "egress holds only when it is spoken of",
	  POLICY("{'podSelector':{},'policyTypes':['Egress'],'egress':[{'to':[{'podSelector':{}}]}]"
		 "}"),
	  { "10.0.0.1 : goto pod/10.0.0.1/egress", "ip daddr { 10.0.0.1, 10.0.0.2 } accept" },
	  { "pod/10.0.0.1/ingress", "ct original" } },
	{ "the name server is met by the labels others give it",
	  POLICY("{'podSelector':{},'policyTypes':['Egress'],'egress':[{'to':[{'namespaceSelector':"
		 "{},"
		 "'podSelector':{'matchLabels':{'k8s-app':'kube-dns'}}}],"
		 "'ports':[{'port':53,'protocol':'UDP'}]}]}"),
	  { "ct original ip daddr 10.96.0.10 meta l4proto udp ct original proto-dst 53 accept" },
	  { 0 } },
};

static void says_what_the_policy_means(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct arena *arena = arena_new(0);
		const struct policy_pod pods[] = {
			{ parse(arena, POD("x", "a", "x")), 0x0a000001, true },
			{ parse(arena, POD("y", "a", "y")), 0x0a000002, false },
			{ parse(arena, POD("z", "b", "y")), 0x0a000003, true },
		};
		const struct doc *namespaces[] = {
			parse(arena, "{'metadata':{'name':'a','labels':{'team':'a'}}}"),
			parse(arena, "{'metadata':{'name':'b','labels':{'team':'b'}}}"),
		};
		const struct doc *policies[1] = { NULL };

		if (cases[i].policy)
			policies[0] = parse(arena, cases[i].policy);
		struct policy_view view = { .table = STR("t"),
					    .dns_address = STR("10.96.0.10"),
					    .policies = policies,
					    .policies_len = cases[i].policy ? 1 : 0,
					    .pods = pods,
					    .pods_len = ARRAY_LEN(pods),
					    .namespaces = namespaces,
					    .namespaces_len = ARRAY_LEN(namespaces) };
		struct str text = policy_rules(arena, &view);

		for (size_t n = 0; n < 4 && cases[i].has[n]; n++)
			if (str_find(text, str_of(cases[i].has[n])) < 0)
				fail_msg("%s: lacks \"%s\" in\n" STR_FMT, cases[i].shows,
					 cases[i].has[n], STR_ARG(text));
		for (size_t n = 0; n < 3 && cases[i].hasnt[n]; n++)
			if (str_find(text, str_of(cases[i].hasnt[n])) >= 0)
				fail_msg("%s: has \"%s\" in\n" STR_FMT, cases[i].shows,
					 cases[i].hasnt[n], STR_ARG(text));
		arena_free(arena);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(says_what_the_policy_means),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
