/* cli/keyring.h - sessions of agents that are reached over TCP, kept between runs.
 *
 * Model    One file, ~/.config/hivelet/sessions.json ($XDG_CONFIG_HOME), 0600 in a directory of 0700: host -> key of a session, and
 *          the certificate authority that the login was made with. It holds no password.
 */
#pragma once

#include "base/err.h"
#include "base/secret.h"

struct hv_keyring_entry {
        struct hv_secret *key;
        char *ca_file; /* NULL: the system's */
};
void hv_keyring_entry_done(struct hv_keyring_entry *e);

/* 1: *ret is filled; 0: nothing is kept for this host. */
int hv_keyring_get(const char *host, struct hv_keyring_entry *ret, struct hv_err *err);
int hv_keyring_put(const char *host, const char *key, const char *ca_file, struct hv_err *err);
int hv_keyring_forget(const char *host, struct hv_err *err);
