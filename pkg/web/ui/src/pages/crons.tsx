/* crons.tsx - tasks that have a schedule: when each runs next, how its last run went; a run now, suspend, resume. */
import { Copy } from "../copies";
import { t } from "../i18n";
import type { List, Task, Thing } from "../model";
import { By, CronOrders } from "../orders";
import { Card, Fault, State, Table, When } from "../parts";
import { useAnswer } from "../use";

function LastRun({ of }: { of: string }) {
        const { data } = useAnswer<List<Task>>(`/api/v1/tasks?cron=${encodeURIComponent(of)}&limit=1`);
        const run = data?.items[0];
        if (!run) return <span class="dim">{data ? t("none") : "–"}</span>;
        return (
                <>
                        <a href={`/tasks/${encodeURIComponent(run.metadata.name)}`}>{run.metadata.name}</a> <State name={run.status.phase} /> <When at={run.status.startedAt ?? run.status.acceptedAt} />
                </>
        );
}

/* Where none is declared there is no card. */
export function Crons() {
        const { data, error } = useAnswer<List<Thing>>("/api/v1/crontasks");
        const list = data?.items ?? [];
        if (!error && list.length === 0) return null;
        return (
                <Card title={t("By schedule")} id="crons">
                        <Fault error={error} />
                        <Table label={t("Cron tasks")} head={[t("Task"), t("State"), t("Schedule"), t("Next run"), t("Last run"), t("Act"), t("Copy")]}>
                                {list.map((cron) => (
                                        <tr key={cron.metadata.name}>
                                                <th scope="row">{cron.metadata.name}</th>
                                                <td class="wrap">
                                                        {/* The agent's message says the same in English. */}
                                                        <State name={cron.status.phase} /> {cron.status.suspension ? <By given={cron.status.suspension} /> : cron.status.message}
                                                </td>
                                                <td>
                                                        <code>{cron.status.schedule}</code> {cron.status.timeZone}
                                                </td>
                                                <td>
                                                        <When at={cron.status.next} />
                                                </td>
                                                <td>
                                                        <LastRun of={cron.metadata.name} />
                                                </td>
                                                <td>
                                                        <CronOrders cron={cron} />
                                                </td>
                                                <td>
                                                        <Copy kind="CronTask" name={cron.metadata.name} thing={cron} />
                                                </td>
                                        </tr>
                                ))}
                        </Table>
                </Card>
        );
}
