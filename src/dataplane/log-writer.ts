// Writes whole lines to a file or pipe beside the event loop: batches them, and drops lines before it holds too many.
import { close, constants, fstatSync, openSync, write } from "node:fs";

/** Writes up to this size reach a pipe in one piece (PIPE_BUF on Linux), so lines of several workers never mix. */
const ATOMIC_PIPE_WRITE = 4096;
const FLUSH_SIZE = 16 * 1024;
const FLUSH_INTERVAL_MS = 100;
const MAX_WAITING_SIZE = 8 * 1024 * 1024;
const RETRY_FIRST_MS = 1;
const RETRY_LONGEST_MS = 64;

type WriteDone = (error: NodeJS.ErrnoException | null, written: number) => void;

export interface LogWriterOptions {
  /** Bytes per write; lines are never split unless one alone is longer. */
  readonly writeSize: number;
  /** Bytes that may wait; lines beyond are dropped and counted. */
  readonly maxWaitingSize?: number;
  /** The line that tells of dropped ones, written once there is room again. */
  readonly droppedLine: (count: number) => string;
  /** Stands in for the operating system in tests. */
  readonly write?: (bytes: Buffer, offset: number, done: WriteDone) => void;
}

/** Lines that are written together. */
interface Batch {
  readonly text: string;
  readonly lines: number;
}

/** Lines are ASCII and end with a newline. One write is outstanding at a time; `line` never blocks and never throws. */
export class LogWriter {
  readonly #writeSize: number;
  readonly #maxWaitingSize: number;
  readonly #droppedLine: (count: number) => string;
  readonly #write: (bytes: Buffer, offset: number, done: WriteDone) => void;

  #text = "";
  #lines = 0;
  #queue: Batch[] = [];
  #waitingSize = 0;
  #writing: Buffer | undefined;
  #writingLines = 0;
  #written = 0;
  #timer: NodeJS.Timeout | undefined;
  #retryMs = RETRY_FIRST_MS;
  #unreported = 0;
  #droppedTotal = 0;
  #gone = false;
  #whenEmpty: (() => void)[] = [];

  constructor(fd: number, options: LogWriterOptions) {
    this.#writeSize = options.writeSize;
    this.#maxWaitingSize = options.maxWaitingSize ?? MAX_WAITING_SIZE;
    this.#droppedLine = options.droppedLine;
    this.#write =
      options.write ?? ((bytes, offset, done) => write(fd, bytes, offset, bytes.length - offset, null, done));
  }

  /** Lines lost so far, to a slow reader or a failing disk. */
  get dropped(): number {
    return this.#droppedTotal;
  }

  line(text: string): void {
    if (this.#gone || this.#waitingSize + text.length > this.#maxWaitingSize) {
      this.#drop(1);
      return;
    }
    if (this.#unreported > 0) {
      const report = this.#droppedLine(this.#unreported);
      this.#unreported = 0;
      this.#append(report);
    }
    this.#append(text);
  }

  /** Hands everything to the operating system; resolves when that is done or `timeoutMs` has passed. */
  flush(timeoutMs: number): Promise<void> {
    this.#seal();
    this.#pump();
    if (this.#writing === undefined) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, timeoutMs);
      this.#whenEmpty.push(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  #append(text: string): void {
    if (this.#text.length > 0 && this.#text.length + text.length > this.#writeSize) this.#seal();
    this.#text += text;
    this.#lines += 1;
    this.#waitingSize += text.length;
    if (this.#text.length >= this.#writeSize) this.#seal();
    if (this.#queue.length > 0) this.#pump();
    else if (this.#timer === undefined && this.#writing === undefined) this.#flushLater();
  }

  #flushLater(): void {
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#seal();
      this.#pump();
    }, FLUSH_INTERVAL_MS);
    this.#timer.unref();
  }

  #seal(): void {
    if (this.#lines === 0) return;
    this.#queue.push({ text: this.#text, lines: this.#lines });
    this.#text = "";
    this.#lines = 0;
  }

  #pump(): void {
    if (this.#writing !== undefined) return;
    const batch = this.#queue.shift();
    if (batch === undefined) {
      if (this.#lines > 0) this.#flushLater();
      for (const resolve of this.#whenEmpty.splice(0)) resolve();
      return;
    }
    this.#writing = Buffer.from(batch.text, "latin1");
    this.#writingLines = batch.lines;
    this.#written = 0;
    this.#continue();
  }

  readonly #continue = (): void => {
    const bytes = this.#writing;
    if (bytes !== undefined) this.#write(bytes, this.#written, this.#onWritten);
  };

  readonly #onWritten: WriteDone = (error, written) => {
    const bytes = this.#writing as Buffer;
    if (error === null) {
      this.#retryMs = RETRY_FIRST_MS;
      this.#written += written;
      if (this.#written < bytes.length) this.#continue();
      else this.#finish();
    } else if (error.code === "EAGAIN") {
      setTimeout(this.#continue, this.#retryMs).unref();
      this.#retryMs = Math.min(this.#retryMs * 2, RETRY_LONGEST_MS);
    } else {
      this.#drop(this.#writingLines);
      if (error.code === "EPIPE" || error.code === "EBADF") this.#giveUp();
      this.#finish();
    }
  };

  #finish(): void {
    this.#waitingSize -= (this.#writing as Buffer).length;
    this.#writing = undefined;
    this.#pump();
  }

  /** Nobody will ever read again. */
  #giveUp(): void {
    this.#gone = true;
    this.#seal();
    for (const batch of this.#queue) {
      this.#drop(batch.lines);
      this.#waitingSize -= batch.text.length;
    }
    this.#queue = [];
  }

  #drop(lines: number): void {
    this.#unreported += lines;
    this.#droppedTotal += lines;
  }
}

export interface LogTarget {
  readonly fd: number;
  /** Bytes that one write may carry without mixing with other processes' lines. */
  readonly writeSize: number;
  close(): void;
}

/**
 * Prepares a descriptor for a `LogWriter`. A pipe is opened anew without blocking (Linux), because a write that hangs
 * on a full pipe would hold a thread that the process must join before it can exit.
 */
export function openLogTarget(fd: number): LogTarget {
  if (!fstatSync(fd).isFIFO()) return { fd, writeSize: FLUSH_SIZE, close: () => {} };
  try {
    const own = openSync(`/proc/self/fd/${fd}`, constants.O_WRONLY | constants.O_NONBLOCK);
    return { fd: own, writeSize: ATOMIC_PIPE_WRITE, close: () => close(own) };
  } catch {
    return { fd, writeSize: ATOMIC_PIPE_WRITE, close: () => {} };
  }
}
