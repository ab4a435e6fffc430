// Tests of the log writer: batches, partial and failing writes, and what happens when nobody reads.
import { execFileSync } from "node:child_process";
import { closeSync, constants, openSync, readFileSync, readSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test, vi } from "vitest";
import { temporaryFolder } from "../../test/support/temporary-folder.ts";
import { openLogFile, openLogTarget } from "./log-target.ts";
import { LogWriter } from "./log-writer.ts";

type Done = (error: NodeJS.ErrnoException | null, written: number) => void;

/** An operating system that a test answers for. */
class FakeSystem {
  readonly writes: { text: string; done: Done }[] = [];

  readonly write = (bytes: Buffer, offset: number, done: Done) => {
    this.writes.push({ text: bytes.toString("latin1", offset), done });
  };

  get last() {
    return this.writes.at(-1) as { text: string; done: Done };
  }

  accept(size = this.last.text.length): void {
    this.last.done(null, size);
  }

  fail(code: string): void {
    this.last.done(Object.assign(new Error(code), { code }), 0);
  }
}

function writerOn(system: FakeSystem, more: { maxWaitingSize?: number } = {}): LogWriter {
  return new LogWriter(
    { fd: -1, writeSize: 16, mayBlock: true },
    {
      droppedLine: (count) => `lost ${count}\n`,
      write: system.write,
      ...more,
    },
  );
}

afterEach(() => {
  vi.useRealTimers();
});

test("lines wait for 100 ms and go out together", () => {
  vi.useFakeTimers();
  const system = new FakeSystem();
  const writer = writerOn(system);
  writer.line("one\n");
  writer.line("two\n");
  vi.advanceTimersByTime(99);
  expect(system.writes).toEqual([]);
  vi.advanceTimersByTime(1);
  expect(system.writes.map(({ text }) => text)).toEqual(["one\ntwo\n"]);
});

test("a full batch goes out at once, cut at the end of a line", () => {
  const system = new FakeSystem();
  const writer = writerOn(system);
  writer.line("123456789\n");
  writer.line("abcdefghi\n");
  expect(system.writes.map(({ text }) => text)).toEqual(["123456789\n"]);
  writer.line("more\n");
  system.accept();
  expect(system.writes).toHaveLength(1);
});

test("a line longer than a write is written alone", () => {
  const system = new FakeSystem();
  const writer = writerOn(system);
  writer.line(`${"x".repeat(40)}\n`);
  expect(system.last.text).toHaveLength(41);
});

test("one write is outstanding, and a partial one goes on where it stopped", async () => {
  const system = new FakeSystem();
  const writer = writerOn(system);
  writer.line("0123456789abcdef\n");
  writer.line("second line is long\n");
  expect(system.writes).toHaveLength(1);
  system.accept(10);
  expect(system.last.text).toBe("abcdef\n");
  system.accept();
  expect(system.last.text).toBe("second line is long\n");
  const flushed = writer.flush(1000);
  system.accept();
  await flushed;
});

test("a pipe that is full is asked again later", () => {
  vi.useFakeTimers();
  const system = new FakeSystem();
  const writer = writerOn(system);
  writer.line("0123456789abcdef\n");
  for (let count = 1; count < 5; count++) {
    system.fail("EAGAIN");
    expect(system.writes).toHaveLength(count);
    vi.advanceTimersByTime(64);
    expect(system.writes).toHaveLength(count + 1);
  }
  expect(writer.dropped).toBe(0);
});

test("lines beyond the limit are dropped and counted, and a later line says how many", () => {
  const system = new FakeSystem();
  const writer = writerOn(system, { maxWaitingSize: 40 });
  for (let index = 0; index < 6; index++) writer.line("0123456789abcdef\n");
  expect(writer.dropped).toBe(4);
  system.accept();
  system.accept();
  writer.line("again\n");
  void writer.flush(0);
  expect(system.last.text).toBe("lost 4\nagain\n");
});

test("a failing disk loses its batch and nothing else", () => {
  const system = new FakeSystem();
  const writer = writerOn(system);
  writer.line("0123456789abcdef\n");
  system.fail("ENOSPC");
  expect(writer.dropped).toBe(1);
  writer.line("after the trouble\n");
  expect(system.last.text).toBe("lost 1\n");
  system.accept();
  void writer.flush(0);
  expect(system.last.text).toBe("after the trouble\n");
});

test("what a full disk broke off ends before the next line begins, and only what is lost counts as lost", () => {
  const system = new FakeSystem();
  const writer = writerOn(system);
  writer.line("whole\n");
  writer.line("half\n");
  writer.line("none\n");
  system.accept(8);
  system.fail("ENOSPC");
  expect(writer.dropped).toBe(2);
  writer.line("while it is full\n");
  expect(system.last.text).toBe("\n");
  system.fail("ENOSPC");
  void writer.flush(0);
  expect(writer.dropped).toBe(3);
  expect(system.last.text).toBe("\n");
  system.accept();
  expect(system.last.text).toBe("while it is full\n");
});

