/* api.ts - asking the agent.
 *
 * Model   get() remembers the answer of each path with its ETag, so that asking again costs a 304 while nothing has changed.
 *         `link` tells how the connection is: when the last answer came, and whether the last question got one.
 */
import { signal } from "@preact/signals";

export class Problem extends Error {
        constructor(
                readonly status: number,
                readonly code: string,
                detail: string,
                readonly findings: { text?: string; message: string }[] = [],
        ) {
                super(detail);
        }
}

export const link = signal<{ online: boolean; at: number }>({ online: true, at: 0 });
/* The server wants a login: the shell shows the login page. */
export const wantsLogin = signal(false);
let csrf = "";

export function setCsrf(token: string): void {
        csrf = token;
}

export function answered(): void {
        link.value = { online: true, at: Date.now() };
}

export function silent(): void {
        if (link.value.online) link.value = { ...link.value, online: false };
}

/* ---- trying again ---- */

const impatience = new EventTarget();

/* Whoever waits before he tries again does so now. */
export const tryNow = () => void impatience.dispatchEvent(new Event("now"));

/* Until the time is over, somebody asks for it, or `ended`. */
export function pause(ms: number, ended: AbortSignal): Promise<void> {
        return new Promise((resolve) => {
                const over = () => {
                        clearTimeout(timer);
                        impatience.removeEventListener("now", over);
                        ended.removeEventListener("abort", over);
                        resolve();
                };
                const timer = setTimeout(over, ms);
                impatience.addEventListener("now", over);
                ended.addEventListener("abort", over);
        });
}

/* How long to wait before each further try: from a second to a quarter of a minute. */
export const RETRY_FIRST_MS = 1000;
export const retryLater = (ms: number) => Math.min(ms * 2, 15_000);

async function problem(response: Response): Promise<Problem> {
        const text = await response.text();
        try {
                const body = JSON.parse(text);
                return new Problem(response.status, body.code ?? "", body.detail ?? body.title ?? text, body.errors ?? []);
        } catch {
                return new Problem(response.status, "", text || response.statusText);
        }
}

const staying = new AbortController();

/* Ends all that is asked or followed, for good: whoever logs out leaves nothing open that the agent would have to cut. */
export const hangUp = () => staying.abort();

export async function ask(path: string, options: RequestInit = {}): Promise<Response> {
        const signal = options.signal ? AbortSignal.any([options.signal, staying.signal]) : staying.signal;
        let response: Response;
        try {
                response = await fetch(path, { credentials: "same-origin", ...options, signal: path === "/logout" ? null : signal });
        } catch (error) {
                if ((error as Error).name !== "AbortError") silent();
                throw error;
        }
        answered();
        if (response.status === 401) wantsLogin.value = true;
        if (!response.ok && response.status !== 304) throw await problem(response);
        return response;
}

const kept = new Map<string, { tag: string; data: unknown }>();

export async function get<T>(path: string): Promise<T> {
        const known = kept.get(path);
        const response = await ask(path, { headers: { Accept: "application/json", ...(known && { "If-None-Match": known.tag }) } });
        if (response.status === 304 && known) return known.data as T;
        const data = await response.json();
        const tag = response.headers.get("ETag");
        if (tag) {
                if (kept.size > 200) kept.clear();
                kept.set(path, { tag, data });
        }
        return data as T;
}

export async function send<T>(method: string, path: string, body?: string, type = "application/json"): Promise<T> {
        const headers: Record<string, string> = { Accept: "application/json" };
        if (body !== undefined) headers["Content-Type"] = type;
        if (csrf) headers["X-CSRF-Token"] = csrf;
        const response = await ask(path, { method, headers, body });
        return (response.headers.get("Content-Type")?.includes("json") ? await response.json() : null) as T;
}
