/*
 * SERVICE.NAMESPACE.svc.DOMAIN, [_PORT._PROTOCOL.]… and HOST.… before it, a-b-c-d.NAMESPACE.pod.,
 * and the way back from addresses. A name that exists without the type asked for is an empty
 * answer, so that resolvers do not go on searching.
 */
#include "network/dns_answers.h"

enum { ALIASES_MAX = 8, LABELS_MAX = 8 };

struct asking {
	struct arena *arena;
	const struct dns_facts *facts;
	const struct service_view *view;
	struct str name;
	enum dns_type type;
	struct dns_answer *answer;
	bool found; /* the name exists */
};

static void add(struct asking *a, bool extra, struct dns_record record)
{
	struct dns_answer *answer = a->answer;

	if (answer->answers.len + answer->extra.len >= DNS_RECORDS_MAX)
		return;
	if (extra)
		VEC_PUSH(a->arena, &answer->extra, record);
	else
		VEC_PUSH(a->arena, &answer->answers, record);
}

static void add_address(struct asking *a, bool extra, struct str name, u32 address)
{
	add(a, extra, (struct dns_record){ .name = name, .type = DNS_A, .address = address });
}

static bool wants(const struct asking *a, enum dns_type type)
{
	return a->type == type || a->type == DNS_ANY;
}

static bool is_headless(const struct service_entry *entry)
{
	return str_is(doc_at_str(entry->service, "spec.clusterIP"), "None");
}

static struct str service_name(struct asking *a, const struct service_entry *entry)
{
	return str_format(a->arena, STR_FMT "." STR_FMT ".svc." STR_FMT, STR_ARG(entry->name),
			  STR_ARG(entry->ns), STR_ARG(a->facts->domain));
}

/* ---- endpoints */

struct place {
	u32 address;
	struct str host; /* its label under the Service */
};

static bool place_of(struct asking *a, const struct doc *slice, const struct doc *endpoint,
		     struct place *ret)
{
	struct str text = doc_str(doc_item(doc_key(endpoint, "addresses"), 0));
	char *dashed;

	if (!str_is(doc_at_str(slice, "addressType"), "IPv4") || !endpoint_is_ready(endpoint) ||
	    !address_parse(text, &ret->address))
		return false;
	ret->host = doc_at_str(endpoint, "hostname");
	if (ret->host.len)
		return true;
	dashed = arena_copy(a->arena, text.at, text.len);
	for (size_t i = 0; i < text.len; i++)
		if (dashed[i] == '.')
			dashed[i] = '-';
	ret->host = (struct str){ dashed, text.len };
	return true;
}

static void add_endpoints(struct asking *a, const struct service_entry *entry, struct str host)
{
	for (const struct service_slice *s = entry->slices; s; s = s->next)
		doc_each_item(doc_key(s->doc, "endpoints"), endpoint) {
			struct place place;
			bool known = false;

			if (!place_of(a, s->doc, endpoint, &place) ||
			    (host.len && !str_eq(host, place.host)))
				continue;
			a->found = true;
			/* Ports that differ put an address into several slices. */
			for (u32 i = 0; i < a->answer->answers.len; i++)
				known |= a->answer->answers.at[i].address == place.address;
			if (!known && wants(a, DNS_A))
				add_address(a, false, a->name, place.address);
		}
}

/* ---- SRV */

static bool port_matches(const struct doc *port, struct str name, struct str protocol)
{
	struct str its = doc_str_or(doc_key(port, "protocol"), STR("TCP"));

	if (!name.len && !protocol.len)
		return true;
	return str_eq(doc_at_str(port, "name"), name) && its.len == protocol.len &&
	       (its.at[0] | 32) == protocol.at[0] && (its.at[1] | 32) == protocol.at[1];
}

static void add_port(struct asking *a, const struct doc *port, struct str target, u32 address)
{
	a->found = true;
	if (!wants(a, DNS_SRV))
		return;
	add(a, false,
	    (struct dns_record){ .name = a->name,
				 .type = DNS_SRV,
				 .target = target,
				 .weight = 100,
				 .port = (u16)doc_at_int(port, "port", 0) });
	add_address(a, true, target, address);
}

