/* -o: whole objects as yaml, json, name, jsonpath, custom-columns, go-template. Tables stand in
 * cli/table.h. */
#ifndef CLI_PRINT_H
#define CLI_PRINT_H

#include "cli/resource.h"

enum output_form {
	OUTPUT_TABLE,
	OUTPUT_WIDE,
	OUTPUT_YAML,
	OUTPUT_JSON,
	OUTPUT_NAME,
	OUTPUT_JSONPATH,
	OUTPUT_COLUMNS, /* custom-columns=NAME:.metadata.name,… */
	OUTPUT_GO_TEMPLATE,
};

struct output {
	enum output_form form;
	struct str template; /* of jsonpath and custom-columns */
	bool show_managed_fields;
	bool no_headers; /* of custom-columns */
	u32 printed;	 /* documents so far: yaml parts them by --- */
};

/* Reads -o. Fails with kubectl's sentence on what is unknown. */
MUST_USE enum status output_parse(struct cli *cli, struct str text, struct output *ret_output,
				  struct error *error);

/* Prints one object, or a v1 List, in a form that is no table. */
MUST_USE enum status output_print(struct cli *cli, struct output *output,
				  const struct api_kind *kind, const struct doc *object,
				  struct error *error);

/* What a command that changed something says: "pod/x created", or the object under -o. */
MUST_USE enum status output_done(struct cli *cli, struct output *output,
				 const struct api_kind *kind, const struct doc *object,
				 const char *what, struct error *error);

#endif
