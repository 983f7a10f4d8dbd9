/* Rows of nodes, services, endpoints and events. */
#include <stdlib.h>

#include "schema/columns.h"
#include "schema/rules.h"

static int compare_str(const void *a, const void *b)
{
	return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

/* ---- nodes */

static struct str node_state(struct arena *arena, const struct doc *node)
{
	struct str state = STR("Unknown");

	doc_each_item(doc_at(node, "status.conditions"), c)
		if (str_is(doc_str(doc_key(c, "type")), "Ready"))
			state = str_is(doc_str(doc_key(c, "status")), "True") ? STR("Ready")
									      : STR("NotReady");
	if (doc_at_bool(node, "spec.unschedulable", false))
		return str_format(arena, STR_FMT ",SchedulingDisabled", STR_ARG(state));
	return state;
}

static struct str node_roles(struct arena *arena, const struct doc *node)
{
	const struct doc *labels = doc_at(node, "metadata.labels");
	struct str *roles = ARENA_ARRAY(arena, struct str, doc_len(labels) + 1);
	struct str prefix = STR("node-role.kubernetes.io/");
	u32 len = 0;

	doc_each_pair(labels, key, value) {
		if (str_starts(key, prefix) && key.len > prefix.len)
			roles[len++] = str_from(key, prefix.len);
		else if (str_is(key, "kubernetes.io/role") && doc_str(value).len)
			roles[len++] = doc_str(value);
	}
	qsort(roles, len, sizeof *roles, compare_str);
	return str_join(arena, roles, len, STR(","));
}

static struct str node_address(const struct doc *node, const char *type)
{
	doc_each_item(doc_at(node, "status.addresses"), a)
		if (str_is(doc_str(doc_key(a, "type")), type))
			return doc_str(doc_key(a, "address"));
	return STR("");
}

RULE_PRINT(node_row)
{
	row_str(row, node_state(row->arena, object));
	row_or_none(row, node_roles(row->arena, object));
	row_or_none(row, node_address(object, "InternalIP"));
	row_or_none(row, node_address(object, "ExternalIP"));
}

/* ---- services */

static struct str join_strings(struct arena *arena, const struct doc *list)
{
	struct str *pieces = ARENA_ARRAY(arena, struct str, doc_len(list) + 1);

	for (u32 i = 0; i < doc_len(list); i++)
		pieces[i] = doc_str(&list->items[i]);
	return str_join(arena, pieces, doc_len(list), STR(","));
}

static struct str balancer_addresses(struct arena *arena, const struct doc *object)
{
	const struct doc *ingress = doc_at(object, "status.loadBalancer.ingress");
	struct str *pieces = ARENA_ARRAY(arena, struct str, doc_len(ingress) + 1);
	u32 len = 0;

	doc_each_item(ingress, i) {
		struct str ip = doc_str(doc_key(i, "ip"));

		pieces[len++] = ip.len ? ip : doc_str(doc_key(i, "hostname"));
	}
	return str_join(arena, pieces, len, STR(","));
}

static struct str service_outside(struct arena *arena, const struct doc *service)
{
	struct str type = doc_at_str(service, "spec.type");
	struct str own = join_strings(arena, doc_at(service, "spec.externalIPs"));

	if (str_is(type, "ExternalName"))
		return doc_at_str(service, "spec.externalName");
	if (str_is(type, "LoadBalancer")) {
		struct str given = balancer_addresses(arena, service);

		if (given.len && own.len)
			return str_format(arena, STR_FMT "," STR_FMT, STR_ARG(given), STR_ARG(own));
		own = given.len ? given : own;
		return own.len ? own : STR("<pending>");
	}
	return own.len ? own : STR("<none>");
}

static struct str service_ports(struct arena *arena, const struct doc *service)
{
	const struct doc *ports = doc_at(service, "spec.ports");
	struct str *pieces = ARENA_ARRAY(arena, struct str, doc_len(ports) + 1);

	for (u32 i = 0; i < doc_len(ports); i++) {
		const struct doc *p = &ports->items[i];
		i64 port = doc_int_or(doc_key(p, "port"), 0);
		i64 node_port = doc_int_or(doc_key(p, "nodePort"), 0);
		struct str protocol = doc_str(doc_key(p, "protocol"));

		pieces[i] = node_port ? str_format(arena, "%lld:%lld/" STR_FMT, (long long)port,
						   (long long)node_port, STR_ARG(protocol))
				      : str_format(arena, "%lld/" STR_FMT, (long long)port,
						   STR_ARG(protocol));
	}
	return str_join(arena, pieces, doc_len(ports), STR(","));
}

RULE_PRINT(service_row)
{
	row_str(row, service_outside(row->arena, object));
	row_or_none(row, service_ports(row->arena, object));
}

/* ---- endpoints */

static struct str host_port(struct arena *arena, struct str address, const struct doc *port)
{
	i64 number = doc_int_or(doc_key(port, "port"), 0);

	if (!port)
		return address;
	return str_find_char(address, ':') >= 0
		       ? str_format(arena, "[" STR_FMT "]:%lld", STR_ARG(address),
				    (long long)number)
		       : str_format(arena, STR_FMT ":%lld", STR_ARG(address), (long long)number);
}

RULE_PRINT(endpoints_row)
{
	struct row_list list = { .len = 0 };

	doc_each_item(doc_key(object, "subsets"), subset) {
		const struct doc *ports = doc_key(subset, "ports");
		u32 rounds = doc_len(ports) ? doc_len(ports) : 1;

		for (u32 i = 0; i < rounds; i++)
			doc_each_item(doc_key(subset, "addresses"), address)
				row_list_add(&list,
					     host_port(row->arena, doc_str(doc_key(address, "ip")),
						       doc_item(ports, i)));
	}
	row_or_none(row, row_list_print(row->arena, &list));
}

RULE_PRINT(endpoint_slice_row)
{
	struct row_list ports = { .len = 0 }, addresses = { .len = 0 };

	doc_each_item(doc_key(object, "ports"), port) {
		const struct doc *number = doc_key(port, "port");

		row_list_add(&ports, number ? (struct str){ number->text, number->len } : STR("*"));
	}
	doc_each_item(doc_key(object, "endpoints"), endpoint)
		doc_each_item(doc_key(endpoint, "addresses"), address)
			row_list_add(&addresses, doc_str(address));
	row_str(row, ports.len ? row_list_print(row->arena, &ports) : STR("<unset>"));
	row_str(row, addresses.len ? row_list_print(row->arena, &addresses) : STR("<unset>"));
}

/* ---- events, in the shape of v1 and of events.k8s.io/v1 */

static const struct doc *either(const struct doc *object, const char *path, const char *newer)
{
	const struct doc *d = doc_at(object, path);

	return d ? d : doc_at(object, newer);
}

static struct str event_object(struct arena *arena, const struct doc *event)
{
	const struct doc *about = either(event, "involvedObject", "regarding");
	struct str kind = str_lower(arena, doc_at_str(about, "kind"));
	struct str name = doc_at_str(about, "name");

	if (name.len == 0)
		return kind;
	return str_format(arena, STR_FMT "/" STR_FMT, STR_ARG(kind), STR_ARG(name));
}

static struct str event_source(struct arena *arena, const struct doc *event)
{
	const struct doc *source = either(event, "source", "deprecatedSource");
	struct str component = doc_at_str(source, "component"), host = doc_at_str(source, "host");

	if (component.len == 0)
		component = doc_str(either(event, "reportingComponent", "reportingController"));
	if (host.len == 0)
		return component;
	return str_format(arena, STR_FMT ", " STR_FMT, STR_ARG(component), STR_ARG(host));
}

RULE_PRINT(event_row)
{
	const struct doc *series = doc_key(object, "series");
	const struct doc *first = either(object, "firstTimestamp", "deprecatedFirstTimestamp");
	const struct doc *last = either(object, "lastTimestamp", "deprecatedLastTimestamp");
	i64 count = doc_int_or(either(object, "count", "deprecatedCount"), 0);

	first = first ? first : doc_key(object, "eventTime");
	last = last ? last : first;
	if (series) {
		last = doc_key(series, "lastObservedTime");
		count = doc_int_or(doc_key(series, "count"), 0);
	}
	row_str(row, row_since(row, last));
	row_str(row, event_object(row->arena, object));
	row_str(row, event_source(row->arena, object));
	row_str(row, str_trim(doc_str(either(object, "message", "note"))));
	row_str(row, row_since(row, first));
	row_int(row, count ? count : 1);
}
