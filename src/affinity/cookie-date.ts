// Reads the date of a cookie's `Expires` as browsers do (RFC 6265 section 5.1.1), which is not how dates are read elsewhere.

/** Whatever is none of these parts one token of the date from the next. */
const TOKENS = /[^\t\x20-\x2f\x3b-\x40\x5b-\x60\x7b-\x7e]+/g;
const TIME = /^(\d{1,2}):(\d{1,2}):(\d{1,2})(?!\d)/;
const DAY = /^(\d{1,2})(?!\d)/;
const YEAR = /^(\d{2,4})(?!\d)/;
const MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

/**
 * Milliseconds since 1970; undefined: no date, so that a browser takes the attribute for not written. `0` and `-1` are
 * none, though `Date.parse` has them in the past.
 */
export function cookieDateMs(text: string): number | undefined {
  let time: readonly number[] | undefined;
  let day: number | undefined;
  let month: number | undefined;
  let year: number | undefined;
  for (const token of text.match(TOKENS) ?? []) {
    const timeParts = time === undefined ? TIME.exec(token) : null;
    const dayPart = day === undefined ? DAY.exec(token) : null;
    const monthIndex = MONTHS.indexOf(token.slice(0, 3).toLowerCase());
    const yearPart = year === undefined ? YEAR.exec(token) : null;
    if (timeParts !== null) time = timeParts.slice(1).map(Number);
    else if (dayPart !== null) day = Number(dayPart[1]);
    else if (month === undefined && monthIndex !== -1) month = monthIndex;
    else if (yearPart !== null) year = fullYear(Number(yearPart[1]));
  }
  if (time === undefined || day === undefined || month === undefined || year === undefined) return undefined;
  const [hour = 0, minute = 0, second = 0] = time;
  if (year < 1601 || hour > 23 || minute > 59 || second > 59) return undefined;
  const ms = Date.UTC(year, month, day, hour, minute, second);
  return new Date(ms).getUTCDate() === day ? ms : undefined;
}

function fullYear(year: number): number {
  if (year >= 70 && year <= 99) return 1900 + year;
  return year <= 69 ? 2000 + year : year;
}
