// Holds the Dockerfile to the files that it copies and the program that it starts; no container engine is needed for that.
import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, test } from "vitest";
import { BUNDLE_FOLDER, BUNDLE_PROGRAM } from "../../scripts/bundle.ts";

const ROOT = resolve(import.meta.dirname, "../..");
const text = readFileSync(join(ROOT, "Dockerfile"), "utf8");

interface Copy {
  /** Stage that it is copied from; undefined: the folder of the build. */
  readonly stage: string | undefined;
  readonly sources: readonly string[];
  readonly target: string;
}

const copies: readonly Copy[] = [...text.matchAll(/^COPY (?:--from=(\S+) )?(.*) (\S+)$/gm)].map(
  ([, stage, sources = "", target = ""]) => ({ stage, sources: sources.split(" "), target }),
);

test("what is copied is there, and .dockerignore lets it pass", () => {
  const passes = readFileSync(join(ROOT, ".dockerignore"), "utf8")
    .split("\n")
    .filter((line) => line.startsWith("!"))
    .map((line) => line.slice(1));
  const sources = copies.filter(({ stage }) => stage === undefined).flatMap((copy) => copy.sources);
  expect(sources.filter((source) => !existsSync(join(ROOT, source)))).toEqual([]);
  expect(passes.toSorted()).toEqual(sources.toSorted());
});

test("the entry point is the file that the bundle is made into", () => {
  const bundle = copies.find(({ stage }) => stage === "build");
  expect(bundle?.sources).toEqual([`/build/${BUNDLE_FOLDER}/`]);
  const [, entry = "[]"] = /^ENTRYPOINT (.*)$/m.exec(text) ?? [];
  expect(JSON.parse(entry)).toEqual(["/nodejs/bin/node", `${bundle?.target}${BUNDLE_PROGRAM}`]);
});

test("both stages have the Node.js that Limpet is developed on, and the image has its version", () => {
  const { version, devDependencies } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as {
    version: string;
    devDependencies: { node: string };
  };
  const major = devDependencies.node.split(".")[0];
  const images = [...text.matchAll(/^FROM (\S+)/gm)].map(([, image]) => image);
  expect(images).toEqual([
    expect.stringMatching(`^node:${major}-`),
    expect.stringMatching(`/nodejs${major}-\\w+:nonroot$`),
  ]);
  expect(text).toContain(`org.opencontainers.image.version="${version}"`);
});
