/*
 * From one lot of rules to the next. The order in the transaction matters: what is referred to is
 * made first and taken away last. Sets of affinity keep what they remember unless they go.
 */
#include "base/buffer.h"
#include "network/service_rules_inside.h"

enum { TEXT_MAX = 64 << 20, BATCH_MAX = 200 };

static const char *const containers[] = {
	[RULE_SERVICE] = "services", [RULE_EXTERNAL] = "externals", [RULE_NODE_PORT] = "node_ports",
	[RULE_REFUSED] = "refused",  [RULE_HAIRPIN] = "hairpins",
};

/* An item as it was and as it is; either may be NULL. */
struct pair {
	const struct service_rule *old, *now;
};

struct changing {
	const struct service_facts *facts;
	struct buffer text;
	VEC(struct pair) pairs; /* only what differs */
};

static void compare(struct arena *arena, struct changing *c, const struct service_rules *old,
		    const struct service_rules *now)
{
	u32 i = 0, k = 0, old_len = old ? old->items.len : 0;

	while (i < old_len || k < now->items.len) {
		const struct service_rule *a = i < old_len ? old->items.at[i] : NULL;
		const struct service_rule *b = k < now->items.len ? now->items.at[k] : NULL;
		int order = !a ? 1 : !b ? -1 : service_rule_order(a, b);

		i += order <= 0;
		k += order >= 0;
		if (order == 0 && str_eq(a->body, b->body))
			continue;
		VEC_PUSH(arena, &c->pairs,
			 (struct pair){ order <= 0 ? a : NULL, order >= 0 ? b : NULL });
	}
}

static void say(struct changing *c, const char *verb, struct str name, const char *rest)
{
	buffer_add_format(&c->text, "%s ip " STR_FMT " " STR_FMT "%s\n", verb,
			  STR_ARG(c->facts->table), STR_ARG(name), rest);
}

static void say_rules(struct changing *c, const struct service_rule *chain)
{
	struct str rest = chain->body;

	while (rest.at) {
		struct str line = str_cut(&rest, '\n');

		if (line.len)
			buffer_add_format(
				&c->text, "add rule ip " STR_FMT " " STR_FMT " " STR_FMT "\n",
				STR_ARG(c->facts->table), STR_ARG(chain->name), STR_ARG(line));
	}
}

static void say_elements(struct changing *c, enum service_rule_type type, bool removed)
{
	u32 open = 0;

	for (u32 i = 0; i < c->pairs.len; i++) {
		const struct service_rule *rule = removed ? c->pairs.at[i].old : c->pairs.at[i].now;

		if (!rule || rule->type != type)
			continue;
		if (open == 0)
			buffer_add_format(&c->text, "%s element ip " STR_FMT " %s { ",
					  removed ? "delete" : "add", STR_ARG(c->facts->table),
					  containers[type]);
		buffer_add_format(&c->text, "%s" STR_FMT, open ? ", " : "", STR_ARG(rule->name));
		if (rule->body.len && !removed)
			buffer_add_format(&c->text, " : " STR_FMT, STR_ARG(rule->body));
		if (++open == BATCH_MAX) {
			buffer_add(&c->text, " }\n", 3);
			open = 0;
		}
	}
	if (open)
		buffer_add(&c->text, " }\n", 3);
}

static void say_changes(struct changing *c)
{
	static const char set_of[] = " { type ipv4_addr; flags dynamic,timeout; size 65536; }";

	for (u32 i = 0; i < c->pairs.len; i++) {
		const struct service_rule *now = c->pairs.at[i].now;

		if (now && !c->pairs.at[i].old && now->type == RULE_SET)
			say(c, "add set", now->name, set_of);
		if (now && !c->pairs.at[i].old && now->type == RULE_CHAIN)
			say(c, "add chain", now->name, "");
	}
	for (enum service_rule_type t = RULE_SERVICE; t <= RULE_HAIRPIN; t++)
		say_elements(c, t, true);
	for (u32 i = 0; i < c->pairs.len; i++)
		if (c->pairs.at[i].old && c->pairs.at[i].old->type == RULE_CHAIN)
			say(c, "flush chain", c->pairs.at[i].old->name, "");
	for (u32 i = 0; i < c->pairs.len; i++)
		if (c->pairs.at[i].now && c->pairs.at[i].now->type == RULE_CHAIN)
			say_rules(c, c->pairs.at[i].now);
	for (enum service_rule_type t = RULE_SERVICE; t <= RULE_HAIRPIN; t++)
		say_elements(c, t, false);
	for (int type = RULE_CHAIN; type >= (int)RULE_SET; type--)
		for (u32 i = 0; i < c->pairs.len; i++) {
			const struct pair *pair = &c->pairs.at[i];

			if (!pair->now && (int)pair->old->type == type)
				say(c, type == RULE_CHAIN ? "delete chain" : "delete set",
				    pair->old->name, "");
		}
}

/* ---- what is always there */

static struct str range_text(struct arena *arena, const struct address_range *range)
{
	return str_format(arena, STR_FMT "/%u", STR_ARG(address_text(arena, range->first)),
			  range->prefix);
}

static void say_translation(struct changing *c, struct str bridge)
{
	/* Addresses of Services mean something to our own pods and to the node only. */
	buffer_add_format(&c->text,
			  "chain dispatch {\n"
			  "ip daddr . meta l4proto . th dport vmap @externals\n"
			  "fib daddr type local meta l4proto . th dport vmap @node_ports\n"
			  "}\n"
			  "chain prerouting {\n"
			  "type nat hook prerouting priority -100;\n"
			  "iifname \"" STR_FMT "\" ip daddr . meta l4proto . th dport vmap "
			  "@services\n"
			  "jump dispatch\n"
			  "}\n"
			  "chain output {\n"
			  "type nat hook output priority -100;\n"
			  "ip daddr . meta l4proto . th dport vmap @services\n"
			  "jump dispatch\n"
			  "}\n",
			  STR_ARG(bridge));
}

