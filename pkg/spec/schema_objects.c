/* spec/schema_objects.c - rows of what services and tasks share: registries, images, networks, volumes,
 * secrets, configs, tunnels. */
#include "spec/schema_internal.h"

#define RECREATE .cost = HV_COST_RECREATE

#define NAME_ROW(s, what, sample)                                                                         \
        {                                                                                                 \
                HV_ROW(s, "name", TEXT, o.name), .required = true, .format = HV_FORMAT_NAME,              \
                                                 .doc = "Name, unique among " what ".", .example = sample \
        }
#define NOTE_ROWS(s)                                                                                         \
        { HV_ROW(s, "labels", MAP, o.labels), .doc = "Labels of the object.", .example = "{site: berlin}" }, \
        {                                                                                                    \
                HV_ROW(s, "annotations", MAP, o.annotations), .doc = "Notes for tools.",                     \
                                                              .example = "{owner: ana}"                      \
        }

static const struct hv_field auth_rows[] = {
        { HV_ROW(registry_auth, "secret", TEXT, secret), .required = true, .format = HV_FORMAT_REF_SECRET,
          .doc = "Secret that holds a Docker config.json with the login.", .example = "registry-login" },
};
static const struct hv_schema auth = {
        .name = "RegistryAuth", .doc = "How to log in.", HV_FIELDS(auth_rows), HV_SIZED(registry_auth)
};
static const struct hv_field registry_rows[] = {
        NAME_ROW(registry, "registries", "private"),
        NOTE_ROWS(registry),
        { HV_ROW(registry, "host", TEXT, host), .required = true, .format = HV_FORMAT_HOST,
          .doc = "Host, as image names begin with it.", .example = "registry.example.org" },
        { HV_NESTED(registry, "auth", auth, auth), .doc = "How to log in; none: anonymous.",
          .example = "{secret: registry-login}" },
        { HV_LIST(registry, "mirrors", TEXT, mirrors), .format = HV_FORMAT_URL,
          .doc = "Mirrors that are asked first.", .example = "[\"http://10.0.0.1:5005\"]" },
};
const struct hv_schema hv_schema_registry = { .name = "Registry",
                                              .doc = "Where images come from.",
                                              HV_FIELDS(registry_rows),
                                              HV_SIZED(registry),
                                              .item_word = "registry",
                                              .kind = HV_KIND_REGISTRY };

static const struct hv_field image_rows[] = {
        { HV_ROW(image, "name", TEXT, o.name), .format = HV_FORMAT_NAME,
          .doc = "Name, unique among images; none: the reference.", .example = "redis" },
        NOTE_ROWS(image),
        { HV_ROW(image, "ref", TEXT, ref), .required = true, .format = HV_FORMAT_IMAGE,
          .doc = "Image to have ready.", .example = "docker.io/library/redis:7.4-alpine" },
        { HV_ROW(image, "pin", BOOL, pin), .value = "false", .doc = "Whether it is never collected." },
};
const struct hv_schema hv_schema_image = { .name = "Image",
                                           .doc = "An image to have ready before anybody needs it.",
                                           HV_FIELDS(image_rows),
                                           HV_SIZED(image),
                                           .item_word = "image",
                                           .kind = HV_KIND_IMAGE };

static const struct hv_field pull_rows[] = {
        { HV_ROW(pull, "parallel", INT, parallel), .value = "2", HV_RANGE(1, 32),
          .doc = "Pulls at the same time." },
        { HV_ROW(pull, "stallTimeout", DURATION, stall_timeout_us), .value = "90s", HV_POSITIVE,
          .doc = "A pull without progress for this long is given up and tried again." },
        { HV_ROW(pull, "retries", INT, retries), .value = "8", HV_RANGE(0, 1000),
          .doc = "Tries in a row before the longest wait is kept." },
        { HV_ROW(pull, "window", TEXT, window), .format = HV_FORMAT_WINDOW,
          .doc = "When images that nothing waits for are pulled; none: any time.",
          .example = "\"01:00-05:00 Europe/Berlin\"" },
};
static const struct hv_schema pull = {
        .name = "Pull", .doc = "How images are pulled.", HV_FIELDS(pull_rows), HV_SIZED(pull)
};
static const struct hv_field images_rows[] = {
        { HV_NESTED(images, "pull", pull, pull), .doc = "How images are pulled.",
          .example = "{parallel: 2}" },
        { HV_STRUCTS(images, "preload", preload, hv_schema_image),
          .doc = "Images to have ready before anybody needs them.",
          .example = "[{ref: docker.io/library/redis:7.4-alpine, pin: true}]" },
        { HV_ROW(images, "archives", TEXT, archives), .format = HV_FORMAT_ABSOLUTE_PATH,
          .doc = "Folder of archives (docker save) whose images are loaded, each once; none: none.",
          .example = "/var/lib/hivelet-images" },
};
const struct hv_schema hv_schema_images = { .name = "Images",
                                            .doc = "How images are pulled, and which beforehand.",
                                            HV_FIELDS(images_rows),
                                            HV_SIZED(images) };

