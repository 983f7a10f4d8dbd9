/* What names, ports, addresses and other words may look like, with Kubernetes' sentence for those
 * that do not (k8s.io/apimachinery/pkg/util/validation). */
#ifndef SCHEMA_FORMAT_H
#define SCHEMA_FORMAT_H

#include "schema/api.h"

enum { FORMAT_FAULTS_MAX = 4 };

struct format_faults {
	struct str at[FORMAT_FAULTS_MAX]; /* each a whole sentence, constant */
	u32 len;
};

/* Adds what is wrong with a string of that format; adds nothing when it is fine. Formats that are
 * about numbers are checked by format_check_int. */
void format_check(enum api_format format, struct str value, struct format_faults *faults);
void format_check_int(enum api_format format, i64 value, struct format_faults *faults);
bool format_is(enum api_format format, struct str value);

#endif
