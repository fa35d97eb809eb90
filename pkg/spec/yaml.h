/* spec/yaml.h - YAML text to trees; the one place that knows libyaml.
 *
 * Model    hv_yaml_read() is the `read` function of hv_spec_load() (spec/load.h): the loader itself links no
 *          library. Scalars stay text, with the note whether they were quoted: what they mean is the schema's
 *          business. Anchors, aliases and `<<` are resolved here, within limits; tags other than the core
 *          ones are refused.
 * Limits   1 MiB a file, 64 levels, 20,000 nodes brought in by aliases (the "billion laughs" of
 *          CVE-2019-11253).
 */
#pragma once

#include "spec/diag.h"

#define HV_YAML_SIZE_MAX (1024u * 1024)
#define HV_YAML_DEPTH_MAX 64u
#define HV_YAML_ALIAS_NODES_MAX 20000u

/* Appends the root of each document of `text` (file `file` of the diags) to the sequence `documents`. Empty
 * documents are warned about (W001) and left out. What cannot be read is a finding (E0002..E0008); the
 * documents before it are there. */
void hv_yaml_read(struct hv_arena *a, struct hv_diags *d, unsigned file, const char *text, size_t len,
                  struct hv_node *documents);
