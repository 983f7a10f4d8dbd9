/* Every ceiling the whole program shares, in one place; a ceiling of one file stands in that file.
 */
#ifndef BASE_LIMITS_H
#define BASE_LIMITS_H

enum {
	BODY_BYTES_MAX = 3 << 20,     /* a request body, as in Kubernetes' API server */
	DOC_DEPTH_MAX = 64,	      /* nested objects and arrays in a document */
	OBJECT_BYTES_MAX = 3 << 19,   /* one stored object, 1.5 MiB, as etcd allows */
	NAME_BYTES_MAX = 253,	      /* a DNS subdomain */
	LABEL_BYTES_MAX = 63,	      /* a DNS label, or a label's value */
	LIST_PAGE_MAX = 1 << 20,      /* objects in one answer */
	URL_BYTES_MAX = 16 << 10,     /* a request line */
	HEADERS_BYTES_MAX = 64 << 10, /* all headers of a request */
	HEADERS_MAX = 100,
};

#endif
