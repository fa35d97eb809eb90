/* task/address_policy.h - which addresses a URL of a stranger may lead to: public ones.
 *
 * Model    Pure, on addresses, not on texts: "http://0x7f.1/", "http://localtest.example/" and a name server that changes
 *          its mind all end in an address that is about to be connected to, and that is what is judged. Whatever carries
 *          an IPv4 address inside of an IPv6 one is refused as a whole: no honest server is reached that way only.
 * Source   RFC 6890 and the IANA registries of special-purpose addresses; the addresses of cloud metadata services.
 */
#pragma once

#include "base/macros.h"

struct sockaddr;

/* NULL: public. Else what it is: "loopback", "private", "link-local", ... */
const char *hv_address_policy_fault(const struct sockaddr *address);
