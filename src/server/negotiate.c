/* The first clause of the Accept header that can be served wins, as in client-go's own order. */
#include "server/negotiate.h"

struct media media_parse(struct str text)
{
	struct media media = { .parameters = text };

	media.type = str_trim(str_cut(&media.parameters, ';'));
	return media;
}

struct str media_parameter(struct media media, const char *name)
{
	struct str rest = media.parameters;

	while (rest.at) {
		struct str value = str_cut(&rest, ';'), key = str_trim(str_cut(&value, '='));

		if (str_is(key, name))
			return str_trim(value);
	}
	return STR_NONE;
}

static bool media_is_json(struct str type)
{
	return type.len == 0 || str_is(type, "application/json") || str_is(type, "*/*") ||
	       str_is(type, "application/*");
}

/* True when this clause names something we can make; *ret says what. */
static bool clause_serves(struct media media, struct accept *ret)
{
	struct str as = media_parameter(media, "as"), version = media_parameter(media, "v");

	if (!media_is_json(media.type))
		return false;
	*ret = (struct accept){ .beta = str_is(version, "v1beta1") };
	if (as.len == 0)
		return true;
	if (!str_is(media_parameter(media, "g"), "meta.k8s.io") ||
	    (!ret->beta && !str_is(version, "v1")))
		return false;
	if (str_is(as, "Table"))
		ret->form = ACCEPT_TABLE;
	else if (str_is(as, "PartialObjectMetadata") || str_is(as, "PartialObjectMetadataList"))
		ret->form = ACCEPT_METADATA;
	else
		return false;
	return true;
}

bool accepts_only_protobuf(struct http_exchange *x)
{
	struct str rest = http_header_get(x, "Accept");
	struct accept ignored;
	bool found = false;

	while (rest.at) {
		struct media media = media_parse(str_cut(&rest, ','));

		if (clause_serves(media, &ignored))
			return false;
		found = found ||
			(str_is(media.type, MEDIA_PROTOBUF) && !media_parameter(media, "as").len);
	}
	return found;
}

enum status accept_parse(struct http_exchange *x, struct accept *ret_accept, struct error *error)
{
	struct str rest = http_header_get(x, "Accept");
	struct str include = http_query_get(x, "includeObject");
	struct accept accept = { 0 };
	bool served = rest.len == 0;

	while (!served && rest.at)
		served = clause_serves(media_parse(str_cut(&rest, ',')), &accept);
	if (!served && accepts_only_protobuf(x))
		served = accept.protobuf = true;
	if (!served)
		return fail(error, ST_NOT_ACCEPTABLE,
			    "only the following media types are accepted: application/json");
	if (str_is(include, "None"))
		accept.include = INCLUDE_NONE;
	else if (str_is(include, "Object"))
		accept.include = INCLUDE_OBJECT;
	*ret_accept = accept;
	return ST_OK;
}
