/* charts.tsx - what the machine and what one container use, over time. */
import { Chart } from "./chart";
import { bytes, percent, rate } from "./format";
import { t } from "./i18n";
import { node, points } from "./live";
import type { Point } from "./model";

export function NodeCharts() {
        const total = node.value?.memory.total;
        return (
                <div class="charts">
                        <Chart title={t("CPU")} points={points.value} show={percent} max={100} lines={[{ label: t("busy"), ink: "--blue", of: (p) => p.cpuPercent }]} />
                        <Chart title={t("Memory")} points={points.value} show={bytes} max={total} of={total ? bytes(total) : undefined} lines={[{ label: t("used"), ink: "--violet", of: (p) => p.memory }]} />
                        <Chart title={t("Fullest disk")} points={points.value} show={percent} max={100} lines={[{ label: t("used"), ink: "--amber", of: (p) => p.diskPercent }]} />
                        <Chart
                                title={t("Network")}
                                points={points.value}
                                show={rate}
                                lines={[
                                        { label: t("received"), ink: "--green", of: (p) => p.receivedPerSecond },
                                        { label: t("sent"), ink: "--blue", of: (p) => p.sentPerSecond },
                                ]}
                        />
                </div>
        );
}

interface Of {
        points: Point[];
        of?: string; /* whose they are, where that is not said already */
        limit?: number; /* of memory */
        hasGpus?: boolean;
}

export function ContainerCharts({ points: history, of, limit, hasGpus }: Of) {
        const named = (what: string) => (of ? `${of}: ${what}` : what);
        return (
                <div class="charts">
                        <Chart title={named(t("CPU"))} points={history} show={percent} lines={[{ label: t("busy"), ink: "--blue", of: (p) => p.cpuPercent }]} />
                        <Chart title={named(t("Memory"))} points={history} show={bytes} max={limit} of={limit ? bytes(limit) : undefined} lines={[{ label: t("used"), ink: "--violet", of: (p) => p.memory }]} />
                        <Chart
                                title={named(t("Disk"))}
                                points={history}
                                show={rate}
                                lines={[
                                        { label: t("read"), ink: "--green", of: (p) => p.readPerSecond },
                                        { label: t("written"), ink: "--amber", of: (p) => p.writtenPerSecond },
                                ]}
                        />
                        <Chart
                                title={named(t("Network"))}
                                points={history}
                                show={rate}
                                lines={[
                                        { label: t("received"), ink: "--green", of: (p) => p.receivedPerSecond },
                                        { label: t("sent"), ink: "--blue", of: (p) => p.sentPerSecond },
                                ]}
                        />
                        {hasGpus && (
                                <>
                                        <Chart title={named("GPU")} points={history} show={percent} lines={[{ label: t("busy"), ink: "--green", of: (p) => p.gpuPercent }]} />
                                        <Chart title={named(t("GPU memory"))} points={history} show={bytes} lines={[{ label: t("used"), ink: "--violet", of: (p) => p.gpuMemory }]} />
                                </>
                        )}
                </div>
        );
}
