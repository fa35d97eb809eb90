/* pool/hivemind_token.h - how long a token of a pool of dialect hivemind lives, by its own words.
 *
 * Model    The token is a JSON web token, whose middle part names the instant of its end (`exp`). It is read and not checked: only
 *          the pool has the key. The instant is the pool's clock against ours, so nothing is ever made of it but "sooner than usual", and
 *          of a token that is said to have ended another login.
 * Pure     no clock, no wire.
 * Source   RFC 7519, sections 3 and 4.1.4.
 */
#pragma once

#include "base/macros.h"

/* It says that it has ended by this clock. False: it lives, or does not say. */
bool hivemind_token_has_ended(const char *token, uint64_t now_wall_us);

/* Half of what is left of its life, at least a second. 0: it does not say, or it has ended by this clock. */
uint64_t hivemind_token_half_life_us(const char *token, uint64_t now_wall_us);
