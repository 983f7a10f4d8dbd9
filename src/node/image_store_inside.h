/* Shared by the two halves of the image store. */
#ifndef NODE_IMAGE_STORE_INSIDE_H
#define NODE_IMAGE_STORE_INSIDE_H

#include <stdarg.h>

#include "node/image_store.h"

/* Prints a path; what does not fit is a programmer's error, since folders are checked at the door.
 */
PRINTF(2, 3) void store_path(char path[STORE_PATH_MAX], const char *format, ...);
void store_ref_path(char path[STORE_PATH_MAX], const char *folder, struct str name);

/* Held while names and records change. */
MUST_USE enum status store_lock(const char *folder, int *ret_fd, struct error *error);

/* False: someone is busy with this layer. */
bool store_try_lock_layer(const char *folder, struct str hex, int *ret_fd);
/* Takes a layer out of sight at once and then removes it, so that a crash leaves none half there.
 */
MUST_USE enum status store_remove_layer(const char *folder, const char *path, struct error *error);

#endif
