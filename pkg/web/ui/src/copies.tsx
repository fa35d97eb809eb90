/* copies.tsx - each object as a command, as YAML and as a request, to be copied. The YAML can be applied: it is what somebody wrote, not what
 * came of it. What is copied holds no secret: what the agent shows to nobody is named in a comment, and where one has to log in the request
 * names a variable of the shell. */
import { get, Problem } from "./api";
import { t } from "./i18n";
import type { Place } from "./model";
import { Icon, tell } from "./parts";
import { who } from "./session";
import { yaml } from "./yaml";

/* What has to be asked for first is given as a promise: browsers let a page copy only while a press of a button lasts. */
export async function copy(text: string | Promise<string>): Promise<void> {
        const said = Promise.resolve(text);
        try {
                await navigator.clipboard.write([new ClipboardItem({ "text/plain": said.then((plain) => new Blob([plain], { type: "text/plain" })) })]);
                tell(t("Copied"));
        } catch {
                const fault = await said.catch((error: unknown) => error);
                tell(fault instanceof Problem ? fault.message : t("The browser does not let this page copy."), true);
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
        text: (() => string | Promise<string>) | null;
        path: string;
}

function Copies({ name, cli, text, path }: Ways) {
        const forms: [string, () => string | Promise<string>][] = [
                ["CLI", () => cli],
                ...(text ? [["YAML", text] as [string, () => string | Promise<string>]] : []),
                ["curl", () => curl(path)],
        ];
        return (
                <fieldset class="copy">
                        <legend class="sr">{t("Copy {name} as", { name })}</legend>
                        <Icon shape="copy" />
                        {forms.map(([form, made]) => (
                                <button type="button" key={form} aria-label={t("Copy {name} as {form}", { name, form })} onClick={() => void copy(made())}>
                                        {form}
                                </button>
                        ))}
                </fieldset>
        );
}

interface Declared {
        apiVersion: string;
        kind: string;
        metadata: { name: string; task?: string; declaredAt?: Place | null };
        spec?: unknown;
}

interface Written {
        document: { spec: { peers?: { publicKey: string }[] } };
        withheld: string[];
}

/* As hivectl says it beside what it prints. */
const missing = (withheld: string[]) => (withheld.length ? `# not shown, and missing here: ${withheld.join(", ")}\n` : "");

/* Of tasks the agent keeps what was submitted, and tells of variables their names, of texts their size: both are left out. */
function shown(value: unknown, path: string, withheld: string[]): unknown {
        if (value === null || typeof value !== "object") return value;
        if (Array.isArray(value)) return value.map((item, i) => shown(item, `${path}[${i}]`, withheld));
        const kept: [string, unknown][] = [];
        for (const [key, item] of Object.entries(value)) {
                if (key === "env" || key === "inlineBytes") withheld.push(`${path}.${key === "env" ? key : "inline"}`);
                else kept.push([key, shown(item, `${path}.${key}`, withheld)]);
        }
        return Object.fromEntries(kept);
}

async function written(thing: Declared, path: string): Promise<string> {
        const { apiVersion, kind, metadata, spec } = thing;
        if (kind === "Secret" || kind === "Config") return missing(["spec"]) + yaml({ apiVersion, kind, metadata: { name: metadata.name } });
        if (metadata.declaredAt) {
                const { document, withheld } = await get<Written>(`${path}/document`);
                return missing(withheld) + yaml(document);
        }
        const withheld: string[] = [];
        const said = yaml({ apiVersion, kind, metadata: { name: metadata.task ?? metadata.name }, spec: shown(spec ?? {}, "spec", withheld) });
        return missing(withheld) + said;
}

export function Copy({ kind, name, thing }: { kind: string; name: string; thing: Declared | null | undefined }) {
        const path = `/api/v1/${PLURALS[kind] ?? kind.toLowerCase()}/${encodeURIComponent(name)}`;
        return <Copies name={name} cli={`hivectl describe ${shell(`${kind.toLowerCase()}/${name}`)}`} text={thing ? () => written(thing, path) : null} path={path} />;
}

/* A peer has no request of its own: that of its interface tells of it. Its YAML is the item of `peers`. */
export function CopyPeer({ tunnel, peer }: { tunnel: string; peer: { name: string; publicKey: string } }) {
        const path = `/api/v1/wireguard/${encodeURIComponent(tunnel)}`;
        const text = async () => {
                const { document } = await get<Written>(`${path}/document`);
                return yaml(document.spec.peers?.find((one) => one.publicKey === peer.publicKey) ?? { name: peer.name, publicKey: peer.publicKey });
        };
        return <Copies name={peer.name || peer.publicKey.slice(0, 8)} cli={`hivectl wg show ${shell(tunnel)}`} text={text} path={path} />;
}

export function CopyRevision({ revision }: { revision: { revision: string } }) {
        return <Copies name={revision.revision.slice(0, 8)} cli="hivectl revisions -o wide" text={() => yaml(revision)} path={`/api/v1/revisions/${revision.revision}`} />;
}
