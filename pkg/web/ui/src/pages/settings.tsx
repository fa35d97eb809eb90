/* settings.tsx - where the settings of this node stand: files, what each of them is, and what is declared beside them. Nothing is changed here. */
import { Copy, CopyRevision } from "../copies";
import { short } from "../format";
import { type Language, language, speak, t } from "../i18n";
import { status } from "../live";
import type { List, Thing } from "../model";
import { Card, Empty, Facts, Fault, State, Table, When } from "../parts";
import { pageOf } from "../router";
import { who } from "../session";
import { type Theme, theme, wear } from "../theme";
import { useAnswer } from "../use";
import { word } from "../words";
import { Fields } from "./fields";

interface Source {
        name: string;
        type: string;
        location: string | null;
        state: string;
        revision: string | null;
        objects: number;
        readAt: string | null;
        error: string | null;
}

interface Revision {
        revision: string;
        state: string;
        since: string | null;
        objects: number;
}

const KINDS = ["services", "crontasks", "networks", "volumes", "wireguard", "images", "registries", "configs", "secrets"];

/* No other page tells of them. */
const NAMED_HERE = ["Network", "Volume", "Registry", "Config", "Secret"];

function Declared() {
        const answers = KINDS.map((kind) => useAnswer<List<Thing>>(`/api/v1/${kind}`));
        const all = answers.flatMap((answer) => answer.data?.items ?? []).filter((thing) => thing.metadata.declaredAt);
        return (
                <Card title={t("What the files declare")} id="declared">
                        {all.length === 0 ? (
                                <Empty>{t("Nothing is declared.")}</Empty>
                        ) : (
                                <Table label={t("Objects")} head={[t("Object"), t("State"), t("Declared at"), t("Copy")]}>
                                        {all.map((thing) => {
                                                const place = thing.metadata.declaredAt;
                                                return (
                                                        <tr key={thing.kind + thing.metadata.name}>
                                                                <th scope="row">
                                                                        {NAMED_HERE.includes(thing.kind) ? thing.metadata.name : <a href={pageOf(thing.kind.toLowerCase(), thing.metadata.name) ?? undefined}>{thing.metadata.name}</a>}{" "}
                                                                        <span class="dim kind">{thing.kind}</span>
                                                                </th>
                                                                <td>
                                                                        <State name={thing.status.phase} />
                                                                </td>
                                                                <td class="wrap">
                                                                        <code>{place?.file ? `${place.file}:${place.line}` : place?.source}</code>
                                                                </td>
                                                                <td>
                                                                        <Copy kind={thing.kind} name={thing.metadata.name} thing={thing} />
                                                                </td>
                                                        </tr>
                                                );
                                        })}
                                </Table>
                        )}
                </Card>
        );
}

export function SettingsPage() {
        const sources = useAnswer<List<Source>>("/api/v1/sources");
        const revisions = useAnswer<List<Revision>>("/api/v1/revisions");
        const version = useAnswer<{ version: string }>("/api/v1/version");
        const s = status.value;
        const file = sources.data?.items.find((source) => source.type === "file")?.location;
        const findings = [...(s?.errors ?? []), ...(s?.warnings ?? [])];
        return (
                <>
                        <h1 tabIndex={-1}>{t("Settings")}</h1>
                        <p class="because">
                                {t("Settings stand in files, and are changed there:")} <code>{file ?? "–"}</code>
                        </p>
                        <div class="grid two">
                                <Card title={t("This page")} id="page">
                                        <div class="fields">
                                                <label>
                                                        {t("Theme")}
                                                        <select value={theme.value} onChange={(event) => wear(event.currentTarget.value as Theme)}>
                                                                <option value="auto">{t("as the system")}</option>
                                                                <option value="light">{t("light")}</option>
                                                                <option value="dark">{t("dark")}</option>
                                                        </select>
                                                </label>
                                                <label>
                                                        {t("Language")}
                                                        <select value={language.value} onChange={(event) => speak(event.currentTarget.value as Language)}>
                                                                <option value="en">English</option>
                                                                <option value="zh-Hant">繁體中文</option>
                                                        </select>
                                                </label>
                                        </div>
                                </Card>
                                <Card title={t("The agent")} id="agent">
                                        <Facts
                                                rows={[
                                                        [t("Version"), version.data?.version ?? "–"],
                                                        [t("Node"), s?.nodeId ?? "–"],
                                                        [t("Started"), <When key="s" at={s?.startedAt} />],
                                                        [t("Engine"), s ? <code key="e">{s.engine.endpoint}</code> : "–"],
                                                        [t("You are"), who.value ? `${who.value.user ?? (who.value.via === "socket" ? t("whoever has the socket") : t("nobody in particular"))} (${who.value.role})` : "–"],
                                                ]}
                                        />
                                </Card>
                        </div>
                        <Card title={t("Sources")} id="sources">
                                <Fault error={sources.error} />
                                <Table label={t("Sources")} head={[t("Source"), t("State"), t("Location"), t("Objects"), t("Read"), t("Revision")]} right={[t("Objects")]}>
                                        {(sources.data?.items ?? []).map((source) => (
                                                <tr key={source.name}>
                                                        <th scope="row">{word(source.name)}</th>
                                                        <td>
                                                                <State name={source.state} />
                                                        </td>
                                                        <td class="wrap">
                                                                <code>{source.location ?? "–"}</code> {source.error}
                                                        </td>
                                                        <td>{source.objects}</td>
                                                        <td>
                                                                <When at={source.readAt} />
                                                        </td>
                                                        <td>
                                                                <code>{short(source.revision)}</code>
                                                        </td>
                                                </tr>
                                        ))}
                                </Table>
                        </Card>
                        <Card title={t("Findings")} id="findings">
                                {findings.length === 0 ? (
                                        <Empty>{t("No errors and no warnings.")}</Empty>
                                ) : (
                                        <ul class="reasons">
                                                {findings.map((one) => (
                                                        <li key={one.code + one.line + one.path}>
                                                                <span class="tag">{one.code}</span> <code>{`${one.file}:${one.line}`}</code>
                                                                <p>{one.message}</p>
                                                        </li>
                                                ))}
                                        </ul>
                                )}
                        </Card>
                        <Fields />
                        <Declared />
                        <Card title={t("Revisions")} id="revisions">
                                <Table label={t("Revisions")} head={[t("Revision"), t("State"), t("Since"), t("Objects"), t("Copy")]} right={[t("Objects")]}>
                                        {(revisions.data?.items ?? []).map((revision) => (
                                                <tr key={revision.revision}>
                                                        <th scope="row">
                                                                <code title={revision.revision}>{short(revision.revision)}</code>
                                                        </th>
                                                        <td>
                                                                <State name={revision.state} />
                                                        </td>
                                                        <td>
                                                                <When at={revision.since} />
                                                        </td>
                                                        <td>{revision.objects}</td>
                                                        <td>
                                                                <CopyRevision revision={revision} />
                                                        </td>
                                                </tr>
                                        ))}
                                </Table>
                        </Card>
                </>
        );
}
