/* The cluster's addresses: one range for pods, a piece of it for each node, one for Services. */
#ifndef BASE_CLUSTER_RANGE_H
#define BASE_CLUSTER_RANGE_H

#define CLUSTER_CIDR "10.244.0.0/16"
#define CLUSTER_SERVICE_CIDR "10.96.0.0/16"
#define CLUSTER_API_ADDRESS "10.96.0.1" /* of the Service `kubernetes`, at port 443 */
#define CLUSTER_DNS_ADDRESS "10.96.0.10"

/* A node's piece, by its number, and the first address of it: the node's own among its pods. */
enum { NODE_RANGES = 256 };
#define NODE_RANGE_FORMAT "10.244.%u.0/24"
#define NODE_GATEWAY_FORMAT "10.244.%u.1"

#endif
