/* libldns, loaded when the first DNS message comes: a cluster where nobody asks for a name never
 * pays for it. */
#ifndef NETWORK_LDNS_H
#define NETWORK_LDNS_H

#include <ldns/ldns.h>

#define LDNS_FUNCTIONS(X)                                                                          \
	X(ldns_wire2pkt)                                                                           \
	X(ldns_pkt2wire)                                                                           \
	X(ldns_pkt_new)                                                                            \
	X(ldns_pkt_free)                                                                           \
	X(ldns_pkt_question)                                                                       \
	X(ldns_pkt_answer)                                                                         \
	X(ldns_pkt_edns)                                                                           \
	X(ldns_pkt_edns_udp_size)                                                                  \
	X(ldns_pkt_get_rcode)                                                                      \
	X(ldns_pkt_push_rr)                                                                        \
	X(ldns_pkt_set_id)                                                                         \
	X(ldns_pkt_set_qr)                                                                         \
	X(ldns_pkt_set_aa)                                                                         \
	X(ldns_pkt_set_tc)                                                                         \
	X(ldns_pkt_set_rd)                                                                         \
	X(ldns_pkt_set_ra)                                                                         \
	X(ldns_pkt_set_rcode)                                                                      \
	X(ldns_pkt_set_edns_udp_size)                                                              \
	X(ldns_pkt_qr)                                                                             \
	X(ldns_rr_list_rr)                                                                         \
	X(ldns_rr_list_rr_count)                                                                   \
	X(ldns_rr_new)                                                                             \
	X(ldns_rr_owner)                                                                           \
	X(ldns_rr_get_type)                                                                        \
	X(ldns_rr_get_class)                                                                       \
	X(ldns_rr_rdf)                                                                             \
	X(ldns_rr_push_rdf)                                                                        \
	X(ldns_rr_set_owner)                                                                       \
	X(ldns_rr_set_type)                                                                        \
	X(ldns_rr_set_class)                                                                       \
	X(ldns_rr_set_ttl)                                                                         \
	X(ldns_rr_set_question)                                                                    \
	X(ldns_rdf_data)                                                                           \
	X(ldns_rdf_size)                                                                           \
	X(ldns_rdf_new_frm_data)                                                                   \
	X(ldns_dname_new_frm_str)                                                                  \
	X(ldns_dname_new_frm_data)                                                                 \
	X(ldns_native2rdf_int16)                                                                   \
	X(ldns_native2rdf_int32)

struct ldns_library {
#define X(name) __typeof__(&(name)) name;
	LDNS_FUNCTIONS(X)
#undef X
};

/* Loads it at the first call. NULL, after one line in the log: it is not there. */
const struct ldns_library *ldns_load(void);

#endif
