/* spec/value_name.h - names: of objects, variables, interfaces; and keys and digests, which name bytes.
 *
 * Errors   0 or -EINVAL with a fault. Texts of keys are never quoted: what stands where a public key belongs
 *          may be a private one.
 */
#pragma once

#include "spec/value.h"

#define HV_WG_KEY_SIZE 32

/* Name of an object: DNS label that begins with a letter (E0105). */
int hv_value_name(const char *text, struct hv_fault *fault);

/* [A-Za-z_][A-Za-z0-9_]*: IEEE Std 1003.1 section 8.1 (E0429). */
int hv_value_env_name(const char *text, struct hv_fault *fault);

/* Value of an environment variable: no newline, no NUL; what the engine would pass on unharmed and no
 * line-based file can be tricked with (E0429). */
int hv_value_env_value(const char *text, struct hv_fault *fault);

/* Network interface: 1..15 characters that every tool takes (E0328). Kernel: dev_valid_name(). */
int hv_value_interface(const char *text, struct hv_fault *fault);

/* Name of a host inside a container: labels with dots, 1..63 (E0105). Kernel: __NEW_UTS_LEN is 64. */
int hv_value_hostname(const char *text, struct hv_fault *fault);

/* Key of a label: printable ASCII without spaces and '=', at most 255, not under "io.hivelet" (E0108). */
int hv_value_label_key(const char *text, struct hv_fault *fault);

/* WireGuard key: 32 bytes in base64, 44 characters (E0321). `what` is "public key". ret may be NULL. */
int hv_value_wg_key(const char *text, const char *what, unsigned char ret[HV_WG_KEY_SIZE],
                    struct hv_fault *fault);

/* 64 hex digits (E0452). */
int hv_value_sha256(const char *text, struct hv_fault *fault);
