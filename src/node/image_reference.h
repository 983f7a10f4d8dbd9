/*
 * Names of images, as github.com/distribution/reference reads them for Docker and Kubernetes:
 * [domain[:port]/]path[:tag][@digest], where `nginx` means docker.io/library/nginx:latest.
 */
#ifndef NODE_IMAGE_REFERENCE_H
#define NODE_IMAGE_REFERENCE_H

#include "base/error.h"
#include "base/str.h"

struct image_reference {
	struct str domain; /* "docker.io", "localhost:5000" */
	struct str path;   /* "library/nginx" */
	struct str tag;	   /* "latest"; empty when only a digest is given */
	struct str digest; /* "sha256:…" or empty; when given, it decides */
	struct str name;   /* all of it, normalised: "docker.io/library/nginx:latest" */
};

/* ST_BAD_REQUEST with kubelet's words for InvalidImageName:
 * `couldn't parse image name "X": invalid reference format`. */
MUST_USE enum status image_reference_parse(struct arena *arena, struct str text,
					   struct image_reference *ret_reference,
					   struct error *error);

/* "sha256:" and 64 lower-case hex digits. */
bool image_digest_valid(struct str digest);
struct str image_digest_hex(struct str digest); /* what stands after "sha256:" */

/* True for localhost, 127.0.0.0/8 and ::1, with or without a port: where plain HTTP is fine. */
bool image_domain_is_loopback(struct str domain);

#endif
