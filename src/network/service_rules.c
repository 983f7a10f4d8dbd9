/*
 * A chain for each port of a Service picks an endpoint; maps of addresses and ports lead there.
 * Names of chains say what they are: svc/NAMESPACE/NAME/tcp/80.
 */
#include "network/service_rules.h"

#include <stdlib.h>

#include "base/buffer.h"
#include "doc/doc.h"
#include "network/service_rules_inside.h"

enum { AFFINITY_S = 10800, ENDPOINTS_MAX = 1000, TEXT_MAX = 64 << 20 };

struct endpoint {
	u32 address;
	u16 port;
	bool here; /* on this node */
};

struct endpoints {
	struct endpoint *at;
	u32 len, cap;
};

struct making {
	struct arena *arena;
	const struct service_facts *facts;
	struct service_rules *rules;
	struct map seen; /* the first to claim an address keeps it */
	const struct service_entry *entry;
	const struct doc *spec, *port;
	struct str protocol; /* "tcp" */
	i64 number;
};

static struct service_rule *add(struct making *m, enum service_rule_type type, struct str name,
				struct str body)
{
	struct str key = str_format(m->arena, "%d " STR_FMT, (int)type, STR_ARG(name));

	if (map_get(&m->seen, key))
		return NULL;
	struct service_rule *rule = ARENA_NEW(m->arena, struct service_rule);

	*rule = (struct service_rule){ type, name, body };
	map_put(&m->seen, key, rule);
	VEC_PUSH(m->arena, &m->rules->items, rule);
	return rule;
}

static struct str named(struct making *m, const char *what)
{
	return str_format(m->arena, "%s/" STR_FMT "/" STR_FMT "/" STR_FMT "/%lld", what,
			  STR_ARG(m->entry->ns), STR_ARG(m->entry->name), STR_ARG(m->protocol),
			  (long long)m->number);
}

/* ---- endpoints */

static int by_address(const void *a, const void *b)
{
	const struct endpoint *x = a, *y = b;

	if (x->address != y->address)
		return x->address < y->address ? -1 : 1;
	return (x->port > y->port) - (x->port < y->port);
}

static i64 slice_port(const struct making *m, const struct doc *slice)
{
	struct str name = doc_str(doc_key(m->port, "name"));
	struct str protocol = doc_str_or(doc_key(m->port, "protocol"), STR("TCP"));

	doc_each_item(doc_key(slice, "ports"), port) {
		if (str_eq(doc_str(doc_key(port, "name")), name) &&
		    str_eq(doc_str_or(doc_key(port, "protocol"), STR("TCP")), protocol))
			return doc_int_or(doc_key(port, "port"), 0);
	}
	return 0;
}

static void collect(struct making *m, const struct doc *slice, bool leaving, bool here_only,
		    struct endpoints *ret)
{
	i64 number = slice_port(m, slice);

	if (number < 1 || number > 65535 || !str_is(doc_at_str(slice, "addressType"), "IPv4"))
		return;
	doc_each_item(doc_key(slice, "endpoints"), endpoint) {
		bool here = str_eq(doc_at_str(endpoint, "nodeName"), m->facts->node_name);
		u32 address;

		if ((leaving ? !endpoint_is_leaving(endpoint) : !endpoint_is_ready(endpoint)) ||
		    (here_only && !here) || ret->len == ENDPOINTS_MAX ||
		    !address_parse(doc_str(doc_item(doc_key(endpoint, "addresses"), 0)), &address))
			continue;
		VEC_PUSH(m->arena, ret, (struct endpoint){ address, (u16)number, here });
	}
}

/* Ready ones; when there are none, those that still serve while they go. */
static struct endpoints endpoints_of(struct making *m, bool here_only)
{
	struct endpoints all = { 0 };
	u32 kept = 0;

	for (int leaving = 0; leaving < 2 && !all.len; leaving++)
		for (const struct service_slice *s = m->entry->slices; s; s = s->next)
			collect(m, s->doc, leaving, here_only, &all);
	if (all.len)
		qsort(all.at, all.len, sizeof *all.at, by_address);
	for (u32 i = 0; i < all.len; i++)
		if (!kept || by_address(&all.at[kept - 1], &all.at[i]) != 0)
			all.at[kept++] = all.at[i];
	all.len = kept;
	return all;
}

static struct str socket_text(struct making *m, const struct endpoint *e, const char *between)
{
	return str_format(m->arena, STR_FMT "%s%u", STR_ARG(address_text(m->arena, e->address)),
			  between, e->port);
}

/* ---- chains */

static struct str finish(struct making *m, struct buffer *text)
{
	struct str copy = str_copy(m->arena, buffer_str(text));

	buffer_release(text);
	return copy;
}

