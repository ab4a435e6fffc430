// Makes the bundle: Limpet with all its packages in one file that needs Node.js and nothing else, and the licences of what is in it.
import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { build, type Plugin } from "esbuild";

/** Where `npm run bundle` writes it. */
export const BUNDLE_FOLDER = "dist/bundle";
export const BUNDLE_PROGRAM = "limpet.mjs";

const ROOT = resolve(import.meta.dirname, "..");
const PACKAGES = "node_modules/";

export interface Bundle {
  readonly program: string;
  readonly licences: string;
  /** Names of the packages that are inside. */
  readonly packages: readonly string[];
  /** What it asks Node.js for: its own modules, and optional peers. */
  readonly outside: readonly string[];
}

/** Writes `limpet.mjs` and `LICENSES.txt` into a folder. */
export async function makeBundle(folder: string): Promise<Bundle> {
  const program = join(folder, BUNDLE_PROGRAM);
  const licences = join(folder, "LICENSES.txt");
  const { version } = packageFile(".");
  const { metafile } = await build({
    absWorkingDir: ROOT,
    entryPoints: ["src/cli/bundle-entry.ts"],
    outfile: program,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node22.19",
    // Names and lines stay as they are: a stack trace says where.
    minify: false,
    legalComments: "none",
    define: { LIMPET_BUNDLED_VERSION: JSON.stringify(version) },
    plugins: [PEERS_STAY_OUTSIDE],
    // Packages that are CommonJS ask for Node's own modules with `require`.
    banner: {
      js: 'import { createRequire as createRequireOfBundle } from "node:module";\nconst require = createRequireOfBundle(import.meta.url);',
    },
    metafile: true,
    logLevel: "warning",
  });
  chmodSync(program, 0o755);
  const packages = packagesOf(Object.keys(metafile.inputs));
  writeFileSync(licences, licenceTexts(packages));
  const outside = Object.values(metafile.outputs).flatMap(({ imports }) => imports.map(({ path }) => path));
  return { program, licences, packages: packages.map(nameOf), outside: [...new Set(outside)].sort() };
}

/**
 * Whoever traces brings the package, in the version that fits their SDK. That of the metrics' package, which asks for it
 * with `require`, is another one.
 */
const PEERS_STAY_OUTSIDE: Plugin = {
  name: "peers stay outside",
  setup({ onResolve }) {
    onResolve({ filter: /^@opentelemetry\/api$/ }, ({ path, kind }) =>
      kind === "dynamic-import" ? { path, external: true } : undefined,
    );
  },
};

/** Folders, relative to the root; a package may be inside another one's. */
function packagesOf(inputs: readonly string[]): readonly string[] {
  const folders = inputs.flatMap((input) => {
    const from = input.lastIndexOf(PACKAGES);
    if (from < 0) return [];
    const [first = "", second = ""] = input.slice(from + PACKAGES.length).split("/");
    const name = first.startsWith("@") ? `${first}/${second}` : first;
    return input.slice(0, from + PACKAGES.length) + name;
  });
  return [...new Set(folders)].sort();
}

/** Throws where a package has neither a file nor a field that says its licence. */
function licenceTexts(packages: readonly string[]): string {
  const sections = packages.map((folder) => {
    const { version, license } = packageFile(folder);
    if (license === undefined) throw new Error(`${folder} says no licence`);
    const files = readdirSync(join(ROOT, folder)).filter((name) => /^(licen[cs]e|notice)/i.test(name));
    const texts = files.sort().map((name) => readFileSync(join(ROOT, folder, name), "utf8").trim());
    return [`${nameOf(folder)} ${version}: ${license}`, ...texts].join("\n\n");
  });
  const own = `Limpet: Apache-2.0. This file lists what else is in ${BUNDLE_PROGRAM}.`;
  return `${[own, ...sections].join(`\n\n${"-".repeat(80)}\n\n`)}\n`;
}

function nameOf(folder: string): string {
  return folder.slice(folder.lastIndexOf(PACKAGES) + PACKAGES.length);
}

function packageFile(folder: string): { version: string; license?: string } {
  return JSON.parse(readFileSync(join(ROOT, folder, "package.json"), "utf8")) as {
    version: string;
    license?: string;
  };
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const folder = resolve(ROOT, BUNDLE_FOLDER);
  mkdirSync(folder, { recursive: true });
  const { program, packages } = await makeBundle(folder);
  process.stdout.write(`${program}: with ${packages.join(", ")}\n`);
}