static const struct hv_field network_rows[] = {
        NAME_ROW(network, "networks", "backend"),
        { HV_ROW(network, "labels", MAP, o.labels), RECREATE, .doc = "Labels of the network.",
          .example = "{site: berlin}" },
        { HV_ROW(network, "annotations", MAP, o.annotations), .doc = "Notes for tools.",
          .example = "{owner: ana}" },
        { HV_ROW(network, "driver", TEXT, driver), .value = "bridge", RECREATE,
          .doc = "Driver of the engine." },
        { HV_ROW(network, "internal", BOOL, internal), .value = "false", RECREATE,
          .doc = "Whether it is cut off from everything outside." },
        { HV_ROW(network, "subnet", TEXT, subnet), .format = HV_FORMAT_CIDR, RECREATE,
          .doc = "Addresses of it; none: the engine's choice.", .example = "172.30.0.0/24" },
        { HV_ROW(network, "gateway", TEXT, gateway), .format = HV_FORMAT_ADDRESS, RECREATE,
          .doc = "Address of the host on it; none: the first of the subnet.", .example = "172.30.0.1" },
        { HV_ROW(network, "options", MAP, options), RECREATE, .doc = "Options of the driver.",
          .example = "{com.docker.network.bridge.enable_icc: \"true\"}" },
};
const struct hv_schema hv_schema_network = { .name = "Network",
                                             .doc = "A network of the engine.",
                                             HV_FIELDS(network_rows),
                                             HV_SIZED(network),
                                             .item_word = "network",
                                             .kind = HV_KIND_NETWORK };

static const struct hv_field volume_rows[] = {
        NAME_ROW(volume, "volumes", "redis-data"),
        { HV_ROW(volume, "labels", MAP, o.labels), RECREATE, .doc = "Labels of the volume.",
          .example = "{site: berlin}" },
        { HV_ROW(volume, "annotations", MAP, o.annotations), .doc = "Notes for tools.",
          .example = "{owner: ana}" },
        { HV_ROW(volume, "driver", TEXT, driver), .value = "local", RECREATE,
          .doc = "Driver of the engine." },
        { HV_ROW(volume, "options", MAP, options), RECREATE, .doc = "Options of the driver.",
          .example = "{type: tmpfs, device: tmpfs}" },
        { HV_ROW(volume, "reclaim", ENUM, reclaim), HV_WORDS("retain", "delete"), .value = "retain",
          .doc = "What happens to the data when it leaves the desired state." },
        { HV_ROW(volume, "access", ENUM, access), HV_WORDS("shared", "exclusive"), .value = "shared",
          .doc = "Whether one container at a time may use it, or several." },
};
const struct hv_schema hv_schema_volume = { .name = "Volume",
                                            .doc = "Data that outlives containers.",
                                            HV_FIELDS(volume_rows),
                                            HV_SIZED(volume),
                                            .item_word = "volume",
                                            .kind = HV_KIND_VOLUME };

static const struct hv_field secret_rows[] = {
        NAME_ROW(secret, "secrets", "db-password"),
        NOTE_ROWS(secret),
        { HV_ROW(secret, "fromFile", TEXT, from_file), .format = HV_FORMAT_ABSOLUTE_PATH,
          .doc = "File of the host that holds it, with mode 0600 or stricter.",
          .example = "/etc/hivelet/secrets/registry.json" },
        { HV_ROW(secret, "fromCredential", TEXT, from_credential),
          .doc = "Credential of the service manager (LoadCredential=) that holds it.",
          .example = "db-password" },
        { HV_ROW(secret, "generate", ENUM, generate), HV_WORDS("none", "wireguard"), .value = "none",
          .doc = "Made once by the agent and kept in its state directory.", .example = "wireguard" },
};
static const struct hv_group secret_groups[] = {
        { HV_NAMES("fromFile", "fromCredential", "generate"), .exclusive = true, .needed = true },
};
const struct hv_schema hv_schema_secret = { .name = "Secret",
                                            .doc = "Where something that nobody may see comes from.",
                                            HV_FIELDS(secret_rows),
                                            HV_GROUPS(secret_groups),
                                            HV_SIZED(secret),
                                            .item_word = "secret",
                                            .kind = HV_KIND_SECRET };

