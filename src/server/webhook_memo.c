/* What one write has asked and heard, kept from one run of its verb to the next. */
#include <stdlib.h>

#include "base/check.h"
#include "doc/json.h"
#include "server/object.h"
#include "server/state.h"
#include "server/webhook_inside.h"

enum {
	MEMOS_MAX = 4096,
	MEMO_LIFE_S = 90, /* longer than any webhook may take, and the pause before a new try */
};

bool webhooks_exist(const struct server *server)
{
	return store_count(server->store, KIND_MutatingWebhookConfiguration) ||
	       store_count(server->store, KIND_ValidatingWebhookConfiguration);
}

struct webhook_memo *webhook_memo_new(struct server *server, void (*ready)(void *self), void *self)
{
	struct webhook_memo *memo = calloc(1, sizeof *memo);

	CHECK(memo);
	*memo = (struct webhook_memo){
		.server = server,
		.arena = arena_new(0),
		.seed = random_u64(server->random),
		.now_ns = clock_wall_ns(server->clock),
		.ready = ready,
		.self = self,
	};
	random_seed(&memo->dice, memo->seed);
	return memo;
}

void webhook_memo_free(struct webhook_memo *memo)
{
	if (!memo)
		return;
	memo->unwanted = true;
	if (memo->waiting) /* the last answer frees it */
		return;
	arena_free(memo->arena);
	free(memo);
}

void webhook_memo_rewind(struct webhook_memo *memo)
{
	random_seed(&memo->dice, memo->seed);
}

/* ---- callers who do not wait */

static void forget(struct server *server, struct webhook_memo **link)
{
	struct webhook_memo *memo = *link;

	*link = memo->next;
	server->memos_len--;
	webhook_memo_free(memo);
}

static struct webhook_memo *find(struct server *server, u64 key)
{
	i64 now = clock_mono_ns(server->clock);

	for (struct webhook_memo **link = &server->memos; *link;) {
		if ((*link)->key == key)
			return *link;
		if ((*link)->expires_mono_ns < now)
			forget(server, link);
		else
			link = &(*link)->next;
	}
	return NULL;
}

void webhooks_stop(struct server *server)
{
	while (server->memos)
		forget(server, &server->memos);
}

static u64 key_of(struct call *call, char verb, const struct api_kind *kind, struct str ns,
		  struct str name, struct str sub, const struct doc *body)
{
	const struct user *user = call->user ? call->user : &user_server;
	struct str text = body ? json_text(call->arena, body) : STR("");
	u64 key = str_hash(str_format(
		call->arena, "%c %u %d " STR_FMT "/" STR_FMT "/" STR_FMT " " STR_FMT " " STR_FMT,
		verb, kind->id, call->dry_run, STR_ARG(ns), STR_ARG(name), STR_ARG(sub),
		STR_ARG(user->name), STR_ARG(text)));

	return key ? key : 1;
}

struct webhook_scope webhook_open(struct call *call, char verb, const struct api_kind *kind,
				  struct str ns, struct str name, struct str subresource,
				  const struct doc *body)
{
	struct server *server = call->server;
	struct webhook_memo *memo;
	u64 key;

	if (call->webhooks || !webhooks_exist(server))
		return (struct webhook_scope){ 0 };
	key = key_of(call, verb, kind, ns, name, subresource, body);
	memo = find(server, key);
	if (!memo) {
		memo = webhook_memo_new(server, NULL, NULL);
		memo->key = key;
		memo->next = server->memos;
		memo->expires_mono_ns = clock_mono_ns(server->clock) + MEMO_LIFE_S * NS_PER_S;
		server->memos = memo;
		server->memos_len++;
	}
	random_seed(&memo->dice, memo->seed);
	call->webhooks = memo;
	return (struct webhook_scope){ memo };
}

enum status webhook_close(struct call *call, struct webhook_scope scope, enum status status,
			  struct error *error)
{
	struct server *server = call->server;

	if (!scope.opened)
		return status;
	call->webhooks = NULL;
	if (status == ST_PENDING && server->memos_len <= MEMOS_MAX) {
		if (error)
			error_clear(error);
		return fail(error, ST_CONFLICT,
			    "admission webhooks are being asked; please try again");
	}
	for (struct webhook_memo **link = &server->memos; *link; link = &(*link)->next)
		if (*link == scope.opened) {
			forget(server, link);
			break;
		}
	return status;
}

/* ---- chance and time, the same in every run */

struct random *webhook_dice(struct call *call)
{
	return call->webhooks ? &call->webhooks->dice : call->server->random;
}

i64 webhook_now_ns(struct call *call)
{
	return call->webhooks ? call->webhooks->now_ns : clock_wall_ns(call->server->clock);
}
