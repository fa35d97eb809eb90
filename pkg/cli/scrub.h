/* cli/scrub.h - text without what could be a secret, for files that leave the machine.
 *
 * Model    What hivelet shows holds no secret of the desired state in the first place. This is the second line: what an operator wrote
 *          where it does not belong (a password in an argument, in a URL), or what a program wrote into the journal. It rather takes too
 *          much than too little.
 * Rules    the value behind a name that speaks of a secret (password, token, secret, credential, api key, private key: `--token=x`,
 *          `PASSWORD: x`, `"apiKey": "x"`), what follows Bearer and Basic, the user in a URL (`https://user:pw@host`), blocks of
 *          private keys in PEM form. Names of secrets (`passwordSecret: NAME`) go too.
 * Pure     no file, no clock.
 */
#pragma once

#include "base/buf.h"

#define HV_SCRUBBED "[redacted]"

void hv_scrub(const char *text, struct hv_buf *ret);
