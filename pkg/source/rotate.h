/* source/rotate.h - another key in the place of a generated one.
 *
 *      <state>/secrets/NAME             in use
 *                      NAME.next        made and told to the other side, not in use yet
 *                      NAME.previous    was in use before: the way back
 *
 *      PREPARE  makes NAME.next, where it is not there yet
 *      NOW      makes NAME.next, where it is not there yet; NAME is copied to NAME.previous; NAME.next becomes NAME
 *      UNDO     NAME and NAME.previous change places, in one step of the kernel: a second UNDO takes back the first
 *
 * Model    Each step is durable before the next one begins, and before anybody uses what it gives. Wherever the power is cut, NAME
 *          is the old key or the new one, whole, and doing the same again goes on from there. No two secrets can collide: names of
 *          secrets have no dots.
 * Source   renameat2(2), RENAME_EXCHANGE.
 */
#pragma once

#include "base/secret.h"
#include "source/disk.h"

enum hv_rotation {
        HV_ROTATION_NOW,
        HV_ROTATION_PREPARE,
        HV_ROTATION_UNDO,
};

/* `dir` is <state>/secrets. *ret is the key that is in use from now on; of PREPARE the one that will be. -ENOENT: there is no key
 * of that name, or with UNDO none before it. -EALREADY: UNDO, and both are the same (a crash came in the middle of NOW). */
int hv_rotate_key(const struct hv_disk *dir, const char *name, enum hv_rotation how, struct hv_secret **ret,
                  struct hv_err *err);
