/* fuzzy.ts - what somebody may have meant who typed a part of a name. */

/* Each word is in the text, or its letters are in one word of it in this order: "wbk" finds "web-backend". */
export function isLike(text: string, wanted: string): boolean {
        const all = text.toLowerCase();
        const parts = all.split(/\s+/);
        const inOrder = (word: string) =>
                parts.some((part) => {
                        let at = -1;
                        return [...word].every((letter) => (at = part.indexOf(letter, at + 1)) >= 0);
                });
        return wanted
                .toLowerCase()
                .split(/\s+/)
                .every((word) => all.includes(word) || inOrder(word));
}
