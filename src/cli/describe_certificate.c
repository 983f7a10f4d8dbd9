/* describe certificatesigningrequest: what is asked for, read out of the request itself. */
#include "base/base64.h"
#include "cli/describe.h"
#include "net/pki.h"
#include "schema/columns.h"

static struct str status_of(const struct doc *request, struct arena *arena)
{
	bool approved = false, denied = false, failed = false;

	doc_each_item(doc_at(request, "status.conditions"), condition) {
		struct str type = doc_at_str(condition, "type");

		approved |= str_is(type, "Approved");
		denied |= str_is(type, "Denied");
		failed |= str_is(type, "Failed");
	}
	return str_format(arena, "%s%s%s",
			  denied     ? "Denied"
			  : approved ? "Approved"
				     : "Pending",
			  failed ? ",Failed" : "",
			  doc_at_str(request, "status.certificate").len ? ",Issued" : "");
}

/* Labels on one line, as kubectl has it here. */
static void describe_flat(struct describe *d, const char *title, const struct doc *map)
{
	struct str text = STR("<none>");
	bool first = true;

	doc_each_pair(map, key, value) {
		text = first ? str_format(d->cli->arena, STR_FMT "=" STR_FMT, STR_ARG(key),
					  STR_ARG(doc_str(value)))
			     : str_format(d->cli->arena, STR_FMT "," STR_FMT "=" STR_FMT,
					  STR_ARG(text), STR_ARG(key), STR_ARG(doc_str(value)));
		first = false;
	}
	describe_line(d, 0, "%s:\t" STR_FMT, title, STR_ARG(text));
}

static void describe_list(struct describe *d, const char *title, const struct str *list, u32 len)
{
	for (u32 i = 0; i < len; i++)
		if (i)
			describe_line(d, 0, "\t\t" STR_FMT, STR_ARG(list[i]));
		else
			describe_line(d, 0, "\t%s:\t" STR_FMT, title, STR_ARG(list[i]));
}

static bool is_address(struct str name)
{
	return str_find_char(name, ':') >= 0 ||
	       (name.len && name.at[name.len - 1] >= '0' && name.at[name.len - 1] <= '9' &&
		name.at[0] >= '0' && name.at[0] <= '9');
}

static void describe_subject(struct describe *d, const struct pki_subject *subject)
{
	struct str names[PKI_NAMES_MAX], addresses[PKI_NAMES_MAX];
	u32 names_len = 0, addresses_len = 0;

	describe_line(d, 0, "Subject:");
	describe_line(d, 0, "\tCommon Name:\t" STR_FMT, STR_ARG(subject->common_name));
	describe_line(d, 0, "\tSerial Number:\t");
	describe_list(d, "Organization", subject->organizations, subject->organizations_len);
	for (u32 i = 0; i < MIN(subject->names_len, (u32)PKI_NAMES_MAX); i++)
		if (is_address(subject->names[i]))
			addresses[addresses_len++] = subject->names[i];
		else
			names[names_len++] = subject->names[i];
	if (!subject->names_len)
		return;
	describe_line(d, 0, "Subject Alternative Names:");
	describe_list(d, "DNS Names", names, names_len);
	describe_list(d, "IP Addresses", addresses, addresses_len);
}

void describe_certificate_request(struct describe *d)
{
	const struct doc *o = d->object, *seconds = doc_at(o, "spec.expirationSeconds");
	struct arena *arena = d->cli->arena;
	struct pki_subject subject = { 0 };
	struct str pem;

	describe_line(d, 0, "Name:\t" STR_FMT, STR_ARG(doc_at_str(o, "metadata.name")));
	describe_flat(d, "Labels", doc_at(o, "metadata.labels"));
	describe_flat(d, "Annotations", doc_at(o, "metadata.annotations"));
	describe_line(d, 0, "CreationTimestamp:\t" STR_FMT,
		      STR_ARG(describe_time(arena, doc_at_str(o, "metadata.creationTimestamp"))));
	describe_line(d, 0, "Requesting User:\t" STR_FMT, STR_ARG(doc_at_str(o, "spec.username")));
	describe_line(d, 0, "Signer:\t" STR_FMT, STR_ARG(doc_at_str(o, "spec.signerName")));
	if (seconds)
		describe_line(d, 0, "Requested Duration:\t" STR_FMT,
			      STR_ARG(columns_duration(arena, doc_int_or(seconds, 0) * NS_PER_S)));
	describe_line(d, 0, "Status:\t" STR_FMT, STR_ARG(status_of(o, arena)));
	if (base64_decode(arena, doc_at_str(o, "spec.request"), &pem) &&
	    pki_request_read(arena, pem, &subject, NULL) == ST_OK)
		describe_subject(d, &subject);
	describe_events(d);
}