static void say_masquerade(struct arena *arena, struct changing *c, struct str bridge)
{
	struct str pods = range_text(arena, &c->facts->pods);
	struct str cluster = range_text(arena, &c->facts->cluster);

	buffer_add_format(&c->text,
			  "chain postrouting {\n"
			  "type nat hook postrouting priority 100;\n"
			  "oifname \"lo\" return\n"
			  "ct status dnat ip saddr 127.0.0.0/8 masquerade\n"
			  "ip saddr . ip daddr @hairpins masquerade\n"
			  "ct status dnat ip daddr != " STR_FMT " masquerade\n"
			  "ct status dnat ip saddr != " STR_FMT " ip daddr != " STR_FMT
			  " masquerade\n",
			  STR_ARG(cluster), STR_ARG(cluster), STR_ARG(pods));
	/* Answers between two pods of one bridge would pass us by: be the caller ourselves. */
	if (!c->facts->bridge_filtered)
		buffer_add_format(&c->text,
				  "ct status dnat ip saddr " STR_FMT " oifname \"" STR_FMT
				  "\" masquerade\n",
				  STR_ARG(pods), STR_ARG(bridge));
	if (c->facts->masquerade)
		buffer_add_format(&c->text,
				  "ip saddr " STR_FMT " ip daddr != " STR_FMT
				  " oifname != \"" STR_FMT "\" masquerade\n",
				  STR_ARG(pods), STR_ARG(cluster), STR_ARG(bridge));
	buffer_add(&c->text, "}\n", 2);
}

static void say_refusals(struct arena *arena, struct changing *c, struct str bridge)
{
	struct str services = range_text(arena, &c->facts->services);

	/* Node ports answer at 127.0.0.1 too; nobody may use that to reach what listens there. */
	buffer_add_format(&c->text,
			  "chain guard {\n"
			  "type filter hook prerouting priority -300;\n"
			  "iifname \"" STR_FMT "\" ip daddr 127.0.0.0/8 drop\n"
			  "}\n"
			  "chain refuse {\n"
			  "meta l4proto tcp reject with tcp reset\n"
			  "reject\n"
			  "}\n",
			  STR_ARG(bridge));
	buffer_add_format(&c->text,
			  "chain forward {\n"
			  "type filter hook forward priority 0;\n"
			  "ip daddr " STR_FMT " goto refuse\n"
			  "ip daddr . meta l4proto . th dport @refused goto refuse\n",
			  STR_ARG(services));
	if (!c->facts->masquerade)
		buffer_add_format(&c->text,
				  "iifname \"" STR_FMT "\" oifname != \"minke*\" ct state new "
				  "ct status & dnat == 0 reject with icmp admin-prohibited\n",
				  STR_ARG(bridge));
	buffer_add_format(&c->text,
			  "}\n"
			  "chain filter_output {\n"
			  "type filter hook output priority 0;\n"
			  "ip daddr " STR_FMT " goto refuse\n"
			  "ip daddr . meta l4proto . th dport @refused goto refuse\n"
			  "}\n",
			  STR_ARG(services));
}

static void say_table(struct arena *arena, struct changing *c)
{
	struct str table = c->facts->table, bridge = c->facts->bridge;

	buffer_add_format(&c->text,
			  "add table ip " STR_FMT "\n"
			  "delete table ip " STR_FMT "\n"
			  "table ip " STR_FMT " {\n"
			  "map services { typeof ip daddr . meta l4proto . th dport : verdict; }\n"
			  "map externals { typeof ip daddr . meta l4proto . th dport : verdict; }\n"
			  "map node_ports { typeof meta l4proto . th dport : verdict; }\n"
			  "set refused { typeof ip daddr . meta l4proto . th dport; }\n"
			  "set hairpins { typeof ip saddr . ip daddr; }\n",
			  STR_ARG(table), STR_ARG(table), STR_ARG(table));
	say_translation(c, bridge);
	say_masquerade(arena, c, bridge);
	say_refusals(arena, c, bridge);
	buffer_add(&c->text, "}\n", 2);
}

struct str service_rules_change(struct arena *arena, const struct service_facts *facts,
				const struct service_rules *old, const struct service_rules *now)
{
	struct changing c = { .facts = facts, .text = BUFFER_INIT(TEXT_MAX) };

	compare(arena, &c, old, now);
	if (!old)
		say_table(arena, &c);
	say_changes(&c);
	struct str text = str_copy(arena, buffer_str(&c.text));

	buffer_release(&c.text);
	return text;
}

struct str service_rules_none(struct arena *arena, const struct service_facts *facts)
{
	return str_format(arena, "add table ip " STR_FMT "\ndelete table ip " STR_FMT "\n",
			  STR_ARG(facts->table), STR_ARG(facts->table));
}

struct address_list service_rules_gone(struct arena *arena, const struct service_rules *old,
				       const struct service_rules *now)
{
	struct changing c = { 0 };
	struct address_list gone = { 0 };

	compare(arena, &c, old, now);
	gone.at = ARENA_ARRAY(arena, u32, c.pairs.len + 1);
	for (u32 i = 0; i < c.pairs.len; i++)
		if (!c.pairs.at[i].now && c.pairs.at[i].old->type == RULE_UDP &&
		    address_parse(c.pairs.at[i].old->name, &gone.at[gone.len]))
			gone.len++;
	return gone;
}
