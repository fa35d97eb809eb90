/* cli/output.h - what a verb prints on standard output. */
#pragma once

#include "cli/cli_internal.h"
#include "cli/table.h"

void hv_output_text(struct hv_cli *cli, const struct hv_buf *text); /* escaped on a terminal */
void hv_output_table(struct hv_cli *cli, const struct hv_table *table);
/* JSON and what is made of it: jsonl, jsonpath, YAML, the caller's own columns. */
bool hv_output_is_document(enum hv_output_format format);
/* A JSON value in the form asked for. */
void hv_output_document(struct hv_cli *cli, const struct hv_json *j, enum hv_output_format format);

/* Time since an instant of the API, in one unit: "45s", "12m", "3h", "5d"; "-" for none. In `ret`. */
#define HV_AGE_SIZE 24
const char *hv_output_age(const char *rfc3339, char ret[HV_AGE_SIZE]);
/* An instant of the API in whole seconds: "2026-01-31T08:00:00Z"; "-" for NULL. */
const char *hv_output_instant(const char *rfc3339, char ret[HV_AGE_SIZE]);
/* How long it is until an instant: "4h"; "-" for NULL. */
const char *hv_output_until(const char *rfc3339, char ret[HV_AGE_SIZE]);

/* An image as people write it: without the registry and the folder that a bare name means. NULL gives NULL. */
const char *hv_output_image(const char *image);

/* Words in colour where there is colour. */
enum hv_tint {
        HV_TINT_NONE,
        HV_TINT_GOOD,
        HV_TINT_BAD,
        HV_TINT_BUSY,
        HV_TINT_HEADING,
};
void hv_output_tint(struct hv_buf *buf, bool color, enum hv_tint tint, const char *text);
