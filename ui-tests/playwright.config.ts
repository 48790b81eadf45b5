/**
 * Browser tests: a real JupyterLab with a real Kaggle emulator, in the machine's own Chromium.
 *
 * Every spec starts what it needs on loopback ports of its own and in scratch folders, see `support/stage.ts`.
 * Variables: CHROMIUM (the browser to run), PYTHON (the interpreter that has kaggle_lab), SCREENSHOTS=1 (also
 * make the pictures in `docs/screenshots`).
 */
import { defineConfig } from '@playwright/test';

const isRoot = process.getuid?.() === 0;
const takesPictures = Boolean(process.env.SCREENSHOTS);

export default defineConfig({
  testDir: '.',
  outputDir: 'test-results',
  testIgnore: takesPictures ? [] : ['screenshots-*.spec.ts'],
  reporter: [['list']],
  forbidOnly: Boolean(process.env.CI),
  // Much of a story is waiting, so two at a time suit two cores.
  workers: takesPictures ? 1 : 2,
  timeout: 240_000,
  // A busy machine is slow, which is no failure; what never comes still fails.
  expect: { timeout: 45_000 },
  use: {
    viewport: { width: 1280, height: 800 },
    actionTimeout: 45_000,
    trace: 'off',
    video: 'off',
    screenshot: 'only-on-failure',
    launchOptions: {
      executablePath: process.env.CHROMIUM || '/usr/bin/chromium',
      args: [
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
        ...(isRoot ? ['--no-sandbox'] : [])
      ]
    }
  }
});
