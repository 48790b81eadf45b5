/**
 * The body of the confirm sheet: what will run, where, for how long, and what goes there.
 */
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import {
  describeAccelerator,
  describeError,
  describeQuota,
  formatBytes,
  formatHours,
  formatLimit
} from '../format';
import type { Accelerator, Preview, Problem } from '../wire';
import type { SheetModel } from './sheet-model';

const CAPS_S = [900, 1800, 3600, 7200, 10_800, 21_600, 32_400];

interface IPart {
  readonly model: SheetModel;
  readonly trans: TranslationBundle;
}

export function SubmitSheet(props: IPart): React.ReactElement {
  const { model, trans } = props;
  const [, redraw] = React.useReducer((count: number) => count + 1, 0);
  React.useEffect(() => {
    model.changed.connect(redraw);
    redraw();
    return () => {
      model.changed.disconnect(redraw);
    };
  }, [model]);
  return (
    <div className="jp-KaggleLab-sheet" aria-busy={model.isSending}>
      <EmulatorNote {...props} />
      {model.error && <ProblemNote trans={trans} problem={model.error} />}
      <TitleField {...props} />
      <AcceleratorField {...props} />
      <Switches {...props} />
      <TimeCapField {...props} />
      <WhatIsSent {...props} />
      <Problems {...props} />
      <KeepField {...props} />
      <p className="jp-KaggleLab-hint">
        {isEmulated(model)
          ? trans.__('You can close this tab meanwhile.')
          : trans.__('It runs over there: you can close this tab, or this computer, meanwhile.')}
      </p>
    </div>
  );
}

function EmulatorNote({ model, trans }: IPart): React.ReactElement | null {
  if (!isEmulated(model)) {
    return null;
  }
  return (
    <div className="jp-KaggleLab-note jp-mod-emulator">
      <span className="jp-KaggleLab-badge">{trans.__('EMULATOR')}</span>{' '}
      {trans.__('This runs on this computer, not on Kaggle. There is no GPU but the machine’s own.')}
    </div>
  );
}

function isEmulated(model: SheetModel): boolean {
  return model.lab.account.value?.endpoint.kind === 'emulator';
}

function ProblemNote(props: { trans: TranslationBundle; problem: Problem }): React.ReactElement {
  const { cause, remedy } = describeError(props.trans, props.problem);
  return (
    <div className="jp-KaggleLab-note jp-mod-problem" role="alert">
      <strong>{cause}</strong>
      {remedy && <span> {remedy}</span>}
    </div>
  );
}

function Field(props: {
  label: string;
  htmlFor: string;
  hint?: React.ReactNode;
  children: React.ReactNode;
}): React.ReactElement {
  return (
    <div className="jp-KaggleLab-field">
      <label htmlFor={props.htmlFor}>{props.label}</label>
      {props.children}
      {props.hint && (
        <div className="jp-KaggleLab-hint" id={`${props.htmlFor}-hint`}>
          {props.hint}
        </div>
      )}
    </div>
  );
}

function TitleField({ model, trans }: IPart): React.ReactElement {
  return (
    <Field label={trans.__('Title on Kaggle')} htmlFor="jp-KaggleLab-title" hint={placeText(model, trans)}>
      <input
        id="jp-KaggleLab-title"
        type="text"
        maxLength={50}
        value={model.title}
        placeholder={trans.__('Looking…')}
        aria-describedby="jp-KaggleLab-title-hint"
        disabled={model.isSending}
        onChange={event => model.change({ title: event.target.value })}
      />
      {model.isTitleTaken && (
        <Check
          label={trans.__('Add a version to the notebook that has this title')}
          checked={model.choice.add_version}
          disabled={model.isSending}
          onChange={add_version => model.change({ add_version })}
        />
      )}
    </Field>
  );
}

