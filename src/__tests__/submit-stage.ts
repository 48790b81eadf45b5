/**
 * A server that also takes submissions, and notebooks to submit.
 */
import type { PartialJSONObject } from '@lumino/coreutils';
import type { INotebookSource } from '../notebook-source';
import type { Job, Json, Preview, Profile, SubmitRequest } from '../wire';
import { jobWire, previewWire, profileWire } from './factory';
import { Lab } from './lab-server';

export const PATH = 'work/train.ipynb';

export class SubmitLab extends Lab {
  profile: Profile = profileWire();
  preview: Preview = previewWire();

  constructor() {
    super({ submitRetryMs: [1, 1] });
    this.answers.set('GET profile', () => ({ status: 200, body: this.profile }));
    this.answers.set('PUT profile', () => {
      this.profile = this.bodies<Profile>('PUT profile').at(-1) ?? this.profile;
      return { status: 200, body: this.profile };
    });
    this.answers.set('POST preview', () => ({ status: 200, body: this.preview }));
    this.accept();
  }

  /** Take submissions; the same token is answered with the same run. */
  accept(): void {
    this.answers.set('POST jobs', () => {
      const job = this.jobOf(this.submissions().at(-1));
      return { status: 201, body: job };
    });
  }

  submissions(): SubmitRequest[] {
    return this.bodies<SubmitRequest>('POST jobs');
  }

  bodies<T>(line: string): T[] {
    return this.sent(line) as T[];
  }

  jobOf(request: SubmitRequest | undefined): Job {
    const { client_token = '', accelerator = this.profile.accelerator, title, save_only } = request ?? {};
    return jobWire({
      id: `job-${client_token}`,
      client_token,
      accelerator,
      title: title ?? 'Train digits',
      save_only: save_only ?? false
    });
  }
}

/** An open notebook that can be edited and remembers its metadata. */
export class OpenNotebook implements INotebookSource {
  path = PATH;
  cells: Json[] = [{ cell_type: 'code', source: 'print(1)', outputs: [{ text: '1' }] }];
  metadata: PartialJSONObject = {};

  content(): Promise<Json> {
    return Promise.resolve({ cells: [...this.cells], metadata: this.metadata as Json });
  }

  keep(change: (before: unknown) => PartialJSONObject): void {
    this.metadata = { ...this.metadata, kaggle: change(this.metadata.kaggle) };
  }
}
