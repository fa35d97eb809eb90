/* parts.tsx - what pages are made of: state by icon and text, cards, empty and error states, dialogs. */
import { signal } from "@preact/signals";
import { cloneElement, type ComponentChildren, toChildArray, type VNode } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { clock, instant, relative } from "./format";
import { now } from "./live";
import { phase, type Tone, tone } from "./words";

const SHAPES: Record<string, string> = {
        good: "M3 8.5 6.5 12 13 4.5",
        busy: "M8 2.500a5.500 5.500 0 1 1-5.500 5.500",
        warn: "M8 2 14.500 13.500h-13zM8 6.500v3.200M8 11.600v.2",
        bad: "M4 4l8 8M12 4l-8 8",
        idle: "M3.500 8h9",
        dashboard: "M2 2h5v6H2zM9 2h5v3H9zM9 7h5v7H9zM2 10h5v4H2z",
        tasks: "M6 4h8M6 8h8M6 12h8M2 4h1M2 8h1M2 12h1",
        monitor: "M1.500 9H4l2-5 3.500 9L12 7l1 2h1.500",
        settings: "M2 5h6M11 5h3M2 11h3M8 11h6M9.500 3v4M6.500 9v4",
        copy: "M5.500 5.500v-3h8v8h-3M2.500 5.500h8v8h-8z",
        stop: "M4 4h8v8H4z",
        again: "M13 8a5 5 0 1 1-1.600-3.700M13 2v3h-3",
        down: "M8 2v8M4.500 7 8 10.500 11.500 7M3 13.500h10",
        plus: "M8 3v10M3 8h10",
        up: "M8 13V3.500M4 7l4-4 4 4",
        below: "M8 3v9.500M4 9l4 4 4-4",
        next: "M3 8h9M8.500 4.500 12 8l-3.500 3.500",
};

export function Icon({ shape }: { shape: string }) {
        return (
                <svg class={`icon icon-${shape}`} viewBox="0 0 16 16" width="16" height="16" aria-hidden="true" focusable="false">
                        <path d={SHAPES[shape]} />
                </svg>
        );
}

export function State({ name, as }: { name: string; as?: Tone }) {
        const kind = as ?? tone(name);
        return (
                <span class={`state ${kind}`}>
                        <Icon shape={kind} />
                        {phase(name)}
                </span>
        );
}

/* An instant as one reads it, the exact one (and UTC) when pointed at. */
export function When({ at, absolute }: { at: string | null | undefined; absolute?: boolean }) {
        if (!at) return <span class="dim">–</span>;
        return (
                <time dateTime={at} title={`${instant(at)}\n${at}`}>
                        {absolute ? clock(at) : relative(at, now.value)}
                </time>
        );
}

export function Card(props: { title: string; id?: string; side?: ComponentChildren; class?: string; children: ComponentChildren }) {
        const id = props.id ?? props.title.replace(/\W+/g, "-").toLowerCase();
        return (
                <section class={`card ${props.class ?? ""}`} aria-labelledby={`h-${id}`}>
                        <header>
                                <h2 id={`h-${id}`}>{props.title}</h2>
                                {props.side}
                        </header>
                        {props.children}
                </section>
        );
}

type Cell = VNode<{ class?: string; children?: ComponentChildren }>;
const isElement = (child: unknown): child is Cell => typeof child === "object" && child !== null && "props" in child;

/* A table may be wider than the page: it scrolls by itself, by keyboard too. On a phone each row is a block, and each cell bears the name of its
 * column (style.css). `right` are the columns of numbers and of buttons. */
export function Table({ label, head, right = [], children }: { label: string; head: string[]; right?: string[]; children: ComponentChildren }) {
        const side = (i: number) => (right.includes(head[i] ?? "") ? "end" : "");
        const cell = (child: Cell, i: number) => cloneElement(child, { "data-label": head[i], class: [child.props.class, side(i)].filter(Boolean).join(" ") || undefined });
        const row = (child: ReturnType<typeof toChildArray>[number]) =>
                isElement(child) && child.type === "tr" ? cloneElement(child, {}, toChildArray(child.props.children).filter(isElement).map(cell)) : child;
        return (
                <div class="scroll" role="group" tabIndex={0} aria-label={label}>
                        <table class="rows">
                                <thead>
                                        <tr>
                                                {head.map((text, i) => (
                                                        <th scope="col" key={text} class={side(i) || undefined}>
                                                                {text}
                                                        </th>
                                                ))}
                                        </tr>
                                </thead>
                                <tbody>{toChildArray(children).map(row)}</tbody>
                        </table>
                </div>
        );
}

export function Empty({ children }: { children: ComponentChildren }) {
        return <p class="empty">{children}</p>;
}

export function Fault({ error }: { error: Error | null }) {
        return error ? (
                <p class="fault" role="alert">
                        <Icon shape="bad" />
                        {error.message}
                </p>
        ) : null;
}

/* Rows of name and value; `verbatim` names are the agent's own words, in no language. */
export function Facts({ rows, verbatim = [] }: { rows: [string, ComponentChildren][]; verbatim?: string[] }) {
        return (
                <dl class="facts">
                        {rows.map(([name, value]) => (
                                <div key={name}>
                                        <dt translate={!verbatim.includes(name)}>{name}</dt>
                                        <dd>{value}</dd>
                                </div>
                        ))}
                </dl>
        );
}

/* ---- a short message after something was done ---- */

export const notice = signal<{ text: string; bad: boolean } | null>(null);
let fading: ReturnType<typeof setTimeout> | undefined;

export function tell(text: string, bad = false): void {
        clearTimeout(fading);
        notice.value = { text, bad };
        fading = setTimeout(
                () => {
                        notice.value = null;
                },
                bad ? 12_000 : 4000,
        );
}

/* ---- dialogs ---- */

export function Dialog(props: { title: string; close: () => void; children: ComponentChildren; wide?: boolean }) {
        const box = useRef<HTMLDialogElement>(null);
        useEffect(() => {
                const opener = document.activeElement as HTMLElement | null;
                box.current?.showModal();
                /* A browser gives the focus back where a dialog is closed, not where it is taken out; and what opened it may be gone, too. */
                return () => {
                        requestAnimationFrame(() => {
                                if (document.activeElement !== document.body) return;
                                opener?.focus();
                                if (document.activeElement === document.body) document.querySelector<HTMLElement>("h1")?.focus({ preventScroll: true });
                        });
                };
        }, []);
        return (
                <dialog ref={box} class={props.wide ? "wide" : ""} aria-labelledby="dialog-title" onClose={props.close}>
                        <h2 id="dialog-title">{props.title}</h2>
                        {props.children}
                </dialog>
        );
}

/* Runs `act` and tells how it went; true while it runs. */
export function useAct(): [boolean, (act: () => Promise<string>) => Promise<boolean>] {
        const [busy, set] = useState(false);
        return [
                busy,
                async (act) => {
                        set(true);
                        try {
                                tell(await act());
                                return true;
                        } catch (error) {
                                tell((error as Error).message, true);
                                return false;
                        } finally {
                                set(false);
                        }
                },
        ];
}
