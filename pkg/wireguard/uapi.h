/* wireguard/uapi.h - one question to the socket of WireGuard in user space, and its answer.
 *
 *      connect --> write all --> read until the empty line --> parse --> done()      every step may have to wait; a deadline ends it
 *
 * Model    A connection a question: they are rare (a resync, a change), and a connection that stays would have to be told from
 *          one whose program was replaced. The questions of two interfaces do not wait for each other.
 * Trust    Keys are sent to what listens there, so it must run as root or as this user (SO_PEERCRED).
 * Errors   -ENODEV: there is no socket, or nobody listens behind it (a program that was killed leaves its file: `stale`).
 *          -ETIMEDOUT, -EPERM (somebody else's), -EBADMSG, and what WireGuard answers.
 */
#pragma once

#include "wireguard/backend.h"
#include "wireguard/uapi_text.h"

#define HV_WG_UAPI_DIRECTORY \
        "/var/run/wireguard" /* of wireguard-go and of wg(8); a symbolic link to /run on Linux */

struct sd_event;
struct hv_wg_uapi_call;

enum hv_wg_socket {
        HV_WG_SOCKET_NONE,
        HV_WG_SOCKET_STALE, /* the file of a program that was killed */
        HV_WG_SOCKET_LIVE,
};

/* Path of the socket; false: does not fit (an interface's name always does). */
bool hv_wg_uapi_path(const char *directory, const char *interface, char *ret, size_t size);
enum hv_wg_socket hv_wg_uapi_probe(const char *path);

/* Takes the request (it is empty afterwards, and zeroed when it was sent). HV_WG_LATER or -errno. The call ends itself before
 * a->done(), or by hv_wg_uapi_cancel(). */
int hv_wg_uapi_ask(struct sd_event *event, const char *path, struct hv_wg_text *request,
                   struct hv_wg_interface *into, struct hv_wg_answer *a, struct hv_err *err);
void hv_wg_uapi_cancel(struct hv_wg_answer *a);
