// What is known only to the bundle, the one file that scripts/bundle.ts makes of everything.

/** Put in by the bundler; nowhere else is there such a name. */
declare const LIMPET_BUNDLED_VERSION: string | undefined;

/** The version that was bundled; undefined from the sources and from a build, which have their package file beside them. */
export const BUNDLED_VERSION: string | undefined =
  typeof LIMPET_BUNDLED_VERSION === "string" ? LIMPET_BUNDLED_VERSION : undefined;

/** The bundle is one file: with this as its only argument it is a worker. */
export const WORKER_ARGUMENT = "--as-worker-of-a-bundle";
