/*
 * Two base chains a hook, one for each direction: what the first accepts still meets the second.
 * Each pod of this node that a policy picks has a chain that asks its policies in turn and drops
 * the rest; each policy has a chain that accepts what it allows. Answers to what was allowed pass,
 * and the node itself always reaches its pods, as probes must.
 */
#include "network/policy_rules.h"

#include "base/buffer.h"
#include "network/address.h"
#include "schema/selector.h"

enum { TEXT_BYTES_MAX = 16 << 20 };

static const char dns_labels[] = "kube-dns", dns_namespace[] = "kube-system";

struct writing {
	struct arena *arena;
	const struct policy_view *view;
	struct buffer *text;
	const struct doc *policy;
	struct str ns; /* the policy's */
	bool in;       /* ingress */
};

/* ---- whom a selector means */

static bool selects(struct arena *arena, const struct doc *selector, const struct doc *labels)
{
	struct selector *parsed = NULL;

	return selector_from_doc(arena, selector, &parsed, NULL) == ST_OK &&
	       selector_matches(parsed, labels);
}

static const struct doc *namespace_labels(const struct policy_view *view, struct str name)
{
	for (u32 i = 0; i < view->namespaces_len; i++)
		if (str_eq(doc_at_str(view->namespaces[i], "metadata.name"), name))
			return doc_at(view->namespaces[i], "metadata.labels");
	return NULL;
}

static bool peer_means(const struct writing *w, const struct doc *peer, struct str ns,
		       const struct doc *labels)
{
	const struct doc *spaces = doc_key(peer, "namespaceSelector");
	const struct doc *pods = doc_key(peer, "podSelector");

	if (doc_is_null(spaces) ? !str_eq(ns, w->ns)
				: !selects(w->arena, spaces, namespace_labels(w->view, ns)))
		return false;
	return doc_is_null(pods) || selects(w->arena, pods, labels);
}

static bool holds_for(struct arena *arena, const struct doc *policy, const struct policy_pod *pod)
{
	const struct doc *selector = doc_at(policy, "spec.podSelector");

	return str_eq(doc_at_str(policy, "metadata.namespace"),
		      doc_at_str(pod->doc, "metadata.namespace")) &&
	       selects(arena, doc_is_null(selector) ? &doc_empty_object : selector,
		       doc_at(pod->doc, "metadata.labels"));
}

static bool speaks_of(const struct doc *policy, bool in)
{
	const struct doc *types = doc_at(policy, "spec.policyTypes");

	if (!doc_len(types))
		return in || doc_len(doc_at(policy, "spec.egress"));
	doc_each_item(types, type)
		if (str_is(doc_str(type), in ? "Ingress" : "Egress"))
			return true;
	return false;
}

/* ---- ports */

struct ports {
	struct str plain;    /* "tcp dport 80 " */
	struct str original; /* the same before a Service's address was replaced */
	struct str name;     /* of a pod's port instead */
	struct str protocol; /* "tcp" */
};

static struct ports ports_of(struct arena *arena, const struct doc *port)
{
	const struct doc *number = doc_key(port, "port");
	struct str protocol = str_lower(arena, doc_str_or(doc_key(port, "protocol"), STR("TCP")));
	i64 first = doc_int_or(number, 0), last = doc_int_or(doc_key(port, "endPort"), first);
	struct ports ports = { .protocol = protocol };

	if (doc_str(number).len && !str_to_i64(doc_str(number), &first)) {
		ports.name = doc_str(number);
	} else if (!first) {
		ports.plain = ports.original =
			str_format(arena, "meta l4proto " STR_FMT " ", STR_ARG(protocol));
	} else {
		struct str range = last > first ? str_format(arena, "%lld-%lld", (long long)first,
							     (long long)last)
						: str_format(arena, "%lld", (long long)first);

		ports.plain = str_format(arena, STR_FMT " dport " STR_FMT " ", STR_ARG(protocol),
					 STR_ARG(range));
		ports.original = str_format(
			arena, "meta l4proto " STR_FMT " ct original proto-dst " STR_FMT " ",
			STR_ARG(protocol), STR_ARG(range));
	}
	return ports;
}

