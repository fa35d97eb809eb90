/* cli/client_config.h - what a user wants of every hivectl: ~/.config/hivelet/config.yaml ($XDG_CONFIG_HOME).
 *
 *      host: https://node1.example:5000      # or socket: /run/other/hivelet.sock
 *      caFile: ca.pem                        # of host
 *      tokenFile: token                      # of host
 *      output: wide
 *
 * Model    Defaults: an option goes before, and so does $HIVELET_HOST or $HIVELET_SOCKET. Paths begin at the file's folder. What
 *          the file says of `host` is used for that host alone: a token goes nowhere else.
 * Safety   Who could write the file could send tokens elsewhere: it is read by the rules of source/read.h.
 */
#pragma once

#include "base/err.h"
#include "base/secret.h"

struct hv_client_config {
        char *path;                                 /* of the file, for messages; NULL: there is none */
        char *host, *socket, *ca_file, *token_file; /* NULL: not said */
        char *output;                               /* a word that is no template: "wide" */
};

/* Where this user's files of hivectl are; NULL: nobody knows. Caller frees. */
char *hv_client_config_folder(void);

/* 0 also where there is no file. -EINVAL, -EPERM, ...: err names the file, and the line where there is one. */
int hv_client_config_read(struct hv_client_config **ret, struct hv_err *err);
struct hv_client_config *hv_client_config_free(struct hv_client_config *c); /* takes NULL, gives NULL */
HV_DEFINE_CLEANUP(struct hv_client_config, hv_client_config_free);

/* The text of `tokenFile`, without the end of its line. */
int hv_client_config_token(const struct hv_client_config *c, struct hv_secret **ret, struct hv_err *err);
