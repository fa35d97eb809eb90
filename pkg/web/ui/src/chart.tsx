/* chart.tsx - a line over time (uPlot), with its figures as a table for who cannot see it. */
import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { bytes, clock, rate } from "./format";
import { t } from "./i18n";
import type { Point } from "./model";
import { isDark } from "./theme";

export interface Line {
        label: string;
        ink: string; /* name of a CSS variable */
        of: (point: Point) => number | null | undefined;
}

interface Props {
        title: string;
        points: Point[];
        lines: Line[];
        show: (value: number | null | undefined) => string;
        max?: number;
        of?: string; /* how much there is of it, beside the newest value */
        height?: number;
}

/* Steps of an axis in units of 1024, so that it says 8 GiB and not 9.3. */
const POWERS = Array.from({ length: 54 }, (_, i) => 2 ** i);
const isBinary = (show: Props["show"]) => show === bytes || show === rate;

export function Chart({ title, points, lines, show, max, of, height = 120 }: Props) {
        const box = useRef<HTMLDivElement>(null);
        const plot = useRef<uPlot | null>(null);
        const dark = isDark();

        const data = (): uPlot.AlignedData => [
                points.map((point) => Date.parse(point.at) / 1000),
                ...lines.map((line) => points.map((point) => line.of(point) ?? null)),
        ];

        useEffect(() => {
                const element = box.current;
                if (!element) return undefined;
                const probe = document.createElement("i");
                element.append(probe);
                const ink = (name: string, strength = 100) => {
                        probe.style.color = `color-mix(in srgb, var(${name}) ${strength}%, transparent)`;
                        return getComputedStyle(probe).color;
                };
                const axis = { stroke: ink("--dim"), grid: { stroke: ink("--line"), width: 1 }, ticks: { show: false }, font: "11px system-ui, sans-serif" };
                const made = new uPlot(
                        {
                                width: element.clientWidth || 300,
                                height,
                                legend: { show: false },
                                cursor: { y: false, points: { size: 6 } },
                                scales: { x: { time: true }, y: { range: (_, low, high) => [Math.min(0, low ?? 0), max ?? Math.max((high ?? 0) * 1.1, 1)] } },
                                axes: [
                                        { ...axis, size: 26, space: 70, values: (_, splits, __, ___, step) => splits.map((at) => clock(at * 1000).slice(0, step < 60 ? 8 : 5)) },
                                        { ...axis, size: 62, space: 26, ...(isBinary(show) && { incrs: POWERS }), values: (_, splits) => splits.map((value) => show(value).replace(".0 ", " ")) },
                                ],
                                series: [
                                        {},
                                        ...lines.map((line) => ({ label: line.label, stroke: ink(line.ink), fill: ink(line.ink, 14), width: 1.5, points: { show: false } })),
                                ],
                        },
                        data(),
                        element,
                );
                probe.remove();
                plot.current = made;
                const resized = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height }));
                resized.observe(element);
                return () => {
                        resized.disconnect();
                        made.destroy();
                        plot.current = null;
                };
        }, [dark, height, max, lines.length]);

        useEffect(() => plot.current?.setData(data()), [points]);

        const last = points.at(-1);
        return (
                <figure class="chart">
                        <figcaption>
                                <span class="chart-title">{title}</span>
                                {lines.map((line) => (
                                        <span key={line.label} class="chart-value">
                                                {lines.length > 1 && (
                                                        <svg class="dot" viewBox="0 0 8 8" width="8" height="8" aria-hidden="true">
                                                                <circle cx="4" cy="4" r="4" style={{ fill: `var(${line.ink})` }} />
                                                        </svg>
                                                )}
                                                {lines.length > 1 && <span class="dim">{line.label} </span>}
                                                <strong>{show(last && line.of(last))}</strong>
                                                {of && " "}
                                                {of && <span class="dim">{t("of {all}", { all: of })}</span>}
                                        </span>
                                ))}
                        </figcaption>
                        <div ref={box} class="plot" role="img" aria-label={t("{title} over time", { title })} style={{ height: `${height}px` }} />
                        <details>
                                <summary>{t("As a table")}</summary>
                                <table>
                                        <thead>
                                                <tr>
                                                        <th scope="col">{t("Time")}</th>
                                                        {lines.map((line) => (
                                                                <th scope="col" key={line.label}>
                                                                        {line.label}
                                                                </th>
                                                        ))}
                                                </tr>
                                        </thead>
                                        <tbody>
                                                {points
                                                        .slice(-12)
                                                        .reverse()
                                                        .map((point) => (
                                                                <tr key={point.at}>
                                                                        <td>{clock(point.at)}</td>
                                                                        {lines.map((line) => (
                                                                                <td key={line.label}>{show(line.of(point))}</td>
                                                                        ))}
                                                                </tr>
                                                        ))}
                                        </tbody>
                                </table>
                        </details>
                </figure>
        );
}

