/**
 * A short list of names that outlives the page, in the browser's own storage.
 */

export interface IMemory {
  load(): readonly string[];
  save(ids: readonly string[]): void;
}

const LIMIT = 200;

export function createMemory(key: string): IMemory {
  return {
    load() {
      try {
        const value: unknown = JSON.parse(window.localStorage.getItem(key) ?? '[]');
        return Array.isArray(value) ? value.filter(item => typeof item === 'string') : [];
      } catch {
        // Storage that is switched off or holds something else only costs the late notification.
        return [];
      }
    },
    save(ids) {
      try {
        window.localStorage.setItem(key, JSON.stringify(ids.slice(-LIMIT)));
      } catch {
        // As above.
      }
    }
  };
}
