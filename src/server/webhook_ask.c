/* Asking a webhook: where it is, what is sent, and what becomes of its answer. */
#include "base/base64.h"
#include "doc/json.h"
#include "server/object.h"
#include "server/state.h"
#include "server/webhook_inside.h"

enum { TIMEOUT_DEFAULT_S = 10, HTTPS_PORT = 443 };

struct place {
	struct webhook_request request;
	struct str shown; /* the URL as failures name it */
};

/* ---- services: to one of their endpoints */

static i64 target_port(const struct doc *subset_ports, struct str name, i64 otherwise)
{
	doc_each_item(subset_ports, port)
		if (!name.len || str_eq(doc_at_str(port, "name"), name))
			return doc_at_int(port, "port", otherwise);
	return 0;
}

/* The name of the service's port, under which its endpoints list theirs. */
static bool find_port(const struct version *service, i64 number, struct str *ret_name)
{
	doc_each_item(doc_at(service->doc, "spec.ports"), port)
		if (doc_at_int(port, "port", 0) == number) {
			*ret_name = doc_at_str(port, "name");
			return true;
		}
	return false;
}

static struct str any_endpoint(struct call *call, const struct version *service,
			       struct str port_name)
{
	const struct version *endpoints =
		store_get(call->server->store, KIND_Endpoints, service->namespace, service->name);

	if (!endpoints)
		return STR("");
	doc_each_item(doc_key(endpoints->doc, "subsets"), subset) {
		const struct doc *addresses = doc_key(subset, "addresses");
		i64 port = target_port(doc_key(subset, "ports"), port_name, 0);
		u32 len = doc_len(addresses);

		if (len && port) {
			u32 which = random_below(call->server->random, len);
			struct str ip = doc_at_str(doc_item(addresses, which), "ip");
			bool six = str_find_char(ip, ':') >= 0;

			return str_format(call->arena, "https://%s" STR_FMT "%s:%lld",
					  six ? "[" : "", STR_ARG(ip), six ? "]" : "",
					  (long long)port);
		}
	}
	return STR("");
}

static bool find_service(struct call *call, const struct doc *config, struct place *place,
			 struct str *ret_why)
{
	struct str ns = doc_at_str(config, "namespace"), name = doc_at_str(config, "name"),
		   path = doc_at_str(config, "path"), port_name;
	i64 port = doc_at_int(config, "port", HTTPS_PORT);
	const struct version *service = store_get(call->server->store, KIND_Service, ns, name);

	place->request.server_name =
		str_format(call->arena, STR_FMT "." STR_FMT ".svc", STR_ARG(name), STR_ARG(ns));
	place->request.target = path.len ? path : STR("/");
	place->shown =
		str_format(call->arena, "https://" STR_FMT ":%lld" STR_FMT,
			   STR_ARG(place->request.server_name), (long long)port, STR_ARG(path));
	if (!service) {
		*ret_why =
			str_format(call->arena, "service \"" STR_FMT "\" not found", STR_ARG(name));
		return false;
	}
	if (!find_port(service, port, &port_name)) {
		*ret_why = str_format(call->arena,
				      "no service port %lld found for service \"" STR_FMT "\"",
				      (long long)port, STR_ARG(name));
		return false;
	}
	place->request.url = any_endpoint(call, service, port_name);
	if (place->request.url.len)
		return true;
	*ret_why = str_format(call->arena, "no endpoints available for service \"" STR_FMT "\"",
			      STR_ARG(name));
	return false;
}

/* ---- addresses */

static void take_url(struct call *call, struct str url, struct place *place)
{
	i64 slash = str_find_char(str_from(url, sizeof "https://" - 1), '/');
	size_t host_end = slash < 0 ? url.len : (size_t)slash + sizeof "https://" - 1;

	place->shown = url;
	place->request.url = str_part(url, 0, host_end);
	place->request.target = host_end < url.len ? str_from(url, host_end) : STR("/");
	(void)call;
}

static bool find_place(struct call *call, const struct doc *hook, struct place *place,
		       struct str *ret_why)
{
	const struct doc *config = doc_key(hook, "clientConfig");
	const struct doc *service = doc_key(config, "service");
	i64 timeout_s = doc_at_int(hook, "timeoutSeconds", TIMEOUT_DEFAULT_S);
	struct str bundle = doc_at_str(config, "caBundle"), url = doc_at_str(config, "url");
	bool found = true;

