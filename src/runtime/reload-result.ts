// What became of something that was read again: the word that metrics count.

/** `kept`: what was read could not be used, and the last good one stays. */
export type ReloadResult = "published" | "unchanged" | "kept";
