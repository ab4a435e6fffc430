// The buffer that every socket of a worker reads into: what arrives is passed on or copied before the next read.

/**
 * One read takes all that the kernel has, up to this: a large body costs a system call and a wake-up for every read and
 * every write, so that 256 KiB carry it for half of what 64 KiB do.
 */
export const READ_BUFFER: Buffer = Buffer.allocUnsafeSlow(256 * 1024);
