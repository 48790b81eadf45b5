/**
 * What every test file gets: a console on which a warning or an error fails the test.
 */
const { warn } = console;
// JupyterLab says so while it is being imported; jsdom has none.
console.warn = (...words: unknown[]) => {
  if (words[0] !== 'Clipboard API not available') {
    warn(...words);
  }
};

const problems: string[] = [];

function note(kind: string): (...words: unknown[]) => void {
  return (...words) => {
    problems.push(`console.${kind}: ${words.map(String).join(' ')}`);
  };
}

beforeEach(() => {
  problems.length = 0;
  jest.spyOn(console, 'error').mockImplementation(note('error'));
  jest.spyOn(console, 'warn').mockImplementation(note('warn'));
});

afterEach(() => {
  jest.restoreAllMocks();
  if (problems.length) {
    throw new Error(problems.join('\n'));
  }
});
