import { fileSource, snapshotSource } from '../notebook-source';
import { SubmitFlow, type IChoice, type ISheetRequest } from '../submit-flow';
import type { ApiError, Job } from '../wire';
import { accountWire, jobWire, profileWire } from './factory';
import { OpenNotebook, PATH, SubmitLab } from './submit-stage';

const CHOICE: IChoice = {
  title: '',
  accelerator: 't4x2',
  internet: false,
  private: true,
  time_cap_s: 3600,
  add_version: false,
  keep: false
};

let lab: SubmitLab;
let notebook: OpenNotebook;
let sheets: ISheetRequest[];
let submitted: Job[];
let errors: ApiError[];
let signIns: number;
let asksAlways: boolean;
/** What the user does with the sheet. */
let answerSheet: (request: ISheetRequest) => Promise<Job | null>;
let flow: SubmitFlow;

beforeEach(() => {
  lab = new SubmitLab();
  notebook = new OpenNotebook();
  [sheets, submitted, errors, signIns, asksAlways] = [[], [], [], 0, false];
  answerSheet = request => request.send(CHOICE, request.saveOnly);
  flow = new SubmitFlow({
    model: lab.model,
    openSheet: request => {
      sheets.push(request);
      return answerSheet(request);
    },
    asksAlways: () => asksAlways,
    onSignedOut: () => (signIns += 1),
    onSubmitted: job => submitted.push(job),
    onError: error => errors.push(error)
  });
});

afterEach(() => lab.model.dispose());

function confirmed(): void {
  lab.profile = profileWire({ confirmed: true, accelerator: 't4x2' });
}

describe('the first click', () => {
  it('asks, then sends what was chosen', async () => {
    await flow.run(notebook);
    expect(sheets).toHaveLength(1);
    expect(lab.submissions()).toEqual([
      {
        notebook_path: PATH,
        content: await notebook.content(),
        client_token: expect.stringMatching(/^[0-9a-f-]{36}$/),
        remember: true,
        accelerator: 't4x2',
        internet: false,
        private: true,
        time_cap_s: 3600,
        add_version: false,
        save_only: false
      }
    ]);
    expect(submitted).toHaveLength(1);
  });

  it('sends nothing when the sheet is left', async () => {
    answerSheet = () => Promise.resolve(null);
    expect(await flow.run(notebook)).toBeNull();
    expect([lab.submissions(), submitted, errors]).toEqual([[], [], []]);
    expect(notebook.metadata).toEqual({});
  });

  it('sends a title only when it was typed', async () => {
    answerSheet = request => request.send({ ...CHOICE, title: 'My digits' }, false);
    await flow.run(notebook);
    expect(lab.submissions()[0].title).toBe('My digits');
  });

  it('writes the choice into the notebook only when asked, and sends it so', async () => {
    await lab.model.refreshAccelerators();
    answerSheet = request => request.send({ ...CHOICE, keep: true }, false);
    await flow.run(notebook);
    expect(notebook.metadata.kaggle).toMatchObject({
      accelerator: 'nvidiaTeslaT4',
      isInternetEnabled: false,
      isGpuEnabled: true
    });
    expect(lab.submissions()[0].content).toMatchObject({
      metadata: { kaggle: { accelerator: 'nvidiaTeslaT4' } }
    });
  });
});

