/* spec/schema_internal.h - how the rows of the table are written, and what its parts share. */
#pragma once

#include "spec/schema.h"
#include "spec/types.h"

/* One row: HV_ROW(port, "container", INT, container) is field "container" of struct hv_spec_port. */
#define HV_ROW(s, yaml, TYPE, member) \
        .name = yaml, .type = HV_FIELD_##TYPE, .offset = offsetof(struct hv_spec_##s, member)
#define HV_LIST(s, yaml, ITEM, member) HV_ROW(s, yaml, LIST, member), .item = HV_FIELD_##ITEM
#define HV_NESTED(s, yaml, member, nested) HV_ROW(s, yaml, STRUCT, member), .schema = &(nested)
#define HV_STRUCTS(s, yaml, member, nested) HV_LIST(s, yaml, STRUCT, member), .schema = &(nested)

#define HV_FIELDS(rows) .fields = rows, .n_fields = HV_ARRAY_SIZE(rows)
#define HV_GROUPS(rows) .groups = rows, .n_groups = HV_ARRAY_SIZE(rows)
#define HV_NAMES(...) ((const char *const[]){ __VA_ARGS__, NULL })
#define HV_WORDS(...) .words = HV_NAMES(__VA_ARGS__)
#define HV_SIZED(s) .size = sizeof(struct hv_spec_##s)
#define HV_POSITIVE .has_range = true, .min = 1, .max = INT64_MAX
#define HV_OR_ZERO .has_range = true, .min = 0, .max = INT64_MAX
#define HV_RANGE(low, high) .has_range = true, .min = (low), .max = (high)

extern const struct hv_schema hv_schema_state;
extern const struct hv_schema hv_schema_service, hv_schema_task, hv_schema_cron_task, hv_schema_task_template;
extern const struct hv_schema hv_schema_network, hv_schema_volume, hv_schema_secret, hv_schema_config;
extern const struct hv_schema hv_schema_registry, hv_schema_image, hv_schema_wireguard;
extern const struct hv_schema hv_schema_node, hv_schema_resources, hv_schema_images;
extern const struct hv_schema hv_schema_task_defaults, hv_schema_master, hv_schema_trust;
extern const struct hv_schema hv_schema_http, hv_schema_gc, hv_schema_logging, hv_schema_source,
        hv_schema_tls;
/* Shared by services and tasks. */
extern const struct hv_schema hv_schema_env, hv_schema_mount, hv_schema_unit_resources, hv_schema_security;
extern const struct hv_schema hv_schema_stop, hv_schema_unit_logging, hv_schema_secret_use,
        hv_schema_config_use;
extern const struct hv_schema hv_schema_depends_on, hv_schema_task_security;
extern const struct hv_schema hv_schema_default_resources, hv_schema_task_resources;

/* As hv_schema_decode(), for what was warned about as a whole: no W040 for its parts. */
void hv_schema_decode_planned(const struct hv_schema *s, const struct hv_node *node, struct hv_arena *a,
                              struct hv_diags *d, void *ret);

/* A bound of a field's range, as a user would write it. */
void hv_schema_format_bound(const struct hv_field *f, int64_t bound, char ret[64]);
