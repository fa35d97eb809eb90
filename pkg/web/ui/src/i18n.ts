/* i18n.ts - texts in the user's language.
 *
 * Model   The English text is the key, `{name}` in it is a value. A catalog gives each text in another language; hack/check-web
 *         fails when one is missing. What the agent says itself (messages, reasons in full) is shown as it comes.
 * Pseudo  ?lang=pseudo shows each text longer and in brackets: what stays plain is not translatable, what is cut is too narrow.
 */
import { signal } from "@preact/signals";
import chinese from "./locales/zh-Hant.json";

export type Language = "en" | "zh-Hant" | "pseudo";

const CATALOG: Record<string, string> = chinese;
const KEY = "hivelet.language";

function first(): Language {
        const asked = new URLSearchParams(location.search).get("lang") ?? localStorage.getItem(KEY);
        if (asked === "en" || asked === "zh-Hant" || asked === "pseudo") return asked;
        return navigator.languages.some((l) => /^zh/i.test(l)) ? "zh-Hant" : "en";
}

export const language = signal<Language>(first());

export function speak(next: Language): void {
        language.value = next;
        localStorage.setItem(KEY, next);
}

export const locale = () => (language.value === "zh-Hant" ? "zh-Hant-TW" : "en-GB");

const LETTERS: Record<string, string> = { a: "á", e: "é", i: "í", o: "ó", u: "ú", A: "Á", E: "É", I: "Í", O: "Ó", U: "Ú" };

function pseudo(text: string): string {
        const long = text.replace(/\{[a-z]+\}|[aeiouAEIOU]/g, (part) => LETTERS[part] ?? part);
        return `[${long}${"~".repeat(Math.ceil(text.length / 3))}]`;
}

export function t(text: string, values?: Record<string, string | number>): string {
        let said = text;
        if (language.value === "zh-Hant") said = CATALOG[text] ?? text;
        else if (language.value === "pseudo") said = pseudo(text);
        return values ? said.replace(/\{([a-z]+)\}/g, (whole, name: string) => String(values[name] ?? whole)) : said;
}
