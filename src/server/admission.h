/*
 * What the server makes of an object before it is checked and stored, beyond the schema's defaults:
 * the built-in admission steps and the kinds' own preparations. Each returns the document, changed
 * or not, or refuses.
 */
#ifndef SERVER_ADMISSION_H
#define SERVER_ADMISSION_H

#include "doc/doc.h"
#include "schema/schema.h"
#include "server/verbs.h"

/* May anything be made in that namespace? (NamespaceLifecycle) */
MUST_USE enum status admit_namespace(struct call *call, const struct api_kind *kind, struct str ns,
				     struct str name, struct error *error);

/* Before defaults: what has to be there for them to see. `kind` is the stored kind. */
MUST_USE enum status admit_create(struct call *call, const struct api_kind *kind, struct str ns,
				  const struct doc *doc, const struct doc **ret_doc,
				  struct error *error);
/* After defaults, with the last say before validation (addresses are given out here). `old` NULL:
 * the object is new. */
MUST_USE enum status admit_finish(struct call *call, const struct api_kind *kind, struct str ns,
				  const struct doc *doc, const struct doc *old,
				  const struct doc **ret_doc, struct error *error);

/* Pods: ServiceAccount, DefaultTolerationSeconds, Priority; in pod_admission.c. */
MUST_USE enum status admit_pod(struct call *call, const struct api_kind *kind, struct str ns,
			       const struct doc *doc, const struct doc **ret_doc,
			       struct error *error);

/* New Jobs: labels and selector of their own; in job_admission.c. */
MUST_USE enum status admit_job(struct call *call, const struct api_kind *kind,
			       const struct doc *doc, const struct doc **ret_doc,
			       struct error *error);

/* After validation: who may not have what is otherwise correct. `subresource` NULL: the object. */
MUST_USE enum status admit_check(struct call *call, const struct api_kind *kind, struct str ns,
				 const struct doc *doc, const struct doc *old,
				 const char *subresource, struct error *error);

/* Pods, what makes pods, and namespaces' labels: the Pod Security Standards; in
 * pod_security_admission.c. */
MUST_USE enum status admit_pod_security(struct call *call, const struct api_kind *kind,
					struct str ns, const struct doc *doc, const struct doc *old,
					const char *subresource, struct error *error);

/* What a pod's RuntimeClass adds to its spec; in runtime_class.c. */
MUST_USE enum status admit_runtime_class(struct call *call, const struct api_kind *kind,
					 const struct doc *pod, const struct doc **spec,
					 struct error *error);

/* New CertificateSigningRequests bear who asked; in certificate_request.c. */
const struct doc *certificate_request_new(struct call *call, const struct doc *doc);
/* Who may approve and sign them, and what may not be asked for. */
MUST_USE enum status admit_certificate_request(struct call *call, const struct api_kind *kind,
					       const struct doc *doc, const struct doc *old,
					       const char *subresource, struct error *error);

/* Webhooks' configurations: what is not done here is refused; in webhook_match.c. */
MUST_USE enum status admit_webhooks(struct call *call, const struct api_kind *kind,
				    const struct doc *doc, struct error *error);

/* PriorityClasses: reserved names and values, one default; in pod_admission.c. */
MUST_USE enum status admit_priority_class(struct call *call, const struct api_kind *kind,
					  const struct doc *doc, struct error *error);
/* The two of the system stay. */
bool priority_class_is_immortal(const struct api_kind *kind, struct str name);

/* New pods and claims: the namespace's LimitRanges; in limit_range.c. */
MUST_USE enum status admit_limits(struct call *call, const struct api_kind *kind, struct str ns,
				  const struct doc *doc, const struct doc **ret_doc,
				  struct error *error);

/* New volumes and claims: the default class and what protects them while they are in use. */
const struct doc *admit_storage(struct call *call, const struct api_kind *kind,
				const struct doc *doc);
/* Warns whoever makes pods of volumes that no node mounts. */
void warn_of_volumes(struct call *call, const struct doc *doc);
/* A claim that is changed: only what can grow may; both in storage_admission.c. */
MUST_USE enum status admit_resize(struct call *call, const struct api_kind *kind,
				  const struct doc *doc, const struct doc *old,
				  struct error *error);

/* Services: cluster addresses and node ports; in service_address.c. */
MUST_USE enum status admit_service(struct call *call, const struct api_kind *kind,
				   const struct doc *doc, const struct doc *old,
				   const struct doc **ret_doc, struct error *error);

/* Roles and bindings: nobody grants what they do not have; in escalation.c. */
MUST_USE enum status admit_rights(struct call *call, const struct api_kind *kind, struct str ns,
				  const struct doc *doc, const struct doc *old,
				  struct error *error);

#endif
