/* use.ts - an answer of the agent inside a component. */
import { useEffect, useRef, useState } from "preact/hooks";
import { get, Problem } from "./api";
import { pulse, turn } from "./live";

export interface Answer<T> {
        data: T | null;
        error: Error | null;
        again: () => void;
}

/* Asks for `path`, and again whenever the status of the node moves; moves: with each pulse, too. null: nothing to ask for. What was there stays while it is asked. */
export function useAnswer<T>(path: string | null, moves = false): Answer<T> {
        const [answer, set] = useState<{ path: string | null; data: T | null; error: Error | null }>({ path, data: null, error: null });
        const [count, setCount] = useState(0);
        const asked = useRef(0);

        useEffect(() => {
                if (path === null) return undefined;
                let gone = false;
                let timer: ReturnType<typeof setTimeout> | undefined;
                const look = async () => {
                        const mine = ++asked.current;
                        try {
                                const data = await get<T>(path);
                                if (!gone && mine === asked.current) set({ path, data, error: null });
                        } catch (error) {
                                /* What the agent did not answer at all, the banner of the page tells. */
                                if (!gone && mine === asked.current && error instanceof Problem)
                                        set((old) => ({ path, data: old.path === path ? old.data : null, error: error as Error }));
                        }
                };
                void look();
                const soon = () => {
                        clearTimeout(timer);
                        timer = setTimeout(() => void look(), 150);
                };
                const stops = [turn, ...(moves ? [pulse] : [])].map((signal) => signal.subscribe(soon));
                return () => {
                        gone = true;
                        clearTimeout(timer);
                        for (const stop of stops) stop();
                };
        }, [path, count, moves]);
        return {
                data: answer.path === path ? answer.data : null,
                error: answer.path === path ? answer.error : null,
                again: () => setCount((n) => n + 1),
        };
}
