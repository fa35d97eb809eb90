/* base/quantity.h - amounts of CPU and of bytes in the notation of Kubernetes.
 *
 * Form     CPU: "2", "1.5", "500m" (thousandths). Bytes: a number, perhaps with a fraction or an exponent,
 *          and one of k M G T P E (powers of 1000) or Ki Mi Gi Ti Pi Ei (powers of 1024), or nothing for
 *          bytes. Kubernetes also reads "512m" of memory as half a byte; nobody ever meant that, so it is
 *          refused.
 * Units    nano-CPUs (10^9 = one CPU, Docker's NanoCpus) and bytes, each 0..INT64_MAX. Fractions round up.
 * Source   kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity
 */
#pragma once

#include "base/parse.h"

#define HV_QUANTITY_SIZE 40
#define HV_NANO_CPUS_PER_CPU UINT64_C(1000000000)

/* BAD, BAD_UNIT, NEGATIVE or OVERFLOW leave the result alone. */
enum hv_parse hv_quantity_parse_cpu(const char *text, uint64_t *ret_nano_cpus);
enum hv_parse hv_quantity_parse_bytes(const char *text, uint64_t *ret_bytes);

/* Bytes as Docker's command line has them: a number, perhaps with a fraction, and one of b k m g t, kb mb gb tb, kib mib gib tib
 * in any case, all powers of 1024, or nothing for bytes. "1g", "1.5GiB"; more than 0. */
enum hv_parse hv_quantity_parse_docker_bytes(const char *text, uint64_t *ret_bytes);

/* The shortest text that parses back to the same value: "1536Mi", "512M", "1000001"; "500m", "2", "0.000001".
 */
void hv_quantity_format_bytes(uint64_t bytes, char ret[HV_QUANTITY_SIZE]);
void hv_quantity_format_cpu(uint64_t nano_cpus, char ret[HV_QUANTITY_SIZE]);

/* What the author of a bad quantity may have meant: "512MB" -> "512M or 512Mi", "1 GiB" -> "1Gi", "512m" ->
 * "512M or 512Mi". false when there is no good guess. */
bool hv_quantity_suggest_bytes(const char *text, char ret[2 * HV_QUANTITY_SIZE]);
bool hv_quantity_suggest_cpu(const char *text, char ret[2 * HV_QUANTITY_SIZE]);