describe('later clicks', () => {
  beforeEach(confirmed);

  it('send at once, with what the server remembers', async () => {
    await flow.run(notebook);
    expect(sheets).toHaveLength(0);
    expect(lab.submissions()[0]).not.toHaveProperty('accelerator');
    expect(flow.knownAccelerator(PATH)).toBe('t4x2');
  });

  it('send the notebook as it is at that moment', async () => {
    const first = flow.run(notebook);
    await first;
    notebook.cells.push({ cell_type: 'code', source: 'print(2)' });
    await flow.run(notebook);
    const cells = lab.submissions().map(({ content }) => (content as { cells: unknown[] }).cells.length);
    expect(cells).toEqual([1, 2]);
    const tokens = lab.submissions().map(request => request.client_token);
    expect(new Set(tokens).size).toBe(2);
  });

  it('make one run of a double click', async () => {
    const states: boolean[] = [];
    flow.changed.connect(() => states.push(flow.isSending(PATH)));
    const [first, second] = await Promise.all([flow.run(notebook), flow.run(notebook)]);
    expect(first).toBe(second);
    expect(lab.submissions()).toHaveLength(1);
    expect(submitted).toHaveLength(1);
    expect(states).toContain(true);
    expect([flow.isBusy(PATH), flow.isSending(PATH)]).toEqual([false, false]);
  });

  it('do not hold up another notebook', async () => {
    const other = new OpenNotebook();
    other.path = 'other.ipynb';
    await Promise.all([flow.run(notebook), flow.run(other)]);
    expect(lab.submissions().map(request => request.notebook_path)).toEqual([PATH, 'other.ipynb']);
  });

  it('ask when the setting says so, or the user', async () => {
    await flow.run(notebook, { ask: true });
    asksAlways = true;
    await flow.run(notebook);
    expect(sheets).toHaveLength(2);
  });

  it('save without running', async () => {
    await flow.run(notebook, { saveOnly: true });
    expect(lab.submissions()[0].save_only).toBe(true);
  });

  it('let the server read a file that is not open', async () => {
    await flow.run(fileSource('closed.ipynb'));
    expect(lab.submissions()[0]).not.toHaveProperty('content');
  });

  it('come back with the sheet when the title is taken', async () => {
    const taken = { code: 'title_taken', cause: 'There is one.', remedy: 'Rename.' };
    lab.refuse('POST jobs', 409, taken);
    answerSheet = request => {
      lab.accept();
      return request.send({ ...CHOICE, add_version: true }, false);
    };
    await flow.run(notebook);
    expect(sheets[0].error).toMatchObject(taken);
    expect(lab.submissions().map(request => request.add_version)).toEqual([undefined, true]);
    expect([submitted.length, errors.length]).toEqual([1, 0]);
  });

  it.each([
    [409, 'quota'],
    [422, 'phone_verification'],
    [422, 'no_code'],
    [502, 'kaggle_error']
  ])('tell a refusal (%s %s) once', async (status, code) => {
    lab.refuse('POST jobs', status, { code, cause: 'No.' });
    expect(await flow.run(notebook)).toBeNull();
    expect(errors.map(error => error.code)).toEqual([code]);
    expect([sheets.length, submitted.length]).toEqual([0, 0]);
    expect(flow.isBusy(PATH)).toBe(false);
  });
});

describe('running again', () => {
  it('takes the settings of that run, and asks nothing', async () => {
    const like = jobWire({ accelerator: 'tpu-v5e-8', internet: false, private: false, time_cap_s: null });
    await flow.run(notebook, { like });
    expect(sheets).toHaveLength(0);
    expect(lab.submissions()[0]).toMatchObject({
      accelerator: 'tpu-v5e-8',
      internet: false,
      private: false,
      time_cap_s: 0,
      title: 'Train digits'
    });
  });
});

describe('running again what cannot be read from the notebook', () => {
  it('sends what that run sent, and leaves the notebook’s settings alone', async () => {
    const like = jobWire({ id: 'job-7', partial: true, title: 'digits cell' });
    await flow.run(snapshotSource(like), { like });
    expect(lab.submissions()[0]).toMatchObject({ again: 'job-7', title: 'digits cell', remember: false });
    expect(lab.submissions()[0]).not.toHaveProperty('content');
    expect(flow.knownAccelerator(like.notebook_path)).toBeUndefined();
  });

  it('proposes the run’s settings when the user wants to be asked', async () => {
    asksAlways = true;
    const like = jobWire({ accelerator: 't4x2' });
    await flow.run(notebook, { like });
    expect(sheets[0].like).toBe(like);
    expect(lab.submissions()[0].remember).toBe(false);
  });
});

