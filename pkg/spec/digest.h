/* spec/digest.h - one number for "is it still the same".
 *
 * Model    A canonical form (every field with its name, texts with their length, numbers as 8 bytes, no
 *          locale) hashed with SHA-256. It is made of lowered values, defaults included: writing a default
 *          out, the order of fields, comments and quotes change nothing. unit, network, volume: the fields
 *          whose change needs a new object in the engine (cost `recreate`); revision: everything declared,
 *          for telling states apart.
 * Change   of the form itself (a field added with a value for all) makes every container be replaced on
 *          upgrade. A field that most units do not have is therefore hashed only where it is set.
 */
#pragma once

#include "spec/types.h"

void hv_unit_digest(const struct hv_unit *u, char ret_hex[HV_SHA256_HEX_SIZE]);
void hv_network_digest(const struct hv_network *n, char ret_hex[HV_SHA256_HEX_SIZE]);
void hv_volume_digest(const struct hv_volume *v, char ret_hex[HV_SHA256_HEX_SIZE]);
void hv_tunnel_digest(const struct hv_spec_wireguard *w,
                      char ret_hex[HV_SHA256_HEX_SIZE]); /* no key, but where it is read from */

/* The order of objects, of fields, and of mappings in a list does not count; that of texts in a list does. */
void hv_tree_revision(const struct hv_spec_tree *t, char ret_hex[HV_SHA256_HEX_SIZE]);

/* The same of one task: what is written, not what node-wide defaults make of it, so that a changed default does not run it
 * again. Its name counts, annotations do not: they are notes. */
void hv_spec_task_digest(const struct hv_spec_task *t, char ret_hex[HV_SHA256_HEX_SIZE]);