static void add_slice_ports(struct asking *a, const struct service_entry *entry,
			    const struct doc *slice, struct str name, struct str protocol)
{
	doc_each_item(doc_key(slice, "ports"), port) {
		if (!port_matches(port, name, protocol))
			continue;
		doc_each_item(doc_key(slice, "endpoints"), endpoint) {
			struct place place;

			if (!place_of(a, slice, endpoint, &place))
				continue;
			add_port(a, port,
				 str_format(a->arena, STR_FMT "." STR_FMT, STR_ARG(place.host),
					    STR_ARG(service_name(a, entry))),
				 place.address);
		}
	}
}

static void add_ports(struct asking *a, const struct service_entry *entry, struct str name,
		      struct str protocol)
{
	u32 address;

	if (is_headless(entry)) {
		for (const struct service_slice *s = entry->slices; s; s = s->next)
			add_slice_ports(a, entry, s->doc, name, protocol);
		return;
	}
	if (!address_parse(doc_at_str(entry->service, "spec.clusterIP"), &address))
		return;
	doc_each_item(doc_at(entry->service, "spec.ports"), port) {
		if (port_matches(port, name, protocol))
			add_port(a, port, service_name(a, entry), address);
	}
}

/* ---- names */

/* The last label and the dot before it, taken off. */
static struct str take_label(struct str *name)
{
	i64 dot = str_find_last(*name, '.');
	struct str label = dot < 0 ? *name : str_from(*name, (size_t)dot + 1);

	*name = dot < 0 ? STR_NONE : str_part(*name, 0, (size_t)dot);
	return label;
}

static bool ends_in(struct str name, struct str domain, struct str *ret_rest)
{
	if (str_eq(name, domain)) {
		*ret_rest = STR_NONE;
		return true;
	}
	if (name.len <= domain.len || !str_ends(name, domain) ||
	    name.at[name.len - domain.len - 1] != '.')
		return false;
	*ret_rest = str_part(name, 0, name.len - domain.len - 1);
	return true;
}

static bool ask(struct asking *a, u32 depth);

static void follow(struct asking *a, struct str target, u32 depth)
{
	struct str alias = a->name;

	if (target.len && target.at[target.len - 1] == '.')
		target.len--;
	a->found = true;
	if (!target.len || target.len > DNS_NAME_MAX - 2 || depth >= ALIASES_MAX)
		return;
	target = str_lower(a->arena, target);
	add(a, false, (struct dns_record){ .name = alias, .type = DNS_CNAME, .target = target });
	if (a->type == DNS_CNAME)
		return;
	a->name = target;
	if (!ask(a, depth + 1))
		a->answer->elsewhere = target;
	a->found = true;
}

static void ask_service(struct asking *a, const struct service_entry *entry, u32 depth)
{
	u32 address;

	if (str_is(doc_at_str(entry->service, "spec.type"), "ExternalName")) {
		follow(a, doc_at_str(entry->service, "spec.externalName"), depth);
		return;
	}
	a->found = true;
	if (is_headless(entry))
		add_endpoints(a, entry, STR_NONE);
	else if (wants(a, DNS_A) &&
		 address_parse(doc_at_str(entry->service, "spec.clusterIP"), &address))
		add_address(a, false, a->name, address);
	if (a->type == DNS_SRV)
		add_ports(a, entry, STR_NONE, STR_NONE);
}

static bool namespace_is_known(const struct asking *a, struct str ns)
{
	for (struct map_entry *e = NULL; (e = map_next(&a->view->entries, e));) {
		const struct service_entry *entry = e->value;

		if (entry->service && str_eq(entry->ns, ns))
			return true;
	}
	return false;
}

static void ask_services(struct asking *a, struct str rest, u32 depth)
{
	if (!rest.len) {
		a->found = true;
		return;
	}
	struct str ns = take_label(&rest);

	if (!rest.len) {
		a->found = namespace_is_known(a, ns);
		return;
	}
	const struct service_entry *entry = service_view_find(a->view, ns, take_label(&rest));

	if (!entry)
		return;
	if (!rest.len) {
		ask_service(a, entry, depth);
		return;
	}
	struct str last = take_label(&rest), first = take_label(&rest);

	if (last.len > 1 && last.at[0] == '_') {
		if (!rest.len && first.len > 1 && first.at[0] == '_')
			add_ports(a, entry, str_from(first, 1), str_from(last, 1));
	} else if (!first.len) {
		add_endpoints(a, entry, last);
	}
}

