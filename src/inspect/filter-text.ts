// What a filter does, in words.
import type { Filter, HeaderEdit, PathEdit } from "../model/index.ts";

export function filterText(filter: Filter): string {
  switch (filter.kind) {
    case "requestHeaders":
      return `request headers: ${editText(filter.edit)}`;
    case "responseHeaders":
      return `response headers: ${editText(filter.edit)}`;
    case "redirect": {
      const { scheme, hostname, port, path, status } = filter.redirect;
      const changes = [
        ...(scheme === undefined ? [] : [`scheme ${scheme}`]),
        ...(hostname === undefined ? [] : [`host ${hostname}`]),
        ...(port === undefined ? [] : [`port ${port}`]),
        ...(path === undefined ? [] : [pathText(path)]),
      ];
      return `redirect with ${status}: ${changes.join(", ") || "the same location"}`;
    }
    case "rewrite": {
      const changes = [
        ...(filter.hostname === undefined ? [] : [`host ${filter.hostname}`]),
        ...(filter.path === undefined ? [] : [pathText(filter.path)]),
      ];
      return `rewrite: ${changes.join(", ")}`;
    }
    case "mirror":
      return filter.numerator >= filter.denominator
        ? `mirror to ${filter.backend}`
        : `mirror to ${filter.backend}, ${filter.numerator} of ${filter.denominator} requests`;
    case "cors":
      return `CORS for ${filter.cors.allowOrigins.join(", ")}`;
  }
}

function editText({ set, add, remove }: HeaderEdit): string {
  return [
    ...set.map(({ name, value }) => `set ${name}: ${value}`),
    ...add.map(({ name, value }) => `add ${name}: ${value}`),
    ...remove.map((name) => `remove ${name}`),
  ].join("; ");
}

function pathText(edit: PathEdit): string {
  return edit.kind === "fullPath" ? `path ${edit.value}` : `path prefix ${edit.prefix} to ${edit.value}`;
}
