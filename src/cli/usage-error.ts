// A command line that Limpet cannot follow: one line on stderr, exit code 2.

export class UsageError extends Error {}