/** Where on Kaggle it goes. */
function placeText(model: SheetModel, trans: TranslationBundle): string {
  const { preview } = model;
  const user = model.lab.account.value?.username ?? '';
  if (!preview?.slug || !user) {
    return '';
  }
  const place = `${user}/${preview.slug}`;
  return preview.kernel_exists
    ? trans.__('Adds a version to %1', place)
    : trans.__('A new notebook, %1', place);
}

function AcceleratorField({ model, trans }: IPart): React.ReactElement {
  const items = model.lab.accelerators.value?.items ?? [];
  const { accelerator } = model.choice;
  const usual = items.filter(isForEveryone);
  const others = items.filter(item => !isForEveryone(item));
  return (
    <Field
      label={trans.__('Accelerator')}
      htmlFor="jp-KaggleLab-accelerator"
      hint={<AcceleratorHint model={model} trans={trans} />}
    >
      <select
        id="jp-KaggleLab-accelerator"
        value={model.accelerator?.id ?? accelerator}
        aria-describedby="jp-KaggleLab-accelerator-hint"
        disabled={model.isSending}
        onChange={event => model.change({ accelerator: event.target.value })}
      >
        {!model.accelerator && <option value={accelerator}>{accelerator}</option>}
        {usual.map(item => option(item, trans))}
        {others.length > 0 && (
          <optgroup label={trans.__('Not open to everyone, or retired')}>
            {others.map(item => option(item, trans))}
          </optgroup>
        )}
      </select>
    </Field>
  );
}

function isForEveryone(item: Accelerator): boolean {
  return item.availability === 'everyone' || item.availability === 'phone';
}

function option(item: Accelerator, trans: TranslationBundle): React.ReactElement {
  return (
    <option key={item.id} value={item.id}>
      {describeAccelerator(trans, item)}
    </option>
  );
}

function AcceleratorHint({ model, trans }: IPart): React.ReactElement {
  const item = model.accelerator;
  return (
    <>
      {item && <div>{[item.hardware, item.note].filter(Boolean).join('. ')}</div>}
      {item?.replaced_by && (
        <div className="jp-mod-warn">
          {trans.__('Kaggle gives %1 instead.', labelOf(model, item.replaced_by))}
        </div>
      )}
      {item && item.kind !== 'cpu' && <QuotaHint model={model} trans={trans} kind={item.kind} />}
    </>
  );
}

function labelOf(model: SheetModel, id: string): string {
  return model.lab.accelerators.value?.items.find(item => item.id === id)?.label ?? id;
}

function QuotaHint(props: IPart & { kind: 'gpu' | 'tpu' }): React.ReactElement {
  const { model, trans, kind } = props;
  const { value, error, loading } = model.lab.quota;
  const share = value?.[kind];
  if (!share) {
    return <div>{loading ? trans.__('Asking for the quota…') : quotaUnknown(trans, error)}</div>;
  }
  const wanted = model.choice.time_cap_s || model.accelerator?.time_cap_s || 0;
  return (
    <>
      <div>{describeQuota(trans, share, value.refreshes_at)}</div>
      {share.left_s <= 0 && <div className="jp-mod-warn">{trans.__('Nothing is left for a run.')}</div>}
      {share.left_s > 0 && share.left_s < wanted && (
        <div className="jp-mod-warn">
          {trans.__(
            'A run as long as the time limit allows would not fit: %1 are left.',
            formatHours(trans, share.left_s)
          )}
        </div>
      )}
    </>
  );
}

function quotaUnknown(trans: TranslationBundle, error: Problem | undefined): string {
  return error
    ? trans.__('The quota is not known: %1', describeError(trans, error).cause)
    : trans.__('Kaggle does not say how much is left.');
}

