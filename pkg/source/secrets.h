/* source/secrets.h - the bytes behind the names of secrets.
 *
 * Sources  fromFile: a file of mode 0600 or stricter, of root or this user, no link (source/read.h).
 *          fromCredential: $CREDENTIALS_DIRECTORY/NAME, as systemd hands them to a service (systemd.exec(5)).
 *          generate: made once, kept in <state>/secrets/NAME (0600), never printed. `wireguard` is a
 *          Curve25519 private key in base64, as `wg genkey` makes it; rotate.h puts another one in its place.
 * Model    All of a revision or nothing: a finding for each one that cannot be had. Every value is also
 *          registered with the log's redaction, so that it leaves the process by no line.
 */
#pragma once

#include "base/secret.h"
#include "source/disk.h"
#include "spec/diag.h"
#include "spec/types.h"

struct hv_secrets;

/* `partly`: what cannot be had is left out (its finding is a warning). `credentials`: the directory, NULL
 * when there is none. Findings (E0362, E0323, E0009, E0003) go to `diags`; *ret is written when there is none
 * of them. -EINVAL otherwise. */
int hv_secrets_load(const struct hv_spec_state *spec, const struct hv_disk *state, const char *credentials,
                    struct hv_diags *diags, bool partly, struct hv_secrets **ret);
struct hv_secrets *hv_secrets_free(struct hv_secrets *s); /* zeroes; takes NULL, gives NULL */
HV_DEFINE_CLEANUP(struct hv_secrets, hv_secrets_free);

const struct hv_secret *hv_secrets_get(const struct hv_secrets *s,
                                       const char *name); /* NULL: none of this name */
size_t hv_secrets_count(const struct hv_secrets *s);

/* One of them, read again; the caller owns it. -ENOKEY: it cannot be had. */
int hv_secret_load(const struct hv_spec_secret *spec, const struct hv_disk *state, const char *credentials,
                   struct hv_secret **ret, struct hv_err *err);
/* From now on that is what the name stands for; copied. What was borrowed of it before is gone. */
void hv_secrets_put(struct hv_secrets *s, const char *name, const struct hv_secret *secret);

/* A new Curve25519 private key in <dir>/name, durably, and in *ret. */
int hv_secret_make_wireguard(const struct hv_disk *dir, const char *name, struct hv_secret **ret,
                             struct hv_err *err);