static const struct hv_field config_rows[] = {
        NAME_ROW(config, "configs", "web-conf"),
        NOTE_ROWS(config),
        { HV_ROW(config, "data", MAP, data), .required = true, .doc = "Texts by key.",
          .example = "{nginx.conf: \"events {}\\n\"}" },
};
const struct hv_schema hv_schema_config = { .name = "Config",
                                            .doc = "Texts that containers see as files.",
                                            HV_FIELDS(config_rows),
                                            HV_SIZED(config),
                                            .item_word = "config",
                                            .kind = HV_KIND_CONFIG };

static const struct hv_field key_rows[] = {
        { HV_ROW(key, "secret", TEXT, secret), .format = HV_FORMAT_REF_SECRET, .doc = "Secret that holds it.",
          .example = "wg-key" },
        { HV_ROW(key, "file", TEXT, file), .format = HV_FORMAT_ABSOLUTE_PATH,
          .doc = "File of the host that holds it, with mode 0600 or stricter.",
          .example = "/etc/hivelet/wg.key" },
};
static const struct hv_group key_groups[] = {
        { HV_NAMES("secret", "file"), .exclusive = true, .needed = true },
};
static const struct hv_schema key = { .name = "Key",
                                      .doc = "Where a key comes from.",
                                      HV_FIELDS(key_rows),
                                      HV_GROUPS(key_groups),
                                      HV_SIZED(key) };

static const struct hv_field resolve_rows[] = {
        { HV_ROW(resolve, "interval", DURATION, interval_us), .value = "60s", HV_POSITIVE,
          .doc = "How often the endpoint's name is looked up." },
        { HV_ROW(resolve, "onStaleHandshake", DURATION, on_stale_handshake_us), .value = "150s", HV_POSITIVE,
          .doc = "It is looked up at once when the last handshake is older." },
};
static const struct hv_schema resolve = { .name = "Resolve",
                                          .doc = "When the endpoint's name is looked up.",
                                          HV_FIELDS(resolve_rows),
                                          HV_SIZED(resolve) };

#define INLINE_KEY(what)                    \
        .sensitive = true, .code = "E0322", \
        .not_text = what " keys may not be written in this file; use {secret: ...} or {file: ...}"

static const struct hv_field peer_rows[] = {
        { HV_ROW(peer, "name", TEXT, name), .required = true, .format = HV_FORMAT_NAME,
          .doc = "Name, unique among the peers of the interface.", .example = "hub" },
        { HV_ROW(peer, "publicKey", TEXT, public_key), .required = true, .format = HV_FORMAT_WG_KEY,
          .doc = "Its public key.", .example = "r81sF60Tik+GjBRRHnJYAlMkTRY+BctBsHhE0KvBCrw=" },
        { HV_NESTED(peer, "presharedKey", preshared_key, key), INLINE_KEY("preshared"),
          .doc = "A further secret shared with it.", .example = "{secret: wg-psk}" },
        { HV_ROW(peer, "endpoint", TEXT, endpoint), .format = HV_FORMAT_HOST_PORT,
          .doc = "Where it is reached; none: it speaks first.", .example = "vpn.example.org:51820" },
        { HV_NESTED(peer, "resolve", resolve, resolve), .doc = "When the endpoint's name is looked up.",
          .example = "{interval: 60s}" },
        { HV_LIST(peer, "allowedIPs", TEXT, allowed_ips), .format = HV_FORMAT_CIDR,
          .doc = "Networks behind it: what is sent there, and taken from there.",
          .example = "[10.0.0.0/24]" },
        { HV_ROW(peer, "persistentKeepalive", DURATION, persistent_keepalive_us), .value = "0s",
          HV_RANGE(0, INT64_C(65535000000)), .code = "E0327",
          .doc = "How often a packet is sent to keep the way open; 0s: never.", .example = "25s" },
};
static const struct hv_schema peer = { .name = "Peer",
                                       .doc = "The other end of a tunnel.",
                                       HV_FIELDS(peer_rows),
                                       HV_SIZED(peer),
                                       .key = "name",
                                       .item_word = "peer" };