static i64 named_port(struct arena *arena, const struct policy_pod *pod, const struct ports *ports)
{
	doc_each_item(doc_at(pod->doc, "spec.containers"), container)
		doc_each_item(doc_key(container, "ports"), port)
			if (str_eq(doc_at_str(port, "name"), ports->name) &&
			    str_eq(str_lower(arena,
					     doc_str_or(doc_key(port, "protocol"), STR("TCP"))),
				   ports->protocol))
				return doc_int_or(doc_key(port, "containerPort"), 0);
	return 0;
}

/* ---- rules */

static void say_accept(struct writing *w, struct str who, struct str what)
{
	buffer_add_format(w->text, STR_FMT STR_FMT "accept\n", STR_ARG(who), STR_ARG(what));
}

/* A name is another number for each pod: of those held for when coming in, of the peers else. */
static void say_named(struct writing *w, struct str who, const struct doc *peer,
		      const struct ports *ports)
{
	for (u32 i = 0; i < w->view->pods_len; i++) {
		const struct policy_pod *pod = &w->view->pods[i];
		i64 number = named_port(w->arena, pod, ports);
		bool meant = w->in ? holds_for(w->arena, w->policy, pod)
				   : !peer || peer_means(w, peer,
							 doc_at_str(pod->doc, "metadata.namespace"),
							 doc_at(pod->doc, "metadata.labels"));

		if (number && meant)
			buffer_add_format(w->text,
					  STR_FMT "ip daddr " STR_FMT " " STR_FMT
						  " dport %lld accept\n",
					  STR_ARG(w->in ? who : STR_NONE),
					  STR_ARG(address_text(w->arena, pod->address)),
					  STR_ARG(ports->protocol), (long long)number);
	}
}

static void say_ports(struct writing *w, struct str who, const struct doc *peer,
		      const struct doc *list, bool original)
{
	if (!doc_len(list))
		say_accept(w, who, STR_NONE);
	doc_each_item(list, port) {
		struct ports ports = ports_of(w->arena, port);

		if (ports.name.len && !original)
			say_named(w, who, peer, &ports);
		else if (!ports.name.len)
			say_accept(w, who, original ? ports.original : ports.plain);
	}
}

/* Written by people, checked at the door, but it becomes a program here. */
static bool is_plain_range(struct str cidr)
{
	struct address_range range;

	return address_parse_range(cidr, &range);
}

static struct str block_clause(struct writing *w, const struct doc *block)
{
	const char *side = w->in ? "saddr" : "daddr";
	struct str cidr = doc_at_str(block, "cidr");

	if (!is_plain_range(cidr))
		return STR_NONE;
	struct str clause = str_format(w->arena, "ip %s " STR_FMT " ", side, STR_ARG(cidr));

	doc_each_item(doc_key(block, "except"), hole)
		if (is_plain_range(doc_str(hole)))
			clause = str_format(w->arena, STR_FMT "ip %s != " STR_FMT " ",
					    STR_ARG(clause), side, STR_ARG(doc_str(hole)));
	return clause;
}

static struct str pods_clause(struct writing *w, const struct doc *peer)
{
	struct buffer all = BUFFER_INIT(TEXT_BYTES_MAX);
	struct str clause = STR_NONE;

	for (u32 i = 0; i < w->view->pods_len; i++) {
		const struct policy_pod *pod = &w->view->pods[i];

		if (peer_means(w, peer, doc_at_str(pod->doc, "metadata.namespace"),
			       doc_at(pod->doc, "metadata.labels")))
			buffer_add_format(&all, "%s" STR_FMT, all.len ? ", " : "",
					  STR_ARG(address_text(w->arena, pod->address)));
	}
	if (all.len)
		clause = str_format(w->arena, "ip %s { " STR_FMT " } ", w->in ? "saddr" : "daddr",
				    STR_ARG(buffer_str(&all)));
	buffer_release(&all);
	return clause;
}

/* The cluster's name server is no pod, but is meant where others have one. */
static bool means_dns(const struct writing *w, const struct doc *peer)
{
	const struct doc *labels = doc_set_str(w->arena, NULL, "k8s-app", str_of(dns_labels));

	return !w->in && w->view->dns_address.len &&
	       peer_means(w, peer, str_of(dns_namespace), labels);
}