function Switches({ model, trans }: IPart): React.ReactElement {
  const { choice } = model;
  return (
    <div className="jp-KaggleLab-field" role="group" aria-label={trans.__('Settings of the run')}>
      <Check
        label={trans.__('Internet in the run')}
        checked={choice.internet}
        disabled={model.isSending}
        onChange={internet => model.change({ internet })}
      />
      <Check
        label={trans.__('Private: only you can see it')}
        checked={choice.private}
        disabled={model.isSending}
        onChange={value => model.change({ private: value })}
      />
      {!choice.private && (
        <div className="jp-KaggleLab-hint jp-mod-warn">
          {trans.__('Everybody will be able to read this notebook, its log and its output files.')}
        </div>
      )}
    </div>
  );
}

function Check(props: {
  label: string;
  checked: boolean;
  disabled: boolean;
  onChange(checked: boolean): void;
}): React.ReactElement {
  return (
    <label className="jp-KaggleLab-check">
      <input
        type="checkbox"
        checked={props.checked}
        disabled={props.disabled}
        onChange={event => props.onChange(event.target.checked)}
      />
      <span>{props.label}</span>
    </label>
  );
}

function TimeCapField({ model, trans }: IPart): React.ReactElement {
  const most = model.accelerator?.time_cap_s || 43_200;
  const { time_cap_s } = model.choice;
  const value = time_cap_s >= most ? 0 : time_cap_s;
  const steps = [...new Set([...CAPS_S.filter(cap => cap < most), ...(value ? [value] : [])])];
  return (
    <Field label={trans.__('Time limit')} htmlFor="jp-KaggleLab-cap">
      <select
        id="jp-KaggleLab-cap"
        value={value}
        disabled={model.isSending}
        onChange={event => model.change({ time_cap_s: Number(event.target.value) })}
      >
        <option value={0}>{trans.__('As long as Kaggle allows (%1)', formatLimit(trans, most))}</option>
        {steps
          .sort((a, b) => a - b)
          .map(cap => (
            <option key={cap} value={cap}>
              {formatLimit(trans, cap)}
            </option>
          ))}
      </select>
    </Field>
  );
}

function WhatIsSent({ model, trans }: IPart): React.ReactElement {
  const { preview } = model;
  return (
    <div className="jp-KaggleLab-field">
      <div className="jp-KaggleLab-fieldName">{trans.__('What will be sent')}</div>
      <div className="jp-KaggleLab-hint" role="status">
        {preview ? <SentText preview={preview} model={model} trans={trans} /> : trans.__('Looking…')}
      </div>
    </div>
  );
}

function SentText({ preview, model, trans }: IPart & { preview: Preview }): React.ReactElement {
  const size = formatBytes(trans, preview.source_bytes);
  const { datasets, competitions, kernels, models } = preview.sources;
  const attached = [...datasets, ...competitions, ...kernels, ...models];
  return (
    <>
      <div>
        {trans._n(
          '%2: %1 code cell, %3. Outputs stay here.',
          '%2: %1 code cells, %3. Outputs stay here.',
          preview.code_cells,
          model.request.source.path,
          size
        )}
      </div>
      {attached.length > 0 && <div>{trans.__('Attached on Kaggle: %1', attached.join(', '))}</div>}
      {preview.warnings.map(warning => (
        <div key={warning} className="jp-mod-warn">
          {warning}
        </div>
      ))}
    </>
  );
}

/** What stands in the way, unless the last attempt has just said the same. */
function Problems({ model, trans }: IPart): React.ReactElement {
  const found = model.previewError ? [model.previewError] : (model.preview?.problems ?? []);
  const news = found.filter(problem => problem.code !== model.error?.code);
  return (
    <>
      {news.map(problem => (
        <ProblemNote key={problem.code + problem.cause} trans={trans} problem={problem} />
      ))}
    </>
  );
}

function KeepField({ model, trans }: IPart): React.ReactElement | null {
  if (!model.request.source.keep) {
    return null;
  }
  return (
    <div className="jp-KaggleLab-field">
      <Check
        label={trans.__(
          'Keep accelerator and internet in the notebook too (its metadata, as Kaggle writes it)'
        )}
        checked={model.choice.keep}
        disabled={model.isSending}
        onChange={keep => model.change({ keep })}
      />
    </div>
  );
}