/* 10-244-0-5.default.pod: any address will do, as nobody looks whether it is somebody's. */
static void ask_pods(struct asking *a, struct str rest)
{
	char *dotted;
	u32 address;

	take_label(&rest); /* the namespace */
	if (!rest.len || str_find_char(rest, '.') >= 0) {
		a->found = !rest.len;
		return;
	}
	dotted = arena_copy(a->arena, rest.at, rest.len);
	for (size_t i = 0; i < rest.len; i++)
		if (dotted[i] == '-')
			dotted[i] = '.';
	if (!address_parse((struct str){ dotted, rest.len }, &address))
		return;
	a->found = true;
	if (wants(a, DNS_A))
		add_address(a, false, a->name, address);
}

/* ---- the way back */

static void name_of_address(struct asking *a, u32 address)
{
	struct service_list all = service_view_all(a->view, a->arena);

	for (u32 i = 0; i < all.len; i++) {
		const struct service_entry *entry = all.at[i];
		struct str full = service_name(a, entry);
		u32 its;

		if (address_parse(doc_at_str(entry->service, "spec.clusterIP"), &its) &&
		    its == address)
			add(a, false,
			    (struct dns_record){
				    .name = a->name, .type = DNS_PTR, .target = full });
		for (const struct service_slice *s = entry->slices; s; s = s->next)
			doc_each_item(doc_key(s->doc, "endpoints"), endpoint) {
				struct place place;

				/* Only endpoints with a name of their own; the rest is noise. */
				if (!place_of(a, s->doc, endpoint, &place) ||
				    place.address != address || !is_headless(entry))
					continue;
				add(a, false,
				    (struct dns_record){ .name = a->name,
							 .type = DNS_PTR,
							 .target = str_format(a->arena,
									      STR_FMT "." STR_FMT,
									      STR_ARG(place.host),
									      STR_ARG(full)) });
			}
	}
}

static bool ask_backwards(struct asking *a, struct str rest)
{
	u32 address = 0;
	struct str labels[4];

	for (int i = 3; i >= 0; i--)
		labels[3 - i] = take_label(&rest);
	struct str text = str_join(a->arena, labels, 4, STR("."));

	if (rest.len || !address_parse(text, &address) ||
	    (!address_in(&a->facts->cluster, address) && !address_in(&a->facts->services, address)))
		return false;
	name_of_address(a, address);
	a->found = a->answer->answers.len > 0;
	if (!wants(a, DNS_PTR))
		a->answer->answers.len = 0;
	return true;
}

static bool ask(struct asking *a, u32 depth)
{
	struct str rest;

	if (ends_in(a->name, STR("in-addr.arpa"), &rest))
		return ask_backwards(a, rest);
	if (!ends_in(a->name, a->facts->domain, &rest))
		return false;
	if (!rest.len) {
		a->found = true;
		return true;
	}
	struct str group = take_label(&rest);

	if (str_is(group, "svc"))
		ask_services(a, rest, depth);
	else if (str_is(group, "pod"))
		rest.len ? ask_pods(a, rest) : (void)(a->found = true);
	return true;
}

bool dns_answer(struct arena *arena, const struct dns_facts *facts, const struct service_view *view,
		struct str name, enum dns_type type, u32 turn, struct dns_answer *ret_answer)
{
	struct dns_answer answer = { 0 };
	struct asking a = { arena, facts, view, name, type, &answer, false };

	if (!ask(&a, 0))
		return false;
	answer.code = a.found ? DNS_OK : DNS_NO_NAME;
	/* Each asker another first address; an alias stays before what it leads to. */
	if (answer.answers.len > 1 && answer.answers.at[0].type == DNS_A) {
		u32 len = answer.answers.len;
		struct dns_record *turned = ARENA_ARRAY(arena, struct dns_record, len);

		for (u32 i = 0; i < len; i++)
			turned[i] = answer.answers.at[(i + turn) % len];
		answer.answers.at = turned;
	}
	*ret_answer = answer;
	return true;
}
