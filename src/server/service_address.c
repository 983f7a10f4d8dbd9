/*
 * Addresses and ports of Services. What is taken is read off the stored Services each time, so
 * there is no second book that could disagree after a crash; a bitmap of the range makes that
 * quick.
 */
#include <arpa/inet.h>

#include "doc/build.h"
#include "server/admission.h"
#include "server/object.h"
#include "server/service_address.h"
#include "server/state.h"
#include "server/webhook.h"

enum {
	RANGE_BITS_MAX = 20,	/* a larger range is used in part */
	STATIC_ADDRESSES = 256, /* the first ones are left to people who choose by hand */
};

struct range {
	u32 first, size; /* host byte order; first is the network's own address */
	u8 *taken;	 /* bitmap */
};

static bool range_parse(struct arena *arena, struct str cidr, struct range *ret)
{
	struct str bits = cidr, address = str_cut(&bits, '/');
	struct in_addr in;
	i64 prefix;

	if (!str_to_i64(bits, &prefix) || prefix < 8 || prefix > 30 ||
	    inet_pton(AF_INET, str_c(arena, address), &in) != 1)
		return false;
	ret->size = 1u << MIN(32 - (u32)prefix, (u32)RANGE_BITS_MAX);
	ret->first = ntohl(in.s_addr) & ~((1u << (32 - prefix)) - 1);
	ret->taken = arena_zero(arena, ret->size / 8);
	return true;
}

static bool range_index(const struct range *range, struct str text, u32 *ret_index)
{
	char copy[16];
	struct in_addr in;

	if (text.len >= sizeof copy)
		return false;
	memcpy(copy, text.at, text.len);
	copy[text.len] = 0;
	if (inet_pton(AF_INET, copy, &in) != 1 || ntohl(in.s_addr) < range->first ||
	    ntohl(in.s_addr) - range->first >= range->size)
		return false;
	*ret_index = ntohl(in.s_addr) - range->first;
	return true;
}

static void range_take(struct range *range, struct str text)
{
	u32 index;

	if (range_index(range, text, &index))
		range->taken[index / 8] |= (u8)(1 << index % 8);
}

static bool range_has(const struct range *range, u32 index)
{
	return range->taken[index / 8] >> index % 8 & 1;
}

static struct str range_address(struct arena *arena, const struct range *range, u32 index)
{
	struct in_addr in = { .s_addr = htonl(range->first + index) };
	char text[INET_ADDRSTRLEN];

	inet_ntop(AF_INET, &in, text, sizeof text);
	return str_copy(arena, str_of(text));
}

struct str service_first_address(struct arena *arena, struct str cidr)
{
	struct range range;

	return range_parse(arena, cidr, &range) ? range_address(arena, &range, 1) : STR("");
}

/* A free address: anywhere behind the static ones, then among them. 0: all are taken. */
static u32 range_find(struct random *dice, const struct range *range)
{
	u32 low = range->size > 2 * STATIC_ADDRESSES ? STATIC_ADDRESSES : 1;
	u32 span = range->size - 1 - low;
	u32 start = random_below(dice, span);

	for (u32 i = 0; i < span; i++)
		if (!range_has(range, low + (start + i) % span))
			return low + (start + i) % span;
	for (u32 i = 1; i < low; i++)
		if (!range_has(range, i))
			return i;
	return 0;
}

/* Everything other Services hold: addresses into `range`, ports into a bitmap of 65,536. */
static void take_all(struct call *call, struct str ns, struct str name, struct range *range,
		     u8 *ports)
{
	struct store_iter iter;
	struct version *service;

	store_iter_start(&iter, call->server->store, KIND_Service, STR(""), STR(""), STR(""));
	while ((service = store_iter_next(&iter))) {
		if (str_eq(service->name, name) && str_eq(service->namespace, ns))
			continue;
		range_take(range, doc_at_str(service->doc, "spec.clusterIP"));
		doc_each_item(doc_at(service->doc, "spec.ports"), port) {
			i64 number = doc_int_or(doc_key(port, "nodePort"), 0);

			if (number > 0 && number < 65536)
				ports[number / 8] |= (u8)(1 << number % 8);
		}
	}
}

