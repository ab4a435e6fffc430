// References between the variables of a container, as Kubernetes expands them.
import { expect, test } from "vitest";
import { expand } from "./environment.ts";

test.each([
  ["$(NAME)", "pod-1"],
  ["http://$(NAME):$(PORT)/", "http://pod-1:80/"],
  ["$$(NAME)", "$(NAME)"],
  ["$(UNKNOWN)", "$(UNKNOWN)"],
  ["$NAME", "$NAME"],
])("%s becomes %s", (text, expanded) => {
  expect(expand(text, { NAME: "pod-1", PORT: "80" })).toBe(expanded);
});
