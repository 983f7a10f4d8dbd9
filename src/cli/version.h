/* The version we answer to: Kubernetes 1.36, in minke's edition. */
#ifndef CLI_VERSION_H
#define CLI_VERSION_H

#define MINKE_VERSION "v1.36.0+minke"

#endif
