/**
 * A log or a list of outputs follows its run: its name, and its going.
 */
import { Widget } from '@lumino/widgets';
import { followJob } from '../plugins/views';
import { jobWire } from './factory';
import { Lab } from './lab-server';
import { eventually } from './lab-stage';

const view = { title: (name: string) => `Log: ${name}` };

describe('a view of a run', () => {
  let lab: Lab;
  let widget: Widget;

  beforeEach(() => {
    lab = new Lab();
    widget = new Widget();
    lab.jobs = [jobWire({ status: 'complete', version: 3 }), jobWire({ id: 'job-2', status: 'complete' })];
  });

  afterEach(() => {
    widget.dispose();
    lab.model.dispose();
  });

  it('asks for a run that is not in the list, and is named after it', async () => {
    followJob(widget, view, lab.model, 'job-1');
    await eventually(() => expect(widget.title.label).toBe('Log: Train digits v3'));
  });

  it('closes when its run is taken out of the list, and not with another', async () => {
    await lab.model.start();
    followJob(widget, view, lab.model, 'job-1');
    await lab.model.remove('job-2');
    expect(widget.isDisposed).toBe(false);
    await lab.model.remove('job-1');
    expect(widget.isDisposed).toBe(true);
  });

  it('closes after a reload when its run is gone meanwhile', async () => {
    lab.refuse('GET jobs/job-9', 404, { code: 'no_such_job', cause: 'There is no run.' });
    followJob(widget, view, lab.model, 'job-9');
    await eventually(() => expect(widget.isDisposed).toBe(true));
  });

  it('stays when the server cannot be reached', async () => {
    lab.refuse('GET jobs/job-1', 503, { code: 'server_unreachable', cause: 'Away.' });
    followJob(widget, view, lab.model, 'job-1');
    await eventually(() => expect(lab.sent('GET jobs/job-1')).toHaveLength(1));
    await Promise.resolve();
    expect(widget.isDisposed).toBe(false);
  });
});
