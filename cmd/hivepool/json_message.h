/* hivepool/json_message.h - a message of the admin service as JSON.
 *
 * Form     the fields under their names in lowerCamelCase; what is not set is left out, but lists are always there; instants
 *          (fields that end in _us) are RFC 3339 under the name without that end; bytes are left out.
 */
#pragma once

#include <protobuf-c/protobuf-c.h>

void json_message_print(const ProtobufCMessage *m);