static void add_choice(struct making *m, struct buffer *text, const struct endpoints *all)
{
	buffer_add_format(text, "meta l4proto " STR_FMT " dnat ip to ", STR_ARG(m->protocol));
	if (all->len == 1) {
		buffer_add_format(text, STR_FMT "\n", STR_ARG(socket_text(m, all->at, ":")));
		return;
	}
	buffer_add_format(text, "numgen random mod %u map { ", all->len);
	for (u32 i = 0; i < all->len; i++)
		buffer_add_format(text, "%s%u : " STR_FMT, i ? ", " : "", i,
				  STR_ARG(socket_text(m, &all->at[i], " . ")));
	buffer_add(text, " }\n", 3);
}

/* Whoever came before goes where they went: each endpoint remembers its clients for a while. */
static void add_affine(struct making *m, struct buffer *text, const char *what,
		       const struct endpoints *all)
{
	i64 seconds =
		doc_at_int(m->spec, "sessionAffinityConfig.clientIP.timeoutSeconds", AFFINITY_S);
	struct str stem = named(m, what);

	for (u32 i = 0; i < all->len; i++) {
		struct str socket = socket_text(m, &all->at[i], "/");
		struct str set = str_format(m->arena, "from/" STR_FMT "/" STR_FMT, STR_ARG(stem),
					    STR_ARG(socket));
		struct str chain = str_format(m->arena, "to/" STR_FMT "/" STR_FMT, STR_ARG(stem),
					      STR_ARG(socket));
		struct str body = str_format(m->arena,
					     "update @" STR_FMT " { ip saddr timeout %llds }\n"
					     "meta l4proto " STR_FMT " dnat ip to " STR_FMT "\n",
					     STR_ARG(set), (long long)seconds, STR_ARG(m->protocol),
					     STR_ARG(socket_text(m, &all->at[i], ":")));

		add(m, RULE_SET, set, STR_NONE);
		add(m, RULE_CHAIN, chain, body);
		buffer_add_format(text, "ip saddr @" STR_FMT " goto " STR_FMT "\n", STR_ARG(set),
				  STR_ARG(chain));
	}
	buffer_add_format(text, "numgen random mod %u vmap { ", all->len);
	for (u32 i = 0; i < all->len; i++)
		buffer_add_format(text, "%s%u : goto to/" STR_FMT "/" STR_FMT, i ? ", " : "", i,
				  STR_ARG(stem), STR_ARG(socket_text(m, &all->at[i], "/")));
	buffer_add(text, " }\n", 3);
}

static void add_endpoints(struct making *m, struct buffer *text, const char *what,
			  const struct endpoints *all)
{
	bool affine = str_is(doc_at_str(m->spec, "sessionAffinity"), "ClientIP");

	for (u32 i = 0; i < all->len; i++) {
		struct str address = address_text(m->arena, all->at[i].address);

		/* One that calls itself must believe that somebody else does. */
		if (address_in(&m->facts->cluster, all->at[i].address))
			add(m, RULE_HAIRPIN,
			    str_format(m->arena, STR_FMT " . " STR_FMT, STR_ARG(address),
				       STR_ARG(address)),
			    STR_NONE);
		if (str_is(m->protocol, "udp"))
			add(m, RULE_UDP, address, STR_NONE);
	}
	if (affine)
		add_affine(m, text, what, all);
	else
		add_choice(m, text, all);
}

/* The chain for callers inside the cluster; empty when nobody serves. */
static struct str inside_chain(struct making *m, const struct endpoints *all)
{
	struct buffer text = BUFFER_INIT(TEXT_MAX);
	struct str name = named(m, "svc");

	if (!all->len)
		return STR_NONE;
	add_endpoints(m, &text, "svc", all);
	add(m, RULE_CHAIN, name, finish(m, &text));
	return name;
}

/* Strangers at the door: with policy Local they see only who is here, under their own address. */
static struct str outside_chain(struct making *m, const struct endpoints *all, struct str inside)
{
	struct buffer text = BUFFER_INIT(TEXT_MAX);
	struct str name = named(m, "ext");
	struct endpoints here;

	if (!str_is(doc_at_str(m->spec, "externalTrafficPolicy"), "Local"))
		return inside;
	here = endpoints_of(m, true);
	if (here.len == all->len && inside.len)
		return inside;
	if (inside.len)
		buffer_add_format(&text,
				  "ip saddr " STR_FMT "/%u goto " STR_FMT "\n"
				  "fib saddr type local goto " STR_FMT "\n",
				  STR_ARG(address_text(m->arena, m->facts->cluster.first)),
				  m->facts->cluster.prefix, STR_ARG(inside), STR_ARG(inside));
	if (here.len)
		add_endpoints(m, &text, "ext", &here);
	else
		buffer_add(&text, "drop\n", 5);
	add(m, RULE_CHAIN, name, finish(m, &text));
	return name;
}

/* A load balancer may be for some callers only. */
static struct str guarded_chain(struct making *m, struct str chain)
{
	const struct doc *ranges = doc_key(m->spec, "loadBalancerSourceRanges");
	struct buffer text = BUFFER_INIT(TEXT_MAX);
	struct str name = named(m, "lb");

