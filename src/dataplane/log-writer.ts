// Writes whole lines to a file or pipe beside the event loop: batches them, and drops lines before it holds too many.
import { write, writeSync } from "node:fs";
import { ATOMIC_PIPE_WRITE, type LogTarget } from "./log-target.ts";

const FLUSH_INTERVAL_MS = 100;
export const MAX_WAITING_SIZE = 8 * 1024 * 1024;
const RETRY_FIRST_MS = 1;
const RETRY_LONGEST_MS = 64;
const NEWLINE = 0x0a;
const LINE_END = Buffer.of(NEWLINE);

type WriteDone = (error: NodeJS.ErrnoException | null, written: number) => void;

export interface LogWriterOptions {
  /** Bytes that may wait; lines beyond are dropped and counted. */
  readonly maxWaitingSize?: number;
  /** The line that tells of dropped ones, written once there is room again. */
  readonly droppedLine: (count: number) => string;
  /** Stands in for the operating system in tests. */
  readonly write?: (bytes: Buffer, offset: number, done: WriteDone) => void;
}

/** Lines that are written together. */
class Batch {
  readonly bytes: Buffer;
  size = 0;
  lines = 0;

  constructor(capacity: number) {
    this.bytes = Buffer.allocUnsafeSlow(capacity);
  }
}

/**
 * Lines are ASCII and end with a newline. One write is outstanding at a time; `line` never blocks and never throws.
 * Lines are copied into buffers that are used again and again, so that a busy log leaves no garbage behind.
 */
export class LogWriter {
  readonly #writeSize: number;
  readonly #maxWaitingSize: number;
  readonly #droppedLine: (count: number) => string;
  #write: (bytes: Buffer, offset: number, done: WriteDone) => void;
  /** Where to go on once the write under way is done. */
  #next: { readonly target: LogTarget; readonly onLeft: () => void } | undefined;

  #filling: Batch;
  #spare: Batch | undefined;
  readonly #queue: Batch[] = [];
  #writing: Batch | undefined;
  #written = 0;
  /** The last line of the file breaks off, as on a disk that was full: what comes next begins a line of its own. */
  #isTorn = false;
  #waitingSize = 0;
  #timer: NodeJS.Timeout | undefined;
  #retryMs = RETRY_FIRST_MS;
  #unreported = 0;
  #droppedTotal = 0;
  #gone = false;
  readonly #whenEmpty: (() => void)[] = [];

  /** @param target undefined: lines are lost until `moveTo` names one */
  constructor(target: LogTarget | undefined, options: LogWriterOptions) {
    this.#writeSize = target?.writeSize ?? ATOMIC_PIPE_WRITE;
    this.#maxWaitingSize = options.maxWaitingSize ?? MAX_WAITING_SIZE;
    this.#droppedLine = options.droppedLine;
    this.#filling = new Batch(this.#writeSize);
    this.#gone = target === undefined;
    this.#write = options.write ?? (target === undefined ? NO_WRITE : systemWrite(target));
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
    this.#seal(this.#writeSize);
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

  /** Lines that no write carries yet go there; `onLeft` is told when nothing is written to the old target any more. */
  moveTo(target: LogTarget, onLeft: () => void): void {
    const overtaken = this.#next;
    this.#next = {
      target,
      onLeft: () => {
        overtaken?.onLeft();
        onLeft();
      },
    };
    if (this.#writing === undefined) this.#move();
  }

  #move(): void {
    const next = this.#next;
    if (next === undefined) return;
    this.#next = undefined;
    this.#gone = false;
    this.#isTorn = false;
    this.#write = systemWrite(next.target);
    next.onLeft();
  }

  #append(text: string): void {
    if (this.#filling.size + text.length > this.#filling.bytes.length) this.#seal(text.length);
    const batch = this.#filling;
    batch.bytes.write(text, batch.size, "latin1");
    batch.size += text.length;
    batch.lines += 1;
    this.#waitingSize += text.length;
    if (batch.size >= this.#writeSize) this.#seal(this.#writeSize);
    if (this.#queue.length > 0) this.#pump();
    else if (this.#timer === undefined && this.#writing === undefined) this.#flushLater();
  }

  #flushLater(): void {
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#seal(this.#writeSize);
      this.#pump();
    }, FLUSH_INTERVAL_MS);
    this.#timer.unref();
  }

