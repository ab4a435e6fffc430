// What a file of resources says, where, and what is told when it cannot be read.
import { describe, expect, test } from "vitest";
import { readResources } from "./read-resources.ts";

const SERVICE = "apiVersion: v1\nkind: Service\nmetadata:\n  name: app\nspec:\n  ports:\n    - port: 80\n";

describe("positions", () => {
  const at = (text: string, path: (string | number)[]) => {
    const source = readResources("f.yaml", text).resources.at(-1)?.position(path);
    return source && `${source.file}:${source.line}:${source.column}`;
  };

  test("a field stands where its key stands", () => {
    expect(at(SERVICE, ["spec", "ports"])).toBe("f.yaml:6:3");
    expect(at(SERVICE, ["spec", "ports", 0, "port"])).toBe("f.yaml:7:7");
  });

  test("a list item stands where it begins", () => {
    expect(at(SERVICE, ["spec", "ports", 0])).toBe("f.yaml:7:7");
  });

  test("a field that is not there stands where its nearest parent does", () => {
    expect(at(SERVICE, ["spec", "type"])).toBe("f.yaml:5:1");
    expect(at(SERVICE, ["nothing", "at", "all"])).toBe("f.yaml:1:1");
  });

  test("lines count on through the documents of a file", () => {
    expect(at(`# first\n---\n${SERVICE}---\n${SERVICE}`, ["kind"])).toBe("f.yaml:12:1");
  });

  test("they are found in JSON and behind aliases too", () => {
    expect(
      at('{"apiVersion": "v1", "kind": "Service",\n "metadata": {"name": "app"}}', ["metadata", "name"]),
    ).toBe("f.yaml:2:15");
    const aliased = `apiVersion: v1\nkind: Service\nmetadata: {name: app}\nother: &ports\n  a: 1\nspec: *ports\n`;
    expect(at(aliased, ["spec", "a"])).toBe("f.yaml:5:3");
  });
});

describe("resources", () => {
  const names = (text: string) => readResources("f.yaml", text).resources.map(({ object }) => object);

  test("namespaced kinds without a namespace are in default, others in none", () => {
    expect(names(SERVICE)[0]?.namespace).toBe("default");
    expect(names("apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}")[0]?.namespace).toBe("");
  });

  test("lists unfold, and their items know where they stand", () => {
    const text =
      "apiVersion: v1\nkind: ServiceList\nitems:\n- {apiVersion: v1, kind: Service, metadata: {name: a}}\n";
    const { resources } = readResources("f.yaml", text);
    expect(resources.map(({ object }) => object.name)).toEqual(["a"]);
    expect(resources[0]?.position(["metadata"])?.line).toBe(4);
  });

  test("empty documents are none", () => {
    expect(readResources("f.yaml", "---\n# nothing\n---\n\n--- ~\n")).toMatchObject({
      resources: [],
      findings: [],
    });
  });

  test("Windows line ends change nothing", () => {
    expect(names(`${SERVICE}---\n${SERVICE}`.replaceAll("\n", "\r\n"))).toHaveLength(2);
  });

  test("three dashes inside a block text do not end the document", () => {
    const text = `${SERVICE}text: |\n  ---\n  more\n`;
    expect(readResources("f.yaml", text).resources[0]?.value).toMatchObject({ text: "---\nmore\n" });
  });
});

describe("documents that cannot be read", () => {
  test("one of them hides none of the others", () => {
    const { resources, findings } = readResources("f.yaml", `a: [\n---\n${SERVICE}---\nb: {\n`);
    expect(resources).toHaveLength(1);
    expect(findings.map(({ code }) => code)).toEqual(["unreadable-file", "unreadable-file"]);
    const lines = findings.map(({ source }) => source?.line ?? 0);
    expect(lines[0]).toBeLessThanOrEqual(2);
    expect(lines[1]).toBeGreaterThan(9);
  });

  test("a key that stands twice is an error at its second place", () => {
    const { findings } = readResources("f.yaml", "a: 1\nb: 2\na: 3\n");
    expect(findings).toMatchObject([{ code: "unreadable-file", source: { line: 3, column: 1 } }]);
  });

  test("aliases that would expand without end are refused", () => {
    const lines = Array.from(
      { length: 12 },
      (_, n) => `l${n + 1}: &l${n + 1} [${`*l${n}, `.repeat(9)}*l${n}]`,
    );
    const { findings } = readResources("f.yaml", `l0: &l0 x\n${lines.join("\n")}\n`);
    expect(findings).toMatchObject([{ code: "unreadable-file", severity: "error" }]);
  });
});

test("documents whose text is the same keep the identity of their values", () => {
  const first = readResources("f.yaml", `${SERVICE}---\nkind: x\n`);
  const second = readResources(
    "f.yaml",
    `# a comment moves everything\nkind: y\n---\n${SERVICE}---\nkind: x\n`,
    first.memory,
  );
  expect(second.resources[0]?.value).not.toBe(undefined);
  const again = readResources("f.yaml", `${SERVICE}---\nkind: y\n`, first.memory);
  expect(again.resources[0]?.value).toBe(first.resources[0]?.value);
});
