// The manifest of docs/gateways.md, as it stands there: the ListenerSet is attached, and its route is on its listener.
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { expect, test } from "vitest";
import { translate } from "../../src/dialects/translate.ts";
import { readResources } from "../../src/dialects/yaml/read-resources.ts";

test("the ListenerSet of the page is served", () => {
  const page = readFileSync(resolve(import.meta.dirname, "../../docs/gateways.md"), "utf8");
  const [, yaml = ""] = page.match(/```yaml\n([\s\S]*?)```/) ?? [];
  const { snapshot, statuses, findings } = translate(readResources("gateways.md", yaml).resources);
  expect(findings).toEqual([]);
  expect(snapshot.listeners.map(({ id }) => id)).toEqual([
    "Gateway/infra/edge/http",
    "ListenerSet/shop/shop/shop",
  ]);
  expect(snapshot.routes[0]?.attachments).toEqual([
    { listener: "ListenerSet/shop/shop/shop", hostnames: ["*"] },
  ]);
  const gateway = statuses.find(({ object }) => object.kind === "Gateway");
  expect(gateway?.attachedListenerSets).toBe(1);
});
