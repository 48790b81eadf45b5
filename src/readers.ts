/**
 * Small readers that turn `unknown` into checked values; `wire.ts` puts them together.
 */

/** Any value JSON can hold. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

export type Reader<T> = (value: unknown) => T;
type Shape<T> = { readonly [K in keyof T]-?: Reader<T[K]> };

/** The reply was not what the interface promises. */
export class WireError extends Error {
  constructor(readonly where: string) {
    super(`unexpected reply: ${where}`);
  }
}

export const text: Reader<string> = value => (typeof value === 'string' ? value : '');
export const flag: Reader<boolean> = value => value === true;
export const count: Reader<number> = value =>
  typeof value === 'number' && Number.isFinite(value) ? value : 0;
export const map: Reader<Record<string, Json>> = value =>
  isRecord(value) ? (value as Record<string, Json>) : {};

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function maybe<T>(read: Reader<T>): Reader<T | null> {
  return value => (value === null || value === undefined ? null : read(value));
}

export function list<T>(read: Reader<T>): Reader<readonly T[]> {
  return value => (Array.isArray(value) ? value.map(read) : []);
}

/** One of the known words; a word newer than this package becomes `other`. */
export function word<T extends string>(known: readonly T[], other: T): Reader<T> {
  return value => ((known as readonly unknown[]).includes(value) ? (value as T) : other);
}

export function required(where: string): Reader<string> {
  return value => {
    if (typeof value !== 'string' || !value) {
      throw new WireError(where);
    }
    return value;
  };
}

export function object<T>(where: string, shape: Shape<T>): Reader<T> {
  const readers = Object.entries(shape) as [string, Reader<unknown>][];
  return value => {
    if (!isRecord(value)) {
      throw new WireError(where);
    }
    return Object.fromEntries(readers.map(([key, read]) => [key, read(value[key])])) as T;
  };
}
