/* Between the files of webhooks. */
#ifndef SERVER_WEBHOOK_INSIDE_H
#define SERVER_WEBHOOK_INSIDE_H

#include "server/webhook.h"

struct webhook_answer {
	struct webhook_memo *memo;
	u64 question;	/* hash of what was asked */
	struct str uid; /* of the request, to be found in the answer */
	bool done;
	bool failed; /* nobody answered, or nothing that can be read: `why` says */
	struct str why;
	bool allowed;
	const struct doc *response;
};

/* The questions and answers of one write. Freed when nobody wants it and no answer is awaited. */
struct webhook_memo {
	struct server *server;
	struct arena *arena;
	VEC(struct webhook_answer *) answers;
	u64 seed, key; /* key: what the caller who does not wait asks; 0: one who waits */
	i64 now_ns, expires_mono_ns;
	u32 waiting; /* answers under way */
	bool unwanted;
	struct random dice;
	void (*ready)(void *self);
	void *self;
	struct webhook_memo *next; /* of those found again by their key */
};

/* One hook of one configuration, and the kind in whose version it wants the object. */
struct webhook {
	const struct doc *hook;
	const struct api_kind *kind;
	bool mutating;
};

struct webhooks {
	VEC(struct webhook) list;
};

/* Who is to be asked about this, in order. */
enum status webhooks_matching(struct call *call, const struct webhook_subject *subject,
			      bool mutating, struct webhooks *ret_hooks, struct error *error);

/* AdmissionReview.request without its uid. */
const struct doc *webhook_question(struct call *call, const struct webhook_subject *subject,
				   const struct webhook *hook);
/* Reads an answer's body into `answer`. */
void webhook_read(struct webhook_answer *answer, struct arena *arena, bool beta, int code,
		  struct str body);

/* The answer to this question, asked for if it is not there yet. */
const struct webhook_answer *webhook_ask(struct call *call, const struct webhook *hook,
					 const struct doc *question);

#endif
