/* copies.tsx - each object as a command, as YAML and as a request, to be copied. What is copied holds no secret: of a secret the agent gives
 * its name only, and where one has to log in the request names a variable of the shell. */
import { t } from "./i18n";
import { Icon, tell } from "./parts";
import { who } from "./session";
import { yaml } from "./yaml";

export async function copy(text: string): Promise<void> {
        try {
                await navigator.clipboard.writeText(text);
                tell(t("Copied"));
        } catch {
                tell(t("The browser does not let this page copy."), true);
        }
}

const PLURALS: Record<string, string> = {
        Service: "services",
        Network: "networks",
        Volume: "volumes",
        Image: "images",
        Registry: "registries",
        CronTask: "crontasks",
        WireGuard: "wireguard",
        Secret: "secrets",
        Config: "configs",
        Task: "tasks",
};

/* A word of the shell, quoted where it has to be. */
const shell = (text: string) => (/^[\w./:@%+=-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);

function curl(path: string): string {
        const login = who.value?.loginRequired && who.value.via !== "socket" ? ' -H "Authorization: Bearer $TOKEN"' : "";
        return `curl -s${login} ${shell(location.origin + path)}`;
}

interface Ways {
        name: string;
        cli: string;
        value: object | null;
        path: string;
}

function Copies({ name, cli, value, path }: Ways) {
        const forms: [string, () => string][] = [
                ["CLI", () => cli],
                ...(value ? [["YAML", () => yaml(value)] as [string, () => string]] : []),
                ["curl", () => curl(path)],
        ];
        return (
                <fieldset class="copy">
                        <legend class="sr">{t("Copy {name} as", { name })}</legend>
                        <Icon shape="copy" />
                        {forms.map(([form, text]) => (
                                <button type="button" key={form} aria-label={t("Copy {name} as {form}", { name, form })} onClick={() => void copy(text())}>
                                        {form}
                                </button>
                        ))}
                </fieldset>
        );
}

interface Declared {
        apiVersion: string;
        kind: string;
        metadata: { name: string };
        spec?: unknown;
}

/* The declaration alone: what one would write into a file. */
const declaration = ({ apiVersion, kind, metadata, spec }: Declared) =>
        kind === "Secret" ? { apiVersion, kind, metadata: { name: metadata.name } } : { apiVersion, kind, metadata: { name: metadata.name }, spec: spec ?? {} };

export function Copy({ kind, name, thing }: { kind: string; name: string; thing: Declared | null | undefined }) {
        const path = `/api/v1/${PLURALS[kind] ?? kind.toLowerCase()}/${encodeURIComponent(name)}`;
        return <Copies name={name} cli={`hivectl describe ${shell(`${kind.toLowerCase()}/${name}`)}`} value={thing ? declaration(thing) : null} path={path} />;
}

/* A peer has no request of its own: that of its interface tells of it. */
export function CopyPeer({ tunnel, peer }: { tunnel: string; peer: { name: string; publicKey: string; endpoint: string | null } }) {
        const value = { name: peer.name, publicKey: peer.publicKey, endpoint: peer.endpoint };
        return <Copies name={peer.name || peer.publicKey.slice(0, 8)} cli={`hivectl wg show ${shell(tunnel)}`} value={value} path={`/api/v1/wireguard/${encodeURIComponent(tunnel)}`} />;
}

export function CopyRevision({ revision }: { revision: { revision: string } }) {
        return <Copies name={revision.revision.slice(0, 8)} cli="hivectl revisions -o wide" value={revision} path={`/api/v1/revisions/${revision.revision}`} />;
}
