/* fields.tsx - every setting: what it is, where that comes from, and how it is changed. The agent takes no setting from a page
 * (POST /api/settings answers 405 and names the place), so the page says what to write where. */
import { useState } from "preact/hooks";
import { copy } from "../copies";
import { isLike } from "../fuzzy";
import { t } from "../i18n";
import { Card, Empty, Fault, Icon, Table } from "../parts";
import { useAnswer } from "../use";
import { yaml } from "../yaml";

interface Field {
        field: string;
        value: unknown;
        default: unknown;
        origin: "default" | "file" | "variable" | "flag";
        where: string | null;
        actedOn: boolean;
        doc: string;
}

interface Settings {
        file: string | null;
        settings: Field[];
}

const FILTERS: [string, string][] = [
        ["", "All"],
        ["written", "Written by somebody"],
        ["default", "Defaults"],
];

function shown(value: unknown): string {
        if (value === null || value === undefined || value === "") return "–";
        return typeof value === "object" ? JSON.stringify(value) : String(value);
}

/* As it stands in a NodeState: {http: {listen: ...}}. */
function snippet({ field, value }: Field): string {
        const spec = field.split(".").reduceRight<unknown>((inner, name) => ({ [name]: inner }), value);
        return yaml({ spec });
}

function Origin({ of }: { of: Field }) {
        if (of.origin === "default") return <span class="dim">{t("default")}</span>;
        return (
                <>
                        {of.origin === "variable" ? t("variable") : of.origin === "flag" ? t("flag") : t("file")} <code>{of.where}</code>
                </>
        );
}

function HowTo({ of, file }: { of: Field; file: string | null }) {
        const written = snippet(of);
        return (
                <>
                        <p>
                                {of.origin === "file" && t("Change it at {place}, then run", { place: of.where ?? "" })}
                                {of.origin === "default" && t("Write it into {place}, then run", { place: file ?? "/etc/hivelet/node.yaml" })}
                                {(of.origin === "file" || of.origin === "default") && <code> hivectl apply</code>}
                                {of.origin === "variable" && t("Set the variable {place} to something else, then start the agent again.", { place: of.where ?? "" })}
                                {of.origin === "flag" && t("Start the agent with another {place}.", { place: of.where ?? "" })}
                        </p>
                        {(of.origin === "default" || of.origin === "file") && <pre class="snippet">{written}</pre>}
                        <p>
                                <code>hivectl explain {of.field}</code>{" "}
                                <button type="button" aria-label={t("Copy {name} as {form}", { name: of.field, form: "YAML" })} onClick={() => void copy(written)}>
                                        <Icon shape="copy" />
                                        YAML
                                </button>
                        </p>
                </>
        );
}

function Row({ of, file }: { of: Field; file: string | null }) {
        const [open, show] = useState(false);
        return (
                <tr>
                        <th scope="row" class="wrap">
                                <button type="button" class="link" translate={false} data-row aria-expanded={open} onClick={() => show(!open)}>
                                        {of.field}
                                </button>
                                <p class="dim doc">
                                        {of.doc} {!of.actedOn && t("Nothing acts on it yet.")}
                                </p>
                                {open && <HowTo of={of} file={file} />}
                        </th>
                        <td class="wrap" data-label={t("Value")}>
                                <code>{shown(of.value)}</code>
                        </td>
                        <td class="wrap" data-label={t("Comes from")}>
                                <Origin of={of} />
                        </td>
                </tr>
        );
}

export function Fields() {
        const { data, error } = useAnswer<Settings>("/api/settings");
        const [which, choose] = useState("");
        const [search, look] = useState("");
        const wanted = search.trim().toLowerCase();
        const all = data?.settings ?? [];
        const list = all.filter(
                (one) =>
                        (!which || (one.origin === "default") === (which === "default")) &&
                        (`${one.field} ${shown(one.value)} ${one.where ?? ""} ${one.doc}`.toLowerCase().includes(wanted) || isLike(one.field, wanted)),
        );
        return (
                <Card title={t("Every setting")} id="fields" side={<span class="dim">{t("{n} of {all}", { n: list.length, all: all.length })}</span>}>
                        <div class="toolbar">
                                <input type="search" aria-label={t("Search in the settings")} placeholder={t("Search in the settings")} value={search} onInput={(event) => look(event.currentTarget.value)} />
                                <label>
                                        {t("Which")}{" "}
                                        <select value={which} onChange={(event) => choose(event.currentTarget.value)}>
                                                {FILTERS.map(([value, label]) => (
                                                        <option key={value} value={value}>
                                                                {t(label)}
                                                        </option>
                                                ))}
                                        </select>
                                </label>
                        </div>
                        <Fault error={error} />
                        {data && list.length === 0 ? (
                                <Empty>{t("No such settings.")}</Empty>
                        ) : (
                                <div class="tall">
                                        <Table label={t("Settings")} head={[t("Setting"), t("Value"), t("Comes from")]}>
                                                {list.map((one) => (
                                                        <Row key={one.field} of={one} file={data?.file ?? null} />
                                                ))}
                                        </Table>
                                </div>
                        )}
                </Card>
        );
}
