// Where the access log goes: a file, a pipe or a socket, and how each is written to without harm.
import { close, constants, fstatSync, openSync } from "node:fs";

/** Writes up to this size reach a pipe in one piece (PIPE_BUF on Linux), so lines of several workers never mix. */
export const ATOMIC_PIPE_WRITE = 4096;
const FILE_WRITE = 16 * 1024;

/** Where lines go. */
export interface LogTarget {
  readonly fd: number;
  /** Bytes that one write may carry without mixing with other processes' lines; no line is split over two writes. */
  readonly writeSize: number;
  /** A write may hang: it must be made on another thread. */
  readonly mayBlock: boolean;
}

/** A target on a descriptor of its own, to be closed by whoever opened it. */
export interface OpenLogTarget extends LogTarget {
  close(): void;
}

/**
 * Opens the file of a log for appending, so that processes which share it write after each other's lines. Throws the
 * system's error; a named pipe that nobody reads is one (ENXIO) in place of a wait for somebody who does.
 */
export function openLogFile(path: string): number {
  const { O_WRONLY, O_APPEND, O_CREAT, O_NONBLOCK } = constants;
  return openSync(path, O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK);
}

/**
 * Prepares a descriptor for a `LogWriter`. A pipe is opened anew without blocking (Linux): a write that hangs on a full
 * pipe would hold a thread that the process must join before it can exit.
 */
export function openLogTarget(fd: number): OpenLogTarget {
  const stat = fstatSync(fd);
  const shared = { fd, mayBlock: true, close: () => {} };
  if (stat.isSocket()) return { ...shared, writeSize: ATOMIC_PIPE_WRITE };
  if (!stat.isFIFO()) return { ...shared, writeSize: FILE_WRITE };
  try {
    const own = openSync(`/proc/self/fd/${fd}`, constants.O_WRONLY | constants.O_NONBLOCK);
    return { fd: own, writeSize: ATOMIC_PIPE_WRITE, mayBlock: false, close: () => close(own) };
  } catch {
    return { ...shared, writeSize: ATOMIC_PIPE_WRITE };
  }
}
