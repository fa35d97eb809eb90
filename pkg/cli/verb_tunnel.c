/* cli/verb_tunnel.c - rows of the table of commands (verb.h): WireGuard. */
#include "cli/cli_internal.h"
#include "cli/verb_table.h"

const struct hv_verb hv_verbs_tunnel[] = {
        { .name = "wg show",
          .group = "Tunnels",
          .usage = "[NAME]",
          .summary =
                  "WireGuard interfaces and their peers: who was heard, when, and how much went to and fro",
          .details =
                  "HEARD is the time since the last handshake. Peers that talk shake hands every two minutes.",
          .examples = "wg show\nwg show hive0 -o json\n",
          .options = BIT(HV_OPT_NO_HEADERS),
          .formats = TABLE,
          .args_max = 1,
          .run = hv_cmd_wg_show },
        { .name = "wg ping",
          .group = "Tunnels",
          .usage = "NAME [PEER]",
          .summary = "do the peers of a WireGuard interface answer?",
          .details =
                  "The agent asks through the interface: the first address of each peer's allowedIPs gets an ICMP echo. What answers is\n"
                  "told as echo; a peer that is there while nobody behind it answers, as handshake. Takes up to 12 s where nothing comes.\n"
                  "Exit code 1 when a peer does not answer at all.",
          .examples = "wg ping hive0\nwg ping hive0 hub -o json\n",
          .options = BIT(HV_OPT_NO_HEADERS),
          .formats = TABLE,
          .args_max = 2,
          .run = hv_cmd_wg_ping },
        { .name = "wg rotate",
          .group = "Tunnels",
          .usage = "NAME [--prepare | --undo]",
          .summary = "another key for a WireGuard interface; shows its public key",
          .details =
                  "Of a secret with generate: wireguard a new key is made, kept, and set; nothing is taken down, and the key of before is\n"
                  "kept for --undo. Of a key in a file or a credential what is there now is read and set.\n"
                  "The other side must put the new public key in the place of the old one: until then nothing goes through. Who manages\n"
                  "the node through this very tunnel runs --prepare first, which shows the public key that will be, and tells the other side.",
          .examples = "wg rotate hive0 --prepare\nwg rotate hive0\nwg rotate hive0 --undo\n",
          .options = BIT(HV_OPT_PREPARE) | BIT(HV_OPT_UNDO),
          .args_max = 1,
          .run = hv_cmd_wg_rotate },
        { .name = "wg genkey",
          .group = "Tunnels",
          .usage = "",
          .summary = "a new private key. Needs no agent",
          .examples = "wg genkey >/etc/hivelet/wg.key\n",
          .run = hv_cmd_wg_genkey },
        { .name = "wg pubkey",
          .group = "Tunnels",
          .usage = "",
          .summary = "the public key of a private one, which is read from standard input. Needs no agent",
          .examples = "wg pubkey </etc/hivelet/wg.key\n",
          .run = hv_cmd_wg_pubkey },
        {},
};