struct work {
	struct call *call;
	const struct api_kind *kind;
	const struct doc *spec, *old_spec;
	struct str name, type;
	struct range range;
	u8 *ports;
	struct error *error;
};

/* ---- the cluster address */

static enum status refuse_address(struct work *w, struct str address, const char *why)
{
	return fail_invalid(
		w->call, w->kind, w->name, w->error, "FieldValueInvalid", "spec.clusterIPs",
		"Invalid value: []string{\"" STR_FMT "\"}: failed to allocate IP " STR_FMT ": %s",
		STR_ARG(address), STR_ARG(address), why);
}

static enum status choose_address(struct work *w, struct str *address)
{
	u32 index;

	if (address->len) {
		if (str_eq(*address, doc_str(doc_key(w->old_spec, "clusterIP"))))
			return ST_OK;
		if (!range_index(&w->range, *address, &index))
			return refuse_address(
				w, *address,
				str_format(w->call->arena,
					   "the provided IP is not in the valid range. The range "
					   "of valid IPs is " STR_FMT,
					   STR_ARG(w->call->server->config.service_cidr))
					.at);
		if (range_has(&w->range, index))
			return refuse_address(w, *address, "provided IP is already allocated");
		return ST_OK;
	}
	index = range_find(webhook_dice(w->call), &w->range);
	if (index == 0)
		return fail(w->error, ST_INTERNAL, "failed to allocate a serviceIP: range is full");
	*address = range_address(w->call->arena, &w->range, index);
	return ST_OK;
}

static enum status give_address(struct work *w)
{
	struct arena *arena = w->call->arena;
	struct str address = doc_str(doc_key(w->spec, "clusterIP"));
	const struct doc *text;
	enum status status = ST_OK;

	if (address.len == 0)
		address = doc_str(doc_item(doc_key(w->spec, "clusterIPs"), 0));
	if (str_is(w->type, "ExternalName")) {
		w->spec = doc_with(arena, w->spec, STR("clusterIP"), NULL);
		w->spec = doc_with(arena, w->spec, STR("clusterIPs"), NULL);
		return ST_OK;
	}
	/* An update that says nothing keeps what there is. */
	if (address.len == 0)
		address = doc_str(doc_key(w->old_spec, "clusterIP"));
	if (!str_is(address, "None"))
		status = choose_address(w, &address);
	if (status != ST_OK)
		return status;
	text = doc_new_str(arena, address);
	w->spec = doc_with(arena, w->spec, STR("clusterIP"), text);
	w->spec = doc_with(arena, w->spec, STR("clusterIPs"), doc_new_array(arena, &text, 1));
	if (!doc_key(w->spec, "ipFamilies")) {
		const struct doc *family = doc_ref_str(arena, STR("IPv4"));

		w->spec = doc_with(arena, w->spec, STR("ipFamilies"),
				   doc_new_array(arena, &family, 1));
	}
	if (!doc_key(w->spec, "ipFamilyPolicy"))
		w->spec = doc_with(arena, w->spec, STR("ipFamilyPolicy"),
				   doc_ref_str(arena, STR("SingleStack")));
	return ST_OK;
}

/* ---- node ports */

/* The port of the old Service with this number and protocol keeps its node port. */
static i64 old_node_port(const struct work *w, const struct doc *port)
{
	doc_each_item(doc_key(w->old_spec, "ports"), was)
		if (doc_int_or(doc_key(was, "port"), 0) == doc_int_or(doc_key(port, "port"), 0) &&
		    str_eq(doc_str_or(doc_key(was, "protocol"), STR("TCP")),
			   doc_str_or(doc_key(port, "protocol"), STR("TCP"))))
			return doc_int_or(doc_key(was, "nodePort"), 0);
	return 0;
}

