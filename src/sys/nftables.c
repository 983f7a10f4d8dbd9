/*
 * The library reads and keeps all rules of the machine, also those of others (20 MB were seen), so
 * its context lives for one run only and what it took goes back to the system.
 */
#include "sys/nftables.h"

#include <dlfcn.h>
#include <malloc.h>
#include <nftables/libnftables.h>
#include <pthread.h>

static struct {
	void *library;
	struct nft_ctx *(*make)(u32 flags);
	void (*drop)(struct nft_ctx *context);
	int (*buffer_error)(struct nft_ctx *context);
	const char *(*error_text)(struct nft_ctx *context);
	int (*run)(struct nft_ctx *context, const char *text);
} nft;

static enum status load(struct error *error)
{
	void *opened = nft.library ? nft.library : dlopen("libnftables.so.1", RTLD_NOW);

	if (!opened)
		return fail(error, ST_UNAVAILABLE, "loading libnftables: %s", dlerror());
	*(void **)&nft.make = dlsym(opened, "nft_ctx_new");
	*(void **)&nft.drop = dlsym(opened, "nft_ctx_free");
	*(void **)&nft.buffer_error = dlsym(opened, "nft_ctx_buffer_error");
	*(void **)&nft.error_text = dlsym(opened, "nft_ctx_get_error_buffer");
	*(void **)&nft.run = dlsym(opened, "nft_run_cmd_from_buffer");
	if (!nft.make || !nft.drop || !nft.buffer_error || !nft.error_text || !nft.run)
		return fail(error, ST_UNAVAILABLE, "libnftables lacks a function");
	nft.library = opened;
	return ST_OK;
}

static enum status run(const char *text, struct error *error)
{
	if (!nft.library && load(error) != ST_OK)
		return ST_UNAVAILABLE;
	struct nft_ctx *context = nft.make(NFT_CTX_DEFAULT);

	if (!context || nft.buffer_error(context))
		return fail(error, ST_INTERNAL, "libnftables does not start");
	int result = nft.run(context, text);
	const char *why = nft.error_text(context);
	enum status status =
		result ? fail(error, ST_INTERNAL, "nftables: %.700s", why ? why : "refused")
		       : ST_OK;

	nft.drop(context);
	malloc_trim(0);
	return status;
}

/* One run at a time: two would read each other's half. */
enum status nftables_run(const char *text, struct error *error)
{
	static pthread_mutex_t one = PTHREAD_MUTEX_INITIALIZER;

	pthread_mutex_lock(&one);
	enum status status = run(text, error);

	pthread_mutex_unlock(&one);
	return status;
}
