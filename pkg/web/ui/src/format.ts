/* format.ts - quantities and instants in words of people. */
import { locale, t } from "./i18n";

const BINARY = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];

export function bytes(n: number | null | undefined): string {
        if (n === null || n === undefined) return "–";
        let unit = 0;
        let value = n;
        while (Math.abs(value) >= 1024 && unit < BINARY.length - 1) {
                value /= 1024;
                unit++;
        }
        return `${value.toFixed(unit > 0 && Math.abs(value) < 10 ? 1 : 0)} ${BINARY[unit]}`;
}

export function rate(n: number | null | undefined): string {
        return n === null || n === undefined ? "–" : `${bytes(n)}/s`;
}

export function percent(n: number | null | undefined): string {
        return n === null || n === undefined ? "–" : `${n.toFixed(n < 10 ? 1 : 0)} %`;
}

export function degrees(n: number | null | undefined): string {
        return n === null || n === undefined ? "–" : `${n.toFixed(0)} °C`;
}

/* "3 d 4 h", "2 min", "12 s": two units at most, as one reads a clock. */
export function span(seconds: number): string {
        const s = Math.max(0, Math.round(seconds));
        if (s < 60) return `${s} s`;
        if (s < 3600) return s % 60 && s < 600 ? `${Math.floor(s / 60)} min ${s % 60} s` : `${Math.floor(s / 60)} min`;
        const hours = Math.floor(s / 3600);
        if (hours < 24) return `${hours} h ${Math.floor((s % 3600) / 60)} min`;
        return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/* How long something took: of what is short, the tenths too. */
export const duration = (s: number): string => (s < 9.95 ? `${Math.max(0, s).toFixed(1)} s` : span(s));

export function seconds(from: string | null | undefined, to: number | string | null | undefined): number | null {
        if (!from || !to) return null;
        return ((typeof to === "number" ? to : Date.parse(to)) - Date.parse(from)) / 1000;
}

/* "5 min ago", "in 16 s". */
export function relative(at: string, now: number): string {
        const s = (Date.parse(at) - now) / 1000;
        if (s > 0.5) return t("in {span}", { span: span(s) });
        return s > -1 ? t("now") : t("{span} ago", { span: span(-s) });
}

export function clock(at: string | number): string {
        return new Date(at).toLocaleTimeString(locale(), { hour12: false });
}

export function instant(at: string): string {
        return new Date(at).toLocaleString(locale(), { hour12: false, dateStyle: "medium", timeStyle: "medium" });
}

export const short = (digest: string | null | undefined) => (digest ? digest.slice(0, 8) : "–");
