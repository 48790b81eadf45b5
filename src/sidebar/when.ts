/** Made once: making a formatter is far slower than using it. */
const FORMAT = new Intl.DateTimeFormat(undefined, { dateStyle: 'short', timeStyle: 'medium' });

/** A moment in the reader's own notation and time zone; empty for none. */
export function when(iso: string | null): string {
  return iso ? FORMAT.format(new Date(iso)) : '';
}