test("a reader that is gone may come back: after a move lines go on", async () => {
  const system = new FakeSystem();
  const writer = writerOn(system);
  writer.line("0123456789abcdef\n");
  system.fail("EPIPE");
  writer.line("nobody\n");
  const path = join(temporaryFolder(), "log");
  const fd = openSync(path, "a");
  writer.moveTo(openLogTarget(fd), () => {});
  writer.line("somebody\n");
  await writer.flush(1000);
  closeSync(fd);
  expect(readFileSync(path, "utf8")).toBe("lost 2\nsomebody\n");
});

test("without a target lines are counted as lost until there is one", async () => {
  const writer = new LogWriter(undefined, { droppedLine: (count) => `lost ${count}\n` });
  writer.line("one\n");
  await writer.flush(1000);
  expect(writer.dropped).toBe(1);
  const path = join(temporaryFolder(), "log");
  const fd = openLogFile(path);
  writer.moveTo(openLogTarget(fd), () => {});
  writer.line("two\n");
  await writer.flush(1000);
  closeSync(fd);
  expect(readFileSync(path, "utf8")).toBe("lost 1\ntwo\n");
});

test("a named pipe that nobody reads is refused, and not waited for", () => {
  const path = join(temporaryFolder(), "pipe");
  execFileSync("mkfifo", [path]);
  expect(() => openLogFile(path)).toThrow("ENXIO");
});

test("a reader that is gone ends the log without harm", async () => {
  const system = new FakeSystem();
  const writer = writerOn(system);
  writer.line("0123456789abcdef\n");
  writer.line("0123456789abcdef\n");
  system.fail("EPIPE");
  writer.line("nobody\n");
  expect(writer.dropped).toBe(3);
  await writer.flush(1000);
  expect(system.writes).toHaveLength(1);
});

test("flush gives up on a reader that does not read", async () => {
  const system = new FakeSystem();
  const writer = writerOn(system);
  writer.line("one\n");
  await writer.flush(1);
  expect(system.writes).toHaveLength(1);
});

test("a file gets every line", async () => {
  const path = join(temporaryFolder(), "access.log");
  const fd = openSync(path, "a");
  const target = openLogTarget(fd);
  expect(target).toMatchObject({ writeSize: 16 * 1024, mayBlock: true });
  const writer = new LogWriter(target, { droppedLine: () => "" });
  const lines = Array.from({ length: 2000 }, (_, index) => `line ${index}\n`);
  for (const line of lines) writer.line(line);
  await writer.flush(5000);
  closeSync(fd);
  expect(readFileSync(path, "latin1")).toBe(lines.join(""));
});

test("a full pipe neither blocks nor loses what is read in the end, and writes stay atomic", async () => {
  const path = join(temporaryFolder(), "pipe");
  execFileSync("mkfifo", [path]);
  const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const fd = openSync(path, constants.O_WRONLY);
  const target = openLogTarget(fd);
  expect(target).toMatchObject({ writeSize: 4096, mayBlock: false });
  const writer = new LogWriter(target, { droppedLine: () => "" });
  const line = `${"x".repeat(99)}\n`;
  for (let index = 0; index < 5000; index++) writer.line(line);
  await writer.flush(20);
  const chunk = Buffer.alloc(1 << 16);
  let size = 0;
  while (size < 500_000) {
    try {
      size += readSync(reader, chunk, 0, chunk.length, null);
    } catch {
      await writer.flush(5);
    }
  }
  expect(size).toBe(500_000);
  target.close();
  closeSync(fd);
  closeSync(reader);
});

test("after a move, the write under way ends where it began, and lines go on elsewhere", async () => {
  const folder = temporaryFolder();
  const [first, second] = [join(folder, "first"), join(folder, "second")];
  const fds = [openSync(first, "a"), openSync(second, "a")] as const;
  const writer = new LogWriter(openLogTarget(fds[0]), { droppedLine: (count) => `lost ${count}\n` });
  writer.line("before\n");
  const written = writer.flush(1000);
  writer.moveTo(openLogTarget(fds[1]), () => closeSync(fds[0]));
  writer.line("after\n");
  await written;
  await writer.flush(1000);
  closeSync(fds[1]);
  expect([readFileSync(first, "utf8"), readFileSync(second, "utf8")]).toEqual(["before\n", "after\n"]);
});

test("a move takes effect at once where nothing is written", () => {
  const folder = temporaryFolder();
  const fd = openSync(join(folder, "log"), "a");
  const writer = writerOn(new FakeSystem());
  let left = false;
  writer.moveTo(openLogTarget(fd), () => {
    left = true;
  });
  expect(left).toBe(true);
  closeSync(fd);
});
