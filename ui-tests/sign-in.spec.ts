/**
 * Signing in with an access token, on a machine where nobody is signed in.
 */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { TOKEN } from './support/emulator';
import { SHORT } from './support/notebooks';
import { expect, test } from './support/stage';

test.use({ play: { endpoint: 'kaggle' } });

test('a wrong token, the right one, and nothing of it in the page', async ({
  lab,
  notebook,
  page,
  stage
}) => {
  const heard: string[] = [];
  page.on('response', response => {
    if (response.url().includes('kaggle-lab/api')) {
      void response.text().then(
        text => heard.push(response.url(), response.request().postData() ?? '', text),
        () => undefined
      );
    }
  });
  await lab.open(notebook('signed out.ipynb', SHORT));

  // Without an account the button leads to the sign-in card, and nothing is sent.
  await lab.runButton.click();
  const card = lab.sidebar.getByRole('region', { name: 'Sign in to Kaggle' });
  await expect(card).toBeVisible();
  await expect(lab.sheet).toBeHidden();
  await expect(card.getByRole('button', { name: 'Try the emulator' })).toBeVisible();

  const field = card.getByLabel('Access token');
  await expect(field).toHaveAttribute('type', 'password');
  await field.fill('KGAT_this_is_not_one');
  await card.getByRole('button', { name: 'Check and sign in' }).click();
  await expect(card.getByRole('alert')).toContainText(/token|credential/i);
  await expect(card.getByRole('alert').locator('.jp-KaggleLab-remedy')).not.toBeEmpty();
  const file = path.join(stage.jupyter.home, '.kaggle', 'access_token');
  expect(fs.existsSync(file)).toBe(false);

  await field.fill(TOKEN);
  await card.getByRole('button', { name: 'Check and sign in' }).click();
  await expect(card).toBeHidden();
  await expect(lab.sidebar).toContainText('learner');
  await expect(lab.sidebar).not.toContainText('EMULATOR');
  expect(fs.readFileSync(file, 'utf-8').trim()).toBe(TOKEN);
  expect(fs.statSync(file).mode & 0o777).toBe(0o600);

  // From here on the token stays on the server: whatever the page is told, and whatever it keeps.
  heard.length = 0;
  await lab.sidebar.getByRole('button', { name: 'Account', exact: true }).click();
  await expect(lab.sidebar).toContainText('~/.kaggle/access_token');
  await lab.sidebar.getByRole('button', { name: 'Refresh account, quota and runs' }).click();
  await lab.runFirstTime();
  await expect(lab.endedRuns.filter({ hasText: 'signed out' })).toContainText('Complete');
  expect(heard.length).toBeGreaterThan(0);
  expect(heard.join('\n')).not.toContain(TOKEN);
  expect(await page.content()).not.toContain(TOKEN);
  expect(await page.evaluate(() => JSON.stringify({ ...localStorage, ...sessionStorage }))).not.toContain(
    TOKEN
  );
  expect(stage.jupyter.log).not.toContain(TOKEN);

  await lab.sidebar.getByRole('button', { name: 'Sign out' }).click();
  await expect(card).toBeVisible();
  expect(fs.existsSync(file)).toBe(false);
});
