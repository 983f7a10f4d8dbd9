/* libldns reads and writes the messages; here stands only what a server of few names makes of them.
 */
#include "network/dns_wire.h"

#include "base/check.h"
#include "network/ldns.h"

/* ---- reading */

static bool is_name_byte(u8 c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

/* A name's labels, uncompressed and whole as libldns gives them, as dotted lower-case text. */
static struct str name_text(struct arena *arena, const u8 *labels, size_t len)
{
	char *text = arena_alloc(arena, len + 1);
	size_t used = 0;

	for (size_t at = 0; at < len && labels[at]; at += labels[at] + 1u) {
		CHECK(at + labels[at] < len);
		if (used)
			text[used++] = '.';
		for (u32 i = 1; i <= labels[at]; i++) {
			u8 c = labels[at + i];

			c = c >= 'A' && c <= 'Z' ? (u8)(c | 32) : c;
			text[used++] = is_name_byte(c) ? (char)c : '?'; /* never matches */
		}
	}
	return (struct str){ text, used };
}

static enum status read_packet(const struct ldns_library *ldns, struct arena *arena,
			       const ldns_pkt *packet, struct dns_query *query,
			       enum dns_code *ret_code)
{
	const ldns_rr *asked = ldns->ldns_rr_list_rr(ldns->ldns_pkt_question(packet), 0);
	const ldns_rdf *name = asked ? ldns->ldns_rr_owner(asked) : NULL;

	if (!name)
		return ST_BAD_REQUEST;
	struct str labels = { (const char *)ldns->ldns_rdf_data(name), ldns->ldns_rdf_size(name) };

	query->question = str_copy(arena, labels);
	query->name = name_text(arena, (const u8 *)labels.at, labels.len);
	query->type = (enum dns_type)ldns->ldns_rr_get_type(asked);
	query->edns = ldns->ldns_pkt_edns(packet);
	if (query->edns)
		query->room = (u16)MIN(MAX(ldns->ldns_pkt_edns_udp_size(packet), DNS_PLAIN_MAX),
				       DNS_UDP_MAX);
	if (ldns->ldns_rr_get_class(asked) != LDNS_RR_CLASS_IN) {
		*ret_code = DNS_REFUSED;
		return ST_BAD_REQUEST;
	}
	*ret_code = DNS_OK;
	return ST_OK;
}

enum status dns_query_read(struct arena *arena, struct str bytes, struct dns_query *ret_query,
			   enum dns_code *ret_code)
{
	const struct ldns_library *ldns = ldns_load();
	const u8 *wire = (const u8 *)bytes.at;
	ldns_pkt *packet = NULL;

	/* Answers are not answered: two servers could go on for ever. */
	*ret_code = DNS_OK;
	if (!ldns || bytes.len < LDNS_HEADER_SIZE || LDNS_QR_WIRE(wire))
		return ST_BAD_REQUEST;
	*ret_query = (struct dns_query){ .id = LDNS_ID_WIRE(wire),
					 .recursion = LDNS_RD_WIRE(wire),
					 .room = DNS_PLAIN_MAX };
	*ret_code = LDNS_OPCODE_WIRE(wire) ? DNS_NOT_DONE : DNS_BAD_FORMAT;
	if (LDNS_OPCODE_WIRE(wire) || LDNS_QDCOUNT(wire) != 1 || LDNS_ANCOUNT(wire) ||
	    LDNS_NSCOUNT(wire) || ldns->ldns_wire2pkt(&packet, wire, bytes.len) != LDNS_STATUS_OK)
		return ST_BAD_REQUEST;
	enum status status = read_packet(ldns, arena, packet, ret_query, ret_code);

	ldns->ldns_pkt_free(packet);
	return status;
}

bool dns_addresses_read(struct arena *arena, struct str bytes, struct str name, enum dns_type type,
			struct dns_answer *answer)
{
	const struct ldns_library *ldns = ldns_load();
	ldns_pkt *packet = NULL;

	if (!ldns || ldns->ldns_wire2pkt(&packet, (const u8 *)bytes.at, bytes.len))
		return false;
	bool is_answer = ldns->ldns_pkt_qr(packet);
	const ldns_rr_list *records = ldns->ldns_pkt_answer(packet);
	size_t len = is_answer ? ldns->ldns_rr_list_rr_count(records) : 0;

	for (size_t i = 0; i < len && answer->answers.len < DNS_RECORDS_MAX; i++) {
		const ldns_rr *rr = ldns->ldns_rr_list_rr(records, i);
		const ldns_rdf *data = ldns->ldns_rr_rdf(rr, 0);
		struct dns_record record = { .name = name, .type = type };

		if ((u32)ldns->ldns_rr_get_type(rr) != (u32)type || !data)
			continue;
		const u8 *at = ldns->ldns_rdf_data(data);

		if (type == DNS_A)
			record.address = ldns_read_uint32(at);
		else if (type == DNS_AAAA)
			record.target = str_copy(arena, (struct str){ (const char *)at, 16 });
		else
			continue;
		VEC_PUSH(arena, &answer->answers, record);
	}
	if (is_answer && ldns->ldns_pkt_get_rcode(packet) == LDNS_RCODE_SERVFAIL)
		answer->code = DNS_FAILED;
	ldns->ldns_pkt_free(packet);
	return is_answer;
}

/* ---- writing */

struct writer {
	const struct ldns_library *ldns;
	struct arena *arena;
	ldns_pkt *packet;
};

static ldns_rdf *name_data(const struct writer *w, struct str name)
{
	/* "." is the root; a name libldns will not have (a label over 63 bytes) becomes that too */
	ldns_rdf *made = w->ldns->ldns_dname_new_frm_str(name.len ? str_c(w->arena, name) : ".");

	return made ? made : w->ldns->ldns_dname_new_frm_str(".");
}

static void put_question(const struct writer *w, ldns_rdf *name, enum dns_type type)
{
	ldns_rr *rr = w->ldns->ldns_rr_new();

	w->ldns->ldns_rr_set_question(rr, true);
	w->ldns->ldns_rr_set_owner(rr, name);
	w->ldns->ldns_rr_set_type(rr, (ldns_rr_type)type);
	w->ldns->ldns_rr_set_class(rr, LDNS_RR_CLASS_IN);
	CHECK(w->ldns->ldns_pkt_push_rr(w->packet, LDNS_SECTION_QUESTION, rr));
}

static ldns_rr *record_new(const struct writer *w, struct str name, enum dns_type type)
{
	ldns_rr *rr = w->ldns->ldns_rr_new();

	w->ldns->ldns_rr_set_owner(rr, name_data(w, name));
	w->ldns->ldns_rr_set_type(rr, (ldns_rr_type)type);
	w->ldns->ldns_rr_set_class(rr, LDNS_RR_CLASS_IN);
	w->ldns->ldns_rr_set_ttl(rr, DNS_TTL_S);
	return rr;
}

static void put_data(const struct writer *w, ldns_rr *rr, ldns_rdf *data)
{
	CHECK(data && w->ldns->ldns_rr_push_rdf(rr, data));
}

static void put_record(const struct writer *w, ldns_pkt_section section,
		       const struct dns_record *record)
{
	const struct ldns_library *ldns = w->ldns;
	ldns_rr *rr = record_new(w, record->name, record->type);

	if (record->type == DNS_A) {
		u8 address[4];

		ldns_write_uint32(address, record->address);
		put_data(w, rr,
			 ldns->ldns_rdf_new_frm_data(LDNS_RDF_TYPE_A, sizeof address, address));
	} else if (record->type == DNS_AAAA) {
		put_data(w, rr,
			 ldns->ldns_rdf_new_frm_data(LDNS_RDF_TYPE_AAAA, record->target.len,
						     record->target.at));
	} else {
		if (record->type == DNS_SRV) {
			const u16 numbers[] = { 0 /* priority */, record->weight, record->port };

			for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
				put_data(w, rr,
					 ldns->ldns_native2rdf_int16(LDNS_RDF_TYPE_INT16,
								     numbers[i]));
		}
		put_data(w, rr, name_data(w, record->target));
	}
	CHECK(ldns->ldns_pkt_push_rr(w->packet, section, rr));
}

/* Says for how long "no" holds. */
static void put_authority(const struct writer *w, struct str domain)
{
	static const u32 numbers[] = { 1, 7200, 1800, 86400, DNS_TTL_S };
	ldns_rr *rr = record_new(w, domain, DNS_SOA);

	put_data(w, rr, name_data(w, str_format(w->arena, "ns.dns." STR_FMT, STR_ARG(domain))));
	put_data(w, rr, name_data(w, str_format(w->arena, "hostmaster." STR_FMT, STR_ARG(domain))));
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
		put_data(w, rr, w->ldns->ldns_native2rdf_int32(LDNS_RDF_TYPE_INT32, numbers[i]));
	CHECK(w->ldns->ldns_pkt_push_rr(w->packet, LDNS_SECTION_AUTHORITY, rr));
}

static struct str packet_bytes(struct writer *w)
{
	struct str bytes = { 0 };
	u8 *wire = NULL;
	size_t len = 0;

	if (w->ldns->ldns_pkt2wire(&wire, w->packet, &len) == LDNS_STATUS_OK)
		bytes = str_copy(w->arena, (struct str){ (const char *)wire, len });
	LDNS_FREE(wire);
	w->ldns->ldns_pkt_free(w->packet);
	return bytes;
}

static void packet_start(struct writer *w, u16 id, bool recursion)
{
	w->packet = w->ldns->ldns_pkt_new();
	CHECK(w->packet);
	w->ldns->ldns_pkt_set_id(w->packet, id);
	w->ldns->ldns_pkt_set_rd(w->packet, recursion);
}

static struct str answer_bytes(struct writer *w, const struct dns_query *query,
			       const struct dns_answer *answer, struct str domain, bool cut)
{
	const struct ldns_library *ldns = w->ldns;
	bool negative =
		!answer->answers.len && (answer->code == DNS_OK || answer->code == DNS_NO_NAME);

	packet_start(w, query->id, query->recursion);
	ldns->ldns_pkt_set_qr(w->packet, true);
	ldns->ldns_pkt_set_aa(w->packet, true);
	ldns->ldns_pkt_set_ra(w->packet, true);
	ldns->ldns_pkt_set_tc(w->packet, cut);
	ldns->ldns_pkt_set_rcode(w->packet, (u8)answer->code);
	if (query->question.len)
		put_question(
			w,
			ldns->ldns_dname_new_frm_data((u16)query->question.len, query->question.at),
			query->type);
	for (u32 i = 0; !cut && i < answer->answers.len; i++)
		put_record(w, LDNS_SECTION_ANSWER, &answer->answers.at[i]);
	if (negative && !cut)
		put_authority(w, domain);
	for (u32 i = 0; !cut && i < answer->extra.len; i++)
		put_record(w, LDNS_SECTION_ADDITIONAL, &answer->extra.at[i]);
	if (query->edns)
		ldns->ldns_pkt_set_edns_udp_size(w->packet, DNS_UDP_MAX);
	return packet_bytes(w);
}

struct str dns_answer_write(struct arena *arena, const struct dns_query *query,
			    const struct dns_answer *answer, struct str domain, size_t room)
{
	struct writer w = { .ldns = ldns_load(), .arena = arena };

	if (!w.ldns)
		return (struct str){ 0 };
	struct str bytes = answer_bytes(&w, query, answer, domain, false);

	if (!bytes.len || bytes.len > room)
		bytes = answer_bytes(&w, query, answer, domain, true);
	return bytes;
}

struct str dns_query_write(struct arena *arena, u16 id, struct str name, enum dns_type type)
{
	struct writer w = { .ldns = ldns_load(), .arena = arena };

	if (!w.ldns)
		return (struct str){ 0 };
	packet_start(&w, id, true);
	put_question(&w, name_data(&w, name), type);
	return packet_bytes(&w);
}