describe('who is signed in', () => {
  it('is asked for once', async () => {
    confirmed();
    await flow.run(notebook);
    await flow.run(notebook);
    expect(lab.sent('GET account')).toHaveLength(1);
  });

  it('nobody leads to the sign-in card and sends nothing', async () => {
    lab.account = accountWire({ state: 'signed_out' });
    await flow.run(notebook);
    expect([signIns, sheets.length, lab.submissions().length, errors.length]).toEqual([1, 0, 0, 0]);
    lab.account = accountWire();
    await flow.run(notebook);
    expect(lab.submissions()).toHaveLength(1);
  });

  it('cannot be told while Kaggle is out of reach, and does not hinder', async () => {
    confirmed();
    lab.account = accountWire({ state: 'unreachable' });
    await flow.run(notebook);
    expect(lab.submissions()).toHaveLength(1);
  });

  it('is not asked of a server without its Kaggle half', async () => {
    lab.answers.set('GET account', () => ({ status: 404, body: '' }));
    await flow.run(notebook);
    expect(errors.map(error => error.code)).toEqual(['server_missing']);
  });
});

describe('an answer lost for good', () => {
  beforeEach(confirmed);

  it('makes the next click find the run instead of making a second one', async () => {
    lab.answers.set('POST jobs', () => {
      throw new TypeError('connection lost');
    });
    await flow.run(notebook);
    expect(errors.map(error => error.code)).toEqual(['server_unreachable']);
    const sent = lab.submissions();
    lab.jobs = [lab.jobOf(sent[0])];
    lab.accept();
    const job = await flow.run(notebook);
    expect(job?.client_token).toBe(sent[0].client_token);
    expect(lab.submissions()).toHaveLength(sent.length);
    expect(submitted).toHaveLength(1);
  });

  it('makes the second press in the sheet find the run', async () => {
    lab.profile = profileWire();
    lab.answers.set('POST jobs', () => {
      throw new TypeError('connection lost');
    });
    answerSheet = async request => {
      await expect(request.send(CHOICE, false)).rejects.toMatchObject({ code: 'server_unreachable' });
      lab.jobs = [lab.jobOf(lab.submissions()[0])];
      lab.accept();
      return request.send(CHOICE, false);
    };
    const job = await flow.run(notebook);
    expect(job?.client_token).toBe(lab.submissions()[0].client_token);
    expect(new Set(lab.submissions().map(request => request.client_token)).size).toBe(1);
  });

  it.each([502, 503, 504])('is also a proxy that got none (%s)', async status => {
    lab.answers.set('POST jobs', () => ({ status, body: '<html>Bad Gateway</html>' }));
    await flow.run(notebook);
    expect(errors.map(error => error.code)).toEqual(['server_unreachable']);
    const sent = lab.submissions();
    lab.jobs = [lab.jobOf(sent[0])];
    lab.accept();
    expect((await flow.run(notebook))?.client_token).toBe(sent[0].client_token);
    expect(lab.submissions()).toHaveLength(sent.length);
  });

  it('sends anew when the server never got it', async () => {
    lab.answers.set('POST jobs', () => {
      throw new TypeError('connection lost');
    });
    await flow.run(notebook);
    lab.accept();
    await flow.run(notebook);
    const tokens = new Set(lab.submissions().map(request => request.client_token));
    expect([tokens.size, submitted.length]).toEqual([2, 1]);
  });

  it('waits while the server is still away', async () => {
    lab.answers.set('POST jobs', () => {
      throw new TypeError('connection lost');
    });
    await flow.run(notebook);
    lab.reachable = false;
    const before = lab.submissions().length;
    await flow.run(notebook);
    expect(lab.submissions()).toHaveLength(before);
    expect(errors).toHaveLength(2);
  });
});

describe('the accelerator of the menu', () => {
  it('is remembered on the server', async () => {
    confirmed();
    await flow.setAccelerator(PATH, 'tpu-v5e-8');
    expect(lab.bodies('PUT profile')).toEqual([profileWire({ confirmed: true, accelerator: 'tpu-v5e-8' })]);
    expect(flow.knownAccelerator(PATH)).toBe('tpu-v5e-8');
  });

  it('goes before the notebook’s own in the first sheet, and not after it', async () => {
    await flow.setAccelerator(PATH, 'tpu-v5e-8');
    await flow.run(notebook);
    await flow.run(notebook, { ask: true });
    expect(sheets.map(sheet => sheet.accelerator)).toEqual(['tpu-v5e-8', undefined]);
  });
});
