/* The node's image folder as the agent's source of images. */
#ifndef NODE_IMAGE_SOURCE_H
#define NODE_IMAGE_SOURCE_H

#include "node/image.h"

struct images;

/* Caller frees, after the agent. `images` stays the caller's. */
struct image_source *image_source_new(struct images *images);
void image_source_free(struct image_source *source);

#endif
