const jestJupyterLab = require('@jupyterlab/testing/lib/jest-config');

const esModules = [
  '@codemirror',
  '@jupyter/(ydoc|react-components|web-components)',
  '@jupyterlab/',
  '@lezer',
  '@marijn',
  '@microsoft',
  '@rjsf',
  'color',
  'exenv-es6',
  'lib0',
  'marked',
  'nanoid',
  'vscode-ws-jsonrpc',
  'y-protocols',
  'y-websocket',
  'yjs'
].join('|');

const base = jestJupyterLab(__dirname);

module.exports = {
  ...base,
  collectCoverageFrom: ['src/**/*.{ts,tsx}', '!src/**/__tests__/**'],
  coverageReporters: ['text-summary', 'html'],
  moduleNameMapper: {
    '(?<!\\.raw)\\.css$': 'identity-obj-proxy'
  },
  modulePathIgnorePatterns: ['<rootDir>/.venv', '<rootDir>/lib', '<rootDir>/dist', '<rootDir>/kaggle_lab'],
  reporters: ['default'],
  setupFilesAfterEnv: ['<rootDir>/src/__tests__/setup.ts'],
  testPathIgnorePatterns: ['/lib/', '/node_modules/', '/ui-tests/'],
  testRegex: 'src/__tests__/.*\\.spec\\.tsx?$',
  transform: { ...base.transform, '\\.raw\\.css$': '@jupyterlab/testing/lib/jest-raw-loader.js' },
  transformIgnorePatterns: [`/node_modules/(?!${esModules}).+`]
};
