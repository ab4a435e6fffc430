// The size of a Maglev table: a prime number, or the table cannot be filled.
import { z } from "zod";
import { checked } from "./fields.ts";

/** Envoy's own limit, `maglev.v3.Maglev.table_size`; itself a prime number. */
const LARGEST = 5_000_011;

export const maglevTableSize = checked(z.int().min(2).max(LARGEST), (size) => {
  if (isPrime(size)) return undefined;
  return {
    message: `${size} is no prime number, so no Maglev table can have that size`,
    expected: `a prime number from 2 to ${LARGEST}`,
    hint: `write ${nextPrime(size)}`,
  };
});

function isPrime(value: number): boolean {
  if (value < 2) return false;
  for (let divisor = 2; divisor * divisor <= value; divisor++) {
    if (value % divisor === 0) return false;
  }
  return true;
}

function nextPrime(value: number): number {
  let candidate = value;
  while (!isPrime(candidate)) candidate++;
  return candidate;
}
