// Writes Markdown tables the way the formatter leaves them: columns padded to the same width.

export function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [head, ...rows].map((cells) => cells.map((cell) => cell.replaceAll("|", "\\|")));
  const widths = head.map((_, column) =>
    Math.max(3, ...lines.map((cells) => (cells[column] as string).length)),
  );
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] as number)).join(" | ")} |`;
  const rule = line(widths.map((width) => "-".repeat(width)));
  const [titles, ...body] = lines.map(line);
  return [titles, rule, ...body].join("\n");
}