  /** Puts the batch in the queue, if it holds anything, and begins another one with at least that much room. */
  #seal(room: number): void {
    if (this.#filling.lines > 0) this.#queue.push(this.#filling);
    else if (room <= this.#filling.bytes.length) return;
    if (room <= this.#writeSize && this.#spare !== undefined) {
      this.#filling = this.#spare;
      this.#spare = undefined;
    } else {
      this.#filling = new Batch(Math.max(room, this.#writeSize));
    }
  }

  #pump(): void {
    if (this.#writing !== undefined) return;
    this.#move();
    this.#writing = this.#queue.shift();
    if (this.#writing === undefined) {
      if (this.#filling.lines > 0 && this.#timer === undefined) this.#flushLater();
      for (const resolve of this.#whenEmpty.splice(0)) resolve();
      return;
    }
    this.#written = 0;
    this.#continue();
  }

  readonly #continue = (): void => {
    const batch = this.#writing;
    if (batch === undefined) return;
    if (this.#isTorn) this.#write(LINE_END, 0, this.#onLineEnded);
    else this.#write(batch.bytes.subarray(0, batch.size), this.#written, this.#onWritten);
  };

  readonly #onLineEnded: WriteDone = (error, written) => {
    if (written === 1) this.#isTorn = false;
    this.#onWritten(error, 0);
  };

  readonly #onWritten: WriteDone = (error, written) => {
    const batch = this.#writing as Batch;
    if (error === null) {
      this.#retryMs = RETRY_FIRST_MS;
      this.#written += written;
      if (this.#written < batch.size) this.#continue();
      else this.#finish(batch);
    } else if (error.code === "EAGAIN") {
      setTimeout(this.#continue, this.#retryMs).unref();
      this.#retryMs = Math.min(this.#retryMs * 2, RETRY_LONGEST_MS);
    } else {
      this.#dropRest(batch);
      if (error.code === "EPIPE" || error.code === "EBADF") this.#giveUp();
      this.#finish(batch);
    }
  };

  #finish(batch: Batch): void {
    this.#waitingSize -= batch.size;
    this.#writing = undefined;
    if (batch.bytes.length === this.#writeSize) {
      batch.size = 0;
      batch.lines = 0;
      this.#spare = batch;
    }
    this.#pump();
  }

  /** Nobody will ever read again. */
  #giveUp(): void {
    this.#gone = true;
    this.#seal(this.#writeSize);
    for (const batch of this.#queue.splice(0)) {
      this.#drop(batch.lines);
      this.#waitingSize -= batch.size;
    }
  }

  /** What of it is written stays written. */
  #dropRest(batch: Batch): void {
    if (this.#written > 0) this.#isTorn = batch.bytes[this.#written - 1] !== NEWLINE;
    let lines = 0;
    for (let at = this.#written; at < batch.size; at++) if (batch.bytes[at] === NEWLINE) lines += 1;
    this.#drop(lines);
  }

  #drop(lines: number): void {
    this.#unreported += lines;
    this.#droppedTotal += lines;
  }
}

const NO_WRITE = () => {};

/** Another thread costs more than the write itself, so it is asked only where the write may hang. */
function systemWrite({ fd, mayBlock }: LogTarget): (bytes: Buffer, offset: number, done: WriteDone) => void {
  if (mayBlock) return (bytes, offset, done) => write(fd, bytes, offset, bytes.length - offset, null, done);
  return (bytes, offset, done) => {
    let written = 0;
    try {
      written = writeSync(fd, bytes, offset);
    } catch (error) {
      done(error as NodeJS.ErrnoException, 0);
      return;
    }
    done(null, written);
  };
}