static const struct hv_field healthy_rows[] = {
        { HV_LIST(wireguard_healthy, "peers", TEXT, peers), .doc = "Peers that count; none: any one.",
          .example = "[hub]" },
        { HV_ROW(wireguard_healthy, "maxHandshakeAge", DURATION, max_handshake_age_us), .value = "180s",
          HV_POSITIVE, .doc = "The tunnel is healthy while their last handshakes are younger." },
};
static const struct hv_schema healthy = { .name = "WireGuardHealth",
                                          .doc = "When the tunnel counts as healthy.",
                                          HV_FIELDS(healthy_rows),
                                          HV_SIZED(wireguard_healthy) };

static const struct hv_field join_rows[] = {
        { HV_ROW(join, "url", TEXT, url), .required = true, .format = HV_FORMAT_URL,
          .doc = "The pool's VPN service.", .example = "\"https://pool.example.org/api/vpn/join\"" },
        { HV_ROW(join, "clientName", TEXT, client_name), .doc = "Name to join under; none: the node id.",
          .example = "worker-berlin-07" },
        { HV_ROW(join, "caFile", TEXT, ca_file), .format = HV_FORMAT_ABSOLUTE_PATH,
          .doc = "Certificates that the service's is judged by; none: the system's.",
          .example = "/etc/hivelet/vpn-ca.pem" },
        { HV_ROW(join, "insecure", BOOL, insecure), .value = "false",
          .doc = "Whether the key may come over http:// from another machine, for everybody on the way to read." },
};
static const struct hv_schema join = { .name = "Join",
                                       .doc = "Fetches keys and peers once from a VPN service.",
                                       HV_FIELDS(join_rows),
                                       HV_SIZED(join) };

static const struct hv_field wireguard_rows[] = {
        { HV_ROW(wireguard, "name", TEXT, o.name), .required = true, .format = HV_FORMAT_INTERFACE,
          .doc = "Name of the interface.", .example = "hive0" },
        NOTE_ROWS(wireguard),
        { HV_NESTED(wireguard, "privateKey", private_key, key), INLINE_KEY("private"),
          .doc = "Key of this node.", .example = "{secret: wg-key}" },
        { HV_LIST(wireguard, "addresses", TEXT, addresses), .format = HV_FORMAT_ADDRESS_CIDR,
          .doc = "Addresses of the interface.", .example = "[10.0.0.17/24]" },
        { HV_ROW(wireguard, "listenPort", INT, listen_port), HV_RANGE(1, 65535), .code = "E0327",
          .doc = "UDP port; none: the kernel picks one.", .example = "51820" },
        { HV_ROW(wireguard, "mtu", INT, mtu), .value = "1420", HV_RANGE(576, 65535), .code = "E0327",
          .doc = "Largest packet." },
        { HV_ROW(wireguard, "firewallMark", INT, firewall_mark), .value = "0", HV_RANGE(0, UINT32_MAX),
          .code = "E0327",
          .doc = "Mark of the packets that the tunnel itself sends, for rules of routing; 0: none.",
          .example = "51820" },
        { HV_ROW(wireguard, "routes", WORDS, routes), .value = "auto",
          .doc = "auto for routes to the peers' networks, none, or a list of networks.",
          .example = "[10.0.0.0/24]" },
        { HV_STRUCTS(wireguard, "peers", peers, peer), .doc = "The other ends.",
          .example = "[{name: hub, publicKey: r81sF60Tik+GjBRRHnJYAlMkTRY+BctBsHhE0KvBCrw=}]" },
        { HV_NESTED(wireguard, "healthy", healthy, healthy), .is_switch = true,
          .doc = "When the tunnel counts as healthy.", .example = "{peers: [hub]}" },
        { HV_NESTED(wireguard, "join", join, join),
          .doc = "Fetches keys and peers once, in place of writing them.",
          .example = "{url: \"https://pool.example.org/api/vpn/join\"}" },
};
static const struct hv_group wireguard_groups[] = {
        { HV_NAMES("privateKey", "join"), .exclusive = true, .needed = true },
        { HV_NAMES("peers", "join"), .exclusive = true },
        { HV_NAMES("addresses", "join"), .exclusive = true },
};
const struct hv_schema hv_schema_wireguard = { .name = "WireGuard",
                                               .doc = "An encrypted tunnel to other nodes.",
                                               HV_FIELDS(wireguard_rows),
                                               HV_GROUPS(wireguard_groups),
                                               HV_SIZED(wireguard),
                                               .item_word = "interface",
                                               .kind = HV_KIND_WIREGUARD };