	if (!doc_len(ranges) || !chain.len)
		return chain;
	doc_each_item(ranges, item) {
		struct address_range range;

		if (address_parse_range(str_trim(doc_str(item)), &range))
			buffer_add_format(&text, "ip saddr " STR_FMT "/%u goto " STR_FMT "\n",
					  STR_ARG(address_text(m->arena, range.first)),
					  range.prefix, STR_ARG(chain));
	}
	buffer_add(&text, "drop\n", 5);
	add(m, RULE_CHAIN, name, finish(m, &text));
	return name;
}

/* ---- the doors */

static void add_door(struct making *m, enum service_rule_type type, struct str address,
		     struct str chain)
{
	u32 number;

	if (!address_parse(address, &number))
		return;
	struct str key = str_format(m->arena, STR_FMT " . " STR_FMT " . %lld",
				    STR_ARG(address_text(m->arena, number)), STR_ARG(m->protocol),
				    (long long)m->number);

	if (chain.len)
		add(m, type, key, str_format(m->arena, "goto " STR_FMT, STR_ARG(chain)));
	else if (type == RULE_EXTERNAL)
		add(m, RULE_REFUSED, key, STR_NONE);
}

static void add_port(struct making *m)
{
	bool local = str_is(doc_at_str(m->spec, "internalTrafficPolicy"), "Local");
	struct endpoints all = endpoints_of(m, false);
	struct str inside = inside_chain(m, &all), outside = outside_chain(m, &all, inside);
	struct str own = inside;
	i64 node_port = doc_int_or(doc_key(m->port, "nodePort"), 0);

	if (local) {
		struct endpoints here = endpoints_of(m, true);

		if (here.len != all.len && here.len) {
			struct buffer text = BUFFER_INIT(TEXT_MAX);

			own = named(m, "int");
			add_endpoints(m, &text, "int", &here);
			add(m, RULE_CHAIN, own, finish(m, &text));
		} else if (!here.len) {
			own = STR_NONE;
		}
	}
	add_door(m, RULE_SERVICE, doc_at_str(m->spec, "clusterIP"), own);
	doc_each_item(doc_key(m->spec, "externalIPs"), address)
		add_door(m, RULE_EXTERNAL, doc_str(address), outside);
	doc_each_item(doc_at(m->entry->service, "status.loadBalancer.ingress"), ingress)
		add_door(m, RULE_EXTERNAL, doc_at_str(ingress, "ip"), guarded_chain(m, outside));
	if (node_port && outside.len)
		add(m, RULE_NODE_PORT,
		    str_format(m->arena, STR_FMT " . %lld", STR_ARG(m->protocol),
			       (long long)node_port),
		    str_format(m->arena, "goto " STR_FMT, STR_ARG(outside)));
}

/* Names go into nft's own language: only what an API server lets through anyway. */
static bool is_plain(struct str name)
{
	for (size_t i = 0; i < name.len; i++) {
		char c = name.at[i];

		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-' && c != '.')
			return false;
	}
	return name.len > 0 && name.len <= 63;
}

static void add_service(struct making *m, const struct service_entry *entry)
{
	struct str type = doc_at_str(entry->service, "spec.type");
	struct str address = doc_at_str(entry->service, "spec.clusterIP");

	if (!is_plain(entry->ns) || !is_plain(entry->name) || str_is(type, "ExternalName") ||
	    !address.len || str_is(address, "None"))
		return;
	m->entry = entry;
	m->spec = doc_key(entry->service, "spec");
	doc_each_item(doc_key(m->spec, "ports"), port) {
		struct str protocol = doc_str_or(doc_key(port, "protocol"), STR("TCP"));

		m->port = port;
		m->number = doc_int_or(doc_key(port, "port"), 0);
		m->protocol = str_lower(m->arena, protocol);
		if (m->number > 0 && m->number < 65536 &&
		    (str_is(protocol, "TCP") || str_is(protocol, "UDP") ||
		     str_is(protocol, "SCTP")))
			add_port(m);
	}
}

int service_rule_order(const struct service_rule *a, const struct service_rule *b)
{
	return a->type != b->type ? (int)a->type - (int)b->type : str_cmp(a->name, b->name);
}

static int by_order(const void *a, const void *b)
{
	struct service_rule *const *x = a, *const *y = b;

	return service_rule_order(*x, *y);
}

struct service_rules *service_rules_make(struct arena *arena, const struct service_facts *facts,
					 const struct service_view *view)
{
	struct service_rules *rules = ARENA_NEW(arena, struct service_rules);
	struct making m = { .arena = arena, .facts = facts, .rules = rules };
	struct service_list all = service_view_all(view, arena);

	for (u32 i = 0; i < all.len; i++)
		add_service(&m, all.at[i]);
	map_release(&m.seen);
	if (rules->items.len)
		qsort(rules->items.at, rules->items.len, sizeof *rules->items.at, by_order);
	return rules;
}
