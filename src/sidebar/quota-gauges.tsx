import * as React from 'react';
import type { TranslationBundle } from '@jupyterlab/translation';
import { describeError, formatAgo, formatHours, formatUntil } from '../format';
import type { IKaggleModel } from '../tokens';
import type { Quota, QuotaShare } from '../wire';
import { useNow } from './hooks';
import { Section } from './notices';

interface IQuotaGaugesProps {
  model: IKaggleModel;
  trans: TranslationBundle;
}

/** GPU and TPU hours of the week: used, reserved by running sessions, left. */
export function QuotaGauges(props: IQuotaGaugesProps): React.ReactElement | null {
  const { model, trans } = props;
  const { value, error, loading } = model.quota;
  const now = useNow(60_000);
  if (!value && !error && !loading) {
    return null;
  }
  return (
    <Section
      label={trans.__('Weekly quota')}
      className="jp-KaggleLab-quota"
      extra={value && <span className="jp-KaggleLab-muted">{resetText(trans, value, now)}</span>}
    >
      {value && (
        <>
          <Gauge trans={trans} label={trans.__('GPU')} share={value.gpu} />
          <Gauge trans={trans} label={trans.__('TPU')} share={value.tpu} />
        </>
      )}
      {!value && loading && <p className="jp-KaggleLab-muted">{trans.__('Asking Kaggle…')}</p>}
      {error && (
        <p className="jp-KaggleLab-muted" role="status">
          {staleText(trans, value, describeError(trans, error).cause, now)}
        </p>
      )}
    </Section>
  );
}

function resetText(trans: TranslationBundle, quota: Quota, now: number): string {
  const until = formatUntil(trans, quota.refreshes_at, now);
  if (until) {
    return trans.__('resets in %1', until);
  }
  return quota.refreshes_at ? trans.__('should have been reset by now') : '';
}

function staleText(trans: TranslationBundle, quota: Quota | undefined, cause: string, now: number): string {
  return quota?.fetched_at ? trans.__('As of %1. %2', formatAgo(trans, quota.fetched_at, now), cause) : cause;
}

interface IGaugeProps {
  trans: TranslationBundle;
  label: string;
  share: QuotaShare | null;
}

function Gauge({ trans, label, share }: IGaugeProps): React.ReactElement {
  if (!share) {
    return (
      <div className="jp-KaggleLab-gauge">
        <span className="jp-KaggleLab-gaugeLabel">{label}</span>
        <span className="jp-KaggleLab-muted">{trans.__('not reported by Kaggle')}</span>
      </div>
    );
  }
  const percent = (seconds: number): string =>
    `${share.allowed_s > 0 ? Math.min(100, (100 * seconds) / share.allowed_s) : 0}%`;
  return (
    <div className="jp-KaggleLab-gauge">
      <span className="jp-KaggleLab-gaugeLabel">{label}</span>
      <span
        className={`jp-KaggleLab-meter${share.left_s <= 0 ? ' jp-mod-empty' : ''}`}
        role="meter"
        aria-label={trans.__('%1 hours this week', label)}
        aria-valuemin={0}
        aria-valuemax={share.allowed_s / 3600}
        aria-valuenow={Math.min(share.allowed_s, share.used_s + share.reserved_s) / 3600}
        aria-valuetext={shareText(trans, share)}
      >
        <span className="jp-KaggleLab-used" style={{ width: percent(share.used_s) }} />
        <span className="jp-KaggleLab-reserved" style={{ width: percent(share.reserved_s) }} />
      </span>
      <span className="jp-KaggleLab-gaugeText" aria-hidden="true">
        {shareText(trans, share)}
      </span>
    </div>
  );
}

function shareText(trans: TranslationBundle, share: QuotaShare): string {
  const hours = (seconds: number): string => formatHours(trans, seconds);
  const left = trans.__('%1 left of %2', hours(share.left_s), hours(share.allowed_s));
  const used = trans.__('%1 used', formatHours(trans, share.used_s, Math.ceil));
  return share.reserved_s > 0
    ? trans.__('%1 · %2 · %3 reserved', left, used, hours(share.reserved_s))
    : trans.__('%1 · %2', left, used);
}
