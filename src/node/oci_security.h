/* The security half of config.json: capabilities, seccomp, hidden paths. Used by oci_config.c. */
#ifndef NODE_OCI_SECURITY_H
#define NODE_OCI_SECURITY_H

#include "doc/build.h"
#include "node/oci_config.h"

void security_build_process(struct build *b, const struct oci_input *input);
void security_build_linux(struct build *b, const struct oci_input *input);

#endif
