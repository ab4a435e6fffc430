// What a container wrote, kept with the time of each line, as container runtimes keep it.
import { appendFileSync, readFileSync, writeFileSync } from "node:fs";
import type { Readable } from "node:stream";

export interface LogQuery {
  /** The last so many lines. */
  readonly tailLines?: number;
  /** What came at this time or later. */
  readonly since?: Date;
  /** Each line begins with its time. */
  readonly timestamps?: boolean;
}

export class ContainerLog {
  readonly #file: string;
  readonly #followers = new Set<(line: string) => void>();
  readonly #ends = new Set<() => void>();

  constructor(file: string) {
    this.#file = file;
    writeFileSync(file, "");
  }

  /** Takes in all that the stream brings, until its end. */
  take(stream: Readable): void {
    let rest = "";
    stream.setEncoding("utf8");
    stream.on("data", (text: string) => {
      const lines = (rest + text).split("\n");
      rest = lines.pop() as string;
      for (const line of lines) this.write(line);
    });
    stream.once("close", () => {
      if (rest !== "") this.write(rest);
    });
  }

  write(line: string): void {
    const timed = `${new Date().toISOString()} ${line}`;
    // At once, so that a reader sees each line exactly once: in the file, or as a follower.
    appendFileSync(this.#file, `${timed}\n`);
    for (const follower of this.#followers) follower(timed);
  }

  /** Lines without their ends. */
  read({ tailLines, since, timestamps = false }: LogQuery): string[] {
    let lines = readFileSync(this.#file, "utf8").split("\n").slice(0, -1);
    if (since !== undefined) {
      const from = since.toISOString();
      lines = lines.filter((line) => line.slice(0, from.length) >= from);
    }
    if (tailLines !== undefined) lines = tailLines === 0 ? [] : lines.slice(-tailLines);
    return timestamps ? lines : lines.map(withoutTime);
  }

  /** Answers how to end it; `onEnd` is called when nothing will come any more. */
  follow(onLine: (line: string) => void, onEnd: () => void, timestamps: boolean): () => void {
    const follower = timestamps ? onLine : (line: string) => onLine(withoutTime(line));
    this.#followers.add(follower);
    this.#ends.add(onEnd);
    return () => {
      this.#followers.delete(follower);
      this.#ends.delete(onEnd);
    };
  }

  /** Nothing will be written any more. */
  end(): void {
    for (const end of [...this.#ends]) end();
  }
}

function withoutTime(line: string): string {
  return line.slice(line.indexOf(" ") + 1);
}
