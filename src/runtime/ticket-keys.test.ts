// Ticket keys change by themselves, and can be taken over.
import { afterEach, expect, test, vi } from "vitest";
import { TicketKeys } from "./ticket-keys.ts";

afterEach(() => void vi.useRealTimers());

test("they are 48 random bytes, and others after their lifetime", () => {
  vi.useFakeTimers();
  const told: string[] = [];
  const keys = new TicketKeys((changed) => told.push(changed), undefined, 1000);
  const first = keys.current;
  expect(Buffer.from(first, "base64")).toHaveLength(48);
  vi.advanceTimersByTime(2000);
  expect(told).toHaveLength(2);
  expect(new Set([first, ...told]).size).toBe(3);
  expect(keys.current).toBe(told[1]);
  keys.stop();
  vi.advanceTimersByTime(2000);
  expect(told).toHaveLength(2);
});

test("another process's are taken over", () => {
  const keys = new TicketKeys(() => {}, "AAEC");
  expect(keys.current).toBe("AAEC");
  keys.stop();
});