	place->request.timeout_ms = (u32)timeout_s * 1000;
	if (service)
		found = find_service(call, service, place, ret_why);
	else
		take_url(call, url, place);
	place->shown =
		str_format(call->arena, STR_FMT "%stimeout=%llds", STR_ARG(place->shown),
			   str_find_char(place->shown, '?') < 0 ? "?" : "&", (long long)timeout_s);
	place->request.target = str_format(
		call->arena, STR_FMT "%stimeout=%llds", STR_ARG(place->request.target),
		str_find_char(place->request.target, '?') < 0 ? "?" : "&", (long long)timeout_s);
	if (bundle.len && !base64_decode(call->arena, bundle, &place->request.authorities)) {
		*ret_why = STR("unable to load root certificates: unable to parse bytes as PEM "
			       "block");
		return false;
	}
	if (!str_starts(place->request.url, STR("https://")) && found) {
		*ret_why = STR("the address does not begin with https://");
		return false;
	}
	return found;
}

/* ---- questions and answers */

struct pending {
	struct webhook_answer *answer;
	struct str shown;
	bool beta;
};

static void answered(void *self, enum status status, const char *why, int code, struct str body)
{
	struct pending *p = self;
	struct webhook_answer *answer = p->answer;
	struct webhook_memo *memo = answer->memo;

	answer->done = true;
	if (status != ST_OK) {
		answer->failed = true;
		answer->why =
			str_format(memo->arena, "failed to call webhook: Post \"" STR_FMT "\": %s",
				   STR_ARG(p->shown),
				   status == ST_TIMEOUT ? "context deadline exceeded" : why);
	} else {
		webhook_read(answer, memo->arena, p->beta, code, body);
	}
	if (--memo->waiting)
		return;
	if (memo->unwanted)
		webhook_memo_free(memo);
	else if (memo->ready)
		memo->ready(memo->self);
}

/* The first version of the review both sides know. */
static bool speaks_beta(const struct doc *hook)
{
	doc_each_item(doc_key(hook, "admissionReviewVersions"), version) {
		if (str_is(doc_str(version), "v1"))
			return false;
		if (str_is(doc_str(version), "v1beta1"))
			return true;
	}
	return false;
}

static struct str envelope(struct call *call, const struct webhook_answer *answer, bool beta,
			   struct str question)
{
	return str_format(call->arena,
			  "{\"kind\":\"AdmissionReview\",\"apiVersion\":\"admission.k8s.io/%s\","
			  "\"request\":{\"uid\":\"" STR_FMT "\"," STR_FMT "}\n",
			  beta ? "v1beta1" : "v1", STR_ARG(answer->uid),
			  STR_ARG(str_from(question, 1)));
}

static void ask(struct call *call, const struct doc *hook, struct webhook_answer *answer,
		struct str question)
{
	const struct webhook_door *door = call->server->config.webhooks;
	struct webhook_memo *memo = answer->memo;
	struct place place = { 0 };
	struct pending *pending;
	struct str why = STR("");

	if (!find_place(call, hook, &place, &why) || !door) {
		answer->done = answer->failed = true;
		answer->why = str_format(memo->arena,
					 "failed to call webhook: Post \"" STR_FMT "\": " STR_FMT,
					 STR_ARG(place.shown),
					 STR_ARG(door ? why : STR("this server calls nobody")));
		return;
	}
	pending = ARENA_NEW(memo->arena, struct pending);
	*pending = (struct pending){
		.answer = answer,
		.shown = str_copy(memo->arena, place.shown),
		.beta = speaks_beta(hook),
	};
	place.request.body = envelope(call, answer, pending->beta, question);
	memo->waiting++;
	door->call(door->self, &place.request, answered, pending);
}

const struct webhook_answer *webhook_ask(struct call *call, const struct webhook *hook,
					 const struct doc *question)
{
	struct webhook_memo *memo = call->webhooks;
	struct str text = json_text(call->arena, question);
	u64 hash = str_hash(str_format(call->arena, "%d" STR_FMT " " STR_FMT, hook->mutating,
				       STR_ARG(doc_at_str(hook->hook, "name")), STR_ARG(text)));
	struct webhook_answer *answer;

	for (u32 i = 0; i < memo->answers.len; i++)
		if (memo->answers.at[i]->question == hash)
			return memo->answers.at[i];
	answer = ARENA_NEW(memo->arena, struct webhook_answer);
	answer->memo = memo;
	answer->question = hash;
	answer->uid = str_copy(memo->arena, call_random_uuid(call));
	VEC_PUSH(memo->arena, &memo->answers, answer);
	ask(call, hook->hook, answer, text);
	return answer;
}
