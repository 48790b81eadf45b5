/**
 * The emulator's own pages: live logs, switches, and a notebook's rendered result that can do no harm.
 */
import { expect, test as base } from '@playwright/test';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { Emulator } from './support/emulator';

const test = base.extend<object, { emulator: Emulator }>({
  emulator: [
    async ({}, use) => {
      const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'kaggle-emulator-ui-'));
      const emulator = await Emulator.start(folder);
      await use(emulator);
      await emulator.close();
      fs.rmSync(folder, { recursive: true, force: true, maxRetries: 50, retryDelay: 100 });
    },
    { scope: 'worker', timeout: 60_000 }
  ]
});

/** Push a kernel as the account `learner`; returns the address of its page. */
async function push(emulator: Emulator, title: string, fields: Record<string, string>): Promise<string> {
  const slug = title
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '');
  const response = await fetch(`${emulator.url}/api/v1/kernels.KernelsApiService/SaveKernel`, {
    method: 'POST',
    headers: { Authorization: `Basic ${btoa('learner:local_api_token')}` },
    body: JSON.stringify({ slug: `learner/${slug}`, newTitle: title, language: 'python', ...fields })
  });
  const answer = (await response.json()) as { url: string; error: string };
  expect(answer.error).toBe('');
  return answer.url;
}

function notebook(...sources: string[]): string {
  const cells = sources.map((source, n) => ({
    cell_type: 'code',
    id: `c${n}`,
    metadata: {},
    outputs: [],
    execution_count: null,
    source
  }));
  const kernelspec = { name: 'python3', display_name: 'Python 3', language: 'python' };
  return JSON.stringify({ cells, metadata: { kernelspec }, nbformat: 4, nbformat_minor: 5 });
}

test('the overview follows a running log by itself, and its switches work', async ({ page, emulator }) => {
  const text =
    'import time\nn = 0\nwhile True:\n  n += 1\n  print("step", n, flush=True)\n  time.sleep(0.2)\n';
  await page.goto(emulator.url);
  await push(emulator, 'Endless Steps', { kernelType: 'script', text });
  const log = page.getByLabel('Log of learner/endless-steps');
  await expect(log).toContainText('step 3\n');
  await expect(log).toContainText('step 8\n');

  await page.getByLabel('Call', { exact: true }).fill('SaveKernel');
  await page.getByLabel('Answer with').selectOption('503');
  await page.getByRole('button', { name: 'Add fault' }).click();
  await expect(page.locator('#faults')).toContainText('status 503');
  await page.getByRole('button', { name: 'One hour on' }).click();
  await expect(page.locator('#clock')).toContainText('3,600 s ahead');
  await page.getByRole('button', { name: 'train', exact: true }).click();
  await expect(page.locator('#scenario')).toContainText('Out in the open');
  await page.locator('form[data-control=settings] select').selectOption('max_gpu_sessions');
  await page.getByLabel('Value', { exact: true }).fill('4');
  await page.getByRole('button', { name: 'Change' }).click();
  await expect(page.locator('#settings')).toContainText('max_gpu_sessions');

  page.once('dialog', dialog => void dialog.accept());
  await page.getByRole('button', { name: 'Reset everything' }).click();
  await expect(page.locator('#live')).toContainText('Nothing runs.');
  await expect(page.locator('#kernels')).toContainText('None yet.');
});

test('a notebook with markup in all places is shown, and harmless', async ({ page, emulator }) => {
  const dialogs: string[] = [];
  page.on('dialog', dialog => {
    dialogs.push(dialog.message());
    void dialog.dismiss();
  });
  const cell = [
    'from IPython.display import HTML',
    'open("a <img src=x onerror=alert(1)>.txt", "w").write("x")',
    'print("<script>alert(2)</script>")',
    'HTML("<b>rendered</b><script>alert(3); parent.document.title = \'mine\'</script>")'
  ].join('\n');
  const url = await push(emulator, 'Evil <script>alert(4)</script>', {
    kernelType: 'notebook',
    text: notebook(cell)
  });
  await page.goto(url);
  await expect(page.locator('#status')).toContainText('COMPLETE');
  await expect(page.frameLocator('iframe').locator('b')).toHaveText('rendered');
  await expect(page.getByLabel('Log')).toContainText('<script>alert(2)</script>');
  await expect(page).toHaveTitle('Evil <script>alert(4)</script> - Kaggle EMULATOR');
  const download = page.waitForEvent('download');
  await page.locator('#files').getByRole('link').first().click();
  expect(fs.readFileSync(await (await download).path(), 'utf-8')).toBe('x');
  expect(dialogs).toEqual([]);
});

test('pages follow the colour scheme', async ({ page, emulator }) => {
  const grounds: string[] = [];
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    await page.goto(emulator.url);
    grounds.push(await page.evaluate(() => getComputedStyle(document.body).backgroundColor));
  }
  expect(grounds).toEqual(['rgb(255, 255, 255)', 'rgb(23, 25, 28)']);
});
