// What the exit codes of every command mean.

export const EXIT_DONE = 0;
/** The configuration or another input is wrong. */
export const EXIT_INPUT = 1;
/** The command line is wrong, or asks for what is not built yet. */
export const EXIT_USAGE = 2;
