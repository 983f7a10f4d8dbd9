/* Rules of certificate requests. Follows pkg/apis/certificates/validation; what stands inside the
 * request is read by the server. */
#include "schema/check.h"
#include "schema/rules.h"

#define USAGES(X)                                                                                  \
	X("any")                                                                                   \
	X("cert sign")                                                                             \
	X("client auth") X("code signing") X("content commitment") X("crl sign")                   \
		X("data encipherment") X("decipher only") X("digital signature")                   \
			X("email protection") X("encipher only") X("ipsec end system")             \
				X("ipsec tunnel") X("ipsec user") X("key agreement")               \
					X("key encipherment") X("microsoft sgc") X("netscape sgc") \
						X("ocsp signing") X("s/mime") X("server auth")     \
							X("signing") X("timestamping")

static const char *const usages[] = {
#define X(name) name,
	USAGES(X)
#undef X
		NULL,
};

static void check_usages(struct check *c, const struct doc *list)
{
	if (!doc_len(list))
		check_required(c, "usages", "");
	check_enter(c, "usages");
	for (u32 i = 0; i < doc_len(list); i++) {
		struct str usage = doc_str(doc_item(list, i));
		bool known = false, twice = false;

		for (u32 j = 0; usages[j]; j++)
			known |= str_is(usage, usages[j]);
		for (u32 j = 0; j < i; j++)
			twice |= str_eq(usage, doc_str(doc_item(list, j)));
		check_enter_item(c, i);
		if (!known)
			check_unsupported(c, NULL, usage, usages);
		if (twice)
			check_duplicate(c, NULL, doc_item(list, i));
		check_leave(c);
	}
	check_leave(c);
}

/* "example.com/signer-name": a domain of two pieces or more, and a path. */
static void check_signer(struct check *c, struct str name, bool old_api)
{
	struct str path = name, domain = str_cut(&path, '/');

	if (!name.len)
		return; /* required, says the table */
	if (str_is(name, "kubernetes.io/legacy-unknown") && !old_api)
		check_invalid_str(c, "signerName", name,
				  "the legacy signerName is not allowed via this API version");
	if (!path.at || !path.len || str_find_char(path, '/') >= 0) {
		check_invalid_str(c, "signerName", name,
				  "must be a fully qualified domain and path of the form "
				  "'example.com/signer-name'");
		return;
	}
	check_format_str(c, "signerName", API_FORMAT_DNS_SUBDOMAIN, domain);
	if (str_find_char(domain, '.') < 0)
		check_invalid_str(c, "signerName", name,
				  "should be a domain with at least two segments separated by "
				  "dots");
}

RULE_CHECK(certificate_request_check)
{
	const struct doc *spec = doc_key(value, "spec");
	const struct doc *seconds = doc_key(spec, "expirationSeconds");
	bool approved = false, denied = false;

	check_enter(c, "spec");
	if (!old) {
		check_usages(c, doc_key(spec, "usages"));
		check_signer(c, doc_at_str(spec, "signerName"), c->kind->old);
		if (seconds && doc_int_or(seconds, 0) < 600)
			check_invalid(c, "expirationSeconds", seconds,
				      "may not specify a duration less than 600 seconds (10 "
				      "minutes)");
	}
	check_leave(c);
	doc_each_item(doc_at(value, "status.conditions"), one) {
		approved |= str_is(doc_at_str(one, "type"), "Approved");
		denied |= str_is(doc_at_str(one, "type"), "Denied");
	}
	if (approved && denied)
		check_invalid_str(c, "status.conditions", STR("Denied"),
				  "Approved and Denied conditions are mutually exclusive");
}