static void say_rule(struct writing *w, const struct doc *rule)
{
	const struct doc *peers = doc_get(rule, str_of(w->in ? "from" : "to"));
	const struct doc *ports = doc_key(rule, "ports");

	if (!doc_len(peers)) {
		say_ports(w, STR_NONE, NULL, ports, false);
		if (!w->in) /* to "port 53", which stands elsewhere here */
			say_ports(w, STR_NONE, NULL, ports, true);
	}
	doc_each_item(peers, peer) {
		const struct doc *block = doc_key(peer, "ipBlock");
		struct str who = block ? block_clause(w, block) : pods_clause(w, peer);

		if (who.len)
			say_ports(w, who, block ? NULL : peer, ports, false);
		if (!block && means_dns(w, peer))
			say_ports(w,
				  str_format(w->arena, "ct original ip daddr " STR_FMT " ",
					     STR_ARG(w->view->dns_address)),
				  peer, ports, true);
	}
}

static void say_policy(struct writing *w, u32 number)
{
	static const char *const names[] = { "egress", "ingress" };

	w->policy = w->view->policies[number];
	w->ns = doc_at_str(w->policy, "metadata.namespace");
	for (int in = 0; in < 2; in++) {
		w->in = in;
		if (!speaks_of(w->policy, in))
			continue;
		buffer_add_format(w->text, "chain policy/%u/%s {\n", number, names[in]);
		doc_each_item(doc_at(w->policy, in ? "spec.ingress" : "spec.egress"), rule)
			say_rule(w, rule);
		buffer_add_format(w->text, "}\n");
	}
}

/* ---- pods */

static bool say_pod(struct writing *w, const struct policy_pod *pod, bool in)
{
	const char *way = in ? "ingress" : "egress";
	bool any = false;

	for (u32 i = 0; i < w->view->policies_len; i++) {
		const struct doc *policy = w->view->policies[i];

		if (!speaks_of(policy, in) || !holds_for(w->arena, policy, pod))
			continue;
		if (!any)
			buffer_add_format(w->text, "chain pod/" STR_FMT "/%s {\n",
					  STR_ARG(address_text(w->arena, pod->address)), way);
		buffer_add_format(w->text, "jump policy/%u/%s\n", i, way);
		any = true;
	}
	if (any)
		buffer_add_format(w->text, "drop\n}\n");
	return any;
}

static void say_map(struct writing *w, bool in)
{
	struct buffer elements = BUFFER_INIT(TEXT_BYTES_MAX);
	const char *way = in ? "ingress" : "egress";

	for (u32 i = 0; i < w->view->pods_len; i++) {
		const struct policy_pod *pod = &w->view->pods[i];
		struct str address = address_text(w->arena, pod->address);

		if (pod->here && say_pod(w, pod, in))
			buffer_add_format(&elements, "%s" STR_FMT " : goto pod/" STR_FMT "/%s",
					  elements.len ? ", " : "", STR_ARG(address),
					  STR_ARG(address), way);
	}
	buffer_add_format(w->text, "map %s {\ntype ipv4_addr : verdict\n", way);
	if (elements.len)
		buffer_add_format(w->text, "elements = { " STR_FMT " }\n",
				  STR_ARG(buffer_str(&elements)));
	buffer_add_format(w->text, "}\n");
	buffer_release(&elements);
}

static void say_chain(struct buffer *text, const char *name, const char *hook, int priority,
		      const char *rule)
{
	buffer_add_format(text,
			  "chain %s {\ntype filter hook %s priority %d; policy accept;\n"
			  "ct state established,related accept\n%s\n}\n",
			  name, hook, priority, rule);
}

struct str policy_rules(struct arena *arena, const struct policy_view *view)
{
	struct buffer text = BUFFER_INIT(TEXT_BYTES_MAX);
	struct writing w = { .arena = arena, .view = view, .text = &text };

	/* Adding first makes the deletion succeed. */
	buffer_add_format(&text, "table ip " STR_FMT " { }\ndelete table ip " STR_FMT "\n",
			  STR_ARG(view->table), STR_ARG(view->table));
	if (view->policies_len) {
		buffer_add_format(&text, "table ip " STR_FMT " {\n", STR_ARG(view->table));
		for (u32 i = 0; i < view->policies_len; i++)
			say_policy(&w, i);
		say_map(&w, false);
		say_map(&w, true);
		say_chain(&text, "leaving", "forward", 0, "ip saddr vmap @egress");
		say_chain(&text, "arriving", "forward", 1, "ip daddr vmap @ingress");
		say_chain(&text, "to-node", "input", 0, "ip saddr vmap @egress");
		buffer_add_format(&text, "}\n");
	}
	struct str done = str_copy(arena, buffer_str(&text));

	buffer_release(&text);
	return done;
}
