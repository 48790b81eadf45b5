/**
 * The sidebar on a stage: a fresh server and a page around it for every test of a file that imports this.
 */
import { act, fireEvent, render, screen, waitFor, within } from '@testing-library/react';
import * as React from 'react';
import { refreshAll, Sidebar } from '../sidebar/sidebar';
import type { Job } from '../wire';
import { jobWire } from './factory';
import { actionsSpy, giveElementsHeight, Lab, trans } from './lab-server';

export let lab: Lab;
export let actions: ReturnType<typeof actionsSpy>;

beforeEach(() => {
  giveElementsHeight();
  lab = new Lab();
  actions = actionsSpy();
});

afterEach(() => lab.model.dispose());

function Page(): React.ReactElement {
  const [jobId, setJobId] = React.useState('');
  return <Sidebar model={lab.model} trans={trans} actions={actions} jobId={jobId} onShowJob={setJobId} />;
}

/** Draw the sidebar; nothing has been asked for yet. */
export function draw(): void {
  render(<Page />);
}

/** Draw the sidebar and wait until everything asked for has come. */
export async function open(...jobs: Job[]): Promise<void> {
  if (jobs.length > 0) {
    lab.jobs = jobs;
  }
  draw();
  await act(async () => {
    refreshAll(lab.model, false);
    await lab.model.start();
  });
  await waitFor(() => {
    const { account, quota, accelerators } = lab.model;
    expect([account.loading, quota.loading, accelerators.loading]).toEqual([false, false, false]);
  });
}

export function running(changes: Partial<Job> = {}): Job {
  return jobWire({
    status: 'running',
    started_at: new Date(Date.now() - 65_000).toISOString(),
    last_heard_at: new Date().toISOString(),
    ...changes
  });
}

export function ended(changes: Partial<Job> = {}): Job {
  return jobWire({
    status: 'complete',
    started_at: '2026-11-21T08:01:00Z',
    ended_at: '2026-11-21T08:04:20Z',
    ...changes
  });
}

export const button = (name: string | RegExp): HTMLButtonElement =>
  screen.getByRole<HTMLButtonElement>('button', { name });
export const press = (name: string | RegExp): void => void fireEvent.click(button(name));
export const endedRow = (): HTMLElement =>
  within(screen.getByRole('listbox', { name: 'Ended runs' })).getByRole('option');
export const region = (name: string): HTMLElement => screen.getByRole('region', { name });