static i64 find_port(struct work *w)
{
	const struct server_config *config = &w->call->server->config;
	u32 low = config->node_port_low, span = config->node_port_high - low + 1u;
	u32 start = random_below(webhook_dice(w->call), span);

	for (u32 i = 0; i < span; i++) {
		u32 port = low + (start + i) % span;

		if (!(w->ports[port / 8] >> port % 8 & 1))
			return port;
	}
	return 0;
}

static enum status check_port(struct work *w, u32 index, i64 number, const char *why)
{
	return fail_invalid(w->call, w->kind, w->name, w->error, "FieldValueInvalid",
			    str_format(w->call->arena, "spec.ports[%u].nodePort", index).at,
			    "Invalid value: %lld: %s", (long long)number, why);
}

static enum status give_port(struct work *w, u32 index, const struct doc **port)
{
	const struct server_config *config = &w->call->server->config;
	i64 said = doc_int_or(doc_key(*port, "nodePort"), 0), had = old_node_port(w, *port);
	i64 number = said ? said : had;

	if (number == 0)
		number = find_port(w);
	if (number == 0)
		return fail(w->error, ST_INTERNAL, "failed to allocate a nodePort: range is full");
	if (said && said != had) {
		if (said < config->node_port_low || said > config->node_port_high)
			return check_port(w, index, said,
					  str_format(w->call->arena,
						     "provided port is not in the valid range. The "
						     "range of valid ports is %u-%u",
						     config->node_port_low, config->node_port_high)
						  .at);
		if (w->ports[said / 8] >> said % 8 & 1)
			return check_port(w, index, said, "provided port is already allocated");
	}
	w->ports[number / 8] |= (u8)(1 << number % 8);
	*port = doc_with(w->call->arena, *port, STR("nodePort"),
			 doc_new_int(w->call->arena, number));
	return ST_OK;
}

static enum status give_ports(struct work *w)
{
	const struct doc *list = doc_key(w->spec, "ports");
	bool wanted = str_is(w->type, "NodePort") ||
		      (str_is(w->type, "LoadBalancer") &&
		       doc_bool_or(doc_key(w->spec, "allocateLoadBalancerNodePorts"), true));

	for (u32 i = 0; i < doc_len(list); i++) {
		const struct doc *port = doc_item(list, i);
		enum status status = ST_OK;

		if (wanted)
			status = give_port(w, i, &port);
		else if (doc_key(port, "nodePort") && old_node_port(w, port) && w->old_spec)
			port = doc_with(w->call->arena, port, STR("nodePort"), NULL);
		if (status != ST_OK)
			return status;
		if (port != doc_item(list, i))
			list = doc_with_item(w->call->arena, list, i, port);
	}
	if (list)
		w->spec = doc_with(w->call->arena, w->spec, STR("ports"), list);
	return ST_OK;
}

enum status admit_service(struct call *call, const struct api_kind *kind, const struct doc *doc,
			  const struct doc *old, const struct doc **ret_doc, struct error *error)
{
	struct work w = {
		.call = call,
		.kind = kind,
		.spec = doc_key(doc, "spec"),
		.old_spec = doc_key(old, "spec"),
		.name = object_name(doc),
		.ports = arena_zero(call->arena, 65536 / 8),
		.error = error,
	};
	enum status status;

	w.type = doc_str_or(doc_key(w.spec, "type"), STR("ClusterIP"));
	if (!doc_is(w.spec, DOC_OBJECT)) { /* validation will say so */
		*ret_doc = doc;
		return ST_OK;
	}
	/* The usual update changes neither. */
	if (old && doc_eq(w.spec, w.old_spec)) {
		*ret_doc = doc;
		return ST_OK;
	}
	if (!range_parse(call->arena, call->server->config.service_cidr, &w.range))
		return fail(error, ST_INTERNAL, "the range of service addresses is not valid");
	take_all(call, doc_at_str(doc, "metadata.namespace"), w.name, &w.range, w.ports);
	status = give_address(&w);
	if (status == ST_OK)
		status = give_ports(&w);
	if (status == ST_OK)
		*ret_doc = w.spec == doc_key(doc, "spec")
				   ? doc
				   : doc_with(call->arena, doc, STR("spec"), w.spec);
	return status;
}
