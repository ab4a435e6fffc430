// Which routers a change of routes makes anew, and that each finds the routes of its bind point and no others.
import { expect, test } from "vitest";
import { requestHead } from "../../test/support/request-head.ts";
import { listener, route } from "../../test/support/routes.ts";
import { EMPTY_SNAPSHOT, type Listener, type Route, type Snapshot } from "../model/index.ts";
import { bindPoints } from "./bind-points.ts";
import { buildRouters, type PortRouters } from "./port-routers.ts";

const shop: Listener = { ...listener("shop"), port: 81 };
/** At two addresses of its own. */
const cart: Listener = { ...listener("cart"), port: 82, addresses: ["10.0.0.1", "10.0.0.2"] };
const LISTENERS = [shop, cart];
const ROUTES = [
  route("shop", shop, ["shop.example"]),
  route("cart", cart, ["cart.example"]),
  { ...route("both", shop, ["both.example"]), attachments: [attach(shop), attach(cart)] },
];

function attach({ id }: Listener) {
  return { listener: id, hostnames: ["both.example"] };
}

function snapshotOf(routes: readonly Route[], listeners: readonly Listener[] = LISTENERS): Snapshot {
  return { ...EMPTY_SNAPSHOT, listeners, routes };
}

function routersOf(after: Snapshot, before = EMPTY_SNAPSHOT, routers: PortRouters = new Map()) {
  const build = buildRouters(bindPoints(after), { before, after, routers }, () => true);
  let step = build.next();
  while (!step.done) step = build.next();
  return step.value;
}

/** Names of the routes that take requests for these hosts. */
function answers(routers: PortRouters, key: string): (string | undefined)[] {
  return ["shop", "cart", "both"].map((name) => {
    const head = requestHead({ authority: `${name}.example` });
    return routers.get(key)?.router.match(head, head.path).route?.object.name;
  });
}

const first = snapshotOf(ROUTES);
const routers = routersOf(first);

test("each bind point has the routes of its listeners", () => {
  expect(answers(routers, "81")).toEqual(["shop", undefined, "both"]);
  expect(answers(routers, "10.0.0.1:82")).toEqual([undefined, "cart", "both"]);
  expect(answers(routers, "10.0.0.2:82")).toEqual([undefined, "cart", "both"]);
});

test("a route that comes makes the routers of its points anew, and leaves the others", () => {
  const after = snapshotOf([...ROUTES, route("more", shop, ["more.example"])]);
  const next = routersOf(after, first, routers);
  const same = ["81", "10.0.0.1:82", "10.0.0.2:82"].map((key) => next.get(key) === routers.get(key));
  expect(same).toEqual([false, true, true]);
});

test("a route that goes takes its place in the router with it", () => {
  const next = routersOf(snapshotOf(ROUTES.slice(0, 2)), first, routers);
  expect(answers(next, "81")).toEqual(["shop", undefined, undefined]);
});

test("a listener that changes makes its router anew, and where nothing changes all stay", () => {
  const moved = { ...shop, hostname: "shop.example" };
  const next = routersOf(snapshotOf(ROUTES, [moved, cart]), first, routers);
  expect(next.get("81")).not.toBe(routers.get("81"));
  expect(next.get("10.0.0.1:82")).toBe(routers.get("10.0.0.1:82"));
  expect(routersOf({ ...first, version: 7 }, first, routers)).toBe(routers);
});
