/** A style sheet as text; the build takes out what only people read. */
declare module '*.raw.css' {
  const text: string;
  export default text;
}
