/* Big-endian numbers and names as labels; pointers in names are skipped, never followed. */
#include "network/dns_wire.h"

enum {
	FLAG_ANSWER = 0x8000,
	FLAG_OWN = 0x0400,
	FLAG_CUT = 0x0200,
	FLAG_WANTED = 0x0100,
	FLAG_RECURSIVE = 0x0080,
	OPCODE = 0x7800,
	CLASS_IN = 1,
	LABEL_MAX = 63
};

struct reader {
	const u8 *at;
	size_t len, pos;
	bool bad;
};

static u32 take(struct reader *r, int bytes)
{
	u32 value = 0;

	if (r->len - r->pos < (size_t)bytes) {
		r->bad = true;
		return 0;
	}
	while (bytes--)
		value = value << 8 | r->at[r->pos++];
	return value;
}

static bool is_name_byte(u8 c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

/* A question's name: plain labels. */
static struct str take_name(struct arena *arena, struct reader *r)
{
	char *text = arena_alloc(arena, DNS_NAME_MAX + 1);
	size_t len = 0;

	for (u32 label; (label = take(r, 1)) != 0 && !r->bad;) {
		if (label > LABEL_MAX || len + label + 1 > DNS_NAME_MAX - 1 ||
		    r->len - r->pos < label) {
			r->bad = true;
			break;
		}
		if (len)
			text[len++] = '.';
		for (u32 i = 0; i < label; i++) {
			u8 c = r->at[r->pos++];

			c = c >= 'A' && c <= 'Z' ? (u8)(c | 32) : c;
			text[len++] = is_name_byte(c) ? (char)c : '?'; /* never matches */
		}
	}
	return (struct str){ text, len };
}

static void skip_name(struct reader *r)
{
	for (u32 label; (label = take(r, 1)) != 0 && !r->bad;) {
		if ((label & 0xc0) == 0xc0) {
			take(r, 1);
			return;
		}
		if (label > LABEL_MAX || r->len - r->pos < label)
			r->bad = true;
		else
			r->pos += label;
	}
}

static void read_options(struct reader *r, u32 records, struct dns_query *query)
{
	for (u32 i = 0; i < records && !r->bad; i++) {
		skip_name(r);
		u32 type = take(r, 2), size = take(r, 2);

		take(r, 4);
		u32 bytes = take(r, 2);

		if (r->bad || r->len - r->pos < bytes)
			return;
		r->pos += bytes;
		if (type != DNS_OPT)
			continue;
		query->edns = true;
		query->room = (u16)MIN(MAX(size, (u32)DNS_PLAIN_MAX), (u32)DNS_UDP_MAX);
	}
}

enum status dns_query_read(struct arena *arena, struct str bytes, struct dns_query *ret_query,
			   enum dns_code *ret_code)
{
	struct reader r = { (const u8 *)bytes.at, bytes.len, 0, false };
	struct dns_query query = { .room = DNS_PLAIN_MAX };
	u32 counts[4];

	*ret_code = DNS_OK;
	query.id = (u16)take(&r, 2);
	u32 flags = take(&r, 2);

	for (int i = 0; i < 4; i++)
		counts[i] = take(&r, 2);
	if (r.bad || flags & FLAG_ANSWER)
		return ST_BAD_REQUEST; /* answers are not answered: two servers could go on for ever
					*/
	query.recursion = flags & FLAG_WANTED;
	*ret_query = query;
	*ret_code = flags & OPCODE ? DNS_NOT_DONE : DNS_BAD_FORMAT;
	if (flags & OPCODE || counts[0] != 1 || counts[1] || counts[2])
		return ST_BAD_REQUEST;
	query.name = take_name(arena, &r);
	query.type = (enum dns_type)take(&r, 2);
	u32 class = take(&r, 2);

	if (r.bad)
		return ST_BAD_REQUEST;
	query.question = str_part(bytes, DNS_HEADER, r.pos - DNS_HEADER);
	read_options(&r, counts[3], &query);
	*ret_query = query;
	if (class != CLASS_IN) {
		*ret_code = DNS_REFUSED;
		return ST_BAD_REQUEST;
	}
	*ret_code = DNS_OK;
	return ST_OK;
}

/* ---- writing */

static void put(struct buffer *out, u32 value, int bytes)
{
	while (bytes--)
		buffer_add_char(out, (char)(value >> (8 * bytes)));
}

static void put_name(struct buffer *out, struct str name)
{
	while (name.at && name.len) {
		struct str label = str_cut(&name, '.');

		label = str_part(label, 0, LABEL_MAX);
		put(out, (u32)label.len, 1);
		buffer_add_str(out, label);
	}
	put(out, 0, 1);
}

static void put_record(struct buffer *out, const struct dns_record *record, struct str asked)
{
	struct buffer data = BUFFER_INIT(1024);

	if (str_eq(record->name, asked))
		put(out, 0xc000 | DNS_HEADER, 2); /* the question's name, by reference */
	else
		put_name(out, record->name);
	put(out, record->type, 2);
	put(out, CLASS_IN, 2);
	put(out, DNS_TTL_S, 4);
	if (record->type == DNS_A) {
		put(&data, record->address, 4);
	} else if (record->type == DNS_AAAA) {
		buffer_add_str(&data, record->target); /* sixteen bytes as they came */
	} else {
		if (record->type == DNS_SRV) {
			put(&data, 0, 2); /* priority */
			put(&data, record->weight, 2);
			put(&data, record->port, 2);
		}
		put_name(&data, record->target);
	}
	put(out, (u32)data.len, 2);
	buffer_add_str(out, buffer_str(&data));
	buffer_release(&data);
}

/* Says for how long "no" holds. */
static void put_authority(struct buffer *out, struct str domain)
{
	struct buffer data = BUFFER_INIT(1024);
	static const u32 numbers[] = { 1, 7200, 1800, 86400, DNS_TTL_S };

	put_name(out, domain);
	put(out, DNS_SOA, 2);
	put(out, CLASS_IN, 2);
	put(out, DNS_TTL_S, 4);
	buffer_add(&data, "\2ns\3dns", 7);
	put_name(&data, domain);
	buffer_add(&data, "\12hostmaster", 11);
	put_name(&data, domain);
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
		put(&data, numbers[i], 4);
	put(out, (u32)data.len, 2);
	buffer_add_str(out, buffer_str(&data));
	buffer_release(&data);
}

static void put_message(struct buffer *out, const struct dns_query *query,
			const struct dns_answer *answer, struct str domain, bool cut)
{
	bool negative =
		!answer->answers.len && (answer->code == DNS_OK || answer->code == DNS_NO_NAME);
	u32 flags = FLAG_ANSWER | FLAG_RECURSIVE | FLAG_OWN | (u32)answer->code;

	put(out, query->id, 2);
	put(out, flags | (query->recursion ? FLAG_WANTED : 0) | (cut ? FLAG_CUT : 0), 2);
	put(out, query->question.len ? 1 : 0, 2);
	put(out, cut ? 0 : answer->answers.len, 2);
	put(out, negative && !cut ? 1 : 0, 2);
	put(out, (cut ? 0 : answer->extra.len) + query->edns, 2);
	buffer_add_str(out, query->question);
	for (u32 i = 0; !cut && i < answer->answers.len; i++)
		put_record(out, &answer->answers.at[i], query->name);
	if (negative && !cut)
		put_authority(out, domain);
	for (u32 i = 0; !cut && i < answer->extra.len; i++)
		put_record(out, &answer->extra.at[i], query->name);
	if (query->edns) {
		put(out, 0, 1);
		put(out, DNS_OPT, 2);
		put(out, DNS_UDP_MAX, 2);
		put(out, 0, 4);
		put(out, 0, 2);
	}
}

struct str dns_answer_write(struct arena *arena, const struct dns_query *query,
			    const struct dns_answer *answer, struct str domain, size_t room)
{
	struct buffer out = BUFFER_INIT(DNS_TCP_MAX);

	put_message(&out, query, answer, domain, false);
	if (out.full || out.len > room) {
		buffer_clear(&out);
		put_message(&out, query, answer, domain, true);
	}
	struct str bytes = str_copy(arena, buffer_str(&out));

	buffer_release(&out);
	return bytes;
}

struct str dns_query_write(struct arena *arena, u16 id, struct str name, enum dns_type type)
{
	struct buffer out = BUFFER_INIT(DNS_PLAIN_MAX);

	put(&out, id, 2);
	put(&out, FLAG_WANTED, 2);
	put(&out, 1, 2);
	put(&out, 0, 4);
	put(&out, 0, 2);
	put_name(&out, name);
	put(&out, type, 2);
	put(&out, CLASS_IN, 2);
	struct str bytes = str_copy(arena, buffer_str(&out));

	buffer_release(&out);
	return bytes;
}

bool dns_addresses_read(struct arena *arena, struct str bytes, struct str name, enum dns_type type,
			struct dns_answer *answer)
{
	struct reader r = { (const u8 *)bytes.at, bytes.len, 0, false };

	take(&r, 2);
	u32 flags = take(&r, 2), questions = take(&r, 2), answers = take(&r, 2);

	take(&r, 4);
	for (u32 i = 0; i < questions && !r.bad; i++) {
		skip_name(&r);
		take(&r, 4);
	}
	for (u32 i = 0; i < answers && !r.bad; i++) {
		skip_name(&r);
		u32 its = take(&r, 2), size;

		take(&r, 6);
		size = take(&r, 2);
		if (r.bad || r.len - r.pos < size)
			return false;
		struct dns_record record = { .name = name, .type = type };

		if (its == (u32)type && type == DNS_A && size == 4)
			record.address = take(&r, 4);
		else if (its == (u32)type && type == DNS_AAAA && size == 16)
			record.target = str_copy(arena, str_part(bytes, r.pos, 16)), r.pos += 16;
		else {
			r.pos += size;
			continue;
		}
		if (answer->answers.len < DNS_RECORDS_MAX)
			VEC_PUSH(arena, &answer->answers, record);
	}
	if (!r.bad && flags & FLAG_ANSWER && (flags & 15) == DNS_FAILED)
		answer->code = DNS_FAILED;
	return !r.bad && flags & FLAG_ANSWER;
}
