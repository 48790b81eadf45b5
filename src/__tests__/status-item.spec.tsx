import { screen } from '@testing-library/react';
import { Widget } from '@lumino/widgets';
import { StatusItem } from '../status/status-item';
import { accountWire, emulatorAccount, jobWire } from './factory';
import { Lab, trans } from './lab-server';
import { drawFreely, eventually } from './lab-stage';

let lab: Lab;
let item: StatusItem;
let clicks: number;

beforeEach(() => {
  drawFreely();
  lab = new Lab();
  clicks = 0;
  item = new StatusItem(lab.model, trans, () => (clicks += 1));
  Widget.attach(item, document.body);
});

afterEach(() => {
  item.dispose();
  lab.model.dispose();
});

const text = () => screen.getByRole('button').textContent;

it('is hidden when signed out and idle, and says when that changes', async () => {
  let changes = 0;
  item.activeStateChanged.connect(() => (changes += 1));
  lab.account = accountWire({ state: 'signed_out' });
  await Promise.all([lab.model.start(), lab.model.refreshAccount()]);
  expect([item.isActive(), changes]).toEqual([false, 0]);
  lab.account = accountWire();
  await lab.model.refreshAccount(true);
  expect([item.isActive(), changes]).toEqual([true, 1]);
});

it('counts the live runs and asks what is left for them', async () => {
  lab.jobs = [
    jobWire({ id: 'a', status: 'running' }),
    jobWire({ id: 'b', status: 'queued' }),
    jobWire({ id: 'c', status: 'complete' })
  ];
  await lab.model.start();
  await eventually(() => expect(text()).toBe('2 running · 21.4 h'));
  expect(item.isActive()).toBe(true);
  expect(lab.sent('GET quota')).toHaveLength(1);
});

it('asks for no quota while nothing runs', async () => {
  lab.jobs = [jobWire({ status: 'complete' })];
  await lab.model.start();
  expect(lab.sent('GET quota')).toHaveLength(0);
});

it('never lets the emulator pass for Kaggle', async () => {
  const { endpoint } = emulatorAccount();
  lab.jobs = [jobWire({ status: 'running', endpoint })];
  await lab.model.start();
  await eventually(() => expect(text()).toContain('EMULATOR'));
});

it('opens the list', async () => {
  await lab.model.refreshAccount();
  await eventually(() => expect(text()).toBe('Kaggle'));
  screen.getByRole('button').click();
  expect(clicks).toBe(1);
});

it('says when the server is away', async () => {
  lab.jobs = [jobWire({ status: 'running' })];
  await lab.model.start();
  lab.reachable = false;
  await lab.model.refreshJobs();
  await eventually(() => expect(screen.getByRole('button').title).toContain('cannot be reached'));
});
