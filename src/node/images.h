/*
 * The images of a node: pulled from registries or imported from archives, kept as unpacked layers
 * that images share, looked up when containers start. Strangers' bytes are fetched and unpacked in
 * a short-lived child of the same program (`minke image-worker`), locked into the image folder;
 * this side only asks and hears.
 *
 * On disk (DATA/images): layers/<hex of diff id>/fs, manifests/<hex of image id>.json,
 * refs/<hash>.json, tmp/, locks/. Everything appears by rename, so a crash leaves nothing half.
 * Several processes (a server, `minke image …`) may use one folder at the same time.
 */
#ifndef NODE_IMAGES_H
#define NODE_IMAGES_H

#include "doc/doc.h"
#include "node/image.h"

struct images;
struct loop;

struct image_mirror {
	struct str host; /* as references name it: "docker.io", "registry.k8s.io", "*" for all */
	struct str url;	 /* "https://mirror.example/prefix" or "http://…" */
};

struct images_config {
	struct str folder;  /* DATA/images; made when missing */
	struct str program; /* who to start as `image-worker`; empty: /proc/self/exe */
	const struct image_mirror *mirrors;
	u32 mirrors_len;
	u32 pulls_max; /* at a time, the rest wait in line; 0: 5 */
};

/* Everything in `config` is copied. The loop outlives the images. */
MUST_USE enum status images_open(const struct images_config *config, struct loop *loop,
				 struct images **ret_images, struct error *error);
/* Ends workers that still run, without further callbacks. NULL is fine. */
void images_free(struct images *images);

enum image_policy { IMAGE_IF_NOT_PRESENT, IMAGE_ALWAYS, IMAGE_NEVER };

/* imagePullPolicy of a container, or its default: Always for :latest, else IfNotPresent. */
enum image_policy image_policy_of(struct str policy, struct str reference);

/* Registry credentials that may fit: the parsed content of pull secrets, .dockerconfigjson
 * ({"auths": {…}}) or .dockercfg ({"host": {…}}). */
struct image_secrets {
	const struct doc *const *configs;
	u32 len;
};

struct image_result {
	enum status status;
	const struct image *image; /* when ST_OK; gone when the call returns, see images_find */
	bool pulled;		   /* false: it was there already */
	i64 duration_ms;
	const char *reason;  /* when it failed: InvalidImageName, ErrImageNeverPull, ErrImagePull */
	const char *message; /* kubelet's sentence */
};

typedef void images_done(void *self, const struct image_result *result);
struct image_pull;

/* Makes the image present as the policy wants it. `done` comes exactly once, later, on the loop.
 * Pulls of one image at the same time with the same credentials become one. */
struct image_pull *images_pull(struct images *images, struct str reference,
			       enum image_policy policy, const struct image_secrets *secrets,
			       images_done *done, void *self);
/* `done` will not come any more; the pull itself goes on for whoever asks next. Not after `done`:
 * then the pull is gone. */
void image_pull_forget(struct image_pull *pull);

/* Takes the images of an OCI layout or docker archive (a tar file, plain or compressed) in. A
 * `reference` overrides the names inside, for archives of one image; may be empty. */
void images_import(struct images *images, const char *path, struct str reference, images_done *done,
		   void *self);

/* Looks an image up by reference or id, without any pulling. ST_NOT_FOUND when it is not here. */
MUST_USE enum status images_find(struct images *images, struct arena *arena, struct str reference,
				 const struct image **ret_image, struct error *error);

/* ---- what `minke image list|rm` and the node's status need; they ask the folder, no loop needed
 */

struct image_entry {
	struct str id;		   /* "sha256:…" */
	const struct str *names;   /* "docker.io/library/nginx:1.25" */
	const struct str *digests; /* "docker.io/library/nginx@sha256:…" */
	u32 names_len, digests_len;
	i64 size_bytes; /* unpacked, layers shared with others included */
	i64 created_ns; /* wall: when it came here */
};

struct image_list {
	VEC(struct image_entry) items;
};

/* Sorted by first name. */
MUST_USE enum status image_list_read(struct arena *arena, struct str folder,
				     struct image_list *ret_list, struct error *error);

/* Forgets a name, or with an id all names of an image; layers nobody else needs go.
 * ST_NOT_FOUND; ST_CONFLICT while a container uses it. */
MUST_USE enum status image_remove(struct str folder, struct str reference, struct error *error);

/* What main() runs for the word `image-worker`: reads its task from stdin, reports to stdout. */
int image_worker_main(void);

#endif
