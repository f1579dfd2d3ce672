/**
 * Characters that a terminal or an editor executes instead of showing them: C0, DEL and C1 (which can move the cursor,
 * overwrite lines and set the title; ECMA-48), line and paragraph separator, and the controls that reorder text
 * (Unicode Standard Annex 9). The byte order mark is included because it is invisible.
 */
const CONTROLS = /[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/gu

/**
 * Text as one line that is safe to print: each control character becomes `\uXXXX`. Within the strings of a JSON text that
 * is the same JSON.
 */
export const escapeControls = (text: string): string =>
  text.replace(CONTROLS, (control) => `\\u${control.charCodeAt(0).toString(16).padStart(4, '0')}`)

/** As {@link escapeControls}, but line feeds are kept. */
export const escapeControlsOfLines = (text: string): string => text.split('\n').map(escapeControls).join('\n')
